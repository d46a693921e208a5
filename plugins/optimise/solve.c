/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/optimise/solve.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fems/util.h>

#include "plugins/optimise/battery.h"
#include "plugins/optimise/build.h"
#include "plugins/optimise/search.h"

#define REPORT_US    INT64_C(100000)  /* between two answers, so that judging them costs little */
#define HEARTBEAT_US INT64_C(1000000) /* the best again, so that the core can say stop */
#define SPARE_US     INT64_C(5000)    /* of the budget, kept for the last answer */
enum {
	ROUNDS = 3,              /* of battery and orders in turn */
	STEPS_PER_ORDER = 15000, /* of one annealing; longer ones gain less than another from the best */
};

static const double HOT = 0.04, COOL = 0.005; /* first and later searches, see search.h */
static const double ALONE = 0.7;              /* share of the orders, before the battery moves */

struct run {
	const struct solve_settings *set;
	struct model *m;
	struct state s;
	struct search x;
	struct rng r;
	int64_t begin_us, end_us;  /* real time */
	double part_from, part_to; /* of the whole run, what the present search may use */
	int64_t steps_from;        /* of the search, when the present one began */
	struct solution best, now;
	struct cost best_cost;
	bool have_best, told_best, stopped;
	bool shadow;   /* the search's costs are not those of the tariff */
	double *price; /* units per Wh, of the last battery */
	int64_t *import_wh, bound_micro, told_us;
	fems_incumbent_fn incumbent;
	void *ctx;
};

static int64_t mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

/* ---- answers ---- */

static void tell(struct run *run)
{
	char *text;

	if (run->stopped)
		return;
	text = solution_text(run->m, &run->best, &run->best_cost, run->bound_micro, run->x.steps);
	if (!text)
		return;
	run->told_best = true;
	if (run->incumbent(run->ctx, fems_span_of(text)))
		run->stopped = true;
	free(text);
	run->told_us = mono_us();
}

static bool within_limit(const struct run *run, const int64_t *import_wh)
{
	for (int t = 0; t < run->m->slots; t++)
		if (import_wh[t] > run->m->limit_wh)
			return false;
	return true;
}

/* Takes places (and run->now's battery) as a solution; keeps it when it is the best. */
static void offer(struct run *run, const struct place *at)
{
	struct cost c;

	memcpy(run->now.at, at, (size_t)run->m->n_orders * sizeof *at);
	c = solution_cost(run->m, &run->now, run->import_wh);
	if (!within_limit(run, run->import_wh))
		return;
	if (!run->have_best || c.total_micro < run->best_cost.total_micro) {
		solution_copy(run->m, &run->best, &run->now);
		run->best_cost = c;
		run->told_best = false;
		if (!run->have_best || mono_us() - run->told_us > REPORT_US) {
			run->have_best = true;
			tell(run);
		}
	}
}

/* Share of the whole run that is over: by steps when they are limited, else by time. */
static double run_part(struct run *run)
{
	int64_t now = mono_us();
	double time = (double)(now - run->begin_us) / (double)(run->end_us - run->begin_us + 1);

	if (run->stopped || now >= run->end_us)
		return 1;
	if (run->have_best && now - run->told_us > HEARTBEAT_US)
		tell(run);
	if (run->set->max_steps)
		return (double)run->x.steps / (double)run->set->max_steps;
	return time;
}

static double search_progress(void *ctx, bool better)
{
	struct run *run = ctx;
	double part = run_part(run), steps;

	if (better && !run->shadow && mono_us() - run->told_us > REPORT_US)
		offer(run, run->x.best);
	if (part >= 1)
		return 1;
	part = (part - run->part_from) / (run->part_to - run->part_from);
	steps = (double)(run->x.steps - run->steps_from) / STEPS_PER_ORDER / (run->m->n_orders + 1);
	return part > steps ? part : steps;
}

static bool build_stop(void *ctx)
{
	struct run *run = ctx;

	return run->stopped || mono_us() >= run->end_us;
}

/* ---- the first schedule ---- */

static enum fems_rc out_of_memory(struct fems_error *e)
{
	return fems_fail(e, FEMS_ENOMEM,
			 "out of memory while planning; plan fewer orders or a shorter horizon");
}

/* The orders that no place was found for. */
static enum fems_rc unplaced(const struct run *run, struct fems_error *e)
{
	char ids[200] = "";
	size_t n = 0;

	for (int i = 0; i < run->m->n_orders && n + 2 < sizeof ids; i++)
		if (run->s.at[i].option < 0)
			n += (size_t)snprintf(ids + n, sizeof ids - n, " %s", run->m->orders[i].id);
	return fems_fail(
		e, FEMS_ECONFLICT,
		"no plan found that keeps every rule: no place was left for%s; lengthen the horizon, open "
		"machines or drop one of them",
		ids);
}

static void try_start(struct run *run, const struct place *at)
{
	build_from(&run->s, run->now.battery_wh, at, &run->r);
	if (run->s.unplaced == 0)
		offer(run, run->s.at);
}

/* Warm and ERP places as further starts. */
static bool other_starts(struct run *run)
{
	struct place *at = malloc(((size_t)run->m->n_orders + 1) * sizeof *at);

	if (!at)
		return false;
	for (int i = 0; i < run->m->n_orders; i++)
		at[i] = run->m->orders[i].warm;
	try_start(run, at);
	for (int i = 0; i < run->m->n_orders; i++)
		at[i] = run->m->orders[i].erp;
	try_start(run, at);
	free(at);
	return true;
}

static enum fems_rc first_schedule(struct run *run, struct fems_error *e)
{
	struct state *s = &run->s;
	const int64_t *battery = run->now.battery_wh;

	if (!build_dispatch(s, battery, &run->r))
		return out_of_memory(e);
	if (s->unplaced == 0)
		offer(run, s->at);
	if (!state_candidates(s) || !build_cheapest(s, battery, &run->r))
		return out_of_memory(e);
	if (s->unplaced && !build_eject(s, &run->r, build_stop, run))
		return unplaced(run, e);
	offer(run, s->at);
	if (!other_starts(run))
		return out_of_memory(e);
	return FEMS_OK;
}

/* ---- search and battery in turn ---- */

/* The schedule of the best answer, with its battery, into the state. */
static bool load_best(struct run *run)
{
	solution_copy(run->m, &run->now, &run->best);
	state_reset(&run->s, run->now.battery_wh);
	if (!state_candidates(&run->s))
		return false;
	for (int i = 0; i < run->m->n_orders; i++)
		if (!run->m->orders[i].fixed)
			state_put(&run->s, i, run->best.at[i]);
	state_peak(&run->s);
	return true;
}

static bool search_until(struct run *run, double part, double heat)
{
	while ((run->part_from = run_part(run)) < part) {
		int64_t steps = run->steps_from = run->x.steps;

		run->part_to = part;
		if (!load_best(run))
			return false;
		run->x.heat = heat;
		search_run(&run->x, run->now.battery_wh);
		offer(run, run->x.best);
		if (run->x.steps == steps) /* nothing can move */
			break;
	}
	return true;
}

/* The best battery for these places, offered as a solution; what one more Wh costs then is kept. */
static void battery_turn(struct run *run, const struct place *at)
{
	int64_t *load = malloc((size_t)run->m->slots * sizeof *load);
	double left = (double)(run->end_us - mono_us()) / 1e6;

	if (load && left > 0) {
		memcpy(run->now.at, at, (size_t)run->m->n_orders * sizeof *at);
		solution_import(run->m, &run->now, load);
		for (int t = 0; t < run->m->slots; t++)
			load[t] -= run->now.battery_wh[t];
		if (battery_solve(run->m, load, left, run->now.battery_wh, run->price))
			offer(run, run->now.at);
	}
	free(load);
}

/* Within what energy and peak can cost together, so that sums stay in range. */
static void shadow_prices(const struct run *run, int64_t *price)
{
	const struct model *m = run->m;
	double most = 4 * (double)m->demand;

	for (int t = 0; t < m->slots; t++)
		most = fmax(most, fabs((double)m->buy[t]) + 4 * (double)m->demand);
	for (int t = 0; t < m->slots; t++)
		price[t] = (int64_t)fmax(-most, fmin(most, run->price[t]));
}

/* A search in which energy costs what the battery's program says that one more Wh costs in each slot,
 * peak and stored energy included, instead of the tariff's price: the battery stands still in a search,
 * and this is how it can be made to give way. */
static bool shadow_turn(struct run *run, double part, double heat)
{
	struct model *m = run->m;
	int64_t *buy = m->buy, *sell = m->sell, *price = malloc((size_t)m->slots * sizeof *price);
	bool ok = price != NULL;

	run->part_from = run_part(run);
	run->part_to = part;
	if (ok && run->part_from < part) {
		shadow_prices(run, price);
		m->buy = m->sell = price;
		run->steps_from = run->x.steps;
		run->shadow = true;
		ok = load_best(run);
		run->x.heat = heat;
		if (ok)
			search_run(&run->x, run->now.battery_wh);
		run->shadow = false;
		m->buy = buy;
		m->sell = sell;
		if (ok)
			battery_turn(run, run->x.best);
	}
	free(price);
	return ok;
}

static bool improve(struct run *run)
{
	bool battery = run->m->battery.capacity_wh && run->set->battery && run->m->battery.slot_wh;

	if (!battery)
		return search_until(run, 1, HOT);
	if (!search_until(run, ALONE, HOT))
		return false;
	battery_turn(run, run->best.at);
	for (int i = 1; i <= ROUNDS && !run->stopped; i++) {
		double end = ALONE + (1 - ALONE) * i / ROUNDS;

		if (!shadow_turn(run, end - (1 - ALONE) / ROUNDS / 2, COOL) || !search_until(run, end, COOL))
			return false;
		battery_turn(run, run->best.at);
	}
	return true;
}

static bool run_init(struct run *run)
{
	const struct model *m = run->m;

	run->import_wh = calloc((size_t)m->slots, sizeof *run->import_wh);
	run->price = calloc((size_t)m->slots, sizeof *run->price);
	run->r.s = (m->seed + (uint64_t)run->set->seed) * UINT64_C(0x9e3779b97f4a7c15) + 1;
	if (!run->r.s)
		run->r.s = 1;
	return run->import_wh && run->price && solution_init(m, &run->best) && solution_init(m, &run->now) &&
	       state_init(m, &run->s) && search_init(&run->x, &run->s, &run->r);
}

/* An idle battery, or one that brings the load below the limit where it is above without any order. */
static enum fems_rc first_battery(struct run *run, struct fems_error *e)
{
	const struct model *m = run->m;
	int64_t *wh = run->now.battery_wh;
	double left = (double)(run->end_us - mono_us()) / 1e6;

	if (wh && !battery_idle(m, wh))
		return fems_fail(e, FEMS_ECONFLICT,
				 "the battery cannot reach the energy asked for at the end");
	state_reset(&run->s, wh);
	if (within_limit(run, run->s.u))
		return FEMS_OK;
	if (wh) {
		state_reset(&run->s, NULL);
		if (!run->set->battery || !battery_solve(m, run->s.u, left, wh, NULL))
			return fems_fail(e, FEMS_ECONFLICT,
					 "import limit: base load above it, also with the battery");
		state_reset(&run->s, wh);
		if (within_limit(run, run->s.u))
			return FEMS_OK;
	}
	return fems_fail(e, FEMS_ECONFLICT,
			 "import limit: the base load is above it before any order is placed");
}

static enum fems_rc run_all(struct run *run, struct fems_error *e)
{
	enum fems_rc rc;

	run->x.progress = search_progress;
	run->x.ctx = run;
	run->bound_micro = model_bound(run->m);
	rc = first_battery(run, e);
	if (!rc)
		rc = first_schedule(run, e);
	if (!run->have_best)
		return rc ? rc : fems_fail(e, FEMS_ECONFLICT, "no plan found that keeps the import limit");
	if (!rc && !improve(run))
		rc = out_of_memory(e);
	if (!run->told_best)
		tell(run);
	return FEMS_OK;
}

enum fems_rc solve_problem(const struct solve_settings *set, struct fems_span problem, int64_t budget_us,
			   fems_incumbent_fn incumbent, void *ctx, struct fems_error *e)
{
	struct run run = { .set = set, .incumbent = incumbent, .ctx = ctx, .begin_us = mono_us() };
	enum fems_rc rc = model_parse(problem, &run.m, e);

	if (rc)
		return rc;
	run.end_us = run.begin_us + (budget_us > 2 * SPARE_US ? budget_us - SPARE_US : budget_us);
	rc = run_init(&run) ? run_all(&run, e) : out_of_memory(e);
	search_free(&run.x);
	state_free(&run.s);
	solution_free(&run.best);
	solution_free(&run.now);
	free(run.import_wh);
	free(run.price);
	model_free(run.m);
	return rc;
}
