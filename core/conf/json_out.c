/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/conf/node.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "core/conf/quote.h"

static const char *skip_digits(const char *s)
{
	return s + strspn(s, "0123456789");
}

/* RFC 8259 section 6; "007" and "1." are no numbers there. */
static bool is_json_number(const char *s)
{
	const char *p = s + (*s == '-'), *q;

	q = skip_digits(p);
	if (q == p || (*p == '0' && q > p + 1))
		return false;
	if (*q == '.') {
		p = q + 1;
		q = skip_digits(p);
		if (q == p)
			return false;
	}
	if (*q == 'e' || *q == 'E') {
		p = q + 1 + (q[1] == '+' || q[1] == '-');
		q = skip_digits(p);
		if (q == p)
			return false;
	}
	return !*q;
}

static void write_scalar(struct text *t, const struct conf_node *n)
{
	if (n->secret)
		text_add(t, "{\"masked\":true}");
	else if (conf_is_null(n))
		text_add(t, "null");
	else if (n->plain &&
		 (!strcmp(n->text, "true") || !strcmp(n->text, "false") || is_json_number(n->text)))
		text_add(t, n->text);
	else
		quote_add(t, n->resolved ? n->resolved : n->text);
}

static void write_node(struct text *t, const struct conf_node *n)
{
	size_t i;

	if (n->kind == CONF_SCALAR) {
		write_scalar(t, n);
		return;
	}
	text_add(t, n->kind == CONF_MAP ? "{" : "[");
	for (i = 0; i < n->count; i++) {
		text_add(t, i ? "," : "");
		if (n->kind == CONF_MAP) {
			quote_add(t, n->keys[i]);
			text_add(t, ":");
		}
		write_node(t, n->items[i]);
	}
	text_add(t, n->kind == CONF_MAP ? "}" : "]");
}

char *conf_json(const struct conf_node *n)
{
	struct text t = { 0 };

	if (n)
		write_node(&t, n);
	else
		text_add(&t, "{}");
	return text_take(&t);
}
