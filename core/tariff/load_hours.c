/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows of the day: which band a slot is in, by season and day type, and which band's energy price
 * it is billed at. Each slot must lie in exactly one band.
 */
#include "config.h"
#include "core/tariff/load.h"

#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/text.h"

struct paint { /* one window being laid on the days it applies to */
	struct load *l;
	struct hours *h;
	const struct conf_node *at;
	uint32_t seasons, day_types;
	uint8_t band;
	bool reported;
};

static uint8_t *slot_of(const struct tariff *t, const struct hours *h, int season, int day_type, int slot)
{
	return &h->bands[((size_t)season * (size_t)t->n_day_types + (size_t)day_type) * (size_t)t->slots +
			 (size_t)slot];
}

static void slot_clock(const struct tariff *t, int slot, char out[8])
{
	int minute = (int)(slot * (t->demand_us / US_PER_MIN));

	snprintf(out, 8, "%02d:%02d", minute / 60 % 100, minute % 60);
}

static void paint_one(struct paint *p, int season, int day_type, int slot)
{
	const struct tariff *t = p->l->t;
	uint8_t *b = slot_of(t, p->h, season, day_type, slot);
	char at[8];

	if (*b != NONE && !p->reported) {
		slot_clock(t, slot, at);
		conf_error(p->l->f, p->at,
			   "hours: %s, %s: %s lies in two windows, of \"%s\" and of \"%s\"; "
			   "windows must cover each day exactly once",
			   t->day_types[day_type].label.id, t->seasons[season].label.id, at,
			   t->bands[*b].label.id, t->bands[p->band].label.id);
		p->reported = true;
	}
	*b = p->band;
}

static void paint_slot(void *ctx, int slot)
{
	struct paint *p = ctx;

	for (int s = 0; s < p->l->t->n_seasons; s++)
		for (int d = 0; d < p->l->t->n_day_types; d++)
			if (p->seasons >> s & 1 && p->day_types >> d & 1)
				paint_one(p, s, d, slot);
}

static void load_group(struct load *l, struct hours *h, const struct conf_node *group)
{
	struct tariff *t = l->t;
	struct paint p = { .l = l, .h = h };

	if (conf_kind(group) != CONF_MAP) {
		conf_error(l->f, group, "hours: each item of windows is a mapping of bands to windows");
		return;
	}
	if (!load_set(group, "seasons", "season", &t->seasons[0].label, sizeof t->seasons[0], t->n_seasons,
		      &p.seasons, l->f) ||
	    !load_set(group, "days", "day type", &t->day_types[0].label, sizeof t->day_types[0],
		      t->n_day_types, &p.day_types, l->f))
		return;
	for (size_t i = 0; i < conf_count(group); i++) {
		const char *key;
		const struct conf_node *list = conf_pair(group, i, &key);
		int band;

		if (!strcmp(key, "seasons") || !strcmp(key, "days"))
			continue;
		band = load_find(list, key, "band", &t->bands[0].label, sizeof t->bands[0], t->n_bands, l->f);
		if (band < 0)
			continue;
		p.band = (uint8_t)band;
		if (conf_kind(list) != CONF_SEQ)
			conf_error(l->f, list, "hours: windows of a band are a list, such as [08:00-11:00]");
		for (size_t k = 0; conf_kind(list) == CONF_SEQ && k < conf_count(list); k++) {
			p.at = conf_item(list, k);
			p.reported = false;
			load_window(l, p.at, paint_slot, &p);
		}
	}
}

static void check_gap(struct load *l, const struct hours *h, const struct conf_node *at, int season,
		      int day_type)
{
	const struct tariff *t = l->t;
	char from[8], to[8];
	int a = 0, b;

	while (a < t->slots && *slot_of(t, h, season, day_type, a) != NONE)
		a++;
	if (a == t->slots)
		return;
	for (b = a; b < t->slots && *slot_of(t, h, season, day_type, b) == NONE;)
		b++;
	slot_clock(t, a, from);
	slot_clock(t, b, to);
	conf_error(l->f, at,
		   "hours: %s, %s: %s-%s lies in no window; windows must cover each day exactly once",
		   t->day_types[day_type].label.id, t->seasons[season].label.id, from, to);
}

static void load_billed_as(struct load *l, struct hours *h, const struct conf_node *map)
{
	struct tariff *t = l->t;

	for (size_t i = 0; map && i < conf_count(map); i++) {
		const char *key, *band;
		const struct conf_node *pairs = conf_pair(map, i, &key);
		int d = load_find(pairs, key, "day type", &t->day_types[0].label, sizeof t->day_types[0],
				  t->n_day_types, l->f);

		if (conf_kind(pairs) != CONF_MAP)
			conf_error(l->f, pairs, "billed_as: write it as DAYTYPE: {BAND: BAND}");
		for (size_t k = 0; d >= 0 && conf_kind(pairs) == CONF_MAP && k < conf_count(pairs); k++) {
			const struct conf_node *to = conf_pair(pairs, k, &band);
			int a = load_find(to, band, "band", &t->bands[0].label, sizeof t->bands[0],
					  t->n_bands, l->f);
			int b = load_find(to, conf_text(to), "band", &t->bands[0].label, sizeof t->bands[0],
					  t->n_bands, l->f);

			if (a >= 0 && b >= 0)
				h->billed[d][a] = (uint8_t)b;
		}
	}
}

static void load_version(struct load *l, struct hours *h, const struct conf_node *n)
{
	static const char *const names[] = { "from", "to", "source", "note", "windows", "billed_as", NULL };
	struct tariff *t = l->t;
	size_t size = (size_t)t->n_seasons * (size_t)t->n_day_types * (size_t)t->slots;
	size_t before = faults_errors(l->f);
	const struct conf_node *windows;

	conf_only(n, "hours", names, l->f);
	h->bands = malloc(size ? size : 1);
	if (!h->bands) {
		conf_error(l->f, n, "out of memory");
		return;
	}
	memset(h->bands, NONE, size);
	for (int d = 0; d < MAX_DAY_TYPES; d++)
		for (int b = 0; b < MAX_BANDS; b++)
			h->billed[d][b] = (uint8_t)b;
	windows = load_list(n, "windows", "hours", l->f);
	for (size_t i = 0; windows && i < conf_count(windows); i++)
		load_group(l, h, conf_item(windows, i));
	for (int s = 0; faults_errors(l->f) == before && s < t->n_seasons; s++)
		for (int d = 0; d < t->n_day_types; d++)
			check_gap(l, h, windows, s, d);
	if (conf_get(n, "billed_as"))
		load_billed_as(l, h, load_map(n, "billed_as", "hours", l->f));
}

void load_hours(struct load *l, const struct conf_node *root)
{
	struct tariff *t = l->t;
	const struct conf_node *list = load_list(root, "hours", "tariff", l->f);
	size_t n = list ? conf_count(list) : 0;
	struct validity prev, v;
	bool first = true;

	if (n > MAX_RATES) {
		conf_error(l->f, list, "hours: at most %d versions", MAX_RATES);
		return;
	}
	t->hours = calloc(n ? n : 1, sizeof *t->hours);
	if (!t->hours)
		conf_error(l->f, root, "out of memory");
	for (size_t i = 0; t->hours && i < n; i++) {
		const struct conf_node *item = conf_item(list, i);

		if (conf_kind(item) != CONF_MAP) {
			conf_error(l->f, item, "hours: each version is a mapping with from and windows");
			continue;
		}
		if (!load_validity(item, "hours", false, &v, l->f) ||
		    !load_follows(item, "hours", first ? NULL : &prev, v, l->f))
			continue;
		first = false;
		prev = v;
		t->hours[t->n_hours].valid = v;
		load_version(l, &t->hours[t->n_hours++], item);
	}
}

static void load_discount(struct load *l, struct discount *d, const struct conf_node *n)
{
	static const char *const names[] = { "id",     "ko",      "en",   "line",  "from",    "to",
					     "source", "seasons", "days", "hours", "percent", NULL };
	struct tariff *t = l->t;
	const struct conf_node *line;

	if (conf_kind(n) != CONF_MAP) {
		conf_error(l->f, n, "discounts: each item is a mapping");
		return;
	}
	conf_only(n, "discount", names, l->f);
	load_label(n, conf_text(load_need(n, "id", "discount", l->f)), "discount", &d->label, l->f);
	load_validity(n, "discount", false, &d->valid, l->f);
	load_set(n, "seasons", "season", &t->seasons[0].label, sizeof t->seasons[0], t->n_seasons,
		 &d->seasons, l->f);
	load_set(n, "days", "day type", &t->day_types[0].label, sizeof t->day_types[0], t->n_day_types,
		 &d->day_types, l->f);
	load_percent(n, "percent", "discount", 100, true, &d->percent_micro, l->f);
	d->slots = load_windows(l, n, "hours", "discount");
	line = load_need(n, "line", "discount", l->f);
	d->line = line ? load_find(line, conf_text(line), "line", &t->lines[0].label, sizeof t->lines[0],
				   t->n_lines, l->f)
		       : -1;
	if (d->line >= 0 && t->lines[d->line].quantity != LINE_ENERGY_BY_BAND)
		conf_error(l->f, line, "discount: line \"%s\" is not one of energy-by-band", conf_text(line));
}

void load_discounts(struct load *l, const struct conf_node *root)
{
	const struct conf_node *list = conf_get(root, "discounts");

	if (!list)
		return;
	if (conf_kind(list) != CONF_SEQ || conf_count(list) > MAX_DISCOUNTS) {
		conf_error(l->f, list, "discounts: must be a list of at most %d", MAX_DISCOUNTS);
		return;
	}
	for (size_t i = 0; i < conf_count(list); i++)
		load_discount(l, &l->t->discounts[l->t->n_discounts++], conf_item(list, i));
}
