/* SPDX-License-Identifier: Apache-2.0
 *
 * Working in samples that did not come in order, and making the boundary readings behind them anew.
 * Runs on the writer thread inside its transaction.
 */
#include "config.h"
#include "core/store/internal.h"
#include <stdlib.h>
#include <string.h>

struct order { /* of one late sample */
	const struct fems_sample *s;
	size_t arrival;
};

static int by_series_time(const void *pa, const void *pb)
{
	const struct order *a = pa, *b = pb;

	if (a->s->point != b->s->point)
		return a->s->point < b->s->point ? -1 : 1;
	if (a->s->t_us != b->s->t_us)
		return a->s->t_us < b->s->t_us ? -1 : 1;
	return a->arrival < b->arrival ? -1 : 1;
}

/* By series and time; of the same time only the last to arrive. */
static bool sorted(const struct sample_list *late, struct sample_list *out)
{
	struct order *o = malloc((late->n ? late->n : 1) * sizeof *o);
	bool ok = o != NULL;

	for (size_t i = 0; ok && i < late->n; i++)
		o[i] = (struct order){ &late->at[i], i };
	if (ok)
		qsort(o, late->n, sizeof *o, by_series_time);
	for (size_t i = 0; ok && i < late->n; i++)
		if (i + 1 == late->n || o[i].s->point != o[i + 1].s->point || o[i].s->t_us != o[i + 1].s->t_us)
			ok = sample_list_add(out, o[i].s, 1);
	free(o);
	return ok;
}

/* The youngest chunk in memory of that hour. Appending is off for the series while it is late. */
static struct chunk *in_memory(struct store *st, uint32_t series, int64_t hour)
{
	struct chunk *found = NULL;

	pthread_mutex_lock(&st->lock);
	for (struct chunk *c = st->closed; c; c = c->next)
		if (c->series == series && c->hour == hour)
			found = c;
	if (st->series[series - 1]->tail && st->series[series - 1]->tail->hour == hour)
		found = st->series[series - 1]->tail;
	pthread_mutex_unlock(&st->lock);
	return found;
}

static enum fems_rc repack(const struct sample_list *l, double step, int64_t hour, struct pack *pk)
{
	pack_init(pk, step, hour * US_PER_H);
	for (size_t i = 0; i < l->n; i++)
		if (!pack_add(pk, &l->at[i])) {
			pack_free(pk);
			return FEMS_ENOMEM;
		}
	return FEMS_OK;
}

static enum fems_rc disk_hour(struct db *db, uint32_t series, int64_t hour, struct sample_list *out,
			      struct fems_error *e)
{
	sqlite3_stmt *q = db_query(db, e, "SELECT body FROM chunk WHERE id=?", "i", chunk_id(series, hour));
	int got = q ? db_step(db, q, e) : -1;
	enum fems_rc rc = got < 0 ? FEMS_EIO : FEMS_OK;

	if (got > 0) {
		rc = raw_unpack(series, hour, db_blob(q, 0), out, e);
		db_end(q);
	}
	return rc;
}

static struct series *series_of(struct store *st, uint32_t id)
{
	struct series *s;

	pthread_mutex_lock(&st->lock);
	s = live_series(st, id);
	pthread_mutex_unlock(&st->lock);
	return s;
}

struct hour_job {
	struct store *st;
	struct series *s;
	struct db *db;
	uint64_t seq;
	struct sample_list base, all; /* reused */
};

static enum fems_rc merge_hour(struct hour_job *j, const struct sample_list *extra, struct fems_error *e)
{
	uint32_t series = extra->at[0].point;
	int64_t hour = chunk_hour(extra->at[0].t_us);
	struct chunk *c = in_memory(j->st, series, hour);
	struct pack pk;
	enum fems_rc rc;

	j->base.n = 0;
	rc = c ? raw_unpack_pack(series, &c->pack, &j->base) : disk_hour(j->db, series, hour, &j->base, e);
	if (rc == FEMS_OK)
		rc = raw_merge(&j->base, extra, &j->all);
	if (rc == FEMS_OK)
		rc = repack(&j->all, j->s->pack_step, hour, &pk);
	if (rc != FEMS_OK)
		return rc;
	if (c) {
		struct pack old;

		pthread_mutex_lock(&j->st->lock);
		old = c->pack;
		c->pack = pk;
		pthread_mutex_unlock(&j->st->lock);
		pack_free(&old);
		return FEMS_OK;
	}
	rc = chunk_write(j->db, series, hour, j->seq, &pk, e);
	pack_free(&pk);
	return rc;
}

/* ---- boundary rows ---- */

struct rebuild {
	struct db *db;
	struct series *s;
	struct index_rule rule;
	struct boundary_builder builder;
	struct boundary_list made, old;
	size_t next_old;
	int64_t to_us;
	bool settled; /* from here on everything is as it was */
	enum fems_rc rc;
	struct fems_error *e;
};

/* A row that no change at or after from_us can touch: its left reading was accepted by readings
 * before from_us, which is certain when a later row before from_us already stands on a later one. */
static enum fems_rc safe_row(struct store *st, struct db *db, uint32_t series, int64_t from_us,
			     struct boundary *row, bool *found, struct fems_error *e)
{
	sqlite3_stmt *q = db_query(db, e, "SELECT " BOUNDARY_COLUMNS " FROM boundary WHERE series=? AND t_us<?"
					  " ORDER BY t_us DESC", "ii", (int64_t)series, from_us);
	struct boundary b;
	bool any = false;
	int got = -1;

	*found = false;
	while (q && !*found && (got = db_step(db, q, e)) > 0) {
		boundary_read(q, &b);
		if (any && b.left.t_us < row->left.t_us && b.left.t_us < st->raw_from_us)
			*found = true; /* what lies between is gone: the nearer row has to do */
		else if (b.left.anchor || (any && b.left.t_us < row->left.t_us)) {
			*row = b;
			*found = true;
		} else if (!any) {
			*row = b;
			any = true;
		}
	}
	if (q && got > 0)
		db_end(q);
	*found = *found || (any && st->raw_from_us);
	return got < 0 ? FEMS_EIO : FEMS_OK;
}

static enum fems_rc load_old(struct rebuild *r, int64_t after)
{
	sqlite3_stmt *q = db_query(r->db, r->e, "SELECT " BOUNDARY_COLUMNS " FROM boundary WHERE series=? AND t_us>?"
						" ORDER BY t_us", "ii", (int64_t)r->s->id, after);
	struct boundary b;
	int got = -1;

	while (q && (got = db_step(r->db, q, r->e)) > 0) {
		boundary_read(q, &b);
		if (!boundary_list_add(&r->old, &b)) {
			db_end(q);
			return err_set(r->e, FEMS_ENOMEM, "out of memory");
		}
	}
	return got < 0 ? FEMS_EIO : FEMS_OK;
}

static enum fems_rc drop_row(struct rebuild *r, int64_t t_us)
{
	return db_run(r->db, r->e, "DELETE FROM boundary WHERE series=? AND t_us=?", "ii", (int64_t)r->s->id, t_us);
}

static enum fems_rc replace_row(struct rebuild *r, const struct boundary *row)
{
	const struct boundary *old = NULL;
	enum fems_rc rc = FEMS_OK;

	while (rc == FEMS_OK && r->next_old < r->old.n && r->old.rows[r->next_old].t_us < row->t_us)
		rc = drop_row(r, r->old.rows[r->next_old++].t_us);
	if (r->next_old < r->old.n && r->old.rows[r->next_old].t_us == row->t_us)
		old = &r->old.rows[r->next_old++];
	if (rc != FEMS_OK)
		return rc;
	if (old && boundary_equal(old, row)) {
		r->settled = row->left.t_us > r->to_us;
		return FEMS_OK;
	}
	return boundary_write(r->db, r->s->id, row, r->e);
}

static bool rebuild_sample(void *ctx, const struct fems_sample *sample)
{
	struct rebuild *r = ctx;

	if (!boundary_push(&r->builder, &r->rule, sample, &r->made))
		r->rc = err_set(r->e, FEMS_ENOMEM, "out of memory");
	for (size_t i = 0; r->rc == FEMS_OK && !r->settled && i < r->made.n; i++)
		r->rc = replace_row(r, &r->made.rows[i]);
	r->made.n = 0;
	return r->rc == FEMS_OK && !r->settled;
}

static enum fems_rc rebuild_walk(struct store *st, struct rebuild *r, int64_t from)
{
	struct raw_view v;
	enum fems_rc rc;

	pthread_mutex_lock(&st->lock);
	rc = raw_view_take(st, r->s, from, INT64_MAX - 1, &v);
	pthread_mutex_unlock(&st->lock);
	if (rc == FEMS_OK)
		rc = raw_walk(r->db, &v, from, INT64_MAX - 1, rebuild_sample, r, r->e);
	raw_view_free(&v);
	if (rc == FEMS_OK)
		rc = r->rc;
	while (rc == FEMS_OK && !r->settled && r->next_old < r->old.n)
		rc = drop_row(r, r->old.rows[r->next_old++].t_us);
	return rc;
}

enum fems_rc late_rebuild(struct store *st, struct db *db, struct series *s, int64_t from_us, int64_t to_us,
			  struct late_result *out, struct fems_error *e)
{
	struct rebuild r = { .db = db, .s = s, .to_us = to_us, .e = e };
	struct boundary row;
	bool found;
	enum fems_rc rc;

	if (to_us < s->import_to)
		return FEMS_OK;
	if (from_us <= s->import_to) /* behind the last row of the history, which stays */
		from_us = s->import_to + 1;
	pthread_mutex_lock(&st->lock);
	r.rule = live_rule(s);
	pthread_mutex_unlock(&st->lock);
	rc = safe_row(st, db, s->id, from_us, &row, &found, e);
	if (rc == FEMS_OK && found)
		boundary_resume(&r.builder, &row);
	if (rc == FEMS_OK)
		rc = load_old(&r, found ? row.t_us : INT64_MIN);
	if (rc == FEMS_OK)
		rc = rebuild_walk(st, &r, found ? boundary_next_us(&row) : 0);
	if (rc == FEMS_OK && !r.settled) {
		out->has_builder = true;
		out->builder = r.builder;
	}
	free(r.made.rows);
	free(r.old.rows);
	return rc;
}

/* ---- all of it ---- */

static struct late_result *add_result(struct late_results *l)
{
	struct late_result *at;

	if (l->n == l->cap) {
		at = realloc(l->at, (l->cap + 16) * sizeof *at);
		if (!at)
			return NULL;
		l->at = at;
		l->cap += 16;
	}
	at = &l->at[l->n++];
	memset(at, 0, sizeof *at);
	return at;
}

static enum fems_rc apply_series(struct hour_job *j, const struct fems_sample *s, size_t n, struct late_result *out,
				 struct fems_error *e)
{
	struct series *sr = series_of(j->st, s->point);
	enum fems_rc rc = FEMS_OK;
	size_t i = 0;

	j->s = sr;
	out->series = s->point;
	out->newest = s[n - 1];
	while (rc == FEMS_OK && i < n) {
		struct sample_list hour = { (struct fems_sample *)s + i, 0, 0 };

		while (i < n && chunk_hour(s[i].t_us) == chunk_hour(hour.at[0].t_us))
			i++;
		hour.n = (size_t)(s + i - hour.at);
		rc = merge_hour(j, &hour, e);
	}
	if (rc == FEMS_OK && sr->counter)
		rc = late_rebuild(j->st, j->db, sr, s[0].t_us, s[n - 1].t_us, out, e);
	return rc;
}

enum fems_rc late_apply(struct store *st, struct db *db, uint64_t seq, const struct sample_list *late,
			struct late_results *results, struct fems_error *e)
{
	struct hour_job j = { .st = st, .db = db, .seq = seq };
	struct sample_list l = { NULL, 0, 0 };
	enum fems_rc rc = sorted(late, &l) ? FEMS_OK : FEMS_ENOMEM;
	size_t i = 0;

	while (rc == FEMS_OK && i < l.n) {
		struct late_result *out = add_result(results);
		size_t k = i;

		while (k < l.n && l.at[k].point == l.at[i].point)
			k++;
		rc = out ? apply_series(&j, l.at + i, k - i, out, e) : FEMS_ENOMEM;
		i = k;
	}
	if (rc == FEMS_ENOMEM)
		err_set(e, rc, "out of memory while late samples were worked in");
	free(j.base.at);
	free(j.all.at);
	free(l.at);
	return rc;
}

void late_install(struct store *st, const struct late_results *results)
{
	for (size_t i = 0; i < results->n; i++) {
		const struct late_result *r = &results->at[i];
		struct series *s = st->series[r->series - 1];

		if (r->has_builder)
			s->builder = r->builder;
		if (r->newest.point && (!s->has_last || r->newest.t_us >= s->last.t_us)) {
			s->last = r->newest;
			s->has_last = true;
		}
		if (s->has_last && s->last.t_us > st->newest_us)
			st->newest_us = s->last.t_us;
		s->late = false;
	}
	for (size_t i = 0; i < st->late.n; i++)
		st->series[st->late.at[i].point - 1]->late = true;
}

static struct chunk *chunk_of(const struct sample_list *l, double step)
{
	struct chunk *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->series = l->at[0].point;
	c->hour = chunk_hour(l->at[0].t_us);
	if (repack(l, step, c->hour, &c->pack) == FEMS_OK)
		return c;
	free(c);
	return NULL;
}

enum fems_rc late_show(struct store *st, struct fems_error *e)
{
	struct sample_list l = { NULL, 0, 0 };
	bool ok = sorted(&st->late, &l);
	size_t i = 0;

	while (ok && i < l.n) {
		struct sample_list hour = { l.at + i, 0, 0 };
		struct chunk *c;

		while (i < l.n && l.at[i].point == hour.at[0].point && chunk_hour(l.at[i].t_us) == chunk_hour(hour.at[0].t_us))
			i++;
		hour.n = (size_t)(l.at + i - hour.at);
		c = chunk_of(&hour, st->series[hour.at[0].point - 1]->pack_step);
		ok = c != NULL;
		if (c) {
			*st->closed_end = c;
			st->closed_end = &c->next;
		}
	}
	free(l.at);
	return ok ? FEMS_OK : err_set(e, FEMS_ENOMEM, "out of memory");
}
