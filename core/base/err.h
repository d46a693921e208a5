/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors with text. A function that can fail returns enum fems_rc and fills struct fems_error: what
 * failed, where, what to do. Logged once, where it is handled. Not for bugs of our own: those are
 * MUST(), which prints and aborts.
 */
#ifndef FEMS_BASE_ERR_H
#define FEMS_BASE_ERR_H

#include <fems/plugin.h>

/* Sets e->text (e may be NULL) and returns rc, so that a caller can write "return err_set(...)". */
enum fems_rc err_set(struct fems_error *e, enum fems_rc rc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Puts "fmt: " in front of the text that is already there and returns rc. */
enum fems_rc err_wrap(struct fems_error *e, enum fems_rc rc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Short English name of a code, such as "no answer in time". */
const char *err_name(enum fems_rc rc);

/* Impossible unless this program has a bug; always compiled in. Never for input. */
#define MUST(x) ((x) ? (void)0 : must_fail(#x, __FILE__, __LINE__))
void must_fail(const char *what, const char *file, int line) __attribute__((noreturn));

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
