/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/sim/erp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/text.h"

#define VISIBLE_HOUR 16                /* the day before */
#define STARTING_US  (10 * US_PER_MIN) /* what begins within this after the start counts as begun */

/* Ratings as in the virtual plant. */
const struct erp_machine erp_machines[ERP_MACHINES] = {
	{ "FURNACE-1", "QUENCH-TEMPER", "FG-SHAFT", 180000, 3, 8, 16, 32, -1 },
	{ "PRESS-1", "DEEP-DRAW", "FG-COVER", 90000, 3, 6, 12, 34, -1 },
	{ "CNC-1", "MILLING", "FG-HOUSING", 22000, 2, 6, 14, 33, 3 },
	{ "CNC-2", "MILLING", "FG-FLANGE", 18000, 2, 4, 12, 35, 2 },
	{ "CNC-3", "TURNING", "FG-AXLE", 25000, 2, 5, 12, 33, 5 },
	{ "CNC-4", "TURNING", "FG-BUSH", 15000, 2, 3, 10, 36, 4 },
};

int erp_machine_index(const char *id)
{
	for (int i = 0; i < ERP_MACHINES; i++)
		if (strcmp(erp_machines[i].id, id) == 0)
			return i;
	return -1;
}

/* splitmix64: well mixed from counters, the same everywhere. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static int draw(uint64_t *state, int min, int max)
{
	*state = mix(*state);
	return min + (int)(*state % (uint64_t)(max - min + 1));
}

static struct erp_order *new_order(struct erp *erp)
{
	struct erp_order *o = &erp->orders[erp->n_orders];

	if (erp->n_orders == ERP_ORDERS)
		return NULL;
	memset(o, 0, sizeof *o);
	erp->n_orders++;
	return o;
}

/* Forgets what ended more than two days ago, so that a long run needs no more room than a short one. */
static void forget_old(struct erp *erp, int64_t now_us)
{
	size_t n = 0;

	for (size_t i = 0; i < erp->n_orders; i++)
		if (erp->orders[i].end_us > now_us - 2 * US_PER_DAY)
			erp->orders[n++] = erp->orders[i];
	erp->n_orders = n;
}

/* Duration in quarter hours; power in steps of 500 W between four fifths of the rating and all of it. */
static void size_order(struct erp_order *o, const struct erp_machine *m, int quarters, uint64_t *random)
{
	int64_t steps = m->rated_w / 500, power_w = 500 * draw(random, (int)(steps * 4 / 5), (int)steps);

	o->duration_us = quarters * US_PER_SLOT;
	o->energy_wh = power_w * quarters / 4;
	o->quantity = draw(random, 2, 30) * 10;
	o->priority = draw(random, 1, 3);
}

static void plan_machine(struct erp *erp, const struct civil *c, int machine, uint64_t day)
{
	const struct erp_machine *m = &erp_machines[machine];
	uint64_t random = mix(erp->seed ^ mix(day * ERP_MACHINES + (uint64_t)machine));
	int64_t midnight = zone_utc(erp->zone, c->year, c->month, c->day, 0, 0, 0);
	int at = m->first_quarter + draw(&random, 0, 2);

	for (int k = 0; k < m->orders; k++) {
		int quarters = draw(&random, m->min_quarters, m->max_quarters);
		struct erp_order *o = new_order(erp);

		if (!o)
			return;
		snprintf(o->id, sizeof o->id, "SO-%02d%02d%02d-%d%d", c->year % 100, c->month, c->day,
			 machine + 1, k + 1);
		str_copy(o->product, sizeof o->product, m->product);
		size_order(o, m, quarters, &random);
		o->machines[o->n_machines++] = machine;
		if (m->other >= 0)
			o->machines[o->n_machines++] = m->other;
		o->visible_us = zone_utc(erp->zone, c->year, c->month, c->day - 1, VISIBLE_HOUR, 0, 0);
		o->planned_us = midnight + at * US_PER_SLOT;
		o->earliest_us = midnight + draw(&random, 0, 1) * 24 * US_PER_SLOT; /* 0:00 or 6:00 */
		o->latest_us = o->planned_us + o->duration_us + draw(&random, 12, 32) * US_PER_SLOT;
		o->machine = machine;
		o->start_us = o->planned_us;
		o->end_us = o->planned_us + o->duration_us;
		at += quarters + draw(&random, 0, 2);
	}
}

static void plan_day(struct erp *erp, const struct civil *c)
{
	uint64_t day = (uint64_t)civil_days(c->year, c->month, c->day);

	for (int machine = 0; machine < ERP_MACHINES; machine++)
		plan_machine(erp, c, machine, day);
}

/* What has begun when the stand-in starts runs on the shop floor and is nothing to plan any more: it is
 * not shown, and nothing else may begin on its machine before it ends. */
static void settle_begun(struct erp *erp)
{
	for (size_t i = 0; i < erp->n_orders; i++) {
		struct erp_order *b = &erp->orders[i];

		if (b->start_us >= erp->started_us + STARTING_US || b->visible_us == INT64_MAX)
			continue;
		b->visible_us = INT64_MAX;
		for (size_t k = 0; k < erp->n_orders; k++)
			for (int a = 0; a < erp->orders[k].n_machines; a++)
				if (erp->orders[k].machines[a] == b->machine &&
				    erp->orders[k].earliest_us < b->end_us)
					erp->orders[k].earliest_us = b->end_us;
	}
	/* With an alternative the release may now lie behind the ERP's own start: the ERP's machine stays. */
	for (size_t k = 0; k < erp->n_orders; k++) {
		struct erp_order *o = &erp->orders[k];

		if (o->earliest_us > o->planned_us && o->visible_us != INT64_MAX) {
			o->n_machines = 1;
			o->earliest_us = o->planned_us;
		}
	}
}

void erp_roll(struct erp *erp, int64_t now_us)
{
	struct civil c;
	bool first = erp->planned_until_us == 0;
	int64_t day;

	if (first)
		erp->planned_until_us = zone_day_start(erp->zone, now_us);
	while (erp->planned_until_us <= now_us + US_PER_DAY) {
		forget_old(erp, now_us);
		day = erp->planned_until_us +
		      12 * US_PER_H; /* noon: no clock change moves it to another day */
		zone_civil(erp->zone, day, &c);
		plan_day(erp, &c);
		erp->planned_until_us = zone_utc(erp->zone, c.year, c.month, c.day + 1, 0, 0, 0);
	}
	if (first)
		settle_begun(erp);
}

enum fems_rc erp_open(struct erp *erp, uint64_t seed, struct zone *zone, const char *keep,
		      struct fems_error *e)
{
	memset(erp, 0, sizeof *erp);
	if (keep && dir_make(keep, e) != FEMS_OK)
		return FEMS_EIO;
	erp->orders = calloc(ERP_ORDERS, sizeof *erp->orders);
	if (!erp->orders)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	pthread_mutex_init(&erp->lock, NULL);
	erp->seed = seed;
	erp->zone = zone;
	erp->keep = keep;
	erp->started_us = clock_now_us();
	erp_roll(erp, erp->started_us);
	return FEMS_OK;
}

void erp_close(struct erp *erp)
{
	erp_received_free(erp);
	free(erp->orders);
	pthread_mutex_destroy(&erp->lock);
}

struct erp_order *erp_order_find(struct erp *erp, const char *request, const char *segment)
{
	char own[sizeof erp->orders->id + 4];

	for (size_t i = 0; i < erp->n_orders; i++) {
		if (strcmp(erp->orders[i].id, request) != 0)
			continue;
		snprintf(own, sizeof own, "%s-10", request);
		return strcmp(own, segment) == 0 ? &erp->orders[i] : NULL;
	}
	return NULL;
}

/* ---- a person's order ---- */

/* The first gap of the machine that is long enough. */
static int64_t first_gap(const struct erp *erp, int machine, int64_t from_us, int64_t duration_us)
{
	bool moved = true;

	while (moved) {
		moved = false;
		for (size_t i = 0; i < erp->n_orders; i++) {
			const struct erp_order *o = &erp->orders[i];

			if (o->machine == machine && o->start_us < from_us + duration_us &&
			    from_us < o->end_us) {
				from_us = o->end_us;
				moved = true;
			}
		}
	}
	return from_us;
}

static enum fems_rc read_machines(const json_t *j, struct erp_order *o, struct fems_error *e)
{
	const json_t *list = json_object_get(j, "equipment"), *one;
	size_t n = json_is_array(list) ? json_array_size(list) : 1;

	for (size_t i = 0; i < n && i < ERP_MACHINES; i++) {
		one = json_is_array(list) ? json_array_get(list, i) : list;
		o->machines[i] = json_is_string(one) ? erp_machine_index(json_string_value(one)) : -1;
		if (o->machines[i] < 0)
			return err_set(e, FEMS_EINVAL,
				       "order: equipment is none of FURNACE-1, PRESS-1, CNC-1 to CNC-4");
		o->n_machines = (int)i + 1;
	}
	return o->n_machines ? FEMS_OK : err_set(e, FEMS_EINVAL, "order: equipment is an empty list");
}

static enum fems_rc read_order(const json_t *j, struct erp_order *o, int64_t now_us, struct fems_error *e)
{
	const char *product = "FG-EXTRA";
	int64_t minutes = 0, quantity = 1, kwh = 0;
	enum fems_rc rc = read_machines(j, o, e);

	o->earliest_us = now_us;
	if (rc == FEMS_OK)
		rc = json_get_int(j, "order", "duration_min", false, &minutes, e);
	if (rc == FEMS_OK && (minutes < 1 || minutes > 2880))
		rc = err_set(e, FEMS_EINVAL, "order: duration_min is not between 1 and 2880");
	if (rc == FEMS_OK)
		rc = json_get_time(j, "order", "earliest", true, &o->earliest_us, e);
	o->latest_us = o->earliest_us + minutes * US_PER_MIN + US_PER_DAY;
	if (rc == FEMS_OK)
		rc = json_get_time(j, "order", "latest", true, &o->latest_us, e);
	if (rc == FEMS_OK)
		rc = json_get_str(j, "order", "product", true, &product, e);
	if (rc == FEMS_OK)
		rc = json_get_int(j, "order", "quantity", true, &quantity, e);
	if (rc == FEMS_OK)
		rc = json_get_int(j, "order", "energy_kwh", true, &kwh, e);
	if (rc != FEMS_OK)
		return rc;
	o->duration_us = minutes * US_PER_MIN;
	if (o->latest_us - o->earliest_us < o->duration_us || kwh < 0 || kwh > 1000000 || quantity < 0)
		return err_set(e, FEMS_EINVAL,
			       "order: it does not fit between earliest and latest, or a number is negative");
	if (!str_copy(o->product, sizeof o->product, product))
		return err_set(e, FEMS_EINVAL, "order: product is longer than %zu bytes",
			       sizeof o->product - 1);
	o->quantity = quantity;
	o->energy_wh = kwh ? kwh * 1000 : erp_machines[o->machines[0]].rated_w * minutes / 60;
	return FEMS_OK;
}

enum fems_rc erp_order_add(struct erp *erp, const json_t *j, int64_t now_us, struct erp_order **out,
			   struct fems_error *e)
{
	struct erp_order order = { .priority = 5, .visible_us = now_us }, *o;
	enum fems_rc rc = read_order(j, &order, now_us, e);

	if (rc != FEMS_OK)
		return rc;
	o = new_order(erp);
	if (!o)
		return err_set(e, FEMS_ENOMEM, "the ERP has no room for more orders");
	*o = order;
	snprintf(o->id, sizeof o->id, "SO-X%04u", ++erp->added);
	o->machine = o->machines[0];
	o->start_us = o->end_us = 0;
	o->planned_us =
		first_gap(erp, o->machine, o->earliest_us > now_us ? o->earliest_us : now_us, o->duration_us);
	o->start_us = o->planned_us;
	o->end_us = o->planned_us + o->duration_us;
	*out = o;
	return FEMS_OK;
}

/* ---- proposals ---- */

static bool can_run_on(const struct erp_order *o, int machine)
{
	for (int i = 0; i < o->n_machines; i++)
		if (o->machines[i] == machine)
			return true;
	return false;
}

/* Two orders on one machine at one time; those that are over do not count. */
static bool overlap(const struct erp_order *orders, size_t n, int64_t now_us, const char **a, const char **b)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = i + 1; k < n; k++) {
			const struct erp_order *x = &orders[i], *y = &orders[k];

			if (x->machine == y->machine && x->end_us > now_us && y->end_us > now_us &&
			    x->start_us < y->end_us && y->start_us < x->end_us) {
				*a = x->id;
				*b = y->id;
				return true;
			}
		}
	}
	return false;
}

static void place(struct erp_order *o, const json_t *item, int64_t now_us, size_t *moved, size_t *kept)
{
	int machine = erp_machine_index(json_string_value(json_object_get(item, "equipment")));
	int64_t start = json_integer_value(json_object_get(item, "start_us"));
	int64_t end = json_integer_value(json_object_get(item, "end_us"));

	if (o->done || o->start_us <= now_us || start < now_us || machine < 0 || !can_run_on(o, machine)) {
		++*kept;
		return;
	}
	*moved += o->start_us != start || o->machine != machine;
	*kept += o->start_us == start && o->machine == machine;
	o->machine = machine;
	o->start_us = start;
	o->end_us = end;
	o->proposed = true;
}

enum fems_rc erp_propose(struct erp *erp, const json_t *items, int64_t now_us, size_t *moved, size_t *kept,
			 struct fems_error *e)
{
	struct erp_order *before = malloc(ERP_ORDERS * sizeof *before), *o;
	const char *a, *b;
	const json_t *item;
	size_t i;

	*moved = *kept = 0;
	if (!before)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	memcpy(before, erp->orders, ERP_ORDERS * sizeof *before);
	json_array_foreach(items, i, item)
	{
		o = erp_order_find(erp, json_string_value(json_object_get(item, "request")),
				   json_string_value(json_object_get(item, "segment")));
		if (o)
			place(o, item, now_us, moved, kept);
		else
			++*kept;
	}
	if (overlap(erp->orders, erp->n_orders, now_us, &a, &b)) {
		err_set(e, FEMS_ECONFLICT, "orders %s and %s would run on one machine at the same time", a,
			b);
		memcpy(erp->orders, before, ERP_ORDERS * sizeof *before);
		free(before);
		return FEMS_ECONFLICT;
	}
	free(before);
	return FEMS_OK;
}

json_t *erp_dispatch_json(struct erp *erp, int64_t now_us)
{
	json_t *list = json_array();
	char start[40], end[40], segment[48];

	for (size_t i = 0; i < erp->n_orders; i++) {
		const struct erp_order *o = &erp->orders[i];

		if (o->end_us < now_us - 6 * US_PER_H ||
		    (o->visible_us > now_us && o->visible_us != INT64_MAX))
			continue;
		snprintf(segment, sizeof segment, "%s-10", o->id);
		json_array_append_new(
			list, json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:s,s:b}", "segment", segment,
					"request", o->id, "equipment", erp_machines[o->machine].id, "start",
					time_format(o->start_us, erp->zone, start, sizeof start), "end",
					time_format(o->end_us, erp->zone, end, sizeof end), "energy_wh",
					(json_int_t)o->energy_wh, "power_w",
					(json_int_t)(o->energy_wh * 3600 / (o->duration_us / US_PER_S)),
					"source", o->proposed ? "proposal" : "erp", "done", o->done));
	}
	return list;
}
