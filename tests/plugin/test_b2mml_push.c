/* SPDX-License-Identifier: Apache-2.0
 *
 * What the B2MML connector sends: text of the messages, delivery with faults and repeats at the ERP
 * stand-in, what answers of other servers mean, validity by MESA's schemas.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <curl/curl.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "connectors/b2mml/xml_in.h"
#include "connectors/b2mml/xml_schema.h"
#include "tests/plugin/b2mml_host.h"

#define S INT64_C(1000000)

static struct erp_child erp;

static int start_erp(void **state)
{
	(void)state;
	erp_child_start(&erp);
	return 0;
}

static int stop_erp(void **state)
{
	(void)state;
	erp_child_stop(&erp);
	return 0;
}

/* ---- answers of other servers ---- */

static const char performance[] =
	"{\"schedule_id\":\"FLOOR\",\"request_id\":\"SO-300107-11\",\"segment_id\":\"SO-300107-11-10\","
	"\"segment\":\"QUENCH-TEMPER\",\"equipment\":\"FURNACE-1\",\"product\":\"FG-SHAFT\",\"quantity\":50,"
	"\"unit\":\"EA\","
	"\"actual_start\":\"2030-01-07T08:02:11+00:00\",\"actual_end\":\"2030-01-07T12:10:43Z\",\"edges\":"
	"\"measured\","
	"\"energy_wh\":812405,\"peak_w\":310200,\"cost_micro\":121860750000,\"currency\":\"KRW\",\"quality\":"
	"\"good\"}";

static enum fems_rc push_to_canned(const char *answer, struct fems_delivery *d, struct b2mml_instance *it,
				   char **request)
{
	char base[64];
	struct canned *c = canned_start(answer, base, sizeof base);
	const struct setting set[] = { { "post_url", base },         { "allow_plain_http", "true" },
				       { "allow_loopback", "true" }, { "token", "s3cr3t" },
				       { "timeout", "3" },           { NULL, NULL } };
	struct test_host h;
	enum fems_rc rc;

	test_host_init(&h);
	instance_open(it, &h, set);
	rc = instance_push(it, "operations-performance", "perf-A-1", performance, d);
	*request = canned_finish(c);
	instance_close(it);
	assert_null(strstr(it->error.text, "s3cr3t"));
	return rc;
}

static void test_answers(void **state)
{
#define ANSWER(status, headers, body) "HTTP/1.1 " status "\r\nConnection: close\r\n" headers "\r\n" body
	static const struct {
		const char *answer;
		enum fems_rc rc;
		bool permanent;
		int retry_s;
		const char *says;
	} cases[] = {
		{ ANSWER("200 OK", "", "R-77"), FEMS_OK, false, 0, "" },
		{ ANSWER("201 Created", "", ""), FEMS_OK, false, 0, "" },
		{ ANSWER("302 Found", "Location: http://127.0.0.1:9/\r\n", ""), FEMS_EIO, false, 0,
		  "redirects" },
		{ ANSWER("400 Bad Request", "", "no\tsuch order"), FEMS_EINVAL, true, 0, "no such order" },
		{ ANSWER("401 Unauthorized", "", ""), FEMS_EAUTH, false, 0,
		  "check user and password or token" },
		{ ANSWER("403 Forbidden", "", ""), FEMS_EAUTH, false, 0, "rights" },
		{ ANSWER("404 Not Found", "", ""), FEMS_EIO, true, 0, "path" },
		{ ANSWER("408 Request Timeout", "", ""), FEMS_ETIME, false, 0, "408" },
		{ ANSWER("409 Conflict", "", "{\"bodid\":\"perf-A-1\"}"), FEMS_OK, false, 0, "" },
		{ ANSWER("409 Conflict", "Idempotency-Key: perf-A-1\r\n", ""), FEMS_OK, false, 0, "" },
		{ ANSWER("409 Conflict", "", "locked by M. Kim"), FEMS_ECONFLICT, false, 0,
		  "locked by M. Kim" },
		{ ANSWER("410 Gone", "", ""), FEMS_EIO, false, 0, "410" },
		{ ANSWER("413 Payload Too Large", "", ""), FEMS_EINVAL, true, 0, "413" },
		{ ANSWER("422 Unprocessable Entity", "", ""), FEMS_EINVAL, true, 0, "422" },
		{ ANSWER("423 Locked", "", ""), FEMS_EIO, false, 0, "423" },
		{ ANSWER("425 Too Early", "", ""), FEMS_EIO, false, 0, "425" },
		{ ANSWER("429 Too Many Requests", "Retry-After: 30\r\n", ""), FEMS_EIO, false, 30,
		  "interval" },
		{ ANSWER("500 Oops", "", ""), FEMS_EIO, false, 0, "fault of its own" },
		{ ANSWER("503 Busy", "Retry-After: 999999999\r\n", ""), FEMS_EIO, false, 86400, "503" },
		{ "SSH-2.0-OpenSSH\r\n", FEMS_EIO, false, 0, "127.0.0.1" },
		{ "", FEMS_EIO, false, 0, "127.0.0.1" },
	};
	struct fems_delivery d;
	struct b2mml_instance it;
	char *request;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		enum fems_rc rc = push_to_canned(cases[i].answer, &d, &it, &request);

		if (rc != cases[i].rc || d.permanent != cases[i].permanent ||
		    d.retry_after_us != cases[i].retry_s * S || !strstr(it.error.text, cases[i].says))
			fail_msg("case %zu: rc %d, permanent %u, retry %lld, %s", i, rc, d.permanent,
				 (long long)d.retry_after_us, it.error.text);
		if (i == 0)
			assert_string_equal(d.receipt, "R-77");
		assert_non_null(strstr(request, "\r\nIdempotency-Key: perf-A-1\r\n"));
		assert_non_null(strstr(request, "\r\nAuthorization: Bearer s3cr3t\r\n"));
		free(request);
	}
}

/* ---- performance ---- */

static void test_performance_text(void **state)
{
	static const char expected[] =
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<SyncOperationsPerformance xmlns=\"http://www.mesa.org/xml/B2MML\" "
		"releaseID=\"7.0.1\"><ApplicationArea><Sender>"
		"<LogicalID>FEMS</LogicalID></Sender><CreationDateTime>2030-01-07T12:10:43Z</"
		"CreationDateTime>"
		"<BODID>perf-A-1</BODID></ApplicationArea><DataArea><Sync/"
		"><OperationsPerformance><ID>perf-A-1</ID>"
		"<OperationsScheduleID>FLOOR</OperationsScheduleID><OperationsResponse><ID>perf-A-1</ID>"
		"<StartTime>2030-01-07T08:02:11+00:00</StartTime><EndTime>2030-01-07T12:10:43Z</EndTime>"
		"<OperationsRequestID>SO-300107-11</OperationsRequestID><SegmentResponse><ID>perf-A-1</ID>"
		"<ActualStartTime>2030-01-07T08:02:11+00:00</"
		"ActualStartTime><ActualEndTime>2030-01-07T12:10:43Z</ActualEndTime>"
		"<ProcessSegmentID>QUENCH-TEMPER</ProcessSegmentID><OperationsRequestID>SO-300107-11</"
		"OperationsRequestID>"
		"<SegmentRequirementID>SO-300107-11-10</SegmentRequirementID><SegmentState>Completed</"
		"SegmentState>"
		"<SegmentData><ID>PeakDemand</ID><Value><ValueString>310.200</ValueString><DataType>decimal</"
		"DataType>"
		"<UnitOfMeasure>KWT</UnitOfMeasure></Value></SegmentData>"
		"<SegmentData><ID>EnergyCost</ID><Value><ValueString>121860.75</"
		"ValueString><DataType>decimal</DataType>"
		"<UnitOfMeasure>KRW</UnitOfMeasure></Value></SegmentData>"
		"<SegmentData><ID>EnergyQuality</ID><Value><ValueString>good</ValueString><DataType>string</"
		"DataType></Value>"
		"</SegmentData><SegmentData><ID>TimesFrom</ID><Value><ValueString>measured</"
		"ValueString><DataType>string</DataType>"
		"</Value></SegmentData><EquipmentActual><ID>1</ID><EquipmentID>FURNACE-1</EquipmentID></"
		"EquipmentActual>"
		"<MaterialActual><ID>1</ID><MaterialDefinitionID>EN-ELEC</"
		"MaterialDefinitionID><MaterialUse>Consumed</MaterialUse>"
		"<Quantity><QuantityString>812.405</QuantityString><DataType>decimal</"
		"DataType><UnitOfMeasure>KWH</UnitOfMeasure>"
		"</Quantity></MaterialActual></SegmentResponse></OperationsResponse></"
		"OperationsPerformance></DataArea>"
		"</SyncOperationsPerformance>\n";
	struct fems_delivery d;
	struct b2mml_instance it;
	char *request;

	(void)state;
	assert_int_equal(push_to_canned(ANSWER("200 OK", "", ""), &d, &it, &request), FEMS_OK);
	assert_non_null(strstr(request, "\r\n\r\n"));
	assert_string_equal(strstr(request, "\r\n\r\n") + 4, expected);
	free(request);
}

static json_t *find(json_t *list, const char *member, const char *value)
{
	json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		const char *text = json_string_value(json_object_get(one, member));

		if (text && strcmp(text, value) == 0)
			return one;
	}
	return NULL;
}

static json_int_t received_repeats(const char *bodid, json_t **copy)
{
	json_t *received, *p;
	json_int_t n = -1;

	assert_int_equal(erp_call(&erp, "/received.json", NULL, &received), 200);
	p = find(json_object_get(received, "performances"), "bodid", bodid);
	if (p)
		n = json_integer_value(json_object_get(p, "repeats"));
	if (copy)
		*copy = json_deep_copy(p);
	json_decref(received);
	return n;
}

static void test_performance(void **state)
{
	struct fems_delivery d;
	struct test_host h;
	struct b2mml_instance it;
	json_t *p;

	(void)state;
	instance_open_on_erp(&it, &h, &erp);
	assert_int_equal(instance_push(&it, "operations-performance", "perf-1", performance, &d), FEMS_OK);
	assert_int_equal(received_repeats("perf-1", &p), 0);
	assert_int_equal(json_integer_value(json_object_get(p, "energy_wh")), 812405);
	assert_int_equal(json_integer_value(json_object_get(p, "peak_w")), 310200);
	assert_int_equal(json_integer_value(json_object_get(p, "cost_micro")), INT64_C(121860750000));
	assert_string_equal(json_string_value(json_object_get(p, "currency")), "KRW");
	assert_true(json_is_true(json_object_get(p, "known")));
	json_decref(p);

	/* again: the same message, once at the ERP */
	assert_int_equal(instance_push(&it, "operations-performance", "perf-1", performance, &d), FEMS_OK);
	assert_int_equal(received_repeats("perf-1", NULL), 1);

	/* the answer is lost, also that of libcurl's own second try on a fresh connection: the next attempt
	 * finds it there */
	erp_fault(&erp, "lost", 2);
	assert_int_equal(instance_push(&it, "operations-performance", "perf-2", performance, &d), FEMS_EIO);
	assert_int_equal(d.permanent, 0);
	assert_int_equal(instance_push(&it, "operations-performance", "perf-2", performance, &d), FEMS_OK);
	assert_int_equal(received_repeats("perf-2", NULL), 2);

	erp_fault(&erp, "retry-after", 1);
	assert_int_equal(instance_push(&it, "operations-performance", "perf-3", performance, &d), FEMS_EIO);
	assert_int_equal(d.retry_after_us, 7 * S);
	assert_int_equal(received_repeats("perf-3", NULL), -1);

	/* the order is completed now: it is no part of the plan any more */
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK);
	assert_null(find(json_object_get(h.documents[0].body, "requests"), "id", "SO-300107-11"));
	instance_close(&it);
	test_host_forget(&h);
}

static void test_same_key_other_content(void **state)
{
	struct fems_delivery d;
	struct test_host h;
	struct b2mml_instance it;
	char other[sizeof performance];

	(void)state;
	instance_open_on_erp(&it, &h, &erp);
	memcpy(other, performance, sizeof other);
	*strstr(other, "812405") = '9';
	assert_int_equal(instance_push(&it, "operations-performance", "perf-9", performance, &d), FEMS_OK);
	assert_int_equal(instance_push(&it, "operations-performance", "perf-9", other, &d), FEMS_EINVAL);
	assert_int_equal(d.permanent, 1);
	instance_says(&it, "HTTP 422");
	instance_close(&it);
}

static void test_bad_documents_out(void **state)
{
	static const struct {
		const char *type, *body, *says;
	} cases[] = {
		{ "operations-performance", "{", "not a JSON object" },
		{ "operations-performance", "{}", "\"actual_start\"" },
		{ "operations-performance",
		  "{\"actual_start\":\"2030-01-07T08:00:00Z\",\"actual_end\":\"2030-01-07T07:00:00Z\"}",
		  "\"actual_end\" is not behind" },
		{ "operations-performance",
		  "{\"actual_start\":\"2030-01-07T08:00:00Z\",\"actual_end\":\"2030-01-07T09:00:00Z\","
		  "\"request_id\":\"a\","
		  "\"segment_id\":\"b\",\"peak_w\":1.5}",
		  "\"peak_w\" is not an integer" },
		{ "operations-schedule-proposal", "{\"made_at\":\"2030-01-07T08:00:00Z\"}", "\"segments\"" },
		{ "operations-schedule-proposal", "{\"made_at\":\"2030-01-07T08:00:00Z\",\"segments\":[{}]}",
		  "\"request_id\"" },
	};
	struct fems_delivery d;
	struct test_host h;
	struct b2mml_instance it;

	(void)state;
	instance_open_on_erp(&it, &h, &erp);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(instance_push(&it, cases[i].type, "k", cases[i].body, &d), FEMS_EINVAL);
		assert_int_equal(d.permanent, 1);
		instance_says(&it, cases[i].says);
	}
	assert_int_equal(instance_push(&it, "price-series", "k", "{}", &d), FEMS_EUNSUP);
	instance_close(&it);
}

/* ---- proposals ---- */

/* Segments 11 and 12 of the furnace, moved to these hours. */
static char *proposal(const char *start, const char *end, const char *start2, const char *end2)
{
	json_t *p = json_pack(
		"{s:i,s:s,s:s,s:I,s:s,s:[{s:s,s:s,s:s,s:s,s:s,s:i,s:b,s:s},{s:s,s:s,s:s,s:s,s:s,s:s,s:b}]}",
		"plan_id", 12, "schedule_id", "FLOOR", "made_at", "2030-01-07T05:00:01Z", "saving_micro",
		(json_int_t)81234500000, "currency", "KRW", "segments", "id", "SO-300107-13-10", "request_id",
		"SO-300107-13", "equipment", "FURNACE-1", "start", start, "end", end, "energy_wh", 650000,
		"moved", true, "reason", "cheaper <at> night & less peak", "id", "SO-300107-12-10",
		"request_id", "SO-300107-12", "equipment", "FURNACE-1", "start", start2, "end", end2,
		"segment", "QUENCH-TEMPER", "moved", false);
	char *text = json_dumps(p, 0);

	assert_non_null(text);
	json_decref(p);
	return text;
}

static const char *dispatch_start(json_t *dispatch, const char *segment)
{
	return json_string_value(json_object_get(find(dispatch, "segment", segment), "start"));
}

static void test_proposal(void **state)
{
	char *good = proposal("2030-01-07T22:00:00Z", "2030-01-08T02:00:00Z", "2030-01-07T19:00:00Z",
			      "2030-01-07T22:00:00Z");
	char *clash = proposal("2030-01-07T21:00:00Z", "2030-01-08T01:00:00Z", "2030-01-07T20:00:00Z",
			       "2030-01-07T23:00:00Z");
	struct fems_delivery d;
	struct test_host h;
	struct b2mml_instance it;
	json_t *dispatch, *received, *p;

	(void)state;
	instance_open_on_erp(&it, &h, &erp);
	assert_int_equal(instance_push(&it, "operations-schedule-proposal", "plan-11", clash, &d),
			 FEMS_EINVAL);
	assert_int_equal(d.permanent, 1);
	instance_says(&it, "at the same time");
	if (instance_push(&it, "operations-schedule-proposal", "plan-12", good, &d) != FEMS_OK)
		fail_msg("%s", it.error.text);
	assert_non_null(strstr(d.receipt, "\"moved\":2"));
	assert_int_equal(erp_call(&erp, "/dispatch.json", NULL, &dispatch), 200);
	assert_string_equal(dispatch_start(dispatch, "SO-300107-13-10"), "2030-01-07T22:00:00+00:00");
	assert_string_equal(dispatch_start(dispatch, "SO-300107-12-10"), "2030-01-07T19:00:00+00:00");
	assert_int_equal(erp_call(&erp, "/received.json", NULL, &received), 200);
	p = find(json_object_get(received, "proposals"), "bodid", "plan-12");
	assert_non_null(p);
	assert_null(find(json_object_get(received, "proposals"), "bodid", "plan-11"));
	assert_string_equal(json_string_value(json_object_get(p, "state")), "Forecast");
	p = find(json_object_get(p, "items"), "segment", "SO-300107-13-10");
	assert_string_equal(json_string_value(json_object_get(p, "reason")),
			    "cheaper <at> night & less peak");
	assert_string_equal(json_string_value(json_object_get(p, "energy_kwh")), "650.000");
	json_decref(dispatch);
	json_decref(received);
	instance_close(&it);
	free(good);
	free(clash);
}

/* ---- what goes out is valid by MESA's schemas ---- */

struct validity {
	unsigned faults;
	char first[300];
};

static void ignore_start(void *ctx, struct xml_in *x, const char *name, const char *ns)
{
	(void)ctx, (void)x, (void)name, (void)ns;
}

static void ignore_end(void *ctx, struct xml_in *x, const char *name, const char *text)
{
	(void)ctx, (void)x, (void)name, (void)text;
}

static void count_fault(void *ctx, struct xml_in *x, const char *message)
{
	struct validity *v = ctx;

	(void)x;
	if (v->faults++ == 0)
		snprintf(v->first, sizeof v->first, "%s", message);
}

static void validate(const char *path, xmlSchemaPtr schema)
{
	static const struct xml_in_ops ops = { ignore_start, ignore_end, count_fault };
	struct xml_in_options opt = { path, 1 << 24, schema };
	struct validity v = { 0, "" };
	struct xml_in *x = xml_in_new(&opt, &ops, &v);
	char bytes[4096];
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	while ((n = fread(bytes, 1, sizeof bytes, f)) > 0)
		assert_true(xml_in_feed(x, bytes, n));
	assert_true(xml_in_end(x));
	fclose(f);
	xml_in_free(x);
	if (v.faults)
		fail_msg("%s: %s", path, v.first);
}

/* A broken schedule makes the connector send a ConfirmBOD. */
static void provoke_confirmation(void)
{
	struct test_host h;
	struct b2mml_instance it;

	instance_open_on_erp(&it, &h, &erp);
	erp_fault(&erp, "badxml", 1);
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_EINVAL);
	instance_close(&it);
}

static void test_valid_by_schema(void **state)
{
	static const char *const pairs[][2] = {
		{ "operations-performance.xml", "B2MML-OperationsPerformance.xsd" },
		{ "operations-schedule.xml", "B2MML-OperationsSchedule.xsd" },
		{ "confirm-bod.xml", "B2MML-ConfirmBOD.xsd" },
	};
	const char *shared = getenv("FEMS_SHARED") ? getenv("FEMS_SHARED") : "";
	const struct dirent *d;
	unsigned seen;
	char path[1024];
	DIR *dir;

	(void)state;
	provoke_confirmation();
	for (size_t i = 0; i < 3; i++) {
		struct fems_error e = { "", NULL };
		xmlSchemaPtr schema;

		snprintf(path, sizeof path, "%s/standards/b2mml/V0701/%s", shared, pairs[i][1]);
		if (access(path, R_OK) != 0) {
			print_message("# MESA's schemas are not at hand\n");
			skip();
		}
		if (xml_schema_load(path, &schema, &e) != FEMS_OK)
			fail_msg("%s", e.text);
		dir = opendir(erp.keep);
		assert_non_null(dir);
		for (seen = 0; (d = readdir(dir)) != NULL;) {
			if (!strstr(d->d_name, pairs[i][0]))
				continue;
			snprintf(path, sizeof path, "%s/%s", erp.keep, d->d_name);
			validate(path, schema);
			seen++;
		}
		closedir(dir);
		xmlSchemaFree(schema);
		assert_true(seen > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),           cmocka_unit_test(test_performance_text),
		cmocka_unit_test(test_performance),       cmocka_unit_test(test_same_key_other_content),
		cmocka_unit_test(test_bad_documents_out), cmocka_unit_test(test_proposal),
		cmocka_unit_test(test_valid_by_schema),
	};

	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, start_erp, stop_erp);
}
