/* SPDX-License-Identifier: Apache-2.0
 *
 * The plugin "web": settings, life, and what it hears from the bus and from others.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <fems/plugin.h>
#include <fems/util.h>
#include "plugins/web/files.h"
#include "plugins/web/hub.h"
#include "plugins/web/listen.h"
#include "plugins/web/pool.h"
#include "plugins/web/power.h"
#include "plugins/web/server.h"
#include "plugins/web/settings.h"

#define THREADS         3      /* that wait for services */
#define MAX_WAITING     64     /* calls in the line before "busy" */
#define RESERVED        16     /* connections that live pages may not take */
#define BEAT_US         250000 /* "demand" at most this often */
#define BEATS_PER_POWER 4      /* "power" every second */
#define BEATS_PER_NAMES 8
#define STOP_US         700000 /* stop() has one second in all */

struct web {
	const struct fems_host *host;
	struct web_settings cfg;
	struct listen_addr addr;
	char own_name[80];
	int fd;
	struct files *files;
	struct hub *hub;
	struct pool *pool;
	struct power *power;
	struct server *server;
	pthread_t ticker;
	bool ticking;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	bool stopping, naming;
	char *demand; /* waits for its turn */
	int64_t demand_us;
};

static const char *const languages[] = { "auto", "ko", "en", NULL };

static const struct fems_key keys[] = {
	FEMS_STR(struct web_settings, listen, "127.0.0.1:8080",
		 "address and port of the page; port 0 takes any free one"),
	FEMS_PATH(struct web_settings, root, FEMS_WEB_ROOT, "directory of the page's files"),
	FEMS_STRLIST(struct web_settings, hosts, "",
		     "further names under which browsers reach the page, such as fems.factory.example"),
	FEMS_INT(struct web_settings, max_connections, "256", 32, 4096, NULL, "connections at the same time"),
	FEMS_INT(struct web_settings, max_per_address, "64", 8, 4096, NULL,
		 "connections from one address at the same time; raise it behind a proxy"),
	FEMS_ENUM(struct web_settings, language, "auto", languages,
		  "language the page begins with; auto: that of the site"),
	FEMS_BOOL(struct web_settings, open_without_login, "false",
		  "listen on an address that others can reach, although there is no login"),
	FEMS_KEYS_END
};

static int64_t monotonic_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- events ---- */

/* Publishes the demand that waits, when its turn has come. With the lock held. */
static void flush_demand(struct web *w, int64_t now_us)
{
	if (!w->demand || now_us - w->demand_us < BEAT_US)
		return;
	hub_publish(w->hub, HUB_DEMAND, fems_span_of(w->demand));
	free(w->demand);
	w->demand = NULL;
	w->demand_us = now_us;
}

static enum fems_rc on_demand(struct web *w, struct fems_span body)
{
	char *copy = strndup(body.ptr, body.len);

	if (!copy)
		return FEMS_ENOMEM;
	pthread_mutex_lock(&w->lock);
	free(w->demand);
	w->demand = copy;
	flush_demand(w, monotonic_us());
	pthread_mutex_unlock(&w->lock);
	return FEMS_OK;
}

static void publish_power(struct web *w)
{
	char *text = power_json(w->power, w->host->now_us(w->host->ctx));

	if (text)
		hub_publish(w->hub, HUB_POWER, fems_span_of(text));
	free(text);
}

static void on_names(void *ctx, enum fems_rc rc, const char *reply, size_t len)
{
	struct web *w = ctx;

	if (rc == FEMS_OK && reply)
		power_set_names(w->power, w->host, reply, len);
	pthread_mutex_lock(&w->lock);
	w->naming = false;
	pthread_mutex_unlock(&w->lock);
}

/* Asks for the names of the meters when there is an unknown point. */
static void fetch_names(struct web *w)
{
	bool busy;

	pthread_mutex_lock(&w->lock);
	busy = w->naming || !power_wants_names(w->power);
	w->naming = w->naming || !busy;
	pthread_mutex_unlock(&w->lock);
	if (!busy && !pool_call_quietly(w->pool, "meters.list", on_names, w))
		on_names(w, FEMS_AGAIN, NULL, 0);
}

static bool wait_beat(struct web *w, int64_t until_us)
{
	struct timespec t = { until_us / 1000000, until_us % 1000000 * 1000 };

	pthread_mutex_lock(&w->lock);
	while (!w->stopping && pthread_cond_timedwait(&w->wake, &w->lock, &t) != ETIMEDOUT)
		;
	if (!w->stopping)
		flush_demand(w, monotonic_us());
	bool go_on = !w->stopping;
	pthread_mutex_unlock(&w->lock);
	return go_on;
}

static void *tick_thread(void *arg)
{
	struct web *w = arg;
	int64_t next = monotonic_us();

	for (unsigned beat = 0; wait_beat(w, next); beat++) {
		int64_t now = monotonic_us();

		if (beat % BEATS_PER_NAMES == 0)
			fetch_names(w);
		if (beat % BEATS_PER_POWER == 0)
			publish_power(w);
		next = next + BEAT_US > now ? next + BEAT_US : now + BEAT_US;
	}
	return NULL;
}

static enum fems_rc web_feed(void *self, const struct fems_sample *s, size_t n, uint64_t lost)
{
	struct web *w = self;

	(void)lost; /* the next value of each meter stands for the ones missed */
	return power_feed(w->power, s, n);
}

static enum fems_rc web_notice(void *self, const char *topic, struct fems_span body)
{
	struct web *w = self;
	enum hub_type type = hub_type_of(topic);

	switch (type) {
	case HUB_TYPES:
	case HUB_POWER: /* ours alone */
		return FEMS_OK;
	case HUB_DEMAND:
		return on_demand(w, body);
	case HUB_METER:
		power_meter_notice(w->power, body);
		/* fall through */
	default:
		return hub_publish(w->hub, type, body);
	}
}

/* ---- life ---- */

static enum fems_rc web_check(const struct fems_settings *s, struct fems_error *e)
{
	const struct web_settings *cfg = s->cfg;
	struct listen_addr addr;
	enum fems_rc rc = listen_parse(cfg->listen, &addr, e);

	if (rc != FEMS_OK)
		return rc;
	if (!addr.loopback && !cfg->open_without_login)
		return fems_bad_setting(
			e, "listen",
			"%s can be reached by others and the page has no login; listen on 127.0.0.1, "
			"or say \"open_without_login: true\" when only trusted people reach this network",
			cfg->listen);
	return FEMS_OK;
}

static struct web *web_new(const struct fems_host *host, const struct web_settings *cfg)
{
	struct web *w = calloc(1, sizeof *w);
	pthread_condattr_t attr;

	if (!w)
		return NULL;
	w->host = host;
	w->cfg = *cfg;
	w->fd = -1;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_condattr_destroy(&attr);
	return w;
}

/* The address for people and scripts: "http://127.0.0.1:40123/". */
static enum fems_rc tell_address(struct web *w, struct fems_error *e)
{
	const struct fems_host *host = w->host;
	char text[100], file[4096], temp[4104], url[120];
	int fd, n;
	bool ok;

	listen_format(&w->addr, text, sizeof text);
	snprintf(w->own_name, sizeof w->own_name, "%.*s", (int)(strrchr(text, ':') - text), text);
	n = snprintf(url, sizeof url, "http://%s/\n", text);
	if (snprintf(file, sizeof file, "%s/address", host->state_dir(host->ctx)) >= (int)sizeof file)
		return fems_fail(e, FEMS_EINVAL, "the path of the state directory is too long");
	snprintf(temp, sizeof temp, "%s.new", file);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ok = fd >= 0 && write(fd, url, (size_t)n) == n;
	if (fd >= 0)
		ok = close(fd) == 0 && ok;
	if (!ok || rename(temp, file) != 0)
		return fems_fail(e, FEMS_EIO,
				 "cannot write %s: %s; check the disk and the rights of the directory", file,
				 strerror(errno));
	host->log(host->ctx, FEMS_LOG_INFO, "the page is at http://%s/", text);
	return FEMS_OK;
}

static enum fems_rc web_open(const struct fems_host *host, const struct fems_settings *s, void **self,
			     struct fems_error *e)
{
	struct web *w = web_new(host, s->cfg);
	struct listen_addr want;
	struct timespec t;
	enum fems_rc rc;

	*self = w;
	if (!w)
		return fems_fail(e, FEMS_ENOMEM, "out of memory");
	clock_gettime(CLOCK_REALTIME, &t);
	w->hub = hub_new((size_t)w->cfg.max_connections - RESERVED,
			 (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000);
	w->power = power_new();
	if (!w->hub || !w->power)
		return fems_fail(e, FEMS_ENOMEM, "out of memory");
	rc = web_check(s, e);
	if (rc == FEMS_OK)
		rc = files_open(w->cfg.root, &w->files, e);
	if (rc == FEMS_OK)
		rc = host->subscribe(host->ctx, "*/power.active", e);
	if (rc == FEMS_OK)
		rc = listen_parse(w->cfg.listen, &want, e);
	if (rc == FEMS_OK && (w->fd = listen_open(&want, &w->addr, e)) < 0)
		rc = FEMS_EINVAL;
	return rc == FEMS_OK ? tell_address(w, e) : rc;
}

static enum fems_rc web_start(void *self, struct fems_error *e)
{
	struct web *w = self;
	struct server_parts parts = { w->host, &w->cfg, w->files, w->hub, NULL, w->own_name };
	enum fems_rc rc;
	int fd = w->fd;

	if (!w->addr.loopback)
		w->host->log(w->host->ctx, FEMS_LOG_WARN,
			     "anybody who reaches %s can see the page and start plans: there is no login "
			     "(open_without_login is true)",
			     w->cfg.listen);
	w->pool = parts.pool = pool_new(w->host, THREADS, MAX_WAITING);
	if (!w->pool)
		return fems_fail(e, FEMS_EIO, "cannot start threads: %s", strerror(errno));
	w->fd = -1;
	rc = server_start(&parts, fd, &w->server, e);
	if (rc != FEMS_OK)
		return rc;
	w->ticking = pthread_create(&w->ticker, NULL, tick_thread, w) == 0;
	return w->ticking ? FEMS_OK : fems_fail(e, FEMS_EIO, "cannot start a thread");
}

static void web_stop(void *self)
{
	struct web *w = self;

	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	if (w->ticking)
		pthread_join(w->ticker, NULL);
	w->ticking = false;
	hub_stop(w->hub);
	if (w->pool)
		pool_stop(w->pool);
	server_stop(w->server);
	w->server = NULL;
	if (w->pool && !pool_wait(w->pool, STOP_US))
		w->host->log(w->host->ctx, FEMS_LOG_WARN,
			     "a service has not answered yet; closing will wait for it");
}

static void web_close(void *self)
{
	struct web *w = self;

	if (w->server || w->ticking)
		web_stop(w);
	pool_free(w->pool);
	files_free(w->files);
	hub_free(w->hub);
	power_free(w->power);
	if (w->fd >= 0)
		close(w->fd);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w->demand);
	free(w);
}

static const struct fems_life life = {
	.size = sizeof life,
	.check = web_check,
	.open = web_open,
	.start = web_start,
	.stop = web_stop,
	.close = web_close,
};

static const struct fems_analysis_ops analysis = {
	.size = sizeof analysis,
	.feed = web_feed,
	.notice = web_notice,
};

FEMS_PLUGIN("web", VERSION, FEMS_ANALYSIS | FEMS_SERVICE, .grade = FEMS_BETA, .license = "Apache-2.0",
	    .summary = "the page, its JSON interface and live events", .keys = keys,
	    .cfg_size = sizeof(struct web_settings), .life = &life, .analysis = &analysis);
