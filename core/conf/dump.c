/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/conf/node.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/text.h"
#include "core/conf/quote.h"
#include "core/conf/unit.h"

/* ---- texts in quotes, for YAML and JSON alike ---- */

void quote_add(struct text *t, const char *s)
{
	static const char *const short_forms[] = {
		['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f",
		['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\"
	};
	const unsigned char *c;

	text_add_n(t, "\"", 1);
	for (c = (const unsigned char *)s; *c; c++) {
		if (*c < ARRAY_LEN(short_forms) && short_forms[*c])
			text_add(t, short_forms[*c]);
		else if (*c < 0x20 || *c == 0x7f)
			text_addf(t, "\\u%04x", *c);
		else
			text_add_n(t, c, 1);
	}
	text_add_n(t, "\"", 1);
}

/* ---- values of a struct ---- */

static void dump_table(struct text *, const struct fems_key *, const char *cfg, int indent, bool item);

static void dump_text(struct text *t, const char *s)
{
	text_add_n(t, " ", 1);
	quote_add(t, s ? s : "");
}

static void dump_num(struct text *t, double v)
{
	char buf[40];
	int digits;

	for (digits = 6; digits <= 17; digits++) { /* the shortest form that reads back as the same number */
		snprintf(buf, sizeof buf, "%.*g", digits, v);
		if (strtod(buf, NULL) == v)
			break;
	}
	text_addf(t, " %s", buf);
}

static void dump_strlist(struct text *t, const struct fems_list *list)
{
	const char *const *items = list->items;
	size_t i;

	text_add(t, " [");
	for (i = 0; i < list->count; i++) {
		text_add(t, i ? ", " : "");
		quote_add(t, items[i]);
	}
	text_add(t, "]");
}

static void dump_list(struct text *t, const struct fems_key *k, const struct fems_list *list, int indent)
{
	const char *items = list->items;
	size_t i;

	if (list->count == 0) {
		text_add(t, " []");
		return;
	}
	for (i = 0; i < list->count; i++) {
		text_addf(t, "\n%*s- ", indent + 2, "");
		dump_table(t, k->sub, items + i * k->sub_size, indent + 4, true);
	}
}

static void dump_dim(struct text *t, const struct dimension *d, int64_t v)
{
	char buf[40];

	text_addf(t, " %s", dim_format(d, v, buf, sizeof buf));
}

static void dump_enum(struct text *t, const struct fems_key *k, int64_t v)
{
	size_t n = 0;

	while (k->choices[n])
		n++;
	dump_text(t, v >= 0 && (size_t)v < n ? k->choices[v] : "");
}

static void dump_value(struct text *t, const struct fems_key *k, const void *at, int indent)
{
	const char *const *s = at;
	const int64_t *v = at;

	switch (k->type) {
	case FEMS_T_BOOL:
		text_add(t, *v ? " true" : " false");
		break;
	case FEMS_T_INT:
		text_addf(t, " %" PRId64, *v);
		break;
	case FEMS_T_NUM:
		dump_num(t, *(const double *)at);
		break;
	case FEMS_T_STR:
	case FEMS_T_PATH:
		dump_text(t, *s);
		break;
	case FEMS_T_SECRET:
		dump_text(t, *s && **s ? "********" : "");
		break;
	case FEMS_T_ENUM:
		dump_enum(t, k, *v);
		break;
	case FEMS_T_DURATION:
		dump_dim(t, &dim_duration, *v);
		break;
	case FEMS_T_POWER:
		dump_dim(t, &dim_power, *v);
		break;
	case FEMS_T_ENERGY:
		dump_dim(t, &dim_energy, *v);
		break;
	case FEMS_T_STRLIST:
		dump_strlist(t, at);
		break;
	case FEMS_T_LIST:
		dump_list(t, k, at, indent);
		break;
	}
}

/* item: the first line is already begun by "- ". */
static void dump_table(struct text *t, const struct fems_key *keys, const char *cfg, int indent, bool item)
{
	const struct fems_key *k;

	for (k = keys; k->name; k++) {
		if (k > keys)
			text_add(t, "\n");
		if (k > keys || !item)
			text_addf(t, "%*s", indent, "");
		text_addf(t, "%s:", k->name);
		dump_value(t, k, cfg + k->off, indent);
	}
}

char *conf_dump(const struct fems_key *keys, const void *cfg)
{
	struct text t = { 0 };

	if (keys && keys->name) {
		dump_table(&t, keys, cfg, 0, false);
		text_add(&t, "\n");
	}
	return text_take(&t);
}
