/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "meters/modbus/link_engine.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BACKOFF_FIRST_US 1000000
#define BACKOFF_LAST_US  60000000

int64_t link_mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

const char *link_exception_name(int code)
{
	static const char *const names[] = {
		[1] = "illegal function",
		[2] = "illegal data address",
		[3] = "illegal data value",
		[4] = "device failure",
		[5] = "acknowledge, later",
		[6] = "device busy",
		[8] = "memory parity error",
		[10] = "gateway path unavailable",
		[11] = "gateway target does not respond",
	};

	return code > 0 && (size_t)code < sizeof names / sizeof *names && names[code] ? names[code]
										      : "unknown";
}

enum link_rc link_fail(struct link_result *r, enum link_rc rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->text, sizeof r->text, fmt, ap);
	va_end(ap);
	return rc;
}

/* ---- life ---- */

static modbus_t *new_context(const struct link_addr *a)
{
	/* TCP sockets are opened by us; the address given here is never used. */
	modbus_t *mb = a->serial ? modbus_new_rtu(a->host, a->baud, a->parity, 8, a->stop)
				 : modbus_new_tcp("127.0.0.1", 502);

	if (!mb)
		return NULL;
	modbus_set_error_recovery(mb, MODBUS_ERROR_RECOVERY_NONE);
	modbus_set_byte_timeout(mb, 0, 0); /* the response timeout then covers the whole reply */
	return mb;
}

struct link *link_new(const struct link_addr *a)
{
	pthread_condattr_t attr;
	struct link *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->addr = *a;
	l->fd = -1;
	l->engine = a->serial ? &link_rtu : &link_tcp;
	if (a->serial)
		snprintf(l->name, sizeof l->name, "%s", a->host);
	else
		snprintf(l->name, sizeof l->name, strchr(a->host, ':') ? "[%s]:%d" : "%s:%d", a->host,
			 a->port);
	l->mb = new_context(a);
	l->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->seed = (unsigned)link_mono_us() ^ (unsigned)(uintptr_t)l;
	pthread_mutex_init(&l->lock, NULL);
	pthread_mutex_init(&l->fd_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->freed, &attr);
	pthread_condattr_destroy(&attr);
	if (l->mb && l->stop_fd >= 0)
		return l;
	link_free(l);
	return NULL;
}

void link_free(struct link *l)
{
	if (!l)
		return;
	link_drop(l);
	if (l->mb)
		modbus_free(l->mb);
	if (l->stop_fd >= 0)
		close(l->stop_fd);
	pthread_cond_destroy(&l->freed);
	pthread_mutex_destroy(&l->fd_lock);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

const char *link_name(const struct link *l)
{
	return l->name;
}

uint64_t link_strays(const struct link *l)
{
	return atomic_load(&l->strays);
}

void link_stop(struct link *l)
{
	uint64_t one = 1;

	atomic_store(&l->stopped, true);
	while (write(l->stop_fd, &one, sizeof one) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&l->fd_lock);
	if (l->fd >= 0 && !l->addr.serial)
		shutdown(l->fd, SHUT_RDWR); /* ends a wait inside libmodbus */
	pthread_mutex_unlock(&l->fd_lock);
	pthread_mutex_lock(&l->lock);
	pthread_cond_broadcast(&l->freed);
	pthread_mutex_unlock(&l->lock);
}

void link_drop(struct link *l)
{
	pthread_mutex_lock(&l->fd_lock);
	if (l->fd >= 0)
		modbus_close(l->mb);
	l->fd = -1;
	pthread_mutex_unlock(&l->fd_lock);
}

/* ---- the token ---- */

static struct timespec absolute(int64_t us)
{
	return (struct timespec){ .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };
}

bool link_take(struct link *l, bool urgent, int64_t budget_us)
{
	struct timespec until = absolute(link_mono_us() + budget_us);
	bool got;
	int rc = 0;

	pthread_mutex_lock(&l->lock);
	l->urgent += urgent;
	while ((l->taken || (l->urgent && !urgent)) && !atomic_load(&l->stopped) && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&l->freed, &l->lock, &until);
	got = !l->taken && (urgent || !l->urgent) && !atomic_load(&l->stopped);
	l->urgent -= urgent;
	if (got)
		l->taken = true;
	else if (urgent)
		pthread_cond_broadcast(&l->freed);
	pthread_mutex_unlock(&l->lock);
	return got;
}

void link_give(struct link *l)
{
	pthread_mutex_lock(&l->lock);
	l->taken = false;
	pthread_cond_broadcast(&l->freed);
	pthread_mutex_unlock(&l->lock);
}

/* ---- waiting ---- */

enum link_rc link_poll(struct link *l, int fd, short events, int64_t until_us)
{
	struct pollfd p[2] = { { .fd = l->stop_fd, .events = POLLIN }, { .fd = fd, .events = events } };

	for (;;) {
		int64_t left = until_us - link_mono_us();
		int n = poll(p, 2, left > 0 ? (int)((left + 999) / 1000) : 0);

		if (atomic_load(&l->stopped))
			return LINK_STOPPED;
		if (n > 0 && p[1].revents)
			return LINK_OK;
		if (left <= 0)
			return LINK_TIMEOUT;
	}
}

void link_rest(struct link *l, int64_t us)
{
	link_poll(l, -1, 0, link_mono_us() + us);
}

void link_set_response_timeout(struct link *l, int64_t us)
{
	us = us < 1000 ? 1000 : us; /* libmodbus refuses 0 */
	modbus_set_response_timeout(l->mb, (uint32_t)(us / 1000000), (uint32_t)(us % 1000000));
}

/* ---- requests ---- */

static void back_off(struct link *l)
{
	l->backoff_us = l->backoff_us ? l->backoff_us * 2 : BACKOFF_FIRST_US;
	if (l->backoff_us > BACKOFF_LAST_US)
		l->backoff_us = BACKOFF_LAST_US;
	/* plus or minus a quarter, so that many links do not knock at once after a power cut */
	l->retry_us = link_mono_us() + l->backoff_us * 3 / 4 +
		      (int64_t)((double)rand_r(&l->seed) / RAND_MAX * (double)l->backoff_us / 2);
}

static enum link_rc connected(struct link *l, int64_t timeout_us, struct link_result *r)
{
	enum link_rc rc;
	int64_t left = l->retry_us - link_mono_us();

	if (l->fd >= 0)
		return LINK_OK;
	if (l->backoff_us && left > 0) {
		r->unreachable = true;
		return link_fail(r, LINK_DOWN, "%s Next attempt in %lld s.", l->down,
				 (long long)(left + 999999) / 1000000);
	}
	rc = l->engine->open(l, timeout_us, r);
	if (rc == LINK_OK) {
		l->backoff_us = 0;
	} else if (rc != LINK_STOPPED) {
		back_off(l);
		r->unreachable = true;
		snprintf(l->down, sizeof l->down, "%.199s", r->text);
	}
	return rc;
}

static enum link_rc request(struct link *l, const struct link_request *q, struct link_result *r)
{
	enum link_rc rc;

	memset(r, 0, sizeof *r);
	if (atomic_load(&l->stopped))
		return LINK_STOPPED;
	rc = connected(l, q->timeout_us, r);
	if (rc == LINK_OK)
		rc = l->engine->request(l, q, r);
	return atomic_load(&l->stopped) ? LINK_STOPPED : rc;
}

enum link_rc link_read(struct link *l, int unit, int fc, uint16_t addr, uint16_t count, int64_t timeout_us,
		       uint16_t *out, struct link_result *r)
{
	struct link_request q = { unit, fc, addr, count, out, NULL, timeout_us };

	return request(l, &q, r);
}

enum link_rc link_write(struct link *l, int unit, uint16_t addr, uint16_t count, const uint16_t *words,
			int64_t timeout_us, struct link_result *r)
{
	struct link_request q = { unit, count == 1 ? 6 : 16, addr, count, NULL, words, timeout_us };

	return request(l, &q, r);
}
