/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/proxy.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/loop/mono.h"
#include "core/plug/item.h"
#include "core/plug/proxy_state.h"

#define GRACE_US      (3 * US_PER_S) /* beyond the budget, then the child counts as hung */
#define LIFE_GRACE_US (US_PER_S / 10)
#define STOP_GRACE_US (US_PER_S / 2)
#define LOAD_US       (10 * US_PER_S)

/* ---- one exchange: a frame out, RESULT in, incumbents in between ---- */

static void on_incumbent(struct proxy *p, const struct plug_call *c, struct wire_frame *f)
{
	struct wire_in in = wire_open(f);
	struct fems_span plan = wire_get_bytes(&in);
	struct fems_error none = { .text = "" };
	struct text t = { 0 };
	int stop = in.bad || !c || !c->incumbent ? 1 : c->incumbent(c->incumbent_ctx, plan);

	wire_error(&t, FEMS_OK, &none);
	wire_u32(&t, (uint32_t)(stop != 0));
	wire_send(&p->port, WIRE_ANSWER, f->seq, &t);
	text_free(&t);
	free(f->data);
}

/* With the lock held. */
static void await_result(struct proxy *p, const struct plug_call *c, int64_t budget_us)
{
	struct timespec until = mono_after(budget_us);
	char why[200];
	struct wire_frame f;

	while (p->alive && !p->answered) {
		if (p->has_incumbent) {
			f = p->incumbent;
			p->has_incumbent = false;
			pthread_mutex_unlock(&p->lock);
			on_incumbent(p, c, &f);
			pthread_mutex_lock(&p->lock);
		} else if (pthread_cond_timedwait(&p->cond, &p->lock, &until) == ETIMEDOUT) {
			snprintf(why, sizeof why, "it did not come back from %s within %.1f s", p->op,
				 (double)budget_us / 1e6);
			proxy_kill_locked(p, why);
			until = mono_after(US_PER_DAY); /* the keeper notices at once */
		}
	}
}

static void send_clock(struct proxy *p)
{
	struct text t = { 0 };

	if (clock_speed() > 0)
		return;
	wire_i64(&t, clock_now_us());
	wire_send(&p->port, WIRE_CLOCK, 0, &t);
	text_free(&t);
}

static enum fems_rc send_frame(struct proxy *p, enum wire_kind kind, const struct text *payload,
			       struct fems_error *e)
{
	if (payload->failed || payload->len > WIRE_MAX)
		return err_set(e, FEMS_EINVAL,
			       "too large for a plugin in a process of its own (limit 16 MiB)");
	send_clock(p);
	if (!wire_send(&p->port, kind, p->seq, payload)) {
		pthread_mutex_lock(&p->lock);
		proxy_kill_locked(p, "it takes no data any more");
		pthread_mutex_unlock(&p->lock);
	}
	return FEMS_OK;
}

static enum fems_rc exchange(struct proxy *p, enum wire_kind kind, const char *op, const struct text *payload,
			     int64_t budget_us, const struct plug_call *c, struct wire_frame *out,
			     struct fems_error *e)
{
	enum fems_rc rc;

	pthread_mutex_lock(&p->lock);
	if (!p->alive) {
		rc = err_set(e, FEMS_AGAIN, "its process does not run at the moment%s%s", *p->why ? ": " : "",
			     p->why);
		pthread_mutex_unlock(&p->lock);
		return rc;
	}
	p->seq++;
	p->op = op;
	p->waiting = true;
	p->answered = false;
	pthread_mutex_unlock(&p->lock);
	rc = send_frame(p, kind, payload, e);
	pthread_mutex_lock(&p->lock);
	if (!rc)
		await_result(p, c, budget_us);
	p->waiting = false;
	if (p->has_incumbent) {
		free(p->incumbent.data);
		p->has_incumbent = false;
	}
	if (!rc && !p->answered)
		rc = err_set(e, FEMS_EIO, "%s", p->why);
	*out = p->answered ? p->result : (struct wire_frame){ 0 };
	p->answered = false;
	pthread_mutex_unlock(&p->lock);
	return rc;
}

/* ---- calls ---- */

static int64_t grace_us(enum plug_op op)
{
	return op == OP_STOP || op == OP_CLOSE ? STOP_GRACE_US : op < OP_POLL ? LIFE_GRACE_US : GRACE_US;
}

static enum fems_rc make_call(struct proxy *p, struct plug_call *c)
{
	struct wire_frame result;
	struct wire_in in;
	struct text t = { 0 };

	call_pack(&t, c);
	if (c->item)
		item_pack(&t, c->item);
	c->rc = exchange(p, WIRE_CALL, plug_op_name(c->op), &t, c->budget_us + grace_us(c->op), c, &result,
			 &c->error);
	text_free(&t);
	if (c->rc)
		return c->rc;
	in = wire_open(&result);
	if (!call_unpack_result(&in, c, p->keys, p->device_keys))
		c->rc = err_set(&c->error, FEMS_EIO, "damaged result of %s", plug_op_name(c->op));
	free(result.data);
	return c->rc;
}

static enum fems_rc proxy_call(struct plug_body *body, struct plug_call *c)
{
	struct proxy *p = (struct proxy *)body;
	const struct fems_key *keys = p->keys, *device_keys = p->device_keys;
	bool alive;

	c->error.text[0] = '\0';
	c->error.key = NULL;
	if (c->item) {
		p->keys = c->item->face->keys;
		p->device_keys = c->item->face->device_keys;
	}
	if (c->op == OP_OPEN) {
		pthread_mutex_lock(&p->lock);
		alive = p->alive;
		pthread_mutex_unlock(&p->lock);
		c->rc = alive ? FEMS_OK : proxy_load(body, c->item->path, NULL, &c->error);
		if (c->rc)
			return c->rc;
	}
	if (make_call(p, c) && c->op == OP_RELOAD) { /* the old settings stay in force */
		p->keys = keys;
		p->device_keys = device_keys;
	}
	return c->rc;
}

static void pack_load(struct text *t, const struct proxy *p, const char *path)
{
	wire_str(t, PACKAGE_VERSION);
	wire_u32(t, FEMS_ABI_MAJOR << 16 | FEMS_ABI_MINOR);
	wire_str(t, path);
	wire_str(t, p->name);
	wire_str(t, p->state_dir);
	wire_u32(t, clock_speed() == 0);
	wire_i64(t, clock_now_us());
}

static enum fems_rc unpack_face(const struct wire_frame *result, const char *path, struct plug_face **out,
				struct fems_error *e)
{
	struct wire_in in = wire_open(result);
	enum fems_rc rc = wire_get_error(&in, e, NULL);
	struct plug_face *face;

	if (rc)
		return rc;
	face = face_unpack(&in);
	if (!face)
		return err_set(e, FEMS_EIO, "%s: fems-host sent a damaged description", path);
	rc = face_tables_check(path, face, e);
	if (rc || !out)
		face_free(face);
	else
		*out = face;
	return rc;
}

enum fems_rc proxy_load(struct plug_body *body, const char *path, struct plug_face **out,
			struct fems_error *e)
{
	struct proxy *p = (struct proxy *)body;
	enum fems_rc rc = proxy_spawn(p, e);
	struct wire_frame result;
	struct text t = { 0 };

	if (rc)
		return rc;
	pack_load(&t, p, path);
	rc = exchange(p, WIRE_LOAD, "load", &t, LOAD_US, NULL, &result, e);
	text_free(&t);
	if (rc)
		return err_wrap(e, rc, "%s", path);
	rc = unpack_face(&result, path, out, e);
	free(result.data);
	return rc;
}

/* ---- life ---- */

static void proxy_stopping(struct plug_body *body)
{
	struct proxy *p = (struct proxy *)body;

	wire_send(&p->port, WIRE_STOPPING, 0, NULL);
}

static void proxy_kill(struct plug_body *body, const char *why)
{
	struct proxy *p = (struct proxy *)body;

	pthread_mutex_lock(&p->lock);
	proxy_kill_locked(p, why);
	pthread_mutex_unlock(&p->lock);
}

/* The child sees the end of its input and ends by itself; one that does not is killed. */
static bool proxy_end(struct plug_body *body, int64_t budget_us)
{
	struct proxy *p = (struct proxy *)body;
	struct timespec until = mono_after(budget_us);

	pthread_mutex_lock(&p->lock);
	p->quit = true;
	if (p->alive)
		shutdown(p->port.fd, SHUT_WR);
	pthread_cond_broadcast(&p->cond);
	while (p->alive && !pthread_cond_timedwait(&p->cond, &p->lock, &until))
		;
	if (p->alive)
		proxy_kill_locked(p, "it did not end in time");
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->keeper, NULL);
	if (!worker_stop(p->asks, 3 * US_PER_S))
		return false;
	worker_free(p->asks);
	return true;
}

static void proxy_free(struct plug_body *body)
{
	struct proxy *p = (struct proxy *)body;

	proxy_forget_asks(p);
	pthread_cond_destroy(&p->cond);
	pthread_mutex_destroy(&p->lock);
	pthread_mutex_destroy(&p->port.lock);
	free(p->host_path);
	free(p->state_dir);
	free(p);
}

static int start_keeper(struct proxy *p)
{
	sigset_t all, before;
	int err;

	sigfillset(&all); /* signals are for the loop's thread */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&p->keeper, NULL, proxy_keep, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

enum fems_rc proxy_new(const struct proxy_options *o, struct plug_body **out, struct fems_error *e)
{
	struct proxy *p = calloc(1, sizeof *p);
	enum fems_rc rc;
	int err;

	if (!p)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	p->body = (struct plug_body){ proxy_call, proxy_stopping, proxy_kill, proxy_end, proxy_free };
	p->o = *o;
	p->op = "start";
	p->port.fd = -1;
	(void)str_copy(p->name, sizeof p->name, o->name);
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_init(&p->port.lock, NULL);
	mono_cond_init(&p->cond);
	p->host_path = strdup(o->host_path ? o->host_path : "fems-host");
	p->state_dir = strdup(o->state_dir ? o->state_dir : "");
	rc = p->host_path && p->state_dir ? worker_new(o->name, &p->asks, e)
					  : err_set(e, FEMS_ENOMEM, "out of memory");
	err = rc ? 0 : start_keeper(p);
	if (err) {
		rc = err_set(e, FEMS_AGAIN, "no thread for a plugin's process: %s", strerror(err));
		worker_stop(p->asks, US_PER_S);
		worker_free(p->asks);
	}
	if (rc) {
		proxy_free(&p->body);
		return rc;
	}
	*out = &p->body;
	return FEMS_OK;
}
