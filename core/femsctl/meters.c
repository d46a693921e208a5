/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/femsctl/femsctl.h"

#include <stdio.h>
#include <string.h>

int ctl_meters_list(const struct ctl *c)
{
	char power[48], energy[48], age[32];
	int rc;
	json_t *r = ctl_ask(c, "meters.list", NULL, &rc);
	const json_t *m;
	size_t i;

	if (!r)
		return rc;
	printf("%-12s %-22s %-9s %14s %18s %8s  %s\n", "METER", "LABEL", "STATE", "POWER", "ENERGY", "AGE",
	       "WHY");
	json_array_foreach(json_object_get(r, "meters"), i, m)
	{
		const json_t *a = json_object_get(m, "age_s");

		snprintf(age, sizeof age, json_is_number(a) ? "%.0f s" : "-", json_number_value(a));
		printf("%-12s ", ctl_str(m, "name"));
		ctl_cell(ctl_label(c, m, "labels"), 23);
		printf("%-9s %14s %18s %8s  %s\n", ctl_str(m, "state"),
		       ctl_kilo(json_object_get(m, "power_w"), "kW", power, sizeof power),
		       ctl_kilo(json_object_get(m, "energy_wh"), "kWh", energy, sizeof energy), age,
		       ctl_str(m, "why"));
	}
	json_decref(r);
	return CTL_OK;
}

int ctl_meters_read(const struct ctl *c)
{
	const char *name = ctl_argument(c, 0);
	json_t *request, *r;
	const json_t *p;
	char time[24];
	size_t i;
	int rc;

	if (!name) {
		fputs("femsctl: meters read: want the name of a meter (femsctl meters list)\n", stderr);
		return CTL_USAGE;
	}
	request = json_pack("{s:s}", "name", name);
	r = ctl_ask(c, "meters.read", request, &rc);
	json_decref(request);
	if (!r)
		return rc;
	printf("%s: %s\n", ctl_str(r, "name"), ctl_str(r, "state"));
	json_array_foreach(json_object_get(r, "points"), i, p)
	{
		const json_t *v = json_object_get(p, "value");

		ctl_cell(ctl_str(p, "quantity"), 26);
		if (json_is_number(v))
			printf("%16.3f %-6s", json_number_value(v), ctl_str(p, "unit"));
		else
			printf("%16s %-6s", "-", ctl_str(p, "unit"));
		printf(" %-14s %s%s\n", ctl_str(p, "quality"),
		       ctl_time(json_object_get(p, "time"), time, sizeof time),
		       json_is_true(json_object_get(p, "unverified")) ? "  UNVERIFIED register" : "");
	}
	json_decref(r);
	return CTL_OK;
}

int ctl_demand_now(const struct ctl *c)
{
	char so_far[48], projected[48], target[48], room[48], risk[48];
	int rc;
	json_t *r = ctl_ask(c, "demand.now", NULL, &rc);
	const json_t *a;
	size_t i;

	if (!r)
		return rc;
	printf("window so far %s, projected %s, target %s, room %s%s\n",
	       ctl_kilo(json_object_get(r, "mean_w"), "kW", so_far, sizeof so_far),
	       ctl_kilo(json_object_get(r, "projected_w"), "kW", projected, sizeof projected),
	       ctl_kilo(json_object_get(r, "target_w"), "kW", target, sizeof target),
	       ctl_kilo(json_object_get(r, "room_w"), "kW", room, sizeof room),
	       json_is_true(json_object_get(r, "stale")) ? "  (STALE)" : "");
	printf("at risk %s over %lld months, mode %s\n",
	       ctl_money(json_object_get(r, "at_risk_micro"), "KRW", risk, sizeof risk),
	       (long long)ctl_int(r, "months"), ctl_str(r, "mode"));
	json_array_foreach(json_object_get(r, "advice"), i, a)
		printf("  %-8s %-12s %10lld W  %s\n", ctl_str(a, "action"), ctl_str(a, "load"),
		       (long long)ctl_int(a, "power_w"), ctl_label(c, a, "reason"));
	json_decref(r);
	return CTL_OK;
}
