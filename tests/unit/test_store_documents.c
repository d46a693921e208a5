/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "store_fixture.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fems_span span_of(const char *s)
{
	struct fems_span span = { s, strlen(s) };

	return span;
}

/* ---- documents ---- */

static void document_keys(void **state)
{
	struct fixture *f = *state;
	bool fresh;

	OK(f, store_document_add(f->st, "operations-schedule", "b1", "erp", span_of("{}"), &fresh, &f->e));
	assert_true(fresh);
	OK(f, store_document_add(f->st, "operations-schedule", "b1", "erp", span_of("{}"), &fresh, &f->e));
	assert_false(fresh);
	assert_int_equal(
		store_document_add(f->st, "operations-schedule", "b1", "erp", span_of("{ }"), &fresh, &f->e),
		FEMS_ECONFLICT);
	assert_non_null(strstr(f->e.text, "b1"));
	assert_false(fresh);
	OK(f, store_document_add(f->st, "operations-schedule", "b1", "mes", span_of("{ }"), &fresh, &f->e));
	assert_true(fresh);
	fixture_reopen(f);
	OK(f, store_document_add(f->st, "operations-schedule", "b1", "erp", span_of("{}"), &fresh, &f->e));
	assert_false(fresh);
	assert_int_equal(
		store_document_add(f->st, "operations-schedule", "", "erp", span_of("{}"), &fresh, &f->e),
		FEMS_EINVAL);
	assert_int_equal(sql(f, "SELECT count(*) FROM document"), 2);
}

/* ---- orders ---- */

static struct store_order order(const char *id, int64_t release)
{
	struct store_order o = { .id = id,
				 .request_id = "R1",
				 .schedule_id = "S1",
				 .source = "erp",
				 .equipment = "P1 P2",
				 .product = "gear",
				 .segment = "press",
				 .state = "planned",
				 .place = "a.xml:12",
				 .quantity = 12.5,
				 .quantity_unit = "PCE",
				 .release_us = release,
				 .due_us = release + 9000 * S,
				 .duration_us = 3600 * S,
				 .erp_start_us = release + S,
				 .energy_wh = 5000,
				 .priority = 2 };

	return o;
}

struct seen {
	char ids[200];
	struct store_order last;
	int n;
};

static bool see(void *ctx, const struct store_order *o)
{
	struct seen *s = ctx;

	snprintf(s->ids + strlen(s->ids), sizeof s->ids - strlen(s->ids), "%s:%s ", o->id, o->state);
	s->last = *o;
	s->n++;
	return true;
}

static const char *list(struct fixture *f, const char *states, struct seen *s)
{
	memset(s, 0, sizeof *s);
	OK(f, store_orders(f->st, states, see, s, &f->e));
	return s->ids;
}

static bool see_all(void *ctx, const struct store_order *o)
{
	(void)ctx;
	assert_string_equal(o->equipment, "P1 P2");
	assert_string_equal(o->place, "a.xml:12");
	assert_string_equal(o->quantity_unit, "PCE");
	assert_string_equal(o->plan_equipment, "");
	assert_int_equal((int64_t)(o->quantity * 10), 125);
	assert_int_equal(o->energy_wh, 5000);
	assert_int_equal(o->priority, 2);
	assert_int_equal(o->due_us - o->release_us, 9000 * S);
	assert_int_equal(o->duration_us, 3600 * S);
	assert_int_equal(o->erp_start_us - o->release_us, S);
	assert_int_equal(o->rev, 1);
	return false;
}

static void schedules_replace(void **state)
{
	struct fixture *f = *state;
	struct store_order o[3] = { order("A", 300 * S), order("B", 100 * S), order("C", 200 * S) };
	struct seen s;
	size_t changed;

	OK(f, store_orders_put(f->st, "erp", "S1", o, 3, &changed, &f->e));
	assert_int_equal(changed, 3);
	assert_string_equal(list(f, NULL, &s), "B:planned C:planned A:planned ");
	OK(f, store_orders(f->st, NULL, see_all, NULL, &f->e));
	OK(f, store_orders_put(f->st, "erp", "S1", o, 3, &changed, &f->e));
	assert_int_equal(changed, 0);
	OK(f, store_order_state(f->st, "B", "running", 5 * S, 0, &f->e));
	o[0].quantity = 13;
	o[1].quantity = 99; /* runs: stays */
	OK(f, store_orders_put(f->st, "erp", "S1", o, 2, &changed, &f->e));
	assert_int_equal(changed, 2);
	assert_string_equal(list(f, NULL, &s), "B:running C:cancelled A:planned ");
	assert_int_equal(s.last.rev, 2);
	assert_string_equal(list(f, "running", &s), "B:running ");
	assert_int_equal((int64_t)(s.last.quantity * 10), 125);
	assert_int_equal(s.last.actual_start_us, 5 * S);
	assert_string_equal(list(f, "planned cancelled", &s), "C:cancelled A:planned ");
	OK(f, store_orders_put(f->st, "erp", "S1", o, 3, &changed, &f->e));
	assert_int_equal(changed, 1); /* C comes back */
	fixture_reopen(f);
	assert_string_equal(list(f, NULL, &s), "B:running C:planned A:planned ");
	/* A running one that the ERP withdraws is not forgotten. */
	OK(f, store_orders_put(f->st, "erp", "S1", NULL, 0, &changed, &f->e));
	assert_string_equal(list(f, NULL, &s), "B:running C:cancelled A:cancelled ");
	/* A part only: nothing is withdrawn. */
	OK(f, store_orders_put(f->st, "erp", NULL, &o[2], 1, &changed, &f->e));
	assert_int_equal(changed, 1);
	assert_string_equal(list(f, NULL, &s), "B:running C:planned A:cancelled ");
}

static void bad_schedules_change_nothing(void **state)
{
	struct fixture *f = *state;
	struct store_order o[3] = { order("A", 300 * S), order("B", 100 * S), order("A", 200 * S) };
	struct seen s;
	size_t changed = 7;

	assert_int_equal(store_orders_put(f->st, "erp", "S1", o, 3, &changed, &f->e), FEMS_ECONFLICT);
	assert_non_null(strstr(f->e.text, "A"));
	assert_non_null(strstr(f->e.text, "a.xml:12"));
	assert_int_equal(changed, 0);
	assert_string_equal(list(f, NULL, &s), "");
	OK(f, store_orders_put(f->st, "erp", "S1", o, 2, NULL, &f->e));
	assert_int_equal(store_orders_put(f->st, "mes", "S9", &o[1], 1, &changed, &f->e), FEMS_ECONFLICT);
	assert_non_null(strstr(f->e.text, "erp"));
	o[0].due_us = 1;
	assert_int_equal(store_orders_put(f->st, "erp", "S1", o, 1, &changed, &f->e), FEMS_EINVAL);
	o[0] = order("A", 300 * S);
	o[0].state = "dreaming";
	assert_int_equal(store_orders_put(f->st, "erp", "S1", o, 1, &changed, &f->e), FEMS_EINVAL);
	assert_non_null(strstr(f->e.text, "dreaming"));
	assert_string_equal(list(f, NULL, &s), "B:planned A:planned ");
	assert_int_equal(store_orders(f->st, "planned dreamt", see, &s, &f->e), FEMS_EINVAL);
	assert_int_equal(store_order_state(f->st, "Z", "done", 0, 0, &f->e), FEMS_ENOENT);
	assert_int_equal(store_order_state(f->st, "A", "", 0, 0, &f->e), FEMS_EINVAL);
}

/* ---- plans ---- */

static void plans(void **state)
{
	struct fixture *f = *state;
	struct store_order o[2] = { order("A", 300 * S), order("B", 400 * S) };
	struct store_plan_item it[2] = { { "A", "P2", 1000 * S, 2000 * S },
					 { "B", "P1", 3000 * S, 4000 * S } };
	struct seen s;
	int64_t id, first;
	char *json;

	assert_int_equal(store_plan_last(f->st, &json, &id, &f->e), FEMS_ENOENT);
	OK(f, store_orders_put(f->st, "erp", "S1", o, 2, NULL, &f->e));
	OK(f, store_plan_put(f->st, span_of("{\"plan\":1}"), it, 2, &first, &f->e));
	list(f, NULL, &s);
	assert_int_equal(s.last.plan_start_us, 3000 * S);
	assert_int_equal(s.last.plan_end_us, 4000 * S);
	it[1].order_id = "Z";
	assert_int_equal(store_plan_put(f->st, span_of("{}"), it, 2, &id, &f->e), FEMS_ENOENT);
	it[1].order_id = "A";
	assert_int_equal(store_plan_put(f->st, span_of("{}"), it, 2, &id, &f->e), FEMS_ECONFLICT);
	it[0].end_us = 0;
	assert_int_equal(store_plan_put(f->st, span_of("{}"), it, 1, &id, &f->e), FEMS_EINVAL);
	fixture_reopen(f);
	OK(f, store_plan_last(f->st, &json, &id, &f->e));
	assert_string_equal(json, "{\"plan\":1}");
	assert_int_equal(id, first);
	free(json);
	it[0].end_us = 2000 * S;
	OK(f, store_plan_put(f->st, span_of("{\"plan\":2}"), it, 1, &id, &f->e));
	assert_true(id > first);
	list(f, NULL, &s);
	assert_int_equal(s.last.plan_start_us, 0); /* B is no longer planned */
}

/* ---- outbox ---- */

struct due {
	char keys[200];
	int64_t ids[20];
	int n;
};

static bool see_message(void *ctx, const struct store_message *m)
{
	struct due *d = ctx;

	snprintf(d->keys + strlen(d->keys), sizeof d->keys - strlen(d->keys), "%s:%s ", m->key, m->state);
	d->ids[d->n++] = m->id;
	return true;
}

static const char *due(struct fixture *f, const char *route, int64_t now, struct due *d)
{
	memset(d, 0, sizeof *d);
	OK(f, store_outbox_due(f->st, route, now, 20, see_message, d, &f->e));
	return d->keys;
}

static struct store_message message(const char *route, const char *key, const char *business)
{
	struct store_message m = { .route = route,
				   .type = "operations-performance",
				   .key = key,
				   .business = business,
				   .body = span_of("{\"x\":1}") };

	return m;
}

static void messages_in_order_of_business(void **state)
{
	struct fixture *f = *state;
	struct store_message m[] = { message("erp", "a1", "A"), message("erp", "a2", "A"),
				     message("erp", "b1", "B"), message("mes", "a1", "A"),
				     message("erp", "p1", ""),  message("erp", "p2", "") };
	struct store_outbox_counts n;
	struct due d;
	bool fresh;

	for (size_t i = 0; i < 6; i++) {
		OK(f, store_outbox_add(f->st, NULL, &m[i], &fresh, &f->e));
		assert_true(fresh);
	}
	OK(f, store_outbox_add(f->st, NULL, &m[0], &fresh, &f->e));
	assert_false(fresh);
	assert_string_equal(due(f, "erp", S, &d), "a1:new b1:new p1:new p2:new ");
	OK(f, store_outbox_result(f->st, d.ids[0], "sent", 0, NULL, NULL, &f->e));
	assert_string_equal(due(f, "erp", S, &d), "b1:new p1:new p2:new ");
	/* A restart while it is under way: tried again, still before a2. */
	fixture_reopen(f);
	assert_string_equal(due(f, "erp", S, &d), "a1:retry b1:new p1:new p2:new ");
	OK(f, store_outbox_result(f->st, d.ids[0], "retry", 100 * S, "no answer", NULL, &f->e));
	assert_string_equal(due(f, "erp", S, &d), "b1:new p1:new p2:new ");
	assert_string_equal(due(f, NULL, 100 * S, &d), "a1:retry b1:new a1:new p1:new p2:new ");
	OK(f, store_outbox_result(f->st, d.ids[0], "done", 0, NULL, "R-7", &f->e));
	assert_string_equal(due(f, "erp", S, &d), "a2:new b1:new p1:new p2:new ");
	OK(f, store_outbox_result(f->st, d.ids[0], "dead", 0, "refused", NULL, &f->e));
	assert_string_equal(due(f, "erp", S, &d), "b1:new p1:new p2:new ");
	OK(f, store_outbox_count(f->st, &n, &f->e));
	assert_int_equal(n.waiting, 4);
	assert_int_equal(n.dead, 1);
	assert_int_equal(n.done, 1);
	assert_int_equal(sql(f, "SELECT attempts FROM outbox WHERE key='a1' AND route='erp'"), 2);
	assert_int_equal(
		sql(f, "SELECT receipt='R-7' AND last_error='' FROM outbox WHERE key='a1' AND route='erp'"),
		1);
	memset(&d, 0, sizeof d);
	OK(f, store_outbox_list(f->st, "dead", 10, see_message, &d, &f->e));
	assert_string_equal(d.keys, "a2:dead ");
	memset(&d, 0, sizeof d);
	OK(f, store_outbox_list(f->st, NULL, 2, see_message, &d, &f->e));
	assert_string_equal(d.keys, "p2:new p1:new ");
}

static void impossible_moves(void **state)
{
	struct fixture *f = *state;
	struct store_message m = message("erp", "k", "A"), bad = message("erp", "", "A");
	struct due d;

	assert_int_equal(store_outbox_add(f->st, NULL, &bad, NULL, &f->e), FEMS_EINVAL);
	OK(f, store_outbox_add(f->st, NULL, &m, NULL, &f->e));
	due(f, "erp", S, &d);
	OK(f, store_outbox_result(f->st, d.ids[0], "done", 0, NULL, NULL, &f->e));
	assert_int_equal(store_outbox_result(f->st, d.ids[0], "retry", 0, NULL, NULL, &f->e), FEMS_ECONFLICT);
	assert_int_equal(store_outbox_result(f->st, d.ids[0], "flying", 0, NULL, NULL, &f->e),
			 FEMS_ECONFLICT);
	assert_int_equal(store_outbox_result(f->st, 999, "done", 0, NULL, NULL, &f->e), FEMS_ENOENT);
}

static void order_is_reported_once(void **state)
{
	struct fixture *f = *state;
	struct store_order o = order("A", 300 * S);
	struct store_message m = message("erp", "perf-A-1", "A"), lost = message("erp", "perf-Z-1", "Z");
	struct seen s;
	bool fresh;

	OK(f, store_orders_put(f->st, "erp", "S1", &o, 1, NULL, &f->e));
	OK(f, store_order_state(f->st, "A", "done", S, 2 * S, &f->e));
	OK(f, store_outbox_add(f->st, "A", &m, &fresh, &f->e));
	assert_true(fresh);
	assert_string_equal(list(f, NULL, &s), "A:reported ");
	assert_int_equal(s.last.actual_end_us, 2 * S);
	OK(f, store_outbox_add(f->st, "A", &m, &fresh, &f->e));
	assert_false(fresh);
	assert_int_equal(store_order_state(f->st, "A", "running", 0, 0, &f->e), FEMS_ECONFLICT);
	/* Message and state are one transaction. */
	assert_int_equal(store_outbox_add(f->st, "Z", &lost, &fresh, &f->e), FEMS_ENOENT);
	assert_false(fresh);
	assert_int_equal(sql(f, "SELECT count(*) FROM outbox"), 1);
}

/* ---- audit and state ---- */

static bool see_audit(void *ctx, int64_t seq, int64_t t_us, const char *who, const char *action,
		      const char *object, const char *detail_json)
{
	int *n = ctx;

	assert_true(seq > 0 && t_us > 0);
	assert_string_equal(who, "kim");
	assert_string_equal(object, "fan1");
	if (*n == 0) {
		assert_string_equal(action, "restore");
		assert_string_equal(detail_json, "{}");
	} else {
		assert_string_equal(action, "shed");
		assert_string_equal(detail_json, "{\"value\":1}");
	}
	++*n;
	return true;
}

static void audit_only_grows(void **state)
{
	struct fixture *f = *state;
	int n = 0;

	OK(f, store_audit(f->st, "kim", "shed", "fan1", "{\"value\":1}", &f->e));
	OK(f, store_audit(f->st, "kim", "restore", "fan1", NULL, &f->e));
	assert_int_equal(store_audit(f->st, "", "restore", "fan1", NULL, &f->e), FEMS_EINVAL);
	OK(f, store_audit_list(f->st, 10, see_audit, &n, &f->e));
	assert_int_equal(n, 2);
	sql(f, "UPDATE audit SET who='lee'");
	sql(f, "DELETE FROM audit");
	assert_int_equal(sql(f, "SELECT count(*) FROM audit WHERE who='kim'"), 2);
}

static void small_values(void **state)
{
	struct fixture *f = *state;
	char *v;

	OK(f, store_state_get(f->st, "cursor", &v, &f->e));
	assert_null(v);
	OK(f, store_state_set(f->st, "cursor", "17", &f->e));
	OK(f, store_state_set(f->st, "cursor", "18", &f->e));
	fixture_reopen(f);
	OK(f, store_state_get(f->st, "cursor", &v, &f->e));
	assert_string_equal(v, "18");
	free(v);
	assert_int_equal(store_state_set(f->st, "", "18", &f->e), FEMS_EINVAL);
	assert_int_equal(store_state_set(f->st, "store.raw_from_us", "1", &f->e), FEMS_EINVAL);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(document_keys),
		T(schedules_replace),
		T(bad_schedules_change_nothing),
		T(plans),
		T(messages_in_order_of_business),
		T(impossible_moves),
		T(order_is_reported_once),
		T(audit_only_grows),
		T(small_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
