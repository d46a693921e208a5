/* SPDX-License-Identifier: Apache-2.0
 *
 * The planner on the manual clock, with a real store, a real tariff and the real search: from a
 * schedule to the performance of its orders.
 */
#include "config.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/plan/planner.h"
#include "plugins/optimise/solve.h"
#include "tests/unit/store_fixture.h"

#define MORNING INT64_C(1776639600000000) /* 2026-04-20 08:00 in Seoul, a Monday */

struct plant {
	struct fixture *f;
	struct loop *loop;
	struct services *services;
	struct tariff *tariff;
	struct planner *pl;
	struct site site;
	struct site_machine machines[2];
	struct site_meter meters[3];
	int plans, performances, lie;
	size_t changed;
};

/* Cheaper than it is: the first cost is written smaller. */
static int tell_a_lie(void *ctx, struct fems_span plan)
{
	struct {
		fems_incumbent_fn fn;
		void *ctx;
	} *to = ctx;
	json_t *j = json_loadb(plan.ptr, plan.len, 0, NULL), *cost = json_object_get(j, "cost");
	char *text;
	int stop;

	json_object_set_new(cost, "total_micro",
			    json_integer(json_integer_value(json_object_get(cost, "total_micro")) - 1));
	text = json_text(j);
	stop = to->fn(to->ctx, (struct fems_span){ text, strlen(text) });
	free(text);
	json_decref(j);
	return stop;
}

static enum fems_rc on_solve(void *ctx, struct fems_span problem, int64_t budget_us, fems_incumbent_fn fn,
			     void *fn_ctx, struct fems_error *e)
{
	struct plant *t = ctx;
	struct solve_settings set = { 1, true, 3000 };
	struct {
		fems_incumbent_fn fn;
		void *ctx;
	} to = { fn, fn_ctx };

	(void)budget_us;
	if (t->lie)
		return solve_problem(&set, problem, 20 * S, tell_a_lie, &to, e);
	return solve_problem(&set, problem, 20 * S, fn, fn_ctx, e);
}

static enum fems_rc on_demand(void *ctx, int64_t t_us, struct demand_cost *out, struct fems_error *e)
{
	(void)ctx;
	(void)t_us;
	(void)e;
	*out = (struct demand_cost){ 100000, INT64_C(8320000000), INT64_C(8320000000), 1 };
	return FEMS_OK;
}

static const char *on_taker(void *ctx, const char *type, size_t i)
{
	(void)ctx;
	(void)type;
	return i == 0 ? "erp" : NULL;
}

static void on_notice(void *ctx, const char *topic, const json_t *body)
{
	struct plant *t = ctx;

	t->plans += !strcmp(topic, "plan");
	t->performances += !strcmp(topic, "performance");
	if (!strcmp(topic, "orders"))
		t->changed += (size_t)json_integer_value(json_object_get(body, "changed"));
}

static void open_planner(struct plant *t)
{
	struct planner_options o = { .loop = t->loop,
				     .services = t->services,
				     .store = t->f->st,
				     .site = &t->site,
				     .tariff = t->tariff,
				     .hooks = { t, on_solve, on_demand, on_taker, on_notice } };

	OK(t->f, planner_open(&o, &t->pl, &t->f->e));
}

static int set_up(void **state)
{
	struct plant *t = calloc(1, sizeof *t);
	struct faults *faults = faults_new();
	char path[512];

	snprintf(path, sizeof path, "%s/etc/tariffs/kr-kepco-industrial-b-hva-2.yaml",
		 getenv("top_srcdir") ? getenv("top_srcdir") : ".");
	t->tariff = tariff_load(path, faults);
	faults_free(faults);
	clock_set_manual(MORNING);
	if (!t->tariff || fixture_setup((void **)&t->f) || loop_new(&t->loop, NULL) ||
	    zone_open("Asia/Seoul", &t->site.zone, NULL))
		return -1;
	t->services = services_new(t->loop);
	t->machines[0] = (struct site_machine){ "PRESS", "프레스", "Press", "m1", 80000, 2000 };
	t->machines[1] = (struct site_machine){ "OVEN", "오븐", "Oven", NULL, 120000, 2000 };
	t->meters[0] = (struct site_meter){ "main", "", "", "x", NULL, METER_MAIN };
	t->meters[1] = (struct site_meter){ "m1", "", "", "x", "main", METER_MACHINE };
	t->site.currency = "KRW";
	t->site.main_meter = "main";
	t->site.horizon_us = 24 * US_PER_H;
	t->site.plan_budget_us = S;
	t->site.machines = t->machines;
	t->site.n_machines = 2;
	t->site.meters = t->meters;
	t->site.n_meters = 2;
	make_counter(t->f, "m1/energy.active.import", 0);
	make_gauge(t->f, "m1/power.active", 1);
	open_planner(t);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	struct plant *t = *state;

	if (!planner_close(t->pl, 20 * S))
		return -1;
	services_free(t->services);
	loop_free(t->loop);
	tariff_free(t->tariff);
	zone_free(t->site.zone);
	fixture_teardown((void **)&t->f);
	free(t);
	return 0;
}

/* Runs the loop until no plan is being made and nothing is due at this instant. */
static void settle(struct plant *t)
{
	const struct timespec nap = { 0, 2000000 };

	for (int i = 0; i < 5000; i++) {
		loop_run(t->loop);
		if (!planner_busy(t->pl)) {
			loop_run(t->loop);
			return;
		}
		nanosleep(&nap, NULL);
	}
	fail_msg("the planner does not come to rest");
}

static void move_to(struct plant *t, int64_t t_us)
{
	clock_advance(t_us - clock_now_us());
	settle(t);
}

/* PRESS, two hours of 160 kWh, put by the ERP at 19:00 in the dearest hours; and what the caller adds. */
static enum fems_rc send(struct plant *t, const char *key, const char *more)
{
	char doc[2048];

	t->f->e.text[0] = '\0';
	snprintf(doc, sizeof doc,
		 "{\"schedule_id\":\"S1\",\"requests\":[{\"id\":\"R1\",\"priority\":2,\"segments\":[{\"id\":"
		 "\"A\",\"equipment\":"
		 "[\"PRESS\"],\"earliest_start\":\"2026-04-20T09:00:00+09:00\",\"latest_end\":\"2026-04-"
		 "20T22:00:00+09:00\","
		 "\"planned_start\":\"2026-04-20T19:00:00+09:00\",\"duration_s\":7200,\"energy_wh\":160000,"
		 "\"segment\":\"press\","
		 "\"product\":\"P-1\",\"quantity\":12.5,\"unit\":\"t\",\"place\":\"orders.xml:12\"}%s]}]}",
		 more);
	return planner_schedule(t->pl, "erp", key, (struct fems_span){ doc, strlen(doc) }, &t->f->e);
}

static json_t *item_of(const json_t *list, const char *key, const char *id)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i,
			   item) if (!strcmp(json_string_value(json_object_get(item, key)), id)) return item;
	return NULL;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

struct seen {
	const char *id, *key, *type;
	struct store_order o;
	char state[32], body[8192];
	int n;
};

static bool see_order(void *ctx, const struct store_order *o)
{
	struct seen *s = ctx;

	if (strcmp(o->id, s->id) != 0)
		return true;
	s->o = *o;
	snprintf(s->state, sizeof s->state, "%s", o->state);
	s->n++;
	return true;
}

static struct seen order_of(struct plant *t, const char *id)
{
	struct seen s = { .id = id };

	OK(t->f, store_orders(t->f->st, NULL, see_order, &s, &t->f->e));
	assert_int_equal(s.n, 1);
	return s;
}

static bool see_message(void *ctx, const struct store_message *m)
{
	struct seen *s = ctx;

	if (strcmp(m->type, s->type) != 0)
		return true;
	snprintf(s->body, sizeof s->body, "%.*s", (int)m->body.len, m->body.ptr);
	snprintf(s->state, sizeof s->state, "%s", m->key);
	s->n++;
	return true;
}

static struct seen messages(struct plant *t, const char *type)
{
	struct seen s = { .type = type };

	OK(t->f, store_outbox_list(t->f->st, NULL, 100, see_message, &s, &t->f->e));
	return s;
}

/* ---- tests ---- */

static void an_order_is_moved_with_a_reason(void **state)
{
	struct plant *t = *state;
	json_t *plan, *a;
	struct seen s;

	OK(t->f, send(t, "k1", ""));
	settle(t);
	plan = planner_plan_json(t->pl);
	assert_string_equal(text_of(plan, "state"), "ready");
	a = item_of(json_object_get(plan, "orders"), "id", "A");
	assert_non_null(a);
	assert_true(json_is_true(json_object_get(a, "moved")));
	assert_true(json_integer_value(json_object_get(a, "saving_micro")) > 0);
	assert_int_equal(json_integer_value(json_object_get(plan, "saving_micro")),
			 json_integer_value(json_object_get(a, "saving_micro")));
	assert_non_null(strstr(text_of(json_object_get(a, "reason"), "en"), "Moved from 19:00"));
	assert_non_null(strstr(text_of(json_object_get(a, "reason"), "ko"), "19:00"));
	s = order_of(t, "A");
	assert_true(s.o.plan_start_us >= MORNING + US_PER_H);
	assert_int_equal(s.o.plan_end_us - s.o.plan_start_us, 2 * US_PER_H);
	assert_true(t->plans >= 1 && t->changed >= 1);
	s = messages(t, "operations-schedule-proposal");
	assert_int_equal(s.n, 1);
	assert_non_null(strstr(s.body, "\"segments\":[{\"id\":\"A\""));
	json_decref(plan);
}

/* All of the night has one price: nothing to gain. */
static void a_move_without_gain_is_taken_back(void **state)
{
	static const char doc[] =
		"{\"schedule_id\":\"S2\",\"requests\":[{\"id\":\"R1\",\"segments\":[{\"id\":\"N\","
		"\"equipment\":"
		"[\"PRESS\"],\"earliest_start\":\"2026-04-20T23:00:00+09:00\",\"latest_end\":"
		"\"2026-04-21T06:00:00+09:00\",\"planned_start\":\"2026-04-21T02:30:00+09:00\",\"duration_"
		"s\":3600}]}]}";
	struct plant *t = *state;

	OK(t->f, planner_schedule(t->pl, "erp", "n", (struct fems_span){ doc, strlen(doc) }, &t->f->e));
	settle(t);
	assert_int_equal(order_of(t, "N").o.plan_start_us, order_of(t, "N").o.erp_start_us);
}

static void bad_orders_leave_the_others(void **state)
{
	struct plant *t = *state;
	json_t *plan, *conflict;

	OK(t->f,
	   send(t, "k1",
		",{\"id\":\"B\",\"equipment\":[\"LATHE\"],\"duration_s\":3600},"
		"{\"id\":\"C\",\"equipment\":[\"OVEN\"],\"earliest_start\":\"2026-04-20T12:00:00+09:00\","
		"\"latest_end\":\"2026-04-20T11:00:00+09:00\",\"duration_s\":3600},"
		"{\"id\":\"D\",\"equipment\":[\"OVEN\",\"PRESS\"],\"duration_s\":3600,"
		"\"earliest_start\":\"2026-04-20T09:00:00+09:00\"}"));
	settle(t);
	assert_string_equal(order_of(t, "B").state, "infeasible");
	assert_string_equal(order_of(t, "C").state, "infeasible");
	assert_string_equal(order_of(t, "D").state, "planned");
	assert_true(order_of(t, "D").o.plan_start_us > 0);
	plan = planner_plan_json(t->pl);
	assert_int_equal(json_array_size(json_object_get(plan, "orders")), 2);
	assert_int_equal(json_array_size(json_object_get(plan, "conflicts")), 2);
	conflict = json_array_get(json_object_get(plan, "conflicts"), 0);
	assert_string_equal(json_string_value(json_array_get(json_object_get(conflict, "orders"), 0)), "B");
	assert_non_null(strstr(text_of(json_object_get(conflict, "text"), "en"), "LATHE"));
	json_decref(plan);
}

static void documents_are_taken_once(void **state)
{
	struct plant *t = *state;
	int plans;

	OK(t->f, send(t, "k1", ""));
	settle(t);
	plans = t->plans;
	assert_int_equal(send(t, "k1", ""), FEMS_ECONFLICT);
	assert_string_equal(t->f->e.text, "");
	assert_int_equal(send(t, "k1", ",{\"id\":\"B\",\"equipment\":[\"OVEN\"],\"duration_s\":60}"),
			 FEMS_ECONFLICT);
	assert_string_not_equal(t->f->e.text, "");
	OK(t->f, send(t, "k2", "")); /* the same orders under another key: nothing changed, no new plan */
	settle(t);
	assert_int_equal(t->plans, plans);
}

static void a_document_that_was_cut_short_is_applied(void **state)
{
	struct plant *t = *state;

	OK(t->f, send(t, "k1", ""));
	settle(t);
	/* As if the daemon had died between the row of the document and its orders. */
	OK(t->f, store_state_set(t->f->st, "plan.pending.erp", "k1", &t->f->e));
	OK(t->f, send(t, "k1", ""));
	assert_int_equal(send(t, "k1", ""), FEMS_ECONFLICT);
}

static void wrong_documents_change_nothing(void **state)
{
	static const struct {
		const char *doc, *want;
	} bad[] = {
		{ "{", "JSON" },
		{ "{\"requests\":[]}", "schedule_id" },
		{ "{\"schedule_id\":\"S1\",\"requests\":[{\"id\":\"R\",\"segments\":[{\"equipment\":[],"
		  "\"place\":\"a.xml:7\"}]}]}",
		  "a.xml:7" },
		{ "{\"schedule_id\":\"S1\",\"requests\":[{\"id\":\"R\",\"segments\":[{\"id\":\"X\","
		  "\"duration_s\":-1}]}]}",
		  "duration_s" },
		{ "{\"schedule_id\":\"S1\",\"requests\":[{\"id\":\"R\",\"segments\":[{\"id\":\"X\","
		  "\"earliest_start\":\"8:00\"}]}]}",
		  "earliest_start" },
		{ "{\"schedule_id\":\"S1\",\"requests\":[{\"id\":\"R\",\"segments\":[{\"id\":\"X\","
		  "\"equipment\":[\"OVEN\"],"
		  "\"duration_s\":60},{\"id\":\"X\",\"equipment\":[\"OVEN\"],\"duration_s\":60}]}]}",
		  "twice" },
	};
	struct plant *t = *state;

	OK(t->f, send(t, "k1", ""));
	settle(t);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct fems_error e = { "", NULL };

		assert_int_equal(planner_schedule(t->pl, "erp", "bad",
						  (struct fems_span){ bad[i].doc, strlen(bad[i].doc) }, &e),
				 FEMS_EINVAL);
		if (!strstr(e.text, bad[i].want))
			fail_msg("\"%s\" does not name %s", e.text, bad[i].want);
	}
	assert_string_equal(order_of(t, "A").state, "planned");
}

static void a_lying_optimiser_is_refused(void **state)
{
	struct plant *t = *state;
	int64_t before, after;
	const char *text;
	json_t *plan;

	OK(t->f, send(t, "k1", ""));
	settle(t);
	before = order_of(t, "A").o.plan_start_us;
	t->lie = 1;
	planner_run(t->pl);
	settle(t);
	after = order_of(t, "A").o.plan_start_us;
	assert_int_equal(before, after);
	plan = planner_plan_json(t->pl);
	assert_string_equal(text_of(plan, "state"), "infeasible");
	text = text_of(json_object_get(json_array_get(json_object_get(plan, "conflicts"), 0), "text"), "en");
	assert_non_null(strstr(text, "no valid plan"));
	json_decref(plan);
}

/* A meter that shows 80 kW from start + 2 min to end + 1 min, one reading a minute. */
static void run_machine(struct plant *t, int64_t start_us, int64_t end_us)
{
	uint32_t power = store_series_find(t->f->st, "m1/power.active");
	uint32_t energy = store_series_find(t->f->st, "m1/energy.active.import");
	double wh = 1000000;

	for (int64_t at = start_us - 30 * US_PER_MIN; at <= end_us + 10 * US_PER_MIN; at += US_PER_MIN) {
		bool on = at >= start_us + 2 * US_PER_MIN && at < end_us + US_PER_MIN;

		put(t->f, power, at, on ? 80000 : 300);
		put(t->f, energy, at, wh);
		wh += on ? 80000 / 60.0 : 0;
		wh = (double)(int64_t)(wh + 0.5);
	}
	sync_store(t->f);
}

static void an_order_runs_and_is_reported_once(void **state)
{
	struct plant *t = *state;
	struct seen s;
	int64_t start, end;
	json_t *doc;

	OK(t->f, send(t, "k1", ""));
	settle(t);
	start = order_of(t, "A").o.plan_start_us;
	end = order_of(t, "A").o.plan_end_us;
	move_to(t, start - US_PER_MIN);
	assert_string_equal(order_of(t, "A").state, "planned");
	move_to(t, start);
	assert_string_equal(order_of(t, "A").state, "running");
	move_to(t, start + US_PER_H);
	assert_int_equal(order_of(t, "A").o.plan_start_us, start); /* it runs: no plan moves it */
	run_machine(t, start, end);
	move_to(t, end + 30 * S);
	assert_string_equal(order_of(t, "A").state, "running");
	move_to(t, end + 61 * S);
	assert_string_equal(order_of(t, "A").state, "reported");
	s = order_of(t, "A");
	assert_int_equal(s.o.actual_start_us, start + 2 * US_PER_MIN);
	assert_int_equal(s.o.actual_end_us, end + US_PER_MIN);
	for (int i = 1; i < 40; i++)
		move_to(t, end + i * 2 * US_PER_MIN);
	s = messages(t, "operations-performance");
	assert_int_equal(s.n, 1);
	assert_int_equal(t->performances, 1);
	doc = json_loads(s.body, 0, NULL);
	assert_string_equal(text_of(doc, "segment_id"), "A");
	assert_string_equal(text_of(doc, "edges"), "measured");
	assert_string_equal(text_of(doc, "unit"), "t");
	/* 119 readings a minute apart at 80 kW: 158,667 Wh but for the last minute's rounding. */
	assert_in_range(json_integer_value(json_object_get(doc, "energy_wh")), 158500, 158800);
	assert_in_range(json_integer_value(json_object_get(doc, "peak_w")), 79900, 80100);
	assert_true(json_integer_value(json_object_get(doc, "cost_micro")) > INT64_C(10000) * 1000000);
	json_decref(doc);
}

static void a_new_planner_goes_on(void **state)
{
	struct plant *t = *state;
	int64_t start;
	json_t *plan;

	OK(t->f, send(t, "k1", ""));
	settle(t);
	start = order_of(t, "A").o.plan_start_us;
	assert_true(planner_close(t->pl, 20 * S));
	clock_advance(start + 10 * US_PER_MIN - clock_now_us());
	open_planner(t);
	plan = planner_plan_json(t->pl);
	assert_non_null(item_of(json_object_get(plan, "orders"), "id", "A"));
	assert_string_equal(order_of(t, "A").state, "running");
	json_decref(plan);
	settle(t);
	assert_int_equal(order_of(t, "A").o.plan_start_us, start);
}

static void more_work_than_time_names_the_orders(void **state)
{
	struct plant *t = *state;
	json_t *plan, *conflicts;
	char more[512];

	/* 20 days of work on one machine: more than the planner looks ahead. */
	snprintf(more, sizeof more,
		 ",{\"id\":\"L1\",\"equipment\":[\"OVEN\"],\"duration_s\":864000},"
		 "{\"id\":\"L2\",\"equipment\":[\"OVEN\"],\"duration_s\":864000}");
	OK(t->f, send(t, "k1", more));
	settle(t);
	plan = planner_plan_json(t->pl);
	conflicts = json_object_get(plan, "conflicts");
	assert_int_equal(json_array_size(conflicts), 1);
	assert_string_equal(text_of(json_array_get(conflicts, 0), "rule"), "machine");
	assert_int_equal(json_array_size(json_object_get(json_array_get(conflicts, 0), "orders")), 2);
	assert_int_equal(json_array_size(json_object_get(plan, "orders")), 2);
	json_decref(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_order_is_moved_with_a_reason, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_move_without_gain_is_taken_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_orders_leave_the_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(documents_are_taken_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_document_that_was_cut_short_is_applied, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_documents_change_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_lying_optimiser_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_order_runs_and_is_reported_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_new_planner_goes_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(more_work_than_time_names_the_orders, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
