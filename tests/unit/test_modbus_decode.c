/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "meters/modbus/decode.h"
#include "meters/modbus/unit.h"

static double value(enum reg_type t, enum reg_order o, const uint16_t *w)
{
	return reg_value(t, reg_raw(t, o, w));
}

/* Bytes 1..8 by the text of the standard orders: 0x0102030405060708 and its arrangements. */
static void orders(void **state)
{
	static const uint16_t two[4][2] = {
		{ 0x0102, 0x0304 }, { 0x0304, 0x0102 }, { 0x0201, 0x0403 }, { 0x0403, 0x0201 }
	};
	static const uint16_t four[4][4] = { { 0x0102, 0x0304, 0x0506, 0x0708 },
					     { 0x0708, 0x0506, 0x0304, 0x0102 },
					     { 0x0201, 0x0403, 0x0605, 0x0807 },
					     { 0x0807, 0x0605, 0x0403, 0x0201 } };
	static const uint16_t swapped = 0x0201, plain = 0x0102;

	(void)state;
	for (int o = ORDER_ABCD; o <= ORDER_DCBA; o++) {
		assert_int_equal(reg_raw(REG_U32, (enum reg_order)o, two[o]), 0x01020304);
		assert_true(reg_raw(REG_U64, (enum reg_order)o, four[o]) == UINT64_C(0x0102030405060708));
		assert_int_equal(reg_raw(REG_U16, (enum reg_order)o, o >= ORDER_BADC ? &swapped : &plain),
				 0x0102);
	}
}

static void types(void **state)
{
	static const uint16_t minus_one[4] = { 0xffff, 0xffff, 0xffff, 0xffff };
	static const uint16_t lowest[4] = { 0x8000, 0, 0, 0 };
	static const uint16_t pi32[2] = { 0x4049, 0x0fdb }, pi64[4] = { 0x4009, 0x21fb, 0x5444, 0x2d18 };

	(void)state;
	assert_float_equal(value(REG_U16, ORDER_ABCD, minus_one), 65535, 0);
	assert_float_equal(value(REG_S16, ORDER_ABCD, minus_one), -1, 0);
	assert_float_equal(value(REG_S16, ORDER_ABCD, lowest), -32768, 0);
	assert_float_equal(value(REG_U32, ORDER_ABCD, minus_one), 4294967295.0, 0);
	assert_float_equal(value(REG_S32, ORDER_ABCD, lowest), -2147483648.0, 0);
	assert_float_equal(value(REG_S64, ORDER_ABCD, minus_one), -1, 0);
	assert_float_equal(value(REG_U64, ORDER_ABCD, minus_one), 18446744073709551616.0, 0);
	assert_float_equal(value(REG_F32, ORDER_ABCD, pi32), 3.14159274, 1e-8);
	assert_true(value(REG_F64, ORDER_ABCD, pi64) == 3.141592653589793);
}

static void not_available(void **state)
{
	static const struct {
		enum reg_type t;
		uint64_t raw;
		enum reg_na na;
		bool is;
	} cases[] = {
		{ REG_U16, 0xffff, NA_LARGEST, true },
		{ REG_U16, 0x7fff, NA_LARGEST, false },
		{ REG_S16, 0x7fff, NA_LARGEST, true },
		{ REG_S16, 0xffff, NA_LARGEST, false },
		{ REG_S32, 0x7fffffff, NA_LARGEST, true },
		{ REG_U64, UINT64_MAX, NA_LARGEST, true },
		{ REG_S64, INT64_MAX, NA_LARGEST, true },
		{ REG_U16, 0xffff, NA_SUNSPEC, true },
		{ REG_S16, 0x8000, NA_SUNSPEC, true },
		{ REG_S16, 0x7fff, NA_SUNSPEC, false },
		{ REG_S32, 0x80000000, NA_SUNSPEC, true },
		{ REG_S64, UINT64_C(1) << 63, NA_SUNSPEC, true },
		{ REG_U16, 0xffff, NA_NONE, false },
		{ REG_U32, 1234, NA_RAW, true },
		{ REG_U32, 1235, NA_RAW, false },
		{ REG_F32, 0x7fc00000, NA_NONE, true },
		{ REG_F32, 0xff800000, NA_NONE, true },
		{ REG_F32, 0x7fffffff, NA_LARGEST, true },
		{ REG_F32, 0x43660000, NA_LARGEST, false },
		{ REG_F64, UINT64_C(0x7ff8000000000000), NA_NONE, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (reg_is_na(cases[i].t, cases[i].raw, cases[i].na, 1234) != cases[i].is)
			fail_msg("case %zu", i);
	}
}

static void encode_is_the_inverse(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		enum reg_type t = (enum reg_type)(i % 8);
		enum reg_order o = (enum reg_order)(i / 8 % 4);
		uint16_t in[4], out[4] = { 0 };
		double v;

		for (int k = 0; k < 4; k++)
			in[k] = (uint16_t)rand_r(&seed);
		v = value(t, o, in);
		if (!isfinite(v) || fabs(v) > 9007199254740992.0)
			continue; /* a 64-bit integer beyond 2^53 is not exact in a double */
		assert_true(reg_encode(t, o, v, out));
		assert_memory_equal(in, out, reg_words(t) * sizeof *in);
	}
}

static void encode_refuses(void **state)
{
	static const struct {
		enum reg_type t;
		double v;
	} bad[] = {
		{ REG_U16, -1 },
		{ REG_U16, 65536 },
		{ REG_S16, 32768 },
		{ REG_S16, -32769 },
		{ REG_U32, 4294967296.0 },
		{ REG_S32, 2147483648.0 },
		{ REG_U64, -1 },
		{ REG_U64, 18446744073709551616.0 },
		{ REG_S64, 9223372036854775808.0 },
		{ REG_U16, NAN },
		{ REG_F32, NAN },
		{ REG_F32, 1e39 },
		{ REG_F64, INFINITY },
	};
	uint16_t w[4];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (reg_encode(bad[i].t, ORDER_ABCD, bad[i].v, w))
			fail_msg("%g fits %s", bad[i].v, reg_type_names[bad[i].t]);
	}
	assert_true(reg_encode(REG_S16, ORDER_ABCD, -32768.4, w)); /* rounds to the end of the range */
	assert_int_equal(w[0], 0x8000);
}

static void scale_registers(void **state)
{
	double f = 0;

	(void)state;
	assert_true(reg_power_of_ten(0, &f) && f == 1);
	assert_true(reg_power_of_ten(3, &f) && f == 1000);
	assert_true(reg_power_of_ten(0xfffe, &f) && f == 0.01);
	assert_false(reg_power_of_ten(0x8000, &f)); /* SunSpec: not available */
	assert_false(reg_power_of_ten(11, &f));
}

static void units(void **state)
{
	const char *base;

	(void)state;
	assert_float_equal(unit_factor("energy.active.import", "kWh", &base), 1000, 0);
	assert_float_equal(unit_factor("energy.reactive.import", "kvarh", &base), 1000, 0);
	assert_float_equal(unit_factor("power.factor.l1", "%", &base), 0.01, 0);
	assert_float_equal(unit_factor("voltage.thd.l1", "%", &base), 1, 0);
	assert_float_equal(unit_factor("power.active", "kWh", &base), 0, 0);
	assert_string_equal(base, "W");
	assert_float_equal(unit_factor("energy.reactive.import", "kWh", &base), 0, 0);
	assert_float_equal(unit_factor("load.shed", "W", &base), 0, 0);
	assert_string_equal(base, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders),         cmocka_unit_test(types),
		cmocka_unit_test(not_available),  cmocka_unit_test(encode_is_the_inverse),
		cmocka_unit_test(encode_refuses), cmocka_unit_test(scale_registers),
		cmocka_unit_test(units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
