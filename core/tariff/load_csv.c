/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/tariff/load_csv.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/money.h"
#include "core/base/text.h"
#include "core/tariff/load_rows.h"

enum { FIELDS_MAX = 16 };
#define FILE_MAX    (64u << 20)
#define MICRO_MAX   INT64_C(1000000000000000) /* 10^9 kWh */
#define LINE_LENGTH 4096

enum column {
	COL_START,
	COL_END,
	COL_KWH,
	COL_KW,
	COL_LAG,
	COL_LEAD,
	COL_REACTIVE,
	COL_REGISTER,
	COL_REGISTER_LAG,
	COL_REGISTER_LEAD,
	COL_METER,
	COLUMNS
};

static const char *const column_names[COLUMNS] = { "start",
						   "end",
						   "kwh",
						   "kw",
						   "kvarh_lag",
						   "kvarh_lead",
						   "kvarh",
						   "register_kwh",
						   "register_kvarh_lag",
						   "register_kvarh_lead",
						   "meter" };

struct reader {
	const struct load_options *o;
	struct load_series *s;
	struct load_rows rows;
	enum column columns[FIELDS_MAX];
	int n, at[COLUMNS]; /* field of a column, -1: not there */
	char separator;
	int offset; /* of times: 0 not seen, 1 with, -1 without */
};

void load_note(struct load_series *s, size_t line, bool error, const char *kind, const char *fmt, ...)
{
	struct load_note *n;
	va_list ap;

	*(error ? &s->errors : &s->warnings) += 1;
	if (s->n_notes == LOAD_NOTES_MAX)
		return;
	if (!s->notes && !(s->notes = calloc(LOAD_NOTES_MAX, sizeof *s->notes)))
		return;
	n = &s->notes[s->n_notes++];
	*n = (struct load_note){ .line = line, .error = error, .kind = kind };
	va_start(ap, fmt);
	vsnprintf(n->text, sizeof n->text, fmt, ap);
	va_end(ap);
	for (char *c = n->text; *c; c++) /* nothing of the file may steer a terminal */
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
}

const char *load_note_text(const struct load_note *n, const char *path, char *buf, unsigned cap)
{
	char line[32] = "";

	if (n->line)
		snprintf(line, sizeof line, "%zu: ", n->line);
	snprintf(buf, cap, "%s:%s%s%s: %s", path, line, n->line ? "" : " ", n->error ? "error" : "warning",
		 n->text);
	return buf;
}

const char *load_time_text(const struct load_series *s, int64_t t_us, char *buf, unsigned cap)
{
	int abs = s->offset_s < 0 ? -s->offset_s : s->offset_s;
	size_t n;

	if (s->zone)
		return time_format(t_us, s->zone, buf, cap);
	time_format(t_us + s->offset_s * US_PER_S, NULL, buf, cap);
	n = strlen(buf) - strlen("+00:00");
	snprintf(buf + n, cap - n, "%c%02d:%02d", s->offset_s < 0 ? '-' : '+', abs / 3600 % 100,
		 abs / 60 % 60);
	return buf;
}

void load_series_free(struct load_series *s)
{
	if (!s)
		return;
	free(s->slots);
	free(s->notes);
	free(s);
}

/* ---- lines and fields ---- */

static char *trim(char *s)
{
	char *end = s + strlen(s);

	while (end > s && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

/* Cuts a line into fields; -1 where a quoted field does not end, or there are too many. */
static int split(char *line, char separator, char *fields[FIELDS_MAX])
{
	int n = 0;

	for (char *p = line;; p++) {
		if (n == FIELDS_MAX)
			return -1;
		while (*p == ' ')
			p++;
		if (*p == '"') {
			fields[n++] = ++p;
			p = strchr(p, '"');
			if (!p || (p[1] && p[1] != separator))
				return -1;
			*p++ = '\0';
		} else {
			fields[n++] = p;
			p += strcspn(p, (char[]){ separator, '\0' });
		}
		if (!*p)
			break;
		*p = '\0';
	}
	for (int i = 0; i < n; i++)
		fields[i] = trim(fields[i]);
	return n;
}

static enum column column_of(const char *name)
{
	for (int i = 0; i < COLUMNS; i++)
		if (!strcasecmp(name, column_names[i]))
			return (enum column)i;
	return COLUMNS;
}

static void unknown_column(struct reader *r, const char *name)
{
	const char *near = str_nearest(name, column_names, COLUMNS);
	char *end;

	if (*name && (strtod(name, &end), !*end))
		load_note(r->s, 1, true, "column",
			  "the first line is not a header; name the columns there, such as: start,kwh");
	else
		load_note(r->s, 1, true, "column",
			  "no column is called \"%.40s\"%s%s%s; leave it out or rename it", name,
			  near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* Which columns exclude or need each other. */
static void check_columns(struct reader *r)
{
	const int *at = r->at;
	int active = (at[COL_KWH] >= 0) + (at[COL_KW] >= 0) + (at[COL_REGISTER] >= 0);
	bool times = at[COL_START] >= 0 || at[COL_END] >= 0;
	bool of_registers = at[COL_REGISTER_LAG] >= 0 || at[COL_REGISTER_LEAD] >= 0;
	bool of_intervals = at[COL_LAG] >= 0 || at[COL_LEAD] >= 0 || at[COL_REACTIVE] >= 0;

	if (active != 1)
		load_note(r->s, 1, true, "column",
			  "want exactly one of the columns kwh, kw and register_kwh");
	if (at[COL_START] >= 0 && at[COL_END] >= 0)
		load_note(r->s, 1, true, "column", "want one of the columns start and end, not both");
	if (!times && !r->o->has_start)
		load_note(r->s, 1, true, "column",
			  "no column start (or end): name it, or say when the first row begins and how "
			  "long each is");
	if (times && r->o->has_start)
		load_note(r->s, 1, true, "column",
			  "the file has times of its own; leave out the start of the first row");
	if (at[COL_REACTIVE] >= 0 && (at[COL_LAG] >= 0 || at[COL_LEAD] >= 0))
		load_note(r->s, 1, true, "column",
			  "kvarh stands beside kvarh_lag or kvarh_lead; want one form");
	if ((at[COL_REGISTER] >= 0 && of_intervals) || (at[COL_REGISTER] < 0 && of_registers))
		load_note(r->s, 1, true, "column",
			  "active and reactive energy must both be intervals or both be registers");
}

static void note_columns(struct reader *r)
{
	const int *at = r->at;
	struct load_rows *rows = &r->rows;

	rows->kind = at[COL_KW] >= 0 ? LOAD_KW : at[COL_REGISTER] >= 0 ? LOAD_REGISTER : LOAD_KWH;
	rows->at_end = at[COL_END] >= 0 && rows->kind != LOAD_REGISTER;
	rows->has[VALUE_ACTIVE] = true;
	rows->has[VALUE_LAG] = at[COL_LAG] >= 0 || at[COL_REACTIVE] >= 0 || at[COL_REGISTER_LAG] >= 0;
	rows->has[VALUE_LEAD] = at[COL_LEAD] >= 0 || at[COL_REACTIVE] >= 0 || at[COL_REGISTER_LEAD] >= 0;
	rows->has_meter = at[COL_METER] >= 0;
}

static void read_header(struct reader *r, char *line)
{
	char *fields[FIELDS_MAX];

	r->separator = !strchr(line, ',') && strchr(line, ';') ? ';' : ',';
	for (int i = 0; i < COLUMNS; i++)
		r->at[i] = -1;
	r->n = split(line, r->separator, fields);
	if (r->n < 0) {
		load_note(r->s, 1, true, "fields",
			  "a header of more than %d columns, or a quote that does not end", FIELDS_MAX);
		return;
	}
	for (int i = 0; i < r->n; i++) {
		enum column c = column_of(fields[i]);

		r->columns[i] = c;
		if (c == COLUMNS)
			unknown_column(r, fields[i]);
		else if (r->at[c] >= 0)
			load_note(r->s, 1, true, "column", "the column \"%s\" stands twice", column_names[c]);
		else
			r->at[c] = i;
	}
	if (r->s->errors)
		return;
	check_columns(r);
	note_columns(r);
}

/* ---- values ---- */

/* Why a text is no number, and of which kind the finding is. */
static const char *number_fault(const char *s, const char **kind)
{
	*kind = "empty";
	if (!*s)
		return "is empty; write 0 if nothing was used, or leave out the row if nothing is known";
	*kind = "thousands";
	if (strpbrk(s, ", '_"))
		return "has a separator in it; write 1234.5, without thousands separators and with a decimal "
		       "point";
	*kind = "number";
	return "is not a decimal number with at most six decimals, such as 1234.5";
}

static bool read_number(struct reader *r, size_t line, enum column c, const char *s, int64_t *micro)
{
	const char *kind, *why;

	if (*s && money_parse(s, micro)) {
		if (*micro < 0 && c != COL_REACTIVE) {
			load_note(r->s, line, true, "negative",
				  "%s is %.40s; energy taken from the grid is not negative (feed-in "
				  "belongs in a load of its own)",
				  column_names[c], s);
			return false;
		}
		if (*micro <= MICRO_MAX && *micro >= -MICRO_MAX)
			return true;
		load_note(r->s, line, true, "limit", "%s is %.40s; beyond 10^9, so the unit must be wrong",
			  column_names[c], s);
		return false;
	}
	why = number_fault(s, &kind);
	load_note(r->s, line, true, kind, "%s%s%.40s%s %s", column_names[c], *s ? " \"" : "", s,
		  *s ? "\"" : "", why);
	return false;
}

static void put_value(struct load_row *row, enum column c, int64_t micro)
{
	switch (c) {
	case COL_LAG:
	case COL_REGISTER_LAG:
		row->micro[VALUE_LAG] = micro;
		break;
	case COL_LEAD:
	case COL_REGISTER_LEAD:
		row->micro[VALUE_LEAD] = micro;
		break;
	case COL_REACTIVE:
		row->micro[micro < 0 ? VALUE_LEAD : VALUE_LAG] = micro < 0 ? -micro : micro;
		break;
	default:
		row->micro[VALUE_ACTIVE] = micro;
		break;
	}
}

/* ---- times ---- */

/* A local time that the clock skipped reads as another one. */
static bool local_exists(const struct zone *z, const char *s, int64_t t_us)
{
	char text[48];

	time_format(t_us, z, text, sizeof text);
	return !strncmp(s + 11, text + 11, 5) || !strncmp(s + 11, "24", 2);
}

/* The hour that comes twice: when the first pass lies behind the last row, it is the second one. */
static int64_t second_pass(const struct reader *r, int64_t t_us)
{
	static const int64_t shifts[] = { 30 * US_PER_MIN, US_PER_H, 2 * US_PER_H };
	const struct load_rows *rows = &r->rows;
	struct civil a, b;

	if (!rows->n || t_us > rows->rows[rows->n - 1].t_us)
		return t_us;
	zone_civil(r->o->zone, t_us, &a);
	for (size_t i = 0; i < ARRAY_LEN(shifts); i++) {
		zone_civil(r->o->zone, t_us + shifts[i], &b);
		if (a.day == b.day && a.hour == b.hour && a.minute == b.minute && a.offset_s != b.offset_s)
			return t_us + shifts[i];
	}
	return t_us;
}

static bool read_local(struct reader *r, size_t line, const char *s, int64_t *t_us)
{
	if (!r->o->zone) {
		load_note(r->s, line, true, "offset",
			  "\"%.40s\" has no offset from UTC; write %.19s+09:00, or name the zone of the site",
			  s, s);
		return false;
	}
	if (!time_parse(s, r->o->zone, t_us) || !local_exists(r->o->zone, s, *t_us)) {
		load_note(r->s, line, true, "local-time",
			  "\"%.40s\" does not exist in %s: the clock skips it", s, zone_name(r->o->zone));
		return false;
	}
	*t_us = second_pass(r, *t_us);
	return true;
}

/* How far the clock of the file is ahead of UTC, from its first time. */
static void note_offset(struct reader *r, const char *s, int64_t t_us)
{
	char local[48];
	int64_t as_utc;

	snprintf(local, sizeof local, "%.*sZ", (int)(11 + strcspn(s + 11, "+-Z")), s);
	if (time_parse(local, NULL, &as_utc))
		r->s->offset_s = (int32_t)((as_utc - t_us) / US_PER_S);
}

static bool read_time(struct reader *r, size_t line, const char *s, int64_t *t_us)
{
	bool with = time_parse(s, NULL, t_us);
	char utc[48];
	int64_t ignored;

	snprintf(utc, sizeof utc, "%.40sZ", s);
	if (!with && !time_parse(utc, NULL, &ignored)) {
		load_note(r->s, line, true, *s ? "date" : "empty",
			  "\"%.40s\" is no possible date and time; write 2026-05-01T00:15:00+09:00", s);
		return false;
	}
	if (r->offset && r->offset != (with ? 1 : -1)) {
		load_note(r->s, line, true, "offset",
			  "\"%.40s\": times with and without an offset in one file; write all in one form",
			  s);
		return false;
	}
	if (with && !r->offset)
		note_offset(r, s, *t_us);
	r->offset = with ? 1 : -1;
	return with || read_local(r, line, s, t_us);
}

/* ---- rows ---- */

static bool add_row(struct reader *r, const struct load_row *row)
{
	struct load_rows *rows = &r->rows;

	if (rows->n == rows->cap) {
		size_t cap = rows->cap ? 2 * rows->cap : 4096;
		struct load_row *more = realloc(rows->rows, cap * sizeof *more);

		if (!more)
			return false;
		rows->rows = more;
		rows->cap = cap;
	}
	rows->rows[rows->n++] = *row;
	return true;
}

static bool check_fields(struct reader *r, size_t line, int n)
{
	if (n == r->n)
		return true;
	if (n < 0)
		load_note(r->s, line, true, "fields",
			  "a quote does not end, or there are more than %d fields", FIELDS_MAX);
	else
		load_note(r->s, line, true, n > r->n && r->separator == ',' ? "thousands" : "fields",
			  "%d fields, the header has %d%s", n, r->n,
			  n > r->n && r->separator == ','
				  ? "; write numbers without thousands separators and with a decimal point"
				  : "");
	return false;
}

/* False: out of memory. What is wrong with the row is noted. */
static bool read_row(struct reader *r, size_t line, size_t index, char *text)
{
	struct load_row row = { .line = line, .meter = "" };
	char *fields[FIELDS_MAX];
	bool good = true;

	if (!check_fields(r, line, split(text, r->separator, fields)))
		return true;
	if (r->o->has_start)
		row.t_us = r->o->start_us + (int64_t)index * r->o->interval_us;
	for (int i = 0; i < r->n; i++) {
		enum column c = r->columns[i];
		int64_t micro;

		if (c == COL_START || c == COL_END)
			good = read_time(r, line, fields[i], &row.t_us) && good;
		else if (c == COL_METER)
			row.meter = fields[i];
		else if (read_number(r, line, c, fields[i], &micro))
			put_value(&row, c, micro);
		else
			good = false;
	}
	return !good || add_row(r, &row);
}

/* Cuts the next line out of *p; NULL at the end. */
static char *next_line(char **p, char *end)
{
	char *line = *p, *newline;

	if (line >= end)
		return NULL;
	newline = memchr(line, '\n', (size_t)(end - line));
	*p = newline ? newline + 1 : end;
	if (newline)
		*newline = '\0';
	if (newline && newline > line && newline[-1] == '\r')
		newline[-1] = '\0';
	return line;
}

static bool only_blank(const char *p, const char *end)
{
	while (p < end && isspace((unsigned char)*p))
		p++;
	return p == end;
}

/* What is there behind the header. */
static enum fems_rc read_body(struct reader *r, char *p, char *end, struct fems_error *e)
{
	size_t left = r->o->max ? r->o->max : SIZE_MAX, skip = r->o->skip, index = 0;
	char *line;

	for (size_t number = 2; left && (line = next_line(&p, end)); number++) {
		if (!*trim(line)) {
			if (!only_blank(p, end))
				load_note(r->s, number, true, "empty",
					  "an empty line between rows; take it out");
			if (only_blank(p, end))
				break;
			continue;
		}
		if (skip) {
			skip--;
			continue;
		}
		left--;
		if (strlen(line) > LINE_LENGTH)
			load_note(r->s, number, true, "limit", "a line of more than %d bytes", LINE_LENGTH);
		else if (!read_row(r, number, index, line))
			return err_set(e, FEMS_ENOMEM, "load: out of memory");
		index++;
	}
	if (!index)
		load_note(r->s, 0, true, "rows", "no rows to read");
	else if (r->o->max && left)
		load_note(r->s, 0, true, "rows", "%zu rows wanted, only %zu are there", r->o->max, index);
	return FEMS_OK;
}

static enum fems_rc read_text(struct reader *r, char *text, size_t len, struct fems_error *e)
{
	char *p = text, *end = text + len, *line;

	if (memchr(text, '\0', len)) {
		load_note(r->s, 0, true, "text", "has zero bytes; save it as CSV in UTF-8");
		return FEMS_OK;
	}
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		p += 3;
	line = next_line(&p, end);
	if (!line || !*trim(line)) {
		load_note(r->s, 1, true, "text", "the file is empty; the first line names the columns");
		return FEMS_OK;
	}
	read_header(r, line);
	return r->s->errors ? FEMS_OK : read_body(r, p, end, e);
}

enum fems_rc load_csv_parse(char *text, size_t len, const struct load_options *o, struct load_series **out,
			    struct fems_error *e)
{
	struct reader r = { .o = o, .s = calloc(1, sizeof *r.s) };
	enum fems_rc rc;

	*out = NULL;
	if (!r.s)
		return err_set(e, FEMS_ENOMEM, "load: out of memory");
	r.s->zone = o->zone;
	rc = read_text(&r, text, len, e);
	if (rc == FEMS_OK && r.rows.n)
		rc = load_series_make(r.s, &r.rows, o, e);
	free(r.rows.rows);
	if (rc == FEMS_OK)
		*out = r.s;
	else
		load_series_free(r.s);
	return rc;
}

enum fems_rc load_csv_read(const char *path, const struct load_options *o, struct load_series **out,
			   struct fems_error *e)
{
	char *text;
	size_t len;
	enum fems_rc rc = file_read(path, FILE_MAX, &text, &len, e);

	*out = NULL;
	if (rc != FEMS_OK)
		return rc;
	rc = load_csv_parse(text, len, o, out, e);
	free(text);
	return rc;
}
