/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/sim/erp.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/json.h"

#define BODY_MAX (32u << 20)

struct erp_server {
	struct erp *erp;
	struct MHD_Daemon *daemon;
};

struct call { /* one request */
	struct MHD_Connection *connection;
	const char *method, *path;
	struct buf body;
	bool too_large;
};

struct answer {
	int status;
	struct buf body;
	const char *type;
	char etag[48];
	int retry_after_s;
	bool drop; /* close without an answer */
};

/* ---- faults, for tests ---- */

static const struct {
	const char *name;
	enum erp_fault fault;
} fault_names[] = {
	{ "off", FAULT_NONE },  { "down", FAULT_DOWN },     { "500", FAULT_500 },
	{ "slow", FAULT_SLOW }, { "badxml", FAULT_BADXML }, { "retry-after", FAULT_RETRY_AFTER },
	{ "lost", FAULT_LOST },
};

static enum erp_fault next_fault(struct erp *erp, const char *path)
{
	enum erp_fault f = erp->fault;

	if (strncmp(path, "/b2mml/", 7) != 0 || f == FAULT_NONE)
		return FAULT_NONE;
	if (--erp->fault_count <= 0)
		erp->fault = FAULT_NONE;
	return f;
}

static enum fems_rc set_fault(struct erp *erp, const json_t *j, struct fems_error *e)
{
	const char *mode;
	int64_t count = 1, ms = 3000;
	enum fems_rc rc = json_get_str(j, "fault", "mode", false, &mode, e);

	if (rc == FEMS_OK)
		rc = json_get_int(j, "fault", "count", true, &count, e);
	if (rc == FEMS_OK)
		rc = json_get_int(j, "fault", "ms", true, &ms, e);
	if (rc != FEMS_OK)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(fault_names); i++) {
		if (strcmp(fault_names[i].name, mode) == 0) {
			erp->fault = fault_names[i].fault;
			erp->fault_count = (int)count;
			erp->fault_ms = (int)ms;
			return FEMS_OK;
		}
	}
	return err_set(e, FEMS_EINVAL,
		       "fault: mode is none of off, down, 500, slow, badxml, retry-after, lost");
}

/* ---- routes; called with the lock held ---- */

static void fail(struct answer *a, int status, const char *text)
{
	a->status = status;
	buf_add(&a->body, "{\"error\":");
	buf_json(&a->body, text);
	buf_add(&a->body, "}\n");
}

static void give_json(struct answer *a, json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT);

	json_decref(j);
	if (text)
		buf_add(&a->body, text);
	else
		a->body.failed = true;
	buf_add(&a->body, "\n");
	free(text);
}

static void get_schedule(struct erp *erp, const struct call *c, struct answer *a)
{
	const char *known = MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, "If-None-Match");

	erp_schedule_xml(erp, clock_now_us(), &a->body);
	a->type = "application/xml";
	snprintf(a->etag, sizeof a->etag, "\"%s\"", erp->digest);
	erp->served++;
	if (known && strcmp(known, a->etag) == 0) {
		buf_clear(&a->body);
		a->status = MHD_HTTP_NOT_MODIFIED;
	}
}

static void get_status(struct erp *erp, const struct call *c, struct answer *a)
{
	(void)c;
	a->type = "text/plain; charset=utf-8";
	buf_addf(&a->body,
		 "fems-erp, an ERP stand-in\norders %zu\nschedule served %u times\nmessages received %u, "
		 "kept %zu\n",
		 erp->n_orders, erp->served, erp->received, erp->n_messages);
}

static void get_dispatch(struct erp *erp, const struct call *c, struct answer *a)
{
	(void)c;
	erp_roll(erp, clock_now_us());
	give_json(a, erp_dispatch_json(erp, clock_now_us()));
}

static void get_received(struct erp *erp, const struct call *c, struct answer *a)
{
	(void)c;
	give_json(a, erp_received_json(erp));
}

static void post_message(struct erp *erp, const struct call *c, struct answer *a)
{
	erp->received++;
	a->status = erp_receive(erp, c->path + strlen("/b2mml/"), c->body.ptr ? c->body.ptr : "", c->body.len,
				clock_now_us(), &a->body);
}

static void post_order(struct erp *erp, const struct call *c, struct answer *a)
{
	struct fems_error e = { "", NULL };
	struct erp_order *o;
	json_t *j = NULL;

	erp_roll(erp, clock_now_us());
	if (json_parse(buf_span(&c->body), &j, &e) != FEMS_OK ||
	    erp_order_add(erp, j, clock_now_us(), &o, &e) != FEMS_OK) {
		fail(a, MHD_HTTP_BAD_REQUEST, e.text);
	} else {
		a->status = MHD_HTTP_CREATED;
		buf_addf(&a->body, "{\"id\":\"%s\",\"segment\":\"%s-10\"}\n", o->id, o->id);
	}
	json_decref(j);
}

static void post_fault(struct erp *erp, const struct call *c, struct answer *a)
{
	struct fems_error e = { "", NULL };
	json_t *j = NULL;

	if (json_parse(buf_span(&c->body), &j, &e) != FEMS_OK || set_fault(erp, j, &e) != FEMS_OK)
		fail(a, MHD_HTTP_BAD_REQUEST, e.text);
	else
		buf_add(&a->body, "{}\n");
	json_decref(j);
}

static const struct route {
	const char *method, *path;
	void (*run)(struct erp *, const struct call *, struct answer *);
} routes[] = {
	{ "GET", "/", get_status },
	{ "GET", "/b2mml/operations-schedule", get_schedule },
	{ "POST", "/b2mml/operations-schedule", post_message },
	{ "POST", "/b2mml/operations-performance", post_message },
	{ "POST", "/b2mml/confirm-bod", post_message },
	{ "GET", "/dispatch.json", get_dispatch },
	{ "GET", "/received.json", get_received },
	{ "POST", "/orders", post_order },
	{ "POST", "/fault", post_fault },
};

static void run_route(struct erp *erp, const struct call *c, struct answer *a)
{
	bool path_known = false;

	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (strcmp(routes[i].path, c->path) != 0)
			continue;
		path_known = true;
		if (strcmp(routes[i].method, c->method) == 0) {
			routes[i].run(erp, c, a);
			return;
		}
	}
	fail(a, path_known ? MHD_HTTP_METHOD_NOT_ALLOWED : MHD_HTTP_NOT_FOUND, "nothing here");
}

/* ---- one request ---- */

static void respond(struct erp *erp, const struct call *c, struct answer *a)
{
	enum erp_fault fault;
	int wait_ms = 0;

	pthread_mutex_lock(&erp->lock);
	fault = next_fault(erp, c->path);
	if (fault == FAULT_500) {
		fail(a, MHD_HTTP_INTERNAL_SERVER_ERROR, "a fault of the ERP");
	} else if (fault == FAULT_RETRY_AFTER) {
		fail(a, MHD_HTTP_SERVICE_UNAVAILABLE, "busy");
		a->retry_after_s = 7;
	} else if (fault == FAULT_DOWN) {
		a->drop = true;
	} else if (c->too_large) {
		fail(a, MHD_HTTP_CONTENT_TOO_LARGE, "too large");
	} else {
		run_route(erp, c, a);
		a->drop = fault == FAULT_LOST;
		wait_ms = fault == FAULT_SLOW ? erp->fault_ms : 0;
	}
	if (fault == FAULT_BADXML && a->body.len > 100) {
		a->body.len /= 2;
		snprintf(a->etag, sizeof a->etag, "\"broken\"");
	}
	pthread_mutex_unlock(&erp->lock);
	if (wait_ms)
		poll(NULL, 0, wait_ms);
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct answer *a)
{
	struct MHD_Response *r;
	enum MHD_Result ok;
	char number[16];

	if (a->drop || a->body.failed)
		return MHD_NO;
	r = MHD_create_response_from_buffer(a->body.len, a->body.ptr ? a->body.ptr : (char *)"",
					    MHD_RESPMEM_MUST_COPY);
	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", a->type);
	if (a->etag[0])
		MHD_add_response_header(r, "ETag", a->etag);
	if (a->retry_after_s) {
		snprintf(number, sizeof number, "%d", a->retry_after_s);
		MHD_add_response_header(r, "Retry-After", number);
	}
	ok = MHD_queue_response(connection, (unsigned)a->status, r);
	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data, size_t *n,
				  void **state)
{
	struct erp_server *s = ctx;
	struct call *c = *state;
	struct answer a = { .status = MHD_HTTP_OK, .type = "application/json" };
	enum MHD_Result ok;

	(void)version;
	if (!c) {
		*state = calloc(1, sizeof *c);
		return *state ? MHD_YES : MHD_NO;
	}
	if (*n) {
		c->too_large = c->too_large || c->body.len + *n > BODY_MAX;
		if (!c->too_large)
			buf_add_n(&c->body, data, *n);
		*n = 0;
		return c->body.failed ? MHD_NO : MHD_YES;
	}
	c->connection = connection;
	c->method = method;
	c->path = url;
	respond(s->erp, c, &a);
	ok = send_answer(connection, &a);
	buf_free(&a.body);
	return ok;
}

static void on_done(void *ctx, struct MHD_Connection *connection, void **state,
		    enum MHD_RequestTerminationCode why)
{
	struct call *c = *state;

	(void)ctx, (void)connection, (void)why;
	if (!c)
		return;
	buf_free(&c->body);
	free(c);
	*state = NULL;
}

/* ---- life ---- */

enum fems_rc erp_server_open(struct erp *erp, const char *address, int port, struct erp_server **out,
			     struct fems_error *e)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct erp_server *s = calloc(1, sizeof *s);

	*out = NULL;
	if (!s)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	if (inet_pton(AF_INET, address, &sa.sin_addr) != 1) {
		free(s);
		return err_set(e, FEMS_EINVAL, "%s is not an IPv4 address", address);
	}
	s->erp = erp;
	s->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION,
				     (uint16_t)port, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR, &sa,
				     MHD_OPTION_NOTIFY_COMPLETED, on_done, NULL,
				     MHD_OPTION_CONNECTION_TIMEOUT, 30u, MHD_OPTION_CONNECTION_LIMIT, 64u,
				     MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
	if (!s->daemon) {
		free(s);
		return err_set(e, FEMS_EIO, "%s:%d cannot be listened on; is another program there?", address,
			       port);
	}
	*out = s;
	return FEMS_OK;
}

int erp_server_port(const struct erp_server *s)
{
	return MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void erp_server_close(struct erp_server *s)
{
	MHD_stop_daemon(s->daemon);
	free(s);
}
