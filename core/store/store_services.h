/* SPDX-License-Identifier: Apache-2.0
 *
 * The store's part of docs/services.md: outbox.list, audit.list and series, and its parts of status.
 */
#ifndef FEMS_STORE_STORE_SERVICES_H
#define FEMS_STORE_STORE_SERVICES_H

#include <jansson.h>
#include "core/loop/service.h"
#include "core/store/store.h"

/* The store must outlive the services. */
void store_services_register(struct services *, struct store *);
/* {"stored","queued","dropped","bytes","disk_full","last_commit","last_error"}; last_commit RFC 3339 or
 * null. New reference, NULL when out of memory. */
json_t *store_status_json(struct store *);
/* {"waiting","dead","done"} */
json_t *store_outbox_json(struct store *);

#endif
