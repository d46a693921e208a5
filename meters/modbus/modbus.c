/* SPDX-License-Identifier: Apache-2.0
 *
 * The plugin "modbus": meters on Modbus TCP and serial lines. One thread per connection or line reads
 * its meters in turn at multiples of their interval; a dead one costs nobody else.
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fems/plugin.h>
#include <fems/util.h>

#include "meters/modbus/device.h"

#define STACK_BYTES (256 * 1024)

struct line {
	struct instance *in;
	struct link *link;
	struct device **devices;
	size_t n;
	pthread_t thread;
	bool running;
};

struct instance {
	const struct fems_host *host;
	struct loaded loaded;
	struct device *devices;
	struct line *lines;
	atomic_bool stopping;
};

/* ---- a line's thread ---- */

static struct device *earliest(struct line *l)
{
	struct device *first = l->devices[0];

	for (size_t i = 1; i < l->n; i++) {
		if (l->devices[i]->due_us < first->due_us)
			first = l->devices[i];
	}
	return first;
}

/* The next multiple of the interval. What lies between was missed and is not made up for. */
static void schedule(struct device *d, int64_t now)
{
	int64_t next = (now / d->interval_us + 1) * d->interval_us;
	uint64_t before = d->missed;

	if (d->due_us && next - d->due_us > d->interval_us && !d->probe_backoff_us)
		d->missed += (uint64_t)((next - d->due_us) / d->interval_us - 1);
	d->due_us = next;
	for (uint64_t mark = 100; mark <= d->missed; mark *= 10) {
		if (before < mark)
			d->host->log(d->host->ctx, FEMS_LOG_WARN,
				     "%s: %llu readings missed so far: its interval is shorter than its line "
				     "can keep",
				     d->cfg->name, (unsigned long long)d->missed);
	}
}

static void *line_thread(void *arg)
{
	struct line *l = arg;
	const struct fems_host *h = l->in->host;

	while (!atomic_load(&l->in->stopping)) {
		struct device *d = earliest(l);
		int64_t now = h->now_us(h->ctx);

		if (d->due_us > now + d->interval_us) /* the clock was set back */
			schedule(d, now);
		if (h->wait_until(h->ctx, d->due_us) != FEMS_OK || atomic_load(&l->in->stopping))
			break;
		device_poll(d);
		schedule(d, h->now_us(h->ctx));
	}
	return NULL;
}

/* ---- life ---- */

static enum fems_rc modbus_check(const struct fems_settings *s, struct fems_error *e)
{
	struct loaded l;
	enum fems_rc rc = loaded_read(&l, s, e);

	if (!rc)
		loaded_free(&l);
	return rc;
}

static bool make_lines(struct instance *in)
{
	in->devices = calloc(in->loaded.n + 1, sizeof *in->devices);
	in->lines = calloc(in->loaded.n_lines + 1, sizeof *in->lines);
	if (!in->devices || !in->lines)
		return false;
	for (size_t i = 0; i < in->loaded.n; i++) {
		struct line *l = &in->lines[in->loaded.devices[i].line];

		if (!l->link) {
			l->in = in;
			l->link = link_new(&in->loaded.devices[i].addr);
			l->devices = calloc(in->loaded.n, sizeof(struct device *));
		}
		if (!l->link || !l->devices)
			return false;
		l->devices[l->n++] = &in->devices[i];
	}
	return true;
}

static enum fems_rc modbus_open(const struct fems_host *host, const struct fems_settings *s, void **self,
				struct fems_error *e)
{
	const struct modbus_cfg *cfg = s->cfg;
	struct instance *in = calloc(1, sizeof *in);
	enum fems_rc rc;

	if (!in)
		return fems_fail(e, FEMS_ENOMEM, "no memory for the Modbus meters");
	*self = in;
	in->host = host;
	rc = loaded_read(&in->loaded, s, e);
	if (rc)
		return rc;
	if (!make_lines(in))
		return fems_fail(e, FEMS_ENOMEM, "no memory or no descriptors for %zu Modbus connections",
				 in->loaded.n_lines);
	for (size_t i = 0; !rc && i < in->loaded.n; i++) {
		const struct loaded_device *ld = &in->loaded.devices[i];

		rc = device_open(&in->devices[i], host, ld, in->lines[ld->line].link, cfg->poll, e);
	}
	return rc;
}

static enum fems_rc modbus_start(void *self, struct fems_error *e)
{
	struct instance *in = self;
	pthread_attr_t attr;
	int err = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (size_t i = 0; !err && i < in->loaded.n_lines; i++) {
		err = pthread_create(&in->lines[i].thread, &attr, line_thread, &in->lines[i]);
		in->lines[i].running = !err;
	}
	pthread_attr_destroy(&attr);
	return err ? fems_fail(e, FEMS_ENOMEM, "no thread for a Modbus line: %s", strerror(err)) : FEMS_OK;
}

static void modbus_stop(void *self)
{
	struct instance *in = self;

	atomic_store(&in->stopping, true);
	for (size_t i = 0; in->lines && i < in->loaded.n_lines; i++) {
		if (in->lines[i].link)
			link_stop(in->lines[i].link);
	}
	for (size_t i = 0; in->lines && i < in->loaded.n_lines; i++) {
		if (in->lines[i].running)
			pthread_join(in->lines[i].thread, NULL);
		in->lines[i].running = false;
	}
}

static void modbus_close(void *self)
{
	struct instance *in = self;

	for (size_t i = 0; in->devices && i < in->loaded.n; i++)
		device_close(&in->devices[i]);
	for (size_t i = 0; in->lines && i < in->loaded.n_lines; i++) {
		link_free(in->lines[i].link);
		free(in->lines[i].devices);
	}
	free(in->lines);
	free(in->devices);
	loaded_free(&in->loaded);
	free(in);
}

static enum fems_rc modbus_write(void *self, uint32_t point, double value, int64_t budget_us,
				 struct fems_error *e)
{
	struct instance *in = self;

	for (size_t i = 0; i < in->loaded.n; i++) {
		struct device *d = &in->devices[i];

		for (size_t k = 0; k < d->n_values; k++) {
			if (d->values[k].point == point)
				return device_write(d, &d->values[k], value, budget_us, e);
		}
	}
	return fems_fail(e, FEMS_ENOENT, "point %u is not one of the Modbus meters'", point);
}

static const struct fems_life life = {
	.size = sizeof life,
	.check = modbus_check,
	.open = modbus_open,
	.start = modbus_start,
	.stop = modbus_stop,
	.close = modbus_close,
};

static const struct fems_meter_ops meter = { .size = sizeof meter, .write = modbus_write };

FEMS_PLUGIN("modbus", PACKAGE_VERSION, FEMS_METER, .grade = FEMS_BETA, .license = "Apache-2.0",
	    .summary = "Meters on Modbus TCP and serial lines", .keys = modbus_keys,
	    .cfg_size = sizeof(struct modbus_cfg), .device_keys = modbus_device_keys,
	    .device_size = sizeof(struct modbus_device_cfg), .life = &life, .meter = &meter);
