/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/conf/node.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"

/* What pages change lies in this file: it and later ones may replace a value of an earlier one. */
#define REPLACING_FROM "90-pages.yaml"

struct merge {
	struct conf_doc *doc;
	struct faults *faults;
	bool replacing;
	bool failed;
};

static const char *kind_name(enum conf_kind k)
{
	static const char *const names[] = { "a value", "a mapping", "a list" };

	return names[k];
}

static void tell_conflict(struct merge *m, const struct conf_node *old, const struct conf_node *new,
			  const char *key)
{
	int line, col;

	source_where(old->src, old->has_key ? old->key_pos : old->pos, &line, &col);
	m->failed = true;
	if (old->kind != new->kind)
		fault_at_key(m->faults, new, "\"%s\" is %s here and %s at %s:%d:%d", key,
			     kind_name(new->kind), kind_name(old->kind), old->src->name, line, col);
	else
		fault_at_key(m->faults, new, "\"%s\" is already set at %s:%d:%d; remove one of them", key,
			     old->src->name, line, col);
}

/* Room for n more items behind those of a node. */
static bool widen(struct merge *m, struct conf_node *n, size_t more)
{
	size_t total = n->count + more;
	struct conf_node **items = arena_get(&m->doc->arena, (total + 1) * sizeof *items);
	const char **keys = arena_get(&m->doc->arena, (total + 1) * sizeof *keys);

	if (!items || !keys) {
		fault_no_memory(m->faults);
		m->failed = true;
		return false;
	}
	if (n->count) {
		memcpy(items, n->items, n->count * sizeof *items);
		memcpy(keys, n->keys, n->count * sizeof *keys);
	}
	n->items = items;
	n->keys = keys;
	return true;
}

static void append(struct merge *m, struct conf_node *seq, const struct conf_node *more)
{
	if (!widen(m, seq, more->count))
		return;
	if (more->count)
		memcpy(seq->items + seq->count, more->items, more->count * sizeof *seq->items);
	seq->count += more->count;
}

static void join(struct merge *m, struct conf_node *map, const struct conf_node *more);

/* A node of the same content that may be changed without changing an alias of it. */
static struct conf_node *own_copy(struct merge *m, const struct conf_node *n)
{
	struct conf_node *copy = arena_get(&m->doc->arena, sizeof *copy);

	if (copy) {
		*copy = *n;
	} else {
		fault_no_memory(m->faults);
		m->failed = true;
	}
	return copy;
}

/* *slot and new are values of the same name. */
static void join_value(struct merge *m, struct conf_node **slot, struct conf_node *new, const char *key)
{
	struct conf_node *old = *slot, *copy;

	if (conf_is_null(new))
		return;
	if (conf_is_null(old) || (m->replacing && old->kind == CONF_SCALAR && new->kind == CONF_SCALAR)) {
		*slot = new;
		return;
	}
	if (old->kind == CONF_SCALAR || old->kind != new->kind) {
		tell_conflict(m, old, new, key);
		return;
	}
	copy = own_copy(m, old);
	if (!copy)
		return;
	*slot = copy;
	if (copy->kind == CONF_MAP)
		join(m, copy, new);
	else
		append(m, copy, new);
}

/* Joins mapping `more` into `map`. Not deeper than a document may be. */
static void join(struct merge *m, struct conf_node *map, const struct conf_node *more)
{
	size_t i, k, before = map->count;

	if (!widen(m, map, more->count))
		return;
	for (i = 0; i < more->count; i++) {
		for (k = 0; k < before && strcmp(map->keys[k], more->keys[i]); k++)
			;
		if (k < before) {
			join_value(m, &map->items[k], more->items[i], more->keys[i]);
			continue;
		}
		map->keys[map->count] = more->keys[i];
		map->items[map->count++] = more->items[i];
	}
}

/* Parses one more file and joins it into the root. */
static void add_file(struct merge *m, const char *path)
{
	struct conf_node *root = m->doc->root, *more;
	struct conf_source *src = source_load(path, m->faults);

	if (!src || !doc_keep(m->doc, src) || !doc_parse(m->doc, src, m->faults)) {
		m->failed = true;
		m->doc->root = root;
		return;
	}
	more = m->doc->root;
	m->doc->root = root ? root : more;
	if (more->kind != CONF_MAP) {
		conf_error(m->faults, more,
			   "the file holds %s; expected settings as NAME: VALUE (is a \":\" or the "
			   "space behind it missing?)",
			   more->kind == CONF_SEQ ? "a list" : "one text");
		m->failed = true;
	} else if (root) {
		join(m, root, more);
	}
}

static int is_settings_file(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 5 && !strcmp(d->d_name + n - 5, ".yaml");
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_misnamed(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 4 && !strcmp(d->d_name + n - 4, ".yml");
}

static void free_names(struct dirent **names, int n)
{
	while (n > 0)
		free(names[--n]);
	free(names);
}

static void warn_misnamed(struct merge *m, const char *dir)
{
	struct dirent **names = NULL;
	int i, n = scandir(dir, &names, is_misnamed, by_bytes);

	for (i = 0; i < n; i++)
		fault_add(m->faults, true, NULL, 0, "%s/%s: not read; rename it to end in .yaml", dir,
			  names[i]->d_name);
	free_names(names, n);
}

static void add_dir(struct merge *m, const char *dir)
{
	struct dirent **names = NULL;
	int i, n = scandir(dir, &names, is_settings_file, by_bytes);

	if (n < 0 && errno != ENOENT) {
		fault_add(m->faults, false, NULL, 0, "%s: cannot be read: %s", dir, strerror(errno));
		m->failed = true;
	}
	for (i = 0; i < n; i++) {
		char *path = path_join(&m->doc->arena, dir, names[i]->d_name);

		m->replacing = strcmp(names[i]->d_name, REPLACING_FROM) >= 0;
		if (path)
			add_file(m, path);
		else
			m->failed = true;
	}
	free_names(names, n);
	warn_misnamed(m, dir);
}

struct conf_doc *conf_load_tree(const char *path, struct faults *f)
{
	struct merge m = { .doc = doc_new(f), .faults = f };
	char *dir = path_dir(path), *conf_d;

	if (!m.doc || !dir) {
		conf_free(m.doc);
		free(dir);
		return NULL;
	}
	add_file(&m, path);
	conf_d = path_join(&m.doc->arena, dir, "conf.d");
	if (conf_d)
		add_dir(&m, conf_d);
	free(dir);
	if (!m.failed && m.doc->root && conf_d)
		return m.doc;
	conf_free(m.doc);
	return NULL;
}
