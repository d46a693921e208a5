/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/conf/node.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/text.h"

/* Bytes of the UTF-8 sequence at s (RFC 3629: shortest form, no surrogates), 0: none. */
static size_t utf8_len(const unsigned char *s, size_t left)
{
	static const struct {
		unsigned char first_lo, first_hi, second_lo, second_hi, len;
	} forms[] = {
		{ 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	size_t i, k;

	for (i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (s[0] < forms[i].first_lo || s[0] > forms[i].first_hi)
			continue;
		if (forms[i].len > left)
			return 0;
		if (forms[i].len > 1 && (s[1] < forms[i].second_lo || s[1] > forms[i].second_hi))
			return 0;
		for (k = 2; k < forms[i].len; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

/* NULL: this is text; else what is wrong, and *at where. */
static const char *judge_bytes(const char *text, size_t len, size_t *at)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t i, n;

	for (i = 0; i < len; i += n) {
		*at = i;
		n = utf8_len(s + i, len - i);
		if (n == 0)
			return "this is not UTF-8 (perhaps CP949 or EUC-KR); save the file as UTF-8";
		if (s[i] == '\r' && (i + 1 == len || s[i + 1] != '\n'))
			return "a carriage return without line feed; save the file with LF or CRLF line ends";
		if ((s[i] < 0x20 && !strchr("\t\n\r", s[i])) || s[i] == 0 || s[i] == 0x7f)
			return "a control character; remove it, or write it as an escape in double quotes";
	}
	return NULL;
}

/* Places are told even for what is no text: count lines up to the byte. */
static void fault_at_byte(struct faults *f, const char *name, const char *text, size_t at, const char *why)
{
	size_t i, line = 1, start = 0;

	for (i = 0; i < at; i++)
		if (text[i] == '\n') {
			line++;
			start = i + 1;
		}
	fault_add(f, false, NULL, 0, "%s:%zu:%zu: %s (byte 0x%02x)", name, line, at - start + 1, why,
		  (unsigned)(unsigned char)text[at]);
}

static bool check_bytes(const char *text, size_t len, const char *name, struct faults *f)
{
	const char *why;
	size_t at;

	if (len > CONF_MAX_BYTES) {
		fault_add(f, false, NULL, 0, "%s: %zu bytes are more than the limit of %u for one file", name,
			  len, CONF_MAX_BYTES);
		return false;
	}
	if (len >= 2 && (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2))) {
		fault_add(f, false, NULL, 0, "%s: this is UTF-16; save the file as UTF-8", name);
		return false;
	}
	why = judge_bytes(text, len, &at);
	if (why)
		fault_at_byte(f, name, text, at, why);
	return !why;
}

/* Copies without byte order mark, CRLF as LF. */
static bool copy_text(struct conf_source *s, const char *text, size_t len)
{
	size_t i = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;

	s->text = malloc(len + 1);
	if (!s->text)
		return false;
	for (; i < len; i++)
		if (text[i] != '\r')
			s->text[s->len++] = text[i];
	s->text[s->len] = '\0';
	return true;
}

static bool index_lines(struct conf_source *s)
{
	size_t i, n = 1;

	for (i = 0; i < s->len; i++)
		n += s->text[i] == '\n';
	s->lines = malloc(n * sizeof *s->lines);
	if (!s->lines)
		return false;
	s->lines[s->n_lines++] = 0;
	for (i = 0; i < s->len; i++)
		if (s->text[i] == '\n')
			s->lines[s->n_lines++] = i + 1;
	return true;
}

struct conf_source *source_new(const char *text, size_t len, const char *name, const char *dir, unsigned mode,
			       struct faults *f)
{
	struct conf_source *s;

	if (!check_bytes(text, len, name, f))
		return NULL;
	s = calloc(1, sizeof *s);
	if (s) {
		s->name = strdup(name);
		s->dir = strdup(dir && *dir ? dir : ".");
		s->is_private = (mode & 077) == 0;
	}
	if (s && s->name && s->dir && copy_text(s, text, len) && index_lines(s))
		return s;
	source_free(s);
	fault_no_memory(f);
	return NULL;
}

void source_free(struct conf_source *s)
{
	if (!s)
		return;
	if (s->text)
		explicit_bzero(s->text, s->len);
	free(s->name);
	free(s->dir);
	free(s->text);
	free(s->lines);
	free(s->masks);
	free(s);
}

void source_where(const struct conf_source *s, size_t pos, int *line, int *col)
{
	size_t lo = 0, hi = s->n_lines, mid, i;

	while (hi - lo > 1) {
		mid = (lo + hi) / 2;
		if (s->lines[mid] <= pos)
			lo = mid;
		else
			hi = mid;
	}
	*line = (int)lo + 1;
	*col = 1;
	for (i = s->lines[lo]; i < pos && i < s->len; i++)
		*col += (s->text[i] & 0xc0) != 0x80;
}

size_t source_pos(const struct conf_source *s, int line, int col)
{
	size_t i;

	if (line < 1)
		return 0;
	if ((size_t)line > s->n_lines)
		return s->len;
	for (i = s->lines[line - 1]; i < s->len && s->text[i] != '\n' && col > 1; i++)
		col -= (s->text[i + 1] & 0xc0) != 0x80;
	return i;
}

void source_mask(struct conf_source *s, size_t from, size_t to)
{
	struct conf_span *m = realloc(s->masks, (s->n_masks + 1) * sizeof *m);

	if (!m)
		return; /* the name of the setting still gives it away to excerpt_add() */
	s->masks = m;
	s->masks[s->n_masks++] = (struct conf_span){ from, to };
}

/* ---- files ---- */

char *path_dir(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

char *path_join(struct arena *a, const char *dir, const char *path)
{
	size_t n = strlen(dir), m = strlen(path);
	char *s;

	if (*path == '/' || !strcmp(dir, ".") || !*path)
		return arena_copy(a, path, m);
	s = arena_get(a, n + m + 2);
	if (!s)
		return NULL;
	memcpy(s, dir, n);
	s[n] = '/';
	memcpy(s + n + 1, path, m + 1);
	return s;
}

struct conf_source *source_load(const char *path, struct faults *f)
{
	struct conf_source *s = NULL;
	struct fems_error e = { 0 };
	char *text, *dir;
	struct stat st;
	size_t len;

	if (file_read(path, CONF_MAX_BYTES, &text, &len, &e)) {
		fault_add(f, false, NULL, 0, "%s", e.text);
		return NULL;
	}
	dir = path_dir(path);
	if (dir)
		s = source_new(text, len, path, dir, stat(path, &st) ? 0777 : st.st_mode, f);
	else
		fault_no_memory(f);
	explicit_bzero(text, len);
	free(text);
	free(dir);
	return s;
}
