/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/plugin/web_host.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <fems/util.h>

struct web_host {
	struct fems_host host;
	void *so;
	const struct fems_plugin *plugin;
	char *cfg;
	char state_dir[300], page_dir[320];
	void *self;
	int port;
	atomic_int logged[8];
	web_call_fn call;
};

static _Atomic int64_t plant_now_us = 1767225600000000; /* 2026-01-01T00:00:00Z */

int64_t web_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

__attribute__((format(printf, 3, 4))) static void host_log(void *ctx, enum fems_level level, const char *fmt,
							   ...)
{
	struct web_host *h = ctx;
	va_list ap;

	for (int i = level; i < 8; i++)
		atomic_fetch_add(&h->logged[i], 1);
	if (!getenv("WEB_HOST_LOG"))
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

static int64_t host_now(void *ctx)
{
	(void)ctx;
	return atomic_load(&plant_now_us);
}

static uint32_t host_find(void *ctx, const char *name)
{
	(void)ctx;
	if (strcmp(name, "main/power.active") == 0)
		return 1;
	return strcmp(name, "press/power.active") == 0 ? 2 : 0;
}

static enum fems_rc host_subscribe(void *ctx, const char *pattern, struct fems_error *e)
{
	(void)ctx;
	return strcmp(pattern, "*/power.active") == 0 ? FEMS_OK : fems_fail(e, FEMS_EINVAL, "%s", pattern);
}

static enum fems_rc host_call(void *ctx, const char *name, struct fems_span request, fems_reply_fn reply,
			      void *reply_ctx, struct fems_error *e)
{
	struct web_host *h = ctx;

	return h->call(name, request, reply, reply_ctx, e);
}

static const char *host_state_dir(void *ctx)
{
	struct web_host *h = ctx;

	return h->state_dir;
}

static const char *host_instance(void *ctx)
{
	(void)ctx;
	return "web";
}

static const struct fems_key *key_of(struct web_host *h, const char *name)
{
	const struct fems_key *k = h->plugin->keys;

	while (k->name && strcmp(k->name, name) != 0)
		k++;
	if (!k->name)
		abort();
	return k;
}

void web_host_set_int(struct web_host *h, const char *key, int64_t value)
{
	memcpy(h->cfg + key_of(h, key)->off, &value, sizeof value);
}

void web_host_set_str(struct web_host *h, const char *key, const char *value)
{
	memcpy(h->cfg + key_of(h, key)->off, &value, sizeof value);
}

void web_host_set_list(struct web_host *h, const char *key, const char *const *items, size_t n)
{
	struct fems_list list = { items, n };

	memcpy(h->cfg + key_of(h, key)->off, &list, sizeof list);
}

static void set_defaults(struct web_host *h)
{
	for (const struct fems_key *k = h->plugin->keys; k->name; k++) {
		if (k->type == FEMS_T_INT)
			web_host_set_int(h, k->name, strtoll(k->def, NULL, 10));
		else if (k->type == FEMS_T_STR || k->type == FEMS_T_PATH)
			web_host_set_str(h, k->name, k->def);
	}
	web_host_set_str(h, "listen", "127.0.0.1:0");
	web_host_set_str(h, "root", h->page_dir);
}

struct web_host *web_host_new(const char *so, const char *dir, web_call_fn call)
{
	struct web_host *h = calloc(1, sizeof *h);

	if (!h)
		abort();
	h->host = (struct fems_host){ .size = sizeof h->host,
				      .abi_major = FEMS_ABI_MAJOR,
				      .abi_minor = FEMS_ABI_MINOR,
				      .ctx = h,
				      .log = host_log,
				      .now_us = host_now,
				      .find = host_find,
				      .subscribe = host_subscribe,
				      .call = host_call,
				      .state_dir = host_state_dir,
				      .instance = host_instance };
	h->call = call;
	snprintf(h->state_dir, sizeof h->state_dir, "%s", dir);
	snprintf(h->page_dir, sizeof h->page_dir, "%s/page", dir);
	h->so = dlopen(so, RTLD_NOW | RTLD_LOCAL);
	h->plugin = h->so ? dlsym(h->so, "fems_plugin_1") : NULL;
	if (!h->plugin) {
		fprintf(stderr, "# %s\n", dlerror());
		abort();
	}
	h->cfg = calloc(1, h->plugin->cfg_size);
	if (!h->cfg)
		abort();
	set_defaults(h);
	return h;
}

void web_host_free(struct web_host *h)
{
	free(h->cfg);
	free(h); /* the library stays loaded: its threads' stacks name its code in reports of sanitizers */
}

const struct fems_plugin *web_host_plugin(struct web_host *h)
{
	return h->plugin;
}

static struct fems_settings settings_of(struct web_host *h)
{
	return (struct fems_settings){ sizeof(struct fems_settings), h->cfg, { NULL, 0 } };
}

enum fems_rc web_host_check(struct web_host *h, struct fems_error *e)
{
	struct fems_settings s = settings_of(h);

	return h->plugin->life->check(&s, e);
}

static int read_port(struct web_host *h)
{
	char path[400], url[100] = "";
	FILE *f;

	snprintf(path, sizeof path, "%s/address", h->state_dir);
	f = fopen(path, "r");
	if (f && !fgets(url, sizeof url, f))
		url[0] = '\0';
	if (f)
		fclose(f);
	return strrchr(url, ':') ? (int)strtol(strrchr(url, ':') + 1, NULL, 10) : 0;
}

enum fems_rc web_host_start(struct web_host *h, struct fems_error *e)
{
	struct fems_settings s = settings_of(h);
	enum fems_rc rc = h->plugin->life->open(&h->host, &s, &h->self, e);

	if (rc == FEMS_OK)
		rc = h->plugin->life->start(h->self, e);
	if (rc != FEMS_OK) {
		web_host_close(h);
		return rc;
	}
	h->port = read_port(h);
	return FEMS_OK;
}

int web_host_port(struct web_host *h)
{
	return h->port;
}

void web_host_stop(struct web_host *h)
{
	h->plugin->life->stop(h->self);
}

void web_host_close(struct web_host *h)
{
	if (h->self)
		h->plugin->life->close(h->self);
	h->self = NULL;
}

void web_host_notice(struct web_host *h, const char *topic, const char *body)
{
	if (h->plugin->analysis->notice(h->self, topic, fems_span_of(body)) != FEMS_OK)
		abort();
}

void web_host_feed(struct web_host *h, uint32_t point, double value, int64_t t_us, uint32_t quality)
{
	struct fems_sample s = { .t_us = t_us, .value = value, .point = point, .quality = quality };

	if (h->plugin->analysis->feed(h->self, &s, 1, 0) != FEMS_OK)
		abort();
}

void web_host_set_now(int64_t now_us)
{
	atomic_store(&plant_now_us, now_us);
}

int web_host_logged(struct web_host *h, enum fems_level level)
{
	return atomic_load(&h->logged[level]);
}

/* ---- HTTP ---- */

int web_connect(int port, int rcvbuf)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && rcvbuf)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

bool web_send(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

struct input {
	char *buf;
	size_t len, cap;
};

/* One more read, or false at the end, at an error or when the time is over. */
static bool more(int fd, struct input *in, int64_t until_us)
{
	struct pollfd p = { fd, POLLIN, 0 };
	int64_t left = until_us - web_now_us();
	ssize_t n;

	if (in->cap - in->len < 65536) {
		in->cap += 262144;
		in->buf = realloc(in->buf, in->cap);
		if (!in->buf)
			abort();
	}
	if (left < 0 || poll(&p, 1, (int)(left / 1000) + 1) <= 0)
		return false;
	n = recv(fd, in->buf + in->len, in->cap - in->len - 1, 0);
	if (n <= 0)
		return false;
	in->len += (size_t)n;
	in->buf[in->len] = '\0';
	return true;
}

const char *web_header(const struct web_answer *a, const char *name, char *buf, size_t size)
{
	size_t n = strlen(name);

	for (const char *line = a->head; line && *line;
	     line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		if (strncasecmp(line, name, n) != 0 || line[n] != ':')
			continue;
		line += n + 1 + strspn(line + n + 1, " ");
		snprintf(buf, size, "%.*s", (int)strcspn(line, "\r\n"), line);
		return buf;
	}
	return NULL;
}

bool web_read_answer(int fd, bool head_only, struct web_answer *a, int64_t budget_us)
{
	int64_t until = web_now_us() + budget_us;
	struct input in = { NULL, 0, 0 };
	char *split = NULL, value[32];
	size_t want, at;

	memset(a, 0, sizeof *a);
	while (!split && more(fd, &in, until))
		split = strstr(in.buf, "\r\n\r\n");
	if (!split) {
		free(in.buf);
		return false;
	}
	a->status = (int)strtol(in.buf + strcspn(in.buf, " "), NULL, 10);
	a->head = strndup(in.buf, (size_t)(split - in.buf));
	at = (size_t)(split - in.buf) + 4;
	want = !head_only && web_header(a, "Content-Length", value, sizeof value) ? strtoul(value, NULL, 10)
										  : 0;
	while (in.len - at < want && more(fd, &in, until))
		;
	a->len = in.len - at < want ? in.len - at : want;
	a->body = calloc(1, a->len + 1);
	if (!a->body || !a->head)
		abort();
	memcpy(a->body, in.buf + at, a->len);
	free(in.buf);
	return true;
}

bool web_ask(int port, const char *method, const char *path, const char *headers, const char *body,
	     struct web_answer *a)
{
	size_t n = body ? strlen(body) : 0, size = strlen(path) + strlen(headers) + n + 300;
	int fd = web_connect(port, 0);
	char *text = malloc(size), length[60] = "";
	bool ok;

	if (!text || fd < 0)
		abort();
	if (body)
		snprintf(length, sizeof length, "Content-Length: %zu\r\n", n);
	snprintf(text, size, "%s %s HTTP/1.1\r\n%s%s%s\r\n%s", method, path,
		 strstr(headers, "Host:") ? "" : "Host: localhost\r\n", headers, length, body ? body : "");
	web_send(fd, text, strlen(text));
	ok = web_read_answer(fd, strcmp(method, "HEAD") == 0, a, 5000000);
	free(text);
	close(fd);
	return ok;
}

void web_answer_free(struct web_answer *a)
{
	free(a->head);
	free(a->body);
	memset(a, 0, sizeof *a);
}
