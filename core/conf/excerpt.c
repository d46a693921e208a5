/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/conf/node.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"

#define MASK      "********"
#define MAX_SHOWN 160 /* bytes of a line; a longer one is cut */

bool sounds_secret(const char *name, size_t len)
{
	static const char *const parts[] = { "pass", "pasw",   "secret",  "token",   "credential",
					     "pwd",  "apikey", "api_key", "api-key", "private" };
	size_t i, k;

	for (i = 0; i < sizeof parts / sizeof parts[0]; i++)
		for (k = 0; k + strlen(parts[i]) <= len; k++)
			if (!strncasecmp(name + k, parts[i], strlen(parts[i])))
				return true;
	return false;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* Where on the line a value begins whose name sounds secret; end: nowhere. What is read before the
 * settings table is known (a syntax error, say) must not show it either. */
static size_t secret_value(const char *text, size_t from, size_t end)
{
	size_t i, start = from;

	for (i = from; i < end; i++) {
		if (is_name(text[i]) && (i == from || !is_name(text[i - 1])))
			start = i;
		if (text[i] != ':' || !sounds_secret(text + start, i - start))
			continue;
		for (i++; i < end && text[i] == ' '; i++)
			;
		if (i < end && text[i] != '{' && text[i] != '#')
			return i;
	}
	return end;
}

/* End of the mask that covers pos, or pos itself. */
static size_t masked_to(const struct conf_source *s, size_t pos)
{
	size_t i, to = pos;

	for (i = 0; i < s->n_masks; i++)
		if (s->masks[i].from <= pos && s->masks[i].to > to)
			to = s->masks[i].to;
	return to;
}

static unsigned code_point(const unsigned char *s)
{
	if (s[0] < 0xe0 || s[0] > 0xef)
		return s[0];
	return (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
}

/* Hangul, Han, kana and full-width forms take two columns (Unicode UAX 11, the wide ranges). */
static int width(const char *p)
{
	unsigned c = code_point((const unsigned char *)p);

	if (((unsigned char)*p & 0xc0) == 0x80)
		return 0;
	return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
			       (c >= 0xf900 && c <= 0xfaff) || (c >= 0xff00 && c <= 0xff60)
		       ? 2
		       : 1;
}

struct shown {
	struct text line, pad; /* the pad leads up to the caret */
	bool reached;          /* the caret's byte */
};

static void show(struct shown *o, const char *bytes, size_t n, int columns, bool tab)
{
	text_add_n(&o->line, bytes, n);
	for (; !o->reached && columns > 0; columns--)
		text_add(&o->pad, tab ? "\t" : " ");
}

static void show_line(struct shown *o, const struct conf_source *s, size_t from, size_t end, size_t pos)
{
	size_t secret = secret_value(s->text, from, end), i, to;

	for (i = from; i < end; i = to) {
		o->reached |= i >= pos;
		to = i >= secret ? end : masked_to(s, i);
		if (to > i) {
			show(o, MASK, strlen(MASK), pos < to ? 0 : (int)strlen(MASK), false);
			continue;
		}
		to = i + 1;
		show(o, s->text + i, 1, width(s->text + i), s->text[i] == '\t');
	}
}

void excerpt_add(struct text *out, const struct conf_source *s, size_t pos)
{
	struct shown o = { 0 };
	size_t from, end;
	const char *nl;
	int line, col;

	source_where(s, pos, &line, &col);
	from = s->lines[line - 1];
	nl = memchr(s->text + from, '\n', s->len - from);
	end = nl ? (size_t)(nl - s->text) : s->len;
	if (end - from > MAX_SHOWN)
		for (end = from + MAX_SHOWN; end > from && (s->text[end] & 0xc0) == 0x80;)
			end--;
	if (from == end || pos > end)
		return;
	show_line(&o, s, from, end, pos);
	text_addf(out, "\n%5d | %s\n      | %s^", line, o.line.ptr ? o.line.ptr : "",
		  o.pad.ptr ? o.pad.ptr : "");
	text_free(&o.line);
	text_free(&o.pad);
}
