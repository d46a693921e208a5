/* SPDX-License-Identifier: Apache-2.0
 *
 * What a year of 15-minute values costs to bill, in CPU time, beside a plain loop over the same values
 * with a ready index in the same run. Prints one JSON object per row:
 * {"name","value","unit","target","beside","beside_value","met"}.
 *
 * bench_tariff [TARIFF.yaml]
 */
#include "config.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "core/base/clock.h"
#include "core/tariff/tariff.h"

enum { YEAR = 35040, MONTHS = 12, BANDS = 9, COUNTING = 3, REPEATS = 200 };

struct plain {
	uint8_t band, counting;
};

static struct load_slot slots[YEAR];
static struct plain ready[YEAR];
static int64_t month_from[MONTHS + 1];

static double cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void row(const char *name, double value, const char *unit, double target, const char *beside,
		double beside_value)
{
	printf("{\"name\": \"%s\", \"value\": %.4g, \"unit\": \"%s\", \"target\": %g, \"beside\": \"%s\", "
	       "\"beside_value\": %.4g, \"met\": %s}\n",
	       name, value, unit, target, beside, beside_value, value <= target ? "true" : "false");
}

static struct tariff *load(const char *path)
{
	struct faults *f = faults_new();
	struct tariff *t = tariff_load(path, f);

	faults_print(f, stderr);
	faults_free(f);
	return t;
}

/* A factory: a base load, shifts on workdays, some noise; from a fixed seed. */
static void make_year(const struct tariff *t, bool reactive)
{
	uint64_t seed = 1;
	size_t n = 0;

	for (int m = 0; m <= MONTHS; m++)
		month_from[m] = zone_utc(tariff_zone(t), 2025, m + 1, 1, 0, 0, 0);
	for (int64_t us = month_from[0]; us < month_from[MONTHS] && n < YEAR; us += US_PER_SLOT, n++) {
		int hour = (int)(n / 4 % 24), day = (int)(n / 96 % 7);
		int64_t wh = 8000 + (day < 5 && hour >= 7 && hour < 20 ? 100000 : 0);

		seed = seed * UINT64_C(6364136223846793005) + 1;
		wh += (int64_t)(seed >> 50);
		slots[n] = (struct load_slot){ .start_us = us,
					       .import_wh = wh,
					       .varh_lag = reactive ? wh / 3 + (int64_t)(seed >> 52) : -1,
					       .varh_lead = reactive ? 0 : -1 };
		ready[n] = (struct plain){ (uint8_t)(hour % BANDS), (uint8_t)(hour % COUNTING) };
	}
}

/* A year, month by month; the sum keeps the work from being left out. */
static int64_t bill_year(const struct tariff *t)
{
	struct contract c = { .tariff = t, .contract_w = 1000000 };
	int64_t total = 0;
	size_t i = 0;

	for (int m = 0; m < MONTHS; m++) {
		struct fems_error e;
		struct bill_run *run;
		struct bill b;

		if (bill_begin(&c, month_from[m], month_from[m + 1], &run, &e) != FEMS_OK) {
			fprintf(stderr, "%s\n", e.text);
			exit(1);
		}
		for (; i < YEAR && slots[i].start_us < month_from[m + 1]; i++)
			if (bill_add(run, &slots[i], &e) != FEMS_OK)
				exit(1);
		if (bill_finish(run, &b, &e) != FEMS_OK)
			exit(1);
		total += b.total_micro;
		bill_free(run);
	}
	return total;
}

/* The floor: nine sums and three maxima per month over an index that is there already. */
static int64_t plain_year(void)
{
	static const int64_t price[BANDS] = { 110900, 133400, 164100, 110900, 163800,
					      245900, 117900, 164000, 221500 };
	int64_t total = 0;
	size_t i = 0;

	for (int m = 0; m < MONTHS; m++) {
		int64_t wh[BANDS] = { 0 }, peak[COUNTING] = { 0 };

		for (; i < YEAR && slots[i].start_us < month_from[m + 1]; i++) {
			wh[ready[i].band] += slots[i].import_wh;
			if (slots[i].import_wh > peak[ready[i].counting])
				peak[ready[i].counting] = slots[i].import_wh;
		}
		for (int b = 0; b < BANDS; b++)
			total += wh[b] / 1000 * price[b];
		total += peak[1] * 4 * 8320;
	}
	return total;
}

static volatile int64_t sink;

static double best_us(int64_t (*plain)(void), int64_t (*bill)(const struct tariff *), const struct tariff *t)
{
	double best = 1e30;

	for (int i = 0; i < REPEATS; i++) {
		double at = cpu_us(), took;

		sink = plain ? plain() : bill(t);
		took = cpu_us() - at;
		if (took < best)
			best = took;
	}
	return best;
}

static int64_t price_year(const struct tariff *t)
{
	struct tariff_price p;
	struct fems_error e;
	int64_t sum = 0;

	for (size_t i = 0; i < YEAR; i++)
		if (tariff_price(t, slots[i].start_us, &p, &e) == FEMS_OK)
			sum += p.energy_micro;
	return sum;
}

static double best_load_us(const char *path)
{
	double best = 1e30;

	for (int i = 0; i < 15; i++) {
		double at = cpu_us(), took;
		struct tariff *t = load(path);

		took = cpu_us() - at;
		tariff_free(t);
		if (took < best)
			best = took;
	}
	return best;
}

int main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir");
	char path[1024];
	struct tariff *t;
	double plain, bill, reactive;

	snprintf(path, sizeof path, "%s/etc/tariffs/kr-kepco-industrial-b-hva-2.yaml", top ? top : ".");
	t = load(argc > 1 ? argv[1] : path);
	if (!t)
		return 1;
	make_year(t, false);
	plain = best_us(plain_year, NULL, NULL);
	bill = best_us(NULL, bill_year, t);
	row("annual bill of 35,040 intervals, warm", bill / 1e3, "ms CPU", 0.5,
	    "plain loop with a ready index, ms CPU", plain / 1e3);
	row("price of an interval", best_us(NULL, price_year, t) * 1e3 / YEAR, "ns CPU", 1000,
	    "plain loop, ns per interval", plain * 1e3 / YEAR);
	make_year(t, true);
	reactive = best_us(NULL, bill_year, t);
	row("annual bill with power factor, warm", reactive / 1e3, "ms CPU", 0.5,
	    "plain loop with a ready index, ms CPU", plain / 1e3);
	row("one interval added to a running bill", reactive * 1e3 / YEAR, "ns CPU", 1000,
	    "plain loop, ns per interval", plain * 1e3 / YEAR);
	row("tariff and holiday list loaded, checked, indexed", best_load_us(argc > 1 ? argv[1] : path) / 1e3,
	    "ms CPU", 20, "annual bill, ms CPU", bill / 1e3);
	tariff_free(t);
	return 0;
}
