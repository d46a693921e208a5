/* SPDX-License-Identifier: Apache-2.0
 *
 * The newest power of every meter, as the event "power" shows it. A value is stale when it is older
 * than three times the meter's own interval, or when its meter was reported offline since.
 */
#ifndef FEMS_WEB_POWER_H
#define FEMS_WEB_POWER_H

#include <stdbool.h>
#include <stdint.h>
#include <fems/plugin.h>

struct power;

struct power *power_new(void);
void power_free(struct power *);

/* Samples of "*" "/power.active"; those without a usable value are left out. */
enum fems_rc power_feed(struct power *, const struct fems_sample *, size_t n);
/* True once per unknown point: the names of the meters are to be fetched again. */
bool power_wants_names(struct power *);
/* reply of meters.list */
void power_set_names(struct power *, const struct fems_host *, const char *reply, size_t len);
/* body of a notice "meter" */
void power_meter_notice(struct power *, struct fems_span body);
/* {"now","power","stale"}, malloc()ed; NULL: out of memory. */
char *power_json(struct power *, int64_t now_us);

#endif
