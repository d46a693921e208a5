/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plan/order_rows.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"

static const size_t string_at[] = {
	offsetof(struct store_order, id),
	offsetof(struct store_order, request_id),
	offsetof(struct store_order, schedule_id),
	offsetof(struct store_order, source),
	offsetof(struct store_order, equipment),
	offsetof(struct store_order, product),
	offsetof(struct store_order, segment),
	offsetof(struct store_order, state),
	offsetof(struct store_order, place),
	offsetof(struct store_order, quantity_unit),
	offsetof(struct store_order, plan_equipment),
};

static const char **string_of(struct store_order *o, size_t i)
{
	return (const char **)(void *)((char *)o + string_at[i]);
}

static void row_free(struct store_order *o)
{
	for (size_t i = 0; i < ARRAY_LEN(string_at); i++)
		free((void *)(uintptr_t)*string_of(o, i));
}

bool order_rows_add(struct order_rows *r, const struct store_order *o)
{
	struct store_order copy = *o;
	bool ok = true;

	if (r->n == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 64;
		struct store_order *v = realloc(r->v, cap * sizeof *v);

		if (!v)
			return false;
		r->v = v;
		r->cap = cap;
	}
	for (size_t i = 0; i < ARRAY_LEN(string_at); i++) {
		const char **s = string_of(&copy, i);

		*s = strdup(*s ? *s : "");
		ok = ok && *s;
	}
	if (ok)
		r->v[r->n++] = copy;
	else
		row_free(&copy);
	return ok;
}

void order_rows_free(struct order_rows *r)
{
	for (size_t i = 0; i < r->n; i++)
		row_free(&r->v[i]);
	free(r->v);
	memset(r, 0, sizeof *r);
}

const struct store_order *order_rows_find(const struct order_rows *r, const char *id)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->v[i].id, id))
			return &r->v[i];
	return NULL;
}

struct load {
	struct order_rows *rows;
	bool failed;
};

static bool take_row(void *ctx, const struct store_order *o)
{
	struct load *l = ctx;

	l->failed = !order_rows_add(l->rows, o);
	return !l->failed;
}

enum fems_rc order_rows_load(struct store *s, const char *states, struct order_rows *rows,
			     struct fems_error *e)
{
	struct load l = { rows, false };
	enum fems_rc rc = store_orders(s, states, take_row, &l, e);

	return l.failed ? err_set(e, FEMS_ENOMEM, "out of memory for the orders") : rc;
}

void equipment_each(const char *list, equipment_fn fn, void *ctx)
{
	char id[160];

	while (*list) {
		size_t n = strcspn(list, " ");

		if (n && n < sizeof id) {
			memcpy(id, list, n);
			id[n] = '\0';
			if (!fn(ctx, id))
				return;
		}
		list += n + (list[n] == ' ');
	}
}
