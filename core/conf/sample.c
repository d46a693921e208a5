/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/conf/conf.h"

#include <string.h>

#include "core/base/err.h"
#include "core/base/text.h"
#include "core/conf/quote.h"
#include "core/conf/unit.h"

static const struct {
	const char *name;    /* in the comment */
	const char *example; /* value of a required setting; NULL: depends on the setting */
} types[] = {
	[FEMS_T_BOOL] = { "true or false", "false" },
	[FEMS_T_INT] = { "whole number", NULL },
	[FEMS_T_NUM] = { "number", NULL },
	[FEMS_T_STR] = { "text", "\"\"" },
	[FEMS_T_SECRET] = { "secret: {file: PATH} or {credential: NAME}", "{credential: NAME}" },
	[FEMS_T_ENUM] = { "one of", NULL },
	[FEMS_T_DURATION] = { "duration", NULL },
	[FEMS_T_POWER] = { "power", NULL },
	[FEMS_T_ENERGY] = { "energy", NULL },
	[FEMS_T_PATH] = { "path, relative to this file", "\"PATH\"" },
	[FEMS_T_STRLIST] = { "list of texts", "[]" },
	[FEMS_T_LIST] = { "list", NULL },
};

static const struct dimension *dimension_of(const struct fems_key *k)
{
	switch (k->type) {
	case FEMS_T_DURATION:
		return &dim_duration;
	case FEMS_T_POWER:
		return &dim_power;
	case FEMS_T_ENERGY:
		return &dim_energy;
	default:
		return NULL;
	}
}

static void add_limit(struct text *t, const struct fems_key *k, double v)
{
	const struct dimension *d = dimension_of(k);
	char buf[40];

	if (v > 9e18 || v < -9e18)
		text_add(t, "any");
	else if (d)
		text_add(t, dim_format(d, (int64_t)v, buf, sizeof buf));
	else
		text_addf(t, "%.15g", v);
}

static void add_comment(struct text *t, const struct fems_key *k, int indent)
{
	size_t i;

	text_addf(t, "%*s# ", indent, "");
	if (k->help && *k->help)
		text_addf(t, "%s. ", k->help);
	text_addf(t, "(%s", types[k->type].name);
	for (i = 0; k->type == FEMS_T_ENUM && k->choices[i]; i++)
		text_addf(t, "%s%s", i ? ", " : " ", k->choices[i]);
	if (k->min != 0 || k->max != 0) {
		text_add(t, " from ");
		add_limit(t, k, k->min);
		text_add(t, " to ");
		add_limit(t, k, k->max);
	}
	if (k->unit && !dimension_of(k))
		text_addf(t, ", %s", k->unit);
	text_add(t, k->def ? ")\n" : "; required)\n");
}

static void add_number(struct text *t, const struct fems_key *k)
{
	if (k->min == 0 && k->max == 0)
		text_add(t, "0");
	else
		add_limit(t, k, k->min);
}

static void add_strlist(struct text *t, const char *def)
{
	size_t len;
	bool first = true;

	text_add(t, "[");
	for (def += strspn(def, " ,"); *def; def += strspn(def, " ,"), first = false) {
		len = strcspn(def, " ,");
		text_addf(t, "%s%.*s", first ? "" : ", ", (int)len, def);
		def += len;
	}
	text_add(t, "]");
}

static void add_value(struct text *t, const struct fems_key *k)
{
	const struct dimension *d = dimension_of(k);

	if (!k->def && types[k->type].example)
		text_add(t, types[k->type].example);
	else if (!k->def && k->type == FEMS_T_ENUM)
		text_add(t, k->choices[0]);
	else if (!k->def && d)
		k->min > 0 ? add_limit(t, k, k->min) : text_add(t, d->example);
	else if (!k->def)
		add_number(t, k);
	else if (k->type == FEMS_T_STRLIST)
		add_strlist(t, k->def);
	else if (k->type == FEMS_T_STR || k->type == FEMS_T_PATH)
		quote_add(t, k->def);
	else if (k->type == FEMS_T_SECRET)
		text_add(t, types[k->type].example);
	else
		text_add(t, k->def);
}

/* mark: in front of each name; "#" where the whole is a comment. */
static void add_table(struct text *t, const struct fems_key *keys, int indent, const char *mark, bool item)
{
	const struct fems_key *k;
	const char *lead;

	for (k = keys; k->name; k++) {
		if (k->type >= ARRAY_LEN(types))
			continue;
		add_comment(t, k, indent);
		lead = *mark || !k->def ? mark : "#";
		text_addf(t, "%*s%s%s%s:", item ? indent - 2 : indent, "", lead, item ? "- " : "", k->name);
		item = false;
		if (k->type == FEMS_T_LIST) {
			text_add(t, "\n");
			add_table(t, k->sub, indent + 4, "#", true);
			continue;
		}
		text_add(t, " ");
		add_value(t, k);
		text_add(t, "\n");
	}
}

char *conf_sample(const struct fems_key *keys, int indent)
{
	struct text t = { 0 };

	if (keys)
		add_table(&t, keys, indent, "", false);
	if (!t.len)
		text_add(&t, "");
	return text_take(&t);
}
