/* SPDX-License-Identifier: Apache-2.0
 *
 * Bills with the keys of the worked cases of KEPCO's tariffs.
 */
#include "config.h"
#include "core/femsctl/bill_case.h"

#include <stdio.h>
#include <string.h>
#include "core/base/money.h"

static bool of_line(const struct bill_line *l, const char *id)
{
	size_t n = strlen(id);

	return !strncmp(l->id, id, n) && (!l->id[n] || l->id[n] == '@' || l->id[n] == '.');
}

static int64_t sum_of(const struct bill *b, const char *id)
{
	int64_t sum = 0;

	for (size_t i = 0; i < b->n_lines; i++)
		if (of_line(&b->lines[i], id))
			sum += b->lines[i].amount_micro;
	return sum;
}

/* Seasons as the cases call them. */
static const char *season_of(const struct bill_line *l)
{
	return !strcmp(l->season, "spring-autumn") ? "spring_fall" : l->season;
}

/* The exact product before the charge as a whole is rounded, and the price before the discount. */
static json_t *energy_line(bool frozen, const struct bill_line *l)
{
	int64_t part = 100000000 - l->discount_micro;
	int64_t list =
		part ? round_div((__int128)l->price_micro * 100000000, part, ROUND_HALF_UP) : l->price_micro;
	int64_t exact = round_div((__int128)l->quantity_milli * l->price_micro, 1000, ROUND_HALF_UP);
	char from[16];
	int year = 2000, month = 1, day = 1;

	/* As of one day the prices hold for every day; the cases write that as 2000-01-01. */
	if (!frozen)
		civil_from_days(l->valid_from_day, &year, &month, &day);
	snprintf(from, sizeof from, "%04d-%02d-%02d", year % 10000, month % 100, day % 100);
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "rate_from", from, "season", season_of(l),
			 "band", l->band, "discount", case_amount(l->discount_micro / 100), "kwh",
			 case_amount(l->quantity_milli * 1000), "won_per_kwh", case_amount(list), "won",
			 case_amount(exact));
}

static json_t *energy_lines(bool frozen, const struct bill *b, int64_t *kwh_micro)
{
	json_t *list = json_array();

	*kwh_micro = 0;
	for (size_t i = 0; i < b->n_lines; i++)
		if (of_line(&b->lines[i], "energy")) {
			json_array_append_new(list, energy_line(frozen, &b->lines[i]));
			*kwh_micro += b->lines[i].quantity_milli * 1000;
		}
	return list;
}

static json_t *factor_of(const struct bill *b, bool leading)
{
	for (int i = 0; i < b->n_pf; i++)
		if (b->pf[i].leading == leading)
			return case_amount(b->pf[i].mean_micro);
	return json_null();
}

static json_t *month_of(const struct tariff *t, bool frozen, const struct bill *b)
{
	int64_t kwh, over = sum_of(b, "over-contract"), subtotal;
	json_t *lines = energy_lines(frozen, b, &kwh), *month;
	struct civil c;
	char name[24];

	zone_civil(tariff_zone(t), b->to_us - 1, &c);
	snprintf(name, sizeof name, "%04d-%02d", c.year % 10000, c.month % 100);
	subtotal = b->total_micro - sum_of(b, "vat") - sum_of(b, "fund") - sum_of(b, "rounding");
	month = json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}",
		"measured_demand_kw", case_amount(money_round(b->peak_w * 1000, 1000000, ROUND_HALF_UP)),
		"billing_demand_kw", case_amount(b->billing_demand_w * 1000), "kwh", case_amount(kwh),
		"energy_lines", lines, "base_won", case_amount(sum_of(b, "base")), "energy_won",
		case_amount(sum_of(b, "energy")), "pf_day_lag_pct", factor_of(b, false), "pf_night_lead_pct",
		factor_of(b, true), "pf_won", case_amount(sum_of(b, "power-factor")), "climate_won",
		case_amount(sum_of(b, "climate")), "fuel_won", case_amount(sum_of(b, "fuel")), "subtotal_won",
		case_amount(subtotal), "vat_won", case_amount(sum_of(b, "vat")), "fund_won",
		case_amount(sum_of(b, "fund")), "total_won", case_amount(b->total_micro), "month", name);
	if (month && over)
		json_object_set_new(month, "over_contract_won", case_amount(over));
	return month;
}

json_t *case_result(const struct tariff *t, bool frozen, const struct bill *bills, size_t n)
{
	json_t *months = json_array();
	int64_t total = 0;

	for (size_t i = 0; i < n; i++) {
		json_array_append_new(months, month_of(t, frozen, &bills[i]));
		total += bills[i].total_micro;
	}
	return json_pack("{s:o, s:o}", "months", months, "total_won", case_amount(total));
}
