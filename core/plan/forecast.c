/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plan/forecast.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/err.h"

enum { DAYS = 28, PV_DAYS = 7, DAY_SLOTS = 96 };

/* Wh of every slot of the last DAYS days; flags say where nothing is known. */
struct history {
	int64_t from_us;
	int n;
	int64_t *wh;
	uint16_t *known; /* how many of the wanted meters have a value */
	int sign, wanted;
};

void forecast_free(struct forecast *f)
{
	free(f->base_w);
	free(f->pv_w);
	memset(f, 0, sizeof *f);
}

static bool history_open(struct history *h, int64_t now_us)
{
	h->n = DAYS * DAY_SLOTS;
	h->from_us = now_us / US_PER_SLOT * US_PER_SLOT - (int64_t)h->n * US_PER_SLOT;
	h->wh = calloc((size_t)h->n, sizeof *h->wh);
	h->known = calloc((size_t)h->n, sizeof *h->known);
	return h->wh && h->known;
}

static void history_close(struct history *h)
{
	free(h->wh);
	free(h->known);
}

static bool add_slot(void *ctx, int64_t start_us, const struct store_energy *e)
{
	struct history *h = ctx;
	int64_t i = (start_us - h->from_us) / US_PER_SLOT;

	if (i >= 0 && i < h->n && !(e->flags & STORE_MISSING)) {
		h->wh[i] += h->sign * e->wh;
		h->known[i]++;
	}
	return true;
}

static uint32_t series_of(struct store *s, const char *meter, const char *quantity)
{
	char name[160];

	if (!meter)
		return 0;
	snprintf(name, sizeof name, "%s/%s", meter, quantity);
	return store_series_find(s, name);
}

/* Adds sign times the energy of a meter; one that has no such series is not wanted. */
static enum fems_rc add_meter(struct history *h, struct store *s, const char *meter, const char *quantity,
			      int sign, struct fems_error *e)
{
	uint32_t id = series_of(s, meter, quantity);

	if (!id)
		return FEMS_OK;
	h->sign = sign;
	h->wanted++;
	return store_slots(s, id, h->from_us, h->from_us + h->n * US_PER_SLOT, add_slot, h, e);
}

static bool used_before(const struct site *site, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (site->machines[k].meter && !strcmp(site->machines[k].meter, site->machines[i].meter))
			return true;
	return false;
}

static enum fems_rc add_pv(struct history *h, struct store *s, const struct site *site, int sign,
			   struct fems_error *e)
{
	enum fems_rc rc = FEMS_OK;

	for (size_t i = 0; !rc && i < site->n_meters; i++)
		if (site->meters[i].role == METER_PV)
			rc = add_meter(h, s, site->meters[i].name, "energy.active.export", sign, e);
	return rc;
}

static enum fems_rc read_base(struct history *h, struct store *s, const struct site *site,
			      struct fems_error *e)
{
	enum fems_rc rc = add_meter(h, s, site->main_meter, "energy.active.import", 1, e);

	if (!rc)
		rc = add_meter(h, s, site->main_meter, "energy.active.export", -1, e);
	for (size_t i = 0; !rc && i < site->n_machines; i++)
		if (site->machines[i].meter && !used_before(site, i))
			rc = add_meter(h, s, site->machines[i].meter, "energy.active.import", -1, e);
	if (!rc && site->battery.meter) {
		rc = add_meter(h, s, site->battery.meter, "energy.active.import", -1, e);
		if (!rc)
			rc = add_meter(h, s, site->battery.meter, "energy.active.export", 1, e);
	}
	return rc ? rc : add_pv(h, s, site, 1, e);
}

/* ---- from days to a curve ---- */

static int day_kind(const struct zone *z, int64_t t_us)
{
	struct civil c;

	zone_civil(z, t_us, &c);
	return c.weekday < 5 ? 0 : c.weekday;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Values of the slot of day that t_us has, newest first; kind -1: of all days. */
static int same_slots(const struct history *h, const struct zone *z, int64_t t_us, int kind, int64_t *out)
{
	int64_t slot = t_us / US_PER_SLOT, first = h->from_us / US_PER_SLOT;
	int n = 0;

	for (int64_t i = h->n - 1 - (first + h->n - 1 - slot % DAY_SLOTS) % DAY_SLOTS; i >= 0; i -= DAY_SLOTS)
		if (h->known[i] == h->wanted && h->wanted &&
		    (kind < 0 || day_kind(z, h->from_us + i * US_PER_SLOT) == kind))
			out[n++] = h->wh[i];
	return n;
}

static int64_t watts(int64_t wh)
{
	return wh > 0 ? wh * 4 : 0;
}

static bool median_curve(const struct history *h, const struct zone *z, int64_t from_us, int slots,
			 int64_t *w)
{
	int64_t v[DAYS + 1];
	bool any = false;

	for (int t = 0; t < slots; t++) {
		int64_t at = from_us + t * US_PER_SLOT;
		int n = same_slots(h, z, at, day_kind(z, at), v);

		if (n == 0)
			n = same_slots(h, z, at, -1, v);
		if (n == 0) {
			w[t] = -1;
			continue;
		}
		qsort(v, (size_t)n, sizeof *v, by_value);
		w[t] = watts(n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2);
		any = true;
	}
	return any;
}

static bool mean_curve(const struct history *h, const struct zone *z, int64_t from_us, int slots, int64_t *w)
{
	int64_t v[DAYS + 1];
	bool any = false;

	for (int t = 0; t < slots; t++) {
		int n = same_slots(h, z, from_us + t * US_PER_SLOT, -1, v);
		int64_t sum = 0;

		n = n > PV_DAYS ? PV_DAYS : n;
		for (int i = 0; i < n; i++)
			sum += v[i];
		w[t] = n ? watts(sum / n) : -1;
		any = any || n;
	}
	return any;
}

/* ---- last values ---- */

static bool last_power(struct store *s, const char *meter, double *sum, double sign)
{
	struct fems_sample v;
	uint32_t id = series_of(s, meter, "power.active");

	if (!id || !store_last(s, id, &v) || (v.quality & FEMS_Q_CLASS) > FEMS_Q_UNCERTAIN ||
	    !isfinite(v.value))
		return false;
	*sum += sign * v.value;
	return true;
}

static bool last_base(struct store *s, const struct site *site, double *w)
{
	*w = 0;
	if (!last_power(s, site->main_meter, w, 1))
		return false;
	for (size_t i = 0; i < site->n_machines; i++)
		if (site->machines[i].meter && !used_before(site, i))
			last_power(s, site->machines[i].meter, w, -1);
	last_power(s, site->battery.meter, w, -1);
	for (size_t i = 0; i < site->n_meters; i++)
		if (site->meters[i].role == METER_PV)
			last_power(s, site->meters[i].name, w, -1);
	return true;
}

/* Slots that history left open (-1) take the last value, or 0. */
static void fill_rest(int64_t *w, int slots, double last)
{
	int64_t v = last > 0 && last < 1e11 ? (int64_t)(last / 4) * 4 : 0;

	for (int t = 0; t < slots; t++)
		w[t] = w[t] < 0 ? v : w[t];
}

static enum fems_rc make_base(struct store *s, const struct site *site, int64_t now_us, int64_t from_us,
			      int slots, struct forecast *f, struct fems_error *e)
{
	struct history h = { 0 };
	bool room = history_open(&h, now_us), last;
	enum fems_rc rc =
		room ? read_base(&h, s, site, e) : err_set(e, FEMS_ENOMEM, "out of memory for the forecast");
	double w = 0;

	if (!rc) {
		bool any = median_curve(&h, site->zone, from_us, slots, f->base_w);

		last = last_base(s, site, &w);
		fill_rest(f->base_w, slots, w);
		f->base_kind = any ? FORECAST_HISTORY : last ? FORECAST_LAST_VALUE : FORECAST_NOTHING;
	}
	history_close(&h);
	return rc;
}

static enum fems_rc make_pv(struct store *s, const struct site *site, int64_t now_us, int64_t from_us,
			    int slots, struct forecast *f, struct fems_error *e)
{
	struct history h = { 0 };
	enum fems_rc rc = history_open(&h, now_us)
				  ? add_pv(&h, s, site, 1, e)
				  : err_set(e, FEMS_ENOMEM, "out of memory for the forecast");

	if (!rc) {
		bool any = mean_curve(&h, site->zone, from_us, slots, f->pv_w);

		fill_rest(f->pv_w, slots, 0);
		f->pv_kind = any ? FORECAST_HISTORY : FORECAST_NOTHING;
	}
	history_close(&h);
	return rc;
}

enum fems_rc forecast_make(struct store *s, const struct site *site, int64_t now_us, int64_t from_us,
			   int slots, struct forecast *out, struct fems_error *e)
{
	enum fems_rc rc;

	memset(out, 0, sizeof *out);
	out->base_w = calloc((size_t)slots, sizeof *out->base_w);
	out->pv_w = calloc((size_t)slots, sizeof *out->pv_w);
	if (!out->base_w || !out->pv_w)
		rc = err_set(e, FEMS_ENOMEM, "out of memory for the forecast");
	else if (!(rc = make_base(s, site, now_us, from_us, slots, out, e)))
		rc = make_pv(s, site, now_us, from_us, slots, out, e);
	if (rc)
		forecast_free(out);
	return rc;
}
