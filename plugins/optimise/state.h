/* SPDX-License-Identifier: Apache-2.0
 *
 * A schedule while it is being changed: who holds which machine when, the import of every slot, its
 * cost, all kept up to date by every placement and removal.
 */
#ifndef OPTIMISE_STATE_H
#define OPTIMISE_STATE_H

#include "plugins/optimise/model.h"

struct cand {        /* one possible place of an order */
	int64_t low; /* units: its least possible energy cost there, plus lateness */
	int32_t start, option;
};

struct state {
	const struct model *m;
	struct place *at;
	uint64_t *busy;       /* per machine: bits of slots closed or held */
	int32_t *owner;       /* per machine and slot: the order there, -1 none */
	int64_t *u;           /* import Wh */
	int64_t *cu;          /* import Wh where it counts for demand, else very low */
	int64_t peak;         /* highest of cu, at least 0; exact after state_peak() */
	int64_t energy, late; /* units */
	int unplaced;
	/* Candidates of every order, cheapest first; made by state_candidates(). */
	struct cand *cands;
	size_t *first;        /* n_orders + 1 */
	bool all_cands;       /* false: only the cheapest of each order are listed */
	uint8_t *export_slot; /* import may be negative here: low uses the selling price */
	int *export_before;   /* how many such slots before t */
};

struct rng {
	uint64_t s;
};
static inline uint64_t rng_next(struct rng *r)
{
	r->s ^= r->s << 13; /* Marsaglia 2003, xorshift64 */
	r->s ^= r->s >> 7;
	r->s ^= r->s << 17;
	return r->s;
}
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)(((rng_next(r) >> 32) * n) >> 32);
}
static inline double rng_unit(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * 0x1p-53;
}

bool state_init(const struct model *, struct state *);
void state_free(struct state *);
/* Only the fixed orders are placed; battery (may be NULL) becomes part of the import. */
void state_reset(struct state *, const int64_t *battery_wh);
/* (Re)builds the candidates for the present battery. False: out of memory. */
bool state_candidates(struct state *);

void state_put(struct state *, int order, struct place);
void state_take(struct state *, int order); /* the peak is then only an upper bound */
void state_peak(struct state *);
/* Machine open and free, inside the horizon and the import limit. */
bool state_fits(const struct state *, int order, struct place);
/* Total cost in units; needs an exact peak. */
int64_t state_cost(const struct state *);
int64_t state_demand(const struct model *, int64_t peak_wh);

/* The cheapest place given all others; demand counts only above free_wh. blink: of 1024 candidates so
 * many are overlooked, for variety. False: there is none. */
bool state_best(const struct state *, int order, int64_t free_wh, uint32_t blink, struct rng *,
		struct place *out);
/* The earliest finish of any option. False: there is none. */
bool state_earliest(const struct state *, int order, struct place *out);

#endif
