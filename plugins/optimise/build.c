/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/optimise/build.h"

#include <stdlib.h>
#include <string.h>

struct keyed {
	int64_t key;
	int order;
};

static int by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	return x->key != y->key ? (x->key < y->key ? -1 : 1) : x->order - y->order;
}

static int length_of(const struct order *o)
{
	int n = o->options[0].len;

	for (int k = 1; k < o->n_options; k++)
		n = o->options[k].len > n ? o->options[k].len : n;
	return n;
}

static int64_t key_due(const struct model *m, const struct order *o)
{
	(void)m;
	return o->due;
}

static int64_t key_slack(const struct model *m, const struct order *o)
{
	return m->slots - o->release - length_of(o);
}

static int64_t key_release(const struct model *m, const struct order *o)
{
	(void)m;
	return o->release;
}

static int64_t key_choice(const struct model *m, const struct order *o)
{
	return (int64_t)o->n_options * 100000 - length_of(o) + 0 * m->slots;
}

static int64_t key_long(const struct model *m, const struct order *o)
{
	(void)m;
	return -length_of(o);
}

static int64_t key_energy(const struct model *m, const struct order *o)
{
	(void)m;
	return -o->options[0].sum_wh;
}

typedef int64_t (*key_fn)(const struct model *, const struct order *);

static void sort_by(const struct model *m, key_fn key, struct keyed *v)
{
	for (int i = 0; i < m->n_orders; i++)
		v[i] = (struct keyed){ key(m, &m->orders[i]), i };
	qsort(v, (size_t)m->n_orders, sizeof *v, by_key);
}

/* Unplaced orders weigh more than any cost. */
struct score {
	int unplaced;
	int64_t cost;
};

static struct score score_of(struct state *s)
{
	state_peak(s);
	return (struct score){ s->unplaced, state_cost(s) };
}

static bool better(struct score a, struct score b)
{
	return a.unplaced != b.unplaced ? a.unplaced < b.unplaced : a.cost < b.cost;
}

static void put_all(struct state *s, const struct place *at)
{
	for (int i = 0; i < s->m->n_orders; i++)
		if (at[i].option >= 0 && !s->m->orders[i].fixed)
			state_put(s, i, at[i]);
}

static void place_in_order(struct state *s, const struct keyed *v, bool cheapest, struct rng *r)
{
	for (int i = 0; i < s->m->n_orders; i++) {
		int o = v[i].order;
		struct place at = { -1, 0 };

		if (s->at[o].option >= 0)
			continue;
		if (cheapest ? state_best(s, o, 0, 0, r, &at) : state_earliest(s, o, &at))
			state_put(s, o, at);
	}
}

static bool try_orderings(struct state *s, const int64_t *battery_wh, bool cheapest, bool keep, struct rng *r)
{
	static const key_fn keys[] = { key_due, key_slack, key_release, key_choice, key_long, key_energy };
	size_t bytes = ((size_t)s->m->n_orders + 1) * sizeof(struct place);
	struct keyed *v = malloc(((size_t)s->m->n_orders + 1) * sizeof *v);
	struct place *best = malloc(bytes);
	struct score top = { INT32_MAX, 0 };

	if (!v || !best) {
		free(v);
		free(best);
		return false;
	}
	if (keep) {
		top = score_of(s);
		memcpy(best, s->at, bytes);
	}
	for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
		struct score now;

		state_reset(s, battery_wh);
		sort_by(s->m, keys[k], v);
		place_in_order(s, v, cheapest, r);
		now = score_of(s);
		if (better(now, top)) {
			top = now;
			memcpy(best, s->at, bytes);
		}
	}
	state_reset(s, battery_wh);
	put_all(s, best);
	state_peak(s);
	free(v);
	free(best);
	return true;
}

bool build_dispatch(struct state *s, const int64_t *battery_wh, struct rng *r)
{
	return try_orderings(s, battery_wh, false, false, r);
}

bool build_cheapest(struct state *s, const int64_t *battery_wh, struct rng *r)
{
	return try_orderings(s, battery_wh, true, true, r);
}

void build_from(struct state *s, const int64_t *battery_wh, const struct place *want, struct rng *r)
{
	state_reset(s, battery_wh);
	for (int i = 0; i < s->m->n_orders; i++)
		if (!s->m->orders[i].fixed && state_fits(s, i, want[i]))
			state_put(s, i, want[i]);
	for (int i = 0; i < s->m->n_orders; i++) {
		struct place at = { -1, 0 };

		if (s->at[i].option < 0 && state_best(s, i, 0, 0, r, &at))
			state_put(s, i, at);
	}
	state_peak(s);
}

/* ---- ejection ---- */

struct eject {
	struct state *s;
	struct rng *r;
	int *penalty, *stack;
	int n;
};

/* Sum of the penalties of who would have to go; negative: a fixed order is among them. */
static int64_t price_of(const struct eject *e, int i, const struct cand *c)
{
	const struct model *m = e->s->m;
	const struct option *op = &m->orders[i].options[c->option];
	const int32_t *own = e->s->owner + (size_t)op->machine * (size_t)m->slots + c->start;
	int64_t sum = 0;
	int last = -1;

	for (int q = 0; q < op->len; q++) {
		int who = own[q];

		if (who < 0 || who == last)
			continue;
		if (m->orders[who].fixed)
			return -1;
		sum += e->penalty[who];
		last = who;
	}
	return sum;
}

static const struct cand *cheapest_ejection(const struct eject *e, int i)
{
	const struct state *s = e->s;
	const struct cand *best = NULL;
	int64_t price = INT64_MAX;
	uint32_t ties = 0;

	for (const struct cand *c = s->cands + s->first[i]; c < s->cands + s->first[i + 1]; c++) {
		int64_t p = price_of(e, i, c);

		if (p < 0 || p > price)
			continue;
		ties = p < price ? 1 : ties + 1;
		if (p < price || rng_below(e->r, ties) == 0)
			best = c;
		price = p;
	}
	return best;
}

static void push_out(struct eject *e, int who)
{
	state_take(e->s, who);
	e->stack[e->n++] = who;
}

/* The free order with most energy in slot t, -1: none. */
static int heaviest(const struct state *s, int t)
{
	int64_t most = 0;
	int who = -1;

	for (int mach = 0; mach < s->m->n_machines; mach++) {
		int o = s->owner[(size_t)mach * (size_t)s->m->slots + (size_t)t];
		int64_t wh;

		if (o < 0 || s->m->orders[o].fixed)
			continue;
		wh = s->m->orders[o].options[s->at[o].option].wh[t - s->at[o].start];
		if (wh > most) {
			most = wh;
			who = o;
		}
	}
	return who;
}

static bool make_room(struct eject *e, int i, struct place at)
{
	const struct option *op = &e->s->m->orders[i].options[at.option];
	const int32_t *own = e->s->owner + (size_t)op->machine * (size_t)e->s->m->slots;

	for (int q = 0; q < op->len; q++)
		if (own[at.start + q] >= 0)
			push_out(e, own[at.start + q]);
	for (int q = 0; q < op->len; q++)
		while (e->s->m->limit_wh != INT64_MAX &&
		       e->s->u[at.start + q] + op->wh[q] > e->s->m->limit_wh) {
			int who = heaviest(e->s, at.start + q);

			if (who < 0)
				return false;
			push_out(e, who);
		}
	return true;
}

/* One round; false: nothing can be done for this order. */
static bool eject_one(struct eject *e)
{
	int i = e->stack[--e->n];
	const struct cand *c;
	struct place at = { -1, 0 };

	if (state_best(e->s, i, 0, 100, e->r, &at)) {
		state_put(e->s, i, at);
		return true;
	}
	e->penalty[i]++;
	c = cheapest_ejection(e, i);
	if (!c) {
		e->stack[e->n++] = i;
		return false;
	}
	at = (struct place){ c->option, c->start };
	if (make_room(e, i, at))
		state_put(e->s, i, at);
	else
		e->stack[e->n++] = i;
	return true;
}

bool build_eject(struct state *s, struct rng *r, build_stop_fn stop, void *ctx)
{
	size_t n = (size_t)s->m->n_orders + 1;
	struct eject e = { s, r, malloc(n * sizeof(int)), malloc(n * sizeof(int)), 0 };
	bool going = e.penalty && e.stack;

	for (int i = 0; going && i < s->m->n_orders; i++) {
		e.penalty[i] = 1;
		if (s->at[i].option < 0)
			e.stack[e.n++] = i;
	}
	for (int round = 0; going && e.n; round++)
		going = eject_one(&e) && ((round & 15) || !stop(ctx));
	free(e.penalty);
	free(e.stack);
	state_peak(s);
	return s->unplaced == 0;
}
