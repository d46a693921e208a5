/* SPDX-License-Identifier: Apache-2.0
 *
 * The rooms put together: what starts in which order, how a reload exchanges the settings, and how
 * all of it ends within three seconds. The only place that knows every room.
 */
#ifndef FEMS_DAEMON_DAEMON_H
#define FEMS_DAEMON_DAEMON_H

#include "core/act/act.h"
#include "core/daemon/control.h"
#include "core/daemon/delivery.h"
#include "core/daemon/recorder.h"
#include "core/daemon/setup.h"
#include "core/data/data_services.h"
#include "core/plan/planner.h"
#include "core/plug/plug.h"
#include "core/store/store.h"
#include "core/tariff/billing.h"

#define STOP_BUDGET_US (3 * US_PER_S)

struct daemon {
	const char *path;   /* of the settings */
	int64_t started_us; /* plant time */
	int64_t started_mono_us;
	struct loop *loop;
	struct services *services;
	struct bus *bus;
	struct points *points;
	struct plugs *plugs;
	struct setup *setup; /* in force */
	const struct site *site;
	struct store *store;
	struct recorder *recorder;
	struct billing *billing;
	struct planner *planner; /* NULL: no tariff */
	struct act *act;
	struct delivery *delivery;
	struct control *control;
	struct worker *battery; /* writes the plan's set-point */
	struct data_services data_services;
};

/* Reads the settings and starts everything. On failure what was started is stopped again; faults of
 * the settings are printed. */
enum fems_rc daemon_open(struct daemon *, const char *path, struct fems_error *);
/* SIGHUP: the new settings completely, or the old ones as they were, with a message. Loop thread. */
void daemon_reload(struct daemon *);
void daemon_close(struct daemon *);

/* status.c */
void status_register(struct daemon *);
/* battery.c: writes the plan's battery power of this slot, again every minute. Loop thread. */
void battery_follow(struct daemon *);
/* hooks.c: what plugins, the planner and the bill call. */
void daemon_plan_power(void *ctx, int64_t from_us, int64_t *w, size_t n);
void daemon_plug_hooks(struct daemon *, struct plug_hooks *);
void daemon_planner_hooks(struct daemon *, struct planner_hooks *);
void daemon_delivery_hooks(struct daemon *, struct delivery_hooks *);

#endif
