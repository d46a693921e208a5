/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "connectors/b2mml/xml_scan.h"

#include <string.h>
#include <strings.h>

enum { TEXT, LESS, BANG, COMMENT, CDATA, INSTRUCTION, TAG, TAG_QUOTED };

static const char long_tag[] = "a start tag is longer than 64 KiB; B2MML needs no such tag";
static const char long_comment[] = "a comment or processing instruction is too long; leave it out";
static const char doctype[] = "DOCTYPE is not accepted (it can define entities that expand without end); "
			      "send the document without it";
static const char wide[] = "the text is UTF-16 or UTF-32; send it as UTF-8";
static const char not_xml[] = "this is not XML (it does not begin with '<'); check what the sender wrote";
static const char encoding[] = "the encoding is not one that is read safely; send UTF-8, US-ASCII, "
			       "ISO-8859-x, windows-125x, EUC-KR, CP949, Shift_JIS, GBK, GB18030 or Big5";

/* In these the bytes of markup characters never stand inside another character. */
static const char *const safe_encoding[] = {
	"UTF-8", "UTF8",           "US-ASCII",    "ASCII",     "EUC-KR", "EUCKR",       "CP949", "UHC",
	"MS949", "KS_C_5601-1987", "windows-949", "Shift_JIS", "SJIS",   "windows-31j", "CP932", "EUC-JP",
	"GBK",   "GB2312",         "GB18030",     "CP936",     "Big5",   NULL,
};

void xml_scan_init(struct xml_scan *s)
{
	memset(s, 0, sizeof *s);
	s->state = TEXT;
	s->line = 1;
}

static bool refuse(struct xml_scan *s, const char *why)
{
	s->refusal = why;
	return false;
}

static bool encoding_is_safe(const char *name, size_t n)
{
	if (n > 9 && strncasecmp(name, "ISO-8859-", 9) == 0)
		return true;
	if (n > 11 && strncasecmp(name, "windows-125", 11) == 0)
		return true;
	for (size_t i = 0; safe_encoding[i]; i++)
		if (strlen(safe_encoding[i]) == n && strncasecmp(name, safe_encoding[i], n) == 0)
			return true;
	return false;
}

/* <?xml version="1.0" encoding="EUC-KR"?> */
static bool decl_ok(const struct xml_scan *s)
{
	const char *p = memmem(s->decl, s->decl_len, "encoding", 8), *end = s->decl + s->decl_len, *q;

	if (!p)
		return true;
	for (p += 8; p < end && (strchr(" \t\r\n=", *p) && *p); p++)
		;
	if (p == end || (*p != '"' && *p != '\''))
		return true; /* malformed: the parser says so */
	q = memchr(p + 1, *p, (size_t)(end - p - 1));
	return !q || encoding_is_safe(p + 1, (size_t)(q - p - 1));
}

/* Behind "<!": a comment, a CDATA section, or something that only a DTD holds. */
static bool on_bang(struct xml_scan *s, char c)
{
	s->open[s->seen++] = c;
	if (s->seen <= 2 && memcmp(s->open, "--", s->seen) == 0) {
		s->state = s->seen == 2 ? COMMENT : BANG;
	} else if (s->seen <= 7 && memcmp(s->open, "[CDATA[", s->seen) == 0) {
		s->state = s->seen == 7 ? CDATA : BANG;
	} else {
		return refuse(s, doctype);
	}
	if (s->state != BANG)
		s->seen = 0;
	return true;
}

/* The end of a section: two times `twin` and '>' (of an instruction: one). */
static void on_section(struct xml_scan *s, char c, char twin, unsigned twins)
{
	if (c == twin)
		s->seen += s->seen < twins;
	else if (c == '>' && s->seen == twins)
		s->state = TEXT;
	else
		s->seen = 0;
}

static bool on_instruction(struct xml_scan *s, char c)
{
	if (s->in_decl && s->decl_len < sizeof s->decl)
		s->decl[s->decl_len++] = c;
	on_section(s, c, '?', 1);
	if (s->state != TEXT || !s->in_decl)
		return true;
	s->in_decl = false;
	return decl_ok(s) || refuse(s, encoding);
}

static void on_less(struct xml_scan *s, char c)
{
	s->seen = 0;
	if (c == '!') {
		s->state = BANG;
	} else if (c == '?') {
		s->state = INSTRUCTION;
		s->in_decl = s->bytes == 1 || (s->bytes == 4 && s->column == 4); /* the latter behind a BOM */
		s->decl_len = 0;
	} else {
		s->state = c == '>' ? TEXT : TAG;
	}
}

static void on_tag(struct xml_scan *s, char c)
{
	if (c == '>') {
		s->state = TEXT;
	} else if (c == '"' || c == '\'') {
		s->state = TAG_QUOTED;
		s->quote = c;
	}
}

static bool on_byte(struct xml_scan *s, char c)
{
	if (c == '\0' && s->bytes < 4)
		return refuse(s, wide);
	switch (s->state) {
	case TEXT:
		if (c == '<') {
			s->state = LESS;
			s->run = 0;
		}
		return true;
	case LESS:
		on_less(s, c);
		return true;
	case BANG:
		return on_bang(s, c);
	case COMMENT:
		on_section(s, c, '-', 2);
		return ++s->run <= XML_COMMENT_MAX || refuse(s, long_comment);
	case CDATA:
		on_section(s, c, ']', 2);
		return true; /* counts as text */
	case INSTRUCTION:
		return (++s->run <= XML_TAG_MAX || refuse(s, long_comment)) && on_instruction(s, c);
	case TAG:
		on_tag(s, c);
		break;
	default:
		if (c == s->quote)
			s->state = TAG;
	}
	return ++s->run <= XML_TAG_MAX || refuse(s, long_tag);
}

/* A byte order mark of UTF-8 is the only one taken; anything else in front, such as EBCDIC, could hide
 * markup from this scan. */
static const char *first_byte_fault(unsigned char c)
{
	if (c == 0xff || c == 0xfe || c == 0)
		return wide;
	return c == '<' || c == 0xef || c == ' ' || c == '\t' || c == '\r' || c == '\n' ? NULL : not_xml;
}

bool xml_scan_bytes(struct xml_scan *s, const char *p, size_t n)
{
	const char *fault;

	if (s->refusal)
		return false;
	for (size_t i = 0; i < n; i++) {
		fault = s->bytes == 0 ? first_byte_fault((unsigned char)p[i]) : NULL;
		if (fault)
			return refuse(s, fault);
		if (!on_byte(s, p[i]))
			return false;
		s->bytes++;
		s->column++;
		if (p[i] == '\n') {
			s->line++;
			s->column = 0;
		}
	}
	return true;
}
