/* SPDX-License-Identifier: Apache-2.0
 *
 * All instances of this femsd. Private to this room.
 */
#ifndef FEMS_PLUG_PLUGS_H
#define FEMS_PLUG_PLUGS_H

#include "core/base/zone.h"
#include "core/plug/instance.h"

struct plug_name { /* names live as long as plugs: they are lent out and are contexts of services */
	struct plug_name *next;
	struct plugs *plugs;
	char name[64];
};

struct plugs {
	struct plugs_options o;
	char *plugin_dir, *host_path, *state_dir;
	struct zone *utc;       /* times in notices */
	pthread_mutex_t lock;   /* guards list and names */
	struct instance **list; /* in the order of the settings */
	size_t n;
	struct plug_name *names;
	struct loop_timer *watch;
	bool left; /* somebody was left behind: nothing may be freed */
	/* Set by tests to make restarts quick; else the values of plugs_new(). */
	int64_t restart_first_us, restart_max_us, crash_window_us;
};

struct plug_set {
	struct plug_item **items;
	size_t n, cap;
};

/* With a reference, or NULL; instance_put(). */
struct instance *plugs_get(struct plugs *, const char *name);
/* The list with a reference on each; free() and instance_put() each. NULL when empty. */
struct instance **plugs_all(struct plugs *, size_t *n);
/* Puts an instance in or takes it out of the list; the list's reference goes with it. */
bool plugs_list_add(struct plugs *, struct instance *);
void plugs_list_remove(struct plugs *, struct instance *);
const char *plugs_name(struct plugs *, const char *name);
/* The notice of one instance (NULL: the core) to all others, and to the hook. */
void plugs_spread(struct plugs *, const struct instance *from, const char *topic, struct fems_span body);
/* The notice "meter" with the state of a device; from as above. */
void plugs_device_notice(struct plugs *, const struct instance *from, const char *device);
/* The service "NAME.": from now on answered by the instance, or by nobody. */
void plugs_service(struct plugs *, const char *name, bool on);

#endif
