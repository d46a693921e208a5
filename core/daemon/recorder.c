/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/daemon/recorder.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/log.h"

#define BATCH   1024
#define WAIT_US US_PER_S

struct recorder {
	struct bus_reader *reader;
	struct points *points;
	struct store *store;
	double max_rate;
	pthread_t thread;
	bool stop;        /* atomic */
	int64_t first_us; /* atomic */
	uint64_t lost;    /* atomic */
	uint32_t *series; /* by point id, 0: not asked yet; the thread's own */
	size_t n_series;
};

static bool series_room(struct recorder *r, uint32_t point)
{
	size_t n = r->n_series ? r->n_series : 256;
	uint32_t *p;

	while (n <= point)
		n *= 2;
	if (n == r->n_series)
		return true;
	p = realloc(r->series, n * sizeof *p);
	if (!p)
		return false;
	memset(p + r->n_series, 0, (n - r->n_series) * sizeof *p);
	r->series = p;
	r->n_series = n;
	return true;
}

static uint32_t series_of(struct recorder *r, uint32_t id)
{
	const struct point *p = points_get(r->points, id);
	struct fems_error e = { .text = "" };
	struct store_series s;

	if (!p || !series_room(r, id))
		return 0;
	if (r->series[id])
		return r->series[id];
	s = (struct store_series){ .name = p->name,
				   .counter = p->quantity->kind == Q_COUNTER,
				   .resolution = p->resolution,
				   .max_rate = p->quantity->kind == Q_COUNTER ? r->max_rate : 0 };
	if (store_series(r->store, &s, &r->series[id], &e)) {
		log_line(FEMS_LOG_ERROR, "recorder", "%s cannot be kept: %s", p->name, e.text);
		return 0;
	}
	return r->series[id];
}

static void record(struct recorder *r, struct fems_sample *s, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t series = series_of(r, s[i].point);

		if ((s[i].quality & FEMS_Q_CLASS) <= FEMS_Q_UNCERTAIN &&
		    !__atomic_load_n(&r->first_us, __ATOMIC_RELAXED))
			__atomic_store_n(&r->first_us, clock_mono_us(), __ATOMIC_RELAXED);
		if (!series)
			continue;
		s[kept] = s[i];
		s[kept++].point = series;
	}
	store_append(r->store, s, kept);
}

static bool take_all(struct recorder *r)
{
	struct fems_sample batch[BATCH];
	uint64_t lost = 0;
	size_t n = bus_take(r->reader, batch, BATCH, &lost);

	if (lost) {
		__atomic_add_fetch(&r->lost, lost, __ATOMIC_RELAXED);
		log_line(FEMS_LOG_WARN, "recorder",
			 "%llu samples lost: the machine is too slow for this many meters",
			 (unsigned long long)lost);
	}
	if (n)
		record(r, batch, n);
	return n == BATCH;
}

static void *run(void *ctx)
{
	struct recorder *r = ctx;

	while (!__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE)) {
		bus_wait(r->reader, WAIT_US);
		while (take_all(r))
			continue;
	}
	while (take_all(r))
		continue;
	return NULL;
}

enum fems_rc recorder_open(struct bus *bus, struct points *points, struct store *store, double max_rate,
			   struct recorder **out, struct fems_error *e)
{
	struct recorder *r = calloc(1, sizeof *r);

	if (!r)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	r->points = points;
	r->store = store;
	r->max_rate = max_rate;
	r->reader = bus_reader_open(bus);
	if (!r->reader || pthread_create(&r->thread, NULL, run, r)) {
		if (r->reader)
			bus_reader_close(r->reader);
		free(r);
		return err_set(e, FEMS_ENOMEM, "the recorder's thread cannot be made");
	}
	*out = r;
	return FEMS_OK;
}

void recorder_close(struct recorder *r)
{
	if (!r)
		return;
	__atomic_store_n(&r->stop, true, __ATOMIC_RELEASE);
	bus_wake(r->reader);
	pthread_join(r->thread, NULL);
	bus_reader_close(r->reader);
	free(r->series);
	free(r);
}

int64_t recorder_first_us(const struct recorder *r)
{
	return __atomic_load_n(&r->first_us, __ATOMIC_RELAXED);
}

uint64_t recorder_lost(const struct recorder *r)
{
	return __atomic_load_n(&r->lost, __ATOMIC_RELAXED);
}
