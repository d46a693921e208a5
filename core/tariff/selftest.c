/* SPDX-License-Identifier: Apache-2.0
 *
 * The tests inside a tariff file: loads with the amounts they must give, and instants with their band
 * and price. What is wrong in the form of a test is a fault like a wrong result.
 */
#include "config.h"
#include "core/tariff/load.h"

#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/text.h"

struct test {
	const struct tariff *t;
	struct faults *f;
	char what[160];
	struct contract contract;
	struct peak peaks[36];
	int64_t from_us, to_us;
	struct load_slot *slots;
	size_t n_slots;
};

static bool local_time(struct test *s, const struct conf_node *map, const char *key, int64_t *t_us)
{
	const struct conf_node *n = load_need(map, key, s->what, s->f);

	if (!n)
		return false;
	if (time_parse(conf_text(n), s->t->zone, t_us))
		return true;
	conf_error(s->f, n, "%s: \"%s\" is not a local time such as 2025-01-02T09:00", s->what, conf_text(n));
	return false;
}

/* "2025-03" */
static bool parse_month(struct test *s, const struct conf_node *at, const char *text, int *year, int *month)
{
	char day[16];
	int64_t t_us;

	snprintf(day, sizeof day, "%.7s-01", text);
	if (strlen(text) == 7 && text[4] == '-') {
		char full[24];

		snprintf(full, sizeof full, "%sT00:00", day);
		if (time_parse(full, s->t->zone, &t_us)) {
			struct civil c;

			zone_civil(s->t->zone, t_us, &c);
			*year = c.year;
			*month = c.month;
			return true;
		}
	}
	conf_error(s->f, at, "%s: \"%s\" is not a month such as 2025-03", s->what, text);
	return false;
}

static bool read_peaks(struct test *s, const struct conf_node *map)
{
	for (size_t i = 0; map && i < conf_count(map); i++) {
		struct peak *p = &s->peaks[s->contract.n_peaks];
		const char *key;
		const struct conf_node *n = conf_pair(map, i, &key);

		if (s->contract.n_peaks == ARRAY_LEN(s->peaks)) {
			conf_error(s->f, map, "%s: at most %zu peaks", s->what, ARRAY_LEN(s->peaks));
			return false;
		}
		if (!parse_month(s, n, key, &p->year, &p->month) || !conf_as_power(n, s->what, &p->w, s->f))
			return false;
		s->contract.n_peaks++;
	}
	s->contract.peaks = s->peaks;
	return true;
}

/* Lays a constant load over [from, to). */
static bool read_load(struct test *s, const struct conf_node *n)
{
	static const char *const names[] = { "from", "to", "power", "reactive_kvar", NULL };
	const struct conf_node *power, *reactive = conf_get(n, "reactive_kvar");
	int64_t a, b, w = 0, var_micro = 0, step = s->t->demand_us;

	if (conf_kind(n) != CONF_MAP) {
		conf_error(s->f, n, "%s: a load is written as {from: ..., to: ..., power: ...}", s->what);
		return false;
	}
	conf_only(n, s->what, names, s->f);
	power = load_need(n, "power", s->what, s->f);
	if (!local_time(s, n, "from", &a) || !local_time(s, n, "to", &b) || !power ||
	    !conf_as_power(power, s->what, &w, s->f) ||
	    (reactive && !conf_as_micro(reactive, s->what, &var_micro, s->f)))
		return false;
	if (a < s->from_us || b > s->to_us || b <= a || (a - s->from_us) % step || (b - s->from_us) % step) {
		conf_error(s->f, n, "%s: a load must lie inside the month and begin and end with an interval",
			   s->what);
		return false;
	}
	for (size_t i = (size_t)((a - s->from_us) / step); i < (size_t)((b - s->from_us) / step); i++) {
		int64_t varh =
			round_div((__int128)var_micro * step, 1000 * (__int128)US_PER_H, ROUND_HALF_UP);

		s->slots[i].import_wh = round_div((__int128)w * step, US_PER_H, ROUND_HALF_UP);
		s->slots[i].varh_lag = !reactive ? -1 : varh > 0 ? varh : 0;
		s->slots[i].varh_lead = !reactive ? -1 : varh < 0 ? -varh : 0;
	}
	return true;
}

static bool read_loads(struct test *s, const struct conf_node *list)
{
	size_t n = (size_t)((s->to_us - s->from_us) / s->t->demand_us);

	s->slots = calloc(n, sizeof *s->slots);
	if (!s->slots) {
		conf_error(s->f, list, "out of memory");
		return false;
	}
	s->n_slots = n;
	for (size_t i = 0; i < n; i++)
		s->slots[i] = (struct load_slot){ .start_us = s->from_us + (int64_t)i * s->t->demand_us,
						  .varh_lag = -1,
						  .varh_lead = -1 };
	for (size_t i = 0; list && i < conf_count(list); i++)
		if (!read_load(s, conf_item(list, i)))
			return false;
	return true;
}

/* Value of a key of "expect"; false: no such line in the bill. */
static bool value_of(const struct bill *b, const char *key, int64_t *micro)
{
	size_t n = strlen(key);
	bool found = false;

	*micro = 0;
	if (!strcmp(key, "total")) {
		*micro = b->total_micro;
		return true;
	}
	if (!strcmp(key, "billing_demand_kw") || !strcmp(key, "peak_kw")) {
		*micro = (*key == 'p' ? b->peak_w : b->billing_demand_w) * 1000;
		return true;
	}
	for (size_t i = 0; i < b->n_lines; i++)
		if (!strcmp(b->lines[i].id, key)) {
			*micro = b->lines[i].amount_micro;
			return true;
		}
	/* The name of a line that has parts: their sum. */
	for (size_t i = 0; i < b->n_lines; i++)
		if (!strncmp(b->lines[i].id, key, n) &&
		    (b->lines[i].id[n] == '.' || b->lines[i].id[n] == '@')) {
			*micro += b->lines[i].amount_micro;
			found = true;
		}
	return found;
}

static void compare(struct test *s, const struct conf_node *expect, const struct bill *b)
{
	for (size_t i = 0; i < conf_count(expect); i++) {
		const char *key;
		const struct conf_node *n = conf_pair(expect, i, &key);
		int64_t want, got;
		char a[40], c[40];

		if (!conf_as_micro(n, s->what, &want, s->f))
			continue;
		if (!value_of(b, key, &got))
			conf_error(s->f, n, "%s: the bill has no line \"%s\"", s->what, key);
		else if (got != want)
			conf_error(s->f, n, "%s: %s is %s, expected %s", s->what, key,
				   money_format(got, 6, a, sizeof a), money_format(want, 6, c, sizeof c));
	}
}

static void run_bill(struct test *s, const struct conf_node *n)
{
	static const char *const names[] = { "name", "month", "contract", "peaks", "load", "expect", NULL };
	const struct conf_node *month = load_need(n, "month", s->what, s->f);
	const struct conf_node *contract = load_need(n, "contract", s->what, s->f);
	const struct conf_node *expect = load_map(n, "expect", s->what, s->f);
	struct bill_run *run = NULL;
	struct fems_error e = { "", NULL };
	struct bill bill;
	enum fems_rc rc;
	int y, m;

	conf_only(n, s->what, names, s->f);
	if (!month || !contract || !expect || !parse_month(s, month, conf_text(month), &y, &m) ||
	    !conf_as_power(contract, s->what, &s->contract.contract_w, s->f) ||
	    !read_peaks(s, conf_get(n, "peaks")))
		return;
	s->from_us = zone_utc(s->t->zone, y, m, 1, 0, 0, 0);
	s->to_us = zone_utc(s->t->zone, y, m + 1, 1, 0, 0, 0);
	if (!read_loads(s, conf_get(n, "load")))
		return;
	rc = bill_begin(&s->contract, s->from_us, s->to_us, &run, &e);
	for (size_t i = 0; rc == FEMS_OK && i < s->n_slots; i++)
		rc = bill_add(run, &s->slots[i], &e);
	if (rc == FEMS_OK)
		rc = bill_finish(run, &bill, &e);
	if (rc == FEMS_OK)
		compare(s, expect, &bill);
	else
		conf_error(s->f, n, "%s: %s", s->what, e.text);
	bill_free(run);
}

static void run_price(struct test *s, const struct conf_node *n)
{
	static const char *const names[] = { "at", "band", "demand", "price", NULL };
	const struct conf_node *band = conf_get(n, "band"), *demand = conf_get(n, "demand");
	const struct conf_node *price = conf_get(n, "price");
	struct fems_error e = { "", NULL };
	struct tariff_price got;
	int64_t t_us, micro;
	bool counts;
	char a[40];

	if (conf_kind(n) != CONF_MAP) {
		conf_error(s->f, n, "%s: a price is written as {at: ..., band: ..., price: ...}", s->what);
		return;
	}
	conf_only(n, s->what, names, s->f);
	if (!local_time(s, n, "at", &t_us))
		return;
	if (tariff_price(s->t, t_us, &got, &e) != FEMS_OK) {
		conf_error(s->f, n, "%s: %s", s->what, e.text);
		return;
	}
	if (band && strcmp(conf_text(band), got.band))
		conf_error(s->f, band, "%s: the band is \"%s\", expected \"%s\"", s->what, got.band,
			   conf_text(band));
	if (demand && conf_as_bool(demand, s->what, &counts, s->f) && counts != got.counts_for_demand)
		conf_error(s->f, demand, "%s: a peak here %s for the demand", s->what,
			   got.counts_for_demand ? "counts" : "does not count");
	if (price && conf_as_micro(price, s->what, &micro, s->f) && micro != got.energy_micro)
		conf_error(s->f, price, "%s: the price is %s, expected %s", s->what,
			   money_format(got.energy_micro, 6, a, sizeof a), conf_text(price));
}

static void run_one(const struct tariff *t, const struct conf_node *n, struct faults *f)
{
	static const char *const names[] = { "name", "prices", NULL };
	struct test s = { .t = t, .f = f, .contract = { .tariff = t } };
	const struct conf_node *prices = conf_get(n, "prices");

	if (conf_kind(n) != CONF_MAP) {
		conf_error(f, n, "tests: each test is a mapping with a name");
		return;
	}
	snprintf(s.what, sizeof s.what, "test \"%.120s\"",
		 conf_get(n, "name") ? conf_text(conf_get(n, "name")) : "");
	if (!prices) {
		run_bill(&s, n);
		free(s.slots);
		return;
	}
	conf_only(n, s.what, names, f);
	prices = load_list(n, "prices", s.what, f);
	for (size_t i = 0; prices && i < conf_count(prices); i++)
		run_price(&s, conf_item(prices, i));
}

size_t tariff_selftest(const struct tariff *t, struct faults *f)
{
	size_t before = faults_errors(f);

	if (t->tests && conf_kind(t->tests) != CONF_SEQ)
		conf_error(f, t->tests, "tests: must be a list");
	else
		for (size_t i = 0; t->tests && i < conf_count(t->tests); i++)
			run_one(t, conf_item(t->tests, i), f);
	return faults_errors(f) - before;
}

size_t tariff_tests(const struct tariff *t)
{
	return t->tests && conf_kind(t->tests) == CONF_SEQ ? conf_count(t->tests) : 0;
}
