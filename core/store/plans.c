/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/store/internal.h"
#include <stdlib.h>
#include <string.h>

#define PLANS_KEPT 200

struct plan_put {
	struct fems_span json;
	const struct store_plan_item *items;
	size_t n;
	int64_t id;
};

static enum fems_rc put_item(struct db *db, const struct plan_put *p, const struct store_plan_item *it,
			     struct fems_error *e)
{
	enum fems_rc rc;

	if (it->end_us < it->start_us)
		return err_set(e, FEMS_EINVAL, "plan: order %s ends before it begins", it->order_id);
	rc = db_run(db, e,
		    "INSERT INTO plan_item(plan, order_id, equipment, start_us, end_us)"
		    " SELECT ?, id, ?, ?, ? FROM orders WHERE id=?",
		    "isiis", p->id, it->equipment, it->start_us, it->end_us, it->order_id);
	if (rc == FEMS_ECONFLICT)
		return err_set(e, rc, "plan: order %s stands twice in it", it->order_id);
	if (rc == FEMS_OK && !sqlite3_changes(db->h))
		return err_set(e, FEMS_ENOENT,
			       "plan: no order %s; it was made from an older state of the orders",
			       it->order_id);
	if (rc == FEMS_OK)
		rc = db_run(
			db, e,
			"UPDATE orders SET plan_start_us=?, plan_end_us=?, plan_equipment=? WHERE id=? AND"
			" state IN ('planned','released','running','infeasible')",
			"iiss", it->start_us, it->end_us, it->equipment, it->order_id);
	return rc;
}

static enum fems_rc plan_write(struct db *db, void *ctx, struct fems_error *e)
{
	struct plan_put *p = ctx;
	enum fems_rc rc = db_run(db, e, "INSERT INTO plan(made_us, body) VALUES(?,?)", "ib", clock_now_us(),
				 p->json.ptr, p->json.len);

	p->id = sqlite3_last_insert_rowid(db->h);
	if (rc == FEMS_OK)
		rc = db_run(db, e,
			    "UPDATE orders SET plan_start_us=0, plan_end_us=0, plan_equipment=''"
			    " WHERE state IN ('planned','released','infeasible')",
			    "");
	for (size_t i = 0; rc == FEMS_OK && i < p->n; i++)
		rc = put_item(db, p, &p->items[i], e);
	if (rc == FEMS_OK)
		rc = db_run(db, e, "DELETE FROM plan WHERE id <= ?", "i", p->id - PLANS_KEPT);
	return rc;
}

enum fems_rc store_plan_put(struct store *st, struct fems_span json, const struct store_plan_item *items,
			    size_t n, int64_t *id, struct fems_error *e)
{
	struct plan_put p = { json, items, n, 0 };
	enum fems_rc rc = writer_do(st, plan_write, NULL, &p, e);

	if (id)
		*id = rc == FEMS_OK ? p.id : 0;
	return rc;
}

static char *copy_text(struct fems_span s)
{
	char *out = malloc(s.len + 1);

	if (out && s.len)
		memcpy(out, s.ptr, s.len);
	if (out)
		out[s.len] = '\0';
	return out;
}

enum fems_rc store_plan_last(struct store *st, char **json, int64_t *id, struct fems_error *e)
{
	struct db *db = reader_take(st, e);
	sqlite3_stmt *q;
	int got;

	*json = NULL;
	if (!db)
		return FEMS_EIO;
	q = db_query(db, e, "SELECT id, body FROM plan ORDER BY id DESC LIMIT 1", "");
	got = q ? db_step(db, q, e) : -1;
	if (got > 0) {
		if (id)
			*id = sqlite3_column_int64(q, 0);
		*json = copy_text(db_blob(q, 1));
		db_end(q);
	}
	reader_give(st, db);
	if (got < 0)
		return FEMS_EIO;
	if (!got)
		return err_set(e, FEMS_ENOENT, "no plan was made yet");
	return *json ? FEMS_OK : err_set(e, FEMS_ENOMEM, "out of memory");
}
