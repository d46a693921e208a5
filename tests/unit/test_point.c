/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/data/point.h"

static struct fems_point_info info(const char *device, const char *quantity)
{
	struct fems_point_info i = { .size = sizeof i, .device = device, .quantity = quantity };

	return i;
}

static uint32_t add(struct points *ps, const char *owner, const char *device, const char *quantity,
		    struct fems_error *e)
{
	struct fems_point_info i = info(device, quantity);

	e->text[0] = 0;
	return points_add(ps, owner, &i, e);
}

static void makes_and_finds(void **state)
{
	struct points *ps = points_new();
	struct fems_error e;
	uint32_t a = add(ps, "modbus", "main", "power.active", &e);
	uint32_t b = add(ps, "modbus", "main", "energy.active.import", &e);

	(void)state;
	assert_int_equal(a, 1);
	assert_int_equal(b, 2);
	assert_int_equal(add(ps, "modbus", "main", "power.active", &e), a);
	assert_int_equal(points_count(ps), 2);
	assert_int_equal(points_find(ps, "main/energy.active.import"), b);
	assert_int_equal(points_find(ps, "main/voltage.l1"), 0);
	assert_string_equal(points_get(ps, a)->name, "main/power.active");
	assert_string_equal(points_get(ps, a)->owner, "modbus");
	assert_string_equal(points_get(ps, b)->quantity->unit, "Wh");
	assert_null(points_get(ps, 0));
	assert_null(points_get(ps, 3));
	points_free(ps);
}

static void refuses_with_a_text(void **state)
{
	struct points *ps = points_new();
	struct fems_error e;
	struct fems_point_info i = info("main", "power.setpoint");
	char name[80];

	(void)state;
	assert_int_equal(add(ps, "modbus", "main", "power.activ", &e), 0);
	assert_non_null(strstr(e.text, "did you mean \"power.active\"?"));
	assert_int_equal(add(ps, "modbus", "", "power.active", &e), 0);
	assert_int_equal(add(ps, "modbus", "a/b", "power.active", &e), 0);
	assert_int_equal(add(ps, "modbus", "*", "power.active", &e), 0);
	memset(name, 'x', sizeof name);
	name[64] = 0;
	assert_int_equal(add(ps, "modbus", name, "power.active", &e), 0);
	assert_non_null(strstr(e.text, "63 bytes"));
	i.flags = FEMS_POINT_WRITABLE;
	i.write_min = 5;
	i.write_max = NAN;
	assert_int_equal(points_add(ps, "modbus", &i, &e), 0);
	assert_int_equal(points_count(ps), 0);
	assert_int_equal(devices_count(ps), 0);
	assert_int_equal(add(ps, "modbus", "main", "power.active", &e), 1);
	assert_int_equal(add(ps, "mqtt", "main", "power.factor", &e), 0);
	assert_non_null(strstr(e.text, "belongs to plugin instance modbus"));
	points_free(ps);
}

static void limits_follow_a_reload(void **state)
{
	struct points *ps = points_new();
	struct fems_point_info i = info("battery", "power.setpoint");
	struct fems_error e;
	const struct point *old;
	uint32_t id;

	(void)state;
	i.flags = FEMS_POINT_WRITABLE;
	i.write_min = -100;
	i.write_max = 100;
	id = points_add(ps, "modbus", &i, &e);
	old = points_get(ps, id);
	i.write_max = 200;
	assert_int_equal(points_add(ps, "modbus", &i, &e), id);
	assert_float_equal(points_get(ps, id)->write_max, 200, 0);
	assert_float_equal(old->write_max, 100, 0); /* borrowed pointers stay good */
	assert_int_equal(points_find(ps, "battery/power.setpoint"), id);
	points_free(ps);
}

static void patterns(void **state)
{
	struct points *ps = points_new();
	struct fems_error e;
	const struct point *p = points_get(ps, add(ps, "m", "press", "power.active", &e));

	(void)state;
	assert_true(point_matches(p, "press/power.active"));
	assert_true(point_matches(p, "*/power.active"));
	assert_false(point_matches(p, "*/power.active.l1"));
	assert_false(point_matches(p, "furnace/power.active"));
	assert_false(point_matches(p, "press/*"));
	points_free(ps);
}

static void last_values_and_devices(void **state)
{
	struct points *ps = points_new();
	struct fems_error e;
	uint32_t id = add(ps, "m", "main", "power.active", &e);
	struct fems_sample s = { .t_us = 1000, .value = 5, .point = id }, out;
	struct device d;

	(void)state;
	assert_false(points_last(ps, id, &out));
	points_note(ps, &s, 1);
	assert_true(points_last(ps, id, &out));
	assert_memory_equal(&s, &out, sizeof s);
	s.t_us = 2000;
	s.quality = FEMS_Q_COMM_ERROR;
	points_note(ps, &s, 1);
	assert_true(device_find(ps, "main", &d));
	assert_int_equal(d.last_us, 1000);
	assert_int_equal(d.samples, 1);
	assert_int_equal(d.errors, 1);
	assert_int_equal(d.state, FEMS_DEV_UNKNOWN);
	s.point = 99;
	points_note(ps, &s, 1); /* an unknown id is ignored */
	assert_true(device_set_state(ps, "m", "main", FEMS_DEV_OFFLINE, "no answer", 3000));
	assert_false(device_set_state(ps, "m", "main", FEMS_DEV_OFFLINE, "still none", 4000));
	assert_true(device_find(ps, "main", &d));
	assert_int_equal(d.since_us, 3000);
	assert_string_equal(d.why, "still none");
	assert_false(device_set_state(ps, "other", "main", FEMS_DEV_ONLINE, "", 5000));
	assert_true(device_set_state(ps, "m", "second", FEMS_DEV_ONLINE, "", 5000));
	assert_int_equal(devices_count(ps), 2);
	assert_true(device_at(ps, 1, &d));
	assert_string_equal(d.name, "second");
	assert_false(device_at(ps, 2, &d));
	assert_string_equal(device_state_name(FEMS_DEV_DEGRADED), "degraded");
	points_free(ps);
}

/* ---- many threads ---- */

#define THREADS 6
#define DEVICES 300

static struct points *shared;
static atomic_int adding;

static void *adder(void *arg)
{
	static const char *const quantities[] = { "power.active", "voltage.l1", "frequency", "current.l2" };
	struct fems_error e;
	char device[32];

	(void)arg;
	for (int i = 0; i < DEVICES; i++) {
		snprintf(device, sizeof device, "meter-%d", i);
		for (size_t q = 0; q < 4; q++)
			assert_true(add(shared, "m", device, quantities[q], &e) > 0);
	}
	atomic_fetch_sub(&adding, 1);
	return NULL;
}

static void *noter(void *arg)
{
	uint64_t *wrong = arg;

	while (atomic_load(&adding)) {
		for (uint32_t id = 1, n = points_count(shared); id <= n; id++) {
			struct fems_sample s = { .t_us = id, .value = id, .point = id }, out;
			struct device d;

			points_note(shared, &s, 1);
			*wrong += !points_last(shared, id, &out) || out.point != id;
			*wrong += points_find(shared, points_get(shared, id)->name) != id;
			*wrong += !device_find(shared, points_get(shared, id)->device, &d);
		}
	}
	return NULL;
}

static void many_threads(void **state)
{
	pthread_t a[THREADS], b[2];
	uint64_t wrong[2] = { 0 };

	(void)state;
	shared = points_new();
	atomic_store(&adding, THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&a[i], NULL, adder, NULL);
	for (int i = 0; i < 2; i++)
		pthread_create(&b[i], NULL, noter, &wrong[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(a[i], NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(b[i], NULL);
	assert_int_equal(wrong[0] + wrong[1], 0);
	assert_int_equal(points_count(shared), DEVICES * 4);
	assert_int_equal(devices_count(shared), DEVICES);
	points_free(shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_and_finds),         cmocka_unit_test(refuses_with_a_text),
		cmocka_unit_test(limits_follow_a_reload),  cmocka_unit_test(patterns),
		cmocka_unit_test(last_values_and_devices), cmocka_unit_test(many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
