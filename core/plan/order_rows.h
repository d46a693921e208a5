/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of orders with strings of its own, so that it outlives the store's callback and can go to
 * another thread.
 */
#ifndef FEMS_PLAN_ORDER_ROWS_H
#define FEMS_PLAN_ORDER_ROWS_H

#include <stdbool.h>
#include "core/store/store.h"

struct order_rows {
	struct store_order *v;
	size_t n, cap;
};

/* Appends a deep copy; false: out of memory. NULL strings become "". */
bool order_rows_add(struct order_rows *, const struct store_order *);
void order_rows_free(struct order_rows *);
const struct store_order *order_rows_find(const struct order_rows *, const char *id);
/* The store's orders in these states (NULL: all), ordered by release. */
enum fems_rc order_rows_load(struct store *, const char *states, struct order_rows *, struct fems_error *);

/* Calls fn for each EquipmentID of a space-separated list; fn returns false to stop. */
typedef bool (*equipment_fn)(void *ctx, const char *id);
void equipment_each(const char *list, equipment_fn, void *ctx);

#endif
