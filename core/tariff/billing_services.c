/* SPDX-License-Identifier: Apache-2.0
 *
 * The services of the bill as JSON (docs/services.md).
 */
#include "config.h"
#include "core/tariff/billing.h"

#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/tariff/bill_json.h"
#include "core/tariff/billing_run.h"

/* A page asks often; the answer is made again for a new interval, or after this long. */
#define COST_AGE_US (5 * US_PER_S)

static json_t *labels(const char *ko, const char *en)
{
	return json_pack("{s:s, s:s}", "ko", ko, "en", en);
}

static json_t *time_json(const struct tariff *t, int64_t t_us)
{
	char text[48];

	return t_us ? json_string(time_format(t_us, t->zone, text, sizeof text)) : json_null();
}

static enum fems_rc give(json_t *made, json_t **reply, struct fems_error *e)
{
	if (!made)
		return err_set(e, FEMS_ENOMEM, "bill: out of memory");
	*reply = made;
	return FEMS_OK;
}

/* ---- bill ---- */

static enum fems_rc bill_service(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	struct billing *b = ctx;
	struct in_force *p;
	const char *month = NULL;
	int64_t now = clock_now_us();
	struct civil c;
	struct bill bill;
	char text[16], end;
	enum fems_rc rc = json_get_str(request, "bill", "month", true, &month, e);

	if (rc != FEMS_OK)
		return rc;
	p = billing_hold(b, &rc, e);
	if (!p)
		return rc;
	zone_civil(p->tariff->zone, now, &c);
	if (month && (sscanf(month, "%4d-%2d%c", &c.year, &c.month, &end) != 2 || strlen(month) != 7 ||
		      c.month < 1 || c.month > 12)) {
		billing_let_go(p);
		return err_set(e, FEMS_EINVAL, "bill: \"month\" must be written as YYYY-MM");
	}
	snprintf(text, sizeof text, "%04d-%02d", c.year % 10000, c.month % 100);
	rc = billing_month(b, c.year, c.month, now, &bill, e);
	if (rc == FEMS_OK)
		rc = give(bill_json(p->tariff, &bill, text), reply, e);
	billing_let_go(p);
	return rc;
}

/* ---- load.day ---- */

struct day_values {
	int64_t from_us, wh[100];
	uint32_t flags[100];
	size_t n;
};

static bool take_slot(void *ctx, int64_t start_us, const struct store_energy *v)
{
	struct day_values *d = ctx;
	int64_t i = (start_us - d->from_us) / US_PER_SLOT;

	if (i >= 0 && (size_t)i < d->n) {
		d->flags[i] = v->flags;
		d->wh[i] = v->flags & STORE_MISSING ? -1 : v->wh;
	}
	return true;
}

static enum fems_rc day_values(struct billing *b, const struct in_force *p, int64_t from_us, int64_t to_us,
			       struct day_values *d, struct fems_error *e)
{
	char name[128];
	uint32_t id;

	d->from_us = from_us;
	d->n = (size_t)((to_us - from_us) / US_PER_SLOT);
	if (d->n > ARRAY_LEN(d->wh))
		d->n = ARRAY_LEN(d->wh);
	for (size_t i = 0; i < ARRAY_LEN(d->wh); i++) {
		d->wh[i] = -1;
		d->flags[i] = STORE_MISSING;
	}
	snprintf(name, sizeof name, "%s/energy.active.import", p->meter);
	id = store_series_find(b->store, name);
	return id ? store_slots(b->store, id, from_us, to_us, take_slot, d, e) : FEMS_OK;
}

static json_t *or_null(int64_t v, bool known)
{
	return known ? json_integer(v) : json_null();
}

static json_t *values_json(const struct day_values *d, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, i < d->n ? or_null(d->wh[i], d->wh[i] >= 0) : json_null());
	return list;
}

static json_t *flags_json(const struct day_values *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n; i++)
		json_array_append_new(list, json_integer(d->flags[i]));
	return list;
}

static json_t *plan_json_of(const struct billing *b, int64_t from_us, size_t n)
{
	json_t *list = json_array();
	int64_t w[100];

	for (size_t i = 0; i < n; i++)
		w[i] = INT64_MIN;
	if (b->plan)
		b->plan(b->plan_ctx, from_us, w, n);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, or_null(w[i], w[i] != INT64_MIN));
	return list;
}

static void prices_json(const struct tariff *t, int64_t from_us, size_t n, json_t *bands, json_t *prices)
{
	struct tariff_price price;
	struct fems_error e;

	for (size_t i = 0; i < n; i++) {
		bool known = tariff_price(t, from_us + (int64_t)i * US_PER_SLOT, &price, &e) == FEMS_OK;

		json_array_append_new(bands, known ? json_string(price.band) : json_null());
		json_array_append_new(prices, or_null(known ? price.energy_micro : 0, known));
	}
}

static json_t *bands_json(const struct tariff *t)
{
	json_t *list = json_array();
	const char *id;

	for (size_t i = 0; (id = tariff_band_at(t, i)); i++)
		json_array_append_new(list, json_pack("{s:s, s:o}", "id", id, "labels",
						      labels(tariff_band_label(t, id, "ko"),
							     tariff_band_label(t, id, "en"))));
	return list;
}

static enum fems_rc day_asked(const struct tariff *t, const json_t *request, int64_t *from_us,
			      struct fems_error *e)
{
	const char *date = NULL;
	char text[24];
	enum fems_rc rc = json_get_str(request, "load.day", "date", true, &date, e);

	if (rc != FEMS_OK)
		return rc;
	*from_us = zone_day_start(t->zone, clock_now_us());
	if (!date)
		return FEMS_OK;
	snprintf(text, sizeof text, "%.10sT00:00", date);
	if (strlen(date) != 10 || !time_parse(text, t->zone, from_us))
		return err_set(e, FEMS_EINVAL, "load.day: \"date\" must be written as YYYY-MM-DD");
	return FEMS_OK;
}

static enum fems_rc load_day(struct billing *b, struct in_force *p, const json_t *request, json_t **reply,
			     struct fems_error *e)
{
	const struct tariff *t = p->tariff;
	int64_t from, next, before, threshold = 0;
	struct day_values today, yesterday;
	json_t *bands = json_array(), *prices = json_array();
	struct demand_cost cost;
	struct fems_error ignored; /* no threshold without prices: the load is shown all the same */
	struct civil c;
	char date[16];
	enum fems_rc rc = day_asked(t, request, &from, e);

	if (rc == FEMS_OK) {
		zone_civil(t->zone, from, &c);
		next = zone_utc(t->zone, c.year, c.month, c.day + 1, 0, 0, 0);
		before = zone_utc(t->zone, c.year, c.month, c.day - 1, 0, 0, 0);
		rc = day_values(b, p, from, next, &today, e);
	}
	if (rc == FEMS_OK)
		rc = day_values(b, p, before, from, &yesterday, e);
	if (rc != FEMS_OK) {
		json_decref(bands);
		json_decref(prices);
		return rc;
	}
	if (billing_demand_cost(b, next - 1 < clock_now_us() ? next - 1 : clock_now_us(), &cost, &ignored) ==
	    FEMS_OK)
		threshold = cost.threshold_w;
	prices_json(t, from, today.n, bands, prices);
	day_text(civil_days(c.year, c.month, c.day), date, sizeof date);
	return give(json_pack("{s:s, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "date",
			      date, "from", time_json(t, from), "slot_s", (int)(US_PER_SLOT / US_PER_S), "wh",
			      values_json(&today, today.n), "flags", flags_json(&today), "yesterday_wh",
			      values_json(&yesterday, today.n), "plan_w", plan_json_of(b, from, today.n),
			      "band", bands, "price_micro", prices, "bands", bands_json(t), "contract_w",
			      (json_int_t)p->contract_w, "target_w", (json_int_t)p->target_w, "threshold_w",
			      (json_int_t)threshold),
		    reply, e);
}

static enum fems_rc load_day_service(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	enum fems_rc rc;
	struct in_force *p = billing_hold(ctx, &rc, e);

	if (!p)
		return rc;
	rc = load_day(ctx, p, request, reply, e);
	billing_let_go(p);
	return rc;
}

/* ---- cost.today ---- */

static json_t *month_json(const struct tariff *t, const struct bill *b, int64_t forecast)
{
	return json_pack("{s:o, s:I, s:I, s:I, s:o, s:I, s:o}", "from", time_json(t, b->from_us), "energy_wh",
			 (json_int_t)b->energy_wh, "total_micro", (json_int_t)b->total_micro, "peak_w",
			 (json_int_t)b->peak_w, "peak_at", time_json(t, b->peak_t_us), "billing_demand_w",
			 (json_int_t)b->billing_demand_w, "forecast_micro", or_null(forecast, forecast != 0));
}

static enum fems_rc today(struct billing *b, const struct in_force *p, int64_t now, int64_t *wh,
			  int64_t *micro, struct fems_error *e)
{
	int64_t from = zone_day_start(p->tariff->zone, now);
	/* The running interval belongs to today's cost, as far as it has come. */
	int64_t to = from + ((now - from) / US_PER_SLOT + 1) * US_PER_SLOT;
	struct day_values d;
	enum fems_rc rc = day_values(b, p, from, to, &d, e);

	*wh = *micro = 0;
	for (size_t i = 0; rc == FEMS_OK && i < d.n; i++) {
		struct tariff_price price;

		if (d.wh[i] <= 0)
			continue;
		rc = tariff_price(p->tariff, from + (int64_t)i * US_PER_SLOT, &price, e);
		*wh += d.wh[i];
		*micro += rc == FEMS_OK ? money_energy(d.wh[i], price.energy_micro) : 0;
	}
	return rc;
}

static enum fems_rc cost_today(struct billing *b, struct in_force *p, int64_t now, json_t **reply,
			       struct fems_error *e)
{
	int64_t wh, micro, forecast = 0;
	struct civil c;
	struct bill bill;
	char date[16];
	enum fems_rc rc = today(b, p, now, &wh, &micro, e);

	zone_civil(p->tariff->zone, now, &c);
	if (rc == FEMS_OK)
		rc = billing_month(b, c.year, c.month, now, &bill, e);
	if (rc == FEMS_OK)
		rc = billing_forecast(b, now, &forecast, e);
	if (rc != FEMS_OK)
		return rc;
	day_text(civil_days(c.year, c.month, c.day), date, sizeof date);
	return give(json_pack("{s:s, s:I, s:I, s:o}", "date", date, "energy_wh", (json_int_t)wh,
			      "energy_micro", (json_int_t)micro, "month",
			      month_json(p->tariff, &bill, forecast)),
		    reply, e);
}

static enum fems_rc cost_today_service(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	struct billing *b = ctx;
	struct in_force *p;
	int64_t now = clock_now_us(), until;
	enum fems_rc rc;

	(void)request;
	pthread_mutex_lock(&b->cost_lock);
	p = billing_hold(b, &rc, e); /* inside the lock: nothing made with a replaced tariff is kept */
	if (!p) {
		pthread_mutex_unlock(&b->cost_lock);
		return rc;
	}
	until = billing_whole(p->tariff, now);
	if (!b->cost || b->cost_until_us != until || clock_mono_us() - b->cost_made > COST_AGE_US) {
		json_t *made = NULL;

		rc = cost_today(b, p, now, &made, e);
		if (rc == FEMS_OK) {
			json_decref(b->cost);
			b->cost = made;
			b->cost_until_us = until;
			b->cost_made = clock_mono_us();
		}
	}
	if (rc == FEMS_OK)
		rc = give(json_deep_copy(b->cost), reply, e);
	billing_let_go(p);
	pthread_mutex_unlock(&b->cost_lock);
	return rc;
}

/* ---- tariff.demand ---- */

static enum fems_rc demand_service(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	struct billing *b = ctx;
	int64_t now = clock_now_us(), peak_w, peak_us;
	const struct billing_contract *c;
	struct tariff_price price;
	struct demand_cost cost;
	enum fems_rc rc = billing_contract(b, now, &c, e);

	(void)request;
	if (rc != FEMS_OK)
		return rc;
	rc = tariff_price(c->contract.tariff, now, &price, e);
	if (rc == FEMS_OK)
		rc = billing_peak_so_far(b, now, &peak_w, &peak_us, e);
	if (rc == FEMS_OK)
		rc = tariff_demand_cost(&c->contract, now, peak_w, &cost, e);
	if (rc == FEMS_OK)
		rc = give(json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:i}", "counts",
				    (int)price.counts_for_demand, "band", price.band, "energy_micro",
				    (json_int_t)price.energy_micro, "threshold_w",
				    (json_int_t)cost.threshold_w, "peak_so_far_w", (json_int_t)peak_w,
				    "billing_demand_w", (json_int_t)cost.threshold_w, "month_micro_per_kw",
				    (json_int_t)cost.month_micro_per_kw, "total_micro_per_kw",
				    (json_int_t)cost.total_micro_per_kw, "months", cost.months),
			  reply, e);
	billing_release(c);
	return rc;
}

void billing_serve(struct billing *b, struct services *s)
{
	service_add(s, "bill", SERVICE_ANYWHERE, bill_service, b, "bill of a month, line by line");
	service_add(s, "load.day", SERVICE_ANYWHERE, load_day_service, b,
		    "a day's load with bands and prices");
	service_add(s, "cost.today", SERVICE_ANYWHERE, cost_today_service, b,
		    "today's energy and its cost, the month so far");
	service_add(s, "tariff.demand", SERVICE_ANYWHERE, demand_service, b,
		    "what one more kW would cost now");
}
