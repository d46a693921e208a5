/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "store_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/base/clock.h"
#include "core/daemon/recorder.h"

#define MAX_RATE 2e6 /* Wh in an hour */

struct stand {
	struct fixture *f;
	struct bus *bus;
	struct points *points;
	struct recorder *recorder;
	uint32_t energy, power;
};

static uint32_t add_point(struct stand *s, const char *quantity, double resolution)
{
	struct fems_point_info i = {
		.size = sizeof i, .device = "main", .quantity = quantity, .resolution = resolution
	};
	uint32_t id = points_add(s->points, "modbus", &i, &s->f->e);

	if (!id)
		fail_msg("%s", s->f->e.text);
	return id;
}

static void start(struct stand *s, size_t ring)
{
	OK(s->f, bus_new(ring, &s->bus, &s->f->e));
	OK(s->f, recorder_open(s->bus, s->points, s->f->st, MAX_RATE, &s->recorder, &s->f->e));
}

static void stop(struct stand *s)
{
	recorder_close(s->recorder);
	bus_free(s->bus);
	s->recorder = NULL;
	s->bus = NULL;
}

static int setup(void **state)
{
	struct stand *s = calloc(1, sizeof *s);
	void *f;

	clock_set_manual(T0);
	fixture_setup(&f);
	s->f = f;
	/* so that ids of points and of series differ */
	make_gauge(s->f, "other/power.active", 1);
	make_gauge(s->f, "other/frequency", 1);
	s->points = points_new();
	s->energy = add_point(s, "energy.active.import", 100);
	s->power = add_point(s, "power.active", 0.1);
	start(s, 1u << 12);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct stand *s = *state;
	void *f = s->f;

	if (s->recorder)
		stop(s);
	points_free(s->points);
	fixture_teardown(&f);
	free(s);
	return 0;
}

static struct fems_sample sample(uint32_t point, int64_t t_us, double value, uint32_t quality)
{
	return (struct fems_sample){ .t_us = t_us, .value = value, .point = point, .quality = quality };
}

static void publish(struct stand *s, uint32_t point, int64_t t_us, double value, uint32_t quality)
{
	struct fems_sample x = sample(point, t_us, value, quality);

	bus_publish(s->bus, &x, 1);
}

static void samples_reach_their_series(void **state)
{
	struct stand *s = *state;
	struct fems_sample last;
	uint32_t energy, power;

	for (int i = 0; i < 100; i++) {
		publish(s, s->energy, T0 + i * S, 1000 + i, FEMS_Q_GOOD);
		publish(s, s->power, T0 + i * S, 50.5, FEMS_Q_UNVERIFIED);
	}
	stop(s); /* takes what is on the bus */
	sync_store(s->f);
	energy = store_series_find(s->f->st, "main/energy.active.import");
	power = store_series_find(s->f->st, "main/power.active");
	assert_true(energy && power && energy != power);
	assert_int_not_equal(energy, s->energy);
	assert_true(store_series_is_counter(s->f->st, energy));
	assert_false(store_series_is_counter(s->f->st, power));
	assert_int_equal(count_range(s->f, energy, T0, T0 + SLOT), 100);
	assert_int_equal(count_range(s->f, power, T0, T0 + SLOT), 100);
	assert_true(store_last(s->f->st, energy, &last));
	assert_true(last.value == 1099);
	assert_true(store_last(s->f->st, power, &last));
	assert_int_equal(last.quality, FEMS_Q_UNVERIFIED);
	assert_int_equal(store_series_find(s->f->st, "other/power.active"), 1);
	assert_int_equal(count_range(s->f, 1, T0, T0 + SLOT), 0);
}

static void a_glitch_of_a_counter_is_no_energy(void **state)
{
	struct stand *s = *state;
	uint32_t series;

	for (int i = 0; i <= 20; i++)
		publish(s, s->energy, T0 + i * 60 * S, i == 7 ? 9e11 : 1000 + 100 * i, FEMS_Q_GOOD);
	stop(s);
	sync_store(s->f);
	series = store_series_find(s->f->st, "main/energy.active.import");
	assert_int_equal(energy(s->f, series, T0, T0 + 20 * 60 * S).wh, 2000);
}

static void they_arrive_while_it_runs(void **state)
{
	struct stand *s = *state;
	uint32_t power = 0;

	publish(s, s->power, T0, 7, FEMS_Q_GOOD);
	for (int i = 0; i < 1000 && !(power && count_range(s->f, power, T0, T0 + S)); i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
		power = store_series_find(s->f->st, "main/power.active");
	}
	assert_int_equal(count_range(s->f, power, T0, T0 + S), 1);
}

static void the_absence_of_a_value_is_kept(void **state)
{
	struct stand *s = *state;

	assert_int_equal(recorder_first_us(s->recorder), 0);
	publish(s, s->power, T0, 0, FEMS_Q_COMM_ERROR);
	publish(s, 4711, T0, 1, FEMS_Q_COMM_ERROR); /* no such point: left out */
	for (int i = 0; i < 1000 && !store_series_find(s->f->st, "main/power.active"); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	assert_int_equal(recorder_first_us(s->recorder), 0); /* that is no value yet */
	publish(s, s->power, T0 + S, 3, FEMS_Q_GOOD);
	for (int i = 0; i < 1000 && !recorder_first_us(s->recorder); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	assert_in_range(recorder_first_us(s->recorder), 1, clock_mono_us());
	stop(s);
	sync_store(s->f);
	assert_int_equal(count_range(s->f, store_series_find(s->f->st, "main/power.active"), T0, T0 + SLOT),
			 2);
}

static void what_was_lost_is_counted(void **state)
{
	enum { ring = 16, many = 5000 };
	struct stand *s = *state;
	struct fems_sample *x = calloc(many, sizeof *x);
	uint64_t lost;

	stop(s);
	start(s, ring);
	for (int i = 0; i < many; i++)
		x[i] = sample(s->power, T0 + i * 1000, i, FEMS_Q_GOOD);
	bus_publish(s->bus, x, many); /* at once: all but the ring is gone */
	recorder_close(s->recorder);
	OK(s->f, recorder_open(s->bus, s->points, s->f->st, MAX_RATE, &s->recorder, &s->f->e));
	assert_int_equal(recorder_lost(s->recorder), 0);
	bus_publish(s->bus, x, many);
	for (int i = 0; i < 1000 && !recorder_lost(s->recorder); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	lost = recorder_lost(s->recorder);
	assert_in_range(lost, many - 2 * ring, many - 1);
	stop(s);
	sync_store(s->f);
	assert_true(count_range(s->f, store_series_find(s->f->st, "main/power.active"), T0, T0 + SLOT) >=
		    ring);
	free(x);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(samples_reach_their_series), TEST(a_glitch_of_a_counter_is_no_energy),
		TEST(they_arrive_while_it_runs),  TEST(the_absence_of_a_value_is_kept),
		TEST(what_was_lost_is_counted),
	};

	return cmocka_run_group_tests_name("recorder", tests, NULL, NULL);
}
