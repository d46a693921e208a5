/* SPDX-License-Identifier: Apache-2.0
 *
 * Schedules in: own samples of every version read exactly, hostile and wrong ones refused with place,
 * reason and remedy, MESA's own sample where it is at hand.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <cmocka.h>
#include <jansson.h>
#include "connectors/b2mml/lex.h"
#include "connectors/b2mml/sched.h"
#include "connectors/b2mml/xml_schema.h"

static char *slurp(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *p = NULL;
	struct stat st;

	if (f && fstat(fileno(f), &st) == 0) {
		p = malloc((size_t)st.st_size + 1);
		assert_non_null(p);
		*n = fread(p, 1, (size_t)st.st_size, f);
		p[*n] = '\0';
	}
	if (f)
		fclose(f);
	return p;
}

static char *sample(const char *name, size_t *n)
{
	char path[1024];
	char *p;

	snprintf(path, sizeof path, "%s/tests/b2mml/%s", getenv("top_srcdir"), name);
	p = slurp(path, n);
	if (!p)
		fail_msg("%s is missing", path);
	return p;
}

static struct sched_options lenient(const char *where)
{
	struct sched_options o = { .where = where,
				   .energy_material = "EN-ELEC",
				   .validation = SCHED_LENIENT,
				   .max_bytes = 32 << 20 };

	return o;
}

/* Feeds in pieces of `piece` bytes. */
static struct sched *read_text(const struct sched_options *o, const char *text, size_t n, size_t piece,
			       const struct sched_message **m)
{
	struct sched *s = sched_new(o);
	bool ok = true;

	assert_non_null(s);
	for (size_t i = 0; i < n && ok; i += piece)
		ok = sched_feed(s, text + i, n - i < piece ? n - i : piece);
	*m = sched_end(s);
	assert_true(ok || !*m);
	return s;
}

static void assert_json(const struct sched_document *d, const char *expected)
{
	json_error_t e;
	json_t *a = json_loadb(d->json, d->len, 0, &e), *b;

	if (!a)
		fail_msg("not JSON: %s in %s", e.text, d->json);
	b = json_loads(expected, 0, &e);
	if (!b)
		fail_msg("the expected text is not JSON: line %d: %s", e.line, e.text);
	if (!json_equal(a, b)) {
		char *text = json_dumps(a, JSON_INDENT(1));

		print_message("%s\n", text);
		free(text);
		fail_msg("another document than expected");
	}
	json_decref(a);
	json_decref(b);
}

static void exact(const char *version, const char *key)
{
	static const size_t pieces[] = { 1, 7, 4096, 1 << 20 };
	char xml_name[64], json_name[64];
	size_t n, json_n;
	char *xml, *json;

	snprintf(xml_name, sizeof xml_name, "%s.xml", version);
	snprintf(json_name, sizeof json_name, "%s.json", version);
	xml = sample(xml_name, &n);
	json = sample(json_name, &json_n);
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		struct sched_options o = lenient(xml_name);
		const struct sched_message *m;
		struct sched *s = read_text(&o, xml, n, pieces[i], &m);

		if (!m)
			fail_msg("%s", sched_error(s)->text);
		assert_int_equal(m->count, 1);
		if (key)
			assert_string_equal(m->documents[0].key, key);
		else
			assert_memory_equal(m->documents[0].key, "sha256-", 7);
		assert_json(&m->documents[0], json);
		sched_free(s);
	}
	free(xml);
	free(json);
}

static void test_v0701(void **state)
{
	(void)state;
	exact("v0701", "plan/2031-W10 #1");
}

static void test_v0600(void **state)
{
	(void)state;
	exact("v0600", "v0600-1");
}

static void test_v0401(void **state)
{
	(void)state;
	exact("v0401", NULL);
}

static const struct {
	const char *file, *says[3];
} bad[] = {
	{ "bad-entities.xml",
	  { "bad-entities.xml:2:", "DOCTYPE is not accepted", "send the document without it" } },
	{ "bad-external.xml", { "bad-external.xml:2:", "DOCTYPE", "" } },
	{ "bad-namespace.xml", { ":2:", "http://example.com/own", "none of B2MML" } },
	{ "bad-duration.xml", { ":5:", "\"4 hours\"", "PT4H" } },
	{ "bad-time.xml", { ":5:", "EarliestStartTime \"03.03.2031 08:00\"", "write it like" } },
	{ "bad-date.xml", { ":5:", "2031-02-29", "" } },
	{ "bad-no-offset.xml", { ":5:", "no offset from UTC", "utc_offset" } },
	{ "bad-no-request-id.xml", { ":5:", "has no ID", "give it one" } },
	{ "bad-twice.xml", { "\"R-1\" stands twice", "lines 5 and 7", "give each its own ID" } },
	{ "bad-unit.xml", { ":5:", "\"KGM\" is not a unit of energy", "KWH" } },
	{ "bad-energy.xml", { ":5:", "\"1,5\"", "820.0" } },
	{ "bad-delete.xml", { ":4:", "actionCode \"Delete\"", "RequestState Cancelled" } },
	{ "bad-truncated.xml", { "bad-truncated.xml:", "not well-formed", "" } },
	{ "bad-entity.xml", { ":5:", "unknown", "" } },
	{ "bad-noun.xml",
	  { ":1:", "<SyncMaterialDefinition> is not a production schedule", "OperationsSchedule" } },
	{ "bad-verb.xml", { ":1:", "Cancel", "send Process, Sync, Show or Change" } },
	{ "bad-encoding.xml", { ":1:", "encoding", "send UTF-8" } },
	{ "bad-utf16.xml", { ":1:1:", "UTF-16", "send it as UTF-8" } },
	{ "bad-csv.xml", { ":1:1:", "not XML", "" } },
	{ "bad-empty.xml", { "bad-empty.xml:", "empty", "" } },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct sched_options o = lenient(bad[i].file);
		const struct sched_message *m;
		size_t n;
		char *xml = sample(bad[i].file, &n);

		for (size_t piece = 1; piece < 100000; piece *= 50) {
			struct sched *s = read_text(&o, xml, n, piece, &m);
			const char *text = sched_error(s)->text;

			if (m)
				fail_msg("%s was taken", bad[i].file);
			for (size_t k = 0; k < 3; k++)
				if (!strstr(text, bad[i].says[k]))
					fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].file, text,
						 bad[i].says[k]);
			sched_free(s);
		}
		free(xml);
	}
}

/* ---- hostile by size: made here, refused before they cost time ---- */

struct made {
	char *p;
	size_t n, cap;
};

static void put(struct made *b, const char *s)
{
	size_t n = strlen(s);

	if (b->n + n + 1 > b->cap) {
		b->cap = (b->n + n + 1) * 2;
		b->p = realloc(b->p, b->cap);
		assert_non_null(b->p);
	}
	memcpy(b->p + b->n, s, n + 1);
	b->n += n;
}

static void put_times(struct made *b, const char *s, size_t times)
{
	while (times--)
		put(b, s);
}

static const char head[] =
	"<ProcessOperationsSchedule xmlns=\"http://www.mesa.org/xml/B2MML\" releaseID=\"7.0.1\">"
	"<DataArea><Process/><OperationsSchedule><ID>S</ID>";

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void refused(struct made *b, size_t max_bytes, const char *says)
{
	struct sched_options o = lenient("made");
	const struct sched_message *m;
	double before = cpu_s();
	struct sched *s;

	if (max_bytes)
		o.max_bytes = max_bytes;
	s = read_text(&o, b->p, b->n, 65536, &m);
	assert_null(m);
	if (!strstr(sched_error(s)->text, says))
		fail_msg("\"%s\" does not say \"%s\"", sched_error(s)->text, says);
	assert_true(cpu_s() - before < 1.0);
	sched_free(s);
	free(b->p);
}

static void test_many_attributes(void **state)
{
	struct made b = { NULL, 0, 0 };
	char one[32];

	(void)state;
	put(&b, "<OperationsSchedule xmlns=\"http://www.mesa.org/xml/B2MML\"");
	for (int i = 0; i < 80000; i++) {
		snprintf(one, sizeof one, " a%d=\"\"", i);
		put(&b, one);
	}
	put(&b, "/>");
	refused(&b, 0, "start tag is longer than 64 KiB");
}

static void test_attributes_within_a_short_tag(void **state)
{
	struct made b = { NULL, 0, 0 };
	char one[32];

	(void)state;
	put(&b, "<OperationsSchedule xmlns=\"http://www.mesa.org/xml/B2MML\"");
	for (int i = 0; i < 1200; i++) {
		snprintf(one, sizeof one, " a%d='>'", i);
		put(&b, one);
	}
	put(&b, "/>");
	refused(&b, 0, "more than 1000 attributes");
}

static void test_depth(void **state)
{
	struct made b = { NULL, 0, 0 };

	(void)state;
	put(&b, head);
	put_times(&b, "<OperationsRequest>", 5000);
	refused(&b, 0, "deep");
}

static void test_long_text(void **state)
{
	struct made b = { NULL, 0, 0 };

	(void)state;
	put(&b, head);
	put(&b, "<Description>");
	put_times(&b, "0123456789abcdef", 70000);
	put(&b, "</Description>");
	refused(&b, 0, "longer than 1 MiB");
}

static void test_long_identifier(void **state)
{
	struct made b = { NULL, 0, 0 };

	(void)state;
	put(&b, head);
	put(&b, "<OperationsRequest><ID>");
	put_times(&b, "0123456789abcdef", 17);
	put(&b, "</ID>");
	refused(&b, 0, "longer than 256 bytes");
}

static void test_long_comment(void **state)
{
	struct made b = { NULL, 0, 0 };

	(void)state;
	put(&b, head);
	put(&b, "<!--");
	put_times(&b, "0123456789abcdef", 70000);
	refused(&b, 0, "comment or processing instruction is too long");
}

static void test_too_large(void **state)
{
	struct made b = { NULL, 0, 0 };

	(void)state;
	put(&b, head);
	put_times(&b, "<Description/>", 1000);
	refused(&b, 8000, "larger than 8000 bytes");
}

/* ---- modes ---- */

static void test_strict_refuses_what_lenient_notes(void **state)
{
	static const char text[] =
		"<OperationsSchedule xmlns=\"http://www.mesa.org/xml/B2MML\"><ID>S</ID>\n"
		"<OperationsRequest><ID>R</ID><SegmentRequirement><ID>R-1</ID></SegmentRequirement>"
		"</OperationsRequest></OperationsSchedule>";
	struct sched_options o = lenient("x");
	const struct sched_message *m;
	struct sched *s = read_text(&o, text, strlen(text), 10, &m);

	(void)state;
	assert_non_null(m);
	assert_int_equal(m->warnings, 3); /* no equipment, no duration, no energy */
	sched_free(s);
	o.validation = SCHED_STRICT;
	s = read_text(&o, text, strlen(text), 10, &m);
	assert_null(m);
	assert_non_null(strstr(sched_error(s)->text, "x:2:"));
	assert_non_null(strstr(sched_error(s)->text, "names no equipment"));
	sched_free(s);
}

static void test_offset_setting(void **state)
{
	size_t n;
	char *xml = sample("bad-no-offset.xml", &n);
	struct sched_options o = lenient("x");
	const struct sched_message *m;
	int minutes = 540;
	struct sched *s;

	(void)state;
	o.offset_min = &minutes;
	s = read_text(&o, xml, n, 100, &m);
	assert_non_null(m);
	assert_non_null(strstr(m->documents[0].json, "\"earliest_start\":\"2031-03-03T08:00:00+09:00\""));
	sched_free(s);
	free(xml);
}

static char *key_of(const char *where, const char *text)
{
	struct sched_options o = lenient(where);
	const struct sched_message *m;
	struct sched *s = read_text(&o, text, strlen(text), 64, &m);
	char *key;

	assert_non_null(m);
	key = strdup(m->documents[0].key);
	sched_free(s);
	return key;
}

/* Without BODID the content decides: not its layout, nor where it lay. */
static void test_key_without_bodid(void **state)
{
	static const char one[] =
		"<OperationsSchedule xmlns=\"http://www.mesa.org/xml/B2MML\"><ID>S</ID><OperationsRequest>"
		"<ID>R</ID><SegmentRequirement><ID>R-1</ID></SegmentRequirement></OperationsRequest>"
		"</OperationsSchedule>";
	static const char laid_out[] =
		"<x:OperationsSchedule "
		"xmlns:x=\"http://www.mesa.org/xml/B2MML\">\n<x:ID>S</x:ID>\n<x:OperationsRequest>"
		"<x:ID>R</x:ID>\n\n<x:SegmentRequirement><x:ID> R-1 "
		"</x:ID></x:SegmentRequirement></x:OperationsRequest>"
		"</x:OperationsSchedule>";
	static const char other[] =
		"<OperationsSchedule xmlns=\"http://www.mesa.org/xml/B2MML\"><ID>S</ID><OperationsRequest>"
		"<ID>R</ID><SegmentRequirement><ID>R-2</ID></SegmentRequirement></OperationsRequest>"
		"</OperationsSchedule>";
	char *a = key_of("a", one), *b = key_of("b", laid_out), *c = key_of("a", other);

	(void)state;
	assert_int_equal(strlen(a), 7 + 64);
	assert_string_equal(a, b);
	assert_string_not_equal(a, c);
	free(a);
	free(b);
	free(c);
}

/* A plan that returns to what it was is a new message when its time of creation says so. */
static void test_key_of_a_plan_that_returns(void **state)
{
#define PLAN(created)                                                                                        \
	"<ShowOperationsSchedule xmlns=\"http://www.mesa.org/xml/B2MML\" releaseID=\"\"><ApplicationArea>"   \
	"<CreationDateTime>" created                                                                         \
	"</CreationDateTime></ApplicationArea><DataArea><Show/><OperationsSchedule><ID>S"                    \
	"</ID></OperationsSchedule></DataArea></ShowOperationsSchedule>"
	char *a = key_of("a", PLAN("2031-03-02T08:00:00Z")), *b = key_of("a", PLAN("2031-03-02T09:00:00Z"));
	char *again = key_of("a", PLAN("2031-03-02T08:00:00Z"));

	(void)state;
	assert_string_not_equal(a, b);
	assert_string_equal(a, again);
	free(a);
	free(b);
	free(again);
}

static void test_long_bodid(void **state)
{
	struct made b = { NULL, 0, 0 };

	(void)state;
	put(&b, "<ShowOperationsSchedule xmlns=\"http://www.mesa.org/xml/B2MML\"><ApplicationArea><BODID>");
	put_times(&b, "0123456789", 19);
	put(&b, "</BODID>");
	refused(&b, 0, "longer than 180 bytes");
}

static void test_two_schedules(void **state)
{
	static const char text[] =
		"<ShowOperationsSchedule xmlns=\"http://www.mesa.org/xml/B2MML\" "
		"releaseID=\"\"><ApplicationArea><BODID>k</BODID>"
		"</ApplicationArea><DataArea><Show/><OperationsSchedule><ID>A</ID><OperationsRequest><ID>1</"
		"ID>"
		"<SegmentRequirement><ID>1-1</ID></SegmentRequirement></OperationsRequest></"
		"OperationsSchedule>"
		"<OperationsSchedule><ID>B</ID></OperationsSchedule></DataArea></ShowOperationsSchedule>";
	struct sched_options o = lenient("x");
	const struct sched_message *m;
	struct sched *s = read_text(&o, text, strlen(text), 3, &m);

	(void)state;
	assert_non_null(m);
	assert_int_equal(m->count, 2);
	assert_string_equal(m->documents[0].key, "k");
	assert_string_equal(m->documents[1].key, "k/2");
	assert_non_null(strstr(m->documents[1].json, "\"schedule_id\":\"B\""));
	assert_non_null(strstr(m->documents[1].json, "\"requests\":[]"));
	sched_free(s);
}

static void test_segment_ids_go_back(void **state)
{
	(void)state;
	assert_string_equal(sched_segment_id("258456", "258456/0010"), "0010");
	assert_string_equal(sched_segment_id("A-1", "A-1-10"), "A-1-10");
	assert_string_equal(sched_segment_id("R", "R/R/x"), "R/x");
}

/* ---- lexical forms ---- */

static void test_lexical(void **state)
{
	struct when w = { 0, 0, false };
	int64_t v;
	bool known;

	(void)state;
	assert_int_equal(lex_time("2030-01-07T08:00:00+09:00", NULL, &w), LEX_TIME_OK);
	assert_int_equal(w.us, INT64_C(1893970800000000));
	assert_int_equal(lex_time("2024-02-29T24:00:00Z", NULL, &w), LEX_TIME_OK);
	assert_int_equal(w.us, INT64_C(1709251200000000));
	assert_int_equal(lex_time("2030-13-07T08:00:00Z", NULL, &w), LEX_TIME_BAD);
	assert_int_equal(lex_time("2030-01-07T08:00:60Z", NULL, &w), LEX_TIME_BAD);
	assert_int_equal(lex_time("2030-01-07T08:00:00.Z", NULL, &w), LEX_TIME_BAD);
	assert_int_equal(lex_time("2030-01-07T08:00:00+15:00", NULL, &w), LEX_TIME_BAD);
	assert_int_equal(lex_time("2030-01-07T08:00:00", NULL, &w), LEX_TIME_NO_OFFSET);
	assert_true(lex_duration("P1DT30M", &v) && v == INT64_C(88200000000));
	assert_true(lex_duration("PT0.5S", &v) && v == 500000);
	assert_false(lex_duration("P1M", &v) || lex_duration("PT", &v) || lex_duration("P", &v) ||
		     lex_duration("PT1M1H", &v) || lex_duration("-PT1H", &v) || lex_duration("PT0S", &v) ||
		     lex_duration("PT1.5H", &v) || lex_duration("P999999999DT1H", &v));
	assert_true(lex_energy("0.0005", "KWH", &v, &known) && v == 1);
	assert_true(lex_energy("0.00049999999999", "KWH", &v, &known) && v == 0);
	assert_true(lex_energy("3.6", "3B", &v, &known) && v == 1000);
	assert_true(lex_energy("9e-1", "mwh", &v, &known) && v == 900000);
	assert_false(lex_energy("1e300", "KWH", &v, &known));
	assert_false(lex_energy("9999999999999999999", "KWH", &v, &known));
	assert_false(lex_energy(".", "KWH", &v, &known));
	assert_true(known);
	assert_false(lex_energy("1", "KG", &v, &known));
	assert_false(known);
}

/* ---- MESA's sample and schemas, where they are at hand ---- */

static char *shared(const char *name, size_t *n)
{
	char path[1024];

	snprintf(path, sizeof path, "%s/%s", getenv("FEMS_SHARED") ? getenv("FEMS_SHARED") : "", name);
	return slurp(path, n);
}

static void test_mesa_sample(void **state)
{
	size_t n;
	char *xml = shared("samples/b2mml/courbon-SyncProductionSchedule-V0401.xml", &n);
	struct sched_options o = lenient("courbon");
	const struct sched_message *m;
	struct sched *s;

	(void)state;
	if (!xml) {
		print_message("# MESA's samples are not at hand\n");
		skip();
	}
	s = read_text(&o, xml, n, 1000, &m);
	if (!m)
		fail_msg("%s", sched_error(s)->text);
	assert_json(&m->documents[0],
		    "{\"schedule_id\":\"default\",\"complete\":true,\"requests\":[{\"id\":\"258456\","
		    "\"segments\":[{"
		    "\"id\":\"258456/"
		    "0010\",\"equipment\":[],\"product\":\"SO1215\",\"quantity\":1.000,\"unit\":\"KG\","
		    "\"place\":\"courbon:14\"}]}],\"warnings\":["
		    "\"line 14: segment \\\"258456/0010\\\" names no equipment\","
		    "\"line 14: segment \\\"258456/0010\\\" has neither a duration nor start and end\","
		    "\"line 14: segment \\\"258456/0010\\\" tells no energy (EN-ELEC in KWH)\","
		    "\"line 11: the schedule has no ID; taken as \\\"default\\\"\"]}");
	sched_free(s);
	free(xml);
}

static void test_v0701_sample(void **state)
{
	size_t n;
	char *xml = shared("samples/b2mml/fems-ProcessOperationsSchedule-V0701.xml", &n);
	struct sched_options o = lenient("sample");
	const struct sched_message *m;
	struct sched *s;

	(void)state;
	if (!xml) {
		print_message("# the V0701 sample is not at hand\n");
		skip();
	}
	o.validation = SCHED_STRICT;
	s = read_text(&o, xml, n, 1000, &m);
	if (!m)
		fail_msg("%s", sched_error(s)->text);
	assert_int_equal(m->warnings, 0);
	assert_true(m->confirm_always);
	assert_string_equal(m->documents[0].key, "6a0f3a0e-0b7d-4a0e-9a26-0c1b6a5f0001");
	assert_json(&m->documents[0],
		    "{\"schedule_id\":\"PLAN-2030-W02\",\"complete\":true,\"start\":\"2030-01-07T00:00:00+09:"
		    "00\","
		    "\"end\":\"2030-01-14T00:00:00+09:00\",\"requests\":[{\"id\":\"SO-1001\",\"priority\":10,"
		    "\"segments\":[{"
		    "\"id\":\"SO-1001-010\",\"equipment\":[\"FURNACE-1\"],\"earliest_start\":\"2030-01-07T08:"
		    "00:00+09:00\","
		    "\"latest_end\":\"2030-01-07T20:00:00+09:00\",\"duration_s\":14400,\"energy_wh\":820000,"
		    "\"segment\":\"QUENCH-TEMPER\",\"product\":\"FG-SHAFT\",\"quantity\":50,\"unit\":\"EA\","
		    "\"place\":\"sample:21\"}]}]}");
	sched_free(s);
	free(xml);
}

static xmlSchemaPtr schema_v0701(void)
{
	char path[1024];
	struct fems_error e = { "", NULL };
	xmlSchemaPtr schema;
	struct stat st;

	snprintf(path, sizeof path, "%s/standards/b2mml/V0701/B2MML-OperationsSchedule.xsd",
		 getenv("FEMS_SHARED") ? getenv("FEMS_SHARED") : "");
	if (stat(path, &st) != 0) {
		print_message("# MESA's schemas are not at hand\n");
		skip();
	}
	if (xml_schema_load(path, &schema, &e) != FEMS_OK)
		fail_msg("%s", e.text);
	return schema;
}

static void test_schema(void **state)
{
	xmlSchemaPtr schema = schema_v0701();
	struct sched_options o = lenient("x");
	const struct sched_message *m;
	size_t n;
	char *xml = sample("v0701.xml", &n),
	     *good = shared("samples/b2mml/fems-ProcessOperationsSchedule-V0701.xml", &n);
	struct sched *s;

	(void)state;
	assert_non_null(good);
	o.schema = schema;
	o.validation = SCHED_STRICT;
	s = read_text(&o, good, n, 1000, &m);
	if (!m)
		fail_msg("%s", sched_error(s)->text);
	assert_int_equal(m->warnings, 0);
	sched_free(s);
	free(good);
	s = read_text(&o, xml, strlen(xml), 1000, &m);
	assert_null(m); /* elements out of order */
	assert_non_null(strstr(sched_error(s)->text, "x:21:"));
	assert_non_null(strstr(sched_error(s)->text, "not valid by the schema"));
	sched_free(s);
	o.validation = SCHED_LENIENT;
	s = read_text(&o, xml, strlen(xml), 1000, &m);
	assert_non_null(m);
	assert_true(m->warnings > 3);
	assert_non_null(strstr(m->documents[0].json, "not valid by the schema"));
	assert_non_null(strstr(m->documents[0].json, "\"energy_wh\":631500"));
	sched_free(s);
	free(xml);
	xmlSchemaFree(schema);
}

static void test_schema_that_is_none(void **state)
{
	char path[1024];
	struct fems_error e = { "", NULL };
	xmlSchemaPtr schema;

	(void)state;
	snprintf(path, sizeof path, "%s/tests/b2mml/v0600.xml", getenv("top_srcdir"));
	assert_int_equal(xml_schema_load(path, &schema, &e), FEMS_EINVAL);
	assert_null(schema);
	assert_string_equal(e.key, "schema");
	assert_non_null(strstr(e.text, "v0600.xml"));
	e.text[0] = '\0';
	assert_int_equal(xml_schema_load("/nonexistent/x.xsd", &schema, &e), FEMS_EINVAL);
	assert_non_null(strstr(e.text, "/nonexistent/x.xsd"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v0701),
		cmocka_unit_test(test_v0600),
		cmocka_unit_test(test_v0401),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_many_attributes),
		cmocka_unit_test(test_attributes_within_a_short_tag),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_long_identifier),
		cmocka_unit_test(test_long_comment),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_strict_refuses_what_lenient_notes),
		cmocka_unit_test(test_offset_setting),
		cmocka_unit_test(test_key_without_bodid),
		cmocka_unit_test(test_key_of_a_plan_that_returns),
		cmocka_unit_test(test_long_bodid),
		cmocka_unit_test(test_two_schedules),
		cmocka_unit_test(test_segment_ids_go_back),
		cmocka_unit_test(test_lexical),
		cmocka_unit_test(test_mesa_sample),
		cmocka_unit_test(test_v0701_sample),
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_schema_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
