/* SPDX-License-Identifier: Apache-2.0
 *
 * Registry of devices (meters) and of their points. Append-only while femsd runs: an id stays valid,
 * so readers need no lock beyond the one inside. Not the values: those are on the bus and in the store.
 */
#ifndef FEMS_DATA_POINT_H
#define FEMS_DATA_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <fems/plugin.h>
#include "core/data/quantity.h"

struct points;

struct point {
	uint32_t id;    /* from 1 */
	uint32_t flags; /* enum fems_point_flag */
	char name[96];  /* DEVICE/QUANTITY */
	char device[64];
	const struct quantity *quantity;
	double resolution, write_min, write_max;
	char owner[64]; /* plugin instance that made it */
};

struct device {
	char name[64], owner[64], why[256];
	enum fems_device_state state;
	int64_t since_us; /* of the state */
	int64_t last_us;  /* newest sample with a usable value, 0: none yet */
	uint64_t samples, errors;
	bool unverified; /* one of its points is FEMS_POINT_UNVERIFIED */
};

/* The registry and the last sample of every point. */
struct points *points_new(void);
void points_free(struct points *);

/* Makes the point or finds it; 0 with a text for an unknown quantity or another owner's device. */
uint32_t points_add(struct points *, const char *owner, const struct fems_point_info *, struct fems_error *);
uint32_t points_find(const struct points *, const char *name);
/* Borrowed for the life of the registry; NULL for an unknown id. */
const struct point *points_get(const struct points *, uint32_t id);
uint32_t points_count(const struct points *);
/* DEVICE/QUANTITY with "*" as device. */
bool point_matches(const struct point *, const char *pattern);

/* Last values: written by the bus for each sample, read by anybody. False: none yet. */
void points_note(struct points *, const struct fems_sample *, size_t n);
bool points_last(const struct points *, uint32_t id, struct fems_sample *out);

/* Devices; a state change returns true. */
bool device_set_state(struct points *, const char *owner, const char *device, enum fems_device_state,
		      const char *why, int64_t now_us);
size_t devices_count(const struct points *);
/* Copies the i-th; false behind the last. */
bool device_at(const struct points *, size_t i, struct device *out);
bool device_find(const struct points *, const char *name, struct device *out);
const char *device_state_name(enum fems_device_state);

#endif
