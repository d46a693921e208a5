/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "meters/modbus/profile.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meters/modbus/unit.h"

static const char *const na_names[] = { "none", "largest", "sunspec", NULL };
static const char *const function_names[] = { "3", "4", NULL };

/* ---- helpers of the setters ---- */

static void set_text(struct yaml *y, struct fy_node *n, char *dst, size_t cap)
{
	const char *s;

	if (!yaml_str(y, n, &s))
		return;
	if (!*s || strlen(s) >= cap)
		yaml_fault(y, n, "a text of 1 to %zu bytes was expected", cap - 1);
	else
		snprintf(dst, cap, "%s", s);
}

static void set_na(struct yaml *y, struct fy_node *n, enum reg_na *na, uint64_t *pattern)
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

static bool get_address(struct yaml *y, struct fy_node *n, const struct profile *p, unsigned words,
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

static void set_words(struct yaml *y, struct fy_node *n, struct profile_words *w)
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

	set_text(y, n, r->quantity, sizeof r->quantity);
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
	rt->r->has_scale = get_address(y, n, rt->p, 1, &rt->r->scale_addr);
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

	set_na(y, n, &r->na, &r->na_pattern);
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
		get_address(y, t->at, t->p, reg_words(r->type), &r->addr);
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

static void read_registers(struct yaml *y, struct fy_node *n, struct profile *p)
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

/* ---- the self-test ---- */

static void test_registers(struct yaml *y, struct fy_node *n, void *t)
{
	struct profile *p = t;
	int count = n && fy_node_is_mapping(n) ? fy_node_mapping_item_count(n) : 0;
	struct fy_node_pair *pair;
	void *iter = NULL;

	if (count < 1 || count > PROFILE_MAX_REGS) {
		yaml_fault(y, n, "selftest registers must be a mapping: {address: [words]}");
		return;
	}
	p->test = calloc((size_t)count, sizeof *p->test);
	while (p->test && (pair = fy_node_mapping_iterate(n, &iter)) && p->n_test < (size_t)count) {
		struct profile_words *w = &p->test[p->n_test++];

		set_words(y, fy_node_pair_value(pair), w);
		get_address(y, fy_node_pair_key(pair), p, w->n, &w->addr);
	}
}

static void test_expect(struct yaml *y, struct fy_node *n, void *t)
{
	struct profile *p = t;
	int count = n && fy_node_is_mapping(n) ? fy_node_mapping_item_count(n) : 0;
	struct fy_node_pair *pair;
	void *iter = NULL;

	if (count < 1 || count > PROFILE_MAX_REGS) {
		yaml_fault(y, n, "selftest expect must be a mapping: {quantity: value}");
		return;
	}
	p->expect = calloc((size_t)count, sizeof *p->expect);
	while (p->expect && (pair = fy_node_mapping_iterate(n, &iter)) && p->n_expect < (size_t)count) {
		struct profile_expect *e = &p->expect[p->n_expect++];

		set_text(y, fy_node_pair_key(pair), e->quantity, sizeof e->quantity);
		yaml_num(y, fy_node_pair_value(pair), &e->value);
	}
}

/* ---- the file ---- */

struct file_target {
	struct profile *p;
	struct fy_node *registers, *selftest, *identify;
};

#define TEXT_SETTER(name, member)                                                                            \
	static void name(struct yaml *y, struct fy_node *n, void *t)                                         \
	{                                                                                                    \
		struct profile *p = ((struct file_target *)t)->p;                                            \
                                                                                                             \
		set_text(y, n, p->member, sizeof p->member);                                                 \
	}
TEXT_SETTER(file_id, id)
TEXT_SETTER(file_maker, maker)
TEXT_SETTER(file_model, model)

static void file_source(struct yaml *y, struct fy_node *n, void *t)
{
	const char *s;

	(void)t;
	yaml_str(y, n, &s); /* for people */
}

static void file_int(struct yaml *y, struct fy_node *n, int min, int max, int *out)
{
	int64_t v;

	if (yaml_int(y, n, min, max, &v))
		*out = (int)v;
}

static void file_function(struct yaml *y, struct fy_node *n, void *t)
{
	file_int(y, n, 3, 4, &((struct file_target *)t)->p->function);
}

static void file_base(struct yaml *y, struct fy_node *n, void *t)
{
	file_int(y, n, 0, 65535, &((struct file_target *)t)->p->base);
}

static void file_max_registers(struct yaml *y, struct fy_node *n, void *t)
{
	file_int(y, n, 1, 125, &((struct file_target *)t)->p->max_registers);
}

static void file_gap(struct yaml *y, struct fy_node *n, void *t)
{
	file_int(y, n, 0, 124, &((struct file_target *)t)->p->gap);
}

static void file_order(struct yaml *y, struct fy_node *n, void *t)
{
	int i;

	if (yaml_choice(y, n, reg_order_names, &i))
		((struct file_target *)t)->p->order = (enum reg_order)i;
}

static void file_na(struct yaml *y, struct fy_node *n, void *t)
{
	struct profile *p = ((struct file_target *)t)->p;

	set_na(y, n, &p->na, &p->na_pattern);
}

static void file_pause(struct yaml *y, struct fy_node *n, void *t)
{
	yaml_duration(y, n, 5000000, &((struct file_target *)t)->p->pause_us);
}

static void file_unverified(struct yaml *y, struct fy_node *n, void *t)
{
	yaml_bool(y, n, &((struct file_target *)t)->p->unverified);
}

/* These are read after the defaults that they need, wherever they stand in the file. */
static void file_registers(struct yaml *y, struct fy_node *n, void *t)
{
	(void)y;
	((struct file_target *)t)->registers = n;
}

static void file_selftest(struct yaml *y, struct fy_node *n, void *t)
{
	(void)y;
	((struct file_target *)t)->selftest = n;
}

static void file_identify(struct yaml *y, struct fy_node *n, void *t)
{
	(void)y;
	((struct file_target *)t)->identify = n;
}

static const struct yaml_key file_keys[] = {
	{ "id", file_id, true },
	{ "maker", file_maker, true },
	{ "model", file_model, true },
	{ "source", file_source, true },
	{ "function", file_function, false },
	{ "base", file_base, false },
	{ "max_registers", file_max_registers, false },
	{ "gap", file_gap, false },
	{ "order", file_order, false },
	{ "na", file_na, false },
	{ "pause", file_pause, false },
	{ "unverified", file_unverified, false },
	{ "identify", file_identify, false },
	{ "registers", file_registers, true },
	{ "selftest", file_selftest, false },
	{ NULL, NULL, false },
};

static void identify_at(struct yaml *y, struct fy_node *n, void *t)
{
	struct profile *p = t;

	get_address(y, n, p, 16, &p->identify.addr);
}

static void identify_words(struct yaml *y, struct fy_node *n, void *t)
{
	set_words(y, n, &((struct profile *)t)->identify);
}

static void read_file(struct yaml *y, struct profile *p)
{
	static const struct yaml_key identify[] = { { "at", identify_at, true },
						    { "words", identify_words, true },
						    { 0 } };
	static const struct yaml_key selftest[] = { { "registers", test_registers, true },
						    { "expect", test_expect, true },
						    { 0 } };
	struct file_target t = { .p = p };

	yaml_mapping(y, fy_document_root(y->doc), "a profile", file_keys, &t);
	if (t.identify)
		yaml_mapping(y, t.identify, "identify", identify, p);
	if (t.registers)
		read_registers(y, t.registers, p);
	if (t.selftest)
		yaml_mapping(y, t.selftest, "selftest", selftest, p);
}

struct profile *profile_parse(const char *file, const char *text, size_t len, struct yaml_faults *faults)
{
	struct profile *p = calloc(1, sizeof *p);
	unsigned before = faults->n;
	struct yaml y;

	if (!p)
		return NULL;
	p->function = 3;
	p->max_registers = 125;
	p->gap = 8;
	if (yaml_open(&y, file, text, len, faults)) {
		read_file(&y, p);
		yaml_close(&y);
	}
	if (faults->n == before)
		return p;
	profile_free(p);
	return NULL;
}

struct profile *profile_read(const char *path, struct yaml_faults *faults)
{
	struct yaml y = { .file = path, .faults = faults };
	struct profile *p = NULL;
	char *text = malloc(PROFILE_MAX_BYTES + 1);
	FILE *f = text ? fopen(path, "re") : NULL;
	size_t len;

	if (!f) {
		yaml_fault(&y, NULL, "cannot be read: %s", text ? strerror(errno) : "out of memory");
	} else {
		len = fread(text, 1, PROFILE_MAX_BYTES + 1, f);
		if (ferror(f) || len > PROFILE_MAX_BYTES)
			yaml_fault(&y, NULL, "%s", ferror(f) ? "cannot be read" : "is larger than 1 MiB");
		else
			p = profile_parse(path, text, len, faults);
		fclose(f);
	}
	free(text);
	return p;
}

void profile_free(struct profile *p)
{
	if (!p)
		return;
	free(p->regs);
	free(p->test);
	free(p->expect);
	free(p);
}
