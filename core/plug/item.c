/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/item.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/plug/plug.h"

#define MAX_DEVICES 100000

const char *const plug_item_core_keys[] = { "plugin", "name", "interval", "isolate", NULL };
const char *const plug_meter_core_keys[] = { "name", "plugin", "role", "parent", "label", NULL };

static const struct fems_key no_keys[] = { FEMS_KEYS_END };

/* ---- filling ---- */

static bool fill_own(struct plug_item *it, const struct conf_node *map, struct faults *f)
{
	char what[96];

	it->cfg = calloc(1, it->face->cfg_size + 1);
	if (!it->cfg)
		return false;
	snprintf(what, sizeof what, "plugin \"%s\"", it->name);
	it->filled = conf_fill(map, it->face->keys ? it->face->keys : no_keys, it->cfg, it->face->cfg_size,
			       what, plug_item_core_keys, f);
	return it->filled;
}

static bool fill_device(struct plug_item *it, size_t i, const struct conf_node *map, struct faults *f)
{
	const struct conf_node *name = conf_get(map, "name");
	char what[96];

	snprintf(what, sizeof what, "meter \"%.63s\"", name ? conf_text(name) : "?");
	it->dev_filled[i] = conf_fill(map, it->face->device_keys, it->devices + i * it->face->device_size,
				      it->face->device_size, what, plug_meter_core_keys, f);
	return it->dev_filled[i];
}

bool item_fill(struct plug_item *it, const struct item_source *src, struct faults *f)
{
	bool ok = fill_own(it, src->map, f);

	it->devices = calloc(src->n_meters + 1, it->face->device_size + 1);
	it->dev_filled = calloc(src->n_meters + 1, sizeof *it->dev_filled);
	if (!it->devices || !it->dev_filled)
		return false;
	it->n_devices = src->n_meters;
	for (size_t i = 0; i < src->n_meters; i++)
		ok = fill_device(it, i, src->meters[i], f) && ok;
	it->settings = (struct fems_settings){ sizeof it->settings, it->cfg, { it->devices, it->n_devices } };
	return ok;
}

void item_free(struct plug_item *it)
{
	if (!it)
		return;
	for (size_t i = 0; i < it->n_devices; i++) {
		if (it->dev_filled)
			conf_filled_free(it->dev_filled[i]);
		if (it->dev_texts)
			free(it->dev_texts[i].json);
	}
	conf_filled_free(it->filled);
	free(it->text.json);
	free(it->dev_texts);
	free(it->dev_filled);
	free(it->devices);
	free(it->cfg);
	free(it->effective);
	face_free(it->remote_face);
	free(it);
}

const char *item_device_name(const struct plug_item *it, size_t i)
{
	const char *name; /* the first entry of the table is the string "name" */

	memcpy(&name, it->devices + i * it->face->device_size + it->face->device_keys[0].off, sizeof name);
	return name ? name : "";
}

bool item_has_device(const struct plug_item *it, const char *name)
{
	for (size_t i = 0; i < it->n_devices; i++)
		if (!strcmp(item_device_name(it, i), name))
			return true;
	return false;
}

bool item_same(const struct plug_item *a, const struct plug_item *b)
{
	return !strcmp(a->plugin, b->plugin) && !strcmp(a->path, b->path) && a->isolate == b->isolate &&
	       a->interval_us == b->interval_us && a->effective && b->effective &&
	       !strcmp(a->effective, b->effective);
}

/* ---- as JSON ---- */

static json_t *list_json(const struct fems_key *k, const struct fems_list *list, bool mask)
{
	json_t *a = json_array();

	for (size_t i = 0; i < list->count; i++) {
		const char *item = (const char *)list->items + i * k->sub_size;

		json_array_append_new(a, settings_json(k->sub, item, mask));
	}
	return a;
}

static json_t *strlist_json(const struct fems_list *list)
{
	json_t *a = json_array();
	const char *const *items = list->items;

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(a, json_string(items[i]));
	return a;
}

static json_t *string_json(const char *s, bool mask)
{
	if (!s)
		return json_null();
	return mask && *s ? json_string("********") : json_string(s);
}

static json_t *value_json(const struct fems_key *k, const char *at, bool mask)
{
	union {
		int64_t i;
		double d;
		const char *s;
		struct fems_list list;
	} v;
	bool wide = k->type == FEMS_T_LIST || k->type == FEMS_T_STRLIST;

	memset(&v, 0, sizeof v);
	memcpy(&v, at, wide ? sizeof v.list : sizeof v.i);
	switch ((enum fems_type)k->type) {
	case FEMS_T_BOOL:
		return json_boolean(v.i);
	case FEMS_T_NUM:
		return json_real(v.d);
	case FEMS_T_STR:
	case FEMS_T_PATH:
		return string_json(v.s, false);
	case FEMS_T_SECRET:
		return string_json(v.s, mask);
	case FEMS_T_ENUM:
		return json_string(k->choices[v.i]);
	case FEMS_T_STRLIST:
		return strlist_json(&v.list);
	case FEMS_T_LIST:
		return list_json(k, &v.list, mask);
	default:
		return json_integer(v.i);
	}
}

json_t *settings_json(const struct fems_key *keys, const void *cfg, bool mask)
{
	json_t *o = json_object();

	for (; keys && keys->name; keys++) {
		json_t *v = value_json(keys, (const char *)cfg + keys->off, mask);

		json_object_set_new(o, keys->name, v ? v : json_null());
	}
	return o;
}

json_t *item_json(const struct plug_item *it, bool mask)
{
	json_t *o = settings_json(it->face->keys, it->cfg, mask), *a;

	if (!it->n_devices)
		return o;
	a = json_array();
	for (size_t i = 0; i < it->n_devices; i++)
		json_array_append_new(a, settings_json(it->face->device_keys,
						       it->devices + i * it->face->device_size, mask));
	json_object_set_new(o, "meters", a);
	return o;
}

/* ---- to fems-host ---- */

static bool keep_text(struct item_text *t, const struct conf_node *map)
{
	const char *file = NULL;
	int line, col;

	if (!map)
		return true;
	conf_where(map, &file, &line, &col);
	t->json = conf_json(map);
	return t->json && str_copy(t->file, sizeof t->file, file ? file : "");
}

bool item_keep_texts(struct plug_item *it, const struct item_source *src)
{
	bool ok = keep_text(&it->text, src->map);

	it->dev_texts = calloc(src->n_meters + 1, sizeof *it->dev_texts);
	if (!it->dev_texts)
		return false;
	for (size_t i = 0; ok && i < src->n_meters; i++)
		ok = keep_text(&it->dev_texts[i], src->meters[i]);
	return ok;
}

static void pack_text(struct text *t, const struct item_text *from)
{
	wire_str(t, from->json);
	wire_str(t, from->file);
}

void item_pack(struct text *t, const struct plug_item *it)
{
	wire_str(t, it->name);
	pack_text(t, &it->text);
	wire_u32(t, (uint32_t)it->n_devices);
	for (size_t i = 0; i < it->n_devices; i++)
		pack_text(t, &it->dev_texts[i]);
}

static struct conf_doc *parse_text(struct wire_in *in, struct faults *f)
{
	struct fems_span json = wire_get_bytes(in);
	const char *file = wire_get_text(in), *slash = strrchr(file, '/');
	char dir[PATH_MAX] = ".";

	if (slash)
		snprintf(dir, sizeof dir, "%.*s", slash == file ? 1 : (int)(slash - file), file);
	return json.ptr ? conf_parse(json.ptr, json.len, file, dir, f) : NULL;
}

static enum fems_rc unpack_docs(struct wire_in *in, struct plug_item *it, struct conf_doc **docs, size_t n,
				struct faults *f, struct fems_error *e)
{
	struct item_source src = { .n_meters = n };
	bool ok;

	src.meters = calloc(n + 1, sizeof *src.meters);
	if (!src.meters)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		docs[i + 1] = parse_text(in, f);
		src.meters[i] = docs[i + 1] ? conf_root(docs[i + 1]) : NULL;
		in->bad = in->bad || !src.meters[i];
	}
	src.map = docs[0] ? conf_root(docs[0]) : NULL;
	ok = !in->bad && !faults_errors(f) && item_fill(it, &src, f);
	free(src.meters);
	return ok ? FEMS_OK
		  : err_set(e, FEMS_EINVAL, "%s", faults_errors(f) ? faults_at(f, 0) : "damaged settings");
}

enum fems_rc item_unpack(struct wire_in *in, struct plug_item *it, struct fems_error *e)
{
	struct faults *f = faults_new();
	struct conf_doc *own, **docs = NULL;
	enum fems_rc rc = FEMS_ENOMEM;
	uint32_t n;

	(void)str_copy(it->name, sizeof it->name, wire_get_text(in));
	own = parse_text(in, f);
	n = wire_get_u32(in);
	if (n && (n > MAX_DEVICES || !it->face->device_keys))
		in->bad = true;
	n = in->bad ? 0 : n;
	docs = calloc((size_t)n + 1, sizeof(struct conf_doc *));
	if (docs) {
		docs[0] = own;
		rc = unpack_docs(in, it, docs, n, f, e);
	} else {
		conf_free(own);
	}
	for (uint32_t i = 0; docs && i <= n; i++)
		conf_free(docs[i]);
	free(docs);
	faults_free(f);
	return rc;
}
