/* SPDX-License-Identifier: Apache-2.0
 *
 * The billing demand from this month's peak, the peaks of earlier months and the contract; and what
 * one more kW costs (KEPCO basic supply terms, article 68, is one case of it).
 */
#include "config.h"
#include "core/tariff/model.h"

#include <string.h>

static int month_index(int year, int month)
{
	return year * 12 + month - 1;
}

/* Whether a month's peak applies to the bill of a later one (or of the same). */
static bool in_window(const struct demand_rule *r, int peak_month, int bill_month)
{
	return peak_month <= bill_month && peak_month > bill_month - r->window_months &&
	       (peak_month == bill_month || r->months >> (peak_month % 12) & 1);
}

static int64_t round_w(int64_t w, struct rounding_rule r)
{
	/* The rule's unit is 1e-6 kW. */
	return r.unit_micro ? money_round(w * 1000, r.unit_micro, r.mode) / 1000 : w;
}

static const struct peak *peak_of(const struct contract *c, int month_no)
{
	for (size_t i = 0; i < c->n_peaks; i++)
		if (month_index(c->peaks[i].year, c->peaks[i].month) == month_no)
			return &c->peaks[i];
	return NULL;
}

void demand_compute(const struct tariff *t, const struct demand_rule *r, const struct contract *c, int year,
		    int month, int64_t peak_w, struct billing_demand *out)
{
	int now = month_index(year, month);

	(void)t;
	memset(out, 0, sizeof *out);
	for (int m = now - r->window_months + 1; m < now; m++) {
		const struct peak *p = peak_of(c, m);
		int64_t w;

		if (!in_window(r, m, now))
			continue;
		if (!p) {
			out->missing++;
			continue;
		}
		w = round_w(round_div((__int128)p->w * r->percent_micro, PERCENT_100, ROUND_HALF_UP),
			    r->round);
		if (w > out->history_w) {
			out->history_w = w;
			out->history_year = p->year;
			out->history_month = p->month;
		}
	}
	out->floor_w = round_w(
		round_div((__int128)c->contract_w * r->contract_percent_micro, PERCENT_100, ROUND_HALF_UP),
		r->round);
	out->w = round_w(peak_w, r->round);
	out->year = year;
	out->month = month;
	if (out->history_w > out->w) {
		out->w = out->history_w;
		out->year = out->history_year;
		out->month = out->history_month;
	}
	if (out->floor_w > out->w) {
		out->w = out->floor_w;
		out->year = out->month = 0;
	}
}

/* One more kW in every line of the billing demand and in what is a percentage of those. */
static int64_t kw_price(const struct tariff *t, const struct row *row)
{
	int64_t amount[MAX_LINES] = { 0 };

	for (int i = 0; i < t->n_lines; i++)
		if (t->lines[i].quantity == LINE_BILLING_DEMAND)
			amount[i] = t->lines[i].rates[row->rate[i]].price_micro;
	return tariff_with_taxes(t, row->rate, amount);
}

enum fems_rc tariff_demand_cost(const struct contract *c, int64_t t_us, int64_t peak_so_far_w,
				struct demand_cost *out, struct fems_error *e)
{
	const struct tariff *t = c->tariff;
	int64_t day = tariff_day(t, t_us), share;
	const struct row *row = tariff_row(t, day, e);
	const struct demand_rule *rule = demand_rule_on(t, day);
	struct billing_demand now;
	struct civil civil;
	int month;

	if (!row)
		return FEMS_ENOENT;
	zone_civil(t->zone, t_us, &civil);
	demand_compute(t, rule, c, civil.year, civil.month, peak_so_far_w, &now);
	month = month_index(civil.year, civil.month);
	out->threshold_w = now.w;
	out->month_micro_per_kw = kw_price(t, row);
	out->total_micro_per_kw = out->month_micro_per_kw;
	out->months = 1;
	share = round_div((__int128)out->month_micro_per_kw * rule->percent_micro, PERCENT_100,
			  ROUND_HALF_UP);
	/* Above the threshold this peak is higher than every earlier one, so it stays the highest for as
	 * long as it is in the window: later peaks are not known. */
	for (int m = month + 1; m < month + rule->window_months; m++)
		if (in_window(rule, month, m)) {
			out->months++;
			out->total_micro_per_kw += share;
		}
	return FEMS_OK;
}
