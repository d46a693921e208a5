/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/demand/demand.h"

#include <stdio.h>
#include <time.h>

static json_t *instant(int64_t t_us)
{
	time_t s = (time_t)(t_us / 1000000);
	char buf[40];
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(buf, sizeof buf, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(buf);
}

static json_t *advice(const struct load *l)
{
	static const char *const actions[] = { "hold", "shed", "restore" };

	return json_pack("{s:s,s:{s:s,s:s},s:I,s:s,s:s,s:{s:s,s:s}}", "load", l->name, "labels", "ko",
			 l->label_ko, "en", l->label_en, "power_w", (json_int_t)l->power_w, "action",
			 actions[l->advice], "state", l->off ? "off" : "on", "reason", "ko", l->why_ko, "en",
			 l->why_en);
}

static json_t *watts(double w)
{
	return json_integer((json_int_t)w);
}

/* Cost of the projected excess over every month in which it would be the billing demand. */
static int64_t at_risk_micro(const struct demand *d, const struct projection *p)
{
	double over_w = p->projected_w - (double)d->tariff.threshold_w;

	if (!d->tariff.known || !d->tariff.counts || over_w <= 0)
		return 0;
	return (int64_t)((__int128)(int64_t)over_w * d->tariff.total_micro_per_kw / 1000);
}

static void projection_add(json_t *r, const struct demand *d, const struct projection *p, int64_t now_us)
{
	json_object_set_new(r, "window_start", instant(p->start_us));
	json_object_set_new(r, "window_end", instant(p->end_us));
	json_object_set_new(r, "energy_wh", watts(p->energy_wh));
	json_object_set_new(r, "mean_w", watts(p->mean_w));
	json_object_set_new(r, "power_w", watts(p->power_w));
	json_object_set_new(r, "projected_w", watts(p->projected_w));
	json_object_set_new(r, "projected_low_w", watts(p->low_w > 0 ? p->low_w : 0));
	json_object_set_new(r, "projected_high_w", watts(p->high_w));
	json_object_set_new(r, "room_w", json_integer(shed_room_w(p, now_us, d->target_w)));
	json_object_set_new(r, "partial", json_boolean(p->partial));
	json_object_set_new(r, "at_risk_micro", json_integer(at_risk_micro(d, p)));
	json_object_set_new(r, "stale", json_boolean(demand_is_stale(p)));
	json_object_set_new(r, "age_s", json_integer(p->age_us / 1000000));
}

json_t *demand_report(const struct demand *d, const struct projection *p, int64_t now_us)
{
	static const char *const modes[] = { "off", "advise", "act" };
	json_t *r = json_object(), *list = json_array();

	json_object_set_new(r, "now", instant(now_us));
	if (p)
		projection_add(r, d, p, now_us);
	else
		json_object_set_new(r, "stale", json_true());
	json_object_set_new(r, "target_w", json_integer(d->target_w));
	json_object_set_new(r, "contract_w", json_integer(d->contract_w));
	json_object_set_new(r, "threshold_w",
			    d->tariff.known ? json_integer(d->tariff.threshold_w) : json_null());
	json_object_set_new(r, "counts", d->tariff.known ? json_boolean(d->tariff.counts) : json_null());
	json_object_set_new(r, "months", json_integer(d->tariff.months));
	json_object_set_new(r, "mode", json_string(modes[d->mode]));
	for (int i = 0; i < d->n_loads; i++)
		json_array_append_new(list, advice(&d->loads[i]));
	json_object_set_new(r, "advice", list);
	return r;
}
