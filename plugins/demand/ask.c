/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/demand/demand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <fems/util.h>

static void keep(void *ctx, struct fems_span json)
{
	json_t **out = ctx;

	*out = json_loadb(json.ptr, json.len, 0, NULL);
}

/* New reference, NULL: no answer now. */
static json_t *ask(struct demand *d, const char *service, const char *request)
{
	struct fems_error e = { .text = "" };
	json_t *reply = NULL;

	if (d->host->call(d->host->ctx, service, fems_span_of(request), keep, &reply, &e))
		d->host->log(d->host->ctx, FEMS_LOG_DEBUG, "%s: %s", service, e.text);
	return reply;
}

static int64_t integer(const json_t *o, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(o, key));
}

static void copy(char *dst, size_t cap, const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	snprintf(dst, cap, "%s", s ? s : "");
}

static void load_read(struct load *l, const json_t *o)
{
	const json_t *labels = json_object_get(o, "labels");

	copy(l->name, sizeof l->name, o, "name");
	copy(l->label_ko, sizeof l->label_ko, labels, "ko");
	copy(l->label_en, sizeof l->label_en, labels, "en");
	copy(l->point, sizeof l->point, o, "point");
	l->power_w = integer(o, "power_w");
	l->priority = integer(o, "priority");
	l->min_off_us = integer(o, "min_off_us");
	l->max_off_us = integer(o, "max_off_us");
	l->min_on_us = integer(o, "min_on_us");
}

static int by_priority(const void *a, const void *b)
{
	const struct load *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Takes the list of the settings; a load that is still there keeps its state. */
static void loads_take(struct demand *d, const json_t *list)
{
	struct load *old = calloc(MAX_LOADS, sizeof *old);
	int n_old = d->n_loads;
	const json_t *o;
	size_t i;

	if (!old)
		return;
	memcpy(old, d->loads, sizeof d->loads);
	d->n_loads = 0;
	json_array_foreach(list, i, o)
	{
		struct load *l = &d->loads[d->n_loads];

		if (d->n_loads == MAX_LOADS)
			break;
		memset(l, 0, sizeof *l);
		load_read(l, o);
		for (int k = 0; k < n_old; k++)
			if (!strcmp(old[k].name, l->name)) {
				l->off = old[k].off;
				l->changed_us = old[k].changed_us;
			}
		d->n_loads++;
	}
	free(old);
	qsort(d->loads, (size_t)d->n_loads, sizeof *d->loads, by_priority);
}

static void points_find_again(struct demand *d)
{
	char name[128];

	snprintf(name, sizeof name, "%s/power.active", d->main_meter);
	d->power_point = d->host->find(d->host->ctx, name);
	snprintf(name, sizeof name, "%s/energy.active.import", d->main_meter);
	d->energy_point = d->host->find(d->host->ctx, name);
}

void demand_ask_site(struct demand *d, int64_t now_us)
{
	json_t *site = ask(d, "site", "{}");
	const char *control = json_string_value(json_object_get(site, "control"));

	if (!control) {
		json_decref(site);
		return;
	}
	copy(d->main_meter, sizeof d->main_meter, site, "main_meter");
	d->mode = !strcmp(control, "act") ? MODE_ACT : !strcmp(control, "advise") ? MODE_ADVISE : MODE_OFF;
	d->contract_w = integer(site, "contract_w");
	d->target_w = integer(site, "target_w");
	loads_take(d, json_object_get(site, "loads"));
	json_decref(site);
	points_find_again(d);
	d->asked_site_us = now_us;
}

void demand_ask_tariff(struct demand *d, int64_t now_us)
{
	json_t *t = ask(d, "tariff.demand", "{}");

	if (!t) {
		d->tariff.known = false;
		return;
	}
	d->tariff = (struct tariff_now){
		.known = true,
		.counts = json_is_true(json_object_get(t, "counts")),
		.threshold_w = integer(t, "threshold_w"),
		.total_micro_per_kw = integer(t, "total_micro_per_kw"),
		.months = integer(t, "months"),
	};
	json_decref(t);
	d->asked_tariff_us = now_us;
}

static void rfc3339(int64_t t_us, char *buf, size_t cap)
{
	time_t s = (time_t)(t_us / 1000000);
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(buf, cap, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* After a start in the middle of a window: what the store knows of it up to our first reading. */
void demand_ask_carry(struct demand *d, int64_t now_us)
{
	char request[256], from[32], to[32];
	int64_t start = d->window.start_us, first = d->window.last_us;
	json_t *r, *v;

	(void)now_us;
	rfc3339(start, from, sizeof from);
	rfc3339(first, to, sizeof to);
	snprintf(request, sizeof request,
		 "{\"points\":[\"%s/energy.active.import\"],\"from\":\"%s\",\"to\":\"%s\",\"step_s\":900}",
		 d->main_meter, from, to);
	r = ask(d, "series", request);
	v = json_array_get(json_object_iter_value(json_object_iter(json_object_get(r, "series"))), 0);
	if (json_is_number(v))
		window_carry(&d->window, start, json_number_value(v));
	if (r)
		d->carried_window_us = start;
	json_decref(r);
}
