/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/loop/service.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/loop/loop.h"
#include "core/loop/mono.h"

#define LOOP_BUDGET_US (2 * US_PER_S)

struct entry { /* fn or prefix_fn */
	const char *name, *summary;
	enum service_where where;
	service_fn fn;
	service_prefix_fn prefix_fn;
	void *ctx;
};

/* A call that the loop runs for a thread that waits. */
struct call {
	struct call *next;
	struct entry entry;
	json_t *request, *reply;
	enum fems_rc rc;
	struct fems_error error;
	enum { CALL_QUEUED, CALL_RUNNING, CALL_DONE } state;
	bool abandoned; /* nobody waits any more: the loop frees it */
};

struct services {
	struct loop *loop;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t done;
	struct entry *entries;
	size_t n, cap;
	struct call *calls; /* queued ones, oldest first */
};

struct services *services_new(struct loop *loop)
{
	struct services *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->loop = loop;
	pthread_mutex_init(&s->lock, NULL);
	mono_cond_init(&s->done);
	return s;
}

void services_free(struct services *s)
{
	if (!s)
		return;
	pthread_cond_destroy(&s->done);
	pthread_mutex_destroy(&s->lock);
	free(s->entries);
	free(s);
}

/* ---- the table; these need the lock ---- */

static struct entry *find(struct services *s, const char *name, bool prefix)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (!strcmp(s->entries[i].name, name) && !s->entries[i].prefix_fn == !prefix)
			return &s->entries[i];
	return NULL;
}

/* The longest prefix of name that ends before a dot. */
static struct entry *find_prefix(struct services *s, const char *name)
{
	struct entry *best = NULL;
	size_t i, len, best_len = 0;

	for (i = 0; i < s->n; i++) {
		struct entry *e = &s->entries[i];

		len = strlen(e->name);
		if (e->prefix_fn && len >= best_len && !strncmp(name, e->name, len) && name[len] == '.') {
			best = e;
			best_len = len;
		}
	}
	return best;
}

static void put(struct services *s, const struct entry *e)
{
	struct entry *at = find(s, e->name, e->prefix_fn), *more;

	if (!at && s->n == s->cap) {
		more = realloc(s->entries, (s->cap + 32) * sizeof *more);
		MUST(more); /* at start-up, a few kilobytes */
		s->entries = more;
		s->cap += 32;
	}
	if (!at)
		at = &s->entries[s->n++];
	*at = *e;
}

void service_add(struct services *s, const char *name, enum service_where where, service_fn fn, void *ctx,
		 const char *summary)
{
	struct entry e = { .name = name, .summary = summary, .where = where, .fn = fn, .ctx = ctx };

	pthread_mutex_lock(&s->lock);
	put(s, &e);
	pthread_mutex_unlock(&s->lock);
}

void service_add_prefix(struct services *s, const char *prefix, service_prefix_fn fn, void *ctx)
{
	struct entry e = { .name = prefix, .prefix_fn = fn, .ctx = ctx }, *at;

	pthread_mutex_lock(&s->lock);
	if (fn) {
		put(s, &e);
	} else if ((at = find(s, prefix, true))) {
		memmove(at, at + 1, (size_t)(s->entries + --s->n - at) * sizeof *at);
	}
	pthread_mutex_unlock(&s->lock);
}

json_t *services_list(struct services *s)
{
	json_t *list = json_array();
	size_t i;

	pthread_mutex_lock(&s->lock);
	for (i = 0; i < s->n; i++)
		if (!s->entries[i].prefix_fn)
			json_array_append_new(list,
					      json_pack("{s:s, s:s}", "name", s->entries[i].name, "summary",
							s->entries[i].summary ? s->entries[i].summary : ""));
	pthread_mutex_unlock(&s->lock);
	return list;
}

static enum fems_rc unknown(struct services *s, const char *name, struct fems_error *e)
{
	const char **names, *near = NULL;
	size_t i;

	pthread_mutex_lock(&s->lock);
	names = calloc(s->n + 1, sizeof *names);
	for (i = 0; names && i < s->n; i++)
		names[i] = s->entries[i].name;
	if (names)
		near = str_nearest(name, names, s->n);
	pthread_mutex_unlock(&s->lock);
	free(names);
	if (near)
		return err_set(e, FEMS_ENOENT, "no service called \"%s\"; did you mean \"%s\"?", name, near);
	return err_set(e, FEMS_ENOENT, "no service called \"%s\"; services.list names them", name);
}

/* ---- calls on the loop's thread ---- */

static void call_free(struct call *c)
{
	json_decref(c->request);
	json_decref(c->reply);
	free(c);
}

static void run_one(struct services *s, struct call *c)
{
	bool abandoned;

	c->rc = c->entry.fn(c->entry.ctx, c->request, &c->reply, &c->error);
	pthread_mutex_lock(&s->lock);
	c->state = CALL_DONE;
	abandoned = c->abandoned;
	pthread_cond_broadcast(&s->done);
	pthread_mutex_unlock(&s->lock);
	if (abandoned)
		call_free(c);
}

/* Posted once for each call; the call itself may have been withdrawn. */
static void run_oldest(void *ctx)
{
	struct services *s = ctx;
	struct call *c;

	pthread_mutex_lock(&s->lock);
	c = s->calls;
	if (c) {
		s->calls = c->next;
		c->state = CALL_RUNNING;
	}
	pthread_mutex_unlock(&s->lock);
	if (c)
		run_one(s, c);
}

static void withdraw(struct services *s, struct call *c)
{
	struct call **at = &s->calls;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
}

static bool queue(struct services *s, struct call *c)
{
	struct call **at = &s->calls;
	bool posted;

	pthread_mutex_lock(&s->lock);
	while (*at)
		at = &(*at)->next;
	*at = c;
	posted = loop_post(s->loop, run_oldest, s);
	if (!posted)
		*at = NULL;
	pthread_mutex_unlock(&s->lock);
	return posted;
}

/* True when the call is done and ours again; else it was withdrawn and freed, or the loop frees it. */
static bool await(struct services *s, struct call *c)
{
	struct timespec until = mono_after(LOOP_BUDGET_US);
	int timed_out = 0;
	bool done, withdrawn;

	pthread_mutex_lock(&s->lock);
	while (c->state != CALL_DONE && !timed_out)
		timed_out = pthread_cond_timedwait(&s->done, &s->lock, &until);
	done = c->state == CALL_DONE;
	withdrawn = c->state == CALL_QUEUED;
	if (withdrawn)
		withdraw(s, c);
	else if (!done)
		c->abandoned = true;
	pthread_mutex_unlock(&s->lock);
	if (withdrawn)
		call_free(c);
	return done;
}

static enum fems_rc call_on_loop(struct services *s, const struct entry *entry, json_t *request,
				 json_t **reply, struct fems_error *e)
{
	struct call *c = calloc(1, sizeof *c);
	enum fems_rc rc;

	if (!c)
		return err_set(e, FEMS_ENOMEM, "out of memory for a call of \"%s\"", entry->name);
	c->entry = *entry;
	c->request = json_incref(request);
	if (!queue(s, c)) {
		call_free(c);
		return err_set(e, FEMS_AGAIN, "%s: femsd is stopping", entry->name);
	}
	if (!await(s, c))
		return err_set(e, FEMS_ETIME, "%s: femsd was too busy to answer within 2 s; try again",
			       entry->name);
	rc = c->rc;
	if (rc && e)
		*e = c->error;
	*reply = json_incref(c->reply);
	call_free(c);
	return rc;
}

/* ---- one call ---- */

static enum fems_rc answer(const char *name, const json_t *json, fems_reply_fn reply, void *reply_ctx,
			   struct fems_error *e)
{
	char *text = json ? json_text(json) : NULL;
	struct fems_span span = { "{}", 2 };

	if (json && !text)
		return err_set(e, FEMS_ENOMEM, "%s: out of memory for the reply", name);
	if (text)
		span = (struct fems_span){ text, strlen(text) };
	if (reply)
		reply(reply_ctx, span);
	free(text);
	return FEMS_OK;
}

static enum fems_rc call_entry(struct services *s, const struct entry *entry, struct fems_span request,
			       fems_reply_fn reply, void *reply_ctx, struct fems_error *e)
{
	json_t *in = NULL, *out = NULL;
	enum fems_rc rc = json_parse(request, &in, e);

	if (rc)
		return err_wrap(e, rc, "%s: request", entry->name);
	if (entry->where == SERVICE_ON_LOOP && !loop_is_mine(s->loop))
		rc = call_on_loop(s, entry, in, &out, e);
	else
		rc = entry->fn(entry->ctx, in, &out, e);
	if (!rc)
		rc = answer(entry->name, out, reply, reply_ctx, e);
	json_decref(in);
	json_decref(out);
	return rc;
}

enum fems_rc service_call(struct services *s, const char *name, struct fems_span request, fems_reply_fn reply,
			  void *reply_ctx, struct fems_error *e)
{
	struct entry entry = { 0 }, *found;
	size_t prefix_len = 0;

	pthread_mutex_lock(&s->lock);
	found = find(s, name, false);
	if (!found)
		found = find_prefix(s, name);
	if (found) {
		entry = *found;
		prefix_len = strlen(entry.name); /* the name may go with its prefix after this */
	}
	pthread_mutex_unlock(&s->lock);
	if (entry.fn)
		return call_entry(s, &entry, request, reply, reply_ctx, e);
	if (entry.prefix_fn)
		return entry.prefix_fn(entry.ctx, name + prefix_len + 1, request, reply, reply_ctx, e);
	return unknown(s, name, e);
}
