/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/tariff/bill_json.h"

#include <stdio.h>
#include "core/tariff/model.h"

static json_t *labels(const char *ko, const char *en)
{
	return json_pack("{s:s, s:s}", "ko", ko, "en", en);
}

static json_t *time_json(const struct tariff *t, int64_t t_us)
{
	char text[48];

	return t_us ? json_string(time_format(t_us, t->zone, text, sizeof text)) : json_null();
}

static json_t *line_json(const struct bill_line *l)
{
	return json_pack("{s:s, s:o, s:I, s:s, s:I, s:I, s:o}", "id", l->id, "labels",
			 labels(l->label_ko, l->label_en), "quantity_milli", (json_int_t)l->quantity_milli,
			 "quantity_unit", l->quantity_unit, "price_micro", (json_int_t)l->price_micro,
			 "amount_micro", (json_int_t)l->amount_micro, "evidence",
			 labels(l->evidence_ko, l->evidence_en));
}

json_t *bill_json(const struct tariff *t, const struct bill *b, const char *month)
{
	json_t *lines = json_array();
	char set_by[16];

	snprintf(set_by, sizeof set_by, "%04d-%02d", b->billing_year % 10000, b->billing_month % 100);
	for (size_t i = 0; i < b->n_lines; i++)
		json_array_append_new(lines, line_json(&b->lines[i]));
	return json_pack(
		"{s:s, s:s, s:o, s:s, s:o, s:o, s:b, s:I, s:I, s:o, s:I, s:o, s:I, s:I, s:I, s:I, s:o}",
		"month", month, "tariff", t->id, "title", labels(t->title_ko, t->title_en), "currency",
		t->currency, "from", time_json(t, b->from_us), "to", time_json(t, b->to_us), "complete",
		(int)b->complete, "energy_wh", (json_int_t)b->energy_wh, "peak_w", (json_int_t)b->peak_w,
		"peak_at", time_json(t, b->peak_t_us), "billing_demand_w", (json_int_t)b->billing_demand_w,
		"billing_month", b->billing_month ? json_string(set_by) : json_null(), "total_micro",
		(json_int_t)b->total_micro, "slots", (json_int_t)b->slots, "missing",
		(json_int_t)b->slots_missing, "estimated", (json_int_t)b->slots_estimated, "lines", lines);
}
