/* SPDX-License-Identifier: Apache-2.0
 *
 * A bill as the service "bill" gives it (docs/services.md).
 */
#ifndef FEMS_TARIFF_BILL_JSON_H
#define FEMS_TARIFF_BILL_JSON_H

#include <jansson.h>
#include "core/tariff/tariff.h"

/* month: "YYYY-MM". New reference, NULL: out of memory. */
json_t *bill_json(const struct tariff *, const struct bill *, const char *month);

#endif
