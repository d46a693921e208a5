/* SPDX-License-Identifier: Apache-2.0
 *
 * Forecast of what is not planned: base load (what the main meter draws without the planned machines,
 * the PV and the battery) and PV. From history: base = median of the same slot of days of the same
 * kind (working day, Saturday, Sunday) in the last 4 weeks, a kind without days takes all days; PV =
 * mean of the same slot of the last 7 days. Without history the last values; without those 0.
 */
#ifndef FEMS_PLAN_FORECAST_H
#define FEMS_PLAN_FORECAST_H

#include "core/base/site.h"
#include "core/store/store.h"

enum forecast_kind { FORECAST_NOTHING, FORECAST_LAST_VALUE, FORECAST_HISTORY };

struct forecast {
	int64_t *base_w, *pv_w; /* per slot from from_us, multiples of 4 W, not negative; caller frees */
	enum forecast_kind base_kind, pv_kind;
};

/* now_us: history ends at the last full slot before it. */
enum fems_rc forecast_make(struct store *, const struct site *, int64_t now_us, int64_t from_us, int slots,
			   struct forecast *out, struct fems_error *);
void forecast_free(struct forecast *);

#endif
