/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/optimise/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RUIN_MAX = 12 };

bool search_init(struct search *x, struct state *s, struct rng *r)
{
	size_t n = (size_t)s->m->n_orders + 1;

	memset(x, 0, sizeof *x);
	x->s = s;
	x->r = r;
	x->best = malloc(n * sizeof *x->best);
	x->out = malloc(n * sizeof *x->out);
	x->was = malloc(n * sizeof *x->was);
	x->heat = 0.04;
	if (x->best && x->out && x->was)
		return true;
	search_free(x);
	return false;
}

void search_free(struct search *x)
{
	free(x->best);
	free(x->out);
	free(x->was);
	memset(x, 0, sizeof *x);
}

/* ---- ruin ---- */

static void take(struct search *x, int *n, int order)
{
	if (order < 0 || x->s->m->orders[order].fixed || x->s->at[order].option < 0)
		return;
	x->was[*n] = x->s->at[order];
	x->out[(*n)++] = order;
	state_take(x->s, order);
}

static int owner_at(const struct state *s, int machine, int t)
{
	return s->owner[(size_t)machine * (size_t)s->m->slots + (size_t)t];
}

/* Orders that run around slot t, machine by machine in random order. */
static void ruin_time(struct search *x, int *n, int k, int t, int width)
{
	const struct model *m = x->s->m;
	int first = (int)rng_below(x->r, (uint32_t)m->n_machines);

	for (int i = 0; i < m->n_machines && *n < k; i++) {
		int mach = (first + i) % m->n_machines;
		int a = t - width < 0 ? 0 : t - width, b = t + width < m->slots ? t + width : m->slots - 1;

		for (int q = a; q <= b && *n < k; q++)
			take(x, n, owner_at(x->s, mach, q));
	}
}

static void ruin_peak(struct search *x, int *n, int k)
{
	const struct state *s = x->s;
	int hit = -1, seen = 0;

	for (int t = 0; t < s->m->slots; t++)
		if (s->cu[t] == s->peak && rng_below(x->r, (uint32_t)++seen) == 0)
			hit = t;
	if (hit >= 0)
		ruin_time(x, n, k, hit, (int)rng_below(x->r, 3));
}

/* Neighbours on one machine. */
static void ruin_machine(struct search *x, int *n, int k)
{
	const struct model *m = x->s->m;
	int mach = (int)rng_below(x->r, (uint32_t)m->n_machines);
	int t = (int)rng_below(x->r, (uint32_t)m->slots);

	for (int q = t; q < m->slots && *n < k; q++)
		take(x, n, owner_at(x->s, mach, q));
}

static void ruin_random(struct search *x, int *n, int k)
{
	for (int tries = 0; tries < 4 * k && *n < k; tries++)
		take(x, n, (int)rng_below(x->r, (uint32_t)x->s->m->n_orders));
}

/* An order and those that stand where it would be cheapest. */
static void ruin_wish(struct search *x, int *n, int k)
{
	const struct state *s = x->s;
	int o = (int)rng_below(x->r, (uint32_t)s->m->n_orders);
	size_t many = s->first[o + 1] - s->first[o];
	const struct cand *c;
	const struct option *op;

	if (!many)
		return;
	take(x, n, o);
	c = &s->cands[s->first[o] + rng_below(x->r, (uint32_t)(many / 4 + 1))];
	op = &s->m->orders[o].options[c->option];
	for (int q = 0; q < op->len && *n < k; q++)
		take(x, n, owner_at(s, op->machine, c->start + q));
}

static int ruin(struct search *x)
{
	int n = 0, k = 1 + (int)rng_below(x->r, rng_below(x->r, 3) ? 6 : RUIN_MAX);
	int t = (int)rng_below(x->r, (uint32_t)x->s->m->slots);

	switch (rng_below(x->r, 8)) {
	case 0:
	case 1:
		ruin_peak(x, &n, k);
		break;
	case 2:
	case 3:
		ruin_time(x, &n, k, t, (int)rng_below(x->r, 12));
		break;
	case 4:
		ruin_machine(x, &n, k);
		break;
	case 5:
	case 6:
		ruin_wish(x, &n, k + 1);
		break;
	default:
		break;
	}
	if (n < k && (n == 0 || rng_below(x->r, 4) == 0))
		ruin_random(x, &n, k);
	return n;
}

/* ---- recreate ---- */

static void swap(struct search *x, int a, int b)
{
	int o = x->out[a];
	struct place p = x->was[a];

	x->out[a] = x->out[b];
	x->was[a] = x->was[b];
	x->out[b] = o;
	x->was[b] = p;
}

static int64_t weight(const struct model *m, int how, int order)
{
	const struct order *o = &m->orders[order];

	switch (how) {
	case 0:
		return o->options[0].sum_wh;
	case 1:
		return o->options[0].max_wh;
	case 2:
		return o->options[0].len;
	case 3:
		return -o->due;
	default:
		return 0;
	}
}

/* Random order half of the time, else the heaviest, longest or most urgent first. */
static void arrange(struct search *x, int n)
{
	int how = (int)rng_below(x->r, 8);

	for (int i = n - 1; i > 0; i--)
		swap(x, i, (int)rng_below(x->r, (uint32_t)i + 1));
	if (how > 3)
		return;
	for (int i = 1; i < n; i++)
		for (int j = i;
		     j > 0 && weight(x->s->m, how, x->out[j]) > weight(x->s->m, how, x->out[j - 1]); j--)
			swap(x, j, j - 1);
}

/* Up to where imports are free while orders are put back: the peak as it was, a little below it, or
 * nothing, so that the search meets both views of the peak. */
static int64_t free_import(struct search *x, int64_t peak_before)
{
	uint32_t pick = rng_below(x->r, 8);

	if (pick < 3)
		return peak_before;
	if (pick < 6)
		return peak_before - (int64_t)((double)peak_before * rng_unit(x->r) * 0.06);
	return 0;
}

static bool recreate(struct search *x, int n, int64_t free_wh, int *done)
{
	for (*done = 0; *done < n; (*done)++) {
		struct place at = { -1, 0 };

		if (!state_best(x->s, x->out[*done], free_wh, 20, x->r, &at))
			return false;
		state_put(x->s, x->out[*done], at);
	}
	return true;
}

static void undo(struct search *x, int n, int done)
{
	for (int i = 0; i < done; i++)
		state_take(x->s, x->out[i]);
	for (int i = 0; i < n; i++)
		state_put(x->s, x->out[i], x->was[i]);
}

/* ---- the walk ---- */

struct walk {
	int64_t cost;
	double temperature;
};

static void step(struct search *x, struct walk *w)
{
	struct state *s = x->s;
	int64_t peak = s->peak, cost;
	int n = ruin(x), done = 0;
	bool whole;

	state_peak(s);
	arrange(x, n);
	whole = recreate(x, n, free_import(x, peak), &done);
	cost = whole ? state_cost(s) : 0;
	if (whole && (double)(cost - w->cost) < -w->temperature * log(rng_unit(x->r) + 1e-300)) {
		w->cost = cost;
		return;
	}
	undo(x, n, done);
	s->peak = peak;
}

static void keep_best(struct search *x, int64_t cost)
{
	x->best_cost = cost;
	memcpy(x->best, x->s->at, (size_t)x->s->m->n_orders * sizeof *x->best);
}

void search_run(struct search *x, const int64_t *battery_wh)
{
	struct state *s = x->s;
	struct walk w = { state_cost(s), 0 };
	int free_orders = 0;
	double hot, part = x->progress(x->ctx, false);

	for (int i = 0; i < s->m->n_orders; i++)
		free_orders += !s->m->orders[i].fixed;
	keep_best(x, w.cost);
	hot = x->heat * sqrt(free_orders) * fabs((double)w.cost) / (free_orders + 1);
	for (uint32_t i = 0; free_orders && part < 1; i++) {
		if (i % 16 == 0) {
			part = x->progress(x->ctx, false);
			w.temperature = hot * pow(0.003, part);
		}
		step(x, &w);
		x->steps++;
		if (w.cost < x->best_cost) {
			keep_best(x, w.cost);
			x->progress(x->ctx, true);
		}
	}
	state_reset(s, battery_wh);
	for (int i = 0; i < s->m->n_orders; i++)
		if (!s->m->orders[i].fixed)
			state_put(s, i, x->best[i]);
	state_peak(s);
}
