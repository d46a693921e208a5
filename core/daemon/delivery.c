/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/daemon/delivery.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/loop/worker.h"

#define ROUTES         16
#define LOOK_US        US_PER_S /* plant time between looks at the outbox */
#define PUSH_US        (10 * US_PER_S)
#define AT_ONCE        8
#define BACKOFF_MAX_US (15 * US_PER_MIN)

struct route {
	struct delivery *d;
	char name[64];
	struct worker *worker;
	unsigned seed; /* the worker's own */
	bool looking;  /* atomic: a look is queued already */
};

struct delivery {
	struct store *store;
	struct delivery_hooks hooks;
	pthread_mutex_t lock; /* guards routes and n */
	struct route routes[ROUTES];
	size_t n;
	bool stop; /* atomic */
};

struct letter { /* an owned copy of a due message */
	int64_t id;
	char type[64], key[160];
	char *body;
	size_t len;
	int32_t attempts;
};

struct batch {
	struct letter letters[AT_ONCE];
	size_t n;
};

int64_t delivery_backoff_us(int32_t attempts, double jitter)
{
	int64_t base = attempts >= 10 ? BACKOFF_MAX_US : US_PER_S << attempts;

	if (base > BACKOFF_MAX_US)
		base = BACKOFF_MAX_US;
	return base / 2 + (int64_t)((double)base / 2 * jitter);
}

static bool collect(void *ctx, const struct store_message *m)
{
	struct batch *b = ctx;
	struct letter *l = &b->letters[b->n];

	l->body = malloc(m->body.len + 1);
	if (!l->body)
		return false;
	memcpy(l->body, m->body.ptr, m->body.len);
	l->len = m->body.len;
	l->id = m->id;
	l->attempts = m->attempts;
	str_copy(l->type, sizeof l->type, m->type);
	str_copy(l->key, sizeof l->key, m->key);
	return ++b->n < AT_ONCE;
}

static void tell(struct route *r, const struct letter *l, const char *state, const char *error)
{
	json_t *body = json_pack("{s:I,s:s,s:s,s:s,s:s}", "id", (json_int_t)l->id, "route", r->name, "key",
				 l->key, "state", state, "error", error);

	if (body && r->d->hooks.notice)
		r->d->hooks.notice(r->d->hooks.ctx, "outbox", body);
	json_decref(body);
}

/* True when the message is done with, for good or ill, and that is written down; else it is due again. */
static bool deliver(struct route *r, const struct letter *l)
{
	struct delivery *d = r->d;
	struct fems_delivery answer = { .size = sizeof answer };
	struct fems_error e = { .text = "" }, failed = { .text = "" };
	struct fems_span body = { l->body, l->len };
	enum fems_rc rc = d->hooks.push(d->hooks.ctx, r->name, l->type, l->key, body, PUSH_US, &answer, &e);
	double jitter = (double)(rand_r(&r->seed) % 1000) / 1000;
	int64_t wait =
		answer.retry_after_us > 0 ? answer.retry_after_us : delivery_backoff_us(l->attempts, jitter);
	const char *state = !rc ? "done" : answer.permanent || rc == FEMS_EUNSUP ? "dead" : "retry";

	answer.receipt[sizeof answer.receipt - 1] = '\0';
	if (rc)
		log_line(state[0] == 'd' ? FEMS_LOG_ERROR : FEMS_LOG_WARN, "outbox", "%s to \"%s\": %s%s",
			 l->key, r->name, e.text, state[0] == 'd' ? "; given up: see femsctl outbox" : "");
	tell(r, l, state, e.text);
	if (!store_outbox_result(d->store, l->id, state, clock_now_us() + wait, e.text, answer.receipt,
				 &failed))
		return strcmp(state, "retry") != 0;
	log_line(FEMS_LOG_ERROR, "outbox", "%s: the result cannot be kept: %s", l->key, failed.text);
	return false;
}

static void look(void *ctx)
{
	struct route *r = ctx;
	struct fems_error e = { .text = "" };
	struct batch b;
	size_t settled;

	__atomic_store_n(&r->looking, false, __ATOMIC_RELEASE);
	/* A message that is settled lets the next one of its business key go, so look again. */
	do {
		b.n = settled = 0;
		if (store_outbox_due(r->d->store, r->name, clock_now_us(), AT_ONCE, collect, &b, &e))
			log_line(FEMS_LOG_ERROR, "outbox", "cannot be read: %s", e.text);
		for (size_t i = 0; i < b.n; i++) {
			if (!__atomic_load_n(&r->d->stop, __ATOMIC_ACQUIRE))
				settled += deliver(r, &b.letters[i]);
			free(b.letters[i].body);
		}
	} while (settled && !__atomic_load_n(&r->d->stop, __ATOMIC_ACQUIRE));
}

static struct route *route_find(struct delivery *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++)
		if (!strcmp(d->routes[i].name, name))
			return &d->routes[i];
	return NULL;
}

/* Routes come with the settings and are never taken away while this runs: a connector that is gone
 * answers its pushes with an error until it is back. */
static void routes_update(struct delivery *d)
{
	struct fems_error e = { .text = "" };
	const char *name;

	for (size_t i = 0; (name = d->hooks.route(d->hooks.ctx, i)); i++) {
		struct route *r;

		if (route_find(d, name))
			continue;
		if (d->n == ROUTES) {
			log_line(
				FEMS_LOG_ERROR, "outbox",
				"\"%s\" is one connector too many: its messages wait; at most %d can deliver",
				name, ROUTES);
			continue;
		}
		r = &d->routes[d->n];
		r->d = d;
		r->seed = (unsigned)clock_mono_us();
		str_copy(r->name, sizeof r->name, name);
		if (worker_new("outbox", &r->worker, &e)) {
			log_line(FEMS_LOG_ERROR, "outbox", "no thread for route \"%s\": %s", name, e.text);
			return;
		}
		d->n++;
		worker_every(r->worker, LOOK_US, look, r);
	}
}

void delivery_wake(struct delivery *d)
{
	pthread_mutex_lock(&d->lock);
	routes_update(d);
	for (size_t i = 0; i < d->n; i++)
		if (!__atomic_exchange_n(&d->routes[i].looking, true, __ATOMIC_ACQ_REL))
			worker_post(d->routes[i].worker, look, &d->routes[i]);
	pthread_mutex_unlock(&d->lock);
}

enum fems_rc delivery_open(struct store *store, const struct delivery_hooks *hooks, struct delivery **out,
			   struct fems_error *e)
{
	struct delivery *d = calloc(1, sizeof *d);

	if (!d)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	d->store = store;
	d->hooks = *hooks;
	pthread_mutex_init(&d->lock, NULL);
	*out = d;
	delivery_wake(d);
	return FEMS_OK;
}

bool delivery_close(struct delivery *d, int64_t budget_us)
{
	int64_t until = clock_mono_us() + budget_us;
	bool all = true;

	if (!d)
		return true;
	__atomic_store_n(&d->stop, true, __ATOMIC_RELEASE);
	for (size_t i = 0; i < d->n; i++) {
		int64_t left = until - clock_mono_us();

		if (!worker_stop(d->routes[i].worker, left > 0 ? left : 0))
			all = false;
	}
	if (all) {
		for (size_t i = 0; i < d->n; i++)
			worker_free(d->routes[i].worker);
		pthread_mutex_destroy(&d->lock);
		free(d);
	}
	return all;
}
