/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share. Not for other rooms.
 *
 * Where a sample is: appended samples wait in "pending" until the writer commits them as one row of
 * the table hot, and are at once packed into their series' open chunk (the tail), from which readers
 * are served. When the hour is over the chunk is closed and soon written to the table chunk; rows of
 * hot that no open or closed chunk needs any more are deleted. What does not come in order of time
 * goes to "late" and is worked in by the writer with the next commit.
 *
 * store->lock guards everything below "live"; it is never held during disk I/O. Only the writer
 * thread changes chunks that are closed, takes chunks out, and clears a series' late flag.
 */
#ifndef FEMS_STORE_INTERNAL_H
#define FEMS_STORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/store/boundary.h"
#include "core/store/db.h"
#include "core/store/pack.h"
#include "core/store/store.h"

#define WAITING_MAX 1000000 /* samples kept in memory while they cannot be written */

struct chunk {
	struct chunk *next; /* in the list of closed ones */
	uint32_t series;
	int64_t hour;
	uint64_t first_hot; /* no row of hot before it has samples of this chunk */
	struct pack pack;
};

struct series {
	uint32_t id;
	char *name;
	bool counter, unsaved;
	double resolution, pack_step, max_rate;
	int64_t import_from, import_to; /* 0: nothing imported */
	struct chunk *tail;
	bool has_last;
	struct fems_sample last; /* newest of what is not late */
	bool late;               /* samples of it are in store->late, or are being worked in */
	unsigned held;           /* its past is being changed: all its samples are taken as late */
	struct boundary_builder builder;
	struct boundary_list fresh; /* rows not committed yet */
};

struct sample_list {
	struct fems_sample *at;
	size_t n, cap;
};

/* A write that is run on the writer thread inside a transaction of its own kind (a savepoint). */
typedef enum fems_rc (*write_fn)(struct db *, void *ctx, struct fems_error *);
typedef void (*after_fn)(struct store *, void *ctx); /* lock held, when it is durable */
struct request {
	struct request *next;
	write_fn fn;
	after_fn after; /* may be NULL */
	void *ctx;
	struct fems_error *e;
	enum fems_rc rc;
	bool done;
};

struct store {
	char *dir, *path;
	int lock_fd;
	bool read_only;
	int64_t commit_us, keep_raw_us;

	pthread_mutex_t pool_lock;
	struct db *idle;
	int n_idle;

	pthread_mutex_t lock;
	pthread_cond_t wake; /* the writer */
	pthread_cond_t done; /* those who wait for it */
	/* live */
	struct series **series;
	size_t n_series, cap_series;
	uint32_t *by_name; /* ids in order of name */
	struct sample_list pending, late;
	struct chunk *closed, **closed_end;
	size_t n_closed;
	uint64_t hot_next; /* row of hot that will hold "pending" */
	int64_t newest_us;
	int64_t raw_from_us; /* older raw samples were dropped */
	struct request *requests, **requests_end;
	uint64_t appended, committed; /* sequence of store_append() calls for store_sync() */
	uint64_t begun, ended;        /* commits tried */
	bool sync_wanted;
	size_t waiting; /* samples appended and not durable */
	bool stopping, stopped, running;
	struct store_stats stats;
	int64_t warned_future_us;

	/* writer */
	pthread_t thread;
	struct db *writer;
	int64_t retention_next_us;
	atomic_uint rebuilds; /* odd while readings in the past are being made anew */
};

/* ---- live.c ---- */
struct series *live_series(struct store *, uint32_t id); /* lock held; NULL: unknown */
enum fems_rc live_series_load(struct store *, struct db *, struct fems_error *);
struct series *live_series_by_name(struct store *, const char *name); /* lock held */
void live_free(struct store *);
bool sample_list_add(struct sample_list *, const struct fems_sample *, size_t n);
/* Puts a sample that is later than all before it into the tail; false: out of memory. Lock held. */
bool live_push(struct store *, struct series *, const struct fems_sample *);
void live_close_tail(struct store *, struct series *);
struct index_rule live_rule(const struct series *);

/* ---- raw.c: samples of one series from memory and disk together ---- */
struct raw_part { /* a copy of a chunk in memory */
	int64_t hour;
	struct pack pack;
};
struct raw_view {
	uint32_t series;
	struct raw_part *parts;
	size_t n;
};
/* Copies what memory has of hours from..to (lock held). */
enum fems_rc raw_view_take(struct store *, struct series *, int64_t from_us, int64_t to_us,
			   struct raw_view *);
void raw_view_free(struct raw_view *);
/* Samples of [from, to) in order; take the view before the read transaction begins. */
enum fems_rc raw_walk(struct db *, const struct raw_view *, int64_t from_us, int64_t to_us, store_sample_fn,
		      void *ctx, struct fems_error *);
/* Samples of a body of a chunk; FEMS_EIO when it is damaged. */
enum fems_rc raw_unpack(uint32_t series, int64_t hour, struct fems_span body, struct sample_list *out,
			struct fems_error *);
enum fems_rc raw_unpack_pack(uint32_t series, const struct pack *, struct sample_list *out);
/* Merges by time; of the same time, extra wins. Both in order. out is cleared first. */
enum fems_rc raw_merge(const struct sample_list *base, const struct sample_list *extra,
		       struct sample_list *out);

/* Samples of one hour from the view and the disk. */
enum fems_rc raw_collect(struct db *, const struct raw_view *, int64_t hour, struct sample_list *out,
			 struct fems_error *);

/* ---- readers.c ---- */
struct db *reader_take(struct store *, struct fems_error *);
void reader_give(struct store *, struct db *);
void readers_close(struct store *);

/* ---- writer.c ---- */
enum fems_rc writer_start(struct store *, struct fems_error *);
enum fems_rc writer_stop(struct store *, int64_t budget_us, struct fems_error *);
/* Runs fn on the writer thread; durable on FEMS_OK, nothing done otherwise. */
enum fems_rc writer_do(struct store *, write_fn, after_fn, void *ctx, struct fems_error *);

/* ---- commit.c ---- */
/* One transaction: waiting samples, late ones, closed chunks, the requests. */
enum fems_rc commit_run(struct store *, struct request *requests, struct fems_error *);
/* ---- late.c ---- */
/* Works samples (in order of arrival) into chunks and boundary rows inside the transaction. */
struct late_result {
	uint32_t series;
	struct fems_sample newest;
	bool has_builder; /* else the one in force stays right */
	struct boundary_builder builder;
};
struct late_results {
	struct late_result *at;
	size_t n, cap;
};
enum fems_rc late_apply(struct store *, struct db *, uint64_t seq, const struct sample_list *,
			struct late_results *, struct fems_error *);
void late_install(struct store *, const struct late_results *); /* lock held, after the commit */
/* Without a writer: late samples become chunks in memory, so that readers see them. */
enum fems_rc late_show(struct store *, struct fems_error *);
/* ---- rebuild.c ---- */
/* Makes the boundary rows anew that a change at or after from_us and up to to_us can touch. */
enum fems_rc late_rebuild(struct store *, struct db *, struct series *, int64_t from_us, int64_t to_us,
			  struct late_result *, struct fems_error *);
/* ---- hot.c ---- */
enum fems_rc hot_write(struct store *, struct db *, uint64_t seq, struct sample_list *, struct fems_error *);
/* Reads the table back into memory and continues every counter where it was. */
enum fems_rc hot_recover(struct store *, struct db *, struct fems_error *);
/* ---- chunk.c ---- */
int64_t chunk_hour(int64_t t_us);
int64_t chunk_id(uint32_t series, int64_t hour);
/* Replaces what is there. seq: the last row of hot whose samples are in it. */
enum fems_rc chunk_write(struct db *, uint32_t series, int64_t hour, uint64_t seq, const struct pack *,
			 struct fems_error *);
/* Joins a chunk of memory with what is there; of the same time the one in memory wins. */
enum fems_rc chunk_flush(struct db *, const struct chunk *, uint64_t seq, struct fems_error *);
/* ---- lock.c ---- */
enum fems_rc lock_take(const char *dir, int *fd, struct fems_error *);
void lock_release(int fd);

/* ---- outbox.c ---- */
enum fems_rc outbox_recover(struct db *, struct fems_error *);

#endif
