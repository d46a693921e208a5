/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/loop/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/text.h"
#include "core/loop/mono.h"
#include "core/loop/timers.h"

/* A worker with periodic work looks at the clock at least this often, because a clock that is set or
 * moved wakes nobody who waits on a condition. */
#define NAP_US        (US_PER_S / 2)
#define NAP_MANUAL_US (US_PER_S / 100)
#define MAX_PERIODICS 8

enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_DONE, JOB_DROPPED };

struct job {
	struct job *next;
	worker_fn fn;
	void *ctx;
	enum job_state state;
	bool waited; /* worker_do() frees it */
};

struct periodic {
	int64_t period_us, due_us;
	worker_fn fn;
	void *ctx;
};

struct worker {
	char name[16]; /* limit of pthread_setname_np() */
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;  /* a job, a period or the stop arrived */
	pthread_cond_t done;  /* a waited job or the thread ended */
	struct job *first, *last;
	struct periodic periodics[MAX_PERIODICS];
	size_t n_periodics;
	unsigned waiting; /* threads inside worker_do() */
	bool stop, ended;
};

static void destroy(struct worker *w)
{
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->done);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* ---- the thread ---- */

static struct job *pop(struct worker *w)
{
	struct job *j = w->first;

	w->first = j->next;
	if (!w->first)
		w->last = NULL;
	return j;
}

static void finish(struct worker *w, struct job *j, enum job_state state)
{
	if (!j->waited) {
		free(j);
		return;
	}
	j->state = state;
	pthread_cond_broadcast(&w->done);
}

static void run_job(struct worker *w, struct job *j)
{
	j->state = JOB_RUNNING;
	pthread_mutex_unlock(&w->lock);
	j->fn(j->ctx);
	pthread_mutex_lock(&w->lock);
	finish(w, j, JOB_DONE);
}

/* The earliest periodic work; brings those back that a clock set backwards left far ahead. */
static struct periodic *earliest(struct worker *w, int64_t now_us)
{
	struct periodic *p, *best = NULL;

	for (p = w->periodics; p < w->periodics + w->n_periodics; p++) {
		if (p->due_us - now_us > p->period_us)
			p->due_us = next_multiple(now_us, p->period_us, 0);
		if (!best || p->due_us < best->due_us)
			best = p;
	}
	return best;
}

static void run_periodic(struct worker *w, struct periodic *p, int64_t now_us)
{
	struct periodic now = *p; /* *p may move while the lock is open */

	p->due_us = next_multiple(now_us, p->period_us, 0);
	pthread_mutex_unlock(&w->lock);
	now.fn(now.ctx);
	pthread_mutex_lock(&w->lock);
}

static void wait_for_work(struct worker *w, const struct periodic *next)
{
	int64_t wait_us, nap_us = clock_speed() == 0 ? NAP_MANUAL_US : NAP_US;
	struct timespec until;

	if (!next) {
		pthread_cond_wait(&w->work, &w->lock);
		return;
	}
	wait_us = clock_real_until(next->due_us);
	until = mono_after(wait_us < nap_us ? wait_us : nap_us);
	pthread_cond_timedwait(&w->work, &w->lock, &until);
}

/* One piece of work, periodic before posted, or one wait. */
static void step(struct worker *w)
{
	int64_t now_us = clock_now_us();
	struct periodic *next = earliest(w, now_us);
	bool due = next && next->due_us <= now_us;

	if (due)
		run_periodic(w, next, now_us);
	if (w->stop)
		return;
	if (w->first)
		run_job(w, pop(w));
	else if (!due)
		wait_for_work(w, next);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	pthread_mutex_lock(&w->lock);
	while (!w->stop)
		step(w);
	while (w->first)
		finish(w, pop(w), JOB_DROPPED);
	w->ended = true;
	pthread_cond_broadcast(&w->done);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- for the others ---- */

static bool push(struct worker *w, struct job *j)
{
	if (w->stop)
		return false;
	j->next = NULL;
	*(w->last ? &w->last->next : &w->first) = j;
	w->last = j;
	pthread_cond_signal(&w->work);
	return true;
}

bool worker_post(struct worker *w, worker_fn fn, void *ctx)
{
	struct job *j = calloc(1, sizeof *j);
	bool taken;

	if (!j)
		return false;
	j->fn = fn;
	j->ctx = ctx;
	pthread_mutex_lock(&w->lock);
	taken = push(w, j);
	pthread_mutex_unlock(&w->lock);
	if (!taken)
		free(j);
	return taken;
}

static void unqueue(struct worker *w, struct job *j)
{
	struct job **at = &w->first, *before = NULL;

	while (*at != j) {
		before = *at;
		at = &before->next;
	}
	*at = j->next;
	if (w->last == j)
		w->last = before;
}

/* With the lock held: waits for the end of a queued job, and gives it up after budget_us. */
static enum fems_rc await(struct worker *w, struct job *j, int64_t budget_us, bool *late)
{
	struct timespec until = mono_after(budget_us);
	enum fems_rc rc;
	int timed_out = 0;

	w->waiting++;
	while (j->state < JOB_DONE && !timed_out)
		timed_out = pthread_cond_timedwait(&w->done, &w->lock, &until);
	w->waiting--;
	pthread_cond_broadcast(&w->done);
	if (j->state == JOB_RUNNING) { /* the worker frees it */
		j->waited = false;
		*late = true;
		return FEMS_ETIME;
	}
	rc = j->state == JOB_DONE ? FEMS_OK : j->state == JOB_DROPPED ? FEMS_AGAIN : FEMS_ETIME;
	if (j->state == JOB_QUEUED)
		unqueue(w, j);
	free(j);
	return rc;
}

enum fems_rc worker_do(struct worker *w, worker_fn fn, void *ctx, int64_t budget_us, bool *late)
{
	bool is_late = false;
	enum fems_rc rc = FEMS_AGAIN;
	struct job *j;

	if (late)
		*late = false;
	if (worker_is_me(w)) { /* waiting for oneself would never end */
		fn(ctx);
		return FEMS_OK;
	}
	j = calloc(1, sizeof *j);
	if (!j)
		return FEMS_ENOMEM;
	*j = (struct job){ .fn = fn, .ctx = ctx, .waited = true };
	pthread_mutex_lock(&w->lock);
	if (push(w, j))
		rc = await(w, j, budget_us, &is_late);
	else
		free(j);
	pthread_mutex_unlock(&w->lock);
	if (late)
		*late = is_late;
	return rc;
}

static struct periodic *find_periodic(struct worker *w, worker_fn fn, const void *ctx)
{
	struct periodic *p = w->periodics;

	while (p < w->periodics + w->n_periodics && (p->fn != fn || p->ctx != ctx))
		p++;
	return p;
}

void worker_every(struct worker *w, int64_t period_us, worker_fn fn, void *ctx)
{
	struct periodic *p;

	pthread_mutex_lock(&w->lock);
	p = find_periodic(w, fn, ctx);
	if (period_us > 0) {
		MUST(p < w->periodics + MAX_PERIODICS);
		w->n_periodics += p == w->periodics + w->n_periodics;
		*p = (struct periodic){ period_us, next_multiple(clock_now_us(), period_us, 0), fn, ctx };
	} else if (p < w->periodics + w->n_periodics) {
		*p = w->periodics[--w->n_periodics];
	}
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

bool worker_is_me(const struct worker *w)
{
	return pthread_equal(w->thread, pthread_self());
}

/* ---- life ---- */

/* Signals are for the loop's thread: the worker starts with all of them blocked. */
static int start(struct worker *w)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_mutex_lock(&w->lock); /* the thread begins when w->thread is written */
	err = pthread_create(&w->thread, NULL, work, w);
	if (!err)
		pthread_setname_np(w->thread, w->name);
	pthread_mutex_unlock(&w->lock);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

enum fems_rc worker_new(const char *name, struct worker **out, struct fems_error *e)
{
	struct worker *w = calloc(1, sizeof *w);
	int err;

	*out = NULL;
	if (!w)
		return err_set(e, FEMS_ENOMEM, "out of memory for worker \"%s\"", name);
	(void)str_copy(w->name, sizeof w->name, name);
	pthread_mutex_init(&w->lock, NULL);
	mono_cond_init(&w->work);
	mono_cond_init(&w->done);
	err = start(w);
	if (err) {
		destroy(w);
		return err_set(e, FEMS_AGAIN, "worker \"%s\" cannot start: %s (raise the limit of threads)",
			       name, strerror(err));
	}
	*out = w;
	return FEMS_OK;
}

bool worker_stop(struct worker *w, int64_t budget_us)
{
	struct timespec until = mono_after(budget_us);
	bool first, ended;

	MUST(!worker_is_me(w));
	pthread_mutex_lock(&w->lock);
	first = !w->stop;
	w->stop = true;
	pthread_cond_broadcast(&w->work);
	while ((!w->ended || w->waiting) && !pthread_cond_timedwait(&w->done, &w->lock, &until))
		;
	ended = w->ended && !w->waiting;
	pthread_mutex_unlock(&w->lock);
	if (!first)
		return ended;
	if (ended)
		pthread_join(w->thread, NULL);
	else
		pthread_detach(w->thread);
	return ended;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	MUST(w->ended);
	destroy(w);
}
