/* SPDX-License-Identifier: Apache-2.0
 *
 * The service "series": values of several points on one axis of time.
 */
#ifndef FEMS_STORE_SERIES_SERVICE_H
#define FEMS_STORE_SERIES_SERVICE_H

#include <jansson.h>
#include "core/store/store.h"

/* ctx is the store. Request: points (array, or text with commas), from and to (RFC 3339 or unix
 * seconds), step_s (0: raw). At most 32 points and 100,000 values; a gauge that has no usable value in
 * a step, and a counter without readings there, gives null. */
enum fems_rc series_service(void *ctx, const json_t *request, json_t **reply, struct fems_error *);

#endif
