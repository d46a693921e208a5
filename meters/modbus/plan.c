/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "meters/modbus/plan.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	const struct plan_item *x = a, *y = b;

	if (x->fc != y->fc)
		return x->fc < y->fc ? -1 : 1;
	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return (int)x->words - (int)y->words;
}

/* Request that fetches exactly the items of a run. */
static struct plan_read read_of(const struct plan_item *items, size_t first, size_t n)
{
	unsigned end = 0;

	for (size_t i = first; i < first + n; i++) {
		unsigned e = (unsigned)items[i].addr + items[i].words;

		end = e > end ? e : end;
	}
	return (struct plan_read){ .addr = items[first].addr,
				   .count = (uint16_t)(end - items[first].addr),
				   .first = (uint16_t)first,
				   .n = (uint16_t)n,
				   .fc = items[first].fc };
}

static bool joins(const struct plan_read *r, const struct plan_item *it, unsigned max_registers, unsigned gap)
{
	unsigned end = (unsigned)r->addr + r->count, item_end = (unsigned)it->addr + it->words;
	unsigned new_end = item_end > end ? item_end : end;

	return it->fc == r->fc && it->addr <= end + gap && new_end - r->addr <= max_registers;
}

bool plan_make(struct plan *p, const struct plan_item *items, size_t n, unsigned max_registers, unsigned gap)
{
	memset(p, 0, sizeof *p);
	p->items = calloc(n ? n : 1, sizeof *p->items);
	p->reads = calloc(n ? n : 1, sizeof *p->reads); /* a request has at least one item */
	if (!p->items || !p->reads) {
		plan_free(p);
		return false;
	}
	memcpy(p->items, items, n * sizeof *items);
	qsort(p->items, n, sizeof *p->items, compare);
	for (size_t i = 0; i < n; i++) {
		if (!p->n_items || compare(&p->items[p->n_items - 1], &p->items[i]))
			p->items[p->n_items++] = p->items[i];
	}
	for (size_t i = 0; i < p->n_items; i++) {
		struct plan_read *last = p->n_reads ? &p->reads[p->n_reads - 1] : NULL;

		if (last && joins(last, &p->items[i], max_registers, gap))
			*last = read_of(p->items, last->first, last->n + 1u);
		else
			p->reads[p->n_reads++] = read_of(p->items, i, 1);
	}
	return true;
}

void plan_free(struct plan *p)
{
	free(p->items);
	free(p->reads);
	memset(p, 0, sizeof *p);
}

int plan_find(const struct plan *p, struct plan_item it)
{
	for (size_t i = 0; i < p->n_items; i++) {
		if (!compare(&p->items[i], &it))
			return (int)i;
	}
	return -1;
}

bool plan_split(struct plan *p, size_t i)
{
	struct plan_read r = p->reads[i];
	size_t left = r.n / 2u;

	if (r.n < 2)
		return false;
	memmove(&p->reads[i + 2], &p->reads[i + 1], (p->n_reads - i - 1) * sizeof *p->reads);
	p->n_reads++;
	p->reads[i] = read_of(p->items, r.first, left);
	p->reads[i + 1] = read_of(p->items, r.first + left, r.n - left);
	return true;
}
