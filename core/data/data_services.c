/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/data/data_services.h"

#include <math.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/text.h"

static const char *const roles[] = { "main", "feeder", "machine", "pv", "battery", "other" };
static const char *const modes[] = { "off", "advise", "act" };
static const char *const kinds[] = { "gauge", "counter", "state" };

static const struct {
	uint32_t class;
	const char *name;
} qualities[] = {
	{ FEMS_Q_GOOD, "good" },
	{ FEMS_Q_INTERPOLATED, "interpolated" },
	{ FEMS_Q_ESTIMATED, "estimated" },
	{ FEMS_Q_MANUAL, "manual" },
	{ FEMS_Q_SUBSTITUTED, "substituted" },
	{ FEMS_Q_UNCERTAIN, "uncertain" },
	{ FEMS_Q_SUSPECT, "suspect" },
	{ FEMS_Q_OUT_OF_RANGE, "out-of-range" },
	{ FEMS_Q_NOT_AVAILABLE, "not-available" },
	{ FEMS_Q_DEVICE_ERROR, "device-error" },
	{ FEMS_Q_COMM_ERROR, "comm-error" },
};

static const char *quality_name(uint32_t quality)
{
	for (size_t i = 0; i < ARRAY_LEN(qualities); i++) {
		if (qualities[i].class == (quality & FEMS_Q_CLASS))
			return qualities[i].name;
	}
	return "uncertain";
}

static bool usable(const struct fems_sample *s)
{
	return (s->quality & FEMS_Q_CLASS) <= FEMS_Q_UNCERTAIN;
}

static json_t *labels(const char *ko, const char *en, const char *name)
{
	return json_pack("{s:s, s:s}", "ko", ko ? ko : en ? en : name, "en", en ? en : ko ? ko : name);
}

static json_t *time_or_null(int64_t t_us, const struct zone *zone)
{
	char buf[40];

	return t_us ? json_string(time_format(t_us, zone, buf, sizeof buf)) : json_null();
}

static json_t *age_or_null(int64_t t_us)
{
	return t_us ? json_real((double)(clock_now_us() - t_us) / 1e6) : json_null();
}

/* A value of a gauge, or of a counter as an integer: both exact enough for pages. */
static json_t *number(const struct quantity *q, double v)
{
	if (q->kind != Q_GAUGE && fabs(v) < 9e15)
		return json_integer(llround(v));
	return json_real(v);
}

static json_t *last_of(const struct data_services *ds, const char *device, const char *quantity)
{
	char name[sizeof((struct point *)0)->name];
	struct fems_sample s;
	const struct point *p;

	if (!str_copy(name, sizeof name, device) ||
	    !str_copy(name + strlen(name), sizeof name - strlen(name), "/") ||
	    !str_copy(name + strlen(name), sizeof name - strlen(name), quantity))
		return json_null();
	p = points_get(ds->points, points_find(ds->points, name));
	if (!p || !points_last(ds->points, p->id, &s) || !usable(&s))
		return json_null();
	return json_integer(llround(s.value));
}

json_t *data_services_meter(const struct data_services *ds, const struct site_meter *m)
{
	const struct zone *zone = *ds->site ? (*ds->site)->zone : NULL;
	const char *counter = m->role == METER_PV ? "energy.active.export" : "energy.active.import";
	struct device d = { 0 };

	device_find(ds->points, m->name, &d);
	return json_pack("{s:s, s:o, s:s, s:s?, s:s?, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:b}", "name",
			 m->name, "labels", labels(m->label_ko, m->label_en, m->name), "role", roles[m->role],
			 "parent", m->parent, "plugin", m->plugin, "state", device_state_name(d.state), "why",
			 d.why, "since", time_or_null(d.since_us, zone), "last",
			 time_or_null(d.last_us, zone), "age_s", age_or_null(d.last_us), "power_w",
			 last_of(ds, m->name, "power.active"), "energy_wh", last_of(ds, m->name, counter),
			 "unverified", d.unverified);
}

static enum fems_rc reply_out(json_t *o, json_t **reply, struct fems_error *e)
{
	*reply = o;
	return o ? FEMS_OK : err_set(e, FEMS_ENOMEM, "no memory for the reply");
}

static enum fems_rc meters_list(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	struct data_services *ds = ctx;
	const struct site *site = *ds->site;
	json_t *list = json_array();

	(void)request;
	for (size_t i = 0; site && i < site->n_meters; i++)
		json_array_append_new(list, data_services_meter(ds, &site->meters[i]));
	return reply_out(json_pack("{s:o}", "meters", list), reply, e);
}

static json_t *point_json(const struct data_services *ds, const struct point *p)
{
	const struct zone *zone = *ds->site ? (*ds->site)->zone : NULL;
	const struct quantity *q = p->quantity;
	struct fems_sample s = { 0 };
	bool any = points_last(ds->points, p->id, &s);
	json_t *o = json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:s, s:b}", "quantity", q->name, "labels",
			      labels(q->label_ko, q->label_en, q->name), "unit", q->unit, "value",
			      any && usable(&s) ? number(q, s.value) : json_null(), "time",
			      time_or_null(any ? s.t_us : 0, zone), "age_s", age_or_null(any ? s.t_us : 0),
			      "quality", any ? quality_name(s.quality) : "not-available", "unverified",
			      (p->flags & FEMS_POINT_UNVERIFIED) || (s.quality & FEMS_Q_UNVERIFIED));

	if (o && (p->flags & FEMS_POINT_WRITABLE))
		json_object_set_new(o, "writable",
				    json_pack("{s:f, s:f}", "min", p->write_min, "max", p->write_max));
	return o;
}

static enum fems_rc unknown_meter(const struct data_services *ds, const char *name, struct fems_error *e)
{
	const struct site *site = *ds->site;
	const char *names[64], *near;
	size_t n = 0;

	for (size_t i = 0; site && i < site->n_meters && n < ARRAY_LEN(names); i++)
		names[n++] = site->meters[i].name;
	near = str_nearest(name, names, n);
	if (near)
		return err_set(e, FEMS_ENOENT, "there is no meter \"%.80s\"; did you mean \"%s\"?", name,
			       near);
	return err_set(e, FEMS_ENOENT, "there is no meter \"%.80s\"; meters.list shows them", name);
}

static enum fems_rc meters_read(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	struct data_services *ds = ctx;
	struct device d = { 0 };
	const char *name;
	enum fems_rc rc = json_get_str(request, "meters.read", "name", false, &name, e);
	json_t *list;

	if (rc)
		return rc;
	if (!device_find(ds->points, name, &d) && (!*ds->site || !site_meter_find(*ds->site, name)))
		return unknown_meter(ds, name, e);
	list = json_array();
	for (uint32_t id = 1, n = points_count(ds->points); id <= n; id++) {
		const struct point *p = points_get(ds->points, id);

		if (!strcmp(p->device, name))
			json_array_append_new(list, point_json(ds, p));
	}
	return reply_out(json_pack("{s:s, s:s, s:s, s:o}", "name", name, "state", device_state_name(d.state),
				   "why", d.why, "points", list),
			 reply, e);
}

static enum fems_rc quantities_list(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	json_t *list = json_array();
	const struct quantity *q;

	(void)ctx;
	(void)request;
	for (size_t i = 0; (q = quantity_at(i)); i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "name", q->name, "unit",
						      q->unit, "kind", kinds[q->kind], "labels",
						      labels(q->label_ko, q->label_en, q->name)));
	return reply_out(json_pack("{s:o}", "quantities", list), reply, e);
}

/* ---- site ---- */

static json_t *meters_json(const struct site *site)
{
	json_t *list = json_array();

	for (size_t i = 0; i < site->n_meters; i++) {
		const struct site_meter *m = &site->meters[i];

		json_array_append_new(list, json_pack("{s:s, s:o, s:s?, s:s}", "name", m->name, "labels",
						      labels(m->label_ko, m->label_en, m->name), "parent",
						      m->parent, "role", roles[m->role]));
	}
	return list;
}

static json_t *machines_json(const struct site *site)
{
	json_t *list = json_array();

	for (size_t i = 0; i < site->n_machines; i++) {
		const struct site_machine *m = &site->machines[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:o, s:s?}", "id", m->id, "labels",
						labels(m->label_ko, m->label_en, m->id), "meter", m->meter));
	}
	return list;
}

static json_t *loads_json(const struct site *site)
{
	json_t *list = json_array();

	for (size_t i = 0; i < site->n_loads; i++) {
		const struct site_load *l = &site->loads[i];

		json_array_append_new(
			list, json_pack("{s:s, s:o, s:s?, s:s?, s:I, s:I, s:I, s:I, s:I}", "name", l->name,
					"labels", labels(l->label_ko, l->label_en, l->name), "point",
					l->point, "meter", l->meter, "power_w", (json_int_t)l->power_w,
					"priority", (json_int_t)l->priority, "min_off_us",
					(json_int_t)l->min_off_us, "max_off_us", (json_int_t)l->max_off_us,
					"min_on_us", (json_int_t)l->min_on_us));
	}
	return list;
}

static json_t *battery_json(const struct site_battery *b)
{
	if (!b->meter)
		return json_null();
	return json_pack("{s:s, s:s?, s:I, s:I, s:I, s:I}", "meter", b->meter, "setpoint", b->setpoint,
			 "capacity_wh", (json_int_t)b->capacity_wh, "power_w", (json_int_t)b->power_w,
			 "min_wh", (json_int_t)b->min_wh, "max_wh", (json_int_t)b->max_wh);
}

static enum fems_rc site_get(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	const struct data_services *ds = ctx;
	const struct site *s = *ds->site;
	json_int_t target;

	(void)request;
	if (!s)
		return err_set(e, FEMS_AGAIN, "the site is not read yet; try again");
	target = s->demand_target_w ? s->demand_target_w : s->contract_w;
	return reply_out(json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s?, s:o, s:o, s:o, s:o}", "name",
				   s->name, "currency", s->currency, "language", s->language, "zone",
				   zone_name(s->zone), "control", modes[s->control], "contract_w",
				   (json_int_t)s->contract_w, "target_w", target, "main_meter", s->main_meter,
				   "meters", meters_json(s), "machines", machines_json(s), "loads",
				   loads_json(s), "battery", battery_json(&s->battery)),
			 reply, e);
}

void data_services_register(struct services *services, struct data_services *ctx)
{
	service_add(services, "meters.list", SERVICE_ON_LOOP, meters_list, ctx,
		    "Meters with state and power");
	service_add(services, "meters.read", SERVICE_ON_LOOP, meters_read, ctx, "Values of one meter");
	service_add(services, "quantities.list", SERVICE_ON_LOOP, quantities_list, ctx,
		    "The vocabulary of quantities");
	service_add(services, "site", SERVICE_ON_LOOP, site_get, ctx,
		    "Site, meters, machines, loads, battery");
}
