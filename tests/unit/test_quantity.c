/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/data/quantity.h"

static void table_is_sound(void **state)
{
	const struct quantity *q;
	size_t n = 0;

	(void)state;
	for (; (q = quantity_at(n)); n++) {
		assert_ptr_equal(quantity_find(q->name), q); /* also: no name twice */
		assert_true(q->min < q->max);
		assert_true(strlen(q->label_ko) > 0 && strlen(q->label_en) > 0);
		assert_true(strlen(q->name) < 32);
		assert_null(strpbrk(q->name, "/* ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
		assert_float_equal(quantity_unit_factor(q, q->unit), 1, 0);
	}
	assert_true(n > 60);
}

static void names_of_the_contract(void **state)
{
	static const char *const names[][2] = {
		{ "energy.active.import", "Wh" },
		{ "energy.active.export", "Wh" },
		{ "power.active", "W" },
		{ "power.active.l3", "W" },
		{ "power.factor", "" },
		{ "voltage.l31", "V" },
		{ "current.n", "A" },
		{ "frequency", "Hz" },
		{ "power.setpoint", "W" },
		{ "load.shed", "" },
		{ "state.of_charge", "%" },
		{ "energy.stored", "Wh" },
		{ "demand.active.max", "W" },
		{ "irradiance", "W/m2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		assert_non_null(quantity_find(names[i][0]));
		assert_string_equal(quantity_find(names[i][0])->unit, names[i][1]);
	}
	assert_int_equal(quantity_find("energy.active.import")->kind, Q_COUNTER);
	assert_int_equal(quantity_find("energy.stored")->kind, Q_GAUGE);
	assert_int_equal(quantity_find("load.shed")->kind, Q_STATE);
}

static void wrong_names(void **state)
{
	(void)state;
	assert_null(quantity_find("energy.active"));
	assert_null(quantity_find(""));
	assert_string_equal(quantity_nearest("power.actve"), "power.active");
	assert_string_equal(quantity_nearest("energy.active.imprt"), "energy.active.import");
	assert_null(quantity_nearest("zzzzzzzzzzzz"));
}

static void unit_factors(void **state)
{
	static const struct {
		const char *quantity, *unit;
		double factor;
	} cases[] = {
		{ "energy.active.import", "kWh", 1e3 },
		{ "energy.active.import", "MWh", 1e6 },
		{ "energy.active.import", "MJ", 1e3 / 3.6 },
		{ "energy.reactive.import", "kvarh", 1e3 },
		{ "energy.reactive.lag", "kVArh", 1e3 },
		{ "power.active", "MW", 1e6 },
		{ "power.active", "mW", 1e-3 },
		{ "power.apparent", "kVA", 1e3 },
		{ "voltage.l1", "kV", 1e3 },
		{ "voltage.l1", "mV", 1e-3 },
		{ "current.l2", "mA", 1e-3 },
		{ "frequency", "mHz", 1e-3 },
		{ "power.factor", "%", 0.01 },
		{ "power.factor", "", 1 },
		{ "state.of_charge", "%", 1 },
		{ "temperature", "C", 1 },
		{ "pressure", "bar", 1e5 },
		{ "pressure", "kPa", 1e3 },
		{ "flow", "l/min", 0.06 },
		/* other dimensions and nonsense */
		{ "power.active", "kWh", 0 },
		{ "energy.active.import", "kW", 0 },
		{ "power.active", "kVA", 0 },
		{ "power.active", "kkW", 0 },
		{ "power.active", "", 0 },
		{ "power.active", "k", 0 },
		{ "energy.active.import", "0.1 kWh", 0 },
		{ "temperature", "kdegC", 0 },
		{ "irradiance", "MW/m2", 0 },
		{ "state.of_charge", "k%", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct quantity *q = quantity_find(cases[i].quantity);
		double f = quantity_unit_factor(q, cases[i].unit);

		if (f < cases[i].factor * (1 - 1e-12) || f > cases[i].factor * (1 + 1e-12))
			fail_msg("%s in %s: factor %g, expected %g", q->name, cases[i].unit, f,
				 cases[i].factor);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_sound),
		cmocka_unit_test(names_of_the_contract),
		cmocka_unit_test(wrong_names),
		cmocka_unit_test(unit_factors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
