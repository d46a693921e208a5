/* SPDX-License-Identifier: Apache-2.0
 *
 * The plant's memory: samples, boundary readings of counters (from which every energy sum is one
 * subtraction), orders, plans, performance, documents, outbox, audit, small state. SQLite, WAL,
 * synchronous FULL; one writer thread owns the only writing connection, readers have their own.
 *
 * What store_sync() or a store_*() write acknowledged survives kill -9 and power loss.
 * Every function may be called from any thread. Energy in Wh, power in W, times UTC microseconds.
 *
 * The interface is the one that a second implementation (a server) will have: samples in, bounds and
 * ranges out, documents in transactions; no SQL crosses it.
 */
#ifndef FEMS_STORE_STORE_H
#define FEMS_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <fems/plugin.h>

struct store;

struct store_options {
	const char *dir;     /* made when absent; holds fems.db */
	int64_t commit_us;   /* real time between commits of samples; 0: 1 s */
	int64_t keep_raw_us; /* raw samples older than this are dropped; 0: for ever */
	bool read_only;      /* samples: what was durable when it was opened */
};

/* FEMS_ECONFLICT: another process has it open for writing, or its schema is newer than this program
 * (the text says which). A schema that is older is migrated after a snapshot beside it. */
enum fems_rc store_open(const struct store_options *, struct store **out, struct fems_error *);
/* Writes what is queued, waits at most budget_us of real time, closes. */
enum fems_rc store_close(struct store *, int64_t budget_us, struct fems_error *);

struct store_stats {
	uint64_t samples_queued, samples_stored, samples_dropped, commits;
	int64_t last_commit_us; /* plant time, 0: none */
	int64_t bytes;          /* of the database files */
	bool disk_full;
	char last_error[200];
};
void store_stats(struct store *, struct store_stats *out);

/* ---- series and samples ---- */

struct store_series { /* a point that is kept; name DEVICE/QUANTITY */
	const char *name;
	bool counter;
	double resolution; /* of the register in the quantity's unit, 0: 1 for counters, raw else */
	double max_rate;   /* counters: largest plausible Wh per hour, 0: no check */
};
/* Finds or makes; the id is the same for ever. */
enum fems_rc store_series(struct store *, const struct store_series *, uint32_t *id, struct fems_error *);
uint32_t store_series_find(struct store *, const char *name); /* 0: none */
bool store_series_is_counter(struct store *, uint32_t id);

/* Queues samples whose .point is a series id; never blocks for the disk (drops and counts when more
 * than a million wait). Out-of-order and late samples are taken; the same (series, time) again
 * replaces. Samples in order can be read at once, others after the next commit. FEMS_AGAIN: some
 * were dropped and counted (no room, unknown series, more than a day ahead of the plant's clock, older
 * than what is kept). */
enum fems_rc store_append(struct store *, const struct fems_sample *, size_t n);
/* Waits until everything appended before is durable. */
enum fems_rc store_sync(struct store *, int64_t budget_us, struct fems_error *);

bool store_last(struct store *, uint32_t series, struct fems_sample *out);
/* fn returns false to stop. Samples of [from, to) in order of time. */
typedef bool (*store_sample_fn)(void *ctx, const struct fems_sample *);
enum fems_rc store_range(struct store *, uint32_t series, int64_t from_us, int64_t to_us, store_sample_fn,
			 void *ctx, struct fems_error *);

/* ---- energy ---- */

enum store_energy_flag {
	STORE_PROVISIONAL = 1,  /* no sample behind the end yet */
	STORE_INTERPOLATED = 2, /* an edge lies in a gap of 10 s (or 3 polls) to 15 min */
	STORE_ESTIMATED = 4,    /* an edge lies in a longer gap: total known, distribution not */
	STORE_RESET = 8,        /* a counter reset inside: the amount is a lower bound */
	STORE_MISSING = 16      /* no counter readings at all on one side */
};
struct store_energy {
	int64_t wh;
	uint32_t flags;
	int32_t covered_permille; /* share of the span between readings no further apart than 15 min */
};
/* Energy of a counter series over [from, to), any edges: difference of the corrected cumulative index
 * at both, each linearly interpolated and rounded once, so that adjacent spans add up exactly. */
enum fems_rc store_energy(struct store *, uint32_t series, int64_t from_us, int64_t to_us,
			  struct store_energy *out, struct fems_error *);
/* 15-min values whose start lies in [from, to), from the stored boundary readings; slots without
 * readings are reported with STORE_MISSING. */
typedef bool (*store_slot_fn)(void *ctx, int64_t start_us, const struct store_energy *);
enum fems_rc store_slots(struct store *, uint32_t series, int64_t from_us, int64_t to_us, store_slot_fn,
			 void *ctx, struct fems_error *);
/* History: 15-min energies from a file, as boundary readings before the first live one. Slots that
 * have live readings are refused (FEMS_ECONFLICT, nothing imported). Recorded in the audit. The same
 * values again are accepted and change nothing; other values for a time that was imported are refused
 * (FEMS_ECONFLICT). Holes in the file are reported with STORE_MISSING. What was used between the end of
 * the history and the first live reading is not known and counts as nothing (STORE_RESET). */
struct store_import_slot {
	int64_t start_us, wh;
};
enum fems_rc store_import(struct store *, uint32_t series, const struct store_import_slot *, size_t n,
			  const char *who, const char *source, struct fems_error *);

/* ---- documents and orders ---- */

/* One row per document received; the body is kept. FEMS_ECONFLICT with a text: the key was seen with
 * another body. *fresh false: seen before with the same body, nothing done. */
enum fems_rc store_document_add(struct store *, const char *type, const char *key, const char *source,
				struct fems_span body, bool *fresh, struct fems_error *);

/* An order segment ("job"): what the plan moves. Strings are borrowed by writers and are valid until
 * the callback returns for readers. */
struct store_order {
	const char *id;          /* SegmentRequirement ID, unique */
	const char *request_id;  /* OperationsRequest ID */
	const char *schedule_id; /* OperationsSchedule ID */
	const char *source;      /* connector instance */
	const char *equipment;   /* EquipmentIDs that can do it, separated by space, first preferred */
	const char *product;     /* MaterialDefinitionID of what is produced, or "" */
	const char *segment;     /* ProcessSegmentID, or "" */
	const char *state;       /* planned, released, running, done, reported, cancelled, infeasible */
	const char *place;       /* "file:line" of the document it came from */
	double quantity;
	const char *quantity_unit;
	int64_t release_us, due_us, duration_us;
	int64_t erp_start_us; /* where the ERP's own schedule puts it, 0: not said */
	int64_t energy_wh;    /* planned by the ERP, 0: not said */
	int64_t priority;
	int64_t plan_start_us, plan_end_us; /* by the plan in force, 0: not planned */
	const char *plan_equipment;
	int64_t actual_start_us, actual_end_us; /* 0: not yet */
	int64_t rev;
};
/* All orders of a schedule in one transaction: new ones are added, changed ones replaced unless they
 * run or are done, ones of the same source and schedule that are missing become cancelled.
 * schedule_id NULL: these are a part only (each names its schedule), nothing is cancelled. */
enum fems_rc store_orders_put(struct store *, const char *source, const char *schedule_id,
			      const struct store_order *, size_t n, size_t *changed, struct fems_error *);
typedef bool (*store_order_fn)(void *ctx, const struct store_order *);
/* states: space-separated, NULL: all. Ordered by release. */
enum fems_rc store_orders(struct store *, const char *states, store_order_fn, void *ctx, struct fems_error *);
/* A time of 0 leaves the one that is there. FEMS_ECONFLICT: it was reported, which is final. */
enum fems_rc store_order_state(struct store *, const char *id, const char *state, int64_t actual_start_us,
			       int64_t actual_end_us, struct fems_error *);

struct store_plan_item {
	const char *order_id, *equipment;
	int64_t start_us, end_us;
};
/* The plan in force: its JSON (document "plan") and the items in one transaction; *id counts up. */
enum fems_rc store_plan_put(struct store *, struct fems_span json, const struct store_plan_item *, size_t n,
			    int64_t *id, struct fems_error *);
/* Newest plan as JSON text (caller frees), FEMS_ENOENT without one. */
enum fems_rc store_plan_last(struct store *, char **json, int64_t *id, struct fems_error *);

/* ---- outbox ---- */

/* States: new, retry, sent (taken by the transport; retry after a restart), done, dead. A dead one no
 * longer holds back the later ones of its business key and may be set to retry again. */
struct store_message {
	int64_t id;
	const char *route;    /* connector instance */
	const char *type;     /* document type */
	const char *key;      /* idempotency key, unique per route */
	const char *business; /* order number: messages of one are delivered in order */
	const char *state, *last_error, *receipt;
	struct fems_span body;
	int64_t created_us, next_us; /* next_us: plant time of the next attempt */
	int32_t attempts;
};
/* Marks the order as reported and queues its message, in one transaction; the same key again does
 * nothing (*fresh false). order_id NULL: only the message. */
enum fems_rc store_outbox_add(struct store *, const char *order_id, const struct store_message *, bool *fresh,
			      struct fems_error *);
typedef bool (*store_message_fn)(void *ctx, const struct store_message *);
/* Messages of a route (NULL: all) due at now_us: new or retry, none whose business key has an older
 * undelivered one. */
enum fems_rc store_outbox_due(struct store *, const char *route, int64_t now_us, size_t max, store_message_fn,
			      void *ctx, struct fems_error *);
/* All messages, newest first. */
enum fems_rc store_outbox_list(struct store *, const char *state, size_t max, store_message_fn, void *ctx,
			       struct fems_error *);
struct store_outbox_counts {
	int64_t waiting, dead, done;
}; /* waiting: new, retry, sent */
enum fems_rc store_outbox_count(struct store *, struct store_outbox_counts *, struct fems_error *);
enum fems_rc store_outbox_result(struct store *, int64_t id, const char *state, int64_t next_us,
				 const char *error, const char *receipt, struct fems_error *);

/* ---- audit and small state ---- */

/* Append-only; who did what to which object, with a JSON detail. */
enum fems_rc store_audit(struct store *, const char *who, const char *action, const char *object,
			 const char *detail_json, struct fems_error *);
typedef bool (*store_audit_fn)(void *ctx, int64_t seq, int64_t t_us, const char *who, const char *action,
			       const char *object, const char *detail_json);
enum fems_rc store_audit_list(struct store *, size_t max, store_audit_fn, void *ctx, struct fems_error *);
/* Small named values (tariff history, cursors). get: caller frees, NULL when absent. */
enum fems_rc store_state_set(struct store *, const char *name, const char *value, struct fems_error *);
enum fems_rc store_state_get(struct store *, const char *name, char **value, struct fems_error *);

#endif
