/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the planner share; not for other rooms.
 */
#ifndef FEMS_PLAN_PLANNER_ROOM_H
#define FEMS_PLAN_PLANNER_ROOM_H

#include <pthread.h>
#include <stdatomic.h>
#include "core/loop/worker.h"
#include "core/plan/build.h"
#include "core/plan/planner.h"

struct planner {
	struct planner_options o;
	struct worker *worker;
	struct loop_timer *debounce, *slot, *next_event;
	pthread_mutex_t intake; /* one document at a time */
	atomic_bool stopping;   /* ends a running search */
	atomic_bool again;      /* orders changed since the present job began */
	atomic_bool busy;
	atomic_bool asked;    /* a wake-up is posted */
	pthread_mutex_t lock; /* protects view and error */
	json_t *view;         /* plan.get's reply of the plan in force, NULL: none yet */
	char error[400];      /* why the last attempt gave no plan, "" */
	bool infeasible;      /* the last attempt ended because of orders that exclude each other */
	size_t changed;       /* orders changed, for the notice */
};

/* ---- planner_job.c: worker thread ---- */

/* One attempt: builds, solves, judges, stores. */
void planner_job(void *planner);

/* ---- planner_view.c ---- */

struct outcome { /* what a finished search gives to the view */
	const struct build *b;
	const struct plan *plan, *erp;
	bool erp_feasible;
	int64_t id, made_at_us, solve_ms;
};
/* plan.get's reply, without id; NULL: out of memory. */
json_t *planner_view_make(const struct planner *, const struct outcome *);
/* The document "operations-schedule-proposal" of one source; NULL: it has no orders in this plan, or out of
 * memory. */
json_t *planner_proposal_make(const struct outcome *, const struct site *, const char *source);

/* ---- execution.c: loop thread ---- */

/* Moves orders along (planned, running, done, reported); sets the timer of the next change. */
void planner_follow(struct planner *);

/* ---- performance.c ---- */

struct measured {
	int64_t start_us, end_us;
	bool edges; /* both edges seen at the meter */
	int64_t energy_wh, peak_w, cost_micro;
	uint32_t flags;  /* enum store_energy_flag, of all intervals together */
	bool metered;    /* the machine has a meter with a counter */
	bool still_runs; /* drew power at the end of what is known */
};
/* Actual edges of an order near its planned ones, from power.active of its machine's meter. */
void performance_edges(struct store *, const struct site *, const struct store_order *, struct measured *);
/* Energy, peak and cost between the edges. */
enum fems_rc performance_energy(struct store *, const struct site *, const struct tariff *,
				const struct store_order *, struct measured *, struct fems_error *);
json_t *performance_json(const struct site *, const struct store_order *, const struct measured *);

/* ---- planner_services.c ---- */

void planner_services_add(struct planner *, bool on);
json_t *order_row_json(const struct site *, const struct store_order *);

#endif
