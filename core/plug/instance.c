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

#define LIFE_US     (10 * US_PER_S) /* open, start, reload: none of them may wait for a peer */
#define METER_US    (1 * US_PER_S)  /* default of "interval" */
#define CONNECTOR_US (5 * US_PER_S)
#define MAX_WAIT_US (60 * US_PER_S) /* longest pause after failures */

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

/* ---- calls ---- */

enum fems_rc instance_call(struct instance *i, struct plug_call *c)
{
	bool opens = c->op == OP_OPEN || c->op == OP_RELOAD;

	if (opens)
		feed_forget(i);
	atomic_store(&i->opening, opens);
	atomic_store(&i->busy_since_us, clock_mono_us());
	atomic_store(&i->busy_budget_us, c->budget_us);
	atomic_store(&i->busy_op, (int)c->op);
	i->body->call(i->body, c);
	atomic_store(&i->busy_op, -1);
	atomic_store(&i->stuck_told, false);
	atomic_store(&i->opening, false);
	if (opens && c->rc)
		feed_restore(i);
	return c->rc;
}

static void set_last_error(struct instance *i, const char *text, bool failing)
{
	pthread_mutex_lock(&i->lock);
	if (text)
		(void)str_copy(i->last_error, sizeof i->last_error, text);
	i->failing = failing;
	pthread_mutex_unlock(&i->lock);
}

static int64_t interval_of(const struct instance *i, enum plug_op op)
{
	if (i->interval_us)
		return i->interval_us;
	return op == OP_PULL ? CONNECTOR_US : METER_US;
}

static void went_well(struct instance *i, enum plug_op op, struct trouble *t)
{
	if (t->failures)
		log_line(FEMS_LOG_INFO, i->name, "%s works again after %llu failures", plug_op_name(op),
			 (unsigned long long)t->failures);
	if (t->failures)
		set_last_error(i, NULL, false);
	*t = (struct trouble){ 0 };
}

void instance_result(struct instance *i, struct plug_call *c)
{
	struct trouble *t = &i->trouble[c->op];
	bool repeats = c->op == OP_POLL || c->op == OP_PULL;
	int64_t interval, max;

	if (c->rc == FEMS_AGAIN) /* neither failure nor success */
		return;
	if (!c->rc) {
		went_well(i, c->op, t);
		return;
	}
	if (!t->failures || t->rc != c->rc)
		log_line(FEMS_LOG_WARN, i->name, "%s: %s", plug_op_name(c->op), c->error.text);
	t->failures++;
	t->rc = c->rc;
	set_last_error(i, c->error.text, repeats);
	if (!repeats)
		return;
	interval = interval_of(i, c->op);
	max = interval > MAX_WAIT_US ? interval : MAX_WAIT_US;
	t->wait_us = t->wait_us ? t->wait_us * 2 : interval;
	if (t->wait_us > max)
		t->wait_us = max;
	/* Calls come at multiples of the interval: half of one back, so that the right one is met. */
	t->next_us = clock_now_us() + t->wait_us - interval / 2;
}

/* Real time that a poll or pull may take: short enough for a quick stop, long enough for a slow peer. */
static int64_t budget_of(const struct instance *i, enum plug_op op)
{
	double speed = clock_speed();
	int64_t us = speed > 0 ? (int64_t)((double)interval_of(i, op) / speed) : interval_of(i, op);
	int64_t min = op == OP_PULL ? 2 * US_PER_S : US_PER_S / 5, max = op == OP_PULL ? 10 * US_PER_S : 2 * US_PER_S;

	return us < min ? min : us > max ? max : us;
}

static void periodic(struct instance *i, enum plug_op op, int64_t budget_us)
{
	const struct trouble *t = &i->trouble[op];
	struct plug_call c = { .op = op, .budget_us = budget_us, .now_us = clock_now_us() };

	if (instance_is_stopping(i) || instance_state_get(i) != INSTANCE_RUNNING)
		return;
	if (c.now_us < t->next_us && t->next_us - c.now_us <= t->wait_us)
		return;
	instance_call(i, &c);
	instance_result(i, &c);
}

static void job_poll(void *ctx)
{
	periodic(ctx, OP_POLL, budget_of(ctx, OP_POLL));
}

static void job_pull(void *ctx)
{
	periodic(ctx, OP_PULL, budget_of(ctx, OP_PULL));
}

static void job_tick(void *ctx)
{
	periodic(ctx, OP_TICK, US_PER_S);
}

/* ---- calls from other threads ---- */

struct job {
	atomic_int refs; /* the one who waits, and the worker */
	struct instance *instance;
	struct plug_call call;
	char *name, *key, *body;
	int64_t until_us;
	pthread_mutex_t gate; /* guards what follows: nobody may be called back after he left */
	bool left;
	fems_incumbent_fn incumbent;
	void *incumbent_ctx;
};

static void job_put(struct job *j)
{
	if (atomic_fetch_sub(&j->refs, 1) > 1)
		return;
	pthread_mutex_destroy(&j->gate);
	text_free(&j->call.reply);
	free(j->name);
	free(j->key);
	free(j->body);
	free(j);
}

static int on_incumbent(void *ctx, struct fems_span plan)
{
	struct job *j = ctx;
	int stop = 1;

	pthread_mutex_lock(&j->gate);
	if (!j->left && !instance_is_stopping(j->instance))
		stop = j->incumbent(j->incumbent_ctx, plan);
	pthread_mutex_unlock(&j->gate);
	return stop;
}

static void job_run(void *ctx)
{
	struct job *j = ctx;
	struct plug_call *c = &j->call;
	int64_t left_us = j->until_us - clock_mono_us();

	if (c->op >= OP_POLL && (instance_state_get(j->instance) != INSTANCE_RUNNING ||
				 instance_is_stopping(j->instance))) {
		c->rc = err_set(&c->error, FEMS_AGAIN, "plugin \"%s\" does not run at the moment", j->instance->name);
	} else if (c->op >= OP_POLL && left_us <= 0) {
		c->rc = err_set(&c->error, FEMS_ETIME, "plugin \"%s\" was too busy", j->instance->name);
	} else {
		if (left_us < c->budget_us)
			c->budget_us = left_us;
		instance_call(j->instance, c);
	}
	job_put(j);
}

static struct job *job_new(struct instance *i, const struct plug_call *c, int64_t budget_us)
{
	struct job *j = calloc(1, sizeof *j);
	bool ok;

	if (!j)
		return NULL;
	pthread_mutex_init(&j->gate, NULL);
	atomic_init(&j->refs, 1);
	j->instance = i;
	j->call = *c;
	j->call.budget_us = budget_us;
	j->until_us = clock_mono_us() + budget_us;
	j->name = c->name ? strdup(c->name) : NULL;
	j->key = c->key ? strdup(c->key) : NULL;
	j->body = malloc(c->body.len + 1);
	ok = j->body && !c->name == !j->name && !c->key == !j->key;
	if (ok && c->body.len)
		memcpy(j->body, c->body.ptr, c->body.len);
	j->call.name = j->name;
	j->call.key = j->key;
	j->call.body.ptr = j->body;
	j->incumbent = c->incumbent;
	j->incumbent_ctx = c->incumbent_ctx;
	if (c->incumbent) {
		j->call.incumbent = on_incumbent;
		j->call.incumbent_ctx = j;
	}
	if (ok)
		return j;
	job_put(j);
	return NULL;
}

static void take_result(struct job *j, struct plug_call *c)
{
	c->rc = j->call.rc;
	c->error = j->call.error;
	c->delivery = j->call.delivery;
	c->reply = j->call.reply;
	j->call.reply = (struct text){ 0 };
}

static enum fems_rc not_done(struct job *j, struct plug_call *c, enum fems_rc rc, bool late)
{
	const char *name = j->instance->name, *op = plug_op_name(c->op);

	if (late) {
		pthread_mutex_lock(&j->gate);
		j->left = true;
		pthread_mutex_unlock(&j->gate);
		return c->rc = err_set(&c->error, rc, "plugin \"%s\" did not come back from %s in time", name, op);
	}
	job_put(j); /* the worker's part: it will not run */
	if (rc == FEMS_ETIME)
		return c->rc = err_set(&c->error, rc, "plugin \"%s\" was too busy for %s", name, op);
	return c->rc = err_set(&c->error, rc, "plugin \"%s\" is stopping", name);
}

enum fems_rc instance_do(struct instance *i, struct plug_call *c, int64_t budget_us)
{
	const int64_t grace_us = US_PER_S / 4; /* for a plugin that uses its budget to the end */
	struct job *j;
	enum fems_rc rc;
	bool late = false;

	if (worker_is_me(i->worker))
		return c->rc = err_set(&c->error, FEMS_ECONFLICT, "plugin \"%s\" calls itself (%s)", i->name,
				       plug_op_name(c->op));
	j = job_new(i, c, budget_us);
	if (!j)
		return c->rc = err_set(&c->error, FEMS_ENOMEM, "out of memory");
	atomic_fetch_add(&j->refs, 1);
	rc = worker_do(i->worker, job_run, j, budget_us + grace_us, &late);
	if (!rc)
		take_result(j, c);
	else
		not_done(j, c, rc, late);
	job_put(j);
	return c->rc;
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
		struct proxy_options o = { .host_path = i->plugs->host_path, .name = i->name,
					   .state_dir = i->state_dir, .host = &i->host, .ctx = i,
					   .down = restart_after_crash, .again = restart_due };

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
	if (instance_offers(i, OP_POLL))
		worker_every(i->worker, interval_of(i, OP_POLL), job_poll, i);
	if (instance_offers(i, OP_PULL))
		worker_every(i->worker, interval_of(i, OP_PULL), job_pull, i);
	if (instance_offers(i, OP_TICK))
		worker_every(i->worker, US_PER_S, job_tick, i);
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
	struct plug_call stop = { .op = OP_STOP, .budget_us = US_PER_S }, close = { .op = OP_CLOSE, .budget_us = US_PER_S };

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
		log_line(FEMS_LOG_WARN, i->name, "does not come back from %s; it is left behind (isolate: true "
			 "lets femsd end it)", plug_op_name((enum plug_op)atomic_load(&i->busy_op)));
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
