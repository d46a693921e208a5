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
		if (i + 1 == late->n || o[i].s->point != o[i + 1].s->point ||
		    o[i].s->t_us != o[i + 1].s->t_us)
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

static enum fems_rc apply_series(struct hour_job *j, const struct fems_sample *s, size_t n,
				 struct late_result *out, struct fems_error *e)
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

		while (i < l.n && l.at[i].point == hour.at[0].point &&
		       chunk_hour(l.at[i].t_us) == chunk_hour(hour.at[0].t_us))
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
