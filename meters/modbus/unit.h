/* SPDX-License-Identifier: Apache-2.0
 *
 * Units as vendors' tables write them, to the unit of a quantity. The vocabulary itself belongs to
 * femsd, which refuses unknown quantities; this knows only enough to refuse kWh for a power.
 */
#ifndef MODBUS_UNIT_H
#define MODBUS_UNIT_H

/* Factor to the base unit of the quantity; 0: not a unit, or of another dimension. *base: the unit
 * that was expected, for the message; "" where it has none. */
double unit_factor(const char *quantity, const char *unit, const char **base);

#endif
