/* SPDX-License-Identifier: Apache-2.0
 *
 * The site as the settings describe it: name, zone, currency, its tree of meters, its machines, its
 * storage. Made by core/site_settings.c, immutable afterwards; a reload makes a new one.
 */
#ifndef FEMS_BASE_SITE_H
#define FEMS_BASE_SITE_H

#include <stdint.h>
#include "core/base/zone.h"

enum meter_role { METER_MAIN, METER_FEEDER, METER_MACHINE, METER_PV, METER_BATTERY, METER_OTHER };
enum control_mode { CONTROL_OFF, CONTROL_ADVISE, CONTROL_ACT };

struct site_meter {
	const char *name, *label_ko, *label_en, *plugin;
	const char *parent; /* name of the meter upstream, NULL: none */
	enum meter_role role;
};

struct site_machine {   /* an equipment of the ERP's plan that draws power through one meter */
	const char *id; /* EquipmentID in documents */
	const char *label_ko, *label_en;
	const char *meter; /* name of its meter, NULL: none of its own */
	int64_t running_w; /* mean power while an order runs, used where the order does not say */
	int64_t idle_w;    /* below this it counts as not running */
};

struct site_battery {
	const char *meter;    /* NULL: no battery */
	const char *setpoint; /* point for its power set-point, "battery/power.setpoint"; positive = charge */
	int64_t capacity_wh, power_w;
	int64_t min_wh, max_wh;      /* range of stored energy that may be used */
	int64_t efficiency_permille; /* round trip */
};

struct site_load { /* a load that may be shed */
	const char *name, *label_ko, *label_en;
	const char *point; /* point that is written; value 1 sheds, 0 restores */
	const char *meter; /* its own meter, to see that it obeyed */
	int64_t power_w;
	int64_t priority; /* low is shed first */
	int64_t min_off_us, max_off_us, min_on_us;
};

struct site {
	const char *name, *currency, *language; /* language "ko" or "en" */
	struct zone *zone;
	enum control_mode control;
	const char *main_meter; /* the meter that is billed */
	const char *tariff_path;
	int64_t contract_w;
	int64_t demand_target_w; /* 0: contract power */
	int64_t horizon_us;      /* planning horizon */
	int64_t plan_budget_us;  /* real time for one search */
	const struct site_meter *meters;
	size_t n_meters;
	const struct site_machine *machines;
	size_t n_machines;
	const struct site_load *loads;
	size_t n_loads;
	struct site_battery battery;
};

const struct site_meter *site_meter_find(const struct site *, const char *name);
const struct site_machine *site_machine_find(const struct site *, const char *id);

#endif
