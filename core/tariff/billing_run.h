/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by billing.c, billing_slots.c and billing_services.c; private to this room.
 */
#ifndef FEMS_TARIFF_BILLING_RUN_H
#define FEMS_TARIFF_BILLING_RUN_H

#include <pthread.h>
#include "core/tariff/billing.h"
#include "core/tariff/model.h"

enum { PEAKS_MAX = 36 };

struct in_force { /* immutable but for its cache */
	struct billing *billing;
	int users; /* guarded by billing->lock */
	const struct tariff *tariff;
	enum fems_rc rc; /* not FEMS_OK: why nothing can be answered */
	struct fems_error problem;
	char meter[64];
	int64_t contract_w, target_w;
	pthread_mutex_t lock; /* the cache: peaks of the months before a month */
	int cached_month;     /* year * 12 + month - 1, 0: nothing */
	int64_t cached_at;    /* clock_mono_us() */
	struct peak cached[PEAKS_MAX];
	size_t n_cached;
};

struct billing {
	struct store *store;
	pthread_mutex_t lock; /* guards now and users */
	pthread_cond_t idle;  /* users of some in_force became 0 */
	struct in_force *now, places[2];
	pthread_mutex_t set_lock; /* one billing_set() at a time */
	billing_plan_fn plan;
	void *plan_ctx;
	pthread_mutex_t cost_lock; /* guards the last reply of cost.today */
	json_t *cost;
	int64_t cost_until_us, cost_made; /* plant time, clock_mono_us() */
};

/* NULL with the reason why nothing can be answered. */
struct in_force *billing_hold(struct billing *, enum fems_rc *, struct fems_error *);
void billing_let_go(struct in_force *);
/* What a contract of billing_contract() holds. */
struct in_force *billing_held(const struct billing_contract *);
void billing_serve(struct billing *, struct services *);
/* End of the last whole demand interval at t_us. */
int64_t billing_whole(const struct tariff *, int64_t t_us);

/* Demand intervals of the main meter in [from, to): starts on the grid of from_us, values as
 * bill_add() takes them. Caller frees *out. */
enum fems_rc slots_load(struct store *, const struct in_force *, int64_t from_us, int64_t to_us,
			struct load_slot **out, size_t *n, struct fems_error *);
/* Peaks of the months before the one of t_us; NULL peaks are not known. */
enum fems_rc peaks_before(struct store *, struct in_force *, int year, int month,
			  struct peak peaks[PEAKS_MAX], size_t *n, struct fems_error *);
/* Bill of [from, to) with what the store holds before now_us. */
enum fems_rc bill_stored(struct store *, const struct in_force *, const struct contract *, int64_t from_us,
			 int64_t to_us, int64_t now_us, struct bill *out, struct fems_error *);

#endif
