/* SPDX-License-Identifier: Apache-2.0
 *
 * Worked cases to the won: a year of a real load, and the example of KEPCO's calculator.
 */
#include "config.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/money.h"
#include "core/base/text.h"
#include "core/tariff/tariff.h"
#include "tests/unit/bill_help.h"

static int64_t amount_of_parts(const struct bill *b, const char *prefix)
{
	int64_t sum = 0;

	for (size_t i = 0; i < b->n_lines; i++)
		if (!strncmp(b->lines[i].id, prefix, strlen(prefix)))
			sum += b->lines[i].amount_micro;
	return sum;
}

/* ---- a year of a real load under the terms of 2025-03-01, worked out by another program ---- */

struct row {
	int64_t wh, lag, lead;
};

static int64_t milli(const char *s, char **end)
{
	/* kWh with up to three decimals, exactly. */
	char text[32];
	size_t n = strcspn(s, ",\r\n");
	int64_t micro;

	assert_true(n && n < sizeof text);
	memcpy(text, s, n);
	text[n] = '\0';
	assert_true(money_parse(text, &micro) && micro % 1000 == 0);
	*end = (char *)s + n + (s[n] == ',');
	return micro / 1000;
}

static struct row *read_rows(const char *path, size_t want)
{
	struct row *rows = calloc(want, sizeof *rows);
	char text[128], *s;
	FILE *f = fopen(path, "r");
	size_t n = 0;

	assert_non_null(rows);
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof text, f));
	for (; fgets(text, sizeof text, f); n++) {
		assert_true(n < want);
		s = text;
		rows[n].wh = milli(s, &s);
		rows[n].lag = milli(s, &s);
		rows[n].lead = milli(s, &s);
	}
	fclose(f);
	assert_int_equal(n, want);
	return rows;
}

static json_t *read_json(const char *dir, const char *name)
{
	char path[600];
	json_t *j;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	j = json_load_file(path, 0, NULL);
	assert_non_null(j);
	return j;
}

static int64_t won(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key)) * WON;
}

static void write_calendar(const char *path, const json_t *days)
{
	FILE *f = fopen(path, "w");
	const json_t *day;
	size_t i;

	assert_non_null(f);
	fputs("calendar: case\nfrom: 2018-01-01\nto: 2018-12-31\n"
	      "classes: [statutory, substitute, election]\ndays:\n",
	      f);
	json_array_foreach(days, i, day)
		fprintf(f, "  - {date: %s, class: statutory, ko: k, en: e}\n", json_string_value(day));
	assert_int_equal(fclose(f), 0);
}

static size_t read_peaks(const json_t *object, struct peak peaks[24])
{
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach((json_t *)object, key, value)
	{
		assert_true(n < 24 && sscanf(key, "%d-%d", &peaks[n].year, &peaks[n].month) == 2);
		peaks[n++].w = json_integer_value(value) * 1000;
	}
	return n;
}

static void bill_month(const struct contract *c, const struct row *rows, int month, bool reactive,
		       struct bill *out)
{
	const struct tariff *t = c->tariff;
	int64_t from = at(t, 2018, month, 1, 0, 0), to = at(t, 2018, month + 1, 1, 0, 0),
		year = at(t, 2018, 1, 1, 0, 0);
	struct fems_error e = { "", NULL };
	struct bill_run *run;

	assert_int_equal(bill_begin(c, from, to, &run, &e), FEMS_OK);
	for (int64_t us = from; us < to; us += US_PER_SLOT) {
		const struct row *r = &rows[(us - year) / US_PER_SLOT];
		struct load_slot s = { .start_us = us,
				       .import_wh = r->wh,
				       .varh_lag = reactive ? r->lag : -1,
				       .varh_lead = reactive ? r->lead : -1 };

		assert_int_equal(bill_add(run, &s, &e), FEMS_OK);
	}
	assert_int_equal(bill_finish(run, out, &e), FEMS_OK);
	bill_free(run);
	assert_true(out->complete);
	check_sum(out);
}

static void compare_month(const struct bill *b, const json_t *want)
{
	int64_t kwh = 0;

	for (size_t i = 0; i < b->n_lines; i++)
		if (!strncmp(b->lines[i].id, "energy.", 7))
			kwh += b->lines[i].quantity_milli / 1000;
	assert_int_equal(kwh * WON, won(want, "kwh"));
	assert_int_equal((b->peak_w + 500) / 1000 * WON, won(want, "measured_demand_kw"));
	assert_int_equal(b->billing_demand_w * 1000, won(want, "billing_demand_kw"));
	assert_int_equal(amount(b, "base"), won(want, "base_won"));
	assert_int_equal(amount_of_parts(b, "energy."), won(want, "energy_won"));
	assert_int_equal(amount(b, "power-factor"), won(want, "pf_won"));
	assert_int_equal(amount(b, "climate"), won(want, "climate_won"));
	assert_int_equal(amount(b, "fuel"), won(want, "fuel_won"));
	assert_int_equal(amount(b, "vat"), won(want, "vat_won"));
	assert_int_equal(amount(b, "fund"), won(want, "fund_won"));
	assert_int_equal(b->total_micro, won(want, "total_won"));
}

static void test_real_year(void **state)
{
	const char *shared = getenv("FEMS_SHARED");
	char dir[512], csv[600], calendar[] = "/tmp/fems-test-XXXXXX";
	json_t *c, *want, *month;
	struct peak peaks[24];
	struct contract contract = { .peaks = peaks };
	struct row *rows;
	size_t i;
	int64_t total = 0;

	(void)state;
	snprintf(dir, sizeof dir, "%s/tariffs/cases/k01-kepco-b-hva2-2024", shared ? shared : "");
	if (access(dir, R_OK)) {
		print_message("# no worked cases at FEMS_SHARED: skipped\n");
		skip();
	}
	c = read_json(dir, "case.json");
	want = read_json(dir, "expected.json");
	snprintf(csv, sizeof csv, "%s/%s", dir,
		 json_string_value(json_object_get(json_object_get(c, "load"), "file")));
	rows = read_rows(csv, 35040);
	close(mkstemp(calendar));
	write_calendar(calendar, json_object_get(c, "holidays"));
	contract.tariff = load(shipped(), civil_days(2025, 3, 1), calendar);
	contract.contract_w = json_integer_value(json_object_get(c, "contract_kw")) * 1000;
	contract.n_peaks = read_peaks(json_object_get(c, "previous_peaks_kw"), peaks);
	json_array_foreach(json_object_get(want, "months"), i, month)
	{
		struct bill b;

		bill_month(&contract, rows, (int)i + 1, true, &b);
		compare_month(&b, month);
		total += b.total_micro;
		peaks[contract.n_peaks++] = (struct peak){ 2018, (int)i + 1, b.peak_w, b.peak_t_us };
	}
	assert_int_equal(total, won(want, "total_won"));
	tariff_free((struct tariff *)contract.tariff);
	unlink(calendar);
	free(rows);
	json_decref(c);
	json_decref(want);
}

/* ---- the worked example of KEPCO's calculator: two seasons, billing by contract, power factor ---- */

static const char calculator[] = TARIFF_HEAD
	"zone: Asia/Seoul\n"
	"seasons:\n  summer: {ko: k, en: e, dates: [06-01..08-31]}\n  rest: {ko: k, en: e, dates: "
	"[09-01..05-31]}\n"
	"billing_demand: [{from: 2020-01-01, contract_percent: 100}]\n"
	"lines:\n"
	"  - {id: base, ko: k, en: e, quantity: billing-demand, round: 1 down, prices: [{from: 2020-01-01, "
	"price: 6160}]}\n"
	"  - id: pf\n    ko: k\n    en: e\n    quantity: power-factor\n    of: [base]\n    round: 1 down\n"
	"    round_quantity: 1 half-up\n"
	"    rules:\n      - from: 2020-01-01\n        interval: 30min\n        parts:\n"
	"          - {ko: k, en: e, hours: [09:00-23:00], direction: lagging, min: 60, max: 95, other: 95,\n"
	"             standard: 90, below: 0.2, above: 0.2}\n"
	"          - {ko: k, en: e, hours: [23:00-09:00], direction: leading, min: 60, max: 100, other: "
	"100,\n"
	"             standard: 95, below: 0.2, above: 0}\n"
	"  - id: energy\n    ko: k\n    en: e\n    quantity: energy-by-band\n    round_quantity: 1 half-up\n"
	"    round: 1 down\n    prices:\n      - from: 2020-01-01\n        off: {summer: 105.6, rest: 65.1}\n"
	"        on: {summer: 105.6, rest: 65.1}\n"
	"  - {id: climate, ko: k, en: e, quantity: energy, round: 1 down, prices: [{from: 2020-01-01, price: "
	"7.3}]}\n"
	"  - {id: fuel, ko: k, en: e, quantity: energy, round: 1 down, prices: [{from: 2020-01-01, price: "
	"5.0}]}\n"
	"  - {id: vat, ko: k, en: e, quantity: percent, of: [base, pf, energy, climate, fuel], round: 1 "
	"half-up,\n"
	"     prices: [{from: 2020-01-01, percent: 10}]}\n"
	"  - {id: fund, ko: k, en: e, quantity: percent, of: [base, pf, energy, climate, fuel], round: 10 "
	"down,\n"
	"     prices: [{from: 2020-01-01, percent: 3.7}]}\n"
	"total: {ko: k, en: e, round: 10 down}\n";

static void test_calculator(void **state)
{
	struct contract c = { .tariff = from_text(calculator), .contract_w = 5000 };
	struct bill_run *run = begin(&c, at(c.tariff, 2022, 8, 11, 0, 0), at(c.tariff, 2022, 9, 11, 0, 0));
	struct load_slot s;
	struct bill b;

	(void)state;
	/* Power factors 0.71 lagging by day and 0.91 leading by night: tan(acos(x)) = 0.99184, 0.45561. */
	for (int i = 0; i < 8; i++) {
		bool night = i % 2, autumn = i >= 4;
		int64_t wh = autumn ? 8000 : 17000;

		s = slot(
			at(c.tariff, 2022, autumn ? 9 : 8, (autumn ? 1 : 12) + i % 4 / 2, night ? 23 : 19, 0),
			wh);
		s.import_wh = wh;
		s.varh_lag = night ? 0 : wh * 99184 / 100000;
		s.varh_lead = night ? wh * 45561 / 100000 : 0;
		/* The peak must not count: 5 kW are billed by contract. */
		if (!night)
			s.start_us = at(c.tariff, 2022, autumn ? 9 : 8, (autumn ? 1 : 12) + i % 4 / 2, 20, 0);
		add(run, s);
	}
	b = finish(run);
	assert_int_equal(amount(&b, "base"), 30800 * WON);
	assert_int_equal(amount(&b, "pf"), 1416 * WON);
	assert_int_equal(amount_of_parts(&b, "energy."), 9264 * WON);
	assert_int_equal(amount(&b, "climate"), 730 * WON);
	assert_int_equal(amount(&b, "fuel"), 500 * WON);
	assert_int_equal(amount(&b, "vat"), 4271 * WON);
	assert_int_equal(amount(&b, "fund"), 1580 * WON);
	assert_int_equal(b.total_micro, 48560 * WON);
	assert_non_null(line(&b, "energy.off@2022-09-01"));
	bill_free(run);
	tariff_free((struct tariff *)c.tariff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_year),
		cmocka_unit_test(test_calculator),
	};

	return cmocka_run_group_tests_name("bill cases", tests, NULL, NULL);
}
