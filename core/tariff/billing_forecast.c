/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/tariff/billing.h"

#include <stdlib.h>
#include "core/base/clock.h"
#include "core/tariff/billing_run.h"

enum { LOOK_BACK_DAYS = 28 };

struct habit {
	int64_t wh, n;
}; /* of one slot of the day */

struct forecast {
	const struct tariff *t;
	struct habit *by_type; /* [day type][slot] */
	struct habit *any;     /* [slot] */
};

static int slot_of(const struct tariff *t, const struct civil *c)
{
	return (c->hour * 60 + c->minute) / (int)(t->demand_us / US_PER_MIN);
}

static void learn(struct forecast *f, const struct load_slot *slots, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct civil c;
		const struct row *row;
		struct habit *h;

		if (slots[i].missing)
			continue;
		zone_civil(f->t->zone, slots[i].start_us, &c);
		row = tariff_row(f->t, civil_days(c.year, c.month, c.day), NULL);
		if (!row)
			continue;
		h = &f->by_type[row->day_type * f->t->slots + slot_of(f->t, &c)];
		h->wh += slots[i].import_wh;
		h->n++;
		h = &f->any[slot_of(f->t, &c)];
		h->wh += slots[i].import_wh;
		h->n++;
	}
}

static int64_t expect(const struct forecast *f, int64_t t_us)
{
	const struct row *row;
	const struct habit *h;
	struct civil c;

	zone_civil(f->t->zone, t_us, &c);
	row = tariff_row(f->t, civil_days(c.year, c.month, c.day), NULL);
	h = row ? &f->by_type[row->day_type * f->t->slots + slot_of(f->t, &c)] : NULL;
	if (!h || !h->n)
		h = &f->any[slot_of(f->t, &c)];
	return h->n ? round_div(h->wh, h->n, ROUND_HALF_UP) : -1;
}

/* The intervals so far and then the habit; false: there is nothing to go by. */
static enum fems_rc project(const struct forecast *f, struct bill_run *run, const struct load_slot *slots,
			    size_t n, int64_t from_us, int64_t to_us, bool *known, struct fems_error *e)
{
	enum fems_rc rc = FEMS_OK;

	for (size_t i = 0; rc == FEMS_OK && i < n; i++)
		rc = bill_add(run, &slots[i], e);
	*known = true;
	for (int64_t t = from_us; rc == FEMS_OK && t < to_us; t += f->t->demand_us) {
		struct load_slot s = { .start_us = t,
				       .import_wh = expect(f, t),
				       .varh_lag = -1,
				       .varh_lead = -1,
				       .estimated = true };

		if (s.import_wh < 0) {
			*known = false;
			return FEMS_OK;
		}
		rc = bill_add(run, &s, e);
	}
	return rc;
}

static enum fems_rc forecast(struct billing *b, struct in_force *p, struct forecast *f,
			     const struct contract *c, int64_t now_us, int64_t *total_micro,
			     struct fems_error *e)
{
	const struct zone *zone = p->tariff->zone;
	int64_t from = zone_month_start(zone, now_us), to = zone_next_month(zone, now_us);
	int64_t until = from + (now_us - from) / p->tariff->demand_us * p->tariff->demand_us;
	struct load_slot *slots = NULL, *past = NULL;
	struct bill_run *run = NULL;
	size_t n = 0, n_past = 0;
	bool known = false;
	struct bill bill;
	enum fems_rc rc;

	rc = slots_load(b->store, p, until - LOOK_BACK_DAYS * US_PER_DAY, until, &past, &n_past, e);
	if (rc == FEMS_OK)
		rc = slots_load(b->store, p, from, until, &slots, &n, e);
	if (rc == FEMS_OK)
		rc = bill_begin(c, from, to, &run, e);
	if (rc == FEMS_OK) {
		learn(f, past, n_past);
		rc = project(f, run, slots, n, until, to, &known, e);
	}
	if (rc == FEMS_OK && known)
		rc = bill_finish(run, &bill, e);
	if (rc == FEMS_OK)
		*total_micro = known ? bill.total_micro : 0;
	bill_free(run);
	free(slots);
	free(past);
	return rc;
}

enum fems_rc billing_forecast(struct billing *b, int64_t now_us, int64_t *total_micro, struct fems_error *e)
{
	const struct billing_contract *c;
	enum fems_rc rc = billing_contract(b, now_us, &c, e);
	struct forecast f;

	if (rc != FEMS_OK)
		return rc;
	f.t = c->contract.tariff;
	f.by_type = calloc((size_t)(f.t->n_day_types * f.t->slots), sizeof *f.by_type);
	f.any = calloc((size_t)f.t->slots, sizeof *f.any);
	if (!f.by_type || !f.any)
		rc = err_set(e, FEMS_ENOMEM, "bill: out of memory");
	else
		rc = forecast(b, billing_held(c), &f, &c->contract, now_us, total_micro, e);
	free(f.by_type);
	free(f.any);
	billing_release(c);
	return rc;
}
