/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/store/migrate.h"
#include <stdio.h>
#include <unistd.h>
#include "core/base/err.h"
#include "core/base/log.h"

/* chunk.id = series << 24 | hour since 1970. A rowid table, because blobs overflow in index trees; its
 * hot_seq is the last row of hot whose samples it has.
 * boundary holds at each 15-min edge the reading, what is known of the 15 minutes before it, and the
 * accepted sample to its left, from which the index can be continued. audit.hash is for chaining. */
static const char first[] =
	"CREATE TABLE series(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, counter INTEGER NOT NULL,"
	" resolution REAL NOT NULL, pack_step REAL NOT NULL, max_rate REAL NOT NULL,"
	" import_from INTEGER NOT NULL, import_to INTEGER NOT NULL) STRICT;"
	"CREATE TABLE hot(seq INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL) STRICT;"
	"CREATE TABLE chunk(id INTEGER PRIMARY KEY, rev INTEGER NOT NULL, n INTEGER NOT NULL,"
	" hot_seq INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
	"CREATE TABLE boundary(series INTEGER NOT NULL, t_us INTEGER NOT NULL, wh INTEGER NOT NULL,"
	" flags INTEGER NOT NULL, covered_us INTEGER NOT NULL, left_us INTEGER NOT NULL,"
	" left_raw INTEGER NOT NULL, left_offset INTEGER NOT NULL, left_epoch INTEGER NOT NULL,"
	" left_gap_us INTEGER NOT NULL, anchor INTEGER NOT NULL, PRIMARY KEY(series, t_us)) STRICT, WITHOUT "
	"ROWID;"
	"CREATE TABLE document(id INTEGER PRIMARY KEY, received_us INTEGER NOT NULL, type TEXT NOT NULL,"
	" key TEXT NOT NULL, source TEXT NOT NULL, body BLOB NOT NULL, UNIQUE(source, type, key)) STRICT;"
	"CREATE TABLE orders(id TEXT PRIMARY KEY, request_id TEXT NOT NULL, schedule_id TEXT NOT NULL,"
	" source TEXT NOT NULL, equipment TEXT NOT NULL, product TEXT NOT NULL, segment TEXT NOT NULL,"
	" state TEXT NOT NULL, place TEXT NOT NULL, quantity REAL NOT NULL, quantity_unit TEXT NOT NULL,"
	" release_us INTEGER NOT NULL, due_us INTEGER NOT NULL, duration_us INTEGER NOT NULL,"
	" erp_start_us INTEGER NOT NULL, energy_wh INTEGER NOT NULL, priority INTEGER NOT NULL,"
	" plan_start_us INTEGER NOT NULL DEFAULT 0, plan_end_us INTEGER NOT NULL DEFAULT 0,"
	" plan_equipment TEXT NOT NULL DEFAULT '', actual_start_us INTEGER NOT NULL DEFAULT 0,"
	" actual_end_us INTEGER NOT NULL DEFAULT 0, rev INTEGER NOT NULL DEFAULT 1) STRICT;"
	"CREATE INDEX orders_schedule ON orders(source, schedule_id);"
	"CREATE INDEX orders_state ON orders(state, release_us);"
	"CREATE TABLE plan(id INTEGER PRIMARY KEY AUTOINCREMENT, made_us INTEGER NOT NULL,"
	" body BLOB NOT NULL) STRICT;"
	"CREATE TABLE plan_item(plan INTEGER NOT NULL REFERENCES plan(id) ON DELETE CASCADE,"
	" order_id TEXT NOT NULL, equipment TEXT NOT NULL, start_us INTEGER NOT NULL, end_us INTEGER NOT "
	"NULL,"
	" PRIMARY KEY(plan, order_id)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE outbox(id INTEGER PRIMARY KEY AUTOINCREMENT, route TEXT NOT NULL, type TEXT NOT NULL,"
	" key TEXT NOT NULL, business TEXT NOT NULL, state TEXT NOT NULL, body BLOB NOT NULL,"
	" created_us INTEGER NOT NULL, next_us INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,"
	" last_error TEXT NOT NULL DEFAULT '', receipt TEXT NOT NULL DEFAULT '', UNIQUE(route, key)) STRICT;"
	"CREATE INDEX outbox_open ON outbox(route, business, id) WHERE state IN ('new','retry','sent');"
	"CREATE TABLE audit(seq INTEGER PRIMARY KEY AUTOINCREMENT, t_us INTEGER NOT NULL, who TEXT NOT NULL,"
	" action TEXT NOT NULL, object TEXT NOT NULL, detail TEXT NOT NULL, hash BLOB) STRICT;"
	"CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit"
	" BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;"
	"CREATE TRIGGER audit_stays BEFORE DELETE ON audit"
	" BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;"
	"CREATE TABLE state(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;";

static const char *const steps[] = { first };
const struct migration store_schema = { steps, (int)ARRAY_LEN(steps) };

static enum fems_rc too_new(const char *path, int64_t has, int knows, struct fems_error *e)
{
	return err_set(e, FEMS_ECONFLICT,
		       "%s has schema %lld and this program knows up to %d; run the newer program, or start "
		       "from a snapshot of the older schema",
		       path, (long long)has, knows);
}

static enum fems_rc snapshot(struct db *db, const char *path, int64_t version, struct fems_error *e)
{
	char to[4096];

	if (snprintf(to, sizeof to, "%s-v%lld.snapshot", path, (long long)version) >= (int)sizeof to)
		return err_set(e, FEMS_EINVAL, "%s: the path is too long", path);
	if (access(to, F_OK) == 0)
		return FEMS_OK;
	log_line(FEMS_LOG_INFO, "store", "schema %lld is older: snapshot to %s", (long long)version, to);
	return db_run(db, e, "VACUUM INTO ?", "s", to);
}

static enum fems_rc take_step(struct db *db, const char *sql, int version, struct fems_error *e)
{
	char number[64];
	enum fems_rc rc = db_exec(db, "BEGIN IMMEDIATE", e);

	if (rc != FEMS_OK)
		return rc;
	snprintf(number, sizeof number, "PRAGMA user_version=%d; COMMIT", version);
	rc = db_exec(db, sql, e);
	if (rc == FEMS_OK)
		rc = db_exec(db, number, e);
	if (rc != FEMS_OK) {
		db_exec(db, "ROLLBACK", NULL);
		return err_wrap(e, rc, "to schema %d", version);
	}
	return FEMS_OK;
}

enum fems_rc migrate_run(struct db *db, const char *path, const struct migration *m, struct fems_error *e)
{
	int64_t has;
	enum fems_rc rc = db_int(db, "PRAGMA user_version", 0, &has, e);

	if (rc != FEMS_OK)
		return rc;
	if (has > m->n)
		return too_new(path, has, m->n, e);
	if (has > 0 && has < m->n)
		rc = snapshot(db, path, has, e);
	for (int v = (int)has; rc == FEMS_OK && v < m->n; v++)
		rc = take_step(db, m->steps[v], v + 1, e);
	return rc;
}

enum fems_rc migrate_check(struct db *db, const char *path, const struct migration *m, struct fems_error *e)
{
	int64_t has;
	enum fems_rc rc = db_int(db, "PRAGMA user_version", 0, &has, e);

	if (rc != FEMS_OK)
		return rc;
	if (has > m->n)
		return too_new(path, has, m->n, e);
	if (has < m->n)
		return err_set(e, FEMS_ECONFLICT,
			       "%s has schema %lld and this program needs %d; start femsd once, "
			       "which migrates it",
			       path, (long long)has, m->n);
	return FEMS_OK;
}
