/* SPDX-License-Identifier: Apache-2.0
 *
 * The store beside a bare loop of SQLite inserts, on the same simulated meters: 100 meters x 20 values,
 * one commit per tick of one second, synchronous FULL for both. Rates are per second of CPU time of the
 * whole process, because wall time is the disk's. One JSON line per row.
 */
#include "config.h"
#include <dirent.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/store/store.h"

#define METERS     100
#define VALUES     20
#define COUNTERS   4
#define SERIES     (METERS * VALUES)
#define TICKS      600
#define START      (INT64_C(1769999400) * US_PER_S)
#define LONG_TICKS 6000 /* closes an hour for every series */
#define YEAR_SLOTS 35040

static char dir[] = "/tmp/fems-bench-XXXXXX";
static struct fems_error err;
static struct fems_sample tick[SERIES];
static uint32_t ids[SERIES];
static double bare_bytes;

static void row(const char *name, double value, const char *unit, double target, bool at_least,
		const char *beside, double beside_value)
{
	printf("{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"target\":%.6g,\"beside\":\"%s\",\"beside_"
	       "value\":%.6g,"
	       "\"met\":%s}\n",
	       name, value, unit, target, beside, beside_value,
	       (at_least ? value >= target : value <= target) ? "true" : "false");
	fflush(stdout);
}

static double cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void need(enum fems_rc rc)
{
	if (rc != FEMS_OK) {
		fprintf(stderr, "bench_store: %s\n", err.text);
		exit(1);
	}
}

/* Values at register resolution: counters in Wh, gauges in steps of 0.1, polled within the second. */
static void make_tick(int n)
{
	for (int i = 0; i < SERIES; i++) {
		int meter = i / VALUES, k = i % VALUES;
		struct fems_sample *s = &tick[i];

		s->point = ids[i];
		s->t_us = START + n * US_PER_S + meter * 2000 + (n * 37 + meter) % 500;
		s->t_unc_us = 400 + (uint32_t)((n + meter) % 100);
		if (k < COUNTERS)
			s->value = k < 2 ? 1e6 + floor(n * (meter + 1) * 0.4) : 5000;
		else
			s->value = (double)(2300 + (n / 120 * 7 + i * 13) % 50 + n % 3) * 0.1;
	}
}

static void remove_dir(void)
{
	DIR *d = opendir(dir);
	struct dirent *it;
	char path[600];

	while (d && (it = readdir(d))) {
		snprintf(path, sizeof path, "%s/%s", dir, it->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

static void run_sql(sqlite3 *db, const char *text)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "bench_store: %s\n", sqlite3_errmsg(db));
		exit(1);
	}
}

static double bare_rows(void)
{
	char path[600];
	struct stat sb;
	sqlite3 *db;
	sqlite3_stmt *in;
	double begin;

	snprintf(path, sizeof path, "%s/bare.db", dir);
	sqlite3_open(path, &db);
	run_sql(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		    "CREATE TABLE sample(t INTEGER, series INTEGER, value REAL, quality INTEGER, PRIMARY "
		    "KEY(t, series))"
		    " WITHOUT ROWID");
	sqlite3_prepare_v2(db, "INSERT INTO sample VALUES(?,?,?,?)", -1, &in, NULL);
	begin = cpu_s();
	for (int n = 0; n < TICKS; n++) {
		make_tick(n);
		run_sql(db, "BEGIN");
		for (int i = 0; i < SERIES; i++) {
			sqlite3_bind_int64(in, 1, tick[i].t_us);
			sqlite3_bind_int64(in, 2, tick[i].point);
			sqlite3_bind_double(in, 3, tick[i].value);
			sqlite3_bind_int64(in, 4, tick[i].quality);
			sqlite3_step(in);
			sqlite3_reset(in);
		}
		run_sql(db, "COMMIT");
	}
	begin = cpu_s() - begin;
	sqlite3_finalize(in);
	sqlite3_close(db);
	bare_bytes = stat(path, &sb) == 0 ? (double)sb.st_size / ((double)SERIES * TICKS) : 0;
	return (double)SERIES * TICKS / begin;
}

static struct store *open_store(void)
{
	struct store_options o = { .dir = dir };
	struct store *st;

	need(store_open(&o, &st, &err));
	return st;
}

static void make_series(struct store *st)
{
	for (int i = 0; i < SERIES; i++) {
		char name[64];
		bool counter = i % VALUES < COUNTERS;
		struct store_series s = { name, counter, counter ? 1 : 0.1, 0 };

		snprintf(name, sizeof name, "m%d/v%d", i / VALUES, i % VALUES);
		need(store_series(st, &s, &ids[i], &err));
	}
}

static double ours(struct store *st)
{
	double begin = cpu_s();

	for (int n = 0; n < TICKS; n++) {
		make_tick(n);
		need(store_append(st, tick, SERIES));
		need(store_sync(st, 60 * US_PER_S, &err));
	}
	return (double)SERIES * TICKS / (cpu_s() - begin);
}

struct sum {
	int64_t wh;
	size_t n;
};

static bool add(void *ctx, int64_t start_us, const struct store_energy *en)
{
	struct sum *s = ctx;

	(void)start_us;
	s->wh += en->wh;
	s->n++;
	return true;
}

static double year_of_slots(struct store *st)
{
	struct store_import_slot *h = calloc(YEAR_SLOTS, sizeof *h);
	int64_t from = START - START % US_PER_SLOT - YEAR_SLOTS * US_PER_SLOT;
	struct sum s = { 0, 0 };
	double begin;

	for (int i = 0; h && i < YEAR_SLOTS; i++)
		h[i] = (struct store_import_slot){ from + i * US_PER_SLOT, 1000 + i % 777 };
	for (int m = 0; h && m < METERS; m++)
		need(store_import(st, ids[m * VALUES], h, YEAR_SLOTS, "bench", "bench", &err));
	free(h);
	begin = cpu_s();
	for (int m = 0; m < METERS; m++)
		need(store_slots(st, ids[m * VALUES], from, from + YEAR_SLOTS * US_PER_SLOT, add, &s, &err));
	MUST(s.n == (size_t)METERS * YEAR_SLOTS);
	return cpu_s() - begin;
}

static bool count(void *ctx, const struct fems_sample *s)
{
	(void)s;
	++*(size_t *)ctx;
	return true;
}

/* Chunks as they stay for years, and the file with what is still open. */
static void density(struct store *st, int64_t before)
{
	struct store_stats stats;
	char path[600];
	sqlite3 *db;
	sqlite3_stmt *q;

	for (int k = TICKS; k < LONG_TICKS; k++) {
		make_tick(k);
		need(store_append(st, tick, SERIES));
		if (k % 20 == 0)
			need(store_sync(st, 60 * US_PER_S, &err));
	}
	for (int i = 0; i < 40; i++) /* closed chunks are written a few per commit */
		need(store_state_set(st, "bench", "", &err));
	store_stats(st, &stats);
	snprintf(path, sizeof path, "%s/fems.db", dir);
	sqlite3_open(path, &db);
	sqlite3_prepare_v2(db, "SELECT total(length(body)) / max(1, total(n)) FROM chunk", -1, &q, NULL);
	if (sqlite3_step(q) == SQLITE_ROW)
		row("closed hours", sqlite3_column_double(q, 0), "B/sample", 1, false, "bare SQLite rows",
		    bare_bytes);
	sqlite3_finalize(q);
	sqlite3_close(db);
	row("files with the open hours and the log",
	    (double)(stats.bytes - before) / ((double)SERIES * LONG_TICKS), "B/sample", 1, false,
	    "bare SQLite rows", bare_bytes);
}

static void reading(struct store *st)
{
	size_t n = 0;
	double begin = cpu_s();

	need(store_range(st, ids[5], START, START + LONG_TICKS * US_PER_S, count, &n, &err));
	MUST(n == LONG_TICKS);
	row("one series, 6000 raw values", (cpu_s() - begin) * 1000, "ms", 25.0 * LONG_TICKS / 86400, false,
	    "none", 0);
}

int main(void)
{
	struct store *st;
	struct store_stats stats;
	double bare;

	if (!mkdtemp(dir))
		return 1;
	for (uint32_t i = 0; i < SERIES; i++)
		ids[i] = i + 1;
	bare = bare_rows();
	st = open_store();
	make_series(st);
	need(store_sync(st, 60 * US_PER_S, &err));
	store_stats(st, &stats);
	row("ingest, one commit per second", ours(st), "samples/s per core", 2e6, true,
	    "bare SQLite, a row per sample", bare);
	density(st, stats.bytes);
	reading(st);
	need(store_close(st, 60 * US_PER_S, &err));
	remove_dir();
	if (mkdir(dir, 0700) != 0)
		return 1;
	st = open_store();
	make_series(st);
	row("a year of 15-minute values of 100 meters", year_of_slots(st), "s of CPU", 0.1, false, "none", 0);
	need(store_close(st, 60 * US_PER_S, &err));
	remove_dir();
	return 0;
}
