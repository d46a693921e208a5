/* SPDX-License-Identifier: Apache-2.0
 *
 * Between load_csv.c, which reads rows, and load_series.c, which makes intervals of them. Private to
 * this room.
 */
#ifndef FEMS_TARIFF_LOAD_ROWS_H
#define FEMS_TARIFF_LOAD_ROWS_H

#include "core/tariff/load_csv.h"

enum load_value { VALUE_ACTIVE, VALUE_LAG, VALUE_LEAD, VALUES };
enum load_kind { LOAD_KWH, LOAD_KW, LOAD_REGISTER };

struct load_row {
	size_t line;
	int64_t t_us;          /* start of the interval, or instant of the reading */
	int64_t micro[VALUES]; /* 1e-6 of kWh, kW or kvarh */
	const char *meter;     /* in the text; "" without the column */
};

struct load_rows {
	enum load_kind kind;
	bool at_end, has[VALUES], signed_reactive, has_meter;
	struct load_row *rows; /* of good form, in the order of the file */
	size_t n, cap;
};

/* Adds a finding; out of memory for it counts the error all the same. */
void load_note(struct load_series *, size_t line, bool error, const char *kind, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Order, interval, gaps, registers, spikes; fills the slots. */
enum fems_rc load_series_make(struct load_series *, struct load_rows *, const struct load_options *,
			      struct fems_error *);

#endif
