/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/site_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/text.h"
#include "core/site_check.h"

/* ---- tables ---- */

struct top {
	const char *socket;
	int64_t log;
};
struct site_part {
	const char *name, *timezone, *currency, *main_meter, *tariff;
	int64_t language, control, contract, demand_target;
};
struct plan_part {
	int64_t horizon, budget;
};
struct store_part {
	const char *dir;
	int64_t commit, keep_raw;
};
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
struct battery_part {
	const char *meter, *setpoint;
	int64_t capacity, power;
	double efficiency;
};

#define MAX_POWER_W 1e12
#define MAX_ENERGY_WH 1e12

static const char *const levels[] = { "error", "warn", "info", "debug", NULL };
static const enum fems_level level_values[] = { FEMS_LOG_ERROR, FEMS_LOG_WARN, FEMS_LOG_INFO, FEMS_LOG_DEBUG };
static const char *const languages[] = { "ko", "en", NULL };
static const char *const controls[] = { [CONTROL_OFF] = "off", [CONTROL_ADVISE] = "advise", [CONTROL_ACT] = "act", NULL };
static const char *const roles[] = {
	[METER_MAIN] = "main", [METER_FEEDER] = "feeder",   [METER_MACHINE] = "machine",
	[METER_PV] = "pv",     [METER_BATTERY] = "battery", [METER_OTHER] = "other",
	NULL,
};

static const struct fems_key top_keys[] = {
	FEMS_PATH(struct top, socket, "/run/fems/femsd.sock", "Unix socket for femsctl"),
	FEMS_ENUM(struct top, log, "info", levels, "Least important kind of log line that is written"),
	FEMS_KEYS_END
};
static const struct fems_key site_keys[] = {
	FEMS_STR(struct site_part, name, NULL, "Name of the works as pages show it"),
	FEMS_STR(struct site_part, timezone, "Asia/Seoul", "Time zone of tariffs, calendars and pages"),
	FEMS_STR(struct site_part, currency, "KRW", "Currency of the tariff, ISO 4217"),
	FEMS_ENUM(struct site_part, language, "ko", languages, "Language of pages and reports"),
	FEMS_ENUM(struct site_part, control, "off", controls,
		  "Whether machines are left alone, advice is given, or commands are sent"),
	FEMS_STR(struct site_part, main_meter, "", "The meter that is billed; default: the one with role main"),
	FEMS_POWER(struct site_part, contract, NULL, 1, MAX_POWER_W, "Contract power"),
	FEMS_POWER(struct site_part, demand_target, "0", 0, MAX_POWER_W,
		   "Mean of 15 minutes that is not to be exceeded; 0: the contract power"),
	FEMS_PATH(struct site_part, tariff, "", "File of the tariff"),
	FEMS_KEYS_END
};
static const struct fems_key plan_keys[] = {
	FEMS_DURATION(struct plan_part, horizon, "24h", 15 * 60e6, 14 * 86400e6, "How far ahead orders are planned"),
	FEMS_DURATION(struct plan_part, budget, "2s", 50e3, 600e6, "Time for one search"),
	FEMS_KEYS_END
};
static const struct fems_key store_keys[] = {
	FEMS_PATH(struct store_part, dir, "/var/lib/fems", "Directory of the store"),
	FEMS_DURATION(struct store_part, commit, "1s", 10e3, 60e6, "Real time between commits of samples"),
	FEMS_DURATION(struct store_part, keep_raw, "0s", 0, 36500 * 86400e6,
		      "Raw samples are kept this long; 0s: for ever"),
	FEMS_KEYS_END
};
static const struct fems_key meter_keys[] = {
	FEMS_STR(struct meter_part, name, NULL, "Name of the meter, as points carry it"),
	FEMS_STR(struct meter_part, plugin, NULL, "Plugin that reads it"),
	FEMS_ENUM(struct meter_part, role, "other", roles, "What it measures"),
	FEMS_STR(struct meter_part, parent, "", "Meter upstream"),
	FEMS_KEYS_END
};
static const struct fems_key machine_keys[] = {
	FEMS_STR(struct machine_part, id, NULL, "EquipmentID in the documents of the ERP"),
	FEMS_STR(struct machine_part, meter, "", "Meter of its own"),
	FEMS_POWER(struct machine_part, running, "0 W", 0, MAX_POWER_W,
		   "Mean power while an order runs, where the order does not say"),
	FEMS_POWER(struct machine_part, idle, "0 W", 0, MAX_POWER_W, "Below this it counts as not running"),
	FEMS_KEYS_END
};
static const struct fems_key load_keys[] = {
	FEMS_STR(struct load_part, name, NULL, "Name of the load"),
	FEMS_STR(struct load_part, point, NULL, "Point that is written: 1 sheds, 0 restores"),
	FEMS_STR(struct load_part, meter, "", "Its own meter, to see that it obeyed"),
	FEMS_POWER(struct load_part, power, NULL, 1, MAX_POWER_W, "Power that shedding saves"),
	FEMS_INT(struct load_part, priority, "100", 0, 1000, NULL, "Low ones are shed first"),
	FEMS_DURATION(struct load_part, min_off, "5min", 0, 86400e6, "Shortest pause"),
	FEMS_DURATION(struct load_part, max_off, "30min", 1e6, 86400e6, "Longest pause"),
	FEMS_DURATION(struct load_part, min_on, "15min", 0, 86400e6, "Shortest time between two pauses"),
	FEMS_KEYS_END
};
static const struct fems_key battery_keys[] = {
	FEMS_STR(struct battery_part, meter, NULL, "Meter of the battery"),
	FEMS_STR(struct battery_part, setpoint, "", "Point of its power set-point; positive charges"),
	FEMS_ENERGY(struct battery_part, capacity, NULL, 1, MAX_ENERGY_WH, "Energy that it can hold"),
	FEMS_POWER(struct battery_part, power, NULL, 1, MAX_POWER_W, "Largest power of charge and discharge"),
	FEMS_NUM(struct battery_part, efficiency, "90", 1, 100, "%", "Of a round trip"),
	FEMS_KEYS_END
};

static const char *const sections[] = { "site", "plan", "store", "meters", "machines", "loads", "battery", "plugins", NULL };
const char *const site_settings_keys[] = { "site",    "plan",    "store",  "meters", "machines", "loads",
					   "battery", "plugins", "socket", "log",    NULL };
static const char *const label_key[] = { "label", NULL };
static const char *const battery_limits[] = { "min", "max", NULL };

/* ---- what is being read ---- */

struct site_settings {
	struct site site;
	struct site_meter *meters;
	struct site_machine *machines;
	struct site_load *loads;
	struct store_options store;
	const char *socket;
	enum fems_level log_level;
	const struct conf_node *root;
	struct conf_filled **filled; /* owns the strings */
	size_t n_filled;
};

struct reader {
	struct site_settings *s;
	struct faults *faults;
	bool failed;
};

static bool no_memory(struct reader *r)
{
	conf_error(r->faults, NULL, "out of memory for the settings of the site");
	r->failed = true;
	return false;
}

/* conf_fill() whose strings live as long as the settings. */
static bool fill(struct reader *r, const struct conf_node *map, const struct fems_key *keys, void *dst, size_t size,
		 const char *what, const char *const *also)
{
	struct site_settings *s = r->s;
	struct conf_filled *filled = conf_fill(map, keys, dst, size, what, also, r->faults), **more;

	if (!filled) {
		r->failed = true;
		return false;
	}
	more = realloc(s->filled, (s->n_filled + 1) * sizeof *more);
	if (!more) {
		conf_filled_free(filled);
		memset(dst, 0, size);
		return no_memory(r);
	}
	s->filled = more;
	s->filled[s->n_filled++] = filled;
	return true;
}

/* NULL for a text that was left empty. */
static const char *or_null(const char *s)
{
	return s && *s ? s : NULL;
}

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
		conf_error(r->faults, label, "%s: label is a list; expected a text or {ko: TEXT, en: TEXT}", what);
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
static const char *item_what(const struct conf_node *item, const char *kind, const char *key, size_t i, char *buf,
			     size_t cap)
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
	if (fill(r, item, meter_keys, &p, sizeof p, what, all)) {
		*m = (struct site_meter){ .name = p.name, .plugin = p.plugin, .parent = or_null(p.parent),
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
	if (!fill(r, item, machine_keys, &p, sizeof p, what, label_key))
		return;
	*m = (struct site_machine){ .id = p.id, .meter = or_null(p.meter), .running_w = p.running, .idle_w = p.idle };
	read_label(r, item, what, p.id, &m->label_ko, &m->label_en);
}

static void read_load(struct reader *r, const struct conf_node *item, size_t i)
{
	struct site_load *l = &r->s->loads[i];
	struct load_part p;
	char what[120];

	item_what(item, "load", "name", i, what, sizeof what);
	if (!fill(r, item, load_keys, &p, sizeof p, what, label_key))
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
			   "%s: min_off is longer than max_off; expected the shortest pause to be the shorter one", what);
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
		no_memory(r);
	return room;
}

static void read_lists(struct reader *r)
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

/* ---- sections ---- */

static void read_zone(struct reader *r, const char *name, const struct conf_node *at)
{
	struct fems_error e = { 0 };

	if (!zone_open(name, &r->s->site.zone, &e))
		return;
	conf_error(r->faults, at, "site: timezone: %s", e.text);
	r->failed = true;
}

static void read_site(struct reader *r)
{
	const struct conf_node *node = conf_get(r->s->root, "site");
	struct site *site = &r->s->site;
	struct site_part p;

	if (!fill(r, node, site_keys, &p, sizeof p, "site", NULL))
		return;
	site->name = p.name;
	site->currency = p.currency;
	site->language = languages[p.language];
	site->control = (enum control_mode)p.control;
	site->main_meter = or_null(p.main_meter);
	site->tariff_path = or_null(p.tariff);
	site->contract_w = p.contract;
	site->demand_target_w = p.demand_target;
	if (strlen(p.currency) != 3 || strspn(p.currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3) {
		conf_error(r->faults, conf_get(node, "currency"),
			   "site: currency is \"%.20s\"; expected three capital letters, such as KRW", p.currency);
		r->failed = true;
	}
	read_zone(r, p.timezone, conf_get(node, "timezone") ?: node);
}

static void read_plan_and_store(struct reader *r)
{
	struct site_settings *s = r->s;
	struct plan_part plan;
	struct store_part store;

	if (fill(r, conf_get(s->root, "plan"), plan_keys, &plan, sizeof plan, "plan", NULL)) {
		s->site.horizon_us = plan.horizon;
		s->site.plan_budget_us = plan.budget;
	}
	if (fill(r, conf_get(s->root, "store"), store_keys, &store, sizeof store, "store", NULL))
		s->store = (struct store_options){ .dir = store.dir, .commit_us = store.commit,
						   .keep_raw_us = store.keep_raw };
}

/* Energy, or a share of the capacity ("10 %"); otherwise when it is not given. */
static int64_t battery_limit(struct reader *r, const struct conf_node *battery, const char *key, int64_t capacity_wh,
			     int64_t otherwise)
{
	const struct conf_node *n = conf_get(battery, key);
	const char *text = conf_text(n);
	size_t len = strlen(text);
	double percent;
	int64_t wh = 0;
	char what[40], number[24];

	if (!n || conf_is_null(n))
		return otherwise;
	snprintf(what, sizeof what, "battery: %s", key);
	if (len > 1 && len < sizeof number && text[len - 1] == '%') {
		memcpy(number, text, len - 1);
		number[len - 1] = '\0';
		for (len--; len > 0 && number[len - 1] == ' ';)
			number[--len] = '\0';
		if (str_double(number, &percent) && percent >= 0 && percent <= 100)
			return (int64_t)((double)capacity_wh * percent / 100 + 0.5);
		conf_error(r->faults, n, "%s is \"%.20s\"; expected 0 %% to 100 %%", what, text);
		r->failed = true;
	} else if (!conf_as_energy(n, what, &wh, r->faults)) {
		r->failed = true;
	}
	return wh;
}

static void read_battery(struct reader *r)
{
	const struct conf_node *node = conf_get(r->s->root, "battery");
	struct site_battery *b = &r->s->site.battery;
	struct battery_part p;

	if (!node || conf_is_null(node) || !fill(r, node, battery_keys, &p, sizeof p, "battery", battery_limits))
		return;
	b->meter = p.meter;
	b->setpoint = or_null(p.setpoint);
	b->capacity_wh = p.capacity;
	b->power_w = p.power;
	b->efficiency_permille = (int64_t)(p.efficiency * 10 + 0.5);
	b->min_wh = battery_limit(r, node, "min", p.capacity, 0);
	b->max_wh = battery_limit(r, node, "max", p.capacity, p.capacity);
}

static void read_top(struct reader *r)
{
	struct site_settings *s = r->s;
	const struct conf_node *plugins = conf_get(s->root, "plugins");
	struct top top;

	if (fill(r, s->root, top_keys, &top, sizeof top, "", sections)) {
		s->socket = top.socket;
		s->log_level = level_values[top.log];
	}
	if (plugins && !conf_is_null(plugins) && conf_kind(plugins) != CONF_SEQ) {
		conf_error(r->faults, plugins, "plugins: expected a list, each item beginning with \"- \"");
		r->failed = true;
	}
}

/* ---- for the others ---- */

struct site_settings *site_settings_read(const struct conf_doc *doc, struct faults *f)
{
	struct reader r = { .s = calloc(1, sizeof(struct site_settings)), .faults = f };

	if (!r.s) {
		no_memory(&r);
		return NULL;
	}
	r.s->root = conf_root(doc);
	if (conf_kind(r.s->root) == CONF_MAP) {
		read_top(&r);
		read_site(&r);
		read_plan_and_store(&r);
		read_lists(&r);
		read_battery(&r);
		r.failed |= !site_check(r.s->root, &r.s->site, r.s->meters, f);
	} else {
		conf_error(f, r.s->root, "expected settings as NAME: VALUE");
		r.failed = true;
	}
	if (!r.failed)
		return r.s;
	site_settings_free(r.s);
	return NULL;
}

void site_settings_free(struct site_settings *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->n_filled; i++)
		conf_filled_free(s->filled[i]);
	free(s->filled);
	zone_free(s->site.zone);
	free(s->meters);
	free(s->machines);
	free(s->loads);
	free(s);
}

const struct site *site_settings_site(const struct site_settings *s)
{
	return &s->site;
}

const struct store_options *site_settings_store(const struct site_settings *s)
{
	return &s->store;
}

const char *site_settings_socket(const struct site_settings *s)
{
	return s->socket;
}

enum fems_level site_settings_log_level(const struct site_settings *s)
{
	return s->log_level;
}

const struct conf_node *site_settings_plugins(const struct site_settings *s)
{
	return conf_get(s->root, "plugins");
}

const struct conf_node *site_settings_meters(const struct site_settings *s)
{
	return conf_get(s->root, "meters");
}

char *site_settings_sample(void)
{
	static const struct {
		const char *title;
		const struct fems_key *keys;
		int indent;
	} parts[] = {
		{ "site:\n", site_keys, 2 },	   { "\nplan:\n", plan_keys, 2 },
		{ "\nstore:\n", store_keys, 2 },   { "\n", top_keys, 0 },
	};
	struct text t = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(parts); i++) {
		char *part = conf_sample(parts[i].keys, parts[i].indent);

		text_add(&t, parts[i].title);
		text_add(&t, part ? part : "");
		t.failed |= !part;
		free(part);
	}
	return text_take(&t);
}
