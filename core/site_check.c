/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/site_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/text.h"
#include "core/data/quantity.h"

struct check {
	const struct conf_node *root, *meters;
	struct site *site;
	struct faults *faults;
	const char **names; /* of the meters, "" where one has none */
	size_t n_names;
	bool failed;
};

#define FAULT(c, ...) ((c)->failed = true, conf_error((c)->faults, __VA_ARGS__))

static const struct conf_node *item_key(const struct conf_node *seq, size_t i, const char *key)
{
	return conf_get(conf_item(seq, i), key);
}

/* ---- names ---- */

static bool is_meter(const struct check *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n_names; i++)
		if (!strcmp(c->names[i], name))
			return true;
	return false;
}

/* name at node must be a meter; len bytes of it count. */
static void want_meter(struct check *c, const struct conf_node *node, const char *what, size_t len)
{
	char name[64];
	const char *near;

	if (!node || conf_is_null(node) || conf_kind(node) != CONF_SCALAR || len == 0)
		return;
	snprintf(name, sizeof name, "%.*s", (int)len, conf_text(node));
	if (is_meter(c, name))
		return;
	near = str_nearest(name, c->names, c->n_names);
	if (near && *near)
		FAULT(c, node, "%s: no meter called \"%s\"; did you mean \"%s\"?", what, name, near);
	else
		FAULT(c, node, "%s: no meter called \"%s\"; expected a name of the list \"meters\"", what,
		      name);
}

static void want_meter_of(struct check *c, const struct conf_node *map, const char *key, const char *what)
{
	const struct conf_node *node = conf_get(map, key);

	want_meter(c, node, what, strlen(conf_text(node)));
}

/* A point: METER/QUANTITY. */
static void want_point(struct check *c, const struct conf_node *node, const char *what)
{
	const char *text = conf_text(node), *slash = strchr(text, '/'), *near;

	if (!*text)
		return;
	if (!slash || slash == text || !slash[1]) {
		FAULT(c, node, "%s is \"%.80s\"; expected METER/QUANTITY, such as battery/power.setpoint",
		      what, text);
		return;
	}
	want_meter(c, node, what, (size_t)(slash - text));
	if (quantity_find(slash + 1))
		return;
	near = quantity_nearest(slash + 1);
	if (near)
		FAULT(c, node, "%s: no quantity called \"%.60s\"; did you mean \"%s\"?", what, slash + 1,
		      near);
	else
		FAULT(c, node, "%s: no quantity called \"%.60s\"; expected one such as power.setpoint", what,
		      slash + 1);
}

/* Names are parts of points, of files and of addresses of pages. */
static void want_plain_name(struct check *c, const struct conf_node *node, const char *what)
{
	const char *name = conf_text(node), *p;

	for (p = name; *p; p++)
		if ((unsigned char)*p <= ' ' || strchr("/*?#\"'\\", *p))
			break;
	if (*p)
		FAULT(c, node,
		      "%s: the name has a %s in it; expected letters, digits, \"-\", \"_\" and \".\"", what,
		      *p == ' ' ? "space" : "character that means something else");
	else if (strlen(name) > 63)
		FAULT(c, node, "%s: the name is longer than 63 bytes", what);
}

static void want_unique(struct check *c, const char *list, const char *key, const char *what)
{
	const struct conf_node *seq = conf_get(c->root, list), *node, *first;
	const char *file;
	size_t i, k, n = conf_count(seq);
	int line, col;

	for (i = 1; i < n; i++) {
		node = item_key(seq, i, key);
		for (k = 0; *conf_text(node) && k < i; k++) {
			first = item_key(seq, k, key);
			if (strcmp(conf_text(first), conf_text(node)))
				continue;
			conf_where(first, &file, &line, &col);
			FAULT(c, node,
			      "%s \"%.80s\" stands twice; the first is at %s:%d:%d; give it another name",
			      what, conf_text(node), file, line, col);
			break;
		}
	}
}

/* ---- the tree of meters ---- */

static size_t index_of(const struct check *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n_names && strcmp(c->names[i], name); i++)
		;
	return i;
}

static size_t parent_of(const struct check *c, size_t i)
{
	const char *parent = conf_text(item_key(c->meters, i, "parent"));

	return *parent ? index_of(c, parent) : c->n_names;
}

/* A ring is told once, at its first meter. */
static void check_ring(struct check *c, size_t i)
{
	struct text chain = { 0 };
	size_t at = i, steps = 0;

	do {
		text_addf(&chain, "%s -> ", c->names[at]);
		at = parent_of(c, at);
	} while (at < c->n_names && at > i && ++steps <= c->n_names);
	if (at == i)
		FAULT(c, item_key(c->meters, i, "parent"), "meter \"%s\": its parents lead back to it: %s%s",
		      c->names[i], chain.ptr ? chain.ptr : "", c->names[i]);
	text_free(&chain);
}

static void check_meters(struct check *c)
{
	char what[120];
	size_t i;

	for (i = 0; i < c->n_names; i++) {
		snprintf(what, sizeof what, "meter \"%.80s\"", c->names[i]);
		want_plain_name(c, item_key(c->meters, i, "name"), what);
		snprintf(what, sizeof what, "meter \"%.80s\": parent", c->names[i]);
		want_meter_of(c, conf_item(c->meters, i), "parent", what);
		if (*c->names[i])
			check_ring(c, i);
	}
	want_unique(c, "meters", "name", "meter");
}

/* The only meter with role main, for settings that do not name the main meter. */
static void find_main(struct check *c, struct site_meter *meters)
{
	const struct conf_node *site = conf_get(c->root, "site");
	size_t i, n = 0;

	for (i = 0; i < c->site->n_meters; i++)
		if (meters[i].name && meters[i].role == METER_MAIN && n++ == 0)
			c->site->main_meter = meters[i].name;
	if (n != 1)
		FAULT(c, site ? site : c->root,
		      "site: main_meter is missing; %s: name the meter that is billed",
		      n ? "more than one meter has the role main" : "no meter has the role main");
}

static void check_main(struct check *c, struct site_meter *meters)
{
	const struct conf_node *node = conf_get(conf_get(c->root, "site"), "main_meter");
	size_t i;

	if (c->n_names == 0) {
		FAULT(c, c->root, "there are no meters; expected a list \"meters\"");
		return;
	}
	if (!*conf_text(node)) {
		find_main(c, meters);
		return;
	}
	want_meter(c, node, "site: main_meter", strlen(conf_text(node)));
	i = index_of(c, conf_text(node));
	if (i < c->site->n_meters && meters[i].role == METER_OTHER)
		meters[i].role = METER_MAIN;
}

/* ---- the rest ---- */

static void check_machines_and_loads(struct check *c)
{
	const struct conf_node *machines = conf_get(c->root, "machines"), *loads = conf_get(c->root, "loads");
	char what[120];
	size_t i;

	for (i = 0; i < c->site->n_machines; i++) {
		snprintf(what, sizeof what, "machine \"%.60s\": meter",
			 conf_text(item_key(machines, i, "id")));
		want_meter_of(c, conf_item(machines, i), "meter", what);
	}
	for (i = 0; i < c->site->n_loads; i++) {
		const char *name = conf_text(item_key(loads, i, "name"));

		snprintf(what, sizeof what, "load \"%.60s\": meter", name);
		want_meter_of(c, conf_item(loads, i), "meter", what);
		snprintf(what, sizeof what, "load \"%.60s\": point", name);
		want_point(c, item_key(loads, i, "point"), what);
	}
	want_unique(c, "machines", "id", "machine");
	want_unique(c, "loads", "name", "load");
}

static void check_battery(struct check *c)
{
	const struct conf_node *node = conf_get(c->root, "battery"), *min, *max;
	const struct site_battery *b = &c->site->battery;

	want_meter_of(c, node, "meter", "battery: meter");
	want_point(c, conf_get(node, "setpoint"), "battery: setpoint");
	if (!b->meter)
		return;
	min = conf_get(node, "min");
	max = conf_get(node, "max");
	if (b->min_wh < 0)
		FAULT(c, min, "battery: min is negative; expected 0 Wh or more");
	if (b->max_wh > b->capacity_wh)
		FAULT(c, max, "battery: max is above the capacity of %lld Wh", (long long)b->capacity_wh);
	if (b->min_wh >= b->max_wh)
		FAULT(c,
		      min   ? min
		      : max ? max
			    : node,
		      "battery: min (%lld Wh) is not below max (%lld Wh), so that nothing could be stored",
		      (long long)b->min_wh, (long long)b->max_wh);
}

static void check_demand(struct check *c)
{
	const struct conf_node *site = conf_get(c->root, "site");

	if (c->site->contract_w > 0 && c->site->demand_target_w > c->site->contract_w)
		conf_warn(c->faults, conf_get(site, "demand_target"),
			  "site: demand_target is above the contract power, which costs a surcharge in most "
			  "contracts");
	if (c->site->contract_w > 0 && !c->site->tariff_path)
		conf_warn(c->faults, site, "site: there is no tariff, so that nothing is priced");
}

bool site_check(const struct conf_node *root, struct site *site, struct site_meter *meters, struct faults *f)
{
	struct check c = { .root = root, .site = site, .faults = f, .meters = conf_get(root, "meters") };
	size_t i;

	c.n_names = site->n_meters;
	c.names = calloc(c.n_names + 1, sizeof *c.names);
	if (!c.names) {
		conf_error(f, NULL, "out of memory for the settings of the site");
		return false;
	}
	for (i = 0; i < c.n_names; i++)
		c.names[i] = conf_text(item_key(c.meters, i, "name"));
	check_meters(&c);
	check_main(&c, meters);
	check_machines_and_loads(&c);
	check_battery(&c);
	check_demand(&c);
	free(c.names);
	return !c.failed;
}
