/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "meters/modbus/device.h"

#include <string.h>
#include <fems/util.h>

#define AGAIN_US 50000 /* between two looks at a register that still settles */

static enum fems_rc failed(enum link_rc rc, const struct link_result *r, const char *what, const char *device,
			   const char *quantity, struct fems_error *e)
{
	switch (rc) {
	case LINK_STOPPED:
		return fems_fail(e, FEMS_AGAIN, "%s/%s: the meters are being stopped", device, quantity);
	case LINK_TIMEOUT:
		return fems_fail(e, FEMS_ETIME, "%s %s/%s: %s; whether it took the value is unknown", what,
				 device, quantity, r->text);
	default:
		return fems_fail(e, FEMS_EIO, "%s %s/%s: %s", what, device, quantity, r->text);
	}
}

static int64_t left_of(const struct device *d, int64_t until)
{
	int64_t left = until - link_mono_us();

	return left < d->timeout_us ? left : d->timeout_us;
}

/* Looks until the register shows what was written, or its settling time is over. */
static enum fems_rc read_back(struct device *d, const struct device_value *v, const uint16_t *wrote,
			      int64_t until, struct fems_sample *s, struct fems_error *e)
{
	const struct profile_reg *r = v->reg;
	uint16_t count = (uint16_t)reg_words(r->type), words[REG_MAX_WORDS];
	int64_t settled = link_mono_us() + r->wait_us, before, after, left;
	struct link_result res = { 0 };
	enum link_rc rc;

	for (;;) {
		left = left_of(d, until);
		if (left <= 0)
			return fems_fail(e, FEMS_ETIME,
					 "%s/%s was written, but no time was left to read it back",
					 d->cfg->name, r->quantity);
		before = d->host->now_us(d->host->ctx);
		rc = link_read(d->link, d->unit, r->fc, r->addr, count, left, words, &res);
		after = d->host->now_us(d->host->ctx);
		if (rc != LINK_OK)
			return failed(rc, &res, "reading back", d->cfg->name, r->quantity, e);
		if (!memcmp(words, wrote, count * sizeof *words) || link_mono_us() >= settled)
			break;
		link_rest(d->link, AGAIN_US);
	}
	*s = (struct fems_sample){ .t_us = before + (after - before) / 2,
				   .point = v->point,
				   .t_unc_us = after > before ? (uint32_t)((after - before) / 2) : 0 };
	if (!profile_value(r, words, 0, &s->value))
		s->quality = FEMS_Q_NOT_AVAILABLE;
	if (memcmp(words, wrote, count * sizeof *words))
		return fems_fail(e, FEMS_EIO,
				 "%s/%s reads back %g after the write: does the device limit it, or is it in "
				 "local mode?",
				 d->cfg->name, r->quantity, s->value);
	return FEMS_OK;
}

static enum fems_rc write_taken(struct device *d, const struct device_value *v, const uint16_t *words,
				int64_t until, struct fems_sample *s, struct fems_error *e)
{
	const struct profile_reg *r = v->reg;
	struct link_result res = { 0 };
	int64_t left = left_of(d, until);
	enum link_rc rc;

	if (left <= 0)
		return fems_fail(e, FEMS_ETIME, "%s/%s: the line was busy, nothing was written", d->cfg->name,
				 r->quantity);
	rc = link_write(d->link, d->unit, r->addr, (uint16_t)reg_words(r->type), words, left, &res);
	if (rc != LINK_OK)
		return failed(rc, &res, "writing", d->cfg->name, r->quantity, e);
	return read_back(d, v, words, until, s, e);
}

enum fems_rc device_write(struct device *d, const struct device_value *v, double value, int64_t budget_us,
			  struct fems_error *e)
{
	int64_t until = link_mono_us() + budget_us;
	const struct profile_reg *r = v->reg;
	struct fems_sample s = { 0 };
	uint16_t words[REG_MAX_WORDS];
	enum fems_rc rc;

	if (!r->writable)
		return fems_fail(e, FEMS_EINVAL, "%s/%s is not writable in profile %s", d->cfg->name,
				 r->quantity, d->profile->id);
	if (!profile_words_of(r, value, words))
		return fems_fail(e, FEMS_EINVAL, "%g is outside of what %s/%s takes (%g to %g)", value,
				 d->cfg->name, r->quantity, r->write_min, r->write_max);
	if (!atomic_load(&d->identified))
		return fems_fail(e, FEMS_EIO,
				 "%s has not been identified as %s yet; nothing is written to it",
				 d->cfg->name, d->profile->id);
	if (!link_take(d->link, true, budget_us))
		return fems_fail(e, FEMS_ETIME, "%s/%s: the line was busy, nothing was written", d->cfg->name,
				 r->quantity);
	rc = write_taken(d, v, words, until, &s, e);
	link_give(d->link);
	if (s.point) {
		s.quality |= r->unverified ? FEMS_Q_UNVERIFIED : 0u;
		d->host->emit(d->host->ctx, &s, 1);
	}
	return rc;
}
