/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "connectors/b2mml/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_free(struct buf *b)
{
	free(b->ptr);
	memset(b, 0, sizeof *b);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->ptr)
		b->ptr[0] = '\0';
}

/* Room for n more bytes and the NUL. Grows by half: a document of many megabytes is one buffer. */
static bool buf_room(struct buf *b, size_t n)
{
	size_t want, cap;
	char *p;

	if (b->failed)
		return false;
	if (n >= SIZE_MAX / 2 - b->len) {
		b->failed = true;
		return false;
	}
	want = b->len + n + 1;
	if (want <= b->cap)
		return true;
	cap = b->cap + b->cap / 2;
	if (cap < want)
		cap = want < 64 ? 64 : want;
	p = realloc(b->ptr, cap);
	if (!p) {
		b->failed = true;
		return false;
	}
	b->ptr = p;
	b->cap = cap;
	return true;
}

void buf_add_n(struct buf *b, const void *s, size_t n)
{
	if (!buf_room(b, n))
		return;
	if (n)
		memcpy(b->ptr + b->len, s, n);
	b->len += n;
	b->ptr[b->len] = '\0';
}

void buf_add(struct buf *b, const char *s)
{
	buf_add_n(b, s, strlen(s));
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	if (!buf_room(b, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

/* Length of the UTF-8 character at s (RFC 3629), 0 when the bytes are none. */
static size_t utf8_len(const unsigned char *s)
{
	static const unsigned min[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned c = s[0], v;
	size_t n, i;

	if (c < 0x80)
		return 1;
	n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	v = c & (0xffu >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (s[i] & 0x3f);
	}
	return v < min[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff) ? 0 : n;
}

void buf_json(struct buf *b, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n;

	buf_add_n(b, "\"", 1);
	for (; *s; s += n) {
		n = utf8_len(s);
		if (n == 0) {
			buf_add_n(b, "?", 1);
			n = 1;
		} else if (*s == '"' || *s == '\\') {
			char esc[2] = { '\\', (char)*s };

			buf_add_n(b, esc, 2);
		} else if (*s < 0x20) {
			buf_addf(b, "\\u%04x", *s);
		} else {
			buf_add_n(b, s, n);
		}
	}
	buf_add_n(b, "\"", 1);
}

static const char *xml_entity(unsigned char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	case '\r':
		return "&#13;";
	default:
		return c < 0x20 && c != '\t' && c != '\n' ? "?" : NULL;
	}
}

void buf_xml(struct buf *b, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	const char *entity;
	size_t n;

	for (; *s; s += n) {
		n = utf8_len(s);
		entity = xml_entity(*s);
		/* U+FFFE and U+FFFF are no characters of XML 1.0 */
		if (n == 0 || (n == 3 && s[0] == 0xef && s[1] == 0xbf && s[2] >= 0xbe))
			entity = "?";
		if (entity)
			buf_add(b, entity);
		else
			buf_add_n(b, s, n);
		if (n == 0)
			n = 1;
	}
}

char *buf_take(struct buf *b, size_t *len)
{
	char *p = b->ptr;

	if (len)
		*len = b->len;
	if (b->failed) {
		buf_free(b);
		return NULL;
	}
	memset(b, 0, sizeof *b);
	return p;
}

struct fems_span buf_span(const struct buf *b)
{
	struct fems_span span = { b->ptr, b->len };

	return span;
}
