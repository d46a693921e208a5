/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties that hold for every bill.
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
