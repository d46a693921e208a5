/* SPDX-License-Identifier: Apache-2.0
 *
 * Civil time of a named zone, thread-safe (unlike TZ and localtime), read from the system's TZif
 * files. Local time is only for calendars, tariffs, pages and documents.
 */
#ifndef FEMS_BASE_ZONE_H
#define FEMS_BASE_ZONE_H

#include <stdbool.h>
#include <stdint.h>
#include <fems/plugin.h>

struct zone;

struct civil { /* local date and time; month and day from 1, weekday 0 = Monday */
	int year, month, day, hour, minute, second, us, weekday, yearday; /* yearday from 0 */
	int offset_s;                                                     /* east of Greenwich */
};

/* "Asia/Seoul", "UTC"; FEMS_ENOENT with a text for an unknown name. Caller frees. */
enum fems_rc zone_open(const char *name, struct zone **out, struct fems_error *);
void zone_free(struct zone *);
const char *zone_name(const struct zone *);

/* A NULL zone is UTC, here and in time_format(). */
void zone_civil(const struct zone *, int64_t t_us, struct civil *out);
/* UTC of a local time; out-of-range fields are carried (month 13, day 0). In the hour that a clock
 * change skips: the instant after it; in the hour that comes twice: the first one. */
int64_t zone_utc(const struct zone *, int year, int month, int day, int hour, int minute, int second);
int64_t zone_day_start(const struct zone *, int64_t t_us);
int64_t zone_month_start(const struct zone *, int64_t t_us);
int64_t zone_next_month(const struct zone *, int64_t t_us);

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar, and back. */
int64_t civil_days(int year, int month, int day);
void civil_from_days(int64_t days, int *year, int *month, int *day);

/* RFC 3339 with offset ("2026-04-16T08:00:00+09:00", up to microseconds). Without offset: zone's
 * local time when zone is given, else refused. */
bool time_parse(const char *s, const struct zone *, int64_t *t_us);
/* cap >= 40. Seconds, or microseconds where they are not 0. */
const char *time_format(int64_t t_us, const struct zone *, char *buf, unsigned cap);
/* ISO 8601 duration as B2MML uses it: PT4H, P1DT30M, PT0.5S; no years or months. */
bool duration_parse_iso(const char *s, int64_t *us);

#endif
