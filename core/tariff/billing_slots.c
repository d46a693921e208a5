/* SPDX-License-Identifier: Apache-2.0
 *
 * The store's 15-minute values as intervals of a bill, and the peaks of past months from them.
 */
#include "config.h"
#include "core/tariff/billing_run.h"

#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/json.h"

/* Peaks of past months change only by late data or an import. */
#define CACHE_US (10 * US_PER_MIN)

struct fill {
	struct load_slot *slots;
	size_t n;
	int64_t from_us, step_us;
	int *pieces;  /* quarter hours with energy, per slot */
	size_t field; /* offset in struct load_slot */
	bool reactive;
};

static bool fill_one(void *ctx, int64_t start_us, const struct store_energy *v)
{
	struct fill *f = ctx;
	size_t i = (size_t)((start_us - f->from_us) / f->step_us);
	struct load_slot *s;
	int64_t *field;

	if (start_us < f->from_us || i >= f->n || v->flags & STORE_MISSING)
		return true;
	s = &f->slots[i];
	field = (int64_t *)((char *)s + f->field);
	if (f->reactive) {
		*field = (*field < 0 ? 0 : *field) + (v->wh > 0 ? v->wh : 0);
		return true;
	}
	*field += v->wh > 0 ? v->wh : 0;
	f->pieces[i]++;
	/* No reading behind the end yet, or none near an edge: an amount, not a demand. */
	if (v->flags & (STORE_PROVISIONAL | STORE_ESTIMATED | STORE_RESET))
		s->estimated = true;
	return true;
}

static enum fems_rc fill_series(struct store *store, struct fill *f, const char *meter, const char *quantity,
				int64_t to_us, bool *found, struct fems_error *e)
{
	char name[128];
	uint32_t id;

	snprintf(name, sizeof name, "%s/%s", meter, quantity);
	id = store_series_find(store, name);
	*found = id != 0;
	if (!id)
		return FEMS_OK;
	return store_slots(store, id, f->from_us, to_us, fill_one, f, e);
}

static enum fems_rc fill_reactive(struct store *store, struct fill *f, const char *meter, const char *first,
				  const char *second, int64_t to_us, struct fems_error *e)
{
	bool found;
	enum fems_rc rc = fill_series(store, f, meter, first, to_us, &found, e);

	/* A meter that does not tell lagging from leading counts what is drawn and what is fed back. */
	return rc == FEMS_OK && !found ? fill_series(store, f, meter, second, to_us, &found, e) : rc;
}

enum fems_rc slots_load(struct store *store, const struct in_force *p, int64_t from_us, int64_t to_us,
			struct load_slot **out, size_t *n, struct fems_error *e)
{
	int64_t step = p->tariff->demand_us;
	struct fill f = { .n = (size_t)((to_us - from_us) / step), .from_us = from_us, .step_us = step };
	enum fems_rc rc;
	bool found;

	*out = NULL;
	*n = 0;
	f.slots = calloc(f.n ? f.n : 1, sizeof *f.slots);
	f.pieces = calloc(f.n ? f.n : 1, sizeof *f.pieces);
	if (!f.slots || !f.pieces) {
		free(f.slots);
		free(f.pieces);
		return err_set(e, FEMS_ENOMEM, "bill: out of memory");
	}
	for (size_t i = 0; i < f.n; i++)
		f.slots[i] = (struct load_slot){ .start_us = from_us + (int64_t)i * step,
						 .varh_lag = -1,
						 .varh_lead = -1 };
	f.field = offsetof(struct load_slot, import_wh);
	rc = fill_series(store, &f, p->meter, "energy.active.import", to_us, &found, e);
	f.reactive = true;
	f.field = offsetof(struct load_slot, varh_lag);
	if (rc == FEMS_OK)
		rc = fill_reactive(store, &f, p->meter, "energy.reactive.lag", "energy.reactive.import",
				   to_us, e);
	f.field = offsetof(struct load_slot, varh_lead);
	if (rc == FEMS_OK)
		rc = fill_reactive(store, &f, p->meter, "energy.reactive.lead", "energy.reactive.export",
				   to_us, e);
	for (size_t i = 0; i < f.n; i++)
		f.slots[i].missing = f.pieces[i] < (int)(step / US_PER_SLOT);
	free(f.pieces);
	if (rc == FEMS_OK) {
		*out = f.slots;
		*n = f.n;
	} else {
		free(f.slots);
	}
	return rc;
}

enum fems_rc bill_stored(struct store *store, const struct in_force *p, const struct contract *c,
			 int64_t from_us, int64_t to_us, int64_t now_us, struct bill *out,
			 struct fems_error *e)
{
	int64_t until = now_us < to_us ? now_us : to_us;
	struct load_slot *slots = NULL;
	struct bill_run *run = NULL;
	size_t n = 0;
	enum fems_rc rc = bill_begin(c, from_us, to_us, &run, e);

	if (rc == FEMS_OK && until > from_us)
		rc = slots_load(store, p, from_us, until, &slots, &n, e);
	for (size_t i = 0; rc == FEMS_OK && i < n; i++)
		rc = bill_add(run, &slots[i], e);
	if (rc == FEMS_OK)
		rc = bill_finish(run, out, e);
	bill_free(run);
	free(slots);
	return rc;
}

/* ---- peaks of past months ---- */

static struct peak *peak_find(struct peak *peaks, size_t n, int year, int month)
{
	for (size_t i = 0; i < n; i++)
		if (peaks[i].year == year && peaks[i].month == month)
			return &peaks[i];
	return NULL;
}

static enum fems_rc override_peaks(struct store *store, struct peak *peaks, size_t *n, struct fems_error *e)
{
	char *text = NULL;
	const char *key;
	json_t *all = NULL, *value;
	enum fems_rc rc = store_state_get(store, "tariff.peaks", &text, e);

	if (rc != FEMS_OK || !text)
		return rc == FEMS_ENOENT ? FEMS_OK : rc;
	rc = json_parse((struct fems_span){ text, strlen(text) }, &all, e);
	if (rc == FEMS_OK && !json_is_object(all))
		rc = err_set(e, FEMS_EINVAL, "not an object");
	json_object_foreach(rc == FEMS_OK ? all : NULL, key, value)
	{
		struct peak p = { .year = 0 }, *old;
		char end;

		if (sscanf(key, "%4d-%2d%c", &p.year, &p.month, &end) != 2 || p.month < 1 || p.month > 12 ||
		    !json_is_integer(value) || json_integer_value(value) < 0) {
			rc = err_set(e, FEMS_EINVAL,
				     "\"%s\" must be a month such as 2025-12 with a power in W", key);
			break;
		}
		p.w = json_integer_value(value);
		old = peak_find(peaks, *n, p.year, p.month);
		if (old)
			*old = p;
		else if (*n < PEAKS_MAX)
			peaks[(*n)++] = p;
	}
	json_decref(all);
	free(text);
	return rc == FEMS_OK ? rc : err_wrap(e, rc, "state \"tariff.peaks\"");
}

/* The peak of one past month as the store has it; w 0 and false when nothing was measured or no version
 * of the tariff covers the month. */
static enum fems_rc peak_stored(struct store *store, const struct in_force *p, int year, int month,
				struct peak *out, bool *known, struct fems_error *e)
{
	const struct tariff *t = p->tariff;
	struct contract c = { .tariff = t, .contract_w = p->contract_w };
	int64_t from = zone_utc(t->zone, year, month, 1, 0, 0, 0),
		to = zone_utc(t->zone, year, month + 1, 1, 0, 0, 0);
	struct fems_error uncovered;
	struct bill b;
	enum fems_rc rc;

	*known = false;
	if (!tariff_row(t, tariff_day(t, from), &uncovered) ||
	    !tariff_row(t, tariff_day(t, to - 1), &uncovered))
		return FEMS_OK;
	rc = bill_stored(store, p, &c, from, to, to, &b, e);
	if (rc != FEMS_OK)
		return rc;
	*known = b.slots > b.slots_missing;
	*out = (struct peak){ .year = year, .month = month, .w = b.peak_w, .t_us = b.peak_t_us };
	return FEMS_OK;
}

static enum fems_rc stored_peaks(struct store *store, struct in_force *p, int year, int month,
				 struct peak *peaks, size_t *n, struct fems_error *e)
{
	const struct demand_rule *rule = demand_rule_on(p->tariff, civil_days(year, month, 1));
	int window = rule ? rule->window_months : 1;

	*n = 0;
	for (int back = 1; back < window && *n < PEAKS_MAX; back++) {
		int no = year * 12 + month - 1 - back;
		struct peak one;
		bool known;
		enum fems_rc rc;

		rc = peak_stored(store, p, no / 12, no % 12 + 1, &one, &known, e);
		if (rc != FEMS_OK)
			return rc;
		if (known)
			peaks[(*n)++] = one;
	}
	return FEMS_OK;
}

enum fems_rc peaks_before(struct store *store, struct in_force *p, int year, int month,
			  struct peak peaks[PEAKS_MAX], size_t *n, struct fems_error *e)
{
	enum fems_rc rc = FEMS_OK;
	int no = year * 12 + month - 1;

	pthread_mutex_lock(&p->lock);
	if (p->cached_month != no || clock_mono_us() - p->cached_at > CACHE_US) {
		rc = stored_peaks(store, p, year, month, p->cached, &p->n_cached, e);
		p->cached_month = rc == FEMS_OK ? no : 0;
		p->cached_at = clock_mono_us();
	}
	if (rc == FEMS_OK) {
		memcpy(peaks, p->cached, p->n_cached * sizeof *peaks);
		*n = p->n_cached;
	}
	pthread_mutex_unlock(&p->lock);
	return rc == FEMS_OK ? override_peaks(store, peaks, n, e) : rc;
}
