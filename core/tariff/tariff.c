/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/tariff/tariff.h"

#include <stdio.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/tariff/model.h"

const char *tariff_id(const struct tariff *t)
{
	return t->id;
}

const char *tariff_title(const struct tariff *t, const char *lang)
{
	return !strcmp(lang, "ko") ? t->title_ko : t->title_en;
}

const char *tariff_currency(const struct tariff *t)
{
	return t->currency;
}

const struct zone *tariff_zone(const struct tariff *t)
{
	return t->zone;
}

int64_t tariff_demand_us(const struct tariff *t)
{
	return t->demand_us;
}

const char *tariff_band_label(const struct tariff *t, const char *band, const char *lang)
{
	for (int i = 0; i < t->n_bands; i++)
		if (!strcmp(t->bands[i].label.id, band))
			return !strcmp(lang, "ko") ? t->bands[i].label.ko : t->bands[i].label.en;
	return band;
}

const char *tariff_band_at(const struct tariff *t, size_t i)
{
	return i < (size_t)t->n_bands ? t->bands[i].label.id : NULL;
}

int64_t tariff_day(const struct tariff *t, int64_t t_us)
{
	struct civil c;

	zone_civil(t->zone, t_us, &c);
	return civil_days(c.year, c.month, c.day);
}

const char *day_text(int64_t day, char *buf, unsigned cap)
{
	int y, m, d;

	civil_from_days(day, &y, &m, &d);
	snprintf(buf, cap, "%04d-%02d-%02d", y, m, d);
	return buf;
}

int64_t round_rule(int64_t micro, struct rounding_rule r)
{
	return r.unit_micro ? money_round(micro, r.unit_micro, r.mode) : micro;
}

enum fems_rc tariff_price(const struct tariff *t, int64_t t_us, struct tariff_price *out,
			  struct fems_error *e)
{
	const struct row *row;
	const struct cell *cell;
	struct civil c;

	zone_civil(t->zone, t_us, &c);
	row = tariff_row(t, civil_days(c.year, c.month, c.day), e);
	if (!row)
		return FEMS_ENOENT;
	cell = &row->cells[(c.hour * 60 + c.minute) / (int)(t->demand_us / US_PER_MIN)];
	out->energy_micro = t->regs[cell->reg].marginal_micro;
	out->counts_for_demand = cell->counts;
	out->band = t->bands[t->regs[cell->reg].band].label.id;
	return FEMS_OK;
}
