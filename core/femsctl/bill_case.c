/* SPDX-License-Identifier: Apache-2.0
 *
 * femsctl bill case: a folder with case.json and the files that it names, computed with the engine.
 * What a case expects (expected.json) is never opened.
 */
#include "config.h"
#include "core/femsctl/bill_case.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/money.h"
#include "core/base/text.h"
#include "core/conf/conf.h"
#include "core/femsctl/femsctl.h"
#include "core/tariff/bill_months.h"
#include "core/tariff/load_csv.h"

enum { PEAKS_MAX = 60, HOLIDAYS_MAX = 2000 };
#define CASE_MAX (4u << 20)

struct kepco {
	const struct ctl *c;
	const char *dir;
	const json_t *doc;
	struct fems_error e;
	struct tariff *tariff;
	int64_t as_of_day;
	struct peak peaks[PEAKS_MAX];
	struct contract contract;
	struct load_options options;
	char load_path[PATH_MAX];
	struct load_series *series;
	struct load_slot *slots;
	size_t n_slots, n_bills;
	struct bill *bills;
};

static bool refuse(struct kepco *k, const char *key, const char *why)
{
	err_set(&k->e, FEMS_EINVAL, "\"%s\": %s", key, why);
	return false;
}

/* ---- reading the case ---- */

/* "2018-01-01" as a day. */
static bool day_of(const char *s, int64_t *day)
{
	char text[32];
	int64_t t_us;

	if (!s || strlen(s) != 10)
		return false;
	snprintf(text, sizeof text, "%sT00:00:00Z", s);
	if (!time_parse(text, NULL, &t_us))
		return false;
	*day = t_us / US_PER_DAY - (t_us % US_PER_DAY < 0);
	return true;
}

static bool read_peaks(struct kepco *k)
{
	json_t *object = json_object_get(k->doc, "previous_peaks_kw"), *value;
	const char *key;

	if (object && !json_is_object(object))
		return refuse(k, "previous_peaks_kw", "want an object of months, such as {\"2017-02\": 548}");
	json_object_foreach(object, key, value)
	{
		struct peak *p = &k->peaks[k->contract.n_peaks];
		int64_t micro;
		char end;

		if (k->contract.n_peaks == PEAKS_MAX)
			return refuse(k, "previous_peaks_kw", "more than 60 months");
		if (strlen(key) != 7 || sscanf(key, "%4d-%2d%c", &p->year, &p->month, &end) != 2 ||
		    p->month < 1 || p->month > 12)
			return refuse(k, key, "not a month such as 2017-02");
		if (!case_number(value, key, &micro, &k->e))
			return false;
		if (micro < 0)
			return refuse(k, key, "is negative");
		p->w = micro / 1000;
		k->contract.n_peaks++;
	}
	return true;
}

/* A whole number in [min, max]; absent: left as it is. */
static bool whole(struct kepco *k, const json_t *o, const char *key, int64_t min, int64_t max, int64_t *out)
{
	const json_t *v = json_object_get(o, key);

	if (!v)
		return true;
	if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max) {
		err_set(&k->e, FEMS_EINVAL, "\"%s\": want a whole number from %lld to %lld", key,
			(long long)min, (long long)max);
		return false;
	}
	*out = json_integer_value(v);
	return true;
}

static bool has_column(const json_t *columns, const char *name)
{
	const json_t *v;
	size_t i;

	json_array_foreach(columns, i,
			   v) if (json_is_string(v) && !strcmp(json_string_value(v), name)) return true;
	return false;
}

static bool read_load_part(struct kepco *k)
{
	const json_t *load = json_object_get(k->doc, "load"), *columns = json_object_get(load, "columns");
	const json_t *use = json_object_get(k->doc, "use_reactive");
	const char *file = json_string_value(json_object_get(load, "file"));
	const char *start = json_string_value(json_object_get(load, "start"));
	int64_t skip = 0, rows = 0, minutes = 0;

	if (!file ||
	    snprintf(k->load_path, sizeof k->load_path, "%s/%s", k->dir, file) >= (int)sizeof k->load_path)
		return refuse(k, "load", "want an object with \"file\"");
	if (!whole(k, load, "rows_from", 0, INT32_MAX, &skip) ||
	    !whole(k, load, "rows", 1, INT32_MAX, &rows) || !whole(k, load, "interval_min", 1, 60, &minutes))
		return false;
	if (use && !json_is_boolean(use))
		return refuse(k, "use_reactive", "want true or false");
	k->options.skip = (size_t)skip;
	k->options.max = (size_t)rows;
	k->options.interval_us = minutes * US_PER_MIN;
	k->options.no_reactive = json_is_false(use) || (columns && !has_column(columns, "kvarh_lag"));
	k->options.zone = tariff_zone(k->tariff);
	if (!start)
		return true;
	k->options.has_start = true;
	if (!minutes)
		return refuse(k, "interval_min", "is missing");
	return time_parse(start, k->options.zone, &k->options.start_us) ||
	       refuse(k, "start", "not a time such as 2018-01-01T00:00:00+09:00");
}

/* First and last local day of the load, as far as the case tells them before it is read. */
static bool load_days(const json_t *load, int64_t *from_day, int64_t *to_day)
{
	const char *start = json_string_value(json_object_get(load, "start"));
	char day[16];
	int64_t us = json_integer_value(json_object_get(load, "rows")) *
		     json_integer_value(json_object_get(load, "interval_min")) * US_PER_MIN;

	snprintf(day, sizeof day, "%.10s", start ? start : "");
	if (!day_of(day, from_day) || us <= 0)
		return false;
	*to_day = *from_day + us / US_PER_DAY;
	return true;
}

/* The holidays of the case on the days of its load. */
static bool read_holidays(struct kepco *k, int64_t days[HOLIDAYS_MAX], struct tariff_holidays *h)
{
	const json_t *list = json_object_get(k->doc, "holidays"), *v;
	int64_t day, last = INT64_MIN;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > HOLIDAYS_MAX)
		return refuse(k, "holidays", "want a list of at most 2,000 dates");
	if (!load_days(json_object_get(k->doc, "load"), &h->from_day, &h->to_day))
		return refuse(k, "load", "with holidays \"start\", \"rows\" and \"interval_min\" are needed");
	json_array_foreach(list, i, v)
	{
		if (!day_of(json_string_value(v), &day) || day <= last)
			return refuse(k, "holidays",
				      "want dates such as 2018-01-01, each once, in rising order");
		last = day;
		if (day >= h->from_day && day <= h->to_day)
			days[h->n++] = day;
	}
	h->days = days;
	return true;
}

static bool open_tariff(struct kepco *k, const char *path)
{
	const json_t *as_of = json_object_get(k->doc, "price_as_of"),
		     *holidays = json_object_get(k->doc, "holidays");
	struct faults *f = faults_new();
	struct tariff_holidays h = { 0 };
	int64_t *days = calloc(HOLIDAYS_MAX, sizeof *days);
	bool good = f && days;

	k->as_of_day = TARIFF_OWN_DATES;
	if (!good)
		err_set(&k->e, FEMS_ENOMEM, "out of memory");
	if (good && as_of && !day_of(json_string_value(as_of), &k->as_of_day))
		good = refuse(k, "price_as_of", "want a date such as 2025-03-01");
	if (good && holidays)
		good = read_holidays(k, days, &h);
	if (good) {
		k->tariff = holidays ? tariff_load_holidays(path, k->as_of_day, &h, f)
				     : tariff_load_as_of(path, k->as_of_day, NULL, f);
		faults_print(f, stderr);
		if (!k->tariff)
			err_set(&k->e, FEMS_EINVAL, "the tariff %s cannot be used", path);
	}
	free(days);
	if (f)
		faults_free(f);
	return k->tariff != NULL;
}

/* ---- all ---- */

static bool bill_load(struct kepco *k)
{
	const struct load_slot *last;

	if (load_csv_read(k->load_path, &k->options, &k->series, &k->e) != FEMS_OK)
		return false;
	ctl_load_notes(k->series, k->load_path);
	if (k->series->errors)
		return err_set(&k->e, FEMS_EINVAL, "the load %s cannot be used", k->load_path) == FEMS_OK;
	if (load_resample(k->series, k->tariff, &k->slots, &k->n_slots, &k->e) != FEMS_OK)
		return false;
	if (!k->n_slots)
		return refuse(k, "load", "not one whole demand interval");
	last = &k->slots[k->n_slots - 1];
	return bill_months(&k->contract, k->slots, k->n_slots, k->slots[0].start_us,
			   last->start_us + tariff_demand_us(k->tariff), &k->bills, &k->n_bills,
			   &k->e) == FEMS_OK;
}

/* NULL with the reason in k->e. */
static json_t *run_kepco(struct kepco *k, const char *tariff_path)
{
	int64_t micro;

	if (!open_tariff(k, tariff_path) || !case_micro(k->doc, "contract_kw", &micro, &k->e) ||
	    !read_peaks(k) || !read_load_part(k))
		return NULL;
	k->contract.tariff = k->tariff;
	k->contract.peaks = k->peaks;
	k->contract.contract_w = micro / 1000;
	return bill_load(k) ? case_result(k->tariff, k->as_of_day != TARIFF_OWN_DATES, k->bills, k->n_bills)
			    : NULL;
}

static int refused(const char *path, const struct fems_error *e)
{
	fprintf(stderr, "femsctl: bill case: %s: %s\n", path, e->text);
	return CTL_FAULTS;
}

static int kepco_case(const struct ctl *c, const char *dir, const char *path, const json_t *doc)
{
	const char *name = ctl_option(c, "tariff");
	char tariff_path[PATH_MAX];
	struct kepco *k;
	json_t *result;
	int rc;

	if (!name) {
		fputs("femsctl: bill case: this case is priced with a tariff by its name; want --tariff "
		      "NAME\n",
		      stderr);
		return CTL_USAGE;
	}
	if (!ctl_tariff_path(name, tariff_path, sizeof tariff_path))
		return CTL_NOT_FOUND;
	k = calloc(1, sizeof *k);
	if (!k) {
		fputs("femsctl: bill case: out of memory\n", stderr);
		return CTL_FAILED;
	}
	k->c = c;
	k->dir = dir;
	k->doc = doc;
	result = run_kepco(k, tariff_path);
	rc = result ? CTL_OK : refused(path, &k->e);
	if (result)
		ctl_print_json(result);
	json_decref(result);
	free(k->bills);
	free(k->slots);
	load_series_free(k->series);
	tariff_free(k->tariff);
	free(k);
	return rc;
}

static int sheet_case(const char *path, const json_t *doc)
{
	struct fems_error e = { "", NULL };
	json_t *result = bill_sheet(doc, &e);

	if (!result)
		return refused(path, &e);
	ctl_print_json(result);
	json_decref(result);
	return CTL_OK;
}

static json_t *read_case(const char *path, int *rc)
{
	struct fems_error e = { "", NULL };
	json_t *doc = NULL;
	char *text = NULL;
	size_t len;
	enum fems_rc r = file_read(path, CASE_MAX, &text, &len, &e);

	*rc = CTL_OK;
	if (r != FEMS_OK) {
		fprintf(stderr, "femsctl: bill case: %s\n", e.text);
		*rc = ctl_exit_of(r);
	} else if (json_parse((struct fems_span){ text, len }, &doc, &e) != FEMS_OK) {
		*rc = refused(path, &e);
	}
	free(text);
	return doc;
}

int ctl_bill_case(const struct ctl *c)
{
	static const char *const options[] = { "tariff", NULL };
	const char *dir = ctl_argument(c, 0);
	char path[PATH_MAX];
	json_t *doc;
	int rc;

	if (!dir || !ctl_only_options(c, "bill case", options)) {
		if (!dir)
			fputs("femsctl: bill case: want the folder of a case\n", stderr);
		return CTL_USAGE;
	}
	snprintf(path, sizeof path, "%s/case.json", dir);
	doc = read_case(path, &rc);
	if (!doc)
		return rc;
	if (json_object_get(doc, "days") && !json_object_get(doc, "load")) {
		rc = sheet_case(path, doc);
	} else if (json_object_get(doc, "contract_kw") && json_object_get(doc, "load")) {
		rc = kepco_case(c, dir, path, doc);
	} else {
		fprintf(stderr,
			"femsctl: bill case: %s: neither a load with \"contract_kw\" nor a sheet with "
			"\"days\"; other kinds of "
			"cases are not supported\n",
			path);
		rc = CTL_FAULTS;
	}
	json_decref(doc);
	return rc;
}
