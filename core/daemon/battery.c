/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/daemon/daemon.h"

#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/loop/worker.h"

struct setpoint { /* owned by the job that writes it */
	struct act *act;
	char point[96];
	int64_t power_w;
};

static void write_setpoint(void *ctx)
{
	struct setpoint *s = ctx;
	struct fems_error e = { .text = "" };

	if (act_command(s->act, "plan", s->point, (double)s->power_w, "battery power of the plan", &e))
		log_line(FEMS_LOG_WARN, "battery", "%s", e.text);
	free(s);
}

/* Power of the slot that runs now; false: the plan says nothing about it. */
static bool planned_power(const json_t *plan, int64_t now_us, int64_t *power_w)
{
	const json_t *battery = json_object_get(plan, "battery_w");
	int64_t from_us = 0, slot_s = json_integer_value(json_object_get(plan, "slot_s")), i;

	if (!json_is_array(battery) || slot_s <= 0 ||
	    json_get_time(plan, "plan", "from", false, &from_us, NULL))
		return false;
	i = (now_us - from_us) / (slot_s * US_PER_S);
	if (now_us < from_us || i >= (int64_t)json_array_size(battery))
		return false;
	*power_w = json_integer_value(json_array_get(battery, (size_t)i));
	return true;
}

void battery_follow(struct daemon *d)
{
	const struct site_battery *b = &d->site->battery;
	struct setpoint *s;
	json_t *plan;

	if (d->site->control != CONTROL_ACT || !b->meter || !b->setpoint || !d->planner)
		return;
	s = calloc(1, sizeof *s);
	plan = planner_plan_json(d->planner);
	if (s && planned_power(plan, clock_now_us(), &s->power_w) &&
	    str_copy(s->point, sizeof s->point, b->setpoint)) {
		s->act = d->act;
		if (worker_post(d->battery, write_setpoint, s))
			s = NULL;
	}
	free(s);
	json_decref(plan);
}
