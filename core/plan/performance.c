/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plan/planner_room.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/money.h"

static uint32_t series_of(struct store *s, const struct site *site, const char *equipment,
			  const char *quantity)
{
	const struct site_machine *m = site_machine_find(site, equipment);
	char name[160];

	if (!m || !m->meter)
		return 0;
	snprintf(name, sizeof name, "%s/%s", m->meter, quantity);
	return store_series_find(s, name);
}

/* ---- edges ---- */

struct edges {
	int64_t want_start_us, want_end_us; /* the planned ones */
	double idle_w;
	bool have, on;            /* a sample was seen; the last one was above idle */
	int64_t start_us, end_us; /* nearest found, 0: none */
};

static int64_t nearer(int64_t a, int64_t b, int64_t want)
{
	return a && llabs(a - want) <= llabs(b - want) ? a : b;
}

static bool edge_sample(void *ctx, const struct fems_sample *s)
{
	struct edges *x = ctx;
	bool on = s->value > x->idle_w;

	if ((s->quality & FEMS_Q_CLASS) > FEMS_Q_UNCERTAIN || !isfinite(s->value))
		return true;
	if (x->have && on && !x->on && llabs(s->t_us - x->want_start_us) <= US_PER_SLOT)
		x->start_us = nearer(x->start_us, s->t_us, x->want_start_us);
	if (x->have && !on && x->on && llabs(s->t_us - x->want_end_us) <= US_PER_SLOT)
		x->end_us = nearer(x->end_us, s->t_us, x->want_end_us);
	x->have = true;
	x->on = on;
	return true;
}

void performance_edges(struct store *s, const struct site *site, const struct store_order *o,
		       struct measured *m)
{
	const struct site_machine *machine = site_machine_find(site, o->plan_equipment);
	uint32_t id = series_of(s, site, o->plan_equipment, "power.active");
	struct edges x = {
		o->plan_start_us, o->plan_end_us, machine ? (double)machine->idle_w : 0, false, false, 0, 0
	};

	m->start_us = o->plan_start_us;
	m->end_us = o->plan_end_us;
	m->edges = false;
	m->still_runs = false;
	if (!id || store_range(s, id, o->plan_start_us - US_PER_SLOT, o->plan_end_us + US_PER_SLOT + 1,
			       edge_sample, &x, NULL))
		return;
	m->still_runs = x.have && x.on && !x.end_us;
	if (x.start_us && x.end_us && x.start_us < x.end_us) {
		m->start_us = x.start_us;
		m->end_us = x.end_us;
		m->edges = true;
	}
}

/* ---- energy ---- */

static enum fems_rc add_span(struct store *s, uint32_t id, const struct tariff *tariff, int64_t from_us,
			     int64_t to_us, struct measured *m, struct fems_error *e)
{
	struct store_energy energy;
	struct tariff_price price;
	enum fems_rc rc = store_energy(s, id, from_us, to_us, &energy, e);
	int64_t w;

	if (rc || (rc = tariff_price(tariff, from_us, &price, e)))
		return rc;
	w = energy.wh * 3600 / (US_PER_SLOT / US_PER_S);
	m->flags |= energy.flags;
	m->energy_wh += energy.wh;
	m->peak_w = w > m->peak_w ? w : m->peak_w;
	m->cost_micro += money_energy(energy.wh, price.energy_micro);
	return FEMS_OK;
}

enum fems_rc performance_energy(struct store *s, const struct site *site, const struct tariff *tariff,
				const struct store_order *o, struct measured *m, struct fems_error *e)
{
	uint32_t id = series_of(s, site, o->plan_equipment, "energy.active.import");
	int64_t t = m->start_us;

	m->energy_wh = m->peak_w = m->cost_micro = 0;
	m->flags = 0;
	m->metered = id != 0;
	while (id && t < m->end_us) {
		int64_t next = (t / US_PER_SLOT + 1) * US_PER_SLOT;
		enum fems_rc rc;

		next = next < m->end_us ? next : m->end_us;
		rc = add_span(s, id, tariff, t, next, m, e);
		if (rc)
			return rc;
		t = next;
	}
	return FEMS_OK;
}

/* ---- the document ---- */

static const char *quality_of(const struct measured *m)
{
	if (!m->metered || m->flags & (STORE_MISSING | STORE_RESET | STORE_PROVISIONAL))
		return "incomplete";
	return m->flags & STORE_ESTIMATED      ? "estimated"
	       : m->flags & STORE_INTERPOLATED ? "interpolated"
					       : "good";
}

json_t *performance_json(const struct site *site, const struct store_order *o, const struct measured *m)
{
	char start[40], end[40];

	time_format(m->start_us, site->zone, start, sizeof start);
	time_format(m->end_us, site->zone, end, sizeof end);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:f,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:s,s:s}", "schedule_id",
			 o->schedule_id, "request_id", o->request_id, "segment_id", o->id, "segment",
			 o->segment, "equipment", o->plan_equipment, "product", o->product, "quantity",
			 o->quantity, "unit", o->quantity_unit, "actual_start", start, "actual_end", end,
			 "edges", m->edges ? "measured" : "planned", "energy_wh", (json_int_t)m->energy_wh,
			 "peak_w", (json_int_t)m->peak_w, "cost_micro", (json_int_t)m->cost_micro, "currency",
			 site->currency, "quality", quality_of(m));
}
