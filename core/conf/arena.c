/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/conf/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 4096

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	alignas(max_align_t) char bytes[];
};

static struct arena_block *add_block(struct arena *a, size_t n)
{
	size_t size = n > BLOCK_BYTES ? n : BLOCK_BYTES;
	struct arena_block *b = calloc(1, sizeof *b + size);

	if (!b)
		return NULL;
	b->size = size;
	b->next = a->blocks;
	a->blocks = b;
	return b;
}

void *arena_get(struct arena *a, size_t n)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *b = a->blocks;
	void *p;

	n = (n + align - 1) / align * align;
	if (!b || b->size - b->used < n)
		b = add_block(a, n);
	if (!b)
		return NULL;
	p = b->bytes + b->used;
	b->used += n;
	return p;
}

char *arena_copy(struct arena *a, const void *bytes, size_t n)
{
	char *s = arena_get(a, n + 1);

	if (s && n)
		memcpy(s, bytes, n);
	return s;
}

void arena_free(struct arena *a)
{
	struct arena_block *b, *next;

	for (b = a->blocks; b; b = next) {
		next = b->next;
		explicit_bzero(b->bytes, b->used);
		free(b);
	}
	a->blocks = NULL;
}
