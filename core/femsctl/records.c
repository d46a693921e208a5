/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/femsctl/femsctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/zone.h"

static json_t *list_request(const struct ctl *c)
{
	const char *max = ctl_option(c, "max");
	json_t *o = json_pack("{s:s?}", "state", ctl_option(c, "state"));

	if (o && max)
		json_object_set_new(o, "max", json_integer(strtoll(max, NULL, 10)));
	return o;
}

int ctl_outbox_list(const struct ctl *c)
{
	json_t *request = list_request(c), *r;
	struct zone *zone;
	const json_t *m;
	char created[24];
	size_t i;
	int rc;

	r = ctl_ask(c, "outbox.list", request, &rc);
	json_decref(request);
	if (!r)
		return rc;
	zone = ctl_zone(c);
	printf("%-6s %-8s %-28s %-32s %-6s %-8s %-12s %s\n", "ID", "ROUTE", "TYPE", "KEY", "STATE",
	       "ATTEMPTS", "CREATED", "LAST ERROR");
	json_array_foreach(json_object_get(r, "messages"), i, m)
		printf("%-6lld %-8s %-28s %-32s %-6s %-8lld %-12s %s\n", (long long)ctl_int(m, "id"),
		       ctl_str(m, "route"), ctl_str(m, "type"), ctl_str(m, "key"), ctl_str(m, "state"),
		       (long long)ctl_int(m, "attempts"),
		       ctl_time_in(zone, json_object_get(m, "created"), created, sizeof created),
		       ctl_str(m, "last_error"));
	zone_free(zone);
	json_decref(r);
	return CTL_OK;
}

int ctl_audit_list(const struct ctl *c)
{
	json_t *request = list_request(c), *r;
	struct zone *zone;
	const json_t *a;
	char time[24];
	size_t i;
	int rc;

	r = ctl_ask(c, "audit.list", request, &rc);
	json_decref(request);
	if (!r)
		return rc;
	zone = ctl_zone(c);
	json_array_foreach(json_object_get(r, "entries"), i, a)
	{
		char *detail = json_dumps(json_object_get(a, "detail"), JSON_COMPACT | JSON_ENCODE_ANY);

		printf("%-6lld %-12s %-10s %-16s %-28s %s\n", (long long)ctl_int(a, "seq"),
		       ctl_time_in(zone, json_object_get(a, "time"), time, sizeof time), ctl_str(a, "who"),
		       ctl_str(a, "action"), ctl_str(a, "object"), detail ? detail : "");
		free(detail);
	}
	zone_free(zone);
	json_decref(r);
	return CTL_OK;
}
