/* SPDX-License-Identifier: Apache-2.0
 *
 * History as boundary readings. Before the first live reading the index is continued backwards from
 * it; without live readings it counts up from 0 and the first register reading continues it.
 */
#include "config.h"
#include "core/store/internal.h"
#include <stdlib.h>
#include <string.h>

#define SLOT_WH_MAX INT64_C(1000000000000) /* 4 TW over 15 minutes */

struct import {
	struct store *st;
	struct series *s;
	const struct store_import_slot *slots;
	size_t n;
	const char *who, *source;
	int64_t from_us, to_us, sum_wh, new_from, new_to;
	bool nothing_to_do;
	struct late_result result;
};

static enum fems_rc bad(const struct import *im, size_t i, const char *why, struct fems_error *e)
{
	return err_set(e, FEMS_EINVAL, "%s: value %zu: %s; nothing was imported", im->source, i + 1, why);
}

static enum fems_rc check(struct import *im, struct fems_error *e)
{
	if (!im->n)
		return err_set(e, FEMS_EINVAL, "%s: no values to import", im->source);
	for (size_t i = 0; i < im->n; i++) {
		const struct store_import_slot *s = &im->slots[i];

		if (s->start_us <= 0 || s->start_us % US_PER_SLOT)
			return bad(im, i, "its time is not a quarter of an hour of UTC", e);
		if (i && s->start_us <= s[-1].start_us)
			return bad(im, i, "it is not later than the one before it", e);
		if (s->wh < 0 || s->wh > SLOT_WH_MAX)
			return bad(im, i, "its energy is negative or impossibly large", e);
		im->sum_wh += s->wh;
	}
	im->from_us = im->slots[0].start_us;
	im->to_us = im->slots[im->n - 1].start_us + US_PER_SLOT;
	return FEMS_OK;
}

static enum fems_rc row_wh(struct db *db, uint32_t series, int64_t t, bool *there, struct boundary *b,
			   struct fems_error *e)
{
	enum fems_rc rc = boundary_before(db, series, t, b, there, e);

	*there = *there && b->t_us == t;
	return rc;
}

/* The same values are there already: importing a file again does nothing. */
static enum fems_rc same_values(struct import *im, struct db *db, bool *same, struct fems_error *e)
{
	enum fems_rc rc = FEMS_OK;

	*same = true;
	for (size_t i = 0; rc == FEMS_OK && *same && i < im->n; i++) {
		struct boundary a, b;
		bool has_a, has_b = false;

		rc = row_wh(db, im->s->id, im->slots[i].start_us, &has_a, &a, e);
		if (rc == FEMS_OK)
			rc = row_wh(db, im->s->id, im->slots[i].start_us + US_PER_SLOT, &has_b, &b, e);
		*same = has_a && has_b && b.wh - a.wh == im->slots[i].wh;
	}
	return rc;
}

static enum fems_rc overlap(struct import *im, struct db *db, struct fems_error *e)
{
	bool same = false;
	enum fems_rc rc = im->to_us <= im->s->import_to ? same_values(im, db, &same, e) : FEMS_OK;

	if (rc != FEMS_OK)
		return rc;
	im->nothing_to_do = same;
	return same ? FEMS_OK
		    : err_set(e, FEMS_ECONFLICT,
			      "%s: %s has imported values of that time already, and others; nothing "
			      "was imported",
			      im->source, im->s->name);
}

struct first { /* what the past is joined to */
	bool any, raw_gone;
	struct index_reading r;
};

static bool first_sample(void *ctx, const struct fems_sample *s)
{
	struct first *f = ctx;

	f->any = index_reading_of(s, &f->r);
	return !f->any;
}

static enum fems_rc first_reading(struct import *im, struct db *db, struct first *f, struct fems_error *e)
{
	struct raw_view v;
	enum fems_rc rc;

	pthread_mutex_lock(&im->st->lock);
	rc = raw_view_take(im->st, im->s, 0, INT64_MAX - 1, &v);
	pthread_mutex_unlock(&im->st->lock);
	if (rc == FEMS_OK)
		rc = raw_walk(db, &v, im->s->import_to, INT64_MAX - 1, first_sample, f, e);
	raw_view_free(&v);
	return rc;
}

/* The first live reading, or the first boundary reading where the raw ones are gone. */
static enum fems_rc first_live(struct import *im, struct db *db, struct first *f, struct fems_error *e)
{
	struct boundary row;
	bool found = false;
	enum fems_rc rc = first_reading(im, db, f, e);

	if (rc == FEMS_OK)
		rc = boundary_after(db, im->s->id, im->s->import_to, &row, &found, e);
	if (rc != FEMS_OK)
		return rc;
	if (found && !row.left.anchor && (!f->any || row.t_us < f->r.t_us) && !im->s->import_to) {
		f->any = f->raw_gone = true;
		f->r.t_us = row.t_us;
		f->r.raw = row.wh;
	}
	if (f->any && f->r.t_us < im->to_us)
		return err_set(e, FEMS_ECONFLICT,
			       "%s: %s has live readings in that time; nothing was imported", im->source,
			       im->s->name);
	return FEMS_OK;
}

/* Index at the end of the imported span, and by how much earlier imported rows have to move so that
 * the rows behind it stay. */
static enum fems_rc anchor(struct import *im, struct db *db, const struct first *f, int64_t *end_wh,
			   struct fems_error *e)
{
	struct boundary row;
	bool found;
	enum fems_rc rc;

	*end_wh = f->any ? f->r.raw : im->sum_wh;
	if (!im->s->import_to)
		return FEMS_OK;
	if (im->to_us <= im->s->import_from) {
		rc = boundary_after(db, im->s->id, im->s->import_from - 1, &row, &found, e);
		*end_wh = found ? row.wh : *end_wh;
		return rc;
	}
	rc = boundary_before(db, im->s->id, im->s->import_to, &row, &found, e);
	*end_wh = found ? row.wh + (f->any ? 0 : im->sum_wh) : *end_wh;
	if (rc != FEMS_OK || !f->any)
		return rc;
	return db_run(db, e,
		      "UPDATE boundary SET wh = wh - ?, left_offset = left_offset - ? WHERE series = ? AND"
		      " t_us <= ?",
		      "iiii", im->sum_wh, im->sum_wh, (int64_t)im->s->id, im->s->import_to);
}

static struct boundary row_at(int64_t t, int64_t wh, uint32_t flags, int64_t covered)
{
	struct boundary b = { .t_us = t, .wh = wh, .flags = flags, .covered_us = covered };

	b.left.t_us = t;
	b.left.offset = wh;
	b.left.anchor = true;
	return b;
}

static enum fems_rc write_rows(struct import *im, struct db *db, int64_t end_wh, struct fems_error *e)
{
	int64_t wh = end_wh - im->sum_wh, done = im->s->import_to <= im->from_us ? im->s->import_to : 0;
	enum fems_rc rc = FEMS_OK;

	for (size_t i = 0; rc == FEMS_OK && i < im->n; i++) {
		int64_t start = im->slots[i].start_us;
		struct boundary b = row_at(start, wh, STORE_MISSING, 0);

		if (start != done) /* nothing is known of the time before it */
			rc = boundary_write(db, im->s->id, &b, e);
		wh += im->slots[i].wh;
		done = start + US_PER_SLOT;
		b = row_at(done, wh, 0, US_PER_SLOT);
		if (rc == FEMS_OK)
			rc = boundary_write(db, im->s->id, &b, e);
	}
	return rc;
}

static enum fems_rc note(struct import *im, struct db *db, struct fems_error *e)
{
	return db_run(db, e,
		      "INSERT INTO audit(t_us, who, action, object, detail) VALUES(?,?,'import',?,"
		      " json_object('source', ?, 'slots', ?, 'from_us', ?, 'to_us', ?, 'wh', ?))",
		      "isssiiii", clock_now_us(), im->who, im->s->name, im->source, (int64_t)im->n,
		      im->from_us, im->to_us, im->sum_wh);
}

static enum fems_rc save_range(struct import *im, struct db *db, struct fems_error *e)
{
	return db_run(db, e, "UPDATE series SET import_from=?, import_to=? WHERE id=?", "iii", im->new_from,
		      im->new_to, (int64_t)im->s->id);
}

static enum fems_rc join(struct import *im, struct db *db, const struct first *f, struct fems_error *e)
{
	struct boundary last;
	bool found;
	enum fems_rc rc;

	if (f->any && f->raw_gone)
		return FEMS_OK;
	if (f->any)
		return late_rebuild(im->st, db, im->s, im->new_to + 1, f->r.t_us + 1, &im->result, e);
	rc = boundary_before(db, im->s->id, im->new_to, &last, &found, e);
	if (rc == FEMS_OK && found) {
		boundary_resume(&im->result.builder, &last);
		im->result.has_builder = true;
	}
	return rc;
}

static enum fems_rc import_rows(struct import *im, struct db *db, const struct first *f, struct fems_error *e)
{
	int64_t end_wh;
	enum fems_rc rc = anchor(im, db, f, &end_wh, e);

	im->new_from =
		im->s->import_to && im->s->import_from < im->from_us ? im->s->import_from : im->from_us;
	im->new_to = im->s->import_to > im->to_us ? im->s->import_to : im->to_us;
	if (rc == FEMS_OK)
		rc = write_rows(im, db, end_wh, e);
	if (rc == FEMS_OK)
		rc = save_range(im, db, e);
	if (rc == FEMS_OK)
		rc = note(im, db, e);
	return rc == FEMS_OK ? join(im, db, f, e) : rc;
}

static enum fems_rc import_write(struct db *db, void *ctx, struct fems_error *e)
{
	struct import *im = ctx;
	struct first f = { false, false, { 0 } };
	enum fems_rc rc;

	im->nothing_to_do = false;
	memset(&im->result, 0, sizeof im->result);
	if (im->s->import_to && im->from_us < im->s->import_to && im->to_us > im->s->import_from)
		return overlap(im, db, e);
	rc = first_live(im, db, &f, e);
	return rc == FEMS_OK ? import_rows(im, db, &f, e) : rc;
}

/* Under the lock, when the transaction is durable. */
static void import_done(struct store *st, void *ctx)
{
	struct import *im = ctx;

	(void)st;
	if (im->nothing_to_do)
		return;
	im->s->import_from = im->new_from;
	im->s->import_to = im->new_to;
	if (im->result.has_builder)
		im->s->builder = im->result.builder;
}

static enum fems_rc import_series(struct import *im, uint32_t id, struct fems_error *e)
{
	enum fems_rc rc = FEMS_OK;

	pthread_mutex_lock(&im->st->lock);
	im->s = live_series(im->st, id);
	if (!im->s)
		rc = err_set(e, FEMS_ENOENT, "%s: no series with the number %u", im->source, (unsigned)id);
	else if (!im->s->counter)
		rc = err_set(e, FEMS_EINVAL, "%s: %s is not a counter", im->source, im->s->name);
	else
		im->s->held++; /* new samples wait until the past is in its place */
	pthread_mutex_unlock(&im->st->lock);
	if (rc != FEMS_OK)
		return rc;
	rc = writer_do(im->st, import_write, import_done, im, e);
	pthread_mutex_lock(&im->st->lock);
	im->s->held--;
	pthread_mutex_unlock(&im->st->lock);
	return rc;
}

enum fems_rc store_import(struct store *st, uint32_t series, const struct store_import_slot *slots, size_t n,
			  const char *who, const char *source, struct fems_error *e)
{
	struct import im = {
		.st = st, .slots = slots, .n = n, .who = who, .source = source ? source : "import"
	};
	enum fems_rc rc = check(&im, e);

	return rc == FEMS_OK ? import_series(&im, series, e) : rc;
}
