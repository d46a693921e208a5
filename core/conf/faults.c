/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/conf/node.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

#define MAX_KEPT    1000
#define MAX_PRINTED 50

struct fault {
	unsigned rank;
	int line, col;
	char *text; /* with its place and the source's line; NULL: no memory for it */
};

struct faults {
	struct fault *list; /* in order of file, line and column */
	size_t n, cap;
	size_t errors, warnings;
};

struct faults *faults_new(void)
{
	return calloc(1, sizeof(struct faults));
}

void faults_free(struct faults *f)
{
	size_t i;

	if (!f)
		return;
	for (i = 0; i < f->n; i++)
		free(f->list[i].text);
	free(f->list);
	free(f);
}

size_t faults_errors(const struct faults *f)
{
	return f->errors;
}

size_t faults_warnings(const struct faults *f)
{
	return f->warnings;
}

const char *faults_at(const struct faults *f, size_t i)
{
	if (i >= f->n)
		return "";
	return f->list[i].text ? f->list[i].text : "error: out of memory for a message";
}

static void write_some(const struct faults *f, size_t max, struct text *t)
{
	size_t i, total = f->errors + f->warnings;

	for (i = 0; i < f->n && i < max; i++)
		text_addf(t, "%s\n", faults_at(f, i));
	if (total > i)
		text_addf(t, "and %zu more\n", total - i);
}

void faults_print(const struct faults *f, FILE *to)
{
	struct text t = { 0 };

	write_some(f, MAX_PRINTED, &t);
	if (t.len)
		fputs(t.ptr, to);
	text_free(&t);
}

char *faults_text(const struct faults *f)
{
	struct text t = { 0 };

	write_some(f, MAX_KEPT, &t);
	return text_take(&t);
}

/* ---- adding ---- */

static bool is_before(const struct fault *a, const struct fault *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank;
	if (a->line != b->line)
		return a->line < b->line;
	return a->col < b->col;
}

static bool is_known(const struct faults *f, size_t at, const struct fault *new)
{
	for (; at > 0 && !is_before(&f->list[at - 1], new); at--)
		if (f->list[at - 1].text && new->text && !strcmp(f->list[at - 1].text, new->text))
			return true;
	return false;
}

static bool make_room(struct faults *f)
{
	size_t cap = f->cap ? 2 * f->cap : 16;
	struct fault *list;

	if (f->n < f->cap)
		return true;
	list = realloc(f->list, cap * sizeof *list);
	if (!list)
		return false;
	f->list = list;
	f->cap = cap;
	return true;
}

/* Takes new->text. The same message at the same place is kept once. */
static void keep(struct faults *f, const struct fault *new, bool warning)
{
	size_t at = f->n;

	while (at > 0 && is_before(new, &f->list[at - 1]))
		at--;
	if (is_known(f, at, new)) {
		free(new->text);
		return;
	}
	*(warning ? &f->warnings : &f->errors) += 1;
	if (f->n == MAX_KEPT || !make_room(f)) {
		free(new->text);
		return;
	}
	memmove(f->list + at + 1, f->list + at, (f->n - at) * sizeof *f->list);
	f->list[at] = *new;
	f->n++;
}

__attribute__((format(printf, 5, 0))) static void vadd(struct faults *f, bool warning,
						       const struct conf_source *src, size_t pos,
						       const char *fmt, va_list ap)
{
	struct fault new = { 0 };
	struct text t = { 0 };
	char said[1000], *c;

	if (src) {
		source_where(src, pos, &new.line, &new.col);
		new.rank = src->rank;
		text_addf(&t, "%s:%d:%d: ", src->name, new.line, new.col);
	}
	vsnprintf(said, sizeof said, fmt, ap);
	for (c = said; *c; c++) /* an escape sequence in a value must not reach a terminal */
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	text_addf(&t, "%s: %s", warning ? "warning" : "error", said);
	if (src)
		excerpt_add(&t, src, pos);
	new.text = text_take(&t);
	keep(f, &new, warning);
}

void fault_add(struct faults *f, bool warning, const struct conf_source *src, size_t pos, const char *fmt,
	       ...)
{
	va_list ap;

	va_start(ap, fmt);
	vadd(f, warning, src, pos, fmt, ap);
	va_end(ap);
}

static size_t place(const struct conf_node *n)
{
	/* an empty value has no place of its own */
	return n->kind == CONF_SCALAR && n->has_key && n->pos == n->end ? n->key_pos : n->pos;
}

void conf_error(struct faults *f, const struct conf_node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vadd(f, false, n ? n->src : NULL, n ? place(n) : 0, fmt, ap);
	va_end(ap);
}

void conf_warn(struct faults *f, const struct conf_node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vadd(f, true, n ? n->src : NULL, n ? place(n) : 0, fmt, ap);
	va_end(ap);
}

void fault_at_key(struct faults *f, const struct conf_node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vadd(f, false, n->src, n->has_key ? n->key_pos : n->pos, fmt, ap);
	va_end(ap);
}

void fault_no_memory(struct faults *f)
{
	fault_add(f, false, NULL, 0, "out of memory for the settings");
}
