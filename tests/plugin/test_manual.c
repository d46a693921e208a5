/* SPDX-License-Identifier: Apache-2.0
 *
 * Plugins on the manual clock: a simulated meter gives the same samples inside femsd and in fems-host,
 * pauses after failures grow, a call that hangs is noticed. And every plugin of this build can be loaded.
 */
#include "config.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "tests/plugin/stage.h"

#define START INT64_C(1776294000000000) /* 2026-04-15T23:00:00Z */

/* Waits until the bus has n samples, and not one more. */
static void await_samples(struct stage *s, uint64_t n)
{
	for (int ms = 0; bus_published(s->bus) < n && ms < 10000; ms += 2)
		stage_sleep_ms(2);
	assert_int_equal(bus_published(s->bus), n);
}

static void simulate(const char *isolate, struct fems_sample out[20])
{
	struct stage s;
	char yaml[200];
	uint64_t lost;

	clock_set_manual(START);
	stage_open(&s);
	snprintf(yaml, sizeof yaml,
		 "plugins: [{plugin: meter-sim, noise: 0.2, isolate: %s}]\n"
		 "meters: [{name: m1, plugin: meter-sim, base: 100 kW}]\n",
		 isolate);
	assert_int_equal(stage_apply(&s, yaml), FEMS_OK);
	await_samples(&s, 2); /* the first poll is at once */
	for (unsigned k = 2; k <= 10; k++) {
		clock_advance(US_PER_S);
		await_samples(&s, 2 * k);
	}
	assert_int_equal(bus_take(s.reader, out, 20, &lost), 20);
	stage_close(&s);
}

static void test_same_samples(void **state)
{
	struct fems_sample inside[20], isolated[20];

	(void)state;
	simulate("false", inside);
	simulate("true", isolated);
	for (int k = 0; k < 20; k++)
		assert_memory_equal(&inside[k], &isolated[k], sizeof *inside);
	assert_true(inside[0].t_us == START);
	assert_true(inside[19].t_us == START + 9 * US_PER_S);
	assert_true(inside[19].value > 9 * 80000.0 / 3600 &&
		    inside[19].value < 9 * 120000.0 / 3600); /* Wh of 9 s */
}

static void test_back_off(void **state)
{
	struct stage s;
	int64_t at[200], now = 0;
	size_t n = 0;

	(void)state;
	clock_set_manual(START);
	stage_open(&s);
	assert_int_equal(stage_apply(&s, "plugins: [{plugin: bad, where: poll, how: count}]\n"), FEMS_OK);
	for (; now < 260; now++) {
		clock_advance(US_PER_S);
		stage_sleep_ms(25); /* the worker looks every 10 ms */
		while (n < stage_count(&s, "document bad count"))
			at[n++] = now;
	}
	/* Gaps of 1, 2, 4 ... 32 and then 60 s; a busy machine may skip a second. */
	assert_in_range(n, 7, 11);
	assert_true(at[1] - at[0] <= 3);
	for (size_t k = 2; k < n && k < 7; k++)
		assert_true(at[k] - at[k - 1] >= (INT64_C(1) << (k - 1)) - 1);
	assert_in_range(at[n - 1] - at[n - 2], 59, 64);
	stage_close(&s);
}

static void test_stuck(void **state)
{
	struct stage s;
	struct instance *i;

	(void)state;
	clock_set_manual(START);
	stage_open(&s);
	assert_int_equal(stage_apply(&s, "plugins: [{plugin: bad, where: poll, how: hang}]\n"), FEMS_OK);
	i = plugs_get(s.plugs, "bad");
	clock_advance(US_PER_S);
	while (atomic_load(&i->busy_op) < 0)
		stage_sleep_ms(2);
	atomic_fetch_sub(&i->busy_since_us, 15 * US_PER_S);
	assert_string_equal(stage_member(&s, "bad", "state"), "\"stuck\"");
	clock_advance(5 * US_PER_S);
	loop_run(s.loop);
	stage_await(&s, "notice core alarm");
	stage_await(&s, "has not come back from poll for 15 s");
	instance_put(i);
	stage_close(&s);
}

static void load_all(const char *dir, unsigned *n)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	struct plug_module *m;
	struct fems_error e;

	while (d && (entry = readdir(d))) {
		size_t len = strlen(entry->d_name);
		char path[1000];

		if (len < 4 || strcmp(entry->d_name + len - 3, ".so") || strstr(entry->d_name, "bad") ||
		    strstr(entry->d_name, "no-note"))
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
		if (plug_load(path, NULL, &m, &e))
			fail_msg("%s", e.text);
		print_message("# %s %s\n", plug_module_descriptor(m)->name,
			      plug_module_descriptor(m)->version);
		++*n;
	}
	if (d)
		closedir(d);
}

static void test_every_plugin_loads(void **state)
{
	char dirs[4000], *rest = dirs, *dir;
	unsigned n = 0;

	(void)state;
	snprintf(dirs, sizeof dirs, "%s", getenv("FEMS_PLUGIN_PATH"));
	while ((dir = strsep(&rest, ":")))
		load_all(dir, &n);
	assert_true(n >= 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_samples),
		cmocka_unit_test(test_back_off),
		cmocka_unit_test(test_every_plugin_loads),
		cmocka_unit_test(test_stuck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
