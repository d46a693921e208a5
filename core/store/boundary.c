/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/store/boundary.h"
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/store/store.h"

#define LONGEST_GAP_US (40 * US_PER_DAY)

int64_t boundary_floor(int64_t t)
{
	int64_t r = t % US_PER_SLOT;

	return t - (r < 0 ? r + US_PER_SLOT : r);
}

bool boundary_list_add(struct boundary_list *l, const struct boundary *b)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 4;
		struct boundary *rows = realloc(l->rows, cap * sizeof *rows);

		if (!rows)
			return false;
		l->rows = rows;
		l->cap = cap;
	}
	l->rows[l->n++] = *b;
	return true;
}

void boundary_resume(struct boundary_builder *bb, const struct boundary *row)
{
	memset(bb, 0, sizeof *bb);
	bb->index.have = true;
	bb->index.left = row->left;
	bb->edge_us = row->t_us;
}

int64_t boundary_next_us(const struct boundary *row)
{
	return row->left.t_us + !row->left.anchor;
}

/* The time from where the last row ended to t, as far as it lies between the two readings. */
static void cover(struct boundary_builder *bb, const struct index_pair *p, int64_t *from, int64_t t)
{
	if (index_covers(p))
		bb->covered_us += t - *from;
	if (p->lost && t > *from)
		bb->lost = true;
	*from = t;
}

static void make_row(const struct boundary_builder *bb, const struct index_pair *p, int64_t edge,
		     struct boundary *row)
{
	memset(row, 0, sizeof *row);
	row->t_us = edge;
	row->wh = index_at(p, edge);
	row->covered_us = bb->covered_us;
	row->flags = index_flags_at(p, edge);
	row->left = edge == p->b.t_us ? p->b : p->a;
	if (bb->lost)
		row->flags |= STORE_RESET;
	if (index_is_first(p))
		row->flags |= STORE_MISSING;
}

static bool pass(struct boundary_builder *bb, const struct index_pair *p, struct boundary_list *out)
{
	bool first = index_is_first(p);
	int64_t from = bb->edge_us > p->a.t_us ? bb->edge_us : p->a.t_us;
	int64_t last = boundary_floor(p->b.t_us);
	int64_t edge = first ? last : boundary_floor(from) + US_PER_SLOT;
	struct boundary row;

	if (first && last != p->b.t_us) /* the first reading of all lies inside a slot */
		return true;
	while (edge <= last) {
		cover(bb, p, &from, edge);
		make_row(bb, p, edge, &row);
		if (!boundary_list_add(out, &row))
			return false;
		bb->edge_us = edge;
		bb->covered_us = 0;
		bb->lost = false;
		edge += US_PER_SLOT;
		if (last - edge > LONGEST_GAP_US) {
			edge = last;
			from = last - US_PER_SLOT;
		}
	}
	if (p->b.t_us > from)
		cover(bb, p, &from, p->b.t_us);
	return true;
}

bool boundary_push(struct boundary_builder *bb, const struct index_rule *rule, const struct fems_sample *s,
		   struct boundary_list *out)
{
	struct index_pair pairs[2];
	struct index_reading r;
	int n;

	if (!index_reading_of(s, &r))
		return true;
	n = index_push(&bb->index, rule, &r, pairs);
	for (int i = 0; i < n; i++)
		if (!pass(bb, &pairs[i], out))
			return false;
	return true;
}

bool boundary_equal(const struct boundary *a, const struct boundary *b)
{
	return a->t_us == b->t_us && a->wh == b->wh && a->flags == b->flags &&
	       a->covered_us == b->covered_us && a->left.t_us == b->left.t_us && a->left.raw == b->left.raw &&
	       a->left.offset == b->left.offset && a->left.epoch == b->left.epoch &&
	       a->left.gap_us == b->left.gap_us && a->left.anchor == b->left.anchor;
}

void boundary_read(sqlite3_stmt *st, struct boundary *b)
{
	memset(b, 0, sizeof *b);
	b->t_us = sqlite3_column_int64(st, 0);
	b->wh = sqlite3_column_int64(st, 1);
	b->flags = (uint32_t)sqlite3_column_int64(st, 2);
	b->covered_us = sqlite3_column_int64(st, 3);
	b->left.t_us = sqlite3_column_int64(st, 4);
	b->left.raw = sqlite3_column_int64(st, 5);
	b->left.offset = sqlite3_column_int64(st, 6);
	b->left.epoch = (uint32_t)sqlite3_column_int64(st, 7);
	b->left.gap_us = sqlite3_column_int64(st, 8);
	b->left.anchor = sqlite3_column_int(st, 9) != 0;
}

enum fems_rc boundary_write(struct db *db, uint32_t series, const struct boundary *b, struct fems_error *e)
{
	return db_run(db, e,
		      "INSERT OR REPLACE INTO boundary(series, " BOUNDARY_COLUMNS
		      ") VALUES(?,?,?,?,?,?,?,?,?,?,?)",
		      "iiiiiiiiiii", (int64_t)series, b->t_us, b->wh, (int64_t)b->flags, b->covered_us,
		      b->left.t_us, b->left.raw, b->left.offset, (int64_t)b->left.epoch, b->left.gap_us,
		      (int64_t)b->left.anchor);
}

static enum fems_rc one_row(struct db *db, sqlite3_stmt *st, struct boundary *b, bool *found,
			    struct fems_error *e)
{
	int got = st ? db_step(db, st, e) : -1;

	*found = got > 0;
	if (got > 0) {
		boundary_read(st, b);
		db_end(st);
	}
	return got < 0 ? FEMS_EIO : FEMS_OK;
}

enum fems_rc boundary_before(struct db *db, uint32_t series, int64_t t_us, struct boundary *b, bool *found,
			     struct fems_error *e)
{
	sqlite3_stmt *st = db_query(db, e,
				    "SELECT " BOUNDARY_COLUMNS " FROM boundary WHERE series=? AND t_us<=?"
				    " ORDER BY t_us DESC LIMIT 1",
				    "ii", (int64_t)series, t_us);

	return one_row(db, st, b, found, e);
}

enum fems_rc boundary_after(struct db *db, uint32_t series, int64_t t_us, struct boundary *b, bool *found,
			    struct fems_error *e)
{
	sqlite3_stmt *st = db_query(db, e,
				    "SELECT " BOUNDARY_COLUMNS " FROM boundary WHERE series=? AND t_us>?"
				    " ORDER BY t_us LIMIT 1",
				    "ii", (int64_t)series, t_us);

	return one_row(db, st, b, found, e);
}
