/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing byte buffer and the two escapers of the connector: JSON strings in, XML text out. Out of
 * memory is remembered (failed) instead of being returned by every call: check once, at the end.
 */
#ifndef B2MML_BUF_H
#define B2MML_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <fems/plugin.h>

struct buf {
	char *ptr; /* NUL-terminated when not NULL */
	size_t len, cap;
	bool failed;
};

void buf_free(struct buf *);
void buf_clear(struct buf *); /* keeps the memory, forgets a failure */
void buf_add_n(struct buf *, const void *, size_t n);
void buf_add(struct buf *, const char *);
void buf_addf(struct buf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A quoted JSON string. Bytes that are not UTF-8 become '?'. */
void buf_json(struct buf *, const char *);
/* XML character data, also fit for attribute values. Characters that XML 1.0 cannot carry become '?'. */
void buf_xml(struct buf *, const char *);
/* Moves the bytes out (caller frees); NULL when an allocation had failed or nothing was added. */
char *buf_take(struct buf *, size_t *len);
struct fems_span buf_span(const struct buf *);

#endif
