/* SPDX-License-Identifier: Apache-2.0
 *
 * The shipped Korean holiday list against dates of the official almanac, and against the decree's own
 * rules for the years to come.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/base/zone.h"
#include "core/tariff/calendar.h"

static struct calendar *cal;

static int64_t day(const char *date)
{
	int y, m, d;

	assert_int_equal(sscanf(date, "%d-%d-%d", &y, &m, &d), 3);
	return civil_days(y, m, d);
}

static const char *class_of(const char *date)
{
	int i = calendar_day(cal, day(date));

	return i < 0 ? "none" : calendar_class_name(cal, i);
}

/* Published by the government for past years: one line for each moving feast and substitute. */
static const struct {
	const char *date, *class, *en;
} known[] = {
	{ "2018-02-16", "statutory", "Seollal" },
	{ "2019-02-05", "statutory", "Seollal" },
	{ "2020-01-25", "statutory", "Seollal" },
	{ "2021-02-12", "statutory", "Seollal" },
	{ "2022-02-01", "statutory", "Seollal" },
	{ "2023-01-22", "statutory", "Seollal" },
	{ "2024-02-10", "statutory", "Seollal" },
	{ "2025-01-29", "statutory", "Seollal" },
	{ "2026-02-17", "statutory", "Seollal" },
	{ "2018-09-24", "statutory", "Chuseok" },
	{ "2019-09-13", "statutory", "Chuseok" },
	{ "2020-10-01", "statutory", "Chuseok" },
	{ "2021-09-21", "statutory", "Chuseok" },
	{ "2022-09-10", "statutory", "Chuseok" },
	{ "2023-09-29", "statutory", "Chuseok" },
	{ "2024-09-17", "statutory", "Chuseok" },
	{ "2025-10-06", "statutory", "Chuseok" },
	{ "2026-09-25", "statutory", "Chuseok" },
	{ "2018-05-22", "statutory", "Buddha's Birthday" },
	{ "2019-05-12", "statutory", "Buddha's Birthday" },
	{ "2020-04-30", "statutory", "Buddha's Birthday" },
	{ "2021-05-19", "statutory", "Buddha's Birthday" },
	{ "2022-05-08", "statutory", "Buddha's Birthday" },
	{ "2023-05-27", "statutory", "Buddha's Birthday" },
	{ "2024-05-15", "statutory", "Buddha's Birthday" },
	{ "2026-05-24", "statutory", "Buddha's Birthday" },
	{ "2018-09-26", "substitute", NULL },
	{ "2020-01-27", "substitute", NULL },
	{ "2021-08-16", "substitute", NULL },
	{ "2021-10-11", "substitute", NULL },
	{ "2023-05-29", "substitute", NULL },
	{ "2025-05-06", "substitute", NULL },
	{ "2025-10-08", "substitute", NULL },
	{ "2026-03-02", "substitute", NULL },
	{ "2024-04-10", "election", NULL },
	{ "2026-06-03", "election", NULL },
	{ "2020-08-17", "ad-hoc", NULL },
	{ "2023-10-02", "ad-hoc", NULL },
	{ "2024-10-01", "ad-hoc", NULL },
	{ "2025-01-27", "ad-hoc", NULL },
	{ "2025-06-03", "ad-hoc", NULL }, /* vacancy: not an election of article 34 */
	{ "2026-07-17", "statutory", "Constitution Day" },
	{ "2025-07-17", "none", NULL },
	{ "2022-12-26", "none", NULL }, /* Christmas on a Sunday, before 2023 */
	{ "2022-05-09", "none", NULL },
	{ "2027-02-06", "statutory", "day before Seollal" }, /* Korean new moon after midnight */
	{ "2028-01-27", "statutory", "Seollal" },
};

static void test_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		assert_string_equal(class_of(known[i].date), known[i].class);
		if (known[i].en)
			assert_string_equal(calendar_day_name(cal, day(known[i].date), "en"), known[i].en);
	}
	assert_string_equal(calendar_day_name(cal, day("2026-02-17"), "ko"), "설날");
}

static void test_span(void **state)
{
	int64_t from, to;

	(void)state;
	calendar_span(cal, &from, &to);
	assert_true(from == day("2018-01-01") && to == day("2030-12-31"));
}

/* Every year: the fixed days, three days of each feast, and a day off after a feast on a Sunday. */
static void test_rules(void **state)
{
	static const char *const fixed[] = { "01-01", "03-01", "05-05", "06-06",
					     "08-15", "10-03", "10-09", "12-25" };

	(void)state;
	for (int y = 2018; y <= 2030; y++) {
		int feasts = 0;
		char date[16];

		for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
			snprintf(date, sizeof date, "%d-%s", y, fixed[i]);
			assert_string_equal(class_of(date), "statutory");
		}
		for (int64_t d = civil_days(y, 1, 1); d < civil_days(y + 1, 1, 1); d++) {
			const char *name = calendar_day_name(cal, d, "en");
			bool sunday = false;

			if (!name || (strcmp(name, "Seollal") && !strstr(name, "Chuseok / ") &&
				      strcmp(name, "Chuseok")))
				continue;
			if (strstr(name, "day "))
				continue;
			feasts++;
			for (int k = -1; k <= 1; k++) {
				assert_true(calendar_day(cal, d + k) >= 0);
				sunday |= (d + k + 3) % 7 == 6;
			}
			if (sunday)
				assert_string_equal(calendar_class_name(cal, calendar_day(cal, d + 2)),
						    "substitute");
		}
		assert_int_equal(feasts, 2);
	}
}

static int set_up(void **state)
{
	struct faults *f = faults_new();
	char path[512];

	(void)state;
	snprintf(path, sizeof path, "%s/etc/calendars/kr-holidays.yaml",
		 getenv("top_srcdir") ? getenv("top_srcdir") : ".");
	cal = calendar_load(path, f);
	faults_print(f, stderr);
	faults_free(f);
	return cal ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	calendar_free(cal);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_known), cmocka_unit_test(test_span),
					    cmocka_unit_test(test_rules) };

	return cmocka_run_group_tests_name("calendar", tests, set_up, tear_down);
}
