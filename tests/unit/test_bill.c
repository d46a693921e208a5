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

struct row { int64_t wh, lag, lead; };

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
	      "classes: [statutory, substitute, election]\ndays:\n", f);
	json_array_foreach(days, i, day)
		fprintf(f, "  - {date: %s, class: statutory, ko: k, en: e}\n", json_string_value(day));
	assert_int_equal(fclose(f), 0);
}

static size_t read_peaks(const json_t *object, struct peak peaks[24])
{
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach((json_t *)object, key, value) {
		assert_true(n < 24 && sscanf(key, "%d-%d", &peaks[n].year, &peaks[n].month) == 2);
		peaks[n++].w = json_integer_value(value) * 1000;
	}
	return n;
}

static void bill_month(const struct contract *c, const struct row *rows, int month, bool reactive, struct bill *out)
{
	const struct tariff *t = c->tariff;
	int64_t from = at(t, 2018, month, 1, 0, 0), to = at(t, 2018, month + 1, 1, 0, 0), year = at(t, 2018, 1, 1, 0, 0);
	struct fems_error e = { "", NULL };
	struct bill_run *run;

	assert_int_equal(bill_begin(c, from, to, &run, &e), FEMS_OK);
	for (int64_t us = from; us < to; us += US_PER_SLOT) {
		const struct row *r = &rows[(us - year) / US_PER_SLOT];
		struct load_slot s = { .start_us = us, .import_wh = (r->wh + 0), .varh_lag = reactive ? r->lag : -1,
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
	snprintf(csv, sizeof csv, "%s/%s", dir, json_string_value(json_object_get(json_object_get(c, "load"), "file")));
	rows = read_rows(csv, 35040);
	close(mkstemp(calendar));
	write_calendar(calendar, json_object_get(c, "holidays"));
	contract.tariff = load(shipped(), civil_days(2025, 3, 1), calendar);
	contract.contract_w = json_integer_value(json_object_get(c, "contract_kw")) * 1000;
	contract.n_peaks = read_peaks(json_object_get(c, "previous_peaks_kw"), peaks);
	json_array_foreach(json_object_get(want, "months"), i, month) {
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_year),
	};

	return cmocka_run_group_tests_name("bill", tests, NULL, NULL);
}
