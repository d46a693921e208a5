/* SPDX-License-Identifier: Apache-2.0
 *
 * The planning problem as the search wants it: energy in Wh per slot (power / 4, exact), money in
 * "units": 1e-9 of the currency divided by scale, so that Wh x price needs no division. scale is 1
 * unless the amounts would not fit in 64 bits.
 */
#ifndef OPTIMISE_MODEL_H
#define OPTIMISE_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <fems/plugin.h>

struct place {
	int option, start; /* option -1: nowhere */
};

struct option {
	int machine, len;
	int64_t *wh; /* per slot */
	int64_t sum_wh, max_wh;
};

struct order {
	const char *id; /* borrowed from the document */
	int release, due;
	int64_t late_micro; /* per slot */
	int64_t late;       /* the same in units */
	struct option *options;
	int n_options;
	bool fixed;
	struct place fixed_at, erp, warm;
};

struct battery { /* capacity_wh 0: none; amounts in Wh and Wh per slot */
	int64_t capacity_wh, slot_wh, min_wh, max_wh, stored_wh, end_wh, efficiency_permille;
};

struct model {
	json_t *doc;
	int slots, n_orders, n_machines, words; /* words: of 64 slots in a row of bits */
	int64_t *buy_micro, *sell_micro;        /* per kWh */
	int64_t *buy, *sell;                    /* units per Wh */
	int64_t *net_wh;                        /* base - pv */
	uint8_t *counts;
	bool all_count;
	int64_t threshold_w, demand_micro; /* per kW */
	int64_t demand;                    /* units per W */
	int64_t limit_wh;                  /* INT64_MAX: none */
	int64_t scale;
	uint64_t *closed; /* per machine: bits of slots that are not open */
	struct order *orders;
	struct battery battery;
	uint64_t seed;
};

struct solution { /* one per order; battery Wh per slot, positive = charging, NULL without battery */
	struct place *at;
	int64_t *battery_wh;
};

enum fems_rc model_parse(struct fems_span, struct model **out, struct fems_error *);
void model_free(struct model *);

bool solution_init(const struct model *, struct solution *);
void solution_free(struct solution *);
void solution_copy(const struct model *, struct solution *dst, const struct solution *src);

struct cost {
	int64_t energy_micro, demand_micro, late_micro, total_micro;
};
/* Exactly as docs/documents.md defines it. import_wh: scratch of m->slots. */
struct cost solution_cost(const struct model *, const struct solution *, int64_t *import_wh);
/* The document "plan" as text (caller frees); bound_micro < 0: none. */
char *solution_text(const struct model *, const struct solution *, const struct cost *, int64_t bound_micro,
		    int64_t steps);
/* Import per slot of this solution. */
void solution_import(const struct model *, const struct solution *, int64_t *import_wh);

/* A proven lower bound of total_micro, -1: none (with a battery). */
int64_t model_bound(const struct model *);

#endif
