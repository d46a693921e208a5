/* SPDX-License-Identifier: Apache-2.0
 *
 * One transaction of the writer: what waits in memory, then the requests, each under a savepoint.
 * When it fails nothing is lost: everything goes back to where it waited.
 */
#include "config.h"
#include "core/store/internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Closed chunks are written a few at a time: all series close theirs when the hour ends. */
#define CHUNKS_MIN          64
#define IDLE_TAIL_HOURS     2
#define RETENTION_PERIOD_US US_PER_H

struct row_of {
	struct series *s;
	struct boundary row;
};

struct work {
	struct sample_list batch, late;
	uint64_t seq;     /* row of hot of the batch, or the last one before */
	uint64_t hot_min; /* rows before it are in chunks */
	uint64_t appended;
	struct row_of *rows;
	size_t n_rows;
	struct series *unsaved; /* copies; names borrowed (they live as long as the store) */
	size_t n_unsaved;
	struct chunk **chunks;
	uint64_t *chunk_seq;
	size_t n_chunks;
	int64_t drop_before_us; /* 0: no retention this time */
	struct late_results results;
};

static void work_free(struct work *w)
{
	free(w->batch.at);
	free(w->late.at);
	free(w->rows);
	free(w->unsaved);
	free(w->chunks);
	free(w->chunk_seq);
	free(w->results.at);
}

/* ---- collecting, lock held ---- */

static void close_idle_tails(struct store *st)
{
	for (size_t i = 0; i < st->n_series; i++) {
		struct series *s = st->series[i];

		if (s->tail && s->tail->hour + IDLE_TAIL_HOURS < chunk_hour(st->newest_us))
			live_close_tail(st, s);
	}
}

/* A younger chunk of the same hour in memory may hold samples of later rows. */
static uint64_t covered_until(struct store *st, const struct chunk *c, uint64_t seq)
{
	const struct chunk *tail = st->series[c->series - 1]->tail;

	for (const struct chunk *o = c->next; o; o = o->next)
		if (o->series == c->series && o->hour == c->hour && o->first_hot <= seq)
			seq = o->first_hot - 1;
	if (tail && tail->hour == c->hour && tail->first_hot <= seq)
		seq = tail->first_hot - 1;
	return seq;
}

static bool collect_chunks(struct store *st, struct work *w)
{
	size_t want = st->n_closed / 8 > CHUNKS_MIN ? st->n_closed / 8 : CHUNKS_MIN;

	if (want > st->n_closed)
		want = st->n_closed;
	w->chunks = malloc((want + 1) * sizeof *w->chunks);
	w->chunk_seq = malloc((want + 1) * sizeof *w->chunk_seq);
	if (!w->chunks || !w->chunk_seq)
		return false;
	for (struct chunk *c = st->closed; w->n_chunks < want; c = c->next) {
		w->chunk_seq[w->n_chunks] = covered_until(st, c, w->seq);
		w->chunks[w->n_chunks++] = c;
	}
	return true;
}

static bool collect_series(struct store *st, struct work *w)
{
	size_t rows = 0, unsaved = 0;

	for (size_t i = 0; i < st->n_series; i++) {
		rows += st->series[i]->fresh.n;
		unsaved += st->series[i]->unsaved;
	}
	w->rows = malloc((rows + 1) * sizeof *w->rows);
	w->unsaved = malloc((unsaved + 1) * sizeof *w->unsaved);
	if (!w->rows || !w->unsaved)
		return false;
	for (size_t i = 0; i < st->n_series; i++) {
		struct series *s = st->series[i];

		for (size_t k = 0; k < s->fresh.n; k++)
			w->rows[w->n_rows++] = (struct row_of){ s, s->fresh.rows[k] };
		if (s->unsaved)
			w->unsaved[w->n_unsaved++] = *s;
		s->unsaved = false;
	}
	return true;
}

static uint64_t oldest_needed(const struct store *st)
{
	uint64_t min = st->hot_next;

	for (size_t i = 0; i < st->n_series; i++)
		if (st->series[i]->tail && st->series[i]->tail->first_hot < min)
			min = st->series[i]->tail->first_hot;
	for (const struct chunk *c = st->closed; c; c = c->next)
		if (c->first_hot < min)
			min = c->first_hot;
	return min;
}

static void collect_retention(struct store *st, struct work *w)
{
	int64_t now = clock_now_us();

	if (!st->keep_raw_us || now < st->retention_next_us)
		return;
	st->retention_next_us = now + RETENTION_PERIOD_US;
	w->drop_before_us = chunk_hour(now - st->keep_raw_us) * US_PER_H;
	if (w->drop_before_us <= st->raw_from_us || w->drop_before_us <= 0)
		w->drop_before_us = 0;
}

static bool collect(struct store *st, struct work *w)
{
	memset(w, 0, sizeof *w);
	w->appended = st->appended;
	close_idle_tails(st);
	w->hot_min = oldest_needed(st);
	if (w->hot_min > st->hot_next)
		w->hot_min = st->hot_next;
	w->seq = st->pending.n ? st->hot_next : st->hot_next - 1;
	if (!collect_series(st, w) || !collect_chunks(st, w))
		return false;
	collect_retention(st, w);
	st->hot_next = w->seq + 1;
	w->batch = st->pending;
	w->late = st->late;
	memset(&st->pending, 0, sizeof st->pending);
	memset(&st->late, 0, sizeof st->late);
	return true;
}

/* ---- writing, no lock ---- */

static enum fems_rc write_series(struct db *db, const struct work *w, struct fems_error *e)
{
	enum fems_rc rc = FEMS_OK;

	for (size_t i = 0; rc == FEMS_OK && i < w->n_unsaved; i++) {
		const struct series *s = &w->unsaved[i];

		rc = db_run(
			db, e,
			"INSERT INTO series(id, name, counter, resolution, pack_step, max_rate, import_from,"
			" import_to) VALUES(?,?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET"
			" resolution=excluded.resolution, max_rate=excluded.max_rate,"
			" import_from=excluded.import_from, import_to=excluded.import_to",
			"isidddii", (int64_t)s->id, s->name, (int64_t)s->counter, s->resolution, s->pack_step,
			s->max_rate, s->import_from, s->import_to);
	}
	return rc;
}

static enum fems_rc write_rows(struct db *db, const struct work *w, struct fems_error *e)
{
	enum fems_rc rc = FEMS_OK;

	for (size_t i = 0; rc == FEMS_OK && i < w->n_rows; i++)
		rc = boundary_write(db, w->rows[i].s->id, &w->rows[i].row, e);
	return rc;
}

static enum fems_rc write_chunks(struct db *db, const struct work *w, struct fems_error *e)
{
	enum fems_rc rc = FEMS_OK;

	for (size_t i = 0; rc == FEMS_OK && i < w->n_chunks; i++)
		rc = chunk_flush(db, w->chunks[i], w->chunk_seq[i], e);
	return rc;
}

static enum fems_rc drop_old(struct store *st, struct db *db, const struct work *w, struct fems_error *e)
{
	char from[32];
	size_t n;
	enum fems_rc rc;

	if (!w->drop_before_us)
		return FEMS_OK;
	snprintf(from, sizeof from, "%lld", (long long)w->drop_before_us);
	rc = db_run(db, e, "INSERT OR REPLACE INTO state(name, value) VALUES('store.raw_from_us', ?)", "s",
		    from);
	pthread_mutex_lock(&st->lock);
	n = st->n_series;
	pthread_mutex_unlock(&st->lock);
	for (uint32_t id = 1; rc == FEMS_OK && id <= n; id++)
		rc = db_run(db, e, "DELETE FROM chunk WHERE id >= ? AND id < ?", "ii", chunk_id(id, 0),
			    chunk_id(id, chunk_hour(w->drop_before_us)));
	return rc;
}

static enum fems_rc write_work(struct store *st, struct db *db, struct work *w, struct fems_error *e)
{
	enum fems_rc rc = write_series(db, w, e);

	if (rc == FEMS_OK && w->batch.n)
		rc = hot_write(st, db, w->seq, &w->batch, e);
	if (rc == FEMS_OK)
		rc = write_rows(db, w, e);
	if (rc == FEMS_OK && w->late.n)
		rc = late_apply(st, db, w->seq, &w->late, &w->results, e);
	if (rc == FEMS_OK)
		rc = write_chunks(db, w, e);
	if (rc == FEMS_OK)
		rc = db_run(db, e, "DELETE FROM hot WHERE seq < ?", "i", (int64_t)w->hot_min);
	if (rc == FEMS_OK)
		rc = drop_old(st, db, w, e);
	return rc;
}

static void run_request(struct db *db, struct request *r)
{
	r->rc = db_exec(db, "SAVEPOINT request", r->e);
	if (r->rc != FEMS_OK)
		return;
	r->rc = r->fn(db, r->ctx, r->e);
	if (sqlite3_get_autocommit(db->h)) {
		if (r->rc == FEMS_OK) /* the whole transaction is gone: never report success */
			r->rc = err_set(r->e, FEMS_EIO, "the transaction was undone; try again");
		return;
	}
	if (r->rc == FEMS_OK)
		r->rc = db_exec(db, "RELEASE request", r->e);
	else
		db_exec(db, "ROLLBACK TO request; RELEASE request", NULL);
}

static enum fems_rc transaction(struct store *st, struct work *w, struct request *requests,
				struct fems_error *e)
{
	struct db *db = st->writer;
	enum fems_rc rc = db_exec(db, "BEGIN IMMEDIATE", e);

	if (rc != FEMS_OK)
		return rc;
	rc = write_work(st, db, w, e);
	for (struct request *r = requests; rc == FEMS_OK && r; r = r->next) {
		run_request(db, r);
		if (sqlite3_get_autocommit(db->h))
			rc = err_set(e, r->rc, "%s",
				     r->e && r->e->text[0] ? r->e->text : "the transaction was undone");
	}
	if (rc == FEMS_OK)
		rc = db_exec(db, "COMMIT", e);
	if (rc != FEMS_OK && !sqlite3_get_autocommit(db->h))
		db_exec(db, "ROLLBACK", NULL);
	return rc;
}

/* ---- afterwards, lock held ---- */

static void forget_rows(const struct work *w)
{
	size_t i = 0;

	while (i < w->n_rows) {
		struct series *s = w->rows[i].s;
		size_t n = 0;

		while (i + n < w->n_rows && w->rows[i + n].s == s)
			n++;
		s->fresh.n -= n;
		memmove(s->fresh.rows, s->fresh.rows + n, s->fresh.n * sizeof *s->fresh.rows);
		i += n;
	}
}

static void forget_chunks(struct store *st, const struct work *w)
{
	for (size_t i = 0; i < w->n_chunks; i++) {
		struct chunk *c = st->closed;

		MUST(c == w->chunks[i]);
		st->closed = c->next;
		if (!st->closed)
			st->closed_end = &st->closed;
		st->n_closed--;
		pack_free(&c->pack);
		free(c);
	}
}

static void succeeded(struct store *st, struct work *w, struct request *requests)
{
	forget_rows(w);
	forget_chunks(st, w);
	late_install(st, &w->results);
	for (struct request *r = requests; r; r = r->next)
		if (r->rc == FEMS_OK && r->after)
			r->after(st, r->ctx);
	st->waiting -= w->batch.n;
	st->committed = w->appended;
	if (w->drop_before_us)
		st->raw_from_us = w->drop_before_us;
	st->stats.samples_stored += w->batch.n;
	st->stats.commits++;
	st->stats.last_commit_us = clock_now_us();
	if (st->stats.disk_full)
		log_line(FEMS_LOG_INFO, "store",
			 "%s: there is room again, everything kept in memory is written", st->path);
	st->stats.disk_full = false;
	st->stats.last_error[0] = '\0';
}

static void put_back(struct sample_list *older, struct sample_list *newer)
{
	if (sample_list_add(older, newer->at, newer->n)) {
		free(newer->at);
		*newer = *older;
		memset(older, 0, sizeof *older);
	} else {
		log_line(FEMS_LOG_ERROR, "store", "out of memory: %zu samples lost", older->n);
	}
}

static void failed(struct store *st, struct work *w, const struct fems_error *e)
{
	put_back(&w->batch, &st->pending);
	put_back(&w->late, &st->late);
	for (size_t i = 0; i < w->n_unsaved; i++)
		st->series[w->unsaved[i].id - 1]->unsaved = true;
	if (w->drop_before_us)
		st->retention_next_us = 0;
	memcpy(st->stats.last_error, e->text, sizeof st->stats.last_error - 1);
	st->stats.last_error[sizeof st->stats.last_error - 1] = '\0';
	st->stats.disk_full = st->writer->full;
	log_line(FEMS_LOG_ERROR, "store", "%s: %s; samples are kept in memory meanwhile", st->path, e->text);
}

static bool idle(const struct work *w, const struct request *requests)
{
	return !requests && !w->batch.n && !w->late.n && !w->n_rows && !w->n_chunks && !w->n_unsaved &&
	       !w->drop_before_us;
}

static void conclude(struct store *st, struct work *w, struct request *requests, enum fems_rc rc,
		     const struct fems_error *e)
{
	pthread_mutex_lock(&st->lock);
	if (rc == FEMS_OK)
		succeeded(st, w, requests);
	else
		failed(st, w, e);
	pthread_mutex_unlock(&st->lock);
}

enum fems_rc commit_run(struct store *st, struct request *requests, struct fems_error *e)
{
	struct work w;
	bool ok, rebuilds;
	enum fems_rc rc;

	pthread_mutex_lock(&st->lock);
	ok = collect(st, &w);
	if (ok && idle(&w, requests)) {
		st->committed = w.appended;
		pthread_mutex_unlock(&st->lock);
		work_free(&w);
		return FEMS_OK;
	}
	pthread_mutex_unlock(&st->lock);
	if (!ok) {
		work_free(&w);
		return err_set(e, FEMS_ENOMEM, "out of memory; samples wait");
	}
	st->writer->full = false;
	/* Requests with a second part change the past too. Readers that overlap with it look again. */
	rebuilds = w.late.n > 0;
	for (const struct request *r = requests; r; r = r->next)
		rebuilds = rebuilds || r->after;
	if (rebuilds)
		atomic_fetch_add(&st->rebuilds, 1);
	rc = transaction(st, &w, requests, e);
	conclude(st, &w, requests, rc, e);
	if (rebuilds)
		atomic_fetch_add(&st->rebuilds, 1);
	work_free(&w);
	return rc;
}
