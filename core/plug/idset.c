/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/idset.h"

#include <stdlib.h>
#include <string.h>

void idset_init(struct idset *s)
{
	*s = (struct idset){ 0 };
	pthread_rwlock_init(&s->lock, NULL);
}

void idset_free(struct idset *s)
{
	pthread_rwlock_destroy(&s->lock);
	free(s->bits);
}

static bool grow(struct idset *s, size_t bytes)
{
	unsigned char *more;

	if (bytes <= s->bytes)
		return true;
	bytes = (bytes + 63) / 64 * 64;
	more = realloc(s->bits, bytes);
	if (!more)
		return false;
	memset(more + s->bytes, 0, bytes - s->bytes);
	s->bits = more;
	s->bytes = bytes;
	return true;
}

bool idset_add(struct idset *s, uint32_t id)
{
	bool ok;

	pthread_rwlock_wrlock(&s->lock);
	ok = grow(s, id / 8 + 1);
	if (ok)
		s->bits[id / 8] |= (unsigned char)(1u << id % 8);
	pthread_rwlock_unlock(&s->lock);
	return ok;
}

const struct fems_sample *idset_stranger(struct idset *s, const struct fems_sample *samples, size_t n)
{
	const struct fems_sample *end = samples + n;

	pthread_rwlock_rdlock(&s->lock);
	while (samples < end) {
		uint32_t id = samples->point;

		if (id / 8 >= s->bytes || !(s->bits[id / 8] >> id % 8 & 1))
			break;
		samples++;
	}
	pthread_rwlock_unlock(&s->lock);
	return samples < end ? samples : NULL;
}
