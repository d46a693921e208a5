/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that is freed all at once: the nodes of a document, the strings of filled settings. Wiped
 * before it is given back, because settings hold secrets.
 */
#ifndef FEMS_CONF_ARENA_H
#define FEMS_CONF_ARENA_H

#include <stddef.h>

struct arena {
	struct arena_block *blocks;
};

/* Zeroed and aligned for any type; NULL: out of memory. */
void *arena_get(struct arena *, size_t n);
/* Copies n bytes and puts a NUL behind them. */
char *arena_copy(struct arena *, const void *bytes, size_t n);
void arena_free(struct arena *);

#endif
