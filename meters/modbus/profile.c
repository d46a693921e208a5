/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "meters/modbus/profile_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

		profile_set_words(y, fy_node_pair_value(pair), w);
		profile_get_address(y, fy_node_pair_key(pair), p, w->n, &w->addr);
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

		profile_set_text(y, fy_node_pair_key(pair), e->quantity, sizeof e->quantity);
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
		profile_set_text(y, n, p->member, sizeof p->member);                                         \
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

	profile_set_na(y, n, &p->na, &p->na_pattern);
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

	profile_get_address(y, n, p, 16, &p->identify.addr);
}

static void identify_words(struct yaml *y, struct fy_node *n, void *t)
{
	profile_set_words(y, n, &((struct profile *)t)->identify);
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
		profile_read_registers(y, t.registers, p);
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
