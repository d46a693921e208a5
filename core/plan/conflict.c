/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plan/conflict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

struct plan_conflict *conflict_next(struct conflict_list *l, const char *rule)
{
	struct plan_conflict *c = l->n < l->cap ? &l->out[l->n] : &l->spare;

	l->n++;
	memset(c, 0, sizeof *c);
	str_copy(c->rule, sizeof c->rule, rule);
	return c;
}

void conflict_order(struct plan_conflict *c, const char *id)
{
	size_t len = strlen(c->orders), more = strlen(id);

	if (len + more + 6 < sizeof c->orders)
		snprintf(c->orders + len, sizeof c->orders - len, "%s%s", len ? " " : "", id);
	else if (len < 4 || strcmp(c->orders + len - 4, " ...") != 0)
		str_copy(c->orders + len, sizeof c->orders - len, " ...");
}

void conflict_en(struct plan_conflict *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->text_en, sizeof c->text_en, fmt, ap);
	va_end(ap);
}

/* Cuts behind the last whole UTF-8 character. */
static void cut_whole(char *s)
{
	size_t n = strlen(s), i = n;

	while (i > 0 && ((unsigned char)s[i - 1] & 0xc0) == 0x80)
		i--;
	if (i > 0 && ((unsigned char)s[i - 1] & 0x80)) {
		unsigned char lead = (unsigned char)s[i - 1];
		size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;

		if (n - (i - 1) < want)
			s[i - 1] = '\0';
	}
}

void conflict_ko(struct plan_conflict *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->text_ko, sizeof c->text_ko, fmt, ap);
	va_end(ap);
	cut_whole(c->text_ko);
}
