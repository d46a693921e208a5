/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/site_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- tables ---- */

struct meter_part {
	const char *name, *plugin, *parent;
	int64_t role;
};
struct machine_part {
	const char *id, *meter;
	int64_t running, idle;
};
struct load_part {
	const char *name, *point, *meter;
	int64_t power, priority, min_off, max_off, min_on;
};

static const char *const roles[] = {
	[METER_MAIN] = "main",
	[METER_FEEDER] = "feeder",
	[METER_MACHINE] = "machine",
	[METER_PV] = "pv",
	[METER_BATTERY] = "battery",
	[METER_OTHER] = "other",
	NULL,
};

static const struct fems_key meter_keys[] = {
	FEMS_STR(struct meter_part, name, NULL, "Name of the meter, as points carry it"),
	FEMS_STR(struct meter_part, plugin, NULL, "Plugin that reads it"),
	FEMS_ENUM(struct meter_part, role, "other", roles, "What it measures"),
	FEMS_STR(struct meter_part, parent, "", "Meter upstream"), FEMS_KEYS_END
};
static const struct fems_key machine_keys[] = {
	FEMS_STR(struct machine_part, id, NULL, "EquipmentID in the documents of the ERP"),
	FEMS_STR(struct machine_part, meter, "", "Meter of its own"),
	FEMS_POWER(struct machine_part, running, "0 W", 0, SITE_MAX_POWER_W,
		   "Mean power while an order runs, where the order does not say"),
	FEMS_POWER(struct machine_part, idle, "0 W", 0, SITE_MAX_POWER_W,
		   "Below this it counts as not running"),
	FEMS_KEYS_END
};
static const struct fems_key load_keys[] = {
	FEMS_STR(struct load_part, name, NULL, "Name of the load"),
	FEMS_STR(struct load_part, point, NULL, "Point that is written: 1 sheds, 0 restores"),
	FEMS_STR(struct load_part, meter, "", "Its own meter, to see that it obeyed"),
	FEMS_POWER(struct load_part, power, NULL, 1, SITE_MAX_POWER_W, "Power that shedding saves"),
	FEMS_INT(struct load_part, priority, "100", 0, 1000, NULL, "Low ones are shed first"),
	FEMS_DURATION(struct load_part, min_off, "5min", 0, 86400e6, "Shortest pause"),
	FEMS_DURATION(struct load_part, max_off, "30min", 1e6, 86400e6, "Longest pause"),
	FEMS_DURATION(struct load_part, min_on, "15min", 0, 86400e6, "Shortest time between two pauses"),
	FEMS_KEYS_END
};
static const char *const label_key[] = { "label", NULL };

/* ---- labels ---- */

/* Text of one language, NULL where there is none. */
static const char *label_text(struct reader *r, const struct conf_node *label, const char *language,
			      const char *what)
{
	const struct conf_node *n = conf_get(label, language);

	if (!n || conf_kind(n) == CONF_SCALAR)
		return or_null(conf_text(n));
	conf_error(r->faults, n, "%s: label: %s: expected a text", what, language);
	r->failed = true;
	return NULL;
}

/* label: TEXT, or label: {ko: TEXT, en: TEXT}; what is not given is the name. */
static void read_label(struct reader *r, const struct conf_node *item, const char *what, const char *name,
		       const char **ko, const char **en)
{
	static const char *const names[] = { "ko", "en", NULL };
	const struct conf_node *label = conf_get(item, "label");

	*ko = *en = name;
	if (!label || conf_is_null(label))
		return;
	if (conf_kind(label) == CONF_SCALAR) {
		*ko = *en = conf_text(label);
		return;
	}
	if (conf_kind(label) != CONF_MAP) {
		conf_error(r->faults, label, "%s: label is a list; expected a text or {ko: TEXT, en: TEXT}",
			   what);
		r->failed = true;
		return;
	}
	r->failed |= !conf_only(label, what, names, r->faults);
	*en = label_text(r, label, "en", what);
	*ko = label_text(r, label, "ko", what);
	*en = *en ? *en : *ko ? *ko : name;
	*ko = *ko ? *ko : *en;
}

/* ---- items of the sequences ---- */

/* 'meter "press1"', or 'meter 3' while it has no name. */
static const char *item_what(const struct conf_node *item, const char *kind, const char *key, size_t i,
			     char *buf, size_t cap)
{
	const char *name = conf_text(conf_get(item, key));

	if (*name)
		snprintf(buf, cap, "%s \"%.80s\"", kind, name);
	else
		snprintf(buf, cap, "%s %zu", kind, i + 1);
	return buf;
}

/* All names of a mapping: conf_fill() is to leave the rest of a meter to its plugin. */
static const char **names_of(const struct conf_node *map)
{
	size_t i, n = conf_count(map);
	const char **names = calloc(n + 1, sizeof *names);

	for (i = 0; names && i < n; i++)
		conf_pair(map, i, &names[i]);
	return names;
}

static void read_meter(struct reader *r, const struct conf_node *item, size_t i)
{
	struct site_meter *m = &r->s->meters[i];
	struct meter_part p = { 0 };
	char what[120];
	const char **all = conf_kind(item) == CONF_MAP ? names_of(item) : NULL;

	item_what(item, "meter", "name", i, what, sizeof what);
	if (reader_fill(r, item, meter_keys, &p, sizeof p, what, all)) {
		*m = (struct site_meter){ .name = p.name,
					  .plugin = p.plugin,
					  .parent = or_null(p.parent),
					  .role = (enum meter_role)p.role };
		read_label(r, item, what, p.name, &m->label_ko, &m->label_en);
	}
	free(all);
}

static void read_machine(struct reader *r, const struct conf_node *item, size_t i)
{
	struct site_machine *m = &r->s->machines[i];
	struct machine_part p;
	char what[120];

	item_what(item, "machine", "id", i, what, sizeof what);
	if (!reader_fill(r, item, machine_keys, &p, sizeof p, what, label_key))
		return;
	*m = (struct site_machine){
		.id = p.id, .meter = or_null(p.meter), .running_w = p.running, .idle_w = p.idle
	};
	read_label(r, item, what, p.id, &m->label_ko, &m->label_en);
}

static void read_load(struct reader *r, const struct conf_node *item, size_t i)
{
	struct site_load *l = &r->s->loads[i];
	struct load_part p;
	char what[120];

	item_what(item, "load", "name", i, what, sizeof what);
	if (!reader_fill(r, item, load_keys, &p, sizeof p, what, label_key))
		return;
	*l = (struct site_load){ .name = p.name,
				 .point = p.point,
				 .meter = or_null(p.meter),
				 .power_w = p.power,
				 .priority = p.priority,
				 .min_off_us = p.min_off,
				 .max_off_us = p.max_off,
				 .min_on_us = p.min_on };
	read_label(r, item, what, p.name, &l->label_ko, &l->label_en);
	if (p.min_off > p.max_off) {
		conf_error(r->faults, conf_get(item, "min_off") ?: conf_get(item, "max_off"),
			   "%s: min_off is longer than max_off; expected the shortest pause to be the "
			   "shorter one",
			   what);
		r->failed = true;
	}
}

/* Zeroed room for the items of a sequence; NULL: absent, not a list, or no memory. */
static void *seq_room(struct reader *r, const char *name, size_t size, size_t *n)
{
	const struct conf_node *seq = conf_get(r->s->root, name);
	void *room;

	*n = 0;
	if (!seq || conf_is_null(seq))
		return NULL;
	if (conf_kind(seq) != CONF_SEQ) {
		conf_error(r->faults, seq, "%s: expected a list, each item beginning with \"- \"", name);
		r->failed = true;
		return NULL;
	}
	room = calloc(conf_count(seq) + 1, size);
	if (room)
		*n = conf_count(seq);
	else
		reader_no_memory(r);
	return room;
}

void site_items_read(struct reader *r)
{
	struct site_settings *s = r->s;
	const struct conf_node *root = s->root;
	size_t i;

	s->meters = seq_room(r, "meters", sizeof *s->meters, &s->site.n_meters);
	s->machines = seq_room(r, "machines", sizeof *s->machines, &s->site.n_machines);
	s->loads = seq_room(r, "loads", sizeof *s->loads, &s->site.n_loads);
	s->site.meters = s->meters;
	s->site.machines = s->machines;
	s->site.loads = s->loads;
	for (i = 0; i < s->site.n_meters; i++)
		read_meter(r, conf_item(conf_get(root, "meters"), i), i);
	for (i = 0; i < s->site.n_machines; i++)
		read_machine(r, conf_item(conf_get(root, "machines"), i), i);
	for (i = 0; i < s->site.n_loads; i++)
		read_load(r, conf_item(conf_get(root, "loads"), i), i);
}
