/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/zone.h"

static struct zone *open_zone(const char *name)
{
	struct zone *z = NULL;
	struct fems_error e = { 0 };

	if (zone_open(name, &z, &e))
		fail_msg("%s", e.text);
	return z;
}

static int64_t at(const char *s)
{
	int64_t t = 0;

	if (!time_parse(s, NULL, &t))
		fail_msg("%s is not a time", s);
	return t;
}

static void test_civil_days_both_ways(void **state)
{
	int y, m, d;

	(void)state;
	assert_int_equal(civil_days(1970, 1, 1), 0);
	assert_int_equal(civil_days(2000, 2, 29), 11016);
	assert_int_equal(civil_days(2026, 13, 1), civil_days(2027, 1, 1));
	assert_int_equal(civil_days(2026, 0, 1), civil_days(2025, 12, 1));
	for (int64_t day = -800000; day < 800000; day += 17) {
		civil_from_days(day, &y, &m, &d);
		assert_int_equal(civil_days(y, m, d), day);
	}
}

static void test_seoul(void **state)
{
	struct zone *z = open_zone("Asia/Seoul");
	struct civil c;
	char buf[40];

	(void)state;
	zone_civil(z, at("2026-04-15T23:30:00Z"), &c);
	assert_int_equal(c.year * 10000 + c.month * 100 + c.day, 20260416);
	assert_int_equal(c.hour * 100 + c.minute, 830);
	assert_int_equal(c.weekday, 3); /* a Thursday */
	assert_int_equal(c.yearday, 105);
	assert_string_equal(time_format(at("2026-04-15T23:30:00Z"), z, buf, sizeof buf),
			    "2026-04-16T08:30:00+09:00");
	assert_int_equal(zone_day_start(z, at("2026-04-16T08:30:00+09:00")), at("2026-04-16T00:00:00+09:00"));
	assert_int_equal(zone_month_start(z, at("2026-04-16T08:30:00+09:00")),
			 at("2026-04-01T00:00:00+09:00"));
	assert_int_equal(zone_next_month(z, at("2026-12-16T08:30:00+09:00")),
			 at("2027-01-01T00:00:00+09:00"));
	zone_free(z);
}

static void test_clock_changes(void **state)
{
	struct zone *z = open_zone("Europe/Berlin");

	(void)state;
	/* the skipped hour, the doubled hour, and years behind the file's last entry */
	assert_int_equal(zone_utc(z, 2026, 3, 29, 2, 30, 0), at("2026-03-29T03:30:00+02:00"));
	assert_int_equal(zone_utc(z, 2026, 10, 25, 2, 30, 0), at("2026-10-25T02:30:00+02:00"));
	assert_int_equal(zone_utc(z, 2060, 7, 1, 0, 0, 0), at("2060-07-01T00:00:00+02:00"));
	assert_int_equal(zone_utc(z, 2060, 12, 1, 0, 0, 0), at("2060-12-01T00:00:00+01:00"));
	assert_int_equal(zone_utc(z, 2026, 3, 30, 0, 0, 0) - zone_utc(z, 2026, 3, 29, 0, 0, 0),
			 23 * US_PER_H);
	assert_int_equal(zone_utc(z, 2026, 10, 26, 0, 0, 0) - zone_utc(z, 2026, 10, 25, 0, 0, 0),
			 25 * US_PER_H);
	zone_free(z);
}

static void test_southern_summer_and_odd_offsets(void **state)
{
	struct zone *z = open_zone("Australia/Sydney"), *k = open_zone("Asia/Kathmandu"),
		    *u = open_zone("UTC");
	struct civil c;

	(void)state;
	zone_civil(z, at("2055-01-15T00:00:00Z"), &c);
	assert_int_equal(c.offset_s, 11 * 3600);
	zone_civil(z, at("2055-07-15T00:00:00Z"), &c);
	assert_int_equal(c.offset_s, 10 * 3600);
	zone_civil(k, at("2026-01-15T00:00:00Z"), &c);
	assert_int_equal(c.offset_s, 5 * 3600 + 45 * 60);
	zone_civil(u, at("1969-12-31T23:59:59Z"), &c);
	assert_int_equal(c.year, 1969);
	assert_int_equal(c.second, 59);
	zone_free(z);
	zone_free(k);
	zone_free(u);
}

static void test_unknown(void **state)
{
	static const char *const bad[] = { "Asia/Soul", "../../etc/passwd", "", "/etc/localtime", "Asia" };
	struct zone *z = NULL;
	struct fems_error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_not_equal(zone_open(bad[i], &z, &e), FEMS_OK);
		assert_null(z);
	}
}

static void test_time_text(void **state)
{
	static const char *const bad[] = { "2026-04-16",
					   "2026-04-16T08:00",
					   "2026-02-30T00:00:00Z",
					   "2026-04-16T25:00:00Z",
					   "2026-04-16T08:00:00+9",
					   "2026-04-16T08:00:00.Z",
					   "2026-04-16T08:00:00Zx",
					   "2026-04-16T08:00:00+99:00",
					   "" };
	struct zone *z = open_zone("Asia/Seoul");
	int64_t t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(time_parse(bad[i], NULL, &t));
	assert_int_equal(at("2009-12-10T17:14:16.0Z"), at("2009-12-10T17:14:16Z"));
	assert_int_equal(at("2026-04-16T08:00:00.1234567+09:00") % US_PER_S, 123456);
	assert_true(time_parse("2026-04-16T08:00:00", z, &t));
	assert_int_equal(t, at("2026-04-15T23:00:00Z"));
	assert_int_equal(at("2026-04-16T24:00:00Z"), at("2026-04-17T00:00:00Z"));
	zone_free(z);
}

static void test_iso_duration(void **state)
{
	static const char *const bad[] = {
		"", "P", "PT", "4H", "PT4", "PTH", "P1Y", "PT1S1H", "P1H", "PT4H "
	};
	int64_t us;

	(void)state;
	assert_true(duration_parse_iso("PT4H", &us) && us == 4 * US_PER_H);
	assert_true(duration_parse_iso("P1DT30M", &us) && us == US_PER_DAY + 30 * US_PER_MIN);
	assert_true(duration_parse_iso("PT0.5S", &us) && us == 500000);
	assert_true(duration_parse_iso("PT1.5H", &us) && us == 90 * US_PER_MIN);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(duration_parse_iso(bad[i], &us));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_civil_days_both_ways),
		cmocka_unit_test(test_seoul),
		cmocka_unit_test(test_clock_changes),
		cmocka_unit_test(test_southern_summer_and_odd_offsets),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_time_text),
		cmocka_unit_test(test_iso_duration),
	};

	return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
