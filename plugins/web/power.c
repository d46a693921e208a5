/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/web/power.h"

#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST_STALE_US 60000000 /* while the interval of a meter is not known yet */
#define LEAST_STALE_US 3000000
#define GAP            10 /* a pause this many times the interval is an outage, not a new interval */

struct item {
	uint32_t point;
	char *name; /* NULL: not known yet */
	double value;
	int64_t t_us, interval_us;
	bool offline;
};

struct power {
	pthread_mutex_t lock;
	struct item *items; /* by point */
	size_t n, cap;
	bool wants_names;
};

struct power *power_new(void)
{
	struct power *p = calloc(1, sizeof *p);

	if (p)
		pthread_mutex_init(&p->lock, NULL);
	return p;
}

void power_free(struct power *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		free(p->items[i].name);
	free(p->items);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* Index of a point, or where it belongs. */
static size_t place(const struct power *p, uint32_t point)
{
	size_t lo = 0, hi = p->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->items[mid].point < point)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct item *item_of(struct power *p, uint32_t point, bool add)
{
	size_t at = place(p, point);

	if (at < p->n && p->items[at].point == point)
		return &p->items[at];
	if (!add)
		return NULL;
	if (p->n == p->cap) {
		size_t cap = p->cap ? 2 * p->cap : 32;
		struct item *more = realloc(p->items, cap * sizeof *more);

		if (!more)
			return NULL;
		p->items = more;
		p->cap = cap;
	}
	memmove(&p->items[at + 1], &p->items[at], (p->n - at) * sizeof *p->items);
	memset(&p->items[at], 0, sizeof *p->items);
	p->items[at].point = point;
	p->n++;
	p->wants_names = true;
	return &p->items[at];
}

static void take(struct item *it, const struct fems_sample *s)
{
	int64_t d = s->t_us - it->t_us;

	if (it->t_us && d <= 0)
		return;
	if (it->t_us && !it->interval_us)
		it->interval_us = d;
	else if (it->t_us && d < GAP * it->interval_us)
		it->interval_us = (3 * it->interval_us + d) / 4;
	it->t_us = s->t_us;
	it->value = s->value;
	it->offline = false;
}

enum fems_rc power_feed(struct power *p, const struct fems_sample *s, size_t n)
{
	enum fems_rc rc = FEMS_OK;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < n; i++) {
		struct item *it;

		if ((s[i].quality & FEMS_Q_CLASS) > FEMS_Q_UNCERTAIN || !isfinite(s[i].value))
			continue;
		it = item_of(p, s[i].point, true);
		if (it)
			take(it, &s[i]);
		else
			rc = FEMS_ENOMEM;
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

bool power_wants_names(struct power *p)
{
	bool wants;

	pthread_mutex_lock(&p->lock);
	wants = p->wants_names;
	p->wants_names = false;
	pthread_mutex_unlock(&p->lock);
	return wants;
}

static void set_name(struct power *p, uint32_t point, const char *name)
{
	struct item *it;

	pthread_mutex_lock(&p->lock);
	it = item_of(p, point, false);
	if (it && (!it->name || strcmp(it->name, name) != 0)) {
		free(it->name);
		it->name = strdup(name);
	}
	pthread_mutex_unlock(&p->lock);
}

void power_set_names(struct power *p, const struct fems_host *host, const char *reply, size_t len)
{
	json_t *o = json_loadb(reply, len, 0, NULL), *meter;
	size_t i;

	json_array_foreach(json_object_get(o, "meters"), i, meter)
	{
		const char *name = json_string_value(json_object_get(meter, "name"));
		char point[300];
		uint32_t id;

		if (!name || snprintf(point, sizeof point, "%s/power.active", name) >= (int)sizeof point)
			continue;
		id = host->find(host->ctx, point);
		if (id)
			set_name(p, id, name);
	}
	json_decref(o);
}

void power_meter_notice(struct power *p, struct fems_span body)
{
	json_t *o = json_loadb(body.ptr, body.len, 0, NULL);
	const char *name = json_string_value(json_object_get(o, "name"));
	const char *state = json_string_value(json_object_get(o, "state"));

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; name && state && i < p->n; i++) {
		if (p->items[i].name && strcmp(p->items[i].name, name) == 0)
			p->items[i].offline = strcmp(state, "offline") == 0;
	}
	pthread_mutex_unlock(&p->lock);
	json_decref(o);
}

static bool is_stale(const struct item *it, int64_t now_us)
{
	int64_t limit = it->interval_us ? 3 * it->interval_us : FIRST_STALE_US;

	return it->offline || now_us - it->t_us > (limit < LEAST_STALE_US ? LEAST_STALE_US : limit);
}

/* RFC 3339 with milliseconds, UTC. */
static void time_text(int64_t t_us, char *buf, size_t size)
{
	time_t t = (time_t)(t_us / 1000000);
	struct tm tm;
	size_t n;

	gmtime_r(&t, &tm);
	n = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, size - n, ".%03dZ", (int)(t_us / 1000 % 1000));
}

char *power_json(struct power *p, int64_t now_us)
{
	json_t *power = json_object(), *stale = json_array(), *o;
	char now[40], *text;

	time_text(now_us, now, sizeof now);
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->n; i++) {
		const struct item *it = &p->items[i];

		if (!it->name)
			continue;
		json_object_set_new(power, it->name, json_integer(llround(it->value)));
		if (is_stale(it, now_us))
			json_array_append_new(stale, json_string(it->name));
	}
	pthread_mutex_unlock(&p->lock);
	o = json_pack("{s:s, s:o, s:o}", "now", now, "power", power, "stale", stale);
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	return text;
}
