/* SPDX-License-Identifier: Apache-2.0
 *
 * The index: day -> row -> cell -> register, built once when a tariff is loaded, so that a slot of a
 * bill costs two array reads.
 */
#include "config.h"
#include "core/tariff/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"

enum { DAYS_MAX = 40000, ROWS_MAX = 4096, REGS_MAX = 4096 };

bool line_required(const struct line *line)
{
	return line->quantity != LINE_POWER_FACTOR && line->quantity != LINE_OVER_CONTRACT;
}

uint8_t rate_on(const struct line *line, int64_t day)
{
	for (size_t i = 0; i < line->n_rates; i++)
		if (valid_on(line->rates[i].valid, day))
			return (uint8_t)i;
	return NONE;
}

const struct demand_rule *demand_rule_on(const struct tariff *t, int64_t day)
{
	for (size_t i = 0; i < t->n_demand; i++)
		if (valid_on(t->demand[i].valid, day))
			return &t->demand[i];
	return NULL;
}

static int hours_on(const struct tariff *t, int64_t day)
{
	for (size_t i = 0; i < t->n_hours; i++)
		if (valid_on(t->hours[i].valid, day))
			return (int)i;
	return -1;
}

/* Index of the season, -1: none, -2: two (the first in *other). */
static int season_on(const struct tariff *t, int64_t day, int *other)
{
	int year, month, d, found = -1;

	civil_from_days(day, &year, &month, &d);
	for (int i = 0; i < t->n_seasons; i++) {
		if (!t->seasons[i].on[(month - 1) * 31 + d - 1] || !valid_on(t->seasons[i].valid, day))
			continue;
		if (found >= 0) {
			*other = i;
			return -2;
		}
		found = i;
	}
	return found;
}

static int day_type_on(const struct tariff *t, int64_t day)
{
	int weekday = (int)(((day + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
	int class = t->calendar ? calendar_day(t->calendar, day) : -1;

	for (int i = 0; i < t->n_day_types; i++)
		if (t->day_types[i].weekdays >> weekday & 1 ||
		    (class >= 0 && t->day_types[i].classes >> class & 1))
			return i;
	return -1;
}

/* Which part leaves a day uncovered, for messages; NULL: all cover it. */
static const char *uncovered_part(const struct tariff *t, int64_t day)
{
	int64_t from = -DAY_MAX, to = DAY_MAX;

	if (t->calendar)
		calendar_span(t->calendar, &from, &to);
	if (day < from || day > to)
		return "the holiday list";
	if (hours_on(t, day) < 0)
		return "hours";
	if (!demand_rule_on(t, day))
		return "billing_demand";
	for (int i = 0; i < t->n_lines; i++)
		if (line_required(&t->lines[i]) && rate_on(&t->lines[i], day) == NONE)
			return t->lines[i].label.id;
	return NULL;
}

int64_t reg_price(const struct tariff *t, const struct reg *r, int line)
{
	int64_t price = t->lines[line].rates[r->rate[line]].band_micro[r->season][r->band];

	if (r->discount != NONE && t->discounts[r->discount].line == line)
		price = round_div((__int128)price * (PERCENT_100 - t->discounts[r->discount].percent_micro),
				  PERCENT_100, ROUND_HALF_UP);
	return price;
}

int64_t tariff_with_taxes(const struct tariff *t, const uint8_t rate[MAX_LINES],
			  const int64_t amount[MAX_LINES])
{
	int64_t sums[MAX_LINES], total = 0;

	for (int i = 0; i < t->n_lines; i++) {
		const struct line *line = &t->lines[i];
		__int128 base = 0;

		sums[i] = amount[i];
		if (line->quantity == LINE_PERCENT && rate[i] != NONE) {
			for (int k = 0; k < i; k++)
				if (line->of >> k & 1)
					base += sums[k];
			sums[i] = round_div(base * line->rates[rate[i]].price_micro, PERCENT_100,
					    ROUND_HALF_UP);
		}
		total += sums[i];
	}
	return total;
}

static int64_t marginal(const struct tariff *t, const struct reg *r)
{
	int64_t amount[MAX_LINES] = { 0 };

	for (int i = 0; i < t->n_lines; i++)
		if (t->lines[i].quantity == LINE_ENERGY_BY_BAND)
			amount[i] = reg_price(t, r, i);
		else if (t->lines[i].quantity == LINE_ENERGY)
			amount[i] = t->lines[i].rates[r->rate[i]].price_micro;
	return tariff_with_taxes(t, r->rate, amount);
}

struct build {
	struct tariff *t;
	size_t cap_rows, cap_regs;
	const char *why;
};

static bool grow(void **array, size_t n, size_t *cap, size_t item, size_t max)
{
	void *more;

	if (n < *cap)
		return true;
	if (n >= max)
		return false;
	*cap = *cap ? *cap * 2 : 64;
	more = realloc(*array, *cap * item);
	if (more)
		*array = more;
	return more != NULL;
}

static int reg_find(struct build *b, const struct reg *key)
{
	struct tariff *t = b->t;
	struct reg *r;

	/* Registers of one row follow each other, so the newest ones are the likely ones. */
	for (size_t i = t->n_regs; i-- > 0;)
		if (t->regs[i].season == key->season && t->regs[i].band == key->band &&
		    t->regs[i].discount == key->discount &&
		    !memcmp(t->regs[i].rate, key->rate, sizeof key->rate))
			return (int)i;
	if (!grow((void **)&t->regs, t->n_regs, &b->cap_regs, sizeof *t->regs, REGS_MAX)) {
		b->why = "too many combinations of seasons, bands and versions";
		return -1;
	}
	r = &t->regs[t->n_regs];
	*r = *key;
	r->marginal_micro = marginal(t, r);
	return (int)t->n_regs++;
}

static uint8_t discount_at(const struct tariff *t, const struct row *row, int slot)
{
	for (int i = 0; i < t->n_discounts; i++)
		if (row->discounts >> i & 1 && t->discounts[i].slots[slot])
			return (uint8_t)i;
	return NONE;
}

static uint8_t pf_at(const struct tariff *t, const struct row *row, int slot)
{
	for (int i = 0; i < t->n_lines; i++) {
		const struct pf_rule *rule;

		if (t->lines[i].quantity != LINE_POWER_FACTOR || row->rate[i] == NONE)
			continue;
		rule = t->lines[i].rates[row->rate[i]].pf;
		for (int k = 0; k < rule->n_parts; k++)
			if (rule->parts[k].slots[slot])
				return (uint8_t)k;
		break;
	}
	return NONE;
}

static bool row_cells(struct build *b, struct row *row)
{
	struct tariff *t = b->t;
	const struct hours *h = &t->hours[row->hours];
	const uint8_t *bands =
		h->bands + ((size_t)row->season * (size_t)t->n_day_types + row->day_type) * (size_t)t->slots;

	row->cells = calloc((size_t)t->slots, sizeof *row->cells);
	if (!row->cells) {
		b->why = "out of memory";
		return false;
	}
	for (int s = 0; s < t->slots; s++) {
		struct reg key = { .season = row->season,
				   .band = h->billed[row->day_type][bands[s]],
				   .discount = discount_at(t, row, s) };
		int reg;

		memcpy(key.rate, row->rate, sizeof key.rate);
		reg = reg_find(b, &key);
		if (reg < 0)
			return false;
		row->cells[s] = (struct cell){ .reg = (uint16_t)reg,
					       .counts = t->bands[bands[s]].counts,
					       .pf = pf_at(t, row, s) };
	}
	return true;
}

static bool row_same(const struct row *a, const struct row *b)
{
	return a->hours == b->hours && a->season == b->season && a->day_type == b->day_type &&
	       a->discounts == b->discounts && !memcmp(a->rate, b->rate, sizeof a->rate);
}

static int row_find(struct build *b, const struct row *key)
{
	struct tariff *t = b->t;

	for (size_t i = t->n_rows; i-- > 0;)
		if (row_same(&t->rows[i], key))
			return (int)i;
	if (!grow((void **)&t->rows, t->n_rows, &b->cap_rows, sizeof *t->rows, ROWS_MAX)) {
		b->why = "too many combinations of versions, seasons and day types";
		return -1;
	}
	t->rows[t->n_rows] = *key;
	t->rows[t->n_rows].cells = NULL;
	return row_cells(b, &t->rows[t->n_rows++]) ? (int)t->n_rows - 1 : -1;
}

/* Fills the key of a covered day; false with a fault. */
static bool day_key(const struct tariff *t, int64_t day, struct row *key, const struct conf_node *root,
		    struct faults *f)
{
	char text[16];
	int other = -1, season = season_on(t, day, &other), type = day_type_on(t, day);

	memset(key, 0, sizeof *key);
	if (season == -1) {
		conf_error(f, conf_get(root, "seasons"), "seasons: %s is in none of them",
			   day_text(day, text, sizeof text));
		return false;
	}
	if (season == -2) {
		conf_error(f, conf_get(root, "seasons"), "seasons: %s is in two of them, one is \"%s\"",
			   day_text(day, text, sizeof text), t->seasons[other].label.id);
		return false;
	}
	key->hours = (uint8_t)hours_on(t, day);
	key->season = (uint8_t)season;
	key->day_type = (uint8_t)type;
	memset(key->rate, NONE, sizeof key->rate);
	for (int i = 0; i < t->n_lines; i++)
		key->rate[i] = rate_on(&t->lines[i], day);
	for (int i = 0; i < t->n_discounts; i++)
		if (valid_on(t->discounts[i].valid, day) && t->discounts[i].seasons >> season & 1 &&
		    t->discounts[i].day_types >> type & 1)
			key->discounts |= UINT32_C(1) << i;
	return true;
}

/* Span of days that can be covered at all. */
static void span(const struct tariff *t, int64_t *from, int64_t *to)
{
	int64_t a = -DAY_MAX, b = DAY_MAX;

	if (t->calendar)
		calendar_span(t->calendar, &a, &b);
	if (a < t->hours[0].valid.from)
		a = t->hours[0].valid.from;
	if (b > t->hours[t->n_hours - 1].valid.to)
		b = t->hours[t->n_hours - 1].valid.to;
	for (int i = 0; i < t->n_lines; i++) {
		if (!line_required(&t->lines[i]) || !t->lines[i].n_rates)
			continue;
		if (a < t->lines[i].rates[0].valid.from)
			a = t->lines[i].rates[0].valid.from;
		if (b > t->lines[i].rates[t->lines[i].n_rates - 1].valid.to)
			b = t->lines[i].rates[t->lines[i].n_rates - 1].valid.to;
	}
	if (a == -DAY_MAX) /* no part has a first day: from 1970 on */
		a = 0;
	/* Without a holiday list an open end is carried for about a century. */
	*from = a;
	*to = b > a + DAYS_MAX - 1 ? a + DAYS_MAX - 1 : b;
}

static bool check_calendar(const struct tariff *t, const struct conf_node *root, struct faults *f)
{
	int64_t from, to, last;
	char a[16], b[16];

	if (!t->calendar)
		return true;
	calendar_span(t->calendar, &from, &to);
	last = t->hours[t->n_hours - 1].valid.to;
	if (last != DAY_MAX && last > to) {
		conf_error(f, conf_get(root, "holidays"),
			   "the holiday list ends on %s and hours are valid to %s; extend the list",
			   day_text(to, a, sizeof a), day_text(last, b, sizeof b));
		return false;
	}
	if (t->hours[0].valid.from != -DAY_MAX && t->hours[0].valid.from < from) {
		conf_error(f, conf_get(root, "holidays"),
			   "the holiday list begins on %s and hours are valid from %s; extend the list",
			   day_text(from, a, sizeof a), day_text(t->hours[0].valid.from, b, sizeof b));
		return false;
	}
	return true;
}

bool tariff_compile(struct tariff *t, const struct conf_node *root, struct faults *f)
{
	struct build b = { .t = t };
	int64_t from, to;
	struct row key;

	if (!check_calendar(t, root, f))
		return false;
	span(t, &from, &to);
	if (to < from) {
		conf_error(f, root,
			   "no day is covered by the holiday list, hours and a price of every line at once");
		return false;
	}
	t->first_day = from;
	t->n_days = (size_t)(to - from + 1);
	t->day_row = malloc(t->n_days * sizeof *t->day_row);
	if (!t->day_row)
		b.why = "out of memory";
	for (size_t i = 0; !b.why && i < t->n_days; i++) {
		int row;

		t->day_row[i] = ROW_NONE;
		if (uncovered_part(t, from + (int64_t)i))
			continue;
		if (!day_key(t, from + (int64_t)i, &key, root, f))
			return false;
		row = row_find(&b, &key);
		if (row >= 0)
			t->day_row[i] = (uint16_t)row;
	}
	if (b.why)
		conf_error(f, root, "%s", b.why);
	return !b.why;
}

const struct row *tariff_row(const struct tariff *t, int64_t day, struct fems_error *e)
{
	const char *part;
	char text[16];

	if (day >= t->first_day && day < t->first_day + (int64_t)t->n_days &&
	    t->day_row[day - t->first_day] != ROW_NONE)
		return &t->rows[t->day_row[day - t->first_day]];
	part = uncovered_part(t, day);
	day_text(day, text, sizeof text);
	if (!part)
		err_set(e, FEMS_ENOENT, "tariff %s: %s is too far away", t->id, text);
	else if (!strcmp(part, "the holiday list"))
		err_set(e, FEMS_ENOENT,
			"tariff %s: the holiday list does not cover %s; extend the calendar file", t->id,
			text);
	else
		err_set(e, FEMS_ENOENT,
			"tariff %s: no version of \"%s\" is valid on %s; add one to the tariff file", t->id,
			part, text);
	return NULL;
}
