/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plan/planner_room.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/text.h"

/* The plan in force stays unless a new one saves more than this share (1/2000) of its cost: people on the
 * floor pay for every change. */
enum { KEEP_SHARE = 2000 };

struct job {
	struct planner *pl;
	struct build b;
	struct plan *best;
	char refused[300]; /* why the last refused answer was refused */
	int n_refused;
	int64_t begin_us; /* real */
};

static int64_t budget_of(const struct planner *pl)
{
	int64_t budget = pl->o.site->plan_budget_us, slot;
	double speed = clock_speed();

	budget = budget > 0 ? budget : 2 * US_PER_S;
	if (speed > 1) { /* a fast clock: at most a quarter of a slot */
		slot = (int64_t)((double)US_PER_SLOT / speed / 4);
		budget = budget > slot ? slot : budget;
	}
	return budget;
}

/* ---- answers of the optimiser ---- */

static void refuse(struct job *job, const char *why)
{
	job->n_refused++;
	str_copy(job->refused, sizeof job->refused, why);
	log_line(FEMS_LOG_WARN, "plan", "an answer of the optimiser was refused: %s", why);
}

/* Takes the plan when it keeps every rule and costs less than the best so far; else frees it. */
static void consider(struct job *job, struct plan *plan, const struct plan_cost *said)
{
	struct plan_conflict c;

	if (plan_evaluate(job->b.problem, plan, &c, 1)) {
		if (said)
			refuse(job, c.text_en);
		plan_free(plan);
	} else if (said && (said->energy_micro != plan->cost.energy_micro ||
			    said->demand_micro != plan->cost.demand_micro ||
			    said->late_micro != plan->cost.late_micro ||
			    said->total_micro != plan->cost.total_micro)) {
		char why[200];

		snprintf(why, sizeof why, "it says that it costs %" PRId64 ", by the rules it costs %" PRId64,
			 said->total_micro, plan->cost.total_micro);
		refuse(job, why);
		plan_free(plan);
	} else if (job->best && job->best->cost.total_micro <= plan->cost.total_micro) {
		job->best->bound_micro = plan->bound_micro > job->best->bound_micro ? plan->bound_micro
										    : job->best->bound_micro;
		plan_free(plan);
	} else {
		plan_free(job->best);
		job->best = plan;
	}
}

static int on_incumbent(void *ctx, struct fems_span text)
{
	struct job *job = ctx;
	struct fems_error e = { "", NULL };
	struct plan *plan = NULL;

	if (plan_parse(job->b.problem, text, &plan, &e)) {
		refuse(job, e.text);
	} else {
		struct plan_cost said = plan->cost;

		consider(job, plan, &said);
	}
	return atomic_load(&job->pl->stopping) || (job->best && atomic_load(&job->pl->again));
}

static enum fems_rc search(struct job *job, struct fems_error *e)
{
	struct planner *pl = job->pl;
	json_t *j = plan_problem_json(job->b.problem);
	char *text = j ? json_text(j) : NULL;
	enum fems_rc rc;

	json_decref(j);
	if (!text)
		return err_set(e, FEMS_ENOMEM, "out of memory for the planning problem");
	if (pl->o.hooks.solve)
		rc = pl->o.hooks.solve(pl->o.hooks.ctx, (struct fems_span){ text, strlen(text) },
				       budget_of(pl), on_incumbent, job, e);
	else
		rc = err_set(e, FEMS_ENOENT, "no optimiser; add \"- plugin: optimise\" to \"plugins\"");
	free(text);
	return rc;
}

/* Nothing to decide: no free order and no battery. */
static bool is_trivial(const struct plan_problem *p)
{
	for (int i = 0; i < p->n_orders; i++)
		if (p->orders[i].fixed_option < 0)
			return false;
	return p->battery.capacity_wh == 0;
}

static enum fems_rc find_best(struct job *job, struct fems_error *e)
{
	enum fems_rc rc = FEMS_OK;

	if (is_trivial(job->b.problem)) {
		struct plan *plan = plan_erp(job->b.problem);

		if (plan)
			consider(job, plan, NULL);
	} else {
		rc = search(job, e);
	}
	if (job->best)
		return FEMS_OK;
	if (rc)
		return rc;
	return err_set(e, FEMS_ECONFLICT,
		       job->n_refused ? "the optimiser gave no valid plan: %s"
				      : "the optimiser gave no plan%s",
		       job->refused);
}

/* The plan in force with the new battery, when it still keeps the rules and costs hardly more. */
static void prefer_old(struct job *job)
{
	const struct plan_problem *p = job->b.problem;
	struct plan *old = plan_new(p);
	struct plan_conflict c;

	if (!old)
		return;
	for (int i = 0; i < p->n_orders; i++) {
		const struct plan_order *o = &p->orders[i];

		if (o->fixed_option < 0 && o->warm_option < 0) {
			plan_free(old);
			return;
		}
		old->places[i] = o->fixed_option >= 0 ? (struct plan_place){ o->fixed_option, o->fixed_start }
						      : (struct plan_place){ o->warm_option, o->warm_start };
	}
	if (old->battery_w)
		memcpy(old->battery_w, job->best->battery_w, (size_t)p->slots * sizeof *old->battery_w);
	old->bound_micro = job->best->bound_micro;
	if (plan_evaluate(p, old, &c, 1) == 0 && old->cost.total_micro - job->best->cost.total_micro <=
							 llabs(old->cost.total_micro) / KEEP_SHARE) {
		plan_free(job->best);
		job->best = old;
	} else {
		plan_free(old);
	}
}

/* Moves that save nothing are taken back: to the plan in force, else to the ERP's own place. */
static void undo_idle_moves(struct job *job)
{
	const struct plan_problem *p = job->b.problem;
	struct plan_conflict c;

	for (int i = 0; i < p->n_orders; i++) {
		const struct plan_order *o = &p->orders[i];
		struct plan_place *at = &job->best->places[i], now = *at, want;
		int64_t cost = job->best->cost.total_micro;

		if (o->fixed_option >= 0 || (o->warm_option < 0 && o->erp_option < 0))
			continue;
		want = o->warm_option >= 0 ? (struct plan_place){ o->warm_option, o->warm_start }
					   : (struct plan_place){ o->erp_option, o->erp_start };
		if (want.option == now.option && want.start == now.start)
			continue;
		*at = want;
		if (plan_evaluate(p, job->best, &c, 1) == 0 && job->best->cost.total_micro <= cost)
			continue;
		*at = now;
		plan_evaluate(p, job->best, &c, 1);
	}
}

/* ---- the result ---- */

static bool moved_since(const struct job *job)
{
	const struct plan_problem *p = job->b.problem;

	for (int i = 0; i < p->n_orders; i++) {
		const struct plan_order *o = &p->orders[i];

		if (o->fixed_option < 0 && (o->warm_option != job->best->places[i].option ||
					    o->warm_start != job->best->places[i].start))
			return true;
	}
	return false;
}

static enum fems_rc store_plan(struct job *job, const json_t *view, int64_t *id, struct fems_error *e)
{
	const struct plan_problem *p = job->b.problem;
	const struct build *b = &job->b;
	struct store_plan_item *items = calloc(b->rows.n + 1, sizeof *items);
	char *text = json_text(view);
	enum fems_rc rc;
	size_t n = 0;

	if (!items || !text) {
		free(items);
		free(text);
		return err_set(e, FEMS_ENOMEM, "out of memory for the plan");
	}
	for (int i = 0; i < p->n_orders; i++) {
		const struct store_order *row = &b->rows.v[b->row_of[i]];
		struct plan_place at = job->best->places[i];
		const struct plan_option *op = &p->orders[i].options[at.option];

		/* One that runs has its times; writing them anew would round them to slots. */
		if (!strcmp(row->state, "running"))
			continue;
		items[n++] = (struct store_plan_item){ row->id, p->machines[op->machine].id,
						       p->from_us + at.start * US_PER_SLOT,
						       p->from_us + (at.start + op->length) * US_PER_SLOT };
	}
	for (size_t i = 0; i < b->rows.n; i++) {
		const struct store_order *row = &b->rows.v[i];

		if (b->kept[i] && strcmp(row->state, "running") != 0)
			items[n++] = (struct store_plan_item){ row->id, row->plan_equipment,
							       row->plan_start_us, row->plan_end_us };
	}
	rc = store_plan_put(job->pl->o.store, (struct fems_span){ text, strlen(text) }, items, n, id, e);
	free(items);
	free(text);
	return rc;
}

/* Orders that cannot be planned are called infeasible, and no longer when they can. */
static void mark_states(const struct job *job)
{
	const struct build *b = &job->b;

	for (size_t i = 0; i < b->rows.n; i++) {
		const struct store_order *row = &b->rows.v[i];
		bool was = !strcmp(row->state, "infeasible");
		struct fems_error e = { "", NULL };

		if (was != b->left_out[i] && strcmp(row->state, "running") != 0 &&
		    store_order_state(job->pl->o.store, row->id, was ? "planned" : "infeasible", 0, 0, &e))
			log_line(FEMS_LOG_ERROR, "plan", "order %s: %s", row->id, e.text);
	}
}

static void propose(const struct job *job, const struct outcome *out)
{
	struct planner *pl = job->pl;
	const char *route;

	for (size_t i = 0;
	     pl->o.hooks.taker &&
	     (route = pl->o.hooks.taker(pl->o.hooks.ctx, "operations-schedule-proposal", i)) != NULL;
	     i++) {
		json_t *j = planner_proposal_make(out, pl->o.site, route);
		char *body = j ? json_text(j) : NULL, key[40];
		struct fems_error e = { "", NULL };
		bool fresh;

		snprintf(key, sizeof key, "plan-%" PRId64, out->id);
		if (body) {
			struct store_message m = { .route = route,
						   .type = "operations-schedule-proposal",
						   .key = key,
						   .business = "proposal",
						   .state = "new",
						   .last_error = "",
						   .receipt = "",
						   .body = { body, strlen(body) },
						   .created_us = out->made_at_us,
						   .next_us = out->made_at_us };

			if (store_outbox_add(pl->o.store, NULL, &m, &fresh, &e))
				log_line(FEMS_LOG_ERROR, "plan", "the proposal for %s is lost: %s", route,
					 e.text);
		}
		free(body);
		json_decref(j);
	}
}

static enum fems_rc finish(struct job *job, struct fems_error *e)
{
	struct planner *pl = job->pl;
	struct outcome out = { .b = &job->b,
			       .plan = job->best,
			       .made_at_us = clock_now_us(),
			       .solve_ms = (clock_mono_us() - job->begin_us) / 1000 };
	struct plan *erp = plan_erp(job->b.problem);
	struct plan_conflict c;
	json_t *view = NULL;
	enum fems_rc rc;

	if (!erp)
		return err_set(e, FEMS_ENOMEM, "out of memory for the plan");
	out.erp_feasible = plan_evaluate(job->b.problem, erp, &c, 1) == 0;
	out.erp = erp;
	view = planner_view_make(pl, &out);
	rc = view ? store_plan(job, view, &out.id, e) : err_set(e, FEMS_ENOMEM, "out of memory for the plan");
	if (!rc) {
		json_object_set_new(view, "id", json_integer(out.id));
		mark_states(job);
		if (moved_since(job))
			propose(job, &out);
		pthread_mutex_lock(&pl->lock);
		json_decref(pl->view);
		pl->view = view;
		view = NULL;
		pl->error[0] = '\0';
		pl->infeasible = false;
		pthread_mutex_unlock(&pl->lock);
	}
	json_decref(view);
	plan_free(erp);
	return rc;
}

static void set_input(struct planner *pl, struct build_input *in)
{
	/* Real time that building, judging and storing may take besides the search. */
	int64_t ahead = (int64_t)((double)(budget_of(pl) + US_PER_S) * clock_speed());

	memset(in, 0, sizeof *in);
	in->store = pl->o.store;
	in->site = pl->o.site;
	in->tariff = pl->o.tariff;
	in->now_us = clock_now_us();
	in->from_us = (in->now_us + ahead + US_PER_SLOT - 1) / US_PER_SLOT * US_PER_SLOT;
	in->late_micro_per_slot = pl->o.late_micro_per_slot;
	in->import_limit_w = pl->o.import_limit_w;
	in->seed = pl->o.seed;
}

static enum fems_rc attempt(struct job *job, struct fems_error *e)
{
	struct planner *pl = job->pl;
	struct order_rows rows = { NULL, 0, 0 };
	struct build_input in;
	enum fems_rc rc;

	set_input(pl, &in);
	rc = order_rows_load(pl->o.store, "planned released infeasible running", &rows, e);
	if (!rc && pl->o.hooks.demand)
		rc = pl->o.hooks.demand(pl->o.hooks.ctx, in.from_us, &in.demand, e);
	if (rc) {
		order_rows_free(&rows);
		return rc;
	}
	if ((rc = build_problem(&in, &rows, &job->b, e)) || (rc = find_best(job, e)))
		return rc;
	prefer_old(job);
	undo_idle_moves(job);
	return finish(job, e);
}

void planner_job(void *ctx)
{
	struct planner *pl = ctx;
	struct job job = { .pl = pl, .begin_us = clock_mono_us() };
	struct fems_error e = { "", NULL };
	enum fems_rc rc;

	rc = attempt(&job, &e);
	if (rc && !atomic_load(&pl->stopping)) {
		log_line(FEMS_LOG_WARN, "plan", "no new plan: %s", e.text);
		pthread_mutex_lock(&pl->lock);
		str_copy(pl->error, sizeof pl->error, e.text);
		pl->infeasible = rc == FEMS_ECONFLICT;
		pthread_mutex_unlock(&pl->lock);
	}
	plan_free(job.best);
	build_free(&job.b);
}
