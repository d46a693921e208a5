/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/daemon/daemon.h"

#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/log.h"

/* Types that connectors are given; the routes of the outbox are their takers. */
static const char *const outgoing[] = { "operations-performance", "operations-schedule-proposal" };

static enum fems_rc on_document(void *ctx, const char *instance, const char *type, const char *key,
				struct fems_span body, struct fems_error *e)
{
	struct daemon *d = ctx;
	bool fresh;

	if (strcmp(type, "operations-schedule"))
		return store_document_add(d->store, type, key, instance, body, &fresh, e);
	if (!d->planner)
		return err_set(
			e, FEMS_EUNSUP,
			"orders came from \"%s\", but the settings name no tariff to plan with (site.tariff)",
			instance);
	return planner_schedule(d->planner, instance, key, body, e);
}

static enum fems_rc on_command(void *ctx, const char *instance, const char *point, double value,
			       const char *reason, struct fems_error *e)
{
	struct daemon *d = ctx;

	return act_command(d->act, instance, point, value, reason, e);
}

static void on_plug_notice(void *ctx, const char *instance, const char *topic, struct fems_span body)
{
	(void)ctx;
	if (!strcmp(topic, "alarm"))
		log_line(FEMS_LOG_WARN, instance, "%.*s", (int)body.len, body.ptr);
}

void daemon_plug_hooks(struct daemon *d, struct plug_hooks *h)
{
	*h = (struct plug_hooks){
		.ctx = d, .document = on_document, .command = on_command, .notice = on_plug_notice
	};
}

static enum fems_rc on_solve(void *ctx, struct fems_span problem, int64_t budget_us,
			     fems_incumbent_fn incumbent, void *incumbent_ctx, struct fems_error *e)
{
	struct daemon *d = ctx;
	const char *optimiser = plugs_first(d->plugs, FEMS_OPTIMISER);

	if (!optimiser)
		return err_set(e, FEMS_ENOENT,
			       "the settings list no optimiser (plugins: - {plugin: optimise})");
	return plugs_solve(d->plugs, optimiser, problem, budget_us, incumbent, incumbent_ctx, e);
}

static enum fems_rc on_demand(void *ctx, int64_t t_us, struct demand_cost *out, struct fems_error *e)
{
	struct daemon *d = ctx;

	return billing_demand_cost(d->billing, t_us, out, e);
}

/* Import of the plan in force for the curve of a day. Any thread, so it asks the stored plan. */
void daemon_plan_power(void *ctx, int64_t from_us, int64_t *w, size_t n)
{
	struct daemon *d = ctx;
	int64_t id, plan_from_us = 0, slot_s = 0;
	json_t *plan, *import;
	char *text = NULL;

	if (store_plan_last(d->store, &text, &id, NULL))
		return;
	plan = json_loads(text, 0, NULL);
	free(text);
	import = json_object_get(plan, "import_w");
	if (json_is_array(import) && !json_get_time(plan, "plan", "from", false, &plan_from_us, NULL) &&
	    !json_get_int(plan, "plan", "slot_s", false, &slot_s, NULL) && slot_s * US_PER_S == US_PER_SLOT)
		for (size_t i = 0; i < n; i++) {
			int64_t k = (from_us + (int64_t)i * US_PER_SLOT - plan_from_us) / US_PER_SLOT;

			if (from_us + (int64_t)i * US_PER_SLOT >= plan_from_us &&
			    k < (int64_t)json_array_size(import))
				w[i] = json_integer_value(json_array_get(import, (size_t)k));
		}
	json_decref(plan);
}

static const char *on_taker(void *ctx, const char *type, size_t i)
{
	struct daemon *d = ctx;

	return plugs_taker(d->plugs, type, i);
}

static void on_planner_notice(void *ctx, const char *topic, const json_t *body)
{
	struct daemon *d = ctx;

	plugs_publish(d->plugs, topic, body);
	if (d->delivery && (!strcmp(topic, "performance") || !strcmp(topic, "plan")))
		delivery_wake(d->delivery);
}

void daemon_planner_hooks(struct daemon *d, struct planner_hooks *h)
{
	*h = (struct planner_hooks){ .ctx = d,
				     .solve = on_solve,
				     .demand = on_demand,
				     .taker = on_taker,
				     .notice = on_planner_notice };
}

static enum fems_rc on_push(void *ctx, const char *route, const char *type, const char *key,
			    struct fems_span body, int64_t budget_us, struct fems_delivery *delivery,
			    struct fems_error *e)
{
	struct daemon *d = ctx;

	return plugs_push(d->plugs, route, type, key, body, budget_us, delivery, e);
}

/* Takers of any type; delivery.c drops the doubles. */
static const char *on_route(void *ctx, size_t i)
{
	struct daemon *d = ctx;

	for (size_t k = 0; k < ARRAY_LEN(outgoing); k++) {
		size_t n = 0;

		while (plugs_taker(d->plugs, outgoing[k], n))
			n++;
		if (i < n)
			return plugs_taker(d->plugs, outgoing[k], i);
		i -= n;
	}
	return NULL;
}

static void on_delivery_notice(void *ctx, const char *topic, const json_t *body)
{
	struct daemon *d = ctx;

	plugs_publish(d->plugs, topic, body);
}

void daemon_delivery_hooks(struct daemon *d, struct delivery_hooks *h)
{
	*h = (struct delivery_hooks){
		.ctx = d, .push = on_push, .route = on_route, .notice = on_delivery_notice
	};
}
