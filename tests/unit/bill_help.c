/* SPDX-License-Identifier: Apache-2.0 */
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

struct tariff *load(const char *path, int64_t as_of, const char *calendar)
{
	struct faults *f = faults_new();
	struct tariff *t = tariff_load_as_of(path, as_of, calendar, f);

	faults_print(f, stderr);
	assert_non_null(t);
	faults_free(f);
	return t;
}

const char *shipped(void)
{
	static char path[512];
	const char *top = getenv("top_srcdir");

	snprintf(path, sizeof path, "%s/etc/tariffs/kr-kepco-industrial-b-hva-2.yaml", top ? top : ".");
	return path;
}

int64_t at(const struct tariff *t, int y, int mo, int d, int h, int mi)
{
	return zone_utc(tariff_zone(t), y, mo, d, h, mi, 0);
}

const struct bill_line *line(const struct bill *b, const char *id)
{
	for (size_t i = 0; i < b->n_lines; i++)
		if (!strcmp(b->lines[i].id, id))
			return &b->lines[i];
	return NULL;
}

int64_t amount(const struct bill *b, const char *id)
{
	const struct bill_line *l = line(b, id);

	return l ? l->amount_micro : 0;
}

void check_sum(const struct bill *b)
{
	int64_t sum = 0;

	for (size_t i = 0; i < b->n_lines; i++) {
		sum += b->lines[i].amount_micro;
		assert_true(*b->lines[i].label_ko && *b->lines[i].label_en && *b->lines[i].evidence_en &&
			    *b->lines[i].evidence_ko);
	}
	assert_true(sum == b->total_micro);
}

struct tariff *from_text(const char *text)
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

struct bill_run *begin(const struct contract *c, int64_t from, int64_t to)
{
	struct fems_error e = { "", NULL };
	struct bill_run *run;

	if (bill_begin(c, from, to, &run, &e) != FEMS_OK)
		fail_msg("%s", e.text);
	return run;
}

void add(struct bill_run *run, struct load_slot s)
{
	struct fems_error e = { "", NULL };

	if (bill_add(run, &s, &e) != FEMS_OK)
		fail_msg("%s", e.text);
}

void refused(struct bill_run *run, struct load_slot s, const char *says)
{
	struct fems_error e = { "", NULL };

	assert_int_equal(bill_add(run, &s, &e), FEMS_EINVAL);
	assert_non_null(strstr(e.text, says));
}

struct bill finish(const struct bill_run *run)
{
	struct fems_error e = { "", NULL };
	struct bill b;

	if (bill_finish(run, &b, &e) != FEMS_OK)
		fail_msg("%s", e.text);
	check_sum(&b);
	return b;
}

struct load_slot slot(int64_t start_us, int64_t wh)
{
	return (struct load_slot){ .start_us = start_us, .import_wh = wh, .varh_lag = -1, .varh_lead = -1 };
}

/* A month in which one interval has a load. */
struct bill one_slot(const struct contract *c, int y, int mo, int64_t start_us, int64_t wh)
{
	struct bill_run *run = begin(c, at(c->tariff, y, mo, 1, 0, 0), at(c->tariff, y, mo + 1, 1, 0, 0));
	struct bill b;

	add(run, slot(start_us, wh));
	b = finish(run);
	bill_free(run);
	return b;
}
