/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantities as people write them ("15min", "0.5 MW", "2 kWh") to whole numbers of the base unit and
 * back. Exact: no floating point.
 */
#ifndef FEMS_CONF_UNIT_H
#define FEMS_CONF_UNIT_H

#include <stdbool.h>
#include <stdint.h>

struct dimension {
	const char *wanted; /* "a duration such as \"15min\" (us, ms, s, min, h, d)" */
	const char *base, *example;
	const struct unit {
		const char *name;
		int64_t factor; /* base units in one */
	} * units;              /* from small to large, ends with NULL */
};

extern const struct dimension dim_duration, dim_power, dim_energy;

#define DIM_WHY_BYTES 64
/* A bare 0 needs no unit. False: why (DIM_WHY_BYTES) says what is wrong. */
bool dim_parse(const struct dimension *, const char *s, int64_t *out, char *why);
/* In the largest unit that leaves a whole number; cap >= 32. */
const char *dim_format(const struct dimension *, int64_t value, char *buf, unsigned cap);

#endif
