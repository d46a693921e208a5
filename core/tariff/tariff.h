/* SPDX-License-Identifier: Apache-2.0
 *
 * Tariffs as data, and what they cost. A tariff file (YAML, fems-tariff(5)) holds dated versions of
 * calendars, quantities, billing quantities, prices and their composition into a bill; a contract
 * joins it with contract power, options and the history of peaks. Integers only: amounts and prices
 * in 1e-6 of the currency, energy in Wh, power in W. Local time is the tariff's zone.
 *
 * A loaded tariff is immutable and may be read from any thread.
 */
#ifndef FEMS_TARIFF_TARIFF_H
#define FEMS_TARIFF_TARIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/zone.h"
#include "core/conf/conf.h"

struct tariff;

/* NULL with faults: unknown keys, windows that do not cover a day exactly once, seasons with gaps or
 * overlaps, periods without a price, versions that overlap, holiday lists that end before they are
 * used ... Calendar files it names are looked up beside it. */
struct tariff *tariff_load(const char *path, struct faults *);
/* The same, to ask what another time's or another list's rules would cost: only the versions valid on
 * as_of_day (days since 1970) are kept, and hold for every day; calendar (may be NULL) replaces the
 * holiday list of the file. */
#define TARIFF_OWN_DATES INT64_MIN
struct tariff *tariff_load_as_of(const char *path, int64_t as_of_day, const char *calendar, struct faults *);
/* The same with other holidays: on the days from_day to to_day exactly those listed (rising) are holidays,
 * of the first class that the tariff's list knows; outside of them the list counts. */
struct tariff_holidays {
	const int64_t *days;
	size_t n;
	int64_t from_day, to_day;
};
struct tariff *tariff_load_holidays(const char *path, int64_t as_of_day, const struct tariff_holidays *,
				    struct faults *);
void tariff_free(struct tariff *);

const char *tariff_id(const struct tariff *); /* "kr-kepco-industrial-b-hva-2" */
const char *tariff_title(const struct tariff *, const char *lang);
const char *tariff_currency(const struct tariff *);
const struct zone *tariff_zone(const struct tariff *);
/* Length of the demand interval in microseconds (15 min for KEPCO). */
int64_t tariff_demand_us(const struct tariff *);
/* Runs the tests inside the file; each failure is a fault with its line. */
size_t tariff_selftest(const struct tariff *, struct faults *);
/* How many tests there are. */
size_t tariff_tests(const struct tariff *);

/* ---- prices per interval, for plans and pages ---- */

struct tariff_price {
	int64_t energy_micro;   /* all per-kWh parts (energy, climate, fuel, levies, VAT) for one kWh more */
	bool counts_for_demand; /* a peak here can set the billing demand */
	const char *band;       /* "light", "mid", "peak": the period's id */
};
/* FEMS_ENOENT: no version, or the holiday list, covers the instant. */
enum fems_rc tariff_price(const struct tariff *, int64_t t_us, struct tariff_price *out, struct fems_error *);
const char *tariff_band_label(const struct tariff *, const char *band, const char *lang);
/* The i-th band's id in the order of the file, NULL behind the last. */
const char *tariff_band_at(const struct tariff *, size_t i);

/* ---- contract, history, bill ---- */

struct peak {
	int year, month;
	int64_t w;
	int64_t t_us;
}; /* month's highest counting demand */

struct contract {
	const struct tariff *tariff;
	int64_t contract_w;
	const struct peak *peaks; /* of months before the billed one, any order */
	size_t n_peaks;
};

struct load_slot { /* one interval of the demand length */
	int64_t start_us;
	int64_t import_wh;
	int64_t varh_lag, varh_lead; /* -1: not measured */
	bool missing;                /* no data: priced as 0, reported, never sets a peak */
	bool estimated;              /* priced, never sets a peak */
};

struct bill_line {
	char id[40]; /* "base", "energy.mid", "climate", "fuel", "power-factor", "vat", "fund" */
	char label_ko[80], label_en[80];
	char quantity_unit[16];                  /* "kW", "kWh", "%" or "" */
	int64_t quantity_milli;                  /* kW, kWh or percent x 1000 */
	int64_t price_micro;                     /* per unit; 0 where it has none */
	int64_t amount_micro;                    /* rounded as the tariff says */
	char band[24], season[24];               /* of an energy price, else "" */
	int64_t valid_from_day;                  /* of its version, days since 1970; far below 0: always */
	int64_t discount_micro;                  /* percent taken off the price of the file, x 10^6 */
	char evidence_en[240], evidence_ko[240]; /* formula, inputs, the interval or month that set it */
};

struct bill {
	int64_t from_us, to_us;
	int64_t energy_wh;
	int64_t peak_w, peak_t_us; /* highest counting demand of the period; t = start of interval */
	int64_t billing_demand_w;
	int billing_year, billing_month; /* month that set the billing demand; 0: floor of the contract */
	int64_t total_micro;
	size_t slots, slots_missing, slots_estimated;
	int n_pf; /* power factors, 0: the tariff has no rule for the last day */
	struct bill_pf {
		bool leading, measured;
		int64_t mean_micro; /* percent, the standard one where nothing was measured */
	} pf[4];
	bool complete; /* the period is over and nothing was missing */
	size_t n_lines;
	struct bill_line lines[24];
};

/* Running bill: O(1) per slot, fixed memory. Slots in order of time. */
struct bill_run;
enum fems_rc bill_begin(const struct contract *, int64_t from_us, int64_t to_us, struct bill_run **out,
			struct fems_error *);
enum fems_rc bill_add(struct bill_run *, const struct load_slot *, struct fems_error *);
/* The bill of what was added so far; may be called repeatedly. */
enum fems_rc bill_finish(const struct bill_run *, struct bill *out, struct fems_error *);
void bill_free(struct bill_run *);

/* What one more kW of this month's peak costs from now on: the base price for this month and for
 * every later month in which it would stay the billing demand (ratchet), taxes included. */
struct demand_cost {
	int64_t threshold_w;        /* demand up to here costs nothing more */
	int64_t month_micro_per_kw; /* this month only */
	int64_t total_micro_per_kw; /* over all months it would bind */
	int months;                 /* how many */
};
enum fems_rc tariff_demand_cost(const struct contract *, int64_t t_us, int64_t peak_so_far_w,
				struct demand_cost *out, struct fems_error *);

#endif
