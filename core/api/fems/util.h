/* SPDX-License-Identifier: Apache-2.0
 *
 * fems/util.h - small conveniences for plugins; header only, nothing to link.
 */
#ifndef FEMS_UTIL_H
#define FEMS_UTIL_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <fems/plugin.h>

/* Sets the error's text and returns rc: return fems_fail(e, FEMS_EIO, "%s: no answer", url); */
__attribute__((format(printf, 3, 4), unused)) static enum fems_rc fems_fail(struct fems_error *e,
									    enum fems_rc rc, const char *fmt,
									    ...)
{
	va_list ap;

	if (e) {
		va_start(ap, fmt);
		vsnprintf(e->text, sizeof e->text, fmt, ap);
		va_end(ap);
	}
	return rc;
}

/* The same with the name of the setting at fault. */
__attribute__((format(printf, 3, 4), unused)) static enum fems_rc fems_bad_setting(struct fems_error *e,
										   const char *key,
										   const char *fmt, ...)
{
	va_list ap;

	if (e) {
		va_start(ap, fmt);
		vsnprintf(e->text, sizeof e->text, fmt, ap);
		va_end(ap);
		e->key = key;
	}
	return FEMS_EINVAL;
}

__attribute__((unused)) static struct fems_span fems_span_of(const char *s)
{
	struct fems_span span = { s, strlen(s) };

	return span;
}

#endif
