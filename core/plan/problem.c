/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plan/plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/zone.h"

static void order_free(struct plan_order *o)
{
	for (int i = 0; i < o->n_options; i++)
		free(o->options[i].power_w);
	free(o->options);
	free(o->id);
}

void plan_problem_free(struct plan_problem *p)
{
	if (!p)
		return;
	for (int i = 0; i < p->n_orders; i++)
		order_free(&p->orders[i]);
	for (int i = 0; i < p->n_machines; i++) {
		free(p->machines[i].id);
		free(p->machines[i].open);
	}
	free(p->orders);
	free(p->machines);
	free(p->energy_price_micro);
	free(p->sell_price_micro);
	free(p->base_w);
	free(p->pv_w);
	free(p->counts);
	free(p);
}

/* ---- struct to JSON ---- */

static json_t *ints(const int64_t *v, int n)
{
	json_t *a = json_array();

	for (int i = 0; a && i < n; i++)
		json_array_append_new(a, json_integer(v[i]));
	return a;
}

static json_t *bits(const uint8_t *v, int n)
{
	json_t *a = json_array();

	for (int i = 0; a && i < n; i++)
		json_array_append_new(a, json_integer(v[i]));
	return a;
}

static json_t *place_json(int option, int start)
{
	return json_pack("{s:i,s:i}", "option", option, "start", start);
}

static json_t *order_json(const struct plan_order *o)
{
	json_t *j = json_pack("{s:s,s:i,s:i,s:I}", "id", o->id, "release", o->release, "due", o->due,
			      "late_micro_per_slot", (json_int_t)o->late_micro_per_slot);
	json_t *options = json_array();

	for (int i = 0; i < o->n_options; i++) {
		const struct plan_option *op = &o->options[i];

		json_array_append_new(options, json_pack("{s:i,s:o}", "machine", op->machine, "power_w",
							 ints(op->power_w, op->length)));
	}
	json_object_set_new(j, "options", options);
	if (o->fixed_option >= 0)
		json_object_set_new(j, "fixed", place_json(o->fixed_option, o->fixed_start));
	if (o->erp_option >= 0)
		json_object_set_new(j, "erp", place_json(o->erp_option, o->erp_start));
	return j;
}

static json_t *battery_json(const struct plan_battery *b)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "capacity_wh", (json_int_t)b->capacity_wh,
			 "power_w", (json_int_t)b->power_w, "min_wh", (json_int_t)b->min_wh, "max_wh",
			 (json_int_t)b->max_wh, "stored_wh", (json_int_t)b->stored_wh, "end_min_wh",
			 (json_int_t)b->end_min_wh, "efficiency_permille",
			 (json_int_t)b->efficiency_permille);
}

static void add_lists(json_t *j, const struct plan_problem *p)
{
	json_t *machines = json_array(), *orders = json_array(), *warm = json_array();

	for (int i = 0; i < p->n_machines; i++)
		json_array_append_new(machines, json_pack("{s:s,s:o}", "id", p->machines[i].id, "open",
							  bits(p->machines[i].open, p->slots)));
	for (int i = 0; i < p->n_orders; i++) {
		const struct plan_order *o = &p->orders[i];

		json_array_append_new(orders, order_json(o));
		if (o->warm_option >= 0)
			json_array_append_new(warm, json_pack("{s:s,s:i,s:i}", "id", o->id, "option",
							      o->warm_option, "start", o->warm_start));
	}
	json_object_set_new(j, "machines", machines);
	json_object_set_new(j, "orders", orders);
	if (json_array_size(warm))
		json_object_set(j, "warm", warm);
	json_decref(warm);
}

static void utc_text(int64_t t_us, char *buf, size_t cap)
{
	int64_t s = t_us / 1000000, days = s / 86400, rest = s % 86400;
	int y, m, d;

	civil_from_days(days, &y, &m, &d);
	snprintf(buf, cap, "%04d-%02d-%02dT%02d:%02d:%02d.%06d+00:00", y, m, d, (int)(rest / 3600),
		 (int)(rest / 60 % 60), (int)(rest % 60), (int)(t_us % 1000000));
}

json_t *plan_problem_json(const struct plan_problem *p)
{
	char from[64];
	json_t *j;

	utc_text(p->from_us, from, sizeof from);
	j = json_pack("{s:s,s:i,s:i,s:s,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:I}", "from", from, "slot_s", p->slot_s,
		      "slots", p->slots, "currency", p->currency, "energy_price_micro",
		      ints(p->energy_price_micro, p->slots), "sell_price_micro",
		      ints(p->sell_price_micro, p->slots), "counts_for_demand", bits(p->counts, p->slots),
		      "base_w", ints(p->base_w, p->slots), "pv_w", ints(p->pv_w, p->slots),
		      "demand_threshold_w", (json_int_t)p->demand_threshold_w, "demand_price_micro",
		      (json_int_t)p->demand_price_micro, "seed", (json_int_t)p->seed);
	if (!j)
		return NULL;
	if (p->import_limit_w)
		json_object_set_new(j, "import_limit_w", json_integer(p->import_limit_w));
	if (p->battery.capacity_wh)
		json_object_set_new(j, "battery", battery_json(&p->battery));
	add_lists(j, p);
	return j;
}
