/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/instance.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/data/quantity.h"
#include "core/plug/plugs.h"

#define BATCH        1024
#define MAX_PATTERNS 1000

struct patterns {
	char **names;
	size_t n;
};

struct feed {
	struct bus_reader *reader;
	pthread_t thread;
	bool running;
	pthread_mutex_t lock; /* guards patterns, before, version, pending, stop */
	pthread_cond_t done;
	struct patterns now, before; /* before: in force until the reload is through */
	unsigned version;
	bool pending, stop;
	/* of the pump's thread; the batch belongs to the worker while pending */
	struct fems_sample taken[BATCH], batch[BATCH];
	size_t n;
	uint64_t lost;
	unsigned char *verdict; /* per point: 0 not asked yet, 1 wanted, 2 not */
	size_t n_verdict;
	unsigned verdict_version;
};

static void patterns_free(struct patterns *p)
{
	while (p->n)
		free(p->names[--p->n]);
	free(p->names);
	*p = (struct patterns){ 0 };
}

static struct feed *feed_of(struct instance *i)
{
	struct feed *f = i->feed;

	if (f)
		return f;
	f = calloc(1, sizeof *f);
	if (!f)
		return NULL;
	f->reader = bus_reader_open(i->plugs->o.bus);
	if (!f->reader) {
		free(f);
		return NULL;
	}
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->done, NULL);
	return i->feed = f;
}

static bool add_pattern(struct feed *f, const char *pattern)
{
	char **more = realloc(f->now.names, (f->now.n + 1) * sizeof *more);

	if (!more)
		return false;
	f->now.names = more;
	more[f->now.n] = strdup(pattern);
	if (!more[f->now.n])
		return false;
	f->now.n++;
	f->version++;
	return true;
}

enum fems_rc feed_subscribe(struct instance *i, const char *pattern, struct fems_error *e)
{
	const char *slash = pattern ? strchr(pattern, '/') : NULL, *near;
	struct feed *f;
	bool ok;

	if (!slash || slash == pattern || !slash[1])
		return err_set(e, FEMS_EINVAL, "subscribe(\"%.80s\"): want DEVICE/QUANTITY or */QUANTITY",
			       pattern ? pattern : "");
	if (!quantity_find(slash + 1)) {
		near = quantity_nearest(slash + 1);
		return err_set(e, FEMS_EINVAL, "subscribe(\"%.80s\"): no such quantity%s%s%s", pattern,
			       near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	}
	f = feed_of(i);
	if (!f)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	pthread_mutex_lock(&f->lock);
	ok = f->now.n < MAX_PATTERNS && add_pattern(f, pattern);
	pthread_mutex_unlock(&f->lock);
	return ok ? FEMS_OK
		  : err_set(e, FEMS_ENOMEM, "more than %d subscriptions, or out of memory", MAX_PATTERNS);
}

void feed_forget(struct instance *i)
{
	struct feed *f = i->feed;

	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	patterns_free(&f->before);
	f->before = f->now;
	f->now = (struct patterns){ 0 };
	f->version++;
	pthread_mutex_unlock(&f->lock);
}

void feed_restore(struct instance *i)
{
	struct feed *f = i->feed;

	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	patterns_free(&f->now);
	f->now = f->before;
	f->before = (struct patterns){ 0 };
	f->version++;
	pthread_mutex_unlock(&f->lock);
}

/* ---- the pump: takes from the bus, hands to the instance's thread, one batch at a time ---- */

static bool verdict_room(struct feed *f, uint32_t point)
{
	size_t n = ((size_t)point / 1024 + 1) * 1024;
	unsigned char *more;

	if (point < f->n_verdict)
		return true;
	more = realloc(f->verdict, n);
	if (!more)
		return false;
	memset(more + f->n_verdict, 0, n - f->n_verdict);
	f->verdict = more;
	f->n_verdict = n;
	return true;
}

/* With the lock held. */
static bool wanted(struct feed *f, const struct points *points, uint32_t id)
{
	const struct point *p;

	if (!verdict_room(f, id))
		return false;
	if (f->verdict[id])
		return f->verdict[id] == 1;
	p = points_get(points, id);
	if (!p)
		return false;
	f->verdict[id] = 2;
	for (size_t k = 0; k < f->now.n && f->verdict[id] == 2; k++)
		f->verdict[id] = point_matches(p, f->now.names[k]) ? 1 : 2;
	return f->verdict[id] == 1;
}

static void choose(struct instance *i, size_t taken)
{
	struct feed *f = i->feed;

	pthread_mutex_lock(&f->lock);
	if (f->verdict_version != f->version && f->n_verdict)
		memset(f->verdict, 0, f->n_verdict);
	f->verdict_version = f->version;
	f->n = 0;
	for (size_t k = 0; k < taken; k++)
		if (wanted(f, i->plugs->o.points, f->taken[k].point))
			f->batch[f->n++] = f->taken[k];
	f->pending = f->n;
	pthread_mutex_unlock(&f->lock);
}

static void hand_over(void *ctx)
{
	struct instance *i = ctx;
	struct feed *f = i->feed;
	struct plug_call c = {
		.op = OP_FEED, .budget_us = 10000000, .samples = f->batch, .n_samples = f->n, .lost = f->lost
	};

	if (!instance_is_stopping(i)) {
		instance_call(i, &c);
		instance_result(i, &c);
	}
	pthread_mutex_lock(&f->lock);
	f->pending = false;
	pthread_cond_broadcast(&f->done);
	pthread_mutex_unlock(&f->lock);
}

static bool stopped(struct feed *f)
{
	bool stop;

	pthread_mutex_lock(&f->lock);
	stop = f->stop;
	pthread_mutex_unlock(&f->lock);
	return stop;
}

static void pump_once(struct instance *i)
{
	struct feed *f = i->feed;
	uint64_t lost = 0;
	size_t taken = bus_take(f->reader, f->taken, BATCH, &lost);

	f->lost += lost;
	choose(i, taken);
	if (!f->n || !worker_post(i->worker, hand_over, i)) {
		if (!taken)
			bus_wait(f->reader, US_PER_S);
		return;
	}
	pthread_mutex_lock(&f->lock);
	while (f->pending && !f->stop)
		pthread_cond_wait(&f->done, &f->lock);
	if (!f->pending)
		f->lost = 0;
	pthread_mutex_unlock(&f->lock);
}

static void *pump(void *ctx)
{
	struct instance *i = ctx;

	while (!stopped(i->feed))
		pump_once(i);
	return NULL;
}

enum fems_rc feed_start(struct instance *i, struct fems_error *e)
{
	struct feed *f = i->feed;
	sigset_t all, before;
	int err;

	if (!f || f->running || !instance_offers(i, OP_FEED))
		return FEMS_OK;
	sigfillset(&all); /* signals are for the loop's thread */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&f->thread, NULL, pump, i);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return err_set(e, FEMS_AGAIN, "no thread for samples: %s", strerror(err));
	f->running = true;
	return FEMS_OK;
}

void feed_stop(struct instance *i)
{
	struct feed *f = i->feed;

	if (!f || !f->running)
		return;
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_broadcast(&f->done);
	pthread_mutex_unlock(&f->lock);
	bus_wake(f->reader);
	pthread_join(f->thread, NULL);
	f->running = false;
}

void feed_free(struct instance *i)
{
	struct feed *f = i->feed;

	if (!f)
		return;
	bus_reader_close(f->reader);
	pthread_cond_destroy(&f->done);
	pthread_mutex_destroy(&f->lock);
	patterns_free(&f->now);
	patterns_free(&f->before);
	free(f->verdict);
	free(f);
	i->feed = NULL;
}
