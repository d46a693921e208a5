/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands to machines: the recorded way back from plans and guards to meters. Checks the control
 * mode, that the point is writable, its range and the rate of writes; then hands the write to the
 * plugin that owns the point, which reads back. Every attempt, allowed or not, goes into the audit.
 * With control off or advise nothing ever leaves. A write is at least 5 s of plant time behind the last
 * one to the same point, unless it repeats its value (set-points with a watchdog).
 */
#ifndef FEMS_ACT_ACT_H
#define FEMS_ACT_ACT_H

#include <fems/plugin.h>
#include "core/base/site.h"
#include "core/data/point.h"
#include "core/store/store.h"

struct act;

/* Writes through the owner of the point; given by core/plug. */
typedef enum fems_rc (*act_write_fn)(void *ctx, const struct point *, double value, struct fems_error *);

struct act_options {
	const struct site *site;
	struct points *points;
	struct store *store;
	act_write_fn write;
	void *write_ctx;
	int64_t min_gap_us; /* between two writes to one point; 0: 5 s of plant time */
};
enum fems_rc act_new(const struct act_options *, struct act **out, struct fems_error *);
void act_free(struct act *);
/* After a reload; the old site may be freed afterwards. */
void act_set_site(struct act *, const struct site *);
/* From any thread. FEMS_EAUTH: control is off or advise (the text says so). */
enum fems_rc act_command(struct act *, const char *who, const char *point, double value, const char *reason,
			 struct fems_error *);

#endif
