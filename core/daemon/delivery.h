/* SPDX-License-Identifier: Apache-2.0
 *
 * Empties the outbox: hands each due message to its connector, one thread per route so that a peer
 * that hangs delays nobody else, and writes down what became of it. At-least-once: a message whose
 * answer got lost is sent again with the same key, and the peer tells that it has it.
 *
 * Back-off of a message: 1 s doubling to 15 min of the plant's clock, or what the peer asked for.
 */
#ifndef FEMS_DAEMON_DELIVERY_H
#define FEMS_DAEMON_DELIVERY_H

#include <jansson.h>
#include <fems/plugin.h>
#include "core/store/store.h"

struct delivery;

struct delivery_hooks {
	void *ctx;
	/* Blocks up to budget_us of real time (plugs_push). */
	enum fems_rc (*push)(void *ctx, const char *route, const char *type, const char *key,
			     struct fems_span body, int64_t budget_us, struct fems_delivery *,
			     struct fems_error *);
	/* i-th route there is, NULL behind the last. */
	const char *(*route)(void *ctx, size_t i);
	/* After each attempt; any thread. */
	void (*notice)(void *ctx, const char *topic, const json_t *body);
};

enum fems_rc delivery_open(struct store *, const struct delivery_hooks *, struct delivery **out,
			   struct fems_error *);
/* Something was put into the outbox, or the routes changed. Any thread. */
void delivery_wake(struct delivery *);
/* False: a connector did not come back within the budget; nothing is freed then, and a second call tells
 * whether it has come back since. */
bool delivery_close(struct delivery *, int64_t budget_us);

/* When to try again after so many attempts; the jitter (0..1) spreads peers' load. */
int64_t delivery_backoff_us(int32_t attempts, double jitter);

#endif
