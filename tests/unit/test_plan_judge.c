/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/json.h"
#include "core/base/zone.h"
#include "core/plan/plan.h"
#include "tests/unit/plan_sample.h"

static struct fems_span span_of(const char *s)
{
	return (struct fems_span){ s, strlen(s) };
}

/* Two orders of 4 kW for an hour on one machine, eight slots. Price 100 won/kWh, in slots 4 to 7 300;
 * base 2 kW; demand above 4 kW costs 1000 won per kW. */
static struct plan_problem *two_orders(void)
{
	struct plan_problem *p = sample_empty(12, 1);
	struct plan_order *o;

	for (int t = 0; t < 12; t++) {
		p->energy_price_micro[t] = (t >= 4 && t < 8 ? 300 : 100) * INT64_C(1000000);
		p->base_w[t] = 2000;
	}
	p->demand_threshold_w = 4000;
	p->demand_price_micro = INT64_C(1000) * 1000000;
	o = sample_order(p, "A", 0, 4, 0, 4, 4000);
	o->late_micro_per_slot = 7000000;
	o->erp_option = 0;
	o->erp_start = 4;
	sample_order(p, "B", 0, 12, 0, 4, 4000);
	return p;
}

static int judge(struct plan_problem *p, struct plan *plan, int a, int b, struct plan_conflict *c)
{
	plan->places[0] = (struct plan_place){ 0, a };
	plan->places[1] = (struct plan_place){ 0, b };
	memset(c, 0, 4 * sizeof *c);
	return plan_evaluate(p, plan, c, 4);
}

static void costs_by_hand(void **state)
{
	struct plan_problem *p = two_orders();
	struct plan *plan = plan_new(p);
	struct plan_conflict c[4];

	(void)state;
	assert_int_equal(judge(p, plan, 0, 8, c), 0);
	/* Base 2 kW x 1 h x (100 + 300 + 100) = 1000 won, orders 2 x 4 kWh x 100 = 800 won. */
	assert_int_equal(plan->cost.energy_micro, INT64_C(1800) * 1000000);
	assert_int_equal(plan->peak_w, 6000);
	assert_int_equal(plan->cost.demand_micro, INT64_C(2000) * 1000000);
	assert_int_equal(plan->cost.late_micro, 0);
	assert_int_equal(plan->cost.total_micro, INT64_C(3800) * 1000000);
	assert_int_equal(judge(p, plan, 4, 0, c), 0);
	assert_int_equal(plan->cost.energy_micro, INT64_C(2600) * 1000000);
	assert_int_equal(plan->cost.late_micro, 4 * 7000000);
	p->demand_threshold_w = 6000; /* the ratchet covers it */
	assert_int_equal(judge(p, plan, 4, 0, c), 0);
	assert_int_equal(plan->cost.demand_micro, 0);
	plan_free(plan);
	plan_problem_free(p);
}

static void only_counting_slots_make_a_peak(void **state)
{
	struct plan_problem *p = two_orders();
	struct plan *plan = plan_new(p);
	struct plan_conflict c[4];

	(void)state;
	memset(p->counts, 0, 4);
	memset(p->counts + 8, 0, 4);
	assert_int_equal(judge(p, plan, 0, 8, c), 0);
	assert_int_equal(plan->peak_w, 2000);
	assert_int_equal(plan->cost.demand_micro, 0);
	plan_free(plan);
	plan_problem_free(p);
}

static void export_and_rounding(void **state)
{
	struct plan_problem *p = sample_empty(2, 1);
	struct plan *plan = plan_new(p);

	(void)state;
	p->energy_price_micro[0] = 1500; /* 1 Wh: 1.5 micro, half away from zero: 2 */
	p->base_w[0] = 4;
	p->sell_price_micro[1] = 90;
	p->pv_w[1] = 4000000; /* 1 MWh sold at 90 micro/kWh */
	assert_int_equal(plan_evaluate(p, plan, NULL, 0), 0);
	assert_int_equal(plan->cost.energy_micro, 2 - 90000);
	assert_int_equal(plan->import_w[1], -4000000);
	plan_free(plan);
	plan_problem_free(p);
}

static void every_rule_is_named(void **state)
{
	struct plan_problem *p = two_orders();
	struct plan *plan = plan_new(p);
	struct plan_conflict c[4];

	(void)state;
	assert_int_equal(judge(p, plan, 0, 2, c), 1);
	assert_string_equal(c[0].rule, "machine");
	assert_string_equal(c[0].orders, "A B");
	assert_int_equal(judge(p, plan, 0, 9, c), 1);
	assert_string_equal(c[0].rule, "horizon");
	p->orders[1].release = 6;
	assert_int_equal(judge(p, plan, 0, 5, c), 1);
	assert_string_equal(c[0].rule, "release");
	p->machines[0].open[9] = 0;
	assert_int_equal(judge(p, plan, 0, 8, c), 1);
	assert_string_equal(c[0].rule, "closed");
	p->machines[0].open[9] = 1;
	p->import_limit_w = 5999;
	assert_int_equal(judge(p, plan, 0, 8, c), 1);
	assert_string_equal(c[0].rule, "limit");
	assert_string_equal(c[0].orders, "A");
	p->import_limit_w = 6000;
	assert_int_equal(judge(p, plan, 0, 8, c), 0);
	p->orders[0].fixed_option = 0;
	p->orders[0].fixed_start = -2;
	assert_int_equal(judge(p, plan, 0, 8, c), 1);
	assert_string_equal(c[0].rule, "order");
	assert_int_equal(judge(p, plan, -2, 8, c), 0);
	plan->places[1].option = 3;
	assert_int_equal(plan_evaluate(p, plan, c, 4), 1);
	assert_string_equal(c[0].rule, "order");
	assert_true(strlen(c[0].text_en) > 10 && strlen(c[0].text_ko) > 10);
	plan_free(plan);
	plan_problem_free(p);
}

static void battery_balance_is_exact(void **state)
{
	struct plan_problem *p = sample_empty(4, 0);
	struct plan_conflict c[1];
	struct plan *plan;

	(void)state;
	p->battery = (struct plan_battery){ 1000, 4000, 0, 1000, 0, 0, 900 };
	plan = plan_new(p);
	plan->battery_w[0] = 400;  /* 100 Wh in, 90 Wh stored */
	plan->battery_w[1] = -360; /* all of it out */
	assert_int_equal(plan_evaluate(p, plan, c, 1), 0);
	plan->battery_w[1] = -364;
	assert_int_equal(plan_evaluate(p, plan, c, 1), 1);
	assert_string_equal(c[0].rule, "battery");
	plan->battery_w[1] = -360;
	p->battery.end_min_wh = 1;
	assert_int_equal(plan_evaluate(p, plan, c, 1), 1);
	p->battery.end_min_wh = 0;
	plan->battery_w[2] = 6; /* no whole Wh */
	assert_int_equal(plan_evaluate(p, plan, c, 1), 1);
	plan->battery_w[2] = 4004;
	assert_int_equal(plan_evaluate(p, plan, c, 1), 1);
	plan_free(plan);
	plan_problem_free(p);
}

static int conflict_of(struct plan_problem *p, const char *rule, const char *orders)
{
	struct plan_conflict c[8];
	int n = plan_infeasible(p, c, 8);

	memset(c, 0, sizeof c);
	n = plan_infeasible(p, c, 8);
	assert_true(n >= 1);
	assert_string_equal(c[0].rule, rule);
	assert_string_equal(c[0].orders, orders);
	assert_true(strlen(c[0].text_en) > 20 && strlen(c[0].text_ko) > 20);
	return n;
}

static void infeasible_sets_are_named(void **state)
{
	struct plan_problem *p = two_orders();
	struct plan_conflict c;

	(void)state;
	assert_int_equal(plan_infeasible(p, &c, 1), 0);
	p->orders[0].release = 9; /* three slots left for four */
	assert_int_equal(conflict_of(p, "horizon", "A"), 1);
	p->orders[0].release = 6; /* both from slot 6: eight slots of work in six */
	p->orders[1].release = 6;
	assert_int_equal(conflict_of(p, "machine", "A B"), 1);
	p->orders[1].release = 0;
	memset(p->machines[0].open, 0, 12);
	memset(p->machines[0].open + 3, 1, 3);
	assert_int_equal(conflict_of(p, "closed", "A"), 3); /* A, B, and both together */
	memset(p->machines[0].open, 1, 12);
	p->import_limit_w = 5000;
	assert_int_equal(conflict_of(p, "limit", "A"), 2);
	p->import_limit_w = 1000;
	assert_true(conflict_of(p, "limit", "") >= 1);
	plan_problem_free(p);
}

static void fixed_orders_can_exclude_each_other(void **state)
{
	struct plan_problem *p = two_orders();

	(void)state;
	p->orders[0].fixed_option = p->orders[1].fixed_option = 0;
	p->orders[0].fixed_start = 1;
	p->orders[1].fixed_start = 3;
	assert_int_equal(conflict_of(p, "machine", "A B"), 1);
	p->orders[1].fixed_start = 10;
	assert_int_equal(conflict_of(p, "horizon", "B"), 1);
	p->orders[1].fixed_option = -1; /* free, but A leaves it only slots 0 and 5 to 11 */
	p->orders[1].release = 9;
	assert_int_equal(conflict_of(p, "horizon", "B"), 1);
	p->orders[0].fixed_start = 5;
	p->orders[1].release = 4;
	p->machines[0].open[10] = 0;
	assert_int_equal(conflict_of(p, "machine", "B"), 1);
	plan_problem_free(p);
}

/* ---- reasons ---- */

static void reason_parts_add_up(void **state)
{
	struct plan_problem *p = two_orders();
	struct plan *plan = plan_new(p), *erp = plan_erp(p);
	struct plan_conflict c[4];
	struct plan_reason r;
	struct zone *z = NULL;

	(void)state;
	assert_int_equal(zone_open("Asia/Seoul", &z, NULL), 0);
	assert_int_equal(erp->places[0].start, 4);
	assert_int_equal(erp->places[1].start, 0);
	assert_int_equal(judge(p, plan, 0, 8, c), 0);
	plan_explain(p, plan, erp, 0, z, &r);
	assert_true(r.moved);
	assert_int_equal(r.saving.energy_micro, INT64_C(800) * 1000000);
	assert_int_equal(r.saving.demand_micro, 0);
	assert_int_equal(r.saving.late_micro, 4 * 7000000);
	assert_int_equal(r.saving.total_micro, r.saving.energy_micro + r.saving.late_micro);
	assert_string_equal(
		r.text_en, "Moved from 10:00 to 09:00: 828 won less, lateness 28 won; peak hours 10:00-11:00 "
			   "avoided.");
	assert_non_null(strstr(r.text_ko, "828원 절감"));
	plan_free(plan);
	plan_free(erp);
	zone_free(z);
	plan_problem_free(p);
}

static void staying_has_a_reason_too(void **state)
{
	struct plan_problem *p = two_orders();
	struct plan *plan = plan_new(p), *erp = plan_erp(p);
	struct plan_conflict c[4];
	struct plan_reason r;
	struct zone *z = NULL;

	(void)state;
	assert_int_equal(zone_open("UTC", &z, NULL), 0);
	assert_int_equal(judge(p, plan, 4, 0, c), 0);
	plan_explain(p, plan, erp, 1, z, &r);
	assert_false(r.moved);
	assert_int_equal(r.saving.total_micro, 0);
	assert_string_equal(r.text_en, "Stays at 00:00: another start, 02:00, would cost the same.");
	p->orders[1].fixed_option = 0;
	plan_explain(p, plan, erp, 1, z, &r);
	assert_string_equal(r.text_en, "Runs already or is locked at 00:00.");
	plan_free(plan);
	plan_free(erp);
	zone_free(z);
	plan_problem_free(p);
}

/* ---- documents ---- */

static void problem_survives_json(void **state)
{
	struct plan_problem *p = sample_factory((struct sample){ 12, 96, 3, true, true, false, 5 }),
			    *q = NULL;
	struct fems_error e = { "", NULL };
	char *a, *b;

	(void)state;
	p->orders[2].fixed_option = 0;
	p->orders[2].fixed_start = -1;
	p->orders[3].warm_option = 0;
	p->orders[3].warm_start = 7;
	a = sample_text(p);
	assert_int_equal(plan_problem_parse(span_of(a), &q, &e), 0);
	b = sample_text(q);
	assert_string_equal(a, b);
	free(a);
	free(b);
	plan_problem_free(p);
	plan_problem_free(q);
}

static void refused(const char *text, const char *from, const char *to, const char *want)
{
	const char *at = strstr(text, from);
	size_t head = (size_t)(at - text), n = strlen(text) + strlen(to) + 1;
	char *bad = malloc(n);
	struct fems_error e = { "", NULL };
	struct plan_problem *p = NULL;

	assert_non_null(at);
	assert_non_null(bad);
	snprintf(bad, n, "%.*s%s%s", (int)head, text, to, at + strlen(from));
	assert_int_equal(plan_problem_parse(span_of(bad), &p, &e), FEMS_EINVAL);
	assert_null(p);
	if (!strstr(e.text, want))
		fail_msg("\"%s\" does not name %s", e.text, want);
	free(bad);
}

static void bad_problems_are_refused(void **state)
{
	struct plan_problem *p = two_orders();
	char *text = sample_text(p);

	(void)state;
	refused(text, "\"slot_s\":900", "\"slot_s\":600", "slot_s");
	refused(text, "\"slots\":12", "\"slots\":13", "energy_price_micro");
	refused(text, "\"slots\":12", "\"slots\":\"12\"", "slots");
	refused(text, "\"slots\":12", "\"slots\":99999999999", "slots");
	refused(text, "2000,2000", "2000,2001", "base_w[1]");
	refused(text, "4000,4000", "4000,-4", "orders[0].options[0]");
	refused(text, "\"machine\":0", "\"machine\":1", "machine");
	refused(text, "\"id\":\"B\"", "\"id\":\"A\"", "twice");
	refused(text, "\"id\":\"B\"", "\"id\":\"\"", "orders[1].id");
	refused(text, "\"demand_price_micro\":1000000000", "\"demand_price_micro\":9000000000000000",
		"demand_price");
	refused(text, "\"late_micro_per_slot\":7000000", "\"late_micro_per_slot\":1000000000000000",
		"too large");
	refused(text, "\"options\":[{", "\"options\":[],\"o\":[{", "options");
	refused(text, "\"sell_price_micro\":[0", "\"sell_price_micro\":[200000000", "sell_price_micro[0]");
	refused(text, "{", "[", "line 1");
	free(text);
	plan_problem_free(p);
}

static void bad_plans_are_refused(void **state)
{
	static const struct {
		const char *text, *want;
	} bad[] = {
		{ "{\"orders\":[]}", "2 orders" },
		{ "{\"orders\":[{\"id\":\"A\",\"option\":0,\"start\":0},{\"id\":\"A\",\"option\":0,\"start\":"
		  "4}]}",
		  "twice" },
		{ "{\"orders\":[{\"id\":\"A\",\"option\":0,\"start\":0},{\"id\":\"C\",\"option\":0,\"start\":"
		  "4}]}",
		  "\"C\"" },
		{ "{\"orders\":[{\"id\":\"A\",\"option\":1,\"start\":0},{\"id\":\"B\",\"option\":0,\"start\":"
		  "4}]}",
		  "option 1" },
		{ "{\"orders\":[{\"id\":\"A\",\"option\":0,\"start\":0},{\"id\":\"B\",\"option\":0,\"start\":"
		  "4}]}",
		  "cost" },
		{ "{\"orders\":[{\"id\":\"A\",\"option\":0,\"start\":0},{\"id\":\"B\",\"option\":0,\"start\":"
		  "4}],"
		  "\"battery_w\":[]}",
		  "no battery" },
	};
	struct plan_problem *p = two_orders();

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct fems_error e = { "", NULL };
		struct plan *plan = NULL;

		assert_int_equal(plan_parse(p, span_of(bad[i].text), &plan, &e), FEMS_EINVAL);
		assert_null(plan);
		if (!strstr(e.text, bad[i].want))
			fail_msg("\"%s\" does not say %s", e.text, bad[i].want);
	}
	plan_problem_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(costs_by_hand),
		cmocka_unit_test(only_counting_slots_make_a_peak),
		cmocka_unit_test(export_and_rounding),
		cmocka_unit_test(every_rule_is_named),
		cmocka_unit_test(battery_balance_is_exact),
		cmocka_unit_test(infeasible_sets_are_named),
		cmocka_unit_test(fixed_orders_can_exclude_each_other),
		cmocka_unit_test(reason_parts_add_up),
		cmocka_unit_test(staying_has_a_reason_too),
		cmocka_unit_test(problem_survives_json),
		cmocka_unit_test(bad_problems_are_refused),
		cmocka_unit_test(bad_plans_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
