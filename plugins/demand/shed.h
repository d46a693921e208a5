/* SPDX-License-Identifier: Apache-2.0
 *
 * Which loads have to pause so that the window ends below its target, and which may come back. Pure
 * decisions on struct load; carrying them out is the caller's work. One thread.
 */
#ifndef FEMS_DEMAND_SHED_H
#define FEMS_DEMAND_SHED_H

#include <stdbool.h>
#include <stdint.h>
#include "plugins/demand/window.h"

enum advice { ADVICE_HOLD, ADVICE_SHED, ADVICE_RESTORE };

struct load {
	char name[64], label_ko[64], label_en[64], point[96];
	int64_t power_w, priority;
	int64_t min_off_us, max_off_us, min_on_us;

	bool off;           /* we switched it off */
	int64_t changed_us; /* when it was last switched, 0: never */
	enum advice advice; /* of the last decision */
	char why_en[160], why_ko[160];
};

#define SHED_QUIET_US      INT64_C(30000000) /* nothing is shed this early in a window */
#define SHED_BACK_PERMILLE 20                /* a load comes back when 2 % of the target stay free */

/* Fills advice and reasons of every load. excess: power that has to go for the rest of the window so
 * that its mean stays at target_w, judged by the upper edge of the band. Loads are in order of
 * priority, low first; min and max times are kept in every case. Returns how many change. */
int shed_decide(struct load *, int n, const struct projection *, int64_t now_us, int64_t target_w);
/* Power that may be added (negative: has to go) for the rest of the window. */
int64_t shed_room_w(const struct projection *, int64_t now_us, int64_t target_w);

#endif
