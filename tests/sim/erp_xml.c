/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/sim/erp.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "connectors/b2mml/lex.h"
#include "connectors/b2mml/xml_in.h"
#include "core/base/clock.h"
#include "core/base/err.h"

#define MESSAGE_MAX (32u << 20)

/* ---- out ---- */

static void tag(struct buf *b, const char *name, const char *text)
{
	buf_addf(b, "<%s>", name);
	buf_xml(b, text);
	buf_addf(b, "</%s>", name);
}

static void tag_time(struct buf *b, const struct erp *erp, const char *name, int64_t t_us)
{
	char text[40];

	tag(b, name, time_format(t_us, erp->zone, text, sizeof text));
}

static void material(struct buf *b, int id, const char *name, const char *use, int64_t milli,
		     const char *unit)
{
	buf_addf(b, "<MaterialRequirement><ID>%d</ID>", id);
	tag(b, "MaterialDefinitionID", name);
	tag(b, "MaterialUse", use);
	buf_add(b, "<Quantity><QuantityString>");
	lex_fixed(b, milli, 3, 0);
	buf_add(b, "</QuantityString><DataType>decimal</DataType>");
	tag(b, "UnitOfMeasure", unit);
	buf_add(b, "</Quantity></MaterialRequirement>");
}

static void requirement(struct buf *b, const struct erp *erp, const struct erp_order *o)
{
	const struct erp_machine *m = &erp_machines[o->machines[0]];
	char id[48];

	snprintf(id, sizeof id, "%s-10", o->id);
	buf_add(b, "   <SegmentRequirement>");
	tag(b, "ID", id);
	tag_time(b, erp, "EarliestStartTime", o->earliest_us);
	tag_time(b, erp, "LatestEndTime", o->latest_us);
	tag(b, "ProcessSegmentID", m->process);
	buf_add(b, "<Duration>");
	lex_duration_xml(b, o->duration_us / US_PER_S);
	buf_add(b, "</Duration>");
	tag(b, "OperationsDefinitionID", o->product);
	tag(b, "OperationsSegmentID", m->process);
	buf_add(b, "\n    <EquipmentRequirement><ID>1</ID>");
	for (int i = 0; i < o->n_machines; i++)
		tag(b, "EquipmentID", erp_machines[o->machines[i]].id);
	buf_add(b, "</EquipmentRequirement>\n    ");
	material(b, 1, o->product, "Produced", o->quantity * 1000, "EA");
	buf_add(b, "\n    ");
	material(b, 2, "EN-ELEC", "Consumed", o->energy_wh, "KWH");
	buf_add(b, "\n   </SegmentRequirement>\n");
}

static const char *state_of(const struct erp_order *o, int64_t now_us)
{
	if (o->done)
		return "Completed";
	return o->start_us <= now_us && now_us < o->end_us ? "Running" : "Released";
}

/* StartTime of the request is where the ERP itself puts the order. */
static void request(struct buf *b, const struct erp *erp, const struct erp_order *o, int64_t now_us)
{
	buf_add(b, "  <OperationsRequest>");
	tag(b, "ID", o->id);
	tag_time(b, erp, "StartTime", o->planned_us);
	tag_time(b, erp, "EndTime", o->latest_us);
	buf_addf(b, "<Priority>%d</Priority>", o->priority);
	tag(b, "RequestState", state_of(o, now_us));
	buf_add(b, "\n");
	requirement(b, erp, o);
	buf_add(b, "  </OperationsRequest>\n");
}

/* Shown are orders that are visible and not long over; one that was never reported stays a day. */
static void requests(struct erp *erp, int64_t now_us, struct buf *b)
{
	for (size_t i = 0; i < erp->n_orders; i++) {
		const struct erp_order *o = &erp->orders[i];

		if (o->visible_us <= now_us && o->end_us > now_us - US_PER_DAY)
			request(b, erp, o, now_us);
	}
}

/* BODID and CreationDateTime change with the content, not with the asking. */
static void note_content(struct erp *erp, int64_t now_us, const struct buf *content)
{
	unsigned char hash[16];
	char digest[40];

	crypto_generichash(hash, sizeof hash, (const unsigned char *)content->ptr, content->len, NULL, 0);
	sodium_bin2hex(digest, sizeof digest, hash, sizeof hash);
	if (strcmp(digest, erp->digest) == 0)
		return;
	snprintf(erp->digest, sizeof erp->digest, "%s", digest);
	erp->changed_us = now_us;
}

void erp_schedule_xml(struct erp *erp, int64_t now_us, struct buf *out)
{
	struct buf content = { NULL, 0, 0, false };
	int64_t day = zone_day_start(erp->zone, now_us);

	erp_roll(erp, now_us);
	tag(&content, "ID", "FLOOR");
	tag_time(&content, erp, "StartTime", day);
	tag_time(&content, erp, "EndTime", zone_day_start(erp->zone, day + 3 * US_PER_DAY + US_PER_H));
	buf_add(&content, "<OperationsType>Production</OperationsType>\n");
	requests(erp, now_us, &content);
	note_content(erp, now_us, &content);
	buf_add(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ProcessOperationsSchedule "
		"xmlns=\"http://www.mesa.org/xml/B2MML\" releaseID=\"7.0.1\">\n <ApplicationArea><Sender>"
		"<LogicalID>ERP</LogicalID><ConfirmationCode>OnError</ConfirmationCode></Sender><Receiver>"
		"<LogicalID>FEMS</LogicalID></Receiver>");
	tag_time(out, erp, "CreationDateTime", erp->changed_us);
	buf_addf(out, "<BODID>%.16s-%llx</BODID>", erp->digest, (unsigned long long)erp->changed_us);
	buf_add(out, "</ApplicationArea>\n <DataArea><Process/>\n <OperationsSchedule>");
	if (content.failed)
		out->failed = true;
	else
		buf_add_n(out, content.ptr, content.len);
	buf_add(out, " </OperationsSchedule>\n </DataArea>\n</ProcessOperationsSchedule>\n");
	buf_free(&content);
}

/* ---- in ---- */

struct reading {
	char path[1024];
	char root[64];
	char id[64]; /* of the SegmentData or SegmentParameter being read */
	json_t *view, *items, *item;
	bool failed;
};

static bool ends_with(const char *path, const char *tail)
{
	size_t n = strlen(path), t = strlen(tail);

	return n >= t && strcmp(path + n - t, tail) == 0;
}

static void on_start(void *ctx, struct xml_in *x, const char *name, const char *ns)
{
	struct reading *r = ctx;
	size_t n = strlen(r->path);

	(void)ns;
	if (!r->root[0])
		snprintf(r->root, sizeof r->root, "%s", name);
	if ((size_t)snprintf(r->path + n, sizeof r->path - n, "/%s", name) >= sizeof r->path - n) {
		xml_in_fail(x, "nested too deep");
		return;
	}
	if (ends_with(r->path, "/OperationsRequest/SegmentRequirement")) {
		r->item = json_object();
		json_object_set(r->item, "request", json_object_get(r->view, "request"));
		json_array_append_new(r->items, r->item);
	}
}

/* Where a text stands, and what it is called in the view. */
static const struct place {
	const char *path, *member;
	bool of_item;
} places[] = {
	{ "/ApplicationArea/BODID", "bodid", false },
	{ "/OriginalApplicationArea/BODID", "original", false },
	{ "/OperationsPerformance/OperationsScheduleID", "schedule", false },
	{ "/SegmentResponse/OperationsRequestID", "request", false },
	{ "/SegmentResponse/SegmentRequirementID", "segment", false },
	{ "/SegmentResponse/ActualStartTime", "start", false },
	{ "/SegmentResponse/ActualEndTime", "end", false },
	{ "/EquipmentActual/EquipmentID", "equipment", false },
	{ "/MaterialActual/MaterialDefinitionID", "material", false },
	{ "/MaterialActual/Quantity/QuantityString", "energy_kwh", false },
	{ "/MaterialActual/Quantity/UnitOfMeasure", "energy_unit", false },
	{ "/OperationsSchedule/ID", "schedule", false },
	{ "/OperationsSchedule/Version", "plan", false },
	{ "/OperationsSchedule/ScheduleState", "state", false },
	{ "/OperationsRequest/ID", "request", false },
	{ "/SegmentRequirement/ID", "segment", true },
	{ "/SegmentRequirement/EarliestStartTime", "start", true },
	{ "/SegmentRequirement/LatestEndTime", "end", true },
	{ "/SegmentRequirement/EquipmentRequirement/EquipmentID", "equipment", true },
	{ "/SegmentRequirement/MaterialRequirement/Quantity/QuantityString", "energy_kwh", true },
};

static void on_data(struct reading *r, const char *text)
{
	static const char *const members[][2] = {
		{ "PeakDemand", "peak_kw" },
		{ "EnergyCost", "cost" },
		{ "EnergyQuality", "quality" },
		{ "TimesFrom", "times_from" },
	};

	if (ends_with(r->path, "/SegmentData/ID") || ends_with(r->path, "/SegmentParameter/ID"))
		snprintf(r->id, sizeof r->id, "%s", text);
	if (ends_with(r->path, "/SegmentData/Value/UnitOfMeasure") && strcmp(r->id, "EnergyCost") == 0)
		json_object_set_new(r->view, "currency", json_string(text));
	if (ends_with(r->path, "/SegmentParameter/Value/ValueString") && strcmp(r->id, "Reason") == 0 &&
	    r->item)
		json_object_set_new(r->item, "reason", json_string(text));
	if (!ends_with(r->path, "/SegmentData/Value/ValueString"))
		return;
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (strcmp(members[i][0], r->id) == 0)
			json_object_set_new(r->view, members[i][1], json_string(text));
}

static void on_end(void *ctx, struct xml_in *x, const char *name, const char *text)
{
	struct reading *r = ctx;

	(void)name, (void)x;
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (ends_with(r->path, places[i].path) && (!places[i].of_item || r->item))
			json_object_set_new(places[i].of_item ? r->item : r->view, places[i].member,
					    json_string(text));
	on_data(r, text);
	*strrchr(r->path, '/') = '\0';
}

static enum fems_rc add_instants(json_t *o, const char *what, struct fems_error *e)
{
	static const char *const members[][2] = { { "start", "start_us" }, { "end", "end_us" } };
	int64_t t[2];

	for (size_t i = 0; i < 2; i++) {
		const char *text = json_string_value(json_object_get(o, members[i][0]));

		if (!text || !time_parse(text, NULL, &t[i]))
			return err_set(e, FEMS_EINVAL, "%s: no %s", what, members[i][0]);
		json_object_set_new(o, members[i][1], json_integer(t[i]));
	}
	return t[1] > t[0] ? FEMS_OK : err_set(e, FEMS_EINVAL, "%s: end is not behind start", what);
}

static enum fems_rc need(const json_t *o, const char *what, const char *const *members, struct fems_error *e)
{
	for (; *members; members++) {
		const char *text = json_string_value(json_object_get(o, *members));

		if (!text || !*text)
			return err_set(e, FEMS_EINVAL, "%s: no %s", what, *members);
	}
	return FEMS_OK;
}

/* Decimal text to integers, so that a reader of /received.json can add them up. */
static enum fems_rc add_amount(json_t *o, const char *text_member, int64_t factor, const char *member,
			       struct fems_error *e)
{
	int64_t v;

	if (!lex_scaled(json_string_value(json_object_get(o, text_member)), factor, 1, &v))
		return err_set(e, FEMS_EINVAL, "%s is not a number", text_member);
	json_object_set_new(o, member, json_integer(v));
	return FEMS_OK;
}

static enum fems_rc finish_performance(struct reading *r, struct fems_error *e)
{
	static const char *const members[] = { "bodid",   "request", "segment",  "equipment", "energy_kwh",
					       "peak_kw", "cost",    "currency", NULL };
	const char *unit = json_string_value(json_object_get(r->view, "energy_unit"));
	enum fems_rc rc = need(r->view, "performance", members, e);

	if (rc == FEMS_OK && (!unit || strcmp(unit, "KWH") != 0))
		rc = err_set(e, FEMS_EINVAL, "performance: energy is not in KWH");
	if (rc == FEMS_OK)
		rc = add_instants(r->view, "performance", e);
	if (rc == FEMS_OK)
		rc = add_amount(r->view, "energy_kwh", 1000, "energy_wh", e);
	if (rc == FEMS_OK)
		rc = add_amount(r->view, "peak_kw", 1000, "peak_w", e);
	return rc == FEMS_OK ? add_amount(r->view, "cost", 1000000, "cost_micro", e) : rc;
}

static enum fems_rc finish_proposal(struct reading *r, struct fems_error *e)
{
	static const char *const members[] = { "request", "segment", "equipment", NULL };
	static const char *const own[] = { "bodid", "schedule", NULL };
	enum fems_rc rc = need(r->view, "proposal", own, e);
	json_t *item;
	size_t i;

	json_array_foreach(r->items, i, item)
	{
		if (rc == FEMS_OK)
			rc = need(item, "proposal", members, e);
		if (rc == FEMS_OK)
			rc = add_instants(item, "proposal", e);
	}
	if (rc == FEMS_OK && json_array_size(r->items) == 0)
		rc = err_set(e, FEMS_EINVAL, "proposal: no SegmentRequirement");
	json_object_del(r->view, "request");
	json_object_set(r->view, "items", r->items);
	return rc;
}

static enum fems_rc finish(struct reading *r, char *noun, size_t cap, struct fems_error *e)
{
	static const char *const own[] = { "bodid", NULL };

	snprintf(noun, cap, "%s", r->root);
	if (strcmp(r->root, "SyncOperationsPerformance") == 0)
		return finish_performance(r, e);
	if (strcmp(r->root, "ProcessOperationsSchedule") == 0)
		return finish_proposal(r, e);
	if (strcmp(r->root, "ConfirmBOD") == 0)
		return need(r->view, "confirmation", own, e);
	return err_set(e, FEMS_EINVAL, "<%s> is nothing that this ERP takes", r->root);
}

enum fems_rc erp_read(const char *xml, size_t len, char *noun, size_t cap, json_t **view,
		      struct fems_error *e)
{
	static const struct xml_in_ops ops = { on_start, on_end, NULL };
	struct xml_in_options opt = { "message", MESSAGE_MAX, NULL };
	struct reading r = { .view = json_object(), .items = json_array() };
	struct xml_in *x = xml_in_new(&opt, &ops, &r);
	enum fems_rc rc;

	*view = NULL;
	if (!x || !r.view || !r.items) {
		rc = err_set(e, FEMS_ENOMEM, "out of memory");
	} else if (!xml_in_feed(x, xml, len) || !xml_in_end(x)) {
		*e = *xml_in_error(x);
		rc = FEMS_EINVAL;
	} else {
		rc = finish(&r, noun, cap, e);
	}
	xml_in_free(x);
	json_decref(r.items);
	if (rc == FEMS_OK)
		*view = r.view;
	else
		json_decref(r.view);
	return rc;
}
