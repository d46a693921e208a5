/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings of the instance and of its meters, and what they lead to: addresses and profiles.
 */
#ifndef MODBUS_SETTINGS_H
#define MODBUS_SETTINGS_H

#include <fems/plugin.h>
#include "meters/modbus/link.h"
#include "meters/modbus/profile.h"

struct modbus_cfg {
	int64_t poll;
	const char *profiles;
};

struct modbus_device_cfg { /* "name" first: core/plug counts on it */
	const char *name, *profile, *url;
	int64_t interval; /* 0: the instance's poll */
	int64_t timeout;
	int64_t invert;
};

extern const struct fems_key modbus_keys[], modbus_device_keys[];

struct loaded_device {
	const struct modbus_device_cfg *cfg;
	struct link_addr addr;
	const struct profile *profile; /* belongs to struct loaded */
	size_t line;                   /* devices with the same number share a link */
};

struct loaded {
	struct loaded_device *devices;
	size_t n, n_lines;
	struct profile **profiles; /* each once */
	size_t n_profiles;
};

/* Judges all settings and reads the profiles; on failure nothing is left allocated. */
enum fems_rc loaded_read(struct loaded *, const struct fems_settings *, struct fems_error *);
void loaded_free(struct loaded *);

#endif
