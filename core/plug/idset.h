/* SPDX-License-Identifier: Apache-2.0
 *
 * A set of small numbers (ids of points) that one thread adds to and many read.
 */
#ifndef FEMS_PLUG_IDSET_H
#define FEMS_PLUG_IDSET_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <fems/plugin.h>

struct idset {
	pthread_rwlock_t lock;
	unsigned char *bits;
	size_t bytes;
};

void idset_init(struct idset *);
void idset_free(struct idset *);
bool idset_add(struct idset *, uint32_t id); /* false: out of memory */
/* The first sample whose point is not in the set, NULL: all are. */
const struct fems_sample *idset_stranger(struct idset *, const struct fems_sample *, size_t n);

#endif
