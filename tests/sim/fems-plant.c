/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/text.h"
#include "tests/sim/plant.h"

static volatile sig_atomic_t stopping;

static const char usage[] =
	"usage: fems-plant [options]                      serve the virtual plant on Modbus/TCP\n"
	"       fems-plant --history FILE --from T --to T write 15-minute energies as CSV\n"
	"       fems-plant --control SOCKET COMMAND ...   talk to a running plant\n"
	"\n"
	"  --listen ADDRESS   address of the meters (127.0.0.1)\n"
	"  --port N           port of the first meter, the others follow (15020)\n"
	"  --erp URL          the ERP's dispatch list; without it the shop floor invents its own work\n"
	"  --seed N           the same seed, the same plant (1)\n"
	"  --zone NAME        time zone (Asia/Seoul)\n"
	"  --control SOCKET   unix socket for commands: list, unplug METER, plug METER, show METER\n"
	"  --from, --to       RFC 3339 times with offset\n"
	"\n"
	"FEMS_CLOCK=START_US,EPOCH_US,SPEED runs it on another clock.\n";

struct options {
	const char *address, *erp, *control, *zone, *history;
	int port;
	int64_t seed, from_us, to_us;
};

static void on_signal(int signo)
{
	(void)signo;
	stopping = 1;
}

static int control_socket(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || !str_copy(a.sun_path, sizeof a.sun_path, path))
		return -1;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 4)) {
		fprintf(stderr, "fems-plant: %s: %s\n", path, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

static void show(const struct plant *p, int i, struct text *out)
{
	const struct plant_device *d = &p->dev[i];

	text_addf(out, "%s power_w=%lld import_wh=%lld export_wh=%lld running=%d shed=%d unplugged=%d map=%s",
		  d->name, (long long)d->power_w, (long long)(d->import_ws / 3600),
		  (long long)(d->export_ws / 3600), d->running, d->shed, d->unplugged, plant_map_name(p, i));
	if (d->kind == KIND_BATTERY)
		text_addf(out, " stored_wh=%lld setpoint_w=%lld", (long long)(d->stored_ws / 3600),
			  (long long)d->setpoint_w);
	text_add(out, "\n");
}

static void command(struct plant *p, struct plant_server *s, const char *line, struct text *out)
{
	char verb[16] = "", name[32] = "";
	struct plant_device *d;

	if (sscanf(line, "%15s %31s", verb, name) < 1)
		return;
	if (!strcmp(verb, "list")) {
		for (int i = 0; i < p->n; i++)
			show(p, i, out);
		return;
	}
	d = plant_find(p, name);
	if (!d)
		text_addf(out, "error: no meter \"%s\"; try: list\n", name);
	else if (!strcmp(verb, "unplug") || !strcmp(verb, "plug"))
		plant_server_plug(s, (int)(d - p->dev), verb[0] == 'p');
	else if (strcmp(verb, "show"))
		text_addf(out, "error: no command \"%s\" (list, show, plug, unplug)\n", verb);
	if (d && !out->len)
		show(p, (int)(d - p->dev), out);
}

static void control_serve(int listener, struct plant *p, struct plant_server *s)
{
	struct timeval tv = { .tv_usec = 200000 };
	struct text out = { 0 };
	char line[128];
	ssize_t n;
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	n = recv(fd, line, sizeof line - 1, 0);
	if (n > 0) {
		line[n] = '\0';
		command(p, s, line, &out);
		if (out.len && send(fd, out.ptr, out.len, MSG_NOSIGNAL) < 0)
			fprintf(stderr, "fems-plant: control: %s\n", strerror(errno));
	}
	text_free(&out);
	close(fd);
}

static int control_client(const char *path, int argc, char **argv)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct text line = { 0 };
	char buf[4096];
	bool failed = false;
	ssize_t n;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	for (int i = 0; i < argc; i++)
		text_addf(&line, "%s%s", i ? " " : "", argv[i]);
	if (fd < 0 || !str_copy(a.sun_path, sizeof a.sun_path, path) ||
	    connect(fd, (struct sockaddr *)&a, sizeof a) || send(fd, line.ptr, line.len, MSG_NOSIGNAL) < 0) {
		fprintf(stderr, "fems-plant: %s: %s\n", path, strerror(errno));
		text_free(&line);
		return 4;
	}
	text_free(&line);
	while ((n = recv(fd, buf, sizeof buf, 0)) > 0) {
		failed = failed || !strncmp(buf, "error:", 6);
		fwrite(buf, 1, (size_t)n, failed ? stderr : stdout);
	}
	close(fd);
	return failed ? 1 : 0;
}

static int serve(const struct options *o, struct zone *zone)
{
	static struct plant plant;
	struct plant_floor *floor = NULL;
	struct plant_server *server;
	int control = -1;

	plant_init(&plant, (uint64_t)o->seed, zone, clock_now_us() - US_PER_MIN);
	plant.invent_jobs = !o->erp;
	server = plant_server_open(&plant, o->address, o->port);
	if (!server)
		return 1;
	if (o->control && (control = control_socket(o->control)) < 0)
		return 1;
	if (o->erp)
		floor = plant_floor_open(o->erp);
	fprintf(stderr, "fems-plant: %d meters on %s, ports %d to %d\n", plant.n, o->address, o->port,
		o->port + plant.n - 1);
	while (!stopping) {
		fd_set set;
		struct timeval none = { 0 };

		plant_server_poll(server, 50);
		if (floor)
			plant_floor_take(floor, &plant);
		plant_run(&plant, clock_now_us(), 1);
		FD_ZERO(&set);
		if (control >= 0)
			FD_SET(control, &set);
		if (control >= 0 && select(control + 1, &set, NULL, NULL, &none) > 0)
			control_serve(control, &plant, server);
	}
	if (floor)
		plant_floor_close(floor);
	plant_server_close(server);
	if (o->control)
		unlink(o->control);
	return 0;
}

static int history(const struct options *o, struct zone *zone)
{
	static struct plant plant;

	if (!o->from_us || !o->to_us || o->from_us >= o->to_us) {
		fprintf(stderr, "fems-plant: --history wants --from and --to, in this order\n");
		return 2;
	}
	plant_init(&plant, (uint64_t)o->seed, zone, o->from_us);
	return plant_history_write(&plant, o->from_us, o->to_us, o->history);
}

static bool time_option(const char *s, const char *name, int64_t *out)
{
	if (time_parse(s, NULL, out))
		return true;
	fprintf(stderr, "fems-plant: --%s %s: want a time such as 2026-11-01T00:00:00+09:00\n", name, s);
	return false;
}

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "listen", 1, NULL, 'l' },  { "port", 1, NULL, 'p' }, { "erp", 1, NULL, 'e' },
		{ "seed", 1, NULL, 's' },    { "zone", 1, NULL, 'z' }, { "control", 1, NULL, 'c' },
		{ "history", 1, NULL, 'H' }, { "from", 1, NULL, 'f' }, { "to", 1, NULL, 't' },
		{ "help", 0, NULL, 'h' },    { NULL, 0, NULL, 0 },
	};
	int64_t port = 15020;
	bool ok = true;
	int c;

	*o = (struct options){ .address = "127.0.0.1", .zone = "Asia/Seoul", .seed = 1 };
	while (ok && (c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'l':
			o->address = optarg;
			break;
		case 'p':
			ok = str_int64(optarg, &port) && port > 0 && port < 65500;
			break;
		case 'e':
			o->erp = optarg;
			break;
		case 's':
			ok = str_int64(optarg, &o->seed);
			break;
		case 'z':
			o->zone = optarg;
			break;
		case 'c':
			o->control = optarg;
			break;
		case 'H':
			o->history = optarg;
			break;
		case 'f':
			ok = time_option(optarg, "from", &o->from_us);
			break;
		case 't':
			ok = time_option(optarg, "to", &o->to_us);
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			ok = false;
		}
	}
	o->port = (int)port;
	if (!ok)
		fputs(usage, stderr);
	return ok ? 0 : 2;
}

int main(int argc, char **argv)
{
	struct fems_error e = { 0 };
	struct options o;
	struct zone *zone;
	int rc = parse(argc, argv, &o);

	if (rc)
		return rc;
	if (o.control && optind < argc)
		return control_client(o.control, argc - optind, argv + optind);
	if (zone_open(o.zone, &zone, &e) || clock_init(&e)) {
		fprintf(stderr, "fems-plant: %s\n", e.text);
		return 2;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGPIPE, SIG_IGN);
	rc = o.history ? history(&o, zone) : serve(&o, zone);
	zone_free(zone);
	return rc;
}
