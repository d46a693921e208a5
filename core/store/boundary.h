/* SPDX-License-Identifier: Apache-2.0
 *
 * Boundary readings: the index of a counter at each 15-min edge of UTC, made while readings go by.
 * A row also holds the accepted reading to its left, so that the index can be continued from any row.
 * The building is pure; the few functions with SQL take the connection.
 */
#ifndef FEMS_STORE_BOUNDARY_H
#define FEMS_STORE_BOUNDARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/store/db.h"
#include "core/store/index.h"

/* flags: STORE_INTERPOLATED and STORE_ESTIMATED tell of the reading; STORE_RESET (a lower bound) and
 * STORE_MISSING tell of the 15 minutes before it. */
struct boundary {
	int64_t t_us, wh;
	uint32_t flags;
	int64_t covered_us; /* of the 15 minutes before it */
	struct index_reading left;
};

struct boundary_list {
	struct boundary *rows;
	size_t n, cap;
};
bool boundary_list_add(struct boundary_list *, const struct boundary *);

struct boundary_builder {
	struct index_state index;
	int64_t edge_us;    /* last edge that is done (or the anchor's); 0: none */
	int64_t covered_us; /* since it */
	bool lost;          /* since it */
};

/* Continues behind a row. */
void boundary_resume(struct boundary_builder *, const struct boundary *);
/* The samples that follow it: at or behind this instant. */
int64_t boundary_next_us(const struct boundary *);
/* Takes a sample that is later than all before; appends the rows of the edges it passes. When a gap is
 * longer than 40 days only its outer edges get rows. False: out of memory. */
bool boundary_push(struct boundary_builder *, const struct index_rule *, const struct fems_sample *,
		   struct boundary_list *);

int64_t boundary_floor(int64_t t_us); /* edge at or before t */

/* Columns in the order of BOUNDARY_COLUMNS. */
#define BOUNDARY_COLUMNS                                                                                     \
	"t_us, wh, flags, covered_us, left_us, left_raw, left_offset, left_epoch, left_gap_us, anchor"
void boundary_read(sqlite3_stmt *, struct boundary *);
enum fems_rc boundary_write(struct db *, uint32_t series, const struct boundary *, struct fems_error *);
bool boundary_equal(const struct boundary *, const struct boundary *);
/* Nearest row at or before t; *found false when there is none. */
enum fems_rc boundary_before(struct db *, uint32_t series, int64_t t_us, struct boundary *, bool *found,
			     struct fems_error *);
enum fems_rc boundary_after(struct db *, uint32_t series, int64_t t_us, struct boundary *, bool *found,
			    struct fems_error *);

#endif
