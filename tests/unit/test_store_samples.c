/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "store_fixture.h"
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"

static void series_keep_their_ids(void **state)
{
	struct fixture *f = *state;
	uint32_t a = make_gauge(f, "a/power.active", 1), b = make_counter(f, "b/energy", 0);
	struct store_series wrong = { "b/energy", false, 0, 0 }, empty = { "", false, 0, 0 };
	uint32_t id;

	assert_int_not_equal(a, b);
	assert_int_equal(make_gauge(f, "a/power.active", 1), a);
	assert_int_equal(store_series_find(f->st, "b/energy"), b);
	assert_int_equal(store_series_find(f->st, "c"), 0);
	assert_true(store_series_is_counter(f->st, b));
	assert_false(store_series_is_counter(f->st, a));
	assert_int_equal(store_series(f->st, &wrong, &id, &f->e), FEMS_ECONFLICT);
	assert_non_null(strstr(f->e.text, "b/energy"));
	assert_int_equal(store_series(f->st, &empty, &id, &f->e), FEMS_EINVAL);
	fixture_reopen(f);
	assert_int_equal(store_series_find(f->st, "a/power.active"), a);
	assert_int_equal(make_counter(f, "b/energy", 0), b);
	for (int i = 0; i < 300; i++) {
		char name[32];

		snprintf(name, sizeof name, "m%d/x", (i * 7919) % 300);
		make_gauge(f, name, 0);
	}
	assert_int_equal(store_series_find(f->st, "b/energy"), b);
	assert_int_not_equal(store_series_find(f->st, "m299/x"), 0);
}

struct want {
	size_t i;
	int64_t from;
};

static bool check_value(void *ctx, const struct fems_sample *s)
{
	struct want *w = ctx;

	assert_int_equal(s->t_us, w->from + (int64_t)w->i * S);
	assert_true(s->value >= 0.5 * (double)w->i && s->value <= 0.5 * (double)w->i);
	assert_int_equal(s->t_unc_us, w->i % 1000);
	w->i++;
	return true;
}

/* Three hours: chunks on disk, the open one, and what waits. */
static void range_over_all_places(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_gauge(f, "a/v", 0);
	struct want w = { 0, T0 };
	struct fems_sample last;

	for (int i = 0; i < 3 * 3600; i++) {
		struct fems_sample s = {
			.t_us = T0 + i * S, .value = i * 0.5, .point = id, .t_unc_us = (uint32_t)i % 1000
		};

		OK(f, store_append(f->st, &s, 1));
		if (i % 2000 == 0)
			sync_store(f);
	}
	for (int round = 0; round < 3; round++) {
		w.i = 0;
		OK(f, store_range(f->st, id, 0, INT64_MAX, check_value, &w, &f->e));
		assert_int_equal(w.i, 3 * 3600);
		assert_int_equal(count_range(f, id, T0 + 10 * S, T0 + 20 * S), 10);
		assert_int_equal(count_range(f, id, T0 + 3590 * S, T0 + 3610 * S), 20);
		assert_true(store_last(f->st, id, &last));
		assert_int_equal(last.t_us, T0 + (3 * 3600 - 1) * S);
		if (round == 0)
			sync_store(f);
		else
			fixture_reopen(f);
	}
	assert_true(sql(f, "SELECT count(*) FROM chunk") >= 3);
	assert_int_equal(store_range(f->st, 99, 0, 1, check_value, &w, &f->e), FEMS_ENOENT);
	assert_false(store_last(f->st, 99, &last));
}

static void shuffle(int *a, int n, unsigned seed)
{
	for (int i = 0; i < n; i++)
		a[i] = i;
	for (int i = n - 1; i > 0; i--) {
		int k, t = a[i];

		seed = seed * 1103515245 + 12345;
		k = (int)((seed >> 16) % (unsigned)(i + 1));
		a[i] = a[k];
		a[k] = t;
	}
}

static void any_order_with_duplicates(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_gauge(f, "a/v", 1);
	enum { N = 2000 };
	static int order[N];
	struct want w = { 0, T0 };

	for (unsigned seed = 1; seed <= 2; seed++) {
		shuffle(order, N, seed);
		for (int i = 0; i < N; i++) {
			/* first a wrong value, then the right one for the same instant */
			struct fems_sample s = { .t_us = T0 + order[i] * S, .value = -1, .point = id };

			OK(f, store_append(f->st, &s, 1));
			s.value = order[i] * 0.5;
			s.t_unc_us = (uint32_t)order[i] % 1000;
			OK(f, store_append(f->st, &s, 1));
			if (i % 700 == 0)
				sync_store(f);
		}
		sync_store(f);
		w.i = 0;
		OK(f, store_range(f->st, id, 0, INT64_MAX, check_value, &w, &f->e));
		assert_int_equal(w.i, N);
		fixture_reopen(f);
		w.i = 0;
		OK(f, store_range(f->st, id, 0, INT64_MAX, check_value, &w, &f->e));
		assert_int_equal(w.i, N);
	}
}

static void samples_that_cannot_be_kept(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_gauge(f, "a/v", 1);
	struct fems_sample s = { .t_us = T0, .value = 1, .point = 77 };
	struct store_stats st;

	assert_int_equal(store_append(f->st, &s, 1), FEMS_AGAIN);
	s.point = 0;
	assert_int_equal(store_append(f->st, &s, 1), FEMS_AGAIN);
	s.point = id;
	s.t_us = clock_now_us() + 3 * 86400 * S;
	assert_int_equal(store_append(f->st, &s, 1), FEMS_AGAIN);
	s.t_us = -5;
	assert_int_equal(store_append(f->st, &s, 1), FEMS_AGAIN);
	store_stats(f->st, &st);
	assert_int_equal(st.samples_dropped, 4);
	assert_int_equal(count_range(f, id, 0, INT64_MAX), 0);
}

static void bad_quality_is_kept_but_no_energy(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_counter(f, "a/e", 0);

	for (int i = 0; i < 100; i++)
		put_q(f, id, T0 + i * S, i % 3 ? NAN : 10 * i, i % 3 ? FEMS_Q_COMM_ERROR : FEMS_Q_GOOD, 0);
	sync_store(f);
	assert_int_equal(count_range(f, id, 0, INT64_MAX), 100);
	assert_int_equal(energy(f, id, T0, T0 + 99 * S).wh, 990);
}

static void old_samples_are_dropped(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_counter(f, "a/e", 0);
	int64_t now = EDGE, day = 86400 * S;
	struct fems_sample s = { .t_us = now - 9 * day, .value = 1, .point = id };
	struct store_energy before;

	fixture_close(f);
	f->keep_raw_us = 2 * day;
	clock_set_manual(now - 10 * day);
	fixture_open(f);
	for (int64_t t = now - 10 * day; t < now; t += 60 * S) {
		clock_set_manual(t);
		put(f, id, t, (double)((t - now + 10 * day) / S));
	}
	sync_store(f);
	before = energy(f, id, now - 9 * day, now - 8 * day);
	assert_int_equal(before.wh, 86400);
	clock_set_manual(now + 7200 * S);
	put(f, id, now, 864000);
	sync_store(f);
	assert_true(count_range(f, id, 0, now - 2 * day) == 0);
	assert_true(count_range(f, id, now - 2 * day + 7200 * S, now) >= 2 * 24 * 60 - 121);
	/* Energies of the time without raw samples come from the boundary readings. */
	assert_int_equal(energy(f, id, now - 9 * day, now - 8 * day).wh, before.wh);
	assert_int_equal(energy(f, id, now - 9 * day + 300 * S, now - 3 * day + 7 * S).wh, 6 * 86400 - 293);
	assert_int_equal(energy(f, id, now - 9 * day + 300 * S, now - day + 7 * S).wh, 8 * 86400 - 293);
	/* Later corrections of that time are refused, not half applied. */
	assert_int_equal(store_append(f->st, &s, 1), FEMS_AGAIN);
	fixture_reopen(f);
	assert_int_equal(energy(f, id, now - 9 * day, now - 8 * day).wh, before.wh);
	assert_int_equal(store_append(f->st, &s, 1), FEMS_AGAIN);
	clock_set_manual(now + 100 * day);
}

/* Writers, readers and late samples at once; for the thread sanitizer as well. */
struct racer {
	struct fixture *f;
	uint32_t series;
	int n;
};

static void *append_thread(void *arg)
{
	struct racer *r = arg;

	for (int i = 0; i < r->n; i++) {
		int k = i % 10 == 9 ? i - 5 : i; /* every tenth is an older one again */
		struct fems_sample s = { .t_us = T0 + k * S, .value = k, .point = r->series };

		store_append(r->f->st, &s, 1);
	}
	return NULL;
}

static bool ignore(void *ctx, const struct fems_sample *s)
{
	(void)ctx, (void)s;
	return true;
}

static void *read_thread(void *arg)
{
	struct racer *r = arg;

	for (int i = 0; i < r->n; i++) {
		struct store_energy en;
		struct fems_error e;

		store_range(r->f->st, r->series, 0, INT64_MAX, ignore, NULL, &e);
		store_energy(r->f->st, r->series, T0, T0 + 1000 * S, &en, &e);
		store_state_set(r->f->st, "x", "y", &e);
	}
	return NULL;
}

static void many_threads(void **state)
{
	struct fixture *f = *state;
	struct racer r[4];
	pthread_t t[4];

	for (int i = 0; i < 4; i++) {
		r[i] = (struct racer){ f, make_counter(f, i % 2 ? "a/e" : "b/e", 0), i < 2 ? 5000 : 30 };
		pthread_create(&t[i], NULL, i < 2 ? append_thread : read_thread, &r[i]);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	sync_store(f);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(count_range(f, r[i].series, 0, INT64_MAX), 4500 + 0);
		assert_int_equal(energy(f, r[i].series, T0, T0 + 4998 * S).wh, 4998);
	}
}

static void large_burst(void **state)
{
	struct fixture *f = *state;
	enum { SERIES = 200, N = 2000 };
	static struct fems_sample s[SERIES];
	struct store_stats st;
	uint32_t ids[SERIES];

	for (int k = 0; k < SERIES; k++) {
		char name[32];

		snprintf(name, sizeof name, "m%d/v", k);
		ids[k] = make_gauge(f, name, 0.1);
	}
	for (int i = 0; i < N; i++) {
		for (int k = 0; k < SERIES; k++)
			s[k] = (struct fems_sample){ .t_us = T0 + i * S * 3,
						     .value = (i * k) % 1000 / 10.0,
						     .point = ids[k] };
		OK(f, store_append(f->st, s, SERIES));
	}
	sync_store(f);
	store_stats(f->st, &st);
	assert_int_equal(st.samples_dropped, 0);
	assert_int_equal(st.samples_stored, (int64_t)SERIES * N);
	assert_int_equal(st.samples_queued, 0);
	fixture_reopen(f);
	for (int k = 0; k < SERIES; k += 13)
		assert_int_equal(count_range(f, ids[k], 0, INT64_MAX), N);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(series_keep_their_ids, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(range_over_all_places, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(any_order_with_duplicates, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(samples_that_cannot_be_kept, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(bad_quality_is_kept_but_no_energy, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(many_threads, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(large_burst, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(old_samples_are_dropped, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
