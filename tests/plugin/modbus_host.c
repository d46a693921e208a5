/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/plugin/modbus_host.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <fems/util.h>

#define MAX_POINTS  4000
#define MAX_SAMPLES 200000

struct seen_device {
	char name[64], why[300];
	enum fems_device_state state;
};

struct bench {
	struct fems_host host;
	struct modbus_cfg cfg;
	struct modbus_device_cfg *devices;
	void *self;
	pthread_mutex_t lock;
	atomic_bool stopping;
	char (*points)[96];
	uint32_t n_points;
	struct fems_sample *samples;
	size_t n_samples;
	struct seen_device seen[64];
	size_t n_seen;
};

const struct fems_plugin *modbus_plugin(void)
{
	static const struct fems_plugin *found;
	char path[600];
	const char *dir = getenv("top_builddir");
	void *so;

	if (found)
		return found;
	snprintf(path, sizeof path, "%s/meters/modbus/.libs/modbus.so", dir ? dir : ".");
	so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!so) {
		fprintf(stderr, "%s\n", dlerror());
		abort();
	}
	found = dlsym(so, "fems_plugin_1");
	return found;
}

void bench_rest_ms(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

/* ---- the host's functions ---- */

__attribute__((format(printf, 3, 4))) static void host_log(void *ctx, enum fems_level level, const char *fmt,
							   ...)
{
	va_list ap;

	(void)ctx;
	(void)level;
	fprintf(stderr, "# ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static int64_t host_now(void *ctx)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static enum fems_rc host_wait(void *ctx, int64_t t_us)
{
	struct bench *b = ctx;

	while (host_now(NULL) < t_us && !atomic_load(&b->stopping))
		bench_rest_ms(2);
	return atomic_load(&b->stopping) ? FEMS_AGAIN : FEMS_OK;
}

static uint32_t host_find(void *ctx, const char *name)
{
	struct bench *b = ctx;
	uint32_t id = 0;

	pthread_mutex_lock(&b->lock);
	for (uint32_t i = 0; !id && i < b->n_points; i++) {
		if (!strcmp(b->points[i], name))
			id = i + 1;
	}
	pthread_mutex_unlock(&b->lock);
	return id;
}

static uint32_t host_point(void *ctx, const struct fems_point_info *info, struct fems_error *e)
{
	struct bench *b = ctx;

	if (!strcmp(info->quantity, "no.such.quantity") || b->n_points == MAX_POINTS) {
		fems_fail(e, FEMS_EINVAL, "unknown quantity %s", info->quantity);
		return 0;
	}
	snprintf(b->points[b->n_points], sizeof *b->points, "%s/%s", info->device, info->quantity);
	return ++b->n_points;
}

static enum fems_rc host_emit(void *ctx, const struct fems_sample *s, size_t n)
{
	struct bench *b = ctx;

	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < n && b->n_samples < MAX_SAMPLES; i++)
		b->samples[b->n_samples++] = s[i];
	pthread_mutex_unlock(&b->lock);
	return FEMS_OK;
}

static void host_state(void *ctx, const char *device, enum fems_device_state state, const char *why)
{
	struct bench *b = ctx;
	size_t i = 0;

	pthread_mutex_lock(&b->lock);
	while (i < b->n_seen && strcmp(b->seen[i].name, device))
		i++;
	if (i < 64) {
		b->n_seen = i == b->n_seen ? i + 1 : b->n_seen;
		snprintf(b->seen[i].name, sizeof b->seen[i].name, "%s", device);
		snprintf(b->seen[i].why, sizeof b->seen[i].why, "%s", why ? why : "");
		b->seen[i].state = state;
	}
	pthread_mutex_unlock(&b->lock);
}

/* ---- instances ---- */

static void fill(struct modbus_device_cfg *out, const struct modbus_device_cfg *in, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		out[i] = in[i];
		out[i].timeout = in[i].timeout ? in[i].timeout : 500000;
	}
}

static const char *tree_profiles(void)
{
	static char path[600];
	const char *top = getenv("top_srcdir");

	snprintf(path, sizeof path, "%s/meters/profiles", top ? top : ".");
	return path;
}

enum fems_rc bench_check(const char *profiles, const struct modbus_device_cfg *devices, size_t n,
			 struct fems_error *e)
{
	struct modbus_cfg cfg = { 1000000, profiles ? profiles : tree_profiles() };
	struct modbus_device_cfg *d = calloc(n + 1, sizeof *d);
	struct fems_settings s = { sizeof s, &cfg, { d, n } };
	enum fems_rc rc;

	memset(e, 0, sizeof *e);
	fill(d, devices, n);
	rc = modbus_plugin()->life->check(&s, e);
	free(d);
	return rc;
}

struct bench *bench_start(const char *profiles, const struct modbus_device_cfg *devices, size_t n)
{
	struct bench *b = calloc(1, sizeof *b);
	struct fems_settings s = { .size = sizeof s };
	struct fems_error e = { .text = "" };

	b->host = (struct fems_host){ .size = sizeof b->host,
				      .abi_major = FEMS_ABI_MAJOR,
				      .ctx = b,
				      .log = host_log,
				      .now_us = host_now,
				      .wait_until = host_wait,
				      .point = host_point,
				      .find = host_find,
				      .emit = host_emit,
				      .device_state = host_state };
	b->cfg = (struct modbus_cfg){ 100000, profiles ? profiles : tree_profiles() };
	b->devices = calloc(n + 1, sizeof *b->devices);
	b->points = calloc(MAX_POINTS, sizeof *b->points);
	b->samples = calloc(MAX_SAMPLES, sizeof *b->samples);
	pthread_mutex_init(&b->lock, NULL);
	fill(b->devices, devices, n);
	s.cfg = &b->cfg;
	s.devices = (struct fems_list){ b->devices, n };
	if (modbus_plugin()->life->open(&b->host, &s, &b->self, &e) ||
	    modbus_plugin()->life->start(b->self, &e)) {
		fprintf(stderr, "# %s\n", e.text);
		abort();
	}
	return b;
}

int64_t bench_end(struct bench *b)
{
	int64_t begin = host_now(NULL), took;

	atomic_store(&b->stopping, true);
	modbus_plugin()->life->stop(b->self);
	took = host_now(NULL) - begin;
	modbus_plugin()->life->close(b->self);
	pthread_mutex_destroy(&b->lock);
	free(b->devices);
	free(b->points);
	free(b->samples);
	free(b);
	return took;
}

enum fems_rc bench_write(struct bench *b, const char *point, double value, int64_t budget_us,
			 struct fems_error *e)
{
	memset(e, 0, sizeof *e);
	return modbus_plugin()->meter->write(b->self, host_find(b, point), value, budget_us, e);
}

uint32_t bench_point(struct bench *b, const char *name)
{
	return host_find(b, name);
}

size_t bench_samples(struct bench *b, const char *point, struct fems_sample *out, size_t cap)
{
	uint32_t id = host_find(b, point);
	size_t n = 0;

	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < b->n_samples; i++) {
		if (b->samples[i].point != id)
			continue;
		if (n < cap)
			out[n] = b->samples[i];
		n++;
	}
	pthread_mutex_unlock(&b->lock);
	return n;
}

bool bench_last(struct bench *b, const char *point, struct fems_sample *out)
{
	uint32_t id = host_find(b, point);
	bool found = false;

	pthread_mutex_lock(&b->lock);
	for (size_t i = b->n_samples; !found && i > 0; i--) {
		found = b->samples[i - 1].point == id;
		if (found)
			*out = b->samples[i - 1];
	}
	pthread_mutex_unlock(&b->lock);
	return found;
}

enum fems_device_state bench_state(struct bench *b, const char *device, char *why, size_t cap)
{
	enum fems_device_state state = FEMS_DEV_UNKNOWN;

	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < b->n_seen; i++) {
		if (strcmp(b->seen[i].name, device))
			continue;
		state = b->seen[i].state;
		if (why)
			snprintf(why, cap, "%s", b->seen[i].why);
	}
	pthread_mutex_unlock(&b->lock);
	return state;
}

bool bench_wait_state(struct bench *b, const char *device, enum fems_device_state state)
{
	for (int i = 0; i < 1500; i++) {
		if (bench_state(b, device, NULL, 0) == state)
			return true;
		bench_rest_ms(10);
	}
	return false;
}

bool bench_wait_samples(struct bench *b, const char *point, size_t n)
{
	for (int i = 0; i < 1500; i++) {
		if (bench_samples(b, point, NULL, 0) >= n)
			return true;
		bench_rest_ms(10);
	}
	return false;
}
