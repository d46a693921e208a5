/* SPDX-License-Identifier: Apache-2.0
 *
 * The cost rules of a plan (docs/documents.md, "plan"), one place for judge and explanation.
 */
#ifndef FEMS_PLAN_COST_H
#define FEMS_PLAN_COST_H

#include "core/plan/plan.h"

/* Cost of a slot with this import (negative: export), in micro. */
int64_t cost_slot(const struct plan_problem *, int slot, int64_t import_w);
/* Cost of this highest counting import. */
int64_t cost_demand(const struct plan_problem *, int64_t peak_w);
/* Cost of an order that ends at this slot. */
int64_t cost_late(const struct plan_order *, int end);
/* Adds sign times the power of order o at place to w[], slots inside the horizon only. */
void cost_add_order(const struct plan_problem *, const struct plan_order *, struct plan_place, int sign,
		    int64_t *w);
/* Fills import_w, peak_w and cost of the plan from its places; places must name existing options. */
void cost_compute(const struct plan_problem *, struct plan *);

#endif
