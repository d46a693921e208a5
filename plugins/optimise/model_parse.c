/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/optimise/model.h"

#include <stdlib.h>
#include <string.h>

#include <fems/util.h>

/* The core has checked the document against its contract; here is checked what memory safety and
 * arithmetic need. */
enum { SLOTS_MAX = 4096, ORDERS_MAX = 50000, OPTIONS_MAX = 256, MACHINES_MAX = 4096 };
#define AMOUNT_MAX (INT64_C(1) << 50)

static bool amount(const json_t *v, int64_t *out)
{
	*out = json_integer_value(v);
	return json_is_integer(v) && *out <= AMOUNT_MAX && *out >= -AMOUNT_MAX;
}

static bool member(const json_t *o, const char *key, int64_t min, int64_t max, int64_t *out)
{
	return amount(json_object_get(o, key), out) && *out >= min && *out <= max;
}

static bool member_i(const json_t *o, const char *key, int64_t min, int64_t max, int *out)
{
	int64_t v = 0;
	bool ok = member(o, key, min, max, &v);

	*out = (int)v;
	return ok;
}

/* Array of n amounts, each a multiple of step and divided by it. */
static int64_t *amounts(const json_t *a, size_t n, int64_t step)
{
	int64_t *v = n && json_array_size(a) == n ? malloc(n * sizeof *v) : NULL;

	for (size_t i = 0; v && i < n; i++) {
		if (!amount(json_array_get(a, i), &v[i]) || v[i] % step) {
			free(v);
			return NULL;
		}
		v[i] /= step;
	}
	return v;
}

static bool parse_curves(struct model *m)
{
	size_t n = (size_t)m->slots;
	int64_t *pv = amounts(json_object_get(m->doc, "pv_w"), n, 4);
	int64_t *counts = amounts(json_object_get(m->doc, "counts_for_demand"), n, 1);

	m->net_wh = amounts(json_object_get(m->doc, "base_w"), n, 4);
	m->buy_micro = amounts(json_object_get(m->doc, "energy_price_micro"), n, 1);
	m->sell_micro = amounts(json_object_get(m->doc, "sell_price_micro"), n, 1);
	m->counts = calloc(n, 1);
	m->buy = calloc(n, sizeof *m->buy);
	m->sell = calloc(n, sizeof *m->sell);
	m->all_count = true;
	if (pv && counts && m->net_wh && m->buy_micro && m->sell_micro && m->counts && m->buy && m->sell) {
		for (size_t t = 0; t < n; t++) {
			m->net_wh[t] -= pv[t];
			m->counts[t] = counts[t] != 0;
			m->all_count = m->all_count && counts[t];
		}
		free(pv);
		free(counts);
		return true;
	}
	free(pv);
	free(counts);
	return false;
}

static bool parse_machines(struct model *m)
{
	const json_t *a = json_object_get(m->doc, "machines");
	size_t n = json_array_size(a);

	if (!json_is_array(a) || n > MACHINES_MAX)
		return false;
	m->n_machines = (int)n;
	m->words = (m->slots + 63) / 64 + 1;
	m->closed = calloc((n + 1) * (size_t)m->words, sizeof *m->closed);
	for (size_t i = 0; m->closed && i < n; i++) {
		const json_t *open = json_object_get(json_array_get(a, i), "open");
		uint64_t *row = m->closed + i * (size_t)m->words;

		if (json_array_size(open) != (size_t)m->slots)
			return false;
		for (int t = 0; t < m->slots; t++)
			if (!json_integer_value(json_array_get(open, (size_t)t)))
				row[t / 64] |= UINT64_C(1) << (t % 64);
	}
	return m->closed;
}

static bool parse_option(const struct model *m, const json_t *j, struct option *op)
{
	const json_t *power = json_object_get(j, "power_w");

	op->len = (int)json_array_size(power);
	op->wh = amounts(power, (size_t)op->len, 4);
	if (!op->wh || op->len > SLOTS_MAX || !member_i(j, "machine", 0, m->n_machines - 1, &op->machine))
		return false;
	for (int q = 0; q < op->len; q++) {
		if (op->wh[q] < 0)
			return false;
		op->sum_wh += op->wh[q];
		op->max_wh = op->wh[q] > op->max_wh ? op->wh[q] : op->max_wh;
	}
	return true;
}

/* {option, start}; absent: option -1. */
static bool parse_place(const json_t *o, int n_options, struct place *out)
{
	*out = (struct place){ -1, 0 };
	return !o || (member_i(o, "option", 0, n_options - 1, &out->option) &&
		      member_i(o, "start", -1000000, 1000000, &out->start));
}

static bool parse_order(const struct model *m, const json_t *j, struct order *o)
{
	const json_t *options = json_object_get(j, "options");
	size_t n = json_array_size(options);

	o->id = json_string_value(json_object_get(j, "id"));
	o->warm.option = -1;
	if (!o->id || n < 1 || n > OPTIONS_MAX || !member_i(j, "release", -1000000, 1000000, &o->release) ||
	    !member_i(j, "due", -1000000, 1000000, &o->due) ||
	    !member(j, "late_micro_per_slot", 0, AMOUNT_MAX, &o->late_micro))
		return false;
	o->options = calloc(n, sizeof *o->options);
	for (size_t k = 0; o->options && k < n; k++, o->n_options++)
		if (!parse_option(m, json_array_get(options, k), &o->options[k])) {
			free(o->options[k].wh);
			o->options[k].wh = NULL;
			return false;
		}
	if (!o->options || !parse_place(json_object_get(j, "fixed"), o->n_options, &o->fixed_at) ||
	    !parse_place(json_object_get(j, "erp"), o->n_options, &o->erp))
		return false;
	o->fixed = o->fixed_at.option >= 0;
	o->release = o->release < 0 ? 0 : o->release;
	return true;
}

static bool parse_orders(struct model *m)
{
	const json_t *a = json_object_get(m->doc, "orders");
	size_t n = json_array_size(a);

	if (!json_is_array(a) || n > ORDERS_MAX)
		return false;
	m->orders = calloc(n + 1, sizeof *m->orders);
	for (size_t i = 0; m->orders && i < n; i++) {
		m->n_orders++;
		if (!parse_order(m, json_array_get(a, i), &m->orders[i]))
			return false;
	}
	return m->orders;
}

static int by_id(const void *a, const void *b)
{
	return strcmp((*(struct order *const *)a)->id, (*(struct order *const *)b)->id);
}

/* A warm place that names no order or option of this problem is no fault: the plan in force is old. */
static bool parse_warm(struct model *m)
{
	const json_t *a = json_object_get(m->doc, "warm");
	struct order **index = calloc((size_t)m->n_orders + 1, sizeof(*index));

	for (int i = 0; index && i < m->n_orders; i++)
		index[i] = &m->orders[i];
	if (index)
		qsort(index, (size_t)m->n_orders, sizeof *index, by_id);
	for (size_t i = 0; index && i < json_array_size(a); i++) {
		const json_t *j = json_array_get(a, i);
		struct order key = { .id = json_string_value(json_object_get(j, "id")) }, *k = &key, **hit;
		struct place at;

		hit = key.id ? bsearch(&k, index, (size_t)m->n_orders, sizeof *index, by_id) : NULL;
		if (hit && parse_place(j, (*hit)->n_options, &at))
			(*hit)->warm = at;
	}
	free(index);
	return index != NULL;
}

static bool parse_battery(struct model *m)
{
	const json_t *o = json_object_get(m->doc, "battery");
	struct battery *b = &m->battery;
	int64_t power = 0, cap = AMOUNT_MAX / 1000;

	if (!o)
		return true;
	if (!member(o, "capacity_wh", 1, cap, &b->capacity_wh) || !member(o, "power_w", 0, cap, &power) ||
	    !member(o, "min_wh", 0, cap, &b->min_wh) || !member(o, "max_wh", b->min_wh, cap, &b->max_wh) ||
	    !member(o, "stored_wh", 0, cap, &b->stored_wh) || !member(o, "end_min_wh", 0, cap, &b->end_wh) ||
	    !member(o, "efficiency_permille", 1, 1000, &b->efficiency_permille))
		return false;
	b->slot_wh = power / 4;
	return true;
}

/* The largest cost any schedule can have, in 1e-9 of the currency. */
static double magnitude(const struct model *m)
{
	double wh = (double)m->battery.slot_wh, price = 0, net = 0, late = 0;

	for (int t = 0; t < m->slots; t++) {
		double a = (double)llabs(m->buy_micro[t]), b = (double)llabs(m->sell_micro[t]);
		double n = (double)llabs(m->net_wh[t]);

		price = a > price ? a : price;
		price = b > price ? b : price;
		net = n > net ? n : net;
	}
	for (int i = 0; i < m->n_orders; i++) {
		double max = 0;

		for (int k = 0; k < m->orders[i].n_options; k++) {
			double w = (double)m->orders[i].options[k].max_wh;

			max = w > max ? w : max;
		}
		wh += max;
		late += (double)m->orders[i].late_micro * 1000 * (m->slots + 1e4);
	}
	return (wh + net) * price * m->slots + (wh + net) * 4 * (double)m->demand_micro + late;
}

static void set_units(struct model *m)
{
	double scale = magnitude(m) / 2e18;

	m->scale = scale > 1 ? (int64_t)scale + 1 : 1;
	for (int t = 0; t < m->slots; t++) {
		m->buy[t] = m->buy_micro[t] / m->scale;
		m->sell[t] = m->sell_micro[t] / m->scale;
	}
	m->demand = m->demand_micro / m->scale;
	for (int i = 0; i < m->n_orders; i++)
		m->orders[i].late = (int64_t)((__int128)m->orders[i].late_micro * 1000 / m->scale);
}

static const char *parse(struct model *m)
{
	int64_t seed = 0, limit_w = 0;
	int slot_s = 0;

	if (!member_i(m->doc, "slots", 1, SLOTS_MAX, &m->slots) ||
	    !member_i(m->doc, "slot_s", 900, 900, &slot_s))
		return "slots, slot_s";
	if (!parse_curves(m))
		return "prices, base_w, pv_w, counts_for_demand";
	if (!member(m->doc, "demand_threshold_w", 0, AMOUNT_MAX, &m->threshold_w) ||
	    !member(m->doc, "demand_price_micro", 0, AMOUNT_MAX, &m->demand_micro))
		return "demand_threshold_w, demand_price_micro";
	m->limit_wh = INT64_MAX;
	if (json_object_get(m->doc, "import_limit_w")) {
		if (!member(m->doc, "import_limit_w", 0, AMOUNT_MAX, &limit_w))
			return "import_limit_w";
		m->limit_wh = limit_w ? limit_w / 4 : INT64_MAX;
	}
	seed = json_integer_value(json_object_get(m->doc, "seed"));
	m->seed = (uint64_t)seed;
	if (!parse_machines(m))
		return "machines";
	if (!parse_orders(m))
		return "orders";
	if (!parse_warm(m))
		return "warm";
	if (!parse_battery(m))
		return "battery";
	set_units(m);
	return NULL;
}

enum fems_rc model_parse(struct fems_span span, struct model **out, struct fems_error *e)
{
	struct model *m = calloc(1, sizeof *m);
	json_error_t je;
	const char *wrong;

	*out = NULL;
	if (!m)
		return fems_fail(e, FEMS_ENOMEM, "out of memory for a plan problem");
	m->doc = json_loadb(span.ptr, span.len, 0, &je);
	if (!m->doc) {
		model_free(m);
		return fems_fail(e, FEMS_EINVAL, "plan problem: line %d: %s", je.line, je.text);
	}
	wrong = parse(m);
	if (wrong) {
		model_free(m);
		return fems_fail(e, FEMS_EINVAL,
				 "plan problem: %s: missing, of another size or out of range; give "
				 "the document plan-problem as documented",
				 wrong);
	}
	*out = m;
	return FEMS_OK;
}
