/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/tariff/load_csv.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/money.h"
#include "core/base/text.h"
#include "core/tariff/load_rows.h"

#define FILE_MAX    (64u << 20)
#define LINE_LENGTH 4096

const char *const load_column_names[COLUMNS] = { "start",
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
		if (!strcasecmp(name, load_column_names[i]))
			return (enum column)i;
	return COLUMNS;
}

static void unknown_column(struct reader *r, const char *name)
{
	const char *near = str_nearest(name, load_column_names, COLUMNS);
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
			load_note(r->s, 1, true, "column", "the column \"%s\" stands twice",
				  load_column_names[c]);
		else
			r->at[c] = i;
	}
	if (r->s->errors)
		return;
	check_columns(r);
	note_columns(r);
}

/* ---- rows ---- */

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
			good = load_read_time(r, line, fields[i], &row.t_us) && good;
		else if (c == COL_METER)
			row.meter = fields[i];
		else if (load_read_number(r, line, c, fields[i], &micro))
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
