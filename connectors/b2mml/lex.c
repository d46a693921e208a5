/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "connectors/b2mml/lex.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define US INT64_C(1000000)

/* n digits at *p; -1 when there are fewer. */
static int digits(const char **p, int n)
{
	int v = 0;

	while (n-- > 0) {
		if (**p < '0' || **p > '9')
			return -1;
		v = v * 10 + (*(*p)++ - '0');
	}
	return v;
}

static bool take(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar, by counting eras of 400 years. */
static int64_t days_of(int y, int m, int d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = y / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void date_of(int64_t days, int *y, int *m, int *d)
{
	int64_t era, doe, yoe, doy, mp;

	days += 719468;
	era = days / 146097;
	doe = days - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = (int)(yoe + era * 400 + (*m <= 2));
}

static bool date_ok(int y, int m, int d)
{
	static const unsigned char len[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);

	return y >= 1970 && m >= 1 && m <= 12 && d >= 1 && d <= len[m - 1] + (m == 2 && leap);
}

/* Behind the point: at least one digit, six count. */
static bool fraction(const char **p, int64_t *us)
{
	int64_t unit = US / 10;
	const char *start = *p;

	for (*us = 0; **p >= '0' && **p <= '9'; (*p)++, unit /= 10)
		*us += (**p - '0') * unit;
	return *p > start;
}

static bool offset_at(const char **p, int *minutes)
{
	int sign, h, m;

	if (take(p, 'Z')) {
		*minutes = 0;
		return true;
	}
	sign = **p == '-' ? -1 : 1;
	if (!take(p, '+') && !take(p, '-'))
		return false;
	h = digits(p, 2);
	if (h < 0 || !take(p, ':'))
		return false;
	m = digits(p, 2);
	*minutes = sign * (h * 60 + m);
	return m >= 0 && m < 60 && h * 60 + m <= 14 * 60; /* the range of XML Schema */
}

bool lex_offset(const char *s, int *minutes)
{
	return offset_at(&s, minutes) && *s == '\0';
}

static bool clock_at(const char **p, int64_t *us)
{
	int h = digits(p, 2), m, s;
	int64_t part = 0;

	if (h < 0 || !take(p, ':'))
		return false;
	m = digits(p, 2);
	if (m < 0 || !take(p, ':'))
		return false;
	s = digits(p, 2);
	if (s < 0 || (take(p, '.') && !fraction(p, &part)))
		return false;
	*us = ((int64_t)h * 3600 + m * 60 + s) * US + part;
	return m < 60 && s < 60 && (h < 24 || *us == 86400 * US); /* 24:00:00 is the end of the day */
}

enum lex_time_rc lex_time(const char *s, const int *offset_min, struct when *out)
{
	int y, m, d, minutes = 0;
	int64_t us;

	y = digits(&s, 4);
	if (y < 0 || !take(&s, '-'))
		return LEX_TIME_BAD;
	m = digits(&s, 2);
	if (m < 0 || !take(&s, '-'))
		return LEX_TIME_BAD;
	d = digits(&s, 2);
	if (!date_ok(y, m, d) || !take(&s, 'T') || !clock_at(&s, &us))
		return LEX_TIME_BAD;
	if (*s == '\0') {
		if (!offset_min)
			return LEX_TIME_NO_OFFSET;
		minutes = *offset_min;
	} else if (!offset_at(&s, &minutes) || *s != '\0') {
		return LEX_TIME_BAD;
	}
	out->us = days_of(y, m, d) * 86400 * US + us - (int64_t)minutes * 60 * US;
	out->offset_min = (int16_t)minutes;
	out->set = true;
	/* The first hours of 1970 east of Greenwich lie before the epoch; no plan does. */
	return out->us >= 0 ? LEX_TIME_OK : LEX_TIME_BAD;
}

void lex_time_json(struct buf *b, const struct when *w)
{
	int64_t local = w->us + (int64_t)w->offset_min * 60 * US;
	int64_t day_us = local % (86400 * US), s = day_us / US;
	int y, m, d, off = w->offset_min < 0 ? -w->offset_min : w->offset_min;

	date_of(local / (86400 * US), &y, &m, &d);
	buf_addf(b, "\"%04d-%02d-%02dT%02d:%02d:%02d", y, m, d, (int)(s / 3600), (int)(s / 60 % 60),
		 (int)(s % 60));
	if (day_us % US) {
		buf_add(b, ".");
		for (int64_t part = day_us % US; part; part = part * 10 % US)
			buf_addf(b, "%d", (int)(part * 10 / US));
	}
	if (off == 0)
		buf_add(b, "Z\"");
	else
		buf_addf(b, "%c%02d:%02d\"", w->offset_min < 0 ? '-' : '+', off / 60, off % 60);
}

/* One "number, letter" of a duration. Whole numbers of at most nine digits; a fraction only of seconds. */
static bool duration_part(const char **p, int64_t *n, int64_t *us, char *letter)
{
	int count = 0;

	*us = 0;
	for (*n = 0; **p >= '0' && **p <= '9' && count < 9; count++)
		*n = *n * 10 + (*(*p)++ - '0');
	if (count == 0)
		return false;
	if (take(p, '.') && (!fraction(p, us) || **p != 'S'))
		return false;
	*letter = *(*p);
	return *letter != '\0' && (*p)++;
}

bool lex_duration(const char *s, int64_t *us)
{
	static const struct {
		char letter;
		bool time;
		int64_t s;
	} unit[] = { { 'D', false, 86400 }, { 'H', true, 3600 }, { 'M', true, 60 }, { 'S', true, 1 } };
	size_t next = 0, i;
	bool time = false;
	int64_t n, part;
	char letter;

	*us = 0;
	if (!take(&s, 'P') || *s == '\0')
		return false;
	while (*s) {
		if (!time && take(&s, 'T'))
			time = true;
		if (!duration_part(&s, &n, &part, &letter))
			return false;
		for (i = next; i < sizeof unit / sizeof *unit; i++)
			if (unit[i].letter == letter && unit[i].time == time)
				break;
		if (i == sizeof unit / sizeof *unit)
			return false;
		next = i + 1;
		if (n > INT64_MAX / 2 / US / unit[i].s - *us / US / unit[i].s)
			return false;
		*us += n * unit[i].s * US + part;
	}
	return *us > 0;
}

void lex_duration_xml(struct buf *b, int64_t seconds)
{
	if (seconds <= 0) {
		buf_add(b, "PT0S");
		return;
	}
	buf_add(b, "PT");
	if (seconds >= 3600)
		buf_addf(b, "%lldH", (long long)(seconds / 3600));
	if (seconds / 60 % 60)
		buf_addf(b, "%lldM", (long long)(seconds / 60 % 60));
	if (seconds % 60)
		buf_addf(b, "%lldS", (long long)(seconds % 60));
}

struct number {
	bool negative;
	__int128 mantissa; /* digits without the point, at most 27 of them */
	int exponent;
};

/* Digits beyond the ninth decimal cannot change a rounded Wh of any unit here and are dropped. */
static bool mantissa_at(const char **p, struct number *n)
{
	int whole = 0, seen = 0, decimals = 0;
	bool point = false;

	for (;; (*p)++) {
		if (**p == '.' && !point) {
			point = true;
			continue;
		}
		if (**p < '0' || **p > '9')
			break;
		seen++;
		if (point && ++decimals > 9)
			continue;
		if (!point && (n->mantissa || **p != '0') && ++whole > 18)
			return false;
		n->mantissa = n->mantissa * 10 + (**p - '0');
		n->exponent -= point;
	}
	return seen > 0;
}

static bool number_of(const char *s, struct number *n)
{
	int e = 0, sign = 1, count = 0;

	memset(n, 0, sizeof *n);
	n->negative = *s == '-';
	if (*s == '+' || *s == '-')
		s++;
	if (!mantissa_at(&s, n))
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		sign = *s == '-' ? -1 : 1;
		if (*s == '+' || *s == '-')
			s++;
		for (; *s >= '0' && *s <= '9' && count < 3; count++)
			e = e * 10 + (*s++ - '0');
		if (count == 0)
			return false;
	}
	n->exponent += sign * e;
	return *s == '\0';
}

bool lex_scaled(const char *s, int64_t num, int64_t den, int64_t *out)
{
	const __int128 limit = (__int128)1 << 120;
	struct number n;
	__int128 v, d = den;

	if (!number_of(s, &n))
		return false;
	for (v = n.mantissa * num; v && n.exponent > 0; n.exponent--) {
		if (v > limit / 10)
			return false;
		v *= 10;
	}
	for (; n.exponent < 0; n.exponent++) {
		if (d > limit / 10)
			break; /* smaller than any unit counted */
		d *= 10;
	}
	v = n.exponent < 0 ? 0 : (v + d / 2) / d;
	if (v > INT64_MAX)
		return false;
	*out = n.negative ? -(int64_t)v : (int64_t)v;
	return true;
}

bool lex_decimal_json(const char *s, struct buf *b)
{
	struct number n;
	const char *p = s;
	size_t whole;

	if (!number_of(s, &n) || strpbrk(s, "eE"))
		return false;
	if (n.negative && n.mantissa)
		buf_add(b, "-");
	p += *p == '+' || *p == '-';
	while (*p == '0' && p[1] >= '0' && p[1] <= '9')
		p++;
	whole = strcspn(p, ".");
	if (whole == 0)
		buf_add(b, "0");
	buf_add_n(b, p, whole);
	p += whole;
	if (*p == '.' && p[1])
		buf_add(b, p);
	return true;
}

void lex_fixed(struct buf *b, int64_t value, int places, int keep)
{
	uint64_t v = value < 0 ? 0 - (uint64_t)value : (uint64_t)value, scale = 1;
	char text[24];
	int n = places;

	for (int i = 0; i < places; i++)
		scale *= 10;
	buf_addf(b, "%s%llu", value < 0 ? "-" : "", (unsigned long long)(v / scale));
	snprintf(text, sizeof text, "%0*llu", places, (unsigned long long)(v % scale));
	while (n > keep && text[n - 1] == '0')
		n--;
	if (n > 0)
		buf_addf(b, ".%.*s", n, text);
}

/* UN/ECE Recommendation 20: WHR, KWH, MWH, GWH, JOU, KJO, 3B (megajoule), GV (gigajoule); beside the
 * codes the symbols that people write. */
static const struct {
	const char *name;
	int64_t num, den; /* Wh per unit */
} energy_unit[] = {
	{ "KWH", 1000, 1 },       { "MWH", 1000000, 1 }, { "WHR", 1, 1 },      { "WH", 1, 1 },
	{ "GWH", 1000000000, 1 }, { "JOU", 1, 3600 },    { "KJO", 5, 18 },     { "KJ", 5, 18 },
	{ "3B", 2500, 9 },        { "MJ", 2500, 9 },     { "GV", 2500000, 9 }, { "GJ", 2500000, 9 },
};

bool lex_energy(const char *number, const char *unit, int64_t *wh, bool *known_unit)
{
	for (size_t i = 0; i < sizeof energy_unit / sizeof *energy_unit; i++) {
		if (strcasecmp(unit, energy_unit[i].name) == 0) {
			*known_unit = true;
			return lex_scaled(number, energy_unit[i].num, energy_unit[i].den, wh);
		}
	}
	*known_unit = false;
	return false;
}
