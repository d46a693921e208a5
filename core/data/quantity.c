/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/data/quantity.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/text.h"

/* Ranges are those of any factory up to a 345 kV connection: they catch a wrong byte order or scale,
 * not an unusual load. Counters end where a double stops holding whole units (2^53). */
#define POWER -1e9, 1e9
#define COUNT 0, 9007199254740992.0
#define VOLT  0, 400e3
#define AMP   -100e3, 100e3
#define PF    -1, 1
#define PART  0, 1000

#define GAUGE(n, u, ...)                                                                                     \
	{                                                                                                    \
		n, u, Q_GAUGE, __VA_ARGS__                                                                   \
	} /* range, labels */
/* The three phases of a quantity, and with the value of the whole in front. The outer macros exist to
 * let a range above become two arguments. */
#define PHASES(...)       PHASES_(__VA_ARGS__)
#define TOTAL_PHASES(...) TOTAL_PHASES_(__VA_ARGS__)
#define PHASES_(n, u, lo, hi, en, ko)                                                                        \
	GAUGE(n ".l1", u, lo, hi, en " L1", ko " L1"), GAUGE(n ".l2", u, lo, hi, en " L2", ko " L2"),        \
		GAUGE(n ".l3", u, lo, hi, en " L3", ko " L3")
#define TOTAL_PHASES_(n, u, lo, hi, en, ko) GAUGE(n, u, lo, hi, en, ko), PHASES_(n, u, lo, hi, en, ko)
#define COUNTER(n, u, en, ko)                                                                                \
	{                                                                                                    \
		n, u, Q_COUNTER, COUNT, en, ko                                                               \
	}
#define COUNTER_PHASES(n, u, en, ko)                                                                         \
	COUNTER(n, u, en, ko), COUNTER(n ".l1", u, en " L1", ko " L1"),                                      \
		COUNTER(n ".l2", u, en " L2", ko " L2"), COUNTER(n ".l3", u, en " L3", ko " L3")
#define STATE(n, en, ko)                                                                                     \
	{                                                                                                    \
		n, "", Q_STATE, 0, 1, en, ko                                                                 \
	}

static const struct quantity table[] = {
	COUNTER_PHASES("energy.active.import", "Wh", "Active energy, import", "유효전력량 (수전)"),
	COUNTER_PHASES("energy.active.export", "Wh", "Active energy, export", "유효전력량 (송전)"),
	COUNTER("energy.reactive.import", "varh", "Reactive energy, import", "무효전력량 (수전)"),
	COUNTER("energy.reactive.export", "varh", "Reactive energy, export", "무효전력량 (송전)"),
	COUNTER("energy.reactive.lag", "varh", "Reactive energy, lagging", "지상 무효전력량"),
	COUNTER("energy.reactive.lead", "varh", "Reactive energy, leading", "진상 무효전력량"),
	COUNTER("energy.apparent", "VAh", "Apparent energy", "피상전력량"),
	TOTAL_PHASES("power.active", "W", POWER, "Active power", "유효전력"),
	TOTAL_PHASES("power.reactive", "var", POWER, "Reactive power", "무효전력"),
	TOTAL_PHASES("power.apparent", "VA", POWER, "Apparent power", "피상전력"),
	TOTAL_PHASES("power.factor", "", PF, "Power factor", "역률"),
	PHASES("voltage", "V", VOLT, "Voltage", "상전압"),
	GAUGE("voltage.l12", "V", VOLT, "Voltage L1-L2", "선간전압 L1-L2"),
	GAUGE("voltage.l23", "V", VOLT, "Voltage L2-L3", "선간전압 L2-L3"),
	GAUGE("voltage.l31", "V", VOLT, "Voltage L3-L1", "선간전압 L3-L1"),
	GAUGE("voltage.unbalance", "%", PART, "Voltage unbalance", "전압 불평형률"),
	PHASES("voltage.thd", "%", PART, "Voltage distortion", "전압 고조파 왜형률"),
	PHASES("current", "A", AMP, "Current", "전류"),
	GAUGE("current.n", "A", AMP, "Neutral current", "중성선 전류"),
	GAUGE("current.unbalance", "%", PART, "Current unbalance", "전류 불평형률"),
	PHASES("current.thd", "%", PART, "Current distortion", "전류 고조파 왜형률"),
	GAUGE("frequency", "Hz", 0, 500, "Frequency", "주파수"),
	GAUGE("demand.active", "W", POWER, "Demand", "수요전력"),
	GAUGE("demand.active.max", "W", POWER, "Highest demand", "최대수요전력"),
	GAUGE("demand.reactive", "var", POWER, "Reactive demand", "무효 수요전력"),
	GAUGE("demand.apparent", "VA", POWER, "Apparent demand", "피상 수요전력"),
	GAUGE("power.setpoint", "W", POWER, "Power set-point", "출력 설정값"),
	STATE("load.shed", "Load shed", "부하 차단"),
	STATE("state.running", "Running", "가동"),
	STATE("state.alarm", "Alarm of the device", "기기 경보"),
	GAUGE("state.of_charge", "%", 0, 100, "State of charge", "충전율"),
	GAUGE("state.of_health", "%", 0, 120, "State of health", "건전도"),
	GAUGE("energy.stored", "Wh", 0, 1e12, "Stored energy", "저장 전력량"),
	GAUGE("energy.capacity", "Wh", 0, 1e12, "Storage capacity", "저장 용량"),
	GAUGE("power.dc", "W", POWER, "DC power", "직류 전력"),
	GAUGE("voltage.dc", "V", -10e3, 10e3, "DC voltage", "직류 전압"),
	GAUGE("current.dc", "A", AMP, "DC current", "직류 전류"),
	GAUGE("temperature", "degC", -273.15, 3000, "Temperature", "온도"),
	GAUGE("humidity", "%", 0, 100, "Relative humidity", "상대습도"),
	GAUGE("irradiance", "W/m2", 0, 2000, "Irradiance", "일사량"),
	GAUGE("pressure", "Pa", -1e6, 1e9, "Pressure", "압력"),
	GAUGE("flow", "m3/h", -1e6, 1e6, "Flow", "유량"),
	COUNTER("volume", "m3", "Volume", "체적"),
	GAUGE("mass.flow", "kg/h", -1e9, 1e9, "Mass flow", "질량 유량"),
	COUNTER("mass", "kg", "Mass", "질량"),
	GAUGE("heat.power", "W", POWER, "Thermal power", "열출력"),
	COUNTER("heat.energy", "Wh", "Thermal energy", "열량"),
	GAUGE("speed", "rpm", -1e6, 1e6, "Speed", "회전수"),
	COUNTER("production.count", "", "Pieces produced", "생산 수량"),
};

const struct quantity *quantity_at(size_t i)
{
	return i < ARRAY_LEN(table) ? &table[i] : NULL;
}

const struct quantity *quantity_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (!strcmp(table[i].name, name))
			return &table[i];
	}
	return NULL;
}

const char *quantity_nearest(const char *name)
{
	const char *names[ARRAY_LEN(table)];

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		names[i] = table[i].name;
	return str_nearest(name, names, ARRAY_LEN(names));
}

/* ---- units ---- */

/* Units of the vocabulary that take an SI prefix. */
static const char *const prefixed[] = { "Wh", "varh", "VAh", "W", "var", "VA", "V", "A", "Hz", "Pa" };

static const struct {
	const char *prefix;
	double factor;
} prefixes[] = { { "u", 1e-6 }, { "m", 1e-3 }, { "k", 1e3 }, { "M", 1e6 }, { "G", 1e9 } };

/* Other spellings and units of the same dimension: value in `unit` x factor = value in `base`. */
static const struct {
	const char *unit, *base;
	double factor;
} others[] = {
	{ "VAr", "var", 1 },        { "kVAr", "var", 1e3 },   { "MVAr", "var", 1e6 },
	{ "VArh", "varh", 1 },      { "kVArh", "varh", 1e3 }, { "MVArh", "varh", 1e6 },
	{ "J", "Wh", 1 / 3600.0 },  { "kJ", "Wh", 1 / 3.6 },  { "MJ", "Wh", 1e3 / 3.6 },
	{ "GJ", "Wh", 1e6 / 3.6 },  { "%", "", 0.01 },        { "1", "", 1 },
	{ "1", "%", 100 },          { "permille", "%", 0.1 }, { "C", "degC", 1 },
	{ "\302\260C", "degC", 1 }, { "bar", "Pa", 1e5 },     { "mbar", "Pa", 100 },
	{ "l/min", "m3/h", 0.06 },  { "l/s", "m3/h", 3.6 },   { "l/h", "m3/h", 1e-3 },
	{ "m3/min", "m3/h", 60 },   { "l", "m3", 1e-3 },      { "t", "kg", 1e3 },
	{ "g", "kg", 1e-3 },        { "t/h", "kg/h", 1e3 },   { "kg/s", "kg/h", 3600 },
	{ "kW/m2", "W/m2", 1e3 },   { "1/min", "rpm", 1 },
};

static bool takes_prefix(const char *base)
{
	for (size_t i = 0; i < ARRAY_LEN(prefixed); i++) {
		if (!strcmp(prefixed[i], base))
			return true;
	}
	return false;
}

double quantity_unit_factor(const struct quantity *q, const char *unit)
{
	if (!strcmp(unit, q->unit))
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		if (!strcmp(others[i].unit, unit) && !strcmp(others[i].base, q->unit))
			return others[i].factor;
	}
	if (!takes_prefix(q->unit))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		if (unit[0] == prefixes[i].prefix[0] && !strcmp(unit + 1, q->unit))
			return prefixes[i].factor;
	}
	return 0;
}
