/* SPDX-License-Identifier: Apache-2.0
 *
 * TZif (RFC 8536): the 64-bit block of version 2 and later, and of the footer's POSIX rule what
 * recurring daylight saving needs (Mm.w.d and fixed offsets).
 */
#include "config.h"
#include "core/base/zone.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/text.h"
#include "core/base/zone_rule.h"

#define TZIF_MAX (256u << 10)

struct zone {
	char name[64];
	size_t n;              /* transitions */
	int64_t *at_s;         /* UTC seconds */
	int32_t *offset_s;     /* from at_s[i] on */
	int32_t first_s;       /* before the first */
	struct zone_rule rule; /* after the last */
};

static int64_t be(const unsigned char *p, int n)
{
	uint64_t v = 0;

	for (int i = 0; i < n; i++)
		v = v << 8 | p[i];
	if (n == 4)
		return (int32_t)(uint32_t)v;
	return (int64_t)v;
}

struct tzif { /* one data block of the file */
	const unsigned char *head, *body;
	size_t isutc, isstd, leap, times, types, chars, size;
};

static bool tzif_block(const unsigned char *p, size_t left, int width, struct tzif *b)
{
	if (left < 44 || memcmp(p, "TZif", 4))
		return false;
	b->head = p;
	b->body = p + 44;
	b->isutc = (size_t)be(p + 20, 4);
	b->isstd = (size_t)be(p + 24, 4);
	b->leap = (size_t)be(p + 28, 4);
	b->times = (size_t)be(p + 32, 4);
	b->types = (size_t)be(p + 36, 4);
	b->chars = (size_t)be(p + 40, 4);
	if (b->isutc > 1000 || b->isstd > 1000 || b->leap > 1000 || b->times > 10000 || b->types > 256 ||
	    b->chars > 1000)
		return false;
	b->size = 44 + b->times * (size_t)(width + 1) + b->types * 6 + b->chars +
		  b->leap * (size_t)(width + 4) + b->isstd + b->isutc;
	return b->size <= left && b->types > 0;
}

static bool tzif_fill(struct zone *z, const struct tzif *b)
{
	const unsigned char *idx = b->body + b->times * 8, *types = idx + b->times;

	z->n = b->times;
	z->first_s = (int32_t)be(types, 4);
	if (!z->n)
		return true;
	z->at_s = calloc(z->n, sizeof *z->at_s);
	z->offset_s = calloc(z->n, sizeof *z->offset_s);
	if (!z->at_s || !z->offset_s)
		return false;
	for (size_t i = 0; i < z->n; i++) {
		if (idx[i] >= b->types)
			return false;
		z->at_s[i] = be(b->body + i * 8, 8);
		z->offset_s[i] = (int32_t)be(types + (size_t)idx[i] * 6, 4);
	}
	return true;
}

static bool tzif_read(struct zone *z, const char *data, size_t len)
{
	const unsigned char *p = (const unsigned char *)data;
	struct tzif v1, v2;

	if (!tzif_block(p, len, 4, &v1) || v1.head[4] < '2')
		return false;
	if (!tzif_block(p + v1.size, len - v1.size, 8, &v2) || !tzif_fill(z, &v2))
		return false;
	p += v1.size + v2.size;
	return zone_rule_parse((const char *)p, &z->rule);
}

static bool name_is_safe(const char *name)
{
	if (!*name || *name == '/' || strstr(name, "..") || strlen(name) >= sizeof((struct zone *)0)->name)
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("/_+-", *name))
			return false;
	return true;
}

enum fems_rc zone_open(const char *name, struct zone **out, struct fems_error *e)
{
	char path[PATH_MAX], *data = NULL;
	struct zone *z = calloc(1, sizeof *z);
	size_t len;
	bool ok;

	if (!z)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
	if (!name_is_safe(name) || file_read(path, TZIF_MAX, &data, &len, NULL)) {
		free(z);
		return err_set(e, FEMS_ENOENT,
			       "unknown time zone \"%s\" (want a name such as Asia/Seoul; the package tzdata "
			       "has them)",
			       name);
	}
	str_copy(z->name, sizeof z->name, name);
	ok = tzif_read(z, data, len);
	free(data);
	if (!ok) {
		zone_free(z);
		return err_set(e, FEMS_EINVAL,
			       "%s is not a time zone file of version 2 or later; reinstall tzdata", path);
	}
	*out = z;
	return FEMS_OK;
}

void zone_free(struct zone *z)
{
	if (!z)
		return;
	free(z->at_s);
	free(z->offset_s);
	free(z);
}

const char *zone_name(const struct zone *z)
{
	return z->name;
}

static int32_t offset_at(const struct zone *z, int64_t t_s)
{
	size_t lo = 0, hi = z ? z->n : 0;

	if (!z)
		return 0;
	if (!z->n || t_s < z->at_s[0])
		return z->n ? z->first_s : zone_rule_offset(&z->rule, t_s);
	if (t_s >= z->at_s[z->n - 1] && z->rule.has_dst)
		return zone_rule_offset(&z->rule, t_s);
	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;

		if (z->at_s[mid] <= t_s)
			lo = mid;
		else
			hi = mid;
	}
	return z->offset_s[lo];
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int64_t civil_days(int y, int m, int d)
{
	/* Counted in 400-year eras that begin on 1 March, so that the leap day is the last of its year. */
	int64_t months = (int64_t)y * 12 + m - 1 - 2, year = floor_div(months, 12),
		era = floor_div(year, 400);
	int64_t yoe = year - era * 400, mp = months - year * 12;
	int64_t doy = (153 * mp + 2) / 5, doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468 + d - 1;
}

void civil_from_days(int64_t days, int *y, int *m, int *d)
{
	int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = (int)(yoe + era * 400 + (*m <= 2));
}

void zone_civil(const struct zone *z, int64_t t_us, struct civil *c)
{
	int64_t t_s = floor_div(t_us, US_PER_S), local, days, rest;

	c->us = (int)(t_us - t_s * US_PER_S);
	c->offset_s = offset_at(z, t_s);
	local = t_s + c->offset_s;
	days = floor_div(local, 86400);
	rest = local - days * 86400;
	civil_from_days(days, &c->year, &c->month, &c->day);
	c->hour = (int)(rest / 3600);
	c->minute = (int)(rest / 60 % 60);
	c->second = (int)(rest % 60);
	c->weekday = (int)((days + 3) - floor_div(days + 3, 7) * 7); /* 1970-01-01 was a Thursday */
	c->yearday = (int)(days - civil_days(c->year, 1, 1));
}

int64_t zone_utc(const struct zone *z, int year, int month, int day, int hour, int minute, int second)
{
	int64_t local =
		civil_days(year, month, day) * 86400 + (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
	int32_t before = offset_at(z, local - 86400), after = offset_at(z, local + 86400);
	int64_t early = local - before, late = local - after;

	/* The first of two readings is the one with the offset from before the change. */
	if (offset_at(z, early) == before)
		return early * US_PER_S;
	if (offset_at(z, late) == after)
		return late * US_PER_S;
	return early * US_PER_S; /* a skipped hour: moved on by the length of the gap */
}

int64_t zone_day_start(const struct zone *z, int64_t t_us)
{
	struct civil c;

	zone_civil(z, t_us, &c);
	return zone_utc(z, c.year, c.month, c.day, 0, 0, 0);
}

int64_t zone_month_start(const struct zone *z, int64_t t_us)
{
	struct civil c;

	zone_civil(z, t_us, &c);
	return zone_utc(z, c.year, c.month, 1, 0, 0, 0);
}

int64_t zone_next_month(const struct zone *z, int64_t t_us)
{
	struct civil c;

	zone_civil(z, t_us, &c);
	return zone_utc(z, c.year, c.month + 1, 1, 0, 0, 0);
}
