/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/store/internal.h"
#include <stdio.h>
#include <string.h>

/* What the transport had taken when the program ended is tried again: the key is the same, so the
 * other side knows a message that it has already. */
enum fems_rc outbox_recover(struct db *db, struct fems_error *e)
{
	return db_exec(db, "UPDATE outbox SET state='retry', next_us=0 WHERE state='sent'", e);
}

/* ---- adding ---- */

struct outbox_add {
	const char *order_id;
	const struct store_message *m;
	bool fresh;
};

static enum fems_rc add_write(struct db *db, void *ctx, struct fems_error *e)
{
	struct outbox_add *a = ctx;
	const struct store_message *m = a->m;
	int64_t now = clock_now_us();
	enum fems_rc rc;

	rc = db_run(db, e,
		    "INSERT INTO outbox(route, type, key, business, state, body, created_us, next_us)"
		    " VALUES(?,?,?,?,'new',?,?,?) ON CONFLICT(route, key) DO NOTHING",
		    "ssssbii", m->route, m->type, m->key, m->business, m->body.ptr, m->body.len, now,
		    m->next_us);
	a->fresh = rc == FEMS_OK && sqlite3_changes(db->h) > 0;
	if (rc != FEMS_OK || !a->fresh || !a->order_id)
		return rc;
	rc = db_run(db, e, "UPDATE orders SET state='reported' WHERE id=?", "s", a->order_id);
	if (rc == FEMS_OK && !sqlite3_changes(db->h))
		rc = err_set(e, FEMS_ENOENT, "no order %s to report", a->order_id);
	return rc;
}

enum fems_rc store_outbox_add(struct store *st, const char *order_id, const struct store_message *m,
			      bool *fresh, struct fems_error *e)
{
	struct outbox_add a = { order_id, m, false };
	enum fems_rc rc;

	if (!m->route || !m->route[0] || !m->key || !m->key[0] || !m->type || !m->type[0])
		return err_set(e, FEMS_EINVAL, "a message of the outbox needs a route, a type and a key");
	rc = writer_do(st, add_write, NULL, &a, e);
	if (fresh)
		*fresh = rc == FEMS_OK && a.fresh;
	return rc;
}

/* ---- reading ---- */

#define COLUMNS                                                                                              \
	"id, route, type, key, business, state, last_error, receipt, body, created_us, next_us, attempts"

static void read_message(sqlite3_stmt *q, struct store_message *m)
{
	m->id = sqlite3_column_int64(q, 0);
	m->route = db_text(q, 1);
	m->type = db_text(q, 2);
	m->key = db_text(q, 3);
	m->business = db_text(q, 4);
	m->state = db_text(q, 5);
	m->last_error = db_text(q, 6);
	m->receipt = db_text(q, 7);
	m->body = db_blob(q, 8);
	m->created_us = sqlite3_column_int64(q, 9);
	m->next_us = sqlite3_column_int64(q, 10);
	m->attempts = sqlite3_column_int(q, 11);
}

static enum fems_rc give(struct store *st, struct db *db, sqlite3_stmt *q, store_message_fn fn, void *ctx,
			 struct fems_error *e)
{
	struct store_message m;
	int got = q ? 0 : -1;

	while (q && (got = db_step(db, q, e)) > 0) {
		read_message(q, &m);
		if (!fn(ctx, &m)) {
			db_end(q);
			break;
		}
	}
	reader_give(st, db);
	return got < 0 ? FEMS_EIO : FEMS_OK;
}

enum fems_rc store_outbox_due(struct store *st, const char *route, int64_t now_us, size_t max,
			      store_message_fn fn, void *ctx, struct fems_error *e)
{
	struct db *db = reader_take(st, e);

	if (!db)
		return FEMS_EIO;
	return give(st, db,
		    db_query(db, e,
			     "SELECT " COLUMNS
			     " FROM outbox AS m WHERE state IN ('new','retry') AND next_us<=?"
			     " AND (?='' OR route=?) AND (business='' OR NOT EXISTS (SELECT 1 FROM outbox AS "
			     "o WHERE"
			     " o.route=m.route AND o.business=m.business AND o.id<m.id AND o.state IN"
			     " ('new','retry','sent'))) ORDER BY id LIMIT ?",
			     "issi", now_us, route, route, (int64_t)max),
		    fn, ctx, e);
}

enum fems_rc store_outbox_list(struct store *st, const char *state, size_t max, store_message_fn fn,
			       void *ctx, struct fems_error *e)
{
	struct db *db = reader_take(st, e);

	if (!db)
		return FEMS_EIO;
	return give(st, db,
		    db_query(db, e,
			     "SELECT " COLUMNS " FROM outbox WHERE ?='' OR state=? ORDER BY id DESC LIMIT ?",
			     "ssi", state, state, (int64_t)max),
		    fn, ctx, e);
}

enum fems_rc store_outbox_count(struct store *st, struct store_outbox_counts *n, struct fems_error *e)
{
	struct db *db = reader_take(st, e);
	sqlite3_stmt *q;
	int got;

	memset(n, 0, sizeof *n);
	if (!db)
		return FEMS_EIO;
	q = db_query(db, e,
		     "SELECT total(state IN ('new','retry','sent')), total(state='dead'), total(state='done')"
		     " FROM outbox",
		     "");
	got = q ? db_step(db, q, e) : -1;
	if (got > 0) {
		n->waiting = sqlite3_column_int64(q, 0);
		n->dead = sqlite3_column_int64(q, 1);
		n->done = sqlite3_column_int64(q, 2);
		db_end(q);
	}
	reader_give(st, db);
	return got < 0 ? FEMS_EIO : FEMS_OK;
}

/* ---- results ---- */

/* Which state may follow which; a dead one may be tried again by hand. */
static const struct {
	const char *from, *to;
	bool attempt; /* it is the result of an attempt to deliver */
} moves[] = {
	{ "new", "sent", false },   { "new", "done", true },    { "new", "retry", true },
	{ "new", "dead", true },    { "retry", "sent", false }, { "retry", "done", true },
	{ "retry", "retry", true }, { "retry", "dead", true },  { "sent", "done", true },
	{ "sent", "retry", true },  { "sent", "dead", true },   { "dead", "retry", false },
	{ "done", "done", false },
};

struct outbox_result {
	int64_t id, next_us;
	const char *state, *error, *receipt;
};

static enum fems_rc state_of(struct db *db, int64_t id, char *state, size_t cap, struct fems_error *e)
{
	sqlite3_stmt *q = db_query(db, e, "SELECT state FROM outbox WHERE id=?", "i", id);
	int got = q ? db_step(db, q, e) : -1;

	if (got < 0)
		return FEMS_EIO;
	if (!got)
		return err_set(e, FEMS_ENOENT, "no message %lld in the outbox", (long long)id);
	snprintf(state, cap, "%s", db_text(q, 0));
	db_end(q);
	return FEMS_OK;
}

static enum fems_rc result_write(struct db *db, void *ctx, struct fems_error *e)
{
	const struct outbox_result *w = ctx;
	char now[16];
	enum fems_rc rc = state_of(db, w->id, now, sizeof now, e);

	if (rc != FEMS_OK)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(moves); i++)
		if (strcmp(moves[i].from, now) == 0 && strcmp(moves[i].to, w->state) == 0)
			return db_run(
				db, e,
				"UPDATE outbox SET state=?, next_us=?, last_error=?, attempts=attempts+?,"
				" receipt=iif(?='', receipt, ?) WHERE id=?",
				"sisissi", w->state, w->next_us, w->error, (int64_t)moves[i].attempt,
				w->receipt, w->receipt, w->id);
	return err_set(e, FEMS_ECONFLICT, "message %lld of the outbox is %s and cannot become %s",
		       (long long)w->id, now, w->state);
}

enum fems_rc store_outbox_result(struct store *st, int64_t id, const char *state, int64_t next_us,
				 const char *error, const char *receipt, struct fems_error *e)
{
	struct outbox_result w = { id, next_us, state ? state : "", error, receipt };

	return writer_do(st, result_write, NULL, &w, e);
}
