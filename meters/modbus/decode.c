/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "meters/modbus/decode.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

const char *const reg_type_names[] = { "u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64", NULL };
const char *const reg_order_names[] = { "ABCD", "CDAB", "BADC", "DCBA", NULL };

static const struct {
	unsigned words;
	bool is_signed, is_float;
} types[] = {
	[REG_U16] = { 1, false, false }, [REG_S16] = { 1, true, false },  [REG_U32] = { 2, false, false },
	[REG_S32] = { 2, true, false },  [REG_U64] = { 4, false, false }, [REG_S64] = { 4, true, false },
	[REG_F32] = { 2, true, true },   [REG_F64] = { 4, true, true },
};

unsigned reg_words(enum reg_type t)
{
	return types[t].words;
}

static uint16_t swapped(uint16_t w)
{
	return (uint16_t)(w << 8 | w >> 8);
}

uint64_t reg_raw(enum reg_type t, enum reg_order order, const uint16_t *words)
{
	unsigned n = types[t].words;
	bool low_first = order == ORDER_CDAB || order == ORDER_DCBA;
	bool swap = order == ORDER_BADC || order == ORDER_DCBA;
	uint64_t raw = 0;

	for (unsigned i = 0; i < n; i++) {
		uint16_t w = words[low_first ? n - 1 - i : i];

		raw = raw << 16 | (swap ? swapped(w) : w);
	}
	return raw;
}

static uint64_t all_ones(enum reg_type t)
{
	return UINT64_MAX >> (64 - 16 * types[t].words);
}

bool reg_is_na(enum reg_type t, uint64_t raw, enum reg_na na, uint64_t pattern)
{
	uint64_t ones = all_ones(t);

	if (types[t].is_float && !isfinite(reg_value(t, raw)))
		return true;
	switch (na) {
	case NA_LARGEST:
		return !types[t].is_float && raw == (types[t].is_signed ? ones >> 1 : ones);
	case NA_SUNSPEC:
		return !types[t].is_float && raw == (types[t].is_signed ? (ones >> 1) + 1 : ones);
	case NA_RAW:
		return raw == pattern;
	case NA_NONE:
		break;
	}
	return false;
}

double reg_value(enum reg_type t, uint64_t raw)
{
	uint32_t low = (uint32_t)raw;
	float f;
	double d;

	switch (t) {
	case REG_S16:
		return (int16_t)raw;
	case REG_S32:
		return (int32_t)raw;
	case REG_S64:
		return (double)(int64_t)raw;
	case REG_F32:
		memcpy(&f, &low, sizeof f);
		return (double)f;
	case REG_F64:
		memcpy(&d, &raw, sizeof d);
		return d;
	case REG_U16:
	case REG_U32:
	case REG_U64:
		break;
	}
	return (double)raw;
}

static bool integer_bits(enum reg_type t, double value, uint64_t *raw)
{
	int bits = 16 * (int)types[t].words;
	double v = nearbyint(value);
	double high = ldexp(1, types[t].is_signed ? bits - 1 : bits);

	if (!(v < high && v >= (types[t].is_signed ? -high : 0)))
		return false;
	*raw = (types[t].is_signed ? (uint64_t)(int64_t)v : (uint64_t)v) & all_ones(t);
	return true;
}

static bool float_bits(enum reg_type t, double value, uint64_t *raw)
{
	float f = (float)value;
	uint32_t low;

	if (t == REG_F64) {
		memcpy(raw, &value, sizeof value);
		return isfinite(value);
	}
	memcpy(&low, &f, sizeof f);
	*raw = low;
	return isfinite(f);
}

bool reg_encode(enum reg_type t, enum reg_order order, double value, uint16_t *words)
{
	unsigned n = types[t].words;
	bool low_first = order == ORDER_CDAB || order == ORDER_DCBA;
	bool swap = order == ORDER_BADC || order == ORDER_DCBA;
	uint64_t raw;

	if (!(types[t].is_float ? float_bits(t, value, &raw) : integer_bits(t, value, &raw)))
		return false;
	for (unsigned i = 0; i < n; i++) {
		uint16_t w = (uint16_t)(raw >> 16 * (low_first ? i : n - 1 - i));

		words[i] = swap ? swapped(w) : w;
	}
	return true;
}

bool reg_power_of_ten(uint16_t word, double *factor)
{
	static const double powers[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10 };
	int exponent = (int16_t)word;

	if (exponent < -10 || exponent > 10)
		return false;
	*factor = exponent < 0 ? 1 / powers[-exponent] : powers[exponent];
	return true;
}
