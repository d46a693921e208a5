/* SPDX-License-Identifier: Apache-2.0
 *
 * The B2MML connector under the real plugin host, inside this process and in one of its own: the same
 * document comes, the same message goes.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/plugin/b2mml_host.h"
#include "tests/plugin/stage.h"

static const char performance[] =
	"{\"schedule_id\":\"FLOOR\",\"request_id\":\"SO-300107-11\",\"segment_id\":\"SO-300107-11-10\","
	"\"equipment\":\"FURNACE-1\",\"actual_start\":\"2030-01-07T08:00:00Z\",\"actual_end\":\"2030-01-"
	"07T12:00:00Z\","
	"\"energy_wh\":1,\"peak_w\":4,\"cost_micro\":-1,\"currency\":\"KRW\"}";

static void push(struct stage *s, const struct erp_child *erp)
{
	struct fems_delivery d = { .size = sizeof d };
	struct fems_error e = { "", NULL };
	struct fems_span body = { performance, sizeof performance - 1 };
	json_t *received, *p;

	if (plugs_push(s->plugs, "a", "operations-performance", "perf-x", body, 5000000, &d, &e) != FEMS_OK)
		fail_msg("%s", e.text);
	assert_non_null(strstr(d.receipt, "taken"));
	assert_int_equal(erp_call(erp, "/received.json", NULL, &received), 200);
	p = json_array_get(json_object_get(received, "performances"), 0);
	assert_string_equal(json_string_value(json_object_get(p, "energy_kwh")), "0.001");
	assert_string_equal(json_string_value(json_object_get(p, "peak_kw")), "0.004");
	assert_string_equal(json_string_value(json_object_get(p, "cost")), "-0.000001");
	json_decref(received);
}

static void run(const char *isolate)
{
	struct erp_child erp;
	struct stage s;
	char yaml[500];

	erp_child_start(&erp);
	stage_open(&s);
	snprintf(yaml, sizeof yaml,
		 "plugins: [{plugin: b2mml, name: a, interval: 100ms, isolate: %s, allow_plain_http: true, "
		 "allow_loopback: true, url: \"%s/b2mml/operations-schedule\"}]\n",
		 isolate, erp.base);
	if (stage_apply(&s, yaml) != FEMS_OK)
		fail_msg("%s", s.message);
	stage_await(&s, "document a operations-schedule");
	push(&s, &erp);
	stage_close(&s);
	erp_child_stop(&erp);
}

static void test_inside(void **state)
{
	(void)state;
	run("false");
}

static void test_isolated(void **state)
{
	(void)state;
	run("true");
}

static void test_settings_messages(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s);
	assert_non_null(
		strstr(stage_check(&s, "plugins: [{plugin: b2mml}]\n"), "set url, folder or post_url"));
	assert_non_null(
		strstr(stage_check(&s, "plugins: [{plugin: b2mml, url: \"ftp://erp/x\"}]\n"), "only https"));
	assert_non_null(strstr(stage_check(&s, "plugins: [{plugin: b2mml, folder: x, validation: lax}]\n"),
			       "lenient"));
	stage_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inside),
		cmocka_unit_test(test_isolated),
		cmocka_unit_test(test_settings_messages),
	};

	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
