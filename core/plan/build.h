/* SPDX-License-Identifier: Apache-2.0
 *
 * From orders, site, tariff and meters to a planning problem. Runs on the planner's worker.
 */
#ifndef FEMS_PLAN_BUILD_H
#define FEMS_PLAN_BUILD_H

#include "core/plan/forecast.h"
#include "core/plan/order_rows.h"
#include "core/plan/plan.h"
#include "core/tariff/tariff.h"

struct build_input {
	struct store *store;
	const struct site *site;
	const struct tariff *tariff;
	int64_t now_us;
	int64_t from_us; /* start of the first slot; what starts before it is fixed */
	int64_t late_micro_per_slot, import_limit_w, seed;
	struct demand_cost demand;
};

struct build {
	struct build_input in;
	struct order_rows rows;
	struct plan_problem *problem; /* of the rows that take part */
	int *row_of;                  /* problem's order -> row */
	bool *left_out;               /* per row: cannot be planned (conflicts say why) */
	bool *later;                  /* per row: behind the horizon, planned another time */
	bool *kept;                   /* per row: over before the first slot, its plan stands */
	char (*band)[24];             /* per slot: the tariff's band */
	struct plan_conflict *conflicts;
	int n_conflicts, cap_conflicts;
	enum forecast_kind base_kind;
	bool battery_unknown; /* the site has one, but its stored energy is not known */
};

/* Takes the rows. Orders that exclude each other are left out one by one, least priority first, until
 * the rest can be planned; each leaves a conflict in words. */
enum fems_rc build_problem(const struct build_input *, struct order_rows *rows, struct build *out,
			   struct fems_error *);
void build_free(struct build *);
/* Adds a conflict to the list; false: out of memory. */
bool build_conflict(struct build *, const struct plan_conflict *);

/* Energy of length slots, spread over the running time, as power of each slot: multiples of 4 W whose sum
 * is the energy to the Wh. */
void build_profile(int64_t energy_wh, int64_t duration_us, int length, int64_t *power_w);

#endif
