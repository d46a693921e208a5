/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading tariff and calendar files: small helpers over core/conf and the parts of the loader. Every
 * helper adds a fault with its place and returns false (or NULL) when something is wrong. Private to
 * this room.
 */
#ifndef FEMS_TARIFF_LOAD_H
#define FEMS_TARIFF_LOAD_H

#include "core/conf/conf.h"
#include "core/tariff/model.h"

struct load { /* what the loader carries around */
	struct tariff *t;
	struct faults *f;
	const struct tariff_holidays *holidays; /* NULL: those of the list */
	int64_t as_of; /* DAY_MAX: the file's own dates; else only what is valid on this day, for ever */
};

/* A member that must be there. */
const struct conf_node *load_need(const struct conf_node *map, const char *key, const char *what,
				  struct faults *);
/* A member that must be a list with at least one item; NULL otherwise. */
const struct conf_node *load_list(const struct conf_node *map, const char *key, const char *what,
				  struct faults *);
/* A member that must be a mapping with at least one pair; NULL otherwise. */
const struct conf_node *load_map(const struct conf_node *map, const char *key, const char *what,
				 struct faults *);
/* A required text that fits into cap. */
bool load_text(const struct conf_node *map, const char *key, const char *what, char *out, size_t cap,
	       struct faults *);
/* A name of letters, digits, "-", "_"; n may be NULL (false, no fault). */
bool load_id(const struct conf_node *n, const char *what, char *out, size_t cap, struct faults *);
/* ko, en and id of a named thing. */
bool load_label(const struct conf_node *map, const char *id, const char *what, struct label *,
		struct faults *);
/* from (required unless optional) and to. */
bool load_validity(const struct conf_node *map, const char *what, bool optional, struct validity *,
		   struct faults *);
/* Versions must rise and not overlap; a gap is a warning. prev NULL: the first one. */
bool load_follows(const struct conf_node *map, const char *what, const struct validity *prev,
		  struct validity now, struct faults *);
/* "10 down": unit and mode; absent: no rounding. */
bool load_rounding(const struct conf_node *map, const char *key, const char *what, struct rounding_rule *,
		   struct faults *);
/* Percentage in [0, max] percent. strict: values between 0 and 1 are refused as ambiguous. */
bool load_percent(const struct conf_node *map, const char *key, const char *what, int64_t max_percent,
		  bool strict, int64_t *micro, struct faults *);
/* "08:00-11:00", also over midnight, in slots of the day: fn for each slot; false on a fault. */
typedef void (*load_slot_fn)(void *ctx, int slot);
bool load_window(const struct load *, const struct conf_node *n, load_slot_fn, void *ctx);
/* A list of windows as one flag per slot; caller frees. */
bool *load_windows(const struct load *, const struct conf_node *map, const char *key, const char *what);
/* A list of ids as bits of a set; absent: all. kind names the set in messages. */
bool load_set(const struct conf_node *map, const char *key, const char *what, const struct label *first,
	      size_t stride, int count, uint32_t *bits, struct faults *);
/* Index of an id, -1 with a fault that names the nearest. */
int load_find(const struct conf_node *at, const char *id, const char *what, const struct label *first,
	      size_t stride, int count, struct faults *);

/* tariff_load_as_of() of a document, which it takes. */
struct tariff *tariff_from_doc(struct conf_doc *taken, int64_t as_of_day, const char *calendar,
			       struct faults *);

void load_hours(struct load *, const struct conf_node *root);
void load_discounts(struct load *, const struct conf_node *root);
void load_lines(struct load *, const struct conf_node *root);

#endif
