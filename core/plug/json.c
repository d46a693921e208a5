/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/plugs.h"

#include <stdlib.h>

#include "core/base/clock.h"

#define STUCK_US (5 * US_PER_S)

/* With the instance's lock held. */
static const char *state_name(struct instance *i)
{
	static const char *const names[] = { [INSTANCE_NEW] = "starting",
					     [INSTANCE_RUNNING] = "running",
					     [INSTANCE_RESTARTING] = "restarting",
					     [INSTANCE_PARKED] = "parked",
					     [INSTANCE_STOPPED] = "stopped" };
	enum instance_state state = instance_state_get(i);

	if (state != INSTANCE_RUNNING)
		return names[state];
	if (atomic_load(&i->busy_op) >= 0 &&
	    clock_mono_us() - atomic_load(&i->busy_since_us) > atomic_load(&i->busy_budget_us) + STUCK_US)
		return "stuck";
	return i->failing ? "failing" : "running";
}

static json_t *instance_json(struct instance *i, bool with_settings)
{
	const struct plug_face *f;
	json_t *o;

	pthread_mutex_lock(&i->lock);
	if (!i->item) {
		pthread_mutex_unlock(&i->lock);
		return NULL;
	}
	f = i->item->face;
	o = json_pack("{s:s, s:s, s:s, s:o, s:s, s:b, s:i, s:s}", "name", i->name, "plugin", f->name,
		      "version", f->version, "kinds", face_kinds(f), "state", state_name(i), "isolated",
		      (int)i->item->isolate, "restarts", (int)i->restarts, "last_error", i->last_error);
	if (o && with_settings)
		json_object_set_new(o, "settings", item_json(i->item, true));
	pthread_mutex_unlock(&i->lock);
	return o;
}

json_t *plugs_json(struct plugs *p, bool with_settings)
{
	size_t n;
	struct instance **all = plugs_all(p, &n);
	json_t *a = json_array();

	for (size_t k = 0; k < n; k++) {
		json_t *o = instance_json(all[k], with_settings);

		if (o)
			json_array_append_new(a, o);
		instance_put(all[k]);
	}
	free(all);
	return a;
}
