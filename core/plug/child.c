/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/child.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/plug/item.h"
#include "core/plug/plug.h"

/* ---- the thread that reads ---- */

static void on_answer(struct child *c, struct wire_frame *f)
{
	struct question *q = c->questions;

	while (q && q->seq != f->seq)
		q = q->next;
	if (!q || q->answered) {
		free(f->data);
		return;
	}
	q->answer = *f;
	q->answered = true;
}

static void on_clock(const struct wire_frame *f)
{
	struct wire_in in = wire_open(f);
	int64_t t = wire_get_i64(&in);

	if (!in.bad && clock_speed() == 0)
		clock_set_manual(t);
}

static void stop_waiting(struct child *c)
{
	__atomic_store_n(&c->stopping, true, __ATOMIC_RELEASE);
	clock_wake();
}

/* False: femsd breaks the rules of the exchange. */
static bool on_frame(struct child *c, struct wire_frame *f)
{
	bool ok = true;

	pthread_mutex_lock(&c->lock);
	if (f->kind == WIRE_ANSWER) {
		on_answer(c, f);
	} else if ((f->kind == WIRE_CALL || f->kind == WIRE_LOAD) && !c->has_order) {
		c->order = *f;
		c->has_order = true;
	} else {
		ok = f->kind == WIRE_STOPPING || f->kind == WIRE_CLOCK;
		if (f->kind == WIRE_CLOCK)
			on_clock(f);
		free(f->data);
	}
	pthread_cond_broadcast(&c->cond);
	pthread_mutex_unlock(&c->lock);
	if (f->kind == WIRE_STOPPING)
		stop_waiting(c);
	return ok;
}

static void *read_all(void *ctx)
{
	struct child *c = ctx;
	struct wire_frame f;

	while (wire_receive(c->port.fd, &f) > 0)
		if (!on_frame(c, &f))
			break;
	pthread_mutex_lock(&c->lock);
	c->closed = true;
	pthread_cond_broadcast(&c->cond);
	pthread_mutex_unlock(&c->lock);
	stop_waiting(c);
	return NULL;
}

/* ---- questions ---- */

static void unlink_question(struct child *c, const struct question *q)
{
	struct question **at = &c->questions;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
}

enum fems_rc child_ask(struct child *c, enum wire_kind kind, const struct text *t, struct wire_frame *answer,
		       struct wire_in *in, struct fems_error *e)
{
	struct question q = { 0 };
	struct fems_error unused;

	*answer = (struct wire_frame){ 0 };
	if (t->failed || t->len > WIRE_MAX)
		return err_set(e, FEMS_EINVAL, "larger than 16 MiB, or out of memory");
	pthread_mutex_lock(&c->lock);
	q.seq = ++c->seq;
	q.next = c->questions;
	c->questions = &q;
	pthread_mutex_unlock(&c->lock);
	(void)wire_send(&c->port, kind, q.seq, t); /* a failure shows as the end of the socket */
	pthread_mutex_lock(&c->lock);
	while (!q.answered && !c->closed)
		pthread_cond_wait(&c->cond, &c->lock);
	unlink_question(c, &q);
	pthread_mutex_unlock(&c->lock);
	*answer = q.answer;
	if (!q.answered)
		return err_set(e, FEMS_AGAIN, "the instance is stopping");
	*in = wire_open(answer);
	return wire_get_error(in, e ? e : &unused, NULL);
}

static int on_incumbent(void *ctx, struct fems_span plan)
{
	struct child *c = ctx;
	struct wire_frame answer;
	struct wire_in in;
	struct text t = { 0 };
	int stop = 1;

	wire_bytes(&t, plan.ptr, plan.len);
	if (!child_ask(c, WIRE_INCUMBENT, &t, &answer, &in, NULL))
		stop = (int)wire_get_u32(&in);
	text_free(&t);
	free(answer.data);
	return stop;
}

/* ---- orders ---- */

static enum fems_rc load(struct child *c, struct wire_in *in, struct fems_error *e)
{
	const char *version = wire_get_text(in);
	uint32_t abi = wire_get_u32(in);
	const char *path = wire_get_text(in);
	struct plug_module *m;
	enum fems_rc rc;

	(void)str_copy(c->name, sizeof c->name, wire_get_text(in));
	(void)str_copy(c->state_dir, sizeof c->state_dir, wire_get_text(in));
	if (wire_get_u32(in))
		clock_set_manual(wire_get_i64(in));
	if (in->bad || c->loaded)
		return err_set(e, FEMS_EINVAL, "damaged order to load");
	if (strcmp(version, PACKAGE_VERSION) || abi != (FEMS_ABI_MAJOR << 16 | FEMS_ABI_MINOR))
		return err_set(e, FEMS_EUNSUP,
			       "fems-host is version %s, femsd is %s; install both from one package",
			       PACKAGE_VERSION, version);
	rc = plug_load(path, NULL, &m, e);
	if (rc)
		return rc;
	face_of(plug_module_descriptor(m), &c->face);
	local_init(&c->local, plug_module_descriptor(m), &c->host);
	c->loaded = true;
	return FEMS_OK;
}

static void order_load(struct child *c, const struct wire_frame *f)
{
	struct wire_in in = wire_open(f);
	struct fems_error e = { .text = "" };
	struct text t = { 0 };
	enum fems_rc rc = load(c, &in, &e);

	wire_error(&t, rc, &e);
	if (!rc)
		face_pack(&t, &c->face);
	wire_send(&c->port, WIRE_RESULT, f->seq, &t);
	text_free(&t);
}

static enum fems_rc with_item(struct child *c, struct wire_in *in, struct plug_call *call)
{
	struct plug_item *item = calloc(1, sizeof *item), *unused = item;

	if (!item)
		return call->rc = err_set(&call->error, FEMS_ENOMEM, "out of memory");
	item->face = &c->face;
	call->item = item;
	call->rc = item_unpack(in, item, &call->error);
	if (!call->rc)
		c->local.body.call(&c->local.body, call);
	if (!call->rc && call->op != OP_CHECK) {
		unused = c->item;
		c->item = item;
	}
	item_free(unused);
	return call->rc;
}

static enum fems_rc run(struct child *c, struct wire_in *in, struct plug_call *call)
{
	struct fems_sample *aligned;

	if (!c->loaded || (call->op > OP_CLOSE && !c->local.open) || !face_offers(&c->face, call->op))
		return call->rc = err_set(&call->error, FEMS_EUNSUP, "the plugin offers no %s",
					  plug_op_name(call->op));
	if (call->op == OP_CHECK || call->op == OP_OPEN || call->op == OP_RELOAD)
		return with_item(c, in, call);
	if (!call->n_samples)
		return c->local.body.call(&c->local.body, call);
	aligned = malloc(call->n_samples * sizeof *aligned);
	if (!aligned)
		return call->rc = err_set(&call->error, FEMS_ENOMEM, "out of memory");
	memcpy(aligned, call->samples, call->n_samples * sizeof *aligned);
	call->samples = aligned;
	c->local.body.call(&c->local.body, call);
	free(aligned);
	return call->rc;
}

static void order_call(struct child *c, const struct wire_frame *f)
{
	struct wire_in in = wire_open(f);
	struct plug_call call;
	struct text t = { 0 };

	if (call_unpack(&in, &call)) {
		call.incumbent = on_incumbent;
		call.incumbent_ctx = c;
		run(c, &in, &call);
	} else {
		call.op = OP_CHECK;
		call.rc = err_set(&call.error, FEMS_EINVAL, "damaged order");
	}
	call_pack_result(&t, &call);
	wire_send(&c->port, WIRE_RESULT, f->seq, &t);
	text_free(&t);
	text_free(&call.reply);
}

static bool next_order(struct child *c, struct wire_frame *out)
{
	bool has;

	pthread_mutex_lock(&c->lock);
	while (!c->has_order && !c->closed)
		pthread_cond_wait(&c->cond, &c->lock);
	has = c->has_order;
	*out = c->order;
	c->has_order = false;
	pthread_mutex_unlock(&c->lock);
	return has;
}

int child_run(int fd)
{
	static struct child c; /* threads of the plugin may outlive the loop below */
	struct wire_frame f;
	pthread_t reader;

	c.port.fd = fd;
	pthread_mutex_init(&c.port.lock, NULL);
	pthread_mutex_init(&c.lock, NULL);
	pthread_cond_init(&c.cond, NULL);
	idset_init(&c.own);
	child_host_init(&c);
	if (pthread_create(&reader, NULL, read_all, &c))
		return 1;
	while (next_order(&c, &f)) {
		if (f.kind == WIRE_LOAD)
			order_load(&c, &f);
		else
			order_call(&c, &f);
		free(f.data);
	}
	pthread_join(reader, NULL);
	item_free(c.item);
	if (c.local.open) /* femsd went away without stop and close */
		_exit(1);
	return 0;
}
