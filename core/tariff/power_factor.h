/* SPDX-License-Identifier: Apache-2.0
 *
 * Mean power factor over the intervals of a rule (KEPCO: 30 minutes), part by part (by day lagging, by
 * night leading), and what it adds to or takes off a charge. Power factors are micro-percent.
 */
#ifndef FEMS_TARIFF_POWER_FACTOR_H
#define FEMS_TARIFF_POWER_FACTOR_H

#include "core/tariff/model.h"

struct pf_sum {
	int64_t sum, n;
};

struct pf_run {
	struct pf_sum sums[MAX_RATES][MAX_PF_PARTS]; /* per version of the rule */
	/* the interval being filled */
	int64_t end_us; /* 0: none */
	int64_t wh, varh;
	uint8_t rate, part;
};

struct pf_mean {
	int64_t mean_micro[MAX_PF_PARTS];
	int64_t percent_micro;
	bool measured;
};

/* wh / sqrt(wh^2 + varh^2) in micro-percent, to better than 1e-6 %; wh > 0. */
int64_t pf_of(int64_t wh, int64_t varh);
/* Adds what is being filled to the sums. */
void pf_flush(struct pf_run *, const struct pf_rule *);
/* Means of one version, rounded as the line says, and the percentage of the charge that follows
 * (positive: surcharge). A part that was not measured counts as standard. */
void pf_result(const struct pf_sum sums[MAX_PF_PARTS], const struct pf_rule *, struct rounding_rule,
	       struct pf_mean *out);

#endif
