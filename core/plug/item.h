/* SPDX-License-Identifier: Apache-2.0
 *
 * The settings of one instance, checked and filled: what an item of "plugins" and the items of
 * "meters" that belong to it say. Immutable after it was made.
 */
#ifndef FEMS_PLUG_ITEM_H
#define FEMS_PLUG_ITEM_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include "core/conf/conf.h"
#include "core/plug/face.h"

struct item_text {           /* a mapping on its way to fems-host; secrets stay references */
	char *json;          /* NULL: no mapping, everything default */
	char file[PATH_MAX]; /* what relative paths refer to */
};

struct plug_item {
	char name[64], plugin[64], path[PATH_MAX];
	bool isolate;
	int64_t interval_us;
	const struct plug_face *face;
	struct plug_face own_face;             /* inside this process: face points here */
	struct plug_face *remote_face;         /* isolated: the same, received */
	const struct fems_plugin *plugin_desc; /* NULL when isolated */
	void *cfg;
	struct conf_filled *filled;
	char *devices;
	struct conf_filled **dev_filled;
	size_t n_devices;
	struct fems_settings settings;
	char *effective; /* JSON of all values in force: two items do the same when it is equal */
	struct item_text text, *dev_texts;
};

/* Nodes an item is made of. map NULL: everything default. */
struct item_source {
	const struct conf_node *map;
	const struct conf_node **meters;
	size_t n_meters;
};

/* Fills it->cfg and it->devices by it->face; false with faults. */
bool item_fill(struct plug_item *, const struct item_source *, struct faults *);
/* Keeps the texts that fems-host needs. False: out of memory. */
bool item_keep_texts(struct plug_item *, const struct item_source *);
void item_free(struct plug_item *);
const char *item_device_name(const struct plug_item *, size_t i);
bool item_has_device(const struct plug_item *, const char *name);
/* Neither plugin, place, interval nor any value differs. */
bool item_same(const struct plug_item *, const struct plug_item *);

/* All values of a table as JSON; mask: secrets as "********". */
json_t *settings_json(const struct fems_key *keys, const void *cfg, bool mask);
json_t *item_json(const struct plug_item *, bool mask);

/* For fems-host and back: name and texts; item_unpack() fills by it->face and says what is wrong. */
void item_pack(struct text *, const struct plug_item *);
enum fems_rc item_unpack(struct wire_in *, struct plug_item *, struct fems_error *);

extern const char *const plug_item_core_keys[];

#endif
