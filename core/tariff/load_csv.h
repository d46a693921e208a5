/* SPDX-License-Identifier: Apache-2.0
 *
 * A load from a CSV file: intervals or readings of registers, strictly. Nothing is guessed: what could
 * be understood in two ways is a finding with its line, the reason and a remedy, and a file with such
 * findings gives no load. docs/load-file.md describes the form.
 *
 * The first line names the columns: start (or end, of the interval; of a reading: its instant), and one
 * of kwh, kw or register_kwh; kvarh_lag and kvarh_lead, or kvarh (positive: lagging); with registers
 * register_kvarh_lag and register_kvarh_lead; meter (the number of the meter, to exchange it).
 */
#ifndef FEMS_TARIFF_LOAD_CSV_H
#define FEMS_TARIFF_LOAD_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/zone.h"
#include "core/tariff/tariff.h"

enum load_missing {
	LOAD_REFUSE_MISSING, /* an interval that is missing is an error */
	LOAD_MARK_MISSING    /* it is a warning; the interval is priced as 0 and never sets a peak */
};

struct load_options {            /* zeroed: times with offset, nothing missing */
	const struct zone *zone; /* of times without offset; NULL: those are refused */
	enum load_missing missing;
	bool spikes_ok; /* values far beyond all others are only warned of */
	bool has_start; /* the file has no times: its first row begins at start_us, ... */
	int64_t start_us;
	int64_t interval_us; /* ... each is this long. 0: as the times tell */
	size_t skip, max;    /* rows to leave out at the start, to read at most; 0: all */
	bool no_reactive;    /* reactive columns are checked but not used */
};

struct load_note {   /* one finding */
	size_t line; /* from 1; 0: of the whole file */
	bool error;
	const char *kind; /* "duplicate", "order", "interval", "offset", "local-time", "date", "negative",
			     "thousands", "empty", "number", "fields", "column", "fall", "rollover",
			     "exchange", "missing", "spike", "limit", "text", "rows" */
	char text[256];
};

struct load_series {
	int64_t interval_us;
	struct load_slot *slots; /* in order, without gaps; missing ones are marked */
	size_t n, missing, rollovers;
	bool reactive;
	const struct zone *zone; /* of the options, for texts; borrowed */
	int32_t offset_s;        /* else: of the first time of the file */
	struct load_note *notes; /* in order of lines; at most LOAD_NOTES_MAX are kept */
	size_t n_notes, errors, warnings;
};

enum { LOAD_NOTES_MAX = 100 };

/* FEMS_OK with a series, which may hold errors: then its slots are for looking at, not for a bill (n may
 * be 0). Else the file could not be read at all. Caller frees *out. */
enum fems_rc load_csv_read(const char *path, const struct load_options *, struct load_series **out,
			   struct fems_error *);
/* The same from memory; text is changed, and text[len] must be 0. */
enum fems_rc load_csv_parse(char *text, size_t len, const struct load_options *, struct load_series **out,
			    struct fems_error *);
void load_series_free(struct load_series *);
/* An instant as the file writes it; cap >= 48. */
const char *load_time_text(const struct load_series *, int64_t t_us, char *buf, unsigned cap);
/* "FILE:LINE: error: TEXT" into buf. */
const char *load_note_text(const struct load_note *, const char *path, char *buf, unsigned cap);

/* A load in intervals of another length: longer ones are sums, and missing when a part is missing. A
 * shorter one is refused: the demand of 15 minutes cannot be told from an hour. Caller frees *out. */
enum fems_rc load_resample(const struct load_series *, const struct tariff *, struct load_slot **out,
			   size_t *n, struct fems_error *);

#endif
