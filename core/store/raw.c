/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/store/internal.h"
#include <stdlib.h>
#include <string.h>

static bool add_part(struct raw_view *v, const struct chunk *c, int64_t from, int64_t to)
{
	struct raw_part *parts;
	struct pack *pack;

	if (!c || c->series != v->series || c->hour < from || c->hour > to)
		return true;
	parts = realloc(v->parts, (v->n + 1) * sizeof *parts);
	if (!parts)
		return false;
	v->parts = parts;
	pack = &parts[v->n].pack;
	parts[v->n].hour = c->hour;
	*pack = c->pack;
	memset(&pack->records, 0, sizeof pack->records);
	if (!pack_put(&pack->records, c->pack.records.ptr, c->pack.records.len))
		return false;
	v->n++;
	return true;
}

enum fems_rc raw_view_take(struct store *st, struct series *s, int64_t from_us, int64_t to_us,
			   struct raw_view *v)
{
	int64_t from = chunk_hour(from_us), to = chunk_hour(to_us);
	bool ok = true;

	memset(v, 0, sizeof *v);
	v->series = s->id;
	for (const struct chunk *c = st->closed; ok && c; c = c->next)
		ok = add_part(v, c, from, to);
	if (ok)
		ok = add_part(v, s->tail, from, to);
	if (ok)
		return FEMS_OK;
	raw_view_free(v);
	return FEMS_ENOMEM;
}

void raw_view_free(struct raw_view *v)
{
	for (size_t i = 0; i < v->n; i++)
		pack_free(&v->parts[i].pack);
	free(v->parts);
	memset(v, 0, sizeof *v);
}

static enum fems_rc unpack_all(struct unpack *u, struct sample_list *out)
{
	struct fems_sample s;

	while (unpack_next(u, &s))
		if (!sample_list_add(out, &s, 1))
			return FEMS_ENOMEM;
	return u->left ? FEMS_EIO : FEMS_OK;
}

enum fems_rc raw_unpack(uint32_t series, int64_t hour, struct fems_span body, struct sample_list *out,
			struct fems_error *e)
{
	struct unpack u;
	enum fems_rc rc = unpack_body(&u, series, body) ? unpack_all(&u, out) : FEMS_EIO;

	if (rc == FEMS_EIO)
		return err_set(
			e, rc,
			"series %u: the samples of hour %lld are damaged on the disk; restore the last "
			"snapshot and check the disk",
			(unsigned)series, (long long)hour);
	return rc == FEMS_ENOMEM ? err_set(e, rc, "out of memory") : rc;
}

enum fems_rc raw_unpack_pack(uint32_t series, const struct pack *pk, struct sample_list *out)
{
	struct unpack u;

	unpack_records(&u, series, pk);
	return unpack_all(&u, out);
}

enum fems_rc raw_merge(const struct sample_list *base, const struct sample_list *extra,
		       struct sample_list *out)
{
	size_t i = 0, j = 0;

	out->n = 0;
	while (i < base->n || j < extra->n) {
		const struct fems_sample *s;

		if (j == extra->n || (i < base->n && base->at[i].t_us < extra->at[j].t_us)) {
			s = &base->at[i++];
		} else {
			if (i < base->n && base->at[i].t_us == extra->at[j].t_us)
				i++;
			s = &extra->at[j++];
		}
		if (!sample_list_add(out, s, 1))
			return FEMS_ENOMEM;
	}
	return FEMS_OK;
}

/* ---- walking ---- */

struct walk {
	const struct raw_view *view;
	int64_t from_us, to_us;
	store_sample_fn fn;
	void *ctx;
	bool stopped;
	struct sample_list disk, mem, one, all;
};

static void walk_free(struct walk *w)
{
	free(w->disk.at);
	free(w->mem.at);
	free(w->one.at);
	free(w->all.at);
}

/* Everything memory has of an hour; several chunks of one hour: the younger wins. */
static enum fems_rc memory_of(struct walk *w, int64_t hour)
{
	enum fems_rc rc = FEMS_OK;

	w->mem.n = 0;
	for (size_t i = 0; rc == FEMS_OK && i < w->view->n; i++) {
		struct sample_list older = w->mem;

		if (w->view->parts[i].hour != hour)
			continue;
		w->one.n = 0;
		rc = raw_unpack_pack(w->view->series, &w->view->parts[i].pack, &w->one);
		if (rc == FEMS_OK)
			rc = raw_merge(&older, &w->one, &w->all);
		w->mem = w->all;
		w->all = older;
	}
	return rc;
}

static enum fems_rc give_hour(struct walk *w, int64_t hour, struct fems_error *e)
{
	enum fems_rc rc = memory_of(w, hour);

	if (rc == FEMS_OK)
		rc = raw_merge(&w->disk, &w->mem, &w->all);
	if (rc != FEMS_OK)
		return err_set(e, rc, "series %u: %s", (unsigned)w->view->series, err_name(rc));
	w->disk.n = 0;
	for (size_t i = 0; i < w->all.n && !w->stopped; i++)
		if (w->all.at[i].t_us >= w->from_us)
			w->stopped = w->all.at[i].t_us >= w->to_us || !w->fn(w->ctx, &w->all.at[i]);
	return FEMS_OK;
}

/* First hour behind `after` that memory has, INT64_MAX when there is none. */
static int64_t next_in_memory(const struct raw_view *v, int64_t after)
{
	int64_t best = INT64_MAX;

	for (size_t i = 0; i < v->n; i++)
		if (v->parts[i].hour > after && v->parts[i].hour < best)
			best = v->parts[i].hour;
	return best;
}

static enum fems_rc memory_until(struct walk *w, int64_t *done, int64_t hour, struct fems_error *e)
{
	enum fems_rc rc = FEMS_OK;
	int64_t h;

	while (rc == FEMS_OK && !w->stopped && (h = next_in_memory(w->view, *done)) < hour) {
		rc = give_hour(w, h, e);
		*done = h;
	}
	return rc;
}

static enum fems_rc walk_hours(struct db *db, struct walk *w, struct fems_error *e)
{
	int64_t first = chunk_hour(w->from_us), last = chunk_hour(w->to_us - 1), done = first - 1;
	uint32_t series = w->view->series;
	sqlite3_stmt *q = db_query(db, e, "SELECT id, body FROM chunk WHERE id BETWEEN ? AND ? ORDER BY id",
				   "ii", chunk_id(series, first < 0 ? 0 : first),
				   chunk_id(series, last > 0xffffff ? 0xffffff : last));
	enum fems_rc rc = FEMS_OK;
	int got = q ? 0 : -1;

	while (q && rc == FEMS_OK && !w->stopped && (got = db_step(db, q, e)) > 0) {
		int64_t hour = sqlite3_column_int64(q, 0) & 0xffffff;

		rc = memory_until(w, &done, hour, e);
		if (rc != FEMS_OK || w->stopped)
			break;
		w->disk.n = 0;
		rc = raw_unpack(series, hour, db_blob(q, 1), &w->disk, e);
		if (rc == FEMS_OK)
			rc = give_hour(w, hour, e);
		done = hour;
	}
	if (q && got > 0)
		db_end(q);
	if (got < 0)
		return FEMS_EIO;
	w->disk.n = 0;
	return rc == FEMS_OK ? memory_until(w, &done, INT64_MAX, e) : rc;
}

enum fems_rc raw_walk(struct db *db, const struct raw_view *v, int64_t from_us, int64_t to_us,
		      store_sample_fn fn, void *ctx, struct fems_error *e)
{
	struct walk w = { .view = v, .from_us = from_us, .to_us = to_us, .fn = fn, .ctx = ctx };
	enum fems_rc rc;

	if (from_us >= to_us)
		return FEMS_OK;
	rc = walk_hours(db, &w, e);
	walk_free(&w);
	return rc;
}

struct collect {
	struct sample_list *out;
	bool failed;
};

static bool collect_one(void *ctx, const struct fems_sample *s)
{
	struct collect *c = ctx;

	c->failed = !sample_list_add(c->out, s, 1);
	return !c->failed;
}

enum fems_rc raw_collect(struct db *db, const struct raw_view *v, int64_t hour, struct sample_list *out,
			 struct fems_error *e)
{
	struct collect c = { out, false };
	enum fems_rc rc = raw_walk(db, v, hour * US_PER_H, (hour + 1) * US_PER_H, collect_one, &c, e);

	return rc == FEMS_OK && c.failed ? err_set(e, FEMS_ENOMEM, "out of memory") : rc;
}
