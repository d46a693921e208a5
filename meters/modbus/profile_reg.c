/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "meters/modbus/profile_read.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meters/modbus/unit.h"

static const char *const na_names[] = { "none", "largest", "sunspec", NULL };
static const char *const function_names[] = { "3", "4", NULL };

void profile_set_text(struct yaml *y, struct fy_node *n, char *dst, size_t cap)
{
	const char *s;

	if (!yaml_str(y, n, &s))
		return;
	if (!*s || strlen(s) >= cap)
		yaml_fault(y, n, "a text of 1 to %zu bytes was expected", cap - 1);
	else
		snprintf(dst, cap, "%s", s);
}

void profile_set_na(struct yaml *y, struct fy_node *n, enum reg_na *na, uint64_t *pattern)
{
	const char *s;
	int i;

	if (!yaml_str(y, n, &s))
		return;
	if (isdigit((unsigned char)*s)) {
		if (yaml_raw(y, n, pattern))
			*na = NA_RAW;
	} else if (yaml_choice(y, n, na_names, &i)) {
		*na = (enum reg_na)i;
	}
}

bool profile_get_address(struct yaml *y, struct fy_node *n, const struct profile *p, unsigned words,
			 uint16_t *addr)
{
	int64_t v;

	if (!yaml_int(y, n, 0, 65535, &v))
		return false;
	if (v + p->base + words > 65536) {
		yaml_fault(y, n, "address %lld with base %d lies behind 65535", (long long)v, p->base);
		return false;
	}
	*addr = (uint16_t)(v + p->base);
	return true;
}

static bool get_word(struct yaml *y, struct fy_node *n, uint16_t *word)
{
	int64_t v;

	if (!yaml_int(y, n, 0, 65535, &v))
		return false;
	*word = (uint16_t)v;
	return true;
}

void profile_set_words(struct yaml *y, struct fy_node *n, struct profile_words *w)
{
	struct fy_node *item;
	void *iter = NULL;

	if (!n || !fy_node_is_sequence(n)) {
		yaml_fault(y, n, "a list of registers such as [0x0053, 0x004F] was expected");
		return;
	}
	while ((item = fy_node_sequence_iterate(n, &iter))) {
		if (w->n == sizeof w->words / sizeof *w->words) {
			yaml_fault(y, item, "more than %zu registers in a row",
				   sizeof w->words / sizeof *w->words);
			return;
		}
		if (!get_word(y, item, &w->words[w->n++]))
			return;
	}
	if (!w->n)
		yaml_fault(y, n, "the list of registers is empty");
}

/* ---- a register ---- */

struct reg_target {
	struct profile *p;
	struct profile_reg *r;
	struct fy_node *at, *scale, *unit;
	double factor;
};

static void reg_q(struct yaml *y, struct fy_node *n, void *t)
{
	struct profile_reg *r = ((struct reg_target *)t)->r;

	profile_set_text(y, n, r->quantity, sizeof r->quantity);
}

static void reg_at(struct yaml *y, struct fy_node *n, void *t)
{
	(void)y;
	((struct reg_target *)t)->at = n; /* its end depends on the type */
}

static void reg_set_type(struct yaml *y, struct fy_node *n, void *t)
{
	int i;

	if (yaml_choice(y, n, reg_type_names, &i))
		((struct reg_target *)t)->r->type = (enum reg_type)i;
}

static void reg_set_order(struct yaml *y, struct fy_node *n, void *t)
{
	int i;

	if (yaml_choice(y, n, reg_order_names, &i))
		((struct reg_target *)t)->r->order = (enum reg_order)i;
}

static void reg_scale(struct yaml *y, struct fy_node *n, void *t)
{
	struct reg_target *rt = t;

	if (yaml_num(y, n, &rt->factor) && fpclassify(rt->factor) == FP_ZERO)
		yaml_fault(y, n, "scale 0 makes every value 0");
}

static void reg_unit(struct yaml *y, struct fy_node *n, void *t)
{
	(void)y;
	((struct reg_target *)t)->unit = n; /* needs the quantity */
}

static void reg_scale_register(struct yaml *y, struct fy_node *n, void *t)
{
	struct reg_target *rt = t;

	rt->scale = n;
	rt->r->has_scale = profile_get_address(y, n, rt->p, 1, &rt->r->scale_addr);
}

static void reg_function(struct yaml *y, struct fy_node *n, void *t)
{
	int i;

	if (yaml_choice(y, n, function_names, &i))
		((struct reg_target *)t)->r->fc = (uint8_t)(3 + i);
}

static void reg_set_na(struct yaml *y, struct fy_node *n, void *t)
{
	struct profile_reg *r = ((struct reg_target *)t)->r;

	profile_set_na(y, n, &r->na, &r->na_pattern);
}

static void reg_unverified(struct yaml *y, struct fy_node *n, void *t)
{
	yaml_bool(y, n, &((struct reg_target *)t)->r->unverified);
}

static void write_min(struct yaml *y, struct fy_node *n, void *t)
{
	yaml_num(y, n, &((struct profile_reg *)t)->write_min);
}

static void write_max(struct yaml *y, struct fy_node *n, void *t)
{
	yaml_num(y, n, &((struct profile_reg *)t)->write_max);
}

static void reg_writable(struct yaml *y, struct fy_node *n, void *t)
{
	static const struct yaml_key keys[] = { { "min", write_min, true },
						{ "max", write_max, true },
						{ 0 } };
	struct profile_reg *r = ((struct reg_target *)t)->r;
	unsigned before = y->faults->n;

	yaml_mapping(y, n, "writable", keys, r);
	if (y->faults->n == before && r->write_min > r->write_max)
		yaml_fault(y, n, "min %g is above max %g", r->write_min, r->write_max);
	r->writable = true;
}

static void reg_wait(struct yaml *y, struct fy_node *n, void *t)
{
	yaml_duration(y, n, 10000000, &((struct reg_target *)t)->r->wait_us);
}

static const struct yaml_key reg_keys[] = {
	{ "q", reg_q, true },
	{ "at", reg_at, true },
	{ "type", reg_set_type, true },
	{ "order", reg_set_order, false },
	{ "scale", reg_scale, false },
	{ "unit", reg_unit, false },
	{ "scale_register", reg_scale_register, false },
	{ "function", reg_function, false },
	{ "na", reg_set_na, false },
	{ "unverified", reg_unverified, false },
	{ "writable", reg_writable, false },
	{ "wait", reg_wait, false },
	{ NULL, NULL, false },
};

static void reg_finish_unit(struct yaml *y, struct reg_target *t)
{
	const char *unit, *base;
	double f;

	t->r->factor = t->factor;
	if (!t->unit || !yaml_str(y, t->unit, &unit))
		return;
	f = unit_factor(t->r->quantity, unit, &base);
	if (!(f > 0))
		yaml_fault(y, t->unit, "\"%.20s\" is not a unit of %s%s%s", unit, t->r->quantity,
			   *base ? ", which is in " : ", which has none", base);
	t->r->factor *= f;
}

static void reg_finish(struct yaml *y, struct fy_node *n, struct reg_target *t)
{
	struct profile_reg *r = t->r;

	if (t->at)
		profile_get_address(y, t->at, t->p, reg_words(r->type), &r->addr);
	reg_finish_unit(y, t);
	if ((int)reg_words(r->type) > t->p->max_registers)
		yaml_fault(y, n, "%s is wider than max_registers", r->quantity);
	if (r->writable && (r->fc != 3 || r->has_scale))
		yaml_fault(y, n,
			   "%s: only holding registers (function 3) without scale_register can be written",
			   r->quantity);
	for (const struct profile_reg *o = t->p->regs; o < r; o++) {
		if (r->quantity[0] && !strcmp(o->quantity, r->quantity))
			yaml_fault(y, n, "quantity %s is there twice", r->quantity);
	}
}

void profile_read_registers(struct yaml *y, struct fy_node *n, struct profile *p)
{
	struct fy_node *item;
	int count = n && fy_node_is_sequence(n) ? fy_node_sequence_item_count(n) : 0;
	void *iter = NULL;

	if (count < 1 || count > PROFILE_MAX_REGS) {
		yaml_fault(y, n, "registers must be a list of 1 to %d registers", PROFILE_MAX_REGS);
		return;
	}
	p->regs = calloc((size_t)count, sizeof *p->regs);
	if (!p->regs) {
		yaml_fault(y, n, "out of memory");
		return;
	}
	while ((item = fy_node_sequence_iterate(n, &iter)) && p->n_regs < (size_t)count) {
		struct profile_reg *r = &p->regs[p->n_regs];
		struct reg_target t = { .p = p, .r = r, .factor = 1 };
		unsigned before = y->faults->n;

		r->fc = (uint8_t)p->function;
		r->order = p->order;
		r->na = p->na;
		r->na_pattern = p->na_pattern;
		r->unverified = p->unverified;
		yaml_mapping(y, item, "a register", reg_keys, &t);
		if (y->faults->n == before)
			reg_finish(y, item, &t);
		p->n_regs++;
	}
}
