/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/plug.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/plug/module.h"
#include "core/plug/plugs.h"
#include "core/plug/proxy.h"

#define MIN_INTERVAL_US (US_PER_S / 100)
#define MAX_INTERVAL_US US_PER_DAY
#define CHECK_US        (5 * US_PER_S)

/* An instance on its way from the settings to an item. */
struct draft {
	char name[64];
	const struct conf_node *map; /* NULL: only meters name it */
	struct item_source src;
	bool bad; /* reported already */
};

struct reading {
	struct plugs *plugs;
	struct faults *faults;
	struct draft *drafts;
	size_t n, cap;
	bool failed; /* out of memory */
};

static struct draft *draft_find(struct reading *r, const char *name)
{
	for (size_t k = 0; k < r->n; k++)
		if (!strcmp(r->drafts[k].name, name))
			return &r->drafts[k];
	return NULL;
}

static struct draft *draft_add(struct reading *r, const char *name, const struct conf_node *map)
{
	struct draft *d;

	if (r->n == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 16;

		d = realloc(r->drafts, cap * sizeof *d);
		if (!d) {
			r->failed = true;
			return NULL;
		}
		r->drafts = d;
		r->cap = cap;
	}
	d = &r->drafts[r->n++];
	*d = (struct draft){ .map = map };
	(void)str_copy(d->name, sizeof d->name, name);
	d->src.map = map;
	return d;
}

/* ---- names ---- */

/* The name is a directory, a service and an owner of points. */
static bool name_check(struct reading *r, const struct conf_node *at, const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	if (n && !name[n] && n < sizeof((struct draft *)0)->name && name[0] != '-')
		return true;
	conf_error(r->faults, at,
		   "\"%.80s\" cannot name a plugin's instance; want 1 to 63 of a-z, 0-9, - and _", name);
	return false;
}

/* "/usr/lib/x/meter-sim.so" and "meter-sim" -> "meter-sim". */
static void base_name(const char *plugin, char *out, size_t cap)
{
	const char *slash = strrchr(plugin, '/'), *base = slash ? slash + 1 : plugin;
	size_t n = strlen(base);

	if (n > 3 && !strcmp(base + n - 3, ".so"))
		n -= 3;
	snprintf(out, cap, "%.*s", n < 200 ? (int)n : 200, base);
}

static void read_plugin(struct reading *r, const struct conf_node *map)
{
	const struct conf_node *plugin, *name;
	char base[256];
	const char *text;

	if (conf_kind(map) != CONF_MAP) {
		conf_error(r->faults, map, "want a mapping with at least \"plugin: NAME\"");
		return;
	}
	plugin = conf_get(map, "plugin");
	if (!plugin || !*conf_text(plugin)) {
		conf_error(r->faults, plugin ? plugin : map,
			   "setting \"plugin\" is required (name or path of the plugin)");
		return;
	}
	base_name(conf_text(plugin), base, sizeof base);
	name = conf_get(map, "name");
	text = name ? conf_text(name) : base;
	if (!name_check(r, name ? name : plugin, text))
		return;
	if (draft_find(r, text))
		conf_error(r->faults, name ? name : plugin,
			   "a second plugin is called \"%s\"; give one of them another "
			   "\"name\"",
			   text);
	else
		draft_add(r, text, map);
}

static bool meter_is_double(struct reading *r, const struct conf_node *meters, size_t at, const char *name)
{
	for (size_t k = 0; k < at; k++) {
		const struct conf_node *other = conf_kind(conf_item(meters, k)) == CONF_MAP
							? conf_get(conf_item(meters, k), "name")
							: NULL;

		if (!other || strcmp(conf_text(other), name))
			continue;
		conf_error(r->faults, conf_get(conf_item(meters, at), "name"),
			   "a second meter is called \"%s\"", name);
		return true;
	}
	return false;
}

static void read_meter(struct reading *r, const struct conf_node *meters, size_t at)
{
	const struct conf_node *map = conf_item(meters, at), *plugin, *name, **more;
	struct draft *d;

	if (conf_kind(map) != CONF_MAP) {
		conf_error(r->faults, map, "want a mapping with at least \"name\" and \"plugin\"");
		return;
	}
	plugin = conf_get(map, "plugin");
	name = conf_get(map, "name");
	if (!plugin || !*conf_text(plugin)) {
		conf_error(r->faults, plugin ? plugin : map,
			   "meter \"%.63s\": setting \"plugin\" is required (the plugin "
			   "that reads it)",
			   name ? conf_text(name) : "?");
		return;
	}
	if ((name && meter_is_double(r, meters, at, conf_text(name))))
		return;
	d = draft_find(r, conf_text(plugin));
	if (!d && name_check(r, plugin, conf_text(plugin)))
		d = draft_add(r, conf_text(plugin), NULL);
	if (!d)
		return;
	more = realloc(d->src.meters, (d->src.n_meters + 1) * sizeof *more);
	if (!more) {
		r->failed = true;
		return;
	}
	d->src.meters = more;
	more[d->src.n_meters++] = map;
}

/* ---- from a draft to an item ---- */

static const struct conf_node *place(const struct draft *d)
{
	const struct conf_node *map = d->map ? d->map : d->src.meters[0], *plugin = conf_get(map, "plugin");

	return plugin ? plugin : map;
}

static enum fems_rc locate(struct reading *r, const struct draft *d, struct plug_item *it,
			   struct fems_error *e)
{
	const char *plugin = d->map ? conf_text(conf_get(d->map, "plugin")) : d->name;
	struct fems_note note;
	enum fems_rc rc = module_find(plugin, r->plugs->plugin_dir, it->path, sizeof it->path, e);

	if (!rc)
		rc = module_inspect(it->path, &note, e);
	if (rc)
		return rc;
	if (!strchr(plugin, '/') && strcmp(note.name, plugin))
		return err_set(e, FEMS_EINVAL,
			       "%s: the file holds the plugin \"%s\", not \"%s\"; name file and plugin "
			       "alike",
			       it->path, note.name, plugin);
	(void)str_copy(it->plugin, sizeof it->plugin, note.name);
	return FEMS_OK;
}

/* The plugin's face: from the file, or from a process of its own that *body then is. */
static enum fems_rc meet(struct reading *r, struct plug_item *it, struct plug_body **body,
			 struct fems_error *e)
{
	struct proxy_options o = { .host_path = r->plugs->host_path, .name = it->name };
	struct plug_local *l;
	struct plug_module *m;
	enum fems_rc rc;

	if (it->isolate) {
		rc = proxy_new(&o, body, e);
		if (!rc)
			rc = proxy_load(*body, it->path, &it->remote_face, e);
		it->face = it->remote_face;
		return rc;
	}
	rc = plug_load(it->path, NULL, &m, e);
	if (rc)
		return rc;
	l = calloc(1, sizeof *l);
	if (!l)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	it->plugin_desc = plug_module_descriptor(m);
	face_of(it->plugin_desc, &it->own_face);
	it->face = &it->own_face;
	local_init(l, it->plugin_desc, NULL);
	*body = &l->body;
	return FEMS_OK;
}

/* Where to report what check() says: at the meter it names, else at the plugin. */
static const struct conf_node *at_fault(const struct draft *d, const struct plug_item *it,
					const struct fems_error *e)
{
	for (size_t k = 0; k < it->n_devices; k++) {
		char quoted[80];

		snprintf(quoted, sizeof quoted, "\"%.63s\"", item_device_name(it, k));
		if (strstr(e->text, quoted))
			return d->src.meters[k];
	}
	return d->map ? d->map : d->src.n_meters == 1 ? d->src.meters[0] : place(d);
}

static void ask_check(struct reading *r, const struct draft *d, struct plug_item *it, struct plug_body *body)
{
	struct plug_call c = { .op = OP_CHECK, .budget_us = CHECK_US, .item = it };
	char what[96];

	if (!face_offers(it->face, OP_CHECK) || !body->call(body, &c))
		return;
	snprintf(what, sizeof what, "plugin \"%s\"", it->name);
	conf_plugin_fault(r->faults, at_fault(d, it, &c.error), what, &c.error);
}

static bool read_core_keys(struct reading *r, const struct draft *d, struct plug_item *it)
{
	const struct conf_node *interval = d->map ? conf_get(d->map, "interval") : NULL;
	const struct conf_node *isolate = d->map ? conf_get(d->map, "isolate") : NULL;
	bool ok = !isolate || conf_as_bool(isolate, "isolate", &it->isolate, r->faults);

	(void)str_copy(it->name, sizeof it->name, d->name);
	if (!interval)
		return ok;
	if (!conf_as_duration(interval, "interval", &it->interval_us, r->faults))
		return false;
	if (it->interval_us >= MIN_INTERVAL_US && it->interval_us <= MAX_INTERVAL_US)
		return ok;
	conf_error(r->faults, interval, "interval: want 10ms to 1d");
	return false;
}

static bool keep_effective(struct plug_item *it)
{
	json_t *o = item_json(it, false);

	it->effective = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	return it->effective;
}

static void fill(struct reading *r, const struct draft *d, struct plug_item *it, struct plug_body *body)
{
	if (d->src.n_meters && (!(it->face->kinds & FEMS_METER) || !it->face->device_keys)) {
		conf_error(r->faults, conf_get(d->src.meters[0], "plugin"),
			   "plugin \"%s\" (%s) reads no meters", it->name, it->plugin);
		return;
	}
	if (!item_fill(it, &d->src, r->faults))
		return;
	if (!keep_effective(it) || (it->isolate && !item_keep_texts(it, &d->src)))
		r->failed = true;
	else
		ask_check(r, d, it, body);
}

static void complete(struct reading *r, const struct draft *d, struct plug_item *it)
{
	struct plug_body *body = NULL;
	struct fems_error e = { .text = "" };

	if (!read_core_keys(r, d, it))
		return;
	if (locate(r, d, it, &e) || meet(r, it, &body, &e))
		conf_error(r->faults, place(d), "plugin \"%s\": %s", d->name, e.text);
	else
		fill(r, d, it, body);
	if (body && body->end(body, US_PER_S))
		body->free(body);
}

static struct plug_set *to_set(struct reading *r)
{
	struct plug_set *set = calloc(1, sizeof *set);

	if (!set)
		return NULL;
	set->items = calloc(r->n + 1, sizeof *set->items);
	for (size_t k = 0; set->items && k < r->n; k++) {
		struct plug_item *it = calloc(1, sizeof *it);

		if (!it) {
			r->failed = true;
			break;
		}
		set->items[set->n++] = it;
		complete(r, &r->drafts[k], it);
	}
	return set;
}

struct plug_set *plug_set_read(struct plugs *p, const struct conf_node *plugins,
			       const struct conf_node *meters, struct faults *f)
{
	struct reading r = { .plugs = p, .faults = f };
	size_t before = faults_errors(f);
	struct plug_set *set;

	if (plugins && conf_kind(plugins) != CONF_SEQ && !conf_is_null(plugins))
		conf_error(f, plugins, "\"plugins\": want a list of plugins, each with \"- plugin: NAME\"");
	if (meters && conf_kind(meters) != CONF_SEQ && !conf_is_null(meters))
		conf_error(f, meters, "\"meters\": want a list of meters, each with \"- name: NAME\"");
	for (size_t k = 0; plugins && conf_kind(plugins) == CONF_SEQ && k < conf_count(plugins); k++)
		read_plugin(&r, conf_item(plugins, k));
	for (size_t k = 0; meters && conf_kind(meters) == CONF_SEQ && k < conf_count(meters); k++)
		read_meter(&r, meters, k);
	set = to_set(&r);
	if (!set || !set->items || r.failed)
		conf_error(f, plugins ? plugins : meters, "out of memory while reading the plugins");
	for (size_t k = 0; k < r.n; k++)
		free(r.drafts[k].src.meters);
	free(r.drafts);
	if (faults_errors(f) == before)
		return set;
	plug_set_free(set);
	return NULL;
}

void plug_set_free(struct plug_set *set)
{
	if (!set)
		return;
	for (size_t k = 0; k < set->n; k++)
		item_free(set->items[k]);
	free(set->items);
	free(set);
}
