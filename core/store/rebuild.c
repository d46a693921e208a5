/* SPDX-License-Identifier: Apache-2.0
 *
 * Making the boundary readings anew behind a change in the past. Runs on the writer thread inside its
 * transaction.
 */
#include "config.h"
#include "core/store/internal.h"
#include <stdlib.h>
#include <string.h>

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
	sqlite3_stmt *q = db_query(db, e,
				   "SELECT " BOUNDARY_COLUMNS " FROM boundary WHERE series=? AND t_us<?"
				   " ORDER BY t_us DESC",
				   "ii", (int64_t)series, from_us);
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
	sqlite3_stmt *q = db_query(r->db, r->e,
				   "SELECT " BOUNDARY_COLUMNS " FROM boundary WHERE series=? AND t_us>?"
				   " ORDER BY t_us",
				   "ii", (int64_t)r->s->id, after);
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
	return db_run(r->db, r->e, "DELETE FROM boundary WHERE series=? AND t_us=?", "ii", (int64_t)r->s->id,
		      t_us);
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
