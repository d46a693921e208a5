/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a counter: a consistent view of its boundary rows and readings in memory and on disk, and
 * the one function of time C*(t) from which all energies are differences.
 */
#ifndef FEMS_STORE_COUNTER_H
#define FEMS_STORE_COUNTER_H

#include "core/store/internal.h"

struct counter_view {
	struct db *db;
	struct store *st;
	uint32_t series;
	struct index_rule rule;
	int64_t import_to, rows_only_us; /* before rows_only_us only boundary rows count */
	int64_t last_us;                 /* newest accepted reading, when have_last */
	bool have_last;
	struct boundary_list fresh;
	struct raw_view raw;
	unsigned rebuilds;
};

/* Takes a reader connection and begins a read transaction. */
enum fems_rc counter_view_open(struct store *, uint32_t series, struct counter_view *, struct fems_error *);
/* False when the past was made anew meanwhile: what was read may be mixed, read again. */
bool counter_view_close(struct counter_view *);
/* Waits a little for the past to be settled. */
void counter_wait(struct store *);

enum fems_rc counter_row_before(struct counter_view *, int64_t t_us, struct boundary *, bool *found,
				struct fems_error *);
enum fems_rc counter_row_after(struct counter_view *, int64_t t_us, struct boundary *, bool *found,
			       struct fems_error *);
/* Rows with from <= t_us <= to. */
enum fems_rc counter_rows(struct counter_view *, int64_t from_us, int64_t to_us, struct boundary_list *,
			  struct fems_error *);

struct counter_part { /* what happened between two instants */
	int64_t wh, covered_us;
	uint32_t flags;            /* enum store_energy_flag */
	uint32_t flags_a, flags_b; /* of the readings at the two edges */
};
/* [a, b), a < b, any edges; best without a row strictly inside. */
enum fems_rc counter_part(struct counter_view *, int64_t a_us, int64_t b_us, struct counter_part *,
			  struct fems_error *);

#endif
