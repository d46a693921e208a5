/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/base/zone.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "core/base/clock.h"

/* Exactly n digits; -1 when there are fewer. */
static int digits(const char **s, int n)
{
	int v = 0;

	for (; n; n--, (*s)++) {
		if (!isdigit((unsigned char)**s))
			return -1;
		v = v * 10 + (**s - '0');
	}
	return v;
}

static bool expect(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

/* Fraction of a second to microseconds; further digits are dropped. */
static int fraction(const char **s)
{
	int us = 0, n = 0;

	if (**s != '.' && **s != ',')
		return 0;
	for ((*s)++; isdigit((unsigned char)**s); (*s)++, n++)
		if (n < 6)
			us = us * 10 + (**s - '0');
	if (n == 0)
		return -1;
	for (; n < 6; n++)
		us *= 10;
	return us;
}

/* 'Z' or +hh:mm; false when neither. */
static bool offset(const char **s, int *out_s)
{
	int sign, h, m;

	if (expect(s, 'Z')) {
		*out_s = 0;
		return true;
	}
	if (**s != '+' && **s != '-')
		return false;
	sign = *(*s)++ == '-' ? -1 : 1;
	h = digits(s, 2);
	if (**s == ':')
		(*s)++;
	m = digits(s, 2);
	*out_s = sign * (h * 3600 + m * 60);
	return h >= 0 && h <= 14 && m >= 0 && m < 60;
}

bool time_parse(const char *s, const struct zone *zone, int64_t *t_us)
{
	int y = digits(&s, 4), mo, d, h, mi, sec = 0, us, off;
	int cy, cm, cd;
	int64_t days;

	if (y < 0 || !expect(&s, '-') || (mo = digits(&s, 2)) < 1 || !expect(&s, '-') ||
	    (d = digits(&s, 2)) < 1)
		return false;
	if ((*s != 'T' && *s != ' ') || !*s++ || (h = digits(&s, 2)) < 0 || !expect(&s, ':') ||
	    (mi = digits(&s, 2)) < 0)
		return false;
	if (*s == ':' && (s++, (sec = digits(&s, 2)) < 0))
		return false;
	us = fraction(&s);
	days = civil_days(y, mo, d);
	civil_from_days(days, &cy, &cm, &cd);
	if (us < 0 || cm != mo || cd != d || h > 24 || mi > 59 || sec > 60 || (h == 24 && (mi || sec || us)))
		return false;
	if (!*s && zone) {
		*t_us = zone_utc(zone, y, mo, d, h, mi, sec) + us;
		return true;
	}
	if (!offset(&s, &off) || *s)
		return false;
	*t_us = ((days * 24 + h) * 3600 + mi * 60 + sec - off) * US_PER_S + us;
	return true;
}

const char *time_format(int64_t t_us, const struct zone *zone, char *buf, unsigned cap)
{
	struct civil c;
	char frac[16] = "";
	int abs;

	zone_civil(zone, t_us, &c);
	abs = c.offset_s < 0 ? -c.offset_s : c.offset_s;
	if (c.us)
		snprintf(frac, sizeof frac, ".%06d", c.us % 1000000);
	snprintf(buf, cap, "%04d-%02d-%02dT%02d:%02d:%02d%s%c%02d:%02d", c.year, c.month, c.day, c.hour,
		 c.minute, c.second, frac, c.offset_s < 0 ? '-' : '+', abs / 3600, abs / 60 % 60);
	return buf;
}

bool duration_parse_iso(const char *s, int64_t *us)
{
	static const struct {
		char unit;
		bool time;
		int64_t us;
	} units[] = {
		{ 'W', false, 7 * US_PER_DAY }, { 'D', false, US_PER_DAY }, { 'H', true, US_PER_H },
		{ 'M', true, US_PER_MIN },      { 'S', true, US_PER_S },
	};
	int64_t total = 0;
	bool time = false, any = false;
	size_t u = 0;

	if (!expect(&s, 'P'))
		return false;
	while (*s) {
		int64_t v = 0;
		int frac, n = 0;

		if (!time && expect(&s, 'T')) {
			time = true;
			if (!*s)
				return false;
			continue;
		}
		for (; isdigit((unsigned char)*s) && n < 9; s++, n++)
			v = v * 10 + (*s - '0');
		frac = fraction(&s);
		while (u < 5 && (units[u].unit != *s || units[u].time != time))
			u++;
		if (!n || frac < 0 || u == 5)
			return false;
		total += v * units[u].us + frac * (units[u].us / US_PER_S);
		any = true;
		s++;
		u++;
	}
	*us = total;
	return any;
}
