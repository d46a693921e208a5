/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of conflicts being filled, shared by the judge and the search for infeasible sets.
 */
#ifndef FEMS_PLAN_CONFLICT_H
#define FEMS_PLAN_CONFLICT_H

#include "core/plan/plan.h"

struct conflict_list {
	struct plan_conflict *out;
	int cap, n; /* n counts also those that did not fit */
	struct plan_conflict spare;
};

/* The next conflict, cleared; the spare one behind the end, so that the caller need not check. */
struct plan_conflict *conflict_next(struct conflict_list *, const char *rule);
/* Appends an order id; one that has no room is left out and "..." stands for it. */
void conflict_order(struct plan_conflict *, const char *id);
void conflict_en(struct plan_conflict *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void conflict_ko(struct plan_conflict *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
