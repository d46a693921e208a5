/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/conf/unit.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/money.h"
#include "core/base/text.h"

static const struct unit durations[] = {
	{ "us", 1 },           { "ms", 1000 },         { "s", 1000000 }, { "min", 60000000 },
	{ "h", 3600000000LL }, { "d", 86400000000LL }, { NULL, 0 },
};
static const struct unit powers[] = {
	{ "W", 1 }, { "kW", 1000 }, { "MW", 1000000 }, { "GW", 1000000000 }, { NULL, 0 },
};
static const struct unit energies[] = {
	{ "Wh", 1 }, { "kWh", 1000 }, { "MWh", 1000000 }, { "GWh", 1000000000 }, { NULL, 0 },
};

const struct dimension dim_duration = { "a duration with unit us, ms, s, min, h or d, such as 15min", "us",
					"15min", durations };
const struct dimension dim_power = { "a power with unit W, kW, MW or GW, such as 450 kW", "W", "450 kW",
				     powers };
const struct dimension dim_energy = { "an energy with unit Wh, kWh, MWh or GWh, such as 200 kWh", "Wh",
				      "200 kWh", energies };

static bool refuse(char *why, const char *text)
{
	(void)str_copy(why, DIM_WHY_BYTES, text);
	return false;
}

static const struct unit *find_unit(const struct dimension *d, const char *name)
{
	const struct unit *u = d->units;

	while (u->name && strcmp(u->name, name))
		u++;
	return u->name ? u : NULL;
}

/* What to do about a unit that is none; false always. */
static bool refuse_unit(const struct dimension *d, const char *name, char *why)
{
	const struct unit *u;

	if (!*name)
		return refuse(why, "the unit is missing");
	if (d == &dim_duration && !strcmp(name, "m"))
		return refuse(why, "minutes are written min");
	for (u = d->units; u->name; u++)
		if (!strcasecmp(u->name, name)) {
			snprintf(why, DIM_WHY_BYTES, "the unit is written %s", u->name);
			return false;
		}
	return refuse(why, "the unit is another one");
}

/* Exact: a product that is no whole number of base units is refused. */
static bool scale(int64_t micro, int64_t factor, int64_t *out, char *why)
{
	__int128 v = (__int128)micro * factor;

	if (v % 1000000 != 0)
		return refuse(why, "it is finer than the smallest unit");
	if (v / 1000000 > INT64_MAX || v / 1000000 < INT64_MIN)
		return refuse(why, "it is too large");
	*out = (int64_t)(v / 1000000);
	return true;
}

bool dim_parse(const struct dimension *d, const char *s, int64_t *out, char *why)
{
	size_t n = strspn(s, "+-.0123456789");
	const char *name = s + n + strspn(s + n, " ");
	const struct unit *u = find_unit(d, name);
	char number[48];
	int64_t micro;

	if (n == 0 || n >= sizeof number)
		return refuse(why, "it begins with no number");
	memcpy(number, s, n);
	number[n] = '\0';
	if (!money_parse(number, &micro))
		return refuse(why, "the number is malformed, or has more than six decimals");
	if (!u && micro == 0 && !*name)
		u = d->units;
	return u ? scale(micro, u->factor, out, why) : refuse_unit(d, name, why);
}

const char *dim_format(const struct dimension *d, int64_t value, char *buf, unsigned cap)
{
	const struct unit *u = d->units, *best = d == &dim_duration && value == 0 ? &durations[2] : d->units;

	for (; u->name; u++)
		if (value && value % u->factor == 0)
			best = u;
	snprintf(buf, cap, d == &dim_duration ? "%lld%s" : "%lld %s", (long long)(value / best->factor),
		 best->name);
	return buf;
}
