/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/unit/conf_help.h"
#include "core/base/clock.h"
#include "core/site_settings.h"

/* The smallest settings, in pieces so that a test can change one. */
#define SITE   "site: {name: Ansan, contract: 2 MW, tariff: t.yaml}\n"
#define METERS "meters:\n- {name: main, plugin: modbus, role: main}\n"

static const char full[] =
	"site:\n"
	"  name: Ansan works\n"
	"  timezone: Asia/Seoul\n"
	"  currency: KRW\n"
	"  language: en\n"
	"  control: advise\n"
	"  main_meter: main\n"
	"  contract: 2.5 MW\n"
	"  demand_target: 2200 kW\n"
	"  tariff: tariffs/b2.yaml\n"
	"plan: {horizon: 48h, budget: 500ms}\n"
	"store: {dir: /var/x, commit: 2s, keep_raw: 90d}\n"
	"meters:\n"
	"  - {name: main, plugin: modbus, url: x, unit: 3, label: {ko: 주계기, en: Main}}\n"
	"  - {name: press, plugin: modbus, role: feeder, parent: main, label: Press line}\n"
	"  - {name: press1, plugin: csv, role: machine, parent: press, label: {ko: 프레스 1}}\n"
	"  - {name: battery, plugin: modbus, role: battery, parent: main}\n"
	"machines:\n"
	"  - {id: PRESS-1, meter: press1, running: 90 kW, idle: 5 kW, label: {ko: 프레스, en: Press}}\n"
	"  - {id: CNC-2}\n"
	"loads:\n"
	"  - {name: chiller, point: press/load.shed, meter: press, power: 80 kW, priority: 1, min_off: 5min, "
	"max_off: 20min,"
	" min_on: 10min}\n"
	"battery: {meter: battery, setpoint: battery/power.setpoint, capacity: 500 kWh, power: 250 kW, min: "
	"10 %,"
	" max: 450 kWh, efficiency: 92.5 %}\n"
	"plugins: [{plugin: web, port: 8080}]\n"
	"socket: run/x.sock\n"
	"log: debug\n";

static struct site_settings *read_good(struct conf_doc **d, const char *text)
{
	struct faults *f = faults_new();
	struct site_settings *s;

	*d = parse_good(text);
	s = site_settings_read(*d, f);
	if (!s || faults_errors(f) || faults_warnings(f))
		fail_msg("%s", faults_at(f, 0));
	faults_free(f);
	return s;
}

static void check_top(const struct site_settings *s)
{
	const struct site *site = site_settings_site(s);
	const struct store_options *store = site_settings_store(s);

	assert_string_equal(site->name, "Ansan works");
	assert_string_equal(zone_name(site->zone), "Asia/Seoul");
	assert_string_equal(site->currency, "KRW");
	assert_string_equal(site->language, "en");
	assert_int_equal(site->control, CONTROL_ADVISE);
	assert_string_equal(site->main_meter, "main");
	assert_int_equal(site->contract_w, 2500000);
	assert_int_equal(site->demand_target_w, 2200000);
	assert_string_equal(site->tariff_path, "etc/tariffs/b2.yaml");
	assert_int_equal(site->horizon_us, 48 * US_PER_H);
	assert_int_equal(site->plan_budget_us, 500000);
	assert_string_equal(store->dir, "/var/x");
	assert_int_equal(store->commit_us, 2000000);
	assert_int_equal(store->keep_raw_us, 90 * US_PER_DAY);
	assert_false(store->read_only);
	assert_string_equal(site_settings_socket(s), "etc/run/x.sock");
	assert_int_equal(site_settings_log_level(s), FEMS_LOG_DEBUG);
	assert_int_equal(conf_count(site_settings_plugins(s)), 1);
	assert_int_equal(conf_count(site_settings_meters(s)), 4);
}

static void check_things(const struct site *site)
{
	const struct site_meter *m = site_meter_find(site, "press1");
	const struct site_machine *machine = site_machine_find(site, "PRESS-1");
	const struct site_load *l = site->loads;
	const struct site_battery *b = &site->battery;

	assert_int_equal(site->n_meters, 4);
	assert_int_equal(site->meters[0].role, METER_MAIN); /* named as main_meter */
	assert_string_equal(site->meters[0].label_ko, "주계기");
	assert_string_equal(site->meters[0].label_en, "Main");
	assert_null(site->meters[0].parent);
	assert_string_equal(site->meters[1].label_ko, "Press line");
	assert_string_equal(site->meters[1].label_en, "Press line");
	assert_string_equal(m->plugin, "csv");
	assert_string_equal(m->parent, "press");
	assert_int_equal(m->role, METER_MACHINE);
	assert_string_equal(m->label_en, "프레스 1");
	assert_string_equal(site->meters[3].label_en, "battery");
	assert_int_equal(site->n_machines, 2);
	assert_string_equal(machine->meter, "press1");
	assert_int_equal(machine->running_w, 90000);
	assert_int_equal(machine->idle_w, 5000);
	assert_null(site->machines[1].meter);
	assert_string_equal(site->machines[1].label_ko, "CNC-2");
	assert_int_equal(site->n_loads, 1);
	assert_string_equal(l->point, "press/load.shed");
	assert_int_equal(l->power_w, 80000);
	assert_int_equal(l->priority, 1);
	assert_int_equal(l->min_off_us, 5 * US_PER_MIN);
	assert_int_equal(l->max_off_us, 20 * US_PER_MIN);
	assert_int_equal(l->min_on_us, 10 * US_PER_MIN);
	assert_int_equal(b->capacity_wh, 500000);
	assert_int_equal(b->power_w, 250000);
	assert_int_equal(b->min_wh, 50000);
	assert_int_equal(b->max_wh, 450000);
	assert_int_equal(b->efficiency_permille, 925);
	assert_string_equal(b->setpoint, "battery/power.setpoint");
}

static void test_full(void **state)
{
	struct conf_doc *d;
	struct site_settings *s = read_good(&d, full);
	const struct site *site = site_settings_site(s);

	(void)state;
	check_top(s);
	check_things(site);
	assert_null(site_meter_find(site, "none"));
	assert_null(site_meter_find(site, NULL));
	assert_null(site_machine_find(site, "none"));
	assert_null(site_machine_find(site, NULL));
	site_settings_free(s);
	conf_free(d);
}

static void test_defaults(void **state)
{
	struct conf_doc *d;
	struct site_settings *s = read_good(&d, SITE METERS);
	const struct site *site = site_settings_site(s);

	(void)state;
	assert_string_equal(zone_name(site->zone), "Asia/Seoul");
	assert_string_equal(site->currency, "KRW");
	assert_string_equal(site->language, "ko");
	assert_int_equal(site->control, CONTROL_OFF);
	assert_string_equal(site->main_meter, "main"); /* the one with the role */
	assert_int_equal(site->demand_target_w, 0);
	assert_int_equal(site->horizon_us, US_PER_DAY);
	assert_int_equal(site->plan_budget_us, 2 * US_PER_S);
	assert_null(site->battery.meter);
	assert_int_equal(site_settings_store(s)->commit_us, US_PER_S);
	assert_int_equal(site_settings_store(s)->keep_raw_us, 0);
	assert_string_equal(site_settings_socket(s), "/run/fems/femsd.sock");
	assert_int_equal(site_settings_log_level(s), FEMS_LOG_INFO);
	assert_null(site_settings_plugins(s));
	site_settings_free(s);
	conf_free(d);
	site_settings_free(NULL);
}

static void test_battery_defaults(void **state)
{
	struct conf_doc *d;
	struct site_settings *s =
		read_good(&d, SITE METERS
			  "battery: {meter: main, capacity: 10 kWh, power: 5 kW}\nmachines:\nloads: []\n");
	const struct site_battery *b = &site_settings_site(s)->battery;

	(void)state;
	assert_int_equal(b->min_wh, 0);
	assert_int_equal(b->max_wh, 10000);
	assert_int_equal(b->efficiency_permille, 900);
	assert_null(b->setpoint);
	site_settings_free(s);
	conf_free(d);
}

/* Settings that must be refused, with that message. */
static void bad(const char *text, const char *message)
{
	struct faults *f = faults_new();
	struct conf_doc *d = parse_good(text);
	struct site_settings *s = site_settings_read(d, f);

	if (s)
		fail_msg("taken: %s", text);
	assert_true(faults_errors(f) > 0);
	assert_true(has(f, message));
	assert_null(site_settings_read(d, f)); /* the same again, with the faults already told */
	faults_free(f);
	conf_free(d);
}

static void test_bad_top(void **state)
{
	(void)state;
	bad("", "site: setting \"name\" is missing");
	bad(SITE METERS "sotcket: x\n",
	    "test.yaml:4:1: error: no setting called \"sotcket\"; did you mean \"socket\"?");
	bad(SITE METERS "log: loud\n", "log is \"loud\"; expected one of: error, warn, info, debug");
	bad(SITE METERS "plugins: {a: 1}\n", "plugins: expected a list");
	bad(SITE METERS "loads: x\n", "loads: expected a list");
	bad(SITE METERS "plan: {horizon: 1min}\n", "plan: horizon is \"1min\"; expected 15min to 14d");
	bad(SITE METERS "store: {commit: 1}\n", "store: commit is \"1\"");
	bad("- a\n", "expected settings as NAME: VALUE");
}

static void test_bad_site(void **state)
{
	(void)state;
	bad("site: {name: A}\n" METERS, "site: setting \"contract\" is missing");
	bad("site: {name: A, contract: 2}\n" METERS, "site: contract is \"2\"; expected a power");
	bad("site: {name: A, contract: 2 MW, timezone: Asia/Soul}\n" METERS,
	    "site: timezone: unknown time zone \"Asia/Soul\"");
	bad("site: {name: A, contract: 2 MW, timezone: ../../etc/passwd}\n" METERS,
	    "test.yaml:1:43: error: site: timezone:");
	bad("site: {name: A, contract: 2 MW, currency: won}\n" METERS, "three capital letters");
	bad("site: {name: A, contract: 2 MW, control: on}\n" METERS, "expected one of: off, advise, act");
	bad("site: {name: A, contract: 2 MW, main_meter: mian}\n" METERS,
	    "test.yaml:1:45: error: site: main_meter: no meter called \"mian\"; did you mean \"main\"?");
	bad(SITE, "there are no meters");
	bad(SITE "meters: [{name: a, plugin: p}]\n", "main_meter is missing; no meter has the role main");
	bad(SITE "meters: [{name: a, plugin: p, role: main}, {name: b, plugin: p, role: main}]\n",
	    "more than one meter has the role main");
}

static void test_bad_meters(void **state)
{
	(void)state;
	bad(SITE METERS "- {plugin: p}\n", "meter 2: setting \"name\" is missing");
	bad(SITE METERS "- {name: x}\n", "meter \"x\": setting \"plugin\" is missing");
	bad(SITE METERS "- 7\n", "meter 2 is \"7\"; expected a mapping");
	bad(SITE METERS "- {name: main, plugin: p}\n",
	    "test.yaml:4:10: error: meter \"main\" stands twice; the first is at test.yaml:3:10");
	bad(SITE METERS "- {name: x, plugin: p, parent: mian}\n",
	    "test.yaml:4:32: error: meter \"x\": parent: no meter called \"mian\"; did you mean \"main\"?");
	bad(SITE METERS "- {name: x, plugin: p, role: feder}\n", "did you mean \"feeder\"?");
	bad(SITE METERS "- {name: a b, plugin: p}\n", "meter \"a b\": the name has a space in it");
	bad(SITE METERS "- {name: a/b, plugin: p}\n", "means something else");
	bad(SITE METERS "- {name: x, plugin: p, label: {kr: x}}\n", "no setting called \"kr\"");
	bad(SITE METERS "- {name: x, plugin: p, label: {ko: [x]}}\n", "label: ko: expected a text");
	bad(SITE METERS "- {name: x, plugin: p, label: [x]}\n", "label is a list; expected");
}

static void test_long_name(void **state)
{
	char text[400], name[80];

	(void)state;
	memset(name, 'n', 64);
	name[64] = '\0';
	snprintf(text, sizeof text, SITE METERS "- {name: %s, plugin: p}\n", name);
	bad(text, "longer than 63 bytes");
}

static void test_rings(void **state)
{
	struct faults *f = faults_new();
	struct conf_doc *d;

	(void)state;
	bad(SITE METERS "- {name: x, plugin: p, parent: x}\n",
	    "meter \"x\": its parents lead back to it: x -> x");
	d = parse_good(SITE METERS
		       "- {name: a, plugin: p, parent: c}\n- {name: b, plugin: p, parent: a}\n"
		       "- {name: c, plugin: p, parent: b}\n- {name: tail, plugin: p, parent: b}\n");
	assert_null(site_settings_read(d, f));
	assert_int_equal(faults_errors(f), 1); /* a ring is told once */
	assert_true(
		has(f, "test.yaml:4:32: error: meter \"a\": its parents lead back to it: a -> c -> b -> a"));
	conf_free(d);
	faults_free(f);
}

static void test_bad_things(void **state)
{
	(void)state;
	bad(SITE METERS "machines: [{meter: main}]\n", "machine 1: setting \"id\" is missing");
	bad(SITE METERS "machines: [{id: M, meter: man}]\n",
	    "machine \"M\": meter: no meter called \"man\"; did you mean");
	bad(SITE METERS "machines: [{id: M}, {id: M}]\n", "machine \"M\" stands twice");
	bad(SITE METERS "machines: [{id: M, idle: 5}]\n", "machine \"M\": idle is \"5\"; expected a power");
	bad(SITE METERS "loads: [{name: L, power: 1 kW}]\n", "load \"L\": setting \"point\" is missing");
	bad(SITE METERS "loads: [{name: L, point: main, power: 1 kW}]\n", "expected METER/QUANTITY");
	bad(SITE METERS "loads: [{name: L, point: fan/load.shed, power: 1 kW}]\n", "no meter called \"fan\"");
	bad(SITE METERS "loads: [{name: L, point: main/power.activ, power: 1 kW}]\n",
	    "did you mean \"power.active\"?");
	bad(SITE METERS "loads: [{name: L, point: main/load.shed, power: 1 kW, min_off: 1h}]\n",
	    "min_off is longer than max_off");
}

static void test_bad_battery(void **state)
{
#define BATTERY SITE METERS "battery: {meter: main, power: 5 kW, "
	(void)state;
	bad(BATTERY "capacity: 0 kWh}\n", "battery: capacity is \"0 kWh\"; expected 1 Wh to");
	bad(BATTERY "capacity: 10 kWh, min: 8 kWh, max: 2 kWh}\n",
	    "test.yaml:4:60: error: battery: min (8000 Wh) is not below max (2000 Wh)");
	bad(BATTERY "capacity: 10 kWh, max: 12 kWh}\n", "battery: max is above the capacity of 10000 Wh");
	bad(BATTERY "capacity: 10 kWh, min: -1 kWh}\n", "battery: min is negative");
	bad(BATTERY "capacity: 10 kWh, min: 120 %}\n", "expected 0 % to 100 %");
	bad(BATTERY "capacity: 10 kWh, min: ten}\n", "battery: min is \"ten\"");
	bad(BATTERY "capacity: 10 kWh, efficiency: 0.9}\n", "expected a number from 1 to 100 %");
	bad(BATTERY "capacity: 10 kWh, setpoint: x}\n",
	    "battery: setpoint is \"x\"; expected METER/QUANTITY");
	bad(SITE METERS "battery: {meter: bat, capacity: 1 kWh, power: 5 kW}\n",
	    "battery: meter: no meter called \"bat\"");
}

static void test_many_faults_in_one_run(void **state)
{
	struct faults *f = faults_new();
	struct conf_doc *d =
		parse_good("site: {contract: 5, timezone: X/Y}\nmeters: [{name: m, plugin: p, parent: n}]\n"
			   "machines: [{id: M, meter: q}]\nfoo: 1\n");

	(void)state;
	assert_null(site_settings_read(d, f));
	assert_true(faults_errors(f) >= 6);
	assert_true(has(f, "setting \"name\" is missing"));
	assert_true(has(f, "contract is \"5\""));
	assert_true(has(f, "parent: no meter called \"n\""));
	assert_true(has(f, "machine \"M\": meter: no meter called \"q\""));
	assert_true(has(f, "no setting called \"foo\""));
	assert_true(has(f, "no meter has the role main"));
	conf_free(d);
	faults_free(f);
}

static void test_warnings(void **state)
{
	struct faults *f = faults_new();
	struct conf_doc *d = parse_good("site: {name: A, contract: 1 MW, demand_target: 2 MW}\n" METERS);
	struct site_settings *s = site_settings_read(d, f);

	(void)state;
	assert_non_null(s);
	assert_int_equal(faults_warnings(f), 2);
	assert_true(has(f, "warning: site: demand_target is above the contract power"));
	assert_true(has(f, "there is no tariff"));
	site_settings_free(s);
	conf_free(d);
	faults_free(f);
}

static void test_sample(void **state)
{
	char *sample = site_settings_sample(), text[8000];
	struct faults *f = faults_new();
	struct conf_doc *d;

	(void)state;
	assert_non_null(sample);
	snprintf(text, sizeof text, "%s%s", sample, METERS);
	d = parse_good(text);
	site_settings_free(site_settings_read(d, f));
	assert_int_equal(faults_errors(f), 0);
	conf_free(d);
	faults_free(f);
	free(sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_battery_defaults),
		cmocka_unit_test(test_bad_top),
		cmocka_unit_test(test_bad_site),
		cmocka_unit_test(test_bad_meters),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_rings),
		cmocka_unit_test(test_bad_things),
		cmocka_unit_test(test_bad_battery),
		cmocka_unit_test(test_many_faults_in_one_run),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
