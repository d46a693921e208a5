/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of a tariff: the five parts of the file (calendar, quantities, billing quantity, prices,
 * composition) as read, and the index compiled from them. Private to this room.
 *
 * Days are days since 1970-01-01 in the tariff's zone. A day's slots are its demand intervals. The
 * index maps a day to a row (everything that is constant on such a day), a row and a slot to a cell,
 * and a cell to a register: energy that is priced alike in every line.
 */
#ifndef FEMS_TARIFF_MODEL_H
#define FEMS_TARIFF_MODEL_H

#include "core/base/err.h"
#include "core/base/money.h"
#include "core/tariff/calendar.h"
#include "core/tariff/tariff.h"

enum {
	MAX_BANDS = 8,
	MAX_SEASONS = 8,
	MAX_DAY_TYPES = 8,
	MAX_LINES = 16,
	MAX_DISCOUNTS = 8,
	MAX_RATES = 64, /* versions of one part */
	MAX_PF_PARTS = 4,
	MAX_STEPS = 12,
	NONE = 0xff
};

#define PERCENT_100 (INT64_C(100) * 1000000) /* percentages are micro-percent */
#define DAY_MAX     INT64_C(1000000)         /* an open end; beyond year 4000 */

struct label {
	char id[24], ko[80], en[80];
};
struct validity {
	int64_t from, to; /* days, both valid */
};
struct rounding_rule {
	int64_t unit_micro; /* 0: none */
	enum rounding mode;
};

struct band {
	struct label label;
	bool counts;
};

struct season {
	struct label label;
	struct validity valid;
	bool on[12 * 31]; /* (month - 1) * 31 + day - 1 */
};

struct day_type {
	struct label label;
	uint32_t weekdays, classes; /* bit 0 = Monday; bits of calendar classes */
};

struct hours {
	struct validity valid;
	uint8_t *bands;                           /* [season][day type][slot] */
	uint8_t billed[MAX_DAY_TYPES][MAX_BANDS]; /* band whose energy price is used */
};

struct discount {
	struct label label;
	struct validity valid;
	int line;
	uint32_t seasons, day_types;
	bool *slots;
	int64_t percent_micro;
};

struct demand_rule { /* the billing quantity over history */
	struct validity valid;
	int window_months;
	uint32_t months; /* bit 0 = January: months whose peak stays */
	int64_t percent_micro, contract_percent_micro;
	struct rounding_rule round;
};

struct pf_part { /* one window of the power factor */
	struct label label;
	bool *slots;
	bool leading;
	int64_t min_micro, max_micro, other_micro, standard_micro; /* percent */
	int64_t below_micro, above_micro;                          /* percent of the charge per percent */
};
struct pf_rule {
	int64_t interval_us;
	int n_parts;
	struct pf_part parts[MAX_PF_PARTS];
};

struct over_step {
	int64_t below_micro, percent_micro; /* below 0: no upper limit */
};
struct over_rule {
	bool grace;
	int n_steps;
	struct over_step steps[MAX_STEPS];
};

struct rate { /* one version of a line */
	struct validity valid;
	int64_t price_micro; /* per unit, or micro-percent */
	int64_t band_micro[MAX_SEASONS][MAX_BANDS];
	bool band_set[MAX_SEASONS][MAX_BANDS];
	struct pf_rule *pf;
	struct over_rule *over;
};

enum quantity_of_line {
	LINE_BILLING_DEMAND,
	LINE_ENERGY_BY_BAND,
	LINE_ENERGY,
	LINE_FIXED,
	LINE_POWER_FACTOR,
	LINE_OVER_CONTRACT,
	LINE_PERCENT
};

struct line {
	struct label label;
	enum quantity_of_line quantity;
	uint32_t of; /* bits of earlier lines */
	struct rounding_rule round, round_quantity;
	struct rate *rates;
	size_t n_rates;
};

struct reg { /* a register: same season, band, discount and version of every line */
	uint8_t season, band, discount;
	uint8_t rate[MAX_LINES];
	int64_t marginal_micro; /* one kWh more, all lines that follow it included */
};

struct cell {
	uint16_t reg;
	uint8_t counts, pf; /* pf: part of the rule, or NONE */
};

struct row {
	uint8_t hours, season, day_type;
	uint8_t rate[MAX_LINES];
	uint32_t discounts; /* in force */
	struct cell *cells;
};

struct tariff {
	char id[64], title_ko[120], title_en[120], currency[8];
	struct zone *zone;
	int64_t demand_us;
	int slots; /* a day of 24 h */
	struct band bands[MAX_BANDS];
	int n_bands;
	struct season seasons[MAX_SEASONS];
	int n_seasons;
	struct day_type day_types[MAX_DAY_TYPES];
	int n_day_types;
	struct hours *hours;
	size_t n_hours;
	struct discount discounts[MAX_DISCOUNTS];
	int n_discounts;
	struct demand_rule *demand;
	size_t n_demand;
	struct line lines[MAX_LINES];
	int n_lines;
	struct label total_label;
	struct rounding_rule total_round;
	struct calendar *calendar; /* NULL: no day type asks for holidays */
	struct conf_doc *doc;      /* keeps tests alive */
	const struct conf_node *tests;

	int64_t first_day; /* the index */
	size_t n_days;
	uint16_t *day_row; /* ROW_NONE: not covered */
	struct row *rows;
	size_t n_rows;
	struct reg *regs;
	size_t n_regs;
};

#define ROW_NONE 0xffff

/* Index of the version valid on a day, NONE without one. */
uint8_t rate_on(const struct line *, int64_t day);
const struct demand_rule *demand_rule_on(const struct tariff *, int64_t day);
static inline bool valid_on(struct validity v, int64_t day)
{
	return day >= v.from && day <= v.to;
}
/* A line without whose version a day cannot be billed. */
bool line_required(const struct line *);

/* Builds the index (compile.c). False with faults. */
bool tariff_compile(struct tariff *, const struct conf_node *root, struct faults *);
/* Row of a local day; NULL with the part that does not cover it. */
const struct row *tariff_row(const struct tariff *, int64_t day, struct fems_error *);
/* Price of the energy-by-band line in a register, discount taken off. */
int64_t reg_price(const struct tariff *, const struct reg *, int line);
/* What one micro of these lines adds to the amount due through lines in percent, per 10^12. */
int64_t tariff_with_taxes(const struct tariff *, const uint8_t rate[MAX_LINES],
			  const int64_t amount[MAX_LINES]);

/* Local date of an instant. */
int64_t tariff_day(const struct tariff *, int64_t t_us);
/* "2025-03-01"; cap >= 11. */
const char *day_text(int64_t day, char *buf, unsigned cap);

int64_t round_rule(int64_t micro, struct rounding_rule);

/* ---- billing quantity over history (demand.c) ---- */

struct billing_demand {
	int64_t w;                  /* rounded */
	int year, month;            /* that set it, 0: the floor */
	int64_t history_w, floor_w; /* what applies without this month's peak */
	int history_year, history_month;
	int missing; /* months of the window that are counted and of which no peak is known */
};
void demand_compute(const struct tariff *, const struct demand_rule *, const struct contract *, int year,
		    int month, int64_t peak_w, struct billing_demand *out);

#endif
