/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/base/text.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_free(struct text *t)
{
	free(t->ptr);
	memset(t, 0, sizeof *t);
}

void text_clear(struct text *t)
{
	t->len = 0;
	if (t->ptr)
		t->ptr[0] = '\0';
}

static bool text_room(struct text *t, size_t more)
{
	size_t cap = t->cap ? t->cap : 128;
	char *p;

	if (t->failed)
		return false;
	if (t->len + more + 1 <= t->cap)
		return true;
	while (cap < t->len + more + 1)
		cap *= 2;
	p = realloc(t->ptr, cap);
	if (!p) {
		t->failed = true;
		return false;
	}
	t->ptr = p;
	t->cap = cap;
	return true;
}

void text_add_n(struct text *t, const void *s, size_t n)
{
	if (!text_room(t, n))
		return;
	if (n)
		memcpy(t->ptr + t->len, s, n);
	t->len += n;
	t->ptr[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_add_n(t, s, strlen(s));
}

void text_addf(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !text_room(t, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(t->ptr + t->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	t->len += (size_t)n;
}

char *text_take(struct text *t)
{
	char *p = NULL;

	if (!t->failed && text_room(t, 0)) {
		t->ptr[t->len] = '\0';
		p = t->ptr;
		t->ptr = NULL;
	}
	text_free(t);
	return p;
}

struct fems_span text_span(const struct text *t)
{
	struct fems_span s = { t->ptr ? t->ptr : "", t->len };

	return s;
}

bool str_copy(char *dst, size_t cap, const char *src)
{
	size_t n = strlen(src), keep = n < cap ? n : cap - 1;

	memcpy(dst, src, keep);
	dst[keep] = '\0';
	return keep == n;
}

/* Levenshtein distance of words of up to 63 bytes; longer ones count as far apart. */
static size_t distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), row[64];

	if (la > 63 || lb > 63)
		return 64;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diag = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = diag + (a[i - 1] != b[j - 1]);

			diag = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

const char *str_nearest(const char *word, const char *const *candidates, size_t n)
{
	size_t best = strlen(word) / 3 + 2; /* a slip, not another word */
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(candidates[i]), d = distance(word, candidates[i]);
		bool abbreviated = strlen(word) >= 2 && len > strlen(word) &&
				   !strncmp(word, candidates[i], strlen(word));

		if (abbreviated)
			d = 1;
		if (d < best && d < len) {
			best = d;
			found = candidates[i];
		}
	}
	return found;
}

bool str_int64(const char *s, int64_t *out)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(s, &end, 10);
	if (end == s || *end || errno || *s == ' ')
		return false;
	*out = v;
	return true;
}

bool str_double(const char *s, double *out)
{
	char *end;
	double v;

	errno = 0;
	v = strtod(s, &end);
	if (end == s || *end || errno || !isfinite(v) || *s == ' ')
		return false;
	*out = v;
	return true;
}
