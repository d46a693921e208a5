/* SPDX-License-Identifier: Apache-2.0
 *
 * What site_settings.c (sections) and site_items.c (meters, machines, loads) share.
 */
#ifndef FEMS_SITE_READ_H
#define FEMS_SITE_READ_H

#include "core/site_settings.h"

#define SITE_MAX_POWER_W 1e12

struct site_settings {
	struct site site;
	struct site_meter *meters;
	struct site_machine *machines;
	struct site_load *loads;
	struct store_options store;
	const char *socket;
	enum fems_level log_level;
	const struct conf_node *root;
	struct conf_filled **filled; /* owns the strings */
	size_t n_filled;
};

struct reader {
	struct site_settings *s;
	struct faults *faults;
	bool failed;
};

/* Adds the fault and remembers the failure; false always. */
bool reader_no_memory(struct reader *);
/* conf_fill() whose strings live as long as the settings. */
bool reader_fill(struct reader *, const struct conf_node *map, const struct fems_key *, void *dst,
		 size_t size, const char *what, const char *const *also);
/* Meters, machines and loads. */
void site_items_read(struct reader *);

/* NULL for a text that was left empty. */
static inline const char *or_null(const char *s)
{
	return s && *s ? s : NULL;
}

#endif
