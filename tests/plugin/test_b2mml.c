/* SPDX-License-Identifier: Apache-2.0
 *
 * The B2MML connector as femsd sees it: loaded by dlopen, with a host that remembers, against the ERP
 * stand-in over real HTTP, with faults, repeats and a watched folder.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <curl/curl.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "connectors/b2mml/xml_in.h"
#include "connectors/b2mml/xml_schema.h"
#include "tests/plugin/b2mml_host.h"

#define S INT64_C(1000000)
/* 2030-01-07T05:00:00Z, a Monday, one plant second a second from now on */
#define MORNING_US INT64_C(1893992400000000)

static struct erp_child erp;
static char url[128];

static int start_erp(void **state)
{
	struct timespec now;
	char clock[80];

	(void)state;
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(clock, sizeof clock, "%lld,%lld,1", (long long)MORNING_US, (long long)now.tv_sec * 1000000);
	erp_child_start(&erp, clock);
	snprintf(url, sizeof url, "%s/b2mml/operations-schedule", erp.base);
	return 0;
}

static int stop_erp(void **state)
{
	(void)state;
	erp_child_stop(&erp);
	return 0;
}

static void open_on_erp(struct instance *it, struct test_host *h)
{
	const struct setting set[] = { { "url", url }, { "allow_plain_http", "true" }, { "allow_loopback", "true" },
				       { "timeout", "2" }, { NULL, NULL } };

	test_host_init(h);
	instance_open(it, h, set);
}

static void says(const struct instance *it, const char *part)
{
	if (!strstr(it->error.text, part))
		fail_msg("\"%s\" does not say \"%s\"", it->error.text, part);
}

/* ---- settings ---- */

static void test_settings(void **state)
{
	static const struct {
		struct setting set[5];
		const char *key, *says;
	} cases[] = {
		{ { { NULL, NULL } }, "url", "nothing to do" },
		{ { { "url", "http://erp/x" }, { NULL, NULL } }, "url", "allow_plain_http" },
		{ { { "url", "ftp://erp/x" }, { NULL, NULL } }, "url", "only https and http" },
		{ { { "url", "file:///etc/passwd" }, { NULL, NULL } }, "url", "only https and http" },
		{ { { "url", "gopher://erp/" }, { "allow_plain_http", "true" }, { NULL, NULL } }, "url", "only https" },
		{ { { "url", "https://me:secret@erp/x" }, { NULL, NULL } }, "url", "settings user and password" },
		{ { { "url", "https://" }, { NULL, NULL } }, "url", "not an address" },
		{ { { "folder", "x" }, { "post_url", "http://erp" }, { NULL, NULL } }, "post_url", "not encrypted" },
		{ { { "folder", "x" }, { "token", "t" }, { "user", "u" }, { NULL, NULL } }, "token", "exclude" },
		{ { { "folder", "x" }, { "password", "p" }, { NULL, NULL } }, "user", "no user" },
		{ { { "folder", "x" }, { "utc_offset", "KST" }, { NULL, NULL } }, "utc_offset", "+09:00" },
	};
	const struct fems_plugin *p = b2mml_plugin();

	(void)state;
	assert_string_equal(p->name, "b2mml");
	assert_int_equal(p->kinds, FEMS_CONNECTOR);
	assert_string_equal(p->connector->types[0], "operations-performance");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fems_error e = { "", NULL };
		struct fems_settings settings = { .size = sizeof settings };
		void *cfg = settings_fill(p, cases[i].set);

		settings.cfg = cfg;
		assert_int_equal(p->life->check(&settings, &e), FEMS_EINVAL);
		assert_string_equal(e.key, cases[i].key);
		if (!strstr(e.text, cases[i].says) || strstr(e.text, "secret"))
			fail_msg("case %zu: %s", i, e.text);
		free(cfg);
	}
}

static void test_bad_folder_and_schema(void **state)
{
	static const struct setting folder[] = { { "folder", "/nonexistent/in" }, { NULL, NULL } };
	static const struct setting schema[] = { { "url", "https://erp/x" }, { "schema", "/nonexistent.xsd" }, { NULL, NULL } };
	const struct setting *const sets[] = { folder, schema };
	const struct fems_plugin *p = b2mml_plugin();
	struct test_host h;

	(void)state;
	test_host_init(&h);
	for (size_t i = 0; i < 2; i++) {
		struct fems_error e = { "", NULL };
		struct fems_settings settings = { .size = sizeof settings };
		void *cfg = settings_fill(p, sets[i]), *self = NULL;

		settings.cfg = cfg;
		assert_int_equal(p->life->check(&settings, &e), FEMS_OK);
		assert_int_equal(p->life->open(&h.host, &settings, &self, &e), FEMS_EINVAL);
		assert_string_equal(e.key, i ? "schema" : "folder");
		assert_non_null(strstr(e.text, "/nonexistent"));
		if (self)
			p->life->close(self);
		free(cfg);
	}
}

/* ---- poll ---- */

static size_t segment_count(const json_t *doc)
{
	json_t *r;
	size_t i, n = 0;

	json_array_foreach(json_object_get(doc, "requests"), i, r)
		n += json_array_size(json_object_get(r, "segments"));
	return n;
}

static void test_poll(void **state)
{
	struct test_host h;
	struct instance it;
	json_t *doc, *reply;

	(void)state;
	open_on_erp(&it, &h);
	if (instance_pull(&it, 5 * S) != FEMS_OK)
		fail_msg("%s", it.error.text);
	assert_int_equal(h.n_documents, 1);
	assert_string_equal(h.documents[0].type, "operations-schedule");
	doc = h.documents[0].body;
	assert_int_equal(segment_count(doc), 14);
	assert_null(json_object_get(doc, "warnings"));
	assert_string_equal(h.log, "");
	assert_true(json_is_true(json_object_get(doc, "complete")));
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK); /* not modified */
	assert_int_equal(h.n_documents, 1);

	assert_int_equal(erp_call(&erp, "/orders", "{\"equipment\":[\"CNC-1\",\"CNC-2\"],\"duration_min\":60,"
						    "\"energy_kwh\":20,\"product\":\"A<&>\\\"B\"}", &reply), 201);
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK);
	assert_int_equal(h.n_documents, 2);
	assert_int_equal(segment_count(h.documents[1].body), 15);
	assert_string_not_equal(h.documents[0].key, h.documents[1].key);
	doc = json_array_get(json_object_get(h.documents[1].body, "requests"), 14);
	assert_string_equal(json_string_value(json_object_get(doc, "id")), json_string_value(json_object_get(reply, "id")));
	doc = json_array_get(json_object_get(doc, "segments"), 0);
	assert_string_equal(json_string_value(json_object_get(doc, "product")), "A<&>\"B");
	assert_int_equal(json_integer_value(json_object_get(doc, "energy_wh")), 20000);
	assert_int_equal(json_integer_value(json_object_get(doc, "duration_s")), 3600);
	assert_int_equal(json_array_size(json_object_get(doc, "equipment")), 2);
	json_decref(reply);
	instance_close(&it);
	test_host_forget(&h);
}

/* A document that the core did not take is brought again; one that it knew is not a fault. */
static void test_core_that_refuses(void **state)
{
	struct test_host h;
	struct instance it;

	(void)state;
	open_on_erp(&it, &h);
	h.answer = FEMS_EIO;
	h.answer_text = "disk full";
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_EIO);
	says(&it, "disk full");
	h.answer = FEMS_ECONFLICT;
	h.answer_text = "same key, other content";
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_ECONFLICT);
	says(&it, "same key, other content");
	h.answer = FEMS_OK;
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK);
	assert_int_equal(h.n_documents, 1);
	instance_close(&it);
	open_on_erp(&it, &h);
	h.answer = FEMS_ECONFLICT;
	h.answer_text = "";
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK);
	instance_close(&it);
	test_host_forget(&h);
}

static void fault(const char *mode, int count)
{
	char body[100];

	snprintf(body, sizeof body, "{\"mode\":\"%s\",\"count\":%d,\"ms\":1500}", mode, count);
	assert_int_equal(erp_call(&erp, "/fault", body, NULL), 200);
}

static void test_poll_faults(void **state)
{
	static const struct {
		const char *mode;
		int count;
		enum fems_rc rc;
		const char *says;
	} cases[] = {
		{ "500", 1, FEMS_EIO, "HTTP 500" },
		{ "500", 1, FEMS_EIO, "see its log" },
		{ "retry-after", 1, FEMS_EIO, "HTTP 503" },
		{ "down", 2, FEMS_EIO, "127.0.0.1" }, /* libcurl tries a second connection */
		{ "slow", 1, FEMS_ETIME, "raise timeout" },
		{ "badxml", 1, FEMS_EINVAL, "not well-formed" },
	};
	struct test_host h;
	struct instance it;

	(void)state;
	open_on_erp(&it, &h);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fault(cases[i].mode, cases[i].count);
		assert_int_equal(instance_pull(&it, S), cases[i].rc);
		says(&it, cases[i].says);
		assert_int_equal(h.n_documents, 0);
		fault("off", 0);
	}
	says(&it, "/b2mml/operations-schedule:"); /* URL:line:col of the broken document */
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK);
	assert_int_equal(h.n_documents, 1);
	instance_close(&it);
	test_host_forget(&h);
}

/* The stand-in asks for a confirmation of errors: the broken document is answered by a ConfirmBOD. */
static void test_confirmation(void **state)
{
	struct test_host h;
	struct instance it;
	json_t *received;

	(void)state;
	open_on_erp(&it, &h);
	assert_int_equal(erp_call(&erp, "/orders", "{\"equipment\":\"PRESS-1\",\"duration_min\":30}", NULL), 201);
	assert_int_equal(erp_call(&erp, "/received.json", NULL, &received), 200);
	size_t before = json_array_size(json_object_get(received, "confirmations"));
	json_decref(received);
	fault("badxml", 1);
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_EINVAL);
	assert_int_equal(erp_call(&erp, "/received.json", NULL, &received), 200);
	assert_int_equal(json_array_size(json_object_get(received, "confirmations")), before + 1);
	assert_string_equal(h.log, "");
	json_decref(received);
	instance_close(&it);
	test_host_forget(&h);
}

static void test_stop_in_a_slow_exchange(void **state)
{
	struct test_host h;
	struct instance it;
	struct timespec a, b;

	(void)state;
	open_on_erp(&it, &h);
	fault("slow", 1);
	h.stopping = true;
	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_AGAIN);
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_true((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < 1300);
	instance_close(&it);
}

/* ---- addresses ---- */

static void test_addresses(void **state)
{
	/* Port 9 (discard): where an address is let through, nothing listens. */
	static const char *const hosts[] = {
		"127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]",
		"[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[::7f00:1]", "0.0.0.0", "[::]", "169.254.169.254",
		"[::ffff:a9fe:a9fe]", "[fe80::1]", "[ff02::1]", "224.0.0.1", "255.255.255.255", "240.0.0.1", "0",
		"127.0.0.1%09", "localhost.", "%6c%6fcalhost", "127.255.255.254",
	};
	char address[100];

	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		const struct setting set[] = { { "url", address }, { "allow_plain_http", "true" }, { "timeout", "2" }, { NULL, NULL } };
		struct fems_settings settings = { .size = sizeof settings };
		struct test_host h;
		struct instance it;
		struct fems_error e = { "", NULL };
		void *cfg;

		snprintf(address, sizeof address, "http://%s:9/x?token=hidden", hosts[i]);
		cfg = settings_fill(b2mml_plugin(), set);
		settings.cfg = cfg;
		if (b2mml_plugin()->life->check(&settings, &e) != FEMS_OK) {
			free(cfg);
			continue; /* refused even before */
		}
		free(cfg);
		test_host_init(&h);
		instance_open(&it, &h, set);
		if (instance_pull(&it, 3 * S) != FEMS_EAUTH && !strstr(it.error.text, "host"))
			fail_msg("%s: %s", hosts[i], it.error.text);
		assert_null(strstr(it.error.text, "hidden"));
		instance_close(&it);
	}
}

/* ---- answers of other servers ---- */

static const char performance[] =
	"{\"schedule_id\":\"FLOOR\",\"request_id\":\"SO-300107-11\",\"segment_id\":\"SO-300107-11-10\","
	"\"segment\":\"QUENCH-TEMPER\",\"equipment\":\"FURNACE-1\",\"product\":\"FG-SHAFT\",\"quantity\":50,\"unit\":\"EA\","
	"\"actual_start\":\"2030-01-07T08:02:11+00:00\",\"actual_end\":\"2030-01-07T12:10:43Z\",\"edges\":\"measured\","
	"\"energy_wh\":812405,\"peak_w\":310200,\"cost_micro\":121860750000,\"currency\":\"KRW\",\"quality\":\"good\"}";

static enum fems_rc push_to_canned(const char *answer, struct fems_delivery *d, struct instance *it, char **request)
{
	char base[64];
	struct canned *c = canned_start(answer, base, sizeof base);
	const struct setting set[] = { { "post_url", base },	    { "allow_plain_http", "true" }, { "allow_loopback", "true" },
				       { "token", "s3cr3t" }, { "timeout", "3" }, { NULL, NULL } };
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
		{ ANSWER("302 Found", "Location: http://127.0.0.1:9/\r\n", ""), FEMS_EIO, false, 0, "redirects" },
		{ ANSWER("400 Bad Request", "", "no\tsuch order"), FEMS_EINVAL, true, 0, "no such order" },
		{ ANSWER("401 Unauthorized", "", ""), FEMS_EAUTH, false, 0, "check user and password or token" },
		{ ANSWER("403 Forbidden", "", ""), FEMS_EAUTH, false, 0, "rights" },
		{ ANSWER("404 Not Found", "", ""), FEMS_EIO, true, 0, "path" },
		{ ANSWER("408 Request Timeout", "", ""), FEMS_ETIME, false, 0, "408" },
		{ ANSWER("409 Conflict", "", "{\"bodid\":\"perf-A-1\"}"), FEMS_OK, false, 0, "" },
		{ ANSWER("409 Conflict", "Idempotency-Key: perf-A-1\r\n", ""), FEMS_OK, false, 0, "" },
		{ ANSWER("409 Conflict", "", "locked by M. Kim"), FEMS_ECONFLICT, false, 0, "locked by M. Kim" },
		{ ANSWER("410 Gone", "", ""), FEMS_EIO, false, 0, "410" },
		{ ANSWER("413 Payload Too Large", "", ""), FEMS_EINVAL, true, 0, "413" },
		{ ANSWER("422 Unprocessable Entity", "", ""), FEMS_EINVAL, true, 0, "422" },
		{ ANSWER("423 Locked", "", ""), FEMS_EIO, false, 0, "423" },
		{ ANSWER("425 Too Early", "", ""), FEMS_EIO, false, 0, "425" },
		{ ANSWER("429 Too Many Requests", "Retry-After: 30\r\n", ""), FEMS_EIO, false, 30, "interval" },
		{ ANSWER("500 Oops", "", ""), FEMS_EIO, false, 0, "fault of its own" },
		{ ANSWER("503 Busy", "Retry-After: 999999999\r\n", ""), FEMS_EIO, false, 86400, "503" },
		{ "SSH-2.0-OpenSSH\r\n", FEMS_EIO, false, 0, "127.0.0.1" },
		{ "", FEMS_EIO, false, 0, "127.0.0.1" },
	};
	struct fems_delivery d;
	struct instance it;
	char *request;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		enum fems_rc rc = push_to_canned(cases[i].answer, &d, &it, &request);

		if (rc != cases[i].rc || d.permanent != cases[i].permanent || d.retry_after_us != cases[i].retry_s * S ||
		    !strstr(it.error.text, cases[i].says))
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
		"<SyncOperationsPerformance xmlns=\"http://www.mesa.org/xml/B2MML\" releaseID=\"7.0.1\"><ApplicationArea><Sender>"
		"<LogicalID>FEMS</LogicalID></Sender><CreationDateTime>2030-01-07T12:10:43Z</CreationDateTime>"
		"<BODID>perf-A-1</BODID></ApplicationArea><DataArea><Sync/><OperationsPerformance><ID>perf-A-1</ID>"
		"<OperationsScheduleID>FLOOR</OperationsScheduleID><OperationsResponse><ID>perf-A-1</ID>"
		"<StartTime>2030-01-07T08:02:11+00:00</StartTime><EndTime>2030-01-07T12:10:43Z</EndTime>"
		"<OperationsRequestID>SO-300107-11</OperationsRequestID><SegmentResponse><ID>perf-A-1</ID>"
		"<ActualStartTime>2030-01-07T08:02:11+00:00</ActualStartTime><ActualEndTime>2030-01-07T12:10:43Z</ActualEndTime>"
		"<ProcessSegmentID>QUENCH-TEMPER</ProcessSegmentID><OperationsRequestID>SO-300107-11</OperationsRequestID>"
		"<SegmentRequirementID>SO-300107-11-10</SegmentRequirementID><SegmentState>Completed</SegmentState>"
		"<SegmentData><ID>PeakDemand</ID><Value><ValueString>310.200</ValueString><DataType>decimal</DataType>"
		"<UnitOfMeasure>KWT</UnitOfMeasure></Value></SegmentData>"
		"<SegmentData><ID>EnergyCost</ID><Value><ValueString>121860.75</ValueString><DataType>decimal</DataType>"
		"<UnitOfMeasure>KRW</UnitOfMeasure></Value></SegmentData>"
		"<SegmentData><ID>EnergyQuality</ID><Value><ValueString>good</ValueString><DataType>string</DataType></Value>"
		"</SegmentData><SegmentData><ID>TimesFrom</ID><Value><ValueString>measured</ValueString><DataType>string</DataType>"
		"</Value></SegmentData><EquipmentActual><ID>1</ID><EquipmentID>FURNACE-1</EquipmentID></EquipmentActual>"
		"<MaterialActual><ID>1</ID><MaterialDefinitionID>EN-ELEC</MaterialDefinitionID><MaterialUse>Consumed</MaterialUse>"
		"<Quantity><QuantityString>812.405</QuantityString><DataType>decimal</DataType><UnitOfMeasure>KWH</UnitOfMeasure>"
		"</Quantity></MaterialActual></SegmentResponse></OperationsResponse></OperationsPerformance></DataArea>"
		"</SyncOperationsPerformance>\n";
	struct fems_delivery d;
	struct instance it;
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

	json_array_foreach(list, i, one) {
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
	struct instance it;
	json_t *p;

	(void)state;
	open_on_erp(&it, &h);
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
	fault("lost", 2);
	assert_int_equal(instance_push(&it, "operations-performance", "perf-2", performance, &d), FEMS_EIO);
	assert_int_equal(d.permanent, 0);
	assert_int_equal(instance_push(&it, "operations-performance", "perf-2", performance, &d), FEMS_OK);
	assert_int_equal(received_repeats("perf-2", NULL), 2);

	fault("retry-after", 1);
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
	struct instance it;
	char other[sizeof performance];

	(void)state;
	open_on_erp(&it, &h);
	memcpy(other, performance, sizeof other);
	*strstr(other, "812405") = '9';
	assert_int_equal(instance_push(&it, "operations-performance", "perf-9", performance, &d), FEMS_OK);
	assert_int_equal(instance_push(&it, "operations-performance", "perf-9", other, &d), FEMS_EINVAL);
	assert_int_equal(d.permanent, 1);
	says(&it, "HTTP 422");
	instance_close(&it);
}

static void test_bad_documents_out(void **state)
{
	static const struct {
		const char *type, *body, *says;
	} cases[] = {
		{ "operations-performance", "{", "not a JSON object" },
		{ "operations-performance", "{}", "\"actual_start\"" },
		{ "operations-performance", "{\"actual_start\":\"2030-01-07T08:00:00Z\",\"actual_end\":\"2030-01-07T07:00:00Z\"}",
		  "\"actual_end\" is not behind" },
		{ "operations-performance",
		  "{\"actual_start\":\"2030-01-07T08:00:00Z\",\"actual_end\":\"2030-01-07T09:00:00Z\",\"request_id\":\"a\","
		  "\"segment_id\":\"b\",\"peak_w\":1.5}", "\"peak_w\" is not an integer" },
		{ "operations-schedule-proposal", "{\"made_at\":\"2030-01-07T08:00:00Z\"}", "\"segments\"" },
		{ "operations-schedule-proposal", "{\"made_at\":\"2030-01-07T08:00:00Z\",\"segments\":[{}]}", "\"request_id\"" },
	};
	struct fems_delivery d;
	struct test_host h;
	struct instance it;

	(void)state;
	open_on_erp(&it, &h);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(instance_push(&it, cases[i].type, "k", cases[i].body, &d), FEMS_EINVAL);
		assert_int_equal(d.permanent, 1);
		says(&it, cases[i].says);
	}
	assert_int_equal(instance_push(&it, "price-series", "k", "{}", &d), FEMS_EUNSUP);
	instance_close(&it);
}

/* ---- proposals ---- */

/* Segments 11 and 12 of the furnace, moved to these hours. */
static char *proposal(const char *start, const char *end, const char *start2, const char *end2)
{
	json_t *p = json_pack(
		"{s:i,s:s,s:s,s:I,s:s,s:[{s:s,s:s,s:s,s:s,s:s,s:i,s:b,s:s},{s:s,s:s,s:s,s:s,s:s,s:s,s:b}]}", "plan_id", 12,
		"schedule_id", "FLOOR", "made_at", "2030-01-07T05:00:01Z", "saving_micro", (json_int_t)81234500000, "currency",
		"KRW", "segments", "id", "SO-300107-13-10", "request_id", "SO-300107-13", "equipment", "FURNACE-1", "start",
		start, "end", end, "energy_wh", 650000, "moved", true, "reason", "cheaper <at> night & less peak", "id",
		"SO-300107-12-10", "request_id", "SO-300107-12", "equipment", "FURNACE-1", "start", start2, "end", end2,
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
	char *good = proposal("2030-01-07T22:00:00Z", "2030-01-08T02:00:00Z", "2030-01-07T19:00:00Z", "2030-01-07T22:00:00Z");
	char *clash = proposal("2030-01-07T21:00:00Z", "2030-01-08T01:00:00Z", "2030-01-07T20:00:00Z", "2030-01-07T23:00:00Z");
	struct fems_delivery d;
	struct test_host h;
	struct instance it;
	json_t *dispatch, *received, *p;

	(void)state;
	open_on_erp(&it, &h);
	assert_int_equal(instance_push(&it, "operations-schedule-proposal", "plan-11", clash, &d), FEMS_EINVAL);
	assert_int_equal(d.permanent, 1);
	says(&it, "at the same time");
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
	assert_string_equal(json_string_value(json_object_get(p, "reason")), "cheaper <at> night & less peak");
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

/* ---- folder ---- */

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/test-b2mml-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static void remove_folder(const char *path, int depth)
{
	const struct dirent *d;
	char name[512];
	DIR *dir = opendir(path);

	while (dir && (d = readdir(dir)) != NULL) {
		snprintf(name, sizeof name, "%s/%s", path, d->d_name);
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 && unlink(name) != 0 && depth)
			remove_folder(name, depth - 1);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

static int drop_folder(void **state)
{
	(void)state;
	remove_folder(folder, 1);
	return 0;
}

static void put_file(const char *name, const char *text, int age_s)
{
	struct timespec t[2];
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	clock_gettime(CLOCK_REALTIME, &t[0]);
	t[0].tv_sec -= age_s;
	t[1] = t[0];
	assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
}

static bool is_there(const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return lstat(path, &st) == 0;
}

static void file_says(const char *name, const char *part)
{
	char path[256], text[1024] = "";
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	if (!strstr(text, part))
		fail_msg("%s: \"%s\" does not say \"%s\"", name, text, part);
}

#define SCHEDULE(id)                                                                                           \
	"<OperationsSchedule xmlns=\"http://www.mesa.org/xml/B2MML\"><ID>" id "</ID><OperationsRequest><ID>R</ID>" \
	"<SegmentRequirement><ID>R-1</ID></SegmentRequirement></OperationsRequest></OperationsSchedule>"

static void open_on_folder(struct instance *it, struct test_host *h)
{
	const struct setting set[] = { { "folder", folder }, { NULL, NULL } };

	test_host_init(h);
	instance_open(it, h, set);
}

static const char *schedule_id(const struct test_host *h, size_t i)
{
	return json_string_value(json_object_get(h->documents[i].body, "schedule_id"));
}

static void test_folder(void **state)
{
	struct test_host h;
	struct instance it;
	char path[256];

	(void)state;
	open_on_folder(&it, &h);
	put_file("b.xml", SCHEDULE("second"), 10);
	put_file("a.XML", SCHEDULE("third"), 5);
	put_file("c.xml", SCHEDULE("first"), 20);
	put_file("young.xml", "<Operations", 0);
	put_file(".hidden.xml", SCHEDULE("hidden"), 10);
	put_file("notes.txt", "no XML", 10);
	snprintf(path, sizeof path, "%s/link.xml", folder);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	if (instance_pull(&it, 5 * S) != FEMS_OK)
		fail_msg("%s", it.error.text);
	assert_int_equal(h.n_documents, 3);
	assert_string_equal(schedule_id(&h, 0), "first");
	assert_string_equal(schedule_id(&h, 1), "second");
	assert_string_equal(schedule_id(&h, 2), "third");
	assert_true(is_there("done/a.XML") && is_there("done/b.xml") && is_there("done/c.xml") && !is_there("b.xml"));
	assert_true(is_there("young.xml") && is_there(".hidden.xml") && is_there("notes.txt") && is_there("link.xml"));
	assert_false(is_there("failed"));

	/* the same name again does not overwrite */
	put_file("b.xml", SCHEDULE("again"), 10);
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK);
	assert_true(is_there("done/b.xml") && is_there("done/b.xml.2"));
	instance_close(&it);
	test_host_forget(&h);
}

static void test_folder_faults(void **state)
{
	struct test_host h;
	struct instance it;

	(void)state;
	open_on_folder(&it, &h);
	put_file("1-bad.xml", "<OperationsSchedule>\n<ID>x</ID>\n</Operations>", 20);
	put_file("2-good.xml", SCHEDULE("good"), 10);
	put_file("3-noun.xml", "<html/>", 5);
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_EINVAL);
	says(&it, "1-bad.xml:3:");
	assert_int_equal(h.n_documents, 1);
	assert_string_equal(schedule_id(&h, 0), "good");
	assert_true(is_there("failed/1-bad.xml") && is_there("done/2-good.xml") && is_there("failed/3-noun.xml"));
	file_says("failed/1-bad.xml.txt", "1-bad.xml:3:");
	file_says("failed/3-noun.xml.txt", "not a production schedule");
	assert_non_null(strstr(h.log, "2 files"));
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK);

	/* the store is in trouble: the file waits */
	put_file("4.xml", SCHEDULE("waits"), 10);
	h.answer = FEMS_EIO;
	h.answer_text = "disk full";
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_EIO);
	assert_true(is_there("4.xml"));
	h.answer = FEMS_ECONFLICT;
	h.answer_text = "came before with other content";
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_EINVAL);
	file_says("failed/4.xml.txt", "came before with other content");
	instance_close(&it);
	test_host_forget(&h);
}

/* A file server whose clock is ahead: the file rests when it stays as it is. */
static void test_folder_future(void **state)
{
	struct test_host h;
	struct instance it;

	(void)state;
	open_on_folder(&it, &h);
	put_file("future.xml", SCHEDULE("future"), -3600);
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK);
	assert_int_equal(h.n_documents, 0);
	usleep(2100000);
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK);
	assert_int_equal(h.n_documents, 1);
	instance_close(&it);
	test_host_forget(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_bad_folder_and_schema),
		cmocka_unit_test(test_poll),
		cmocka_unit_test(test_core_that_refuses),
		cmocka_unit_test(test_poll_faults),
		cmocka_unit_test(test_confirmation),
		cmocka_unit_test(test_stop_in_a_slow_exchange),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_performance_text),
		cmocka_unit_test(test_performance),
		cmocka_unit_test(test_same_key_other_content),
		cmocka_unit_test(test_bad_documents_out),
		cmocka_unit_test(test_proposal),
		cmocka_unit_test(test_valid_by_schema),
		cmocka_unit_test_setup_teardown(test_folder, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_folder_faults, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_folder_future, make_folder, drop_folder),
	};

	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, start_erp, stop_erp);
}
