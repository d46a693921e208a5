/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "meters/modbus/yaml.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEYS 31

/* ---- faults ---- */

static struct fy_token *first_token(struct fy_node *n)
{
	void *iter = NULL;

	for (int depth = 0; n && depth < 64; depth++) {
		struct fy_node_pair *pair;

		switch (fy_node_get_type(n)) {
		case FYNT_SCALAR:
			return fy_node_get_scalar_token(n);
		case FYNT_SEQUENCE:
			iter = NULL;
			n = fy_node_sequence_iterate(n, &iter);
			break;
		case FYNT_MAPPING:
			iter = NULL;
			pair = fy_node_mapping_iterate(n, &iter);
			n = pair ? fy_node_pair_key(pair) : NULL;
			break;
		}
	}
	return NULL;
}

__attribute__((format(printf, 4, 0))) static void note_fault(struct yaml *y, int line, int column,
							     const char *fmt, va_list ap)
{
	struct yaml_faults *f = y->faults;
	char line_text[400];
	size_t used = strlen(f->text);
	int n = line > 0 ? snprintf(line_text, sizeof line_text, "%s:%d:%d: ", y->file, line, column)
			 : snprintf(line_text, sizeof line_text, "%s: ", y->file);

	if (n < 0 || (size_t)n >= sizeof line_text)
		n = 0;
	vsnprintf(line_text + n, sizeof line_text - (size_t)n, fmt, ap);
	f->n++;
	if (used + strlen(line_text) + 2 <= sizeof f->text)
		snprintf(f->text + used, sizeof f->text - used, "%s%s", used ? "\n" : "", line_text);
}

void yaml_fault(struct yaml *y, struct fy_node *n, const char *fmt, ...)
{
	struct fy_token *t = first_token(n);
	const struct fy_mark *m = t ? fy_token_start_mark(t) : NULL;
	va_list ap;

	va_start(ap, fmt);
	note_fault(y, m ? m->line + 1 : 0, m ? m->column + 1 : 0, fmt, ap);
	va_end(ap);
}

__attribute__((format(printf, 4, 5))) static void fault_at(struct yaml *y, int line, int column,
							   const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note_fault(y, line, column, fmt, ap);
	va_end(ap);
}

/* ---- the document ---- */

bool yaml_open(struct yaml *y, const char *file, const char *text, size_t len, struct yaml_faults *faults)
{
	struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_AUTO | FYPCF_JSON_NONE };
	struct fy_diag_cfg quiet = { .level = FYET_ERROR };
	struct fy_diag_error *err;
	void *iter = NULL;

	*y = (struct yaml){ .file = file, .faults = faults };
	cfg.diag = fy_diag_create(&quiet);
	if (!cfg.diag) {
		fault_at(y, 0, 0, "out of memory");
		return false;
	}
	fy_diag_set_collect_errors(cfg.diag, true);
	y->doc = len ? fy_document_build_from_string(&cfg, text, len) : NULL;
	if (!y->doc) {
		err = fy_diag_errors_iterate(cfg.diag, &iter);
		if (err)
			fault_at(y, err->line, err->column, "not readable as YAML: %s", err->msg);
		else
			fault_at(y, 1, 1, "the file is empty or not YAML");
	}
	fy_diag_destroy(cfg.diag);
	return y->doc;
}

void yaml_close(struct yaml *y)
{
	fy_document_destroy(y->doc);
	y->doc = NULL;
}

/* ---- mappings ---- */

static unsigned edit_distance(const char *a, const char *b)
{
	unsigned row[64];
	size_t n = strlen(b);

	if (n >= 63 || strlen(a) >= 63)
		return 64;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 0; a[i]; i++) {
		unsigned diagonal = row[0];

		row[0] = i + 1;
		for (unsigned j = 0; j < n; j++) {
			unsigned cost = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			if (row[j + 1] + 1 < cost)
				cost = row[j + 1] + 1;
			if (row[j] + 1 < cost)
				cost = row[j] + 1;
			row[j + 1] = cost;
		}
	}
	return row[n];
}

const char *nearest_name(const char *word, const char *const *names)
{
	unsigned best = (unsigned)(strlen(word) / 3 + 1), d;
	const char *found = NULL;

	for (; *names; names++) {
		d = edit_distance(word, *names);
		if (d <= best && (d < best || !found)) {
			best = d;
			found = *names;
		}
	}
	return found;
}

static int key_index(struct yaml *y, struct fy_node *key, const char *what, const struct yaml_key *keys)
{
	const char *names[MAX_KEYS + 1], *name, *near;
	int n = 0;

	if (!yaml_str(y, key, &name))
		return -1;
	for (; keys[n].name; n++) {
		if (!strcmp(keys[n].name, name))
			return n;
		names[n] = keys[n].name;
	}
	names[n] = NULL;
	near = nearest_name(name, names);
	yaml_fault(y, key, "%s has no key \"%.40s\"%s%s%s", what, name, near ? "; did you mean \"" : "",
		   near ? near : "", near ? "\"?" : "");
	return -1;
}

void yaml_mapping(struct yaml *y, struct fy_node *n, const char *what, const struct yaml_key *keys,
		  void *target)
{
	struct fy_node_pair *pair;
	bool seen[MAX_KEYS] = { false };
	void *iter = NULL;

	if (!n || !fy_node_is_mapping(n)) {
		yaml_fault(y, n, "%s must be a mapping (key: value)", what);
		return;
	}
	while ((pair = fy_node_mapping_iterate(n, &iter))) {
		int k = key_index(y, fy_node_pair_key(pair), what, keys);

		if (k < 0)
			continue;
		seen[k] = true;
		keys[k].set(y, fy_node_pair_value(pair), target);
	}
	for (int k = 0; keys[k].name; k++) {
		if (keys[k].required && !seen[k])
			yaml_fault(y, n, "%s needs \"%s\"", what, keys[k].name);
	}
}

/* ---- values ---- */

bool yaml_str(struct yaml *y, struct fy_node *n, const char **out)
{
	const char *s = NULL;
	size_t len = 0;

	if (n && fy_node_is_alias(n)) {
		yaml_fault(y, n, "aliases (*name) are not read here; write the value out");
		return false;
	}
	if (n && fy_node_is_scalar(n)) {
		fy_node_get_scalar(n, &len);
		s = fy_node_get_scalar0(n);
	}
	if (!s || strlen(s) != len) {
		yaml_fault(y, n, "a single value was expected here");
		return false;
	}
	*out = s;
	return true;
}

bool yaml_int(struct yaml *y, struct fy_node *n, int64_t min, int64_t max, int64_t *out)
{
	const char *s;
	char *end;
	long long v;

	if (!yaml_str(y, n, &s))
		return false;
	errno = 0;
	v = strtoll(s, &end, 0);
	if (!*s || *end || errno || v < min || v > max) {
		yaml_fault(y, n, "\"%.40s\" is not a whole number from %lld to %lld", s, (long long)min,
			   (long long)max);
		return false;
	}
	*out = v;
	return true;
}

bool yaml_raw(struct yaml *y, struct fy_node *n, uint64_t *out)
{
	const char *s;
	char *end;
	unsigned long long v;

	if (!yaml_str(y, n, &s))
		return false;
	errno = 0;
	v = strtoull(s, &end, 0);
	if (*s < '0' || *s > '9' || *end || errno) {
		yaml_fault(y, n, "\"%.40s\" is not a raw register value such as 65535 or 0xFFFF", s);
		return false;
	}
	*out = v;
	return true;
}

bool yaml_num(struct yaml *y, struct fy_node *n, double *out)
{
	const char *s;
	char *end;
	double v;

	if (!yaml_str(y, n, &s))
		return false;
	v = strtod(s, &end);
	if (!*s || *end || !isfinite(v)) {
		yaml_fault(y, n, "\"%.40s\" is not a number", s);
		return false;
	}
	*out = v;
	return true;
}

bool yaml_bool(struct yaml *y, struct fy_node *n, bool *out)
{
	static const char *const choices[] = { "false", "true", NULL };
	int v;

	if (!yaml_choice(y, n, choices, &v))
		return false;
	*out = v;
	return true;
}

bool yaml_choice(struct yaml *y, struct fy_node *n, const char *const *choices, int *out)
{
	char list[200] = "";
	const char *s;

	if (!yaml_str(y, n, &s))
		return false;
	for (int i = 0; choices[i]; i++) {
		size_t used = strlen(list);

		if (!strcmp(choices[i], s)) {
			*out = i;
			return true;
		}
		snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", choices[i]);
	}
	yaml_fault(y, n, "\"%.40s\" is not one of %s", s, list);
	return false;
}

bool yaml_duration(struct yaml *y, struct fy_node *n, int64_t max_us, int64_t *us)
{
	const char *s;
	char *end;
	double v, scale = 0;

	if (!yaml_str(y, n, &s))
		return false;
	v = strtod(s, &end);
	if (!strcmp(end, "ms"))
		scale = 1e3;
	else if (!strcmp(end, "s"))
		scale = 1e6;
	if (end == s || scale <= 0 || !(v >= 0 && v * scale <= (double)max_us)) {
		yaml_fault(y, n, "\"%.40s\" is not a time such as 200ms or 1s, at most %lld ms", s,
			   (long long)(max_us / 1000));
		return false;
	}
	*us = (int64_t)(v * scale);
	return true;
}
