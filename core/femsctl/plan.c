/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/femsctl/femsctl.h"

#include <stdio.h>
#include <string.h>

static void head(const struct ctl *c, const json_t *r)
{
	const json_t *cost = json_object_get(r, "cost"), *x;
	char total[48], saving[48], peak[48], erp[48], time[24];
	size_t i;

	printf("plan %lld of %s, %s: %s, saves %s against the ERP's schedule\n", (long long)ctl_int(r, "id"),
	       ctl_time(json_object_get(r, "made_at"), time, sizeof time), ctl_str(r, "state"),
	       ctl_money(json_object_get(cost, "total_micro"), "KRW", total, sizeof total),
	       ctl_money(json_object_get(r, "saving_micro"), "KRW", saving, sizeof saving));
	printf("peak %s (ERP %s), computed in %lld ms\n",
	       ctl_kilo(json_object_get(r, "peak_w"), "kW", peak, sizeof peak),
	       ctl_kilo(json_object_get(r, "erp_peak_w"), "kW", erp, sizeof erp),
	       (long long)ctl_int(r, "solve_ms"));
	json_array_foreach(json_object_get(r, "conflicts"), i, x) printf("! %s\n", ctl_label(c, x, "text"));
}

int ctl_plan_show(const struct ctl *c)
{
	char start[24], end[24];
	int rc;
	json_t *r = ctl_ask(c, "plan.get", NULL, &rc);
	const json_t *o;
	size_t i;

	if (!r)
		return rc;
	if (!strcmp(ctl_str(r, "state"), "none")) {
		puts("no plan yet: there are no orders, or the first plan is being computed");
		json_decref(r);
		return CTL_OK;
	}
	head(c, r);
	json_array_foreach(json_object_get(r, "orders"), i, o)
		printf("%-16s %-10s %s - %s  %-9s %s\n", ctl_str(o, "id"), ctl_str(o, "equipment"),
		       ctl_time(json_object_get(o, "start"), start, sizeof start),
		       ctl_time(json_object_get(o, "end"), end, sizeof end), ctl_str(o, "state"),
		       ctl_label(c, o, "reason"));
	json_decref(r);
	return CTL_OK;
}

int ctl_plan_run(const struct ctl *c)
{
	int rc;
	json_t *r = ctl_ask(c, "plan.run", NULL, &rc);

	if (r)
		puts("asked for a new plan; femsctl plan show has it in a few seconds");
	json_decref(r);
	return rc;
}

int ctl_orders_list(const struct ctl *c)
{
	const char *state = ctl_option(c, "state");
	json_t *request = json_pack("{s:s?}", "state", state), *r;
	char release[24], due[24], start[24];
	const json_t *o;
	size_t i;
	int rc;

	r = ctl_ask(c, "orders.list", request, &rc);
	json_decref(request);
	if (!r)
		return rc;
	printf("%-16s %-12s %-10s %-12s %-12s %-12s %s\n", "ORDER", "EQUIPMENT", "STATE", "RELEASE", "DUE",
	       "PLANNED", "PRODUCT");
	json_array_foreach(json_object_get(r, "orders"), i, o) printf(
		"%-16s %-12s %-10s %-12s %-12s %-12s %s\n", ctl_str(o, "id"), ctl_str(o, "equipment"),
		ctl_str(o, "state"), ctl_time(json_object_get(o, "release"), release, sizeof release),
		ctl_time(json_object_get(o, "due"), due, sizeof due),
		ctl_time(json_object_get(o, "plan_start"), start, sizeof start), ctl_str(o, "product"));
	json_decref(r);
	return CTL_OK;
}
