/* SPDX-License-Identifier: Apache-2.0
 *
 * plugs_apply(): what goes on untouched, what is reloaded, what is started anew, and that a failure
 * puts everything back.
 */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/plugin/stage.h"

#define A "  - {plugin: probe, name: a, interval: 20ms, isolate: %s}\n"

static void good(struct stage *s, const char *yaml)
{
	if (stage_apply(s, yaml))
		fail_msg("%s", s->message);
}

static void test_unchanged(void **state)
{
	struct stage s;
	struct instance *before, *after;

	(void)state;
	stage_open(&s);
	good(&s, "plugins:\n  - {plugin: probe, name: a}\n  - {plugin: probe, name: b}\n"
		 "meters:\n  - {name: m1, plugin: a}\n");
	before = plugs_get(s.plugs, "a");
	stage_forget(&s);
	/* Another order, a default written out, another label: nothing of it concerns the plugin. */
	good(&s, "plugins:\n  - {plugin: probe, name: b}\n  - {name: a, count: 3, plugin: probe}\n"
		 "meters:\n  - {name: m1, plugin: a, label: {en: Press}, role: machine}\n");
	after = plugs_get(s.plugs, "a");
	assert_ptr_equal(before, after);
	assert_false(stage_has(&s, "-open"));
	assert_false(stage_has(&s, "-stop"));
	assert_false(stage_has(&s, "-reload"));
	assert_string_equal(plugs_first(s.plugs, FEMS_METER), "b");
	instance_put(before);
	instance_put(after);
	stage_close(&s);
}

static void test_reload(void **state)
{
	static const char *const isolate[] = { "false", "true" };

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct stage s;
		char yaml[400];

		stage_open(&s);
		snprintf(yaml, sizeof yaml, "plugins:\n" A "meters:\n  - {name: m1, plugin: a}\n",
			 isolate[k]);
		good(&s, yaml);
		stage_await(&s, "\"name\":\"m1\",\"plugin\":\"a\",\"state\":\"online\"");
		stage_forget(&s);
		snprintf(yaml, sizeof yaml,
			 "plugins:\n  - {plugin: probe, name: a, interval: 20ms, text: new, isolate: %s}\n"
			 "meters:\n  - {name: m2, plugin: a}\n",
			 isolate[k]);
		good(&s, yaml);
		stage_await(&s, "-reload {\"on\":1,\"count\":3,\"factor\":1.5,\"text\":\"new\"");
		assert_false(stage_has(&s, "-stop"));
		assert_true(points_find(s.points, "m2/power.active") > 0);
		stage_await(&s,
			    "{\"name\":\"m1\",\"plugin\":\"a\",\"state\":\"unknown\",\"why\":\"no longer in "
			    "the settings\"");
		stage_forget(&s);
		/* Refused: the old settings stay. */
		snprintf(yaml, sizeof yaml,
			 "plugins:\n  - {plugin: probe, name: a, interval: 20ms, refuse_reload: true, "
			 "isolate: %s}\n",
			 isolate[k]);
		assert_int_equal(stage_apply(&s, yaml), FEMS_ECONFLICT);
		assert_string_equal(s.message, "plugin \"a\": not now; the machine runs");
		assert_non_null(strstr(stage_member(&s, "a", "settings"), "\"text\":\"new\""));
		assert_string_equal(stage_call(&s, "a.echo", "{}"), "{}");
		stage_close(&s);
	}
}

static void test_replace_without_reload(void **state)
{
	struct stage s;
	struct device d;

	(void)state;
	stage_open(&s);
	good(&s, "meters:\n  - {name: m1, plugin: meter-sim}\n  - {name: m2, plugin: meter-sim}\n");
	stage_await(&s, "\"name\":\"m2\",\"plugin\":\"meter-sim\",\"state\":\"online\"");
	stage_forget(&s);
	good(&s, "meters:\n  - {name: m1, plugin: meter-sim, base: 99 kW}\n");
	stage_await(&s, "\"name\":\"m2\",\"plugin\":\"meter-sim\",\"state\":\"unknown\"");
	assert_true(device_find(s.points, "m1", &d));
	assert_int_equal(d.state, FEMS_DEV_ONLINE);
	good(&s, "meters: []\n");
	assert_null(plugs_first(s.plugs, FEMS_METER));
	stage_close(&s);
}

static void test_rollback(void **state)
{
	static const char *const isolate[] = { "false", "true" };

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct stage s;
		char yaml[500];

		stage_open(&s);
		snprintf(yaml, sizeof yaml,
			 "plugins:\n" A "  - {plugin: probe, name: b}\n  - {plugin: meter-sim}\n",
			 isolate[k]);
		good(&s, yaml);
		/* a is reloaded, b goes, meter-sim is replaced, c opens well, other does not open. */
		snprintf(yaml, sizeof yaml,
			 "plugins:\n  - {plugin: probe, name: c}\n"
			 "  - {plugin: probe, name: a, interval: 20ms, text: new, isolate: %s}\n  - {plugin: "
			 "meter-sim, noise: 0.1}\n"
			 "  - {plugin: probe, name: other, fail_open: the line is cut}\n",
			 isolate[k]);
		assert_int_equal(stage_apply(&s, yaml), FEMS_EIO);
		assert_string_equal(s.message, "plugin \"other\": the line is cut");
		assert_string_equal(plugs_first(s.plugs, FEMS_METER), "a");
		assert_string_equal(stage_member(&s, "b", "state"), "\"running\"");
		assert_string_equal(stage_member(&s, "c", "state"), "");
		assert_string_equal(stage_member(&s, "other", "state"), "");
		assert_non_null(strstr(stage_member(&s, "a", "settings"), "\"text\":\"hello\""));
		assert_non_null(strstr(stage_member(&s, "meter-sim", "settings"), "\"noise\":0"));
		assert_null(strstr(stage_member(&s, "meter-sim", "settings"), "0.1"));
		assert_string_equal(stage_call(&s, "a.echo", "{}"), "{}");
		assert_string_equal(stage_call(&s, "b.echo", "{}"), "{}");
		stage_close(&s);
	}
}

static void test_bad_settings_change_nothing(void **state)
{
	struct stage s;
	struct instance *before, *after;

	(void)state;
	stage_open(&s);
	good(&s, "plugins:\n  - {plugin: probe, name: a}\n");
	before = plugs_get(s.plugs, "a");
	assert_int_equal(stage_apply(&s, "plugins:\n  - {plugin: probe, name: a, count: 99}\n"), FEMS_EINVAL);
	assert_non_null(strstr(s.message, "test.yaml:2:"));
	after = plugs_get(s.plugs, "a");
	assert_ptr_equal(before, after);
	instance_put(before);
	instance_put(after);
	stage_close(&s);
}

static void test_secret_in_its_file(void **state)
{
	struct stage s;
	char path[200];
	FILE *f;

	(void)state;
	stage_open(&s);
	snprintf(path, sizeof path, "%s/marker", s.dir);
	for (int k = 0; k < 2; k++) {
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(k ? "second" : "first", f);
		fclose(f);
		good(&s, "plugins:\n  - {plugin: probe, name: a, secret: {file: marker}}\n");
	}
	stage_await(&s, "-reload"); /* the settings are the same, the secret is not */
	assert_null(strstr(stage_member(&s, "a", "settings"), "second"));
	stage_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unchanged),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_replace_without_reload),
		cmocka_unit_test(test_rollback),
		cmocka_unit_test(test_bad_settings_change_nothing),
		cmocka_unit_test(test_secret_in_its_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
