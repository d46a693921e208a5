/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/store/internal.h"

#define IDLE_MAX 4

/* As many connections as there are readers at a time, so that nobody waits for another's callback. */
struct db *reader_take(struct store *st, struct fems_error *e)
{
	struct db *db;

	pthread_mutex_lock(&st->pool_lock);
	db = st->idle;
	if (db) {
		st->idle = db->next;
		st->n_idle--;
	}
	pthread_mutex_unlock(&st->pool_lock);
	if (!db)
		db_open(st->path, DB_READER, &db, e);
	return db;
}

void reader_give(struct store *st, struct db *db)
{
	pthread_mutex_lock(&st->pool_lock);
	if (st->n_idle < IDLE_MAX) {
		db->next = st->idle;
		st->idle = db;
		st->n_idle++;
		db = NULL;
	}
	pthread_mutex_unlock(&st->pool_lock);
	db_close(db);
}

void readers_close(struct store *st)
{
	while (st->idle) {
		struct db *db = st->idle;

		st->idle = db->next;
		db_close(db);
	}
	st->n_idle = 0;
}
