/* SPDX-License-Identifier: Apache-2.0
 *
 * Bills of a load, calendar month by calendar month: each month's peak is history for those after it.
 */
#ifndef FEMS_TARIFF_BILL_MONTHS_H
#define FEMS_TARIFF_BILL_MONTHS_H

#include "core/tariff/tariff.h"

/* Bills of [from_us, to_us), cut at the ends of local months, from slots (as bill_add() takes them; those
 * outside are left out). Peaks of the contract are of months before, or of what lies before from_us in
 * its month. Caller frees *out. */
enum fems_rc bill_months(const struct contract *, const struct load_slot *, size_t n_slots, int64_t from_us,
			 int64_t to_us, struct bill **out, size_t *n, struct fems_error *);

#endif
