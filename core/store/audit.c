/* SPDX-License-Identifier: Apache-2.0
 *
 * Audit, documents received, and small named values.
 */
#include "config.h"
#include "core/store/internal.h"
#include <stdlib.h>
#include <string.h>

/* ---- audit ---- */

struct audit_row {
	const char *who, *action, *object, *detail;
};

static enum fems_rc audit_write(struct db *db, void *ctx, struct fems_error *e)
{
	const struct audit_row *a = ctx;

	return db_run(db, e, "INSERT INTO audit(t_us, who, action, object, detail) VALUES(?,?,?,?,?)",
		      "issss", clock_now_us(), a->who, a->action, a->object,
		      a->detail && a->detail[0] ? a->detail : "{}");
}

enum fems_rc store_audit(struct store *st, const char *who, const char *action, const char *object,
			 const char *detail_json, struct fems_error *e)
{
	struct audit_row a = { who, action, object, detail_json };

	if (!who || !who[0] || !action || !action[0])
		return err_set(e, FEMS_EINVAL, "an entry of the audit needs who and what");
	return writer_do(st, audit_write, NULL, &a, e);
}

enum fems_rc store_audit_list(struct store *st, size_t max, store_audit_fn fn, void *ctx,
			      struct fems_error *e)
{
	struct db *db = reader_take(st, e);
	sqlite3_stmt *q;
	int got;

	if (!db)
		return FEMS_EIO;
	q = db_query(db, e,
		     "SELECT seq, t_us, who, action, object, detail FROM audit ORDER BY seq DESC LIMIT ?",
		     "i", (int64_t)max);
	got = q ? 0 : -1;
	while (q && (got = db_step(db, q, e)) > 0)
		if (!fn(ctx, sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1), db_text(q, 2),
			db_text(q, 3), db_text(q, 4), db_text(q, 5))) {
			db_end(q);
			break;
		}
	reader_give(st, db);
	return got < 0 ? FEMS_EIO : FEMS_OK;
}

/* ---- documents ---- */

struct document {
	const char *type, *key, *source;
	struct fems_span body;
	bool fresh;
};

static enum fems_rc seen_before(struct db *db, struct document *d, bool *seen, struct fems_error *e)
{
	sqlite3_stmt *q = db_query(db, e, "SELECT body = ? FROM document WHERE source=? AND type=? AND key=?",
				   "bsss", d->body.ptr, d->body.len, d->source, d->type, d->key);
	int got = q ? db_step(db, q, e) : -1;
	bool same = got > 0 && sqlite3_column_int(q, 0);

	*seen = got > 0;
	if (got > 0)
		db_end(q);
	if (got < 0)
		return FEMS_EIO;
	if (*seen && !same)
		return err_set(e, FEMS_ECONFLICT,
			       "%s from %s: the key %s was used before for a document with other "
			       "content; the sender must give each document its own key",
			       d->type, d->source, d->key);
	return FEMS_OK;
}

static enum fems_rc document_write(struct db *db, void *ctx, struct fems_error *e)
{
	struct document *d = ctx;
	bool seen;
	enum fems_rc rc = seen_before(db, d, &seen, e);

	d->fresh = rc == FEMS_OK && !seen;
	if (!d->fresh)
		return rc;
	return db_run(db, e, "INSERT INTO document(received_us, type, key, source, body) VALUES(?,?,?,?,?)",
		      "isssb", clock_now_us(), d->type, d->key, d->source, d->body.ptr, d->body.len);
}

enum fems_rc store_document_add(struct store *st, const char *type, const char *key, const char *source,
				struct fems_span body, bool *fresh, struct fems_error *e)
{
	struct document d = { type, key, source ? source : "", body, false };
	enum fems_rc rc;

	if (!type || !type[0] || !key || !key[0])
		return err_set(e, FEMS_EINVAL, "a document needs a type and a key");
	rc = writer_do(st, document_write, NULL, &d, e);
	if (fresh)
		*fresh = rc == FEMS_OK && d.fresh;
	return rc;
}

/* ---- small state ---- */

struct state_row {
	const char *name, *value;
};

static enum fems_rc state_row_write(struct db *db, void *ctx, struct fems_error *e)
{
	const struct state_row *s = ctx;

	return db_run(db, e, "INSERT OR REPLACE INTO state(name, value) VALUES(?,?)", "ss", s->name,
		      s->value);
}

enum fems_rc store_state_set(struct store *st, const char *name, const char *value, struct fems_error *e)
{
	struct state_row s = { name, value };

	/* The room keeps a few values of its own there. */
	if (!name || !name[0] || strncmp(name, "store.", 6) == 0)
		return err_set(e, FEMS_EINVAL, "\"%s\" cannot be the name of a value", name ? name : "");
	return writer_do(st, state_row_write, NULL, &s, e);
}

enum fems_rc store_state_get(struct store *st, const char *name, char **value, struct fems_error *e)
{
	struct db *db = reader_take(st, e);
	sqlite3_stmt *q;
	int got;

	*value = NULL;
	if (!db)
		return FEMS_EIO;
	q = db_query(db, e, "SELECT value FROM state WHERE name=?", "s", name);
	got = q ? db_step(db, q, e) : -1;
	if (got > 0) {
		*value = strdup(db_text(q, 0));
		db_end(q);
	}
	reader_give(st, db);
	if (got > 0 && !*value)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	return got < 0 ? FEMS_EIO : FEMS_OK;
}
