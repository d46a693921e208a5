/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/conf/node.h"

#include <stdlib.h>
#include <string.h>

struct conf_doc *doc_new(struct faults *f)
{
	struct conf_doc *doc = calloc(1, sizeof *doc);

	if (!doc)
		fault_no_memory(f);
	return doc;
}

bool doc_keep(struct conf_doc *doc, struct conf_source *s)
{
	struct conf_source **more = realloc(doc->sources, (doc->n_sources + 1) * sizeof *more);

	if (!more) {
		source_free(s);
		return false;
	}
	doc->sources = more;
	s->rank = (unsigned)doc->n_sources;
	s->arena = &doc->arena;
	doc->sources[doc->n_sources++] = s;
	return true;
}

void conf_free(struct conf_doc *doc)
{
	size_t i;

	if (!doc)
		return;
	for (i = 0; i < doc->n_sources; i++)
		source_free(doc->sources[i]);
	free(doc->sources);
	arena_free(&doc->arena);
	free(doc);
}

const char *node_resolve(struct conf_node *n)
{
	if (!n->resolved)
		n->resolved = path_join(n->src->arena, n->src->dir, n->text);
	return n->resolved;
}

static struct conf_doc *from_source(struct conf_source *src, struct faults *f)
{
	struct conf_doc *doc;

	if (!src)
		return NULL;
	doc = doc_new(f);
	if (!doc) {
		source_free(src);
		return NULL;
	}
	if (!doc_keep(doc, src)) {
		fault_no_memory(f);
	} else if (doc_parse(doc, src, f)) {
		return doc;
	}
	conf_free(doc);
	return NULL;
}

struct conf_doc *conf_parse(const char *text, size_t len, const char *name, const char *dir, struct faults *f)
{
	/* a text from memory has no file that could keep others from reading it */
	return from_source(source_new(text, len, name, dir, 0777, f), f);
}

struct conf_doc *conf_load(const char *path, struct faults *f)
{
	return from_source(source_load(path, f), f);
}

const struct conf_node *conf_root(const struct conf_doc *doc)
{
	return doc->root;
}

enum conf_kind conf_kind(const struct conf_node *n)
{
	return n->kind;
}

const struct conf_node *conf_get(const struct conf_node *map, const char *key)
{
	size_t i;

	if (!map || map->kind != CONF_MAP)
		return NULL;
	for (i = 0; i < map->count; i++)
		if (!strcmp(map->keys[i], key))
			return map->items[i];
	return NULL;
}

size_t conf_count(const struct conf_node *n)
{
	return n ? n->count : 0;
}

const struct conf_node *conf_item(const struct conf_node *seq, size_t i)
{
	return seq && seq->kind == CONF_SEQ && i < seq->count ? seq->items[i] : NULL;
}

const struct conf_node *conf_pair(const struct conf_node *map, size_t i, const char **key)
{
	if (!map || map->kind != CONF_MAP || i >= map->count)
		return NULL;
	if (key)
		*key = map->keys[i];
	return map->items[i];
}

const char *conf_text(const struct conf_node *n)
{
	return n && n->kind == CONF_SCALAR ? n->text : "";
}

bool conf_is_null(const struct conf_node *n)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	size_t i;

	if (!n || n->kind != CONF_SCALAR || !n->plain)
		return !n;
	for (i = 0; i < sizeof nulls / sizeof nulls[0]; i++)
		if (!strcmp(n->text, nulls[i]))
			return true;
	return false;
}

void conf_where(const struct conf_node *n, const char **file, int *line, int *col)
{
	*file = n->src->name;
	source_where(n->src, n->pos, line, col);
}
