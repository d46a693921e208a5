/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/femsctl/femsctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/money.h"
#include "core/base/text.h"
#include "core/base/zone.h"
#include "core/daemon/control.h"

int ctl_exit_of(enum fems_rc rc)
{
	switch (rc) {
	case FEMS_OK:
		return CTL_OK;
	case FEMS_EAUTH:
		return CTL_DENIED;
	case FEMS_ENOENT:
		return CTL_NOT_FOUND;
	case FEMS_ECONFLICT:
		return CTL_CONFLICT;
	default:
		return CTL_FAILED;
	}
}

void ctl_print_json(const json_t *j)
{
	char *s = json_dumps(j, JSON_INDENT(2) | JSON_ENCODE_ANY);

	puts(s ? s : "null");
	free(s);
}

json_t *ctl_call(const struct ctl *c, const char *service, const json_t *request, int *rc)
{
	struct fems_error e = { .text = "" };
	json_t *reply = NULL;
	enum fems_rc r = control_call(c->socket, service, request, &reply, &e);

	*rc = ctl_exit_of(r);
	if (!r)
		return reply;
	if (strstr(e.text, "no femsd there"))
		*rc = CTL_UNREACHABLE;
	fprintf(stderr, "femsctl: %s\n", e.text);
	return NULL;
}

json_t *ctl_ask(const struct ctl *c, const char *service, const json_t *request, int *rc)
{
	json_t *reply = ctl_call(c, service, request, rc);

	if (!reply || !c->json)
		return reply;
	ctl_print_json(reply);
	json_decref(reply);
	return NULL;
}

const char *ctl_option(const struct ctl *c, const char *name)
{
	size_t n = strlen(name);

	for (int i = 0; i < c->argc; i++) {
		const char *a = c->argv[i];

		if (strncmp(a, "--", 2) || strncmp(a + 2, name, n))
			continue;
		if (a[2 + n] == '=')
			return a + 3 + n;
		if (!a[2 + n] && i + 1 < c->argc)
			return c->argv[i + 1];
	}
	return NULL;
}

bool ctl_flag(const struct ctl *c, const char *name)
{
	for (int i = 0; i < c->argc; i++)
		if (!strncmp(c->argv[i], "--", 2) && !strcmp(c->argv[i] + 2, name))
			return true;
	return false;
}

bool ctl_only_options(const struct ctl *c, const char *command, const char *const *names)
{
	static const char *const always[] = { "json", "lang", "socket", NULL };

	for (int i = 0; i < c->argc; i++) {
		const char *name = c->argv[i] + 2, *near;
		size_t n = strcspn(name - 2, "=") - 2, count = 0;
		bool known = strncmp(c->argv[i], "--", 2) != 0;

		for (; names[count]; count++)
			known = known || (strlen(names[count]) == n && !strncmp(name, names[count], n));
		for (int k = 0; always[k]; k++)
			known = known || (strlen(always[k]) == n && !strncmp(name, always[k], n));
		if (known)
			continue;
		near = str_nearest(name, names, count);
		fprintf(stderr, "femsctl: %s: no option \"%s\"%s%s%s\n", command, c->argv[i],
			near ? "; did you mean \"--" : "", near ? near : "", near ? "\"?" : "");
		return false;
	}
	return true;
}

const char *ctl_argument(const struct ctl *c, int i)
{
	static const char *const flags[] = { "--json", "--explain", "--quiet", "--accept-spikes" };

	for (int k = 0; k < c->argc; k++) {
		bool flag = strchr(c->argv[k], '=') != NULL;

		if (strncmp(c->argv[k], "--", 2)) {
			if (i-- == 0)
				return c->argv[k];
			continue;
		}
		for (size_t f = 0; f < sizeof flags / sizeof *flags; f++)
			flag = flag || !strcmp(c->argv[k], flags[f]);
		k += !flag; /* its value */
	}
	return NULL;
}

const char *ctl_str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

int64_t ctl_int(const json_t *o, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(o, key));
}

const char *ctl_label(const struct ctl *c, const json_t *o, const char *key)
{
	const json_t *labels = json_object_get(o, key);
	const char *s = json_string_value(json_object_get(labels, c->lang));

	return s ? s : ctl_str(labels, "en");
}

const char *ctl_kilo(const json_t *v, const char *unit, char *buf, unsigned cap)
{
	char number[40];

	if (!json_is_number(v)) {
		snprintf(buf, cap, "-");
		return buf;
	}
	money_format((int64_t)(json_number_value(v) * 1000), 1, number, sizeof number);
	snprintf(buf, cap, "%s %s", number, unit);
	return buf;
}

const char *ctl_money(const json_t *v, const char *currency, char *buf, unsigned cap)
{
	char number[40];

	if (!json_is_integer(v)) {
		snprintf(buf, cap, "-");
		return buf;
	}
	money_format((int64_t)json_integer_value(v),
		     strcmp(currency, "KRW") && strcmp(currency, "JPY") ? 2 : 0, number, sizeof number);
	snprintf(buf, cap, "%s %s", number, currency);
	return buf;
}

const char *ctl_time(const json_t *v, char *buf, unsigned cap)
{
	const char *s = json_string_value(v);

	if (!s || strlen(s) < 16)
		snprintf(buf, cap, "-");
	else
		snprintf(buf, cap, "%.5s %.5s", s + 5, s + 11);
	return buf;
}

struct zone *ctl_zone(const struct ctl *c)
{
	struct zone *z = NULL;
	json_t *site = NULL;

	if (!control_call(c->socket, "site", NULL, &site, NULL))
		zone_open(ctl_str(site, "zone"), &z, NULL);
	json_decref(site);
	return z;
}

const char *ctl_time_in(const struct zone *z, const json_t *v, char *buf, unsigned cap)
{
	char local[40];
	json_t *text;
	int64_t t;

	if (!json_is_string(v) || !time_parse(json_string_value(v), NULL, &t))
		return ctl_time(NULL, buf, cap);
	text = json_string(time_format(t, z, local, sizeof local));
	ctl_time(text, buf, cap);
	json_decref(text);
	return buf;
}

/* Columns of UTF-8 text on a terminal: Hangul and other wide letters take two. */
static int columns(const char *s)
{
	int n = 0;

	for (const unsigned char *p = (const unsigned char *)s; *p; p++)
		if ((*p & 0xc0) != 0x80)
			n += *p >= 0xe1 && *p <= 0xed ? 2 : 1;
	return n;
}

void ctl_cell(const char *text, int width)
{
	printf("%s", text);
	for (int n = columns(text); n < width; n++)
		putchar(' ');
}
