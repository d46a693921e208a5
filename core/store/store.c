/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/store/internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "core/base/text.h"
#include "core/store/migrate.h"

static void init_locks(struct store *st)
{
	pthread_condattr_t mono;

	pthread_mutex_init(&st->lock, NULL);
	pthread_mutex_init(&st->pool_lock, NULL);
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_cond_init(&st->wake, &mono);
	pthread_cond_init(&st->done, &mono);
	pthread_condattr_destroy(&mono);
}

static struct store *make(const struct store_options *o)
{
	struct store *st = calloc(1, sizeof *st);

	if (!st)
		return NULL;
	st->lock_fd = -1;
	st->read_only = o->read_only;
	st->commit_us = o->commit_us > 0 ? o->commit_us : US_PER_S;
	st->keep_raw_us = o->keep_raw_us;
	st->closed_end = &st->closed;
	st->requests_end = &st->requests;
	st->hot_next = 1;
	st->dir = strdup(o->dir);
	if (!st->dir || asprintf(&st->path, "%s/fems.db", o->dir) < 0) {
		free(st->dir);
		free(st);
		return NULL;
	}
	init_locks(st);
	return st;
}

static void destroy(struct store *st)
{
	readers_close(st);
	db_close(st->writer);
	lock_release(st->lock_fd);
	live_free(st);
	pthread_mutex_destroy(&st->lock);
	pthread_mutex_destroy(&st->pool_lock);
	pthread_cond_destroy(&st->wake);
	pthread_cond_destroy(&st->done);
	free(st->dir);
	free(st->path);
	free(st);
}

static enum fems_rc load(struct store *st, struct db *db, struct fems_error *e)
{
	enum fems_rc rc = live_series_load(st, db, e);

	if (rc == FEMS_OK)
		rc = db_int(db, "SELECT CAST(value AS INTEGER) FROM state WHERE name='store.raw_from_us'", 0,
			    &st->raw_from_us, e);
	return rc == FEMS_OK ? hot_recover(st, db, e) : rc;
}

static enum fems_rc open_writing(struct store *st, struct fems_error *e)
{
	enum fems_rc rc = dir_make(st->dir, e);

	if (rc == FEMS_OK)
		rc = lock_take(st->dir, &st->lock_fd, e);
	if (rc == FEMS_OK)
		rc = db_open(st->path, DB_WRITER, &st->writer, e);
	if (rc == FEMS_OK)
		rc = migrate_run(st->writer, st->path, &store_schema, e);
	if (rc == FEMS_OK)
		rc = outbox_recover(st->writer, e);
	if (rc == FEMS_OK)
		rc = load(st, st->writer, e);
	/* Late samples that were not worked in yet; without room on the disk they go on waiting. */
	if (rc == FEMS_OK && commit_run(st, NULL, e) != FEMS_OK)
		log_line(FEMS_LOG_WARN, "store", "%s: late samples of the last run wait: %s", st->path,
			 e->text);
	return rc == FEMS_OK ? writer_start(st, e) : rc;
}

static enum fems_rc open_reading(struct store *st, struct fems_error *e)
{
	struct db *db = reader_take(st, e);
	enum fems_rc rc;

	if (!db)
		return FEMS_EIO;
	rc = migrate_check(db, st->path, &store_schema, e);
	if (rc == FEMS_OK)
		rc = load(st, db, e);
	if (rc == FEMS_OK)
		rc = late_show(st, e);
	reader_give(st, db);
	return rc;
}

enum fems_rc store_open(const struct store_options *o, struct store **out, struct fems_error *e)
{
	struct fems_error mine;
	struct store *st;
	enum fems_rc rc;

	*out = NULL;
	e = e ? e : &mine;
	if (!o->dir || !o->dir[0])
		return err_set(e, FEMS_EINVAL, "the store needs a directory");
	st = make(o);
	if (!st)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	rc = o->read_only ? open_reading(st, e) : open_writing(st, e);
	if (rc != FEMS_OK) {
		destroy(st);
		return rc;
	}
	*out = st;
	return FEMS_OK;
}

enum fems_rc store_close(struct store *st, int64_t budget_us, struct fems_error *e)
{
	enum fems_rc rc = FEMS_OK;

	if (!st)
		return FEMS_OK;
	if (!st->read_only)
		rc = writer_stop(st, budget_us, e);
	if (rc != FEMS_ETIME) /* else the writer still uses it */
		destroy(st);
	return rc;
}

static int64_t size_of(const char *path, const char *tail)
{
	char name[4096];
	struct stat sb;

	if (snprintf(name, sizeof name, "%s%s", path, tail) >= (int)sizeof name || stat(name, &sb) != 0)
		return 0;
	return (int64_t)sb.st_size;
}

void store_stats(struct store *st, struct store_stats *out)
{
	int64_t bytes = size_of(st->path, "") + size_of(st->path, "-wal");

	pthread_mutex_lock(&st->lock);
	*out = st->stats;
	out->samples_queued = st->waiting;
	pthread_mutex_unlock(&st->lock);
	out->bytes = bytes;
}

/* ---- samples out ---- */

bool store_last(struct store *st, uint32_t series, struct fems_sample *out)
{
	struct series *s;
	bool any;

	pthread_mutex_lock(&st->lock);
	s = live_series(st, series);
	any = s && s->has_last;
	if (any)
		*out = s->last;
	pthread_mutex_unlock(&st->lock);
	return any;
}

enum fems_rc store_range(struct store *st, uint32_t series, int64_t from_us, int64_t to_us,
			 store_sample_fn fn, void *ctx, struct fems_error *e)
{
	struct raw_view v = { 0, NULL, 0 };
	struct series *s;
	struct db *db;
	enum fems_rc rc;

	if (from_us >= to_us)
		return FEMS_OK;
	pthread_mutex_lock(&st->lock);
	s = live_series(st, series);
	if (from_us < st->raw_from_us)
		from_us = st->raw_from_us;
	rc = s ? raw_view_take(st, s, from_us, to_us, &v)
	       : err_set(e, FEMS_ENOENT, "no series with the number %u", (unsigned)series);
	pthread_mutex_unlock(&st->lock);
	if (rc != FEMS_OK)
		return rc;
	db = reader_take(st, e);
	rc = db ? raw_walk(db, &v, from_us, to_us, fn, ctx, e) : FEMS_EIO;
	if (db)
		reader_give(st, db);
	raw_view_free(&v);
	return rc;
}
