/* SPDX-License-Identifier: Apache-2.0
 *
 * The table hot: one row per commit with all its samples, grouped by series; and reading it back.
 * Body: version (1), start (8 bytes), then per series: difference of its id to the one before, number
 * of samples, records; CRC-32.
 */
#include "config.h"
#include "core/store/internal.h"
#include <stdlib.h>
#include <string.h>

#define ROW_VERSION 1

/* Stable counting sort by series: the order of arrival decides between samples of the same time. */
static struct fems_sample *grouped(const struct sample_list *l, size_t n_series)
{
	size_t *at = calloc(n_series + 2, sizeof *at);
	struct fems_sample *out = malloc((l->n ? l->n : 1) * sizeof *out);

	if (at && out) {
		for (size_t i = 0; i < l->n; i++)
			at[l->at[i].point + 1]++;
		for (size_t i = 1; i < n_series + 2; i++)
			at[i] += at[i - 1];
		for (size_t i = 0; i < l->n; i++)
			out[at[l->at[i].point]++] = l->at[i];
	} else {
		free(out);
		out = NULL;
	}
	free(at);
	return out;
}

static bool pack_group(struct pack_bytes *b, const struct fems_sample *s, size_t n, double step,
		       int64_t start, uint32_t *last)
{
	struct pack pk;
	bool ok = true;

	pack_init(&pk, step, start);
	for (size_t i = 0; ok && i < n; i++)
		ok = pack_add(&pk, &s[i]);
	ok = ok && pack_put_varint(b, s->point - *last) && pack_put_varint(b, n) &&
	     pack_put(b, pk.records.ptr, pk.records.len);
	*last = s->point;
	pack_free(&pk);
	return ok;
}

struct steps { /* pack_step of every series; fixed at their creation */
	double *of;
	size_t n;
};

static bool steps_take(struct store *st, struct steps *s)
{
	pthread_mutex_lock(&st->lock);
	s->n = st->n_series;
	s->of = malloc((s->n + 1) * sizeof *s->of);
	for (size_t i = 0; s->of && i < s->n; i++)
		s->of[i + 1] = st->series[i]->pack_step;
	pthread_mutex_unlock(&st->lock);
	return s->of != NULL;
}

static bool pack_batch(const struct fems_sample *s, size_t n, const struct steps *steps, struct pack_bytes *b)
{
	int64_t start = s[0].t_us;
	uint32_t last = 0;
	bool ok = pack_put_byte(b, ROW_VERSION) && pack_put(b, &start, sizeof start);
	size_t i = 0;

	while (ok && i < n) {
		size_t j = i;

		while (j < n && s[j].point == s[i].point)
			j++;
		ok = pack_group(b, s + i, j - i, steps->of[s[i].point], start, &last);
		i = j;
	}
	return ok && pack_seal(b);
}

enum fems_rc hot_write(struct store *st, struct db *db, uint64_t seq, struct sample_list *batch,
		       struct fems_error *e)
{
	struct steps steps = { NULL, 0 };
	struct pack_bytes b = { NULL, 0, 0 };
	struct fems_sample *sorted = NULL;
	enum fems_rc rc;

	if (steps_take(st, &steps))
		sorted = grouped(batch, steps.n);
	if (sorted && pack_batch(sorted, batch->n, &steps, &b))
		rc = db_run(db, e, "INSERT INTO hot(seq, body) VALUES(?,?)", "ib", (int64_t)seq, b.ptr,
			    b.len);
	else
		rc = err_set(e, FEMS_ENOMEM, "out of memory while samples were packed");
	free(b.ptr);
	free(sorted);
	free(steps.of);
	return rc;
}

/* ---- reading back ---- */

struct recovery {
	struct store *st;
	struct db *db;
	struct fems_error *e;
	uint64_t seq;
	struct { /* per series: the chunk looked up last */
		int64_t hour;
		uint64_t has; /* its hot_seq */
	} * seen;
};

/* Last row of hot that is already in the chunk of that hour; 0: none. */
static enum fems_rc chunk_has(struct recovery *r, uint32_t series, int64_t hour, uint64_t *has)
{
	sqlite3_stmt *q;
	int got;

	*has = r->seen[series].has;
	if (r->seen[series].hour == hour)
		return FEMS_OK;
	q = db_query(r->db, r->e, "SELECT hot_seq FROM chunk WHERE id=?", "i", chunk_id(series, hour));
	got = q ? db_step(r->db, q, r->e) : -1;
	*has = got > 0 ? (uint64_t)sqlite3_column_int64(q, 0) : 0;
	if (got > 0)
		db_end(q);
	r->seen[series].hour = hour;
	r->seen[series].has = *has;
	return got < 0 ? FEMS_EIO : FEMS_OK;
}

static enum fems_rc recover_one(struct recovery *r, struct series *sr, const struct fems_sample *s)
{
	uint64_t has;
	enum fems_rc rc = chunk_has(r, sr->id, chunk_hour(s->t_us), &has);
	bool ok;

	if (rc != FEMS_OK || has >= r->seq)
		return rc;
	if (!sr->late && (!sr->has_last || s->t_us > sr->last.t_us)) {
		ok = live_push(r->st, sr, s);
	} else {
		sr->late = true;
		ok = sample_list_add(&r->st->late, s, 1);
	}
	return ok ? FEMS_OK
		  : err_set(r->e, FEMS_ENOMEM, "out of memory while the newest samples were read back");
}

/* FEMS_EINVAL: the bytes are not what was written. */
static enum fems_rc recover_groups(struct recovery *r, const uint8_t *p, const uint8_t *end, int64_t start)
{
	uint64_t d, n, id = 0;
	enum fems_rc rc = FEMS_OK;

	while (rc == FEMS_OK && p < end) {
		struct series *sr;
		struct unpack u;
		struct fems_sample s;

		if (!unpack_varint(&p, end, &d) || !unpack_varint(&p, end, &n) || n > (uint64_t)(end - p))
			return FEMS_EINVAL;
		id += d;
		sr = live_series(r->st, (uint32_t)id);
		if (!sr)
			return FEMS_EINVAL;
		unpack_init(&u, sr->id, sr->pack_step, start, (uint32_t)n, p, end);
		while (rc == FEMS_OK && unpack_next(&u, &s))
			rc = recover_one(r, sr, &s);
		if (rc == FEMS_OK && u.left)
			return FEMS_EINVAL;
		p = u.p;
	}
	return rc;
}

static enum fems_rc recover_row(struct recovery *r, struct fems_span body)
{
	enum fems_rc rc = FEMS_EINVAL;
	int64_t start;

	r->st->hot_next = r->seq; /* what this row fills depends on it */
	if (unpack_seal(&body) && body.len >= 9 && body.ptr[0] == ROW_VERSION) {
		memcpy(&start, body.ptr + 1, sizeof start);
		rc = recover_groups(r, (const uint8_t *)body.ptr + 9, (const uint8_t *)body.ptr + body.len,
				    start);
	}
	if (rc != FEMS_EINVAL)
		return rc;
	log_line(FEMS_LOG_ERROR, "store",
		 "%s: row %llu of the newest samples is damaged, its rest is left out; check "
		 "the disk",
		 r->st->path, (unsigned long long)r->seq);
	return FEMS_OK;
}

/* The newest sample of what is in chunks, so that older ones are known as late. */
static enum fems_rc recover_last(struct store *st, struct db *db, struct series *s, struct fems_error *e)
{
	sqlite3_stmt *q = db_query(
		db, e, "SELECT id, body FROM chunk WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1", "ii",
		chunk_id(s->id, 0), chunk_id(s->id, 0xffffff));
	int got = q ? db_step(db, q, e) : -1;
	struct sample_list l = { NULL, 0, 0 };
	enum fems_rc rc = FEMS_OK;

	if (got <= 0)
		return got < 0 ? FEMS_EIO : FEMS_OK;
	rc = raw_unpack(s->id, sqlite3_column_int64(q, 0) & 0xffffff, db_blob(q, 1), &l, e);
	db_end(q);
	if (rc == FEMS_OK && l.n) {
		s->last = l.at[l.n - 1];
		s->has_last = true;
		if (s->last.t_us > st->newest_us)
			st->newest_us = s->last.t_us;
	}
	free(l.at);
	return rc;
}

static bool push_builder(void *ctx, const struct fems_sample *sample)
{
	struct series *s = ctx;
	struct index_rule rule = live_rule(s);

	return boundary_push(&s->builder, &rule, sample, &s->fresh);
}

static enum fems_rc recover_counter(struct store *st, struct db *db, struct series *s, struct fems_error *e)
{
	struct boundary row;
	struct raw_view v;
	int64_t from;
	bool found;
	enum fems_rc rc = boundary_before(db, s->id, INT64_MAX, &row, &found, e);

	if (rc != FEMS_OK)
		return rc;
	if (found)
		boundary_resume(&s->builder, &row);
	from = found ? boundary_next_us(&row) : 0;
	rc = raw_view_take(st, s, from, INT64_MAX - 1, &v);
	if (rc == FEMS_OK)
		rc = raw_walk(db, &v, from, INT64_MAX - 1, push_builder, s, e);
	raw_view_free(&v);
	return rc;
}

static enum fems_rc recover_rows(struct recovery *r)
{
	sqlite3_stmt *q = db_query(r->db, r->e, "SELECT seq, body FROM hot ORDER BY seq", "");
	enum fems_rc rc = FEMS_OK;
	int got = -1;

	while (q && rc == FEMS_OK && (got = db_step(r->db, q, r->e)) > 0) {
		r->seq = (uint64_t)sqlite3_column_int64(q, 0);
		rc = recover_row(r, db_blob(q, 1));
		r->st->hot_next = r->seq + 1;
	}
	if (q && got > 0)
		db_end(q);
	return got < 0 ? FEMS_EIO : rc;
}

/* A number that no chunk has seen yet, also when hot is empty. */
static enum fems_rc recover_next(struct store *st, struct db *db, struct fems_error *e)
{
	int64_t hot;
	enum fems_rc rc = db_int(db, "SELECT seq FROM sqlite_sequence WHERE name='hot'", 0, &hot, e);

	if ((uint64_t)hot >= st->hot_next)
		st->hot_next = (uint64_t)hot + 1;
	return rc;
}

enum fems_rc hot_recover(struct store *st, struct db *db, struct fems_error *e)
{
	struct recovery r = { .st = st, .db = db, .e = e };
	enum fems_rc rc = FEMS_OK;

	r.seen = calloc(st->n_series + 1, sizeof *r.seen);
	if (!r.seen)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	for (size_t i = 0; i <= st->n_series; i++)
		r.seen[i].hour = -1;
	for (size_t i = 0; rc == FEMS_OK && i < st->n_series; i++)
		rc = recover_last(st, db, st->series[i], e);
	if (rc == FEMS_OK)
		rc = recover_rows(&r);
	if (rc == FEMS_OK)
		rc = recover_next(st, db, e);
	free(r.seen);
	for (size_t i = 0; rc == FEMS_OK && i < st->n_series; i++)
		if (st->series[i]->counter)
			rc = recover_counter(st, db, st->series[i], e);
	return rc;
}
