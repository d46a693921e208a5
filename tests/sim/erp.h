/* SPDX-License-Identifier: Apache-2.0
 *
 * fems-erp: an ERP stand-in. It plans a small factory's orders from a seed, in the naive way that an
 * ERP does (everything early in the day), serves them as B2MML V0701 over HTTP, takes performance and
 * proposals back, and keeps what it received for inspection. Its dispatch list is what the virtual
 * plant's shop floor follows: the ERP's own starts, replaced by accepted proposals. The factory is
 * invented.
 *
 * An order is one request with one segment, SEGMENT = REQUEST-10; its planned start travels as the
 * request's StartTime, its window as EarliestStartTime and LatestEndTime.
 */
#ifndef FEMS_SIM_ERP_H
#define FEMS_SIM_ERP_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <fems/plugin.h>
#include "connectors/b2mml/buf.h"
#include "core/base/zone.h"

#define ERP_MACHINES 6
#define ERP_ORDERS   4096

struct erp_machine {
	const char *id, *process, *product;
	int64_t rated_w;
	int orders;                     /* a day */
	int min_quarters, max_quarters; /* duration in quarter hours */
	int first_quarter;              /* of the day, where the ERP lets it begin */
	int other;                      /* index of a machine that can do the same, -1: none */
};
extern const struct erp_machine erp_machines[ERP_MACHINES];
int erp_machine_index(const char *id); /* -1: unknown */

struct erp_order {
	char id[40], product[40];
	int machines[ERP_MACHINES], n_machines; /* preferred first */
	int64_t visible_us;                     /* from when the ERP shows it; INT64_MAX: never */
	int64_t earliest_us, latest_us, duration_us, planned_us;
	int64_t energy_wh, quantity;
	int priority;
	/* dispatch */
	int machine;
	int64_t start_us, end_us;
	bool proposed, done;
};

struct erp_message { /* something received, once per BODID */
	char noun[32], bodid[200];
	char *xml;
	size_t len;
	unsigned repeats;
	int64_t at_us;
	json_t *view; /* what was read of it */
};

enum erp_fault { FAULT_NONE, FAULT_DOWN, FAULT_500, FAULT_SLOW, FAULT_BADXML, FAULT_RETRY_AFTER, FAULT_LOST };

struct erp {
	pthread_mutex_t lock; /* guards everything below */
	uint64_t seed;
	struct zone *zone;
	const char *keep;                     /* directory or NULL */
	int64_t started_us, planned_until_us; /* days before this have their orders */
	struct erp_order *orders;
	size_t n_orders;
	unsigned added, number;
	struct erp_message *messages;
	size_t n_messages;
	enum erp_fault fault;
	int fault_count, fault_ms;
	unsigned served, received;
	char digest[40];
	int64_t changed_us; /* when the schedule last changed */
};

/* ---- orders (erp_plan.c) ---- */

enum fems_rc erp_open(struct erp *, uint64_t seed, struct zone *, const char *keep, struct fems_error *);
void erp_close(struct erp *);
/* Adds the orders of the days that are visible by now. */
void erp_roll(struct erp *, int64_t now_us);
struct erp_order *erp_order_find(struct erp *, const char *request, const char *segment);
/* A person's order; the ERP puts it into the first gap of its machine. */
enum fems_rc erp_order_add(struct erp *, const json_t *, int64_t now_us, struct erp_order **out,
			   struct fems_error *);
/* New places for orders: none that has begun moves, none may overlap. Nothing changes on a fault.
 * items: array of {request, segment, equipment, start_us, end_us}; counts what moved and what stayed. */
enum fems_rc erp_propose(struct erp *, const json_t *items, int64_t now_us, size_t *moved, size_t *kept,
			 struct fems_error *);
json_t *erp_dispatch_json(struct erp *, int64_t now_us);

/* ---- XML (erp_xml.c) ---- */

/* ProcessOperationsSchedule of now; digest names its content. */
void erp_schedule_xml(struct erp *, int64_t now_us, struct buf *out);
/* Reads OperationsPerformance, a proposal, or ConfirmBOD. noun is set to what it was; view to an
 * object with bodid and, by noun, the members that /received.json shows or "items" for a proposal. */
enum fems_rc erp_read(const char *xml, size_t len, char *noun, size_t cap, json_t **view,
		      struct fems_error *);

/* ---- HTTP (erp_http.c) ---- */

struct erp_server;
/* address "127.0.0.1", port 0: any. */
enum fems_rc erp_server_open(struct erp *, const char *address, int port, struct erp_server **out,
			     struct fems_error *);
int erp_server_port(const struct erp_server *);
void erp_server_close(struct erp_server *);

/* ---- what came in (erp_received.c) ---- */

/* Takes a message once. status: HTTP status; reply: JSON text for the sender. */
int erp_receive(struct erp *, const char *expected_noun, const char *xml, size_t len, int64_t now_us,
		struct buf *reply);
json_t *erp_received_json(struct erp *);
void erp_received_free(struct erp *);

#endif
