/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of the bill: quantity, dated prices or rules, what they are a percentage of, rounding.
 */
#include "config.h"
#include "core/tariff/load.h"

#include <stdlib.h>
#include <string.h>
#include "core/base/text.h"

#define PRICE_MAX (INT64_C(1000000) * 1000000) /* a million per unit: catches a lost decimal point */

static const char *const quantities[] = { "billing-demand", "energy-by-band", "energy", "fixed",
					  "power-factor",   "over-contract",  "percent" };

static bool load_price(const struct conf_node *n, const char *what, int64_t *micro, struct faults *f)
{
	if (!n || !conf_as_micro(n, what, micro, f))
		return false;
	if (*micro >= -PRICE_MAX && *micro <= PRICE_MAX)
		return true;
	conf_error(f, n, "%s: %s is more than a million per unit; is the unit right?", what, conf_text(n));
	return false;
}

static void load_band_prices(struct load *l, struct rate *r, const struct conf_node *n)
{
	struct tariff *t = l->t;

	for (size_t i = 0; i < conf_count(n); i++) {
		const char *key, *season;
		const struct conf_node *map = conf_pair(n, i, &key);
		int b, s;

		if (!strcmp(key, "from") || !strcmp(key, "to") || !strcmp(key, "source") ||
		    !strcmp(key, "note"))
			continue;
		b = load_find(map, key, "band", &t->bands[0].label, sizeof t->bands[0], t->n_bands, l->f);
		if (b >= 0 && conf_kind(map) != CONF_MAP)
			conf_error(l->f, map, "price of band \"%s\": write it as {SEASON: PRICE, ...}", key);
		for (size_t k = 0; b >= 0 && conf_kind(map) == CONF_MAP && k < conf_count(map); k++) {
			const struct conf_node *price = conf_pair(map, k, &season);

			s = load_find(price, season, "season", &t->seasons[0].label, sizeof t->seasons[0],
				      t->n_seasons, l->f);
			if (s >= 0)
				r->band_set[s][b] = load_price(price, "price", &r->band_micro[s][b], l->f);
		}
	}
	for (int s = 0; s < t->n_seasons; s++)
		for (int b = 0; b < t->n_bands; b++)
			if (!conf_get(n, t->bands[b].label.id) ||
			    (conf_kind(conf_get(n, t->bands[b].label.id)) == CONF_MAP &&
			     !conf_get(conf_get(n, t->bands[b].label.id), t->seasons[s].label.id)))
				conf_error(l->f, n, "no price for band \"%s\" in season \"%s\"",
					   t->bands[b].label.id, t->seasons[s].label.id);
}

static void load_pf_part(struct load *l, struct pf_part *p, const struct conf_node *n)
{
	static const char *const names[] = { "ko",    "en",       "hours", "direction", "min", "max",
					     "other", "standard", "below", "above",     NULL };
	const struct conf_node *direction;

	conf_only(n, "power factor", names, l->f);
	load_label(n, "part", "power factor", &p->label, l->f);
	direction = load_need(n, "direction", "power factor", l->f);
	p->leading = direction && !strcmp(conf_text(direction), "leading");
	if (direction && !p->leading && strcmp(conf_text(direction), "lagging"))
		conf_error(l->f, direction, "power factor: direction is lagging or leading, not \"%s\"",
			   conf_text(direction));
	load_percent(n, "min", "power factor", 100, true, &p->min_micro, l->f);
	load_percent(n, "max", "power factor", 100, true, &p->max_micro, l->f);
	load_percent(n, "other", "power factor", 100, true, &p->other_micro, l->f);
	load_percent(n, "standard", "power factor", 100, true, &p->standard_micro, l->f);
	load_percent(n, "below", "power factor", 100, false, &p->below_micro, l->f);
	load_percent(n, "above", "power factor", 100, false, &p->above_micro, l->f);
	if (p->min_micro > p->max_micro)
		conf_error(l->f, n, "power factor: min is above max");
	p->slots = load_windows(l, n, "hours", "power factor");
}

static void check_pf(struct load *l, const struct pf_rule *r, const struct conf_node *n)
{
	int64_t group = r->interval_us / l->t->demand_us;

	for (int slot = 0; slot < l->t->slots; slot++)
		for (int i = 0; i < r->n_parts; i++)
			for (int k = 0; k < i; k++)
				if (r->parts[i].slots && r->parts[k].slots && r->parts[i].slots[slot] &&
				    r->parts[k].slots[slot]) {
					conf_error(l->f, n, "power factor: hours of two parts overlap");
					return;
				}
	for (int slot = 0; slot < l->t->slots; slot++)
		for (int i = 0; i < r->n_parts; i++)
			if (r->parts[i].slots &&
			    r->parts[i].slots[slot] != r->parts[i].slots[slot - slot % group]) {
				conf_error(l->f, n, "power factor: hours must be multiples of its interval");
				return;
			}
}

static void load_pf(struct load *l, struct rate *r, const struct conf_node *n)
{
	static const char *const names[] = { "from", "to", "source", "note", "interval", "parts", NULL };
	const struct conf_node *interval = load_need(n, "interval", "power factor", l->f);
	const struct conf_node *parts = load_list(n, "parts", "power factor", l->f);
	int64_t us = 0;

	conf_only(n, "power factor", names, l->f);
	if (!parts || !interval || !conf_as_duration(interval, "power factor: interval", &us, l->f))
		return;
	if (us < l->t->demand_us || us > INT64_C(86400000000) || us % l->t->demand_us ||
	    l->t->slots % (int)(us / l->t->demand_us)) {
		conf_error(l->f, interval,
			   "power factor: interval must be a multiple of the demand interval "
			   "that divides the day");
		return;
	}
	if (conf_count(parts) > MAX_PF_PARTS) {
		conf_error(l->f, parts, "power factor: at most %d parts", MAX_PF_PARTS);
		return;
	}
	r->pf = calloc(1, sizeof *r->pf);
	if (!r->pf) {
		conf_error(l->f, n, "out of memory");
		return;
	}
	r->pf->interval_us = us;
	for (size_t i = 0; i < conf_count(parts); i++)
		load_pf_part(l, &r->pf->parts[r->pf->n_parts++], conf_item(parts, i));
	check_pf(l, r->pf, n);
}

static void load_step(struct load *l, struct over_rule *o, const struct conf_node *n, bool last)
{
	static const char *const names[] = { "below", "percent", NULL };
	struct over_step *s = &o->steps[o->n_steps++];

	conf_only(n, "step", names, l->f);
	load_percent(n, "percent", "step", 10000, true, &s->percent_micro, l->f);
	if (!last)
		load_percent(n, "below", "step", 10000, true, &s->below_micro, l->f);
	else if (conf_get(n, "below"))
		conf_error(l->f, n, "step: the last one has no \"below\": it has to cover everything above");
	if (!last && o->n_steps > 1 && s->below_micro <= s[-1].below_micro)
		conf_error(l->f, n, "step: \"below\" must rise from step to step");
}

static void load_over(struct load *l, struct rate *r, const struct conf_node *n)
{
	static const char *const names[] = { "from", "to", "source", "note", "grace", "steps", NULL };
	const struct conf_node *steps = load_list(n, "steps", "over-contract", l->f),
			       *grace = conf_get(n, "grace");

	conf_only(n, "over-contract", names, l->f);
	if (!steps)
		return;
	if (conf_count(steps) > MAX_STEPS) {
		conf_error(l->f, steps, "over-contract: at most %d steps", MAX_STEPS);
		return;
	}
	r->over = calloc(1, sizeof *r->over);
	if (!r->over) {
		conf_error(l->f, n, "out of memory");
		return;
	}
	if (grace)
		conf_as_bool(grace, "over-contract: grace", &r->over->grace, l->f);
	for (size_t i = 0; i < conf_count(steps); i++)
		load_step(l, r->over, conf_item(steps, i), i + 1 == conf_count(steps));
}

static void load_rate(struct load *l, const struct line *line, struct rate *r, const struct conf_node *n)
{
	static const char *const names[] = { "from", "to", "source", "note", "price", NULL };
	static const char *const percent[] = { "from", "to", "source", "note", "percent", NULL };

	if (line->quantity == LINE_ENERGY_BY_BAND) {
		load_band_prices(l, r, n);
	} else if (line->quantity == LINE_POWER_FACTOR) {
		load_pf(l, r, n);
	} else if (line->quantity == LINE_OVER_CONTRACT) {
		load_over(l, r, n);
	} else if (line->quantity == LINE_PERCENT) {
		conf_only(n, "price", percent, l->f);
		load_percent(n, "percent", "price", 100, false, &r->price_micro, l->f);
	} else {
		conf_only(n, "price", names, l->f);
		load_price(load_need(n, "price", "price", l->f), "price", &r->price_micro, l->f);
	}
}

static void load_rates(struct load *l, struct line *line, const struct conf_node *n)
{
	bool ruled = line->quantity == LINE_POWER_FACTOR || line->quantity == LINE_OVER_CONTRACT;
	const struct conf_node *list = load_list(n, ruled ? "rules" : "prices", line->label.id, l->f);
	size_t count = list ? conf_count(list) : 0;
	struct validity prev, v;
	bool first = true;

	if (count > MAX_RATES) {
		conf_error(l->f, list, "line \"%s\": at most %d versions", line->label.id, MAX_RATES);
		return;
	}
	line->rates = calloc(count ? count : 1, sizeof *line->rates);
	if (!line->rates)
		conf_error(l->f, n, "out of memory");
	for (size_t i = 0; line->rates && i < count; i++) {
		const struct conf_node *item = conf_item(list, i);

		if (conf_kind(item) != CONF_MAP) {
			conf_error(l->f, item, "line \"%s\": each version is a mapping with from",
				   line->label.id);
			continue;
		}
		if (!load_validity(item, line->label.id, false, &v, l->f) ||
		    !load_follows(item, line->label.id, first ? NULL : &prev, v, l->f))
			continue;
		first = false;
		prev = v;
		line->rates[line->n_rates].valid = v;
		load_rate(l, line, &line->rates[line->n_rates++], item);
	}
}

static bool load_quantity(struct load *l, struct line *line, const struct conf_node *n)
{
	const struct conf_node *q = load_need(n, "quantity", "line", l->f);
	const char *near;

	if (!q)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(quantities); i++)
		if (!strcmp(conf_text(q), quantities[i])) {
			line->quantity = (enum quantity_of_line)i;
			return true;
		}
	near = str_nearest(conf_text(q), quantities, ARRAY_LEN(quantities));
	conf_error(l->f, q, "line: no quantity called \"%s\"%s%s%s", conf_text(q),
		   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return false;
}

static void load_of(struct load *l, struct line *line, const struct conf_node *n)
{
	struct tariff *t = l->t;
	int index = (int)(line - t->lines);

	if (line->quantity < LINE_POWER_FACTOR) {
		if (conf_get(n, "of"))
			conf_error(l->f, conf_get(n, "of"),
				   "line \"%s\": \"of\" belongs to percentages of other lines",
				   line->label.id);
		return;
	}
	if (!load_need(n, "of", line->label.id, l->f))
		return;
	/* Only lines above this one: no circle is possible. */
	load_set(n, "of", "line above this one", &t->lines[0].label, sizeof t->lines[0], index, &line->of,
		 l->f);
	for (int i = 0; i < index && line->quantity == LINE_OVER_CONTRACT; i++)
		if (line->of >> i & 1 && t->lines[i].quantity != LINE_BILLING_DEMAND)
			conf_error(l->f, n, "line \"%s\": is a percentage of a billing-demand line",
				   line->label.id);
}

static void load_line(struct load *l, const struct conf_node *n)
{
	static const char *const names[] = {
		"id",     "ko",    "en",     "quantity", "of", "round", "round_quantity",
		"prices", "rules", "source", "note",     NULL
	};
	struct line *line = &l->t->lines[l->t->n_lines];

	if (conf_kind(n) != CONF_MAP) {
		conf_error(l->f, n, "lines: each line is a mapping with id, ko, en, quantity and prices");
		return;
	}
	conf_only(n, "line", names, l->f);
	if (!load_label(n, conf_text(load_need(n, "id", "line", l->f)), "line", &line->label, l->f) ||
	    !load_quantity(l, line, n))
		return;
	for (int i = 0; i < l->t->n_lines; i++) {
		if (!strcmp(l->t->lines[i].label.id, line->label.id))
			conf_error(l->f, n, "line \"%s\" stands twice", line->label.id);
		if (line->quantity == LINE_POWER_FACTOR && l->t->lines[i].quantity == LINE_POWER_FACTOR)
			conf_error(l->f, n,
				   "line \"%s\": there can be one of power-factor; put its windows "
				   "into parts",
				   line->label.id);
	}
	load_of(l, line, n);
	load_rounding(n, "round", line->label.id, &line->round, l->f);
	load_rounding(n, "round_quantity", line->label.id, &line->round_quantity, l->f);
	load_rates(l, line, n);
	l->t->n_lines++;
}

void load_lines(struct load *l, const struct conf_node *root)
{
	const struct conf_node *list = load_list(root, "lines", "tariff", l->f);

	if (list && conf_count(list) > MAX_LINES) {
		conf_error(l->f, list, "lines: at most %d", MAX_LINES);
		return;
	}
	for (size_t i = 0; list && i < conf_count(list); i++)
		load_line(l, conf_item(list, i));
}
