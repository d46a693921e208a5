/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/optimise/state.h"

#include <stdlib.h>
#include <string.h>

#define VERY_LOW (INT64_MIN / 4)
enum { CANDS_MAX = 6000000 }; /* 96 MB: more orders keep only their cheapest candidates */

bool state_init(const struct model *m, struct state *s)
{
	size_t cells = (size_t)m->n_machines * (size_t)m->slots, t = (size_t)m->slots;

	memset(s, 0, sizeof *s);
	s->m = m;
	s->at = calloc((size_t)m->n_orders + 1, sizeof *s->at);
	s->busy = calloc(((size_t)m->n_machines + 1) * (size_t)m->words, sizeof *s->busy);
	s->owner = malloc((cells + 1) * sizeof *s->owner);
	s->u = calloc(t, sizeof *s->u);
	s->cu = calloc(t, sizeof *s->cu);
	s->first = calloc((size_t)m->n_orders + 1, sizeof *s->first);
	s->export_slot = calloc(t, 1);
	s->export_before = calloc(t + 1, sizeof *s->export_before);
	if (s->at && s->busy && s->owner && s->u && s->cu && s->first && s->export_slot && s->export_before)
		return true;
	state_free(s);
	return false;
}

void state_free(struct state *s)
{
	free(s->at);
	free(s->busy);
	free(s->owner);
	free(s->u);
	free(s->cu);
	free(s->first);
	free(s->cands);
	free(s->export_slot);
	free(s->export_before);
	memset(s, 0, sizeof *s);
}

static inline int64_t slot_cost(const struct model *m, int t, int64_t wh)
{
	return wh * (wh > 0 ? m->buy[t] : m->sell[t]);
}

int64_t state_demand(const struct model *m, int64_t peak_wh)
{
	return peak_wh * 4 > m->threshold_w ? (peak_wh * 4 - m->threshold_w) * m->demand : 0;
}

int64_t state_cost(const struct state *s)
{
	return s->energy + s->late + state_demand(s->m, s->peak);
}

static void add_power(struct state *s, int t, int64_t wh)
{
	s->energy += slot_cost(s->m, t, s->u[t] + wh) - slot_cost(s->m, t, s->u[t]);
	s->u[t] += wh;
	if (s->m->counts[t]) {
		s->cu[t] = s->u[t];
		s->peak = s->u[t] > s->peak ? s->u[t] : s->peak;
	}
}

static void hold(struct state *s, const struct option *op, int start, int order)
{
	uint64_t *row = s->busy + (size_t)op->machine * (size_t)s->m->words;
	int32_t *own = s->owner + (size_t)op->machine * (size_t)s->m->slots;
	int end = start + op->len < s->m->slots ? start + op->len : s->m->slots;

	for (int t = start < 0 ? 0 : start; t < end; t++) {
		own[t] = order;
		if (order >= 0)
			row[t / 64] |= UINT64_C(1) << (t % 64);
		else
			row[t / 64] &= ~(UINT64_C(1) << (t % 64));
	}
}

static int64_t late_cost(const struct order *o, int end)
{
	return end > o->due ? (end - o->due) * o->late : 0;
}

void state_put(struct state *s, int i, struct place at)
{
	const struct option *op = &s->m->orders[i].options[at.option];

	hold(s, op, at.start, i);
	for (int q = at.start < 0 ? -at.start : 0; q < op->len && at.start + q < s->m->slots; q++)
		add_power(s, at.start + q, op->wh[q]);
	s->late += late_cost(&s->m->orders[i], at.start + op->len);
	s->at[i] = at;
	s->unplaced--;
}

void state_take(struct state *s, int i)
{
	struct place at = s->at[i];
	const struct option *op = &s->m->orders[i].options[at.option];

	hold(s, op, at.start, -1);
	for (int q = 0; q < op->len; q++)
		add_power(s, at.start + q, -op->wh[q]);
	s->late -= late_cost(&s->m->orders[i], at.start + op->len);
	s->at[i].option = -1;
	s->unplaced++;
}

void state_peak(struct state *s)
{
	int64_t peak = 0;

	for (int t = 0; t < s->m->slots; t++)
		peak = s->cu[t] > peak ? s->cu[t] : peak;
	s->peak = peak;
}

void state_reset(struct state *s, const int64_t *battery_wh)
{
	const struct model *m = s->m;

	memcpy(s->busy, m->closed, (size_t)m->n_machines * (size_t)m->words * sizeof *s->busy);
	for (size_t i = 0; i < (size_t)m->n_machines * (size_t)m->slots; i++)
		s->owner[i] = -1;
	s->energy = s->late = s->peak = 0;
	for (int t = 0; t < m->slots; t++) {
		s->u[t] = 0;
		s->cu[t] = VERY_LOW;
		add_power(s, t, m->net_wh[t] + (battery_wh ? battery_wh[t] : 0));
	}
	s->unplaced = m->n_orders;
	for (int i = 0; i < m->n_orders; i++) {
		s->at[i].option = -1;
		if (m->orders[i].fixed)
			state_put(s, i, m->orders[i].fixed_at);
	}
	for (int t = 0; t < m->slots; t++) {
		s->export_slot[t] = s->u[t] < 0;
		s->export_before[t + 1] = s->export_before[t] + s->export_slot[t];
	}
}

/* ---- candidates ---- */

static bool row_free(const uint64_t *row, int start, int len)
{
	int w = start / 64, b = start % 64;
	uint64_t mask;

	while (len > 0) {
		int n = 64 - b < len ? 64 - b : len;

		mask = (n == 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1) << b;
		if (row[w] & mask)
			return false;
		len -= n;
		b = 0;
		w++;
	}
	return true;
}

static const uint64_t *closed_row(const struct model *m, int machine)
{
	return m->closed + (size_t)machine * (size_t)m->words;
}

static int by_low(const void *a, const void *b)
{
	const struct cand *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->option < y->option ? -1 : x->option > y->option;
}

/* All places of order i that the calendar allows, cheapest first; returns how many. */
static size_t list_order(const struct state *s, int i, struct cand *out)
{
	const struct model *m = s->m;
	const struct order *o = &m->orders[i];
	size_t n = 0;

	for (int k = 0; k < o->n_options; k++) {
		const struct option *op = &o->options[k];

		for (int t = o->release; t + op->len <= m->slots; t++) {
			int64_t low = 0;

			if (!row_free(closed_row(m, op->machine), t, op->len))
				continue;
			for (int q = 0; q < op->len; q++)
				low += op->wh[q] * (s->export_slot[t + q] ? m->sell[t + q] : m->buy[t + q]);
			out[n++] = (struct cand){ low + late_cost(o, t + op->len), t, k };
		}
	}
	qsort(out, n, sizeof *out, by_low);
	return n;
}

bool state_candidates(struct state *s)
{
	const struct model *m = s->m;
	size_t most = 1, total = 0, cap, n = 0;
	struct cand *one, *all;

	for (int i = 0; i < m->n_orders; i++) {
		size_t c = m->orders[i].fixed ? 0 : (size_t)m->orders[i].n_options * (size_t)m->slots;

		most = c > most ? c : most;
		total += c;
	}
	s->all_cands = total <= CANDS_MAX;
	cap = s->all_cands ? most : (size_t)CANDS_MAX / (size_t)m->n_orders;
	one = malloc(most * sizeof *one);
	all = realloc(s->cands, ((s->all_cands ? total : CANDS_MAX) + 1) * sizeof *all);
	s->cands = all ? all : s->cands;
	for (int i = 0; one && all && i < m->n_orders; i++) {
		size_t found = m->orders[i].fixed ? 0 : list_order(s, i, one);

		s->first[i] = n;
		found = found < cap ? found : cap;
		memcpy(all + n, one, found * sizeof *all);
		n += found;
	}
	s->first[m->n_orders] = n;
	free(one);
	return one && all;
}

/* ---- choosing a place ---- */

/* What the order's place costs above cand->low: slots that are exported now, and a higher peak. */
static int64_t extra_cost(const struct state *s, const struct option *op, int start, int64_t free_wh,
			  bool *over)
{
	const struct model *m = s->m;
	int64_t high = VERY_LOW, top = VERY_LOW, extra = 0;
	const int64_t *cu = s->cu + start, *u = s->u + start;

	for (int q = 0; q < op->len; q++) {
		int64_t v = cu[q] + op->wh[q];

		high = v > high ? v : high;
	}
	if (m->limit_wh != INT64_MAX) {
		for (int q = 0; q < op->len; q++)
			top = u[q] + op->wh[q] > top ? u[q] + op->wh[q] : top;
		if (top > m->limit_wh) {
			*over = true;
			return 0;
		}
	}
	if (high > free_wh)
		extra += state_demand(m, high) - state_demand(m, free_wh);
	if (s->export_before[start + op->len] != s->export_before[start])
		for (int q = 0; q < op->len; q++)
			if (s->export_slot[start + q])
				extra += slot_cost(m, start + q, u[q] + op->wh[q]) -
					 slot_cost(m, start + q, u[q]) - op->wh[q] * m->sell[start + q];
	return extra;
}

bool state_best(const struct state *s, int i, int64_t free_wh, uint32_t blink, struct rng *r,
		struct place *out)
{
	const struct order *o = &s->m->orders[i];
	const struct cand *c = s->cands + s->first[i], *end = s->cands + s->first[i + 1];
	int64_t best = INT64_MAX;

	free_wh = s->peak > free_wh ? s->peak : free_wh;
	for (; c < end && c->low < best; c++) {
		const struct option *op = &o->options[c->option];
		bool over = false;
		int64_t cost;

		if (!row_free(s->busy + (size_t)op->machine * (size_t)s->m->words, c->start, op->len))
			continue;
		if (blink && (rng_next(r) >> 54) < blink)
			continue;
		cost = c->low + extra_cost(s, op, c->start, free_wh, &over);
		if (!over && cost < best) {
			best = cost;
			*out = (struct place){ c->option, c->start };
		}
	}
	if (best == INT64_MAX && !s->all_cands)
		return state_earliest(s, i, out);
	return best != INT64_MAX;
}

static bool below_limit(const struct state *s, const struct option *op, int start)
{
	for (int q = 0; s->m->limit_wh != INT64_MAX && q < op->len; q++)
		if (s->u[start + q] + op->wh[q] > s->m->limit_wh)
			return false;
	return true;
}

bool state_fits(const struct state *s, int i, struct place at)
{
	const struct order *o = &s->m->orders[i];
	const struct option *op;

	if (at.option < 0 || at.option >= o->n_options)
		return false;
	op = &o->options[at.option];
	return at.start >= o->release && at.start + op->len <= s->m->slots &&
	       row_free(s->busy + (size_t)op->machine * (size_t)s->m->words, at.start, op->len) &&
	       below_limit(s, op, at.start);
}

bool state_earliest(const struct state *s, int i, struct place *out)
{
	const struct order *o = &s->m->orders[i];
	int best = INT32_MAX;

	for (int k = 0; k < o->n_options; k++) {
		const struct option *op = &o->options[k];
		const uint64_t *row = s->busy + (size_t)op->machine * (size_t)s->m->words;
		int run = 0;

		for (int t = o->release; t < s->m->slots && t + 1 < best; t++) {
			run = row[t / 64] >> (t % 64) & 1 ? 0 : run + 1;
			if (run >= op->len && below_limit(s, op, t + 1 - op->len)) {
				best = t + 1;
				*out = (struct place){ k, t + 1 - op->len };
				break;
			}
		}
	}
	return best != INT32_MAX;
}
