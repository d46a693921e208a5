/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/loop/worker.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/err.h"

#define T0 (INT64_C(1790000000) * US_PER_S)

static void nap(int64_t us)
{
	nanosleep(&(struct timespec){ .tv_sec = us / US_PER_S, .tv_nsec = us % US_PER_S * 1000 }, NULL);
}

static struct worker *make(void)
{
	struct fems_error e = { 0 };
	struct worker *w;

	if (worker_new("test", &w, &e))
		fail_msg("%s", e.text);
	return w;
}

static void finish(struct worker *w)
{
	assert_true(worker_stop(w, US_PER_S));
	worker_free(w);
}

/* Waits for an atomic counter; the tests' only way to see what a worker did. */
static bool reaches(atomic_int *n, int want)
{
	int i;

	for (i = 0; i < 500 && atomic_load(n) < want; i++)
		nap(10000);
	return atomic_load(n) >= want;
}

struct gate { /* a job that stays until it is opened */
	atomic_int begun, open, ended;
};

static void stay(void *ctx)
{
	struct gate *g = ctx;

	atomic_store(&g->begun, 1);
	while (!atomic_load(&g->open))
		nap(1000);
	atomic_store(&g->ended, 1);
}

static void count(void *ctx)
{
	atomic_fetch_add((atomic_int *)ctx, 1);
}

/* ---- jobs ---- */

struct order {
	int list[200], n;
	struct item {
		struct order *order;
		int i;
	} items[200];
};

static void note(void *ctx)
{
	struct item *it = ctx;

	it->order->list[it->order->n++] = it->i;
}

static void test_order(void **state)
{
	struct order *o = calloc(1, sizeof *o);
	struct worker *w = make();
	int i;

	(void)state;
	for (i = 0; i < 199; i++) {
		o->items[i] = (struct item){ o, i };
		assert_true(worker_post(w, note, &o->items[i]));
	}
	o->items[199] = (struct item){ o, 199 };
	assert_int_equal(worker_do(w, note, &o->items[199], US_PER_S, NULL), FEMS_OK);
	assert_int_equal(o->n, 200); /* worker_do() came behind all of them */
	for (i = 0; i < 200; i++)
		assert_int_equal(o->list[i], i);
	finish(w);
	free(o);
}

static void test_do_withdrawn(void **state)
{
	struct worker *w = make();
	struct gate g = { 0 };
	atomic_int n = 0;
	bool late = true;
	int64_t start = clock_mono_us();

	(void)state;
	worker_post(w, stay, &g);
	assert_int_equal(worker_do(w, count, &n, 50000, &late), FEMS_ETIME);
	assert_true(clock_mono_us() - start >= 50000);
	assert_false(late);
	atomic_store(&g.open, 1);
	assert_int_equal(worker_do(w, count, &n, US_PER_S, &late), FEMS_OK);
	assert_int_equal(n, 1); /* the withdrawn one never ran */
	finish(w);
}

static void test_do_late(void **state)
{
	struct worker *w = make();
	struct gate g = { 0 };
	bool late = false;

	(void)state;
	assert_int_equal(worker_do(w, stay, &g, 100000, &late), FEMS_ETIME);
	assert_true(late);
	atomic_store(&g.open, 1);
	assert_true(reaches(&g.ended, 1));
	finish(w);
}

static void do_from_inside(void *ctx)
{
	struct {
		struct worker *w;
		atomic_int n;
	} *c = ctx;
	bool late;

	assert_true(worker_is_me(c->w));
	assert_int_equal(worker_do(c->w, count, &c->n, 0, &late), FEMS_OK);
}

static void test_do_inside(void **state)
{
	struct {
		struct worker *w;
		atomic_int n;
	} c = { make(), 0 };

	(void)state;
	assert_false(worker_is_me(c.w));
	assert_int_equal(worker_do(c.w, do_from_inside, &c, US_PER_S, NULL), FEMS_OK);
	assert_int_equal(c.n, 1);
	finish(c.w);
}

/* ---- stop ---- */

struct waiter {
	struct worker *w;
	atomic_int *n;
	enum fems_rc rc;
	bool late;
};

static void *wait_for_job(void *arg)
{
	struct waiter *x = arg;

	x->rc = worker_do(x->w, count, x->n, 10 * US_PER_S, &x->late);
	return NULL;
}

static void test_stop_drops(void **state)
{
	struct worker *w = make();
	struct gate g = { 0 };
	atomic_int n = 0;
	struct waiter x = { w, &n, FEMS_OK, false };
	pthread_t thread;
	int i;

	(void)state;
	worker_post(w, stay, &g);
	assert_true(reaches(&g.begun, 1));
	for (i = 0; i < 10; i++)
		worker_post(w, count, &n);
	pthread_create(&thread, NULL, wait_for_job, &x);
	nap(30000);
	atomic_store(&g.open, 1);
	(void)worker_stop(w, 5 * US_PER_S); /* may let some of the jobs run before the stop is seen */
	pthread_join(thread, NULL);
	assert_true(x.rc == FEMS_AGAIN || x.rc == FEMS_OK);
	assert_false(worker_post(w, count, &n));
	assert_int_equal(worker_do(w, count, &n, US_PER_S, NULL), FEMS_AGAIN);
	assert_true(worker_stop(w, 0)); /* again: nothing to do */
	worker_free(w);
}

static void test_waiting_job_is_told(void **state)
{
	struct worker *w = make();
	struct gate g = { 0 };
	atomic_int n = 0;
	struct waiter x = { w, &n, FEMS_OK, false };
	pthread_t thread;

	(void)state;
	worker_post(w, stay, &g);
	assert_true(reaches(&g.begun, 1));
	pthread_create(&thread, NULL, wait_for_job, &x);
	nap(30000);
	assert_false(worker_stop(w, 20000)); /* stuck */
	atomic_store(&g.open, 1);
	pthread_join(thread, NULL);
	assert_int_equal(x.rc, FEMS_AGAIN);
	assert_false(x.late);
	assert_int_equal(n, 0);
	finish(w); /* a later stop finds that it has ended */
}

/* ---- periodic work ---- */

struct beat {
	atomic_int n;
	atomic_int_fast64_t last_us;
	atomic_int inside, overlaps;
};

static void beat(void *ctx)
{
	struct beat *b = ctx;

	if (atomic_fetch_add(&b->inside, 1))
		atomic_fetch_add(&b->overlaps, 1);
	atomic_store(&b->last_us, clock_now_us());
	atomic_fetch_add(&b->n, 1);
	atomic_fetch_sub(&b->inside, 1);
}

static void test_every_real(void **state)
{
	struct worker *w = make();
	struct beat b = { 0 };
	int64_t start = clock_mono_us();
	atomic_int n = 0;

	(void)state;
	worker_every(w, 20000, beat, &b);
	assert_true(reaches(&b.n, 5));
	assert_true(clock_mono_us() - start >= 4 * 20000);
	assert_int_equal(worker_do(w, count, &n, US_PER_S, NULL), FEMS_OK);
	assert_int_equal(b.overlaps, 0);
	finish(w);
}

static void test_every_changed(void **state)
{
	struct worker *w = make();
	struct beat b = { 0 };
	int n;

	(void)state;
	worker_every(w, US_PER_DAY, beat, &b);
	worker_every(w, 10000, beat, &b); /* the same work: a new period, not a second one */
	assert_true(reaches(&b.n, 3));
	worker_every(w, 0, beat, &b);
	nap(30000);
	n = atomic_load(&b.n);
	nap(60000);
	assert_int_equal(atomic_load(&b.n), n);
	worker_every(w, 0, beat, &b); /* none: no harm */
	finish(w);
}

static void test_every_manual(void **state)
{
	struct worker *w;
	struct beat b = { 0 };

	(void)state;
	clock_set_manual(T0 + 1);
	w = make();
	worker_every(w, 900 * US_PER_S, beat, &b);
	nap(40000);
	assert_int_equal(b.n, 0); /* the clock stands still */
	clock_advance(900 * US_PER_S);
	assert_true(reaches(&b.n, 1));
	clock_advance(10 * 900 * US_PER_S);
	assert_true(reaches(&b.n, 2));
	nap(40000);
	assert_int_equal(b.n, 2);   /* missed ones are skipped */
	clock_advance(-US_PER_DAY); /* set back: the next multiple counts */
	nap(40000);
	assert_int_equal(b.n, 2);
	clock_advance(900 * US_PER_S);
	assert_true(reaches(&b.n, 3));
	finish(w);
}

static void test_many_posters(void **state)
{
	enum { THREADS = 4 };
	struct worker *w = make();
	atomic_int n = 0;
	struct waiter x[THREADS];
	pthread_t thread[THREADS];
	int i, round;

	(void)state;
	for (round = 0; round < 50; round++) {
		for (i = 0; i < THREADS; i++) {
			x[i] = (struct waiter){ w, &n, FEMS_EIO, false };
			pthread_create(&thread[i], NULL, wait_for_job, &x[i]);
		}
		for (i = 0; i < THREADS; i++) {
			pthread_join(thread[i], NULL);
			assert_int_equal(x[i].rc, FEMS_OK);
		}
	}
	assert_int_equal(n, 50 * THREADS);
	finish(w);
	worker_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),        cmocka_unit_test(test_do_withdrawn),
		cmocka_unit_test(test_do_late),      cmocka_unit_test(test_do_inside),
		cmocka_unit_test(test_stop_drops),   cmocka_unit_test(test_waiting_job_is_told),
		cmocka_unit_test(test_every_real),   cmocka_unit_test(test_every_changed),
		cmocka_unit_test(test_many_posters), cmocka_unit_test(test_every_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
