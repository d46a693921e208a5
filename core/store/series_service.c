/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/store/series_service.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/text.h"
#include "core/base/zone.h"

#define POINTS_MAX 32
#define VALUES_MAX 100000

struct value {
	int64_t t_us;
	double v;
	size_t point;
};

struct query {
	struct store *st;
	json_t *names; /* array of strings */
	size_t n;
	int64_t from_us, to_us, step_us;
	size_t steps;
	double *mean; /* of one gauge, per step */
	uint32_t *count;
	struct value *raw;
	size_t n_raw, cap_raw;
	enum fems_rc rc;
	struct fems_error *e;
};

/* ---- request ---- */

static enum fems_rc get_time(const json_t *request, const char *key, int64_t *out, struct fems_error *e)
{
	const json_t *j = json_object_get(request, key);
	int64_t seconds;

	if (json_is_integer(j)) {
		*out = json_integer_value(j) * US_PER_S;
	} else if (json_is_string(j)) {
		if (str_int64(json_string_value(j), &seconds))
			*out = seconds * US_PER_S;
		else if (!time_parse(json_string_value(j), NULL, out))
			return err_set(e, FEMS_EINVAL,
				       "series: %s must be a time with its offset, such as "
				       "2026-04-16T08:00:00+09:00, or unix seconds",
				       key);
	} else {
		return err_set(e, FEMS_EINVAL, "series: %s is missing", key);
	}
	return FEMS_OK;
}

static enum fems_rc get_step(const json_t *request, int64_t *step_us, struct fems_error *e)
{
	const json_t *j = json_object_get(request, "step_s");
	int64_t s = 0;

	if (json_is_string(j) ? !str_int64(json_string_value(j), &s) : j && !json_is_integer(j))
		return err_set(e, FEMS_EINVAL, "series: step_s must be a whole number of seconds");
	if (json_is_integer(j))
		s = json_integer_value(j);
	if (s < 0 || s > 366 * 86400)
		return err_set(e, FEMS_EINVAL, "series: step_s must be from 0 (raw) to a year");
	*step_us = s * US_PER_S;
	return FEMS_OK;
}

static json_t *split(const char *text)
{
	json_t *list = json_array();

	while (*text) {
		size_t n = strcspn(text, ",");

		json_array_append_new(list, json_stringn(text, n));
		text += n + (text[n] == ',');
	}
	return list;
}

static enum fems_rc get_points(const json_t *request, struct query *q, struct fems_error *e)
{
	json_t *j = json_object_get(request, "points"), *name;
	size_t i;

	q->names = json_is_string(j) ? split(json_string_value(j)) : json_incref(j);
	q->n = json_array_size(q->names);
	if (!json_is_array(q->names) || !q->n || q->n > POINTS_MAX)
		return err_set(e, FEMS_EINVAL,
			       "series: points must be a list of 1 to %d names, such as "
			       "main/power.active",
			       POINTS_MAX);
	json_array_foreach(q->names, i, name) if (!json_is_string(name)) return err_set(
		e, FEMS_EINVAL, "series: points[%zu] is not a name", i);
	for (i = 1; i < q->n; i++)
		for (size_t k = 0; k < i; k++)
			if (json_equal(json_array_get(q->names, i), json_array_get(q->names, k)))
				return err_set(e, FEMS_EINVAL, "series: points[%zu] stands there twice", i);
	return FEMS_OK;
}

static enum fems_rc get_query(const json_t *request, struct query *q, struct fems_error *e)
{
	enum fems_rc rc = get_points(request, q, e);

	if (rc == FEMS_OK)
		rc = get_time(request, "from", &q->from_us, e);
	if (rc == FEMS_OK)
		rc = get_time(request, "to", &q->to_us, e);
	if (rc == FEMS_OK)
		rc = get_step(request, &q->step_us, e);
	if (rc != FEMS_OK)
		return rc;
	if (q->to_us < q->from_us || q->to_us - q->from_us > 100 * 366 * US_PER_DAY)
		return err_set(e, FEMS_EINVAL, "series: to is before from, or more than a century later");
	if (q->step_us)
		q->steps = (size_t)((q->to_us - q->from_us + q->step_us - 1) / q->step_us);
	if (q->steps * q->n > VALUES_MAX)
		return err_set(e, FEMS_EINVAL, "series: more than %d values; choose a larger step_s",
			       VALUES_MAX);
	return FEMS_OK;
}

/* ---- steps ---- */

static bool usable(const struct fems_sample *s)
{
	return (s->quality & FEMS_Q_CLASS) <= FEMS_Q_UNCERTAIN && isfinite(s->value);
}

static bool add_to_mean(void *ctx, const struct fems_sample *s)
{
	struct query *q = ctx;
	size_t i = (size_t)((s->t_us - q->from_us) / q->step_us);

	if (usable(s))
		q->mean[i] += (s->value - q->mean[i]) / (double)++q->count[i];
	return true;
}

static enum fems_rc gauge_steps(struct query *q, uint32_t series, json_t *out)
{
	enum fems_rc rc;

	memset(q->mean, 0, (q->steps + 1) * sizeof *q->mean);
	memset(q->count, 0, (q->steps + 1) * sizeof *q->count);
	rc = store_range(q->st, series, q->from_us, q->to_us, add_to_mean, q, q->e);
	for (size_t i = 0; rc == FEMS_OK && i < q->steps; i++)
		json_array_append_new(out, q->count[i] ? json_real(q->mean[i]) : json_null());
	return rc;
}

static bool add_slot(void *ctx, int64_t start_us, const struct store_energy *slot)
{
	struct query *q = ctx;
	size_t i = (size_t)((start_us - q->from_us) / q->step_us);

	if (!(slot->flags & STORE_MISSING)) {
		q->mean[i] += (double)slot->wh;
		q->count[i]++;
	}
	return true;
}

/* Whole slots come from the boundary readings; other steps are differences of the index. */
static enum fems_rc counter_steps(struct query *q, uint32_t series, json_t *out)
{
	bool slots = q->from_us % US_PER_SLOT == 0 && q->step_us % US_PER_SLOT == 0;
	enum fems_rc rc = FEMS_OK;

	memset(q->mean, 0, (q->steps + 1) * sizeof *q->mean);
	memset(q->count, 0, (q->steps + 1) * sizeof *q->count);
	if (slots)
		rc = store_slots(q->st, series, q->from_us, q->to_us, add_slot, q, q->e);
	for (size_t i = 0; rc == FEMS_OK && i < q->steps; i++) {
		int64_t a = q->from_us + (int64_t)i * q->step_us, b = a + q->step_us;
		struct store_energy en;

		if (!slots) {
			rc = store_energy(q->st, series, a, b < q->to_us ? b : q->to_us, &en, q->e);
			q->mean[i] = (double)en.wh;
			q->count[i] = !(en.flags & STORE_MISSING);
		}
		json_array_append_new(out, q->count[i] ? json_integer((json_int_t)q->mean[i]) : json_null());
	}
	return rc;
}

/* ---- raw ---- */

static bool add_raw(void *ctx, const struct fems_sample *s)
{
	struct query *q = ctx;

	if (!usable(s))
		return true;
	if (q->n_raw == VALUES_MAX) {
		q->rc = err_set(q->e, FEMS_EINVAL,
				"series: more than %d values; choose a shorter time or a step_s", VALUES_MAX);
		return false;
	}
	if (q->n_raw == q->cap_raw) {
		size_t cap = q->cap_raw ? q->cap_raw * 2 : 1024;
		struct value *raw = realloc(q->raw, cap * sizeof *raw);

		if (!raw) {
			q->rc = err_set(q->e, FEMS_ENOMEM, "out of memory");
			return false;
		}
		q->raw = raw;
		q->cap_raw = cap;
	}
	q->raw[q->n_raw++] = (struct value){ s->t_us, s->value, q->n };
	return true;
}

static int by_time(const void *pa, const void *pb)
{
	const struct value *a = pa, *b = pb;

	if (a->t_us != b->t_us)
		return a->t_us < b->t_us ? -1 : 1;
	return a->point < b->point ? -1 : a->point > b->point;
}

/* One axis for all: a point that has no sample at an instant of another's gives null there. */
static void raw_reply(struct query *q, size_t n, json_t *t, json_t **lists)
{
	size_t i = 0;

	if (q->n_raw)
		qsort(q->raw, q->n_raw, sizeof *q->raw, by_time);
	while (i < q->n_raw) {
		int64_t now = q->raw[i].t_us;

		json_array_append_new(t, json_real((double)now / (double)US_PER_S));
		for (size_t k = 0; k < n; k++) {
			bool has = i < q->n_raw && q->raw[i].t_us == now && q->raw[i].point == k;

			json_array_append_new(lists[k], has ? json_real(q->raw[i].v) : json_null());
			i += has;
		}
	}
}

/* ---- reply ---- */

static enum fems_rc one_point(struct query *q, size_t k, const char *name, json_t *list, struct fems_error *e)
{
	uint32_t id = store_series_find(q->st, name);
	size_t n = q->n;
	enum fems_rc rc;

	if (!id)
		return err_set(e, FEMS_ENOENT, "series: nothing is kept of a point called %s", name);
	if (q->step_us)
		return store_series_is_counter(q->st, id) ? counter_steps(q, id, list)
							  : gauge_steps(q, id, list);
	q->n = k; /* which point add_raw() notes */
	rc = store_range(q->st, id, q->from_us, q->to_us, add_raw, q, e);
	q->n = n;
	return rc == FEMS_OK ? q->rc : rc;
}

static enum fems_rc answer(struct query *q, json_t *t, json_t *series, struct fems_error *e)
{
	json_t *lists[POINTS_MAX];
	enum fems_rc rc = FEMS_OK;

	for (size_t k = 0; rc == FEMS_OK && k < q->n; k++) {
		const char *name = json_string_value(json_array_get(q->names, k));

		lists[k] = json_array();
		json_object_set_new(series, name, lists[k]);
		rc = one_point(q, k, name, lists[k], e);
	}
	for (size_t i = 0; rc == FEMS_OK && i < q->steps; i++)
		json_array_append_new(t, json_integer((q->from_us + (int64_t)i * q->step_us) / US_PER_S));
	if (rc == FEMS_OK && !q->step_us)
		raw_reply(q, q->n, t, lists);
	return rc;
}

enum fems_rc series_service(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	struct query q = { .st = ctx, .e = e };
	json_t *t = json_array(), *series = json_object();
	enum fems_rc rc = get_query(request, &q, e);

	if (rc == FEMS_OK) {
		q.mean = calloc(q.steps + 1, sizeof *q.mean);
		q.count = calloc(q.steps + 1, sizeof *q.count);
		rc = q.mean && q.count ? answer(&q, t, series, e) : err_set(e, FEMS_ENOMEM, "out of memory");
	}
	if (rc == FEMS_OK)
		*reply = json_pack("{s:O, s:O}", "t", t, "series", series);
	json_decref(t);
	json_decref(series);
	json_decref(q.names);
	free(q.mean);
	free(q.count);
	free(q.raw);
	return rc;
}
