/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plan/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/text.h"

/* Limits of one problem; a month of quarters, and amounts whose sums stay inside 64 bits. */
enum { SLOTS_MAX = 2976, ORDERS_MAX = 20000, OPTIONS_MAX = 64, MACHINES_MAX = 1000 };
#define POWER_MAX  INT64_C(1000000000000)
#define PRICE_MAX  INT64_C(1000000000000000)
#define ENERGY_MAX INT64_C(1000000000000)

struct range {
	int64_t min, max, step;
};
static const struct range range_bit = { 0, 1, 1 }, range_power = { 0, POWER_MAX, 4 },
			  range_base = { -POWER_MAX, POWER_MAX, 4 }, range_watt = { 0, POWER_MAX, 1 },
			  range_price = { -PRICE_MAX, PRICE_MAX, 1 }, range_charge = { 0, PRICE_MAX, 1 },
			  range_slot = { -1000000, 1000000, 1 }, range_wh = { 0, ENERGY_MAX, 1 },
			  range_permille = { 1, 1000, 1 }, range_seed = { INT64_MIN, INT64_MAX, 1 };

static enum fems_rc check(int64_t v, const char *where, const char *key, struct range r, struct fems_error *e)
{
	if (v < r.min || v > r.max)
		return err_set(e, FEMS_EINVAL,
			       "%s.%s is %" PRId64 "; give a value from %" PRId64 " to %" PRId64, where, key,
			       v, r.min, r.max);
	if (v % r.step)
		return err_set(e, FEMS_EINVAL,
			       "%s.%s is %" PRId64 "; give a multiple of %" PRId64
			       " W, so that a slot holds whole Wh",
			       where, key, v, r.step);
	return FEMS_OK;
}

static enum fems_rc get_int(const json_t *o, const char *where, const char *key, struct range r, int64_t *out,
			    struct fems_error *e)
{
	enum fems_rc rc = json_get_int(o, where, key, false, out, e);

	return rc ? rc : check(*out, where, key, r, e);
}

static enum fems_rc get_i(const json_t *o, const char *where, const char *key, struct range r, int *out,
			  struct fems_error *e)
{
	int64_t v = 0;
	enum fems_rc rc = get_int(o, where, key, r, &v, e);

	*out = (int)v;
	return rc;
}

/* The array `key` of exactly n items (n 0: 1 to max items) as integers. */
static enum fems_rc get_ints(const json_t *o, const char *where, const char *key, size_t n, size_t max,
			     struct range r, int64_t **out, size_t *len, struct fems_error *e)
{
	json_t *a = NULL;
	enum fems_rc rc = json_get_array(o, where, key, false, &a, e);
	size_t size = json_array_size(a);

	if (rc)
		return rc;
	if (n ? size != n : size == 0 || size > max)
		return err_set(e, FEMS_EINVAL, "%s.%s has %zu items; give %s%zu", where, key, size,
			       n ? "" : "1 to ", n ? n : max);
	*out = calloc(size, sizeof **out);
	if (!*out)
		return err_set(e, FEMS_ENOMEM, "out of memory for %s.%s", where, key);
	for (size_t i = 0; i < size; i++) {
		const json_t *v = json_array_get(a, i);
		char item[48];

		snprintf(item, sizeof item, "%s[%zu]", key, i);
		if (!json_is_integer(v))
			return err_set(e, FEMS_EINVAL, "%s.%s is not an integer", where, item);
		(*out)[i] = json_integer_value(v);
		rc = check((*out)[i], where, item, r, e);
		if (rc)
			return rc;
	}
	if (len)
		*len = size;
	return FEMS_OK;
}

static enum fems_rc get_bits(const json_t *o, const char *where, const char *key, size_t n, uint8_t **out,
			     struct fems_error *e)
{
	int64_t *v = NULL;
	enum fems_rc rc = get_ints(o, where, key, n, 0, range_bit, &v, NULL, e);

	if (!rc && !(*out = calloc(n, 1)))
		rc = err_set(e, FEMS_ENOMEM, "out of memory for %s.%s", where, key);
	for (size_t i = 0; !rc && i < n; i++)
		(*out)[i] = (uint8_t)v[i];
	free(v);
	return rc;
}

static enum fems_rc get_id(const json_t *o, const char *where, char **out, struct fems_error *e)
{
	const char *id = NULL;
	enum fems_rc rc = json_get_str(o, where, "id", false, &id, e);

	if (rc)
		return rc;
	if (!*id || strlen(id) > 128)
		return err_set(e, FEMS_EINVAL, "%s.id has %zu bytes; give 1 to 128", where, strlen(id));
	*out = strdup(id);
	return *out ? FEMS_OK : err_set(e, FEMS_ENOMEM, "out of memory for %s.id", where);
}

static enum fems_rc get_grid(const json_t *j, struct plan_problem *p, struct fems_error *e)
{
	const char *currency = NULL;
	enum fems_rc rc;

	if ((rc = json_get_time(j, "problem", "from", false, &p->from_us, e)) ||
	    (rc = get_i(j, "problem", "slot_s", (struct range){ 900, 900, 1 }, &p->slot_s, e)) ||
	    (rc = get_i(j, "problem", "slots", (struct range){ 1, SLOTS_MAX, 1 }, &p->slots, e)) ||
	    (rc = json_get_str(j, "problem", "currency", false, &currency, e)))
		return rc;
	if (p->from_us < 0)
		return err_set(e, FEMS_EINVAL, "problem.from lies before 1970");
	if (!str_copy(p->currency, sizeof p->currency, currency))
		return err_set(e, FEMS_EINVAL, "problem.currency \"%s\" is too long; give a code such as KRW",
			       currency);
	return FEMS_OK;
}

static enum fems_rc get_curves(const json_t *j, struct plan_problem *p, struct fems_error *e)
{
	size_t n = (size_t)p->slots;
	enum fems_rc rc;

	if ((rc = get_ints(j, "problem", "energy_price_micro", n, 0, range_price, &p->energy_price_micro,
			   NULL, e)) ||
	    (rc = get_ints(j, "problem", "sell_price_micro", n, 0, range_price, &p->sell_price_micro, NULL,
			   e)) ||
	    (rc = get_bits(j, "problem", "counts_for_demand", n, &p->counts, e)) ||
	    (rc = get_ints(j, "problem", "base_w", n, 0, range_base, &p->base_w, NULL, e)) ||
	    (rc = get_ints(j, "problem", "pv_w", n, 0, range_power, &p->pv_w, NULL, e)) ||
	    (rc = get_int(j, "problem", "demand_threshold_w", range_watt, &p->demand_threshold_w, e)) ||
	    (rc = get_int(j, "problem", "demand_price_micro", range_charge, &p->demand_price_micro, e)) ||
	    (rc = get_int(j, "problem", "seed", range_seed, &p->seed, e)))
		return rc;
	if (json_object_get(j, "import_limit_w") &&
	    (rc = get_int(j, "problem", "import_limit_w", range_watt, &p->import_limit_w, e)))
		return rc;
	for (int t = 0; t < p->slots; t++)
		if (p->sell_price_micro[t] > p->energy_price_micro[t])
			return err_set(e, FEMS_EINVAL,
				       "problem.sell_price_micro[%d] is above the import price; "
				       "such a price pays for circulating energy",
				       t);
	return FEMS_OK;
}

static enum fems_rc get_machines(const json_t *j, struct plan_problem *p, struct fems_error *e)
{
	json_t *a = NULL;
	enum fems_rc rc = json_get_array(j, "problem", "machines", false, &a, e);
	size_t n = json_array_size(a);

	if (rc)
		return rc;
	if (n > MACHINES_MAX)
		return err_set(e, FEMS_EINVAL, "problem.machines has %zu items; at most %d", n, MACHINES_MAX);
	p->machines = calloc(n + 1, sizeof *p->machines);
	if (!p->machines)
		return err_set(e, FEMS_ENOMEM, "out of memory for %zu machines", n);
	for (size_t i = 0; i < n; i++) {
		struct plan_machine *m = &p->machines[p->n_machines++];
		const json_t *o = json_array_get(a, i);
		char where[32];

		snprintf(where, sizeof where, "machines[%zu]", i);
		if ((rc = get_id(o, where, &m->id, e)) ||
		    (rc = get_bits(o, where, "open", (size_t)p->slots, &m->open, e)))
			return rc;
	}
	return FEMS_OK;
}

static enum fems_rc get_option(const json_t *o, const char *where, const struct plan_problem *p,
			       struct plan_option *op, struct fems_error *e)
{
	size_t len = 0;
	enum fems_rc rc;

	if ((rc = get_i(o, where, "machine", (struct range){ 0, p->n_machines - 1, 1 }, &op->machine, e)) ||
	    (rc = get_ints(o, where, "power_w", 0, SLOTS_MAX, range_power, &op->power_w, &len, e)))
		return rc;
	op->length = (int)len;
	return FEMS_OK;
}

static enum fems_rc get_options(const json_t *o, const char *where, const struct plan_problem *p,
				struct plan_order * or, struct fems_error *e)
{
	json_t *a = NULL;
	enum fems_rc rc = json_get_array(o, where, "options", false, &a, e);
	size_t n = json_array_size(a);

	if (rc)
		return rc;
	if (n < 1 || n > OPTIONS_MAX)
		return err_set(e, FEMS_EINVAL, "%s.options has %zu items; give 1 to %d", where, n,
			       OPTIONS_MAX);
	or->options = calloc(n, sizeof * or->options);
	if (! or->options)
		return err_set(e, FEMS_ENOMEM, "out of memory for %s.options", where);
	for (size_t i = 0; i < n; i++) {
		char deep[64];

		snprintf(deep, sizeof deep, "%s.options[%zu]", where, i);
		or->n_options++;
		rc = get_option(json_array_get(a, i), deep, p, & or->options[i], e);
		if (rc)
			return rc;
	}
	return FEMS_OK;
}

/* {option, start} below key; absent: *option stays -1. */
static enum fems_rc get_place(const json_t *o, const char *where, const char *key, int n_options, int *option,
			      int *start, struct fems_error *e)
{
	const json_t *f = json_object_get(o, key);
	char deep[64];
	enum fems_rc rc;

	if (!f)
		return FEMS_OK;
	snprintf(deep, sizeof deep, "%s.%s", where, key);
	rc = get_i(f, deep, "option", (struct range){ 0, n_options - 1, 1 }, option, e);
	return rc ? rc : get_i(f, deep, "start", range_slot, start, e);
}

static enum fems_rc get_order(const json_t *o, const char *where, const struct plan_problem *p,
			      struct plan_order * or, struct fems_error *e)
{
	enum fems_rc rc;

	or->fixed_option = or->erp_option = or->warm_option = -1;
	if ((rc = get_id(o, where, & or->id, e)) ||
	    (rc = get_i(o, where, "release", range_slot, & or->release, e)) ||
	    (rc = get_i(o, where, "due", range_slot, & or->due, e)) ||
	    (rc = get_int(o, where, "late_micro_per_slot", range_charge, & or->late_micro_per_slot, e)) ||
	    (rc = get_options(o, where, p, or, e)) ||
	    (rc = get_place(o, where, "fixed", or->n_options, & or->fixed_option, & or->fixed_start, e)))
		return rc;
	return get_place(o, where, "erp", or->n_options, & or->erp_option, & or->erp_start, e);
}

static int by_id(const void *a, const void *b)
{
	const struct plan_order *const *x = a, *const *y = b;

	return strcmp((*x)->id, (*y)->id);
}

/* The orders sorted by id (caller frees); an id that stands twice is refused. */
static enum fems_rc index_orders(const struct plan_problem *p, struct plan_order ***out, struct fems_error *e)
{
	struct plan_order **v = calloc((size_t)p->n_orders + 1, sizeof(*v));

	*out = v;
	if (!v)
		return err_set(e, FEMS_ENOMEM, "out of memory for %d orders", p->n_orders);
	for (int i = 0; i < p->n_orders; i++)
		v[i] = &p->orders[i];
	qsort(v, (size_t)p->n_orders, sizeof(*v), by_id);
	for (int i = 1; i < p->n_orders; i++)
		if (!strcmp(v[i - 1]->id, v[i]->id))
			return err_set(e, FEMS_EINVAL, "orders: the id \"%s\" stands twice", v[i]->id);
	return FEMS_OK;
}

static enum fems_rc get_warm_item(const json_t *o, const char *where, struct plan_problem *p,
				  struct plan_order **index, struct fems_error *e)
{
	struct plan_order key = { .id = NULL }, *k = &key, **hit;
	enum fems_rc rc = get_id(o, where, &key.id, e);
	int option = -1, start = 0;

	if (rc)
		return rc;
	hit = bsearch(&k, index, (size_t)p->n_orders, sizeof *index, by_id);
	if (!hit)
		rc = err_set(e, FEMS_EINVAL, "%s: no order has the id \"%s\"", where, key.id);
	free(key.id);
	if (rc ||
	    (rc = get_i(o, where, "option", (struct range){ 0, (*hit)->n_options - 1, 1 }, &option, e)) ||
	    (rc = get_i(o, where, "start", range_slot, &start, e)))
		return rc;
	(*hit)->warm_option = option;
	(*hit)->warm_start = start;
	return FEMS_OK;
}

static enum fems_rc get_warm(const json_t *j, struct plan_problem *p, struct fems_error *e)
{
	struct plan_order **index = NULL;
	json_t *a = NULL;
	enum fems_rc rc = index_orders(p, &index, e);

	if (!rc)
		rc = json_get_array(j, "problem", "warm", true, &a, e);
	for (size_t i = 0; !rc && i < json_array_size(a); i++) {
		char where[32];

		snprintf(where, sizeof where, "warm[%zu]", i);
		rc = get_warm_item(json_array_get(a, i), where, p, index, e);
	}
	free(index);
	return rc;
}

static enum fems_rc get_orders(const json_t *j, struct plan_problem *p, struct fems_error *e)
{
	json_t *a = NULL;
	enum fems_rc rc = json_get_array(j, "problem", "orders", false, &a, e);
	size_t n = json_array_size(a);

	if (rc)
		return rc;
	if (n > ORDERS_MAX)
		return err_set(e, FEMS_EINVAL, "problem.orders has %zu items; at most %d", n, ORDERS_MAX);
	p->orders = calloc(n + 1, sizeof *p->orders);
	if (!p->orders)
		return err_set(e, FEMS_ENOMEM, "out of memory for %zu orders", n);
	for (size_t i = 0; i < n; i++) {
		char where[32];

		snprintf(where, sizeof where, "orders[%zu]", i);
		p->n_orders++;
		rc = get_order(json_array_get(a, i), where, p, &p->orders[i], e);
		if (rc)
			return rc;
	}
	return get_warm(j, p, e);
}

static enum fems_rc get_battery(const json_t *j, struct plan_battery *b, struct fems_error *e)
{
	const json_t *o = json_object_get(j, "battery");
	enum fems_rc rc;

	if (!o)
		return FEMS_OK;
	if ((rc = get_int(o, "battery", "capacity_wh", (struct range){ 1, ENERGY_MAX, 1 }, &b->capacity_wh,
			  e)) ||
	    (rc = get_int(o, "battery", "power_w", range_watt, &b->power_w, e)) ||
	    (rc = get_int(o, "battery", "min_wh", range_wh, &b->min_wh, e)) ||
	    (rc = get_int(o, "battery", "max_wh", range_wh, &b->max_wh, e)) ||
	    (rc = get_int(o, "battery", "stored_wh", range_wh, &b->stored_wh, e)) ||
	    (rc = get_int(o, "battery", "end_min_wh", range_wh, &b->end_min_wh, e)) ||
	    (rc = get_int(o, "battery", "efficiency_permille", range_permille, &b->efficiency_permille, e)))
		return rc;
	if (b->min_wh > b->max_wh || b->max_wh > b->capacity_wh || b->stored_wh > b->capacity_wh ||
	    b->end_min_wh > b->capacity_wh)
		return err_set(e, FEMS_EINVAL,
			       "battery: min_wh <= max_wh <= capacity_wh, stored_wh and end_min_wh "
			       "<= capacity_wh must hold");
	return FEMS_OK;
}

static int64_t abs_max(const int64_t *v, int n)
{
	int64_t max = 0;

	for (int i = 0; i < n; i++) {
		int64_t a = v[i] < 0 ? -v[i] : v[i];

		max = a > max ? a : max;
	}
	return max;
}

/* Every cost any plan of this problem can have fits in 64 bits with room to spare. */
static enum fems_rc check_size(const struct plan_problem *p, struct fems_error *e)
{
	__int128 w = (__int128)abs_max(p->base_w, p->slots) + abs_max(p->pv_w, p->slots) + p->battery.power_w;
	__int128 late = 0, price = abs_max(p->energy_price_micro, p->slots);
	int64_t sell = abs_max(p->sell_price_micro, p->slots);

	for (int i = 0; i < p->n_orders; i++) {
		const struct plan_order *o = &p->orders[i];
		int64_t power = 0;

		for (int k = 0; k < o->n_options; k++) {
			int64_t m = abs_max(o->options[k].power_w, o->options[k].length);

			power = m > power ? m : power;
		}
		w += power;
		late += (__int128)o->late_micro_per_slot * 2000000;
	}
	price = sell > price ? sell : price;
	if (w * price / 4000 * p->slots + w * p->demand_price_micro / 1000 + late > INT64_MAX / 4)
		return err_set(e, FEMS_EINVAL,
			       "the problem's powers and prices are too large: its cost does not "
			       "fit in 64 bits of 1e-6 %s",
			       p->currency);
	return FEMS_OK;
}

enum fems_rc plan_problem_parse(struct fems_span span, struct plan_problem **out, struct fems_error *e)
{
	struct plan_problem *p = calloc(1, sizeof *p);
	json_t *j = NULL;
	enum fems_rc rc;

	*out = NULL;
	if (!p)
		return err_set(e, FEMS_ENOMEM, "out of memory for a plan problem");
	if (!(rc = json_parse(span, &j, e)) && !(rc = get_grid(j, p, e)) && !(rc = get_curves(j, p, e)) &&
	    !(rc = get_machines(j, p, e)) && !(rc = get_orders(j, p, e)) &&
	    !(rc = get_battery(j, &p->battery, e)))
		rc = check_size(p, e);
	json_decref(j);
	if (rc)
		plan_problem_free(p);
	else
		*out = p;
	return rc;
}
