/* SPDX-License-Identifier: Apache-2.0
 *
 * One meter: its points, its requests, its health. device_poll() belongs to the thread of its line;
 * device_write() may be called from another thread at the same time.
 *
 * Every value carries the middle of its own request and reply. A value that could not be had is
 * reported once, when that begins, and never replaced by an older one.
 */
#ifndef MODBUS_DEVICE_H
#define MODBUS_DEVICE_H

#include <stdatomic.h>
#include <fems/plugin.h>
#include "meters/modbus/plan.h"
#include "meters/modbus/settings.h"

struct device_item { /* beside each item of the plan */
	enum { ITEM_UNREAD, ITEM_READ, ITEM_REFUSED } state;
	int exception;
	uint16_t words[REG_MAX_WORDS];
	int64_t t_us;
	uint32_t t_unc_us;
};

struct device_value {
	const struct profile_reg *reg;
	uint32_t point;
	int item, scale_item; /* indices of the plan; scale_item -1: none */
	double sign;
	uint32_t told; /* class of quality that was emitted last; 0xff: none yet */
};

struct device {
	const struct fems_host *host;
	const struct modbus_device_cfg *cfg;
	const struct profile *profile;
	struct link *link;
	int unit;
	int64_t interval_us, timeout_us;
	struct plan plan;
	struct device_item *items;
	int64_t *refused_until; /* per request, monotonic: do not ask again before */
	struct device_value *values;
	size_t n_values;
	struct fems_sample *samples;
	atomic_bool identified;
	int64_t due_us; /* plant time of the next poll */
	uint64_t missed;
	unsigned fails;                                  /* polls in a row without an answer */
	int64_t answered_us, probe_us, probe_backoff_us; /* monotonic */
	enum fems_device_state state;
	char why[256];
	int64_t why_us;
};

/* Makes the plan and the points. link is borrowed. */
enum fems_rc device_open(struct device *, const struct fems_host *, const struct loaded_device *,
			 struct link *, int64_t poll_us, struct fems_error *);
void device_close(struct device *);
/* Reads everything once, emits, judges the health. */
void device_poll(struct device *);
/* Writes, reads back, emits what was read back. */
enum fems_rc device_write(struct device *, const struct device_value *, double value, int64_t budget_us,
			  struct fems_error *);

#endif
