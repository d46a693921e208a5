/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/tariff/power_factor.h"

#include <math.h>
#include <string.h>

static uint64_t isqrt(uint64_t v)
{
	/* The hardware's root is exact to 53 bits; one step in either direction repairs the rest. */
	uint64_t r = (uint64_t)sqrt((double)v);

	while (r > UINT32_MAX || r * r > v)
		r--;
	while (r < UINT32_MAX && (r + 1) * (r + 1) <= v)
		r++;
	return r;
}

int64_t pf_of(int64_t wh, int64_t varh)
{
	uint64_t p = (uint64_t)wh, q = (uint64_t)(varh < 0 ? -varh : varh), top = p | q, root;
	int shift;

	/* Scale the larger one to 31 bits: the sum of squares fits into 64, its root keeps 31. */
	shift = 33 - __builtin_clzll(top);
	if (shift > 0) {
		p >>= shift;
		q >>= shift;
	} else {
		p <<= -shift;
		q <<= -shift;
	}
	root = isqrt(p * p + q * q);
	return root ? (int64_t)((p * (uint64_t)PERCENT_100 + root / 2) / root) : 0;
}

static int64_t clip(int64_t v, int64_t min, int64_t max)
{
	return v < min ? min : v > max ? max : v;
}

void pf_flush(struct pf_run *run, const struct pf_rule *rule)
{
	const struct pf_part *part = &rule->parts[run->part];
	struct pf_sum *sum = &run->sums[run->rate][run->part];
	int64_t pf;

	/* An interval without energy has no power factor. */
	if (run->end_us && run->wh > 0) {
		if (run->varh == 0)
			pf = PERCENT_100;
		else
			pf = (run->varh > 0) != part->leading ? pf_of(run->wh, run->varh) : part->other_micro;
		sum->sum += clip(pf, part->min_micro, part->max_micro);
		sum->n++;
	}
	run->end_us = 0;
}

static int64_t surcharge(const struct pf_part *p, int64_t mean)
{
	int64_t diff = p->standard_micro - mean, per = diff > 0 ? p->below_micro : p->above_micro;

	return round_div((__int128)diff * per, 1000000, ROUND_HALF_UP);
}

void pf_result(const struct pf_sum sums[MAX_PF_PARTS], const struct pf_rule *rule, struct rounding_rule round,
	       struct pf_mean *out)
{
	memset(out, 0, sizeof *out);
	for (int i = 0; i < rule->n_parts; i++) {
		out->mean_micro[i] = rule->parts[i].standard_micro;
		if (!sums[i].n)
			continue;
		out->measured = true;
		out->mean_micro[i] = round_rule(round_div(sums[i].sum, sums[i].n, ROUND_HALF_UP), round);
		out->percent_micro += surcharge(&rule->parts[i], out->mean_micro[i]);
	}
}
