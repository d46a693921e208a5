/* SPDX-License-Identifier: Apache-2.0
 *
 * Counter arithmetic: from raw register readings to a corrected cumulative index in whole Wh that
 * never goes back, and from it to readings at any instant. Pure functions of the readings in order of
 * time, so that a rebuild gives what was built step by step. No SQL, no locks.
 *
 * The rules: a reading that fits its predecessor (0 <= d <= max_rate x time) is accepted. One that
 * does not is held back until the next: when that fits the older reading, the odd one was a glitch
 * and is left out; when it fits the odd one, the register was reset, exchanged or jumped, which
 * contributes nothing and marks the time between as incomplete. A reading that the device itself
 * puts into a higher epoch, with a register that did not go back, starts a new register likewise.
 */
#ifndef FEMS_STORE_INDEX_H
#define FEMS_STORE_INDEX_H

#include <stdbool.h>
#include <stdint.h>
#include <fems/plugin.h>

struct index_rule {
	double max_rate;   /* Wh per hour, 0: no check */
	double resolution; /* of the register in Wh */
};

struct index_reading {
	int64_t t_us, raw; /* Wh as the register shows it */
	int64_t offset;    /* raw + offset is the index */
	int64_t gap_us;    /* to the accepted reading before it; 0: none */
	uint32_t epoch;
	bool anchor; /* index without a register behind it: the next register continues it */
};

struct index_state {
	bool have, pending;
	struct index_reading left; /* last accepted */
	struct index_reading odd;  /* held back, when pending */
};

/* Two accepted readings that follow each other; of the very first one, both are the same. From an
 * anchor to a reading at the same instant no time passes either. */
struct index_pair {
	struct index_reading a, b;
	bool lost; /* what was used between them is not known: the index stands still */
};

/* False when the sample cannot be a reading (no usable value, not finite, out of range). */
bool index_reading_of(const struct fems_sample *, struct index_reading *);
/* Takes the next reading (later than all before; the first one may lie on an anchor); fills pairs and
 * returns how many (0..2). */
int index_push(struct index_state *, const struct index_rule *, const struct index_reading *,
	       struct index_pair pairs[2]);

bool index_is_first(const struct index_pair *);
int64_t index_value(const struct index_reading *);
/* The index at t between a and b, linear, rounded once half up. */
int64_t index_at(const struct index_pair *, int64_t t_us);
/* 0, STORE_INTERPOLATED or STORE_ESTIMATED, by the gap around t; 0 on a reading. */
uint32_t index_flags_at(const struct index_pair *, int64_t t_us);
/* True when the readings are near enough for the time between to count as covered. */
bool index_covers(const struct index_pair *);

/* Linear between two known points, rounded once half up. t0 < t1. */
int64_t index_between(int64_t t0, int64_t c0, int64_t t1, int64_t c1, int64_t t);

#endif
