/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "core/base/clock.h"
#include "core/data/data_services.h"
#include "core/loop/loop.h"

static const struct site_meter meters[] = {
	{ .name = "main",
	  .label_ko = "주계량기",
	  .label_en = "Main",
	  .plugin = "modbus",
	  .role = METER_MAIN },
	{ .name = "press", .plugin = "modbus", .parent = "main", .role = METER_MACHINE },
};
static const struct site_machine machines[] = { { .id = "PRESS-1", .label_en = "Press", .meter = "press" } };
static struct site plant = {
	.name = "Plant",
	.currency = "KRW",
	.language = "ko",
	.control = CONTROL_ADVISE,
	.main_meter = "main",
	.contract_w = 450000,
	.meters = meters,
	.n_meters = 2,
	.machines = machines,
	.n_machines = 1,
	.battery = { .meter = "battery", .setpoint = "battery/power.setpoint", .capacity_wh = 200000 },
};

struct fixture {
	struct loop *loop;
	struct services *services;
	struct points *points;
	const struct site *site;
	struct data_services ds;
	pthread_t thread;
};

static void *run(void *arg)
{
	loop_run(arg);
	return NULL;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct fems_error e;

	assert_int_equal(loop_new(&f->loop, &e), FEMS_OK);
	assert_int_equal(zone_open("Asia/Seoul", &plant.zone, &e), FEMS_OK);
	f->services = services_new(f->loop);
	f->points = points_new();
	f->site = &plant;
	f->ds = (struct data_services){ &f->site, f->points };
	data_services_register(f->services, &f->ds);
	pthread_create(&f->thread, NULL, run, f->loop);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	loop_stop(f->loop);
	pthread_join(f->thread, NULL);
	services_free(f->services);
	points_free(f->points);
	loop_free(f->loop);
	zone_free(plant.zone);
	free(f);
	return 0;
}

static void on_reply(void *ctx, struct fems_span json)
{
	*(json_t **)ctx = json_loadb(json.ptr, json.len, 0, NULL);
}

static enum fems_rc ask(struct fixture *f, const char *name, const char *request, json_t **reply,
			struct fems_error *e)
{
	struct fems_span span = { request, strlen(request) };

	*reply = NULL;
	e->text[0] = 0;
	return service_call(f->services, name, span, on_reply, reply, e);
}

static const char *str(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static uint32_t add(struct fixture *f, const char *device, const char *quantity, uint32_t flags)
{
	struct fems_point_info i = {
		.size = sizeof i, .device = device, .quantity = quantity, .flags = flags
	};
	struct fems_error e;
	uint32_t id = points_add(f->points, "modbus", &i, &e);

	assert_true(id > 0);
	return id;
}

static void list_of_meters(void **state)
{
	struct fixture *f = *state;
	uint32_t power = add(f, "main", "power.active", 0),
		 energy = add(f, "main", "energy.active.import", 0);
	int64_t t = clock_now_us() - 5 * US_PER_S;
	struct fems_sample s[] = { { .t_us = t, .value = 41520.4, .point = power },
				   { .t_us = t, .value = 1234567890, .point = energy } };
	struct fems_error e;
	json_t *reply, *m;
	double age;

	add(f, "press", "power.active", FEMS_POINT_UNVERIFIED);
	points_note(f->points, s, 2);
	device_set_state(f->points, "modbus", "press", FEMS_DEV_OFFLINE, "no answer", t);
	assert_int_equal(ask(f, "meters.list", "{}", &reply, &e), FEMS_OK);
	assert_int_equal(json_array_size(json_object_get(reply, "meters")), 2);
	m = json_array_get(json_object_get(reply, "meters"), 0);
	assert_string_equal(str(m, "name"), "main");
	assert_string_equal(str(json_object_get(m, "labels"), "ko"), "주계량기");
	assert_string_equal(str(m, "role"), "main");
	assert_string_equal(str(m, "state"), "unknown");
	assert_int_equal(json_integer_value(json_object_get(m, "power_w")), 41520);
	assert_int_equal(json_integer_value(json_object_get(m, "energy_wh")), 1234567890);
	age = json_real_value(json_object_get(m, "age_s"));
	assert_true(age >= 5 && age < 60);
	assert_non_null(strstr(str(m, "last"), "+09:00"));
	assert_true(json_is_false(json_object_get(m, "unverified")));
	m = json_array_get(json_object_get(reply, "meters"), 1);
	assert_string_equal(str(json_object_get(m, "labels"), "ko"), "press"); /* no label: the name */
	assert_string_equal(str(m, "parent"), "main");
	assert_string_equal(str(m, "state"), "offline");
	assert_string_equal(str(m, "why"), "no answer");
	assert_true(json_is_null(json_object_get(m, "power_w")));
	assert_true(json_is_null(json_object_get(m, "last")));
	assert_true(json_is_true(json_object_get(m, "unverified")));
	json_decref(reply);
}

static void one_meter(void **state)
{
	struct fixture *f = *state;
	uint32_t power = add(f, "press", "power.active", 0), pf = add(f, "press", "power.factor", 0);
	struct fems_sample s[] = {
		{ .t_us = clock_now_us(), .value = 12.5, .point = power },
		{ .t_us = clock_now_us(), .point = pf, .quality = FEMS_Q_COMM_ERROR },
	};
	struct fems_error e;
	json_t *reply, *p;

	points_note(f->points, s, 2);
	assert_int_equal(ask(f, "meters.read", "{\"name\":\"press\"}", &reply, &e), FEMS_OK);
	assert_int_equal(json_array_size(json_object_get(reply, "points")), 2);
	p = json_array_get(json_object_get(reply, "points"), 0);
	assert_string_equal(str(p, "quantity"), "power.active");
	assert_string_equal(str(p, "unit"), "W");
	assert_string_equal(str(p, "quality"), "good");
	assert_float_equal(json_real_value(json_object_get(p, "value")), 12.5, 0);
	p = json_array_get(json_object_get(reply, "points"), 1);
	assert_string_equal(str(p, "quality"), "comm-error");
	assert_true(json_is_null(json_object_get(p, "value"))); /* never an old or made-up value */
	json_decref(reply);
	assert_int_equal(ask(f, "meters.read", "{\"name\":\"pres\"}", &reply, &e), FEMS_ENOENT);
	assert_non_null(strstr(e.text, "did you mean \"press\"?"));
	assert_int_equal(ask(f, "meters.read", "{}", &reply, &e), FEMS_EINVAL);
	/* known to the settings, but no plugin has made a point yet */
	assert_int_equal(ask(f, "meters.read", "{\"name\":\"main\"}", &reply, &e), FEMS_OK);
	assert_int_equal(json_array_size(json_object_get(reply, "points")), 0);
	json_decref(reply);
}

static void quantities_and_site(void **state)
{
	struct fixture *f = *state;
	struct fems_error e;
	json_t *reply, *q;

	assert_int_equal(ask(f, "quantities.list", "", &reply, &e), FEMS_OK);
	q = json_array_get(json_object_get(reply, "quantities"), 0);
	assert_string_equal(str(q, "name"), "energy.active.import");
	assert_string_equal(str(q, "kind"), "counter");
	json_decref(reply);
	assert_int_equal(ask(f, "site", "", &reply, &e), FEMS_OK);
	assert_string_equal(str(reply, "zone"), "Asia/Seoul");
	assert_string_equal(str(reply, "control"), "advise");
	assert_int_equal(json_integer_value(json_object_get(reply, "target_w")), 450000);
	assert_string_equal(str(json_array_get(json_object_get(reply, "machines"), 0), "id"), "PRESS-1");
	assert_string_equal(str(json_object_get(reply, "battery"), "setpoint"), "battery/power.setpoint");
	json_decref(reply);
}

static void before_the_site_is_read(void **state)
{
	struct fixture *f = *state;
	struct fems_error e;
	json_t *reply;

	f->site = NULL;
	assert_int_equal(ask(f, "site", "", &reply, &e), FEMS_AGAIN);
	assert_int_equal(ask(f, "meters.list", "", &reply, &e), FEMS_OK);
	assert_int_equal(json_array_size(json_object_get(reply, "meters")), 0);
	json_decref(reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(list_of_meters, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_meter, set_up, tear_down),
		cmocka_unit_test_setup_teardown(quantities_and_site, set_up, tear_down),
		cmocka_unit_test_setup_teardown(before_the_site_is_read, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
