/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "plugins/demand/shed.h"
#include "plugins/demand/window.h"

#define S  INT64_C(1000000)
#define T0 (INT64_C(1780000000) / 900 * 900 * S) /* the start of some window */

static void near(double a, double b, double by)
{
	if (a < b - by || a > b + by)
		fail_msg("%f is not within %f of %f", a, by, b);
}

/* Constant power from a moment before the window until now. */
static void constant(struct window *w, double power_w, int64_t until_us)
{
	for (int64_t t = T0 - 300 * S; t <= until_us; t += 10 * S) {
		window_counter(w, t, 1000 + power_w * (double)(t - T0 + 300 * S) / 3.6e9);
		window_power(w, t, power_w);
	}
}

static void test_constant_power_projects_itself(void **state)
{
	struct window w = { 0 };
	struct projection p;

	(void)state;
	assert_false(window_project(&w, T0, &p));
	constant(&w, 400000, T0 + 300 * S);
	assert_true(window_project(&w, T0 + 300 * S, &p));
	assert_int_equal(p.start_us, T0);
	assert_int_equal(p.end_us, T0 + 900 * S);
	near(p.energy_wh, 400000.0 / 12, 1);
	near(p.mean_w, 400000, 10);
	near(p.projected_w, 400000, 10);
	near(p.high_w - p.low_w, 0, 10);
	assert_false(p.partial);
}

static void test_window_edge_is_interpolated(void **state)
{
	struct window w = { 0 };
	struct projection p;

	(void)state;
	/* readings 7 s before and 3 s behind the edge */
	window_power(&w, T0 - 7 * S, 36000);
	window_counter(&w, T0 - 7 * S, 5000);
	window_power(&w, T0 + 3 * S, 36000);
	window_counter(&w, T0 + 3 * S, 5100);
	assert_true(window_project(&w, T0 + 3 * S, &p));
	near(p.energy_wh, 30, 0.01);
}

static void test_start_in_the_middle_uses_the_store(void **state)
{
	struct window w = { 0 };
	struct projection p;

	(void)state;
	window_counter(&w, T0 + 600 * S, 70000);
	window_power(&w, T0 + 600 * S, 300000);
	assert_true(window_project(&w, T0 + 600 * S, &p));
	assert_true(p.partial);
	near(p.energy_wh, 0, 0.01);
	window_carry(&w, T0, 50000);
	assert_true(window_project(&w, T0 + 600 * S, &p));
	assert_false(p.partial);
	near(p.projected_w, (50000 + 300000 / 12.0) * 4, 1);
}

static void test_counter_reset_never_makes_energy(void **state)
{
	struct window w = { 0 };
	struct projection p;

	(void)state;
	constant(&w, 100000, T0 + 60 * S);
	window_counter(&w, T0 + 70 * S, 3);
	assert_true(window_project(&w, T0 + 70 * S, &p));
	assert_true(p.partial);
	assert_true(p.energy_wh >= 0 && p.energy_wh < 1);
	/* old and double readings change nothing */
	window_counter(&w, T0 + 60 * S, 99999999);
	window_counter(&w, T0 + 70 * S, 99999999);
	assert_true(window_project(&w, T0 + 70 * S, &p));
	assert_true(p.energy_wh < 1);
}

static void test_band_grows_with_unsteady_load(void **state)
{
	struct window w = { 0 };
	struct projection p;

	(void)state;
	for (int i = 0; i < 120; i++) {
		int64_t t = T0 - 1200 * S + i * 10 * S;

		window_power(&w, t, i % 2 ? 300000 : 100000);
		window_counter(&w, t, 1000.0 + i * 555);
	}
	assert_true(window_project(&w, T0 + 1 * S, &p));
	assert_true(p.high_w - p.low_w > 50000);
}

static struct load a_load(const char *name, int64_t power_w, int64_t priority)
{
	struct load l = { .power_w = power_w,
			  .priority = priority,
			  .min_off_us = 120 * S,
			  .max_off_us = 600 * S,
			  .min_on_us = 300 * S };

	strncpy(l.name, name, sizeof l.name - 1);
	return l;
}

static struct projection projected(double w, int64_t at_s)
{
	struct projection p = {
		.start_us = T0, .end_us = T0 + 900 * S, .projected_w = w, .low_w = w, .high_w = w
	};

	(void)at_s;
	return p;
}

static void test_sheds_enough_and_no_more(void **state)
{
	struct load l[3] = { a_load("a", 30000, 1), a_load("b", 40000, 2), a_load("c", 50000, 3) };
	struct projection p = projected(420000, 300);

	(void)state;
	/* 20 kW too much over the window = 30 kW for the remaining 10 of 15 minutes */
	assert_int_equal(shed_room_w(&p, T0 + 300 * S, 400000), -30000);
	assert_int_equal(shed_decide(l, 3, &p, T0 + 300 * S, 400000), 1);
	assert_int_equal(l[0].advice, ADVICE_SHED);
	assert_int_equal(l[1].advice, ADVICE_HOLD);
	assert_true(strlen(l[0].why_ko) > 0 && strlen(l[0].why_en) > 0);
	p = projected(440000, 300);
	assert_int_equal(shed_decide(l, 3, &p, T0 + 300 * S, 400000), 2);
}

static void test_nothing_is_shed_too_early_or_too_late(void **state)
{
	struct load l[1] = { a_load("a", 30000, 1) };
	struct projection p = projected(800000, 0);

	(void)state;
	assert_int_equal(shed_decide(l, 1, &p, T0 + 10 * S, 400000), 0);
	assert_int_equal(shed_decide(l, 1, &p, T0 + 890 * S, 400000), 0);
	assert_int_equal(shed_decide(l, 1, &p, T0 + 100 * S, 400000), 1);
}

static void test_shortest_and_longest_pause_are_kept(void **state)
{
	struct load l[1] = { a_load("a", 30000, 1) };
	struct projection roomy = projected(200000, 0), full = projected(500000, 0);

	(void)state;
	l[0].off = true;
	l[0].changed_us = T0 + 100 * S;
	assert_int_equal(shed_decide(l, 1, &roomy, T0 + 150 * S, 400000), 0);
	assert_int_equal(shed_decide(l, 1, &roomy, T0 + 220 * S, 400000), 1);
	assert_int_equal(l[0].advice, ADVICE_RESTORE);
	/* even when the window is too full */
	assert_int_equal(shed_decide(l, 1, &full, T0 + 700 * S, 400000), 1);
	assert_int_equal(l[0].advice, ADVICE_RESTORE);
	/* and a load that has just come back is left alone */
	l[0].off = false;
	l[0].changed_us = T0 + 200 * S;
	assert_int_equal(shed_decide(l, 1, &full, T0 + 300 * S, 400000), 0);
	assert_int_equal(shed_decide(l, 1, &full, T0 + 500 * S, 400000), 1);
}

/* Whatever the projections, no pause is shorter than min_off or longer than max_off + one step. */
static void test_times_hold_for_random_projections(void **state)
{
	struct load l[4] = { a_load("a", 30000, 1), a_load("b", 20000, 2), a_load("c", 50000, 3),
			     a_load("d", 10000, 4) };

	(void)state;
	srand(7);
	for (int64_t t = T0; t < T0 + 7200 * S; t += 5 * S) {
		struct projection p = projected(300000 + rand() % 200000, 0);

		p.start_us = t / (900 * S) * (900 * S);
		p.end_us = p.start_us + 900 * S;
		shed_decide(l, 4, &p, t, 400000);
		for (int i = 0; i < 4; i++) {
			int64_t since = t - l[i].changed_us;

			assert_false(l[i].off && since > l[i].max_off_us + 5 * S);
			if (l[i].advice == ADVICE_HOLD)
				continue;
			assert_true(!l[i].changed_us ||
				    since >= (l[i].off ? l[i].min_off_us : l[i].min_on_us));
			l[i].off = l[i].advice == ADVICE_SHED;
			l[i].changed_us = t;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_constant_power_projects_itself),
		cmocka_unit_test(test_window_edge_is_interpolated),
		cmocka_unit_test(test_start_in_the_middle_uses_the_store),
		cmocka_unit_test(test_counter_reset_never_makes_energy),
		cmocka_unit_test(test_band_grows_with_unsteady_load),
		cmocka_unit_test(test_sheds_enough_and_no_more),
		cmocka_unit_test(test_nothing_is_shed_too_early_or_too_late),
		cmocka_unit_test(test_shortest_and_longest_pause_are_kept),
		cmocka_unit_test(test_times_hold_for_random_projections),
	};

	return cmocka_run_group_tests_name("demand", tests, NULL, NULL);
}
