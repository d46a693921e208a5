/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/sim/plant.h"

#include <inttypes.h>
#include <stdio.h>
#include "core/base/clock.h"

struct column {
	int device;
	bool export;
};

static int columns(const struct plant *p, struct column *out)
{
	int n = 0;

	for (int i = 0; i < p->n; i++) {
		enum plant_kind k = p->dev[i].kind;

		if (k != KIND_PV)
			out[n++] = (struct column){ i, false };
		if (k == KIND_PV || k == KIND_BATTERY || i == 0)
			out[n++] = (struct column){ i, true };
	}
	return n;
}

static int64_t reading_wh(const struct plant *p, const struct column *c)
{
	const struct plant_device *d = &p->dev[c->device];

	return (c->export ? d->export_ws : d->import_ws) / 3600;
}

static void write_head(FILE *f, const struct plant *p, const struct column *cols, int n)
{
	fputs("start", f);
	for (int i = 0; i < n; i++)
		fprintf(f, ",%s/energy.active.%s", p->dev[cols[i].device].name,
			cols[i].export ? "export" : "import");
	fputc('\n', f);
}

int plant_history_write(struct plant *p, int64_t from_us, int64_t to_us, const char *path)
{
	struct column cols[2 * PLANT_DEVICES];
	int64_t before[2 * PLANT_DEVICES];
	int n = columns(p, cols);
	FILE *f = fopen(path, "w");
	char time[40];
	int bad;

	if (!f) {
		perror(path);
		return 1;
	}
	write_head(f, p, cols, n);
	p->now_us = from_us;
	p->invent_jobs = true;
	for (int64_t t = from_us; t < to_us; t += US_PER_SLOT) {
		for (int i = 0; i < n; i++)
			before[i] = reading_wh(p, &cols[i]);
		plant_run(p, t + US_PER_SLOT, 15);
		fputs(time_format(t, p->zone, time, sizeof time), f);
		for (int i = 0; i < n; i++)
			fprintf(f, ",%" PRId64, reading_wh(p, &cols[i]) - before[i]);
		fputc('\n', f);
	}
	bad = ferror(f) | fclose(f);
	if (bad)
		perror(path);
	return bad ? 1 : 0;
}
