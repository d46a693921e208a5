/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/conf/node.h"

#include <string.h>

#include "core/base/text.h"

#define MAX_LISTED 16

/* "a, b, c" of up to MAX_LISTED names. */
static void list_names(struct text *t, const char *const *names, size_t n)
{
	size_t i;

	for (i = 0; i < n && i < MAX_LISTED; i++)
		text_addf(t, "%s%s", i ? ", " : "", names[i]);
	if (n > MAX_LISTED)
		text_add(t, ", ...");
}

void fault_unknown(struct faults *f, const struct conf_node *value, const char *what, const char *key,
		   const char *const *names, size_t n)
{
	const char *near = str_nearest(key, names, n), *sep = what && *what ? ": " : "";
	struct text known = { 0 };

	/* a secret under a misspelt name is a secret still */
	if (near && sounds_secret(near, strlen(near)))
		source_mask(value->src, value->pos, value->end);
	if (near) {
		fault_at_key(f, value, "%s%sno setting called \"%s\"; did you mean \"%s\"?", what ? what : "",
			     sep, key, near);
		return;
	}
	list_names(&known, names, n);
	fault_at_key(f, value, "%s%sno setting called \"%s\"; there %s%s", what ? what : "", sep, key,
		     n ? "are: " : "are none here", known.ptr ? known.ptr : "");
	text_free(&known);
}

bool conf_only(const struct conf_node *map, const char *what, const char *const *names, struct faults *f)
{
	size_t i, k, n;
	bool ok = true;

	if (!map || map->kind != CONF_MAP)
		return true;
	for (n = 0; names[n]; n++)
		;
	for (i = 0; i < map->count; i++) {
		for (k = 0; k < n && strcmp(names[k], map->keys[i]); k++)
			;
		if (k < n)
			continue;
		if (sounds_secret(map->keys[i], strlen(map->keys[i])))
			source_mask(map->items[i]->src, map->items[i]->pos, map->items[i]->end);
		fault_unknown(f, map->items[i], what, map->keys[i], names, n);
		ok = false;
	}
	return ok;
}
