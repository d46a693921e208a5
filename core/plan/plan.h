/* SPDX-License-Identifier: Apache-2.0
 *
 * The planning problem, the plan, its independent evaluation and its reasons. Searching is the work
 * of optimiser plugins; this room makes the problem, checks what comes back, and explains it.
 * Documents "plan-problem" and "plan" in docs/documents.md are the outer form of these structs.
 *
 * Units: slots of slot_s seconds from from_us; W, Wh, 1e-6 of the currency. All integers, so that a
 * plan and its explanation add up exactly.
 */
#ifndef FEMS_PLAN_PLAN_H
#define FEMS_PLAN_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <fems/plugin.h>

struct plan_option {
	int machine;
	int length;       /* slots */
	int64_t *power_w; /* one per slot of length, multiples of 4 */
};

struct plan_order {
	char *id;
	int release, due; /* slots; due may exceed the horizon */
	int64_t late_micro_per_slot;
	struct plan_option *options;
	int n_options;
	int fixed_option, fixed_start; /* fixed_option -1: free */
	int erp_option, erp_start;     /* the ERP's own schedule; erp_option -1: it says nothing */
	int warm_option, warm_start;   /* plan in force; warm_option -1: none */
};

struct plan_machine {
	char *id;
	uint8_t *open;
};

struct plan_battery { /* capacity_wh 0: none */
	int64_t capacity_wh, power_w, min_wh, max_wh, stored_wh, end_min_wh, efficiency_permille;
};

struct plan_problem {
	int64_t from_us;
	int slots, slot_s;
	char currency[8];
	int64_t *energy_price_micro, *sell_price_micro, *base_w, *pv_w;
	uint8_t *counts;
	int64_t demand_threshold_w, demand_price_micro, import_limit_w; /* limit 0: none */
	struct plan_machine *machines;
	int n_machines;
	struct plan_order *orders;
	int n_orders;
	struct plan_battery battery;
	int64_t seed;
};

struct plan_cost {
	int64_t energy_micro, demand_micro, late_micro, total_micro;
};

struct plan_place {
	int option, start;
};

struct plan {
	struct plan_place *places; /* one per order of the problem, same index */
	int64_t *battery_w;        /* per slot, NULL without battery */
	int64_t *import_w;         /* computed */
	struct plan_cost cost;     /* computed */
	int64_t peak_w;            /* highest counting import */
	int64_t bound_micro;       /* -1: none */
};

/* A rule that a plan or a problem breaks. */
struct plan_conflict {
	char rule[24];    /* "machine", "closed", "release", "horizon", "limit", "battery", "order" */
	char orders[160]; /* ids, separated by space */
	char text_en[256], text_ko[256];
};

void plan_problem_free(struct plan_problem *);
json_t *plan_problem_json(const struct plan_problem *);
/* Strict: names the member that is wrong. */
enum fems_rc plan_problem_parse(struct fems_span, struct plan_problem **out, struct fems_error *);

struct plan *plan_new(const struct plan_problem *);
void plan_free(struct plan *);
json_t *plan_json(const struct plan_problem *, const struct plan *);
enum fems_rc plan_parse(const struct plan_problem *, struct fems_span, struct plan **out,
			struct fems_error *);

/* Checks every rule and computes import, peak and cost from scratch. Returns the number of conflicts
 * found (up to cap are filled). The judge of every plan, also of an optimiser's. */
int plan_evaluate(const struct plan_problem *, struct plan *, struct plan_conflict *out, int cap);
/* The ERP's own schedule as a plan (no battery), orders without erp_start at their release; NULL when
 * out of memory. It may break rules: evaluate it. */
struct plan *plan_erp(const struct plan_problem *);
/* Smallest sets of orders and rules that exclude each other, found without search: an order longer
 * than its window, a machine with more work than open slots between release and horizon ... */
int plan_infeasible(const struct plan_problem *, struct plan_conflict *out, int cap);

struct plan_reason {
	bool moved;
	struct plan_cost saving; /* cost(plan with this order put back) - cost(plan), part by part */
	char text_en[320], text_ko[320];
};
/* Why order i stands where it stands; erp: plan_erp(). zone formats times. */
struct zone;
void plan_explain(const struct plan_problem *, const struct plan *, const struct plan *erp, int i,
		  const struct zone *, struct plan_reason *out);

#endif
