/* SPDX-License-Identifier: Apache-2.0
 *
 * Typed values of single settings, for conf_as_*() and for the tables. Inside of the room.
 */
#ifndef FEMS_CONF_SCALAR_H
#define FEMS_CONF_SCALAR_H

#include "core/conf/conf.h"
#include "core/conf/unit.h"

/* Whole text as a number, decimal or 0x; unit (may be NULL) may follow it. */
bool scalar_int(const char *s, const char *unit, int64_t *out);
bool scalar_num(const char *s, const char *unit, double *out);
/* true/false, yes/no, on/off. */
bool scalar_bool(const char *s, int64_t *out);

/* "WHAT is "abc"; expected WANTED", at the node; more (may be NULL) is put behind. */
void scalar_fault(struct faults *, const struct conf_node *, const char *what, const char *wanted,
		  const char *more);
/* A quantity of a dimension in [min, max] base units (both 0: no limit). */
bool scalar_dim(const struct conf_node *, const char *what, const struct dimension *, double min, double max,
		int64_t *out, struct faults *);
/* A whole number, with the unit that the table names. */
bool scalar_int_unit(const struct conf_node *, const char *what, const char *unit, int64_t min, int64_t max,
		     int64_t *out, struct faults *);
bool scalar_num_unit(const struct conf_node *, const char *what, const char *unit, double min, double max,
		     double *out, struct faults *);

#endif
