/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/optimise/model.h"

#include <stdlib.h>

static int64_t floor_thousandth(__int128 v)
{
	return (int64_t)(v >= 0 ? v / 1000 : -((-v + 999) / 1000));
}

/* The least one more Wh in slot t can cost: the buying price where the base load never exports. */
static int64_t least_price(const struct model *m, const int64_t *load_wh, int t)
{
	return load_wh[t] >= 0 ? m->buy_micro[t] : m->sell_micro[t];
}

static bool closed(const struct model *m, int machine, int t)
{
	return m->closed[(size_t)machine * (size_t)m->words + (size_t)(t / 64)] >> (t % 64) & 1;
}

/* An order's cheapest place if it were alone, in 1e-9; energy and lateness together. */
static __int128 alone(const struct model *m, const struct order *o, const int64_t *load_wh)
{
	__int128 best = (__int128)1 << 120;

	for (int k = 0; k < o->n_options; k++) {
		const struct option *op = &o->options[k];

		for (int s = o->release, run = 0, t = o->release; t < m->slots; t++) {
			__int128 c = 0;

			run = closed(m, op->machine, t) ? 0 : run + 1;
			s = t + 1 - op->len;
			if (run < op->len)
				continue;
			for (int q = 0; q < op->len; q++)
				c += (__int128)op->wh[q] * least_price(m, load_wh, s + q);
			if (t + 1 > o->due)
				c += (__int128)(t + 1 - o->due) * o->late_micro * 1000;
			best = c < best ? c : best;
		}
	}
	return best;
}

static int64_t least_energy(const struct order *o)
{
	int64_t wh = o->options[0].sum_wh;

	for (int k = 1; k < o->n_options; k++)
		wh = o->options[k].sum_wh < wh ? o->options[k].sum_wh : wh;
	return wh;
}

/* The peak is at least the highest load without free orders, and at least the mean of any stretch from
 * a slot to the end that the orders released after it cannot leave (when every slot counts). */
static int64_t least_peak_wh(const struct model *m, const int64_t *load_wh)
{
	int64_t peak = 0, *from = calloc((size_t)m->slots + 1, sizeof *from), sum = 0;

	for (int t = 0; t < m->slots; t++)
		if (m->counts[t] && load_wh[t] > peak)
			peak = load_wh[t];
	if (!from || !m->all_count) {
		free(from);
		return peak;
	}
	for (int i = 0; i < m->n_orders; i++)
		if (!m->orders[i].fixed && m->orders[i].release < m->slots)
			from[m->orders[i].release] += least_energy(&m->orders[i]);
	for (int t = m->slots - 1; t >= 0; t--) {
		int64_t n = m->slots - t;

		sum += from[t] + load_wh[t];
		if (sum / n > peak)
			peak = sum / n;
	}
	free(from);
	return peak;
}

int64_t model_bound(const struct model *m)
{
	int64_t *load_wh, peak, late = 0, rounding = m->slots + 2;
	__int128 sum = 0;

	if (m->battery.capacity_wh || !(load_wh = calloc((size_t)m->slots, sizeof *load_wh)))
		return -1;
	for (int t = 0; t < m->slots; t++)
		load_wh[t] = m->net_wh[t];
	for (int i = 0; i < m->n_orders; i++) {
		const struct order *o = &m->orders[i];
		const struct option *op = &o->options[o->fixed ? o->fixed_at.option : 0];
		int end = o->fixed_at.start + op->len;

		for (int q = 0; o->fixed && q < op->len; q++)
			if (o->fixed_at.start + q >= 0 && o->fixed_at.start + q < m->slots)
				load_wh[o->fixed_at.start + q] += op->wh[q];
		if (o->fixed && end > o->due)
			late += (end - o->due) * o->late_micro;
	}
	for (int t = 0; t < m->slots; t++)
		sum += (__int128)load_wh[t] * (load_wh[t] > 0 ? m->buy_micro[t] : m->sell_micro[t]);
	for (int i = 0; i < m->n_orders; i++)
		if (!m->orders[i].fixed)
			sum += alone(m, &m->orders[i], load_wh);
	peak = least_peak_wh(m, load_wh);
	free(load_wh);
	if (peak * 4 > m->threshold_w)
		sum += (__int128)(peak * 4 - m->threshold_w) * m->demand_micro;
	return floor_thousandth(sum) + late - rounding;
}
