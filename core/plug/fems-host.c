/* SPDX-License-Identifier: Apache-2.0
 *
 * fems-host: the process of one isolated plugin ("isolate: true"). Started by femsd with a socket as
 * descriptor 3; gets everything through it, nothing by arguments or environment.
 */
#include "config.h"
#include "core/plug/child.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"

#define SOCKET_FD 3

static int is_socket(int fd)
{
	int type = 0;
	socklen_t len = sizeof type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

/* What goes to the whole terminal or service is for femsd, which then stops us in order; should it die,
 * the kernel ends us. */
static void leave_signals_to_femsd(void)
{
	static const int signals[] = { SIGINT, SIGHUP, SIGTERM, SIGPIPE };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaction(signals[i], &ignore, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

int main(int argc, char **argv)
{
	struct fems_error e = { .text = "" };

	if (argc != 2 || !is_socket(SOCKET_FD)) {
		fprintf(stderr,
			"fems-host is a part of femsd, which starts it for plugins with \"isolate: true\"\n");
		return 2;
	}
	leave_signals_to_femsd();
	prctl(PR_SET_NAME, argv[1]);
	(void)close_range(SOCKET_FD + 1, ~0u, 0);
	if (clock_init(&e)) {
		log_line(FEMS_LOG_ERROR, argv[1], "%s", e.text);
		return 2;
	}
	return child_run(SOCKET_FD);
}
