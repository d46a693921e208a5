/* SPDX-License-Identifier: Apache-2.0
 *
 * The running bill of the site: joins the store's 15-minute values of the main meter, the tariff and
 * the contract. Serves `bill`, `load.day`, `cost.today` and `tariff.demand` (docs/services.md).
 *
 * Every function may be called from any thread. A call works on the tariff that was in force when it
 * began; billing_set() puts another one in force for later calls and waits for the running ones.
 *
 * Peaks of earlier months come from the store; the small state "tariff.peaks", a JSON object of
 * "YYYY-MM": W, adds months from before the meter or corrects others.
 */
#ifndef FEMS_TARIFF_BILLING_H
#define FEMS_TARIFF_BILLING_H

#include <stdint.h>
#include "core/base/site.h"
#include "core/loop/service.h"
#include "core/store/store.h"
#include "core/tariff/tariff.h"

struct billing;

struct billing_options { /* all borrowed */
	struct store *store;
	struct services *services; /* NULL: none are registered */
	const struct site *site;
	const struct tariff *tariff; /* NULL: every call answers FEMS_ENOENT */
};
/* What is needed of the site is copied. */
enum fems_rc billing_open(const struct billing_options *, struct billing **out, struct fems_error *);
/* NULL is allowed. After all other users are gone, the services too. */
void billing_close(struct billing *);
/* Another site or tariff after a reload; when it returns the old ones are no longer used. Not from
 * within a call, and not while the same thread holds a contract. */
void billing_set(struct billing *, const struct site *, const struct tariff *);
/* FEMS_EINVAL: the tariff has a demand interval that is not a multiple of 15 minutes, or another currency
 * than the site. With such a pair every call answers this. */
enum fems_rc billing_check(const struct site *, const struct tariff *, struct fems_error *);

/* Where `load.day` finds the plan in force: fills w[i], i < n, for the slots from from_us on, and
 * leaves what it does not know. NULL: none. Set before the services are used. */
typedef void (*billing_plan_fn)(void *ctx, int64_t from_us, int64_t *w, size_t n);
void billing_plan(struct billing *, billing_plan_fn, void *ctx);

/* The contract with the peaks that apply at t_us. Release it soon: billing_set() waits for it. */
struct billing_contract {
	struct contract contract;
};
enum fems_rc billing_contract(struct billing *, int64_t t_us, const struct billing_contract **out,
			      struct fems_error *);
void billing_release(const struct billing_contract *);

/* Highest counting demand of the month of t_us before t_us, 0 without one. */
enum fems_rc billing_peak_so_far(struct billing *, int64_t t_us, int64_t *w, int64_t *peak_t_us,
				 struct fems_error *);
/* What one more kW costs at t_us, with that peak. */
enum fems_rc billing_demand_cost(struct billing *, int64_t t_us, struct demand_cost *out,
				 struct fems_error *);
/* The bill of a local month as far as whole intervals have passed at now_us. */
enum fems_rc billing_month(struct billing *, int year, int month, int64_t now_us, struct bill *out,
			   struct fems_error *);
/* What the month of now_us will come to: the bill so far, with every interval that is left filled with
 * the mean of the same interval on days of the same type in the last 28 days (all days where there is
 * none). Filled intervals are priced and never set a peak, so the demand charge is the one already
 * reached. 0 when there is nothing to go by. */
enum fems_rc billing_forecast(struct billing *, int64_t now_us, int64_t *total_micro, struct fems_error *);

#endif
