/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plan/plan.h"

static int clamp(int v, int low, int high)
{
	return v < low ? low : v > high ? high : v;
}

struct plan *plan_erp(const struct plan_problem *p)
{
	struct plan *plan = plan_new(p);

	if (!plan)
		return NULL;
	for (int i = 0; i < p->n_orders; i++) {
		const struct plan_order *o = &p->orders[i];
		struct plan_place *at = &plan->places[i];
		int last;

		if (o->fixed_option >= 0) {
			*at = (struct plan_place){ o->fixed_option, o->fixed_start };
			continue;
		}
		at->option = o->erp_option >= 0 ? o->erp_option : 0;
		last = p->slots - o->options[at->option].length;
		at->start = clamp(o->erp_option >= 0 ? o->erp_start : o->release, 0, last > 0 ? last : 0);
	}
	return plan;
}
