/* SPDX-License-Identifier: Apache-2.0
 *
 * The battery of a schedule whose orders stand still: a linear program (Clp), rounded to whole Wh per
 * slot that keep the balance.
 */
#ifndef OPTIMISE_BATTERY_H
#define OPTIMISE_BATTERY_H

#include "plugins/optimise/model.h"

/* A schedule that needs no solver: idle, or the least charging that reaches the asked end, in the
 * cheapest slots. False: the end cannot be reached, or out of memory. */
bool battery_idle(const struct model *, int64_t *battery_wh);
/* The best battery for this load (import without the battery, Wh per slot). price (may be NULL) gets
 * what one more Wh costs in each slot, in units. False: no solution in time. */
bool battery_solve(const struct model *, const int64_t *load_wh, double seconds, int64_t *battery_wh,
		   double *price);

#endif
