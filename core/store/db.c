/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/store/db.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/err.h"

static int note_wal_pages(void *ctx, sqlite3 *h, const char *schema, int pages)
{
	struct db *db = ctx;

	(void)h, (void)schema;
	db->wal_pages = pages;
	return SQLITE_OK;
}

/* Only the writer's own explicit calls may checkpoint: two connections that write or checkpoint one
 * WAL at once can corrupt it in SQLite before 3.51.3. */
static const char *const pragmas[] = {
	[DB_WRITER] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
		      "PRAGMA mmap_size=0; PRAGMA wal_autocheckpoint=0; PRAGMA temp_store=MEMORY;"
		      "PRAGMA cache_size=-8192; PRAGMA journal_size_limit=33554432;",
	[DB_READER] = "PRAGMA query_only=ON; PRAGMA mmap_size=0; PRAGMA wal_autocheckpoint=0;"
		      "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-2048;",
};

static enum fems_rc configure(struct db *db, enum db_mode mode, struct fems_error *e)
{
	enum fems_rc rc;

	sqlite3_busy_timeout(db->h, 5000);
	sqlite3_extended_result_codes(db->h, 1);
	if (mode == DB_READER)
		sqlite3_db_config(db->h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	rc = db_exec(db, pragmas[mode], e);
	/* After the pragmas: switching automatic checkpoints off would take the hook away. */
	sqlite3_wal_hook(db->h, note_wal_pages, db);
	return rc;
}

enum fems_rc db_open(const char *path, enum db_mode mode, struct db **out, struct fems_error *e)
{
	int flags = mode == DB_WRITER ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
	struct db *db = calloc(1, sizeof *db);
	enum fems_rc rc;

	*out = NULL;
	if (!db)
		return err_set(e, FEMS_ENOMEM, "%s: out of memory", path);
	if (sqlite3_open_v2(path, &db->h, flags | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
		rc = configure(db, mode, e);
	else
		rc = err_set(e, FEMS_EIO, "cannot open (%s)",
			     db->h ? sqlite3_errmsg(db->h) : "out of memory");
	if (rc != FEMS_OK) {
		db_close(db);
		return err_wrap(e, rc, "%s", path);
	}
	*out = db;
	return FEMS_OK;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	for (int i = 0; i < db->n; i++)
		sqlite3_finalize(db->cache[i].st);
	sqlite3_close(db->h);
	free(db);
}

/* Disk full, quota, or file size limit. SQLite has no errno for the latter two, only a failed write. */
static bool is_full(struct db *db)
{
	int code = sqlite3_extended_errcode(db->h);

	return (code & 0xff) == SQLITE_FULL || code == SQLITE_IOERR_WRITE;
}

static const struct {
	int code;
	enum fems_rc rc;
	const char *remedy;
} remedies[] = {
	{ SQLITE_CORRUPT, FEMS_EIO, "the database is damaged: stop, keep a copy, restore the last snapshot" },
	{ SQLITE_NOTADB, FEMS_EIO, "this is not a database: move the file away or restore a snapshot" },
	{ SQLITE_READONLY, FEMS_EIO, "it cannot be written: check owner and mode of the directory" },
	{ SQLITE_CANTOPEN, FEMS_EIO, "check that the directory exists and may be read" },
	{ SQLITE_BUSY, FEMS_EIO, "another program writes to the database: close it" },
	{ SQLITE_CONSTRAINT, FEMS_ECONFLICT, "it breaks a rule of the database" },
	{ SQLITE_NOMEM, FEMS_ENOMEM, "out of memory" },
};

enum fems_rc db_fail(struct db *db, const char *what, struct fems_error *e)
{
	int code = sqlite3_errcode(db->h) & 0xff;

	if (is_full(db)) {
		db->full = true;
		return err_set(e, FEMS_EIO,
			       "%s: no room on the disk, or it refuses to be written (%s); free some space, "
			       "it goes on by itself",
			       what, sqlite3_errmsg(db->h));
	}
	for (size_t i = 0; i < ARRAY_LEN(remedies); i++)
		if (remedies[i].code == code)
			return err_set(e, remedies[i].rc, "%s: %s (%s)", what, sqlite3_errmsg(db->h),
				       remedies[i].remedy);
	return err_set(e, FEMS_EIO, "%s: %s (code %d)", what, sqlite3_errmsg(db->h),
		       sqlite3_extended_errcode(db->h));
}

static sqlite3_stmt *prepared(struct db *db, const char *sql, struct fems_error *e)
{
	sqlite3_stmt *st;

	for (int i = 0; i < db->n; i++)
		if (db->cache[i].sql == sql)
			return db->cache[i].st;
	MUST(db->n < DB_STATEMENTS);
	if (sqlite3_prepare_v3(db->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK) {
		db_fail(db, "store", e);
		return NULL;
	}
	db->cache[db->n].sql = sql;
	db->cache[db->n++].st = st;
	return st;
}

/* Bound bytes are copied by SQLite only when it must: callers keep them until the step. */
static int bind(sqlite3_stmt *st, const char *fmt, va_list ap)
{
	int bad = SQLITE_OK;

	for (int i = 1; *fmt && bad == SQLITE_OK; fmt++, i++) {
		if (*fmt == 'i') {
			bad = sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
		} else if (*fmt == 'd') {
			bad = sqlite3_bind_double(st, i, va_arg(ap, double));
		} else if (*fmt == 's') {
			const char *s = va_arg(ap, const char *);

			bad = sqlite3_bind_text(st, i, s ? s : "", -1, SQLITE_TRANSIENT);
		} else {
			const void *p = va_arg(ap, const void *);
			size_t len = va_arg(ap, size_t);

			MUST(*fmt == 'b');
			bad = sqlite3_bind_blob64(st, i, p ? p : "", len, SQLITE_STATIC);
		}
	}
	return bad;
}

static sqlite3_stmt *query_v(struct db *db, struct fems_error *e, const char *sql, const char *fmt,
			     va_list ap)
{
	sqlite3_stmt *st = prepared(db, sql, e);

	if (st && bind(st, fmt, ap) != SQLITE_OK) {
		db_fail(db, "store", e);
		return NULL;
	}
	return st;
}

sqlite3_stmt *db_query(struct db *db, struct fems_error *e, const char *sql, const char *fmt, ...)
{
	va_list ap;
	sqlite3_stmt *st;

	va_start(ap, fmt);
	st = query_v(db, e, sql, fmt, ap);
	va_end(ap);
	return st;
}

void db_end(sqlite3_stmt *st)
{
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
}

int db_step(struct db *db, sqlite3_stmt *st, struct fems_error *e)
{
	int code = sqlite3_step(st);

	if (code == SQLITE_ROW)
		return 1;
	if (code != SQLITE_DONE)
		db_fail(db, "store", e);
	db_end(st);
	return code == SQLITE_DONE ? 0 : -1;
}

enum fems_rc db_run(struct db *db, struct fems_error *e, const char *sql, const char *fmt, ...)
{
	va_list ap;
	sqlite3_stmt *st;
	int code;

	va_start(ap, fmt);
	st = query_v(db, e, sql, fmt, ap);
	va_end(ap);
	if (!st)
		return FEMS_EIO;
	do
		code = sqlite3_step(st);
	while (code == SQLITE_ROW);
	if (code == SQLITE_DONE) {
		db_end(st);
		return FEMS_OK;
	}
	/* The text is taken before the reset, which may replace it. */
	enum fems_rc rc = db_fail(db, "store", e);

	db_end(st);
	return rc;
}

enum fems_rc db_exec(struct db *db, const char *sql, struct fems_error *e)
{
	if (sqlite3_exec(db->h, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_fail(db, "store", e);
	return FEMS_OK;
}

enum fems_rc db_int(struct db *db, const char *sql, int64_t dflt, int64_t *out, struct fems_error *e)
{
	sqlite3_stmt *st = db_query(db, e, sql, "");
	int got = st ? db_step(db, st, e) : -1;

	*out = dflt;
	if (got < 0)
		return FEMS_EIO;
	if (got > 0) {
		*out = sqlite3_column_int64(st, 0);
		db_end(st);
	}
	return FEMS_OK;
}

const char *db_text(sqlite3_stmt *st, int column)
{
	const char *s = (const char *)sqlite3_column_text(st, column);

	return s ? s : "";
}

struct fems_span db_blob(sqlite3_stmt *st, int column)
{
	struct fems_span span;

	span.ptr = sqlite3_column_blob(st, column);
	span.len = (size_t)sqlite3_column_bytes(st, column);
	return span;
}
