/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/sim/erp.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/text.h"

static const char usage[] =
	"usage: fems-erp [OPTION...]\n"
	"An ERP stand-in: serves a production plan as B2MML over HTTP and takes the answers.\n\n"
	"  --listen ADDR:PORT  where to serve (default 127.0.0.1:8095; port 0: any free one)\n"
	"  --seed N            of its plan (default 1)\n"
	"  --keep DIR          keeps every message it receives as a file there\n"
	"  --zone NAME         its time zone (default Asia/Seoul)\n"
	"  --help\n\n"
	"FEMS_CLOCK in the environment sets its clock. GET / tells what happened so far.\n";

struct options {
	char address[64];
	int64_t port, seed;
	const char *keep, *zone;
};

static bool listen_of(struct options *o, const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;

	if (!colon || n >= sizeof o->address || !str_int64(colon + 1, &o->port) || o->port < 0 ||
	    o->port > 65535)
		return false;
	memcpy(o->address, text, n);
	o->address[n] = '\0';
	return true;
}

/* 0: go on; else the exit code + 1. */
static int read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "listen", required_argument, NULL, 'l' }, { "seed", required_argument, NULL, 's' },
		{ "keep", required_argument, NULL, 'k' },   { "zone", required_argument, NULL, 'z' },
		{ "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
	};
	bool ok = true;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return 1;
		}
		if (c == 'l')
			ok = ok && listen_of(o, optarg);
		else if (c == 's')
			ok = ok && str_int64(optarg, &o->seed);
		else if (c == 'k')
			o->keep = optarg;
		else if (c == 'z')
			o->zone = optarg;
		else
			ok = false;
	}
	if (ok && optind == argc)
		return 0;
	fputs(usage, stderr);
	return 3;
}

static enum fems_rc serve(const struct options *o, struct zone *zone, const sigset_t *wait,
			  struct fems_error *e)
{
	struct erp erp;
	struct erp_server *server;
	enum fems_rc rc = erp_open(&erp, (uint64_t)o->seed, zone, o->keep, e);
	int got;

	if (rc != FEMS_OK)
		return rc;
	rc = erp_server_open(&erp, o->address, (int)o->port, &server, e);
	if (rc == FEMS_OK) {
		printf("fems-erp: http://%s:%d/\n", o->address, erp_server_port(server));
		fflush(stdout);
		sigwait(wait, &got);
		erp_server_close(server);
	}
	erp_close(&erp);
	return rc;
}

int main(int argc, char **argv)
{
	struct options o = { "127.0.0.1", 8095, 1, NULL, "Asia/Seoul" };
	struct fems_error e = { "", NULL };
	struct zone *zone = NULL;
	sigset_t wait;
	int stop = read_options(argc, argv, &o);
	enum fems_rc rc;

	if (stop)
		return stop - 1;
	sigemptyset(&wait);
	sigaddset(&wait, SIGTERM);
	sigaddset(&wait, SIGINT);
	sigprocmask(SIG_BLOCK, &wait, NULL); /* inherited by every thread; sigwait takes them */
	rc = clock_init(&e);
	if (rc == FEMS_OK && sodium_init() < 0)
		rc = err_set(&e, FEMS_ENOMEM, "libsodium cannot be started");
	if (rc == FEMS_OK)
		rc = zone_open(o.zone, &zone, &e);
	if (rc == FEMS_OK)
		rc = serve(&o, zone, &wait, &e);
	zone_free(zone);
	if (rc != FEMS_OK)
		fprintf(stderr, "fems-erp: %s\n", e.text);
	return rc == FEMS_OK ? 0 : 1;
}
