/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/instance.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include <fems/util.h>
#include "core/plug/plugs.h"

/* Every function of the table is between enter() and leave(), so that an instance whose thread was
 * given up can be cut off from what it would touch. */
static bool enter(struct instance *i)
{
	atomic_fetch_add(&i->inside, 1);
	if (!atomic_load(&i->closed))
		return true;
	atomic_fetch_sub(&i->inside, 1);
	return false;
}

static void leave(struct instance *i)
{
	atomic_fetch_sub(&i->inside, 1);
}

static enum fems_rc gone(struct fems_error *e)
{
	return err_set(e, FEMS_AGAIN, "the instance is stopping");
}

bool host_close(struct instance *i, int64_t budget_us)
{
	int64_t until = clock_mono_us() + budget_us;
	struct timespec nap = { 0, 1000000 };

	atomic_store(&i->closed, true);
	while (atomic_load(&i->inside) && clock_mono_us() < until)
		nanosleep(&nap, NULL);
	return !atomic_load(&i->inside);
}

/* ---- log, clock ---- */

__attribute__((format(printf, 3, 4))) static void h_log(void *ctx, enum fems_level level, const char *fmt,
							...)
{
	struct instance *i = ctx;
	va_list ap;

	va_start(ap, fmt);
	log_vline(level <= FEMS_LOG_ERROR  ? FEMS_LOG_ERROR
		  : level == FEMS_LOG_WARN ? FEMS_LOG_WARN
		  : level < FEMS_LOG_DEBUG ? FEMS_LOG_INFO
					   : FEMS_LOG_DEBUG,
		  i->name, fmt, ap);
	va_end(ap);
}

static int64_t h_now_us(void *ctx)
{
	(void)ctx;
	return clock_now_us();
}

static enum fems_rc h_wait_until(void *ctx, int64_t t_us)
{
	struct instance *i = ctx;

	if (!instance_is_stopping(i))
		clock_wait_until(t_us, &i->stopping);
	return instance_is_stopping(i) ? FEMS_AGAIN : FEMS_OK;
}

/* ---- points and samples ---- */

static uint32_t point_add(struct instance *i, const struct fems_point_info *from, struct fems_error *e)
{
	struct fems_point_info info = { 0 };
	uint32_t id;

	memcpy(&info, from, from->size < sizeof info ? from->size : sizeof info);
	if (!atomic_load(&i->opening)) {
		err_set(e, FEMS_EINVAL, "point() is only for open() and reload()");
		return 0;
	}
	if (!info.device || !info.quantity) {
		err_set(e, FEMS_EINVAL, "point() without device or quantity");
		return 0;
	}
	if (!instance_has_device(i, info.device)) {
		err_set(e, FEMS_EINVAL, "\"%.63s\" is no device of \"%s\"", info.device, i->name);
		return 0;
	}
	id = points_add(i->plugs->o.points, i->name, &info, e);
	if (id && !idset_add(&i->own, id)) {
		err_set(e, FEMS_ENOMEM, "out of memory");
		return 0;
	}
	return id;
}

static uint32_t h_point(void *ctx, const struct fems_point_info *info, struct fems_error *e)
{
	struct instance *i = ctx;
	uint32_t id = 0;

	if (!enter(i)) {
		gone(e);
		return 0;
	}
	id = point_add(i, info, e);
	leave(i);
	return id;
}

static uint32_t h_find(void *ctx, const char *name)
{
	struct instance *i = ctx;
	uint32_t id = 0;

	if (enter(i)) {
		id = points_find(i->plugs->o.points, name);
		leave(i);
	}
	return id;
}

/* A value that is no number reaches nobody as one: it becomes "not available". */
static void publish(struct instance *i, const struct fems_sample *s, size_t n)
{
	struct fems_sample good;
	size_t from = 0;

	for (size_t k = 0; k <= n; k++) {
		bool bad = k < n && !isfinite(s[k].value);

		if (k < n && !bad)
			continue;
		if (k > from) {
			points_note(i->plugs->o.points, s + from, k - from);
			bus_publish(i->plugs->o.bus, s + from, k - from);
		}
		from = k + 1;
		if (!bad)
			continue;
		good = s[k];
		good.value = 0;
		if ((good.quality & FEMS_Q_CLASS) <= FEMS_Q_UNCERTAIN) {
			good.quality = (good.quality & ~(uint32_t)FEMS_Q_CLASS) | FEMS_Q_NOT_AVAILABLE;
			if (!atomic_exchange(&i->nan_told, true))
				log_line(FEMS_LOG_WARN, i->name,
					 "emits values that are no numbers; they count as "
					 "not available");
		}
		points_note(i->plugs->o.points, &good, 1);
		bus_publish(i->plugs->o.bus, &good, 1);
	}
}

static enum fems_rc h_emit(void *ctx, const struct fems_sample *s, size_t n)
{
	struct instance *i = ctx;
	enum fems_rc rc = FEMS_OK;

	if (!enter(i))
		return FEMS_AGAIN;
	if (idset_stranger(&i->own, s, n))
		rc = FEMS_EINVAL;
	else if (n)
		publish(i, s, n);
	leave(i);
	return rc;
}

/* ---- devices ---- */

static void h_device_state(void *ctx, const char *device, enum fems_device_state state, const char *why)
{
	struct instance *i = ctx;

	if (!enter(i))
		return;
	if ((unsigned)state <= FEMS_DEV_OFFLINE && device && instance_has_device(i, device)) {
		if (device_set_state(i->plugs->o.points, i->name, device, state, why ? why : "",
				     clock_now_us()))
			plugs_device_notice(i->plugs, i, device);
	} else {
		log_line(FEMS_LOG_WARN, i->name, "tells the state of \"%.63s\", which is no device of it",
			 device ? device : "");
	}
	leave(i);
}

/* ---- messages ---- */

static enum fems_rc h_subscribe(void *ctx, const char *pattern, struct fems_error *e)
{
	struct instance *i = ctx;
	enum fems_rc rc;

	if (!enter(i))
		return gone(e);
	rc = atomic_load(&i->opening)
		     ? feed_subscribe(i, pattern, e)
		     : err_set(e, FEMS_EINVAL, "subscribe() is only for open() and reload()");
	leave(i);
	return rc;
}

static enum fems_rc h_publish(void *ctx, const char *topic, struct fems_span body)
{
	struct instance *i = ctx;
	enum fems_rc rc;
	json_t *o = NULL;

	if (!enter(i))
		return FEMS_AGAIN;
	rc = topic && *topic ? json_parse(body, &o, NULL) : FEMS_EINVAL;
	if (!rc && !json_is_object(o))
		rc = FEMS_EINVAL;
	json_decref(o);
	if (!rc)
		plugs_spread(i->plugs, i, topic, body.len ? body : fems_span_of("{}"));
	leave(i);
	return rc;
}

static enum fems_rc h_document(void *ctx, const char *type, const char *key, struct fems_span body,
			       struct fems_error *e)
{
	struct instance *i = ctx;
	const struct plug_hooks *h = &i->plugs->o.hooks;
	enum fems_rc rc;

	if (!enter(i))
		return gone(e);
	if (!type || !*type || !key || !*key)
		rc = err_set(e, FEMS_EINVAL, "a document needs a type and a key");
	else if (body.len > MAX_BODY)
		rc = err_set(e, FEMS_EINVAL, "document %.60s of %zu bytes: the limit is 8 MiB", type,
			     body.len);
	else if (!h->document)
		rc = err_set(e, FEMS_EUNSUP, "documents are not taken here");
	else
		rc = h->document(h->ctx, i->name, type, key, body, e);
	leave(i);
	return rc;
}

static enum fems_rc h_call(void *ctx, const char *name, struct fems_span request, fems_reply_fn reply,
			   void *reply_ctx, struct fems_error *e)
{
	struct instance *i = ctx;
	size_t own = strlen(i->name);
	enum fems_rc rc;

	if (!enter(i))
		return gone(e);
	if (!strncmp(name, i->name, own) && name[own] == '.')
		rc = err_set(e, FEMS_ECONFLICT, "plugin %s calls itself (%.60s)", i->name, name);
	else if (request.len > MAX_BODY)
		rc = err_set(e, FEMS_EINVAL, "request to %.60s of %zu bytes: the limit is 8 MiB", name,
			     request.len);
	else
		rc = service_call(i->plugs->o.services, name, request, reply, reply_ctx, e);
	leave(i);
	return rc;
}

static enum fems_rc h_command(void *ctx, const char *point, double value, const char *reason,
			      struct fems_error *e)
{
	struct instance *i = ctx;
	const struct plug_hooks *h = &i->plugs->o.hooks;
	enum fems_rc rc;

	if (!enter(i))
		return gone(e);
	rc = h->command ? h->command(h->ctx, i->name, point, value, reason ? reason : "", e)
			: err_set(e, FEMS_EUNSUP, "commands are not taken here");
	leave(i);
	return rc;
}

static const char *h_state_dir(void *ctx)
{
	return ((struct instance *)ctx)->state_dir;
}

static const char *h_instance(void *ctx)
{
	return ((struct instance *)ctx)->name;
}

void host_init(struct instance *i)
{
	i->host = (struct fems_host){
		.size = sizeof i->host,
		.abi_major = FEMS_ABI_MAJOR,
		.abi_minor = FEMS_ABI_MINOR,
		.ctx = i,
		.log = h_log,
		.now_us = h_now_us,
		.wait_until = h_wait_until,
		.point = h_point,
		.find = h_find,
		.emit = h_emit,
		.device_state = h_device_state,
		.subscribe = h_subscribe,
		.publish = h_publish,
		.document = h_document,
		.call = h_call,
		.command = h_command,
		.state_dir = h_state_dir,
		.instance = h_instance,
	};
}
