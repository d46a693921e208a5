/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/store/boundary.h"
#include "core/store/store.h"

#define S    INT64_C(1000000)
#define SLOT (900 * S)

static const struct index_rule no_limit = { 0, 1 };

/* Pushes n readings, spaced by one second from 1 s; returns the index at the last accepted one. */
static int64_t run(const struct index_rule *rule, const int64_t *raw, size_t n, int *lost, int *accepted)
{
	struct index_state st = { 0 };
	struct index_pair pairs[2];

	*lost = *accepted = 0;
	for (size_t i = 0; i < n; i++) {
		struct index_reading r = { .t_us = (int64_t)(i + 1) * 60 * S, .raw = raw[i] };
		int k = index_push(&st, rule, &r, pairs);

		for (int j = 0; j < k; j++) {
			*lost += pairs[j].lost;
			++*accepted;
		}
	}
	return index_value(&st.left);
}

static void growing_register(void **state)
{
	static const int64_t raw[] = { 100, 150, 150, 170 };
	int lost, accepted;

	(void)state;
	assert_int_equal(run(&no_limit, raw, 4, &lost, &accepted), 170);
	assert_int_equal(lost, 0);
	assert_int_equal(accepted, 4);
}

static void reset_contributes_nothing(void **state)
{
	static const int64_t raw[] = { 1000, 1050, 3, 10, 30 };
	int lost, accepted;

	(void)state;
	assert_int_equal(run(&no_limit, raw, 5, &lost, &accepted), 1050 + 27);
	assert_int_equal(lost, 1);
	assert_int_equal(accepted, 5);
}

static void single_glitch_is_left_out(void **state)
{
	static const int64_t down[] = { 1000, 1050, 0, 1060, 1070 };
	static const int64_t up[] = { 1000, 1050, 9000000, 1060, 1070 };
	struct index_rule rule = { 6000, 1 };
	int lost, accepted;

	(void)state;
	assert_int_equal(run(&no_limit, down, 5, &lost, &accepted), 1070);
	assert_int_equal(lost, 0);
	assert_int_equal(accepted, 4);
	assert_int_equal(run(&rule, up, 5, &lost, &accepted), 1070);
	assert_int_equal(lost, 0);
	assert_int_equal(accepted, 4);
}

static void jump_beyond_the_rate_is_withheld(void **state)
{
	static const int64_t raw[] = { 1000, 1050, 9000000, 9000050, 9000060 };
	struct index_rule rule = { 6000, 1 };
	int lost, accepted;

	(void)state;
	assert_int_equal(run(&rule, raw, 5, &lost, &accepted), 1050 + 60);
	assert_int_equal(lost, 1);
	/* Without a known limit it has to be believed. */
	assert_int_equal(run(&no_limit, raw, 5, &lost, &accepted), 9000060);
}

static void odd_reading_at_the_end_waits(void **state)
{
	static const int64_t raw[] = { 1000, 1050, 3 };
	int lost, accepted;

	(void)state;
	assert_int_equal(run(&no_limit, raw, 3, &lost, &accepted), 1050);
	assert_int_equal(accepted, 2);
}

static void two_odd_ones_that_do_not_agree(void **state)
{
	static const int64_t raw[] = { 1000, 50, 20, 1010 };
	int lost, accepted;

	(void)state;
	assert_int_equal(run(&no_limit, raw, 4, &lost, &accepted), 1010);
	assert_int_equal(lost, 0);
}

static void device_announces_an_exchange(void **state)
{
	struct index_state st = { 0 };
	struct index_pair pairs[2];
	struct index_reading r[] = { { .t_us = S, .raw = 10 },
				     { .t_us = 2 * S, .raw = 20, .epoch = 0 },
				     { .t_us = 3 * S, .raw = 500, .epoch = 1 },
				     { .t_us = 4 * S, .raw = 505, .epoch = 1 },
				     { .t_us = 5 * S, .raw = 507, .epoch = 0 } };
	bool lost[5];

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(index_push(&st, &no_limit, &r[i], pairs), 1);
		lost[i] = pairs[0].lost;
	}
	assert_false(lost[1]);
	assert_true(lost[2]);
	assert_false(lost[3]);
	assert_false(lost[4]); /* a restarted driver counts epochs from 0 again: no reset */
	assert_int_equal(index_value(&st.left), 27);
}

static void glitch_that_the_driver_took_for_a_reset(void **state)
{
	struct index_state st = { 0 };
	struct index_pair pairs[2];
	struct index_reading r[] = { { .t_us = S, .raw = 1000 },
				     { .t_us = 2 * S, .raw = 0, .epoch = 1 },
				     { .t_us = 3 * S, .raw = 1002, .epoch = 1 },
				     { .t_us = 4 * S, .raw = 1004, .epoch = 1 } };
	int n = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		n += index_push(&st, &no_limit, &r[i], pairs);
	assert_int_equal(n, 3);
	assert_int_equal(index_value(&st.left), 1004);
}

static void unusable_samples_are_no_readings(void **state)
{
	struct index_reading r;
	struct fems_sample s = { .t_us = 1, .value = 5 };

	(void)state;
	assert_true(index_reading_of(&s, &r));
	assert_int_equal(r.raw, 5);
	s.quality = FEMS_Q_COMM_ERROR;
	assert_false(index_reading_of(&s, &r));
	s.quality = FEMS_Q_SUSPECT;
	assert_false(index_reading_of(&s, &r));
	s.quality = FEMS_Q_GOOD | FEMS_Q_UNVERIFIED;
	assert_true(index_reading_of(&s, &r));
	s.value = NAN;
	assert_false(index_reading_of(&s, &r));
	s.value = 1e30;
	assert_false(index_reading_of(&s, &r));
}

static void interpolation_rounds_once_half_up(void **state)
{
	(void)state;
	assert_int_equal(index_between(0, 0, 4, 1, 1), 0);
	assert_int_equal(index_between(0, 0, 4, 1, 2), 1);
	assert_int_equal(index_between(0, 0, 4, -1, 2), 0);
	assert_int_equal(index_between(0, 0, 4, -1, 3), -1);
	assert_int_equal(index_between(0, 10, 10, 20, 0), 10);
	assert_int_equal(index_between(0, 10, 10, 20, 10), 20);
	/* 2^53 Wh over a year: needs more than 64 bits inside. */
	assert_int_equal(index_between(0, 0, INT64_C(31536000000000), INT64_C(9007199254740992),
				       INT64_C(15768000000000)),
			 INT64_C(4503599627370496));
}

static struct boundary_list build(const int64_t *t, const double *v, size_t n)
{
	struct boundary_builder bb = { { 0 }, 0, 0, false };
	struct boundary_list l = { NULL, 0, 0 };

	for (size_t i = 0; i < n; i++) {
		struct fems_sample s = { .t_us = t[i], .value = v[i] };

		assert_true(boundary_push(&bb, &no_limit, &s, &l));
	}
	return l;
}

static void rows_at_the_edges(void **state)
{
	static const int64_t t[] = { SLOT - 10 * S, SLOT + 10 * S, 2 * SLOT, 2 * SLOT + 5 * S };
	static const double v[] = { 100, 200, 1000, 1010 };
	struct boundary_list l = build(t, v, 4);

	(void)state;
	assert_int_equal(l.n, 2);
	assert_int_equal(l.rows[0].t_us, SLOT);
	assert_int_equal(l.rows[0].wh, 150);
	assert_int_equal(l.rows[0].flags, STORE_INTERPOLATED); /* 20 s apart */
	assert_int_equal(l.rows[0].covered_us, 10 * S);
	assert_int_equal(l.rows[1].t_us, 2 * SLOT);
	assert_int_equal(l.rows[1].wh, 1000);
	assert_int_equal(l.rows[1].flags, 0); /* a reading on the edge itself */
	assert_int_equal(l.rows[1].covered_us, SLOT);
	free(l.rows);
}

static void rows_across_a_long_gap(void **state)
{
	static const int64_t t[] = { SLOT - 10 * S, 5 * SLOT + 10 * S };
	static const double v[] = { 0, 3620 };
	struct boundary_list l = build(t, v, 2);

	(void)state;
	assert_int_equal(l.n, 5);
	assert_int_equal(l.rows[0].wh, 10);
	assert_int_equal(l.rows[4].wh, 3610);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(l.rows[i].flags, STORE_ESTIMATED);
		assert_int_equal(l.rows[i].covered_us, 0);
	}
	free(l.rows);
}

static void rows_across_a_reset(void **state)
{
	static const int64_t t[] = { SLOT - 2 * S,     SLOT + 2 * S,     2 * SLOT - 2 * S,
				     2 * SLOT + 2 * S, 2 * SLOT + 4 * S, 3 * SLOT };
	static const double v[] = { 0, 4, 1000, 5, 7, 100 };
	struct boundary_list l = build(t, v, 6);

	(void)state;
	assert_int_equal(l.n, 3);
	assert_int_equal(l.rows[0].flags & STORE_RESET, 0);
	assert_int_equal(l.rows[1].flags & STORE_RESET, STORE_RESET);
	assert_int_equal(l.rows[2].flags & STORE_RESET, STORE_RESET); /* half of the lost time is here */
	assert_int_equal(l.rows[2].wh, 1000 + 95);
	free(l.rows);
}

static void gap_of_years_makes_few_rows(void **state)
{
	static const int64_t t[] = { SLOT, INT64_C(40000) * SLOT + 1 };
	static const double v[] = { 0, 40000 };
	struct boundary_list l = build(t, v, 2);

	(void)state;
	assert_true(l.n < 10);
	assert_int_equal(l.rows[l.n - 1].t_us, INT64_C(40000) * SLOT);
	free(l.rows);
}

/* Continuing from any row gives the rows that follow it. */
static void resume_equals_going_on(void **state)
{
	enum { N = 4000 };
	static int64_t t[N];
	static double v[N];
	struct boundary_list all;
	unsigned seed = 1;
	int64_t now = SLOT / 3, raw = 0;

	(void)state;
	for (int i = 0; i < N; i++) {
		seed = seed * 1103515245 + 12345;
		now += (seed >> 16) % 50 == 0 ? 2000 * S : 20 * S;
		raw += (seed >> 20) % 30;
		if ((seed >> 12) % 300 == 0)
			raw = 0;
		t[i] = now;
		v[i] = (seed >> 8) % 200 == 0 ? 0 : (double)raw;
	}
	all = build(t, v, N);
	assert_true(all.n > 50);
	for (size_t k = 0; k + 1 < all.n; k += 3) {
		struct boundary_builder bb;
		struct boundary_list l = { NULL, 0, 0 };

		boundary_resume(&bb, &all.rows[k]);
		for (int i = 0; i < N; i++) {
			struct fems_sample s = { .t_us = t[i], .value = v[i] };

			if (t[i] > all.rows[k].left.t_us)
				assert_true(boundary_push(&bb, &no_limit, &s, &l));
		}
		assert_int_equal(l.n, all.n - k - 1);
		for (size_t i = 0; i < l.n; i++)
			assert_true(boundary_equal(&l.rows[i], &all.rows[k + 1 + i]));
		free(l.rows);
	}
	free(all.rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(growing_register),
		cmocka_unit_test(reset_contributes_nothing),
		cmocka_unit_test(single_glitch_is_left_out),
		cmocka_unit_test(jump_beyond_the_rate_is_withheld),
		cmocka_unit_test(odd_reading_at_the_end_waits),
		cmocka_unit_test(two_odd_ones_that_do_not_agree),
		cmocka_unit_test(device_announces_an_exchange),
		cmocka_unit_test(glitch_that_the_driver_took_for_a_reset),
		cmocka_unit_test(unusable_samples_are_no_readings),
		cmocka_unit_test(interpolation_rounds_once_half_up),
		cmocka_unit_test(rows_at_the_edges),
		cmocka_unit_test(rows_across_a_long_gap),
		cmocka_unit_test(rows_across_a_reset),
		cmocka_unit_test(gap_of_years_makes_few_rows),
		cmocka_unit_test(resume_equals_going_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
