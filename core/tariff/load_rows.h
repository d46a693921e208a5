/* SPDX-License-Identifier: Apache-2.0
 *
 * Between load_csv.c, which reads rows of cells (load_cells.c), and load_series.c, which makes intervals
 * of them. Private to this room.
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

enum { FIELDS_MAX = 16 };
enum column {
	COL_START,
	COL_END,
	COL_KWH,
	COL_KW,
	COL_LAG,
	COL_LEAD,
	COL_REACTIVE,
	COL_REGISTER,
	COL_REGISTER_LAG,
	COL_REGISTER_LEAD,
	COL_METER,
	COLUMNS
};

struct reader {
	const struct load_options *o;
	struct load_series *s;
	struct load_rows rows;
	enum column columns[FIELDS_MAX];
	int n, at[COLUMNS]; /* field of a column, -1: not there */
	char separator;
	int offset; /* of times: 0 not seen, 1 with, -1 without */
};
extern const char *const load_column_names[COLUMNS];

/* A cell; false with a finding. */
bool load_read_number(struct reader *, size_t line, enum column, const char *, int64_t *micro);
bool load_read_time(struct reader *, size_t line, const char *, int64_t *t_us);
/* Adds a finding; out of memory for it counts the error all the same. */
void load_note(struct load_series *, size_t line, bool error, const char *kind, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Order, interval, gaps, registers, spikes; fills the slots. */
enum fems_rc load_series_make(struct load_series *, struct load_rows *, const struct load_options *,
			      struct fems_error *);

#endif
