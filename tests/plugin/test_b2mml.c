/* SPDX-License-Identifier: Apache-2.0
 *
 * The B2MML connector as femsd sees it: loaded by dlopen, with a host that remembers, polling the ERP
 * stand-in over real HTTP, with its faults; and the addresses that it refuses to speak to.
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
#include <time.h>
#include "tests/plugin/b2mml_host.h"

#define S INT64_C(1000000)

static struct erp_child erp;

static int start_erp(void **state)
{
	(void)state;
	erp_child_start(&erp);
	return 0;
}

static int stop_erp(void **state)
{
	(void)state;
	erp_child_stop(&erp);
	return 0;
}

/* ---- settings ---- */

static void test_settings(void **state)
{
	static const struct {
		struct setting set[5];
		const char *key, *says;
	} cases[] = {
		{ { { NULL, NULL } }, "url", "nothing to do" },
		{ { { "url", "http://erp/x" }, { NULL, NULL } }, "url", "allow_plain_http" },
		{ { { "url", "ftp://erp/x" }, { NULL, NULL } }, "url", "only https and http" },
		{ { { "url", "file:///etc/passwd" }, { NULL, NULL } }, "url", "only https and http" },
		{ { { "url", "gopher://erp/" }, { "allow_plain_http", "true" }, { NULL, NULL } },
		  "url",
		  "only https" },
		{ { { "url", "https://me:secret@erp/x" }, { NULL, NULL } },
		  "url",
		  "settings user and password" },
		{ { { "url", "https://" }, { NULL, NULL } }, "url", "not an address" },
		{ { { "folder", "x" }, { "post_url", "http://erp" }, { NULL, NULL } },
		  "post_url",
		  "not encrypted" },
		{ { { "folder", "x" }, { "token", "t" }, { "user", "u" }, { NULL, NULL } },
		  "token",
		  "exclude" },
		{ { { "folder", "x" }, { "password", "p" }, { NULL, NULL } }, "user", "no user" },
		{ { { "folder", "x" }, { "utc_offset", "KST" }, { NULL, NULL } }, "utc_offset", "+09:00" },
	};
	const struct fems_plugin *p = b2mml_plugin();

	(void)state;
	assert_string_equal(p->name, "b2mml");
	assert_int_equal(p->kinds, FEMS_CONNECTOR);
	assert_string_equal(p->connector->types[0], "operations-performance");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fems_error e = { "", NULL };
		struct fems_settings settings = { .size = sizeof settings };
		void *cfg = settings_fill(p, cases[i].set);

		settings.cfg = cfg;
		assert_int_equal(p->life->check(&settings, &e), FEMS_EINVAL);
		assert_string_equal(e.key, cases[i].key);
		if (!strstr(e.text, cases[i].says) || strstr(e.text, "secret"))
			fail_msg("case %zu: %s", i, e.text);
		free(cfg);
	}
}

static void test_bad_folder_and_schema(void **state)
{
	static const struct setting folder[] = { { "folder", "/nonexistent/in" }, { NULL, NULL } };
	static const struct setting schema[] = { { "url", "https://erp/x" },
						 { "schema", "/nonexistent.xsd" },
						 { NULL, NULL } };
	const struct setting *const sets[] = { folder, schema };
	const struct fems_plugin *p = b2mml_plugin();
	struct test_host h;

	(void)state;
	test_host_init(&h);
	for (size_t i = 0; i < 2; i++) {
		struct fems_error e = { "", NULL };
		struct fems_settings settings = { .size = sizeof settings };
		void *cfg = settings_fill(p, sets[i]), *self = NULL;

		settings.cfg = cfg;
		assert_int_equal(p->life->check(&settings, &e), FEMS_OK);
		assert_int_equal(p->life->open(&h.host, &settings, &self, &e), FEMS_EINVAL);
		assert_string_equal(e.key, i ? "schema" : "folder");
		assert_non_null(strstr(e.text, "/nonexistent"));
		if (self)
			p->life->close(self);
		free(cfg);
	}
}

/* ---- poll ---- */

static size_t segment_count(const json_t *doc)
{
	json_t *r;
	size_t i, n = 0;

	json_array_foreach(json_object_get(doc, "requests"), i, r) n +=
		json_array_size(json_object_get(r, "segments"));
	return n;
}

static void test_poll(void **state)
{
	struct test_host h;
	struct b2mml_instance it;
	json_t *doc, *reply;

	(void)state;
	instance_open_on_erp(&it, &h, &erp);
	if (instance_pull(&it, 5 * S) != FEMS_OK)
		fail_msg("%s", it.error.text);
	assert_int_equal(h.n_documents, 1);
	assert_string_equal(h.documents[0].type, "operations-schedule");
	doc = h.documents[0].body;
	assert_int_equal(segment_count(doc), 14);
	assert_null(json_object_get(doc, "warnings"));
	assert_string_equal(h.log, "");
	assert_true(json_is_true(json_object_get(doc, "complete")));
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK); /* not modified */
	assert_int_equal(h.n_documents, 1);

	assert_int_equal(erp_call(&erp, "/orders",
				  "{\"equipment\":[\"CNC-1\",\"CNC-2\"],\"duration_min\":60,"
				  "\"energy_kwh\":20,\"product\":\"A<&>\\\"B\"}",
				  &reply),
			 201);
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK);
	assert_int_equal(h.n_documents, 2);
	assert_int_equal(segment_count(h.documents[1].body), 15);
	assert_string_not_equal(h.documents[0].key, h.documents[1].key);
	doc = json_array_get(json_object_get(h.documents[1].body, "requests"), 14);
	assert_string_equal(json_string_value(json_object_get(doc, "id")),
			    json_string_value(json_object_get(reply, "id")));
	doc = json_array_get(json_object_get(doc, "segments"), 0);
	assert_string_equal(json_string_value(json_object_get(doc, "product")), "A<&>\"B");
	assert_int_equal(json_integer_value(json_object_get(doc, "energy_wh")), 20000);
	assert_int_equal(json_integer_value(json_object_get(doc, "duration_s")), 3600);
	assert_int_equal(json_array_size(json_object_get(doc, "equipment")), 2);
	json_decref(reply);
	instance_close(&it);
	test_host_forget(&h);
}

/* A document that the core did not take is brought again; one that it knew is not a fault. */
static void test_core_that_refuses(void **state)
{
	struct test_host h;
	struct b2mml_instance it;

	(void)state;
	instance_open_on_erp(&it, &h, &erp);
	h.answer = FEMS_EIO;
	h.answer_text = "disk full";
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_EIO);
	instance_says(&it, "disk full");
	h.answer = FEMS_ECONFLICT;
	h.answer_text = "same key, other content";
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_ECONFLICT);
	instance_says(&it, "same key, other content");
	h.answer = FEMS_OK;
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK);
	assert_int_equal(h.n_documents, 1);
	instance_close(&it);
	test_host_forget(&h);
	instance_open_on_erp(&it, &h, &erp);
	h.answer = FEMS_ECONFLICT;
	h.answer_text = "";
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK);
	instance_close(&it);
	test_host_forget(&h);
}

static void test_poll_faults(void **state)
{
	static const struct {
		const char *mode;
		int count;
		enum fems_rc rc;
		const char *says;
	} cases[] = {
		{ "500", 1, FEMS_EIO, "HTTP 500" },
		{ "500", 1, FEMS_EIO, "see its log" },
		{ "retry-after", 1, FEMS_EIO, "HTTP 503" },
		{ "down", 2, FEMS_EIO, "127.0.0.1" }, /* libcurl tries a second connection */
		{ "slow", 1, FEMS_ETIME, "raise timeout" },
		{ "badxml", 1, FEMS_EINVAL, "not well-formed" },
	};
	struct test_host h;
	struct b2mml_instance it;

	(void)state;
	instance_open_on_erp(&it, &h, &erp);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		erp_fault(&erp, cases[i].mode, cases[i].count);
		assert_int_equal(instance_pull(&it, S), cases[i].rc);
		instance_says(&it, cases[i].says);
		assert_int_equal(h.n_documents, 0);
		erp_fault(&erp, "off", 0);
	}
	instance_says(&it, "/b2mml/operations-schedule:"); /* URL:line:col of the broken document */
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK);
	assert_int_equal(h.n_documents, 1);
	instance_close(&it);
	test_host_forget(&h);
}

/* The stand-in asks for a confirmation of errors: the broken document is answered by a ConfirmBOD. */
static void test_confirmation(void **state)
{
	struct test_host h;
	struct b2mml_instance it;
	json_t *received;

	(void)state;
	instance_open_on_erp(&it, &h, &erp);
	assert_int_equal(erp_call(&erp, "/orders", "{\"equipment\":\"PRESS-1\",\"duration_min\":30}", NULL),
			 201);
	assert_int_equal(erp_call(&erp, "/received.json", NULL, &received), 200);
	size_t before = json_array_size(json_object_get(received, "confirmations"));
	json_decref(received);
	erp_fault(&erp, "badxml", 1);
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_EINVAL);
	assert_int_equal(erp_call(&erp, "/received.json", NULL, &received), 200);
	assert_int_equal(json_array_size(json_object_get(received, "confirmations")), before + 1);
	assert_string_equal(h.log, "");
	json_decref(received);
	instance_close(&it);
	test_host_forget(&h);
}

static void test_stop_in_a_slow_exchange(void **state)
{
	struct test_host h;
	struct b2mml_instance it;
	struct timespec a, b;

	(void)state;
	instance_open_on_erp(&it, &h, &erp);
	erp_fault(&erp, "slow", 1);
	h.stopping = true;
	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_AGAIN);
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_true((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < 1300);
	instance_close(&it);
}

/* ---- addresses ---- */

static void test_addresses(void **state)
{
	/* Port 9 (discard): where an address is let through, nothing listens. */
	static const char *const hosts[] = {
		"127.0.0.1",
		"127.1",
		"2130706433",
		"0x7f000001",
		"0177.0.0.1",
		"localhost",
		"[::1]",
		"[::ffff:127.0.0.1]",
		"[::ffff:7f00:1]",
		"[64:ff9b::7f00:1]",
		"[::7f00:1]",
		"0.0.0.0",
		"[::]",
		"169.254.169.254",
		"[::ffff:a9fe:a9fe]",
		"[fe80::1]",
		"[ff02::1]",
		"224.0.0.1",
		"255.255.255.255",
		"240.0.0.1",
		"0",
		"127.0.0.1%09",
		"localhost.",
		"%6c%6fcalhost",
		"127.255.255.254",
	};
	char address[100];

	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		const struct setting set[] = {
			{ "url", address }, { "allow_plain_http", "true" }, { "timeout", "2" }, { NULL, NULL }
		};
		struct fems_settings settings = { .size = sizeof settings };
		struct test_host h;
		struct b2mml_instance it;
		struct fems_error e = { "", NULL };
		void *cfg;

		snprintf(address, sizeof address, "http://%s:9/x?token=hidden", hosts[i]);
		cfg = settings_fill(b2mml_plugin(), set);
		settings.cfg = cfg;
		if (b2mml_plugin()->life->check(&settings, &e) != FEMS_OK) {
			free(cfg);
			continue; /* refused even before */
		}
		free(cfg);
		test_host_init(&h);
		instance_open(&it, &h, set);
		if (instance_pull(&it, 3 * S) != FEMS_EAUTH && !strstr(it.error.text, "host"))
			fail_msg("%s: %s", hosts[i], it.error.text);
		assert_null(strstr(it.error.text, "hidden"));
		instance_close(&it);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_bad_folder_and_schema),
		cmocka_unit_test(test_poll),
		cmocka_unit_test(test_core_that_refuses),
		cmocka_unit_test(test_poll_faults),
		cmocka_unit_test(test_confirmation),
		cmocka_unit_test(test_stop_in_a_slow_exchange),
		cmocka_unit_test(test_addresses),
	};

	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, start_erp, stop_erp);
}
