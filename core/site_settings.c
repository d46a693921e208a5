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
#include "core/site_read.h"

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
struct battery_part {
	const char *meter, *setpoint;
	int64_t capacity, power;
	double efficiency;
};

#define MAX_ENERGY_WH 1e12

static const char *const levels[] = { "error", "warn", "info", "debug", NULL };
static const enum fems_level level_values[] = { FEMS_LOG_ERROR, FEMS_LOG_WARN, FEMS_LOG_INFO,
						FEMS_LOG_DEBUG };
static const char *const languages[] = { "ko", "en", NULL };
static const char *const controls[] = {
	[CONTROL_OFF] = "off", [CONTROL_ADVISE] = "advise", [CONTROL_ACT] = "act", NULL
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
	FEMS_STR(struct site_part, main_meter, "",
		 "The meter that is billed; default: the one with role main"),
	FEMS_POWER(struct site_part, contract, NULL, 1, SITE_MAX_POWER_W, "Contract power"),
	FEMS_POWER(struct site_part, demand_target, "0", 0, SITE_MAX_POWER_W,
		   "Mean of 15 minutes that is not to be exceeded; 0: the contract power"),
	FEMS_PATH(struct site_part, tariff, "", "File of the tariff"),
	FEMS_KEYS_END
};
static const struct fems_key plan_keys[] = {
	FEMS_DURATION(struct plan_part, horizon, "24h", 15 * 60e6, 14 * 86400e6,
		      "How far ahead orders are planned"),
	FEMS_DURATION(struct plan_part, budget, "2s", 50e3, 600e6, "Time for one search"), FEMS_KEYS_END
};
static const struct fems_key store_keys[] = {
	FEMS_PATH(struct store_part, dir, "/var/lib/fems", "Directory of the store"),
	FEMS_DURATION(struct store_part, commit, "1s", 10e3, 60e6, "Real time between commits of samples"),
	FEMS_DURATION(struct store_part, keep_raw, "0s", 0, 36500 * 86400e6,
		      "Raw samples are kept this long; 0s: for ever"),
	FEMS_KEYS_END
};
static const struct fems_key battery_keys[] = {
	FEMS_STR(struct battery_part, meter, NULL, "Meter of the battery"),
	FEMS_STR(struct battery_part, setpoint, "", "Point of its power set-point; positive charges"),
	FEMS_ENERGY(struct battery_part, capacity, NULL, 1, MAX_ENERGY_WH, "Energy that it can hold"),
	FEMS_POWER(struct battery_part, power, NULL, 1, SITE_MAX_POWER_W,
		   "Largest power of charge and discharge"),
	FEMS_NUM(struct battery_part, efficiency, "90", 1, 100, "%", "Of a round trip"),
	FEMS_KEYS_END
};

static const char *const sections[] = { "site",  "plan",    "store",   "meters", "machines",
					"loads", "battery", "plugins", NULL };
const char *const site_settings_keys[] = { "site",    "plan",    "store",  "meters", "machines", "loads",
					   "battery", "plugins", "socket", "log",    NULL };
static const char *const battery_limits[] = { "min", "max", NULL };

/* ---- strings that live as long as the settings ---- */

bool reader_no_memory(struct reader *r)
{
	conf_error(r->faults, NULL, "out of memory for the settings of the site");
	r->failed = true;
	return false;
}

bool reader_fill(struct reader *r, const struct conf_node *map, const struct fems_key *keys, void *dst,
		 size_t size, const char *what, const char *const *also)
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
		return reader_no_memory(r);
	}
	s->filled = more;
	s->filled[s->n_filled++] = filled;
	return true;
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

	if (!reader_fill(r, node, site_keys, &p, sizeof p, "site", NULL))
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
			   "site: currency is \"%.20s\"; expected three capital letters, such as KRW",
			   p.currency);
		r->failed = true;
	}
	read_zone(r, p.timezone, conf_get(node, "timezone") ?: node);
}

static void read_plan_and_store(struct reader *r)
{
	struct site_settings *s = r->s;
	struct plan_part plan;
	struct store_part store;

	if (reader_fill(r, conf_get(s->root, "plan"), plan_keys, &plan, sizeof plan, "plan", NULL)) {
		s->site.horizon_us = plan.horizon;
		s->site.plan_budget_us = plan.budget;
	}
	if (reader_fill(r, conf_get(s->root, "store"), store_keys, &store, sizeof store, "store", NULL))
		s->store = (struct store_options){ .dir = store.dir,
						   .commit_us = store.commit,
						   .keep_raw_us = store.keep_raw };
}

/* Energy, or a share of the capacity ("10 %"); otherwise when it is not given. */
static int64_t battery_limit(struct reader *r, const struct conf_node *battery, const char *key,
			     int64_t capacity_wh, int64_t otherwise)
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

	if (!node || conf_is_null(node) ||
	    !reader_fill(r, node, battery_keys, &p, sizeof p, "battery", battery_limits))
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

	if (reader_fill(r, s->root, top_keys, &top, sizeof top, "", sections)) {
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
		reader_no_memory(&r);
		return NULL;
	}
	r.s->root = conf_root(doc);
	if (conf_kind(r.s->root) == CONF_MAP) {
		read_top(&r);
		read_site(&r);
		read_plan_and_store(&r);
		site_items_read(&r);
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
		{ "site:\n", site_keys, 2 },
		{ "\nplan:\n", plan_keys, 2 },
		{ "\nstore:\n", store_keys, 2 },
		{ "\n", top_keys, 0 },
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
