/* SPDX-License-Identifier: Apache-2.0
 *
 * Holiday lists (etc/calendars): dated days, each of a class such as statutory, substitute or ad-hoc,
 * with the span for which the list is complete. A day outside that span is not a workday: it is
 * unknown, and asking for it is an error.
 */
#ifndef FEMS_TARIFF_CALENDAR_H
#define FEMS_TARIFF_CALENDAR_H

#include "core/conf/conf.h"

enum { CALENDAR_MAX_CLASSES = 16 };

struct calendar;

/* NULL with faults. */
struct calendar *calendar_load(const char *path, struct faults *);
/* From from_day to to_day exactly these days (rising, inside) are holidays, of the first class; the span
 * grows to include them. False: not rising, outside, or out of memory; nothing has changed then. */
bool calendar_replace(struct calendar *, const int64_t *days, size_t n, int64_t from_day, int64_t to_day);
void calendar_free(struct calendar *);
/* First and last day that the list covers. */
void calendar_span(const struct calendar *, int64_t *from_day, int64_t *to_day);
/* Index of a class, -1: unknown. */
int calendar_class(const struct calendar *, const char *name);
const char *calendar_class_name(const struct calendar *, int i); /* NULL behind the last */
/* Class of a day in the list, -1: not in it. */
int calendar_day(const struct calendar *, int64_t day);
/* Its name in "ko" or "en", NULL: not in the list. */
const char *calendar_day_name(const struct calendar *, int64_t day, const char *lang);

#endif
