/* SPDX-License-Identifier: Apache-2.0
 *
 * The fixed vocabulary of quantities with their units. One table (quantity.c); profiles, points,
 * pages and documents use these names and no others. Signs: import is drawn from the grid or by the
 * machine, export is fed in; power.active is positive on import; a battery's power.active is positive
 * while it charges.
 */
#ifndef FEMS_DATA_QUANTITY_H
#define FEMS_DATA_QUANTITY_H

#include <stddef.h>
#include <stdint.h>

enum quantity_kind { Q_GAUGE, Q_COUNTER, Q_STATE };

struct quantity {
	const char *name; /* "energy.active.import" */
	const char *unit; /* "Wh" */
	enum quantity_kind kind;
	double min, max; /* plausible range of a value in any factory */
	const char *label_en, *label_ko;
};

const struct quantity *quantity_find(const char *name);
/* The i-th of the table, NULL behind the last. */
const struct quantity *quantity_at(size_t i);
/* The nearest name to a misspelt one, NULL when none is near. */
const char *quantity_nearest(const char *name);
/* Factor from a unit as people and profiles write it ("kWh", "MW", "0.1 kWh" is not one) to the unit
 * of the quantity; 0 when the dimension is another. */
double quantity_unit_factor(const struct quantity *, const char *unit);

#endif
