/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "store_fixture.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/store/store_services.h"

static void keep_reply(void *ctx, struct fems_span json)
{
	json_t **out = ctx;

	*out = json_loadb(json.ptr, json.len, 0, NULL);
}

static struct services *services;

static enum fems_rc call(struct fixture *f, const char *name, const char *request, json_t **out)
{
	struct fems_span span = { request, strlen(request) };

	*out = NULL;
	return service_call(services, name, span, keep_reply, out, &f->e);
}

static int setup(void **state)
{
	struct fixture *f;

	fixture_setup(state);
	f = *state;
	services = services_new(NULL);
	store_services_register(services, f->st);
	return 0;
}

static int teardown(void **state)
{
	services_free(services);
	return fixture_teardown(state);
}

static void fill(struct fixture *f)
{
	uint32_t e = make_counter(f, "main/energy.active.import", 0),
		 p = make_gauge(f, "main/power.active", 1);

	for (int i = 0; i <= 2700; i++) {
		put(f, e, EDGE + i * S, i);
		if (i < 600 || i >= 1200)
			put(f, p, EDGE + i * S + S / 4, i < 600 ? 100 + i % 2 * 10 : 7);
	}
	sync_store(f);
}

static void series_by_steps(void **state)
{
	struct fixture *f = *state;
	char request[400];
	json_t *j, *t, *v;

	fill(f);
	snprintf(request, sizeof request,
		 "{\"points\":[\"main/energy.active.import\",\"main/"
		 "power.active\"],\"from\":\"2026-02-02T11:30:00+09:00\","
		 "\"to\":\"2026-02-02T12:30:00+09:00\",\"step_s\":900}");
	OK(f, call(f, "series", request, &j));
	t = json_object_get(j, "t");
	assert_int_equal(json_array_size(t), 4);
	assert_int_equal(json_integer_value(json_array_get(t, 0)), EDGE / S);
	assert_int_equal(json_integer_value(json_array_get(t, 3)), EDGE / S + 2700);
	v = json_object_get(json_object_get(j, "series"), "main/energy.active.import");
	assert_int_equal(json_integer_value(json_array_get(v, 0)), 900);
	assert_int_equal(json_integer_value(json_array_get(v, 2)), 900);
	v = json_object_get(json_object_get(j, "series"), "main/power.active");
	assert_true(json_real_value(json_array_get(v, 0)) > 104.99 &&
		    json_real_value(json_array_get(v, 0)) < 105.01);
	assert_true(json_real_value(json_array_get(v, 2)) > 6.99 &&
		    json_real_value(json_array_get(v, 2)) < 7.01);
	json_decref(j);
	/* Steps that are no slots, and an address line's way to ask. */
	snprintf(request, sizeof request,
		 "{\"points\":\"main/energy.active.import,main/power.active\",\"from\":\"%lld\","
		 "\"to\":%lld,\"step_s\":\"100\"}",
		 (long long)(EDGE / S + 500), (long long)(EDGE / S + 1000));
	OK(f, call(f, "series", request, &j));
	v = json_object_get(json_object_get(j, "series"), "main/energy.active.import");
	assert_int_equal(json_array_size(v), 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(json_integer_value(json_array_get(v, i)), 100);
	v = json_object_get(json_object_get(j, "series"), "main/power.active");
	assert_true(json_is_real(json_array_get(v, 0)));
	assert_true(json_is_null(json_array_get(v, 1)));
	json_decref(j);
}

static void series_raw(void **state)
{
	struct fixture *f = *state;
	char request[400];
	json_t *j, *v;

	fill(f);
	snprintf(request, sizeof request,
		 "{\"points\":[\"main/energy.active.import\",\"main/power.active\"],\"from\":%lld,"
		 "\"to\":%lld,\"step_s\":0}",
		 (long long)(EDGE / S + 10), (long long)(EDGE / S + 12));
	OK(f, call(f, "series", request, &j));
	assert_int_equal(json_array_size(json_object_get(j, "t")), 4);
	v = json_object_get(json_object_get(j, "series"), "main/energy.active.import");
	assert_true(json_number_value(json_array_get(v, 0)) > 9.9);
	assert_true(json_is_null(json_array_get(v, 1)));
	v = json_object_get(json_object_get(j, "series"), "main/power.active");
	assert_true(json_is_null(json_array_get(v, 0)));
	assert_true(json_number_value(json_array_get(v, 1)) > 99);
	json_decref(j);
}

static void bad_requests_say_why(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *service, *request, *word;
		enum fems_rc rc;
	} bad[] = {
		{ "series", "{}", "points", FEMS_EINVAL },
		{ "series", "{\"points\":[]}", "points", FEMS_EINVAL },
		{ "series", "{\"points\":[7]}", "points[0]", FEMS_EINVAL },
		{ "series", "{\"points\":[\"a\",\"a\"]}", "twice", FEMS_EINVAL },
		{ "series", "{\"points\":[\"a\"]}", "from", FEMS_EINVAL },
		{ "series", "{\"points\":[\"a\"],\"from\":\"noon\"}", "offset", FEMS_EINVAL },
		{ "series", "{\"points\":[\"a\"],\"from\":5,\"to\":4}", "before", FEMS_EINVAL },
		{ "series", "{\"points\":[\"a\"],\"from\":5,\"to\":1000000,\"step_s\":1}", "larger step",
		  FEMS_EINVAL },
		{ "series", "{\"points\":[\"a\"],\"from\":5,\"to\":6,\"step_s\":-1}", "step_s", FEMS_EINVAL },
		{ "series", "{\"points\":[\"nosuch/point\"],\"from\":5,\"to\":6}", "nosuch/point",
		  FEMS_ENOENT },
		{ "outbox.list", "{\"max\":0}", "max", FEMS_EINVAL },
		{ "outbox.list", "{\"max\":\"ten\"}", "max", FEMS_EINVAL },
		{ "outbox.list", "{\"state\":5}", "state", FEMS_EINVAL },
		{ "audit.list", "{\"max\":1.5}", "max", FEMS_EINVAL },
	};
	json_t *j;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(call(f, bad[i].service, bad[i].request, &j), bad[i].rc);
		assert_non_null(strstr(f->e.text, bad[i].word));
	}
}

static void lists_and_status(void **state)
{
	struct fixture *f = *state;
	struct store_message m = { .route = "erp",
				   .type = "operations-performance",
				   .key = "k1",
				   .business = "A",
				   .body = { "{\"x\":1}", 7 } };
	json_t *j, *item;

	OK(f, store_outbox_add(f->st, NULL, &m, NULL, &f->e));
	m.key = "k2";
	m.body.ptr = "plain!!";
	OK(f, store_outbox_add(f->st, NULL, &m, NULL, &f->e));
	OK(f, store_audit(f->st, "kim", "shed", "fan1", "{\"value\":1}", &f->e));
	OK(f, call(f, "outbox.list", "{\"max\":\"5\"}", &j));
	assert_int_equal(json_array_size(json_object_get(j, "messages")), 2);
	item = json_array_get(json_object_get(j, "messages"), 0);
	assert_string_equal(json_string_value(json_object_get(item, "key")), "k2");
	assert_string_equal(json_string_value(json_object_get(item, "body")), "plain!!");
	assert_true(json_is_null(json_object_get(item, "next")));
	assert_true(json_is_string(json_object_get(item, "created")));
	item = json_array_get(json_object_get(j, "messages"), 1);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(item, "body"), "x")), 1);
	json_decref(j);
	OK(f, call(f, "outbox.list", "{\"state\":\"dead\"}", &j));
	assert_int_equal(json_array_size(json_object_get(j, "messages")), 0);
	json_decref(j);
	OK(f, call(f, "audit.list", "", &j));
	item = json_array_get(json_object_get(j, "entries"), 0);
	assert_string_equal(json_string_value(json_object_get(item, "who")), "kim");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(item, "detail"), "value")), 1);
	json_decref(j);
	fill(f);
	j = store_status_json(f->st);
	assert_int_equal(json_integer_value(json_object_get(j, "stored")), 2701 + 2101);
	assert_int_equal(json_integer_value(json_object_get(j, "queued")), 0);
	assert_true(json_integer_value(json_object_get(j, "bytes")) > 0);
	assert_true(json_is_false(json_object_get(j, "disk_full")));
	assert_true(json_is_string(json_object_get(j, "last_commit")));
	json_decref(j);
	j = store_outbox_json(f->st);
	assert_int_equal(json_integer_value(json_object_get(j, "waiting")), 2);
	json_decref(j);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(series_by_steps), T(series_raw), T(bad_requests_say_why),
					    T(lists_and_status) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
