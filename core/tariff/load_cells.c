/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers and times of a load file, and why one cannot be taken.
 */
#include "config.h"
#include "core/tariff/load_csv.h"

#include <stdio.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/money.h"
#include "core/tariff/load_rows.h"

#define MICRO_MAX INT64_C(1000000000000000) /* 10^9 kWh */

/* ---- values ---- */

/* Why a text is no number, and of which kind the finding is. */
static const char *number_fault(const char *s, const char **kind)
{
	*kind = "empty";
	if (!*s)
		return "is empty; write 0 if nothing was used, or leave out the row if nothing is known";
	*kind = "thousands";
	if (strpbrk(s, ", '_"))
		return "has a separator in it; write 1234.5, without thousands separators and with a decimal "
		       "point";
	*kind = "number";
	return "is not a decimal number with at most six decimals, such as 1234.5";
}

bool load_read_number(struct reader *r, size_t line, enum column c, const char *s, int64_t *micro)
{
	const char *kind, *why;

	if (*s && money_parse(s, micro)) {
		if (*micro < 0 && c != COL_REACTIVE) {
			load_note(r->s, line, true, "negative",
				  "%s is %.40s; energy taken from the grid is not negative (feed-in "
				  "belongs in a load of its own)",
				  load_column_names[c], s);
			return false;
		}
		if (*micro <= MICRO_MAX && *micro >= -MICRO_MAX)
			return true;
		load_note(r->s, line, true, "limit", "%s is %.40s; beyond 10^9, so the unit must be wrong",
			  load_column_names[c], s);
		return false;
	}
	why = number_fault(s, &kind);
	load_note(r->s, line, true, kind, "%s%s%.40s%s %s", load_column_names[c], *s ? " \"" : "", s,
		  *s ? "\"" : "", why);
	return false;
}

/* ---- times ---- */

/* A local time that the clock skipped reads as another one. */
static bool local_exists(const struct zone *z, const char *s, int64_t t_us)
{
	char text[48];

	time_format(t_us, z, text, sizeof text);
	return !strncmp(s + 11, text + 11, 5) || !strncmp(s + 11, "24", 2);
}

/* The hour that comes twice: when the first pass lies behind the last row, it is the second one. */
static int64_t second_pass(const struct reader *r, int64_t t_us)
{
	static const int64_t shifts[] = { 30 * US_PER_MIN, US_PER_H, 2 * US_PER_H };
	const struct load_rows *rows = &r->rows;
	struct civil a, b;

	if (!rows->n || t_us > rows->rows[rows->n - 1].t_us)
		return t_us;
	zone_civil(r->o->zone, t_us, &a);
	for (size_t i = 0; i < ARRAY_LEN(shifts); i++) {
		zone_civil(r->o->zone, t_us + shifts[i], &b);
		if (a.day == b.day && a.hour == b.hour && a.minute == b.minute && a.offset_s != b.offset_s)
			return t_us + shifts[i];
	}
	return t_us;
}

static bool read_local(struct reader *r, size_t line, const char *s, int64_t *t_us)
{
	if (!r->o->zone) {
		load_note(r->s, line, true, "offset",
			  "\"%.40s\" has no offset from UTC; write %.19s+09:00, or name the zone of the site",
			  s, s);
		return false;
	}
	if (!time_parse(s, r->o->zone, t_us) || !local_exists(r->o->zone, s, *t_us)) {
		load_note(r->s, line, true, "local-time",
			  "\"%.40s\" does not exist in %s: the clock skips it", s, zone_name(r->o->zone));
		return false;
	}
	*t_us = second_pass(r, *t_us);
	return true;
}

/* How far the clock of the file is ahead of UTC, from its first time. */
static void note_offset(struct reader *r, const char *s, int64_t t_us)
{
	char local[48];
	int64_t as_utc;

	snprintf(local, sizeof local, "%.*sZ", (int)(11 + strcspn(s + 11, "+-Z")), s);
	if (time_parse(local, NULL, &as_utc))
		r->s->offset_s = (int32_t)((as_utc - t_us) / US_PER_S);
}

bool load_read_time(struct reader *r, size_t line, const char *s, int64_t *t_us)
{
	bool with = time_parse(s, NULL, t_us);
	char utc[48];
	int64_t ignored;

	snprintf(utc, sizeof utc, "%.40sZ", s);
	if (!with && !time_parse(utc, NULL, &ignored)) {
		load_note(r->s, line, true, *s ? "date" : "empty",
			  "\"%.40s\" is no possible date and time; write 2026-05-01T00:15:00+09:00", s);
		return false;
	}
	if (r->offset && r->offset != (with ? 1 : -1)) {
		load_note(r->s, line, true, "offset",
			  "\"%.40s\": times with and without an offset in one file; write all in one form",
			  s);
		return false;
	}
	if (with && !r->offset)
		note_offset(r, s, *t_us);
	r->offset = with ? 1 : -1;
	return with || read_local(r, line, s, t_us);
}
