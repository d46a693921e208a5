/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading tariffs: the shipped file passes its own tests; every kind of fault is found, with its line.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "core/base/text.h"
#include "core/tariff/tariff.h"

static char dir[] = "/tmp/fems-test-XXXXXX";

/* A small tariff that is right; the tests spoil one line of it. */
static const char good[] =
	"tariff: t1\n"                                                                   /*  1 */
	"title: {ko: k, en: e}\n"                                                        /*  2 */
	"currency: KRW\n"                                                                /*  3 */
	"zone: Asia/Seoul\n"                                                             /*  4 */
	"holidays: cal.yaml\n"                                                           /*  5 */
	"demand_interval: 15min\n"                                                       /*  6 */
	"bands:\n"                                                                       /*  7 */
	"  off: {ko: k, en: e, demand: false}\n"                                         /*  8 */
	"  on: {ko: k, en: e, demand: true}\n"                                           /*  9 */
	"seasons:\n"                                                                     /* 10 */
	"  warm: {ko: k, en: e, dates: [04-01..09-30]}\n"                                /* 11 */
	"  cold: {ko: k, en: e, dates: [10-01..03-31]}\n"                                /* 12 */
	"day_types:\n"                                                                   /* 13 */
	"  rest: {ko: k, en: e, weekdays: [sat, sun], holidays: [statutory]}\n"          /* 14 */
	"  work: {ko: k, en: e, weekdays: [mon, tue, wed, thu, fri]}\n"                  /* 15 */
	"hours:\n"                                                                       /* 16 */
	"  - from: 2025-01-01\n"                                                         /* 17 */
	"    windows:\n"                                                                 /* 18 */
	"      - {days: [rest], off: [00:00-24:00]}\n"                                   /* 19 */
	"      - {days: [work], off: [20:00-08:00], on: [08:00-20:00]}\n"                /* 20 */
	"billing_demand:\n"                                                              /* 21 */
	"  - {from: 2025-01-01, window_months: 12, percent: 80, contract_percent: 30}\n" /* 22 */
	"lines:\n"                                                                       /* 23 */
	"  - id: base\n"                                                                 /* 24 */
	"    ko: k\n"                                                                    /* 25 */
	"    en: e\n"                                                                    /* 26 */
	"    quantity: billing-demand\n"                                                 /* 27 */
	"    prices: [{from: 2025-01-01, price: 1000}]\n"                                /* 28 */
	"  - id: energy\n"                                                               /* 29 */
	"    ko: k\n"                                                                    /* 30 */
	"    en: e\n"                                                                    /* 31 */
	"    quantity: energy-by-band\n"                                                 /* 32 */
	"    prices:\n"                                                                  /* 33 */
	"      - from: 2025-01-01\n"                                                     /* 34 */
	"        to: 2025-06-30\n"                                                       /* 35 */
	"        off: {warm: 50, cold: 60}\n"                                            /* 36 */
	"        on: {warm: 100.5, cold: 120}\n"                                         /* 37 */
	"      - from: 2025-07-01\n"                                                     /* 38 */
	"        off: {warm: 51, cold: 61}\n"                                            /* 39 */
	"        on: {warm: 101.5, cold: 121}\n"                                         /* 40 */
	"  - id: vat\n"                                                                  /* 41 */
	"    ko: k\n"                                                                    /* 42 */
	"    en: e\n"                                                                    /* 43 */
	"    quantity: percent\n"                                                        /* 44 */
	"    of: [base, energy]\n"                                                       /* 45 */
	"    prices: [{from: 2025-01-01, percent: 10}]\n"                                /* 46 */
	"total: {ko: k, en: e, round: 10 down}\n";                                       /* 47 */

static const char calendar[] =
	"calendar: cal\nfrom: 2025-01-01\nto: 2026-12-31\nclasses: [statutory, ad-hoc]\n"
	"days:\n"
	"  - {date: 2025-03-03, class: statutory, ko: k, en: e}\n"
	"  - {date: 2025-03-04, class: ad-hoc, ko: k, en: e}\n";

static void write_file(const char *name, const char *text)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* The good text with one line replaced (NULL: left out). */
static char *spoil(const char *text, int line, const char *with)
{
	struct text out = { 0 };
	const char *s = text;

	for (int i = 1; *s; i++) {
		size_t n = strcspn(s, "\n") + 1;

		if (i != line)
			text_add_n(&out, s, n);
		else if (with)
			text_addf(&out, "%s\n", with);
		s += n;
	}
	return text_take(&out);
}

static struct tariff *load_text(const char *text, char **said)
{
	struct faults *f = faults_new();
	struct tariff *t;
	char path[64];

	write_file("t.yaml", text);
	snprintf(path, sizeof path, "%s/t.yaml", dir);
	t = tariff_load(path, f);
	assert_int_equal(t == NULL, faults_errors(f) > 0);
	*said = faults_text(f);
	faults_free(f);
	return t;
}

static void test_good(void **state)
{
	char *said;
	struct tariff *t = load_text(good, &said);

	(void)state;
	assert_string_equal(said ? said : "", "");
	assert_non_null(t);
	assert_string_equal(tariff_id(t), "t1");
	assert_string_equal(tariff_title(t, "ko"), "k");
	assert_string_equal(tariff_title(t, "en"), "e");
	assert_string_equal(tariff_currency(t), "KRW");
	assert_int_equal(tariff_demand_us(t), INT64_C(900000000));
	assert_string_equal(tariff_band_at(t, 1), "on");
	assert_null(tariff_band_at(t, 2));
	tariff_free(t);
	free(said);
}

struct bad {
	int line;
	const char *with, *place, *says;
};

static const struct bad bads[] = {
	{ 1, "tarif: t1", ":1:", "did you mean \"tariff\"" },
	{ 3, "currency: won", ":3:", "ISO 4217" },
	{ 4, "zone: Asia/Soul", ":4:", "Asia/Soul" },
	{ 5, NULL, "", "names no list" },
	{ 5, "holidays: nowhere.yaml", ":5:", "nowhere.yaml" },
	{ 6, "demand_interval: 7min", ":6:", "divide the hour" },
	{ 9, "  on: {ko: k, demand: true}", ":9:", "\"en\" is missing" },
	{ 9, "  on: {ko: k, en: e, deman: true}", ":9:", "did you mean \"demand\"" },
	{ 11, "  warm: {ko: k, en: e, dates: [04-01..09-29]}", ":11:", "2025-09-30 is in none" },
	{ 11, "  warm: {ko: k, en: e, dates: [04-01..10-01]}", ":11:", "2025-10-01 is in two" },
	{ 11, "  warm: {ko: k, en: e, dates: [04-31..09-30]}", ":11:", "not a span of dates" },
	{ 14, "  rest: {ko: k, en: e, weekdays: [sat, sun], holidays: [statutry]}",
	  ":14:", "did you mean \"statutory\"" },
	{ 15, "  work: {ko: k, en: e, weekdays: [mon, tue, wed, thu]}", ":14:", "every weekday" },
	{ 17, "  - from: 2025-13-01", ":17:", "2025-13-01" },
	{ 17,
	  "  - {from: 2025-01-01, to: 2024-12-31,\n     windows: [{off: [00:00-24:00]}]}\n  - from: "
	  "2025-02-01",
	  ":17:", "before the first" },
	{ 17, "  - {from: 2025-01-01, windows: [{off: [00:00-24:00]}]}\n  - from: 2025-02-01",
	  ":18:", "has no end" },
	{ 17, "  - {from: 2025-01-01, to: 2025-03-01, windows: [{off: [00:00-24:00]}]}\n  - from: 2025-02-01",
	  ":18:", "overlaps" },
	{ 17, "  - {from: 2025-05-01, windows: [{off: [00:00-24:00]}]}\n  - from: 2025-02-01",
	  ":18:", "rising order" },
	{ 17, "  - from: 2024-12-31", ":5:", "begins on 2025-01-01" },
	{ 17, "  - from: 2025-01-01\n    to: 2027-01-01", ":5:", "ends on 2026-12-31" },
	{ 20, "      - {days: [work], off: [20:00-08:00], on: [08:00-19:00]}",
	  ":19:", "19:00-20:00 lies in no window" },
	{ 20, "      - {days: [work], off: [20:00-08:00], on: [07:00-20:00]}",
	  ":20:", "07:00 lies in two windows" },
	{ 20, "      - {days: [work], off: [20:00-08:10], on: [08:10-20:00]}",
	  ":20:", "multiples of the demand" },
	{ 20, "      - {days: [work], off: [20:00-8:00], on: [08:00-20:00]}", ":20:", "not a window" },
	{ 20, "      - {days: [work], of: [20:00-08:00], on: [08:00-20:00]}",
	  ":20:", "did you mean \"off\"" },
	{ 20, "      - {days: [worc], off: [20:00-08:00], on: [08:00-20:00]}",
	  ":20:", "did you mean \"work\"" },
	{ 20, "      - {seasons: [hot], days: [work], off: [20:00-08:00], on: [08:00-20:00]}",
	  ":20:", "no season" },
	{ 20,
	  "      - {days: [work], off: [20:00-08:00], on: [08:00-20:00]}\n    billed_as: {work: {on: of}}",
	  ":21:", "no band called \"of\"" },
	{ 22, "  - {from: 2025-01-01, window_months: 12, percent: 0.8}", ":22:", "write 80, not 0.8" },
	{ 22, "  - {from: 2025-01-01, window_months: 12, percent: 101}", ":22:", "from 0 to 100" },
	{ 22, "  - {from: 2025-01-01, window_months: 0}", ":22:", "window_months" },
	{ 22, "  - {from: 2025-01-01, months: [13]}", ":22:", "month" },
	{ 24, "  - id: energy", ":29:", "stands twice" },
	{ 27, "    quantity: billing-demnd", ":27:", "did you mean \"billing-demand\"" },
	{ 28, "    prices: [{from: 2025-01-01, price: 1e3}]", ":28:", "price" },
	{ 28, "    prices: [{from: 2025-01-01, price: 10000000}]", ":28:", "million" },
	{ 28, "    prices: [{from: 2025-01-01}]", ":28:", "\"price\" is missing" },
	{ 28, "    prices: [{from: 2027-01-01, price: 1}]", "", "no day is covered" },
	{ 28, "    prices: [{from: 2025-01-01, price: 1000}]\n    round: 10 downward", ":29:", "modes are" },
	{ 36, "        off: {warm: 50}", ":34:", "no price for band \"off\" in season \"cold\"" },
	{ 37, NULL, ":34:", "no price for band \"on\"" },
	{ 37, "        om: {warm: 100.5, cold: 120}", ":37:", "no band called \"om\"" },
	{ 35, NULL, ":37:", "has no end" },
	{ 35, "        to: 2025-07-01", ":38:", "overlaps" },
	{ 45, "    of: [base, vat]", ":45:", "no line above this one" },
	{ 45, NULL, ":41:", "\"of\" is missing" },
	{ 46, "    prices: [{from: 2025-01-01, percent: 110}]", ":46:", "from 0 to 100" },
	{ 46, "    prices: []", ":46:", "at least one" },
	{ 47, "total: {ko: k, en: e, round: down 10}", ":47:", "such as" },
	{ 47, "tests: {}\ntotals: 1", ":48:", "did you mean \"total\"" },
	{ 47,
	  "discounts: [{id: d, ko: k, en: e, line: base, from: 2025-01-01, hours: [10:00-11:00], percent: "
	  "5}]",
	  ":47:", "not one of energy-by-band" },
	{ 47,
	  "discounts: [{id: d, ko: k, en: e, line: energy, from: 2025-01-01, hours: [10:00-11:00], percent: "
	  "0.5}]",
	  ":47:", "write 80" },
	{ 19, "\t- tabs", "", "" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
		char *text = spoil(good, bads[i].line, bads[i].with), *said;
		struct tariff *t = load_text(text, &said);
		char place[32];

		snprintf(place, sizeof place, "t.yaml%s", bads[i].place);
		if (t || !strstr(said, place) || !strstr(said, bads[i].says))
			fail_msg("line %d, \"%s\": wanted %s and \"%s\", got:\n%s", bads[i].line,
				 bads[i].with ? bads[i].with : "(none)", place, bads[i].says, said);
		free(text);
		free(said);
	}
}

static void test_all_at_once(void **state)
{
	char *text = spoil(good, 27, "    quantity: nonsense"), *more = spoil(text, 3, "currency: won"),
	     *said;
	char *third = spoil(more, 22, "  - {from: 2025-01-01, percent: 0.8}");

	(void)state;
	assert_null(load_text(third, &said));
	assert_non_null(strstr(said, ":3:"));
	assert_non_null(strstr(said, ":22:"));
	assert_non_null(strstr(said, ":27:"));
	free(text);
	free(more);
	free(third);
	free(said);
}

static const struct bad bad_calendars[] = {
	{ 2, "from: 2027-01-01", ":3:", "before its first" },
	{ 3, NULL, "", "\"to\" is missing" },
	{ 6, "  - {date: 2025-03-03, class: statutry, ko: k, en: e}", ":6:", "not in the list" },
	{ 6, "  - {date: 2024-03-03, class: statutory, ko: k, en: e}", ":6:", "outside the span" },
	{ 6, "  - {date: 2025-03-04, class: statutory, ko: k, en: e}", ":7:", "once" },
	{ 6, "  - {date: 2025-02-29, class: statutory, ko: k, en: e}", ":6:", "2025-02-29" },
	{ 6, "  - {date: 2025-03-03, clas: statutory, ko: k, en: e}", ":6:", "did you mean \"class\"" },
};

static void test_bad_calendar(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad_calendars / sizeof *bad_calendars; i++) {
		char *text = spoil(calendar, bad_calendars[i].line, bad_calendars[i].with), *said, place[32];

		write_file("cal.yaml", text);
		snprintf(place, sizeof place, "cal.yaml%s", bad_calendars[i].place);
		assert_null(load_text(good, &said));
		if (!strstr(said, place) || !strstr(said, bad_calendars[i].says))
			fail_msg("%s: wanted %s and \"%s\", got:\n%s",
				 bad_calendars[i].with ? bad_calendars[i].with : "", place,
				 bad_calendars[i].says, said);
		free(text);
		free(said);
	}
	write_file("cal.yaml", calendar);
}

static void selftest(const char *tests, const char *wants)
{
	char text[sizeof good + 1000], *said, path[64];
	struct faults *f = faults_new();
	struct tariff *t;

	snprintf(text, sizeof text, "%stests:\n%s", good, tests);
	write_file("t.yaml", text);
	snprintf(path, sizeof path, "%s/t.yaml", dir);
	t = tariff_load(path, f);
	assert_non_null(t);
	assert_int_equal(tariff_selftest(t, f), *wants ? 1 : 0);
	said = faults_text(f);
	if (*wants && !strstr(said, wants))
		fail_msg("wanted \"%s\", got:\n%s", wants, said);
	free(said);
	faults_free(f);
	tariff_free(t);
}

#define TEST_HEAD                                                                                            \
	"  - {name: n, month: 2025-07, contract: 100 kW, load: [{from: 2025-07-01T08:00, to: "               \
	"2025-07-01T09:00, power: 40 kW}], "

static void test_selftest(void **state)
{
	(void)state;
	selftest(TEST_HEAD "expect: {base: 40000, energy: 4060, energy.on: 4060, vat: 4406, total: 48460, "
			   "peak_kw: 40}}\n",
		 "");
	selftest(TEST_HEAD "expect: {base: 40001}}\n", "t.yaml:49:");
	selftest(TEST_HEAD "expect: {base: 40001}}\n", "base is 40,000.000000, expected 40,001.000000");
	selftest(TEST_HEAD "expect: {climate: 1}}\n", "no line \"climate\"");
	selftest("  - {name: n, month: 2024-12, contract: 1 kW, expect: {base: 1}}\n",
		 "does not cover 2024-12-01");
	selftest("  - {name: n, month: 2025-7, contract: 1 kW, expect: {base: 1}}\n", "not a month");
	selftest("  - {name: n, month: 2025-07, contract: 1 kW, load: [{from: 2025-07-01T08:05, to: "
		 "2025-07-01T09:00, "
		 "power: 1 kW}], expect: {base: 1}}\n",
		 "begin and end with an interval");
	selftest("  - {name: n, prices: [{at: 2025-07-01T12:00, band: on, demand: true, price: 111.65}]}\n",
		 "");
	selftest("  - {name: n, prices: [{at: 2025-07-01T12:00, band: off}]}\n", "the band is \"on\"");
	selftest("  - {name: n, prices: [{at: 2025-07-05T12:00, demand: true}]}\n", "does not count");
	selftest("  - {name: n, prices: [{at: 2025-07-05T12:00, price: 1}]}\n", "the price is 56.1");
}

static void test_shipped(void **state)
{
	struct faults *f = faults_new();
	char path[512];
	struct tariff *t;

	(void)state;
	snprintf(path, sizeof path, "%s/etc/tariffs/kr-kepco-industrial-b-hva-2.yaml",
		 getenv("top_srcdir") ? getenv("top_srcdir") : ".");
	t = tariff_load(path, f);
	assert_non_null(t);
	assert_int_equal(tariff_selftest(t, f), 0);
	assert_int_equal(faults_errors(f) + faults_warnings(f), 0);
	faults_free(f);
	tariff_free(t);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	write_file("cal.yaml", calendar);
	return 0;
}

static int tear_down(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof path, "%s/t.yaml", dir);
	unlink(path);
	snprintf(path, sizeof path, "%s/cal.yaml", dir);
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),        cmocka_unit_test(test_bad),
		cmocka_unit_test(test_all_at_once), cmocka_unit_test(test_bad_calendar),
		cmocka_unit_test(test_selftest),    cmocka_unit_test(test_shipped),
	};

	return cmocka_run_group_tests_name("tariff_load", tests, set_up, tear_down);
}
