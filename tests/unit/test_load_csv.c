/* SPDX-License-Identifier: Apache-2.0
 *
 * Load files: what is read, and every input that must be refused or reported with its line.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/tariff/load_csv.h"

static struct load_series *parse(const char *text, const struct load_options *o)
{
	static const struct load_options none;
	struct load_series *s = NULL;
	struct fems_error e = { "", NULL };
	char *copy = strdup(text);

	assert_non_null(copy);
	assert_int_equal(load_csv_parse(copy, strlen(copy), o ? o : &none, &s, &e), FEMS_OK);
	free(copy);
	assert_non_null(s);
	return s;
}

static struct zone *zone(const char *name)
{
	struct fems_error e = { "", NULL };
	struct zone *z = NULL;

	assert_int_equal(zone_open(name, &z, &e), FEMS_OK);
	return z;
}

#define T "2026-05-01T00:"

/* ---- good files ---- */

static void test_kwh(void **state)
{
	struct load_series *s = parse("start,kwh,kvarh_lag,kvarh_lead\n" T "00:00+09:00,100.5,20,0\r\n" T
				      "15:00+09:00, 1.0005,0,3.25\n\n",
				      NULL);

	(void)state;
	assert_int_equal(s->errors + s->warnings, 0);
	assert_int_equal(s->n, 2);
	assert_true(s->reactive);
	assert_true(s->interval_us == 15 * US_PER_MIN);
	assert_true(s->slots[0].import_wh == 100500 && s->slots[0].varh_lag == 20000);
	assert_true(s->slots[1].import_wh == 1000 && s->slots[1].varh_lead == 3250);
	assert_true(s->slots[1].start_us - s->slots[0].start_us == s->interval_us);
	load_series_free(s);
}

static void test_kw(void **state)
{
	struct load_series *s;
	int64_t sum = 0;

	(void)state;
	/* 0.1 kW for 5 minutes are 8.333 Wh: what rounding leaves is carried on. */
	s = parse("\xef\xbb\xbfStart;kW\n" T "00+09:00;0.1\n" T "05+09:00;0.1\n" T "10+09:00;0.1\n", NULL);
	assert_int_equal(s->errors, 0);
	for (size_t i = 0; i < s->n; i++)
		sum += s->slots[i].import_wh;
	assert_int_equal(sum, 25);
	load_series_free(s);
}

static void test_no_times(void **state)
{
	struct load_options o = { .has_start = true, .interval_us = US_PER_H, .skip = 1, .max = 2 };
	struct load_series *s = parse("kw\n1\n2\n3\n4\n", &o);

	(void)state;
	assert_int_equal(s->errors, 0);
	assert_int_equal(s->n, 2);
	assert_true(s->slots[0].start_us == 0 && s->slots[0].import_wh == 2000);
	assert_true(s->slots[1].start_us == US_PER_H && s->slots[1].import_wh == 3000);
	load_series_free(s);
}

static void test_end_stamps(void **state)
{
	struct load_series *a = parse("end,kwh\n" T "15+09:00,1\n" T "30+09:00,2\n", NULL);
	struct load_series *b = parse("start,kwh\n" T "00+09:00,1\n" T "15+09:00,2\n", NULL);

	(void)state;
	assert_int_equal(a->errors, 0);
	assert_memory_equal(a->slots, b->slots, 2 * sizeof *a->slots);
	load_series_free(a);
	load_series_free(b);
}

static void test_signed_reactive(void **state)
{
	struct load_series *s = parse("start,kwh,kvarh\n" T "00Z,1,-2\n" T "15Z,1,3\n", NULL);

	(void)state;
	assert_int_equal(s->errors, 0);
	assert_true(s->slots[0].varh_lag == 0 && s->slots[0].varh_lead == 2000);
	assert_true(s->slots[1].varh_lag == 3000 && s->slots[1].varh_lead == 0);
	load_series_free(s);
}

static void test_rollover(void **state)
{
	struct load_series *s = parse(
		"start,register_kwh\n" T "00Z,999989\n" T "15Z,999996\n" T "30Z,3\n" T "45Z,10\n", NULL);

	(void)state;
	assert_int_equal(s->errors, 0);
	assert_int_equal(s->rollovers, 1);
	assert_string_equal(s->notes[0].kind, "rollover");
	assert_int_equal(s->notes[0].line, 4);
	assert_int_equal(s->n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(s->slots[i].import_wh, 7000);
	load_series_free(s);
}

static void test_exchange(void **state)
{
	struct load_series *s = parse("start,register_kwh,meter\n" T "00Z,5000,A\n" T "15Z,5007,A\n" T
				      "15Z,12,B\n" T "30Z,20,B\n",
				      NULL);

	(void)state;
	assert_int_equal(s->errors, 0);
	assert_int_equal(s->n, 2);
	assert_int_equal(s->slots[0].import_wh, 7000);
	assert_int_equal(s->slots[1].import_wh, 8000);
	assert_string_equal(s->notes[0].kind, "exchange");
	load_series_free(s);
}

/* ---- clock changes, in a zone ---- */

static void test_hour_twice(void **state)
{
	struct zone *z = zone("Europe/Berlin");
	struct load_options o = { .zone = z };
	struct load_series *s =
		parse("start,kwh\n2025-10-26T01:00,1\n2025-10-26T02:00,2\n2025-10-26T02:00,3\n"
		      "2025-10-26T03:00,4\n",
		      &o);

	(void)state;
	assert_int_equal(s->errors, 0);
	assert_int_equal(s->n, 4);
	for (size_t i = 1; i < s->n; i++)
		assert_true(s->slots[i].start_us - s->slots[i - 1].start_us == US_PER_H);
	load_series_free(s);
	zone_free(z);
}

static void test_hour_skipped(void **state)
{
	struct zone *z = zone("Europe/Berlin");
	struct load_options o = { .zone = z };
	struct load_series *s = parse("start,kwh\n2025-03-30T01:00,1\n2025-03-30T02:00,2\n", &o);

	(void)state;
	assert_int_equal(s->errors, 1);
	assert_string_equal(s->notes[0].kind, "local-time");
	assert_int_equal(s->notes[0].line, 3);
	load_series_free(s);
	/* The day goes on with the hour behind it: no gap. */
	s = parse("start,kwh\n2025-03-30T00:00,1\n2025-03-30T01:00,1\n2025-03-30T03:00,2\n", &o);
	assert_int_equal(s->errors + s->warnings, 0);
	load_series_free(s);
	zone_free(z);
}

/* ---- gaps ---- */

#define GAP "start,kwh\n" T "00Z,1\n" T "15Z,1\n" T "45Z,1\n"

static void test_missing(void **state)
{
	struct load_options mark = { .missing = LOAD_MARK_MISSING };
	struct load_series *s = parse(GAP, NULL);

	(void)state;
	assert_int_equal(s->errors, 1);
	assert_string_equal(s->notes[0].kind, "missing");
	assert_int_equal(s->notes[0].line, 4);
	assert_non_null(strstr(s->notes[0].text, "2026-05-01T00:30"));
	load_series_free(s);
	s = parse(GAP, &mark);
	assert_int_equal(s->errors, 0);
	assert_int_equal(s->warnings, 1);
	assert_int_equal(s->missing, 1);
	assert_int_equal(s->n, 4);
	assert_true(s->slots[2].missing && s->slots[2].start_us == s->slots[1].start_us + s->interval_us);
	load_series_free(s);
}

/* ---- what is refused ---- */

static const struct bad {
	const char *text, *kind;
	size_t line;
} bad[] = {
	{ "", "text", 1 },
	{ "\n\n", "text", 1 },
	{ "start,kwh\n", "rows", 0 },
	{ "2026-05-01T00:00+09:00,5\n", "column", 1 },
	{ "start,kwhs\n" T "00Z,1\n", "column", 1 },
	{ "start,kwh,kw\n" T "00Z,1,1\n", "column", 1 },
	{ "start,kwh,kwh\n" T "00Z,1,1\n", "column", 1 },
	{ "start,end,kwh\n" T "00Z," T "15Z,1\n", "column", 1 },
	{ "start\n" T "00Z\n", "column", 1 },
	{ "kwh\n1\n", "column", 1 },
	{ "start,register_kwh,kvarh_lag\n" T "00Z,1,1\n", "column", 1 },
	{ "start,kwh,kvarh,kvarh_lag\n" T "00Z,1,1,1\n", "column", 1 },
	{ "start,kwh\n" T "00Z,1\n" T "00Z,2\n" T "15Z,3\n", "duplicate", 3 },
	{ "start,kwh\n" T "00Z,1\n" T "15Z,2\n" T "30Z,2\n" T "15Z,3\n", "duplicate", 5 },
	{ "start,kwh\n" T "30Z,1\n" T "15Z,2\n", "order", 3 },
	{ "start,kwh\n" T "00Z,1\n" T "15Z,2\n" T "30Z,2\n" T "35Z,3\n", "interval", 5 },
	{ "start,kwh\n" T "00Z,1\n" T "15Z,2\n" T "30Z,3\n2026-05-01T01:00Z,1\n2026-05-01T01:30Z,1\n",
	  "interval", 6 },
	{ "start,kwh\n" T "00Z,1\n" T "30Z,2\n2026-05-01T01:00Z,1\n2026-05-01T01:15Z,1\n", "interval", 5 },
	{ "start,kwh\n" T "00Z,1\n" T "07Z,2\n" T "14Z,3\n", "interval", 2 },
	{ "start,kwh\n" T "00Z,1\n", "interval", 2 },
	{ "start,kwh\n2026-05-01T00:00,1\n2026-05-01T00:15,1\n", "offset", 2 },
	{ "start,kwh\n2026-02-29T00:00+09:00,1\n", "date", 2 },
	{ "start,kwh\n2026-04-31T00:00,1\n", "date", 2 },
	{ "start,kwh\n" T "61Z,1\n", "date", 2 },
	{ "start,kwh\n01.05.2026 00:00,1\n", "date", 2 },
	{ "start,kwh\n,1\n", "empty", 2 },
	{ "start,kwh\n" T "00Z,1\n" T "15Z,-0.5\n", "negative", 3 },
	{ "start,kwh,kvarh_lag\n" T "00Z,1,-1\n", "negative", 2 },
	{ "start,kwh\n" T "00Z,\"1,234.5\"\n", "thousands", 2 },
	{ "start,kwh\n" T "00Z,1,234.5\n", "thousands", 2 },
	{ "start,kwh\n" T "00Z,1 234.5\n", "thousands", 2 },
	{ "start;kwh\n" T "00Z;1,5\n", "thousands", 2 },
	{ "start,kwh\n" T "00Z,\n", "empty", 2 },
	{ "start,kwh\n" T "00Z,1\n\n" T "15Z,1\n", "empty", 3 },
	{ "start,kwh\n" T "00Z\n", "fields", 2 },
	{ "start,kwh\n" T "00Z,\"1\n", "fields", 2 },
	{ "start,kwh\n" T "00Z,NaN\n", "number", 2 },
	{ "start,kwh\n" T "00Z,1e3\n", "number", 2 },
	{ "start,kwh\n" T "00Z,12kWh\n", "number", 2 },
	{ "start,kwh\n" T "00Z,99999999999\n", "limit", 2 },
	{ "start,kwh\n" T "00Z,1\n" T "15Z,5000000\n", "spike", 3 },
	{ "start,kwh\n" T "00Z,1\n2226-05-01T00:00Z,1\n" T "15Z,1\n", "order", 4 },
	{ "start,register_kwh\n" T "00Z,5000\n" T "15Z,5007\n" T "30Z,3\n", "fall", 4 },
	{ "start,register_kwh\n" T "00Z,5000\n", "interval", 2 },
	{ "start,register_kwh,meter\n" T "00Z,5000,A\n" T "15Z,5007,A\n" T "30Z,12,B\n", "exchange", 4 },
	{ "start,register_kwh\n" T "00Z,5000\n" T "00Z,12\n" T "15Z,13\n", "duplicate", 3 },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct load_series *s = parse(bad[i].text, NULL);

		if (!s->errors || strcmp(s->notes[0].kind, bad[i].kind) || s->notes[0].line != bad[i].line ||
		    !*s->notes[0].text)
			fail_msg("file %zu: %zu errors, \"%s\" at line %zu: %s", i, s->errors,
				 s->n_notes ? s->notes[0].kind : "", s->n_notes ? s->notes[0].line : 0,
				 s->n_notes ? s->notes[0].text : "");
		load_series_free(s);
	}
}

static void test_zero_byte(void **state)
{
	char text[] = "start,kwh\n\0";
	static const struct load_options none;
	struct load_series *s = NULL;
	struct fems_error e;

	(void)state;
	assert_int_equal(load_csv_parse(text, sizeof text - 1, &none, &s, &e), FEMS_OK);
	assert_string_equal(s->notes[0].kind, "text");
	load_series_free(s);
}

static void test_all_are_told(void **state)
{
	struct load_series *s = parse("start,kwh\n" T "00Z,x\n" T "15Z,-1\n" T "30Z,\n", NULL);
	char text[400];

	(void)state;
	assert_int_equal(s->errors, 3);
	load_note_text(&s->notes[1], "a.csv", text, sizeof text);
	assert_non_null(strstr(text, "a.csv:3: error: kwh is -1"));
	load_series_free(s);
}

static void spike_file(char *text, size_t cap, int spike)
{
	size_t n = (size_t)snprintf(text, cap, "start,kwh\n");

	for (int i = 0; i < 48; i++)
		n += (size_t)snprintf(text + n, cap - n, "2026-05-01T%02d:%02dZ,%d\n", i / 4, i % 4 * 15,
				      i == 20 ? spike : 100 + i);
}

static void test_spike(void **state)
{
	struct load_options ok = { .spikes_ok = true };
	struct load_series *s;
	char text[4096];

	(void)state;
	spike_file(text, sizeof text, 90000);
	s = parse(text, NULL);
	assert_int_equal(s->errors, 1);
	assert_string_equal(s->notes[0].kind, "spike");
	assert_non_null(strstr(s->notes[0].text, "2026-05-01T05:00"));
	load_series_free(s);
	s = parse(text, &ok);
	assert_int_equal(s->errors, 0);
	assert_int_equal(s->warnings, 1);
	load_series_free(s);
	spike_file(text, sizeof text, 900);
	s = parse(text, NULL);
	assert_int_equal(s->errors + s->warnings, 0);
	load_series_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kwh),
		cmocka_unit_test(test_kw),
		cmocka_unit_test(test_no_times),
		cmocka_unit_test(test_end_stamps),
		cmocka_unit_test(test_signed_reactive),
		cmocka_unit_test(test_rollover),
		cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_hour_twice),
		cmocka_unit_test(test_hour_skipped),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_zero_byte),
		cmocka_unit_test(test_all_are_told),
		cmocka_unit_test(test_spike),
	};

	return cmocka_run_group_tests_name("load_csv", tests, NULL, NULL);
}
