/* SPDX-License-Identifier: Apache-2.0
 *
 * The real web.so with a small host: addresses, errors, files, limits, and what must be refused.
 * Live events are in test_web_live.c.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fems/util.h>
#include "tests/plugin/web_host.h"

static char scratch[200];
static struct web_host *host;
static int port;

static const char *so_path(void)
{
	static char path[1024];
	const char *top = getenv("top_builddir");

	snprintf(path, sizeof path, "%s/plugins/web/.libs/web.so", top ? top : ".");
	return path;
}

/* orders.list fails with the code that "state" names; all else tells what it was asked. */
static enum fems_rc answer(const char *service, struct fems_span request, fems_reply_fn reply, void *ctx,
			   struct fems_error *e)
{
	char text[4096];

	if (strcmp(service, "orders.list") == 0) {
		json_t *o = json_loadb(request.ptr, request.len, 0, NULL);
		enum fems_rc rc =
			(enum fems_rc)strtol(json_string_value(json_object_get(o, "state")), NULL, 10);

		json_decref(o);
		return rc ? fems_bad_setting(e, "state", "said so"), rc : FEMS_OK;
	}
	snprintf(text, sizeof text, "{\"service\":\"%s\",\"request\":%.*s}", service, (int)request.len,
		 request.ptr);
	reply(ctx, fems_span_of(text));
	return FEMS_OK;
}

static void write_file(const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", scratch, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void make_page(void)
{
	char path[512];

	snprintf(scratch, sizeof scratch, "%s/fems-web-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(scratch));
	snprintf(path, sizeof path, "%s/page", scratch);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/page/sub", scratch);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file("page/index.html", "<!doctype html><title>x</title>");
	write_file("page/app.js", "plain script");
	write_file("page/app.js.gz", "packed script");
	write_file("page/sub/a.svg", "<svg/>");
	write_file("page/.hidden", "SECRET");
	write_file("secret", "SECRET");
	snprintf(path, sizeof path, "%s/page/link.txt", scratch);
	assert_int_equal(symlink("../secret", path), 0);
}

static void remove_page(void)
{
	static const char *const names[] = { "page/index.html",
					     "page/app.js",
					     "page/app.js.gz",
					     "page/sub/a.svg",
					     "page/.hidden",
					     "page/link.txt",
					     "secret",
					     "address",
					     "page/sub",
					     "page",
					     "" };
	char path[512];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", scratch, names[i]);
		remove(path);
	}
}

static int setup(void **state)
{
	struct fems_error e = { .key = NULL };

	(void)state;
	make_page();
	host = web_host_new(so_path(), scratch, answer);
	if (web_host_start(host, &e) != FEMS_OK)
		fail_msg("%s", e.text);
	port = web_host_port(host);
	assert_true(port > 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	web_host_stop(host);
	web_host_close(host);
	web_host_free(host);
	remove_page();
	return 0;
}

static void ask(const char *method, const char *path, const char *headers, const char *body,
		struct web_answer *a)
{
	if (!web_ask(port, method, path, headers, body, a))
		fail_msg("%s %s: no answer", method, path);
}

static void assert_header(const struct web_answer *a, const char *name, const char *want)
{
	char buf[400];

	if (!web_header(a, name, buf, sizeof buf))
		fail_msg("no header %s", name);
	assert_string_equal(buf, want);
}

static void assert_problem(const struct web_answer *a, int status, const char *code)
{
	json_t *o = json_loads(a->body, 0, NULL);

	assert_int_equal(a->status, status);
	assert_header(a, "Content-Type", "application/problem+json");
	assert_header(a, "Cache-Control", "no-store");
	assert_string_equal(json_string_value(json_object_get(o, "code")), code);
	assert_int_equal(json_integer_value(json_object_get(o, "status")), status);
	assert_true(strlen(json_string_value(json_object_get(o, "title"))) > 5);
	assert_true(strlen(json_string_value(json_object_get(o, "remedy"))) > 10);
	json_decref(o);
}

static void refused(const char *method, const char *path, const char *headers, const char *body, int status,
		    const char *code)
{
	struct web_answer a;

	print_message("# %s %.80s\n", method, path);
	ask(method, path, headers, body, &a);
	assert_problem(&a, status, code);
	web_answer_free(&a);
}

static void routes_reach_their_service(void **state)
{
	static const struct {
		const char *path, *service, *request;
	} cases[] = {
		{ "/api/v1/status", "status", "{}" },
		{ "/api/v1/site", "site", "{}" },
		{ "/api/v1/meters", "meters.list", "{}" },
		{ "/api/v1/meters/press%201", "meters.read", "{\"name\":\"press 1\"}" },
		{ "/api/v1/meters/%EC%97%B0%EA%B0%81", "meters.read", "{\"name\":\"연각\"}" },
		{ "/api/v1/series?points=a/x,b/y&points=c/z&from=1&to=2&step_s=900", "series",
		  "{\"points\":[\"a/x\",\"b/y\",\"c/z\"],\"from\":\"1\",\"to\":\"2\",\"step_s\":900}" },
		{ "/api/v1/load/day?date=2026-01-02", "load.day", "{\"date\":\"2026-01-02\"}" },
		{ "/api/v1/cost/today", "cost.today", "{}" },
		{ "/api/v1/bills?month=2026-01", "bill", "{\"month\":\"2026-01\"}" },
		{ "/api/v1/plan", "plan.get", "{}" },
		{ "/api/v1/outbox?state=dead&max=5", "outbox.list", "{\"state\":\"dead\",\"max\":5}" },
		{ "/api/v1/audit?max=10", "audit.list", "{\"max\":10}" },
		{ "/api/v1/plugins", "plugins.list", "{}" },
		{ "/api/v1/quantities", "quantities.list", "{}" },
		{ "/api/v1/demand/now", "demand.now", "{}" },
		{ "/api/v1/services", "services.list", "{}" },
	};
	char want[600];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct web_answer a;

		ask("GET", cases[i].path, "", NULL, &a);
		assert_int_equal(a.status, 200);
		assert_header(&a, "Content-Type", "application/json");
		assert_header(&a, "Cache-Control", "no-store");
		snprintf(want, sizeof want, "{\"service\":\"%s\",\"request\":%s}", cases[i].service,
			 cases[i].request);
		assert_string_equal(a.body, want);
		web_answer_free(&a);
	}
}

static void bad_requests_are_named(void **state)
{
	(void)state;
	refused("GET", "/api/v1/status?x=1", "", NULL, 400, "bad-parameter");
	refused("GET", "/api/v1/bills?month=1&month=2", "", NULL, 400, "bad-parameter");
	refused("GET", "/api/v1/audit?max=-1", "", NULL, 400, "bad-parameter");
	refused("GET", "/api/v1/audit?max=1e3", "", NULL, 400, "bad-parameter");
	refused("GET", "/api/v1/audit?max=99999999999", "", NULL, 400, "bad-parameter");
	refused("GET", "/api/v1/bills?month=%ff%fe", "", NULL, 400, "bad-parameter");
	refused("GET", "/api/v1/bills?month=a%00b", "", NULL, 400, "bad-parameter");
	refused("GET", "/api/v1/bills?month", "", NULL, 400, "bad-parameter");
	refused("GET", "/api/v1/series?points=a,,b", "", NULL, 400, "bad-parameter");
	refused("GET", "/api/v1/meters/%ff", "", NULL, 400, "bad-parameter");
	refused("GET", "/api/v1/nothing", "", NULL, 404, "not-found");
	refused("GET", "/api/v1/meters/", "", NULL, 404, "not-found");
	refused("GET", "/api/v1/meters/a/b", "", NULL, 404, "not-found");
	refused("GET", "/api/v1/act.command", "", NULL, 404, "not-found");
	refused("GET", "/nothing.js", "", NULL, 404, "not-found");
}

static void methods_are_checked(void **state)
{
	struct web_answer a;

	(void)state;
	ask("DELETE", "/api/v1/status", "X-Fems: 1\r\n", NULL, &a);
	assert_problem(&a, 405, "method-not-allowed");
	assert_header(&a, "Allow", "GET, HEAD");
	web_answer_free(&a);
	ask("GET", "/api/v1/plan/run", "", NULL, &a);
	assert_problem(&a, 405, "method-not-allowed");
	assert_header(&a, "Allow", "POST");
	web_answer_free(&a);
	refused("POST", "/index.html", "X-Fems: 1\r\n", "", 405, "method-not-allowed");
	ask("HEAD", "/api/v1/status", "", NULL, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(a.len, 0);
	web_answer_free(&a);
}

static void changes_need_our_own_page(void **state)
{
	static const char run[] = "/api/v1/plan/run";
	struct web_answer a;

	(void)state;
	refused("POST", run, "", "", 403, "cross-site");
	refused("POST", run, "X-Fems: 2\r\n", "", 403, "cross-site");
	refused("POST", run, "X-Fems: 1\r\nSec-Fetch-Site: cross-site\r\n", "", 403, "cross-site");
	refused("POST", run, "X-Fems: 1\r\nSec-Fetch-Site: same-site\r\n", "", 403, "cross-site");
	refused("POST", run, "X-Fems: 1\r\nOrigin: http://evil.example\r\n", "", 403, "cross-site");
	refused("POST", run, "X-Fems: 1\r\nOrigin: null\r\n", "", 403, "cross-site");
	ask("POST", run, "X-Fems: 1\r\nSec-Fetch-Site: same-origin\r\nOrigin: http://localhost\r\n", "", &a);
	assert_string_equal(a.body, "{\"service\":\"plan.run\",\"request\":{}}");
	web_answer_free(&a);
	ask("POST", run, "X-Fems: 1\r\nContent-Type: application/json; charset=utf-8\r\n", "{}", &a);
	assert_int_equal(a.status, 200);
	web_answer_free(&a);
}

static void bodies_are_checked(void **state)
{
	static const char json[] = "X-Fems: 1\r\nContent-Type: application/json\r\n",
			  run[] = "/api/v1/plan/run";
	static const char chunked[] = "POST /api/v1/plan/run HTTP/1.1\r\nHost: localhost\r\nX-Fems: 1\r\n"
				      "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
	struct web_answer a;
	char *big = malloc(70001), size[20];
	int fd;

	(void)state;
	memset(big, ' ', 70000);
	big[70000] = '\0';
	refused("POST", run, json, "{", 400, "bad-parameter");
	refused("POST", run, json, "[]", 400, "bad-parameter");
	refused("POST", run, json, "{\"a\":1}", 400, "bad-parameter");
	refused("POST", run, json, "{\"a\":1,\"a\":2}", 400, "bad-parameter");
	refused("POST", run, "X-Fems: 1\r\n", "{}", 415, "not-json");
	refused("POST", run, "X-Fems: 1\r\nContent-Type: text/plain\r\n", "{}", 415, "not-json");
	refused("POST", run, json, big, 413, "too-large");
	fd = web_connect(port, 0);
	snprintf(size, sizeof size, "%x\r\n", 70000);
	assert_true(web_send(fd, chunked, strlen(chunked)) && web_send(fd, size, strlen(size)) &&
		    web_send(fd, big, 70000) && web_send(fd, "\r\n0\r\n\r\n", 7));
	assert_true(web_read_answer(fd, false, &a, 5000000));
	assert_problem(&a, 413, "too-large");
	web_answer_free(&a);
	close(fd);
	free(big);
}

static void foreign_host_names_are_refused(void **state)
{
	static const char *const good[] = { "localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080",
					    "[::1]" };
	static const char *const bad[] = {
		"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.2",
		"[::1]x",       "localhost:80@evil",      "localhost:80:80",        "[::1"
	};
	char line[100];
	struct web_answer a;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		snprintf(line, sizeof line, "Host: %s\r\n", good[i]);
		ask("GET", "/api/v1/status", line, NULL, &a);
		assert_int_equal(a.status, 200);
		web_answer_free(&a);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		snprintf(line, sizeof line, "Host: %s\r\n", bad[i]);
		refused("GET", "/api/v1/status", line, NULL, 421, "host-not-allowed");
		refused("GET", "/", line, NULL, 421, "host-not-allowed");
	}
}

static void service_errors_become_problems(void **state)
{
	static const struct {
		const char *rc;
		int status;
		const char *code;
	} cases[] = { { "1", 503, "not-now" },       { "2", 400, "bad-parameter" },
		      { "3", 502, "peer-failed" },   { "4", 504, "timeout" },
		      { "5", 403, "refused" },       { "6", 500, "no-memory" },
		      { "7", 501, "not-supported" }, { "8", 404, "not-found" },
		      { "9", 409, "conflict" } };
	struct web_answer a;
	char path[60];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(path, sizeof path, "/api/v1/orders?state=%s", cases[i].rc);
		ask("GET", path, "", NULL, &a);
		assert_problem(&a, cases[i].status, cases[i].code);
		assert_non_null(strstr(a.body, "\"detail\":\"said so\""));
		assert_non_null(strstr(a.body, "\"key\":\"state\""));
		web_answer_free(&a);
	}
	ask("GET", "/api/v1/orders?state=0", "", NULL, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "{}");
	web_answer_free(&a);
}

static void files_have_type_etag_and_gzip(void **state)
{
	struct web_answer a;
	char etag[40], line[120];

	(void)state;
	ask("GET", "/", "", NULL, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "<!doctype html><title>x</title>");
	assert_header(&a, "Content-Type", "text/html; charset=utf-8");
	assert_header(&a, "X-Content-Type-Options", "nosniff");
	assert_header(&a, "Content-Security-Policy",
		      "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
		      "object-src 'none'");
	web_answer_free(&a);
	ask("GET", "/app.js", "Accept-Encoding: br, gzip;q=0.5\r\n", NULL, &a);
	assert_string_equal(a.body, "packed script");
	assert_header(&a, "Content-Encoding", "gzip");
	assert_header(&a, "Content-Type", "text/javascript; charset=utf-8");
	assert_header(&a, "Vary", "Accept-Encoding");
	assert_non_null(web_header(&a, "ETag", etag, sizeof etag));
	web_answer_free(&a);
	snprintf(line, sizeof line, "Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", etag);
	ask("GET", "/app.js", line, NULL, &a);
	assert_int_equal(a.status, 304);
	assert_header(&a, "ETag", etag);
	web_answer_free(&a);
	snprintf(line, sizeof line, "Accept-Encoding: gzip;q=0\r\nIf-None-Match: %s\r\n", etag);
	ask("GET", "/app.js", line, NULL, &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "plain script");
	web_answer_free(&a);
	ask("GET", "/sub/a.svg", "", NULL, &a);
	assert_header(&a, "Content-Type", "image/svg+xml");
	web_answer_free(&a);
	ask("GET", "/page.json", "", NULL, &a);
	assert_string_equal(a.body, "{\"language\":null}");
	web_answer_free(&a);
}

static void no_path_leaves_the_page(void **state)
{
	static const char *const paths[] = {
		"/../secret",
		"/..%2fsecret",
		"/%2e%2e/secret",
		"/sub/../../secret",
		"//secret",
		"/./../secret",
		"/sub/%2e%2e%2f%2e%2e%2fsecret",
		"/..\\secret",
		"/%2e%2e%5csecret",
		"/%c0%ae%c0%ae/secret",
		"/.hidden",
		"/link.txt",
		"/app.js/",
		"/secret%00.html",
		"/secret%00",
		"/sub",
		"/sub/",
		"/app.js.gz",
		"/index.html/../../secret",
		"/%252e%252e/secret",
		"*",
		"http://localhost/../secret",
	};
	struct web_answer a;

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		print_message("# %s\n", paths[i]);
		ask("GET", paths[i], "", NULL, &a);
		assert_true(a.status == 404 || a.status == 400);
		assert_null(strstr(a.body, "SECRET"));
		web_answer_free(&a);
	}
}

static void headers_have_a_limit(void **state)
{
	char *many = malloc(40000);
	size_t at = 0;
	struct web_answer a;

	(void)state;
	while (at < 36000)
		at += (size_t)snprintf(many + at, 40000 - at, "X-Filler-%zu: %060d\r\n", at, 0);
	if (web_ask(port, "GET", "/", many, NULL, &a)) {
		assert_true(a.status == 431 || a.status == 413 || a.status == 414);
		web_answer_free(&a);
	}
	memset(many, 'a', 39999);
	many[0] = '/';
	many[39999] = '\0';
	if (web_ask(port, "GET", many, "", NULL, &a)) {
		assert_true(a.status == 414 || a.status == 431);
		web_answer_free(&a);
	}
	free(many);
	ask("GET", "/api/v1/status", "", NULL, &a);
	assert_int_equal(a.status, 200);
	web_answer_free(&a);
}

static void nonsense_does_not_hurt(void **state)
{
	static const char *const lines[] = {
		"\r\n\r\n",
		"GET\r\n\r\n",
		"GET / HTTP/9.9\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01",
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: localhost\r\nbroken\r\n\r\n",
	};
	struct web_answer a;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		int fd = web_connect(port, 0);

		assert_true(web_send(fd, lines[i], strlen(lines[i])));
		if (web_read_answer(fd, false, &a, 300000)) {
			print_message("# %zu: %d\n", i, a.status);
			assert_true(a.status >= 400 || i == 8);
			web_answer_free(&a);
		}
		close(fd);
	}
	ask("GET", "/api/v1/status", "", NULL, &a);
	assert_int_equal(a.status, 200);
	web_answer_free(&a);
}

/* ---- settings ---- */

static void expect_fault(struct web_host *h, const char *key, const char *part)
{
	struct fems_error e = { .key = NULL };

	assert_int_equal(web_host_check(h, &e), FEMS_EINVAL);
	assert_string_equal(e.key, key);
	if (!strstr(e.text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, e.text);
}

static void bad_addresses_are_named(void **state)
{
	static const char *const bad[] = { "",
					   "8080",
					   "localhost",
					   "127.0.0.1:",
					   ":80",
					   "127.0.0.1:65536",
					   "127.0.0.1:8o",
					   "fems.example:80",
					   "[::1:80",
					   "1.2.3.4:-1",
					   "[]:1" };
	static const char *const open[] = { "0.0.0.0:8080", "[::]:8080", "192.0.2.1:80" };
	static const char *const good[] = { "127.0.0.1:0", "[::1]:0", "localhost:8080", "127.1.2.3:1" };
	struct web_host *h = web_host_new(so_path(), scratch, answer);
	struct fems_error e;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		web_host_set_str(h, "listen", bad[i]);
		expect_fault(h, "listen", "127.0.0.1:8080");
	}
	for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
		web_host_set_str(h, "listen", open[i]);
		expect_fault(h, "listen", "open_without_login: true");
		web_host_set_int(h, "open_without_login", 1);
		assert_int_equal(web_host_check(h, &e), FEMS_OK);
		web_host_set_int(h, "open_without_login", 0);
	}
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		web_host_set_str(h, "listen", good[i]);
		assert_int_equal(web_host_check(h, &e), FEMS_OK);
	}
	web_host_free(h);
}

static void a_start_that_cannot_be_says_why(void **state)
{
	struct web_host *h = web_host_new(so_path(), scratch, answer);
	struct fems_error e = { .key = NULL };
	char address[40];

	(void)state;
	snprintf(address, sizeof address, "127.0.0.1:%d", port);
	web_host_set_str(h, "listen", address);
	assert_int_equal(web_host_start(h, &e), FEMS_EINVAL);
	assert_string_equal(e.key, "listen");
	assert_non_null(strstr(e.text, "end the program that uses this port"));
	web_host_set_str(h, "listen", "127.0.0.1:0");
	web_host_set_str(h, "root", "/nonexistent");
	assert_int_equal(web_host_start(h, &e), FEMS_EINVAL);
	assert_string_equal(e.key, "root");
	web_host_set_str(h, "root", scratch);
	assert_int_equal(web_host_start(h, &e), FEMS_EINVAL);
	assert_non_null(strstr(e.text, "index.html"));
	web_host_free(h);
}

static void an_open_address_warns_and_knows_its_hosts(void **state)
{
	static const char *const hosts[] = { "fems.example" };
	struct web_host *h = web_host_new(so_path(), scratch, answer);
	struct fems_error e = { .key = NULL };
	struct web_answer a;

	(void)state;
	web_host_set_str(h, "listen", "0.0.0.0:0");
	web_host_set_int(h, "open_without_login", 1);
	web_host_set_list(h, "hosts", hosts, 1);
	assert_int_equal(web_host_start(h, &e), FEMS_OK);
	assert_int_equal(web_host_logged(h, FEMS_LOG_WARN), 1);
	assert_true(web_ask(web_host_port(h), "GET", "/", "Host: FEMS.example:80\r\n", NULL, &a));
	assert_int_equal(a.status, 200);
	web_answer_free(&a);
	assert_true(web_ask(web_host_port(h), "GET", "/", "Host: other.example\r\n", NULL, &a));
	assert_int_equal(a.status, 421);
	web_answer_free(&a);
	web_host_stop(h);
	web_host_close(h);
	web_host_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_reach_their_service),
		cmocka_unit_test(bad_requests_are_named),
		cmocka_unit_test(methods_are_checked),
		cmocka_unit_test(changes_need_our_own_page),
		cmocka_unit_test(bodies_are_checked),
		cmocka_unit_test(foreign_host_names_are_refused),
		cmocka_unit_test(service_errors_become_problems),
		cmocka_unit_test(files_have_type_etag_and_gzip),
		cmocka_unit_test(no_path_leaves_the_page),
		cmocka_unit_test(headers_have_a_limit),
		cmocka_unit_test(nonsense_does_not_hurt),
		cmocka_unit_test(bad_addresses_are_named),
		cmocka_unit_test(a_start_that_cannot_be_says_why),
		cmocka_unit_test(an_open_address_warns_and_knows_its_hosts),
	};

	return cmocka_run_group_tests_name("web", tests, setup, teardown);
}
