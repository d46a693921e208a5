/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plan/cost.h"

#include "core/base/money.h"

int64_t cost_slot(const struct plan_problem *p, int slot, int64_t import_w)
{
	const int64_t *price = import_w > 0 ? p->energy_price_micro : p->sell_price_micro;

	return money_energy(import_w * p->slot_s / 3600, price[slot]);
}

int64_t cost_demand(const struct plan_problem *p, int64_t peak_w)
{
	return peak_w > p->demand_threshold_w
		       ? money_power(peak_w - p->demand_threshold_w, p->demand_price_micro)
		       : 0;
}

int64_t cost_late(const struct plan_order *o, int end)
{
	return end > o->due ? (end - o->due) * o->late_micro_per_slot : 0;
}

void cost_add_order(const struct plan_problem *p, const struct plan_order *o, struct plan_place place,
		    int sign, int64_t *w)
{
	const struct plan_option *op = &o->options[place.option];
	int first = place.start < 0 ? -place.start : 0;

	for (int i = first; i < op->length && place.start + i < p->slots; i++)
		w[place.start + i] += sign * op->power_w[i];
}

void cost_compute(const struct plan_problem *p, struct plan *plan)
{
	struct plan_cost c = { 0, 0, 0, 0 };

	for (int t = 0; t < p->slots; t++)
		plan->import_w[t] = p->base_w[t] - p->pv_w[t] + (plan->battery_w ? plan->battery_w[t] : 0);
	for (int i = 0; i < p->n_orders; i++) {
		const struct plan_order *o = &p->orders[i];
		struct plan_place at = plan->places[i];

		cost_add_order(p, o, at, 1, plan->import_w);
		c.late_micro += cost_late(o, at.start + o->options[at.option].length);
	}
	plan->peak_w = 0;
	for (int t = 0; t < p->slots; t++) {
		c.energy_micro += cost_slot(p, t, plan->import_w[t]);
		if (p->counts[t] && plan->import_w[t] > plan->peak_w)
			plan->peak_w = plan->import_w[t];
	}
	c.demand_micro = cost_demand(p, plan->peak_w);
	c.total_micro = c.energy_micro + c.demand_micro + c.late_micro;
	plan->cost = c;
}
