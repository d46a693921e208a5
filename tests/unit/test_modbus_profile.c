/* SPDX-License-Identifier: Apache-2.0
 *
 * Profiles: the reader with good and bad text, and every profile that is shipped: its self-test, and
 * its quantities and units against femsd's vocabulary.
 */
#include "config.h"
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/data/quantity.h"
#include "meters/modbus/profile.h"
#include "meters/modbus/unit.h"

#define HEAD "id: x\nmaker: m\nmodel: n\nsource: s\n"

static struct profile *parse(const char *text, struct yaml_faults *f)
{
	memset(f, 0, sizeof *f);
	return profile_parse("x.yaml", text, strlen(text), f);
}

static void reads_everything(void **state)
{
	static const char text[] = HEAD
		"selftest:\n  registers:\n    5: [0x0102]\n    9: [0xFFFF]\n  expect: {power.active: 25.8}\n"
		"registers: # the defaults below apply wherever they stand\n"
		"  - {q: power.active, at: 5, type: s16, scale_register: 9, unit: W}\n"
		"  - q: energy.active.import\n    at: 0x10\n    type: u64\n    order: DCBA\n    scale: 0.1\n "
		"   unit: kWh\n"
		"    function: 3\n    na: 0xFFFF\n    unverified: true\n"
		"  - {q: power.setpoint, at: 50, type: f32, function: 3, writable: {min: -5, max: 5}, wait: "
		"200ms}\n"
		"function: 4\nbase: 100\nmax_registers: 20\ngap: 0\norder: CDAB\nna: sunspec\npause: 0.05s\n"
		"identify: {at: 0, words: [1, 0x0002]}\n";
	struct yaml_faults f;
	struct profile *p = parse(text, &f);

	(void)state;
	if (!p)
		fail_msg("%s", f.text);
	assert_int_equal(p->n_regs, 3);
	assert_int_equal(p->regs[0].addr, 105);
	assert_int_equal(p->regs[0].fc, 4);
	assert_int_equal(p->regs[0].order, ORDER_CDAB);
	assert_int_equal(p->regs[0].na, NA_SUNSPEC);
	assert_true(p->regs[0].has_scale);
	assert_int_equal(p->regs[0].scale_addr, 109);
	assert_int_equal(p->regs[1].addr, 116);
	assert_int_equal(p->regs[1].order, ORDER_DCBA);
	assert_int_equal(p->regs[1].na, NA_RAW);
	assert_float_equal(p->regs[1].factor, 100, 0);
	assert_true(p->regs[1].unverified && !p->regs[0].unverified);
	assert_true(p->regs[2].writable);
	assert_int_equal(p->regs[2].wait_us, 200000);
	assert_int_equal(p->pause_us, 50000);
	assert_int_equal(p->identify.addr, 100);
	assert_int_equal(p->identify.n, 2);
	assert_int_equal(p->max_registers, 20);
	memset(&f, 0, sizeof f);
	assert_false(profile_selftest(p, "x.yaml", &f)); /* only the identification is missing */
	assert_int_equal(f.n, 2);
	assert_null(strstr(f.text, "power.active"));
	profile_free(p);
}

static void says_where_and_what(void **state)
{
	static const struct {
		const char *text, *fault;
	} cases[] = {
		{ "", "x.yaml:1:1: the file is empty" },
		{ "a: [", "x.yaml:" },
		{ "- 1\n", "x.yaml:1:3: a profile must be a mapping" },
		{ HEAD, "needs \"registers\"" },
		{ "maker: m\nmodel: n\nsource: s\nregisters: [{q: power.active, at: 0, type: u16}]\n",
		  "needs \"id\"" },
		{ HEAD "registers: []\n", "list of 1 to 500" },
		{ HEAD "registers: x\n", "x.yaml:5:12: registers must be a list" },
		{ HEAD "regsters: []\n",
		  "x.yaml:5:1: a profile has no key \"regsters\"; did you mean \"registers\"?" },
		{ HEAD "registers: [{q: power.active, at: 0, typ: u16}]\n",
		  "x.yaml:5:38: a register has no key \"typ\"" },
		{ HEAD "registers: [{q: power.active, at: 0, type: f33}]\n",
		  "x.yaml:5:44: \"f33\" is not one of u16" },
		{ HEAD "registers: [{q: power.active, at: 70000, type: u16}]\n", "x.yaml:5:35: \"70000\"" },
		{ HEAD "registers: [{q: power.active, at: 65535, type: u32}]\n", "behind 65535" },
		{ HEAD "base: 65000\nregisters: [{q: power.active, at: 600, type: u16}]\n",
		  "with base 65000" },
		{ HEAD "registers: [{q: power.active, at: 1.5, type: u16}]\n", "not a whole number" },
		{ HEAD "registers: [{q: power.active, at: 0, type: u16, unit: kWh}]\n",
		  "\"kWh\" is not a unit of power.active" },
		{ HEAD "registers: [{q: power.active, at: 0, type: u16, scale: 0}]\n", "scale 0" },
		{ HEAD "registers: [{q: power.active, at: 0, type: u16, scale: .nan}]\n", "not a number" },
		{ HEAD
		  "registers: [{q: power.active, at: 0, type: u16}, {q: power.active, at: 1, type: u16}]\n",
		  "there twice" },
		{ HEAD "registers: [{q: power.active, at: 0, type: u16, order: ABDC}]\n",
		  "not one of ABCD, CDAB" },
		{ HEAD "registers: [{q: power.active, at: 0, type: u16, na: minus}]\n",
		  "not one of none, largest" },
		{ HEAD "registers: [{q: power.active, at: 0, type: u16, function: 4, writable: {min: 0, max: "
		       "1}}]\n",
		  "only holding" },
		{ HEAD "registers: [{q: power.active, at: 0, type: u16, writable: {min: 2, max: 1}}]\n",
		  "above max" },
		{ HEAD "registers: [{q: power.active, at: 0, type: u16, writable: {min: 2}}]\n",
		  "needs \"max\"" },
		{ HEAD "registers: [{q: power.active, at: 0, type: u16, wait: 5}]\n", "not a time" },
		{ HEAD "max_registers: 1\nregisters: [{q: power.active, at: 0, type: u32}]\n",
		  "wider than max_registers" },
		{ HEAD "max_registers: 126\nregisters: [{q: power.active, at: 0, type: u32}]\n",
		  "from 1 to 125" },
		{ HEAD "function: 5\nregisters: [{q: power.active, at: 0, type: u32}]\n", "from 3 to 4" },
		{ HEAD "x: &a 1\nregisters: [{q: power.active, at: *a, type: u16}]\n", "aliases" },
		{ HEAD "registers: [{q: \"a\\0b\", at: 0, type: u16}]\n", "single value" },
		{ HEAD "registers: [{q: power.active, at: [0], type: u16}]\n", "single value" },
		{ HEAD "registers: [{q: power.active, at: 0, type: u16}]\nselftest: {registers: {0: []}, "
		       "expect: {a: 1}}\n",
		  "is empty" },
		{ HEAD "registers: [{q: power.active, at: 0, type: u16}]\nidentify: {at: 0}\n",
		  "needs \"words\"" },
	};
	struct yaml_faults f;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct profile *p = parse(cases[i].text, &f);

		if (p || !strstr(f.text, cases[i].fault))
			fail_msg("case %zu: \"%s\" instead of \"%s\"", i, f.text, cases[i].fault);
	}
}

static void all_faults_in_one_run(void **state)
{
	struct yaml_faults f;

	(void)state;
	assert_null(parse("id: x\nmaker: m\nmodel: n\nsource: s\ngap: -1\nregisters:\n  - {q: power.active, "
			  "at: 0, type: u17}\n"
			  "  - {q: power.factor, at: x, type: u16}\n  - {at: 3, type: u16}\n",
			  &f));
	assert_int_equal(f.n, 4);
	assert_non_null(strstr(f.text, "x.yaml:5:6:"));
	assert_non_null(strstr(f.text, "x.yaml:7:36:"));
	assert_non_null(strstr(f.text, "x.yaml:8:27:"));
	assert_non_null(strstr(f.text, "needs \"q\""));
}

static void selftest_finds_errors(void **state)
{
	static const char *const bad[][2] = {
		{ "selftest: {registers: {0: [1]}, expect: {power.active: 2}}\n", "another value" },
		{ "selftest: {registers: {1: [1]}, expect: {power.active: 2}}\n", "are not given" },
		{ "selftest: {registers: {0: [1]}, expect: {power.factor: 2}}\n", "no such quantity" },
		{ "selftest: {registers: {0: [0xFFFF]}, expect: {power.active: 2}}\n", "there is no value" },
		{ "", "has no selftest" },
	};
	char text[400];
	struct yaml_faults f;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct profile *p;

		snprintf(text, sizeof text,
			 HEAD "na: largest\nregisters: [{q: power.active, at: 0, type: u16}]\n%s", bad[i][0]);
		p = parse(text, &f);
		assert_non_null(p);
		assert_false(profile_selftest(p, "x.yaml", &f));
		if (!strstr(f.text, bad[i][1]))
			fail_msg("%s", f.text);
		profile_free(p);
	}
}

/* ---- what is shipped ---- */

static void check_vocabulary(const struct profile *p, const char *path)
{
	for (size_t i = 0; i < p->n_regs; i++) {
		const struct profile_reg *r = &p->regs[i];
		const struct quantity *q = quantity_find(r->quantity);
		const char *base;

		if (!q)
			fail_msg("%s: quantity %s is not in the vocabulary", path, r->quantity);
		unit_factor(r->quantity, "x", &base);
		if (strcmp(base, q->unit))
			fail_msg("%s: the plugin takes %s to be in %s, femsd in %s", path, r->quantity, base,
				 q->unit);
	}
}

static void shipped_profiles(void **state)
{
	const char *top = getenv("top_srcdir");
	char dir[500], path[800];
	struct yaml_faults f = { 0 };
	struct dirent *entry;
	int n = 0;
	DIR *d;

	(void)state;
	snprintf(dir, sizeof dir, "%s/meters/profiles", top ? top : ".");
	d = opendir(dir);
	assert_non_null(d);
	while ((entry = readdir(d))) {
		size_t len = strlen(entry->d_name);
		struct profile *p;

		if (len < 6 || strcmp(entry->d_name + len - 5, ".yaml"))
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
		p = profile_read(path, &f);
		if (!p || !profile_selftest(p, path, &f))
			fail_msg("%s", f.text);
		if (strncmp(p->id, entry->d_name, len - 5) || p->id[len - 5])
			fail_msg("%s has id %s", path, p->id);
		assert_true(p->n_expect >= 3);
		check_vocabulary(p, path);
		profile_free(p);
		n++;
	}
	closedir(d);
	assert_true(n >= 14);
}

/* The plugin's own list of units gives what the vocabulary's gives, for every quantity. */
static void units_agree_with_the_vocabulary(void **state)
{
	static const char *const units[] = {
		"Wh",   "kWh",   "MWh", "GWh", "kJ",   "MJ", "GJ",   "varh", "kvarh", "Mvarh", "VAh",  "kVAh",
		"W",    "kW",    "MW",  "var", "kvar", "VA", "kVA",  "mV",   "V",     "kV",    "mA",   "A",
		"kA",   "mHz",   "Hz",  "%",   "1",    "C",  "degC", "W/m2", "Pa",    "kPa",   "mbar", "bar",
		"m3/h", "l/min", "l/s", "m3",  "l",    "kg", "t",    "kg/h", "t/h",   "rpm"
	};
	const struct quantity *q;

	(void)state;
	for (size_t i = 0; (q = quantity_at(i)); i++) {
		for (size_t k = 0; k < sizeof units / sizeof *units; k++) {
			const char *base;
			double mine = unit_factor(q->name, units[k], &base);

			if (mine > 0 && fabs(mine - quantity_unit_factor(q, units[k])) > 1e-12 * mine)
				fail_msg("%s in %s: %g here, %g in the vocabulary", q->name, units[k], mine,
					 quantity_unit_factor(q, units[k]));
			assert_string_equal(base, q->unit);
		}
	}
}

static void unreadable_files(void **state)
{
	struct yaml_faults f = { 0 };

	(void)state;
	assert_null(profile_read("/nonexistent/x.yaml", &f));
	assert_non_null(strstr(f.text, "No such file"));
	memset(&f, 0, sizeof f);
	assert_null(profile_read("/", &f));
	assert_int_equal(f.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_everything),      cmocka_unit_test(says_where_and_what),
		cmocka_unit_test(all_faults_in_one_run), cmocka_unit_test(selftest_finds_errors),
		cmocka_unit_test(shipped_profiles),      cmocka_unit_test(units_agree_with_the_vocabulary),
		cmocka_unit_test(unreadable_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
