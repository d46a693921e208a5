/* SPDX-License-Identifier: Apache-2.0
 *
 * The planner: takes operations schedules, keeps a plan in force, follows orders while they run and
 * reports what they used. Lives on the core loop with a worker thread of its own for building and
 * solving; never blocks the loop for a search.
 *
 * Re-plans when orders change (200 ms after the last change), at every 15-minute slot while there are
 * open orders, and on planner_run(). What runs, or starts before a new plan can be ready, stays where
 * it is. Every answer of an optimiser is judged by plan_evaluate(); one that breaks a rule or whose
 * cost differs is refused.
 *
 * Knows no plugin host and no bill: both come as hooks. Services: plan.get, plan.run, orders.list.
 */
#ifndef FEMS_PLAN_PLANNER_H
#define FEMS_PLAN_PLANNER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <fems/plugin.h>
#include "core/base/site.h"
#include "core/loop/loop.h"
#include "core/loop/service.h"
#include "core/store/store.h"
#include "core/tariff/tariff.h"

struct planner;

struct planner_hooks {
	void *ctx;
	/* Runs a search; blocks up to budget_us of real time; called on the planner's worker thread.
	 * FEMS_ENOENT: there is no optimiser. NULL counts as that. (plugs_solve) */
	enum fems_rc (*solve)(void *ctx, struct fems_span problem, int64_t budget_us,
			      fems_incumbent_fn incumbent, void *incumbent_ctx, struct fems_error *);
	/* What one more kW costs at t_us, with this month's peak and the ratchet months counted
	 * (tariff_demand_cost). Worker thread. */
	enum fems_rc (*demand)(void *ctx, int64_t t_us, struct demand_cost *out, struct fems_error *);
	/* i-th connector instance that takes documents of this type, NULL behind the last (plugs_taker).
	 * Loop or worker thread. */
	const char *(*taker)(void *ctx, const char *type, size_t i);
	/* "plan" {id, state}, "orders" {changed}, "performance" (the document). Loop thread. */
	void (*notice)(void *ctx, const char *topic, const json_t *body);
};

struct planner_options {
	struct loop *loop;
	struct services *services; /* NULL: no services are registered */
	struct store *store;
	const struct site *site;     /* borrowed for the planner's life */
	const struct tariff *tariff; /* borrowed for the planner's life */
	struct planner_hooks hooks;
	int64_t late_micro_per_slot; /* price of a slot of lateness per step of priority; 0: derived, so that an
				      * hour of lateness costs what the order costs at the dearest price with
				      * a new peak of its whole power */
	int64_t import_limit_w;      /* hard limit of the connection; 0: none */
	int64_t seed;
};

/* Loads the plan in force from the store and starts following its orders. Loop thread. */
enum fems_rc planner_open(const struct planner_options *, struct planner **out, struct fems_error *);
/* Stops a running search and waits at most budget_us of real time. False: the worker is stuck in the
 * optimiser; nothing is freed then. Loop thread. */
bool planner_close(struct planner *, int64_t budget_us);

/* Takes a document "operations-schedule" of a connector and stores its orders durably. From any thread.
 * FEMS_EINVAL: the document is wrong (place, reason, remedy) and nothing was taken. FEMS_ECONFLICT:
 * the key was seen before; without text when the body was the same. Orders with an unknown equipment
 * or an impossible window are stored as "infeasible"; the others go on. */
enum fems_rc planner_schedule(struct planner *, const char *source, const char *key, struct fems_span body,
			      struct fems_error *);

/* Asks for a new plan soon. From any thread. */
void planner_run(struct planner *);
/* True while a search runs or is due. From any thread. */
bool planner_busy(struct planner *);
/* New settings: prices, site. Takes effect with the next plan, which is asked for. Loop thread; waits for
 * the worker (at most the search's remaining time) before it returns. */
void planner_site(struct planner *, const struct site *, const struct tariff *);

/* plan.get's reply (docs/services.md), new reference. Loop thread. */
json_t *planner_plan_json(struct planner *);

#endif
