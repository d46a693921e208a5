/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/web/server.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include <fems/util.h>
#include "plugins/web/answer.h"
#include "plugins/web/guard.h"
#include "plugins/web/routes.h"

#define BODY_MAX      65536u     /* bytes of a request's body */
#define DISCARD_MAX   (1u << 20) /* what is read and thrown away before the line is cut */
#define HEADER_MEMORY 24576u     /* libmicrohttpd answers 431 or 414 beyond */
#define IDLE_S        30u        /* a client that neither sends nor reads; suspended ones do not count */
#define LOG_EVERY_S   10         /* one line of libmicrohttpd; dropped clients make hundreds */

struct server {
	struct server_parts parts;
	struct MHD_Daemon *daemon;
	time_t last_log; /* only on the server's thread and while it starts or stops */
	unsigned suppressed;
};

struct request {
	const struct route *route; /* NULL: a file */
	char *body;
	size_t len, seen;
	struct job *job;
};

__attribute__((format(printf, 2, 0))) static void on_log(void *cls, const char *fmt, va_list ap)
{
	struct server *s = cls;
	const struct fems_host *host = s->parts.host;
	struct timespec now;
	char text[300];

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (s->last_log && now.tv_sec - s->last_log < LOG_EVERY_S) {
		s->suppressed++;
		return;
	}
	vsnprintf(text, sizeof text, fmt, ap);
	text[strcspn(text, "\r\n")] = '\0';
	host->log(host->ctx, FEMS_LOG_DEBUG, "http: %s (%u more since the last)", text, s->suppressed);
	s->last_log = now.tv_sec;
	s->suppressed = 0;
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned problem, const char *detail)
{
	return answer_problem(c, problem, detail, NULL, NULL);
}

static bool is_read(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static bool is_json(const char *type)
{
	return type && strncasecmp(type, "application/json", 16) == 0 && strchr(" ;", type[16]);
}

/* What can be judged by the headers alone. *answered: a refusal was queued. */
static enum MHD_Result judge(struct server *s, struct MHD_Connection *c, const char *url, const char *method,
			     struct request *rq, bool *answered)
{
	const char *host = header(c, "Host"), *length = header(c, "Content-Length"), *allow;
	const struct web_settings *cfg = s->parts.cfg;

	*answered = true;
	if (!host)
		return refuse(c, PROBLEM_BAD_REQUEST, "the header Host is missing");
	if (!guard_host(host, &cfg->hosts, s->parts.own_name))
		return refuse(c, PROBLEM_HOST, host);
	rq->route = route_find(method, url, &allow);
	if (!rq->route && allow)
		return answer_problem(c, PROBLEM_METHOD, method, NULL, allow);
	if (!rq->route && strncmp(url, "/api/", 5) == 0)
		return refuse(c, PROBLEM_NOT_FOUND, url);
	if (!rq->route && !is_read(method))
		return answer_problem(c, PROBLEM_METHOD, method, NULL, "GET, HEAD");
	if (!is_read(method) &&
	    !guard_origin(header(c, "X-Fems"), header(c, "Sec-Fetch-Site"), header(c, "Origin"), host))
		return refuse(c, PROBLEM_ORIGIN, NULL);
	if (length && (strlen(length) > 6 || strtoul(length, NULL, 10) > BODY_MAX))
		return refuse(c, PROBLEM_TOO_LARGE, NULL);
	if (length && strcmp(length, "0") != 0 && !is_json(header(c, "Content-Type")))
		return refuse(c, PROBLEM_TYPE, NULL);
	*answered = false;
	return MHD_YES;
}

static enum MHD_Result begin(struct server *s, struct MHD_Connection *c, const char *url, const char *method,
			     void **con_cls)
{
	struct request *rq = calloc(1, sizeof *rq);
	bool answered;

	if (!rq)
		return MHD_NO;
	*con_cls = rq;
	return judge(s, c, url, method, rq, &answered);
}

/* Keeps up to BODY_MAX bytes. MHD_NO cuts the line of a client that does not stop sending. */
static enum MHD_Result append(struct request *rq, const char *data, size_t *size)
{
	size_t n = *size;

	*size = 0;
	rq->seen += n;
	if (rq->seen > DISCARD_MAX)
		return MHD_NO;
	if (rq->seen > BODY_MAX || !n)
		return MHD_YES;
	if (!rq->body)
		rq->body = malloc(BODY_MAX);
	if (!rq->body)
		return MHD_NO;
	memcpy(rq->body + rq->len, data, n);
	rq->len += n;
	return MHD_YES;
}

/* The page's own settings: which language to begin with. */
static enum MHD_Result answer_page(struct server *s, struct MHD_Connection *c)
{
	static const char *const languages[] = { "null", "\"ko\"", "\"en\"" };
	char text[64], *body;

	snprintf(text, sizeof text, "{\"language\":%s}", languages[s->parts.cfg->language]);
	body = strdup(text);
	return body ? answer_json(c, body, strlen(body)) : MHD_NO;
}

static enum MHD_Result answer_events(struct server *s, struct MHD_Connection *c)
{
	int full;
	enum MHD_Result ok = hub_answer(s->parts.hub, c, header(c, "Last-Event-ID"), &full);

	return full ? refuse(c, PROBLEM_BUSY, "too many live pages are open") : ok;
}

/* Hands the call to the pool; the answer follows when the connection is resumed. */
static enum MHD_Result call(struct server *s, struct MHD_Connection *c, const char *url, struct request *rq)
{
	struct fems_error e = { .key = NULL };
	enum fems_rc rc;
	json_t *o = route_request(rq->route, c, url, rq->body, rq->len, &rc, &e);
	char *text;

	if (!o)
		return answer_problem(c, rc == FEMS_ENOMEM ? PROBLEM_MEMORY : PROBLEM_BAD_PARAMETER, e.text,
				      e.key, NULL);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (!text)
		return refuse(c, PROBLEM_MEMORY, NULL);
	rq->job = pool_call(s->parts.pool, c, rq->route->service, text);
	return rq->job ? MHD_YES : refuse(c, PROBLEM_BUSY, NULL);
}

static enum MHD_Result finish(struct server *s, struct MHD_Connection *c, struct request *rq)
{
	struct job_result r;

	pool_take(s->parts.pool, rq->job, &r);
	rq->job = NULL;
	if (r.rc == FEMS_OK && !r.reply) {
		r.reply = strdup("{}");
		r.len = 2;
	}
	if (r.rc == FEMS_OK && r.reply)
		return answer_json(c, r.reply, r.len);
	free(r.reply);
	if (r.stopped)
		return refuse(c, PROBLEM_STOPPING, NULL);
	return answer_problem(c, PROBLEM_SERVICE + (unsigned)r.rc, r.err.text, r.key[0] ? r.key : NULL, NULL);
}

static enum MHD_Result dispatch(struct server *s, struct MHD_Connection *c, const char *url,
				struct request *rq)
{
	enum MHD_Result ok;
	int found;

	if (rq->seen > BODY_MAX)
		return refuse(c, PROBLEM_TOO_LARGE, NULL);
	if (!rq->route) {
		ok = files_answer(s->parts.files, c, url, &found);
		return found ? ok : refuse(c, PROBLEM_NOT_FOUND, url);
	}
	switch (rq->route->kind) {
	case ROUTE_EVENTS:
		return answer_events(s, c);
	case ROUTE_PAGE:
		return answer_page(s, c);
	default:
		return call(s, c, url, rq);
	}
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
				  const char *version, const char *data, size_t *size, void **con_cls)
{
	struct server *s = cls;
	struct request *rq = *con_cls;

	(void)version;
	if (!rq)
		return begin(s, c, url, method, con_cls);
	if (*size)
		return append(rq, data, size);
	if (rq->job)
		return pool_ready(s->parts.pool, rq->job) ? finish(s, c, rq) : MHD_YES;
	return dispatch(s, c, url, rq);
}

static void on_completed(void *cls, struct MHD_Connection *c, void **con_cls,
			 enum MHD_RequestTerminationCode why)
{
	struct server *s = cls;
	struct request *rq = *con_cls;

	(void)c;
	(void)why;
	if (!rq)
		return;
	if (rq->job)
		pool_drop(s->parts.pool, rq->job);
	free(rq->body);
	free(rq);
	*con_cls = NULL;
}

enum fems_rc server_start(const struct server_parts *parts, int fd, struct server **out, struct fems_error *e)
{
	struct server *s = calloc(1, sizeof *s);

	*out = NULL;
	if (!s) {
		close(fd);
		return fems_fail(e, FEMS_ENOMEM, "out of memory");
	}
	s->parts = *parts;
	s->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
		on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_log, s, MHD_OPTION_LISTEN_SOCKET,
		(MHD_socket)fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)parts->cfg->max_connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		(unsigned)parts->cfg->max_per_address, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HEADER_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_END);
	if (!s->daemon) {
		close(fd);
		free(s);
		return fems_fail(e, FEMS_EIO,
				 "the HTTP server does not start; check the limits of threads and "
				 "open files of femsd");
	}
	*out = s;
	return FEMS_OK;
}

void server_stop(struct server *s)
{
	if (!s)
		return;
	MHD_stop_daemon(s->daemon);
	free(s);
}
