/* SPDX-License-Identifier: Apache-2.0
 *
 * Ruin and recreate with annealed acceptance: takes a few related orders out, puts each back at its
 * cheapest place, keeps the result when it is better or, the earlier the more often, when it is a
 * little worse (Schrimpf et al. 2000; slack induction by string removals, Christiaens and Vanden
 * Berghe 2020, for the related removals and the overlooked candidates).
 */
#ifndef OPTIMISE_SEARCH_H
#define OPTIMISE_SEARCH_H

#include "plugins/optimise/state.h"

struct search {
	struct state *s;
	struct rng *r;
	struct place *best; /* best places found, one per order */
	int64_t best_cost;  /* units */
	double heat;        /* first temperature: this share of an order's mean cost times the root of their
			       * number, found on factories of 30 to 300 orders */
	int64_t steps;
	/* Called every few steps and on each new best: returns how much of the time is over, 0 to 1; 1: stop. */
	double (*progress)(void *ctx, bool better);
	void *ctx;
	/* Working room, one per order. */
	int *out;
	struct place *was;
};

bool search_init(struct search *, struct state *, struct rng *);
void search_free(struct search *);
/* Begins at the state's schedule, which must be complete; ends with the best one in it and in best. */
void search_run(struct search *, const int64_t *battery_wh);

#endif
