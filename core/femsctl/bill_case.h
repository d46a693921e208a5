/* SPDX-License-Identifier: Apache-2.0
 *
 * Worked cases: a folder with case.json, computed and printed with the keys of its kind. Private to
 * femsctl bill case.
 */
#ifndef FEMS_FEMSCTL_BILL_CASE_H
#define FEMS_FEMSCTL_BILL_CASE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <fems/plugin.h>
#include "core/tariff/tariff.h"

/* A bill from a sheet: days, kWh and prices of a period's parts instead of intervals. NULL with the key
 * and the reason. */
json_t *bill_sheet(const json_t *sheet, struct fems_error *);

/* Months and total of bills; frozen: the prices of one day hold for all days. */
json_t *case_result(const struct tariff *, bool frozen, const struct bill *, size_t n);

/* A required number of an object, exact to 1e-6, in [0, 10^9]. */
bool case_micro(const json_t *object, const char *key, int64_t *micro, struct fems_error *);
/* The same of a value. */
bool case_number(const json_t *value, const char *key, int64_t *micro, struct fems_error *);
/* An amount in whole or broken units of the currency: an integer where it is one. */
json_t *case_amount(int64_t micro);

#endif
