/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/daemon/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/loop/worker.h"
#include "core/store/store_services.h"

#define BUS_SAMPLES         (1u << 16)
#define WRITE_BUDGET_US     (2 * US_PER_S)
#define PLAUSIBLE_CONTRACTS 4 /* a meter that shows more than this many times the contract power is wrong */

static enum fems_rc write_point(void *ctx, const struct point *p, double value, struct fems_error *e)
{
	struct daemon *d = ctx;

	return plugs_write(d->plugs, p, value, WRITE_BUDGET_US, e);
}

static enum fems_rc act_service(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	struct daemon *d = ctx;
	const char *point = NULL, *reason = "", *who = "femsctl";
	double value = 0;
	enum fems_rc rc = json_get_str(request, "act.command", "point", false, &point, e);

	if (!rc)
		rc = json_get_num(request, "act.command", "value", false, &value, e);
	if (!rc)
		rc = json_get_str(request, "act.command", "reason", true, &reason, e);
	if (!rc)
		rc = json_get_str(request, "act.command", "who", true, &who, e);
	if (!rc)
		rc = act_command(d->act, who, point, value, reason, e);
	if (!rc)
		*reply = json_pack("{s:s,s:s}", "result", "done", "text", "written and read back");
	return rc;
}

/* The parts that need no settings. */
static enum fems_rc open_base(struct daemon *d, struct fems_error *e)
{
	const char *host = getenv("FEMS_HOST_PROGRAM");
	struct plugs_options o = { .plugin_dir = FEMS_PLUGIN_DIR,
				   .host_path = host ? host : FEMS_LIBEXEC_DIR "/fems-host" };
	enum fems_rc rc = loop_new(&d->loop, e);

	if (!rc)
		rc = bus_new(BUS_SAMPLES, &d->bus, e);
	if (rc)
		return rc;
	d->services = services_new(d->loop);
	d->points = points_new();
	if (!d->services || !d->points)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	o.loop = d->loop;
	o.services = d->services;
	o.bus = d->bus;
	o.points = d->points;
	daemon_plug_hooks(d, &o.hooks);
	return plugs_new(&o, &d->plugs, e);
}

static struct setup *read_setup(struct daemon *d, struct fems_error *e)
{
	struct faults *faults = faults_new();
	struct setup *s = faults ? setup_read(d->path, d->plugs, faults) : NULL;
	char *text = faults ? faults_text(faults) : NULL;

	if (text && *text)
		fprintf(stderr, "%s", text);
	if (!s)
		err_set(e, FEMS_EINVAL, "%s: %zu faults in the settings; nothing was changed", d->path,
			faults ? faults_errors(faults) : 1);
	free(text);
	faults_free(faults);
	return s;
}

static enum fems_rc open_store(struct daemon *d, struct fems_error *e)
{
	const struct store_options *o = site_settings_store(d->setup->settings);
	char state[512];
	enum fems_rc rc = store_open(o, &d->store, e);

	if (rc)
		return rc;
	snprintf(state, sizeof state, "%s/state", o->dir);
	rc = plugs_set_state_dir(d->plugs, state, e);
	return rc ? rc
		  : recorder_open(d->bus, d->points, d->store,
				  (double)(PLAUSIBLE_CONTRACTS * d->site->contract_w), &d->recorder, e);
}

/* What needs a tariff: the bill and the plan. */
static enum fems_rc open_money(struct daemon *d, struct fems_error *e)
{
	struct billing_options bo = {
		.store = d->store, .services = d->services, .site = d->site, .tariff = d->setup->tariff
	};
	struct planner_options po = { .loop = d->loop,
				      .services = d->services,
				      .store = d->store,
				      .site = d->site,
				      .tariff = d->setup->tariff,
				      .seed = 1 };
	enum fems_rc rc = billing_open(&bo, &d->billing, e);

	if (rc || !d->setup->tariff)
		return rc;
	billing_plan(d->billing, daemon_plan_power, d);
	daemon_planner_hooks(d, &po.hooks);
	return planner_open(&po, &d->planner, e);
}

static enum fems_rc open_analyses(struct daemon *d, struct fems_error *e)
{
	struct act_options ao = {
		.site = d->site, .points = d->points, .store = d->store, .write = write_point, .write_ctx = d
	};
	struct delivery_hooks dh;
	enum fems_rc rc = act_new(&ao, &d->act, e);

	daemon_delivery_hooks(d, &dh);
	if (!rc)
		rc = open_money(d, e);
	if (!rc)
		rc = worker_new("battery", &d->battery, e);
	if (!rc)
		rc = delivery_open(d->store, &dh, &d->delivery, e);
	return rc;
}

static void register_services(struct daemon *d)
{
	d->data_services = (struct data_services){ .site = &d->site, .points = d->points };
	data_services_register(d->services, &d->data_services);
	store_services_register(d->services, d->store);
	service_add(d->services, "act.command", SERVICE_ANYWHERE, act_service, d,
		    "Writes a point through core/act");
	status_register(d);
}

static void battery_due(void *ctx, int64_t due_us)
{
	(void)due_us;
	battery_follow(ctx);
}

static enum fems_rc start(struct daemon *d, struct fems_error *e)
{
	enum fems_rc rc = plugs_apply(d->plugs, &d->setup->set, e);

	if (rc)
		return rc;
	delivery_wake(d->delivery);
	if (!loop_every(d->loop, US_PER_MIN, 2 * US_PER_S, battery_due, d))
		return err_set(e, FEMS_ENOMEM, "out of memory");
	return control_open(site_settings_socket(d->setup->settings), d->services, &d->control, e);
}

enum fems_rc daemon_open(struct daemon *d, const char *path, struct fems_error *e)
{
	enum fems_rc rc;

	memset(d, 0, sizeof *d);
	d->path = path;
	d->started_us = clock_now_us();
	d->started_mono_us = clock_mono_us();
	rc = open_base(d, e);
	if (!rc && !(d->setup = read_setup(d, e)))
		rc = FEMS_EINVAL;
	if (!rc) {
		d->site = site_settings_site(d->setup->settings);
		log_set_level(site_settings_log_level(d->setup->settings));
		rc = open_store(d, e);
	}
	if (!rc)
		rc = open_analyses(d, e);
	if (!rc) {
		register_services(d);
		rc = start(d, e);
	}
	if (rc)
		daemon_close(d);
	return rc;
}

/* What a running femsd cannot exchange. */
static bool same_ground(const struct daemon *d, const struct setup *s, struct fems_error *e)
{
	if (strcmp(site_settings_store(d->setup->settings)->dir, site_settings_store(s->settings)->dir))
		err_set(e, FEMS_EUNSUP, "store.dir changed, which needs a restart");
	else if (strcmp(site_settings_socket(d->setup->settings), site_settings_socket(s->settings)))
		err_set(e, FEMS_EUNSUP, "socket changed, which needs a restart");
	else if (!d->planner != !s->tariff)
		err_set(e, FEMS_EUNSUP, "site.tariff was added or removed, which needs a restart");
	else
		return true;
	return false;
}

void daemon_reload(struct daemon *d)
{
	struct fems_error e = { .text = "" };
	struct setup *s = read_setup(d, &e), *old = d->setup;

	if (!s || !same_ground(d, s, &e) || plugs_apply(d->plugs, &s->set, &e)) {
		log_line(FEMS_LOG_ERROR, "reload", "%s; the old settings stay in force", e.text);
		setup_free(s);
		return;
	}
	d->setup = s;
	d->site = site_settings_site(s->settings);
	log_set_level(site_settings_log_level(s->settings));
	act_set_site(d->act, d->site);
	billing_set(d->billing, d->site, s->tariff);
	if (d->planner)
		planner_site(d->planner, d->site, s->tariff);
	delivery_wake(d->delivery);
	setup_free(old);
	if (store_audit(d->store, "femsd", "reload", d->path, "{}", &e))
		log_line(FEMS_LOG_WARN, "reload", "not recorded: %s", e.text);
	log_line(FEMS_LOG_INFO, "reload", "%s is in force", d->path);
}

void daemon_close(struct daemon *d)
{
	struct fems_error e = { .text = "" };
	bool stuck = false;

	control_close(d->control);
	if (d->planner && !planner_close(d->planner, US_PER_S / 2))
		stuck = true;
	if (d->delivery && !delivery_close(d->delivery, US_PER_S / 2))
		stuck = true;
	if (d->plugs)
		plugs_stop(d->plugs, US_PER_S);
	if (d->battery && worker_stop(d->battery, US_PER_S / 4))
		worker_free(d->battery);
	recorder_close(d->recorder);
	if (d->store && store_close(d->store, US_PER_S, &e))
		log_line(FEMS_LOG_ERROR, "store", "%s", e.text);
	if (stuck)
		return; /* a thread that did not come back still uses the rest; the process ends now */
	if (d->plugs)
		plugs_free(d->plugs);
	billing_close(d->billing);
	act_free(d->act);
	if (d->points)
		points_free(d->points);
	if (d->bus)
		bus_free(d->bus);
	if (d->services)
		services_free(d->services);
	if (d->loop)
		loop_free(d->loop);
	setup_free(d->setup);
}
