/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing text buffer, and small helpers on strings. Out of memory is remembered in the buffer
 * (failed) instead of being returned by every call: check once, at the end.
 */
#ifndef FEMS_BASE_TEXT_H
#define FEMS_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <fems/plugin.h>

struct text {
	char *ptr; /* always NUL-terminated when len > 0 */
	size_t len, cap;
	bool failed;
};

void text_free(struct text *);
void text_clear(struct text *);
void text_add(struct text *, const char *s);
void text_add_n(struct text *, const void *s, size_t n);
void text_addf(struct text *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Moves the string out (caller frees); NULL when an allocation had failed. The buffer is empty after. */
char *text_take(struct text *);
struct fems_span text_span(const struct text *);

/* Copies with truncation, always terminated; false when it did not fit. */
bool str_copy(char *dst, size_t cap, const char *src);
/* The candidate nearest to word by edit distance, NULL when none is near enough to be a slip. */
const char *str_nearest(const char *word, const char *const *candidates, size_t n);
/* Whole string as a number; false when empty, trailing characters, out of range. */
bool str_int64(const char *s, int64_t *out);
bool str_double(const char *s, double *out);

/* Whole file into memory, NUL behind the last byte; max bytes at most. Caller frees *out. */
enum fems_rc file_read(const char *path, size_t max, char **out, size_t *len, struct fems_error *);
/* Replaces path by a new file of these bytes: written beside, synced, renamed, directory synced. */
enum fems_rc file_replace(const char *path, const void *bytes, size_t len, unsigned mode,
			  struct fems_error *);
/* Makes a directory and its parents, mode 0700 for new ones; FEMS_OK when it is there. */
enum fems_rc dir_make(const char *path, struct fems_error *);

#endif
