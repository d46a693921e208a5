/* SPDX-License-Identifier: Apache-2.0
 *
 * Register maps of the makers' meters that the virtual plant imitates. Addresses and types are those
 * of the profiles in meters/profiles, whose headers name their sources; 0-based as sent on the wire.
 */
#include "config.h"
#include "tests/sim/plant.h"

#include <math.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"

enum what {
	CONST,
	POWER,
	VAR,
	VA,
	PF,
	HZ,
	VOLT,
	VOLT_LL,
	AMP,
	WH_IN,
	WH_OUT,
	VARH_IN,
	VARH_OUT,
	STORED,
	SOC,
	MODE,
	SETPOINT,
	SHED,
	RUNNING,
	CAPACITY,
	POWER_3,
	VAR_3,
	VA_3,
	WH_IN_3,
	WH_OUT_3,   /* one of three equal phases */
	NOT_FITTED, /* read as "not available" in the way of the register's type */
};

enum type { U16, S16, U32, S32, S32_CDAB, S64, F32, F64 };

struct reg {
	int at;
	enum type type;
	enum what what;
	double scale; /* register = value / scale; CONST: the value itself */
};

struct map {
	const char *name;
	int fc, first, last; /* holes inside read as 0, outside is exception 2 */
	const struct reg *regs;
	int n;
};

/* clang-format off: tables */
/* The same for three phases, `step` registers apart. */
#define L3(at, step, type, what, scale)                                                                      \
	{ at, type, what, scale }, { at + step, type, what, scale },                                         \
	{                                                                                                    \
		at + 2 * step, type, what, scale                                                             \
	}

static const struct reg iem3255[] = {
	L3(3053, 2, F32, POWER_3, 1e3), L3(3517, 4, S64, WH_IN_3, 1), { 2999, F32, AMP, 1 },
	{ 3001, F32, AMP, 1 },          { 3003, F32, AMP, 1 },        { 3027, F32, VOLT, 1 },
	{ 3029, F32, VOLT, 1 },         { 3031, F32, VOLT, 1 },       { 3059, F32, POWER, 1e3 },
	{ 3067, F32, VAR, 1e3 },        { 3075, F32, VA, 1e3 },       { 3109, F32, HZ, 1 },
	{ 3203, S64, WH_IN, 1 },        { 3207, S64, WH_OUT, 1 },     { 3219, S64, VARH_IN, 1 },
	{ 3223, S64, VARH_OUT, 1 },
};
static const struct reg pac3200[] = {
	L3(25, 2, F32, POWER_3, 1), L3(31, 2, F32, VAR_3, 1), L3(37, 2, F32, PF, 1),  { 1, F32, VOLT, 1 },
	{ 3, F32, VOLT, 1 },        { 5, F32, VOLT, 1 },      { 13, F32, AMP, 1 },    { 15, F32, AMP, 1 },
	{ 17, F32, AMP, 1 },        { 55, F32, HZ, 1 },       { 63, F32, VA, 1 },     { 65, F32, POWER, 1 },
	{ 67, F32, VAR, 1 },        { 69, F32, PF, 1 },       { 801, F64, WH_IN, 1 }, { 809, F64, WH_OUT, 1 },
};
static const struct reg gimac_i[] = {
	L3(16, 2, F32, VOLT_LL, 1), { 36, F32, NOT_FITTED, 1 }, { 0, F32, VOLT, 1 }, { 2, F32, AMP, 1 },
	{ 4, F32, AMP, 1 },         { 6, F32, AMP, 1 },         { 8, F32, AMP, 1 },  { 10, F32, VOLT, 1 },
	{ 12, F32, VOLT, 1 },       { 14, F32, VOLT, 1 },       { 22, F32, PF, 1 },  { 24, F32, POWER, 1 },
	{ 26, F32, VAR, 1 },        { 28, F32, VA, 1 },         { 30, F32, HZ, 1 },  { 32, F32, WH_IN, 1 },
	{ 34, F32, VARH_IN, 1 },
};
static const struct reg em340[] = {
	L3(18, 2, S32_CDAB, POWER_3, 0.1),
	L3(24, 2, S32_CDAB, VA_3, 0.1),
	L3(30, 2, S32_CDAB, VAR_3, 0.1),
	L3(46, 1, S16, PF, 1e-3),
	L3(64, 2, S32_CDAB, WH_IN_3, 100),
	{ 0, S32_CDAB, VOLT, 0.1 },
	{ 2, S32_CDAB, VOLT, 0.1 },
	{ 4, S32_CDAB, VOLT, 0.1 },
	{ 12, S32_CDAB, AMP, 1e-3 },
	{ 14, S32_CDAB, AMP, 1e-3 },
	{ 16, S32_CDAB, AMP, 1e-3 },
	{ 40, S32_CDAB, POWER, 0.1 },
	{ 42, S32_CDAB, VA, 0.1 },
	{ 44, S32_CDAB, VAR, 0.1 },
	{ 49, S16, PF, 1e-3 },
	{ 51, S16, HZ, 0.1 },
	{ 52, S32_CDAB, WH_IN, 100 },
	{ 78, S32_CDAB, WH_OUT, 100 },
};
static const struct reg sdm630[] = {
	L3(12, 2, F32, POWER_3, 1),
	L3(18, 2, F32, VA_3, 1),
	L3(24, 2, F32, VAR_3, 1),
	L3(30, 2, F32, PF, 1),
	{ 76, F32, VARH_IN, 1e3 },
	{ 78, F32, VARH_OUT, 1e3 },
	L3(234, 2, F32, NOT_FITTED, 1),
	L3(346, 2, F32, WH_IN_3, 1e3),
	L3(352, 2, F32, WH_OUT_3, 1e3),
	{ 0, F32, VOLT, 1 },
	{ 2, F32, VOLT, 1 },
	{ 4, F32, VOLT, 1 },
	{ 6, F32, AMP, 1 },
	{ 8, F32, AMP, 1 },
	{ 10, F32, AMP, 1 },
	{ 52, F32, POWER, 1 },
	{ 56, F32, VA, 1 },
	{ 60, F32, VAR, 1 },
	{ 62, F32, PF, 1 },
	{ 70, F32, HZ, 1 },
	{ 72, F32, WH_IN, 1e3 },
	{ 74, F32, WH_OUT, 1e3 },
};
static const struct reg b23[] = {
	L3(21600, 4, S64, WH_IN_3, 10), L3(21612, 4, S64, WH_OUT_3, 10), L3(23318, 2, S32, POWER_3, 0.01),
	L3(23355, 1, S16, PF, 1e-3),    { 20480, S64, WH_IN, 10 },       { 20484, S64, WH_OUT, 10 },
	{ 23296, U32, VOLT, 0.1 },      { 23298, U32, VOLT, 0.1 },       { 23300, U32, VOLT, 0.1 },
	{ 23308, U32, AMP, 0.01 },      { 23310, U32, AMP, 0.01 },       { 23312, U32, AMP, 0.01 },
	{ 23316, S32, POWER, 0.01 },    { 23340, U16, HZ, 0.01 },        { 23354, S16, PF, 1e-3 },
};
/* SunSpec: "SunS" at 40000, common model 1 of 66 registers, then model 103 and the end mark. */
#define M103 40070
static const struct reg sunspec[] = {
	L3(M103 + 3, 1, U16, AMP, 0.1),    L3(M103 + 7, 1, U16, VOLT_LL, 0.1),
	{ M103 + 18, S16, VA, 10 },        { M103 + 19, S16, CONST, 1 },
	{ M103 + 20, S16, VAR, 10 },       { M103 + 21, S16, CONST, 1 },
	{ M103 + 22, S16, PF, 1e-2 },      { M103 + 23, S16, CONST, 0 },
	{ M103 + 27, U16, NOT_FITTED, 1 }, { M103 + 29, U16, NOT_FITTED, 1 },
	{ M103 + 31, S16, NOT_FITTED, 1 }, { M103 + 33, S16, NOT_FITTED, 1 },
	{ 40000, U16, CONST, 0x5375 },     { 40001, U16, CONST, 0x6E53 },
	{ 40002, U16, CONST, 1 },          { 40003, U16, CONST, 66 },
	{ M103, U16, CONST, 103 },         { M103 + 1, U16, CONST, 50 },
	{ M103 + 2, U16, AMP, 0.1 },       { M103 + 6, S16, CONST, -1 },
	{ M103 + 10, U16, VOLT, 0.1 },     { M103 + 11, U16, VOLT, 0.1 },
	{ M103 + 12, U16, VOLT, 0.1 },     { M103 + 13, S16, CONST, -1 },
	{ M103 + 14, S16, POWER, -10 },    { M103 + 15, S16, CONST, 1 },
	{ M103 + 16, U16, HZ, 0.01 },      { M103 + 17, S16, CONST, -2 },
	{ M103 + 24, U32, WH_OUT, 1 },     { M103 + 26, S16, CONST, 0 },
	{ M103 + 38, U16, CONST, 4 },      { M103 + 52, U16, CONST, 0xFFFF },
};
/* The plant's own devices. */
static const struct reg battery[] = {
	{ 0, S32, POWER, 1 }, { 2, U32, STORED, 1 },  { 4, U16, SOC, 0.1 },     { 5, U16, MODE, 1 },
	{ 6, S64, WH_IN, 1 }, { 10, S64, WH_OUT, 1 }, { 14, U32, CAPACITY, 1 }, { 100, S32, SETPOINT, 1 },
};
static const struct reg controller[] = {
	{ 0, U16, SHED, 1 },
	{ 1, U16, RUNNING, 1 },
	{ 2, S32, POWER, 1 },
};

#define MAP(nm, fc, first, last, regs)                                                                       \
	{                                                                                                    \
		nm, fc, first, last, regs, ARRAY_LEN(regs)                                                   \
	}
static const struct map maps[] = {
	MAP("schneider-iem3255", 3, 2900, 3600, iem3255),
	MAP("siemens-pac3200", 3, 0, 820, pac3200),
	MAP("ls-gimac-i", 4, 0, 43, gimac_i),
	MAP("carlogavazzi-em340", 4, 0, 80, em340),
	MAP("eastron-sdm630", 4, 0, 380, sdm630),
	MAP("abb-b23", 3, 20480, 23400, b23),
	MAP("sunspec-inverter-103", 3, 40000, M103 + 53, sunspec),
	MAP("fems-battery", 3, 0, 101, battery),
};
/* Behind the same port as its machine, at unit 2: contactor with a shed command. */
static const struct map controller_map = MAP("fems-load-controller", 3, 0, 3, controller);

static const struct {
	const char *device;
	int map;
} fitted[] = {
	{ "main", 0 },  { "production", 1 }, { "utilities", 2 }, { "furnace", 0 }, { "press", 3 },
	{ "cnc1", 4 },  { "cnc2", 4 },       { "cnc3", 4 },      { "cnc4", 4 },    { "comp1", 5 },
	{ "comp2", 5 }, { "chiller", 5 },    { "office", 4 },    { "pv", 6 },      { "battery", 7 },
};

/* clang-format on */

static const struct map *map_of(const struct plant *p, int device, int unit)
{
	if (unit == 2)
		return p->dev[device].kind == KIND_COMPRESSOR || p->dev[device].kind == KIND_CHILLER
			       ? &controller_map
			       : NULL;
	if (unit != 1)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(fitted); i++)
		if (!strcmp(fitted[i].device, p->dev[device].name))
			return &maps[fitted[i].map];
	return NULL;
}

const char *plant_map_name(const struct plant *p, int device)
{
	const struct map *m = map_of(p, device, 1);

	return m ? m->name : "";
}

static double value_of(const struct plant *p, int device, const struct reg *r)
{
	const struct plant_device *d = &p->dev[device];
	double s = sqrt((double)d->power_w * (double)d->power_w + (double)d->var * (double)d->var);
	double volt = 220 + 3 * plant_noise(p->seed, 1000, (uint64_t)(p->now_us / US_PER_S / 10));

	switch (r->what) {
	case CONST:
		return r->scale;
	case POWER:
		return (double)d->power_w;
	case VAR:
		return (double)d->var;
	case VA:
		return s;
	case PF:
		return s > 0 ? fabs((double)d->power_w) / s : 1;
	case HZ:
		return 60 + 0.04 * (plant_noise(p->seed, 1001, (uint64_t)(p->now_us / US_PER_S)) - 0.5);
	case VOLT:
		return volt;
	case VOLT_LL:
		return volt * sqrt(3);
	case AMP:
		return s / 3 / volt;
	case WH_IN:
		return (double)(d->import_ws / 3600);
	case WH_OUT:
		return (double)(d->export_ws / 3600);
	case VARH_IN:
		return (double)(d->import_vars / 3600);
	case VARH_OUT:
		return (double)(d->export_vars / 3600);
	case STORED:
		return (double)(d->stored_ws / 3600);
	case SOC:
		return 100.0 * (double)d->stored_ws / 3600 / BATTERY_WH;
	case MODE:
		return d->power_w > 0 ? 1 : d->power_w < 0 ? 2 : 0;
	case SETPOINT:
		return (double)d->setpoint_w;
	case SHED:
		return d->shed;
	case RUNNING:
		return d->running;
	case CAPACITY:
		return BATTERY_WH;
	case POWER_3:
		return (double)d->power_w / 3;
	case VAR_3:
		return (double)d->var / 3;
	case VA_3:
		return s / 3;
	case WH_IN_3:
		return (double)(d->import_ws / 10800);
	case WH_OUT_3:
		return (double)(d->export_ws / 10800);
	case NOT_FITTED:
		return NAN;
	}
	return 0;
}

static int width(enum type t)
{
	return t == U16 || t == S16 ? 1 : t == S64 || t == F64 ? 4 : 2;
}

static void encode(enum type t, double v, uint16_t *out)
{
	uint64_t bits;
	float f = (float)v;
	uint32_t fbits;
	int n = width(t);

	if (t == F32) {
		memcpy(&fbits, &f, 4);
		bits = fbits;
	} else if (t == F64) {
		memcpy(&bits, &v, 8);
	} else if (isnan(v)) {
		bits = t == S16 ? 0x8000 : UINT64_MAX;
	} else {
		bits = (uint64_t)(int64_t)floor(v + 1e-9);
	}
	for (int i = 0; i < n; i++)
		out[i] = (uint16_t)(bits >> (16 * (n - 1 - i)));
	if (t == S32_CDAB) {
		uint16_t high = out[0];

		out[0] = out[1];
		out[1] = high;
	}
}

int plant_read(struct plant *p, int device, int unit, int fc, int address, int count, uint16_t *out)
{
	const struct map *m = map_of(p, device, unit);

	if (!m)
		return 0x0b; /* gateway target failed to respond */
	if (fc != m->fc)
		return 1;
	if (address < m->first || address + count - 1 > m->last)
		return 2;
	memset(out, 0, (size_t)count * sizeof *out);
	for (int i = 0; i < m->n; i++) {
		const struct reg *r = &m->regs[i];
		int w = width(r->type), at = r->at - address;
		double v = value_of(p, device, r);
		uint16_t words[4];

		if (at + w <= 0 || at >= count)
			continue;
		encode(r->type, r->what == CONST ? v : v / r->scale, words);
		for (int k = 0; k < w; k++)
			if (at + k >= 0 && at + k < count)
				out[at + k] = words[k];
	}
	return 0;
}

int plant_write(struct plant *p, int device, int unit, int address, int count, const uint16_t *in)
{
	const struct map *m = map_of(p, device, unit);
	struct plant_device *d = &p->dev[device];
	int32_t w;

	if (m == &controller_map && address == 0 && count == 1) {
		if (in[0] > 1)
			return 3;
		d->shed = in[0] != 0;
		return 0;
	}
	if (m && d->kind == KIND_BATTERY && address == 100 && count == 2) {
		w = (int32_t)((uint32_t)in[0] << 16 | in[1]);
		if (w > BATTERY_W || w < -BATTERY_W)
			return 3;
		d->setpoint_w = w;
		d->setpoint_age_s = 0;
		return 0;
	}
	return m ? 2 : 0x0b;
}
