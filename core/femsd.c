/* SPDX-License-Identifier: Apache-2.0
 *
 * femsd: options, signals, and the loop. Everything else is in core/daemon.
 */
#include "config.h"

#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/daemon/check.h"
#include "core/daemon/daemon.h"
#include "core/daemon/notify.h"

static const char usage[] =
	"usage: femsd [--config FILE]           run (default " FEMS_SYSCONF_DIR "/fems.yaml)\n"
	"       femsd --check [FILE]            every fault of the settings, then exit\n"
	"       femsd --sample PLUGIN           its settings as commented YAML\n"
	"       femsd --version | --help\n"
	"\n"
	"SIGHUP reads the settings again: completely, or not at all. SIGTERM stops within 3 s.\n"
	"exit: 0 ok, 1 failed, 2 usage, 3 faults in the settings\n";

static void on_stop(void *ctx, int signo)
{
	struct daemon *d = ctx;

	log_line(FEMS_LOG_INFO, "femsd", "stopping on %s", signo == SIGINT ? "SIGINT" : "SIGTERM");
	loop_stop(d->loop);
}

static void on_reload(void *ctx, int signo)
{
	(void)signo;
	notify_state("RELOADING=1");
	daemon_reload(ctx);
	notify_state("READY=1");
}

static void on_watchdog(void *ctx, int64_t due_us)
{
	(void)ctx;
	(void)due_us;
	notify_state("WATCHDOG=1");
}

static void on_step(void *ctx, int64_t step_us)
{
	(void)ctx;
	log_line(FEMS_LOG_WARN, "femsd", "the clock was set by %+lld ms; demand windows follow the new time",
		 (long long)(step_us / 1000));
}

static enum fems_rc watch_signals(struct daemon *d, struct fems_error *e)
{
	enum fems_rc rc = loop_signal(d->loop, SIGTERM, on_stop, d, e);

	if (!rc)
		rc = loop_signal(d->loop, SIGINT, on_stop, d, e);
	if (!rc)
		rc = loop_signal(d->loop, SIGHUP, on_reload, d, e);
	return rc;
}

/* Before the first thread is made: a signal that one of them did not block would end the process. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGPIPE); /* a peer that went away is an error of its write */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int run(const char *path)
{
	static struct daemon d;
	struct fems_error e = { .text = "" };
	enum fems_rc rc;

	mallopt(M_ARENA_MAX,
		2); /* many threads, little memory: an arena for each would keep what all have freed */
	block_signals();
	rc = clock_init(&e);
	if (!rc)
		rc = daemon_open(&d, path, &e);
	if (!rc && (rc = watch_signals(&d, &e)))
		daemon_close(&d);
	if (rc) {
		log_line(FEMS_LOG_ERROR, "femsd", "%s", e.text);
		log_flush();
		return rc == FEMS_EINVAL ? 3 : 1;
	}
	loop_on_clock_step(d.loop, on_step, &d);
	if (notify_watchdog_us())
		loop_every(d.loop, notify_watchdog_us(), 0, on_watchdog, NULL);
	notify_state("READY=1");
	log_line(FEMS_LOG_INFO, "femsd", "%s runs at \"%s\"", PACKAGE_STRING, d.site->name);
	loop_run(d.loop);
	notify_state("STOPPING=1");
	daemon_close(&d);
	log_flush();
	return 0;
}

static int sample(const char *name)
{
	struct fems_error e = { .text = "" };
	struct plug_module *m;
	const struct fems_plugin *p;
	char *own, *device;

	if (plug_load(name, FEMS_PLUGIN_DIR, &m, &e)) {
		fprintf(stderr, "femsd: %s\n", e.text);
		return 1;
	}
	p = plug_module_descriptor(m);
	own = p->keys ? conf_sample(p->keys, 4) : NULL;
	device = p->device_keys ? conf_sample(p->device_keys, 4) : NULL;
	printf("# %s %s: %s\nplugins:\n  - plugin: %s\n%s", p->name, p->version, p->summary, p->name,
	       own ? own : "");
	if (device)
		printf("meters:\n  - plugin: %s\n%s", p->name, device);
	free(own);
	free(device);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "config", 1, NULL, 'c' }, { "check", 2, NULL, 'C' },
					       { "sample", 1, NULL, 's' }, { "version", 0, NULL, 'v' },
					       { "help", 0, NULL, 'h' },   { NULL, 0, NULL, 0 } };
	const char *path = FEMS_SYSCONF_DIR "/fems.yaml";
	int c;

	while ((c = getopt_long(argc, argv, "c:hv", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			path = optarg;
			break;
		case 'C':
			if (!optarg && optind < argc)
				optarg = argv[optind];
			return check_settings(optarg ? optarg : path, false) ? 3 : 0;
		case 's':
			return sample(optarg);
		case 'v':
			puts(PACKAGE_STRING);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fputs(usage, stderr);
		return 2;
	}
	return run(path);
}
