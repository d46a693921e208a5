/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plan/planner_room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/plan/schedule.h"

#define DEBOUNCE_US INT64_C(200000) /* real time */

/* ---- one job after another ---- */

static void publish(struct planner *pl, const char *topic, json_t *body)
{
	if (pl->o.hooks.notice && body)
		pl->o.hooks.notice(pl->o.hooks.ctx, topic, body);
	json_decref(body);
}

static const char *state_name(struct planner *pl)
{
	if (atomic_load(&pl->busy))
		return "planning";
	return pl->infeasible ? "infeasible" : pl->view ? "ready" : "none";
}

static void arm(struct planner *pl);

static void on_job_done(void *ctx)
{
	struct planner *pl = ctx;
	json_t *body;

	if (atomic_load(&pl->stopping))
		return;
	atomic_store(&pl->busy, false);
	pthread_mutex_lock(&pl->lock);
	body = json_pack("{s:O?,s:s}", "id", pl->view ? json_object_get(pl->view, "id") : NULL, "state",
			 state_name(pl));
	pthread_mutex_unlock(&pl->lock);
	publish(pl, "plan", body);
	planner_follow(pl);
	if (atomic_load(&pl->again))
		arm(pl);
}

static void run_job(void *ctx)
{
	struct planner *pl = ctx;

	planner_job(pl);
	loop_post(pl->o.loop, on_job_done, pl);
}

static void on_debounce(void *ctx, int64_t due_us)
{
	struct planner *pl = ctx;

	(void)due_us;
	pl->debounce = NULL;
	if (atomic_load(&pl->busy))
		return; /* on_job_done() looks at again */
	atomic_store(&pl->again, false);
	atomic_store(&pl->busy, true);
	if (!worker_post(pl->worker, run_job, pl))
		atomic_store(&pl->busy, false);
}

/* 200 ms of real time after the last request. */
static void arm(struct planner *pl)
{
	if (pl->debounce)
		loop_timer_cancel(pl->o.loop, pl->debounce);
	pl->debounce = loop_at(pl->o.loop, clock_now_us() + (int64_t)((double)DEBOUNCE_US * clock_speed()),
			       on_debounce, pl);
	if (!pl->debounce)
		log_line(FEMS_LOG_ERROR, "plan",
			 "out of memory: no new plan until the next quarter of an hour");
}

static void on_asked(void *ctx)
{
	struct planner *pl = ctx;
	size_t changed;

	atomic_store(&pl->asked, false);
	if (atomic_load(&pl->stopping))
		return;
	pthread_mutex_lock(&pl->lock);
	changed = pl->changed;
	pl->changed = 0;
	pthread_mutex_unlock(&pl->lock);
	if (changed)
		publish(pl, "orders", json_pack("{s:I}", "changed", (json_int_t)changed));
	arm(pl);
}

void planner_run(struct planner *pl)
{
	atomic_store(&pl->again, true);
	if (!atomic_exchange(&pl->asked, true) && !loop_post(pl->o.loop, on_asked, pl))
		atomic_store(&pl->asked, false);
}

bool planner_busy(struct planner *pl)
{
	return atomic_load(&pl->busy) || atomic_load(&pl->again);
}

static bool count_one(void *ctx, const struct store_order *o)
{
	(void)o;
	++*(size_t *)ctx;
	return false;
}

static void on_slot(void *ctx, int64_t due_us)
{
	struct planner *pl = ctx;
	size_t open = 0;

	(void)due_us;
	planner_follow(pl);
	store_orders(pl->o.store, "planned released running infeasible", count_one, &open, NULL);
	if (open || pl->o.site->battery.meter)
		planner_run(pl);
}

/* ---- documents ---- */

/* Orders of this schedule that an incomplete document does not mention stay. */
static enum fems_rc keep_unmentioned(struct planner *pl, const char *source, struct schedule *s,
				     struct fems_error *e)
{
	struct order_rows all = { NULL, 0, 0 };
	enum fems_rc rc = order_rows_load(pl->o.store, NULL, &all, e);

	for (size_t i = 0; !rc && i < all.n; i++) {
		const struct store_order *o = &all.v[i];

		if (!strcmp(o->source, source) && !strcmp(o->schedule_id, s->id) &&
		    strcmp(o->state, "cancelled") != 0 && !order_rows_find(&s->rows, o->id) &&
		    !order_rows_add(&s->rows, o))
			rc = err_set(e, FEMS_ENOMEM, "out of memory for the orders");
	}
	order_rows_free(&all);
	return rc;
}

/* The document row and the orders are two transactions. A key is remembered as pending before the
 * first and cleared after the second, so that a document that comes again after a crash between them
 * is applied and not taken for a repetition. */
static enum fems_rc apply(struct planner *pl, const char *source, const char *key, struct fems_span body,
			  struct schedule *s, struct fems_error *e)
{
	char name[128], *pending = NULL;
	size_t changed = 0;
	bool fresh = false, unfinished;
	enum fems_rc rc;

	snprintf(name, sizeof name, "plan.pending.%s", source);
	if ((rc = store_state_get(pl->o.store, name, &pending, e)) && rc != FEMS_ENOENT)
		return rc;
	unfinished = pending && !strcmp(pending, key);
	free(pending);
	if ((rc = store_state_set(pl->o.store, name, key, e)) ||
	    (rc = store_document_add(pl->o.store, "operations-schedule", key, source, body, &fresh, e)))
		return rc;
	if (!fresh && !unfinished) {
		store_state_set(pl->o.store, name, "", NULL);
		if (e)
			e->text[0] = '\0';
		return FEMS_ECONFLICT;
	}
	if ((!s->complete && (rc = keep_unmentioned(pl, source, s, e))) ||
	    (rc = store_orders_put(pl->o.store, source, s->id, s->rows.v, s->rows.n, &changed, e)) ||
	    (rc = store_state_set(pl->o.store, name, "", e)))
		return rc;
	log_line(FEMS_LOG_INFO, "plan", "schedule %s of %s: %zu orders, %zu changed, %zu cannot be planned",
		 s->id, source, s->rows.n, changed, s->infeasible);
	if (changed) {
		pthread_mutex_lock(&pl->lock);
		pl->changed += changed;
		pthread_mutex_unlock(&pl->lock);
		planner_run(pl);
	}
	return FEMS_OK;
}

enum fems_rc planner_schedule(struct planner *pl, const char *source, const char *key, struct fems_span body,
			      struct fems_error *e)
{
	struct schedule s;
	enum fems_rc rc;

	if (!key || !*key || strlen(key) > 200)
		return err_set(e, FEMS_EINVAL, "a schedule of %s has no usable key (1 to 200 bytes)", source);
	pthread_mutex_lock(&pl->intake);
	rc = schedule_parse(body, source, pl->o.site, &s, e);
	if (!rc) {
		rc = apply(pl, source, key, body, &s, e);
		schedule_free(&s);
	}
	pthread_mutex_unlock(&pl->intake);
	return rc;
}

/* ---- life ---- */

static enum fems_rc load_last(struct planner *pl, struct fems_error *e)
{
	char *text = NULL;
	int64_t id = 0;
	enum fems_rc rc = store_plan_last(pl->o.store, &text, &id, e);

	if (rc == FEMS_ENOENT)
		return FEMS_OK;
	if (!rc)
		rc = json_parse((struct fems_span){ text, strlen(text) }, &pl->view, e);
	if (!rc)
		json_object_set_new(pl->view, "id", json_integer(id));
	free(text);
	return rc;
}

static void discard(struct planner *pl)
{
	json_decref(pl->view);
	pthread_mutex_destroy(&pl->lock);
	pthread_mutex_destroy(&pl->intake);
	free(pl);
}

enum fems_rc planner_open(const struct planner_options *o, struct planner **out, struct fems_error *e)
{
	struct planner *pl = calloc(1, sizeof *pl);
	enum fems_rc rc;

	*out = NULL;
	if (!pl)
		return err_set(e, FEMS_ENOMEM, "out of memory for the planner");
	pl->o = *o;
	pthread_mutex_init(&pl->lock, NULL);
	pthread_mutex_init(&pl->intake, NULL);
	if ((rc = load_last(pl, e)) || (rc = worker_new("plan", &pl->worker, e))) {
		discard(pl);
		return rc;
	}
	pl->slot = loop_every(o->loop, US_PER_SLOT, 0, on_slot, pl);
	if (!pl->slot) {
		planner_close(pl, 0);
		return err_set(e, FEMS_ENOMEM, "out of memory for the planner");
	}
	planner_services_add(pl, true);
	planner_follow(pl);
	planner_run(pl);
	*out = pl;
	return FEMS_OK;
}

static void cancel(struct planner *pl, struct loop_timer **t)
{
	if (*t)
		loop_timer_cancel(pl->o.loop, *t);
	*t = NULL;
}

bool planner_close(struct planner *pl, int64_t budget_us)
{
	if (!pl)
		return true;
	atomic_store(&pl->stopping, true);
	cancel(pl, &pl->slot);
	cancel(pl, &pl->debounce);
	cancel(pl, &pl->next_event);
	planner_services_add(pl, false);
	if (!worker_stop(pl->worker, budget_us))
		return false;
	worker_free(pl->worker);
	discard(pl);
	return true;
}

static void nothing(void *ctx)
{
	(void)ctx;
}

void planner_site(struct planner *pl, const struct site *site, const struct tariff *tariff)
{
	bool late = false;

	atomic_store(&pl->again, true); /* ends a running search at its next answer */
	worker_do(pl->worker, nothing, NULL, 60 * US_PER_S, &late);
	pthread_mutex_lock(&pl->intake);
	pl->o.site = site;
	pl->o.tariff = tariff;
	pthread_mutex_unlock(&pl->intake);
	planner_run(pl);
}
