/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "connectors/b2mml/sched_state.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- notes ---- */

__attribute__((format(printf, 3, 0))) static void note(struct sched *s, int line, const char *fmt, va_list ap)
{
	char text[320];

	s->message.warnings++;
	if (++s->n_warnings > SCHED_WARNINGS_MAX)
		return;
	vsnprintf(text, sizeof text, fmt, ap);
	if (s->warnings.len)
		buf_add(&s->warnings, ",");
	if (line > 0) {
		char full[400];

		snprintf(full, sizeof full, "line %d: %s", line, text);
		buf_json(&s->warnings, full);
	} else {
		buf_json(&s->warnings, text);
	}
}

void sched_warn(struct sched *s, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(s, line, fmt, ap);
	va_end(ap);
}

void sched_lack(struct sched *s, int line, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	if (s->opt.validation == SCHED_STRICT) {
		vsnprintf(text, sizeof text, fmt, ap);
		xml_in_fail(s->xml, "%s (of line %d; validation: lenient would take it with a warning)", text,
			    line);
	} else {
		note(s, line, fmt, ap);
	}
	va_end(ap);
}

const char *sched_str(const struct sched *s, uint32_t at)
{
	return at ? s->arena.ptr + at : "";
}

uint32_t sched_keep(struct sched *s, const char *text)
{
	size_t at = s->arena.len;

	if (!*text)
		return 0;
	if (at > UINT32_MAX / 2) {
		s->arena.failed = true;
		return 0;
	}
	buf_add_n(&s->arena, text, strlen(text) + 1);
	return s->arena.failed ? 0 : (uint32_t)at;
}

bool sched_grow(void **items, size_t *cap, size_t count, size_t size)
{
	size_t want = *cap ? *cap * 2 : 16;
	void *p;

	if (count < *cap)
		return true;
	p = realloc(*items, want * size);
	if (!p)
		return false;
	*items = p;
	*cap = want;
	return true;
}

/* ---- values of leaves ---- */

static uint32_t identifier(struct sched *s, const char *what, const char *text)
{
	if (strlen(text) > SCHED_ID_MAX) {
		xml_in_fail(s->xml, "%s is longer than %d bytes (\"%.32s...\"); shorten it", what,
			    SCHED_ID_MAX, text);
		return 0;
	}
	return sched_keep(s, text);
}

void sched_time(struct sched *s, const char *what, const char *text, struct when *out)
{
	if (!*text)
		return;
	switch (lex_time(text, s->opt.offset_min, out)) {
	case LEX_TIME_OK:
		return;
	case LEX_TIME_NO_OFFSET:
		xml_in_fail(s->xml,
			    "%s \"%.40s\" has no offset from UTC; write it like 2030-01-07T08:00:00+09:00, "
			    "or set "
			    "utc_offset",
			    what, text);
		return;
	case LEX_TIME_BAD:
		xml_in_fail(s->xml,
			    "%s \"%.40s\" is not a date and time; write it like 2030-01-07T08:00:00+09:00",
			    what, text);
	}
}

static void on_schedule_id(struct sched *s, const char *text)
{
	if (identifier(s, "OperationsSchedule ID", text))
		snprintf(s->schedule_id, sizeof s->schedule_id, "%s", text);
}

static void on_schedule_start(struct sched *s, const char *text)
{
	sched_time(s, "StartTime", text, &s->start);
}

static void on_schedule_end(struct sched *s, const char *text)
{
	sched_time(s, "EndTime", text, &s->end);
}

/* States behind which nothing is left to plan. */
static bool is_over(const char *state)
{
	static const char *const over[] = { "Cancelled", "Completed", "Aborted", "Closed", NULL };

	for (size_t i = 0; over[i]; i++)
		if (strcasecmp(state, over[i]) == 0)
			return true;
	return false;
}

static void on_schedule_state(struct sched *s, const char *text)
{
	s->schedule_skip = is_over(text);
}

static void on_request_id(struct sched *s, const char *text)
{
	s->request.id = identifier(s, "the request's ID", text);
}

static void on_request_start(struct sched *s, const char *text)
{
	sched_time(s, "StartTime", text, &s->request.start);
}

static void on_request_end(struct sched *s, const char *text)
{
	sched_time(s, "EndTime", text, &s->request.end);
}

static void on_request_state(struct sched *s, const char *text)
{
	s->request.skip = is_over(text);
}

static void on_priority(struct sched *s, const char *text)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (end == text || *end || v < 1 || v > 1000000)
		sched_lack(s, xml_in_line(s->xml), "Priority \"%.32s\" is not a number from 1; taken as 1",
			   text);
	else
		s->request.priority = v;
}

static void on_segment_id(struct sched *s, const char *text)
{
	sched_segment(s)->id = identifier(s, "SegmentRequirement ID", text);
}

static void on_earliest(struct sched *s, const char *text)
{
	sched_time(s, "EarliestStartTime", text, &sched_segment(s)->earliest);
}

static void on_latest(struct sched *s, const char *text)
{
	sched_time(s, "LatestEndTime", text, &sched_segment(s)->latest);
}

static void on_process(struct sched *s, const char *text)
{
	sched_segment(s)->process = identifier(s, "ProcessSegmentID", text);
}

static void on_segment_state(struct sched *s, const char *text)
{
	sched_segment(s)->skip = is_over(text);
}

static void on_duration(struct sched *s, const char *text)
{
	if (*text && !lex_duration(text, &sched_segment(s)->duration_us))
		xml_in_fail(
			s->xml,
			"Duration \"%.40s\" is not a positive duration of days, hours, minutes and seconds; "
			"write it like PT4H",
			text);
}

static void on_equipment_class(struct sched *s, const char *text)
{
	sched_segment(s)->equipment_class = identifier(s, "EquipmentClassID", text);
}

static void on_equipment_id(struct sched *s, const char *text)
{
	struct segment *g = sched_segment(s);
	uint32_t name = identifier(s, "EquipmentID", text), at;

	if (!name)
		return;
	s->named_equipment = true;
	if (!s->first_equipment)
		return;
	if (!sched_grow((void **)&s->alternatives, &s->cap_alternatives, s->n_alternatives,
			sizeof *s->alternatives)) {
		xml_in_fail(s->xml, "out of memory");
		return;
	}
	at = (uint32_t)++s->n_alternatives;
	s->alternatives[at - 1] = (struct alternative){ name, 0 };
	if (g->equipment)
		s->alternatives[g->equipment_last - 1].next = at;
	else
		g->equipment = at;
	g->equipment_last = at;
}

static void on_definition(struct sched *s, const char *text)
{
	if (!s->material.definition)
		s->material.definition = identifier(s, "MaterialDefinitionID", text);
}

static void on_use(struct sched *s, const char *text)
{
	snprintf(s->material.use, sizeof s->material.use, "%s", text);
}

static void on_number(struct sched *s, const char *text)
{
	if (!s->material.quantity)
		s->material.quantity = identifier(s, "QuantityString", text);
}

static void on_unit(struct sched *s, const char *text)
{
	if (!s->material.unit)
		s->material.unit = identifier(s, "UnitOfMeasure", text);
}

static void on_parameter_id(struct sched *s, const char *text)
{
	snprintf(s->parameter.id, sizeof s->parameter.id, "%s", text);
}

static void on_parameter_value(struct sched *s, const char *text)
{
	snprintf(s->parameter.value, sizeof s->parameter.value, "%s", text);
}

static void set_once(struct sched *s, char **member, const char *text)
{
	if (*member || !*text)
		return;
	if (strlen(text) > SCHED_BODID_MAX) {
		xml_in_fail(s->xml,
			    "an identifier of the ApplicationArea is longer than %d bytes; shorten it",
			    SCHED_BODID_MAX);
		return;
	}
	*member = strdup(text);
	if (!*member)
		xml_in_fail(s->xml, "out of memory");
}

static void on_bodid(struct sched *s, const char *text)
{
	set_once(s, &s->message.bodid, text);
}

static void on_sender(struct sched *s, const char *text)
{
	set_once(s, &s->message.sender, text);
}

static void on_created(struct sched *s, const char *text)
{
	struct when t = { 0, 0, false };

	if (*text && lex_time(text, NULL, &t) == LEX_TIME_BAD)
		sched_lack(s, xml_in_line(s->xml), "CreationDateTime \"%.40s\" is not a date and time", text);
	else
		set_once(s, &s->message.created, text);
}

static void on_confirmation(struct sched *s, const char *text)
{
	s->message.confirm_always = strcasecmp(text, "Always") == 0;
	s->message.confirm_errors = s->message.confirm_always || strcasecmp(text, "OnError") == 0;
}

/* Where a leaf counts, and what it does there. */
static const struct rule {
	uint8_t parent, element;
	void (*take)(struct sched *, const char *);
} rules[] = {
	{ APPLICATION, BODID, on_bodid },
	{ APPLICATION, CREATED, on_created },
	{ SENDER, LOGICAL_ID, on_sender },
	{ SENDER, CONFIRMATION, on_confirmation },
	{ SCHEDULE, ID, on_schedule_id },
	{ SCHEDULE, START, on_schedule_start },
	{ SCHEDULE, END, on_schedule_end },
	{ SCHEDULE, STATE, on_schedule_state },
	{ REQUEST, ID, on_request_id },
	{ REQUEST, START, on_request_start },
	{ REQUEST, END, on_request_end },
	{ REQUEST, STATE, on_request_state },
	{ REQUEST, PRIORITY, on_priority },
	{ SEGMENT, ID, on_segment_id },
	{ SEGMENT, EARLIEST, on_earliest },
	{ SEGMENT, LATEST, on_latest },
	{ SEGMENT, PROCESS, on_process },
	{ SEGMENT, STATE, on_segment_state },
	{ SEGMENT, DURATION, on_duration },
	{ EQUIPMENT, EQUIPMENT_ID, on_equipment_id },
	{ EQUIPMENT, EQUIPMENT_CLASS, on_equipment_class },
	{ MATERIAL, DEFINITION, on_definition },
	{ MATERIAL, USE, on_use },
	{ QUANTITY, NUMBER, on_number },
	{ QUANTITY, UNIT, on_unit },
	{ PARAMETER, ID, on_parameter_id },
	{ VALUE, VALUE_TEXT, on_parameter_value },
};

bool sched_leaf(struct sched *s, enum sched_element parent, enum sched_element leaf, const char *text)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		if (rules[i].element == leaf && rules[i].parent == parent) {
			rules[i].take(s, text);
			return true;
		}
	}
	return false;
}
