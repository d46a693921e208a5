/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/tariff/billing.h"

#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/tariff/billing_run.h"

struct held { /* what a struct billing_contract points into */
	struct billing_contract public;
	struct in_force *in_force;
	struct peak peaks[PEAKS_MAX];
};

struct in_force *billing_hold(struct billing *b)
{
	struct in_force *p;

	pthread_mutex_lock(&b->lock);
	p = b->now;
	atomic_fetch_add(&p->users, 1);
	pthread_mutex_unlock(&b->lock);
	return p;
}

void billing_let_go(struct in_force *p)
{
	if (atomic_fetch_sub(&p->users, 1) != 1)
		return;
	pthread_mutex_destroy(&p->lock);
	tariff_free(p->tariff);
	free(p);
}

/* Frees the tariff when it fails. */
static enum fems_rc in_force_new(const struct site *site, struct tariff *t, struct in_force **out,
				 struct fems_error *e)
{
	struct in_force *p = NULL;
	enum fems_rc rc = FEMS_OK;

	if (t->demand_us % US_PER_SLOT)
		rc = err_set(e, FEMS_EINVAL, "tariff %s: its demand interval is shorter than the 15 minutes that are "
					     "stored; it cannot be billed here", t->id);
	else if (strcmp(t->currency, site->currency))
		rc = err_set(e, FEMS_EINVAL, "tariff %s is in %s, the site's currency is %s; set the site's currency "
					     "to that of its tariff", t->id, t->currency, site->currency);
	else if (!(p = calloc(1, sizeof *p)))
		rc = err_set(e, FEMS_ENOMEM, "bill: out of memory");
	else if (!str_copy(p->meter, sizeof p->meter, site->main_meter))
		rc = err_set(e, FEMS_EINVAL, "bill: the name of the main meter is too long");
	if (rc != FEMS_OK) {
		free(p);
		tariff_free(t);
		return rc;
	}
	p->tariff = t;
	p->contract_w = site->contract_w;
	p->target_w = site->demand_target_w ? site->demand_target_w : site->contract_w;
	atomic_init(&p->users, 1);
	pthread_mutex_init(&p->lock, NULL);
	*out = p;
	return FEMS_OK;
}

enum fems_rc billing_open(struct store *store, const struct site *site, struct tariff *taken, struct billing **out,
			  struct fems_error *e)
{
	struct in_force *p;
	enum fems_rc rc = in_force_new(site, taken, &p, e);
	struct billing *b;

	if (rc != FEMS_OK)
		return rc;
	b = calloc(1, sizeof *b);
	if (!b) {
		billing_let_go(p);
		return err_set(e, FEMS_ENOMEM, "bill: out of memory");
	}
	b->store = store;
	b->now = p;
	pthread_mutex_init(&b->lock, NULL);
	pthread_mutex_init(&b->cost_lock, NULL);
	*out = b;
	return FEMS_OK;
}

void billing_close(struct billing *b)
{
	if (!b)
		return;
	billing_let_go(b->now);
	pthread_mutex_destroy(&b->lock);
	pthread_mutex_destroy(&b->cost_lock);
	json_decref(b->cost);
	free(b);
}

enum fems_rc billing_swap(struct billing *b, const struct site *site, struct tariff *taken, struct fems_error *e)
{
	struct in_force *new, *old;
	enum fems_rc rc = in_force_new(site, taken, &new, e);

	if (rc != FEMS_OK)
		return rc;
	pthread_mutex_lock(&b->lock);
	old = b->now;
	b->now = new;
	pthread_mutex_unlock(&b->lock);
	pthread_mutex_lock(&b->cost_lock);
	json_decref(b->cost);
	b->cost = NULL;
	pthread_mutex_unlock(&b->cost_lock);
	billing_let_go(old);
	return FEMS_OK;
}

void billing_plan(struct billing *b, billing_plan_fn fn, void *ctx)
{
	b->plan = fn;
	b->plan_ctx = ctx;
}

enum fems_rc billing_contract(struct billing *b, int64_t t_us, const struct billing_contract **out,
			      struct fems_error *e)
{
	struct held *h = calloc(1, sizeof *h);
	struct contract *c;
	struct civil now;
	enum fems_rc rc;

	if (!h)
		return err_set(e, FEMS_ENOMEM, "bill: out of memory");
	h->in_force = billing_hold(b);
	c = &h->public.contract;
	*c = (struct contract){ .tariff = h->in_force->tariff, .contract_w = h->in_force->contract_w,
				.peaks = h->peaks };
	zone_civil(c->tariff->zone, t_us, &now);
	rc = peaks_before(b->store, h->in_force, now.year, now.month, h->peaks, &c->n_peaks, e);
	if (rc != FEMS_OK) {
		billing_release(&h->public);
		return rc;
	}
	*out = &h->public;
	return FEMS_OK;
}

void billing_release(const struct billing_contract *c)
{
	struct held *h = (struct held *)(uintptr_t)c;

	if (!h)
		return;
	billing_let_go(h->in_force);
	free(h);
}

struct in_force *billing_held(const struct billing_contract *c)
{
	return ((const struct held *)c)->in_force;
}

int64_t billing_whole(const struct tariff *t, int64_t t_us)
{
	int64_t day = zone_day_start(t->zone, t_us);

	return day + (t_us - day) / t->demand_us * t->demand_us;
}

enum fems_rc billing_month(struct billing *b, int year, int month, int64_t now_us, struct bill *out,
			   struct fems_error *e)
{
	struct in_force *p = billing_hold(b);
	struct zone *zone = p->tariff->zone;
	struct peak peaks[PEAKS_MAX];
	struct contract c = { .tariff = p->tariff, .contract_w = p->contract_w, .peaks = peaks };
	enum fems_rc rc = peaks_before(b->store, p, year, month, peaks, &c.n_peaks, e);

	if (rc == FEMS_OK)
		rc = bill_stored(b->store, p, &c, zone_utc(zone, year, month, 1, 0, 0, 0),
				 zone_utc(zone, year, month + 1, 1, 0, 0, 0), billing_whole(p->tariff, now_us), out, e);
	billing_let_go(p);
	return rc;
}

static enum fems_rc bill_of(struct billing *b, const struct contract *c, struct in_force *p, int64_t t_us,
			    struct bill *out, struct fems_error *e)
{
	return bill_stored(b->store, p, c, zone_month_start(p->tariff->zone, t_us),
			   zone_next_month(p->tariff->zone, t_us), billing_whole(p->tariff, t_us), out, e);
}

enum fems_rc billing_peak_so_far(struct billing *b, int64_t t_us, int64_t *w, int64_t *peak_t_us,
				 struct fems_error *e)
{
	struct in_force *p = billing_hold(b);
	struct contract c = { .tariff = p->tariff, .contract_w = p->contract_w };
	struct bill bill;
	enum fems_rc rc = bill_of(b, &c, p, t_us, &bill, e);

	if (rc == FEMS_OK) {
		*w = bill.peak_w;
		*peak_t_us = bill.peak_t_us;
	}
	billing_let_go(p);
	return rc;
}

enum fems_rc billing_demand_cost(void *ctx, int64_t t_us, struct demand_cost *out, struct fems_error *e)
{
	struct billing *b = ctx;
	const struct billing_contract *c;
	struct bill bill;
	enum fems_rc rc = billing_contract(b, t_us, &c, e);

	if (rc != FEMS_OK)
		return rc;
	rc = bill_of(b, &c->contract, billing_held(c), t_us, &bill, e);
	if (rc == FEMS_OK)
		rc = tariff_demand_cost(&c->contract, t_us, bill.peak_w, out, e);
	billing_release(c);
	return rc;
}
