/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/instance.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/plug/plugs.h"

#define METER_US     (1 * US_PER_S) /* default of "interval" */
#define CONNECTOR_US (5 * US_PER_S)
#define MAX_WAIT_US  (60 * US_PER_S) /* longest pause after failures */

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
	int64_t min = op == OP_PULL ? 2 * US_PER_S : US_PER_S / 5,
		max = op == OP_PULL ? 10 * US_PER_S : 2 * US_PER_S;

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

	if (c->op >= OP_POLL &&
	    (instance_state_get(j->instance) != INSTANCE_RUNNING || instance_is_stopping(j->instance))) {
		c->rc = err_set(&c->error, FEMS_AGAIN, "plugin \"%s\" does not run at the moment",
				j->instance->name);
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
		return c->rc = err_set(&c->error, rc, "plugin \"%s\" did not come back from %s in time", name,
				       op);
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

/* ---- repeated calls begin ---- */

static void repeat(struct instance *i, enum plug_op op, int64_t period_us, worker_fn fn)
{
	if (!instance_offers(i, op))
		return;
	worker_every(i->worker, period_us, fn, i);
	(void)worker_post(i->worker, fn, i); /* the first one at once, not at the next multiple */
}

void instance_repeat(struct instance *i)
{
	repeat(i, OP_POLL, interval_of(i, OP_POLL), job_poll);
	repeat(i, OP_PULL, interval_of(i, OP_PULL), job_pull);
	repeat(i, OP_TICK, US_PER_S, job_tick);
}
