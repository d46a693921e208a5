/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/loop/service.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/loop/loop.h"

struct reply {
	char text[400];
	int n;
};

static void on_reply(void *ctx, struct fems_span json)
{
	struct reply *r = ctx;

	snprintf(r->text, sizeof r->text, "%.*s", (int)json.len, json.ptr);
	r->n++;
}

static enum fems_rc call(struct services *s, const char *name, const char *request, struct reply *r,
			 struct fems_error *e)
{
	*r = (struct reply){ 0 };
	*e = (struct fems_error){ 0 };
	return service_call(s, name, (struct fems_span){ request, strlen(request) }, on_reply, r, e);
}

/* ---- some services ---- */

static enum fems_rc echo(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	(void)e;
	*reply = json_pack("{s:O, s:s}", "got", request, "by", (const char *)ctx);
	return FEMS_OK;
}

static enum fems_rc nothing(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	(void)ctx, (void)request, (void)reply, (void)e;
	return FEMS_OK;
}

static enum fems_rc refuse(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	(void)ctx, (void)request;
	*reply = json_object(); /* a reply beside an error is dropped */
	return err_set(e, FEMS_EAUTH, "control is switched off");
}

static enum fems_rc where_am_i(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	(void)request, (void)e;
	*reply = json_pack("{s:b}", "loop", loop_is_mine(ctx));
	return FEMS_OK;
}

struct slow {
	atomic_int begun, open, ended;
};

static enum fems_rc dawdle(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	struct slow *s = ctx;

	(void)request, (void)e;
	atomic_store(&s->begun, 1);
	while (!atomic_load(&s->open))
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	*reply = json_object();
	atomic_store(&s->ended, 1);
	return FEMS_OK;
}

static enum fems_rc rest_of(void *ctx, const char *rest, struct fems_span request, fems_reply_fn reply,
			    void *reply_ctx, struct fems_error *e)
{
	char text[200];

	(void)request;
	if (!strcmp(rest, "no"))
		return err_set(e, FEMS_ENOENT, "%s has no \"%s\"", (const char *)ctx, rest);
	snprintf(text, sizeof text, "%s:%s", (const char *)ctx, rest);
	reply(reply_ctx, (struct fems_span){ text, strlen(text) });
	return FEMS_OK;
}

/* ---- a loop on a thread of its own ---- */

struct rig {
	struct loop *loop;
	struct services *services;
	pthread_t thread;
	atomic_int running;
};

static void set_running(void *ctx)
{
	atomic_store((atomic_int *)ctx, 1);
}

static void *run_loop(void *arg)
{
	struct rig *rig = arg;

	loop_run(rig->loop);
	return NULL;
}

static void rig_up(struct rig *rig)
{
	struct fems_error e;

	*rig = (struct rig){ 0 };
	assert_int_equal(loop_new(&rig->loop, &e), FEMS_OK);
	rig->services = services_new(rig->loop);
	loop_post(rig->loop, set_running, &rig->running);
	pthread_create(&rig->thread, NULL, run_loop, rig);
	while (!atomic_load(&rig->running))
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void rig_down(struct rig *rig)
{
	loop_stop(rig->loop);
	pthread_join(rig->thread, NULL);
	services_free(rig->services);
	loop_free(rig->loop);
}

/* ---- tests ---- */

static void test_anywhere(void **state)
{
	struct services *s = services_new(NULL);
	struct fems_error e;
	struct reply r;

	(void)state;
	service_add(s, "echo", SERVICE_ANYWHERE, echo, (void *)"me", "says it again");
	service_add(s, "nothing", SERVICE_ANYWHERE, nothing, NULL, NULL);
	service_add(s, "control", SERVICE_ANYWHERE, refuse, NULL, NULL);
	assert_int_equal(call(s, "echo", "{\"a\":1}", &r, &e), FEMS_OK);
	assert_string_equal(r.text, "{\"got\":{\"a\":1},\"by\":\"me\"}");
	assert_int_equal(r.n, 1);
	assert_int_equal(call(s, "echo", "", &r, &e), FEMS_OK);
	assert_string_equal(r.text, "{\"got\":{},\"by\":\"me\"}");
	assert_int_equal(call(s, "nothing", "{}", &r, &e), FEMS_OK);
	assert_string_equal(r.text, "{}");
	assert_int_equal(call(s, "control", "{}", &r, &e), FEMS_EAUTH);
	assert_string_equal(e.text, "control is switched off");
	assert_int_equal(r.n, 0);
	service_add(s, "echo", SERVICE_ANYWHERE, echo, (void *)"another", NULL); /* replaces */
	assert_int_equal(call(s, "echo", "{}", &r, &e), FEMS_OK);
	assert_non_null(strstr(r.text, "another"));
	services_free(s);
}

static void test_bad_calls(void **state)
{
	struct services *s = services_new(NULL);
	struct fems_error e;
	struct reply r;

	(void)state;
	assert_int_equal(call(s, "x", "{}", &r, &e), FEMS_ENOENT);
	assert_non_null(strstr(e.text, "services.list"));
	service_add(s, "meters.read", SERVICE_ANYWHERE, echo, (void *)"", NULL);
	assert_int_equal(call(s, "meters.raed", "{}", &r, &e), FEMS_ENOENT);
	assert_non_null(strstr(e.text, "did you mean \"meters.read\"?"));
	assert_int_equal(call(s, "meters.read", "{\"a\":", &r, &e), FEMS_EINVAL);
	assert_non_null(strstr(e.text, "meters.read: request"));
	assert_int_equal(r.n, 0);
	services_free(s);
}

static void test_list(void **state)
{
	struct services *s = services_new(NULL);
	json_t *list;
	char name[40][8];
	int i;

	(void)state;
	for (i = 0; i < 40; i++) {
		snprintf(name[i], sizeof name[i], "s%d", i);
		service_add(s, name[i], SERVICE_ANYWHERE, nothing, NULL, i ? NULL : "the first");
	}
	service_add_prefix(s, "web", rest_of, NULL);
	list = services_list(s);
	assert_int_equal(json_array_size(list), 40);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "summary")),
			    "the first");
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 39), "name")), "s39");
	json_decref(list);
	services_free(s);
}

static void test_prefix(void **state)
{
	struct services *s = services_new(NULL);
	struct fems_error e;
	struct reply r;

	(void)state;
	service_add_prefix(s, "demand", rest_of, (void *)"D");
	service_add_prefix(s, "demand.east", rest_of, (void *)"E");
	service_add(s, "demand.now", SERVICE_ANYWHERE, nothing, NULL, NULL);
	assert_int_equal(call(s, "demand.now", "{}", &r, &e), FEMS_OK);
	assert_string_equal(r.text, "{}"); /* an entry of its own comes first */
	assert_int_equal(call(s, "demand.other.x", "{}", &r, &e), FEMS_OK);
	assert_string_equal(r.text, "D:other.x");
	assert_int_equal(call(s, "demand.east.now", "{}", &r, &e), FEMS_OK);
	assert_string_equal(r.text, "E:now"); /* the longest prefix */
	assert_int_equal(call(s, "demand.no", "{}", &r, &e), FEMS_ENOENT);
	assert_string_equal(e.text, "D has no \"no\"");
	assert_int_equal(call(s, "demand", "{}", &r, &e), FEMS_ENOENT);
	assert_int_equal(call(s, "demander.x", "{}", &r, &e), FEMS_ENOENT);
	service_add_prefix(s, "demand", NULL, NULL);
	assert_int_equal(call(s, "demand.other", "{}", &r, &e), FEMS_ENOENT);
	assert_int_equal(call(s, "demand.east.now", "{}", &r, &e), FEMS_OK);
	service_add_prefix(s, "nobody", NULL, NULL);
	services_free(s);
}

static void test_on_loop(void **state)
{
	struct rig rig;
	struct fems_error e;
	struct reply r;

	(void)state;
	rig_up(&rig);
	service_add(rig.services, "where", SERVICE_ON_LOOP, where_am_i, rig.loop, NULL);
	service_add(rig.services, "control", SERVICE_ON_LOOP, refuse, NULL, NULL);
	assert_int_equal(call(rig.services, "where", "{}", &r, &e), FEMS_OK);
	assert_string_equal(r.text, "{\"loop\":true}");
	assert_int_equal(call(rig.services, "control", "{}", &r, &e), FEMS_EAUTH);
	assert_string_equal(e.text, "control is switched off");
	rig_down(&rig);
}

struct nested {
	struct rig *rig;
	enum fems_rc rc;
	struct reply reply;
	atomic_int done;
};

static void call_from_loop(void *ctx)
{
	struct nested *n = ctx;
	struct fems_error e;

	n->rc = call(n->rig->services, "where", "{}", &n->reply, &e); /* directly: no waiting for itself */
	atomic_store(&n->done, 1);
}

static void test_from_loop_itself(void **state)
{
	struct rig rig;
	struct nested n = { .rig = &rig };

	(void)state;
	rig_up(&rig);
	service_add(rig.services, "where", SERVICE_ON_LOOP, where_am_i, rig.loop, NULL);
	loop_post(rig.loop, call_from_loop, &n);
	while (!atomic_load(&n.done))
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	assert_int_equal(n.rc, FEMS_OK);
	assert_string_equal(n.reply.text, "{\"loop\":true}");
	rig_down(&rig);
}

struct caller {
	struct rig *rig;
	const char *name;
	enum fems_rc rc;
	struct fems_error e;
	struct reply reply;
};

static void *call_once(void *arg)
{
	struct caller *c = arg;

	c->rc = call(c->rig->services, c->name, "{}", &c->reply, &c->e);
	return NULL;
}

/* Two callers while the loop is held up: one call has begun, the other one has not. */
static void test_too_slow(void **state)
{
	struct rig rig;
	struct slow slow = { 0 };
	struct caller a = { .rig = &rig, .name = "slow" }, b = { .rig = &rig, .name = "where" };
	pthread_t ta, tb;

	(void)state;
	rig_up(&rig);
	service_add(rig.services, "slow", SERVICE_ON_LOOP, dawdle, &slow, NULL);
	service_add(rig.services, "where", SERVICE_ON_LOOP, where_am_i, rig.loop, NULL);
	pthread_create(&ta, NULL, call_once, &a);
	while (!atomic_load(&slow.begun))
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	pthread_create(&tb, NULL, call_once, &b);
	pthread_join(ta, NULL);
	pthread_join(tb, NULL);
	assert_int_equal(a.rc, FEMS_ETIME);
	assert_int_equal(b.rc, FEMS_ETIME);
	assert_non_null(strstr(b.e.text, "2 s"));
	assert_int_equal(a.reply.n + b.reply.n, 0);
	atomic_store(&slow.open, 1);
	while (!atomic_load(&slow.ended))
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	pthread_create(&tb, NULL, call_once, &b); /* all is well again */
	pthread_join(tb, NULL);
	assert_int_equal(b.rc, FEMS_OK);
	rig_down(&rig);
}

static void test_after_stop(void **state)
{
	struct rig rig;
	struct caller a = { .rig = &rig, .name = "where" };
	pthread_t thread;

	(void)state;
	rig_up(&rig);
	service_add(rig.services, "where", SERVICE_ON_LOOP, where_am_i, rig.loop, NULL);
	loop_stop(rig.loop);
	pthread_join(rig.thread, NULL);
	pthread_create(&thread, NULL, call_once, &a);
	pthread_join(thread, NULL);
	assert_int_equal(a.rc, FEMS_AGAIN);
	assert_non_null(strstr(a.e.text, "stopping"));
	services_free(rig.services);
	loop_free(rig.loop);
}

static void *call_often(void *arg)
{
	struct caller *c = arg;
	int i;

	for (i = 0; i < 100 && !c->rc; i++)
		c->rc = call(c->rig->services, c->name, "{}", &c->reply, &c->e);
	return NULL;
}

static void test_many_callers(void **state)
{
	enum { N = 4 };
	struct rig rig;
	struct caller c[N];
	pthread_t thread[N];
	int i;

	(void)state;
	rig_up(&rig);
	service_add(rig.services, "where", SERVICE_ON_LOOP, where_am_i, rig.loop, NULL);
	for (i = 0; i < N; i++) {
		c[i] = (struct caller){ .rig = &rig, .name = "where" };
		pthread_create(&thread[i], NULL, call_often, &c[i]);
	}
	for (i = 0; i < N; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(c[i].rc, FEMS_OK);
	}
	rig_down(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_anywhere),     cmocka_unit_test(test_bad_calls),
		cmocka_unit_test(test_list),         cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_on_loop),      cmocka_unit_test(test_from_loop_itself),
		cmocka_unit_test(test_too_slow),     cmocka_unit_test(test_after_stop),
		cmocka_unit_test(test_many_callers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
