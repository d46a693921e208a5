/* SPDX-License-Identifier: Apache-2.0
 *
 * The running bill: sums per register, the highest counting demand, power factor. bill.c adds slots,
 * lines.c composes the bill, evidence.c puts it into words. Private to this room.
 */
#ifndef FEMS_TARIFF_BILL_RUN_H
#define FEMS_TARIFF_BILL_RUN_H

#include "core/tariff/model.h"
#include "core/tariff/power_factor.h"

struct bill_run {
	const struct tariff *t;
	int64_t contract_w;
	struct peak *peaks; /* own copy */
	size_t n_peaks;
	int64_t from_us, to_us;
	int64_t first_day, last_day;      /* local, both inside */
	int year, month;                  /* of the bill: the month in which the period ends */
	const struct demand_rule *demand; /* of the last day */

	int64_t next_us;    /* end of the last slot */
	int64_t stretch_to; /* end of the day, or of the slot on a day with a clock change */
	int slot;           /* of next_us, while inside the stretch */
	const struct row *row;

	int64_t *wh; /* per register */
	int64_t energy_wh;
	int64_t peak_wh, peak_us;
	size_t slots, missing, estimated;
	int pf_line;                   /* of the tariff, -1: none */
	const struct pf_rule *pf_rule; /* of the stretch */
	int64_t pf_edge_us;            /* end (or start) of an interval of the rule, not behind the next */
	struct pf_run pf;
};

/* ---- lines.c ---- */
enum fems_rc bill_compose(const struct bill_run *, struct bill *out, struct fems_error *);

/* One energy price of the bill: registers of the same version, season, band and discount. */
struct energy_key {
	uint8_t rate, season, band, discount;
	int64_t first_day; /* of the period on which it can apply */
	bool later;        /* another version or season came before it in the period */
	int64_t wh;        /* exact */
};

/* Formats, and cuts what does not fit at the end of a UTF-8 character. */
void fit(char *dst, size_t cap, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- evidence.c: fills evidence_en and evidence_ko; price texts are in the tariff's currency ---- */
void evidence_demand(const struct bill_run *, const struct billing_demand *, const struct rate *,
		     int64_t days, int64_t of_days, struct bill_line *);
void evidence_energy(const struct bill_run *, const struct line *, const struct energy_key *,
		     struct bill_line *);
void evidence_levy(const struct bill_run *, const struct rate *, struct bill_line *);
void evidence_fixed(const struct bill_run *, const struct rate *, int64_t days, int64_t of_days,
		    struct bill_line *);
void evidence_pf(const struct bill_run *, const struct pf_rule *, const struct pf_mean *, int64_t of_micro,
		 struct bill_line *);
void evidence_over(const struct bill_run *, int64_t excess_w, int64_t percent_micro, bool grace,
		   struct bill_line *);
void evidence_percent(const struct bill_run *, const struct line *, int64_t of_micro, bool mixed,
		      struct bill_line *);
void evidence_total(const struct bill_run *, int64_t before_micro, struct bill_line *);

#endif
