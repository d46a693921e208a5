/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "meters/modbus/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fems/util.h>

#define REFUSED_REST_US 60000000 /* a register that was refused is asked for again after this */
#define PROBE_FIRST_US  2000000  /* a silent unit is asked after 2, 4, 8 .. 60 s of real time */
#define PROBE_LAST_US   60000000
#define OFFLINE_AFTER   2 /* polls in a row without an answer */
#define WHY_EVERY_US    10000000
#define FOREVER_US      INT64_C(3600000000)
#define NOTHING_TOLD    0xffu

/* ---- making ---- */

static bool starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/* A meter that is wired the other way round: what it calls import is export. */
static double inverted(const char *quantity, char *name, size_t cap)
{
	const char *import = strstr(quantity, ".import"), *export = strstr(quantity, ".export");
	const char *at = import ? import : export;

	if (starts(quantity, "energy.") && at) {
		snprintf(name, cap, "%.*s%s%s", (int)(at - quantity), quantity,
			 import ? ".export" : ".import", at + 7);
		return 1;
	}
	return starts(quantity, "power.active") || starts(quantity, "power.reactive") ||
			       starts(quantity, "demand.active") || starts(quantity, "demand.reactive")
		       ? -1
		       : 1;
}

static enum fems_rc make_point(struct device *d, struct device_value *v, const struct profile_reg *r,
			       struct fems_error *e)
{
	char name[80];
	struct fems_point_info info = { .size = sizeof info, .device = d->cfg->name, .quantity = name };

	snprintf(name, sizeof name, "%s", r->quantity);
	v->reg = r;
	v->told = NOTHING_TOLD;
	v->sign = d->cfg->invert ? inverted(r->quantity, name, sizeof name) : 1;
	info.flags = (r->unverified ? FEMS_POINT_UNVERIFIED : 0u) | (r->writable ? FEMS_POINT_WRITABLE : 0u);
	info.write_min = r->write_min;
	info.write_max = r->write_max;
	if (r->type < REG_F32 && !r->has_scale)
		info.resolution = r->factor < 0 ? -r->factor : r->factor;
	v->point = d->host->point(d->host->ctx, &info, e);
	return v->point ? FEMS_OK : FEMS_EINVAL;
}

static struct plan_item item_of(const struct profile_reg *r)
{
	return (struct plan_item){ .addr = r->addr, .fc = r->fc, .words = (uint8_t)reg_words(r->type) };
}

static struct plan_item scale_of(const struct profile_reg *r)
{
	return (struct plan_item){ .addr = r->scale_addr, .fc = r->fc, .words = 1 };
}

static bool make_plan(struct device *d)
{
	const struct profile *p = d->profile;
	struct plan_item *items = calloc(2 * p->n_regs, sizeof *items);
	size_t n = 0;
	bool ok;

	for (size_t i = 0; items && i < p->n_regs; i++) {
		items[n++] = item_of(&p->regs[i]);
		if (p->regs[i].has_scale)
			items[n++] = scale_of(&p->regs[i]);
	}
	ok = items && plan_make(&d->plan, items, n, (unsigned)p->max_registers, (unsigned)p->gap);
	free(items);
	if (!ok)
		return false;
	d->items = calloc(d->plan.n_items, sizeof *d->items);
	d->refused_until = calloc(d->plan.n_items, sizeof *d->refused_until);
	d->values = calloc(p->n_regs, sizeof *d->values);
	d->samples = calloc(p->n_regs, sizeof *d->samples);
	return d->items && d->refused_until && d->values && d->samples;
}

enum fems_rc device_open(struct device *d, const struct fems_host *host, const struct loaded_device *ld,
			 struct link *link, int64_t poll_us, struct fems_error *e)
{
	enum fems_rc rc = FEMS_OK;

	d->host = host;
	d->cfg = ld->cfg;
	d->profile = ld->profile;
	d->link = link;
	d->unit = ld->addr.unit;
	d->interval_us = ld->cfg->interval ? ld->cfg->interval : poll_us;
	d->timeout_us = ld->cfg->timeout;
	atomic_init(&d->identified, !d->profile->identify.n);
	if (!make_plan(d))
		return fems_fail(e, FEMS_ENOMEM, "no memory for meter %s", d->cfg->name);
	for (size_t i = 0; !rc && i < d->profile->n_regs; i++) {
		struct device_value *v = &d->values[d->n_values++];
		const struct profile_reg *r = &d->profile->regs[i];

		rc = make_point(d, v, r, e);
		v->item = plan_find(&d->plan, item_of(r));
		v->scale_item = r->has_scale ? plan_find(&d->plan, scale_of(r)) : -1;
	}
	d->answered_us = link_mono_us();
	return rc;
}

void device_close(struct device *d)
{
	plan_free(&d->plan);
	free(d->items);
	free(d->refused_until);
	free(d->values);
	free(d->samples);
}

/* ---- health ---- */

static void tell_state(struct device *d, enum fems_device_state state, const char *why)
{
	int64_t now = link_mono_us();
	bool changed = state != d->state;

	if (!changed && (!strcmp(why, d->why) || now - d->why_us < WHY_EVERY_US))
		return;
	if (changed &&
	    (state == FEMS_DEV_OFFLINE || d->state == FEMS_DEV_OFFLINE || state == FEMS_DEV_DEGRADED))
		d->host->log(d->host->ctx, state == FEMS_DEV_ONLINE ? FEMS_LOG_INFO : FEMS_LOG_WARN, "%s: %s",
			     d->cfg->name, state == FEMS_DEV_ONLINE ? "is back" : why);
	d->state = state;
	d->why_us = now;
	snprintf(d->why, sizeof d->why, "%s", why);
	d->host->device_state(d->host->ctx, d->cfg->name, state, d->why);
}

/* One sample without a value for every point that does not know yet. */
static void tell_lost(struct device *d)
{
	int64_t now = d->host->now_us(d->host->ctx);
	size_t n = 0;

	for (size_t i = 0; i < d->n_values; i++) {
		struct device_value *v = &d->values[i];

		if (v->told == FEMS_Q_COMM_ERROR)
			continue;
		v->told = FEMS_Q_COMM_ERROR;
		d->samples[n++] =
			(struct fems_sample){ .t_us = now, .point = v->point, .quality = FEMS_Q_COMM_ERROR };
	}
	if (n)
		d->host->emit(d->host->ctx, d->samples, n);
}

static void no_answer(struct device *d, enum link_rc rc, const struct link_result *r)
{
	int64_t now = link_mono_us();
	char why[256];

	d->fails++;
	if (rc == LINK_TIMEOUT)
		snprintf(why, sizeof why,
			 "%.120s for %lld s: is the meter powered, the cable in, the unit number right?",
			 r->text, (long long)((now - d->answered_us) / 1000000));
	else
		snprintf(why, sizeof why, "%s", r->text);
	if (rc == LINK_TIMEOUT && d->fails >= OFFLINE_AFTER) {
		d->probe_backoff_us = d->probe_backoff_us ? d->probe_backoff_us * 2 : PROBE_FIRST_US;
		if (d->probe_backoff_us > PROBE_LAST_US)
			d->probe_backoff_us = PROBE_LAST_US;
		d->probe_us = link_mono_us() + d->probe_backoff_us;
	}
	if (d->fails < OFFLINE_AFTER && !r->unreachable)
		return;
	tell_state(d, FEMS_DEV_OFFLINE, why);
	tell_lost(d);
}

static void answered(struct device *d)
{
	char why[256] = "";
	size_t refused = 0, used;

	d->fails = 0;
	d->probe_backoff_us = 0;
	d->answered_us = link_mono_us();
	for (size_t i = 0; i < d->n_values; i++) {
		const struct device_item *it = &d->items[d->values[i].item];

		if (it->state != ITEM_REFUSED)
			continue;
		used = strlen(why);
		if (refused++ < 4)
			snprintf(why + used, sizeof why - used, "%s%s", refused > 1 ? ", " : "",
				 d->values[i].reg->quantity);
		if (refused == 1) {
			used = strlen(why);
			snprintf(why + used, sizeof why - used, " (exception %d, %s)", it->exception,
				 link_exception_name(it->exception));
		}
	}
	used = strlen(why);
	if (refused)
		snprintf(why + used, sizeof why - used,
			 "%s refused by the meter: is profile %s right for this model?",
			 refused > 4 ? " and more" : "", d->profile->id);
	tell_state(d, refused ? FEMS_DEV_DEGRADED : FEMS_DEV_ONLINE, why);
}

/* ---- reading ---- */

static enum link_rc ask(struct device *d, uint8_t fc, uint16_t addr, uint16_t count, uint16_t *words,
			struct device_item *when, struct link_result *r)
{
	int64_t before, after;
	enum link_rc rc;

	if (!link_take(d->link, false, FOREVER_US))
		return LINK_STOPPED;
	before = d->host->now_us(d->host->ctx);
	rc = link_read(d->link, d->unit, fc, addr, count, d->timeout_us, words, r);
	after = d->host->now_us(d->host->ctx);
	link_give(d->link);
	if (d->profile->pause_us)
		link_rest(d->link, d->profile->pause_us);
	if (after < before) /* the clock was set back meanwhile */
		before = after;
	when->t_us = before + (after - before) / 2;
	when->t_unc_us = (uint32_t)((after - before) / 2 < UINT32_MAX ? (after - before) / 2 : UINT32_MAX);
	/* a gateway that answers for its silent meter */
	if (rc == LINK_EXCEPTION && (r->exception == 10 || r->exception == 11)) {
		snprintf(r->text, sizeof r->text, "the gateway %s gets no answer from unit %d",
			 link_name(d->link), d->unit);
		return LINK_TIMEOUT;
	}
	return rc;
}

static enum link_rc identify(struct device *d, struct link_result *r)
{
	const struct profile_words *want = &d->profile->identify;
	uint16_t words[16];
	struct device_item when;
	enum link_rc rc;

	if (atomic_load(&d->identified))
		return LINK_OK;
	rc = ask(d, (uint8_t)d->profile->function, want->addr, want->n, words, &when, r);
	if (rc != LINK_OK && rc != LINK_EXCEPTION)
		return rc;
	if (rc == LINK_OK && !memcmp(words, want->words, want->n * sizeof *words)) {
		atomic_store(&d->identified, true);
		return LINK_OK;
	}
	r->unreachable = true;
	snprintf(r->text, sizeof r->text,
		 "%s unit %d does not identify itself as %s %s (register %u): is it another meter?",
		 link_name(d->link), d->unit, d->profile->maker, d->profile->model, want->addr);
	return LINK_DOWN;
}

static void keep(struct device *d, const struct plan_read *read, const uint16_t *words,
		 const struct device_item *when)
{
	for (size_t i = read->first; i < (size_t)read->first + read->n; i++) {
		const struct plan_item *it = &d->plan.items[i];

		d->items[i] = *when;
		d->items[i].state = ITEM_READ;
		memcpy(d->items[i].words, words + (it->addr - read->addr), it->words * sizeof *words);
	}
}

static void refuse(struct device *d, size_t i, const struct link_result *r)
{
	const struct plan_read *read = &d->plan.reads[i];

	for (size_t k = read->first; k < (size_t)read->first + read->n; k++) {
		d->items[k].state = ITEM_REFUSED;
		d->items[k].exception = r->exception;
		d->items[k].t_us = d->host->now_us(d->host->ctx);
		d->items[k].t_unc_us = 0;
	}
	if (r->exception <= 3) /* will not change soon; the others (busy ..) may */
		d->refused_until[i] = link_mono_us() + REFUSED_REST_US;
}

/* One request of the plan. A request over several values that is refused with "illegal address" is
 * split, so that a hole that must not be read, or one missing register, costs nobody else. */
static enum link_rc read_one(struct device *d, size_t i, struct link_result *r)
{
	uint16_t words[LINK_MAX_READ];
	struct device_item when = { 0 };
	enum link_rc rc;

	for (;;) {
		const struct plan_read *read = &d->plan.reads[i];

		rc = ask(d, read->fc, read->addr, read->count, words, &when, r);
		if (rc == LINK_OK)
			keep(d, read, words, &when);
		if (rc != LINK_EXCEPTION)
			return rc;
		if ((r->exception != 2 && r->exception != 3) || !plan_split(&d->plan, i))
			break;
		memmove(&d->refused_until[i + 1], &d->refused_until[i],
			(d->plan.n_reads - i - 1) * sizeof *d->refused_until);
		d->refused_until[i + 1] = 0;
	}
	refuse(d, i, r);
	return LINK_OK;
}

static void begin(struct device *d)
{
	int64_t now = link_mono_us();

	for (size_t i = 0; i < d->plan.n_reads; i++) {
		const struct plan_read *read = &d->plan.reads[i];

		if (d->refused_until[i] > now)
			continue;
		d->refused_until[i] = 0;
		for (size_t k = read->first; k < (size_t)read->first + read->n; k++)
			d->items[k].state = ITEM_UNREAD;
	}
}

/* ---- emitting ---- */

static uint32_t judge(const struct device *d, const struct device_value *v, double *value)
{
	const struct device_item *it = &d->items[v->item];
	const struct device_item *scale = v->scale_item >= 0 ? &d->items[v->scale_item] : NULL;

	if (it->state == ITEM_REFUSED || (scale && scale->state == ITEM_REFUSED))
		return FEMS_Q_DEVICE_ERROR;
	if (it->state == ITEM_UNREAD || (scale && scale->state == ITEM_UNREAD))
		return NOTHING_TOLD;
	return profile_value(v->reg, it->words, scale ? scale->words[0] : 0, value) ? FEMS_Q_GOOD
										    : FEMS_Q_NOT_AVAILABLE;
}

static void emit_values(struct device *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_values; i++) {
		struct device_value *v = &d->values[i];
		const struct device_item *it = &d->items[v->item];
		double value = 0;
		uint32_t class = judge(d, v, &value);

		if (class == NOTHING_TOLD || (class != FEMS_Q_GOOD && class == v->told))
			continue;
		v->told = class;
		d->samples[n++] = (struct fems_sample){
			.t_us = it->t_us,
			.value = value * v->sign + 0.0,
			.point = v->point,
			.t_unc_us = it->t_unc_us,
			.quality = class | (v->reg->unverified ? FEMS_Q_UNVERIFIED : 0u),
		};
	}
	if (n)
		d->host->emit(d->host->ctx, d->samples, n);
}

void device_poll(struct device *d)
{
	struct link_result r = { 0 };
	enum link_rc rc;

	if (d->probe_backoff_us && link_mono_us() < d->probe_us)
		return;
	begin(d);
	rc = identify(d, &r);
	for (size_t i = 0; rc == LINK_OK && i < d->plan.n_reads; i++) {
		if (!d->refused_until[i])
			rc = read_one(d, i, &r);
	}
	if (rc == LINK_STOPPED)
		return;
	emit_values(d);
	if (rc == LINK_OK)
		answered(d);
	else
		no_answer(d, rc, &r);
}
