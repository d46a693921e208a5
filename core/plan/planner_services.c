/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plan/planner_room.h"

#include <string.h>

#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/zone.h"

static json_t *time_json(const struct site *site, int64_t t_us)
{
	char s[40];

	return t_us ? json_string(time_format(t_us, site->zone, s, sizeof s)) : json_null();
}

/* States as they are now, not as they were when the plan was made. */
static bool set_state(void *ctx, const struct store_order *o)
{
	json_t *item = json_object_get(ctx, o->id);

	if (item)
		json_object_set_new(item, "state", json_string(o->state));
	return true;
}

static void refresh_states(struct planner *pl, json_t *view)
{
	json_t *orders = json_object_get(view, "orders"), *by_id = json_object(), *item;
	size_t i;

	json_array_foreach(orders, i, item)
	{
		const char *id = json_string_value(json_object_get(item, "id"));

		if (id && by_id)
			json_object_set(by_id, id, item);
	}
	if (by_id)
		store_orders(pl->o.store, NULL, set_state, by_id, NULL);
	json_decref(by_id);
}

json_t *planner_plan_json(struct planner *pl)
{
	json_t *view;
	const char *state;

	pthread_mutex_lock(&pl->lock);
	view = pl->view ? json_deep_copy(pl->view)
			: json_pack("{s:n,s:[],s:[]}", "id", "orders", "conflicts");
	state = atomic_load(&pl->busy) ? "planning"
		: pl->infeasible       ? "infeasible"
		: pl->view             ? "ready"
				       : "none";
	if (view && pl->error[0])
		json_array_append_new(json_object_get(view, "conflicts"),
				      json_pack("{s:[],s:s,s:{s:s,s:s}}", "orders", "rule", "plan", "text",
						"ko", pl->error, "en", pl->error));
	pthread_mutex_unlock(&pl->lock);
	if (!view)
		return NULL;
	json_object_set_new(view, "state", json_string(state));
	refresh_states(pl, view);
	return view;
}

static enum fems_rc plan_get(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	(void)request;
	*reply = planner_plan_json(ctx);
	return *reply ? FEMS_OK : err_set(e, FEMS_ENOMEM, "out of memory for the plan");
}

static enum fems_rc plan_run(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	(void)request;
	planner_run(ctx);
	*reply = json_pack("{s:b}", "accepted", 1);
	return *reply ? FEMS_OK : err_set(e, FEMS_ENOMEM, "out of memory");
}

json_t *order_row_json(const struct site *site, const struct store_order *o)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:f,s:s,s:o,s:o,s:I,s:o,s:I,s:I,s:o,s:o,s:s,s:"
			 "o,s:o,s:I}",
			 "id", o->id, "request_id", o->request_id, "schedule_id", o->schedule_id, "source",
			 o->source, "equipment", o->equipment, "product", o->product, "segment", o->segment,
			 "state", o->state, "place", o->place, "quantity", o->quantity, "quantity_unit",
			 o->quantity_unit, "release", time_json(site, o->release_us), "due",
			 time_json(site, o->due_us), "duration_s", (json_int_t)(o->duration_us / 1000000),
			 "erp_start", time_json(site, o->erp_start_us), "energy_wh", (json_int_t)o->energy_wh,
			 "priority", (json_int_t)o->priority, "plan_start", time_json(site, o->plan_start_us),
			 "plan_end", time_json(site, o->plan_end_us), "plan_equipment",
			 o->plan_equipment ? o->plan_equipment : "", "actual_start",
			 time_json(site, o->actual_start_us), "actual_end", time_json(site, o->actual_end_us),
			 "rev", (json_int_t)o->rev);
}

struct listing {
	const struct site *site;
	json_t *orders;
};

static bool list_one(void *ctx, const struct store_order *o)
{
	struct listing *l = ctx;

	return json_array_append_new(l->orders, order_row_json(l->site, o)) == 0;
}

static enum fems_rc orders_list(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	struct planner *pl = ctx;
	struct listing l = { pl->o.site, json_array() };
	const char *state = NULL;
	enum fems_rc rc = json_get_str(request, "orders.list", "state", true, &state, e);

	if (!rc)
		rc = store_orders(pl->o.store, state && *state ? state : NULL, list_one, &l, e);
	if (rc) {
		json_decref(l.orders);
		return rc;
	}
	*reply = json_pack("{s:o}", "orders", l.orders);
	return *reply ? FEMS_OK : err_set(e, FEMS_ENOMEM, "out of memory for the orders");
}

static enum fems_rc closed(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	(void)ctx;
	(void)request;
	(void)reply;
	return err_set(e, FEMS_AGAIN, "the planner has stopped");
}

void planner_services_add(struct planner *pl, bool on)
{
	static const struct {
		const char *name;
		service_fn fn;
		const char *summary;
	} list[] = {
		{ "plan.get", plan_get, "the plan in force with its reasons" },
		{ "plan.run", plan_run, "asks for a new plan" },
		{ "orders.list", orders_list, "orders with plan and actual times" },
	};

	for (size_t i = 0; pl->o.services && i < ARRAY_LEN(list); i++)
		service_add(pl->o.services, list[i].name, SERVICE_ON_LOOP, on ? list[i].fn : closed,
			    on ? pl : NULL, list[i].summary);
}
