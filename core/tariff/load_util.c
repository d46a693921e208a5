/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/tariff/load.h"

#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/text.h"

const struct conf_node *load_need(const struct conf_node *map, const char *key, const char *what,
				  struct faults *f)
{
	const struct conf_node *n = conf_get(map, key);

	if (!n || conf_is_null(n)) {
		conf_error(f, map, "%s: \"%s\" is missing", what, key);
		return NULL;
	}
	return n;
}

static const struct conf_node *need_kind(const struct conf_node *map, const char *key, const char *what,
					 enum conf_kind kind, struct faults *f)
{
	const struct conf_node *n = load_need(map, key, what, f);

	if (!n)
		return NULL;
	if (conf_kind(n) != kind || conf_count(n) == 0) {
		conf_error(f, n, "%s: \"%s\" must be a %s with at least one item", what, key,
			   kind == CONF_SEQ ? "list" : "mapping");
		return NULL;
	}
	return n;
}

const struct conf_node *load_list(const struct conf_node *map, const char *key, const char *what,
				  struct faults *f)
{
	return need_kind(map, key, what, CONF_SEQ, f);
}

const struct conf_node *load_map(const struct conf_node *map, const char *key, const char *what,
				 struct faults *f)
{
	return need_kind(map, key, what, CONF_MAP, f);
}

bool load_text(const struct conf_node *map, const char *key, const char *what, char *out, size_t cap,
	       struct faults *f)
{
	const struct conf_node *n = load_need(map, key, what, f);

	if (!n)
		return false;
	if (conf_kind(n) != CONF_SCALAR || !*conf_text(n)) {
		conf_error(f, n, "%s: \"%s\" must be a text", what, key);
		return false;
	}
	if (str_copy(out, cap, conf_text(n)))
		return true;
	conf_error(f, n, "%s: \"%s\" is longer than %zu bytes", what, key, cap - 1);
	return false;
}

static bool id_ok(const char *s)
{
	if (!*s || strlen(s) > 63)
		return false;
	for (; *s; s++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", *s))
			return false;
	return true;
}

bool load_id(const struct conf_node *n, const char *what, char *out, size_t cap, struct faults *f)
{
	if (!n)
		return false;
	if (conf_kind(n) == CONF_SCALAR && id_ok(conf_text(n)) && str_copy(out, cap, conf_text(n)))
		return true;
	conf_error(f, n, "%s: must be a name of at most %zu letters, digits, \"-\" and \"_\"", what, cap - 1);
	return false;
}

bool load_label(const struct conf_node *map, const char *id, const char *what, struct label *l,
		struct faults *f)
{
	bool ok = true;

	if (conf_kind(map) != CONF_MAP) {
		conf_error(f, map, "%s: must be a mapping with ko and en", what);
		return false;
	}
	if (!id_ok(id) || !str_copy(l->id, sizeof l->id, id)) {
		conf_error(f, map, "%s: must have a name of at most %zu letters, digits, \"-\" and \"_\"",
			   what, sizeof l->id - 1);
		ok = false;
	}
	ok &= load_text(map, "ko", what, l->ko, sizeof l->ko, f);
	ok &= load_text(map, "en", what, l->en, sizeof l->en, f);
	return ok;
}

static bool load_day(const struct conf_node *map, const char *key, const char *what, int64_t *day,
		     struct faults *f)
{
	char name[128];

	snprintf(name, sizeof name, "%s: %s", what, key);
	return conf_as_date(conf_get(map, key), name, day, f);
}

bool load_validity(const struct conf_node *map, const char *what, bool optional, struct validity *v,
		   struct faults *f)
{
	bool has_to = conf_get(map, "to") && !conf_is_null(conf_get(map, "to"));

	v->from = -DAY_MAX;
	v->to = DAY_MAX;
	if (!optional && !load_need(map, "from", what, f))
		return false;
	if (conf_get(map, "from") && !load_day(map, "from", what, &v->from, f))
		return false;
	if (has_to && !load_day(map, "to", what, &v->to, f))
		return false;
	if (v->to >= v->from)
		return true;
	conf_error(f, conf_get(map, "to"), "%s: the last day %s is before the first %s", what,
		   conf_text(conf_get(map, "to")), conf_text(conf_get(map, "from")));
	return false;
}

bool load_follows(const struct conf_node *map, const char *what, const struct validity *prev,
		  struct validity now, struct faults *f)
{
	char a[16], b[16];

	if (!prev)
		return true;
	if (now.from <= prev->from) {
		conf_error(f, map,
			   "%s: the version from %s stands behind one from %s; write them in rising order",
			   what, day_text(now.from, a, sizeof a), day_text(prev->from, b, sizeof b));
		return false;
	}
	if (prev->to == DAY_MAX) {
		conf_error(f, map,
			   "%s: the version from %s overlaps the one before it, which has no end; "
			   "give that one \"to: %s\"",
			   what, day_text(now.from, a, sizeof a), day_text(now.from - 1, b, sizeof b));
		return false;
	}
	if (now.from <= prev->to) {
		conf_error(f, map, "%s: the version from %s overlaps the one before it, which is valid to %s",
			   what, day_text(now.from, a, sizeof a), day_text(prev->to, b, sizeof b));
		return false;
	}
	if (now.from > prev->to + 1)
		conf_warn(f, map, "%s: no version is valid between %s and %s", what,
			  day_text(prev->to, a, sizeof a), day_text(now.from, b, sizeof b));
	return true;
}

bool load_rounding(const struct conf_node *map, const char *key, const char *what, struct rounding_rule *r,
		   struct faults *f)
{
	static const struct {
		const char *name;
		enum rounding mode;
	} modes[] = { { "half-up", ROUND_HALF_UP },
		      { "half-even", ROUND_HALF_EVEN },
		      { "down", ROUND_DOWN },
		      { "up", ROUND_UP } };
	const struct conf_node *n = conf_get(map, key);
	const char *s, *space;
	char unit[24];

	memset(r, 0, sizeof *r);
	if (!n)
		return true;
	s = conf_text(n);
	space = strchr(s, ' ');
	if (space && (size_t)(space - s) < sizeof unit) {
		memcpy(unit, s, (size_t)(space - s));
		unit[space - s] = '\0';
		for (size_t i = 0; i < ARRAY_LEN(modes); i++)
			if (!strcmp(space + 1, modes[i].name) && money_parse(unit, &r->unit_micro) &&
			    r->unit_micro > 0 && r->unit_micro <= 1000000 * 1000000LL) {
				r->mode = modes[i].mode;
				return true;
			}
	}
	r->unit_micro = 0;
	conf_error(f, n,
		   "%s: %s must be a unit and a mode, such as \"10 down\"; modes are half-up, half-even, "
		   "down and up",
		   what, key);
	return false;
}

bool load_percent(const struct conf_node *map, const char *key, const char *what, int64_t max_percent,
		  bool strict, int64_t *micro, struct faults *f)
{
	const struct conf_node *n = load_need(map, key, what, f);
	char name[128];

	snprintf(name, sizeof name, "%s: %s", what, key);
	if (!n || !conf_as_micro(n, name, micro, f))
		return false;
	if (*micro < 0 || *micro > max_percent * 1000000) {
		conf_error(f, n, "%s: %s is a percentage from 0 to %d, not %s", what, key, (int)max_percent,
			   conf_text(n));
		return false;
	}
	if (strict && *micro > 0 && *micro < 1000000) {
		conf_error(f, n, "%s: %s is in percent; for eighty percent write 80, not 0.8", what, key);
		return false;
	}
	return true;
}

static bool minute_of(const char *s, int *minute)
{
	for (int i = 0; i < 5; i++)
		if (i == 2 ? s[i] != ':' : s[i] < '0' || s[i] > '9')
			return false;
	*minute = ((s[0] - '0') * 10 + s[1] - '0') * 60 + (s[3] - '0') * 10 + s[4] - '0';
	return *minute <= 1440 && s[3] < '6';
}

bool load_window(const struct load *l, const struct conf_node *n, load_slot_fn fn, void *ctx)
{
	const char *s = conf_text(n);
	int a, b, step = (int)(l->t->demand_us / US_PER_MIN);

	if (strlen(s) != 11 || s[5] != '-' || !minute_of(s, &a) || !minute_of(s + 6, &b) || a == b ||
	    a == 1440) {
		conf_error(l->f, n,
			   "\"%s\" is not a window of the day; write it as 08:00-11:00, over midnight as "
			   "22:00-08:00, the whole day as 00:00-24:00",
			   s);
		return false;
	}
	if (a % step || b % step) {
		conf_error(l->f, n, "window %s: its edges must be multiples of the demand interval of %d min",
			   s, step);
		return false;
	}
	for (int m = a; m != b; m += step) {
		if (m == 1440)
			m = 0;
		if (m == b)
			break;
		fn(ctx, m / step);
	}
	return true;
}

static void set_flag(void *ctx, int slot)
{
	((bool *)ctx)[slot] = true;
}

bool *load_windows(const struct load *l, const struct conf_node *map, const char *key, const char *what)
{
	const struct conf_node *list = load_list(map, key, what, l->f);
	bool *slots = calloc((size_t)l->t->slots, sizeof *slots), ok = list && slots;

	for (size_t i = 0; ok && i < conf_count(list); i++)
		ok = load_window(l, conf_item(list, i), set_flag, slots);
	if (ok)
		return slots;
	if (!slots)
		conf_error(l->f, map, "out of memory");
	free(slots);
	return NULL;
}

static const struct label *label_at(const struct label *first, size_t stride, int i)
{
	return (const struct label *)((const char *)first + stride * (size_t)i);
}

int load_find(const struct conf_node *at, const char *id, const char *what, const struct label *first,
	      size_t stride, int count, struct faults *f)
{
	const char *names[32], *near;
	int n = 0;

	for (int i = 0; i < count; i++) {
		if (!strcmp(label_at(first, stride, i)->id, id))
			return i;
		if (n < (int)ARRAY_LEN(names))
			names[n++] = label_at(first, stride, i)->id;
	}
	near = str_nearest(id, names, (size_t)n);
	if (near)
		conf_error(f, at, "no %s called \"%s\"; did you mean \"%s\"?", what, id, near);
	else
		conf_error(f, at, "no %s called \"%s\" in this file", what, id);
	return -1;
}

bool load_set(const struct conf_node *map, const char *key, const char *what, const struct label *first,
	      size_t stride, int count, uint32_t *bits, struct faults *f)
{
	const struct conf_node *list = conf_get(map, key);
	bool ok = true;

	*bits = list ? 0 : (UINT32_C(1) << count) - 1;
	if (list && (conf_kind(list) != CONF_SEQ || !conf_count(list))) {
		conf_error(f, list, "\"%s\" must be a list of names; leave it out to mean all", key);
		return false;
	}
	for (size_t i = 0; list && i < conf_count(list); i++) {
		const struct conf_node *n = conf_item(list, i);
		int k = load_find(n, conf_text(n), what, first, stride, count, f);

		ok &= k >= 0;
		if (k >= 0)
			*bits |= UINT32_C(1) << k;
	}
	return ok;
}
