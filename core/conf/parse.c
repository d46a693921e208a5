/* SPDX-License-Identifier: Apache-2.0
 *
 * YAML events of libfyaml to nodes. The tree is our own and not a fy_document: it must keep the place
 * of every key and value, tell double keys with both places and bound what aliases expand to.
 */
#include "config.h"
#include "core/conf/node.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

#define BYTES_PER_WEIGHT 64 /* long texts count for more, lest aliases multiply them */

struct frame { /* a mapping or sequence that is being read */
	struct conf_node *node;
	const char *anchor;
	struct conf_node **items;
	const char **keys;
	size_t n, cap;
	const char *key; /* waits for its value */
	size_t key_pos;
};

struct anchor {
	const char *name;
	const struct conf_node *node;
};

struct parse {
	struct conf_doc *doc;
	struct conf_source *src;
	struct faults *faults;
	struct frame stack[CONF_MAX_DEPTH];
	size_t depth;
	struct anchor *anchors;
	size_t n_anchors, n_nodes, n_documents;
	bool failed; /* go on to find more, but there will be no document */
	bool abandoned;
	struct text said; /* what libfyaml prints instead of collecting */
};

static void give_up(struct parse *p, size_t pos, const char *why)
{
	fault_add(p->faults, false, p->src, pos, "%s", why);
	p->failed = p->abandoned = true;
}

static void no_memory(struct parse *p)
{
	fault_no_memory(p->faults);
	p->failed = p->abandoned = true;
}

/* ---- texts and places of tokens ---- */

static size_t clip(const struct parse *p, size_t pos)
{
	return pos < p->src->len ? pos : p->src->len;
}

static size_t token_pos(const struct parse *p, struct fy_token *t, size_t otherwise)
{
	const struct fy_mark *m = t ? fy_token_start_mark(t) : NULL;

	return m ? clip(p, m->input_pos) : otherwise;
}

static char *token_text(struct parse *p, struct fy_token *t, size_t *len)
{
	const char *s = t ? fy_token_get_text(t, len) : NULL;
	char *copy;

	if (!s)
		*len = 0;
	copy = arena_copy(&p->doc->arena, s, *len);
	if (!copy)
		no_memory(p);
	return copy;
}

/* ---- nodes ---- */

static struct conf_node *node_new(struct parse *p, enum conf_kind kind, size_t pos)
{
	struct conf_node *n;

	if (++p->n_nodes > CONF_MAX_NODES) {
		give_up(p, pos, "more than 200000 values in one file; split it into files in conf.d");
		return NULL;
	}
	n = arena_get(&p->doc->arena, sizeof *n);
	if (!n) {
		no_memory(p);
		return NULL;
	}
	n->src = p->src;
	n->kind = kind;
	n->pos = n->end = pos;
	n->text = (char *)"";
	n->weight = n->height = 1;
	return n;
}

static void remember(struct parse *p, const char *name, const struct conf_node *n)
{
	if (!name)
		return;
	if (p->n_anchors == CONF_MAX_ANCHORS) {
		give_up(p, n->pos, "more than 1000 anchors (&name) in one file");
		return;
	}
	p->anchors[p->n_anchors++] = (struct anchor){ name, n };
}

static bool frame_grow(struct frame *f)
{
	size_t cap = f->cap ? 2 * f->cap : 16;
	struct conf_node **items = realloc(f->items, cap * sizeof *items);
	const char **keys;

	if (!items)
		return false;
	f->items = items;
	keys = realloc(f->keys, cap * sizeof *keys);
	if (!keys)
		return false;
	f->keys = keys;
	f->cap = cap;
	return true;
}

/* Puts a finished node where it belongs: the root, a list, or behind its key. */
static void attach(struct parse *p, struct conf_node *n)
{
	struct frame *f = p->depth ? &p->stack[p->depth - 1] : NULL;

	if (!f) {
		p->doc->root = n;
		return;
	}
	if (f->n == f->cap && !frame_grow(f)) {
		no_memory(p);
		return;
	}
	f->keys[f->n] = f->key;
	f->items[f->n++] = n;
	if (f->key) {
		n->has_key = true;
		n->key_pos = f->key_pos;
		f->key = NULL;
	}
}

static bool wants_key(const struct parse *p)
{
	return p->depth && p->stack[p->depth - 1].node->kind == CONF_MAP && !p->stack[p->depth - 1].key;
}

/* ---- double keys ---- */

struct entry {
	const char *key;
	size_t i;
};

static int by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = strcmp(x->key, y->key);

	return c ? c : (x->i > y->i) - (x->i < y->i);
}

static void tell_double(struct parse *p, const struct conf_node *first, const struct conf_node *second,
			const char *key)
{
	int line, col;

	source_where(first->src, first->key_pos, &line, &col);
	fault_at_key(p->faults, second,
		     "\"%s\" stands twice; it is already set at %s:%d:%d; remove one of them", key,
		     first->src->name, line, col);
	p->failed = true;
}

static void check_double(struct parse *p, const struct conf_node *map)
{
	struct entry *e = calloc(map->count + 1, sizeof *e);
	size_t i;

	if (!e) {
		no_memory(p);
		return;
	}
	for (i = 0; i < map->count; i++)
		e[i] = (struct entry){ map->keys[i], i };
	qsort(e, map->count, sizeof *e, by_key);
	for (i = 1; i < map->count; i++)
		if (!strcmp(e[i].key, e[i - 1].key))
			tell_double(p, map->items[e[i - 1].i], map->items[e[i].i], e[i].key);
	free(e);
}

/* ---- events ---- */

/* The anchor's name; a tag would make types, which come from the settings' tables alone. */
static const char *properties(struct parse *p, struct fy_token *anchor, struct fy_token *tag, size_t pos)
{
	size_t len;

	if (tag) {
		fault_add(p->faults, false, p->src, token_pos(p, tag, pos),
			  "a tag (!name) is not used in settings; remove it");
		p->failed = true;
	}
	return anchor ? token_text(p, anchor, &len) : NULL;
}

static void on_key(struct parse *p, struct frame *f, struct fy_token *value, size_t pos)
{
	size_t len;
	char *text = token_text(p, value, &len);

	if (text && memchr(text, 0, len))
		give_up(p, pos, "a name with a NUL character");
	f->key = text;
	f->key_pos = pos;
}

/* Where an empty value stands: at its key. */
static size_t here(const struct parse *p)
{
	return p->depth ? p->stack[p->depth - 1].key_pos : 0;
}

static void on_scalar(struct parse *p, const struct fy_event_scalar_data *ev)
{
	enum fy_scalar_style style = ev->value ? fy_token_scalar_style(ev->value) : FYSS_PLAIN;
	size_t pos = token_pos(p, ev->value, here(p)), len;
	const struct fy_mark *end = ev->value ? fy_token_end_mark(ev->value) : NULL;
	const char *anchor = properties(p, ev->anchor, ev->tag, pos);
	struct conf_node *n;

	if (pos > 0 && (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED))
		pos--; /* libfyaml's mark is behind the quote */
	if (wants_key(p)) {
		on_key(p, &p->stack[p->depth - 1], ev->value, pos);
		return;
	}
	n = node_new(p, CONF_SCALAR, pos);
	if (!n)
		return;
	n->plain = style == FYSS_PLAIN;
	n->text = token_text(p, ev->value, &len);
	if (!n->text)
		return;
	if (memchr(n->text, 0, len))
		give_up(p, pos, "a text with a NUL character");
	if (end && len)
		n->end = clip(p, end->input_pos);
	n->weight += len / BYTES_PER_WEIGHT;
	remember(p, anchor, n);
	attach(p, n);
}

static void on_alias(struct parse *p, struct fy_token *t)
{
	size_t pos = token_pos(p, t, here(p)), len, i = p->n_anchors;
	const char *name = token_text(p, t, &len);
	struct conf_node *n;

	pos -= pos > 0; /* the star */
	if (!name)
		return;
	if (wants_key(p)) {
		give_up(p, pos, "an alias (*name) cannot name a setting");
		return;
	}
	while (i > 0 && strcmp(p->anchors[i - 1].name, name))
		i--;
	n = node_new(p, CONF_SCALAR, pos);
	if (!n)
		return;
	if (i > 0) {
		*n = *p->anchors[i - 1].node;
		n->pos = pos;
		n->has_key = false;
	} else {
		fault_add(p->faults, false, p->src, pos, "no anchor \"&%s\" before this place", name);
		p->failed = true;
	}
	attach(p, n);
}

static void on_start(struct parse *p, enum conf_kind kind, struct fy_token *start, struct fy_token *anchor,
		     struct fy_token *tag)
{
	size_t pos = token_pos(p, start, here(p));
	const char *name = properties(p, anchor, tag, pos);
	struct conf_node *n;

	if (wants_key(p)) {
		give_up(p, pos, "the name of a setting is a text, not a list or a mapping");
		return;
	}
	if (p->depth == CONF_MAX_DEPTH) {
		give_up(p, pos, "more than 32 levels deep");
		return;
	}
	n = node_new(p, kind, pos);
	if (n)
		p->stack[p->depth++] = (struct frame){ .node = n, .anchor = name };
}

/* Weight and height of a node from those of its items. */
static void sum_up(struct parse *p, struct conf_node *n)
{
	size_t i;

	for (i = 0; i < n->count; i++) {
		n->weight += n->items[i]->weight;
		if (n->height <= n->items[i]->height)
			n->height = n->items[i]->height + 1;
	}
	if (n->weight > CONF_MAX_NODES)
		give_up(p, n->pos, "aliases (*name) expand to more than 200000 values");
	if (n->height > CONF_MAX_DEPTH)
		give_up(p, n->pos, "aliases (*name) make more than 32 levels");
}

static void on_end(struct parse *p)
{
	struct frame *f = &p->stack[--p->depth];
	struct conf_node *n = f->node;
	size_t bytes = f->n * sizeof *f->items;

	n->count = f->n;
	n->items = f->n ? (struct conf_node **)arena_copy(&p->doc->arena, f->items, bytes) : NULL;
	n->keys = f->n ? (const char **)arena_copy(&p->doc->arena, f->keys, bytes) : NULL;
	free(f->items);
	free(f->keys);
	if (f->n && (!n->items || !n->keys)) {
		n->count = 0;
		no_memory(p);
		return;
	}
	sum_up(p, n);
	if (n->kind == CONF_MAP)
		check_double(p, n);
	remember(p, f->anchor, n);
	attach(p, n);
}

static void on_event(struct parse *p, struct fy_event *ev)
{
	const struct fy_mark *m = fy_event_start_mark(ev);

	switch (ev->type) {
	case FYET_DOCUMENT_START:
		if (++p->n_documents > 1)
			give_up(p, m ? clip(p, m->input_pos) : 0,
				"a second document (---); one file holds one");
		break;
	case FYET_SCALAR:
		on_scalar(p, &ev->scalar);
		break;
	case FYET_ALIAS:
		on_alias(p, ev->alias.anchor);
		break;
	case FYET_MAPPING_START:
		on_start(p, CONF_MAP, ev->mapping_start.mapping_start, ev->mapping_start.anchor,
			 ev->mapping_start.tag);
		break;
	case FYET_SEQUENCE_START:
		on_start(p, CONF_SEQ, ev->sequence_start.sequence_start, ev->sequence_start.anchor,
			 ev->sequence_start.tag);
		break;
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		on_end(p);
		break;
	default:
		break;
	}
}

/* ---- syntax faults ---- */

static void tell_all(struct parse *p, struct fy_diag *diag)
{
	struct fy_diag_error *e;
	void *at = NULL;
	bool any = false;

	while ((e = fy_diag_errors_iterate(diag, &at))) {
		if (e->type != FYET_ERROR || any)
			continue; /* what follows the first one comes from it */
		any = true;
		syntax_fault(p->faults, p->src, e->msg, e->line, e->column);
	}
	if (!any)
		fault_add(p->faults, false, p->src, 0, "this is not YAML: %.200s",
			  p->said.ptr ? p->said.ptr : "no reason given");
	p->failed = true;
}

static void on_output(struct fy_diag *diag, void *ctx, const char *text, size_t len)
{
	struct parse *p = ctx;

	(void)diag;
	text_add_n(&p->said, text, len && text[len - 1] == '\n' ? len - 1 : len);
}

/* ---- one file ---- */

static void run(struct parse *p, struct fy_parser *parser, struct fy_diag *diag)
{
	struct fy_event *ev;

	if (fy_parser_set_string(parser, p->src->text, p->src->len)) {
		no_memory(p);
		return;
	}
	while (!p->abandoned && (ev = fy_parser_parse(parser))) {
		on_event(p, ev);
		fy_parser_event_free(parser, ev);
	}
	if (!p->abandoned && (fy_parser_get_stream_error(parser) || fy_diag_got_error(diag)))
		tell_all(p, diag);
}

static void run_parser(struct parse *p)
{
	struct fy_diag_cfg how = {
		.output_fn = on_output, .user = p, .level = FYET_ERROR, .module_mask = ~0u
	};
	struct fy_diag *diag = fy_diag_create(&how);
	struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
				    .diag = diag };
	struct fy_parser *parser = NULL;

	if (diag) {
		fy_diag_set_collect_errors(diag, true);
		parser = fy_parser_create(&cfg);
	}
	if (parser)
		run(p, parser, diag);
	else
		no_memory(p);
	fy_parser_destroy(parser);
	fy_diag_destroy(diag);
}

bool doc_parse(struct conf_doc *doc, struct conf_source *src, struct faults *faults)
{
	struct parse *p = calloc(1, sizeof *p);
	bool ok;

	if (!p || !(p->anchors = calloc(CONF_MAX_ANCHORS, sizeof *p->anchors))) {
		free(p);
		fault_no_memory(faults);
		return false;
	}
	p->doc = doc;
	p->src = src;
	p->faults = faults;
	doc->root = NULL;
	run_parser(p);
	while (p->depth) {
		free(p->stack[--p->depth].items);
		free(p->stack[p->depth].keys);
	}
	if (!p->failed && !doc->root) /* an empty file, or only comments */
		doc->root = node_new(p, CONF_MAP, 0);
	if (doc->root && conf_is_null(doc->root))
		doc->root->kind = CONF_MAP;
	ok = !p->failed && doc->root;
	text_free(&p->said);
	free(p->anchors);
	free(p);
	return ok;
}
