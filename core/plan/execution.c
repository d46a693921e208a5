/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of an order behind its plan: planned, running at its start, done a minute after its end,
 * reported when its energy is settled.
 */
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

#define SETTLE_US        US_PER_MIN       /* until the last samples behind the end are there */
#define ENERGY_WAIT_US   (5 * US_PER_MIN) /* for energy that is still provisional */
#define REPORT_WITHIN_US (7 * US_PER_DAY) /* older ones wait for a person */

struct follow {
	struct planner *pl;
	struct order_rows rows;
	int64_t now_us, next_us; /* next_us: when to look again, INT64_MAX: never */
	size_t changed;
};

static void look_again(struct follow *f, int64_t t_us)
{
	f->next_us = t_us < f->next_us ? t_us : f->next_us;
}

static void set_state(struct follow *f, const struct store_order *o, const char *state, int64_t start_us,
		      int64_t end_us)
{
	struct fems_error e = { "", NULL };

	if (store_order_state(f->pl->o.store, o->id, state, start_us, end_us, &e)) {
		log_line(FEMS_LOG_ERROR, "plan", "order %s is not marked %s: %s", o->id, state, e.text);
		look_again(f, f->now_us + US_PER_MIN);
		return;
	}
	f->changed++;
}

/* Another order takes the machine over within a slot of this one's end. */
static bool followed(const struct follow *f, const struct store_order *o)
{
	for (size_t i = 0; i < f->rows.n; i++) {
		const struct store_order *x = &f->rows.v[i];

		if (x != o && x->plan_start_us >= o->plan_end_us &&
		    x->plan_start_us <= o->plan_end_us + US_PER_SLOT &&
		    !strcmp(x->plan_equipment, o->plan_equipment))
			return true;
	}
	return false;
}

static void end_order(struct follow *f, const struct store_order *o)
{
	struct measured m = { 0 };
	int64_t patience = o->plan_end_us + US_PER_SLOT + SETTLE_US;

	if (f->now_us < o->plan_end_us + SETTLE_US) {
		look_again(f, o->plan_end_us + SETTLE_US);
		return;
	}
	performance_edges(f->pl->o.store, f->pl->o.site, o, &m);
	if (m.still_runs && !followed(f, o) && f->now_us < patience) {
		look_again(f, f->now_us + US_PER_MIN < patience ? f->now_us + US_PER_MIN : patience);
		return;
	}
	set_state(f, o, "done", m.start_us, m.end_us);
	look_again(f, f->now_us); /* its report */
}

/* Adds the message to every route that takes it; the last one also marks the order as reported. */
static enum fems_rc queue_report(struct follow *f, const struct store_order *o, const json_t *doc,
				 bool *fresh, struct fems_error *e)
{
	const struct planner_hooks *h = &f->pl->o.hooks;
	char *body = json_text(doc), key[200];
	enum fems_rc rc = body ? FEMS_OK : FEMS_ENOMEM;
	const char *route;

	snprintf(key, sizeof key, "perf-%s-%" PRId64, o->id, o->rev);
	for (size_t i = 0; !rc && (route = h->taker(h->ctx, "operations-performance", i)) != NULL; i++) {
		bool last = h->taker(h->ctx, "operations-performance", i + 1) == NULL;
		struct store_message m = { .route = route,
					   .type = "operations-performance",
					   .key = key,
					   .business = o->request_id,
					   .state = "new",
					   .last_error = "",
					   .receipt = "",
					   .body = { body, strlen(body) },
					   .created_us = f->now_us,
					   .next_us = f->now_us };

		rc = store_outbox_add(f->pl->o.store, last ? o->id : NULL, &m, fresh, e);
	}
	free(body);
	return rc;
}

static void report(struct follow *f, const struct store_order *o)
{
	const struct planner_hooks *h = &f->pl->o.hooks;
	struct measured m = { 0 };
	struct fems_error e = { "", NULL };
	bool fresh = false;
	json_t *doc;
	enum fems_rc rc;

	if (!h->taker || !h->taker(h->ctx, "operations-performance", 0) ||
	    o->actual_end_us < f->now_us - REPORT_WITHIN_US)
		return;
	performance_edges(f->pl->o.store, f->pl->o.site, o, &m);
	m.start_us = o->actual_start_us;
	m.end_us = o->actual_end_us;
	rc = performance_energy(f->pl->o.store, f->pl->o.site, f->pl->o.tariff, o, &m, &e);
	if (!rc && (m.flags & STORE_PROVISIONAL) && f->now_us < m.end_us + ENERGY_WAIT_US) {
		look_again(f, f->now_us + 15 * US_PER_S);
		return;
	}
	doc = rc ? NULL : performance_json(f->pl->o.site, o, &m);
	if (!rc && !doc)
		rc = err_set(&e, FEMS_ENOMEM, "out of memory");
	if (!rc)
		rc = queue_report(f, o, doc, &fresh, &e);
	if (rc) {
		log_line(FEMS_LOG_ERROR, "plan", "order %s is not reported yet: %s", o->id, e.text);
		look_again(f, f->now_us + US_PER_MIN);
	} else if (fresh && h->notice) {
		h->notice(h->ctx, "performance", doc);
	}
	json_decref(doc);
}

static void follow_one(struct follow *f, const struct store_order *o)
{
	if (!strcmp(o->state, "done")) {
		report(f, o);
	} else if (!o->plan_start_us || !strcmp(o->state, "infeasible")) {
		return;
	} else if (!strcmp(o->state, "running")) {
		end_order(f, o);
	} else if (o->plan_start_us <= f->now_us) {
		set_state(f, o, "running", o->plan_start_us, 0);
		look_again(f, o->plan_end_us + SETTLE_US);
	} else {
		look_again(f, o->plan_start_us);
	}
}

static void on_event(void *ctx, int64_t due_us)
{
	struct planner *pl = ctx;

	(void)due_us;
	pl->next_event = NULL;
	planner_follow(pl);
}

void planner_follow(struct planner *pl)
{
	struct follow f = { .pl = pl, .now_us = clock_now_us(), .next_us = INT64_MAX };
	struct fems_error e = { "", NULL };

	if (order_rows_load(pl->o.store, "planned released running done", &f.rows, &e)) {
		log_line(FEMS_LOG_ERROR, "plan", "orders are not followed: %s", e.text);
		f.next_us = f.now_us + US_PER_MIN;
	}
	for (size_t i = 0; i < f.rows.n; i++)
		follow_one(&f, &f.rows.v[i]);
	order_rows_free(&f.rows);
	if (pl->next_event)
		loop_timer_cancel(pl->o.loop, pl->next_event);
	pl->next_event = f.next_us == INT64_MAX ? NULL : loop_at(pl->o.loop, f.next_us, on_event, pl);
	if (f.changed && pl->o.hooks.notice) {
		json_t *body = json_pack("{s:I}", "changed", (json_int_t)f.changed);

		pl->o.hooks.notice(pl->o.hooks.ctx, "orders", body);
		json_decref(body);
	}
}
