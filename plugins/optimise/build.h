/* SPDX-License-Identifier: Apache-2.0
 *
 * A first schedule in milliseconds, and the repair of one that could not place everything.
 */
#ifndef OPTIMISE_BUILD_H
#define OPTIMISE_BUILD_H

#include "plugins/optimise/state.h"

/* Asked now and then; true: stop. */
typedef bool (*build_stop_fn)(void *ctx);

/* Dispatches every order to its earliest finish by several orderings; the state holds the one that
 * placed most, at the least cost. False: out of memory. */
bool build_dispatch(struct state *, const int64_t *battery_wh, struct rng *);
/* The same by least marginal cost; needs candidates. Keeps the state's schedule when that is better. */
bool build_cheapest(struct state *, const int64_t *battery_wh, struct rng *);
/* Places what build left out by pushing others aside (ejection with growing penalties; Nagata and
 * Braysy 2009); needs candidates. True: everything is placed. */
bool build_eject(struct state *, struct rng *, build_stop_fn, void *ctx);
/* Puts these places, the ones that do not fit by least cost; may leave some out. */
void build_from(struct state *, const int64_t *battery_wh, const struct place *, struct rng *);

#endif
