/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/base/money.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "core/base/err.h"

int64_t round_div(__int128 num, __int128 den, enum rounding mode)
{
	bool negative = num < 0;
	__int128 abs = negative ? -num : num, q = abs / den, r = abs % den;

	MUST(den > 0);
	if ((mode == ROUND_HALF_UP && 2 * r >= den) || (mode == ROUND_UP && r > 0) ||
	    (mode == ROUND_HALF_EVEN && (2 * r > den || (2 * r == den && (q & 1)))))
		q++;
	return (int64_t)(negative ? -q : q);
}

int64_t money_energy(int64_t wh, int64_t micro_per_kwh)
{
	return round_div((__int128)wh * micro_per_kwh, 1000, ROUND_HALF_UP);
}

int64_t money_power(int64_t w, int64_t micro_per_kw)
{
	return round_div((__int128)w * micro_per_kw, 1000, ROUND_HALF_UP);
}

int64_t money_round(int64_t micro, int64_t unit_micro, enum rounding mode)
{
	return round_div(micro, unit_micro, mode) * unit_micro;
}

bool money_parse(const char *s, int64_t *micro)
{
	bool negative = *s == '-';
	int64_t whole = 0, frac = 0;
	int digits = 0, decimals = 0;

	for (s += negative; *s >= '0' && *s <= '9'; s++, digits++) {
		if (whole > (INT64_MAX / 1000000 - 9) / 10)
			return false;
		whole = whole * 10 + (*s - '0');
	}
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9' && decimals < 6; s++, decimals++)
			frac = frac * 10 + (*s - '0');
	if (*s || digits + decimals == 0)
		return false;
	for (; decimals < 6; decimals++)
		frac *= 10;
	*micro = whole * 1000000 + frac;
	if (negative)
		*micro = -*micro;
	return true;
}

const char *money_format(int64_t micro, int decimals, char *buf, unsigned cap)
{
	static const int64_t units[] = { 1000000, 100000, 10000, 1000, 100, 10, 1 };
	int64_t unit = units[decimals], rounded = round_div(micro, unit, ROUND_HALF_UP);
	uint64_t abs = rounded < 0 ? (uint64_t)-rounded : (uint64_t)rounded;
	uint64_t per = (uint64_t)(1000000 / unit);
	char digits[24], out[40];
	size_t n, o = 0;

	snprintf(digits, sizeof digits, "%" PRIu64, abs / per);
	n = strlen(digits);
	if (rounded < 0)
		out[o++] = '-';
	for (size_t i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			out[o++] = ',';
		out[o++] = digits[i];
	}
	out[o] = '\0';
	if (decimals)
		snprintf(buf, cap, "%s.%0*" PRIu64, out, decimals, abs % per);
	else
		snprintf(buf, cap, "%s", out);
	return buf;
}
