/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of link.h: what TCP and serial lines share. For link*.c only.
 */
#ifndef MODBUS_LINK_ENGINE_H
#define MODBUS_LINK_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <modbus.h>
#include "meters/modbus/link.h"

struct link_request {
	int unit, fc;
	uint16_t addr, count;
	uint16_t *in;        /* fc 3, 4 */
	const uint16_t *out; /* fc 6, 16 */
	int64_t timeout_us;
};

struct link_engine {
	enum link_rc (*open)(struct link *, int64_t timeout_us, struct link_result *);
	enum link_rc (*request)(struct link *, const struct link_request *, struct link_result *);
};
extern const struct link_engine link_tcp, link_rtu;

struct link_doubt { /* a request whose reply may still come */
	int unit, fc;
	uint16_t count;
	int64_t since_us;
};

struct link {
	struct link_addr addr;
	char name[280];
	const struct link_engine *engine;
	modbus_t *mb;
	int fd;                  /* -1: not connected; changes under fd_lock */
	pthread_mutex_t fd_lock; /* so that link_stop() shuts down the right descriptor */
	int stop_fd;             /* eventfd, readable from link_stop() on */
	atomic_bool stopped;
	pthread_mutex_t lock; /* the token */
	pthread_cond_t freed;
	bool taken;
	unsigned urgent;
	int64_t retry_us, backoff_us; /* monotonic */
	unsigned seed;
	char down[200]; /* why the last attempt to connect failed */
	struct link_doubt doubts[8];
	unsigned n_doubts;
	atomic_uint_fast64_t strays;
};

enum link_rc link_fail(struct link_result *, enum link_rc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void link_drop(struct link *); /* closes the connection */
/* Waits for events on fd (or only for the time when fd is -1): LINK_OK, LINK_TIMEOUT, LINK_STOPPED. */
enum link_rc link_poll(struct link *, int fd, short events, int64_t until_us);
void link_set_response_timeout(struct link *, int64_t us);
/* Addresses of a host without blocking the stop; NULL: *text says why. Free with freeaddrinfo(). */
struct addrinfo;
struct addrinfo *link_resolve(struct link *, int64_t until_us, struct link_result *);

#endif
