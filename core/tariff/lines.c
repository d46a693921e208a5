/* SPDX-License-Identifier: Apache-2.0
 *
 * The lines of a bill in the order of the tariff. What belongs to one line of the tariff is rounded as
 * one charge: the rounding is carried from part to part, so that the parts add up to the charge.
 */
#include "config.h"
#include "core/tariff/bill_run.h"

#include <string.h>
#include "core/base/text.h"

enum { KEYS_MAX = 24 };
#define AMOUNT_MAX INT64_C(300000000000000000) /* 24 lines of it still add up in 64 bits */

struct compose {
	const struct bill_run *run;
	struct bill *bill;
	struct fems_error *e;
	enum fems_rc rc;
	int64_t sums[MAX_LINES]; /* per line of the tariff */
	__int128 carried;        /* of the present line: exact so far */
	int64_t given;           /* of the present line: rounded so far */
	int64_t metered_wh;      /* sum of the rounded registers of the first energy-by-band line */
	bool metered;
};

static const struct row *row_of(const struct compose *c, int64_t day)
{
	return tariff_row(c->run->t, day, NULL); /* bill_begin() saw that every day is covered */
}

static struct bill_line *add_line(struct compose *c, const struct line *line, const char *unit)
{
	struct bill_line *out;

	if (c->rc == FEMS_OK && c->bill->n_lines == ARRAY_LEN(c->bill->lines))
		c->rc = err_set(c->e, FEMS_EUNSUP, "bill: more than %zu lines; bill a shorter period",
				ARRAY_LEN(c->bill->lines));
	if (c->rc != FEMS_OK)
		return NULL;
	out = &c->bill->lines[c->bill->n_lines++];
	memset(out, 0, sizeof *out);
	str_copy(out->id, sizeof out->id, line->label.id);
	str_copy(out->label_ko, sizeof out->label_ko, line->label.ko);
	str_copy(out->label_en, sizeof out->label_en, line->label.en);
	str_copy(out->quantity_unit, sizeof out->quantity_unit, unit);
	return out;
}

/* Rounds the charge so far and gives this part the difference; exact is in micro times scale. */
static void add_amount(struct compose *c, const struct line *line, struct bill_line *out, __int128 exact)
{
	int64_t rounded;

	if (c->rc != FEMS_OK || !out)
		return;
	c->carried += exact;
	if (c->carried > AMOUNT_MAX || c->carried < -AMOUNT_MAX) {
		c->rc = err_set(c->e, FEMS_EINVAL, "bill: line \"%s\" is out of range", line->label.id);
		return;
	}
	rounded = round_rule((int64_t)c->carried, line->round);
	out->amount_micro = rounded - c->given;
	c->given = rounded;
}

/* ---- energy ---- */

/* First day of the period with this version and season; last_day + 1 when there is none. */
static int64_t first_day_of(const struct compose *c, int line, const struct energy_key *key)
{
	int64_t day = c->run->first_day;

	for (; day <= c->run->last_day; day++) {
		const struct row *row = row_of(c, day);

		if (row->rate[line] == key->rate && row->season == key->season)
			break;
	}
	return day;
}

static struct energy_key *key_of(struct compose *c, struct energy_key *keys, int *n,
				 const struct energy_key *key, int line)
{
	int i = 0, at;

	for (; i < *n; i++)
		if (keys[i].rate == key->rate && keys[i].season == key->season && keys[i].band == key->band &&
		    keys[i].discount == key->discount)
			return &keys[i];
	if (*n == KEYS_MAX) {
		c->rc = err_set(c->e, FEMS_EUNSUP, "bill: more than %d energy prices; bill a shorter period",
				KEYS_MAX);
		return NULL;
	}
	at = (*n)++;
	keys[at] = *key;
	keys[at].first_day = first_day_of(c, line, key);
	keys[at].later = keys[at].first_day > c->run->first_day;
	return &keys[at];
}

static bool before(const struct energy_key *a, const struct energy_key *b)
{
	if (a->first_day != b->first_day)
		return a->first_day < b->first_day;
	if (a->band != b->band)
		return a->band < b->band;
	return (uint8_t)(a->discount + 1) < (uint8_t)(b->discount + 1); /* NONE first */
}

static void sort_keys(struct energy_key *keys, int n)
{
	for (int i = 1; i < n; i++)
		for (int k = i; k > 0 && before(&keys[k], &keys[k - 1]); k--) {
			struct energy_key swap = keys[k];

			keys[k] = keys[k - 1];
			keys[k - 1] = swap;
		}
}

static int collect_keys(struct compose *c, int line, struct energy_key *keys)
{
	const struct tariff *t = c->run->t;
	const struct row *first = row_of(c, c->run->first_day);
	int n = 0;

	/* The bands of the first day are always shown, also while they are empty. */
	for (int b = 0; b < t->n_bands; b++)
		key_of(c, keys, &n,
		       &(struct energy_key){ .rate = first->rate[line],
					     .season = first->season,
					     .band = (uint8_t)b,
					     .discount = NONE },
		       line);
	for (size_t i = 0; i < t->n_regs && c->rc == FEMS_OK; i++) {
		const struct reg *r = &t->regs[i];
		uint8_t discount =
			r->discount != NONE && t->discounts[r->discount].line == line ? r->discount : NONE;
		struct energy_key *key;

		if (!c->run->wh[i])
			continue;
		key = key_of(c, keys, &n,
			     &(struct energy_key){ .rate = r->rate[line],
						   .season = r->season,
						   .band = r->band,
						   .discount = discount },
			     line);
		if (key)
			key->wh += c->run->wh[i];
	}
	sort_keys(keys, n);
	return n;
}

static int64_t round_wh(int64_t wh, struct rounding_rule r)
{
	/* The rule's unit is 1e-6 kWh. */
	return r.unit_micro ? money_round(wh * 1000, r.unit_micro, r.mode) / 1000 : wh;
}

static void energy_texts(const struct compose *c, const struct line *line, const struct energy_key *key,
			 struct bill_line *out)
{
	const struct tariff *t = c->run->t;
	const struct label *band = &t->bands[key->band].label;
	const struct label *discount = key->discount == NONE ? NULL : &t->discounts[key->discount].label;
	char day[16] = "";

	if (key->later)
		day_text(key->first_day, day, sizeof day);
	fit(out->id, sizeof out->id, "%s.%s%s%s%s%s", line->label.id, band->id, discount ? "." : "",
	    discount ? discount->id : "", *day ? "@" : "", day);
	fit(out->label_ko, sizeof out->label_ko, "%s %s%s%s", line->label.ko, band->ko, discount ? " " : "",
	    discount ? discount->ko : "");
	fit(out->label_en, sizeof out->label_en, "%s, %s%s%s", line->label.en, band->en, discount ? ", " : "",
	    discount ? discount->en : "");
	str_copy(out->band, sizeof out->band, band->id);
	str_copy(out->season, sizeof out->season, t->seasons[key->season].label.id);
	out->valid_from_day = line->rates[key->rate].valid.from;
	out->discount_micro = discount ? t->discounts[key->discount].percent_micro : 0;
	evidence_energy(c->run, line, key, out);
}

static void energy_by_band(struct compose *c, int index)
{
	const struct tariff *t = c->run->t;
	const struct line *line = &t->lines[index];
	struct energy_key keys[KEYS_MAX];
	int n = collect_keys(c, index, keys);
	int64_t total = 0;

	for (int i = 0; i < n && c->rc == FEMS_OK; i++) {
		struct reg reg = { .season = keys[i].season,
				   .band = keys[i].band,
				   .discount = keys[i].discount };
		struct bill_line *out = add_line(c, line, "kWh");
		int64_t wh = round_wh(keys[i].wh, line->round_quantity);

		reg.rate[index] = keys[i].rate;
		total += wh;
		if (!out)
			return;
		out->quantity_milli = wh;
		out->price_micro = reg_price(t, &reg, index);
		add_amount(c, line, out, ((__int128)wh * out->price_micro) / 1000);
		energy_texts(c, line, &keys[i], out);
	}
	if (!c->metered) {
		c->metered = true;
		c->metered_wh = total;
	}
}

/* ---- what is priced by version and not by band ---- */

struct part {
	uint8_t rate;
	int64_t days, wh;
};

/* Versions of a line in the order of the period, neighbours of equal price joined. */
static int collect_parts(const struct compose *c, int index, struct part parts[MAX_RATES])
{
	const struct line *line = &c->run->t->lines[index];
	int n = 0;

	for (int64_t d = c->run->first_day; d <= c->run->last_day; d++) {
		uint8_t rate = row_of(c, d)->rate[index];

		if (n && (parts[n - 1].rate == rate ||
			  line->rates[parts[n - 1].rate].price_micro == line->rates[rate].price_micro)) {
			parts[n - 1].days++;
			continue;
		}
		parts[n++] = (struct part){ .rate = rate, .days = 1 };
	}
	return n;
}

static void add_suffix(struct bill_line *out, const struct rate *rate)
{
	size_t n = strlen(out->id);
	char day[16];

	fit(out->id + n, sizeof out->id - n, "@%s", day_text(rate->valid.from, day, sizeof day));
}

static void levy(struct compose *c, int index)
{
	const struct tariff *t = c->run->t;
	const struct line *line = &t->lines[index];
	struct part parts[MAX_RATES];
	int n = collect_parts(c, index, parts);
	int64_t left = c->metered ? c->metered_wh : round_wh(c->run->energy_wh, line->round_quantity);

	for (size_t i = 0; i < t->n_regs; i++)
		for (int k = 0; k < n; k++)
			if (line->rates[t->regs[i].rate[index]].price_micro ==
			    line->rates[parts[k].rate].price_micro) {
				parts[k].wh += c->run->wh[i];
				break;
			}
	for (int k = 0; k < n; k++) {
		const struct rate *rate = &line->rates[parts[k].rate];
		struct bill_line *out = add_line(c, line, "kWh");
		struct rounding_rule whole = { 1000000, ROUND_HALF_UP };

		if (!out)
			return;
		/* The last part takes what is left, so that the parts add up to the registers. */
		out->quantity_milli = k == n - 1 ? left : round_wh(parts[k].wh, whole);
		left -= out->quantity_milli;
		out->price_micro = rate->price_micro;
		if (k)
			add_suffix(out, rate);
		add_amount(c, line, out, ((__int128)out->quantity_milli * rate->price_micro) / 1000);
		evidence_levy(c->run, rate, out);
	}
}

/* Billing demand or a fixed charge: split by days where the price changes inside the period. */
static void by_days(struct compose *c, int index, const struct billing_demand *demand)
{
	const struct line *line = &c->run->t->lines[index];
	int64_t of_days = c->run->last_day - c->run->first_day + 1;
	struct part parts[MAX_RATES];
	int n = collect_parts(c, index, parts);

	for (int k = 0; k < n; k++) {
		const struct rate *rate = &line->rates[parts[k].rate];
		struct bill_line *out = add_line(c, line, demand ? "kW" : "");
		int64_t milli = demand ? demand->w : 1000;

		if (!out)
			return;
		out->quantity_milli = milli;
		out->price_micro = rate->price_micro;
		if (k)
			add_suffix(out, rate);
		add_amount(c, line, out,
			   (__int128)milli * rate->price_micro * parts[k].days / (1000 * (__int128)of_days));
		if (demand)
			evidence_demand(c->run, demand, rate, parts[k].days, of_days, out);
		else
			evidence_fixed(c->run, rate, parts[k].days, of_days, out);
	}
}

/* ---- percentages of other lines ---- */

static int64_t sum_of(const struct compose *c, const struct line *line)
{
	int64_t sum = 0;

	for (int i = 0; i < c->run->t->n_lines; i++)
		if (line->of >> i & 1)
			sum += c->sums[i];
	return sum;
}

static void percent(struct compose *c, int index)
{
	const struct line *line = &c->run->t->lines[index];
	int64_t days = c->run->last_day - c->run->first_day + 1, of = sum_of(c, line);
	__int128 weighted = 0;
	struct part parts[MAX_RATES];
	int n = collect_parts(c, index, parts);
	struct bill_line *out = add_line(c, line, "%");

	if (!out)
		return;
	for (int k = 0; k < n; k++)
		weighted += (__int128)line->rates[parts[k].rate].price_micro * parts[k].days;
	out->quantity_milli = round_div(weighted, (__int128)days * 1000, ROUND_HALF_UP);
	/* of x weighted stays far below 2^127: 10^18 x 10^8 x 400. */
	add_amount(c, line, out, of * weighted / ((__int128)PERCENT_100 * days));
	evidence_percent(c->run, line, of, n > 1, out);
}

/* The means by the rule of the last day, for whoever wants more than the charge. */
static void tell_means(struct compose *c, int index)
{
	const struct line *line = &c->run->t->lines[index];
	uint8_t rate = row_of(c, c->run->last_day)->rate[index];
	struct pf_mean mean;

	if (rate == NONE)
		return;
	pf_result(c->run->pf.sums[rate], line->rates[rate].pf, line->round_quantity, &mean);
	c->bill->n_pf = line->rates[rate].pf->n_parts;
	for (int i = 0; i < c->bill->n_pf; i++)
		c->bill->pf[i] = (struct bill_pf){ .leading = line->rates[rate].pf->parts[i].leading,
						   .measured = c->run->pf.sums[rate][i].n > 0,
						   .mean_micro = mean.mean_micro[i] };
}

static void power_factor(struct compose *c, int index)
{
	const struct line *line = &c->run->t->lines[index];
	int64_t days = c->run->last_day - c->run->first_day + 1, of = sum_of(c, line);
	__int128 weighted = 0;
	struct pf_mean mean, shown = { .measured = false };
	const struct rate *rate = NULL;
	struct bill_line *out;

	tell_means(c, index);
	for (size_t i = 0; i < line->n_rates; i++) {
		int64_t valid = 0;

		for (int64_t d = c->run->first_day; d <= c->run->last_day; d++)
			valid += row_of(c, d)->rate[index] == i;
		pf_result(c->run->pf.sums[i], line->rates[i].pf, line->round_quantity, &mean);
		if (!valid || !mean.measured)
			continue;
		weighted += (__int128)mean.percent_micro * valid;
		shown = mean;
		rate = &line->rates[i];
	}
	if (!rate) /* no reactive meter: standard power factor, no charge */
		return;
	out = add_line(c, line, "%");
	if (!out)
		return;
	out->quantity_milli = round_div(weighted, (__int128)days * 1000, ROUND_HALF_UP);
	add_amount(c, line, out, of * weighted / ((__int128)PERCENT_100 * days));
	evidence_pf(c->run, rate->pf, &shown, of, out);
}

static int64_t over_percent(const struct over_rule *rule, int64_t excess_w, int64_t contract_w)
{
	for (int i = 0; i < rule->n_steps; i++)
		if (!rule->steps[i].below_micro ||
		    (__int128)excess_w * PERCENT_100 < (__int128)rule->steps[i].below_micro * contract_w)
			return rule->steps[i].percent_micro;
	return 0;
}

/* The first month above the contract within the window of the billing demand. */
static bool first_excess(const struct bill_run *run)
{
	for (size_t i = 0; i < run->n_peaks; i++) {
		int age = run->year * 12 + run->month - run->peaks[i].year * 12 - run->peaks[i].month;

		if (run->peaks[i].w > run->contract_w && age > 0 && age < run->demand->window_months)
			return false;
	}
	return true;
}

static void over_contract(struct compose *c, int index)
{
	const struct bill_run *run = c->run;
	const struct line *line = &run->t->lines[index];
	const struct row *row = row_of(c, run->last_day);
	int64_t excess = round_wh(c->bill->peak_w, run->demand->round) - run->contract_w, share;
	struct bill_line *out;
	bool grace;

	if (row->rate[index] == NONE || excess <= 0)
		return;
	out = add_line(c, line, "kW");
	if (!out)
		return;
	share = over_percent(line->rates[row->rate[index]].over, excess, run->contract_w);
	grace = line->rates[row->rate[index]].over->grace && first_excess(run);
	for (int i = 0; i < index; i++)
		if (line->of >> i & 1)
			out->price_micro += run->t->lines[i].rates[row->rate[i]].price_micro;
	out->quantity_milli = excess;
	out->price_micro = round_div((__int128)out->price_micro * share, PERCENT_100, ROUND_HALF_UP);
	if (!grace)
		add_amount(c, line, out, (__int128)excess * out->price_micro / 1000);
	evidence_over(run, excess, share, grace, out);
}

/* ---- all ---- */

static void compose_line(struct compose *c, int index, const struct billing_demand *demand)
{
	c->carried = 0;
	c->given = 0;
	switch (c->run->t->lines[index].quantity) {
	case LINE_BILLING_DEMAND:
		by_days(c, index, demand);
		break;
	case LINE_ENERGY_BY_BAND:
		energy_by_band(c, index);
		break;
	case LINE_ENERGY:
		levy(c, index);
		break;
	case LINE_FIXED:
		by_days(c, index, NULL);
		break;
	case LINE_POWER_FACTOR:
		power_factor(c, index);
		break;
	case LINE_OVER_CONTRACT:
		over_contract(c, index);
		break;
	case LINE_PERCENT:
		percent(c, index);
		break;
	}
	c->sums[index] = c->given;
}

static void compose_total(struct compose *c)
{
	const struct tariff *t = c->run->t;
	struct line line = { .label = t->total_label };
	int64_t sum = 0, due;
	struct bill_line *out;

	for (int i = 0; i < t->n_lines; i++)
		sum += c->sums[i];
	due = round_rule(sum, t->total_round);
	c->bill->total_micro = due;
	if (due == sum)
		return;
	out = add_line(c, &line, "");
	if (!out)
		return;
	out->amount_micro = due - sum;
	evidence_total(c->run, sum, out);
}

enum fems_rc bill_compose(const struct bill_run *run, struct bill *bill, struct fems_error *e)
{
	struct contract contract = {
		.tariff = run->t, .contract_w = run->contract_w, .peaks = run->peaks, .n_peaks = run->n_peaks
	};
	struct compose c = { .run = run, .bill = bill, .e = e };
	struct billing_demand demand;

	demand_compute(run->t, run->demand, &contract, run->year, run->month, bill->peak_w, &demand);
	bill->billing_demand_w = demand.w;
	bill->billing_year = demand.year;
	bill->billing_month = demand.month;
	for (int i = 0; i < run->t->n_lines && c.rc == FEMS_OK; i++)
		compose_line(&c, i, &demand);
	if (c.rc == FEMS_OK)
		compose_total(&c);
	return c.rc;
}
