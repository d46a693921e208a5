/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/loop/mono.h"
#include "core/plug/plugs.h"
#include "core/plug/proxy.h"

#define LIFE_US (10 * US_PER_S) /* open, start, reload: none of them may wait for a peer */

/* Instances whose thread hangs stay for ever; the list keeps them known to leak checkers. */
struct left_behind {
	struct left_behind *next;
	struct instance *instance;
};
static struct left_behind *left_behind;
static pthread_mutex_t left_lock = PTHREAD_MUTEX_INITIALIZER;

enum instance_state instance_state_get(const struct instance *i)
{
	return (enum instance_state)atomic_load(&i->state);
}

bool instance_is_stopping(const struct instance *i)
{
	return __atomic_load_n(&i->stopping, __ATOMIC_ACQUIRE);
}

bool instance_offers(const struct instance *i, enum plug_op op)
{
	return i->offers & OP_BIT(op);
}

bool instance_takes(struct instance *i, const char *type)
{
	bool takes;

	pthread_mutex_lock(&i->lock);
	takes = i->item && face_takes(i->item->face, type);
	pthread_mutex_unlock(&i->lock);
	return takes;
}

bool instance_has_device(struct instance *i, const char *name)
{
	bool has;

	pthread_mutex_lock(&i->lock);
	has = !strcmp(name, i->name) || (i->item && item_has_device(i->item, name));
	pthread_mutex_unlock(&i->lock);
	return has;
}

void instance_devices_state(struct instance *i, enum fems_device_state state, const char *why)
{
	int64_t now = clock_now_us();
	size_t n;

	pthread_mutex_lock(&i->lock);
	n = i->item ? i->item->n_devices : 0;
	for (size_t k = 0; k < n; k++) {
		char name[64];
		bool changed;

		(void)str_copy(name, sizeof name, item_device_name(i->item, k));
		pthread_mutex_unlock(&i->lock);
		changed = device_set_state(i->plugs->o.points, i->name, name, state, why, now);
		if (changed)
			plugs_device_notice(i->plugs, i, name);
		pthread_mutex_lock(&i->lock);
		n = i->item ? i->item->n_devices : 0;
	}
	pthread_mutex_unlock(&i->lock);
}

/* ---- life ---- */

void instance_put(struct instance *i)
{
	if (!i || atomic_fetch_sub(&i->refs, 1) > 1 || atomic_load(&i->left))
		return;
	feed_free(i);
	notices_free(i);
	idset_free(&i->own);
	item_free(i->item);
	pthread_cond_destroy(&i->ended_cond);
	pthread_mutex_destroy(&i->lock);
	free(i);
}

static enum fems_rc make_body(struct instance *i, struct fems_error *e)
{
	struct plug_local *l;

	if (i->item->isolate) {
		struct proxy_options o = { .host_path = i->plugs->host_path,
					   .name = i->name,
					   .state_dir = i->state_dir,
					   .host = &i->host,
					   .ctx = i,
					   .down = restart_after_crash,
					   .again = restart_due };

		return proxy_new(&o, &i->body, e);
	}
	l = calloc(1, sizeof *l);
	if (!l)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	local_init(l, i->item->plugin_desc, &i->host);
	i->body = &l->body;
	return FEMS_OK;
}

static struct instance *instance_new(struct plugs *plugs, struct plug_item *item)
{
	struct instance *i = calloc(1, sizeof *i);

	if (!i)
		return NULL;
	i->plugs = plugs;
	i->item = item;
	i->offers = item->face->offers;
	i->kinds = item->face->kinds;
	i->interval_us = item->interval_us;
	(void)str_copy(i->name, sizeof i->name, item->name);
	snprintf(i->state_dir, sizeof i->state_dir, "%.4000s/%s", plugs->state_dir, item->name);
	pthread_mutex_init(&i->lock, NULL);
	mono_cond_init(&i->ended_cond);
	idset_init(&i->own);
	host_init(i);
	atomic_init(&i->refs, 1);
	atomic_init(&i->busy_op, -1);
	if (notices_init(i))
		return i;
	i->item = NULL;
	instance_put(i);
	return NULL;
}

static enum fems_rc life_call(struct instance *i, enum plug_op op, struct fems_error *e)
{
	struct plug_call c = { .op = op, .item = i->item };

	if (instance_do(i, &c, LIFE_US) && e)
		*e = c.error;
	return c.rc;
}

static enum fems_rc begin(struct instance *i, struct fems_error *e)
{
	enum fems_rc rc = dir_make(i->state_dir, e);

	if (!rc)
		rc = make_body(i, e);
	if (!rc)
		rc = worker_new(i->name, &i->worker, e);
	if (!rc)
		rc = life_call(i, OP_OPEN, e);
	if (!rc)
		rc = life_call(i, OP_START, e);
	return rc ? rc : feed_start(i, e);
}

static void begin_work(struct instance *i)
{
	atomic_store(&i->state, INSTANCE_RUNNING);
	instance_repeat(i);
	if (instance_offers(i, OP_HANDLE))
		plugs_service(i->plugs, i->name, true);
}

enum fems_rc instance_start(struct plugs *plugs, struct plug_item **item, struct instance **out,
			    struct fems_error *e)
{
	struct instance *i = instance_new(plugs, *item);
	enum fems_rc rc;

	*out = NULL;
	if (!i)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	rc = begin(i, e);
	if (!rc && !plugs_list_add(plugs, i))
		rc = err_set(e, FEMS_ENOMEM, "out of memory");
	if (!rc) {
		begin_work(i);
		*item = NULL;
		*out = i;
		return FEMS_OK;
	}
	err_wrap(e, rc, "plugin \"%s\"", i->name);
	instance_stop_begin(i);
	if (instance_stop_wait(i, clock_mono_us() + 2 * US_PER_S))
		i->item = NULL; /* the caller's again */
	else
		*item = NULL;
	instance_put(i);
	return rc;
}

bool instance_can_reload(const struct instance *i, const struct plug_item *item)
{
	const struct plug_item *old = i->item;

	return instance_state_get(i) == INSTANCE_RUNNING && instance_offers(i, OP_RELOAD) &&
	       i->offers == item->face->offers && i->kinds == item->face->kinds &&
	       !strcmp(old->plugin, item->plugin) && !strcmp(old->path, item->path) &&
	       old->isolate == item->isolate && old->interval_us == item->interval_us &&
	       old->plugin_desc == item->plugin_desc;
}

static struct plug_item *exchange(struct instance *i, struct plug_item *item)
{
	struct plug_item *old;

	pthread_mutex_lock(&i->lock);
	old = i->item;
	i->item = item;
	pthread_mutex_unlock(&i->lock);
	return old;
}

enum fems_rc instance_reload(struct instance *i, struct plug_item **item, struct fems_error *e)
{
	struct plug_call c = { .op = OP_RELOAD, .item = *item };
	struct plug_item *old = exchange(i, *item); /* its points are those of the new settings */

	if (instance_do(i, &c, LIFE_US)) {
		if (e)
			*e = c.error;
		exchange(i, old);
		return err_wrap(e, c.rc, "plugin \"%s\"", i->name);
	}
	*item = old;
	if (feed_start(i, e))
		log_line(FEMS_LOG_ERROR, i->name, "gets no samples: %s", e ? e->text : "no thread");
	return FEMS_OK;
}

/* ---- end ---- */

static void job_end(void *ctx)
{
	struct instance *i = ctx;
	struct plug_call stop = { .op = OP_STOP, .budget_us = US_PER_S },
			 close = { .op = OP_CLOSE, .budget_us = US_PER_S };

	instance_call(i, &stop);
	instance_call(i, &close);
	pthread_mutex_lock(&i->lock);
	i->ended = true;
	pthread_cond_broadcast(&i->ended_cond);
	pthread_mutex_unlock(&i->lock);
}

void instance_stop_begin(struct instance *i)
{
	if (instance_state_get(i) == INSTANCE_RUNNING && instance_offers(i, OP_HANDLE))
		plugs_service(i->plugs, i->name, false);
	atomic_store(&i->state, INSTANCE_STOPPED);
	__atomic_store_n(&i->stopping, true, __ATOMIC_RELEASE);
	clock_wake();
	feed_stop(i);
	if (i->body && i->body->stopping)
		i->body->stopping(i->body);
	if (i->worker && worker_post(i->worker, job_end, i))
		return;
	pthread_mutex_lock(&i->lock);
	i->ended = true;
	pthread_mutex_unlock(&i->lock);
}

static bool wait_ended(struct instance *i, int64_t until_us)
{
	struct timespec until = mono_after(until_us - clock_mono_us());
	bool ended;

	pthread_mutex_lock(&i->lock);
	while (!i->ended && !pthread_cond_timedwait(&i->ended_cond, &i->lock, &until))
		;
	ended = i->ended;
	pthread_mutex_unlock(&i->lock);
	return ended;
}

static void leave_behind(struct instance *i)
{
	struct left_behind *l = calloc(1, sizeof *l);

	atomic_store(&i->left, true);
	i->plugs->left = true;
	host_close(i, US_PER_S / 10);
	if (!l)
		return;
	pthread_mutex_lock(&left_lock);
	*l = (struct left_behind){ left_behind, i };
	left_behind = l;
	pthread_mutex_unlock(&left_lock);
}

static int64_t at_least(int64_t us, int64_t min_us)
{
	return us > min_us ? us : min_us;
}

bool instance_stop_wait(struct instance *i, int64_t until_us)
{
	const int64_t least_us = US_PER_S / 10;
	bool ended = wait_ended(i, until_us);

	if (!ended && i->body && i->body->kill) {
		i->body->kill(i->body, "it did not stop in time");
		ended = wait_ended(i, clock_mono_us() + US_PER_S / 2);
		log_line(FEMS_LOG_WARN, i->name, "did not stop in time; its process was ended");
	}
	/* The process before the thread that started it: the kernel would kill it at the end of that thread. */
	if (!ended || (i->body && !i->body->end(i->body, at_least(until_us - clock_mono_us(), least_us))) ||
	    (i->worker && !worker_stop(i->worker, at_least(until_us - clock_mono_us(), least_us))) ||
	    !host_close(i, US_PER_S)) {
		leave_behind(i);
		log_line(FEMS_LOG_WARN, i->name,
			 "does not come back from %s; it is left behind (isolate: true "
			 "lets femsd end it)",
			 plug_op_name((enum plug_op)atomic_load(&i->busy_op)));
		return false;
	}
	worker_free(i->worker);
	i->worker = NULL;
	if (i->body)
		i->body->free(i->body);
	i->body = NULL;
	feed_free(i);
	return true;
}

struct plug_item *instance_item_take(struct instance *i)
{
	return exchange(i, NULL);
}
