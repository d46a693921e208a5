/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plan/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/json.h"

struct plan *plan_new(const struct plan_problem *p)
{
	struct plan *plan = calloc(1, sizeof *plan);

	if (!plan)
		return NULL;
	plan->bound_micro = -1;
	plan->places = calloc((size_t)p->n_orders + 1, sizeof *plan->places);
	plan->import_w = calloc((size_t)p->slots, sizeof *plan->import_w);
	if (p->battery.capacity_wh)
		plan->battery_w = calloc((size_t)p->slots, sizeof *plan->battery_w);
	if (plan->places && plan->import_w && (plan->battery_w || !p->battery.capacity_wh))
		return plan;
	plan_free(plan);
	return NULL;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	free(plan->places);
	free(plan->battery_w);
	free(plan->import_w);
	free(plan);
}

json_t *plan_json(const struct plan_problem *p, const struct plan *plan)
{
	json_t *orders = json_array(), *battery = NULL, *j;

	for (int i = 0; i < p->n_orders; i++)
		json_array_append_new(orders,
				      json_pack("{s:s,s:i,s:i}", "id", p->orders[i].id, "option",
						plan->places[i].option, "start", plan->places[i].start));
	j = json_pack("{s:o,s:{s:I,s:I,s:I,s:I}}", "orders", orders, "cost", "energy_micro",
		      (json_int_t)plan->cost.energy_micro, "demand_micro",
		      (json_int_t)plan->cost.demand_micro, "late_micro", (json_int_t)plan->cost.late_micro,
		      "total_micro", (json_int_t)plan->cost.total_micro);
	if (!j)
		return NULL;
	if (plan->battery_w) {
		battery = json_array();
		for (int t = 0; t < p->slots; t++)
			json_array_append_new(battery, json_integer(plan->battery_w[t]));
		json_object_set_new(j, "battery_w", battery);
	}
	if (plan->bound_micro >= 0)
		json_object_set_new(j, "bound_micro", json_integer(plan->bound_micro));
	return j;
}

/* ---- parsing ---- */

struct order_key {
	const char *id;
	int i;
};

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct order_key *)a)->id, ((const struct order_key *)b)->id);
}

static enum fems_rc get_order(const struct plan_problem *p, struct plan *plan, const struct order_key *index,
			      uint8_t *seen, const json_t *o, const char *where, struct fems_error *e)
{
	struct order_key key = { "", 0 }, *hit;
	int64_t option = 0, start = 0;
	enum fems_rc rc;

	if ((rc = json_get_str(o, where, "id", false, &key.id, e)) ||
	    (rc = json_get_int(o, where, "option", false, &option, e)) ||
	    (rc = json_get_int(o, where, "start", false, &start, e)))
		return rc;
	hit = bsearch(&key, index, (size_t)p->n_orders, sizeof *index, by_id);
	if (!hit || seen[hit->i])
		return err_set(e, FEMS_EINVAL, "%s: order \"%s\" %s", where, key.id,
			       hit ? "stands twice" : "is not in the problem");
	if (option < 0 || option >= p->orders[hit->i].n_options)
		return err_set(e, FEMS_EINVAL, "%s: order \"%s\" has no option %" PRId64, where, key.id,
			       option);
	if (start < -1000000 || start > 1000000)
		return err_set(e, FEMS_EINVAL, "%s: start %" PRId64 " of order \"%s\" is no slot", where,
			       start, key.id);
	seen[hit->i] = 1;
	plan->places[hit->i] = (struct plan_place){ (int)option, (int)start };
	return FEMS_OK;
}

static enum fems_rc get_orders(const struct plan_problem *p, struct plan *plan, const json_t *j,
			       struct fems_error *e)
{
	struct order_key *index = calloc((size_t)p->n_orders + 1, sizeof *index);
	uint8_t *seen = calloc((size_t)p->n_orders + 1, 1);
	json_t *a = NULL;
	enum fems_rc rc = json_get_array(j, "plan", "orders", false, &a, e);

	if (!index || !seen)
		rc = err_set(e, FEMS_ENOMEM, "out of memory for a plan of %d orders", p->n_orders);
	if (!rc && json_array_size(a) != (size_t)p->n_orders)
		rc = err_set(e, FEMS_EINVAL, "plan.orders has %zu items; the problem has %d orders",
			     json_array_size(a), p->n_orders);
	for (int i = 0; !rc && i < p->n_orders; i++)
		index[i] = (struct order_key){ p->orders[i].id, i };
	if (!rc)
		qsort(index, (size_t)p->n_orders, sizeof *index, by_id);
	for (size_t i = 0; !rc && i < json_array_size(a); i++) {
		char where[32];

		snprintf(where, sizeof where, "orders[%zu]", i);
		rc = get_order(p, plan, index, seen, json_array_get(a, i), where, e);
	}
	free(index);
	free(seen);
	return rc;
}

static enum fems_rc get_battery(const struct plan_problem *p, struct plan *plan, const json_t *j,
				struct fems_error *e)
{
	json_t *a = NULL;
	enum fems_rc rc;

	if (!plan->battery_w)
		return json_object_get(j, "battery_w")
			       ? err_set(e, FEMS_EINVAL, "plan.battery_w: the problem has no battery")
			       : FEMS_OK;
	rc = json_get_array(j, "plan", "battery_w", false, &a, e);
	if (!rc && json_array_size(a) != (size_t)p->slots)
		rc = err_set(e, FEMS_EINVAL, "plan.battery_w has %zu items; give %d", json_array_size(a),
			     p->slots);
	for (int t = 0; !rc && t < p->slots; t++) {
		const json_t *v = json_array_get(a, (size_t)t);
		int64_t w = json_integer_value(v);

		if (!json_is_integer(v) || w % 4 || w > p->battery.power_w || w < -p->battery.power_w)
			rc = err_set(e, FEMS_EINVAL,
				     "plan.battery_w[%d] is not a multiple of 4 W within %" PRId64 " W", t,
				     p->battery.power_w);
		plan->battery_w[t] = w;
	}
	return rc;
}

static enum fems_rc get_cost(struct plan *plan, const json_t *j, struct fems_error *e)
{
	const json_t *c = json_object_get(j, "cost");
	enum fems_rc rc;

	if ((rc = json_get_int(c, "plan.cost", "energy_micro", false, &plan->cost.energy_micro, e)) ||
	    (rc = json_get_int(c, "plan.cost", "demand_micro", false, &plan->cost.demand_micro, e)) ||
	    (rc = json_get_int(c, "plan.cost", "late_micro", false, &plan->cost.late_micro, e)) ||
	    (rc = json_get_int(c, "plan.cost", "total_micro", false, &plan->cost.total_micro, e)))
		return rc;
	return json_get_int(j, "plan", "bound_micro", true, &plan->bound_micro, e);
}

enum fems_rc plan_parse(const struct plan_problem *p, struct fems_span span, struct plan **out,
			struct fems_error *e)
{
	struct plan *plan = plan_new(p);
	json_t *j = NULL;
	enum fems_rc rc;

	*out = NULL;
	if (!plan)
		return err_set(e, FEMS_ENOMEM, "out of memory for a plan");
	if (!(rc = json_parse(span, &j, e)) && !(rc = get_orders(p, plan, j, e)) &&
	    !(rc = get_battery(p, plan, j, e)))
		rc = get_cost(plan, j, e);
	json_decref(j);
	if (rc)
		plan_free(plan);
	else
		*out = plan;
	return rc;
}
