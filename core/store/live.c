/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/store/internal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A sample from further ahead would make everything after it "late". */
#define FUTURE_US US_PER_DAY
/* Late samples go into hours whose raw data is complete. */
#define RAW_MARGIN_US (2 * US_PER_H)

bool sample_list_add(struct sample_list *l, const struct fems_sample *s, size_t n)
{
	if (l->n + n > l->cap) {
		size_t cap = l->cap ? l->cap : 256;
		struct fems_sample *at;

		while (cap < l->n + n)
			cap *= 2;
		at = realloc(l->at, cap * sizeof *at);
		if (!at)
			return false;
		l->at = at;
		l->cap = cap;
	}
	if (n)
		memcpy(l->at + l->n, s, n * sizeof *s);
	l->n += n;
	return true;
}

struct series *live_series(struct store *st, uint32_t id)
{
	return id >= 1 && id <= st->n_series ? st->series[id - 1] : NULL;
}

/* Position of name in by_name, or where it belongs. */
static size_t name_place(const struct store *st, const char *name, bool *there)
{
	size_t lo = 0, hi = st->n_series;

	*there = false;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = strcmp(st->series[st->by_name[mid] - 1]->name, name);

		if (c == 0) {
			*there = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct series *live_series_by_name(struct store *st, const char *name)
{
	bool there;
	size_t at = name_place(st, name, &there);

	return there ? st->series[st->by_name[at] - 1] : NULL;
}

static bool room_for_series(struct store *st)
{
	size_t cap = st->cap_series ? st->cap_series * 2 : 64;
	struct series **series;
	uint32_t *by_name;

	if (st->n_series < st->cap_series)
		return true;
	series = realloc(st->series, cap * sizeof *series);
	if (series)
		st->series = series;
	by_name = realloc(st->by_name, cap * sizeof *by_name);
	if (by_name)
		st->by_name = by_name;
	if (!series || !by_name)
		return false;
	st->cap_series = cap;
	return true;
}

static struct series *make_series(struct store *st, const char *name)
{
	bool there;
	size_t at = name_place(st, name, &there);
	struct series *s;

	if (!room_for_series(st))
		return NULL;
	s = calloc(1, sizeof *s);
	if (s)
		s->name = strdup(name);
	if (!s || !s->name) {
		free(s);
		return NULL;
	}
	memmove(st->by_name + at + 1, st->by_name + at, (st->n_series - at) * sizeof *st->by_name);
	st->series[st->n_series++] = s;
	s->id = (uint32_t)st->n_series;
	st->by_name[at] = s->id;
	return s;
}

enum fems_rc live_series_load(struct store *st, struct db *db, struct fems_error *e)
{
	sqlite3_stmt *q = db_query(db, e,
				   "SELECT id, name, counter, resolution, pack_step, max_rate, import_from,"
				   " import_to FROM series ORDER BY id",
				   "");
	int got = -1;

	while (q && (got = db_step(db, q, e)) > 0) {
		struct series *s = make_series(st, db_text(q, 1));

		if (!s || (int64_t)s->id != sqlite3_column_int64(q, 0)) {
			db_end(q);
			return s ? err_set(e, FEMS_EIO,
					   "the table of series has gaps: restore the last snapshot")
				 : err_set(e, FEMS_ENOMEM, "out of memory");
		}
		s->counter = sqlite3_column_int(q, 2) != 0;
		s->resolution = sqlite3_column_double(q, 3);
		s->pack_step = sqlite3_column_double(q, 4);
		s->max_rate = sqlite3_column_double(q, 5);
		s->import_from = sqlite3_column_int64(q, 6);
		s->import_to = sqlite3_column_int64(q, 7);
	}
	return got < 0 ? FEMS_EIO : FEMS_OK;
}

static enum fems_rc check_series(const struct store_series *w, struct fems_error *e)
{
	if (!w->name || !w->name[0] || strlen(w->name) > 200)
		return err_set(e, FEMS_EINVAL,
			       "a series needs a name of 1 to 200 bytes, such as press1/power.active");
	if (!isfinite(w->resolution) || w->resolution < 0 || !isfinite(w->max_rate) || w->max_rate < 0)
		return err_set(e, FEMS_EINVAL, "series %s: resolution and max_rate must not be negative",
			       w->name);
	return FEMS_OK;
}

static enum fems_rc settle_series(struct store *st, const struct store_series *w, uint32_t *id,
				  struct fems_error *e)
{
	double resolution = w->resolution > 0 ? w->resolution : w->counter ? 1 : 0;
	struct series *s = live_series_by_name(st, w->name);

	if (s && s->counter != w->counter)
		return err_set(e, FEMS_ECONFLICT,
			       "series %s was kept as a %s until now; give the quantity its old kind "
			       "or the point another name",
			       w->name, s->counter ? "counter" : "gauge");
	if (!s && st->read_only)
		return err_set(e, FEMS_ENOENT, "no series %s, and the store is open for reading only",
			       w->name);
	if (!s) {
		s = make_series(st, w->name);
		if (!s)
			return err_set(e, FEMS_ENOMEM, "series %s: out of memory", w->name);
		s->counter = w->counter;
		s->pack_step = resolution;
		s->unsaved = true;
	}
	if (!st->read_only && (s->resolution < resolution || s->resolution > resolution ||
			       s->max_rate < w->max_rate || s->max_rate > w->max_rate)) {
		s->resolution = resolution;
		s->max_rate = w->max_rate;
		s->unsaved = true;
	}
	*id = s->id;
	return FEMS_OK;
}

enum fems_rc store_series(struct store *st, const struct store_series *w, uint32_t *id, struct fems_error *e)
{
	enum fems_rc rc = check_series(w, e);

	*id = 0;
	if (rc != FEMS_OK)
		return rc;
	pthread_mutex_lock(&st->lock);
	rc = settle_series(st, w, id, e);
	pthread_mutex_unlock(&st->lock);
	return rc;
}

uint32_t store_series_find(struct store *st, const char *name)
{
	struct series *s;
	uint32_t id;

	pthread_mutex_lock(&st->lock);
	s = live_series_by_name(st, name);
	id = s ? s->id : 0;
	pthread_mutex_unlock(&st->lock);
	return id;
}

bool store_series_is_counter(struct store *st, uint32_t id)
{
	struct series *s;
	bool counter;

	pthread_mutex_lock(&st->lock);
	s = live_series(st, id);
	counter = s && s->counter;
	pthread_mutex_unlock(&st->lock);
	return counter;
}

struct index_rule live_rule(const struct series *s)
{
	struct index_rule rule = { s->max_rate, s->resolution };

	return rule;
}

void live_close_tail(struct store *st, struct series *s)
{
	if (!s->tail)
		return;
	s->tail->next = NULL;
	*st->closed_end = s->tail;
	st->closed_end = &s->tail->next;
	st->n_closed++;
	s->tail = NULL;
}

static struct chunk *tail_for(struct store *st, struct series *s, int64_t hour)
{
	struct chunk *c;

	if (s->tail && s->tail->hour == hour)
		return s->tail;
	c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	live_close_tail(st, s);
	c->series = s->id;
	c->hour = hour;
	c->first_hot = st->hot_next;
	pack_init(&c->pack, s->pack_step, hour * US_PER_H);
	s->tail = c;
	return c;
}

bool live_push(struct store *st, struct series *s, const struct fems_sample *sample)
{
	struct chunk *c = tail_for(st, s, chunk_hour(sample->t_us));

	if (!c || !pack_add(&c->pack, sample))
		return false;
	s->last = *sample;
	s->has_last = true;
	if (sample->t_us > st->newest_us)
		st->newest_us = sample->t_us;
	return true;
}

static bool far_ahead(struct store *st, const struct fems_sample *s, int64_t now)
{
	if (s->t_us <= now + FUTURE_US)
		return false;
	if (now - st->warned_future_us > US_PER_MIN) {
		st->warned_future_us = now;
		log_line(FEMS_LOG_WARN, "store",
			 "series %u: samples more than a day in the future are dropped; check "
			 "the clock of the device and of this machine",
			 (unsigned)s->point);
	}
	return true;
}

static bool take_late(struct store *st, struct series *s, const struct fems_sample *sample)
{
	if (!sample_list_add(&st->late, sample, 1))
		return false;
	s->late = true;
	return true;
}

static bool take_in_order(struct store *st, struct series *s, const struct fems_sample *sample)
{
	struct index_rule rule = live_rule(s);

	if (!live_push(st, s, sample))
		return false;
	if (!s->counter || sample->t_us < s->import_to)
		return true;
	return boundary_push(&s->builder, &rule, sample, &s->fresh);
}

static bool take_one(struct store *st, const struct fems_sample *sample, int64_t now)
{
	struct series *s = live_series(st, sample->point);

	if (!s || sample->t_us < 0 || st->waiting >= WAITING_MAX || far_ahead(st, sample, now) ||
	    (st->raw_from_us && sample->t_us < st->raw_from_us + RAW_MARGIN_US))
		return false;
	if (!sample_list_add(&st->pending, sample, 1))
		return false;
	if (s->late || s->held || (s->has_last && sample->t_us <= s->last.t_us)
		    ? take_late(st, s, sample)
		    : take_in_order(st, s, sample)) {
		st->waiting++;
		return true;
	}
	st->pending.n--;
	return false;
}

enum fems_rc store_append(struct store *st, const struct fems_sample *samples, size_t n)
{
	int64_t now = clock_now_us();
	size_t dropped = 0;

	if (st->read_only)
		return FEMS_EINVAL;
	pthread_mutex_lock(&st->lock);
	for (size_t i = 0; i < n; i++)
		dropped += !take_one(st, &samples[i], now);
	st->appended++;
	st->stats.samples_dropped += dropped;
	/* A large burst is written before its time, so that the memory stays small. */
	if (st->waiting > WAITING_MAX / 8 && !st->stats.disk_full)
		pthread_cond_signal(&st->wake);
	pthread_mutex_unlock(&st->lock);
	return dropped ? FEMS_AGAIN : FEMS_OK;
}

static void chunk_free(struct chunk *c)
{
	if (c) {
		pack_free(&c->pack);
		free(c);
	}
}

void live_free(struct store *st)
{
	for (size_t i = 0; i < st->n_series; i++) {
		struct series *s = st->series[i];

		chunk_free(s->tail);
		free(s->fresh.rows);
		free(s->name);
		free(s);
	}
	while (st->closed) {
		struct chunk *c = st->closed;

		st->closed = c->next;
		chunk_free(c);
	}
	free(st->series);
	free(st->by_name);
	free(st->pending.at);
	free(st->late.at);
}
