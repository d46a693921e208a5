/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer thread: owns the only connection that writes and checkpoints.
 */
#include "config.h"
#include "core/store/internal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHECKPOINT_PAGES 1000
#define EARLY_COMMIT     (WAITING_MAX / 8)

static struct timespec at_mono(int64_t us)
{
	struct timespec ts = { (time_t)(us / US_PER_S), (long)(us % US_PER_S) * 1000 };

	return ts;
}

static bool wanted(const struct store *st)
{
	return st->requests || st->sync_wanted || st->stopping ||
	       (st->waiting > EARLY_COMMIT && !st->stats.disk_full);
}

static void finish_requests(struct store *st, struct request *list, enum fems_rc rc,
			    const struct fems_error *e)
{
	while (list) {
		struct request *r = list;

		list = r->next;
		if (rc != FEMS_OK && r->rc == FEMS_OK)
			r->rc = err_set(r->e, rc, "%s", e->text);
		r->done = true;
	}
	st->ended++;
	pthread_cond_broadcast(&st->done);
}

static void checkpoint(struct store *st)
{
	if (st->writer->wal_pages < CHECKPOINT_PAGES)
		return;
	st->writer->wal_pages = 0;
	if (sqlite3_wal_checkpoint_v2(st->writer->h, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) !=
	    SQLITE_OK)
		log_line(FEMS_LOG_WARN, "store",
			 "%s: the write-ahead log grows, its contents could not be moved (%s); "
			 "nothing is lost, check the room on the disk",
			 st->path, sqlite3_errmsg(st->writer->h));
}

/* Lock held on entry and exit. */
static void one_commit(struct store *st)
{
	struct request *list = st->requests;
	struct fems_error e = { "", NULL };
	enum fems_rc rc;

	st->requests = NULL;
	st->requests_end = &st->requests;
	st->sync_wanted = false;
	st->begun++;
	pthread_mutex_unlock(&st->lock);
	rc = commit_run(st, list, &e);
	pthread_mutex_lock(&st->lock);
	finish_requests(st, list, rc, &e);
	pthread_mutex_unlock(&st->lock);
	checkpoint(st);
	pthread_mutex_lock(&st->lock);
}

static void *writer_main(void *arg)
{
	struct store *st = arg;
	int64_t next = clock_mono_us() + st->commit_us;

	pthread_mutex_lock(&st->lock);
	for (;;) {
		struct timespec until = at_mono(next);
		bool last = st->stopping && !st->requests;

		while (!wanted(st) && clock_mono_us() < next)
			pthread_cond_timedwait(&st->wake, &st->lock, &until);
		one_commit(st);
		if (last)
			break;
		next = clock_mono_us() + st->commit_us;
	}
	st->running = false;
	pthread_cond_broadcast(&st->done);
	pthread_mutex_unlock(&st->lock);
	return NULL;
}

enum fems_rc writer_start(struct store *st, struct fems_error *e)
{
	int bad;

	st->running = true;
	bad = pthread_create(&st->thread, NULL, writer_main, st);
	if (bad) {
		st->running = false;
		return err_set(e, FEMS_EIO, "cannot start the writer: %s", strerror(bad));
	}
	return FEMS_OK;
}

enum fems_rc writer_stop(struct store *st, int64_t budget_us, struct fems_error *e)
{
	struct timespec until = at_mono(clock_mono_us() + budget_us);
	size_t left;
	bool stopped;

	pthread_mutex_lock(&st->lock);
	st->stopping = true;
	pthread_cond_signal(&st->wake);
	while (st->running && pthread_cond_timedwait(&st->done, &st->lock, &until) != ETIMEDOUT)
		;
	stopped = !st->running;
	left = st->waiting;
	pthread_mutex_unlock(&st->lock);
	if (!stopped) {
		pthread_detach(st->thread);
		return err_set(e, FEMS_ETIME, "%s: the disk did not answer in time; %zu samples may be lost",
			       st->path, left);
	}
	pthread_join(st->thread, NULL);
	if (left)
		return err_set(e, FEMS_EIO, "%s: %zu samples could not be written: %s", st->path, left,
			       st->stats.last_error);
	return FEMS_OK;
}

enum fems_rc writer_do(struct store *st, write_fn fn, after_fn after, void *ctx, struct fems_error *e)
{
	struct fems_error mine = { "", NULL };
	struct request r = { .fn = fn, .after = after, .ctx = ctx, .e = e ? e : &mine };

	if (st->read_only)
		return err_set(e, FEMS_EINVAL, "%s is open for reading only", st->path);
	pthread_mutex_lock(&st->lock);
	if (st->stopping) {
		pthread_mutex_unlock(&st->lock);
		return err_set(e, FEMS_AGAIN, "the store is being closed");
	}
	*st->requests_end = &r;
	st->requests_end = &r.next;
	pthread_cond_signal(&st->wake);
	while (!r.done)
		pthread_cond_wait(&st->done, &st->lock);
	pthread_mutex_unlock(&st->lock);
	return r.rc;
}

static enum fems_rc sync_wait(struct store *st, int64_t budget_us, struct fems_error *e)
{
	struct timespec until = at_mono(clock_mono_us() + budget_us);
	uint64_t target = st->appended, begun = st->begun;

	while (st->committed < target) {
		if (!st->running)
			return err_set(e, FEMS_AGAIN, "the store is being closed");
		if (st->ended > begun && st->stats.last_error[0])
			return err_set(e, FEMS_EIO, "%s", st->stats.last_error);
		st->sync_wanted = true;
		pthread_cond_signal(&st->wake);
		if (pthread_cond_timedwait(&st->done, &st->lock, &until) == ETIMEDOUT &&
		    st->committed < target)
			return err_set(e, FEMS_ETIME, "%s: not written within the time given", st->path);
	}
	return FEMS_OK;
}

enum fems_rc store_sync(struct store *st, int64_t budget_us, struct fems_error *e)
{
	enum fems_rc rc;

	if (st->read_only)
		return FEMS_OK;
	pthread_mutex_lock(&st->lock);
	rc = sync_wait(st, budget_us, e);
	pthread_mutex_unlock(&st->lock);
	return rc;
}
