/* SPDX-License-Identifier: Apache-2.0
 *
 * The real web.so: server-sent events with many and with slow clients, slow services, and its end.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <fems/util.h>
#include "tests/plugin/web_host.h"

#define START_US 1767225600000000 /* where the plant's clock of the host begins */
#define CLIENTS  50

static char scratch[200];
static struct web_host *host;
static int port;
static atomic_int slow_ms;

static void nap_ms(int ms)
{
	poll(NULL, 0, ms);
}

static enum fems_rc answer(const char *service, struct fems_span request, fems_reply_fn reply, void *ctx,
			   struct fems_error *e)
{
	(void)e;
	(void)request;
	if (strcmp(service, "meters.list") == 0)
		reply(ctx, fems_span_of("{\"meters\":[{\"name\":\"main\"},{\"name\":\"press\"},{\"name\":"
					"\"no point\"}]}"));
	else
		reply(ctx, fems_span_of("{}"));
	if (strcmp(service, "demand.now") == 0)
		nap_ms(atomic_load(&slow_ms));
	return FEMS_OK;
}

static void page_file(const char *how)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof path, "%s/page", scratch);
	if (*how == 'w')
		assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/page/index.html", scratch);
	if (*how == 'w') {
		f = fopen(path, how);
		assert_true(f && fputs("page", f) >= 0 && fclose(f) == 0);
		return;
	}
	remove(path);
	snprintf(path, sizeof path, "%s/page", scratch);
	remove(path);
	snprintf(path, sizeof path, "%s/address", scratch);
	remove(path);
	remove(scratch);
}

static int setup(void **state)
{
	struct fems_error e = { .key = NULL };
	char so[1024];
	const char *top = getenv("top_builddir");

	(void)state;
	atomic_store(&slow_ms, 0);
	snprintf(scratch, sizeof scratch, "%s/fems-live-XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(scratch));
	page_file("w");
	snprintf(so, sizeof so, "%s/plugins/web/.libs/web.so", top ? top : ".");
	web_host_set_now(START_US);
	host = web_host_new(so, scratch, answer);
	if (web_host_start(host, &e) != FEMS_OK)
		fail_msg("%s", e.text);
	port = web_host_port(host);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	web_host_stop(host);
	web_host_close(host);
	web_host_free(host);
	page_file("r");
	return 0;
}

/* ---- a reader of the stream ---- */

struct stream {
	int fd;
	size_t len;
	char buf[1 << 18];
};

static struct stream *stream_open(const char *headers, int rcvbuf)
{
	struct stream *s = calloc(1, sizeof *s);
	char text[300];

	assert_non_null(s);
	s->fd = web_connect(port, rcvbuf);
	assert_true(s->fd >= 0);
	snprintf(text, sizeof text, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n%s\r\n", headers);
	assert_true(web_send(s->fd, text, strlen(text)));
	return s;
}

static void stream_close(struct stream *s)
{
	close(s->fd);
	free(s);
}

/* Reads until text has arrived. */
static bool stream_has(struct stream *s, const char *text, int64_t budget_us)
{
	int64_t until = web_now_us() + budget_us;
	struct pollfd p = { s->fd, POLLIN, 0 };

	while (!strstr(s->buf, text)) {
		int64_t left = until - web_now_us();
		ssize_t n;

		if (left <= 0 || poll(&p, 1, (int)(left / 1000) + 1) <= 0)
			return false;
		if (s->len > sizeof s->buf / 2) {
			memmove(s->buf, s->buf + s->len / 2, s->len - s->len / 2);
			s->len -= s->len / 2;
		}
		n = recv(s->fd, s->buf + s->len, sizeof s->buf - s->len - 1, 0);
		if (n <= 0)
			return false;
		s->len += (size_t)n;
		s->buf[s->len] = '\0';
	}
	return true;
}

static void stream_expect(struct stream *s, const char *text)
{
	if (!stream_has(s, text, 5000000))
		fail_msg("no \"%s\" in:\n%.3000s", text, s->buf);
}

static int count(const char *text, const char *what)
{
	int n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text += strlen(what);
	}
	return n;
}

/* ---- tests ---- */

static void newest_of_each_comes_first(void **state)
{
	struct stream *s;

	(void)state;
	web_host_notice(host, "plan", "{\"id\":1}");
	web_host_notice(host, "plan", "{\"id\":2}");
	web_host_notice(host, "alarm", "{\n \"text_en\": \"x\"\r\n}");
	web_host_notice(host, "nothing we know", "{\"secret\":1}");
	web_host_notice(host, "power", "{\"forged\":1}");
	s = stream_open("", 0);
	stream_expect(s, "data: {\"id\":2}\n\n");
	stream_expect(s, "event: alarm\n");
	assert_non_null(strstr(s->buf, "text/event-stream"));
	assert_non_null(strstr(s->buf, "data: {  \"text_en\": \"x\"  }\n\n"));
	assert_null(strstr(s->buf, "\"id\":1"));
	web_host_notice(host, "orders", "{\"changed\":3}");
	stream_expect(s, "event: orders\n");
	stream_expect(s, "event: power\n");
	assert_null(strstr(s->buf, "secret"));
	assert_null(strstr(s->buf, "forged"));
	stream_close(s);
}

static void last_event_id_goes_on(void **state)
{
	struct stream *s = stream_open("", 0);
	char header[80];
	const char *at;

	(void)state;
	web_host_notice(host, "plan", "{\"id\":1}");
	stream_expect(s, "{\"id\":1}\n\n");
	at = strstr(s->buf, "event: plan\nid: ");
	assert_non_null(at);
	snprintf(header, sizeof header, "Last-Event-ID: %lld\r\n", strtoll(at + 16, NULL, 10));
	stream_close(s);
	web_host_notice(host, "plan", "{\"id\":2}");
	web_host_notice(host, "plan", "{\"id\":3}");
	s = stream_open(header, 0);
	stream_expect(s, "{\"id\":3}\n\n");
	assert_non_null(strstr(s->buf, "{\"id\":2}"));
	assert_null(strstr(s->buf, "{\"id\":1}"));
	stream_close(s);
	s = stream_open("Last-Event-ID: 99999999999999999999\r\n", 0);
	stream_expect(s, "{\"id\":3}\n\n");
	assert_null(strstr(s->buf, "{\"id\":2}"));
	stream_close(s);
}

static void power_comes_each_second_and_grows_old(void **state)
{
	struct stream *s = stream_open("", 0);

	(void)state;
	for (int i = 0; i < 5; i++)
		web_host_feed(host, 1, 1000 + i, START_US + i * 1000000, FEMS_Q_GOOD);
	web_host_feed(host, 1, 5, START_US + 5000000, FEMS_Q_COMM_ERROR);
	web_host_feed(host, 2, -250.4, START_US + 4000000, FEMS_Q_GOOD);
	web_host_feed(host, 3, 1, START_US, FEMS_Q_GOOD);
	web_host_set_now(START_US + 6500000);
	stream_expect(s, "{\"now\":\"2026-01-01T00:00:06.500Z\",\"power\":{\"main\":1004,\"press\":-250},"
			 "\"stale\":[]}");
	web_host_set_now(START_US + 7500000);
	stream_expect(s, "\"stale\":[\"main\"]}");
	web_host_notice(host, "meter", "{\"name\":\"press\",\"state\":\"offline\"}");
	stream_expect(s, "\"stale\":[\"main\",\"press\"]}");
	web_host_feed(host, 2, 7, START_US + 7500000, FEMS_Q_GOOD);
	stream_expect(s, "\"power\":{\"main\":1004,\"press\":7},\"stale\":[\"main\"]}");
	stream_close(s);
}

static void demand_is_limited_and_ends_with_the_newest(void **state)
{
	struct stream *s = stream_open("", 0);
	int64_t start = web_now_us();
	char body[60];

	(void)state;
	for (int i = 0; i < 150; i++) {
		snprintf(body, sizeof body, "{\"window\":%d}", i);
		web_host_notice(host, "demand", body);
		nap_ms(10);
	}
	stream_expect(s, "{\"window\":149}");
	assert_in_range(count(s->buf, "event: demand\n"), 3, (web_now_us() - start) / 250000 + 2);
	stream_close(s);
}

static void fifty_clients_all_get_all(void **state)
{
	struct stream *all[CLIENTS];
	char body[60];

	(void)state;
	for (int i = 0; i < CLIENTS; i++)
		all[i] = stream_open("", 0);
	for (int i = 0; i < CLIENTS; i++)
		stream_expect(all[i], "retry:");
	for (int n = 0; n < 10; n++) {
		snprintf(body, sizeof body, "{\"changed\":%d}", n);
		web_host_notice(host, "orders", body);
	}
	for (int i = 0; i < CLIENTS; i++) {
		stream_expect(all[i], "{\"changed\":9}\n\n");
		assert_int_equal(count(all[i]->buf, "event: orders\n"), 10);
		stream_close(all[i]);
	}
}

static void slow_client_skips_and_hinders_nobody(void **state)
{
	struct stream *slow = stream_open("", 4096), *quick;
	char *body = malloc(4100), last[40];
	int64_t start;

	(void)state;
	stream_expect(slow, "retry:");
	quick = stream_open("", 0);
	stream_expect(quick, "retry:");
	memset(body, 'x', 4096);
	start = web_now_us();
	for (int n = 0; n < 2000; n++) {
		snprintf(body + 4000, 100, "\",\"n\":%d}", n);
		memcpy(body, "{\"x\":\"", 6);
		web_host_notice(host, "performance", body);
	}
	assert_true(web_now_us() - start < 2000000);
	snprintf(last, sizeof last, "\"n\":%d}", 1999);
	stream_expect(quick, last);
	stream_expect(slow, last);
	print_message("# 2000 events published in %lld us\n", (long long)(web_now_us() - start));
	free(body);
	stream_close(slow);
	stream_close(quick);
}

static void *ask_slowly(void *arg)
{
	struct web_answer a;

	if (!web_ask(port, "GET", "/api/v1/demand/now", "", NULL, &a))
		return NULL;
	*(int *)arg = a.status;
	web_answer_free(&a);
	return NULL;
}

static void slow_service_does_not_stall_events(void **state)
{
	struct stream *s = stream_open("", 0);
	int status[3] = { 0 };
	pthread_t t[3];
	int64_t start;

	(void)state;
	stream_expect(s, "retry:");
	atomic_store(&slow_ms, 1500);
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, ask_slowly, &status[i]);
	nap_ms(200);
	start = web_now_us();
	web_host_notice(host, "orders", "{\"changed\":1}");
	stream_expect(s, "event: orders\n");
	assert_true(web_now_us() - start < 500000);
	for (int i = 0; i < 3; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(status[i], 200);
	}
	stream_close(s);
}

static void stop_takes_less_than_a_second(void **state)
{
	struct stream *all[20];
	int status = 0, idle = web_connect(port, 0);
	pthread_t t;
	int64_t start;

	(void)state;
	for (int i = 0; i < 20; i++)
		all[i] = stream_open("", i % 2 ? 4096 : 0);
	for (int i = 0; i < 20; i++)
		stream_expect(all[i], "retry:");
	atomic_store(&slow_ms, 2000);
	pthread_create(&t, NULL, ask_slowly, &status);
	nap_ms(200);
	start = web_now_us();
	web_host_stop(host);
	print_message("# stop: %lld us\n", (long long)(web_now_us() - start));
	assert_true(web_now_us() - start < 1000000);
	pthread_join(t, NULL);
	assert_true(status == 503 || status == 0);
	assert_int_equal(web_connect(port, 0), -1);
	web_host_close(host);
	for (int i = 0; i < 20; i++)
		stream_close(all[i]);
	close(idle);
	web_host_free(host);
	page_file("r");
	setup(NULL);
}

static void clients_may_come_and_go(void **state)
{
	struct web_answer a;

	(void)state;
	for (int n = 0; n < 300; n++) {
		struct stream *s = stream_open("", 0);

		if (n % 3 == 0)
			stream_expect(s, "retry:");
		if (n % 2 == 0)
			web_host_notice(host, "orders", "{\"changed\":1}");
		stream_close(s);
	}
	nap_ms(100);
	assert_true(web_ask(port, "GET", "/api/v1/status", "", NULL, &a));
	assert_int_equal(a.status, 200);
	web_answer_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(newest_of_each_comes_first, setup, teardown),
		cmocka_unit_test_setup_teardown(last_event_id_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(power_comes_each_second_and_grows_old, setup, teardown),
		cmocka_unit_test_setup_teardown(demand_is_limited_and_ends_with_the_newest, setup, teardown),
		cmocka_unit_test_setup_teardown(fifty_clients_all_get_all, setup, teardown),
		cmocka_unit_test_setup_teardown(slow_client_skips_and_hinders_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(slow_service_does_not_stall_events, setup, teardown),
		cmocka_unit_test_setup_teardown(stop_takes_less_than_a_second, setup, teardown),
		cmocka_unit_test_setup_teardown(clients_may_come_and_go, setup, teardown),
	};

	return cmocka_run_group_tests_name("web live", tests, NULL, NULL);
}
