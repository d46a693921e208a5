/* SPDX-License-Identifier: Apache-2.0
 *
 * meter-sim: a meter that needs no hardware, and the model for a new meter plugin. Copy it, rename it,
 * replace what sim_read() makes up by what your device says.
 *
 *   cc -shared -fPIC $(pkg-config --cflags fems-plugin) meter-sim.c -lm -o meter-sim.so
 */
#include <fems/plugin.h>
#include <fems/util.h>
#include <math.h>
#include <stdlib.h>

#define US_PER_H 3.6e9
#define TWO_PI   6.283185307179586

/* Settings of the instance: an item of "plugins" in fems.yaml. The macros refuse to compile when the
 * type of a member is not the one they promise. */
struct cfg {
	double noise;
	int64_t period; /* us */
};

static const struct fems_key keys[] = {
	FEMS_NUM(struct cfg, noise, "0", 0, 0.5, NULL, "Share of the load that jumps about"),
	FEMS_DURATION(struct cfg, period, "24h", 6e7, 6.048e11, "Length of the wave of the load"),
	FEMS_KEYS_END
};

/* Settings of one meter: an item of "meters". The first entry is always its name. */
struct device {
	const char *name;
	int64_t base, swing; /* W */
};

static const struct fems_key device_keys[] = {
	FEMS_STR(struct device, name, NULL, "Name of the meter"),
	FEMS_POWER(struct device, base, "40 kW", 0, 1e9, "Load that is always on"),
	FEMS_POWER(struct device, swing, "10 kW", 0, 1e9, "Height of the wave on top of it"), FEMS_KEYS_END
};

struct meter {
	struct device d; /* its string stays valid until close() */
	uint32_t power, energy;
	double wh;
	int64_t last_us;
};

struct sim {
	const struct fems_host *host;
	struct cfg cfg;
	uint32_t random;
	size_t n;
	struct meter meters[];
};

static const struct device *device(const struct fems_settings *s, size_t i)
{
	return (const struct device *)s->devices.items + i;
}

/* Judges what the tables cannot: no I/O here. */
static enum fems_rc sim_check(const struct fems_settings *s, struct fems_error *e)
{
	size_t i;

	for (i = 0; i < s->devices.count; i++)
		if (device(s, i)->swing > device(s, i)->base)
			return fems_bad_setting(e, "swing",
						"meter \"%s\": the wave is higher than the base load; "
						"make swing smaller",
						device(s, i)->name);
	return FEMS_OK;
}

static uint32_t point(struct sim *s, const char *name, const char *quantity, struct fems_error *e)
{
	struct fems_point_info info = {
		.size = sizeof info, .device = name, .quantity = quantity, .resolution = 1
	};

	return s->host->point(s->host->ctx, &info, e);
}

static enum fems_rc sim_open(const struct fems_host *h, const struct fems_settings *settings, void **self,
			     struct fems_error *e)
{
	size_t i, n = settings->devices.count;
	struct sim *s = calloc(1, sizeof *s + n * sizeof *s->meters);

	if (!s)
		return fems_fail(e, FEMS_ENOMEM, "out of memory");
	*self = s; /* also when we fail: femsd then calls close() */
	s->host = h;
	s->cfg = *(const struct cfg *)settings->cfg;
	s->random = 1;
	s->n = n;
	for (i = 0; i < n; i++) {
		struct meter *m = &s->meters[i];

		m->d = *device(settings, i);
		m->power = point(s, m->d.name, "power.active", e);
		m->energy = m->power ? point(s, m->d.name, "energy.active.import", e) : 0;
		if (!m->energy)
			return FEMS_EINVAL;
	}
	return FEMS_OK;
}

/* A small generator with a fixed seed: the same day twice is the same day. */
static double jump(struct sim *s)
{
	s->random = s->random * 1664525u + 1013904223u; /* Numerical Recipes, 3rd ed., 7.1 */
	return (double)s->random / 4294967296.0 - 0.5;
}

static void sim_read(struct sim *s, struct meter *m, int64_t now, struct fems_sample out[2])
{
	double turn = fmod((double)now, (double)s->cfg.period) / (double)s->cfg.period;
	double w = (double)m->d.base + (double)m->d.swing * sin(TWO_PI * turn);

	w *= 1 + s->cfg.noise * jump(s);
	if (m->last_us && now > m->last_us)
		m->wh += w * (double)(now - m->last_us) / US_PER_H;
	m->last_us = now;
	out[0] = (struct fems_sample){ .t_us = now, .point = m->power, .value = w };
	out[1] = (struct fems_sample){ .t_us = now, .point = m->energy, .value = floor(m->wh) };
}

/* Once per interval. A real device is asked here, within budget_us; its samples carry the middle between
 * request and reply as time, and a quality when there is no value. */
static enum fems_rc sim_poll(void *self, int64_t budget_us, struct fems_error *e)
{
	struct sim *s = self;
	struct fems_sample out[2];
	size_t i;

	(void)budget_us;
	(void)e;
	for (i = 0; i < s->n; i++) {
		sim_read(s, &s->meters[i], s->host->now_us(s->host->ctx), out);
		if (s->host->emit(s->host->ctx, out, 2))
			return FEMS_AGAIN;
		s->host->device_state(s->host->ctx, s->meters[i].d.name, FEMS_DEV_ONLINE, "");
	}
	return FEMS_OK;
}

static const struct fems_life life = {
	.size = sizeof life, .check = sim_check, .open = sim_open, .close = free
};
static const struct fems_meter_ops meter = { .size = sizeof meter, .poll = sim_poll };

FEMS_PLUGIN("meter-sim", "1.0.0", FEMS_METER, .grade = FEMS_STABLE, .license = "Apache-2.0",
	    .summary = "Simulated meter", .keys = keys, .cfg_size = sizeof(struct cfg),
	    .device_keys = device_keys, .device_size = sizeof(struct device), .life = &life, .meter = &meter);
