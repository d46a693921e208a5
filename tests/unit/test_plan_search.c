/* SPDX-License-Identifier: Apache-2.0
 *
 * The optimiser against the judge: properties on random factories, and the exact optimum on tiny ones.
 */
#include "config.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/zone.h"
#include "core/plan/plan.h"
#include "plugins/optimise/solve.h"
#include "tests/unit/plan_sample.h"

struct watch {
	const struct plan_problem *p;
	struct plan *best;
	char *last;
	int answers, stop_after;
};

/* Every answer keeps every rule and says its true cost. */
static int on_answer(void *ctx, struct fems_span text)
{
	struct watch *w = ctx;
	struct fems_error e = { "", NULL };
	struct plan_conflict c = { "", "", "", "" };
	struct plan *plan = NULL;
	struct plan_cost said;

	if (plan_parse(w->p, text, &plan, &e))
		fail_msg("answer refused: %s", e.text);
	said = plan->cost;
	if (plan_evaluate(w->p, plan, &c, 1))
		fail_msg("answer breaks a rule: %s", c.text_en);
	assert_memory_equal(&said, &plan->cost, sizeof said);
	assert_true(plan->bound_micro <= plan->cost.total_micro);
	free(w->last);
	w->last = strndup(text.ptr, text.len);
	w->answers++;
	if (!w->best || plan->cost.total_micro <= w->best->cost.total_micro) {
		plan_free(w->best);
		w->best = plan;
	} else {
		plan_free(plan);
	}
	return w->stop_after && w->answers >= w->stop_after;
}

static enum fems_rc solve(const struct plan_problem *p, int64_t steps, int64_t budget_us, struct watch *w,
			  struct fems_error *e)
{
	struct solve_settings set = { 1, true, steps };
	char *text = sample_text(p);
	enum fems_rc rc =
		solve_problem(&set, (struct fems_span){ text, strlen(text) }, budget_us, on_answer, w, e);

	free(text);
	return rc;
}

static void watch_free(struct watch *w)
{
	plan_free(w->best);
	free(w->last);
}

static void answers_keep_the_rules(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 24; seed++) {
		struct sample a = { 4 + (int)seed * 2,
				    96 + 96 * (int)(seed % 3),
				    2 + (int)seed % 4,
				    seed % 2,
				    seed % 3 == 0,
				    seed % 5 == 0,
				    seed };
		struct plan_problem *p = sample_factory(a);
		struct watch w = { .p = p };
		struct fems_error e = { "", NULL };

		if (seed % 4 == 0) {
			p->orders[0].fixed_option = 0;
			p->orders[0].fixed_start = -1;
		}
		if (solve(p, 400, 20000000, &w, &e))
			fail_msg("seed %d: %s", (int)seed, e.text);
		assert_true(w.answers >= 1);
		watch_free(&w);
		plan_problem_free(p);
	}
}

static void reasons_add_up(void **state)
{
	struct plan_problem *p = sample_factory((struct sample){ 20, 192, 4, true, false, true, 3 });
	struct watch w = { .p = p };
	struct plan *erp = plan_erp(p);
	struct zone *z = NULL;

	(void)state;
	assert_int_equal(zone_open("Asia/Seoul", &z, NULL), 0);
	assert_int_equal(solve(p, 400, 20000000, &w, NULL), 0);
	for (int i = 0; i < p->n_orders; i++) {
		struct plan_place was = w.best->places[i];
		struct plan *back = plan_new(p);
		struct plan_reason r;

		plan_explain(p, w.best, erp, i, z, &r);
		memcpy(back->places, w.best->places, (size_t)p->n_orders * sizeof *back->places);
		memcpy(back->battery_w, w.best->battery_w, (size_t)p->slots * sizeof *back->battery_w);
		back->places[i] = erp->places[i];
		plan_evaluate(p, back, NULL, 0);
		assert_int_equal(r.saving.energy_micro, back->cost.energy_micro - w.best->cost.energy_micro);
		assert_int_equal(r.saving.demand_micro, back->cost.demand_micro - w.best->cost.demand_micro);
		assert_int_equal(r.saving.late_micro, back->cost.late_micro - w.best->cost.late_micro);
		assert_int_equal(r.saving.total_micro,
				 r.saving.energy_micro + r.saving.demand_micro + r.saving.late_micro);
		assert_int_equal(r.moved,
				 was.start != erp->places[i].start || was.option != erp->places[i].option);
		assert_true(strlen(r.text_en) > 10 && strlen(r.text_ko) > 10);
		plan_free(back);
	}
	plan_free(erp);
	watch_free(&w);
	zone_free(z);
	plan_problem_free(p);
}

/* ---- tiny problems, all plans counted ---- */

static struct plan_problem *tiny(uint64_t seed)
{
	struct plan_problem *p = sample_factory((struct sample){ 3, 10, 2, false, false, false, seed });

	for (int t = 0; t < p->slots; t++) {
		p->energy_price_micro[t] = (int64_t)((seed * 7 + (uint64_t)t * 5) % 11 + 1) * 20000000;
		p->sell_price_micro[t] = 0;
		p->counts[t] = (seed + (uint64_t)t) % 3 != 0;
	}
	for (int i = 0; i < p->n_orders; i++) {
		p->orders[i].release = (int)((seed + (uint64_t)i) % 3);
		p->orders[i].due = 5;
		for (int k = 0; k < p->orders[i].n_options; k++)
			if (p->orders[i].options[k].length > 3)
				p->orders[i].options[k].length = 3;
	}
	return p;
}

static void try_all(const struct plan_problem *p, struct plan *plan, int i, int64_t *best)
{
	if (i == p->n_orders) {
		if (plan_evaluate(p, plan, NULL, 0) == 0 && (*best < 0 || plan->cost.total_micro < *best))
			*best = plan->cost.total_micro;
		return;
	}
	for (int k = 0; k < p->orders[i].n_options; k++)
		for (int s = p->orders[i].release; s + p->orders[i].options[k].length <= p->slots; s++) {
			plan->places[i] = (struct plan_place){ k, s };
			try_all(p, plan, i + 1, best);
		}
}

static int64_t optimum(const struct plan_problem *p)
{
	struct plan *plan = plan_new(p);
	int64_t best = -1;

	try_all(p, plan, 0, &best);
	plan_free(plan);
	return best;
}

static int64_t found(const struct plan_problem *p)
{
	struct watch w = { .p = p };
	int64_t cost;

	assert_int_equal(solve(p, 3000, 20000000, &w, NULL), 0);
	cost = w.best->cost.total_micro;
	watch_free(&w);
	return cost;
}

static void tiny_problems_are_solved_exactly(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct plan_problem *p = tiny(seed);
		int64_t best = optimum(p), tighter;

		assert_true(best >= 0);
		assert_int_equal(found(p), best);
		p->machines[0].open[0] = 0; /* one rule more never makes it cheaper */
		tighter = optimum(p);
		if (tighter >= 0) {
			assert_true(tighter >= best);
			assert_int_equal(found(p), tighter);
		}
		plan_problem_free(p);
	}
}

/* ---- storage ---- */

/* Eight slots, the last four dear: a battery of 1 kWh at 900 permille fills before and empties there. */
static void battery_moves_energy(void **state)
{
	struct plan_problem *p = sample_empty(8, 0);
	struct watch w = { .p = p };

	(void)state;
	for (int t = 0; t < 8; t++) {
		p->energy_price_micro[t] = (t < 4 ? 100 : 200) * INT64_C(1000000);
		p->base_w[t] = 4000;
	}
	p->battery = (struct plan_battery){ 1000, 4000, 0, 900, 0, 0, 900 };
	assert_int_equal(solve(p, 100, 5000000, &w, NULL), 0);
	/* 4 kWh at 100, 4 at 200, less 0.9 kWh at 200, plus 1 kWh at 100. */
	assert_int_equal(w.best->cost.total_micro, (400 + 800 - 180 + 100) * INT64_C(1000000));
	watch_free(&w);
	plan_problem_free(p);
}

static void battery_shaves_a_peak(void **state)
{
	struct plan_problem *p = sample_empty(4, 0);
	struct watch w = { .p = p };

	(void)state;
	for (int t = 0; t < 4; t++)
		p->base_w[t] = t == 2 ? 8000 : 4000;
	p->demand_threshold_w = 4000;
	p->demand_price_micro = INT64_C(1000) * 1000000;
	p->battery = (struct plan_battery){ 1000, 4000, 0, 1000, 400, 0, 1000 };
	assert_int_equal(solve(p, 100, 5000000, &w, NULL), 0);
	/* 400 Wh stored: the peak of 2000 Wh falls to 1600 Wh in its slot. More cannot be charged without a
	 * higher peak before it: one Wh in each of two slots before gives two, so the level is 4 x 1200. */
	assert_int_equal(w.best->peak_w, 4800);
	watch_free(&w);
	plan_problem_free(p);
}

/* ---- conduct ---- */

static void same_steps_same_plan(void **state)
{
	struct plan_problem *p = sample_factory((struct sample){ 40, 192, 4, true, false, false, 9 });
	struct watch a = { .p = p }, b = { .p = p };

	(void)state;
	assert_int_equal(solve(p, 2000, 60000000, &a, NULL), 0);
	assert_int_equal(solve(p, 2000, 60000000, &b, NULL), 0);
	assert_memory_equal(a.best->places, b.best->places, (size_t)p->n_orders * sizeof *a.best->places);
	assert_int_equal(a.best->cost.total_micro, b.best->cost.total_micro);
	watch_free(&a);
	watch_free(&b);
	plan_problem_free(p);
}

static void stops_when_told_and_in_time(void **state)
{
	struct plan_problem *p = sample_factory((struct sample){ 60, 288, 4, false, false, false, 2 });
	struct watch w = { .p = p, .stop_after = 1 };
	int64_t t = clock_mono_us();

	(void)state;
	assert_int_equal(solve(p, 0, 30000000, &w, NULL), 0);
	assert_int_equal(w.answers, 1);
	assert_true(clock_mono_us() - t < 10000000);
	w.stop_after = 0;
	t = clock_mono_us();
	assert_int_equal(solve(p, 0, 300000, &w, NULL), 0);
	assert_true(clock_mono_us() - t < 2000000);
	watch_free(&w);
	plan_problem_free(p);
}

static void warm_start_is_not_lost(void **state)
{
	struct plan_problem *p = sample_factory((struct sample){ 40, 192, 4, false, false, false, 4 });
	struct watch a = { .p = p }, b = { .p = p };

	(void)state;
	assert_int_equal(solve(p, 5000, 60000000, &a, NULL), 0);
	for (int i = 0; i < p->n_orders; i++) {
		p->orders[i].warm_option = a.best->places[i].option;
		p->orders[i].warm_start = a.best->places[i].start;
	}
	assert_int_equal(solve(p, 1, 60000000, &b, NULL), 0);
	assert_true(b.best->cost.total_micro <= a.best->cost.total_micro);
	watch_free(&a);
	watch_free(&b);
	plan_problem_free(p);
}

/* Three orders fill a machine to the last slot; dispatching the free one first would block it. */
static void tight_windows_are_packed(void **state)
{
	struct plan_problem *p = sample_empty(12, 1);
	struct watch w = { .p = p };
	struct fems_error e = { "", NULL };

	(void)state;
	sample_order(p, "free", 0, 1, 0, 4, 4000);
	sample_order(p, "two", 0, 2, 0, 5, 4000);
	sample_order(p, "late", 3, 3, 0, 3, 4000);
	memset(p->machines[0].open + 4, 1, 8);
	if (solve(p, 2000, 10000000, &w, &e))
		fail_msg("%s", e.text);
	watch_free(&w);
	plan_problem_free(p);
}

static void impossible_names_orders(void **state)
{
	struct plan_problem *p = sample_empty(8, 1);
	struct watch w = { .p = p };
	struct fems_error e = { "", NULL };

	(void)state;
	sample_order(p, "one", 0, 8, 0, 5, 4000);
	sample_order(p, "other", 0, 8, 0, 5, 4000);
	assert_int_equal(solve(p, 100, 200000, &w, &e), FEMS_ECONFLICT);
	assert_int_equal(w.answers, 0);
	assert_true(strstr(e.text, "one") || strstr(e.text, "other"));
	plan_problem_free(p);
}

static void nothing_to_plan(void **state)
{
	struct plan_problem *p = sample_empty(8, 0);
	struct watch w = { .p = p };

	(void)state;
	assert_int_equal(solve(p, 100, 200000, &w, NULL), 0);
	assert_true(w.answers >= 1);
	watch_free(&w);
	plan_problem_free(p);
}

static void bad_problem_is_refused(void **state)
{
	static const char *const bad[] = { "", "{", "[]", "{\"slots\":4}", "{\"slots\":4,\"slot_s\":900}" };
	struct solve_settings set = { 1, true, 10 };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct watch w = { .p = NULL };
		struct fems_error e = { "", NULL };

		assert_int_equal(solve_problem(&set, (struct fems_span){ bad[i], strlen(bad[i]) }, 100000,
					       on_answer, &w, &e),
				 FEMS_EINVAL);
		assert_true(strlen(e.text) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_keep_the_rules),
		cmocka_unit_test(reasons_add_up),
		cmocka_unit_test(tiny_problems_are_solved_exactly),
		cmocka_unit_test(battery_moves_energy),
		cmocka_unit_test(battery_shaves_a_peak),
		cmocka_unit_test(same_steps_same_plan),
		cmocka_unit_test(stops_when_told_and_in_time),
		cmocka_unit_test(warm_start_is_not_lost),
		cmocka_unit_test(tight_windows_are_packed),
		cmocka_unit_test(impossible_names_orders),
		cmocka_unit_test(nothing_to_plan),
		cmocka_unit_test(bad_problem_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
