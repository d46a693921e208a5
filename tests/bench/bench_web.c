/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_web [SECONDS [CLIENTS]]: the real web.so with CLIENTS open event streams and one event of 1 KB each
 * second (beside the plugin's own "power"): time from the notice to its arrival at each client, p99.
 * Beside it, in the same run, the floor: the same bytes written to as many bare loopback sockets by one
 * thread. Prints lines for people and one JSON line.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <poll.h>
#include <fems/util.h>
#include "tests/plugin/web_host.h"

#define TARGET_US   50000
#define PAD         900
#define MAX_SECONDS 3600

struct line { /* the end of the text read so far, for a mark that is cut by a read */
	int fd;
	size_t len;
	char tail[4096];
};

struct listener {
	pthread_t thread;
	int epoll;
	struct line *lines;
	size_t n;
	double *delays_us;
	size_t got, cap;
	atomic_bool stop;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static enum fems_rc answer(const char *service, struct fems_span request, fems_reply_fn reply, void *ctx,
			   struct fems_error *e)
{
	(void)request;
	(void)e;
	reply(ctx, fems_span_of(strcmp(service, "meters.list")
					? "{}"
					: "{\"meters\":[{\"name\":\"main\"},{\"name\":\"press\"}]}"));
	return FEMS_OK;
}

/* Finds each complete sent_us=N; of the text and notes the delay. */
static void note_marks(struct listener *l, struct line *c, int64_t now_us)
{
	char *at = c->tail, *mark, *end;

	while ((mark = strstr(at, "sent_us="))) {
		int64_t sent = strtoll(mark + 8, &end, 10);

		if (*end != ';')
			break; /* the rest of it comes with the next read */
		if (l->got < l->cap)
			l->delays_us[l->got++] = (double)(now_us - sent);
		at = end;
	}
	if (!mark && strlen(at) > 40)
		at += strlen(at) - 40;
	else if (mark)
		at = mark;
	c->len = strlen(at);
	memmove(c->tail, at, c->len + 1);
}

static void read_line(struct listener *l, struct line *c)
{
	ssize_t n = recv(c->fd, c->tail + c->len, sizeof c->tail - c->len - 1, MSG_DONTWAIT);

	if (n <= 0)
		return;
	c->len += (size_t)n;
	c->tail[c->len] = '\0';
	note_marks(l, c, web_now_us());
}

static void *listen_all(void *arg)
{
	struct listener *l = arg;
	struct epoll_event ev[64];

	while (!atomic_load(&l->stop)) {
		int n = epoll_wait(l->epoll, ev, 64, 100);

		for (int i = 0; i < n; i++)
			read_line(l, ev[i].data.ptr);
	}
	return NULL;
}

static struct listener *listener_new(size_t clients, size_t events)
{
	struct listener *l = calloc(1, sizeof *l);

	if (!l)
		die("calloc");
	l->n = clients;
	l->cap = clients * events;
	l->lines = calloc(clients, sizeof *l->lines);
	l->delays_us = calloc(l->cap, sizeof *l->delays_us);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!l->lines || !l->delays_us || l->epoll < 0)
		die("listener");
	return l;
}

static void listener_add(struct listener *l, size_t i, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &l->lines[i] };

	l->lines[i].fd = fd;
	if (fd < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
		die("client");
}

static void listener_run(struct listener *l)
{
	if (pthread_create(&l->thread, NULL, listen_all, l) != 0)
		die("thread");
}

static void listener_end(struct listener *l)
{
	atomic_store(&l->stop, true);
	pthread_join(l->thread, NULL);
	for (size_t i = 0; i < l->n; i++)
		close(l->lines[i].fd);
	close(l->epoll);
	free(l->lines);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double percentile(struct listener *l, double p)
{
	if (!l->got)
		return -1;
	qsort(l->delays_us, l->got, sizeof *l->delays_us, by_value);
	return l->delays_us[(size_t)((double)(l->got - 1) * p)];
}

static size_t event_text(char *buf, size_t size, const char *pad)
{
	return (size_t)snprintf(buf, size, "{\"pad\":\"%s\",\"note\":\"sent_us=%lld;\"}", pad,
				(long long)web_now_us());
}

static double cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* One listener and the same bytes from one thread to bare sockets. */
static struct listener *floor_run(size_t clients, int seconds, const char *pad)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof sa;
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), *peers = calloc(clients, sizeof *peers);
	struct listener *l = listener_new(clients, (size_t)seconds);
	char text[2048];

	if (server < 0 || !peers || bind(server, (struct sockaddr *)&sa, sizeof sa) != 0 ||
	    listen(server, 511) != 0 || getsockname(server, (struct sockaddr *)&sa, &len) != 0)
		die("floor");
	for (size_t i = 0; i < clients; i++) {
		listener_add(l, i, web_connect(ntohs(sa.sin_port), 0));
		peers[i] = accept(server, NULL, NULL);
	}
	listener_run(l);
	for (int s = 0; s < seconds; s++) {
		size_t n = event_text(text, sizeof text, pad);

		for (size_t i = 0; i < clients; i++)
			web_send(peers[i], text, n);
		poll(NULL, 0, 100);
	}
	listener_end(l);
	for (size_t i = 0; i < clients; i++)
		close(peers[i]);
	close(server);
	free(peers);
	return l;
}

static void open_streams(struct listener *l, int port)
{
	static const char request[] = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";

	for (size_t i = 0; i < l->n; i++) {
		int fd = web_connect(port, 0);

		if (fd < 0 || !web_send(fd, request, sizeof request - 1))
			die("client");
		listener_add(l, i, fd);
	}
}

static struct listener *web_run(struct web_host *host, size_t clients, int seconds, const char *pad)
{
	struct listener *l = listener_new(clients, (size_t)seconds);
	char text[2048];

	open_streams(l, web_host_port(host));
	listener_run(l);
	poll(NULL, 0, 1500);
	for (int s = 0; s < seconds; s++) {
		event_text(text, sizeof text, pad);
		web_host_notice(host, "performance", text);
		poll(NULL, 0, 1000);
	}
	listener_end(l);
	return l;
}

static struct web_host *start_host(char *dir, size_t clients)
{
	const char *top = getenv("top_builddir");
	struct fems_error e = { .key = NULL };
	struct web_host *host;
	char path[1024];
	FILE *f;

	if (!mkdtemp(dir))
		die(dir);
	snprintf(path, sizeof path, "%s/page", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/page/index.html", dir);
	f = fopen(path, "w");
	if (!f || fclose(f) != 0)
		die(path);
	snprintf(path, sizeof path, "%s/plugins/web/.libs/web.so", top ? top : ".");
	host = web_host_new(path, dir, answer);
	web_host_set_int(host, "max_connections", (int64_t)clients + 32);
	web_host_set_int(host, "max_per_address", (int64_t)clients + 32);
	if (web_host_start(host, &e) != FEMS_OK) {
		fprintf(stderr, "bench_web: %s\n", e.text);
		exit(1);
	}
	return host;
}

static void remove_dir(const char *dir)
{
	static const char *const names[] = { "page/index.html", "page", "address", "" };
	char path[300];

	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		remove(path);
	}
}

int main(int argc, char **argv)
{
	long seconds = argc > 1 ? strtol(argv[1], NULL, 10) : 20,
	     clients = argc > 2 ? strtol(argv[2], NULL, 10) : 500;
	struct rlimit files;
	struct rusage u;
	char pad[PAD + 1], dir[] = "/tmp/fems-bench-web-XXXXXX";
	struct listener *bare, *web;
	struct web_host *host;
	double cpu, p99, floor99;
	bool all;

	if (seconds < 1 || seconds > MAX_SECONDS || clients < 1 || clients > 4000) {
		fprintf(stderr, "usage: bench_web [SECONDS 1-3600 [CLIENTS 1-4000]]\n");
		return 2;
	}
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	memset(pad, 'x', PAD);
	pad[PAD] = '\0';
	bare = floor_run((size_t)clients, (int)seconds, pad);
	host = start_host(dir, (size_t)clients);
	cpu = cpu_s();
	web = web_run(host, (size_t)clients, (int)seconds, pad);
	cpu = cpu_s() - cpu;
	web_host_stop(host);
	web_host_close(host);
	web_host_free(host);
	remove_dir(dir);
	getrusage(RUSAGE_SELF, &u);
	all = web->got == web->cap;
	p99 = percentile(web, 0.99);
	floor99 = percentile(bare, 0.99);
	printf("# %ld clients, %ld s: %zu of %zu events arrived; p50 %.1f ms, p99 %.1f ms, max %.1f ms; bare "
	       "sockets p99 %.1f ms\n",
	       clients, seconds, web->got, web->cap, percentile(web, 0.5) / 1e3, p99 / 1e3,
	       percentile(web, 1) / 1e3, floor99 / 1e3);
	printf("# CPU of server and clients together %.2f s; highest resident memory of both %ld KB\n", cpu,
	       u.ru_maxrss);
	printf("{\"name\":\"%ld live pages at 1 Hz, "
	       "p99\",\"value\":%.1f,\"unit\":\"ms\",\"target\":%d,\"beside\":\"bare sockets, p99\","
	       "\"beside_value\":%.1f,\"met\":%s}\n",
	       clients, p99 / 1e3, TARGET_US / 1000, floor99 / 1e3,
	       all && p99 <= TARGET_US ? "true" : "false");
	free(bare->delays_us);
	free(bare);
	free(web->delays_us);
	free(web);
	return 0;
}
