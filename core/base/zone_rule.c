/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/base/zone_rule.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/zone.h"

static const char *name(const char *s)
{
	const char *p = s;

	if (*p == '<') {
		while (*p && *p != '>')
			p++;
		return *p ? p + 1 : NULL;
	}
	while (isalpha((unsigned char)*p))
		p++;
	return p - s >= 3 ? p : NULL;
}

static const char *number(const char *s, int *out)
{
	int v = 0, digits = 0;

	for (; isdigit((unsigned char)*s) && digits < 4; s++, digits++)
		v = v * 10 + (*s - '0');
	*out = v;
	return digits ? s : NULL;
}

/* [+-]hh[:mm[:ss]] */
static const char *hms(const char *s, int32_t *out)
{
	int sign = 1, part, unit = 3600, total = 0;

	if (*s == '-' || *s == '+')
		sign = *s++ == '-' ? -1 : 1;
	for (; unit; unit /= 60) {
		s = number(s, &part);
		if (!s)
			return NULL;
		total += part * unit;
		if (*s != ':')
			break;
		s++;
	}
	*out = sign * total;
	return s;
}

static const char *change(const char *s, struct zone_change *c)
{
	if (*s != ',')
		return NULL;
	s++;
	c->form = *s == 'M' || *s == 'J' ? *s++ : '0';
	if (c->form == 'M') {
		s = number(s, &c->month);
		s = s && *s == '.' ? number(s + 1, &c->week) : NULL;
		s = s && *s == '.' ? number(s + 1, &c->day) : NULL;
	} else {
		s = number(s, &c->day);
	}
	c->time_s = 7200;
	return s && *s == '/' ? hms(s + 1, &c->time_s) : s;
}

bool zone_rule_parse(const char *s, struct zone_rule *r)
{
	memset(r, 0, sizeof *r);
	if (*s++ != '\n' || !(s = name(s)) || !(s = hms(s, &r->std_s)))
		return false;
	r->std_s = -r->std_s; /* POSIX counts west of Greenwich */
	r->dst_s = r->std_s + 3600;
	if (*s == '\n')
		return true;
	if (!(s = name(s)))
		return false;
	if (*s != ',') {
		if (!(s = hms(s, &r->dst_s)))
			return false;
		r->dst_s = -r->dst_s;
	}
	if (!(s = change(s, &r->begin)) || !(s = change(s, &r->end)) || *s != '\n')
		return false;
	r->has_dst = true;
	return true;
}

/* Local day of the change in a year, as days since 1970. */
static int64_t change_day(const struct zone_change *c, int year)
{
	int64_t first, last, day;
	int weekday, leap;

	if (c->form != 'M') {
		leap = civil_days(year, 3, 1) - civil_days(year, 2, 1) == 29;
		return civil_days(year, 1, 1) + c->day - (c->form == 'J') +
		       (c->form == 'J' && leap && c->day > 59);
	}
	first = civil_days(year, c->month, 1);
	last = civil_days(year, c->month + 1, 1) - 1;
	weekday = (int)(((first + 4) % 7 + 7) % 7); /* Sunday = 0 */
	day = first + (c->day - weekday + 7) % 7 + (int64_t)(c->week - 1) * 7;
	while (day > last)
		day -= 7;
	return day;
}

int32_t zone_rule_offset(const struct zone_rule *r, int64_t t_s)
{
	int64_t begin, end;
	int y, m, d;

	if (!r->has_dst)
		return r->std_s;
	civil_from_days((t_s + r->std_s) / 86400 - ((t_s + r->std_s) % 86400 < 0), &y, &m, &d);
	begin = change_day(&r->begin, y) * 86400 + r->begin.time_s - r->std_s;
	end = change_day(&r->end, y) * 86400 + r->end.time_s - r->dst_s;
	if (begin < end)
		return t_s >= begin && t_s < end ? r->dst_s : r->std_s;
	return t_s >= end && t_s < begin ? r->std_s : r->dst_s;
}
