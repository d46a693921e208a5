/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/daemon/daemon.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/store/store_services.h"

static int64_t memory_kb(void)
{
	long pages = 0, size = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%ld %ld", &size, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static json_t *instant(const struct daemon *d, int64_t t_us)
{
	char buf[40];

	return json_string(time_format(t_us - t_us % US_PER_S, d->site->zone, buf, sizeof buf));
}

static void alarm_add(const struct daemon *d, json_t *list, int64_t since_us, const char *en, const char *ko,
		      const char *remedy_en, const char *remedy_ko)
{
	json_array_append_new(list,
			      json_pack("{s:o,s:s,s:s,s:s,s:s}", "since", instant(d, since_us), "text_en", en,
					"text_ko", ko, "remedy_en", remedy_en, "remedy_ko", remedy_ko));
}

static void meters(const struct daemon *d, json_t *status, json_t *alarms)
{
	struct device dev;
	int64_t online = 0, total = 0;
	char en[128], ko[128];

	for (size_t i = 0; device_at(d->points, i, &dev); i++) {
		total++;
		online += dev.state == FEMS_DEV_ONLINE || dev.state == FEMS_DEV_DEGRADED;
		if (dev.state != FEMS_DEV_OFFLINE)
			continue;
		snprintf(en, sizeof en, "meter \"%s\" does not answer", dev.name);
		snprintf(ko, sizeof ko, "계량기 \"%s\" 응답 없음", dev.name);
		alarm_add(d, alarms, dev.since_us, en, ko, dev.why, dev.why);
	}
	json_object_set_new(status, "meters",
			    json_pack("{s:I,s:I}", "total", (json_int_t)total, "online", (json_int_t)online));
}

static void store(const struct daemon *d, json_t *status, json_t *alarms)
{
	struct store_stats s;

	store_stats(d->store, &s);
	json_object_set_new(status, "store",
			    json_pack("{s:I,s:I,s:I,s:I,s:b,s:o}", "stored", (json_int_t)s.samples_stored,
				      "queued", (json_int_t)s.samples_queued, "dropped",
				      (json_int_t)(s.samples_dropped + recorder_lost(d->recorder)), "bytes",
				      (json_int_t)s.bytes, "disk_full", s.disk_full, "last_commit",
				      s.last_commit_us ? instant(d, s.last_commit_us) : json_null()));
	if (s.disk_full)
		alarm_add(d, alarms, clock_now_us(), "the disk is full: samples wait in memory",
			  "디스크 가득 참: 측정값이 메모리에 대기 중",
			  "free space on the disk of store.dir; nothing has to be restarted",
			  "store.dir 디스크의 공간을 확보하십시오. 재시작은 필요 없습니다");
}

static void plugins(const struct daemon *d, json_t *status, json_t *alarms)
{
	json_t *list = plugs_json(d->plugs, false), *p;
	char en[128], ko[128];
	size_t i;

	json_array_foreach(list, i, p)
	{
		const char *state = json_string_value(json_object_get(p, "state"));
		const char *name = json_string_value(json_object_get(p, "name"));
		const char *why = json_string_value(json_object_get(p, "last_error"));

		if (!state || !name || strcmp(state, "parked"))
			continue;
		snprintf(en, sizeof en, "plugin \"%s\" crashed too often and is parked", name);
		snprintf(ko, sizeof ko, "플러그인 \"%s\" 반복 오류로 정지됨", name);
		alarm_add(d, alarms, clock_now_us(), en, ko, why ? why : "", why ? why : "");
	}
	json_object_set_new(status, "plugins", list);
}

struct counts {
	int64_t open, done, waiting, dead, delivered;
};

static bool count_order(void *ctx, const struct store_order *o)
{
	struct counts *c = ctx;

	if (!strcmp(o->state, "done") || !strcmp(o->state, "reported"))
		c->done++;
	else if (strcmp(o->state, "cancelled"))
		c->open++;
	return true;
}

static void orders(const struct daemon *d, json_t *status)
{
	struct counts c = { 0 };

	store_orders(d->store, NULL, count_order, &c, NULL);
	json_object_set_new(status, "orders",
			    json_pack("{s:I,s:I}", "open", (json_int_t)c.open, "done", (json_int_t)c.done));
}

static enum fems_rc status_get(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	static const char *const modes[] = { "off", "advise", "act" };
	struct daemon *d = ctx;
	int64_t first = recorder_first_us(d->recorder);
	json_t *alarms = json_array(), *s;

	(void)request;
	s = json_pack("{s:s,s:s,s:o,s:o,s:f,s:s,s:I,s:o}", "version", PACKAGE_VERSION, "site", d->site->name,
		      "now", instant(d, clock_now_us()), "started", instant(d, d->started_us), "speed",
		      clock_speed(), "control", modes[d->site->control], "memory_kb", (json_int_t)memory_kb(),
		      "first_sample_ms",
		      first ? json_integer((first - d->started_mono_us) / 1000) : json_null());
	if (!s || !alarms) {
		json_decref(s);
		json_decref(alarms);
		return err_set(e, FEMS_ENOMEM, "out of memory");
	}
	meters(d, s, alarms);
	store(d, s, alarms);
	plugins(d, s, alarms);
	orders(d, s);
	json_object_set_new(s, "outbox", store_outbox_json(d->store));
	json_object_set_new(s, "alarms", alarms);
	*reply = s;
	return FEMS_OK;
}

static enum fems_rc plugins_list(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	struct daemon *d = ctx;

	(void)request;
	*reply = json_pack("{s:o}", "plugins", plugs_json(d->plugs, true));
	return *reply ? FEMS_OK : err_set(e, FEMS_ENOMEM, "out of memory");
}

static enum fems_rc services_all(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	struct daemon *d = ctx;

	(void)request;
	*reply = json_pack("{s:o}", "services", services_list(d->services));
	return *reply ? FEMS_OK : err_set(e, FEMS_ENOMEM, "out of memory");
}

void status_register(struct daemon *d)
{
	service_add(d->services, "status", SERVICE_ON_LOOP, status_get, d,
		    "State of femsd and what needs attention");
	service_add(d->services, "plugins.list", SERVICE_ON_LOOP, plugins_list, d,
		    "Plugins with state and settings");
	service_add(d->services, "services.list", SERVICE_ANYWHERE, services_all, d, "Every service");
}
