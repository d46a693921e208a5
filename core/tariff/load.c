/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/tariff/load.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/text.h"

static void load_head(struct load *l, const struct conf_node *root)
{
	struct tariff *t = l->t;
	const struct conf_node *title = load_map(root, "title", "tariff", l->f);
	const struct conf_node *zone = load_need(root, "zone", "tariff", l->f);
	const struct conf_node *interval = load_need(root, "demand_interval", "tariff", l->f);
	const struct conf_node *currency = load_need(root, "currency", "tariff", l->f);
	static const char *const langs[] = { "ko", "en", NULL };
	struct fems_error e = { "", NULL };

	load_id(load_need(root, "tariff", "tariff", l->f), "tariff", t->id, sizeof t->id, l->f);
	if (title) {
		conf_only(title, "title", langs, l->f);
		load_text(title, "ko", "title", t->title_ko, sizeof t->title_ko, l->f);
		load_text(title, "en", "title", t->title_en, sizeof t->title_en, l->f);
	}
	if (currency && load_id(currency, "currency", t->currency, sizeof t->currency, l->f))
		for (const char *s = t->currency; *s || s != t->currency + 3; s++)
			if (*s < 'A' || *s > 'Z' || s - t->currency > 3) {
				conf_error(l->f, currency,
					   "currency: three capital letters of ISO 4217, such as KRW");
				break;
			}
	if (zone && zone_open(conf_text(zone), &t->zone, &e) != FEMS_OK)
		conf_error(l->f, zone, "zone: %s", e.text);
	t->demand_us = 15 * US_PER_MIN;
	if (interval && conf_as_duration(interval, "demand_interval", &t->demand_us, l->f) &&
	    (t->demand_us < US_PER_MIN || t->demand_us > US_PER_H || US_PER_H % t->demand_us ||
	     t->demand_us % US_PER_MIN)) {
		conf_error(l->f, interval,
			   "demand_interval: whole minutes that divide the hour, such as 15min");
		t->demand_us = 15 * US_PER_MIN;
	}
	t->slots = (int)(US_PER_DAY / t->demand_us);
}

static void load_bands(struct load *l, const struct conf_node *root)
{
	static const char *const names[] = { "ko", "en", "demand", NULL };
	struct tariff *t = l->t;
	const struct conf_node *map = load_map(root, "bands", "tariff", l->f);

	if (map && conf_count(map) > MAX_BANDS) {
		conf_error(l->f, map, "bands: at most %d", MAX_BANDS);
		return;
	}
	for (size_t i = 0; map && i < conf_count(map); i++) {
		struct band *b = &t->bands[t->n_bands++];
		const char *id;
		const struct conf_node *n = conf_pair(map, i, &id), *demand;

		if (!load_label(n, id, "band", &b->label, l->f))
			continue;
		conf_only(n, "band", names, l->f);
		demand = load_need(n, "demand", "band", l->f);
		if (demand)
			conf_as_bool(demand, "band: demand", &b->counts, l->f);
	}
}

/* "MM-DD" as an index into struct season.on, -1: not a date. */
static int month_day(const char *s)
{
	static const int lengths[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int m, d;

	for (int i = 0; i < 5; i++)
		if (i == 2 ? s[i] != '-' : s[i] < '0' || s[i] > '9')
			return -1;
	m = (s[0] - '0') * 10 + s[1] - '0';
	d = (s[3] - '0') * 10 + s[4] - '0';
	return m >= 1 && m <= 12 && d >= 1 && d <= lengths[m - 1] ? (m - 1) * 31 + d - 1 : -1;
}

static void load_season_dates(struct load *l, struct season *s, const struct conf_node *n)
{
	const char *text = conf_text(n);
	int a = month_day(text), b = -1;

	if (strlen(text) == 12 && !strncmp(text + 5, "..", 2))
		b = month_day(text + 7);
	if (a < 0 || b < 0) {
		conf_error(l->f, n,
			   "season \"%s\": \"%s\" is not a span of dates; write it as 06-01..08-31, both "
			   "days included, over the new year as 11-01..02-29",
			   s->label.id, text);
		return;
	}
	for (int i = a;; i = (i + 1) % (12 * 31)) {
		s->on[i] = true;
		if (i == b)
			break;
	}
}

static void load_seasons(struct load *l, const struct conf_node *root)
{
	static const char *const names[] = { "ko", "en", "dates", "from", "to", NULL };
	struct tariff *t = l->t;
	const struct conf_node *map = load_map(root, "seasons", "tariff", l->f);

	if (map && conf_count(map) > MAX_SEASONS) {
		conf_error(l->f, map, "seasons: at most %d", MAX_SEASONS);
		return;
	}
	for (size_t i = 0; map && i < conf_count(map); i++) {
		struct season *s = &t->seasons[t->n_seasons++];
		const char *id;
		const struct conf_node *n = conf_pair(map, i, &id), *dates;

		if (!load_label(n, id, "season", &s->label, l->f))
			continue;
		conf_only(n, "season", names, l->f);
		load_validity(n, "season", true, &s->valid, l->f);
		dates = load_list(n, "dates", "season", l->f);
		for (size_t k = 0; dates && k < conf_count(dates); k++)
			load_season_dates(l, s, conf_item(dates, k));
	}
}

static void load_weekdays(struct load *l, struct day_type *d, const struct conf_node *list)
{
	static const char *const names[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

	for (size_t i = 0; list && i < conf_count(list); i++) {
		const struct conf_node *n = conf_item(list, i);
		size_t k = 0;

		while (k < 7 && strcmp(conf_text(n), names[k]))
			k++;
		if (k == 7)
			conf_error(l->f, n, "weekdays are mon, tue, wed, thu, fri, sat and sun, not \"%s\"",
				   conf_text(n));
		else
			d->weekdays |= UINT32_C(1) << k;
	}
}

static void load_classes_of(struct load *l, struct day_type *d, const struct conf_node *list)
{
	const char *names[CALENDAR_MAX_CLASSES], *near;
	size_t n_names = 0;

	while (l->t->calendar && calendar_class_name(l->t->calendar, (int)n_names)) {
		names[n_names] = calendar_class_name(l->t->calendar, (int)n_names);
		n_names++;
	}
	for (size_t i = 0; list && l->t->calendar && i < conf_count(list); i++) {
		const struct conf_node *n = conf_item(list, i);
		int class = calendar_class(l->t->calendar, conf_text(n));

		if (class >= 0) {
			d->classes |= UINT32_C(1) << class;
			continue;
		}
		near = str_nearest(conf_text(n), names, n_names);
		conf_error(l->f, n, "the holiday list has no class \"%s\"%s%s%s", conf_text(n),
			   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	}
}

static void load_day_types(struct load *l, const struct conf_node *root)
{
	static const char *const names[] = { "ko", "en", "weekdays", "holidays", NULL };
	struct tariff *t = l->t;
	const struct conf_node *map = load_map(root, "day_types", "tariff", l->f);
	uint32_t all = 0;

	if (map && conf_count(map) > MAX_DAY_TYPES) {
		conf_error(l->f, map, "day_types: at most %d", MAX_DAY_TYPES);
		return;
	}
	for (size_t i = 0; map && i < conf_count(map); i++) {
		struct day_type *d = &t->day_types[t->n_day_types++];
		const char *id;
		const struct conf_node *n = conf_pair(map, i, &id);

		if (!load_label(n, id, "day type", &d->label, l->f))
			continue;
		conf_only(n, "day type", names, l->f);
		if (conf_get(n, "weekdays"))
			load_weekdays(l, d, load_list(n, "weekdays", "day type", l->f));
		if (conf_get(n, "holidays")) {
			if (!conf_get(root, "holidays"))
				conf_error(
					l->f, conf_get(n, "holidays"),
					"day type \"%s\" asks for holidays, and this file names no list; add "
					"\"holidays: FILE\" at the top",
					id);
			load_classes_of(l, d, load_list(n, "holidays", "day type", l->f));
		}
		all |= d->weekdays;
	}
	if (map && all != 0x7f)
		conf_error(l->f, map, "day_types: every weekday must be in one of them");
}

static void load_demand_rule(struct load *l, struct demand_rule *d, const struct conf_node *n)
{
	static const char *const names[] = { "from",          "to",     "source",  "note",
					     "window_months", "months", "percent", "contract_percent",
					     "round",         NULL };
	const struct conf_node *window = conf_get(n, "window_months"), *months = conf_get(n, "months");
	int64_t value = 1;

	conf_only(n, "billing_demand", names, l->f);
	if (window && conf_as_int(window, "billing_demand: window_months", 1, 36, &value, l->f))
		d->window_months = (int)value;
	d->months = months ? 0 : 0xfff;
	if (months && conf_kind(months) != CONF_SEQ)
		conf_error(l->f, months, "billing_demand: months is a list such as [12, 1, 2]");
	for (size_t i = 0; months && conf_kind(months) == CONF_SEQ && i < conf_count(months); i++)
		if (conf_as_int(conf_item(months, i), "billing_demand: month", 1, 12, &value, l->f))
			d->months |= UINT32_C(1) << (value - 1);
	if (conf_get(n, "percent"))
		load_percent(n, "percent", "billing_demand", 100, true, &d->percent_micro, l->f);
	if (conf_get(n, "contract_percent"))
		load_percent(n, "contract_percent", "billing_demand", 100, true, &d->contract_percent_micro,
			     l->f);
	load_rounding(n, "round", "billing_demand", &d->round, l->f);
}

static void load_demand(struct load *l, const struct conf_node *root)
{
	struct tariff *t = l->t;
	const struct conf_node *list = load_list(root, "billing_demand", "tariff", l->f);
	size_t n = list ? conf_count(list) : 0;
	struct validity prev, v;

	if (n > MAX_RATES) {
		conf_error(l->f, list, "billing_demand: at most %d versions", MAX_RATES);
		return;
	}
	t->demand = calloc(n ? n : 1, sizeof *t->demand);
	if (!t->demand)
		conf_error(l->f, root, "out of memory");
	for (size_t i = 0; t->demand && i < n; i++) {
		const struct conf_node *item = conf_item(list, i);

		if (conf_kind(item) != CONF_MAP) {
			conf_error(l->f, item, "billing_demand: each version is a mapping with from");
			continue;
		}
		if (!load_validity(item, "billing_demand", false, &v, l->f) ||
		    !load_follows(item, "billing_demand", t->n_demand ? &prev : NULL, v, l->f))
			continue;
		prev = v;
		t->demand[t->n_demand] =
			(struct demand_rule){ .valid = v, .window_months = 1, .percent_micro = PERCENT_100 };
		load_demand_rule(l, &t->demand[t->n_demand++], item);
	}
}

static void load_calendar(struct load *l, const struct conf_node *root, const char *instead)
{
	const struct conf_node *n = conf_get(root, "holidays");
	const char *file = "";
	char path[PATH_MAX];
	int line, col;

	if (!n)
		return;
	if (instead) {
		l->t->calendar = calendar_load(instead, l->f);
		return;
	}
	conf_where(n, &file, &line, &col);
	if (conf_text(n)[0] == '/' || !strrchr(file, '/'))
		snprintf(path, sizeof path, "%s", conf_text(n));
	else
		snprintf(path, sizeof path, "%.*s/%s", (int)(strrchr(file, '/') - file), file, conf_text(n));
	l->t->calendar = calendar_load(path, l->f);
	if (!l->t->calendar)
		conf_error(l->f, n, "the holiday list \"%s\" cannot be used", conf_text(n));
	else if (l->holidays && !calendar_replace(l->t->calendar, l->holidays->days, l->holidays->n,
						  l->holidays->from_day, l->holidays->to_day))
		conf_error(l->f, n, "the other holidays are not in rising order, or outside their span");
}

static void load_total(struct load *l, const struct conf_node *root)
{
	static const char *const names[] = { "ko", "en", "round", NULL };
	const struct conf_node *n = conf_get(root, "total");

	if (!n)
		return;
	if (load_label(n, "rounding", "total", &l->t->total_label, l->f)) {
		conf_only(n, "total", names, l->f);
		load_rounding(n, "round", "total", &l->t->total_round, l->f);
	}
}

/* ---- as of a date: keep the version of that day and let it be valid always ---- */

static const struct validity always = { -DAY_MAX, DAY_MAX }, never = { DAY_MAX, -DAY_MAX };

static void rate_clear(struct rate *r)
{
	for (int i = 0; r->pf && i < r->pf->n_parts; i++)
		free(r->pf->parts[i].slots);
	free(r->pf);
	free(r->over);
}

static void freeze_line(struct line *line, int64_t day)
{
	uint8_t keep = rate_on(line, day);

	for (size_t i = 0; i < line->n_rates; i++)
		if (i != keep)
			rate_clear(&line->rates[i]);
	line->n_rates = keep == NONE ? 0 : 1;
	if (keep == NONE)
		return;
	line->rates[0] = line->rates[keep];
	line->rates[0].valid = always;
}

static void freeze(struct load *l, const struct conf_node *root)
{
	struct tariff *t = l->t;
	size_t hours = 0, demand = 0;
	int kept = 0;
	char day[16];

	for (size_t i = 0; i < t->n_hours; i++)
		if (valid_on(t->hours[i].valid, l->as_of))
			t->hours[hours++] = t->hours[i];
		else
			free(t->hours[i].bands);
	for (size_t i = 0; i < t->n_demand; i++)
		if (valid_on(t->demand[i].valid, l->as_of))
			t->demand[demand++] = t->demand[i];
	for (int i = 0; i < t->n_discounts; i++)
		if (valid_on(t->discounts[i].valid, l->as_of))
			t->discounts[kept++] = t->discounts[i];
		else
			free(t->discounts[i].slots);
	t->n_hours = hours;
	t->n_demand = demand;
	t->n_discounts = kept;
	/* Prices refer to seasons by index: one that is not valid stays, and never applies. */
	for (int i = 0; i < t->n_seasons; i++)
		t->seasons[i].valid = valid_on(t->seasons[i].valid, l->as_of) ? always : never;
	for (size_t i = 0; i < hours; i++)
		t->hours[i].valid = always;
	for (size_t i = 0; i < demand; i++)
		t->demand[i].valid = always;
	for (int i = 0; i < kept; i++)
		t->discounts[i].valid = always;
	for (int i = 0; i < t->n_lines; i++) {
		freeze_line(&t->lines[i], l->as_of);
		if (!t->lines[i].n_rates && line_required(&t->lines[i]))
			conf_error(l->f, root, "line \"%s\" has no version valid on %s", t->lines[i].label.id,
				   day_text(l->as_of, day, sizeof day));
	}
	if (!hours || !demand)
		conf_error(l->f, root, "no version of hours and billing_demand is valid on %s",
			   day_text(l->as_of, day, sizeof day));
}

static void load_all(struct load *l, const struct conf_node *root, const char *calendar)
{
	static const char *const names[] = {
		"tariff", "title",   "currency",  "zone",   "holidays",  "demand_interval",
		"bands",  "seasons", "day_types", "hours",  "discounts", "billing_demand",
		"lines",  "total",   "tests",     "source", "note",      NULL
	};
	size_t before = faults_errors(l->f);

	if (conf_kind(root) != CONF_MAP) {
		conf_error(l->f, root, "a tariff is a mapping that begins with \"tariff: ID\"");
		return;
	}
	conf_only(root, "tariff", names, l->f);
	load_head(l, root);
	load_calendar(l, root, calendar);
	load_bands(l, root);
	load_seasons(l, root);
	load_day_types(l, root);
	load_hours(l, root);
	load_demand(l, root);
	load_lines(l, root);
	load_discounts(l, root);
	load_total(l, root);
	l->t->tests = conf_get(root, "tests");
	if (faults_errors(l->f) == before && l->as_of != DAY_MAX)
		freeze(l, root);
	if (faults_errors(l->f) == before)
		tariff_compile(l->t, root, l->f);
}

/* Takes the document. */
static struct tariff *from_doc(struct conf_doc *doc, struct load *l, const char *calendar)
{
	size_t before = faults_errors(l->f);

	l->t = calloc(1, sizeof *l->t);
	if (!l->t) {
		conf_error(l->f, conf_root(doc), "out of memory");
		conf_free(doc);
		return NULL;
	}
	l->t->doc = doc;
	load_all(l, conf_root(doc), calendar);
	if (faults_errors(l->f) == before)
		return l->t;
	tariff_free(l->t);
	return NULL;
}

static int64_t day_or_all(int64_t as_of_day)
{
	return as_of_day == TARIFF_OWN_DATES ? DAY_MAX : as_of_day;
}

struct tariff *tariff_from_doc(struct conf_doc *doc, int64_t as_of_day, const char *calendar,
			       struct faults *f)
{
	struct load l = { .f = f, .as_of = day_or_all(as_of_day) };

	return from_doc(doc, &l, calendar);
}

struct tariff *tariff_load_as_of(const char *path, int64_t as_of_day, const char *calendar, struct faults *f)
{
	struct conf_doc *doc = conf_load(path, f);

	return doc ? tariff_from_doc(doc, as_of_day, calendar, f) : NULL;
}

struct tariff *tariff_load_holidays(const char *path, int64_t as_of_day, const struct tariff_holidays *h,
				    struct faults *f)
{
	struct load l = { .f = f, .as_of = day_or_all(as_of_day), .holidays = h };
	struct conf_doc *doc = conf_load(path, f);

	return doc ? from_doc(doc, &l, NULL) : NULL;
}

struct tariff *tariff_load(const char *path, struct faults *f)
{
	return tariff_load_as_of(path, TARIFF_OWN_DATES, NULL, f);
}

void tariff_free(struct tariff *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_hours; i++)
		free(t->hours[i].bands);
	free(t->hours);
	free(t->demand);
	for (int i = 0; i < t->n_discounts; i++)
		free(t->discounts[i].slots);
	/* A line that failed to load is not counted, and may have no rates; the array is zeroed. */
	for (int i = 0; i < MAX_LINES; i++) {
		for (size_t k = 0; k < t->lines[i].n_rates; k++)
			rate_clear(&t->lines[i].rates[k]);
		free(t->lines[i].rates);
	}
	for (size_t i = 0; i < t->n_rows; i++)
		free(t->rows[i].cells);
	free(t->rows);
	free(t->regs);
	free(t->day_row);
	calendar_free(t->calendar);
	zone_free(t->zone);
	conf_free(t->doc);
	free(t);
}
