/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "connectors/b2mml/xml_out.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <fems/util.h>
#include "connectors/b2mml/lex.h"

#define NS      "http://www.mesa.org/xml/B2MML"
#define RELEASE "7.0.1" /* releaseID as MESA's V0701 of 2023 numbers itself */

/* ---- members of the document ---- */

struct doc {
	const char *type;
	json_t *root;
	struct fems_error *e;
	enum fems_rc rc;
};

static void lacks(struct doc *d, const char *key, const char *what)
{
	if (d->rc == FEMS_OK)
		d->rc = fems_fail(d->e, FEMS_EINVAL, "%s: member \"%s\" is not %s; see docs/documents.md",
				  d->type, key, what);
}

/* "" when it is absent and optional. */
static const char *str(struct doc *d, const json_t *o, const char *key, bool need)
{
	const json_t *v = json_object_get(o, key);

	if (json_is_string(v) && (!need || *json_string_value(v)))
		return json_string_value(v);
	if (need || (v && !json_is_null(v)))
		lacks(d, key, "a text");
	return "";
}

static int64_t integer(struct doc *d, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v))
		lacks(d, key, "an integer");
	return json_integer_value(v);
}

static const char *instant(struct doc *d, const json_t *o, const char *key, int64_t *us)
{
	const char *text = str(d, o, key, true);
	struct when w = { 0, 0, false };

	if (lex_time(text, NULL, &w) != LEX_TIME_OK)
		lacks(d, key, "a time with offset");
	*us = w.us;
	return text;
}

static enum fems_rc open_doc(struct doc *d, const char *type, struct fems_span body, struct fems_error *e)
{
	json_error_t at;

	*d = (struct doc){ type, NULL, e, FEMS_OK };
	d->root = json_loadb(body.ptr ? body.ptr : "", body.len, JSON_REJECT_DUPLICATES, &at);
	if (d->root && json_is_object(d->root))
		return FEMS_OK;
	json_decref(d->root);
	d->root = NULL;
	return fems_fail(e, FEMS_EINVAL, "%s: the document is not a JSON object: line %d: %.200s", type,
			 at.line, at.text);
}

/* ---- XML ---- */

static void tag(struct buf *b, const char *name, const char *text)
{
	buf_addf(b, "<%s>", name);
	buf_xml(b, text);
	buf_addf(b, "</%s>", name);
}

static void tag_if(struct buf *b, const char *name, const char *text)
{
	if (*text)
		tag(b, name, text);
}

static void begin(struct buf *b, const char *verb, const char *noun, const struct xml_out_options *opt,
		  const char *created, const char *bodid)
{
	buf_addf(b,
		 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%s%s xmlns=\"" NS "\" releaseID=\"" RELEASE
		 "\">"
		 "<ApplicationArea><Sender>",
		 verb, noun);
	tag(b, "LogicalID", opt->sender);
	buf_add(b, "</Sender>");
	tag(b, "CreationDateTime", created);
	tag(b, "BODID", bodid);
	buf_addf(b, "</ApplicationArea><DataArea><%s/><%s>", verb, noun);
}

static void end(struct buf *b, const char *verb, const char *noun)
{
	buf_addf(b, "</%s></DataArea></%s%s>\n", noun, verb, noun);
}

static void value(struct buf *b, const char *kind, int64_t number, int digits, int keep, const char *unit)
{
	buf_addf(b, "<%sString>", kind);
	lex_fixed(b, number, digits, keep);
	buf_addf(b, "</%sString><DataType>decimal</DataType>", kind);
	tag(b, "UnitOfMeasure", unit);
}

static void data_number(struct buf *b, const char *id, int64_t number, int digits, int keep, const char *unit)
{
	buf_add(b, "<SegmentData>");
	tag(b, "ID", id);
	buf_add(b, "<Value>");
	value(b, "Value", number, digits, keep, unit);
	buf_add(b, "</Value></SegmentData>");
}

static void named_text(struct buf *b, const char *wrap, const char *id, const char *text)
{
	if (!*text)
		return;
	buf_addf(b, "<%s>", wrap);
	tag(b, "ID", id);
	buf_add(b, "<Value>");
	tag(b, "ValueString", text);
	buf_addf(b, "<DataType>string</DataType></Value></%s>", wrap);
}

static void energy(struct buf *b, const char *wrap, const char *material, int64_t wh)
{
	buf_addf(b, "<%s><ID>1</ID>", wrap);
	tag(b, "MaterialDefinitionID", material);
	buf_add(b, "<MaterialUse>Consumed</MaterialUse><Quantity>");
	value(b, "Quantity", wh, 3, 3, "KWH");
	buf_addf(b, "</Quantity></%s>", wrap);
}

static enum fems_rc finish(struct doc *d, struct buf *out)
{
	json_decref(d->root);
	if (d->rc == FEMS_OK && out->failed)
		d->rc = fems_fail(d->e, FEMS_ENOMEM, "%s: out of memory", d->type);
	return d->rc;
}

/* ---- operations-performance ---- */

static void segment_response(struct doc *d, const struct xml_out_options *opt, const char *key, struct buf *b)
{
	const json_t *o = d->root;
	const char *request = str(d, o, "request_id", true);

	buf_add(b, "<SegmentResponse>");
	tag(b, "ID", key);
	tag(b, "ActualStartTime", str(d, o, "actual_start", true));
	tag(b, "ActualEndTime", str(d, o, "actual_end", true));
	tag_if(b, "ProcessSegmentID", str(d, o, "segment", false));
	tag(b, "OperationsRequestID", request);
	tag(b, "SegmentRequirementID", sched_segment_id(request, str(d, o, "segment_id", true)));
	buf_add(b, "<SegmentState>Completed</SegmentState>");
	data_number(b, "PeakDemand", integer(d, o, "peak_w"), 3, 3, "KWT");
	data_number(b, "EnergyCost", integer(d, o, "cost_micro"), 6, 0, str(d, o, "currency", true));
	named_text(b, "SegmentData", "EnergyQuality", str(d, o, "quality", false));
	named_text(b, "SegmentData", "TimesFrom", str(d, o, "edges", false));
	buf_add(b, "<EquipmentActual><ID>1</ID>");
	tag(b, "EquipmentID", str(d, o, "equipment", true));
	buf_add(b, "</EquipmentActual>");
	energy(b, "MaterialActual", opt->energy_material, integer(d, o, "energy_wh"));
	buf_add(b, "</SegmentResponse>");
}

enum fems_rc xml_out_performance(const struct xml_out_options *opt, const char *key, struct fems_span body,
				 struct buf *out, struct fems_error *e)
{
	struct doc d;
	const char *start, *stop;
	int64_t start_us, stop_us;

	if (open_doc(&d, "operations-performance", body, e) != FEMS_OK)
		return FEMS_EINVAL;
	start = instant(&d, d.root, "actual_start", &start_us);
	stop = instant(&d, d.root, "actual_end", &stop_us);
	if (d.rc == FEMS_OK && stop_us < start_us)
		lacks(&d, "actual_end", "behind actual_start");
	begin(out, "Sync", "OperationsPerformance", opt, stop, key);
	tag(out, "ID", key);
	tag_if(out, "OperationsScheduleID", str(&d, d.root, "schedule_id", false));
	buf_add(out, "<OperationsResponse>");
	tag(out, "ID", key);
	tag(out, "StartTime", start);
	tag(out, "EndTime", stop);
	tag(out, "OperationsRequestID", str(&d, d.root, "request_id", true));
	segment_response(&d, opt, key, out);
	buf_add(out, "</OperationsResponse>");
	end(out, "Sync", "OperationsPerformance");
	return finish(&d, out);
}

/* ---- operations-schedule-proposal ---- */

struct item {
	const json_t *json;
	const char *request, *start, *end;
	int64_t start_us, end_us;
	size_t order;
};

static int by_request(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int c = strcmp(x->request, y->request);

	if (c)
		return c;
	if (x->start_us != y->start_us)
		return x->start_us < y->start_us ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static struct item *items_of(struct doc *d, size_t *n)
{
	json_t *list = json_object_get(d->root, "segments"), *one;
	struct item *items;
	size_t i;

	*n = json_array_size(list);
	if (!json_is_array(list) || *n == 0) {
		lacks(d, "segments", "a list with at least one item");
		return NULL;
	}
	items = calloc(*n, sizeof *items);
	if (!items) {
		d->rc = fems_fail(d->e, FEMS_ENOMEM, "%s: out of memory", d->type);
		return NULL;
	}
	json_array_foreach(list, i, one)
	{
		items[i].json = one;
		items[i].order = i;
		items[i].request = str(d, one, "request_id", true);
		items[i].start = instant(d, one, "start", &items[i].start_us);
		items[i].end = instant(d, one, "end", &items[i].end_us);
		if (d->rc == FEMS_OK && items[i].end_us <= items[i].start_us)
			lacks(d, "end", "behind start");
	}
	qsort(items, *n, sizeof *items, by_request);
	return items;
}

/* OperationsDefinitionID and OperationsSegmentID are mandatory in V0701 and not part of the canonical
 * order: they repeat the process segment. */
static void segment_requirement(struct doc *d, const struct xml_out_options *opt, const struct item *it,
				struct buf *b)
{
	const char *id = sched_segment_id(it->request, str(d, it->json, "id", true));
	const char *process = str(d, it->json, "segment", false);

	if (!*process)
		process = id;
	buf_add(b, "<SegmentRequirement>");
	tag(b, "ID", id);
	tag(b, "EarliestStartTime", it->start);
	tag(b, "LatestEndTime", it->end);
	tag(b, "ProcessSegmentID", process);
	buf_add(b, "<Duration>");
	lex_duration_xml(b, (it->end_us - it->start_us) / 1000000);
	buf_add(b, "</Duration>");
	tag(b, "OperationsDefinitionID", process);
	tag(b, "OperationsSegmentID", process);
	named_text(b, "SegmentParameter", "PlannedStart", it->start);
	named_text(b, "SegmentParameter", "Moved",
		   json_is_true(json_object_get(it->json, "moved")) ? "true" : "false");
	named_text(b, "SegmentParameter", "Reason", str(d, it->json, "reason", false));
	buf_add(b, "<EquipmentRequirement><ID>1</ID>");
	tag(b, "EquipmentID", str(d, it->json, "equipment", true));
	buf_add(b, "</EquipmentRequirement>");
	if (json_object_get(it->json, "energy_wh"))
		energy(b, "MaterialRequirement", opt->energy_material, integer(d, it->json, "energy_wh"));
	buf_add(b, "</SegmentRequirement>");
}

/* Items [from, to) of one request. */
static void operations_request(struct doc *d, const struct xml_out_options *opt, const struct item *items,
			       size_t from, size_t to, struct buf *b)
{
	size_t last = from;

	for (size_t i = from; i < to; i++)
		if (items[i].end_us > items[last].end_us)
			last = i;
	buf_add(b, "<OperationsRequest>");
	tag(b, "ID", items[from].request);
	tag(b, "StartTime", items[from].start);
	tag(b, "EndTime", items[last].end);
	for (size_t i = from; i < to; i++)
		segment_requirement(d, opt, &items[i], b);
	buf_add(b, "</OperationsRequest>");
}

static void proposal_head(struct doc *d, struct buf *b)
{
	tag(b, "ID", str(d, d->root, "schedule_id", true));
	buf_add(b, "<Description>Energy-aware plan; saving against the received schedule: ");
	lex_fixed(b, integer(d, d->root, "saving_micro"), 6, 0);
	buf_add(b, " ");
	buf_xml(b, str(d, d->root, "currency", true));
	buf_addf(b, "</Description><Version>%lld</Version>", (long long)integer(d, d->root, "plan_id"));
	tag(b, "PublishedDate", str(d, d->root, "made_at", true));
	buf_add(b, "<ScheduleState>Forecast</ScheduleState>");
}

enum fems_rc xml_out_proposal(const struct xml_out_options *opt, const char *key, struct fems_span body,
			      struct buf *out, struct fems_error *e)
{
	struct doc d;
	struct item *items;
	const char *made;
	int64_t made_us;
	size_t n, i, next;

	if (open_doc(&d, "operations-schedule-proposal", body, e) != FEMS_OK)
		return FEMS_EINVAL;
	made = instant(&d, d.root, "made_at", &made_us);
	items = items_of(&d, &n);
	if (items) {
		begin(out, "Process", "OperationsSchedule", opt, made, key);
		proposal_head(&d, out);
		for (i = 0; i < n; i = next) {
			for (next = i; next < n && strcmp(items[next].request, items[i].request) == 0;)
				next++;
			operations_request(&d, opt, items, i, next, out);
		}
		end(out, "Process", "OperationsSchedule");
	}
	free(items);
	return finish(&d, out);
}

/* ---- ConfirmBOD ---- */

void xml_out_confirm(const struct xml_out_options *opt, const struct sched_message *m, const char *created,
		     const char *fault, struct buf *b)
{
	const char *original = m->bodid ? m->bodid : "";

	buf_add(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ConfirmBOD xmlns=\"" NS
		   "\"><ApplicationArea><Sender>");
	tag(b, "LogicalID", opt->sender);
	buf_add(b, "</Sender>");
	tag(b, "CreationDateTime", created);
	buf_add(b, "<BODID>confirm-");
	buf_xml(b, original);
	buf_add(b, "</BODID></ApplicationArea><DataArea><Confirm><OriginalApplicationArea>");
	if (m->sender) {
		buf_add(b, "<Sender>");
		tag(b, "LogicalID", m->sender);
		buf_add(b, "</Sender>");
	}
	tag(b, "CreationDateTime", m->created ? m->created : created);
	tag_if(b, "BODID", original);
	buf_addf(b,
		 "</OriginalApplicationArea><ResponseCriteria><ResponseExpression actionCode=\"%s\"/>"
		 "</ResponseCriteria></Confirm><BOD>",
		 fault ? "Rejected" : "Accepted");
	tag_if(b, "Description", fault ? fault : "");
	buf_add(b, "</BOD></DataArea></ConfirmBOD>\n");
}
