/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum fems_rc err_set(struct fems_error *e, enum fems_rc rc, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return rc;
	e->key = NULL;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	return rc;
}

enum fems_rc err_wrap(struct fems_error *e, enum fems_rc rc, const char *fmt, ...)
{
	char inner[sizeof e->text], outer[sizeof e->text];
	va_list ap;

	if (!e)
		return rc;
	memcpy(inner, e->text, sizeof inner);
	inner[sizeof inner - 1] = '\0';
	va_start(ap, fmt);
	vsnprintf(outer, sizeof outer, fmt, ap);
	va_end(ap);
	if (snprintf(e->text, sizeof e->text, "%s: %s", outer, inner) >= (int)sizeof e->text)
		memcpy(e->text + sizeof e->text - 4, "...", 4);
	return rc;
}

const char *err_name(enum fems_rc rc)
{
	static const char *const names[] = {
		"ok",      "try again later", "wrong data",    "input/output failed", "no answer in time",
		"refused", "out of memory",   "not supported", "not there",           "conflict",
	};

	return (size_t)rc < ARRAY_LEN(names) ? names[rc] : "unknown code";
}

void must_fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "fems: a bug: %s does not hold at %s:%d; stopping\n", what, file, line);
	abort();
}
