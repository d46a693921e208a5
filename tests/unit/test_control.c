/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/daemon/control.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/loop/loop.h"

struct stand {
	char dir[64], path[96];
	struct loop *loop;
	struct services *services;
	struct control *control;
	struct fems_error e;
};

static enum fems_rc echo(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	(void)ctx;
	if (json_object_get(request, "refuse"))
		return err_set(e, FEMS_EAUTH, "refused: \"quoted\"\nand in two lines");
	*reply = json_pack("{s:O?}", "echo", request);
	return FEMS_OK;
}

static enum fems_rc nothing(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	(void)ctx, (void)request, (void)reply, (void)e;
	return FEMS_OK;
}

static void open_control(struct stand *s)
{
	if (control_open(s->path, s->services, &s->control, &s->e))
		fail_msg("%s", s->e.text);
}

static int setup(void **state)
{
	struct stand *s = calloc(1, sizeof *s);

	snprintf(s->dir, sizeof s->dir, "/tmp/fems-control-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->path, sizeof s->path, "%s/femsd.sock", s->dir);
	assert_int_equal(loop_new(&s->loop, &s->e), FEMS_OK);
	s->services = services_new(s->loop);
	service_add(s->services, "echo", SERVICE_ANYWHERE, echo, s, "What it is given");
	service_add(s->services, "nothing", SERVICE_ANYWHERE, nothing, s, "Nothing");
	open_control(s);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct stand *s = *state;

	control_close(s->control);
	services_free(s->services);
	loop_free(s->loop);
	unlink(s->path);
	assert_int_equal(rmdir(s->dir), 0);
	free(s);
	return 0;
}

static enum fems_rc call(struct stand *s, const char *service, const json_t *request, json_t **reply)
{
	*reply = NULL;
	return control_call(s->path, service, request, reply, &s->e);
}

static int dial(struct stand *s)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof a.sun_path, "%s", s->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What comes back until the other end closes. */
static void hear(int fd, char *buf, size_t cap)
{
	size_t len = 0;
	ssize_t n;

	while (len + 1 < cap && (n = recv(fd, buf + len, cap - 1 - len, 0)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	close(fd);
}

static void works(struct stand *s)
{
	json_t *reply;

	assert_int_equal(call(s, "nothing", NULL, &reply), FEMS_OK);
	assert_int_equal(json_object_size(reply), 0);
	json_decref(reply);
}

static void calls_a_service(void **state)
{
	struct stand *s = *state;
	json_t *request = json_pack("{s:s,s:i}", "name", "프레스", "n", 3), *reply;

	assert_int_equal(call(s, "echo", request, &reply), FEMS_OK);
	assert_true(json_equal(json_object_get(reply, "echo"), request));
	json_decref(reply);
	json_decref(request);
	works(s);
}

static void errors_keep_code_and_text(void **state)
{
	struct stand *s = *state;
	json_t *request = json_pack("{s:b}", "refuse", 1), *reply;

	assert_int_equal(call(s, "echo", request, &reply), FEMS_EAUTH);
	assert_string_equal(s->e.text, "refused: \"quoted\"\nand in two lines");
	assert_int_equal(call(s, "ecko", NULL, &reply), FEMS_ENOENT);
	assert_non_null(strstr(s->e.text, "did you mean \"echo\""));
	assert_null(reply);
	json_decref(request);
}

static void bad_requests_are_told_so(void **state)
{
	static const char *const bad[] = { "not json\n",
					   "{\"call\":\n",
					   "[]\n",
					   "{\"call\":7}\n",
					   "{}\n",
					   "\n",
					   "{\"call\":\"echo\"} {\"call\":\"echo\"}\n",
					   "{\"call\":\"\\ud800\"}\n" };
	struct stand *s = *state;
	char answer[4096];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int fd = dial(s);

		say(fd, bad[i]);
		hear(fd, answer, sizeof answer);
		if (strncmp(answer, "{\"error\":", 9) || answer[strlen(answer) - 1] != '\n')
			fail_msg("%s was answered with %s", bad[i], answer);
	}
	works(s);
}

static void a_half_line_is_waited_for_two_seconds(void **state)
{
	struct stand *s = *state;
	int64_t begun = clock_mono_us();
	int fd = dial(s);
	char answer[4096];

	say(fd, "{\"call\":\"echo\"");
	works(s); /* the next one waits for its turn */
	assert_in_range(clock_mono_us() - begun, 1900000, 14000000);
	hear(fd, answer, sizeof answer);
	assert_non_null(strstr(answer, "one line"));

	fd = dial(s);
	say(fd, "{\"call\":");
	close(fd); /* and one that goes away holds up nobody */
	begun = clock_mono_us();
	works(s);
	assert_true(clock_mono_us() - begun < 1500000);
}

static void *drip(void *ctx)
{
	for (int i = 0; i < 60; i++) {
		struct timespec t = { .tv_nsec = 100000000 };

		if (send(*(int *)ctx, " ", 1, MSG_NOSIGNAL) != 1)
			return NULL; /* the server has had enough */
		nanosleep(&t, NULL);
	}
	return ctx;
}

static void dripping_does_not_make_it_longer(void **state)
{
	struct stand *s = *state;
	int fd = dial(s);
	pthread_t t;
	void *to_the_end;

	assert_int_equal(pthread_create(&t, NULL, drip, &fd), 0);
	works(s);
	pthread_join(t, &to_the_end);
	assert_null(to_the_end);
	close(fd);
}

static void a_huge_line_is_cut_off(void **state)
{
	struct stand *s = *state;
	size_t size = 1 << 20, sent = 0;
	char *block = malloc(size), answer[4096];
	int fd = dial(s);
	ssize_t n;

	memset(block, 'x', size);
	while (sent < 64 * size && (n = send(fd, block, size, MSG_NOSIGNAL)) > 0)
		sent += (size_t)n;
	assert_true(sent < 20 * size);
	hear(fd, answer, sizeof answer);
	assert_non_null(strstr(answer, "longer than 16 MB"));
	free(block);
	works(s);
}

static void a_long_request_and_reply_pass(void **state)
{
	struct stand *s = *state;
	size_t size = 5 << 20;
	char *text = malloc(size + 1);
	json_t *request, *reply;

	memset(text, 'x', size);
	text[size] = '\0';
	request = json_pack("{s:s}", "text", text);
	assert_int_equal(call(s, "echo", request, &reply), FEMS_OK);
	assert_true(json_equal(json_object_get(reply, "echo"), request));
	json_decref(reply);
	json_decref(request);
	free(text);
}

static void one_server_for_one_socket(void **state)
{
	struct stand *s = *state;
	struct control *second = NULL;

	assert_int_equal(control_open(s->path, s->services, &second, &s->e), FEMS_ECONFLICT);
	assert_non_null(strstr(s->e.text, "another femsd"));
	works(s);
}

static void what_an_earlier_one_left_is_replaced(void **state)
{
	struct stand *s = *state;
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	json_t *reply;
	struct stat st;
	int fd;

	control_close(s->control);
	s->control = NULL;
	assert_int_equal(access(s->path, F_OK), -1); /* a good end leaves nothing */
	assert_int_equal(call(s, "nothing", NULL, &reply), FEMS_EIO);
	assert_non_null(strstr(s->e.text, "no femsd there"));

	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(a.sun_path, sizeof a.sun_path, "%s", s->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	close(fd);
	open_control(s);
	works(s);
	assert_int_equal(stat(s->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
}

static void a_file_is_never_replaced(void **state)
{
	struct stand *s = *state;
	struct control *second = NULL;
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/fems.yaml", s->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(control_open(path, s->services, &second, &s->e), FEMS_ECONFLICT);
	assert_non_null(strstr(s->e.text, "not a socket"));
	assert_int_equal(unlink(path), 0); /* it is still there */
	snprintf(path, sizeof path, "%s/no/such/femsd.sock", s->dir);
	assert_int_equal(control_open(path, s->services, &second, &s->e), FEMS_EIO);
	assert_non_null(strstr(s->e.text, "directory"));
	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	assert_int_equal(control_open(path, s->services, &second, &s->e), FEMS_EINVAL);
}

static void closing_waits_for_no_client(void **state)
{
	struct stand *s = *state;
	int idle = dial(s);
	int64_t begun;

	say(idle, "{\"call\"");
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	begun = clock_mono_us();
	control_close(s->control);
	s->control = NULL;
	assert_true(clock_mono_us() - begun < 1500000);
	close(idle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(calls_a_service, setup, teardown),
		cmocka_unit_test_setup_teardown(errors_keep_code_and_text, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_requests_are_told_so, setup, teardown),
		cmocka_unit_test_setup_teardown(a_half_line_is_waited_for_two_seconds, setup, teardown),
		cmocka_unit_test_setup_teardown(dripping_does_not_make_it_longer, setup, teardown),
		cmocka_unit_test_setup_teardown(a_huge_line_is_cut_off, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_request_and_reply_pass, setup, teardown),
		cmocka_unit_test_setup_teardown(one_server_for_one_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(what_an_earlier_one_left_is_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_is_never_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(closing_waits_for_no_client, setup, teardown),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
