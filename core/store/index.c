/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/store/index.h"
#include <math.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/store/store.h"

/* Registers count in steps, so a short interval may show a step that took longer to come about. */
#define RATE_FLOOR_US  US_PER_MIN
#define RATE_TOLERANCE 1.1
#define GOOD_GAP_US    (10 * US_PER_S)
#define GOOD_POLLS     3

bool index_reading_of(const struct fems_sample *s, struct index_reading *r)
{
	memset(r, 0, sizeof *r);
	if ((s->quality & FEMS_Q_CLASS) > FEMS_Q_UNCERTAIN || !isfinite(s->value) || fabs(s->value) > 0x1p53)
		return false;
	r->t_us = s->t_us;
	r->raw = llround(s->value);
	r->epoch = s->epoch;
	return true;
}

int64_t index_value(const struct index_reading *r)
{
	return r->raw + r->offset;
}

bool index_is_first(const struct index_pair *p)
{
	return p->a.t_us == p->b.t_us && !p->a.anchor;
}

static bool fits(const struct index_rule *rule, const struct index_reading *a, const struct index_reading *b)
{
	int64_t d = b->raw - a->raw, dt = b->t_us - a->t_us;

	if (a->anchor)
		return true;
	if (d < 0 || b->epoch > a->epoch)
		return false;
	if (dt < RATE_FLOOR_US)
		dt = RATE_FLOOR_US;
	return rule->max_rate <= 0 ||
	       (double)d <=
		       rule->max_rate * RATE_TOLERANCE * ((double)dt / (double)US_PER_H) + rule->resolution;
}

/* The device itself says that this is another register, and nothing speaks against it. */
static bool announced(const struct index_state *st, const struct index_reading *r)
{
	return !st->pending && !st->left.anchor && r->epoch > st->left.epoch && r->raw >= st->left.raw;
}

static void accept(struct index_state *st, const struct index_reading *r, bool lost, struct index_pair *out)
{
	struct index_reading b = *r;

	b.gap_us = r->t_us - st->left.t_us;
	b.offset = lost || st->left.anchor ? index_value(&st->left) - r->raw : st->left.offset;
	out->a = st->left;
	out->b = b;
	/* Nothing is known between an anchor and the first register reading. */
	out->lost = lost || (st->left.anchor && b.gap_us > GOOD_GAP_US);
	st->left = b;
	st->pending = false;
}

static int first_reading(struct index_state *st, const struct index_reading *r, struct index_pair *out)
{
	st->have = true;
	st->left = *r;
	st->left.offset = 0;
	st->left.gap_us = 0;
	out->a = out->b = st->left;
	out->lost = false;
	return 1;
}

/* The odd reading is known to be no register that went on: it belongs to a higher epoch only because
 * it looked like a reset, so the older register may go on in that epoch. */
static bool fits_older(const struct index_state *st, const struct index_rule *rule,
		       const struct index_reading *r)
{
	struct index_reading left = st->left;

	if (st->odd.raw < left.raw && st->odd.epoch > left.epoch)
		left.epoch = st->odd.epoch;
	return fits(rule, &left, r);
}

int index_push(struct index_state *st, const struct index_rule *rule, const struct index_reading *r,
	       struct index_pair pairs[2])
{
	if (!st->have)
		return first_reading(st, r, &pairs[0]);
	MUST(r->t_us > st->left.t_us || (st->left.anchor && r->t_us == st->left.t_us));
	if (announced(st, r)) {
		accept(st, r, true, &pairs[0]);
		return 1;
	}
	if (st->pending ? fits_older(st, rule, r) : fits(rule, &st->left, r)) {
		accept(st, r, false, &pairs[0]);
		return 1;
	}
	if (st->pending && fits(rule, &st->odd, r)) {
		struct index_reading odd = st->odd;

		accept(st, &odd, true, &pairs[0]);
		accept(st, r, false, &pairs[1]);
		return 2;
	}
	st->pending = true;
	st->odd = *r;
	return 0;
}

/* Half up of num / den for den > 0, also for negative num. */
static int64_t half_up(__int128 num, __int128 den)
{
	__int128 twice = 2 * num + den, q = twice / (2 * den);

	if (twice < 0 && twice % (2 * den))
		q--;
	return (int64_t)q;
}

int64_t index_between(int64_t t0, int64_t c0, int64_t t1, int64_t c1, int64_t t)
{
	return c0 + half_up((__int128)(c1 - c0) * (t - t0), (__int128)(t1 - t0));
}

int64_t index_at(const struct index_pair *p, int64_t t)
{
	if (p->a.t_us == p->b.t_us || t >= p->b.t_us)
		return index_value(&p->b);
	return index_between(p->a.t_us, index_value(&p->a), p->b.t_us, index_value(&p->b), t);
}

uint32_t index_flags_at(const struct index_pair *p, int64_t t)
{
	int64_t gap = p->b.t_us - p->a.t_us;

	if (t == p->a.t_us || t == p->b.t_us || gap <= GOOD_GAP_US || gap <= GOOD_POLLS * p->a.gap_us)
		return gap > US_PER_SLOT && t != p->a.t_us && t != p->b.t_us ? STORE_ESTIMATED : 0;
	return gap <= US_PER_SLOT ? STORE_INTERPOLATED : STORE_ESTIMATED;
}

bool index_covers(const struct index_pair *p)
{
	return p->b.t_us - p->a.t_us <= US_PER_SLOT && !p->lost;
}
