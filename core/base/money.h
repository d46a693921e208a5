/* SPDX-License-Identifier: Apache-2.0
 *
 * Money and prices in integers: amounts and prices in 1e-6 of the currency ("micro"), energy in Wh,
 * power in W. Products are 128 bits wide and rounded once, by a named mode.
 */
#ifndef FEMS_BASE_MONEY_H
#define FEMS_BASE_MONEY_H

#include <stdbool.h>
#include <stdint.h>

enum rounding { ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN, ROUND_UP };

/* HALF_UP rounds half away from zero; DOWN is towards zero, UP away from it. den > 0. */
int64_t round_div(__int128 num, __int128 den, enum rounding);
/* energy (Wh) x price (micro per kWh), and power (W) x price (micro per kW), in micro, half up. */
int64_t money_energy(int64_t wh, int64_t micro_per_kwh);
int64_t money_power(int64_t w, int64_t micro_per_kw);
/* Rounds an amount to a multiple of unit_micro (1 won = 1000000). */
int64_t money_round(int64_t micro, int64_t unit_micro, enum rounding);
/* Decimal text to micro, exactly; false: not a number, or more than six decimals. */
bool money_parse(const char *s, int64_t *micro);
/* "1,234,567" or "1,234.50": decimals 0..6, thousands with commas. cap >= 40. */
const char *money_format(int64_t micro, int decimals, char *buf, unsigned cap);

#endif
