/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/store/counter.h"
#include <stdlib.h>
#include <string.h>

#define WAIT_US   100000
#define GAP_FLAGS (STORE_INTERPOLATED | STORE_ESTIMATED)

static enum fems_rc take_memory(struct store *st, uint32_t id, struct counter_view *v, struct fems_error *e)
{
	struct series *s = live_series(st, id);
	enum fems_rc rc;

	if (!s)
		return err_set(e, FEMS_ENOENT, "no series with the number %u", (unsigned)id);
	if (!s->counter)
		return err_set(e, FEMS_EINVAL, "%s is not a counter: energies are made from counters only",
			       s->name);
	v->series = id;
	v->rule = live_rule(s);
	v->import_to = s->import_to;
	v->rows_only_us = s->import_to > st->raw_from_us ? s->import_to : st->raw_from_us;
	v->have_last = s->builder.index.have && !s->builder.index.left.anchor;
	v->last_us = s->builder.index.left.t_us;
	rc = raw_view_take(st, s, 0, INT64_MAX - 1, &v->raw);
	for (size_t i = 0; rc == FEMS_OK && i < s->fresh.n; i++)
		if (!boundary_list_add(&v->fresh, &s->fresh.rows[i]))
			rc = FEMS_ENOMEM;
	return rc == FEMS_ENOMEM ? err_set(e, rc, "out of memory") : rc;
}

enum fems_rc counter_view_open(struct store *st, uint32_t series, struct counter_view *v,
			       struct fems_error *e)
{
	enum fems_rc rc;

	memset(v, 0, sizeof *v);
	v->st = st;
	v->rebuilds = atomic_load(&st->rebuilds);
	pthread_mutex_lock(&st->lock);
	rc = take_memory(st, series, v, e);
	pthread_mutex_unlock(&st->lock);
	if (rc == FEMS_OK) {
		v->db = reader_take(st, e);
		rc = v->db ? db_exec(v->db, "BEGIN", e) : FEMS_EIO;
	}
	if (rc != FEMS_OK)
		counter_view_close(v);
	return rc;
}

bool counter_view_close(struct counter_view *v)
{
	bool same = !(v->rebuilds & 1) && atomic_load(&v->st->rebuilds) == v->rebuilds;

	if (v->db) {
		db_exec(v->db, "COMMIT", NULL);
		reader_give(v->st, v->db);
	}
	raw_view_free(&v->raw);
	free(v->fresh.rows);
	memset(&v->fresh, 0, sizeof v->fresh);
	return same;
}

void counter_wait(struct store *st)
{
	int64_t t = clock_mono_us() + WAIT_US;
	struct timespec until = { (time_t)(t / US_PER_S), (long)(t % US_PER_S) * 1000 };

	pthread_mutex_lock(&st->lock);
	if (st->running && (atomic_load(&st->rebuilds) & 1))
		pthread_cond_timedwait(&st->done, &st->lock, &until);
	pthread_mutex_unlock(&st->lock);
}

/* ---- rows ---- */

enum fems_rc counter_row_before(struct counter_view *v, int64_t t, struct boundary *row, bool *found,
				struct fems_error *e)
{
	enum fems_rc rc = boundary_before(v->db, v->series, t, row, found, e);

	for (size_t i = 0; i < v->fresh.n; i++)
		if (v->fresh.rows[i].t_us <= t && (!*found || v->fresh.rows[i].t_us >= row->t_us)) {
			*row = v->fresh.rows[i];
			*found = true;
		}
	return rc;
}

enum fems_rc counter_row_after(struct counter_view *v, int64_t t, struct boundary *row, bool *found,
			       struct fems_error *e)
{
	enum fems_rc rc = boundary_after(v->db, v->series, t, row, found, e);

	for (size_t i = v->fresh.n; i-- > 0;)
		if (v->fresh.rows[i].t_us > t && (!*found || v->fresh.rows[i].t_us <= row->t_us)) {
			*row = v->fresh.rows[i];
			*found = true;
		}
	return rc;
}

static enum fems_rc disk_rows(struct counter_view *v, int64_t from, int64_t to, struct boundary_list *out,
			      struct fems_error *e)
{
	sqlite3_stmt *q = db_query(v->db, e,
				   "SELECT " BOUNDARY_COLUMNS " FROM boundary WHERE series=? AND t_us>=? AND"
				   " t_us<=? ORDER BY t_us",
				   "iii", (int64_t)v->series, from, to);
	struct boundary b;
	int got = -1;

	while (q && (got = db_step(v->db, q, e)) > 0) {
		boundary_read(q, &b);
		if (!boundary_list_add(out, &b)) {
			db_end(q);
			return err_set(e, FEMS_ENOMEM, "out of memory");
		}
	}
	return got < 0 ? FEMS_EIO : FEMS_OK;
}

enum fems_rc counter_rows(struct counter_view *v, int64_t from, int64_t to, struct boundary_list *out,
			  struct fems_error *e)
{
	enum fems_rc rc = disk_rows(v, from, to, out, e);

	for (size_t i = 0; rc == FEMS_OK && i < v->fresh.n; i++) {
		const struct boundary *b = &v->fresh.rows[i];

		if (b->t_us < from || b->t_us > to || (out->n && out->rows[out->n - 1].t_us >= b->t_us))
			continue;
		if (!boundary_list_add(out, b))
			rc = err_set(e, FEMS_ENOMEM, "out of memory");
	}
	return rc;
}

/* ---- a part from rows only: history that was imported, or whose raw samples are gone ---- */

static enum fems_rc at_rows(struct counter_view *v, int64_t t, int64_t *wh, uint32_t *flags,
			    struct fems_error *e)
{
	struct boundary a, b;
	bool has_a, has_b = false;
	enum fems_rc rc = counter_row_before(v, t, &a, &has_a, e);

	if (rc == FEMS_OK)
		rc = counter_row_after(v, t, &b, &has_b, e);
	if (rc != FEMS_OK)
		return rc;
	*flags = 0;
	if (has_a && a.t_us == t) {
		*wh = a.wh;
		*flags = a.flags & GAP_FLAGS;
	} else if (has_a && has_b) {
		*wh = index_between(a.t_us, a.wh, b.t_us, b.wh, t);
		*flags = b.t_us - a.t_us <= US_PER_SLOT ? STORE_INTERPOLATED : STORE_ESTIMATED;
	} else {
		*wh = has_a ? a.wh : has_b ? b.wh : 0;
		*flags = has_a ? STORE_PROVISIONAL : STORE_MISSING;
	}
	return FEMS_OK;
}

static enum fems_rc part_rows(struct counter_view *v, int64_t a, int64_t b, struct counter_part *out,
			      struct fems_error *e)
{
	struct boundary_list rows = { NULL, 0, 0 };
	int64_t wh_a = 0, wh_b = 0;
	uint32_t flags_a = 0, flags_b = 0;
	enum fems_rc rc = at_rows(v, a, &wh_a, &flags_a, e);

	if (rc == FEMS_OK)
		rc = at_rows(v, b, &wh_b, &flags_b, e);
	if (rc == FEMS_OK)
		rc = counter_rows(v, a + 1, boundary_floor(b + US_PER_SLOT - 1), &rows, e);
	out->wh = wh_b - wh_a;
	out->flags_a = flags_a;
	out->flags_b = flags_b;
	for (size_t i = 0; rc == FEMS_OK && i < rows.n; i++) {
		int64_t end = rows.rows[i].t_us, begin = end - US_PER_SLOT;
		int64_t overlap = (end < b ? end : b) - (begin > a ? begin : a);

		out->covered_us += rows.rows[i].covered_us * (overlap / 1000) / (US_PER_SLOT / 1000);
		if (rows.rows[i].flags & (STORE_RESET | STORE_MISSING))
			out->flags |= STORE_RESET;
	}
	free(rows.rows);
	return rc;
}

/* ---- a part from raw readings ---- */

struct part_walk {
	const struct index_rule *rule;
	struct index_state index;
	int64_t a, b, wh_a, wh_b;
	bool have_a, have_b;
	struct counter_part *out;
};

static void at_first(struct part_walk *w, const struct index_pair *p)
{
	if (p->a.t_us < w->a)
		return;
	if (p->a.t_us > w->a)
		w->out->flags |= STORE_MISSING;
	w->have_a = true;
	w->wh_a = index_value(&p->b);
	if (p->a.t_us >= w->b) {
		w->have_b = true;
		w->wh_b = w->wh_a;
	}
}

static void take_pair(struct part_walk *w, const struct index_pair *p)
{
	int64_t from = p->a.t_us > w->a ? p->a.t_us : w->a, to = p->b.t_us < w->b ? p->b.t_us : w->b;

	if (index_is_first(p)) {
		at_first(w, p);
		return;
	}
	if (!w->have_a && w->a <= p->b.t_us) {
		w->have_a = true;
		w->wh_a = index_at(p, w->a);
		w->out->flags_a = index_flags_at(p, w->a);
	}
	if (to > from && index_covers(p))
		w->out->covered_us += to - from;
	if (to > from && p->lost)
		w->out->flags |= STORE_RESET;
	if (w->b <= p->b.t_us) {
		w->have_b = true;
		w->wh_b = index_at(p, w->b);
		w->out->flags_b = index_flags_at(p, w->b);
	}
}

static bool part_sample(void *ctx, const struct fems_sample *s)
{
	struct part_walk *w = ctx;
	struct index_pair pairs[2];
	struct index_reading r;
	int n;

	if (!index_reading_of(s, &r))
		return true;
	n = index_push(&w->index, w->rule, &r, pairs);
	for (int i = 0; i < n && !w->have_b; i++)
		take_pair(w, &pairs[i]);
	return !w->have_b;
}

static void finish_part(struct part_walk *w)
{
	int64_t last = w->index.have ? index_value(&w->index.left) : 0;

	if (!w->index.have) {
		w->out->flags |= STORE_MISSING;
		return;
	}
	if (!w->have_b) {
		w->wh_b = last;
		w->out->flags |= STORE_PROVISIONAL;
	}
	if (!w->have_a) {
		w->wh_a = last;
		w->out->flags |= w->index.left.t_us == w->a && !w->index.left.anchor ? 0 : STORE_MISSING;
	}
	w->out->wh = w->wh_b - w->wh_a;
}

static enum fems_rc part_raw(struct counter_view *v, int64_t a, int64_t b, struct counter_part *out,
			     struct fems_error *e)
{
	struct part_walk w = { .rule = &v->rule, .a = a, .b = b, .out = out };
	struct boundary_builder bb;
	struct boundary row;
	bool found;
	int64_t from = 0;
	enum fems_rc rc = counter_row_before(v, a, &row, &found, e);

	if (rc == FEMS_OK && found) {
		boundary_resume(&bb, &row);
		w.index = bb.index;
		from = boundary_next_us(&row);
		if (row.t_us == a) {
			w.have_a = true;
			w.wh_a = row.wh;
			out->flags_a = row.flags & GAP_FLAGS;
		}
	}
	if (rc == FEMS_OK)
		rc = raw_walk(v->db, &v->raw, from, INT64_MAX - 1, part_sample, &w, e);
	if (rc == FEMS_OK)
		finish_part(&w);
	return rc;
}

enum fems_rc counter_part(struct counter_view *v, int64_t a, int64_t b, struct counter_part *out,
			  struct fems_error *e)
{
	memset(out, 0, sizeof *out);
	return a < v->rows_only_us ? part_rows(v, a, b, out, e) : part_raw(v, a, b, out, e);
}
