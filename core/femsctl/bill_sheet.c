/* SPDX-License-Identifier: Apache-2.0
 *
 * A bill from a sheet, as KEPCO's own calculator takes it: the energy and the price of each part of the
 * period (seasons, prices before and after a change), power factors as read. The order of charges and
 * roundings are those of the shipped tariffs (docs/tariff-file.md, KEPCO basic supply terms, article 7).
 */
#include "config.h"
#include "core/femsctl/bill_case.h"

#include <math.h>
#include <string.h>
#include "core/base/err.h"
#include "core/base/money.h"

enum { PARTS_MAX = 12, CREDIT_POINTS = 5 /* above the standard; article 43 */, FACTOR_MIN = 60 };
#define ONE INT64_C(1000000)

struct sheet {
	size_t n;
	int64_t days[PARTS_MAX], kwh[PARTS_MAX], energy[PARTS_MAX], base[PARTS_MAX]; /* x 10^6 */
	int64_t climate[PARTS_MAX], fuel[PARTS_MAX];
	int64_t days_total, contract, vat, fund;
	bool has_factor;
	int64_t lag, lead, lag_standard, lead_standard, per_point;
};

bool case_number(const json_t *v, const char *key, int64_t *micro, struct fems_error *e)
{
	double d = json_number_value(v);

	if (!json_is_number(v) || !(d >= -1e9 && d <= 1e9)) {
		err_set(e, FEMS_EINVAL, "\"%s\": want a number up to 10^9", key);
		return false;
	}
	*micro = json_is_integer(v) ? json_integer_value(v) * ONE : llround(d * 1e6);
	return true;
}

bool case_micro(const json_t *o, const char *key, int64_t *micro, struct fems_error *e)
{
	if (!case_number(json_object_get(o, key), key, micro, e))
		return false;
	if (*micro >= 0)
		return true;
	err_set(e, FEMS_EINVAL, "\"%s\": is negative", key);
	return false;
}

json_t *case_amount(int64_t micro)
{
	return micro % ONE == 0 ? json_integer(micro / ONE) : json_real((double)micro / 1e6);
}

/* A list with a value for each part, or one value for all. */
static bool parts(const json_t *o, const char *key, size_t n, int64_t *out, struct fems_error *e)
{
	const json_t *v = json_object_get(o, key);

	if (json_is_array(v) && json_array_size(v) != n) {
		err_set(e, FEMS_EINVAL, "\"%s\": %zu values, \"days\" has %zu", key, json_array_size(v), n);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		if (!case_number(json_is_array(v) ? json_array_get(v, i) : v, key, &out[i], e))
			return false;
	return true;
}

static bool read_factor(const json_t *o, struct sheet *s, struct fems_error *e)
{
	const json_t *f = json_object_get(o, "power_factor");

	if (!f)
		return true;
	s->has_factor = true;
	return case_micro(f, "lag_pct", &s->lag, e) && case_micro(f, "lead_pct", &s->lead, e) &&
	       case_micro(f, "lag_standard_pct", &s->lag_standard, e) &&
	       case_micro(f, "lead_standard_pct", &s->lead_standard, e) &&
	       case_micro(f, "pct_of_base_per_point", &s->per_point, e);
}

/* Days are whole, at least one each, and make up the period; energy is not negative. */
static bool sound(const struct sheet *s, struct fems_error *e)
{
	int64_t sum = 0;

	for (size_t i = 0; i < s->n; i++) {
		sum += s->days[i];
		if (s->days[i] < ONE || s->days[i] % ONE) {
			err_set(e, FEMS_EINVAL, "\"days\": want whole days of at least 1");
			return false;
		}
		if (s->kwh[i] < 0) {
			err_set(e, FEMS_EINVAL, "\"kwh\": is negative");
			return false;
		}
	}
	if (sum != s->days_total) {
		err_set(e, FEMS_EINVAL, "\"days\": add up to %d, \"days_in_period\" says %d",
			(int)(sum / ONE), (int)(s->days_total / ONE));
		return false;
	}
	if (s->has_factor &&
	    (s->lag > 100 * ONE || s->lead > 100 * ONE || s->vat > 100 * ONE || s->fund > 100 * ONE)) {
		err_set(e, FEMS_EINVAL, "a percentage above 100");
		return false;
	}
	return true;
}

static bool read_sheet(const json_t *o, struct sheet *s, struct fems_error *e)
{
	s->n = json_array_size(json_object_get(o, "days"));
	if (!s->n || s->n > PARTS_MAX) {
		err_set(e, FEMS_EINVAL, "\"days\": want a list of 1 to %d numbers", PARTS_MAX);
		return false;
	}
	return parts(o, "days", s->n, s->days, e) && parts(o, "kwh", s->n, s->kwh, e) &&
	       parts(o, "base_won_per_kw", s->n, s->base, e) && parts(o, "won_per_kwh", s->n, s->energy, e) &&
	       parts(o, "climate_won_per_kwh", s->n, s->climate, e) &&
	       parts(o, "fuel_won_per_kwh", s->n, s->fuel, e) &&
	       case_micro(o, "days_in_period", &s->days_total, e) &&
	       case_micro(o, "contract_kw", &s->contract, e) && case_micro(o, "vat_pct", &s->vat, e) &&
	       case_micro(o, "fund_pct", &s->fund, e) && read_factor(o, s, e) && sound(s, e);
}

/* Sum of kWh x price of the parts, truncated to 1 won. */
static int64_t by_energy(const struct sheet *s, const int64_t *price)
{
	__int128 sum = 0;

	for (size_t i = 0; i < s->n; i++)
		sum += (__int128)money_round(s->kwh[i], ONE, ROUND_HALF_UP) * price[i];
	return money_round(round_div(sum, ONE, ROUND_DOWN), ONE, ROUND_DOWN);
}

static int64_t base_charge(const struct sheet *s)
{
	__int128 sum = 0;

	for (size_t i = 0; i < s->n; i++)
		sum += (__int128)s->base[i] * (s->days[i] / ONE);
	sum *= money_round(s->contract, ONE, ROUND_HALF_UP) / ONE;
	return money_round(round_div(sum, s->days_total / ONE, ROUND_DOWN), ONE, ROUND_DOWN);
}

static int64_t clip(int64_t v, int64_t min, int64_t max)
{
	return v < min ? min : v > max ? max : v;
}

static int64_t factor_charge(const struct sheet *s, int64_t base)
{
	int64_t lag = clip(money_round(s->lag, ONE, ROUND_HALF_UP), FACTOR_MIN * ONE,
			   s->lag_standard + CREDIT_POINTS * ONE);
	int64_t lead = clip(money_round(s->lead, ONE, ROUND_HALF_UP), FACTOR_MIN * ONE, s->lead_standard);
	__int128 points = (s->lag_standard - lag) + (s->lead_standard - lead);

	if (!s->has_factor)
		return 0;
	return money_round(round_div(points * s->per_point * base, (__int128)100 * ONE * ONE, ROUND_DOWN),
			   ONE, ROUND_DOWN);
}

json_t *bill_sheet(const json_t *o, struct fems_error *e)
{
	struct sheet s = { 0 };
	int64_t base, energy, climate, fuel, factor, subtotal, vat, fund;

	if (!read_sheet(o, &s, e))
		return NULL;
	base = base_charge(&s);
	energy = by_energy(&s, s.energy);
	climate = by_energy(&s, s.climate);
	fuel = by_energy(&s, s.fuel);
	factor = factor_charge(&s, base);
	subtotal = base + energy + factor + climate + fuel;
	vat = money_round(round_div((__int128)subtotal * s.vat, 100 * ONE, ROUND_HALF_UP), ONE,
			  ROUND_HALF_UP);
	fund = money_round(round_div((__int128)subtotal * s.fund, 100 * ONE, ROUND_DOWN), 10 * ONE,
			   ROUND_DOWN);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "base_won", case_amount(base),
			 "pf_won", case_amount(factor), "energy_won", case_amount(energy), "climate_won",
			 case_amount(climate), "fuel_won", case_amount(fuel), "subtotal_won",
			 case_amount(subtotal), "vat_won", case_amount(vat), "fund_won", case_amount(fund),
			 "total_won", case_amount(money_round(subtotal + vat + fund, 10 * ONE, ROUND_DOWN)));
}
