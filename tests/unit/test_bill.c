/* SPDX-License-Identifier: Apache-2.0
 *
 * Bills: a year of a real load to the won, and the properties that hold for every bill.
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

#define WON INT64_C(1000000)

static struct tariff *load(const char *path, int64_t as_of, const char *calendar)
{
	struct faults *f = faults_new();
	struct tariff *t = tariff_load_as_of(path, as_of, calendar, f);

	faults_print(f, stderr);
	assert_non_null(t);
	faults_free(f);
	return t;
}

static const char *shipped(void)
{
	static char path[512];
	const char *top = getenv("top_srcdir");

	snprintf(path, sizeof path, "%s/etc/tariffs/kr-kepco-industrial-b-hva-2.yaml", top ? top : ".");
	return path;
}

static int64_t at(const struct tariff *t, int y, int mo, int d, int h, int mi)
{
	return zone_utc(tariff_zone(t), y, mo, d, h, mi, 0);
}

static const struct bill_line *line(const struct bill *b, const char *id)
{
	for (size_t i = 0; i < b->n_lines; i++)
		if (!strcmp(b->lines[i].id, id))
			return &b->lines[i];
	return NULL;
}

static int64_t amount(const struct bill *b, const char *id)
{
	const struct bill_line *l = line(b, id);

	return l ? l->amount_micro : 0;
}

static int64_t amount_of_parts(const struct bill *b, const char *prefix)
{
	int64_t sum = 0;

	for (size_t i = 0; i < b->n_lines; i++)
		if (!strncmp(b->lines[i].id, prefix, strlen(prefix)))
			sum += b->lines[i].amount_micro;
	return sum;
}

static void check_sum(const struct bill *b)
{
	int64_t sum = 0;

	for (size_t i = 0; i < b->n_lines; i++) {
		sum += b->lines[i].amount_micro;
		assert_true(*b->lines[i].label_ko && *b->lines[i].label_en && *b->lines[i].evidence_en &&
			    *b->lines[i].evidence_ko);
	}
	assert_true(sum == b->total_micro);
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

/* ---- tariffs of the tests ---- */

/* %s: zone; bands without any demand when it says false; prices; rules. */
#define TARIFF_HEAD                                                                                          \
	"tariff: t\ntitle: {ko: k, en: e}\ncurrency: KRW\ndemand_interval: 15min\n"                          \
	"bands:\n  off: {ko: k, en: e, demand: false}\n  on: {ko: k, en: e, demand: true}\n"                 \
	"day_types:\n  any: {ko: k, en: e, weekdays: [mon, tue, wed, thu, fri, sat, sun]}\n"                 \
	"hours:\n  - {from: 2020-01-01, windows: [{off: [20:00-08:00], on: [08:00-20:00]}]}\n"
#define ONE_SEASON "seasons:\n  all: {ko: k, en: e, dates: [01-01..12-31]}\n"

static struct tariff *from_text(const char *text)
{
	char path[] = "/tmp/fems-test-XXXXXX";
	int fd = mkstemp(path);
	struct tariff *t;

	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	t = load(path, TARIFF_OWN_DATES, NULL);
	unlink(path);
	return t;
}

static struct bill_run *begin(const struct contract *c, int64_t from, int64_t to)
{
	struct fems_error e = { "", NULL };
	struct bill_run *run;

	if (bill_begin(c, from, to, &run, &e) != FEMS_OK)
		fail_msg("%s", e.text);
	return run;
}

static void add(struct bill_run *run, struct load_slot s)
{
	struct fems_error e = { "", NULL };

	if (bill_add(run, &s, &e) != FEMS_OK)
		fail_msg("%s", e.text);
}

static void refused(struct bill_run *run, struct load_slot s, const char *says)
{
	struct fems_error e = { "", NULL };

	assert_int_equal(bill_add(run, &s, &e), FEMS_EINVAL);
	assert_non_null(strstr(e.text, says));
}

static struct bill finish(const struct bill_run *run)
{
	struct fems_error e = { "", NULL };
	struct bill b;

	if (bill_finish(run, &b, &e) != FEMS_OK)
		fail_msg("%s", e.text);
	check_sum(&b);
	return b;
}

static struct load_slot slot(int64_t start_us, int64_t wh)
{
	return (struct load_slot){ .start_us = start_us, .import_wh = wh, .varh_lag = -1, .varh_lead = -1 };
}

/* A month in which one interval has a load. */
static struct bill one_slot(const struct contract *c, int y, int mo, int64_t start_us, int64_t wh)
{
	struct bill_run *run = begin(c, at(c->tariff, y, mo, 1, 0, 0), at(c->tariff, y, mo + 1, 1, 0, 0));
	struct bill b;

	add(run, slot(start_us, wh));
	b = finish(run);
	bill_free(run);
	return b;
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

/* ---- time ---- */

static const char berlin[] = TARIFF_HEAD
	"zone: Europe/Berlin\n" ONE_SEASON "billing_demand: [{from: 2020-01-01}]\n"
	"lines:\n"
	"  - {id: base, ko: k, en: e, quantity: billing-demand, prices: [{from: 2020-01-01, to: 2025-03-10, "
	"price: 31},\n"
	"     {from: 2025-03-11, price: 62}]}\n"
	"  - {id: energy, ko: k, en: e, quantity: energy-by-band, prices: [{from: 2020-01-01, off: {all: 1}, "
	"on: {all: 2}}]}\n"
	"  - {id: levy, ko: k, en: e, quantity: energy, prices: [{from: 2020-01-01, to: 2025-03-10, price: "
	"1},\n"
	"     {from: 2025-03-11, price: 3}]}\n"
	"  - {id: fixed, ko: k, en: e, quantity: fixed, prices: [{from: 2020-01-01, price: 10}]}\n"
	"  - {id: vat, ko: k, en: e, quantity: percent, of: [fixed], prices: [{from: 2020-01-01, to: "
	"2025-03-10, percent: 10},\n"
	"     {from: 2025-03-11, percent: 41}]}\n";

static int64_t kwh(const struct bill *b, const char *id)
{
	assert_non_null(line(b, id));
	return line(b, id)->quantity_milli / 1000;
}

/* A month of 1 kWh in every interval. */
static struct bill full_month(const struct contract *c, int year, int month, size_t *slots)
{
	int64_t from = at(c->tariff, year, month, 1, 0, 0), to = at(c->tariff, year, month + 1, 1, 0, 0);
	struct bill_run *run = begin(c, from, to);
	struct bill b;

	for (int64_t t = from; t < to; t += US_PER_SLOT)
		add(run, slot(t, 1000));
	b = finish(run);
	*slots = b.slots;
	assert_true(b.complete && !b.slots_missing);
	bill_free(run);
	return b;
}

static void test_clock_changes(void **state)
{
	struct contract c = { .tariff = from_text(berlin), .contract_w = 5000 };
	size_t n;
	struct bill b = full_month(&c, 2025, 3, &n);

	(void)state;
	assert_int_equal(n, 31 * 96 - 4); /* 30 March has 23 hours */
	assert_int_equal(kwh(&b, "energy.on"), 31 * 48);
	assert_int_equal(kwh(&b, "energy.off"), 31 * 48 - 4);
	b = full_month(&c, 2025, 10, &n);
	assert_int_equal(n, 31 * 96 + 4); /* 26 October has 25 */
	assert_int_equal(kwh(&b, "energy.on"), 31 * 48);
	assert_int_equal(kwh(&b, "energy.off"), 31 * 48 + 4);
	b = full_month(&c, 2024, 2, &n);
	assert_int_equal(n, 29 * 96);
	tariff_free((struct tariff *)c.tariff);
}

/* Prices that change inside the period: energy by time, the rest by days. */
static void test_change_inside(void **state)
{
	struct contract c = { .tariff = from_text(berlin), .contract_w = 5000 };
	size_t n;
	struct bill b = full_month(&c, 2025, 3, &n);

	(void)state;
	/* 4 kW; 10 of 31 days at 31, 21 of 31 at 62 */
	assert_int_equal(amount(&b, "base"), 40 * WON);
	assert_int_equal(amount(&b, "base@2025-03-11"), 168 * WON);
	assert_int_equal(amount(&b, "levy"), 10 * 96 * WON);
	assert_int_equal(amount(&b, "levy@2025-03-11"), (21 * 96 - 4) * 3 * WON);
	assert_int_equal(amount(&b, "vat"), 3100000); /* (10 x 10 + 21 x 41) / 31 = 31 % */
	tariff_free((struct tariff *)c.tariff);
}

static void test_half_hour_zone(void **state)
{
	char text[sizeof berlin + 16], *zone;
	struct contract c = { .contract_w = 1 };
	size_t n;
	struct bill b;

	(void)state;
	snprintf(text, sizeof text, "%s", berlin);
	zone = strstr(text, "Europe/Berlin");
	memcpy(zone, "Asia/Kolkata ", 13);
	c.tariff = from_text(text);
	b = full_month(&c, 2025, 6, &n);
	assert_int_equal(kwh(&b, "energy.on"), 30 * 48);
	tariff_free((struct tariff *)c.tariff);
}

/* ---- what a slot may be ---- */

static void test_slots(void **state)
{
	struct contract c = { .tariff = from_text(berlin), .contract_w = 5000 };
	int64_t from = at(c.tariff, 2025, 6, 1, 0, 0), to = at(c.tariff, 2025, 6, 2, 0, 0);
	struct bill_run *run = begin(&c, from, to), *other;
	struct load_slot s = slot(from + 40 * US_PER_SLOT, 9000);
	struct fems_error e = { "", NULL };
	struct bill b, d;

	(void)state;
	add(run, slot(from, 1000));
	refused(run, slot(from, 1000), "passed already");
	refused(run, slot(from - US_PER_SLOT, 1), "outside the period");
	refused(run, slot(to, 1), "outside the period");
	refused(run, slot(from + US_PER_SLOT + 1, 1), "not the start");
	refused(run, slot(from + US_PER_SLOT, -1), "negative");
	refused(run, slot(from + US_PER_SLOT, INT64_MAX), "4 GWh");
	s.estimated = true;
	add(run, s); /* 36 kW at 10:00, but estimated */
	s = slot(from + 41 * US_PER_SLOT, 123456);
	s.missing = true;
	add(run, s);
	add(run, slot(from + 42 * US_PER_SLOT, 2000));
	b = finish(run);
	assert_int_equal(b.energy_wh, 12000);
	assert_int_equal(b.peak_w, 8000);
	assert_int_equal(b.peak_t_us, from + 42 * US_PER_SLOT);
	assert_int_equal(b.slots, 4);
	assert_int_equal(b.slots_missing, 39 + 1); /* skipped and said to be missing */
	assert_int_equal(b.slots_estimated, 1);
	assert_false(b.complete);
	d = finish(run); /* finishing changes nothing */
	assert_memory_equal(&b, &d, sizeof b);
	bill_free(run);
	assert_int_equal(bill_begin(&c, to, from, &other, &e), FEMS_EINVAL);
	assert_int_equal(bill_begin(&c, from + 1, to, &other, &e), FEMS_EINVAL);
	assert_int_equal(bill_begin(&c, from, from + 500 * US_PER_DAY, &other, &e), FEMS_EINVAL);
	assert_int_equal(bill_begin(&c, at(c.tariff, 2019, 12, 31, 0, 0), from, &other, &e), FEMS_EINVAL);
	tariff_free((struct tariff *)c.tariff);
}

static void test_uncovered(void **state)
{
	struct contract c = { .tariff = load(shipped(), TARIFF_OWN_DATES, NULL), .contract_w = 1000000 };
	struct fems_error e = { "", NULL };
	struct tariff_price price;
	struct bill_run *run;

	(void)state;
	assert_int_equal(
		bill_begin(&c, at(c.tariff, 2024, 10, 1, 0, 0), at(c.tariff, 2024, 11, 1, 0, 0), &run, &e),
		FEMS_ENOENT);
	assert_non_null(strstr(e.text, "\"base\" is valid on 2024-10-01"));
	assert_int_equal(tariff_price(c.tariff, at(c.tariff, 2018, 5, 1, 0, 0), &price, &e), FEMS_ENOENT);
	assert_non_null(strstr(e.text, "\"hours\" is valid on 2018-05-01"));
	/* behind the holiday list: an error, not a silent workday */
	assert_int_equal(
		bill_begin(&c, at(c.tariff, 2030, 12, 1, 0, 0), at(c.tariff, 2031, 1, 2, 0, 0), &run, &e),
		FEMS_ENOENT);
	assert_non_null(strstr(e.text, "holiday list does not cover 2031-01-01"));
	assert_int_equal(tariff_price(c.tariff, at(c.tariff, 2031, 1, 1, 0, 0) - 1, &price, &e), FEMS_OK);
	tariff_free((struct tariff *)c.tariff);
}

/* ---- properties ---- */

static uint64_t seed = 12345;

static int64_t rnd(int64_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int64_t)((seed >> 33) % (uint64_t)below);
}

static struct load_slot random_slot(int64_t start_us)
{
	struct load_slot s = slot(start_us, rnd(150000));

	s.varh_lag = rnd(80000);
	s.varh_lead = rnd(3) ? 0 : rnd(80000);
	s.missing = rnd(100) == 0;
	s.estimated = rnd(50) == 0;
	return s;
}

/* Asking in between, naming or skipping the gaps, and refused slots make no difference. */
static void test_same_bill(void **state)
{
	struct contract c = { .tariff = load(shipped(), TARIFF_OWN_DATES, NULL), .contract_w = 500000 };
	int64_t from = at(c.tariff, 2026, 4, 1, 0, 0), to = at(c.tariff, 2026, 5, 1, 0, 0);

	(void)state;
	for (int round = 0; round < 5; round++) {
		struct bill_run *plain = begin(&c, from, to), *asked = begin(&c, from, to),
				*gaps = begin(&c, from, to);
		struct bill a, b, d;

		for (int64_t t = from; t < to; t += US_PER_SLOT) {
			struct load_slot s = random_slot(t);

			add(plain, s);
			add(asked, s);
			if (rnd(200) == 0)
				finish(asked);
			refused(asked, s, "passed already");
			if (!s.missing || t + US_PER_SLOT == to)
				add(gaps, s);
		}
		a = finish(plain);
		b = finish(asked);
		d = finish(gaps);
		assert_memory_equal(&a, &b, sizeof a);
		d.slots = a.slots;
		assert_memory_equal(&a, &d, sizeof a);
		bill_free(plain);
		bill_free(asked);
		bill_free(gaps);
	}
	tariff_free((struct tariff *)c.tariff);
}

/* Energy of two halves adds up to the whole, band by band; so does the higher of the peaks. */
static void test_split(void **state)
{
	struct contract c = { .tariff = from_text(berlin), .contract_w = 5000 };
	int64_t from = at(c.tariff, 2025, 6, 1, 0, 0), to = at(c.tariff, 2025, 7, 1, 0, 0);

	(void)state;
	for (int round = 0; round < 20; round++) {
		int64_t cut = from + (1 + rnd((to - from) / US_PER_SLOT - 1)) * US_PER_SLOT;
		struct bill_run *whole = begin(&c, from, to), *first = begin(&c, from, cut),
				*second = begin(&c, cut, to);
		struct bill w, a, b;

		for (int64_t t = from; t < to; t += US_PER_SLOT) {
			struct load_slot s = random_slot(t);

			add(whole, s);
			add(t < cut ? first : second, s);
		}
		w = finish(whole);
		a = finish(first);
		b = finish(second);
		assert_int_equal(w.energy_wh, a.energy_wh + b.energy_wh);
		assert_int_equal(amount(&w, "energy.on"), amount(&a, "energy.on") + amount(&b, "energy.on"));
		assert_int_equal(amount(&w, "energy.off"),
				 amount(&a, "energy.off") + amount(&b, "energy.off"));
		assert_int_equal(amount(&w, "levy"), amount(&a, "levy") + amount(&b, "levy"));
		assert_int_equal(w.peak_w, a.peak_w > b.peak_w ? a.peak_w : b.peak_w);
		bill_free(whole);
		bill_free(first);
		bill_free(second);
	}
	tariff_free((struct tariff *)c.tariff);
}

/* The price of an interval is what the bill makes of its energy. */
static void test_price_is_bill(void **state)
{
	struct contract c = { .tariff = load(shipped(), TARIFF_OWN_DATES, NULL), .contract_w = 1000000 };
	struct fems_error e = { "", NULL };

	(void)state;
	for (int month = 1; month <= 12; month++) {
		int64_t from = at(c.tariff, 2026, month, 1, 0, 0),
			to = at(c.tariff, 2026, month + 1, 1, 0, 0), sum = 0;
		int64_t base = 300 * 8320 * INT64_C(1127000), diff; /* floor of the contract, VAT and fund */
		struct bill_run *run = begin(&c, from, to);
		struct bill b;

		for (int64_t t = from; t < to; t += US_PER_SLOT) {
			struct load_slot s = slot(t, rnd(75) * 1000);
			struct tariff_price price;

			assert_int_equal(tariff_price(c.tariff, t, &price, &e), FEMS_OK);
			sum += money_energy(s.import_wh, price.energy_micro);
			add(run, s);
		}
		b = finish(run);
		diff = b.total_micro - sum - base;
		assert_true(diff < 30 * WON && diff > -30 * WON); /* truncations of the lines */
		bill_free(run);
	}
	tariff_free((struct tariff *)c.tariff);
}

/* ---- demand ---- */

static int64_t kepco_base(int64_t contract_w, const struct peak *peaks, size_t n, int y, int mo,
			  int64_t peak_w, struct bill *b)
{
	static struct tariff *t;
	struct contract c = { .contract_w = contract_w, .peaks = peaks, .n_peaks = n };

	if (!b) {
		tariff_free(t);
		t = NULL;
		return 0;
	}
	if (!t)
		t = load(shipped(), TARIFF_OWN_DATES, NULL);
	c.tariff = t;
	*b = one_slot(&c, y, mo, at(t, y, mo, 15, 9, 0), peak_w / 4); /* mid or peak on a workday */
	return b->billing_demand_w;
}

static void test_billing_demand(void **state)
{
	struct peak peaks[] = { { 2025, 1, 700000, 0 },
				{ 2025, 4, 900000, 0 },
				{ 2025, 9, 640400, 0 },
				{ 2025, 12, 640600, 0 } };
	struct bill b;

	(void)state;
	/* this month; 612,499 W are 612 kW, 612,500 W are 613 */
	assert_int_equal(kepco_base(1000000, NULL, 0, 2026, 1, 612496, &b), 612000);
	assert_int_equal(kepco_base(1000000, NULL, 0, 2026, 1, 612500, &b), 613000);
	assert_true(b.billing_year == 2026 && b.billing_month == 1);
	assert_non_null(strstr(line(&b, "base")->evidence_en, "2026-01-15 09:00-09:15"));
	assert_non_null(strstr(line(&b, "base")->evidence_en, "no peak known of"));
	/* floor, exactly at it and below */
	assert_int_equal(kepco_base(1000000, NULL, 0, 2026, 1, 200000, &b), 300000);
	assert_int_equal(b.billing_month, 0);
	assert_non_null(strstr(line(&b, "base")->evidence_ko, "하한"));
	/* January 2025 is out of the window of January 2026 and April never counts; December does */
	assert_int_equal(kepco_base(1000000, peaks, 4, 2026, 1, 400000, &b), 641000);
	assert_true(b.billing_year == 2025 && b.billing_month == 12);
	assert_non_null(strstr(line(&b, "base")->evidence_en, "peak of 2025-12"));
	/* a year earlier it is inside */
	assert_int_equal(kepco_base(1000000, peaks, 3, 2025, 12, 400000, &b), 700000);
	/* the month after it falls out of the window */
	assert_int_equal(kepco_base(1000000, peaks, 3, 2026, 1, 400000, &b), 640000);
	kepco_base(0, NULL, 0, 0, 0, 0, NULL);
}

static void test_over_contract(void **state)
{
	static const struct {
		int64_t peak_w, percent;
	} steps[] = {
		{ 599996, 200 }, { 599000, 150 }, { 600000, 200 }, { 649000, 200 }, { 650000, 250 },
		{ 700000, 300 }, { 750000, 350 }, { 799000, 350 }, { 800000, 400 }, { 2000000, 400 },
	};
	struct peak before = { 2025, 6, 501000, 0 };
	struct bill b;

	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		int64_t kw = (steps[i].peak_w + 500) / 1000 - 500;

		kepco_base(500000, &before, 1, 2025, 7, steps[i].peak_w, &b);
		assert_int_equal(amount(&b, "over-contract"), kw * 8320 * steps[i].percent / 100 * WON);
	}
	kepco_base(500000, &before, 1, 2025, 7, 500000, &b); /* exactly at the contract */
	assert_null(line(&b, "over-contract"));
	kepco_base(500000, NULL, 0, 2025, 7, 700000, &b); /* the first month is a warning */
	assert_int_equal(amount(&b, "over-contract"), 0);
	assert_non_null(strstr(line(&b, "over-contract")->evidence_en, "warning"));
	kepco_base(0, NULL, 0, 0, 0, 0, NULL);
}

/* What one more kW is said to cost is what the bills of the year make of it. */
static void check_demand_cost(int month, int months, int64_t peak_kw, int64_t threshold_kw)
{
	struct tariff *t = load(shipped(), TARIFF_OWN_DATES, NULL);
	struct peak with[2] = { { 2026, month, (threshold_kw + 1) * 1000, 0 }, { 2025, 12, 450000, 0 } };
	struct peak without[2] = { { 2026, month, threshold_kw * 1000, 0 }, { 2025, 12, 450000, 0 } };
	struct contract c = { .tariff = t, .contract_w = 1000000, .peaks = &without[1], .n_peaks = 1 };
	struct fems_error e = { "", NULL };
	struct demand_cost d;
	int64_t sum = 0;

	assert_int_equal(tariff_demand_cost(&c, at(t, 2026, month, 20, 12, 0), peak_kw * 1000, &d, &e),
			 FEMS_OK);
	assert_int_equal(d.threshold_w, threshold_kw * 1000);
	assert_int_equal(d.months, months);
	assert_int_equal(d.month_micro_per_kw, 8320 * INT64_C(1127000));
	assert_int_equal(d.total_micro_per_kw, months * d.month_micro_per_kw);
	for (int i = 0; i < 14; i++) {
		int m = month + i, y = 2026 + (m - 1) / 12, mm = (m - 1) % 12 + 1;
		int64_t now = i == 0 ? threshold_kw * 250 : 0;
		struct bill a, b;

		c.peaks = without;
		c.n_peaks = 2;
		a = one_slot(&c, y, mm, at(t, y, mm, 20, 10, 0), now);
		c.peaks = with;
		b = one_slot(&c, y, mm, at(t, y, mm, 20, 10, 0), i == 0 ? now + 250 : 0);
		sum += amount(&b, "base") - amount(&a, "base");
	}
	assert_int_equal(sum * 1127 / 1000, d.total_micro_per_kw);
	tariff_free(t);
}

static void test_demand_cost(void **state)
{
	struct contract c = { .tariff = from_text(berlin), .contract_w = 5000 };
	struct fems_error e = { "", NULL };
	struct demand_cost d;

	(void)state;
	check_demand_cost(1, 12, 500, 500); /* a month that stays */
	check_demand_cost(10, 1, 500, 500); /* one that does not */
	check_demand_cost(2, 12, 470, 470);
	assert_int_equal(tariff_demand_cost(&c, at(c.tariff, 2025, 6, 1, 0, 0), 7000, &d, &e), FEMS_OK);
	assert_true(d.months == 1 && d.threshold_w == 7000 && d.total_micro_per_kw == 62 * WON);
	assert_int_equal(tariff_demand_cost(&c, at(c.tariff, 2019, 6, 1, 0, 0), 7000, &d, &e), FEMS_ENOENT);
	tariff_free((struct tariff *)c.tariff);
}

/* History decides when this month is below it. */
static void test_threshold(void **state)
{
	struct tariff *t = load(shipped(), TARIFF_OWN_DATES, NULL);
	struct peak peak = { 2025, 12, 640600, 0 };
	struct contract c = { .tariff = t, .contract_w = 1000000, .peaks = &peak, .n_peaks = 1 };
	struct fems_error e = { "", NULL };
	struct demand_cost d;

	(void)state;
	assert_int_equal(tariff_demand_cost(&c, at(t, 2026, 5, 1, 0, 0), 200000, &d, &e), FEMS_OK);
	assert_true(d.threshold_w == 641000 && d.months == 1);
	c.n_peaks = 0;
	assert_int_equal(tariff_demand_cost(&c, at(t, 2026, 5, 1, 0, 0), 200000, &d, &e), FEMS_OK);
	assert_int_equal(d.threshold_w, 300000);
	tariff_free(t);
}

/* ---- bands ---- */

static void test_bands(void **state)
{
	struct tariff *t = load(shipped(), TARIFF_OWN_DATES, NULL);
	static const struct {
		int y, mo, d, h, mi;
		const char *band;
		bool counts;
	} cases[] = {
		{ 2025, 7, 1, 7, 59, "light", false },
		{ 2025, 7, 1, 8, 0, "mid", true },
		{ 2025, 7, 1, 11, 0, "peak", true },
		{ 2025, 7, 1, 12, 0, "mid", true },
		{ 2025, 7, 1, 17, 59, "peak", true },
		{ 2025, 7, 1, 18, 0, "mid", true },
		{ 2025, 7, 1, 22, 0, "light", false },
		{ 2025, 1, 2, 9, 0, "peak", true },
		{ 2025, 1, 2, 18, 59, "peak", true },
		{ 2025, 1, 2, 19, 0, "mid", true },
		{ 2025, 7, 5, 14, 0, "mid", true },
		{ 2025, 7, 6, 14, 0, "light", false }, /* Saturday, Sunday */
		{ 2025, 3, 1, 14, 0, "light", false },
		{ 2025, 3, 3, 14, 0, "light", false }, /* holiday, substitute */
		{ 2025, 1, 27, 10, 0, "peak", true },
		{ 2025, 6, 3, 14, 0, "peak", true },   /* ad hoc */
		{ 2026, 6, 3, 16, 0, "light", false }, /* election */
		{ 2026, 4, 15, 11, 0, "peak", true },
		{ 2026, 4, 16, 11, 0, "mid", true },
		{ 2026, 4, 16, 15, 0, "peak", true },
		{ 2026, 4, 16, 20, 59, "peak", true },
		{ 2026, 4, 16, 21, 0, "mid", true },
		{ 2026, 12, 1, 16, 0, "peak", true },
	};
	struct fems_error e = { "", NULL };
	struct tariff_price p;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(
			tariff_price(t, at(t, cases[i].y, cases[i].mo, cases[i].d, cases[i].h, cases[i].mi),
				     &p, &e),
			FEMS_OK);
		assert_string_equal(p.band, cases[i].band);
		assert_int_equal(p.counts_for_demand, cases[i].counts);
	}
	assert_string_equal(tariff_band_label(t, "mid", "ko"), "중간부하");
	assert_string_equal(tariff_band_label(t, "mid", "en"), "mid load");
	tariff_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_year),      cmocka_unit_test(test_calculator),
		cmocka_unit_test(test_clock_changes),  cmocka_unit_test(test_change_inside),
		cmocka_unit_test(test_half_hour_zone), cmocka_unit_test(test_slots),
		cmocka_unit_test(test_uncovered),      cmocka_unit_test(test_same_bill),
		cmocka_unit_test(test_split),          cmocka_unit_test(test_price_is_bill),
		cmocka_unit_test(test_billing_demand), cmocka_unit_test(test_over_contract),
		cmocka_unit_test(test_demand_cost),    cmocka_unit_test(test_threshold),
		cmocka_unit_test(test_bands),
	};

	return cmocka_run_group_tests_name("bill", tests, NULL, NULL);
}
