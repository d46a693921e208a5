/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plan/planner_room.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/zone.h"

static json_t *ints(const int64_t *v, int n)
{
	json_t *a = json_array();

	for (int i = 0; i < n; i++)
		json_array_append_new(a, json_integer(v[i]));
	return a;
}

static json_t *time_json(const struct site *site, int64_t t_us)
{
	char s[40];

	return t_us ? json_string(time_format(t_us, site->zone, s, sizeof s)) : json_null();
}

static json_t *labels(const char *ko, const char *en)
{
	return json_pack("{s:s,s:s}", "ko", ko ? ko : "", "en", en ? en : "");
}

static json_t *cost_json(const struct plan_cost *c)
{
	return json_pack("{s:I,s:I,s:I,s:I}", "energy_micro", (json_int_t)c->energy_micro, "demand_micro",
			 (json_int_t)c->demand_micro, "late_micro", (json_int_t)c->late_micro, "total_micro",
			 (json_int_t)c->total_micro);
}

static int64_t slot_us(const struct plan_problem *p, int slot)
{
	return p->from_us + (int64_t)slot * p->slot_s * US_PER_S;
}

/* Wh at the end of each slot, rounded down. */
static json_t *stored_json(const struct plan_problem *p, const struct plan *plan)
{
	int64_t stored = p->battery.stored_wh * 1000;
	json_t *a = json_array();

	for (int t = 0; plan->battery_w && t < p->slots; t++) {
		int64_t wh = plan->battery_w[t] / 4;

		stored += wh > 0 ? wh * p->battery.efficiency_permille : wh * 1000;
		json_array_append_new(a, json_integer(stored / 1000));
	}
	return a;
}

static json_t *bands_json(const struct build *b)
{
	json_t *a = json_array();

	for (int t = 0; t < b->problem->slots; t++)
		json_array_append_new(a, json_string(b->band[t]));
	return a;
}

static json_t *machines_json(const struct site *site)
{
	json_t *a = json_array();

	for (size_t i = 0; i < site->n_machines; i++)
		json_array_append_new(
			a, json_pack("{s:s,s:o}", "id", site->machines[i].id, "labels",
				     labels(site->machines[i].label_ko, site->machines[i].label_en)));
	return a;
}

static int64_t mean_w(const struct plan_option *op)
{
	int64_t sum = 0;

	for (int i = 0; i < op->length; i++)
		sum += op->power_w[i];
	return sum / op->length;
}

static void add_reason(json_t *j, const struct outcome *out, const struct site *site, int i)
{
	struct plan_reason r;

	plan_explain(out->b->problem, out->plan, out->erp, i, site->zone, &r);
	json_object_set_new(j, "moved", json_boolean(r.moved));
	json_object_set_new(j, "saving_micro", json_integer(r.saving.total_micro));
	json_object_set_new(j, "parts",
			    json_pack("{s:I,s:I,s:I}", "energy_micro", (json_int_t)r.saving.energy_micro,
				      "demand_micro", (json_int_t)r.saving.demand_micro, "late_micro",
				      (json_int_t)r.saving.late_micro));
	json_object_set_new(j, "reason", labels(r.text_ko, r.text_en));
}

static json_t *order_json(const struct outcome *out, const struct site *site, int i)
{
	const struct plan_problem *p = out->b->problem;
	const struct plan_order *o = &p->orders[i];
	const struct store_order *row = &out->b->rows.v[out->b->row_of[i]];
	const struct plan_option *op = &o->options[out->plan->places[i].option];
	const struct plan_option *erp = &o->options[out->erp->places[i].option];
	int start = out->plan->places[i].start, end = start + op->length;
	json_t *j =
		json_pack("{s:s,s:s,s:s,s:f,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:s,s:I,s:s,s:b,s:I}", "id", row->id,
			  "request_id", row->request_id, "product", row->product, "quantity", row->quantity,
			  "unit", row->quantity_unit, "equipment", p->machines[op->machine].id, "start",
			  time_json(site, slot_us(p, start)), "end", time_json(site, slot_us(p, end)),
			  "release", time_json(site, row->release_us), "due", time_json(site, row->due_us),
			  "erp_start", time_json(site, slot_us(p, out->erp->places[i].start)),
			  "erp_equipment", p->machines[erp->machine].id, "power_w", (json_int_t)mean_w(op),
			  "state", row->state, "locked", o->fixed_option >= 0, "late_s",
			  (json_int_t)(end > o->due ? (end - o->due) * p->slot_s : 0));

	if (j)
		add_reason(j, out, site, i);
	return j;
}

static json_t *ids_json(const char *ids)
{
	json_t *a = json_array();

	while (*ids) {
		size_t n = strcspn(ids, " ");

		if (n)
			json_array_append_new(a, json_stringn(ids, n));
		ids += n + (ids[n] == ' ');
	}
	return a;
}

static json_t *conflicts_json(const struct build *b)
{
	json_t *a = json_array();

	for (int i = 0; i < b->n_conflicts; i++)
		json_array_append_new(a,
				      json_pack("{s:o,s:s,s:o}", "orders", ids_json(b->conflicts[i].orders),
						"rule", b->conflicts[i].rule, "text",
						labels(b->conflicts[i].text_ko, b->conflicts[i].text_en)));
	return a;
}

static void add_curves(json_t *j, const struct outcome *out)
{
	const struct plan_problem *p = out->b->problem;

	json_object_set_new(j, "price_micro", ints(p->energy_price_micro, p->slots));
	json_object_set_new(j, "band", bands_json(out->b));
	json_object_set_new(j, "base_w", ints(p->base_w, p->slots));
	json_object_set_new(j, "pv_w", ints(p->pv_w, p->slots));
	json_object_set_new(j, "battery_w",
			    out->plan->battery_w ? ints(out->plan->battery_w, p->slots) : json_array());
	json_object_set_new(j, "stored_wh", stored_json(p, out->plan));
	json_object_set_new(j, "import_w", ints(out->plan->import_w, p->slots));
	json_object_set_new(j, "erp_import_w", ints(out->erp->import_w, p->slots));
	json_object_set_new(j, "limit_w", json_integer(p->import_limit_w));
	json_object_set_new(j, "threshold_w", json_integer(p->demand_threshold_w));
}

json_t *planner_view_make(const struct planner *pl, const struct outcome *out)
{
	static const char *const modes[] = { "advise", "advise", "act" };
	const struct site *site = pl->o.site;
	const struct plan_problem *p = out->b->problem;
	json_t *j = json_object(), *orders = json_array();

	if (!j || !orders) {
		json_decref(j);
		json_decref(orders);
		return NULL;
	}
	json_object_set_new(j, "made_at", time_json(site, out->made_at_us));
	json_object_set_new(j, "state", json_string("ready"));
	json_object_set_new(j, "mode", json_string(modes[site->control]));
	json_object_set_new(j, "from", time_json(site, p->from_us));
	json_object_set_new(j, "slot_s", json_integer(p->slot_s));
	json_object_set_new(j, "slots", json_integer(p->slots));
	json_object_set_new(j, "currency", json_string(p->currency));
	json_object_set_new(j, "cost", cost_json(&out->plan->cost));
	json_object_set_new(j, "erp_cost", cost_json(&out->erp->cost));
	json_object_set_new(j, "erp_feasible", json_boolean(out->erp_feasible));
	json_object_set_new(j, "saving_micro",
			    json_integer(out->erp->cost.total_micro - out->plan->cost.total_micro));
	json_object_set_new(j, "bound_micro",
			    out->plan->bound_micro < 0 ? json_null() : json_integer(out->plan->bound_micro));
	json_object_set_new(j, "solve_ms", json_integer(out->solve_ms));
	json_object_set_new(j, "peak_w", json_integer(out->plan->peak_w));
	json_object_set_new(j, "erp_peak_w", json_integer(out->erp->peak_w));
	add_curves(j, out);
	json_object_set_new(j, "machines", machines_json(site));
	for (int i = 0; i < p->n_orders; i++)
		json_array_append_new(orders, order_json(out, site, i));
	json_object_set_new(j, "orders", orders);
	json_object_set_new(j, "conflicts", conflicts_json(out->b));
	return j;
}

/* ---- proposal ---- */

static json_t *segment_json(const struct outcome *out, const struct site *site, int i)
{
	const struct plan_problem *p = out->b->problem;
	const struct plan_order *o = &p->orders[i];
	const struct store_order *row = &out->b->rows.v[out->b->row_of[i]];
	const struct plan_option *op = &o->options[out->plan->places[i].option];
	struct plan_reason r;
	int64_t wh = 0;

	for (int q = 0; q < op->length; q++)
		wh += op->power_w[q] / 4;
	plan_explain(p, out->plan, out->erp, i, site->zone, &r);
	return json_pack("{s:s,s:s,s:s,s:o,s:o,s:s,s:I,s:b,s:s}", "id", row->id, "request_id",
			 row->request_id, "equipment", p->machines[op->machine].id, "start",
			 time_json(site, slot_us(p, out->plan->places[i].start)), "end",
			 time_json(site, slot_us(p, out->plan->places[i].start + op->length)), "segment",
			 row->segment, "energy_wh", (json_int_t)wh, "moved", r.moved, "reason", r.text_en);
}

json_t *planner_proposal_make(const struct outcome *out, const struct site *site, const char *source)
{
	const struct plan_problem *p = out->b->problem;
	json_t *segments = json_array();
	const char *schedule = NULL;

	for (int i = 0; i < p->n_orders; i++) {
		const struct store_order *row = &out->b->rows.v[out->b->row_of[i]];

		if (strcmp(row->source, source) != 0)
			continue;
		schedule = schedule ? schedule : row->schedule_id;
		json_array_append_new(segments, segment_json(out, site, i));
	}
	if (!schedule) {
		json_decref(segments);
		return NULL;
	}
	return json_pack("{s:I,s:s,s:o,s:I,s:s,s:o}", "plan_id", (json_int_t)out->id, "schedule_id", schedule,
			 "made_at", time_json(site, out->made_at_us), "saving_micro",
			 (json_int_t)(out->erp->cost.total_micro - out->plan->cost.total_micro), "currency",
			 p->currency, "segments", segments);
}
