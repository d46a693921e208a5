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

struct in_force *billing_hold(struct billing *b, enum fems_rc *rc, struct fems_error *e)
{
	struct in_force *p;

	pthread_mutex_lock(&b->lock);
	p = b->now;
	*rc = p->rc;
	if (p->rc == FEMS_OK)
		p->users++;
	else if (e)
		*e = p->problem;
	pthread_mutex_unlock(&b->lock);
	return *rc == FEMS_OK ? p : NULL;
}

void billing_let_go(struct in_force *p)
{
	struct billing *b = p->billing;

	pthread_mutex_lock(&b->lock);
	if (--p->users == 0)
		pthread_cond_broadcast(&b->idle);
	pthread_mutex_unlock(&b->lock);
}

enum fems_rc billing_check(const struct site *site, const struct tariff *t, struct fems_error *e)
{
	if (!t)
		return err_set(e, FEMS_ENOENT,
			       "the settings name no tariff; add \"tariff: FILE\" to the site");
	if (t->demand_us % US_PER_SLOT)
		return err_set(e, FEMS_EINVAL,
			       "tariff %s: its demand interval is not a multiple of the 15 minutes "
			       "that are stored; it cannot be billed here",
			       t->id);
	if (strcmp(t->currency, site->currency))
		return err_set(e, FEMS_EINVAL,
			       "tariff %s is in %s and the site's currency is %s; set the site's "
			       "currency to that of its tariff",
			       t->id, t->currency, site->currency);
	return FEMS_OK;
}

static void in_force_init(struct in_force *p, struct billing *b, const struct site *site,
			  const struct tariff *t)
{
	memset(p, 0, sizeof *p);
	p->billing = b;
	p->tariff = t;
	p->contract_w = site->contract_w;
	p->target_w = site->demand_target_w ? site->demand_target_w : site->contract_w;
	p->rc = billing_check(site, t, &p->problem);
	if (p->rc == FEMS_OK && !(site->main_meter && str_copy(p->meter, sizeof p->meter, site->main_meter)))
		p->rc = err_set(&p->problem, FEMS_ENOENT,
				"the site has no main meter to be billed; name one in "
				"the settings");
	pthread_mutex_init(&p->lock, NULL);
}

enum fems_rc billing_open(const struct billing_options *o, struct billing **out, struct fems_error *e)
{
	struct billing *b = calloc(1, sizeof *b);

	if (!b)
		return err_set(e, FEMS_ENOMEM, "bill: out of memory");
	b->store = o->store;
	b->now = &b->places[0];
	in_force_init(b->now, b, o->site, o->tariff);
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->idle, NULL);
	pthread_mutex_init(&b->set_lock, NULL);
	pthread_mutex_init(&b->cost_lock, NULL);
	if (o->services)
		billing_serve(b, o->services);
	*out = b;
	return FEMS_OK;
}

void billing_close(struct billing *b)
{
	if (!b)
		return;
	pthread_mutex_destroy(&b->now->lock);
	pthread_mutex_destroy(&b->lock);
	pthread_cond_destroy(&b->idle);
	pthread_mutex_destroy(&b->set_lock);
	pthread_mutex_destroy(&b->cost_lock);
	json_decref(b->cost);
	free(b);
}

void billing_set(struct billing *b, const struct site *site, const struct tariff *t)
{
	struct in_force *old, *new;

	pthread_mutex_lock(&b->set_lock);
	old = b->now;
	new = old == &b->places[0] ? &b->places[1] : &b->places[0];
	in_force_init(new, b, site, t);
	pthread_mutex_lock(&b->lock);
	b->now = new;
	while (old->users)
		pthread_cond_wait(&b->idle, &b->lock);
	pthread_mutex_unlock(&b->lock);
	pthread_mutex_destroy(&old->lock);
	pthread_mutex_lock(&b->cost_lock);
	json_decref(b->cost);
	b->cost = NULL;
	pthread_mutex_unlock(&b->cost_lock);
	pthread_mutex_unlock(&b->set_lock);
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
	h->in_force = billing_hold(b, &rc, e);
	if (!h->in_force) {
		free(h);
		return rc;
	}
	c = &h->public.contract;
	*c = (struct contract){ .tariff = h->in_force->tariff,
				.contract_w = h->in_force->contract_w,
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
	struct peak peaks[PEAKS_MAX];
	enum fems_rc rc;
	struct in_force *p = billing_hold(b, &rc, e);
	const struct zone *zone;
	struct contract c;

	if (!p)
		return rc;
	zone = p->tariff->zone;
	c = (struct contract){ .tariff = p->tariff, .contract_w = p->contract_w, .peaks = peaks };
	rc = peaks_before(b->store, p, year, month, peaks, &c.n_peaks, e);
	if (rc == FEMS_OK)
		rc = bill_stored(b->store, p, &c, zone_utc(zone, year, month, 1, 0, 0, 0),
				 zone_utc(zone, year, month + 1, 1, 0, 0, 0),
				 billing_whole(p->tariff, now_us), out, e);
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
	enum fems_rc rc;
	struct in_force *p = billing_hold(b, &rc, e);
	struct contract c;
	struct bill bill;

	if (!p)
		return rc;
	c = (struct contract){ .tariff = p->tariff, .contract_w = p->contract_w };
	rc = bill_of(b, &c, p, t_us, &bill, e);
	if (rc == FEMS_OK) {
		*w = bill.peak_w;
		*peak_t_us = bill.peak_t_us;
	}
	billing_let_go(p);
	return rc;
}

enum fems_rc billing_demand_cost(struct billing *b, int64_t t_us, struct demand_cost *out,
				 struct fems_error *e)
{
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
