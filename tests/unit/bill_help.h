/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of bills share: tariffs, slots, and functions that fail the test instead of returning
 * an error.
 */
#ifndef FEMS_TESTS_BILL_HELP_H
#define FEMS_TESTS_BILL_HELP_H

#include "core/base/clock.h"
#include "core/tariff/tariff.h"

#define WON INT64_C(1000000)

/* %s: zone; bands without any demand when it says false; prices; rules. */
#define TARIFF_HEAD                                                                                          \
	"tariff: t\ntitle: {ko: k, en: e}\ncurrency: KRW\ndemand_interval: 15min\n"                          \
	"bands:\n  off: {ko: k, en: e, demand: false}\n  on: {ko: k, en: e, demand: true}\n"                 \
	"day_types:\n  any: {ko: k, en: e, weekdays: [mon, tue, wed, thu, fri, sat, sun]}\n"                 \
	"hours:\n  - {from: 2020-01-01, windows: [{off: [20:00-08:00], on: [08:00-20:00]}]}\n"
#define ONE_SEASON "seasons:\n  all: {ko: k, en: e, dates: [01-01..12-31]}\n"

struct tariff *load(const char *path, int64_t as_of, const char *calendar);
const char *shipped(void);
int64_t at(const struct tariff *t, int y, int mo, int d, int h, int mi);
const struct bill_line *line(const struct bill *b, const char *id);
int64_t amount(const struct bill *b, const char *id);
void check_sum(const struct bill *b);
struct tariff *from_text(const char *text);
struct bill_run *begin(const struct contract *c, int64_t from, int64_t to);
void add(struct bill_run *run, struct load_slot s);
void refused(struct bill_run *run, struct load_slot s, const char *says);
struct bill finish(const struct bill_run *run);
struct load_slot slot(int64_t start_us, int64_t wh);
struct bill one_slot(const struct contract *c, int y, int mo, int64_t start_us, int64_t wh);

#endif
