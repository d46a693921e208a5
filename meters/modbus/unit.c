/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "meters/modbus/unit.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Base unit by the beginning of the quantity's name; the first that fits counts. */
static const struct {
	const char *prefix, *base;
} bases[] = {
	{ "energy.reactive", "varh" },
	{ "energy.apparent", "VAh" },
	{ "energy.", "Wh" },
	{ "heat.energy", "Wh" },
	{ "heat.power", "W" },
	{ "power.reactive", "var" },
	{ "power.apparent", "VA" },
	{ "power.factor", "" },
	{ "power.", "W" },
	{ "demand.reactive", "var" },
	{ "demand.apparent", "VA" },
	{ "demand.", "W" },
	{ "voltage.unbalance", "%" },
	{ "voltage.thd", "%" },
	{ "voltage.", "V" },
	{ "current.unbalance", "%" },
	{ "current.thd", "%" },
	{ "current.", "A" },
	{ "frequency", "Hz" },
	{ "state.of", "%" },
	{ "humidity", "%" },
	{ "temperature", "degC" },
	{ "irradiance", "W/m2" },
	{ "pressure", "Pa" },
	{ "flow", "m3/h" },
	{ "volume", "m3" },
	{ "mass.flow", "kg/h" },
	{ "mass", "kg" },
	{ "speed", "rpm" },
	{ "", "" },
};

static const struct {
	const char *unit, *base;
	double factor;
} units[] = {
	{ "Wh", "Wh", 1 },         { "kWh", "Wh", 1e3 },
	{ "MWh", "Wh", 1e6 },      { "GWh", "Wh", 1e9 },
	{ "kJ", "Wh", 1 / 3.6 },   { "MJ", "Wh", 1e3 / 3.6 },
	{ "GJ", "Wh", 1e6 / 3.6 }, { "varh", "varh", 1 },
	{ "kvarh", "varh", 1e3 },  { "Mvarh", "varh", 1e6 },
	{ "VAh", "VAh", 1 },       { "kVAh", "VAh", 1e3 },
	{ "MVAh", "VAh", 1e6 },    { "mW", "W", 1e-3 },
	{ "W", "W", 1 },           { "kW", "W", 1e3 },
	{ "MW", "W", 1e6 },        { "var", "var", 1 },
	{ "kvar", "var", 1e3 },    { "Mvar", "var", 1e6 },
	{ "VA", "VA", 1 },         { "kVA", "VA", 1e3 },
	{ "MVA", "VA", 1e6 },      { "mV", "V", 1e-3 },
	{ "V", "V", 1 },           { "kV", "V", 1e3 },
	{ "mA", "A", 1e-3 },       { "A", "A", 1 },
	{ "kA", "A", 1e3 },        { "mHz", "Hz", 1e-3 },
	{ "Hz", "Hz", 1 },         { "%", "%", 1 },
	{ "%", "", 0.01 },         { "1", "", 1 },
	{ "C", "degC", 1 },        { "degC", "degC", 1 },
	{ "W/m2", "W/m2", 1 },     { "Pa", "Pa", 1 },
	{ "kPa", "Pa", 1e3 },      { "mbar", "Pa", 100 },
	{ "bar", "Pa", 1e5 },      { "m3/h", "m3/h", 1 },
	{ "l/min", "m3/h", 0.06 }, { "l/s", "m3/h", 3.6 },
	{ "m3", "m3", 1 },         { "l", "m3", 1e-3 },
	{ "kg", "kg", 1 },         { "t", "kg", 1e3 },
	{ "kg/h", "kg/h", 1 },     { "t/h", "kg/h", 1e3 },
	{ "rpm", "rpm", 1 },
};

double unit_factor(const char *quantity, const char *unit, const char **base)
{
	size_t b = 0;

	while (strncmp(quantity, bases[b].prefix, strlen(bases[b].prefix)))
		b++;
	*base = bases[b].base;
	for (size_t i = 0; i < LEN(units); i++) {
		if (!strcmp(units[i].unit, unit) && !strcmp(units[i].base, bases[b].base))
			return units[i].factor;
	}
	return 0;
}
