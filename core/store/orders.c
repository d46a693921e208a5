/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/store/internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const order_states[] = { "planned",  "released",  "running",   "done",
					    "reported", "cancelled", "infeasible" };

static bool known_state(const char *s, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(order_states); i++)
		if (strlen(order_states[i]) == len && memcmp(order_states[i], s, len) == 0)
			return true;
	return false;
}

static enum fems_rc check_state(const char *state, struct fems_error *e)
{
	if (state && known_state(state, strlen(state)))
		return FEMS_OK;
	return err_set(e, FEMS_EINVAL,
		       "no order state called \"%s\"; there are planned, released, running, done, "
		       "reported, cancelled and infeasible",
		       state ? state : "");
}

/* ---- taking over a schedule ---- */

struct orders_put {
	const char *source, *schedule_id;
	const struct store_order *orders;
	size_t n, changed;
};

static enum fems_rc check_order(const struct store_order *o, struct fems_error *e)
{
	if (!o->id || !o->id[0])
		return err_set(e, FEMS_EINVAL, "%s: an order without an id", o->place ? o->place : "");
	if (o->duration_us < 0 || (o->due_us && o->due_us < o->release_us))
		return err_set(e, FEMS_EINVAL, "%s: order %s ends before it begins", o->place ? o->place : "",
			       o->id);
	return check_state(o->state, e);
}

static enum fems_rc find_twins(struct db *db, const struct orders_put *p, struct fems_error *e)
{
	enum fems_rc rc = db_exec(db,
				  "CREATE TEMP TABLE IF NOT EXISTS wanted(id TEXT PRIMARY KEY) WITHOUT ROWID;"
				  "DELETE FROM wanted",
				  e);

	for (size_t i = 0; rc == FEMS_OK && i < p->n; i++) {
		rc = check_order(&p->orders[i], e);
		if (rc == FEMS_OK)
			rc = db_run(db, e, "INSERT INTO wanted(id) VALUES(?)", "s", p->orders[i].id);
		if (rc == FEMS_ECONFLICT)
			return err_set(e, rc, "%s: the order %s stands twice in %s; nothing was taken over",
				       p->orders[i].place ? p->orders[i].place : "", p->orders[i].id,
				       p->schedule_id);
	}
	return rc;
}

/* FEMS_ECONFLICT when the id belongs to another source. */
static enum fems_rc check_owner(struct db *db, const struct orders_put *p, const struct store_order *o,
				struct fems_error *e)
{
	sqlite3_stmt *q =
		db_query(db, e, "SELECT source FROM orders WHERE id=? AND source<>?", "ss", o->id, p->source);
	int got = q ? db_step(db, q, e) : -1;

	if (got <= 0)
		return got < 0 ? FEMS_EIO : FEMS_OK;
	err_set(e, FEMS_ECONFLICT,
		"%s: order %s of %s has the id of an order of %s; make them different; nothing was "
		"taken over",
		o->place ? o->place : "", o->id, p->source, db_text(q, 0));
	db_end(q);
	return FEMS_ECONFLICT;
}

/* Orders that run or are done stay as they are; equal ones too. A withdrawn one may come back. */
static const char upsert[] =
	"INSERT INTO orders(id, request_id, schedule_id, source, equipment, product, segment, state, place, "
	"quantity,"
	" quantity_unit, release_us, due_us, duration_us, erp_start_us, energy_wh, priority)"
	" VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
	" ON CONFLICT(id) DO UPDATE SET request_id=excluded.request_id, schedule_id=excluded.schedule_id,"
	" equipment=excluded.equipment, product=excluded.product, segment=excluded.segment,"
	" state=excluded.state, place=excluded.place, quantity=excluded.quantity,"
	" quantity_unit=excluded.quantity_unit, release_us=excluded.release_us, due_us=excluded.due_us,"
	" duration_us=excluded.duration_us, erp_start_us=excluded.erp_start_us,"
	" energy_wh=excluded.energy_wh, priority=excluded.priority, rev=rev+1"
	" WHERE orders.state NOT IN ('running','done','reported') AND (orders.state='cancelled' OR"
	" (orders.request_id, orders.schedule_id, orders.equipment, orders.product, orders.segment,"
	" orders.quantity, orders.quantity_unit, orders.release_us, orders.due_us, orders.duration_us,"
	" orders.erp_start_us, orders.energy_wh, orders.priority) IS NOT (excluded.request_id,"
	" excluded.schedule_id, excluded.equipment, excluded.product, excluded.segment, excluded.quantity,"
	" excluded.quantity_unit, excluded.release_us, excluded.due_us, excluded.duration_us,"
	" excluded.erp_start_us, excluded.energy_wh, excluded.priority))";

static enum fems_rc put_order(struct db *db, struct orders_put *p, const struct store_order *o,
			      struct fems_error *e)
{
	const char *schedule = p->schedule_id ? p->schedule_id : o->schedule_id;
	enum fems_rc rc = check_owner(db, p, o, e);

	if (rc == FEMS_OK)
		rc = db_run(db, e, upsert, "sssssssssdsiiiiii", o->id, o->request_id, schedule, p->source,
			    o->equipment, o->product, o->segment, o->state, o->place, o->quantity,
			    o->quantity_unit, o->release_us, o->due_us, o->duration_us, o->erp_start_us,
			    o->energy_wh, o->priority);
	if (rc == FEMS_OK)
		p->changed += (size_t)sqlite3_changes(db->h);
	return rc;
}

static enum fems_rc cancel_missing(struct db *db, struct orders_put *p, struct fems_error *e)
{
	enum fems_rc rc;

	if (!p->schedule_id)
		return FEMS_OK;
	rc = db_run(db, e,
		    "UPDATE orders SET state='cancelled', rev=rev+1 WHERE source=? AND schedule_id=? AND"
		    " state IN ('planned','released','infeasible') AND id NOT IN (SELECT id FROM wanted)",
		    "ss", p->source, p->schedule_id);
	if (rc == FEMS_OK)
		p->changed += (size_t)sqlite3_changes(db->h);
	return rc;
}

static enum fems_rc orders_write(struct db *db, void *ctx, struct fems_error *e)
{
	struct orders_put *p = ctx;
	enum fems_rc rc = find_twins(db, p, e);

	p->changed = 0;
	for (size_t i = 0; rc == FEMS_OK && i < p->n; i++)
		rc = put_order(db, p, &p->orders[i], e);
	return rc == FEMS_OK ? cancel_missing(db, p, e) : rc;
}

enum fems_rc store_orders_put(struct store *st, const char *source, const char *schedule_id,
			      const struct store_order *orders, size_t n, size_t *changed,
			      struct fems_error *e)
{
	struct orders_put p = { source, schedule_id, orders, n, 0 };
	enum fems_rc rc = writer_do(st, orders_write, NULL, &p, e);

	if (changed)
		*changed = rc == FEMS_OK ? p.changed : 0;
	return rc;
}

/* ---- reading ---- */

static void read_order(sqlite3_stmt *q, struct store_order *o)
{
	o->id = db_text(q, 0);
	o->request_id = db_text(q, 1);
	o->schedule_id = db_text(q, 2);
	o->source = db_text(q, 3);
	o->equipment = db_text(q, 4);
	o->product = db_text(q, 5);
	o->segment = db_text(q, 6);
	o->state = db_text(q, 7);
	o->place = db_text(q, 8);
	o->quantity = sqlite3_column_double(q, 9);
	o->quantity_unit = db_text(q, 10);
	o->release_us = sqlite3_column_int64(q, 11);
	o->due_us = sqlite3_column_int64(q, 12);
	o->duration_us = sqlite3_column_int64(q, 13);
	o->erp_start_us = sqlite3_column_int64(q, 14);
	o->energy_wh = sqlite3_column_int64(q, 15);
	o->priority = sqlite3_column_int64(q, 16);
	o->plan_start_us = sqlite3_column_int64(q, 17);
	o->plan_end_us = sqlite3_column_int64(q, 18);
	o->plan_equipment = db_text(q, 19);
	o->actual_start_us = sqlite3_column_int64(q, 20);
	o->actual_end_us = sqlite3_column_int64(q, 21);
	o->rev = sqlite3_column_int64(q, 22);
}

static enum fems_rc check_states(const char *states, struct fems_error *e)
{
	while (*states) {
		size_t n = strcspn(states, " ");
		char word[32];

		if (n && !known_state(states, n)) {
			snprintf(word, sizeof word, "%.*s", (int)n, states);
			return check_state(word, e);
		}
		states += n + (states[n] == ' ');
	}
	return FEMS_OK;
}

enum fems_rc store_orders(struct store *st, const char *states, store_order_fn fn, void *ctx,
			  struct fems_error *e)
{
	enum fems_rc rc = states ? check_states(states, e) : FEMS_OK;
	struct db *db = rc == FEMS_OK ? reader_take(st, e) : NULL;
	struct store_order o;
	sqlite3_stmt *q;
	int got;

	if (!db)
		return rc == FEMS_OK ? FEMS_EIO : rc;
	q = db_query(
		db, e,
		"SELECT id, request_id, schedule_id, source, equipment, product, segment, state, place,"
		" quantity, quantity_unit, release_us, due_us, duration_us, erp_start_us, energy_wh, "
		"priority,"
		" plan_start_us, plan_end_us, plan_equipment, actual_start_us, actual_end_us, rev FROM orders"
		" WHERE ?='' OR instr(' '||?||' ', ' '||state||' ') > 0 ORDER BY release_us, id",
		"ss", states, states);
	got = q ? 0 : -1;
	while (q && (got = db_step(db, q, e)) > 0) {
		read_order(q, &o);
		if (!fn(ctx, &o)) {
			db_end(q);
			break;
		}
	}
	reader_give(st, db);
	return got < 0 ? FEMS_EIO : FEMS_OK;
}

/* ---- states ---- */

struct order_state {
	const char *id, *state;
	int64_t start_us, end_us;
};

static enum fems_rc state_now(struct db *db, const char *id, char *state, size_t cap, struct fems_error *e)
{
	sqlite3_stmt *q = db_query(db, e, "SELECT state FROM orders WHERE id=?", "s", id);
	int got = q ? db_step(db, q, e) : -1;

	if (got < 0)
		return FEMS_EIO;
	if (!got)
		return err_set(e, FEMS_ENOENT, "no order %s", id);
	snprintf(state, cap, "%s", db_text(q, 0));
	db_end(q);
	return FEMS_OK;
}

static enum fems_rc state_write(struct db *db, void *ctx, struct fems_error *e)
{
	const struct order_state *w = ctx;
	char now[32];
	enum fems_rc rc = state_now(db, w->id, now, sizeof now, e);

	if (rc != FEMS_OK)
		return rc;
	if (strcmp(now, "reported") == 0 && strcmp(w->state, "reported") != 0)
		return err_set(e, FEMS_ECONFLICT, "order %s was reported to its source and cannot become %s",
			       w->id, w->state);
	return db_run(db, e,
		      "UPDATE orders SET state=?, actual_start_us=iif(?,?,actual_start_us),"
		      " actual_end_us=iif(?,?,actual_end_us) WHERE id=?",
		      "siiiis", w->state, w->start_us, w->start_us, w->end_us, w->end_us, w->id);
}

enum fems_rc store_order_state(struct store *st, const char *id, const char *state, int64_t actual_start_us,
			       int64_t actual_end_us, struct fems_error *e)
{
	struct order_state w = { id, state, actual_start_us, actual_end_us };
	enum fems_rc rc = check_state(state, e);

	return rc == FEMS_OK ? writer_do(st, state_write, NULL, &w, e) : rc;
}
