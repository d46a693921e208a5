/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/femsctl/femsctl.h"

#include <stdio.h>
#include <string.h>
#include "core/base/money.h"

static void line(const struct ctl *c, const json_t *l, const char *currency, bool explain)
{
	int64_t milli = ctl_int(l, "quantity_milli");
	char quantity[48], amount[48];

	money_format(milli * 1000,
		     milli % 1000 == 0  ? 0
		     : milli % 100 == 0 ? 1
					: 3,
		     quantity, sizeof quantity);
	ctl_cell(ctl_label(c, l, "labels"), 34);
	printf("%14s %-4s %20s\n", ctl_str(l, "quantity_unit")[0] ? quantity : "",
	       ctl_str(l, "quantity_unit"),
	       ctl_money(json_object_get(l, "amount_micro"), currency, amount, sizeof amount));
	if (explain)
		printf("    %s\n", ctl_label(c, l, "evidence"));
}

void ctl_bill_print(const struct ctl *c, const json_t *r)
{
	const char *currency = ctl_str(r, "currency");
	char total[48], peak[48], demand[48];
	const json_t *l;
	size_t i;

	printf("%s  %s%s\n", ctl_str(r, "month"), ctl_label(c, r, "title"),
	       json_is_true(json_object_get(r, "complete")) ? "" : "  (not complete)");
	printf("peak %s, billing demand %s, missing intervals %lld, estimated %lld\n\n",
	       ctl_kilo(json_object_get(r, "peak_w"), "kW", peak, sizeof peak),
	       ctl_kilo(json_object_get(r, "billing_demand_w"), "kW", demand, sizeof demand),
	       (long long)ctl_int(r, "missing"), (long long)ctl_int(r, "estimated"));
	json_array_foreach(json_object_get(r, "lines"), i, l) line(c, l, currency, ctl_flag(c, "explain"));
	ctl_cell(!strcmp(c->lang, "ko") ? "합계" : "total", 34);
	printf("%14s %-4s %20s\n", "", "",
	       ctl_money(json_object_get(r, "total_micro"), currency, total, sizeof total));
}

int ctl_bill(const struct ctl *c)
{
	const char *month = ctl_option(c, "month");
	json_t *request, *r;
	int rc;

	if (ctl_option(c, "tariff"))
		return ctl_bill_file(c);
	request = json_pack("{s:s?}", "month", month);
	r = ctl_ask(c, "bill", request, &rc);
	json_decref(request);
	if (!r)
		return rc;
	ctl_bill_print(c, r);
	json_decref(r);
	return CTL_OK;
}
