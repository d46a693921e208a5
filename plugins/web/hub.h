/* SPDX-License-Identifier: Apache-2.0
 *
 * The hub of server-sent events: one ring of the last events, a cursor per client. Publishing never
 * waits for a client. A new client, and one that has fallen behind, gets the newest event of each
 * type and goes on from there; ids always rise, across restarts too, so that Last-Event-ID of an
 * earlier life is never mistaken.
 */
#ifndef FEMS_WEB_HUB_H
#define FEMS_WEB_HUB_H

#include <microhttpd.h>
#include <stdint.h>
#include <fems/plugin.h>

enum hub_type {
	HUB_POWER,
	HUB_DEMAND,
	HUB_METER,
	HUB_PLAN,
	HUB_ORDERS,
	HUB_PERFORMANCE,
	HUB_ALARM,
	HUB_TYPES
};

struct hub;

/* Type of a topic, HUB_TYPES when the page is not told about it. */
enum hub_type hub_type_of(const char *topic);

/* Ids begin behind first_id (milliseconds of the wall clock). */
struct hub *hub_new(size_t max_clients, uint64_t first_id);
void hub_free(struct hub *); /* after the server has ended */

/* json: one object; line ends in it become blanks. From any thread. FEMS_ENOMEM: not published. */
enum fems_rc hub_publish(struct hub *, enum hub_type, struct fems_span json);
/* Answers GET /api/v1/events; on the server's thread. *full is set and nothing queued when there are
 * too many clients already. last_id: header Last-Event-ID or NULL. */
enum MHD_Result hub_answer(struct hub *, struct MHD_Connection *, const char *last_id, int *full);
/* Ends all streams: every client is resumed and gets the end. */
void hub_stop(struct hub *);
size_t hub_clients(struct hub *);

#endif
