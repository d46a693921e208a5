/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/tariff/calendar.h"

#include <stdlib.h>
#include <string.h>
#include "core/base/text.h"
#include "core/tariff/load.h"

struct holiday {
	int64_t day;
	int class;
	char ko[80], en[80];
};

struct calendar {
	char id[64];
	int64_t from, to;
	char classes[CALENDAR_MAX_CLASSES][24];
	int n_classes;
	struct holiday *days; /* rising */
	size_t n_days;
};

static void load_classes(struct calendar *c, const struct conf_node *list, struct faults *f)
{
	for (size_t i = 0; list && i < conf_count(list); i++) {
		if (c->n_classes == CALENDAR_MAX_CLASSES)
			conf_error(f, conf_item(list, i), "calendar: at most %d classes",
				   CALENDAR_MAX_CLASSES);
		else if (load_id(conf_item(list, i), "class of holidays", c->classes[c->n_classes],
				 sizeof c->classes[0], f))
			c->n_classes++;
	}
}

static bool load_holiday(struct calendar *c, const struct conf_node *n, struct holiday *h, struct faults *f)
{
	static const char *const names[] = { "date", "class", "ko", "en", NULL };
	const struct conf_node *date, *class;

	if (conf_kind(n) != CONF_MAP) {
		conf_error(f, n, "a holiday is written as {date: YYYY-MM-DD, class: ..., ko: ..., en: ...}");
		return false;
	}
	conf_only(n, "holiday", names, f);
	date = load_need(n, "date", "holiday", f);
	class = load_need(n, "class", "holiday", f);
	if (!date || !class || !conf_as_date(date, "date of a holiday", &h->day, f) ||
	    !load_text(n, "ko", "holiday", h->ko, sizeof h->ko, f) ||
	    !load_text(n, "en", "holiday", h->en, sizeof h->en, f))
		return false;
	h->class = calendar_class(c, conf_text(class));
	if (h->class < 0)
		conf_error(f, class, "holiday: class \"%s\" is not in the list \"classes\" of this file",
			   conf_text(class));
	else if (h->day < c->from || h->day > c->to)
		conf_error(f, date, "holiday: %s lies outside the span of this calendar; extend from or to",
			   conf_text(date));
	else if (c->n_days && h->day <= c->days[c->n_days - 1].day)
		conf_error(f, date,
			   "holiday: %s stands behind the same or a later day; list every day once, "
			   "in rising order",
			   conf_text(date));
	else
		return true;
	return false;
}

static void load_days(struct calendar *c, const struct conf_node *list, struct faults *f)
{
	size_t n = list ? conf_count(list) : 0;

	c->days = calloc(n ? n : 1, sizeof *c->days);
	if (!c->days) {
		conf_error(f, list, "out of memory");
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (load_holiday(c, conf_item(list, i), &c->days[c->n_days], f))
			c->n_days++;
}

static void load_all(struct calendar *c, const struct conf_node *root, struct faults *f)
{
	static const char *const names[] = { "calendar", "title",   "checked", "source", "from",
					     "to",       "classes", "days",    NULL };
	const struct conf_node *from, *to;

	if (conf_kind(root) != CONF_MAP) {
		conf_error(f, root, "a calendar is a mapping that begins with \"calendar: ID\"");
		return;
	}
	conf_only(root, "calendar", names, f);
	from = load_need(root, "from", "calendar", f);
	to = load_need(root, "to", "calendar", f);
	load_id(load_need(root, "calendar", "calendar", f), "calendar", c->id, sizeof c->id, f);
	if (!from || !to || !conf_as_date(from, "first day of the calendar", &c->from, f) ||
	    !conf_as_date(to, "last day of the calendar", &c->to, f))
		return;
	if (c->to < c->from) {
		conf_error(f, to, "calendar: its last day %s is before its first %s", conf_text(to),
			   conf_text(from));
		return;
	}
	load_classes(c, load_list(root, "classes", "calendar", f), f);
	load_days(c, load_list(root, "days", "calendar", f), f);
}

struct calendar *calendar_load(const char *path, struct faults *f)
{
	size_t before = faults_errors(f);
	struct conf_doc *doc = conf_load(path, f);
	struct calendar *c;

	if (!doc)
		return NULL;
	c = calloc(1, sizeof *c);
	if (!c)
		conf_error(f, conf_root(doc), "out of memory");
	else
		load_all(c, conf_root(doc), f);
	conf_free(doc);
	if (faults_errors(f) == before)
		return c;
	calendar_free(c);
	return NULL;
}

bool calendar_replace(struct calendar *c, const int64_t *days, size_t n, int64_t from_day, int64_t to_day)
{
	struct holiday *joined;
	size_t at = 0, old = 0;

	for (size_t i = 0; i < n; i++)
		if (days[i] < from_day || days[i] > to_day || (i && days[i] <= days[i - 1]))
			return false;
	joined = calloc(c->n_days + n + 1, sizeof *joined);
	if (!joined)
		return false;
	for (; old < c->n_days && c->days[old].day < from_day; old++)
		joined[at++] = c->days[old];
	for (size_t i = 0; i < n; i++)
		joined[at++] = (struct holiday){ .day = days[i], .ko = "공휴일", .en = "holiday" };
	for (; old < c->n_days; old++)
		if (c->days[old].day > to_day)
			joined[at++] = c->days[old];
	free(c->days);
	c->days = joined;
	c->n_days = at;
	c->from = from_day < c->from ? from_day : c->from;
	c->to = to_day > c->to ? to_day : c->to;
	return true;
}

void calendar_free(struct calendar *c)
{
	if (!c)
		return;
	free(c->days);
	free(c);
}

void calendar_span(const struct calendar *c, int64_t *from_day, int64_t *to_day)
{
	*from_day = c->from;
	*to_day = c->to;
}

int calendar_class(const struct calendar *c, const char *name)
{
	for (int i = 0; i < c->n_classes; i++)
		if (!strcmp(c->classes[i], name))
			return i;
	return -1;
}

const char *calendar_class_name(const struct calendar *c, int i)
{
	return i >= 0 && i < c->n_classes ? c->classes[i] : NULL;
}

static int by_day(const void *key, const void *item)
{
	int64_t a = *(const int64_t *)key, b = ((const struct holiday *)item)->day;

	return a < b ? -1 : a > b;
}

static const struct holiday *find(const struct calendar *c, int64_t day)
{
	return bsearch(&day, c->days, c->n_days, sizeof *c->days, by_day);
}

int calendar_day(const struct calendar *c, int64_t day)
{
	const struct holiday *h = find(c, day);

	return h ? h->class : -1;
}

const char *calendar_day_name(const struct calendar *c, int64_t day, const char *lang)
{
	const struct holiday *h = find(c, day);

	return !h ? NULL : !strcmp(lang, "ko") ? h->ko : h->en;
}
