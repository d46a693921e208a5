/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/plugs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include <fems/util.h>

#define SERVICE_US (2 * US_PER_S) /* a call to "INSTANCE.NAME" */
#define WATCH_US   (5 * US_PER_S)
#define STUCK_US   (10 * US_PER_S) /* beyond its budget, then a call counts as stuck */

/* ---- the list ---- */

struct instance *plugs_get(struct plugs *p, const char *name)
{
	struct instance *found = NULL;

	pthread_mutex_lock(&p->lock);
	for (size_t k = 0; k < p->n && !found; k++)
		if (!strcmp(p->list[k]->name, name))
			found = p->list[k];
	if (found)
		atomic_fetch_add(&found->refs, 1);
	pthread_mutex_unlock(&p->lock);
	return found;
}

struct instance **plugs_all(struct plugs *p, size_t *n)
{
	struct instance **all;

	pthread_mutex_lock(&p->lock);
	all = p->n ? calloc(p->n, sizeof(struct instance *)) : NULL;
	*n = all ? p->n : 0;
	for (size_t k = 0; k < *n; k++) {
		all[k] = p->list[k];
		atomic_fetch_add(&all[k]->refs, 1);
	}
	pthread_mutex_unlock(&p->lock);
	return all;
}

bool plugs_list_add(struct plugs *p, struct instance *i)
{
	struct instance **more;

	pthread_mutex_lock(&p->lock);
	more = realloc(p->list, (p->n + 1) * sizeof(struct instance *));
	if (more) {
		p->list = more;
		p->list[p->n++] = i;
	}
	pthread_mutex_unlock(&p->lock);
	return more;
}

void plugs_list_remove(struct plugs *p, struct instance *i)
{
	size_t k = 0;

	pthread_mutex_lock(&p->lock);
	while (k < p->n && p->list[k] != i)
		k++;
	if (k < p->n)
		memmove(&p->list[k], &p->list[k + 1], (--p->n - k) * sizeof *p->list);
	pthread_mutex_unlock(&p->lock);
}

static struct plug_name *name_find(struct plugs *p, const char *name)
{
	struct plug_name *n;

	pthread_mutex_lock(&p->lock);
	for (n = p->names; n && strcmp(n->name, name); n = n->next)
		;
	if (!n && (n = calloc(1, sizeof *n))) {
		n->plugs = p;
		(void)str_copy(n->name, sizeof n->name, name);
		n->next = p->names;
		p->names = n;
	}
	pthread_mutex_unlock(&p->lock);
	return n;
}

const char *plugs_name(struct plugs *p, const char *name)
{
	struct plug_name *n = name_find(p, name);

	return n ? n->name : NULL;
}

/* ---- notices ---- */

void plugs_spread(struct plugs *p, const struct instance *from, const char *topic, struct fems_span body)
{
	size_t n;
	struct instance **all = plugs_all(p, &n);

	for (size_t k = 0; k < n; k++) {
		if (all[k] != from && instance_state_get(all[k]) == INSTANCE_RUNNING &&
		    instance_offers(all[k], OP_NOTICE))
			notices_add(all[k], topic, body);
		instance_put(all[k]);
	}
	free(all);
	if (p->o.hooks.notice)
		p->o.hooks.notice(p->o.hooks.ctx, from ? from->name : "core", topic, body);
}

void plugs_publish(struct plugs *p, const char *topic, const json_t *body)
{
	char *text = json_text(body);

	if (text)
		plugs_spread(p, NULL, topic, fems_span_of(text));
	free(text);
}

void plugs_device_notice(struct plugs *p, const struct instance *from, const char *device)
{
	char since[40], *body;
	struct device d;
	json_t *o;

	if (!device_find(p->o.points, device, &d))
		return;
	o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", d.name, "plugin", d.owner, "state",
		      device_state_name(d.state), "why", d.why, "since",
		      time_format(d.since_us, p->utc, since, sizeof since));
	body = o ? json_text(o) : NULL;
	json_decref(o);
	if (body)
		plugs_spread(p, from, "meter", fems_span_of(body));
	free(body);
}

/* ---- calls that are routed ---- */

static enum fems_rc find(struct plugs *p, const char *name, struct instance **out, struct fems_error *e)
{
	*out = plugs_get(p, name);
	return *out ? FEMS_OK : err_set(e, FEMS_ENOENT, "no plugin instance \"%s\"", name);
}

/* Makes the call and lets the instance go. */
static enum fems_rc routed(struct instance *i, struct plug_call *c, int64_t budget_us, struct fems_error *e)
{
	enum fems_rc rc;

	if (instance_offers(i, c->op))
		rc = instance_do(i, c, budget_us);
	else
		rc = err_set(&c->error, FEMS_EUNSUP, "plugin \"%s\" offers no %s", i->name,
			     plug_op_name(c->op));
	if (rc && e)
		*e = c->error;
	instance_put(i);
	return rc;
}

static enum fems_rc serve(void *ctx, const char *rest, struct fems_span request, fems_reply_fn reply,
			  void *reply_ctx, struct fems_error *e)
{
	const struct plug_name *n = ctx;
	struct plug_call c = { .op = OP_HANDLE, .name = rest, .body = request };
	struct instance *i;
	enum fems_rc rc = find(n->plugs, n->name, &i, e);

	if (rc)
		return rc;
	rc = routed(i, &c, SERVICE_US, e);
	if (!rc && reply)
		reply(reply_ctx, c.reply.len ? text_span(&c.reply) : fems_span_of("{}"));
	text_free(&c.reply);
	return rc;
}

void plugs_service(struct plugs *p, const char *name, bool on)
{
	struct plug_name *n = name_find(p, name);

	if (n && p->o.services)
		service_add_prefix(p->o.services, n->name, on ? serve : NULL, n);
}

enum fems_rc plugs_write(struct plugs *p, const struct point *point, double value, int64_t budget_us,
			 struct fems_error *e)
{
	struct plug_call c = { .op = OP_WRITE, .point = point->id, .value = value };
	struct instance *i;
	enum fems_rc rc = find(p, point->owner, &i, e);

	return rc ? rc : routed(i, &c, budget_us, e);
}

enum fems_rc plugs_push(struct plugs *p, const char *instance, const char *type, const char *key,
			struct fems_span body, int64_t budget_us, struct fems_delivery *d,
			struct fems_error *e)
{
	struct plug_call c = { .op = OP_PUSH, .name = type, .key = key, .body = body };
	struct instance *i;
	enum fems_rc rc = find(p, instance, &i, e);

	if (rc)
		return rc;
	if (!instance_takes(i, type)) {
		instance_put(i);
		return err_set(e, FEMS_EUNSUP, "plugin \"%s\" takes no documents of type \"%s\"", instance,
			       type);
	}
	rc = routed(i, &c, budget_us, e);
	c.delivery.size = sizeof c.delivery;
	c.delivery.receipt[sizeof c.delivery.receipt - 1] = '\0';
	*d = c.delivery;
	return rc;
}

enum fems_rc plugs_solve(struct plugs *p, const char *instance, struct fems_span problem, int64_t budget_us,
			 fems_incumbent_fn incumbent, void *ctx, struct fems_error *e)
{
	struct plug_call c = {
		.op = OP_SOLVE, .body = problem, .incumbent = incumbent, .incumbent_ctx = ctx
	};
	struct instance *i;
	enum fems_rc rc = find(p, instance, &i, e);

	return rc ? rc : routed(i, &c, budget_us, e);
}

/* ---- who there is ---- */

const char *plugs_first(struct plugs *p, enum fems_kind kind)
{
	size_t n;
	struct instance **all = plugs_all(p, &n);
	const char *found = NULL;

	for (size_t k = 0; k < n; k++) {
		if (!found && all[k]->kinds & kind)
			found = plugs_name(p, all[k]->name);
		instance_put(all[k]);
	}
	free(all);
	return found;
}

const char *plugs_taker(struct plugs *p, const char *type, size_t at)
{
	size_t n;
	struct instance **all = plugs_all(p, &n);
	const char *found = NULL;

	for (size_t k = 0; k < n; k++) {
		if (!found && instance_takes(all[k], type) && at-- == 0)
			found = plugs_name(p, all[k]->name);
		instance_put(all[k]);
	}
	free(all);
	return found;
}

/* ---- watch: calls that do not come back ---- */

static void tell_stuck(struct instance *i, int op, int64_t since_us)
{
	long long s = (long long)((clock_mono_us() - since_us) / US_PER_S);
	char en[300], ko[300];

	snprintf(en, sizeof en, "Plugin \"%s\" has not come back from %s for %lld s.", i->name,
		 plug_op_name((enum plug_op)op), s);
	snprintf(ko, sizeof ko, "플러그인 \"%s\"이(가) %s 호출에서 %lld초 동안 돌아오지 않습니다.", i->name,
		 plug_op_name((enum plug_op)op), s);
	log_line(FEMS_LOG_ERROR, i->name,
		 "has not come back from %s for %lld s; with isolate: true femsd could end it",
		 plug_op_name((enum plug_op)op), s);
	restart_alarm(i->plugs, i->name, en, ko, "Set isolate: true for it, or restart femsd.",
		      "isolate: true로 설정하거나 femsd를 다시 시작하십시오.");
}

static void watch(void *ctx, int64_t due_us)
{
	struct plugs *p = ctx;
	size_t n;
	struct instance **all = plugs_all(p, &n);

	(void)due_us;
	for (size_t k = 0; k < n; k++) {
		int64_t since = atomic_load(&all[k]->busy_since_us);
		int64_t budget = atomic_load(&all[k]->busy_budget_us);
		int op = atomic_load(&all[k]->busy_op);

		if (op >= 0 && clock_mono_us() - since > budget + STUCK_US &&
		    !atomic_exchange(&all[k]->stuck_told, true))
			tell_stuck(all[k], op, since);
		instance_put(all[k]);
	}
	free(all);
}

/* ---- life ---- */

enum fems_rc plugs_new(const struct plugs_options *o, struct plugs **out, struct fems_error *e)
{
	struct plugs *p = calloc(1, sizeof *p);
	const char *host = getenv("FEMS_HOST_PROGRAM");
	double speed = clock_speed();
	enum fems_rc rc;

	if (!p)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	p->o = *o;
	p->plugin_dir = strdup(o->plugin_dir ? o->plugin_dir : "");
	p->host_path = strdup(o->host_path ? o->host_path : host ? host : FEMS_LIBEXEC_DIR "/fems-host");
	p->state_dir = strdup(o->state_dir ? o->state_dir : ".");
	p->restart_first_us = US_PER_S;
	p->restart_max_us = 60 * US_PER_S;
	p->crash_window_us = 10 * US_PER_MIN;
	pthread_mutex_init(&p->lock, NULL);
	rc = p->plugin_dir && p->host_path && p->state_dir ? zone_open("UTC", &p->utc, e)
							   : err_set(e, FEMS_ENOMEM, "out of memory");
	if (rc) {
		plugs_free(p);
		return rc;
	}
	if (o->loop)
		p->watch = loop_every(o->loop, speed > 1 ? (int64_t)((double)WATCH_US * speed) : WATCH_US, 0,
				      watch, p);
	*out = p;
	return FEMS_OK;
}

void plugs_stop(struct plugs *p, int64_t budget_us)
{
	int64_t until = clock_mono_us() + budget_us;
	size_t n;
	struct instance **all = plugs_all(p, &n);

	for (size_t k = 0; k < n; k++)
		instance_stop_begin(all[k]);
	for (size_t k = 0; k < n; k++) {
		plugs_list_remove(p, all[k]);
		instance_stop_wait(all[k], until);
		instance_put(all[k]); /* of the list */
		instance_put(all[k]);
	}
	free(all);
}

void plugs_free(struct plugs *p)
{
	struct plug_name *next;

	if (!p)
		return;
	if (p->n)
		plugs_stop(p, US_PER_S);
	if (p->watch)
		loop_timer_cancel(p->o.loop, p->watch);
	if (p->left) /* a stuck thread may still come by */
		return;
	for (struct plug_name *n = p->names; n; n = next) {
		next = n->next;
		free(n);
	}
	pthread_mutex_destroy(&p->lock);
	zone_free(p->utc);
	free(p->list);
	free(p->plugin_dir);
	free(p->host_path);
	free(p->state_dir);
	free(p);
}

enum fems_rc plugs_set_state_dir(struct plugs *p, const char *dir, struct fems_error *e)
{
	char *copy = strdup(dir);

	if (!copy)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	free(p->state_dir);
	p->state_dir = copy;
	return FEMS_OK;
}
