/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/sim/plant.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/base/clock.h"

#define CLIENTS   256
#define FRAME_MAX 260

struct client {
	int fd, device;
	size_t have;
	uint8_t in[2 * FRAME_MAX];
};

struct plant_server {
	struct plant *plant;
	struct in_addr address;
	int epoll, base_port;
	int listener[PLANT_DEVICES];
	struct client client[CLIENTS];
};

/* epoll data: listeners are 0..PLANT_DEVICES-1, clients follow */
static bool watch(struct plant_server *s, int fd, uint32_t tag)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = tag };

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

static bool listen_on(struct plant_server *s, int device)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr = s->address,
				 .sin_port = htons((uint16_t)(s->base_port + device)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 16) || !watch(s, fd, (uint32_t)device)) {
		fprintf(stderr, "fems-plant: port %d for meter \"%s\": %s\n", s->base_port + device,
			s->plant->dev[device].name, strerror(errno));
		close(fd);
		return false;
	}
	s->listener[device] = fd;
	return true;
}

struct plant_server *plant_server_open(struct plant *p, const char *address, int base_port)
{
	struct plant_server *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->plant = p;
	s->base_port = base_port;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < PLANT_DEVICES; i++)
		s->listener[i] = -1;
	for (int i = 0; i < CLIENTS; i++)
		s->client[i].fd = -1;
	if (s->epoll < 0 || inet_pton(AF_INET, address, &s->address) != 1) {
		fprintf(stderr, "fems-plant: cannot listen on \"%s\"\n", address);
		plant_server_close(s);
		return NULL;
	}
	for (int i = 0; i < p->n; i++)
		if (!listen_on(s, i)) {
			plant_server_close(s);
			return NULL;
		}
	return s;
}

static void drop(struct client *c)
{
	close(c->fd);
	c->fd = -1;
}

static void accept_one(struct plant_server *s, int device)
{
	int fd = accept4(s->listener[device], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	for (int i = 0; i < CLIENTS; i++)
		if (s->client[i].fd < 0 && watch(s, fd, (uint32_t)(PLANT_DEVICES + i))) {
			s->client[i] = (struct client){ .fd = fd, .device = device };
			return;
		}
	close(fd);
}

static unsigned be16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static size_t read_reply(struct plant_server *s, int device, const uint8_t *q, uint8_t *pdu, int *exception)
{
	int count = (int)be16(q + 10);
	uint16_t regs[125];

	if (count < 1 || count > 125) {
		*exception = 3;
		return 0;
	}
	*exception = plant_read(s->plant, device, q[6], q[7], (int)be16(q + 8), count, regs);
	pdu[1] = (uint8_t)(2 * count);
	for (int i = 0; i < count; i++)
		put16(pdu + 2 + 2 * i, regs[i]);
	return 2 + 2 * (size_t)count;
}

static size_t write_reply(struct plant_server *s, int device, const uint8_t *q, size_t len, uint8_t *pdu,
			  int *exception)
{
	int count = q[7] == 6 ? 1 : (int)be16(q + 10);
	const uint8_t *data = q[7] == 6 ? q + 10 : q + 13;
	uint16_t regs[123];

	if (count < 1 || count > 123 || (size_t)(data - q) + 2 * (size_t)count > len) {
		*exception = 3;
		return 0;
	}
	for (int i = 0; i < count; i++)
		regs[i] = (uint16_t)be16(data + 2 * i);
	*exception = plant_write(s->plant, device, q[6], (int)be16(q + 8), count, regs);
	memcpy(pdu + 1, q + 8, 4);
	return 5;
}

/* q: a whole frame of len bytes. */
static void answer(struct plant_server *s, struct client *c, const uint8_t *q, size_t len)
{
	uint8_t out[FRAME_MAX], *pdu = out + 7;
	int exception = 1;
	size_t n = 0;

	plant_run(s->plant, clock_now_us(), 1);
	memcpy(out, q, 7);
	pdu[0] = q[7];
	if (len >= 12 && (q[7] == 3 || q[7] == 4))
		n = read_reply(s, c->device, q, pdu, &exception);
	else if (len >= 12 && (q[7] == 6 || q[7] == 16))
		n = write_reply(s, c->device, q, len, pdu, &exception);
	if (exception) {
		pdu[0] |= 0x80;
		pdu[1] = (uint8_t)exception;
		n = 2;
	}
	put16(out + 4, (unsigned)n + 1);
	if (send(c->fd, out, 7 + n, MSG_NOSIGNAL) != (ssize_t)(7 + n))
		drop(c);
}

static void serve(struct plant_server *s, struct client *c)
{
	ssize_t n = recv(c->fd, c->in + c->have, sizeof c->in - c->have, 0);

	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			drop(c);
		return;
	}
	c->have += (size_t)n;
	while (c->fd >= 0 && c->have >= 8) {
		size_t len = 6 + be16(c->in + 4);

		if (be16(c->in + 2) != 0 || len < 8 || len > FRAME_MAX) {
			drop(c);
			return;
		}
		if (c->have < len)
			return;
		answer(s, c, c->in, len);
		c->have -= len;
		memmove(c->in, c->in + len, c->have);
	}
}

void plant_server_poll(struct plant_server *s, int wait_ms)
{
	struct epoll_event ev[64];
	int n = epoll_wait(s->epoll, ev, 64, wait_ms);

	for (int i = 0; i < n; i++) {
		uint32_t tag = ev[i].data.u32;

		if (tag < PLANT_DEVICES)
			accept_one(s, (int)tag);
		else if (s->client[tag - PLANT_DEVICES].fd >= 0)
			serve(s, &s->client[tag - PLANT_DEVICES]);
	}
}

void plant_server_plug(struct plant_server *s, int device, bool in)
{
	s->plant->dev[device].unplugged = !in;
	if (in && s->listener[device] < 0)
		listen_on(s, device);
	if (in || s->listener[device] < 0)
		return;
	close(s->listener[device]);
	s->listener[device] = -1;
	for (int i = 0; i < CLIENTS; i++)
		if (s->client[i].fd >= 0 && s->client[i].device == device)
			drop(&s->client[i]);
}

void plant_server_close(struct plant_server *s)
{
	for (int i = 0; i < PLANT_DEVICES; i++)
		if (s->listener[i] >= 0)
			close(s->listener[i]);
	for (int i = 0; i < CLIENTS; i++)
		if (s->client[i].fd >= 0)
			close(s->client[i].fd);
	if (s->epoll >= 0)
		close(s->epoll);
	free(s);
}
