/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/plugin/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include <fems/util.h>

#define PATIENCE_MS 10000

static void remember(struct stage *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void remember(struct stage *s, const char *fmt, ...)
{
	char *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		line = NULL;
	va_end(ap);
	pthread_mutex_lock(&s->lock);
	if (line && s->n_lines < sizeof s->lines / sizeof *s->lines)
		s->lines[s->n_lines++] = line;
	else
		free(line);
	pthread_mutex_unlock(&s->lock);
}

static enum fems_rc on_document(void *ctx, const char *instance, const char *type, const char *key,
				struct fems_span body, struct fems_error *e)
{
	remember(ctx, "document %s %s %s %.*s", instance, type, key, (int)body.len, body.ptr);
	if (!strcmp(type, "double"))
		return fems_fail(e, FEMS_ECONFLICT, "seen before");
	return FEMS_OK;
}

static enum fems_rc on_command(void *ctx, const char *instance, const char *point, double value,
			       const char *reason, struct fems_error *e)
{
	remember(ctx, "command %s %s %g %s", instance, point, value, reason);
	return fems_fail(e, FEMS_EAUTH, "control is off");
}

static void on_notice(void *ctx, const char *instance, const char *topic, struct fems_span body)
{
	remember(ctx, "notice %s %s %.*s", instance, topic, (int)body.len, body.ptr);
}

static enum fems_rc greet(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	(void)ctx;
	if (json_object_get(request, "fail"))
		return fems_fail(e, FEMS_EINVAL, "told to fail");
	*reply = json_pack("{s:s}", "hello", "world");
	return FEMS_OK;
}

void stage_open(struct stage *s)
{
	struct fems_error e = { .text = "" };
	struct plugs_options o = { 0 };

	memset(s, 0, sizeof *s);
	log_set_level(FEMS_LOG_ERROR);
	pthread_mutex_init(&s->lock, NULL);
	snprintf(s->dir, sizeof s->dir, "/tmp/fems-plugs.XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	assert_int_equal(loop_new(&s->loop, &e), FEMS_OK);
	s->services = services_new(s->loop);
	s->points = points_new();
	assert_int_equal(bus_new(4096, &s->bus, &e), FEMS_OK);
	s->reader = bus_reader_open(s->bus);
	service_add(s->services, "greet", SERVICE_ANYWHERE, greet, s, "Greets");
	o.loop = s->loop;
	o.services = s->services;
	o.bus = s->bus;
	o.points = s->points;
	o.hooks = (struct plug_hooks){ s, on_document, on_command, on_notice };
	o.plugin_dir = "/nonexistent";
	o.host_path = getenv("FEMS_HOST_PROGRAM");
	o.state_dir = s->dir;
	assert_int_equal(plugs_new(&o, &s->plugs, &e), FEMS_OK);
	s->plugs->restart_first_us = 20000;
	s->plugs->restart_max_us = 100000;
}

void stage_forget(struct stage *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->n_lines)
		free(s->lines[--s->n_lines]);
	pthread_mutex_unlock(&s->lock);
}

static void remove_dir(const char *dir)
{
	static const char *const names[] = { "probe", "bad", "meter-sim", "a", "b", "c", "other", "marker" };
	char path[200];

	for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[k]);
		if (rmdir(path))
			(void)unlink(path);
	}
	assert_int_equal(rmdir(dir), 0);
}

void stage_close(struct stage *s)
{
	plugs_stop(s->plugs, 2000000);
	plugs_free(s->plugs);
	bus_reader_close(s->reader);
	services_free(s->services);
	bus_free(s->bus);
	points_free(s->points);
	loop_free(s->loop);
	stage_forget(s);
	pthread_mutex_destroy(&s->lock);
	remove_dir(s->dir);
}

/* The document goes with *doc; conf_free() it when the set is gone. */
static struct plug_set *read_set(struct stage *s, const char *yaml, struct conf_doc **out)
{
	struct faults *f = faults_new();
	struct conf_doc *doc = conf_parse(yaml, strlen(yaml), "test.yaml", s->dir, f);
	struct plug_set *set = NULL;
	char *text;

	if (doc) {
		const struct conf_node *root = conf_root(doc);

		set = plug_set_read(s->plugs, conf_get(root, "plugins"), conf_get(root, "meters"), f);
	}
	*out = doc;
	text = faults_text(f);
	snprintf(s->message, sizeof s->message, "%s", text ? text : "");
	free(text);
	faults_free(f);
	return set;
}

enum fems_rc stage_apply(struct stage *s, const char *yaml)
{
	struct conf_doc *doc;
	struct plug_set *set = read_set(s, yaml, &doc);
	struct fems_error e = { .text = "" };
	enum fems_rc rc;

	if (!set) {
		conf_free(doc);
		return FEMS_EINVAL;
	}
	rc = plugs_apply(s->plugs, &set, &e);
	conf_free(doc); /* the instances live on without it */
	assert_null(set);
	snprintf(s->message, sizeof s->message, "%s", rc ? e.text : "");
	return rc;
}

const char *stage_check(struct stage *s, const char *yaml)
{
	struct conf_doc *doc;

	plug_set_free(read_set(s, yaml, &doc));
	conf_free(doc);
	return s->message;
}

void stage_sleep_ms(int ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

static size_t find(struct stage *s, const char *text)
{
	size_t k = 0;

	pthread_mutex_lock(&s->lock);
	while (k < s->n_lines && !strstr(s->lines[k], text))
		k++;
	if (k == s->n_lines)
		k = SIZE_MAX;
	pthread_mutex_unlock(&s->lock);
	return k;
}

bool stage_has(struct stage *s, const char *text)
{
	return find(s, text) != SIZE_MAX;
}

size_t stage_count(struct stage *s, const char *text)
{
	size_t n = 0;

	pthread_mutex_lock(&s->lock);
	for (size_t k = 0; k < s->n_lines; k++)
		n += strstr(s->lines[k], text) != NULL;
	pthread_mutex_unlock(&s->lock);
	return n;
}

char *stage_lines(struct stage *s, const char *prefix)
{
	struct text t = { 0 };

	text_add(&t, "");
	pthread_mutex_lock(&s->lock);
	for (size_t k = 0; k < s->n_lines; k++)
		if (!strncmp(s->lines[k], prefix, strlen(prefix)))
			text_addf(&t, "%s\n", s->lines[k]);
	pthread_mutex_unlock(&s->lock);
	return text_take(&t);
}

size_t stage_await(struct stage *s, const char *text)
{
	for (int ms = 0; ms < PATIENCE_MS; ms += 5) {
		size_t k = find(s, text);

		if (k != SIZE_MAX)
			return k;
		stage_sleep_ms(5);
	}
	text = stage_lines(s, "");
	print_message("# what there was:\n%s", text);
	fail_msg("waited in vain");
	return 0;
}

static void keep_reply(void *ctx, struct fems_span json)
{
	struct stage *s = ctx;

	snprintf(s->message, sizeof s->message, "%.*s", (int)json.len, json.ptr);
}

const char *stage_call(struct stage *s, const char *name, const char *request)
{
	struct fems_error e = { .text = "" };
	enum fems_rc rc = service_call(s->services, name, fems_span_of(request), keep_reply, s, &e);

	if (rc)
		snprintf(s->message, sizeof s->message, "%d: %s", rc, e.text);
	return s->message;
}

const char *stage_member(struct stage *s, const char *instance, const char *member)
{
	json_t *a = plugs_json(s->plugs, true), *o;
	size_t k;

	s->message[0] = '\0';
	json_array_foreach(a, k, o)
	{
		char *text;

		if (strcmp(json_string_value(json_object_get(o, "name")), instance))
			continue;
		text = json_dumps(json_object_get(o, member), JSON_ENCODE_ANY | JSON_COMPACT);
		snprintf(s->message, sizeof s->message, "%s", text ? text : "");
		free(text);
	}
	json_decref(a);
	return s->message;
}

void stage_await_state(struct stage *s, const char *instance, const char *state)
{
	char want[40];

	snprintf(want, sizeof want, "\"%s\"", state);
	for (int ms = 0; ms < PATIENCE_MS; ms += 5) {
		if (!strcmp(stage_member(s, instance, "state"), want))
			return;
		stage_sleep_ms(5);
	}
	fail_msg("%s is %s, not %s", instance, stage_member(s, instance, "state"), state);
}

bool stage_sanitized(void)
{
	const char *s = getenv("SANITIZERS");

	return s && *s && strcmp(s, "no");
}
