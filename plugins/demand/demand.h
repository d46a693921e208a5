/* SPDX-License-Identifier: Apache-2.0
 *
 * The demand guard: watches the running 15-minute window of the billed meter, says what must pause
 * to keep its target, and does it when control is "act". window.h has the arithmetic, shed.h the
 * choice; this is the plugin around them.
 */
#ifndef FEMS_DEMAND_DEMAND_H
#define FEMS_DEMAND_DEMAND_H

#include <jansson.h>
#include <fems/plugin.h>
#include "plugins/demand/shed.h"
#include "plugins/demand/window.h"

#define MAX_LOADS 512

enum mode { MODE_OFF, MODE_ADVISE, MODE_ACT };

struct tariff_now { /* from the service tariff.demand, asked once per window */
	bool known, counts;
	int64_t threshold_w, total_micro_per_kw, months;
};

struct demand {
	const struct fems_host *host;
	struct window window;
	uint32_t power_point, energy_point;
	char main_meter[64];
	enum mode mode;
	int64_t contract_w, target_w;
	struct tariff_now tariff;
	int64_t asked_site_us, asked_tariff_us, carried_window_us;
	struct load loads[MAX_LOADS];
	int n_loads;
};

/* ask.c: what the guard needs to know from the core. They try again at the next tick when the core
 * does not answer. */
void demand_ask_site(struct demand *, int64_t now_us);
void demand_ask_tariff(struct demand *, int64_t now_us);
void demand_ask_carry(struct demand *, int64_t now_us);

/* report.c: the body of demand.now. p NULL: no data yet. New reference. */
json_t *demand_report(const struct demand *, const struct projection *p, int64_t now_us);

/* Limits of age; three and twelve usual spacings where those are longer. */
bool demand_is_stale(const struct projection *);
bool demand_is_lost(const struct projection *);
#define STALE_US   INT64_C(30000000)  /* no new decision on older data */
#define RELEASE_US INT64_C(120000000) /* on older data every load comes back */

#endif
