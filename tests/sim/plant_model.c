/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/sim/plant.h"

#include <math.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"

enum { D_MAIN, D_PRODUCTION, D_UTILITIES };

static const struct plant_device devices[] = {
	{ .name = "main", .kind = KIND_SUM, .parent = -1 },
	{ .name = "production", .kind = KIND_SUM, .parent = D_MAIN },
	{ .name = "utilities", .kind = KIND_SUM, .parent = D_MAIN },
	{ .name = "furnace",
	  .equipment = "FURNACE-1",
	  .kind = KIND_MACHINE,
	  .parent = D_PRODUCTION,
	  .rated_w = 180000,
	  .idle_w = 2400,
	  .pf_permille = 990 },
	{ .name = "press",
	  .equipment = "PRESS-1",
	  .kind = KIND_MACHINE,
	  .parent = D_PRODUCTION,
	  .rated_w = 90000,
	  .idle_w = 3200,
	  .pf_permille = 860 },
	{ .name = "cnc1",
	  .equipment = "CNC-1",
	  .kind = KIND_MACHINE,
	  .parent = D_PRODUCTION,
	  .rated_w = 22000,
	  .idle_w = 1400,
	  .pf_permille = 880 },
	{ .name = "cnc2",
	  .equipment = "CNC-2",
	  .kind = KIND_MACHINE,
	  .parent = D_PRODUCTION,
	  .rated_w = 18000,
	  .idle_w = 1200,
	  .pf_permille = 880 },
	{ .name = "cnc3",
	  .equipment = "CNC-3",
	  .kind = KIND_MACHINE,
	  .parent = D_PRODUCTION,
	  .rated_w = 25000,
	  .idle_w = 1600,
	  .pf_permille = 870 },
	{ .name = "cnc4",
	  .equipment = "CNC-4",
	  .kind = KIND_MACHINE,
	  .parent = D_PRODUCTION,
	  .rated_w = 15000,
	  .idle_w = 1000,
	  .pf_permille = 880 },
	{ .name = "comp1",
	  .kind = KIND_COMPRESSOR,
	  .parent = D_UTILITIES,
	  .rated_w = 45000,
	  .idle_w = 11000,
	  .pf_permille = 870 },
	{ .name = "comp2",
	  .kind = KIND_COMPRESSOR,
	  .parent = D_UTILITIES,
	  .rated_w = 37000,
	  .idle_w = 9000,
	  .pf_permille = 870 },
	{ .name = "chiller",
	  .kind = KIND_CHILLER,
	  .parent = D_UTILITIES,
	  .rated_w = 30000,
	  .idle_w = 1500,
	  .pf_permille = 850 },
	{ .name = "office",
	  .kind = KIND_OFFICE,
	  .parent = D_MAIN,
	  .rated_w = 24000,
	  .idle_w = 5000,
	  .pf_permille = 950 },
	{ .name = "pv", .kind = KIND_PV, .parent = D_MAIN, .rated_w = 100000, .pf_permille = 1000 },
	{ .name = "battery",
	  .kind = KIND_BATTERY,
	  .parent = D_MAIN,
	  .rated_w = BATTERY_W,
	  .pf_permille = 1000 },
};

double plant_noise(uint64_t seed, uint64_t device, uint64_t t)
{
	/* splitmix64, S. Vigna, public domain description: a bijection with good mixing */
	uint64_t x = seed + device * UINT64_C(0x9E3779B97F4A7C15) + t * UINT64_C(0xD1B54A32D192ED03);

	x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
	return (double)((x ^ (x >> 31)) >> 11) / 9007199254740992.0;
}

void plant_init(struct plant *p, uint64_t seed, struct zone *zone, int64_t t_us)
{
	MUST(ARRAY_LEN(devices) <= PLANT_DEVICES);
	memset(p, 0, sizeof *p);
	memcpy(p->dev, devices, sizeof devices);
	p->n = ARRAY_LEN(devices);
	p->seed = seed;
	p->zone = zone;
	p->now_us = t_us - t_us % US_PER_S;
	for (int i = 0; i < p->n; i++)
		if (p->dev[i].kind == KIND_BATTERY)
			p->dev[i].stored_ws = INT64_C(3600) * BATTERY_WH / 2;
}

struct plant_device *plant_find(struct plant *p, const char *name)
{
	for (int i = 0; i < p->n; i++)
		if (!strcmp(p->dev[i].name, name))
			return &p->dev[i];
	return NULL;
}

/* A shop floor that nobody planned: on weekdays each machine begins its jobs at the start of the
 * shift and after lunch, which is just what makes peaks. */
static bool invented(const struct plant *p, const char *equipment, int64_t t_us, int64_t rated_w,
		     int64_t *power_w)
{
	struct civil c;
	uint64_t who = 0, day;
	double start, length;

	zone_civil(p->zone, t_us, &c);
	if (c.weekday > 4)
		return false;
	for (const char *s = equipment; *s; s++)
		who = who * 31 + (unsigned char)*s;
	day = (uint64_t)civil_days(c.year, c.month, c.day);
	for (int shift = 0; shift < 3; shift++) {
		double hour = c.hour + c.minute / 60.0;

		start = (shift == 0   ? 8.25
			 : shift == 1 ? 13.25
				      : 17.5) +
			plant_noise(p->seed, who, day * 8 + (uint64_t)shift) * 0.75;
		length = 1.5 + 2.0 * plant_noise(p->seed, who + 1, day * 8 + (uint64_t)shift);
		if (shift == 2 && plant_noise(p->seed, who + 2, day) < 0.6)
			continue; /* overtime on some days only */
		if (hour >= start && hour < start + length) {
			*power_w = rated_w;
			return true;
		}
	}
	return false;
}

bool plant_job_at(const struct plant *p, const char *equipment, int64_t t_us, int64_t rated_w,
		  int64_t *power_w)
{
	if (p->invent_jobs)
		return invented(p, equipment, t_us, rated_w, power_w);
	for (int i = 0; i < p->n_jobs; i++) {
		const struct plant_job *j = &p->jobs[i];

		if (t_us >= j->start_us && t_us < j->end_us && !strcmp(j->equipment, equipment)) {
			*power_w = j->power_w > 0 ? j->power_w : rated_w;
			return true;
		}
	}
	return false;
}

static int64_t wobble(const struct plant *p, int i, int64_t w, double share, int every_s)
{
	double n = plant_noise(p->seed, (uint64_t)i, (uint64_t)(p->now_us / US_PER_S / every_s));

	return w + (int64_t)((double)w * share * (2 * n - 1));
}

static int64_t machine_power(struct plant *p, int i)
{
	struct plant_device *d = &p->dev[i];
	int64_t target = d->idle_w;

	d->running = plant_job_at(p, d->equipment, p->now_us, d->rated_w, &target);
	if (d->running)
		target = wobble(p, i, target, 0.04, 7);
	/* one second of a first-order rise with a time constant of 8 s */
	return d->power_w + (target - d->power_w) / 8 + (target > d->power_w) - (target < d->power_w);
}

/* Air is drawn by running machines; the compressor loads and unloads between two pressures. */
static int64_t compressor_power(struct plant *p, int i, int step_s)
{
	struct plant_device *d = &p->dev[i];
	int64_t store = d->rated_w * 120, use = 0;

	for (int k = 0; k < p->n; k++)
		if (p->dev[k].kind == KIND_MACHINE && p->dev[k].running)
			use += d->rated_w / 8;
	use += d->rated_w / 20; /* leaks */
	d->air_ws -= use * step_s;
	if (d->air_ws < 0)
		d->air_ws = 0;
	if (d->air_ws < store / 4)
		d->loaded = true;
	if (d->air_ws >= store)
		d->loaded = false;
	d->running = !d->shed;
	if (d->shed)
		return 0;
	if (d->loaded)
		d->air_ws += d->rated_w * step_s;
	return d->loaded ? wobble(p, i, d->rated_w, 0.02, 5) : d->idle_w;
}

static int64_t chiller_power(struct plant *p, int i, const struct civil *c)
{
	struct plant_device *d = &p->dev[i];
	double warm = c->month >= 6 && c->month <= 9 ? 0.8 : c->month >= 4 && c->month <= 10 ? 0.5 : 0.3;
	bool work = c->weekday < 5 && c->hour >= 7 && c->hour < 21;

	d->running = !d->shed && work;
	return !d->running ? (d->shed ? 0 : d->idle_w)
			   : wobble(p, i, (int64_t)((double)d->rated_w * warm), 0.1, 60);
}

static int64_t office_power(struct plant *p, int i, const struct civil *c)
{
	const struct plant_device *d = &p->dev[i];
	bool work = c->weekday < 5 && c->hour >= 8 && c->hour < 19;

	return wobble(p, i, work ? d->rated_w : d->idle_w, 0.06, 30);
}

static int64_t pv_power(struct plant *p, int i, const struct civil *c)
{
	double hour = c->hour + c->minute / 60.0 + c->second / 3600.0;
	double half = 4.9 + 2.4 * sin((c->yearday - 80) * 6.2831853 / 365.0); /* half a day's length in h */
	double x = (hour - 12.6) / (half > 3.5 ? half : 3.5), sky, drift;
	uint64_t day = (uint64_t)(p->now_us / US_PER_DAY), slot = (uint64_t)(p->now_us / US_PER_S / 120);

	if (x <= -1 || x >= 1)
		return 0;
	sky = 0.35 + 0.65 * plant_noise(p->seed, (uint64_t)i, day);
	drift = 0.9 + 0.1 * plant_noise(p->seed, (uint64_t)i + 99, slot);
	return -(int64_t)((double)p->dev[i].rated_w * (0.55 + 0.45 * half / 7.3) * cos(x * 1.5707963) * sky *
			  drift);
}

static int64_t battery_power(struct plant *p, int i, int step_s)
{
	struct plant_device *d = &p->dev[i];
	int64_t w = d->setpoint_w, full = INT64_C(3600) * BATTERY_WH, room;

	d->setpoint_age_s += step_s;
	if (d->setpoint_age_s > SETPOINT_WATCHDOG_S)
		w = d->setpoint_w = 0;
	if (w > 0) {
		room = (full - d->stored_ws) * 1000 / BATTERY_CHARGE_PERMILLE / step_s;
		w = w > room ? room : w;
		d->stored_ws += w * step_s * BATTERY_CHARGE_PERMILLE / 1000;
	} else if (w < 0) {
		room = d->stored_ws / step_s;
		w = -w > room ? -room : w;
		d->stored_ws += w * step_s;
	}
	return w;
}

static int64_t leaf_power(struct plant *p, int i, const struct civil *c, int step_s)
{
	switch (p->dev[i].kind) {
	case KIND_MACHINE:
		return machine_power(p, i);
	case KIND_COMPRESSOR:
		return compressor_power(p, i, step_s);
	case KIND_CHILLER:
		return chiller_power(p, i, c);
	case KIND_OFFICE:
		return office_power(p, i, c);
	case KIND_PV:
		return pv_power(p, i, c);
	case KIND_BATTERY:
		return battery_power(p, i, step_s);
	case KIND_SUM:
		break;
	}
	return 0;
}

static int64_t reactive(const struct plant_device *d)
{
	double pf = d->pf_permille / 1000.0;

	return pf >= 1 || pf <= 0 ? 0 : (int64_t)((double)d->power_w * sqrt(1 - pf * pf) / pf);
}

static void count(struct plant_device *d, int step_s)
{
	if (d->power_w > 0)
		d->import_ws += d->power_w * step_s;
	else
		d->export_ws -= d->power_w * step_s;
	if (d->var > 0)
		d->import_vars += d->var * step_s;
	else
		d->export_vars -= d->var * step_s;
}

static void step(struct plant *p, int step_s)
{
	struct civil c;

	zone_civil(p->zone, p->now_us, &c);
	for (int i = 0; i < p->n; i++) {
		struct plant_device *d = &p->dev[i];

		if (d->kind == KIND_SUM) {
			d->power_w = d->var = 0;
			continue;
		}
		d->power_w = leaf_power(p, i, &c, step_s);
		d->var = reactive(d);
	}
	/* children come after their parents in the table, so one pass backwards sums the tree; a feeder
	 * loses 1 % of what flows through it */
	for (int i = p->n - 1; i > 0; i--) {
		struct plant_device *d = &p->dev[i], *up = &p->dev[d->parent];
		int64_t loss = d->kind == KIND_SUM ? d->power_w / 100 : 0;

		d->power_w += loss;
		up->power_w += d->power_w;
		up->var += d->var;
	}
	for (int i = 0; i < p->n; i++)
		count(&p->dev[i], step_s);
	p->now_us += step_s * US_PER_S;
}

void plant_run(struct plant *p, int64_t t_us, int step_s)
{
	while (p->now_us + step_s * US_PER_S <= t_us)
		step(p, step_s);
}
