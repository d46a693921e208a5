/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "connectors/b2mml/sched.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <fems/util.h>
#include "connectors/b2mml/sched_state.h"

/* ---- names, in the order of strcmp ---- */

static const struct name {
	const char *name;
	uint8_t element;
} names[] = {
	{ "ActionCriteria", CRITERIA },
	{ "ActionExpression", EXPRESSION },
	{ "ApplicationArea", APPLICATION },
	{ "BODID", BODID },
	{ "Change", VERB },
	{ "ConfirmationCode", CONFIRMATION },
	{ "CreationDateTime", CREATED },
	{ "DataArea", DATA },
	{ "Duration", DURATION },
	{ "EarliestStartTime", EARLIEST },
	{ "EndTime", END },
	{ "EquipmentClassID", EQUIPMENT_CLASS },
	{ "EquipmentID", EQUIPMENT_ID },
	{ "EquipmentRequirement", EQUIPMENT },
	{ "ID", ID },
	{ "LatestEndTime", LATEST },
	{ "LogicalID", LOGICAL_ID },
	{ "MaterialConsumedRequirement", MATERIAL },
	{ "MaterialDefinitionID", DEFINITION },
	{ "MaterialProducedRequirement", MATERIAL },
	{ "MaterialRequirement", MATERIAL },
	{ "MaterialUse", USE },
	{ "OperationsRequest", REQUEST },
	{ "OperationsSchedule", SCHEDULE },
	{ "Parameter", PARAMETER },
	{ "Priority", PRIORITY },
	{ "Process", VERB },
	{ "ProcessSegmentID", PROCESS },
	{ "ProductionParameter", PARAMETERS },
	{ "ProductionRequest", REQUEST },
	{ "ProductionSchedule", SCHEDULE },
	{ "Quantity", QUANTITY },
	{ "QuantityString", NUMBER },
	{ "RequestState", STATE },
	{ "ScheduleState", STATE },
	{ "SegmentParameter", PARAMETER },
	{ "SegmentRequirement", SEGMENT },
	{ "SegmentRequirementChild", SEGMENT },
	{ "SegmentState", STATE },
	{ "Sender", SENDER },
	{ "Show", VERB },
	{ "StartTime", START },
	{ "Sync", VERB },
	{ "UnitOfMeasure", UNIT },
	{ "Value", VALUE },
	{ "ValueString", VALUE_TEXT },
};

static int name_order(const void *key, const void *item)
{
	return strcmp(key, ((const struct name *)item)->name);
}

static enum sched_element element_of(const char *name)
{
	const struct name *n = bsearch(name, names, sizeof names / sizeof *names, sizeof *names, name_order);

	return n ? n->element : OTHER;
}

/* Namespaces of the versions (B2MML's own schemas); V0700 and V0701 carry no version in theirs. */
static const char *const known_namespace[] = {
	"http://www.mesa.org/xml/B2MML",
	"http://www.mesa.org/xml/B2MML-V0600",
	"http://www.wbf.org/xml/B2MML-V0401",
	NULL,
};

/* ---- begin of the elements that have parts ---- */

static const char *const verbs[] = { "Process",     "Sync",    "Show",   "Change", "Get",
				     "Acknowledge", "Respond", "Cancel", NULL };
#define READ_VERBS  4
#define VERB_CHANGE 3

static bool is_noun(const char *name)
{
	return strcmp(name, "OperationsSchedule") == 0 || strcmp(name, "ProductionSchedule") == 0;
}

static void check_namespace(struct sched *s, const char *ns)
{
	for (size_t i = 0; known_namespace[i]; i++)
		if (strcmp(ns, known_namespace[i]) == 0)
			return;
	if (s->opt.validation == SCHED_OFF)
		sched_warn(s, 1, "namespace \"%.80s\" is none of B2MML's", ns);
	else if (!*ns)
		sched_lack(s, 1, "the message has no namespace; taken for B2MML V0701");
	else
		xml_in_fail(s->xml, "namespace \"%.80s\" is none of B2MML V0401, V0600 or V0701 (%s)", ns,
			    known_namespace[0]);
}

/* Offset 0 is the empty string. */
static void clear_arena(struct sched *s)
{
	buf_clear(&s->arena);
	buf_add_n(&s->arena, "", 1);
}

static void begin_schedule(struct sched *s)
{
	s->any_schedule = true;
	s->schedule_line = xml_in_line(s->xml);
	s->schedule_id[0] = '\0';
	s->schedule_skip = false;
	memset(&s->start, 0, sizeof s->start);
	memset(&s->end, 0, sizeof s->end);
	s->n_requests = 0;
	clear_arena(s);
	sched_json_begin(s);
}

/* Root: verb and noun, or the noun alone. */
static enum sched_element begin_root(struct sched *s, const char *name, const char *ns)
{
	size_t v, n;

	s->seen_root = true;
	s->complete = true;
	for (v = 0; verbs[v]; v++) {
		n = strlen(verbs[v]);
		if (strncmp(name, verbs[v], n) == 0 && is_noun(name + n))
			break;
	}
	if (!verbs[v] && !is_noun(name)) {
		xml_in_fail(
			s->xml,
			"<%.60s> is not a production schedule; this connector reads Process, Sync, Show or "
			"Change of OperationsSchedule or ProductionSchedule",
			name);
		return OTHER;
	}
	if (verbs[v] && v >= READ_VERBS) {
		xml_in_fail(s->xml, "<%.60s>: the verb %s brings no plan; send Process, Sync, Show or Change",
			    name, verbs[v]);
		return OTHER;
	}
	s->complete = v != VERB_CHANGE;
	check_namespace(s, ns);
	if (verbs[v])
		return ROOT;
	begin_schedule(s);
	return SCHEDULE;
}

/* Sync and Process may say that they bring only additions or changes. */
static void begin_expression(struct sched *s)
{
	char code[32];

	xml_in_attribute(s->xml, "actionCode", code, sizeof code);
	if (strcasecmp(code, "Delete") == 0 || strcasecmp(code, "Rejected") == 0)
		xml_in_fail(s->xml,
			    "actionCode \"%s\": a withdrawal of single orders is not read; send the schedule "
			    "without them, or with RequestState Cancelled",
			    code);
	else if (strcasecmp(code, "Add") == 0 || strcasecmp(code, "Change") == 0)
		s->complete = false;
}

static void begin_request(struct sched *s)
{
	clear_arena(s);
	memset(&s->request, 0, sizeof s->request);
	s->request.line = xml_in_line(s->xml);
	s->request.priority = 1;
	s->n_segments = s->n_alternatives = 0;
	s->current = -1;
	s->n_requests++;
}

static void begin_segment(struct sched *s)
{
	struct segment g = { .parent = s->current, .line = xml_in_line(s->xml) };

	if (!sched_grow((void **)&s->segments, &s->cap_segments, s->n_segments, sizeof *s->segments)) {
		xml_in_fail(s->xml, "out of memory");
		return;
	}
	g.ordinal = s->current < 0 ? ++s->request.children : ++sched_segment(s)->children;
	s->current = (int)s->n_segments;
	s->segments[s->n_segments++] = g;
}

static void begin_material(struct sched *s, const char *name)
{
	memset(&s->material, 0, sizeof s->material);
	s->material.line = xml_in_line(s->xml);
	s->material.produced = strcmp(name, "MaterialProducedRequirement") == 0;
	s->material.consumed = strcmp(name, "MaterialConsumedRequirement") == 0;
}

/* An element counts only below the element it belongs to; anywhere else it and all below it are none
 * of ours (a SegmentRequirement inside a RequestedSegmentResponse, an EquipmentID of a location). */
static bool belongs(enum sched_element e, enum sched_element parent)
{
	static const struct {
		uint8_t element, parent[3];
	} home[] = {
		{ APPLICATION, { ROOT } },
		{ SENDER, { APPLICATION } },
		{ DATA, { ROOT } },
		{ VERB, { DATA } },
		{ CRITERIA, { VERB } },
		{ EXPRESSION, { CRITERIA } },
		{ SCHEDULE, { DATA } },
		{ REQUEST, { SCHEDULE } },
		{ SEGMENT, { REQUEST, SEGMENT } },
		{ EQUIPMENT, { SEGMENT } },
		{ MATERIAL, { SEGMENT } },
		{ QUANTITY, { MATERIAL } },
		{ PARAMETERS, { SEGMENT } },
		{ PARAMETER, { SEGMENT, PARAMETERS } },
		{ VALUE, { PARAMETER } },
	};

	for (size_t i = 0; i < sizeof home / sizeof *home; i++)
		if (home[i].element == e)
			return parent == home[i].parent[0] ||
			       (parent == home[i].parent[1] && parent != OTHER);
	return true;
}

static void begin_part(struct sched *s, enum sched_element e, const char *name)
{
	switch (e) {
	case EXPRESSION:
		begin_expression(s);
		break;
	case SCHEDULE:
		begin_schedule(s);
		break;
	case REQUEST:
		begin_request(s);
		break;
	case SEGMENT:
		begin_segment(s);
		break;
	case EQUIPMENT:
		s->first_equipment = sched_segment(s)->requirements == 0;
		s->named_equipment = false;
		break;
	case MATERIAL:
		begin_material(s, name);
		break;
	case PARAMETER:
		memset(&s->parameter, 0, sizeof s->parameter);
		break;
	default:
		break;
	}
}

static void on_start(void *ctx, struct xml_in *xml, const char *name, const char *ns)
{
	struct sched *s = ctx;
	enum sched_element e, parent;

	(void)xml;
	if (!s->seen_root) {
		s->stack[0] = (uint8_t)begin_root(s, name, ns);
		s->depth = 1;
		return;
	}
	parent = s->stack[s->depth - 1];
	e = parent == OTHER ? OTHER : element_of(name);
	if (e != OTHER && !belongs(e, parent))
		e = OTHER;
	s->stack[s->depth++] = (uint8_t)e;
	begin_part(s, e, name);
}

/* ---- end of the elements that have parts ---- */

static bool is_use(const struct material *m, const char *use)
{
	return strcasecmp(m->use, use) == 0;
}

static void take_energy(struct sched *s, const struct material *m)
{
	const char *number = sched_str(s, m->quantity), *unit = sched_str(s, m->unit);
	struct segment *g = sched_segment(s);
	bool known;
	int64_t wh;

	if (m->produced || is_use(m, "Produced")) {
		sched_warn(s, m->line, "%s as produced material is not planned", s->opt.energy_material);
		return;
	}
	if (!lex_energy(number, unit, &wh, &known) || wh < 0) {
		if (known)
			xml_in_fail(s->xml,
				    "energy \"%.32s\" is not a number of 0 or more; write it like 820.0",
				    number);
		else
			xml_in_fail(s->xml,
				    "\"%.16s\" is not a unit of energy that is read; use KWH, MWH or 3B (MJ)",
				    unit);
		return;
	}
	if (__builtin_add_overflow(g->energy_wh, wh, &g->energy_wh))
		xml_in_fail(s->xml, "the energy of a segment is beyond every factory; check the unit");
	g->has_energy = true;
}

static void end_material(struct sched *s)
{
	const struct material *m = &s->material;
	struct segment *g = sched_segment(s);

	if (strcmp(sched_str(s, m->definition), s->opt.energy_material) == 0) {
		take_energy(s, m);
	} else if ((m->produced || is_use(m, "Produced")) && !g->product) {
		g->product = m->definition;
		g->quantity = m->quantity;
		g->unit = m->unit;
	}
}

static void end_equipment(struct sched *s)
{
	struct segment *g = sched_segment(s);

	if (s->named_equipment && ++g->requirements == 2)
		sched_warn(s, g->line,
			   "the segment needs several equipments at a time; only the first is planned");
}

static void end_parameter(struct sched *s)
{
	if (s->current >= 0 && strcasecmp(s->parameter.id, "PlannedStart") == 0)
		sched_time(s, "PlannedStart", s->parameter.value, &sched_segment(s)->planned);
}

static void end_schedule(struct sched *s)
{
	if (s->schedule_skip)
		sched_warn(s, s->schedule_line,
			   "the schedule's state says that it is over: its orders are withdrawn");
	if (s->n_requests == 0)
		sched_lack(s, s->schedule_line, "the schedule holds no request");
	if (!s->schedule_id[0])
		sched_lack(s, s->schedule_line, "the schedule has no ID; taken as \"default\"");
	if (!xml_in_failed(s->xml) && !sched_json_end(s))
		xml_in_fail(s->xml, "out of memory");
}

static void end_part(struct sched *s, enum sched_element e)
{
	switch (e) {
	case SCHEDULE:
		end_schedule(s);
		break;
	case REQUEST:
		if (s->arena.failed)
			xml_in_fail(s->xml, "out of memory");
		else
			sched_json_request(s);
		s->current = -1;
		break;
	case SEGMENT:
		s->current = sched_segment(s)->parent;
		break;
	case EQUIPMENT:
		end_equipment(s);
		break;
	case MATERIAL:
		end_material(s);
		break;
	case PARAMETER:
		end_parameter(s);
		break;
	default:
		break;
	}
}

static void on_end(void *ctx, struct xml_in *xml, const char *name, const char *text)
{
	struct sched *s = ctx;
	enum sched_element e = s->stack[--s->depth], parent = s->depth ? s->stack[s->depth - 1] : OTHER;

	(void)name, (void)xml;
	if (e == OTHER)
		return;
	if (!sched_leaf(s, parent, e, text))
		end_part(s, e);
}

static void on_invalid(void *ctx, struct xml_in *xml, const char *message)
{
	struct sched *s = ctx;

	if (s->opt.validation == SCHED_STRICT)
		xml_in_fail(xml, "not valid by the schema: %s", message);
	else
		sched_warn(s, xml_in_line(xml), "not valid by the schema: %s", message);
}

/* ---- life ---- */

static const struct xml_in_ops ops = { on_start, on_end, on_invalid };

struct sched *sched_new(const struct sched_options *opt)
{
	struct sched *s = calloc(1, sizeof *s);
	struct xml_in_options x = { opt->where, opt->max_bytes,
				    opt->validation == SCHED_OFF ? NULL : opt->schema };

	if (!s)
		return NULL;
	s->opt = *opt;
	s->current = -1;
	crypto_hash_sha256_init(&s->hash_all);
	s->xml = xml_in_new(&x, &ops, s);
	if (!s->xml) {
		free(s);
		return NULL;
	}
	return s;
}

void sched_free(struct sched *s)
{
	if (!s)
		return;
	xml_in_free(s->xml);
	for (size_t i = 0; i < s->message.count; i++) {
		free(s->message.documents[i].key);
		free(s->message.documents[i].json);
	}
	free(s->message.documents);
	free(s->message.bodid);
	free(s->message.sender);
	free(s->message.created);
	free(s->segments);
	free(s->alternatives);
	free(s->set.slots);
	buf_free(&s->set.ids);
	buf_free(&s->arena);
	buf_free(&s->json);
	buf_free(&s->warnings);
	free(s);
}

bool sched_feed(struct sched *s, const char *p, size_t n)
{
	return xml_in_feed(s->xml, p, n);
}

/* "/2" and so on: one message may carry several schedules. */
static bool name_documents(struct sched *s)
{
	for (size_t i = 0; i < s->message.count && s->message.bodid; i++) {
		struct buf key = { NULL, 0, 0, false };

		buf_add(&key, s->message.bodid);
		if (i > 0)
			buf_addf(&key, "/%zu", i + 1);
		free(s->message.documents[i].key);
		s->message.documents[i].key = buf_take(&key, NULL);
		if (!s->message.documents[i].key)
			return false;
	}
	return true;
}

const struct sched_message *sched_end(struct sched *s)
{
	if (!xml_in_end(s->xml))
		return NULL;
	if (!s->any_schedule)
		xml_in_fail(s->xml, "the message holds no OperationsSchedule or ProductionSchedule");
	else if (!name_documents(s))
		xml_in_fail(s->xml, "out of memory");
	if (xml_in_failed(s->xml))
		return NULL;
	crypto_hash_sha256_final(&s->hash_all, s->message.digest);
	return &s->message;
}

const struct fems_error *sched_error(const struct sched *s)
{
	return xml_in_error(s->xml);
}

const struct sched_message *sched_envelope(const struct sched *s)
{
	return &s->message;
}

const char *sched_segment_id(const char *request_id, const char *segment_id)
{
	size_t n = strlen(request_id);

	return n && strncmp(segment_id, request_id, n) == 0 && segment_id[n] == '/' ? segment_id + n + 1
										    : segment_id;
}
