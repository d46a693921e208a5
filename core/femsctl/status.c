/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/femsctl/femsctl.h"

#include <stdio.h>
#include <string.h>

static void alarms(const struct ctl *c, const json_t *status)
{
	bool ko = !strcmp(c->lang, "ko");
	const json_t *a;
	size_t i;

	json_array_foreach(json_object_get(status, "alarms"), i, a)
		printf("! %s  %s\n", ctl_str(a, ko ? "text_ko" : "text_en"),
		       ctl_str(a, ko ? "remedy_ko" : "remedy_en"));
}

int ctl_status(const struct ctl *c)
{
	char time[24], money[48];
	int rc;
	json_t *s = ctl_ask(c, "status", NULL, &rc), *part;
	const json_t *p;
	size_t i;

	if (!s)
		return rc;
	(void)money;
	printf("%s, femsd %s, %s, control %s\n", ctl_str(s, "site"), ctl_str(s, "version"),
	       ctl_time(json_object_get(s, "now"), time, sizeof time), ctl_str(s, "control"));
	part = json_object_get(s, "meters");
	printf("meters   %lld of %lld online\n", (long long)ctl_int(part, "online"),
	       (long long)ctl_int(part, "total"));
	part = json_object_get(s, "store");
	printf("store    %lld samples kept, %lld waiting, %lld dropped, %lld kB%s\n",
	       (long long)ctl_int(part, "stored"), (long long)ctl_int(part, "queued"),
	       (long long)ctl_int(part, "dropped"), (long long)ctl_int(part, "bytes") / 1024,
	       json_is_true(json_object_get(part, "disk_full")) ? ", DISK FULL" : "");
	part = json_object_get(s, "orders");
	printf("orders   %lld open, %lld done\n", (long long)ctl_int(part, "open"),
	       (long long)ctl_int(part, "done"));
	part = json_object_get(s, "outbox");
	printf("outbox   %lld waiting, %lld dead, %lld done\n", (long long)ctl_int(part, "waiting"),
	       (long long)ctl_int(part, "dead"), (long long)ctl_int(part, "done"));
	json_array_foreach(json_object_get(s, "plugins"), i, p)
		printf("plugin   %-12s %-10s %-8s %s\n", ctl_str(p, "name"), ctl_str(p, "version"),
		       ctl_str(p, "state"), ctl_str(p, "last_error"));
	alarms(c, s);
	json_decref(s);
	return CTL_OK;
}

int ctl_plugin_list(const struct ctl *c)
{
	int rc;
	json_t *r = ctl_ask(c, "plugins.list", NULL, &rc);
	const json_t *p;
	size_t i;

	if (!r)
		return rc;
	printf("%-14s %-12s %-10s %-10s %-9s %s\n", "NAME", "PLUGIN", "VERSION", "STATE", "RESTARTS",
	       "LAST ERROR");
	json_array_foreach(json_object_get(r, "plugins"), i, p)
		printf("%-14s %-12s %-10s %-10s %-9lld %s\n", ctl_str(p, "name"), ctl_str(p, "plugin"),
		       ctl_str(p, "version"), ctl_str(p, "state"), (long long)ctl_int(p, "restarts"),
		       ctl_str(p, "last_error"));
	json_decref(r);
	return CTL_OK;
}

int ctl_call_any(const struct ctl *c)
{
	const char *service = ctl_argument(c, 0), *text = ctl_argument(c, 1);
	json_t *request = NULL, *reply;
	json_error_t je;
	int rc = CTL_USAGE;

	if (!service) {
		fputs("femsctl: call: want the name of a service; \"femsctl call services.list\" shows "
		      "them\n",
		      stderr);
		return CTL_USAGE;
	}
	if (text && !(request = json_loads(text, 0, &je))) {
		fprintf(stderr, "femsctl: call: column %d of the request: %s\n", je.column, je.text);
		return CTL_USAGE;
	}
	reply = ctl_call(c, service, request, &rc);
	if (reply)
		ctl_print_json(reply);
	json_decref(reply);
	json_decref(request);
	return rc;
}
