/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/conf/node.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/text.h"
#include "core/conf/scalar.h"
#include "core/conf/secret.h"

#define WHAT_BYTES 240

struct conf_filled {
	struct arena arena;
};

struct filler {
	struct arena *mem;
	struct faults *faults;
	const char *dir; /* of the mapping's file, for a path that is a default */
};

/* Each sets the member at `at` from a node, or says why not. */
typedef bool (*fill_fn)(struct filler *, struct conf_node *, const struct fems_key *, const char *what,
			void *at);

static bool fill_map(struct filler *, const struct conf_node *map, const struct fems_key *, char *dst,
		     size_t dst_size, const char *what, const char *const *also);

static bool no_memory(struct filler *x)
{
	fault_no_memory(x->faults);
	return false;
}

/* ---- one value of each type ---- */

static bool fill_bool(struct filler *x, struct conf_node *n, const struct fems_key *k, const char *what,
		      void *at)
{
	bool b;

	(void)k;
	if (!conf_as_bool(n, what, &b, x->faults))
		return false;
	*(int64_t *)at = b;
	return true;
}

static int64_t whole(double v)
{
	return v >= 9.2e18 ? INT64_MAX : v <= -9.2e18 ? INT64_MIN : (int64_t)v;
}

static bool fill_int(struct filler *x, struct conf_node *n, const struct fems_key *k, const char *what,
		     void *at)
{
	bool any = k->min == 0 && k->max == 0;

	return scalar_int_unit(n, what, k->unit, any ? INT64_MIN : whole(k->min),
			       any ? INT64_MAX : whole(k->max), at, x->faults);
}

static bool fill_num(struct filler *x, struct conf_node *n, const struct fems_key *k, const char *what,
		     void *at)
{
	return scalar_num_unit(n, what, k->unit, k->min, k->max, at, x->faults);
}

static bool fill_duration(struct filler *x, struct conf_node *n, const struct fems_key *k, const char *what,
			  void *at)
{
	return scalar_dim(n, what, &dim_duration, k->min, k->max, at, x->faults);
}

static bool fill_power(struct filler *x, struct conf_node *n, const struct fems_key *k, const char *what,
		       void *at)
{
	return scalar_dim(n, what, &dim_power, k->min, k->max, at, x->faults);
}

static bool fill_energy(struct filler *x, struct conf_node *n, const struct fems_key *k, const char *what,
			void *at)
{
	return scalar_dim(n, what, &dim_energy, k->min, k->max, at, x->faults);
}

static bool copy_text(struct filler *x, const char *text, const char **at)
{
	*at = arena_copy(x->mem, text, strlen(text));
	return *at || no_memory(x);
}

static bool is_text(struct filler *x, const struct conf_node *n, const char *what, const char *wanted)
{
	if (n->kind == CONF_SCALAR && !conf_is_null(n))
		return true;
	scalar_fault(x->faults, n, what, wanted, NULL);
	return false;
}

static bool fill_str(struct filler *x, struct conf_node *n, const struct fems_key *k, const char *what,
		     void *at)
{
	(void)k;
	return is_text(x, n, what, "a text") && copy_text(x, n->text, at);
}

static bool fill_path(struct filler *x, struct conf_node *n, const struct fems_key *k, const char *what,
		      void *at)
{
	const char **path = at;

	(void)k;
	if (!is_text(x, n, what, "a path"))
		return false;
	*path = path_join(x->mem, n->src ? n->src->dir : x->dir, n->text);
	return *path && (!n->src || node_resolve(n)) ? true : no_memory(x);
}

static bool fill_secret(struct filler *x, struct conf_node *n, const struct fems_key *k, const char *what,
			void *at)
{
	(void)k;
	return n->src ? secret_read(n, what, x->mem, at, x->faults) : copy_text(x, n->text, at);
}

static void list_choices(struct text *t, const char *const *choices)
{
	size_t i;

	text_add(t, "one of: ");
	for (i = 0; choices[i]; i++)
		text_addf(t, "%s%s", i ? ", " : "", choices[i]);
}

static bool fill_enum(struct filler *x, struct conf_node *n, const struct fems_key *k, const char *what,
		      void *at)
{
	struct text wanted = { 0 };
	char near[120];
	const char *choice;
	size_t i, count;

	for (count = 0; k->choices[count]; count++)
		;
	for (i = 0; n->kind == CONF_SCALAR && i < count; i++)
		if (!strcmp(n->text, k->choices[i])) {
			*(int64_t *)at = (int64_t)i;
			return true;
		}
	choice = *conf_text(n) ? str_nearest(n->text, k->choices, count) : NULL;
	if (choice)
		snprintf(near, sizeof near, "did you mean \"%.80s\"?", choice);
	list_choices(&wanted, k->choices);
	scalar_fault(x->faults, n, what, wanted.ptr ? wanted.ptr : "one of its choices",
		     choice ? near : NULL);
	text_free(&wanted);
	return false;
}

/* ---- lists ---- */

static bool fill_strlist(struct filler *x, struct conf_node *n, const struct fems_key *k, const char *what,
			 void *at)
{
	struct fems_list *list = at;
	const char **items;
	bool ok = true;
	size_t i;

	(void)k;
	if (n->kind != CONF_SEQ) {
		scalar_fault(x->faults, n, what, "a list, such as [a, b]", NULL);
		return false;
	}
	items = arena_get(x->mem, (n->count + 1) * sizeof *items);
	if (!items)
		return no_memory(x);
	for (i = 0; i < n->count; i++)
		ok &= is_text(x, n->items[i], what, "a text") && copy_text(x, n->items[i]->text, &items[i]);
	*list = (struct fems_list){ items, n->count };
	return ok;
}

static bool fill_list(struct filler *x, struct conf_node *n, const struct fems_key *k, const char *what,
		      void *at)
{
	struct fems_list *list = at;
	char item[WHAT_BYTES], *structs;
	bool ok = true;
	size_t i;

	if (n->kind != CONF_SEQ) {
		scalar_fault(x->faults, n, what, "a list of mappings, each beginning with \"- \"", NULL);
		return false;
	}
	structs = arena_get(x->mem, n->count * k->sub_size + 1);
	if (!structs)
		return no_memory(x);
	for (i = 0; i < n->count; i++) {
		snprintf(item, sizeof item, "%s: item %zu", what, i + 1);
		ok &= fill_map(x, n->items[i], k->sub, structs + i * k->sub_size, k->sub_size, item, NULL);
	}
	*list = (struct fems_list){ structs, n->count };
	return ok;
}

/* A default of a list of texts is written with spaces or commas between them. */
static bool default_strlist(struct filler *x, const char *def, struct fems_list *list)
{
	static const char sep[] = " ,";
	const char **items = arena_get(x->mem, (strlen(def) / 2 + 1) * sizeof *items);
	size_t n = 0, len;

	if (!items)
		return no_memory(x);
	for (def += strspn(def, sep); *def; def += strspn(def, sep)) {
		len = strcspn(def, sep);
		items[n] = arena_copy(x->mem, def, len);
		if (!items[n++])
			return no_memory(x);
		def += len;
	}
	*list = (struct fems_list){ items, n };
	return true;
}

static const struct {
	fill_fn fill;
	size_t size;
} types[] = {
	[FEMS_T_BOOL] = { fill_bool, sizeof(int64_t) },
	[FEMS_T_INT] = { fill_int, sizeof(int64_t) },
	[FEMS_T_NUM] = { fill_num, sizeof(double) },
	[FEMS_T_STR] = { fill_str, sizeof(char *) },
	[FEMS_T_SECRET] = { fill_secret, sizeof(char *) },
	[FEMS_T_ENUM] = { fill_enum, sizeof(int64_t) },
	[FEMS_T_DURATION] = { fill_duration, sizeof(int64_t) },
	[FEMS_T_POWER] = { fill_power, sizeof(int64_t) },
	[FEMS_T_ENERGY] = { fill_energy, sizeof(int64_t) },
	[FEMS_T_PATH] = { fill_path, sizeof(char *) },
	[FEMS_T_STRLIST] = { fill_strlist, sizeof(struct fems_list) },
	[FEMS_T_LIST] = { fill_list, sizeof(struct fems_list) },
};

/* ---- one mapping ---- */

/* The default is a text like one from a file, but without a place and without a range. */
static bool fill_default(struct filler *x, const struct fems_key *k, const char *what, void *at)
{
	struct fems_key free_range = *k;
	struct conf_node n = { .kind = CONF_SCALAR, .text = (char *)(uintptr_t)k->def };
	char of[WHAT_BYTES + 32];

	if (k->type == FEMS_T_STRLIST)
		return default_strlist(x, k->def, at);
	if (k->type == FEMS_T_LIST)
		return true;
	free_range.min = free_range.max = 0;
	snprintf(of, sizeof of, "the plugin's default for %s", what);
	return types[k->type].fill(x, &n, &free_range, of, at);
}

static bool check_key(struct filler *x, const struct fems_key *k, size_t dst_size, const char *what)
{
	bool ok = k->type < ARRAY_LEN(types) && k->off + types[k->type].size <= dst_size &&
		  (k->type != FEMS_T_ENUM || k->choices) &&
		  (k->type != FEMS_T_LIST || (k->sub && k->sub_size));

	if (!ok)
		fault_add(x->faults, false, NULL, 0,
			  "%s: the plugin's table of settings is not valid here; rebuild it for this femsd",
			  what);
	return ok;
}

static bool fill_key(struct filler *x, const struct conf_node *map, const struct fems_key *k, char *dst,
		     size_t dst_size, const char *what)
{
	struct conf_node *n = (struct conf_node *)(uintptr_t)conf_get(map, k->name);
	char name[WHAT_BYTES];

	snprintf(name, sizeof name, "%s%s%s", what, *what ? ": " : "", k->name);
	if (!check_key(x, k, dst_size, name))
		return false;
	if (n && !(conf_is_null(n) && k->def))
		return types[k->type].fill(x, n, k, name, dst + k->off);
	if (k->def)
		return fill_default(x, k, name, dst + k->off);
	conf_error(x->faults, map, "%s%ssetting \"%s\" is missing%s%s", what, *what ? ": " : "", k->name,
		   k->help && *k->help ? ": " : "", k->help ? k->help : "");
	return false;
}

/* Secrets first, so that no message shows the line of one. */
static void hide_secrets(const struct conf_node *map, const struct fems_key *keys)
{
	const struct fems_key *k;

	for (k = keys; k->name; k++) {
		struct conf_node *n = (struct conf_node *)(uintptr_t)conf_get(map, k->name);

		if (n && k->type == FEMS_T_SECRET)
			secret_hide(n);
	}
}

static const struct fems_key *find_key(const struct fems_key *keys, const char *name)
{
	while (keys->name && strcmp(keys->name, name))
		keys++;
	return keys->name ? keys : NULL;
}

static bool is_among(const char *const *names, const char *name)
{
	while (*names && strcmp(*names, name))
		names++;
	return *names;
}

static bool check_names(struct filler *x, const struct conf_node *map, const struct fems_key *keys,
			const char *what, const char *const *also)
{
	static const char *const none[] = { NULL };
	const char **names;
	const struct fems_key *near;
	size_t i, n = 0, own, others;
	bool ok = true;

	also = also ? also : none;
	for (own = 0; keys[own].name; own++)
		;
	for (others = 0; also[others]; others++)
		;
	names = calloc(own + others + 1, sizeof *names);
	if (!names)
		return no_memory(x);
	for (i = 0; i < own; i++)
		names[n++] = keys[i].name;
	for (i = 0; i < others; i++)
		if (!find_key(keys, also[i]))
			names[n++] = also[i];
	for (i = 0; i < map->count; i++) {
		if (find_key(keys, map->keys[i]) || is_among(also, map->keys[i]))
			continue;
		near = n ? find_key(keys, str_nearest(map->keys[i], names, n) ?: "") : NULL;
		if ((near && near->type == FEMS_T_SECRET) ||
		    sounds_secret(map->keys[i], strlen(map->keys[i])))
			secret_hide(map->items[i]);
		fault_unknown(x->faults, map->items[i], what, map->keys[i], names, n);
		ok = false;
	}
	free(names);
	return ok;
}

static bool fill_map(struct filler *x, const struct conf_node *map, const struct fems_key *keys, char *dst,
		     size_t dst_size, const char *what, const char *const *also)
{
	const struct fems_key *k;
	bool ok = true;

	if (map && map->kind != CONF_MAP && !conf_is_null(map)) {
		scalar_fault(x->faults, map, *what ? what : "this", "a mapping of NAME: VALUE", NULL);
		return false;
	}
	if (map && map->kind == CONF_MAP) {
		hide_secrets(map, keys);
		ok = check_names(x, map, keys, what, also);
	}
	for (k = keys; k->name; k++)
		ok &= fill_key(x, map, k, dst, dst_size, what);
	return ok;
}

/* ---- for the others ---- */

struct conf_filled *conf_fill(const struct conf_node *map, const struct fems_key *keys, void *dst,
			      size_t dst_size, const char *what, const char *const *also, struct faults *f)
{
	static const struct fems_key no_keys[] = { FEMS_KEYS_END };
	struct conf_filled *filled = calloc(1, sizeof *filled);
	struct filler x = { .faults = f, .dir = map ? map->src->dir : "." };

	if (dst_size)
		memset(dst, 0, dst_size);
	if (!filled) {
		fault_no_memory(f);
		return NULL;
	}
	x.mem = &filled->arena;
	if (fill_map(&x, map, keys ? keys : no_keys, dst, dst_size, what ? what : "", also))
		return filled;
	conf_filled_free(filled);
	if (dst_size)
		memset(dst, 0, dst_size);
	return NULL;
}

void conf_filled_free(struct conf_filled *filled)
{
	if (!filled)
		return;
	arena_free(&filled->arena);
	free(filled);
}

void conf_plugin_fault(struct faults *f, const struct conf_node *map, const char *what,
		       const struct fems_error *e)
{
	const struct conf_node *n = e->key ? conf_get(map, e->key) : NULL;
	const char *sep = what && *what ? ": " : "";

	conf_error(f, n ? n : map, "%s%s%s%s%s", what ? what : "", sep, e->key ? e->key : "",
		   e->key ? ": " : "", e->text);
}
