/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/optimise/model.h"

#include <stdlib.h>
#include <string.h>

void model_free(struct model *m)
{
	if (!m)
		return;
	for (int i = 0; m->orders && i < m->n_orders; i++) {
		for (int k = 0; k < m->orders[i].n_options; k++)
			free(m->orders[i].options[k].wh);
		free(m->orders[i].options);
	}
	free(m->orders);
	free(m->buy_micro);
	free(m->sell_micro);
	free(m->buy);
	free(m->sell);
	free(m->net_wh);
	free(m->counts);
	free(m->closed);
	json_decref(m->doc);
	free(m);
}

bool solution_init(const struct model *m, struct solution *s)
{
	s->at = calloc((size_t)m->n_orders + 1, sizeof *s->at);
	s->battery_wh = m->battery.capacity_wh ? calloc((size_t)m->slots, sizeof *s->battery_wh) : NULL;
	if (s->at && (s->battery_wh || !m->battery.capacity_wh))
		return true;
	solution_free(s);
	return false;
}

void solution_free(struct solution *s)
{
	free(s->at);
	free(s->battery_wh);
	s->at = NULL;
	s->battery_wh = NULL;
}

void solution_copy(const struct model *m, struct solution *dst, const struct solution *src)
{
	memcpy(dst->at, src->at, (size_t)m->n_orders * sizeof *dst->at);
	if (dst->battery_wh)
		memcpy(dst->battery_wh, src->battery_wh, (size_t)m->slots * sizeof *dst->battery_wh);
}

void solution_import(const struct model *m, const struct solution *s, int64_t *import_wh)
{
	for (int t = 0; t < m->slots; t++)
		import_wh[t] = m->net_wh[t] + (s->battery_wh ? s->battery_wh[t] : 0);
	for (int i = 0; i < m->n_orders; i++) {
		struct place at = s->at[i];
		const struct option *op = &m->orders[i].options[at.option];

		for (int q = at.start < 0 ? -at.start : 0; q < op->len && at.start + q < m->slots; q++)
			import_wh[at.start + q] += op->wh[q];
	}
}

/* Half away from zero, as the judge rounds. */
static int64_t thousandth(__int128 v)
{
	return (int64_t)(v < 0 ? -((-v + 500) / 1000) : (v + 500) / 1000);
}

struct cost solution_cost(const struct model *m, const struct solution *s, int64_t *import_wh)
{
	struct cost c = { 0, 0, 0, 0 };
	int64_t peak_wh = 0;

	solution_import(m, s, import_wh);
	for (int t = 0; t < m->slots; t++) {
		int64_t wh = import_wh[t];

		c.energy_micro += thousandth((__int128)wh * (wh > 0 ? m->buy_micro[t] : m->sell_micro[t]));
		if (m->counts[t] && wh > peak_wh)
			peak_wh = wh;
	}
	if (peak_wh * 4 > m->threshold_w)
		c.demand_micro = thousandth((__int128)(peak_wh * 4 - m->threshold_w) * m->demand_micro);
	for (int i = 0; i < m->n_orders; i++) {
		const struct order *o = &m->orders[i];
		int end = s->at[i].start + o->options[s->at[i].option].len;

		if (end > o->due)
			c.late_micro += (end - o->due) * o->late_micro;
	}
	c.total_micro = c.energy_micro + c.demand_micro + c.late_micro;
	return c;
}

char *solution_text(const struct model *m, const struct solution *s, const struct cost *c,
		    int64_t bound_micro, int64_t steps)
{
	json_t *orders = json_array(), *battery = NULL, *j;
	char *text;

	for (int i = 0; i < m->n_orders; i++)
		json_array_append_new(orders, json_pack("{s:s,s:i,s:i}", "id", m->orders[i].id, "option",
							s->at[i].option, "start", s->at[i].start));
	j = json_pack("{s:o,s:{s:I,s:I,s:I,s:I},s:I,s:s}", "orders", orders, "cost", "energy_micro",
		      (json_int_t)c->energy_micro, "demand_micro", (json_int_t)c->demand_micro, "late_micro",
		      (json_int_t)c->late_micro, "total_micro", (json_int_t)c->total_micro, "steps",
		      (json_int_t)steps, "solver", "ruin and recreate");
	if (!j)
		return NULL;
	if (s->battery_wh) {
		battery = json_array();
		for (int t = 0; t < m->slots; t++)
			json_array_append_new(battery, json_integer(s->battery_wh[t] * 4));
		json_object_set_new(j, "battery_w", battery);
	}
	if (bound_micro >= 0)
		json_object_set_new(j, "bound_micro", json_integer(bound_micro));
	text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	return text;
}
