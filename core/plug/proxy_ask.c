/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/proxy_state.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include <fems/util.h>

#define MAX_SAMPLES 65536

/* A question or a message of the child: reads it, does it by the host table, writes what follows the
 * error in the answer. */
typedef enum fems_rc (*ask_fn)(const struct fems_host *, struct wire_in *, struct text *out,
			       struct fems_error *);

static enum fems_rc ask_log(const struct fems_host *h, struct wire_in *in, struct text *out,
			    struct fems_error *e)
{
	uint32_t level = wire_get_u32(in);

	(void)out;
	(void)e;
	h->log(h->ctx, (enum fems_level)(level <= FEMS_LOG_DEBUG ? level : FEMS_LOG_DEBUG), "%s",
	       wire_get_text(in));
	return FEMS_OK;
}

static enum fems_rc ask_emit(const struct fems_host *h, struct wire_in *in, struct text *out,
			     struct fems_error *e)
{
	struct fems_span bytes = wire_get_bytes(in);
	size_t n = bytes.len / sizeof(struct fems_sample);
	struct fems_sample *copy;

	(void)out;
	if (in->bad || !n || n > MAX_SAMPLES)
		return FEMS_OK;
	copy = malloc(n * sizeof *copy); /* the frame's bytes are not aligned */
	if (!copy)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	memcpy(copy, bytes.ptr, n * sizeof *copy);
	h->emit(h->ctx, copy, n);
	free(copy);
	return FEMS_OK;
}

static enum fems_rc ask_state(const struct fems_host *h, struct wire_in *in, struct text *out,
			      struct fems_error *e)
{
	const char *device = wire_get_text(in);
	uint32_t state = wire_get_u32(in);

	(void)out;
	(void)e;
	h->device_state(h->ctx, device, (enum fems_device_state)state, wire_get_text(in));
	return FEMS_OK;
}

static enum fems_rc ask_point(const struct fems_host *h, struct wire_in *in, struct text *out,
			      struct fems_error *e)
{
	struct fems_point_info info = { .size = sizeof info };
	uint32_t id;

	info.flags = wire_get_u32(in);
	info.device = wire_get_str(in);
	info.quantity = wire_get_str(in);
	info.resolution = wire_get_f64(in);
	info.write_min = wire_get_f64(in);
	info.write_max = wire_get_f64(in);
	id = h->point(h->ctx, &info, e);
	wire_u32(out, id);
	return id ? FEMS_OK : FEMS_EINVAL;
}

static enum fems_rc ask_find(const struct fems_host *h, struct wire_in *in, struct text *out,
			     struct fems_error *e)
{
	(void)e;
	wire_u32(out, h->find(h->ctx, wire_get_text(in)));
	return FEMS_OK;
}

static enum fems_rc ask_subscribe(const struct fems_host *h, struct wire_in *in, struct text *out,
				  struct fems_error *e)
{
	(void)out;
	return h->subscribe(h->ctx, wire_get_text(in), e);
}

static enum fems_rc ask_publish(const struct fems_host *h, struct wire_in *in, struct text *out,
				struct fems_error *e)
{
	const char *topic = wire_get_text(in);

	(void)out;
	(void)e;
	return h->publish(h->ctx, topic, wire_get_bytes(in));
}

static enum fems_rc ask_document(const struct fems_host *h, struct wire_in *in, struct text *out,
				 struct fems_error *e)
{
	const char *type = wire_get_text(in), *key = wire_get_text(in);

	(void)out;
	return h->document(h->ctx, type, key, wire_get_bytes(in), e);
}

static void keep_reply(void *ctx, struct fems_span json)
{
	wire_bytes(ctx, json.len ? json.ptr : "", json.len);
}

static enum fems_rc ask_service(const struct fems_host *h, struct wire_in *in, struct text *out,
				struct fems_error *e)
{
	const char *name = wire_get_text(in);

	return h->call(h->ctx, name, wire_get_bytes(in), keep_reply, out, e);
}

static enum fems_rc ask_command(const struct fems_host *h, struct wire_in *in, struct text *out,
				struct fems_error *e)
{
	const char *point = wire_get_text(in);
	double value = wire_get_f64(in);

	(void)out;
	return h->command(h->ctx, point, value, wire_get_text(in), e);
}

enum { ONE_WAY = 1, MAY_WAIT = 2 };

static const struct {
	ask_fn fn;
	unsigned how;
} asks[WIRE_KINDS] = {
	[WIRE_LOG] = { ask_log, ONE_WAY },
	[WIRE_EMIT] = { ask_emit, ONE_WAY },
	[WIRE_STATE] = { ask_state, ONE_WAY },
	[WIRE_POINT] = { ask_point, 0 },
	[WIRE_FIND] = { ask_find, 0 },
	[WIRE_SUBSCRIBE] = { ask_subscribe, 0 },
	[WIRE_PUBLISH] = { ask_publish, 0 },
	[WIRE_DOCUMENT] = { ask_document, MAY_WAIT },
	[WIRE_SERVICE] = { ask_service, MAY_WAIT },
	[WIRE_COMMAND] = { ask_command, MAY_WAIT },
};

struct ask {
	struct ask *next;
	unsigned generation;
	struct wire_frame frame;
};

static bool is_current(struct proxy *p, unsigned generation)
{
	bool is;

	pthread_mutex_lock(&p->lock);
	is = p->generation == generation && p->alive;
	pthread_mutex_unlock(&p->lock);
	return is;
}

static void answer(struct proxy *p, uint32_t seq, enum fems_rc rc, struct fems_error *e,
		   const struct text *extra)
{
	struct text t = { 0 };

	if (extra->failed || extra->len > MAX_BODY + 64) {
		rc = err_set(e, FEMS_EINVAL, "the reply is larger than 8 MiB");
		wire_error(&t, rc, e);
	} else {
		wire_error(&t, rc, e);
		if (extra->len)
			text_add_n(&t, extra->ptr, extra->len);
	}
	wire_send(&p->port, WIRE_ANSWER, seq, &t);
	text_free(&t);
}

static void serve(struct proxy *p, const struct ask *a)
{
	const struct fems_host *h = p->o.host;
	struct wire_in in = wire_open(&a->frame);
	struct fems_error e = { .text = "" };
	struct text extra = { 0 };
	enum fems_rc rc = FEMS_EUNSUP;

	if (h)
		rc = asks[a->frame.kind].fn(h, &in, &extra, &e);
	else
		err_set(&e, rc, "not available inside check()");
	if (asks[a->frame.kind].how != ONE_WAY && is_current(p, a->generation))
		answer(p, a->frame.seq, rc, &e, &extra);
	text_free(&extra);
}

static void ask_free(struct ask *a)
{
	free(a->frame.data);
	free(a);
}

static struct ask *pop(struct proxy *p)
{
	struct ask *a;

	pthread_mutex_lock(&p->lock);
	a = p->later;
	if (a)
		p->later = a->next;
	pthread_mutex_unlock(&p->lock);
	return a;
}

static void job_serve(void *ctx)
{
	struct proxy *p = ctx;
	struct ask *a = pop(p);

	if (!a)
		return;
	serve(p, a);
	ask_free(a);
}

void proxy_forget_asks(struct proxy *p)
{
	struct ask *a;

	while ((a = pop(p)))
		ask_free(a);
}

static void serve_later(struct proxy *p, struct ask *now)
{
	struct ask *a = malloc(sizeof *a), **at = &p->later;

	if (!a) {
		free(now->frame.data);
		return;
	}
	*a = *now;
	pthread_mutex_lock(&p->lock);
	while (*at)
		at = &(*at)->next;
	*at = a;
	pthread_mutex_unlock(&p->lock);
	(void)worker_post(p->asks, job_serve, p);
}

bool proxy_asked(struct proxy *p, struct wire_frame *f)
{
	struct ask a = { .frame = *f };

	if (!asks[f->kind].fn) {
		free(f->data);
		return false;
	}
	pthread_mutex_lock(&p->lock);
	a.generation = p->generation;
	pthread_mutex_unlock(&p->lock);
	if (asks[f->kind].how == MAY_WAIT) {
		serve_later(p, &a);
		return true;
	}
	serve(p, &a);
	free(f->data);
	return true;
}
