/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/conf/scalar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/money.h"
#include "core/base/text.h"
#include "core/base/zone.h"
#include "core/conf/node.h"

/* ---- texts ---- */

/* Copies the number in front of an optional unit; false when that leaves none or too much. */
static bool cut_unit(const char *s, const char *unit, char *buf, size_t cap)
{
	size_t n = strlen(s), m = unit ? strlen(unit) : 0;

	if (m && n > m && !strcmp(s + n - m, unit))
		n -= m;
	while (n > 0 && s[n - 1] == ' ')
		n--;
	if (n == 0 || n >= cap)
		return false;
	memcpy(buf, s, n);
	buf[n] = '\0';
	return true;
}

static bool hex(const char *s, int64_t *out)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(s, &end, 16);
	if (errno || *end || end == s + 2)
		return false;
	*out = v;
	return true;
}

bool scalar_int(const char *s, const char *unit, int64_t *out)
{
	char buf[48];

	if (!cut_unit(s, unit, buf, sizeof buf))
		return false;
	return buf[0] == '0' && (buf[1] == 'x' || buf[1] == 'X') ? hex(buf, out) : str_int64(buf, out);
}

bool scalar_num(const char *s, const char *unit, double *out)
{
	char buf[48];

	return cut_unit(s, unit, buf, sizeof buf) && str_double(buf, out);
}

bool scalar_bool(const char *s, int64_t *out)
{
	static const char *const names[] = { "false", "true", "no", "yes", "off", "on",
					     "False", "True", "No", "Yes", "Off", "On",
					     "FALSE", "TRUE", "NO", "YES", "OFF", "ON" };
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (!strcmp(s, names[i])) {
			*out = i & 1;
			return true;
		}
	return false;
}

/* ---- messages ---- */

void scalar_fault(struct faults *f, const struct conf_node *n, const char *what, const char *wanted,
		  const char *more)
{
	const char *sep = more ? "; " : "", *tail = more ? more : "";

	if (!n)
		conf_error(f, n, "%s is missing; expected %s%s%s", what, wanted, sep, tail);
	else if (n->kind != CONF_SCALAR)
		conf_error(f, n, "%s is a %s; expected %s%s%s", what,
			   n->kind == CONF_MAP ? "mapping" : "list", wanted, sep, tail);
	else if (conf_is_null(n))
		conf_error(f, n, "%s is empty; expected %s%s%s", what, wanted, sep, tail);
	else
		conf_error(f, n, "%s is \"%.60s\"; expected %s%s%s", what, n->text, wanted, sep, tail);
}

static bool is_value(const struct conf_node *n)
{
	return n && n->kind == CONF_SCALAR && !conf_is_null(n);
}

/* ---- numbers ---- */

static const char *int_wanted(char *buf, size_t cap, const char *unit, int64_t min, int64_t max)
{
	const char *sep = unit ? " " : "", *u = unit ? unit : "";

	if (min == INT64_MIN && max == INT64_MAX)
		snprintf(buf, cap, "a whole number%s%s", unit ? " of " : "", u);
	else if (max == INT64_MAX)
		snprintf(buf, cap, "a whole number of %lld%s%s or more", (long long)min, sep, u);
	else if (min == INT64_MIN)
		snprintf(buf, cap, "a whole number of %lld%s%s or less", (long long)max, sep, u);
	else
		snprintf(buf, cap, "a whole number from %lld to %lld%s%s", (long long)min, (long long)max,
			 sep, u);
	return buf;
}

bool scalar_int_unit(const struct conf_node *n, const char *what, const char *unit, int64_t min, int64_t max,
		     int64_t *out, struct faults *f)
{
	char wanted[120];
	int64_t v;

	if (is_value(n) && scalar_int(n->text, unit, &v) && v >= min && v <= max) {
		*out = v;
		return true;
	}
	scalar_fault(f, n, what, int_wanted(wanted, sizeof wanted, unit, min, max), NULL);
	return false;
}

bool scalar_num_unit(const struct conf_node *n, const char *what, const char *unit, double min, double max,
		     double *out, struct faults *f)
{
	const char *sep = unit ? " " : "", *u = unit ? unit : "";
	char wanted[160];
	double v;

	if (is_value(n) && scalar_num(n->text, unit, &v) &&
	    ((min == 0 && max == 0) || (v >= min && v <= max))) {
		*out = v;
		return true;
	}
	if (min == 0 && max == 0)
		snprintf(wanted, sizeof wanted, "a number%s%s", unit ? " of " : "", u);
	else
		snprintf(wanted, sizeof wanted, "a number from %.15g to %.15g%s%s", min, max, sep, u);
	scalar_fault(f, n, what, wanted, NULL);
	return false;
}

bool conf_as_int(const struct conf_node *n, const char *what, int64_t min, int64_t max, int64_t *out,
		 struct faults *f)
{
	return scalar_int_unit(n, what, NULL, min, max, out, f);
}

bool conf_as_num(const struct conf_node *n, const char *what, double min, double max, double *out,
		 struct faults *f)
{
	return scalar_num_unit(n, what, NULL, min, max, out, f);
}

bool conf_as_bool(const struct conf_node *n, const char *what, bool *out, struct faults *f)
{
	int64_t v;

	if (is_value(n) && scalar_bool(n->text, &v)) {
		*out = v;
		return true;
	}
	scalar_fault(f, n, what, "true or false", NULL);
	return false;
}

bool conf_as_micro(const struct conf_node *n, const char *what, int64_t *out, struct faults *f)
{
	if (is_value(n) && money_parse(n->text, out))
		return true;
	scalar_fault(f, n, what, "a decimal number with at most six decimals", NULL);
	return false;
}

/* ---- quantities with a unit ---- */

bool scalar_dim(const struct conf_node *n, const char *what, const struct dimension *d, double min,
		double max, int64_t *out, struct faults *f)
{
	char why[DIM_WHY_BYTES] = "", lo[40], hi[40], wanted[160];
	int64_t v;

	if (!is_value(n) || !dim_parse(d, n->text, &v, why)) {
		scalar_fault(f, n, what, d->wanted, *why ? why : NULL);
		return false;
	}
	if ((min != 0 || max != 0) && ((double)v < min || (double)v > max)) {
		snprintf(wanted, sizeof wanted, "%s to %s", dim_format(d, (int64_t)min, lo, sizeof lo),
			 max < 9e18 ? dim_format(d, (int64_t)max, hi, sizeof hi) : "any");
		scalar_fault(f, n, what, wanted, NULL);
		return false;
	}
	*out = v;
	return true;
}

bool conf_as_duration(const struct conf_node *n, const char *what, int64_t *us, struct faults *f)
{
	return scalar_dim(n, what, &dim_duration, 0, 0, us, f);
}

bool conf_as_power(const struct conf_node *n, const char *what, int64_t *w, struct faults *f)
{
	return scalar_dim(n, what, &dim_power, 0, 0, w, f);
}

bool conf_as_energy(const struct conf_node *n, const char *what, int64_t *wh, struct faults *f)
{
	return scalar_dim(n, what, &dim_energy, 0, 0, wh, f);
}

/* ---- dates ---- */

static bool digits(const char *s, int n, int *out)
{
	*out = 0;
	for (; n > 0; n--, s++) {
		if (*s < '0' || *s > '9')
			return false;
		*out = *out * 10 + (*s - '0');
	}
	return true;
}

static bool parse_date(const char *s, int64_t *days)
{
	int y, m, d, y2, m2, d2;

	if (strlen(s) != 10 || s[4] != '-' || s[7] != '-')
		return false;
	if (!digits(s, 4, &y) || !digits(s + 5, 2, &m) || !digits(s + 8, 2, &d) || m < 1 || m > 12)
		return false;
	*days = civil_days(y, m, d);
	civil_from_days(*days, &y2, &m2, &d2);
	return y == y2 && m == m2 && d == d2;
}

bool conf_as_date(const struct conf_node *n, const char *what, int64_t *days, struct faults *f)
{
	if (is_value(n) && parse_date(n->text, days))
		return true;
	scalar_fault(f, n, what, "a date YYYY-MM-DD", NULL);
	return false;
}
