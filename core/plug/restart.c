/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/plug/plugs.h"
#include <fems/util.h>

void restart_alarm(struct plugs *plugs, const char *instance, const char *en, const char *ko,
		   const char *remedy_en, const char *remedy_ko)
{
	char since[40], *body;
	json_t *o =
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "since",
			  time_format(clock_now_us(), plugs->utc, since, sizeof since), "instance", instance,
			  "text_en", en, "text_ko", ko, "remedy_en", remedy_en, "remedy_ko", remedy_ko);

	body = o ? json_text(o) : NULL;
	json_decref(o);
	if (body)
		plugs_spread(plugs, NULL, "alarm", fems_span_of(body));
	free(body);
}

/* With the lock held: counts this crash; true when it is the fifth within the window. */
static bool too_often(struct instance *i)
{
	const unsigned max = ARRAY_LEN(i->crashes_us);
	int64_t now = clock_mono_us();

	if (i->n_crashes && now - i->crashes_us[(i->n_crashes - 1) % max] > i->plugs->crash_window_us)
		i->delay_us = 0; /* it went well for long enough */
	i->crashes_us[i->n_crashes++ % max] = now;
	return i->n_crashes >= max && now - i->crashes_us[i->n_crashes % max] <= i->plugs->crash_window_us;
}

static int64_t next_delay(struct instance *i)
{
	const struct plugs *p = i->plugs;

	i->delay_us = i->delay_us ? i->delay_us * 2 : p->restart_first_us;
	if (i->delay_us > p->restart_max_us)
		i->delay_us = p->restart_max_us;
	return i->delay_us;
}

static void park(struct instance *i, const char *why)
{
	char en[600], ko[600];

	snprintf(en, sizeof en, "Plugin \"%s\" was switched off after 5 failures within 10 minutes: %s",
		 i->name, why);
	snprintf(ko, sizeof ko, "플러그인 \"%s\"이(가) 10분 안에 5번 중단되어 꺼졌습니다: %s", i->name, why);
	log_line(FEMS_LOG_ERROR, i->name,
		 "%s; switched off after 5 failures within 10 minutes; after repair, reload "
		 "femsd",
		 why);
	instance_devices_state(i, FEMS_DEV_OFFLINE, en);
	restart_alarm(i->plugs, i->name, en, ko, "Update or repair the plugin, then reload femsd.",
		      "플러그인을 업데이트하거나 고친 뒤 femsd를 다시 읽게 하십시오.");
}

/* A process may end between a good start() and the moment the instance counts as running. */
static enum instance_state settled(struct instance *i)
{
	struct timespec nap = { 0, 2000000 };

	while (instance_state_get(i) == INSTANCE_NEW)
		nanosleep(&nap, NULL);
	return instance_state_get(i);
}

int64_t restart_after_crash(void *instance, const char *why)
{
	struct instance *i = instance;
	enum instance_state state = settled(i);
	int expected = (int)state;
	char text[500];
	int64_t delay;
	bool parked;

	if (state != INSTANCE_RUNNING && state != INSTANCE_RESTARTING)
		return -1;
	pthread_mutex_lock(&i->lock);
	(void)str_copy(i->last_error, sizeof i->last_error, why);
	parked = too_often(i);
	delay = next_delay(i);
	pthread_mutex_unlock(&i->lock);
	if (!atomic_compare_exchange_strong(&i->state, &expected,
					    parked ? INSTANCE_PARKED : INSTANCE_RESTARTING))
		return -1; /* it is being stopped */
	if (parked) {
		park(i, why);
		return -1;
	}
	snprintf(text, sizeof text, "%s; restart in %lld s", why,
		 (long long)((delay + US_PER_S - 1) / US_PER_S));
	log_line(FEMS_LOG_WARN, i->name, "%s", text);
	instance_devices_state(i, FEMS_DEV_OFFLINE, text);
	return delay;
}

static void job_restart(void *ctx)
{
	struct instance *i = ctx;
	struct plug_call open = { .op = OP_OPEN, .budget_us = 10 * US_PER_S };
	struct plug_call start = { .op = OP_START, .budget_us = 10 * US_PER_S };
	const struct plug_call *failed = NULL;
	int expected = INSTANCE_RESTARTING;

	if (instance_is_stopping(i))
		return;
	pthread_mutex_lock(&i->lock);
	open.item = i->item;
	pthread_mutex_unlock(&i->lock);
	if (instance_call(i, &open))
		failed = &open;
	else if (instance_call(i, &start))
		failed = &start;
	if (failed) { /* counts as the next failure, unless its process has ended by itself */
		i->body->kill(i->body, failed->error.text);
		return;
	}
	pthread_mutex_lock(&i->lock);
	i->restarts++;
	pthread_mutex_unlock(&i->lock);
	if (atomic_compare_exchange_strong(&i->state, &expected, INSTANCE_RUNNING))
		log_line(FEMS_LOG_INFO, i->name, "runs again in a new process");
}

void restart_due(void *instance)
{
	struct instance *i = instance;

	(void)worker_post(i->worker, job_restart, i);
}

void instance_unpark(struct instance *i)
{
	int expected = INSTANCE_PARKED;

	if (!atomic_compare_exchange_strong(&i->state, &expected, INSTANCE_RESTARTING))
		return;
	pthread_mutex_lock(&i->lock);
	i->n_crashes = 0;
	i->delay_us = 0;
	pthread_mutex_unlock(&i->lock);
	restart_due(i);
}
