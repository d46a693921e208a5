/* SPDX-License-Identifier: Apache-2.0
 *
 * Plugins that misbehave: refused before they are loaded, or contained in fems-host, or left behind
 * when they hang inside this process.
 */
#include "config.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "tests/plugin/stage.h"

static enum fems_rc apply_bad(struct stage *s, const char *where, const char *how, const char *more)
{
	char yaml[500];

	snprintf(yaml, sizeof yaml,
		 "plugins:\n  - {plugin: bad, where: %s, how: %s, interval: 20ms, %s}\n"
		 "meters:\n  - {name: m1, plugin: bad}\n",
		 where, how, more);
	return stage_apply(s, yaml);
}

/* ---- files ---- */

static void test_refused(void **state)
{
	static const struct {
		const char *plugin, *text;
	} cases[] = {
		{ "bad-major",
		  "bad-major 1.0 was built for plugin ABI 2.0, this femsd offers 1.0; update femsd" },
		{ "bad-minor",
		  "bad-minor 1.0 was built for plugin ABI 1.7, this femsd offers 1.0; update femsd" },
		{ "bad-symbol", "bad-symbol 1.0 has no symbol fems_plugin_1" },
		{ "bad-mismatch", "its note says bad-mismatch 1.0, its descriptor says another 1.0" },
		{ "bad-kinds", "bad-kinds 1.0: is a connector by its kinds but has no calls for it" },
		{ "bad-table", "bad-table 1.0: settings table: \"outside\": lies outside its struct" },
		{ "bad-key", "bad-key 1.0: settings table: \"interval\" is a setting of femsd's own" },
		{ "bad-alias", "the file holds the plugin \"by-another-name\", not \"bad-alias\"" },
		{ "no-note", "a shared object without a FEMS note" },
		{ "/bin/true", "/bin/true: not a plugin: a shared object without a FEMS note" },
		{ "/dev/null", "/dev/null: not a plugin: no regular file" },
		{ "/etc/passwd", "/etc/passwd: not a plugin: no ELF file" },
		{ "./nowhere.so", "./nowhere.so: no such plugin" },
	};
	struct stage s;

	(void)state;
	stage_open(&s);
	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
		for (int isolate = 0; isolate < 2; isolate++) {
			char yaml[200];

			snprintf(yaml, sizeof yaml, "plugins: [{plugin: %s, name: x, isolate: %s}]\n",
				 cases[k].plugin, isolate ? "true" : "false");
			if (!strstr(stage_check(&s, yaml), cases[k].text))
				fail_msg("%s: %s", cases[k].plugin, s.message);
		}
	stage_close(&s);
}

static void test_crash_before_open(void **state)
{
	struct stage s;
	const char *text;

	(void)state;
	stage_open(&s);
	text = stage_check(&s, "plugins: [{plugin: bad-constructor, isolate: true}]\n");
	assert_non_null(strstr(text, "its process was ended by signal 6 (Aborted) in load"));
	text = stage_check(&s, "plugins: [{plugin: bad, where: check, isolate: true}]\n");
	assert_non_null(strstr(text, "its process was ended by signal 6 (Aborted) in check"));
	text = stage_check(&s, "plugins: [{plugin: bad, where: check, how: exit, isolate: true}]\n");
	assert_non_null(strstr(text, "its process ended with status 3 in check"));
	stage_close(&s);
}

static void test_crash_in_open(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s);
	assert_int_equal(apply_bad(&s, "open", "abort", "isolate: true"), FEMS_EIO);
	assert_string_equal(s.message, "plugin \"bad\": its process was ended by signal 6 (Aborted) in open");
	assert_int_equal(apply_bad(&s, "start", "fail", "isolate: true"), FEMS_EIO);
	assert_string_equal(s.message, "plugin \"bad\": told to fail at start");
	assert_int_equal(apply_bad(&s, "start", "fail", "isolate: false"), FEMS_EIO);
	assert_string_equal(s.message, "plugin \"bad\": told to fail at start");
	assert_string_equal(stage_member(&s, "bad", "state"), "");
	stage_close(&s);
}

/* ---- at work ---- */

static void touch(const char *dir)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof path, "%s/marker", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
}

static void test_crash_and_recovery(void **state)
{
	struct stage s;
	struct device d;
	char more[200];

	(void)state;
	stage_open(&s);
	s.plugs->restart_first_us = 150000;
	s.plugs->restart_max_us = 150000;
	snprintf(more, sizeof more, "isolate: true, marker: %s/marker", s.dir);
	assert_int_equal(apply_bad(&s, "poll", "abort", more), FEMS_OK);
	stage_await(&s, "its process was ended by signal 6 (Aborted) in poll; restart in 1 s");
	assert_true(device_find(s.points, "m1", &d));
	assert_int_equal(d.state, FEMS_DEV_OFFLINE);
	stage_await_state(&s, "bad", "restarting");
	touch(s.dir);
	stage_await_state(&s, "bad", "running");
	stage_await(&s, "\"name\":\"m1\",\"plugin\":\"bad\",\"state\":\"online\"");
	assert_true(strtol(stage_member(&s, "bad", "restarts"), NULL, 10) >= 1);
	stage_close(&s);
}

static void test_parked(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s);
	assert_int_equal(apply_bad(&s, "poll", "abort", "isolate: true"), FEMS_OK);
	stage_await(&s, "notice core alarm");
	stage_await(&s, "switched off after 5 failures within 10 minutes: its process was ended by signal 6 "
			"(Aborted) in poll");
	stage_await_state(&s, "bad", "parked");
	assert_int_equal(stage_count(&s, "restart in"), 1); /* the state of the meter did not change again */
	assert_string_equal(stage_member(&s, "bad", "restarts"), "4");
	stage_forget(&s);
	assert_int_equal(apply_bad(&s, "poll", "abort", "isolate: true"),
			 FEMS_OK); /* the same again: one more chance */
	stage_await(&s, "notice core alarm");
	stage_close(&s);
}

static void test_hang_in_poll(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s);
	assert_int_equal(apply_bad(&s, "poll", "hang", "isolate: true"), FEMS_OK);
	stage_await(&s, "its process was ended: it did not come back from poll within 3.2 s");
	stage_close(&s);
}

static void test_flood(void **state)
{
	static const char *const isolate[] = { "isolate: false", "isolate: true" };

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct stage s;

		stage_open(&s);
		assert_int_equal(apply_bad(&s, "poll", "flood", isolate[k]), FEMS_OK);
		stage_await_state(&s, "bad", "failing");
		assert_non_null(strstr(stage_member(&s, "bad", "last_error"),
				       "document huge of 20971520 bytes: the limit is 8 MiB"));
		assert_true(bus_published(s.bus) >= 200000);
		stage_close(&s);
	}
}

static void test_strange_results(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s);
	assert_int_equal(apply_bad(&s, "poll", "mute", "isolate: false"), FEMS_OK);
	stage_await_state(&s, "bad", "failing");
	assert_string_equal(stage_member(&s, "bad", "last_error"), "\"poll failed: input/output failed\"");
	assert_int_equal(apply_bad(&s, "poll", "strange", "isolate: true"), FEMS_OK);
	stage_await_state(&s, "bad", "failing");
	assert_string_equal(stage_member(&s, "bad", "last_error"), "\"poll failed: input/output failed\"");
	stage_close(&s);
}

static void test_killed_from_outside(void **state)
{
	struct stage s;
	struct instance *i;
	struct {
		struct plug_body body;
	} * p;

	(void)state;
	stage_open(&s);
	assert_int_equal(apply_bad(&s, "nowhere", "abort", "isolate: true"), FEMS_OK);
	i = plugs_get(s.plugs, "bad");
	p = (void *)i->body;
	p->body.kill(&p->body, "the test says so");
	stage_await(&s, "its process was ended: the test says so; restart in 1 s");
	stage_await_state(&s, "bad", "running");
	instance_put(i);
	stage_close(&s);
}

/* ---- the end ---- */

static void test_hang_in_stop(void **state)
{
	struct stage s;
	int64_t begin;

	(void)state;
	stage_open(&s);
	assert_int_equal(apply_bad(&s, "stop", "hang", "isolate: true"), FEMS_OK);
	stage_await(&s, "online");
	begin = clock_mono_us();
	plugs_stop(s.plugs, 1000000);
	assert_true(clock_mono_us() - begin < 3000000);
	stage_close(&s);
}

static void test_crash_in_stop(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s);
	assert_int_equal(apply_bad(&s, "stop", "abort", "isolate: true"), FEMS_OK);
	stage_await(&s, "online");
	plugs_stop(s.plugs, 2000000);
	assert_false(stage_has(&s, "restart"));
	stage_close(&s);
}

/* The thread stays for ever; the rest of the program goes on without it. Last, because it stays. */
static void test_left_behind(void **state)
{
	struct stage s;
	int64_t begin;

	(void)state;
	stage_open(&s);
	assert_int_equal(apply_bad(&s, "poll", "hang", "isolate: false"), FEMS_OK);
	stage_sleep_ms(200);
	begin = clock_mono_us();
	plugs_stop(s.plugs, 500000);
	assert_true(clock_mono_us() - begin < 1500000);
	stage_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_crash_before_open),
		cmocka_unit_test(test_crash_in_open),
		cmocka_unit_test(test_crash_and_recovery),
		cmocka_unit_test(test_parked),
		cmocka_unit_test(test_hang_in_poll),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_strange_results),
		cmocka_unit_test(test_killed_from_outside),
		cmocka_unit_test(test_hang_in_stop),
		cmocka_unit_test(test_crash_in_stop),
		cmocka_unit_test(test_left_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
