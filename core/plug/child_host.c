/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/child.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/err.h"

#define BATCH 16384 /* samples in one frame */

__attribute__((format(printf, 3, 4))) static void h_log(void *ctx, enum fems_level level, const char *fmt,
							...)
{
	struct child *c = ctx;
	struct text t = { 0 };
	char line[2000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	wire_u32(&t, level);
	wire_str(&t, line);
	wire_send(&c->port, WIRE_LOG, 0, &t);
	text_free(&t);
}

static int64_t h_now_us(void *ctx)
{
	(void)ctx;
	return clock_now_us();
}

static bool is_stopping(const struct child *c)
{
	return __atomic_load_n(&c->stopping, __ATOMIC_ACQUIRE);
}

static enum fems_rc h_wait_until(void *ctx, int64_t t_us)
{
	struct child *c = ctx;

	if (!is_stopping(c))
		clock_wait_until(t_us, &c->stopping);
	return is_stopping(c) ? FEMS_AGAIN : FEMS_OK;
}

/* Asks with what is in t, and frees t. Nothing behind the error is of interest. */
static enum fems_rc ask_plain(struct child *c, enum wire_kind kind, struct text *t, struct fems_error *e)
{
	struct wire_frame answer;
	struct wire_in in;
	enum fems_rc rc = child_ask(c, kind, t, &answer, &in, e);

	text_free(t);
	free(answer.data);
	return rc;
}

static uint32_t ask_id(struct child *c, enum wire_kind kind, struct text *t, struct fems_error *e)
{
	struct wire_frame answer = { 0 };
	struct wire_in in;
	uint32_t id = 0;

	if (!child_ask(c, kind, t, &answer, &in, e))
		id = wire_get_u32(&in);
	text_free(t);
	free(answer.data);
	return id;
}

static uint32_t h_point(void *ctx, const struct fems_point_info *from, struct fems_error *e)
{
	struct child *c = ctx;
	struct fems_point_info info = { 0 };
	struct text t = { 0 };
	uint32_t id;

	memcpy(&info, from, from->size < sizeof info ? from->size : sizeof info);
	wire_u32(&t, info.flags);
	wire_str(&t, info.device);
	wire_str(&t, info.quantity);
	wire_f64(&t, info.resolution);
	wire_f64(&t, info.write_min);
	wire_f64(&t, info.write_max);
	id = ask_id(c, WIRE_POINT, &t, e);
	if (id && !idset_add(&c->own, id)) {
		err_set(e, FEMS_ENOMEM, "out of memory");
		return 0;
	}
	return id;
}

static uint32_t h_find(void *ctx, const char *name)
{
	struct text t = { 0 };

	wire_str(&t, name);
	return ask_id(ctx, WIRE_FIND, &t, NULL);
}

static enum fems_rc h_emit(void *ctx, const struct fems_sample *s, size_t n)
{
	struct child *c = ctx;
	bool ok = true;

	if (idset_stranger(&c->own, s, n))
		return FEMS_EINVAL;
	while (ok && n) {
		size_t part = n < BATCH ? n : BATCH;
		struct text t = { 0 };

		wire_bytes(&t, s, part * sizeof *s);
		ok = wire_send(&c->port, WIRE_EMIT, 0, &t);
		text_free(&t);
		s += part;
		n -= part;
	}
	return ok ? FEMS_OK : FEMS_AGAIN;
}

static void h_device_state(void *ctx, const char *device, enum fems_device_state state, const char *why)
{
	struct child *c = ctx;
	struct text t = { 0 };

	wire_str(&t, device);
	wire_u32(&t, state);
	wire_str(&t, why);
	wire_send(&c->port, WIRE_STATE, 0, &t);
	text_free(&t);
}

static enum fems_rc h_subscribe(void *ctx, const char *pattern, struct fems_error *e)
{
	struct text t = { 0 };

	wire_str(&t, pattern);
	return ask_plain(ctx, WIRE_SUBSCRIBE, &t, e);
}

static enum fems_rc h_publish(void *ctx, const char *topic, struct fems_span body)
{
	struct text t = { 0 };

	wire_str(&t, topic);
	wire_bytes(&t, body.ptr, body.len);
	return ask_plain(ctx, WIRE_PUBLISH, &t, NULL);
}

static enum fems_rc h_document(void *ctx, const char *type, const char *key, struct fems_span body,
			       struct fems_error *e)
{
	struct text t = { 0 };

	if (type && body.len > MAX_BODY) /* would not fit into a frame; the rest is judged by femsd */
		return err_set(e, FEMS_EINVAL, "document %.60s of %zu bytes: the limit is 8 MiB", type,
			       body.len);
	wire_str(&t, type);
	wire_str(&t, key);
	wire_bytes(&t, body.ptr, body.len);
	return ask_plain(ctx, WIRE_DOCUMENT, &t, e);
}

static enum fems_rc h_call(void *ctx, const char *name, struct fems_span request, fems_reply_fn reply,
			   void *reply_ctx, struct fems_error *e)
{
	struct wire_frame answer;
	struct wire_in in;
	struct text t = { 0 };
	enum fems_rc rc;

	if (request.len > MAX_BODY)
		return err_set(e, FEMS_EINVAL, "request to %.60s of %zu bytes: the limit is 8 MiB", name,
			       request.len);
	wire_str(&t, name);
	wire_bytes(&t, request.ptr, request.len);
	rc = child_ask(ctx, WIRE_SERVICE, &t, &answer, &in, e);
	text_free(&t);
	if (!rc && reply)
		reply(reply_ctx, wire_get_bytes(&in));
	free(answer.data);
	return rc;
}

static enum fems_rc h_command(void *ctx, const char *point, double value, const char *reason,
			      struct fems_error *e)
{
	struct text t = { 0 };

	wire_str(&t, point);
	wire_f64(&t, value);
	wire_str(&t, reason);
	return ask_plain(ctx, WIRE_COMMAND, &t, e);
}

static const char *h_state_dir(void *ctx)
{
	return ((struct child *)ctx)->state_dir;
}

static const char *h_instance(void *ctx)
{
	return ((struct child *)ctx)->name;
}

void child_host_init(struct child *c)
{
	c->host = (struct fems_host){
		.size = sizeof c->host,
		.abi_major = FEMS_ABI_MAJOR,
		.abi_minor = FEMS_ABI_MINOR,
		.ctx = c,
		.log = h_log,
		.now_us = h_now_us,
		.wait_until = h_wait_until,
		.point = h_point,
		.find = h_find,
		.emit = h_emit,
		.device_state = h_device_state,
		.subscribe = h_subscribe,
		.publish = h_publish,
		.document = h_document,
		.call = h_call,
		.command = h_command,
		.state_dir = h_state_dir,
		.instance = h_instance,
	};
}
