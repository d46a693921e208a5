/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "meters/modbus/link_engine.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static void set_options(int fd)
{
	int one = 1;

	/* Failure of any of these costs latency, not correctness. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
}

/* 0, or an errno; -1: stopping. */
static int connect_one(struct link *l, const struct addrinfo *a, int64_t until_us, int *out)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	int err = 0;
	socklen_t len = sizeof err;
	enum link_rc rc;

	if (fd < 0)
		return errno;
	if (fd >= FD_SETSIZE) {
		close(fd);
		return EMFILE;
	}
	set_options(fd);
	if (connect(fd, a->ai_addr, a->ai_addrlen)) {
		err = errno;
		if (err == EINPROGRESS) {
			rc = link_poll(l, fd, POLLOUT, until_us);
			if (rc != LINK_OK)
				err = rc == LINK_STOPPED ? -1 : ETIMEDOUT;
			else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
				err = errno;
		}
	}
	if (err)
		close(fd);
	else
		*out = fd;
	return err;
}

static enum link_rc open_failed(struct link *l, int err, struct link_result *r)
{
	switch (err) {
	case -1:
		return LINK_STOPPED;
	case ECONNREFUSED:
		return link_fail(
			r, LINK_DOWN,
			"%s refuses the connection: are address and port right, is Modbus TCP switched "
			"on in the meter, is another master holding its only connection?",
			l->name);
	case EMFILE:
		return link_fail(r, LINK_DOWN,
				 "no descriptor below %d is left for %s: read fewer meters from one process",
				 FD_SETSIZE, l->name);
	default:
		return link_fail(
			r, LINK_DOWN,
			"%s cannot be reached (%s): is the meter powered, the cable in, the address right?",
			l->name, strerror(err));
	}
}

static enum link_rc tcp_open(struct link *l, int64_t timeout_us, struct link_result *r)
{
	int64_t until = link_mono_us() + timeout_us;
	struct addrinfo *list = link_resolve(l, link_mono_us() + 5000000, r);
	int err = EADDRNOTAVAIL, fd = -1;

	if (!list)
		return atomic_load(&l->stopped) ? LINK_STOPPED : LINK_DOWN;
	if (until < link_mono_us() + timeout_us / 2)
		until = link_mono_us() + timeout_us; /* the name server took its share */
	for (struct addrinfo *a = list; a && err; a = a->ai_next) {
		err = connect_one(l, a, until, &fd);
		if (err == -1)
			break;
	}
	freeaddrinfo(list);
	if (err)
		return open_failed(l, err, r);
	pthread_mutex_lock(&l->fd_lock);
	l->fd = fd;
	modbus_set_socket(l->mb, fd);
	pthread_mutex_unlock(&l->fd_lock);
	return LINK_OK;
}

/* Between requests nothing may wait in the stream: bytes there are a reply that nobody asked for, the
 * end of the stream is a peer that closed an idle connection. Both are cured by a new connection. */
static enum link_rc fresh_stream(struct link *l, int64_t timeout_us, struct link_result *r)
{
	char byte;
	ssize_t n = recv(l->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return LINK_OK;
	if (n > 0)
		atomic_fetch_add(&l->strays, 1);
	link_drop(l);
	return tcp_open(l, timeout_us, r);
}

static int exchange(struct link *l, const struct link_request *q)
{
	if (modbus_set_slave(l->mb, q->unit))
		return -1;
	switch (q->fc) {
	case 3:
		return modbus_read_registers(l->mb, q->addr, q->count, q->in);
	case 4:
		return modbus_read_input_registers(l->mb, q->addr, q->count, q->in);
	case 6:
		return modbus_write_register(l->mb, q->addr, q->out[0]);
	default:
		return modbus_write_registers(l->mb, q->addr, q->count, q->out);
	}
}

static enum link_rc tcp_request(struct link *l, const struct link_request *q, struct link_result *r)
{
	enum link_rc rc = fresh_stream(l, q->timeout_us, r);
	int err;

	if (rc != LINK_OK)
		return rc;
	link_set_response_timeout(l, q->timeout_us);
	errno = 0;
	if (exchange(l, q) == q->count)
		return LINK_OK;
	err = errno;
	if (err > MODBUS_ENOBASE && err <= EMBXGTAR) {
		r->exception = err - MODBUS_ENOBASE;
		return link_fail(r, LINK_EXCEPTION, "exception %d (%s)", r->exception,
				 link_exception_name(r->exception));
	}
	link_drop(l);
	if (err == ETIMEDOUT || err == EINPROGRESS)
		return link_fail(r, LINK_TIMEOUT, "no answer from %s unit %d", l->name, q->unit);
	return link_fail(r, LINK_DOWN, "%s unit %d: %s; the connection was closed and is made anew", l->name,
			 q->unit,
			 err > MODBUS_ENOBASE ? "an answer that does not fit the request" : strerror(err));
}

const struct link_engine link_tcp = { tcp_open, tcp_request };
