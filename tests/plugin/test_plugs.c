/* SPDX-License-Identifier: Apache-2.0
 *
 * The plugin host with a well-behaved plugin: everything the host table offers and every call, once
 * inside this process and once in fems-host; what the plugin sees must be the same.
 */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "tests/plugin/stage.h"
#include <fems/util.h>

static const char *const settings = "plugins:\n"
				    "  - plugin: probe\n"
				    "    isolate: %s\n"
				    "    interval: 20ms\n"
				    "    count: 5\n"
				    "    text: Grüße\n"
				    "    secret: {file: secret.txt}\n"
				    "    mode: fast\n"
				    "    wait: 2min\n"
				    "    limit: 30 kW\n"
				    "    watch: \"*/voltage.l1\"\n"
				    "    path: profiles/x.yaml\n"
				    "    names: [a, b]\n"
				    "    rows:\n"
				    "      - {label: first, amount: 9}\n"
				    "      - {label: second}\n"
				    "meters:\n"
				    "  - {name: m1, plugin: probe, role: machine, unit: 3}\n"
				    "  - {name: m2, plugin: probe, label: {ko: 가, en: b}}\n";

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void remove_file(const char *dir, const char *name)
{
	char path[200];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	remove(path);
}

static void begin(struct stage *s, const char *isolate)
{
	char yaml[2000];

	stage_open(s);
	write_file(s->dir, "secret.txt", "tell-nobody\n");
	snprintf(yaml, sizeof yaml, settings, isolate);
	if (stage_apply(s, yaml))
		fail_msg("%s", s->message);
	remove_file(s->dir, "secret.txt");
}

/* Everything once; the documents of the plugin as text. */
static int stop_at_third(void *ctx, struct fems_span plan)
{
	char *text = ctx;

	snprintf(text + strlen(text), 200 - strlen(text), "%.*s", (int)plan.len, plan.ptr);
	return strstr(text, "2") != NULL;
}

static void do_calls(struct stage *s)
{
	struct fems_error e = { .text = "" };
	struct fems_delivery d = { .size = sizeof d };
	const struct point *p = points_get(s->points, points_find(s->points, "m1/power.active"));
	char plans[200] = "";

	assert_non_null(p);
	assert_string_equal(p->owner, "probe");
	assert_int_equal(plugs_write(s->plugs, p, 55.5, 2000000, &e), FEMS_OK);
	assert_int_equal(plugs_write(s->plugs, p, 5000, 2000000, &e), FEMS_ECONFLICT);
	assert_string_equal(e.text, "5000 is above what the machine takes");
	assert_int_equal(plugs_push(s->plugs, "probe", "operations-performance", "k1",
				    fems_span_of("{\"x\":1}"), 2000000, &d, &e),
			 FEMS_OK);
	assert_string_equal(d.receipt, "taken-k1");
	assert_int_equal(plugs_push(s->plugs, "probe", "operations-performance", "k2",
				    fems_span_of("{\"x\":\"never\"}"), 2000000, &d, &e),
			 FEMS_EINVAL);
	assert_int_equal(d.permanent, 1);
	assert_int_equal(d.retry_after_us, 42);
	assert_string_equal(e.text, "the other side refuses k2");
	assert_int_equal(plugs_push(s->plugs, "probe", "invoice", "k3", fems_span_of("{}"), 2000000, &d, &e),
			 FEMS_EUNSUP);
	assert_string_equal(e.text, "plugin \"probe\" takes no documents of type \"invoice\"");
	assert_int_equal(
		plugs_solve(s->plugs, "probe", fems_span_of("{\"p\":1}"), 2000000, stop_at_third, plans, &e),
		FEMS_OK);
	assert_string_equal(plans, "{\"n\":0}{\"n\":1}{\"n\":2}");
	assert_int_equal(
		plugs_solve(s->plugs, "probe", fems_span_of("{}"), 2000000, stop_at_third, plans, &e),
		FEMS_ECONFLICT);
	assert_non_null(strstr(e.text, "exclude each other"));
	assert_int_equal(plugs_push(s->plugs, "nobody", "x", "k", fems_span_of("{}"), 1, &d, &e),
			 FEMS_ENOENT);
}

static void do_services(struct stage *s)
{
	assert_string_equal(stage_call(s, "probe.echo", "{\"a\":[1,2]}"), "{\"a\":[1,2]}");
	assert_string_equal(stage_call(s, "probe.nothing", "{}"), "8: probe has no service \"nothing\"");
	assert_string_equal(stage_call(s, "probe.command", "{}"), "{\"rc\":5,\"text\":\"control is off\"}");
	stage_await(s, "command probe m1/power.active 5 because");
	assert_string_equal(stage_call(s, "probe.publish", "{\"kw\":7}"), "{\"good\":0,\"bad\":2}");
	stage_await(s, "notice probe demand {\"kw\":7}");
	assert_string_equal(stage_call(s, "probe.find", "{}"), "{\"same\":1,\"none\":0}");
	assert_string_equal(stage_call(s, "probe.call.greet", "{}"),
			    "{\"rc\":0,\"text\":\"\",\"reply\":{\"hello\":\"world\"}}");
	assert_string_equal(stage_call(s, "probe.call.greet", "{\"fail\":1}"),
			    "{\"rc\":2,\"text\":\"told to fail\",\"reply\":null}");
	assert_string_equal(stage_call(s, "probe.call.probe.echo", "{}"),
			    "{\"rc\":9,\"text\":\"plugin probe calls itself (probe.echo)\",\"reply\":null}");
}

static void do_samples(struct stage *s)
{
	struct fems_point_info info = { .size = sizeof info, .device = "meter", .quantity = "voltage.l1" };
	struct fems_sample sample = { .t_us = 1, .value = 230, .quality = FEMS_Q_MANUAL }, got[64];
	struct fems_error e;
	struct device d;
	bool seen = false;

	sample.point = points_add(s->points, "test", &info, &e);
	assert_true(sample.point > 0);
	bus_publish(s->bus, &sample, 1);
	stage_await(s, "\"value\":230,\"quality\":3,\"lost\":0");
	for (int ms = 0; ms < 5000 && !seen; ms += 5) {
		uint64_t lost;
		size_t n = bus_take(s->reader, got, 64, &lost);

		for (size_t k = 0; k < n; k++)
			seen = seen || (got[k].point == points_find(s->points, "m2/power.active") &&
					got[k].value >= 200);
		stage_sleep_ms(5);
	}
	assert_true(seen);
	stage_await(s, "notice probe meter "
		       "{\"name\":\"m2\",\"plugin\":\"probe\",\"state\":\"offline\",\"why\":\"no answer\"");
	assert_true(device_find(s->points, "m1", &d));
	assert_int_equal(d.state, FEMS_DEV_ONLINE);
	assert_true(d.samples > 0);
}

/* What was emitted in one run must also be there in the other. */
static char *run(const char *isolate)
{
	struct stage s;
	json_t *body = json_pack("{s:i}", "plan", 4);
	char *text, *stop;

	begin(&s, isolate);
	do_calls(&s);
	do_services(&s);
	do_samples(&s);
	plugs_publish(s.plugs, "plan", body);
	json_decref(body);
	stage_await(&s, "{\"topic\":\"plan\",\"body\":{\"plan\":4}}");
	stage_await(&s, "notice core plan {\"plan\":4}");
	assert_string_equal(stage_member(&s, "probe", "state"), "\"running\"");
	assert_string_equal(stage_member(&s, "probe", "isolated"), isolate);
	assert_non_null(strstr(stage_member(&s, "probe", "settings"), "\"secret\":\"********\""));
	assert_non_null(strstr(stage_member(&s, "probe", "settings"), "\"mode\":\"fast\""));
	plugs_stop(s.plugs, 2000000);
	stop = strstr(text = stage_lines(&s, "document probe seen"), "-stop {}");
	assert_non_null(stop);
	assert_string_equal(stage_call(&s, "probe.echo", "{}"),
			    "8: no service called \"probe.echo\"; services.list names "
			    "them");
	stage_close(&s);
	return text;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The keys count in order of arrival; polls and the test's calls may change places. */
static char *normal(char *text)
{
	char *lines[200], *line, *rest = text;
	struct text out = { 0 };
	size_t n = 0;

	while ((line = strsep(&rest, "\n")) && n < 200) {
		char *dash = strchr(line, '-'), *dir = strstr(line, "/fems-plugs.");

		if (dir) /* the directory of this run */
			memcpy(dir + strlen("/fems-plugs."), "XXXXXX", 6);
		if (*line)
			lines[n++] = dash ? dash : line;
	}
	qsort(lines, n, sizeof *lines, by_text);
	for (size_t k = 0; k < n; k++)
		text_addf(&out, "%s\n", lines[k]);
	free(text);
	return text_take(&out);
}

static void test_same_in_both(void **state)
{
	char *inside, *isolated;

	(void)state;
	inside = normal(run("false"));
	assert_non_null(
		strstr(inside, "\"secret\":\"tell-nobody\",\"mode\":1,\"wait\":120000000,\"limit\":30000"));
	assert_non_null(strstr(inside, "\"names\":[\"a\",2],\"rows\":[\"first\",9,2],\"devices\":2"));
	assert_non_null(strstr(inside, "-poll {\"budget\":1,\"stranger\":2,\"emit\":0}"));
	assert_non_null(strstr(
		inside, "\"point_after_open\":0,\"text\":\"point() is only for open() and reload()\""));
	isolated = normal(run("true"));
	assert_string_equal(inside, isolated);
	free(inside);
	free(isolated);
}

static void test_names(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s);
	assert_null(plugs_first(s.plugs, FEMS_METER));
	if (stage_apply(&s, "plugins:\n  - {plugin: probe, name: b}\n  - {plugin: probe, name: a}\n"
			    "meters:\n  - {name: m9, plugin: meter-sim, swing: 1 kW}\n"))
		fail_msg("%s", s.message);
	assert_string_equal(plugs_first(s.plugs, FEMS_METER), "b");
	assert_string_equal(plugs_first(s.plugs, FEMS_OPTIMISER), "b");
	assert_string_equal(plugs_taker(s.plugs, "operations-performance", 0), "b");
	assert_string_equal(plugs_taker(s.plugs, "operations-performance", 1), "a");
	assert_null(plugs_taker(s.plugs, "operations-performance", 2));
	assert_null(plugs_taker(s.plugs, "invoice", 0));
	assert_string_equal(stage_member(&s, "meter-sim", "kinds"), "[\"meter\"]");
	/* One plugin's service called by another, on that one's thread. */
	assert_string_equal(stage_call(&s, "a.call.b.echo", "{\"x\":1}"),
			    "{\"rc\":0,\"text\":\"\",\"reply\":{\"x\":1}}");
	stage_close(&s);
}

static void test_own_thread(void **state)
{
	static const char *const isolate[] = { "false", "true" };

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct stage s;
		char yaml[300];

		stage_open(&s);
		snprintf(yaml, sizeof yaml,
			 "plugins: [{plugin: probe, own_thread: true, interval: 1h, isolate: %s}]\n"
			 "meters: [{name: m1, plugin: probe}]\n",
			 isolate[k]);
		if (stage_apply(&s, yaml))
			fail_msg("%s", s.message);
		for (int ms = 0; bus_published(s.bus) < 20 && ms < 10000; ms += 5)
			stage_sleep_ms(5);
		assert_true(bus_published(s.bus) >= 20);
		stage_close(&s); /* the thread waits in wait_until() and must end with it */
	}
}

/* ---- a plugin that is busy ---- */

static void *call_sleep(void *ctx)
{
	struct fems_error e = { .text = "" };
	struct stage *s = ctx;

	/* The caller waits 2 s, the service takes 3. */
	assert_int_equal(service_call(s->services, "probe.sleep", fems_span_of("{}"), NULL, NULL, &e),
			 FEMS_ETIME);
	assert_string_equal(e.text, "plugin \"probe\" did not come back from handle in time");
	return NULL;
}

static void test_busy(void **state)
{
	struct stage s;
	struct fems_error e;
	json_t *body;
	pthread_t thread;
	char *lines;

	(void)state;
	stage_open(&s);
	assert_int_equal(
		stage_apply(
			&s,
			"plugins: [{plugin: probe, interval: 20ms}]\nmeters: [{name: m1, plugin: probe}]\n"),
		FEMS_OK);
	stage_await(&s, "-poll");
	assert_int_equal(pthread_create(&thread, NULL, call_sleep, &s), 0);
	stage_sleep_ms(200);
	assert_int_equal(plugs_write(s.plugs, points_get(s.points, points_find(s.points, "m1/power.active")),
				     1, 100000, &e),
			 FEMS_ETIME);
	assert_string_equal(e.text, "plugin \"probe\" was too busy for write");
	stage_forget(&s);
	for (int k = 0; k < 500; k++) {
		body = json_pack("{s:i}", "n", k);
		plugs_publish(s.plugs, k == 3 ? "rare" : "demand", body);
		json_decref(body);
	}
	pthread_join(thread, NULL);
	stage_await(&s, "{\"topic\":\"demand\",\"body\":{\"n\":499}}");
	lines = stage_lines(&s, "document probe seen");
	assert_non_null(strstr(lines, "{\"topic\":\"rare\",\"body\":{\"n\":3}}"));
	assert_null(strstr(lines, "{\"n\":100}"));
	free(lines);
	assert_int_equal(stage_count(&s, "\"topic\":\"demand\""), 63);
	assert_false(stage_has(&s, "-write"));
	stage_close(&s);
}

static void test_slow_feed(void **state)
{
	struct fems_point_info info = { .size = sizeof info, .device = "meter", .quantity = "voltage.l1" };
	struct fems_sample sample = { .t_us = 1, .value = -1 }, many[20000];
	struct fems_error e;
	struct stage s;

	(void)state;
	stage_open(&s);
	sample.point = points_add(s.points, "test", &info, &e);
	assert_int_equal(stage_apply(&s, "plugins: [{plugin: probe, watch: meter/voltage.l1}]\n"), FEMS_OK);
	bus_publish(s.bus, &sample, 1);
	stage_await(&s, "-feed {\"value\":-1,\"quality\":0,\"lost\":0}");
	for (size_t k = 0; k < 20000; k++)
		many[k] = (struct fems_sample){ .t_us = 2, .value = (double)k + 1, .point = sample.point };
	bus_publish(s.bus, many, 20000);
	stage_await(&s, "-feed {\"value\":15905,\"quality\":0,\"lost\":15904}"); /* all but a ring of 4096 */
	stage_close(&s);
}

static void test_no_number(void **state)
{
	static const char *const isolate[] = { "false", "true" };

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct fems_sample got[8];
		struct stage s;
		char yaml[200];
		uint64_t lost;
		size_t n = 0;

		stage_open(&s);
		snprintf(yaml, sizeof yaml,
			 "plugins: [{plugin: probe, interval: 1h, isolate: %s}]\n"
			 "meters: [{name: m1, plugin: probe}]\n",
			 isolate[k]);
		assert_int_equal(stage_apply(&s, yaml), FEMS_OK);
		for (int ms = 0; bus_published(s.bus) < 1 && ms < 10000; ms += 5)
			stage_sleep_ms(5);
		assert_int_equal(bus_take(s.reader, got, 8, &lost), 1); /* of the first poll */
		assert_string_equal(stage_call(&s, "probe.nan", "{}"), "{}");
		for (int ms = 0; n < 3 && ms < 10000; ms += 5) {
			n += bus_take(s.reader, got + n, 8 - n, &lost);
			stage_sleep_ms(5);
		}
		assert_int_equal(n, 3);
		assert_int_equal(got[0].quality, FEMS_Q_GOOD);
		assert_int_equal(got[1].quality, FEMS_Q_NOT_AVAILABLE | FEMS_Q_RESET);
		assert_false(got[1].value > 0 || got[1].value < 0);
		assert_true(got[2].value > 2.9);
		stage_close(&s);
	}
}

static void test_faults(void **state)
{
	struct stage s;
	const char *text;

	(void)state;
	stage_open(&s);
	text = stage_check(&s, "plugins:\n  - {plugin: probe, count: 7}\n"
			       "  - {plugin: prob}\n"
			       "  - {plugin: probe, name: other, cuont: 3, interval: 1ms}\n"
			       "  - {plugin: probe}\n"
			       "  - {plugin: probe, name: ../etc}\n"
			       "  - {name: lonely}\n"
			       "meters:\n"
			       "  - {name: m1, plugin: probe, unit: 500}\n"
			       "  - {name: m1, plugin: probe}\n"
			       "  - {name: m3, plugin: meter-sim, base: 1 kW, swing: 2 kW}\n");
	assert_non_null(strstr(text, "no plugin \"prob\"; did you mean \"probe\"? (searched: "));
	assert_non_null(strstr(text, "interval"));
	assert_non_null(strstr(text, "a second plugin is called \"probe\""));
	assert_non_null(strstr(text, "cannot name a plugin's instance"));
	assert_non_null(strstr(text, "\"plugin\" is required"));
	assert_non_null(strstr(text, "a second meter is called \"m1\""));
	assert_non_null(strstr(text, "500"));
	assert_non_null(strstr(text, "test.yaml:11:"));
	assert_non_null(
		strstr(text, "meter \"m3\": the wave is higher than the base load; make swing smaller"));
	text = stage_check(&s, "plugins:\n  - {plugin: probe, count: 7}\n");
	assert_non_null(strstr(text, "test.yaml:2:"));
	assert_non_null(strstr(text, "7 is taken; choose another number"));
	text = stage_check(&s, "plugins:\n  - {plugin: probe, count: 7, isolate: true}\n");
	assert_non_null(strstr(text, "7 is taken; choose another number"));
	text = stage_check(&s, "plugins:\n  - {plugin: probe, cuont: 7, isolate: true}\n");
	assert_non_null(strstr(text, "did you mean \"count\""));
	text = stage_check(&s,
			   "meters:\n  - {name: x, plugin: probe}\n  - {name: y, plugin: probe, unit: 13}\n");
	assert_non_null(strstr(text, "test.yaml:3:"));
	assert_non_null(strstr(text, "unit 13 is never used"));
	assert_string_equal(stage_check(&s, "plugins: [{plugin: probe}]\n"), "");
	stage_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_in_both), cmocka_unit_test(test_names),
		cmocka_unit_test(test_own_thread),   cmocka_unit_test(test_busy),
		cmocka_unit_test(test_slow_feed),    cmocka_unit_test(test_no_number),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
