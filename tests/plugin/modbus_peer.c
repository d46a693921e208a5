/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/plugin/modbus_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <modbus.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static void rest_ms(struct peer *p, int ms)
{
	struct timespec t = { 0, 5000000 };

	for (; ms > 0 && !atomic_load(&p->stop); ms -= 5)
		nanosleep(&t, NULL);
}

static bool refused(const struct peer *p, int fc, int addr, int count)
{
	int bad = atomic_load(&p->forbidden);

	return (fc == 3 || fc == 4) && bad >= addr && bad < addr + count;
}

/* ---- TCP, on libmodbus ---- */

static bool answer_tcp(struct peer *p, modbus_t *mb, int fd)
{
	modbus_mapping_t map = { .nb_registers = 65536,
				 .nb_input_registers = 65536,
				 .tab_registers = p->regs,
				 .tab_input_registers = p->regs };
	uint8_t q[MODBUS_TCP_MAX_ADU_LENGTH];
	uint16_t before;
	int n, addr, count;

	modbus_set_socket(mb, fd);
	n = modbus_receive(mb, q);
	if (n < 0)
		return false;
	if (n == 0)
		return true;
	atomic_fetch_add(&p->requests, 1);
	if (atomic_load(&p->mute) || q[6] == atomic_load(&p->silent_unit))
		return true;
	rest_ms(p, atomic_exchange(&p->late_ms, 0));
	addr = q[8] << 8 | q[9];
	count = q[10] << 8 | q[11];
	pthread_mutex_lock(&p->lock);
	before = p->regs[addr];
	if (refused(p, q[7], addr, count))
		n = modbus_reply_exception(mb, q, MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS);
	else
		n = modbus_reply(mb, q, n, &map);
	if (q[7] == 6 || q[7] == 16) {
		atomic_fetch_add(&p->writes, 1);
		if (atomic_load(&p->deaf_to_writes))
			p->regs[addr] = before;
	}
	pthread_mutex_unlock(&p->lock);
	return n >= 0;
}

static void *tcp_thread(void *arg)
{
	struct peer *p = arg;
	modbus_t *mb = modbus_new_tcp("127.0.0.1", 502);
	int fds[32], n = 0;

	modbus_set_indication_timeout(mb, 0, 200000);
	while (!atomic_load(&p->stop)) {
		struct pollfd w[33] = { { .fd = p->fd, .events = POLLIN } };
		int count = n;

		for (int i = 0; i < n; i++)
			w[i + 1] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
		if (poll(w, (nfds_t)(n + 1), 20) <= 0)
			continue;
		if (w[0].revents && n < 32)
			fds[n++] = accept(p->fd, NULL, NULL);
		for (int i = count - 1; i >= 0; i--) {
			if (!w[i + 1].revents || answer_tcp(p, mb, fds[i]))
				continue;
			close(fds[i]);
			fds[i] = fds[--n];
		}
	}
	for (int i = 0; i < n; i++)
		close(fds[i]);
	modbus_set_socket(mb, -1);
	modbus_free(mb);
	return NULL;
}

static struct peer *new_peer(void)
{
	struct peer *p = calloc(1, sizeof *p);

	if (!p)
		abort();
	p->far = -1;
	pthread_mutex_init(&p->lock, NULL);
	atomic_store(&p->forbidden, -1);
	atomic_store(&p->silent_unit, -1);
	return p;
}

static void begin(struct peer *p, void *(*fn)(void *))
{
	if (pthread_create(&p->thread, NULL, fn, p))
		abort();
}

struct peer *peer_tcp(int port)
{
	struct peer *p = new_peer();
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	socklen_t len = sizeof a;
	int one = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(p->fd, (struct sockaddr *)&a, sizeof a) || listen(p->fd, 8) ||
	    getsockname(p->fd, (struct sockaddr *)&a, &len))
		abort();
	p->port = ntohs(a.sin_port);
	begin(p, tcp_thread);
	return p;
}

/* ---- serial, framed here: libmodbus has no late slave ---- */

static uint16_t crc16(const uint8_t *b, int n)
{
	uint16_t crc = 0xffff;

	for (int i = 0; i < n; i++) {
		crc ^= b[i];
		for (int k = 0; k < 8; k++)
			crc = (uint16_t)(crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1);
	}
	return crc;
}

static void answer_serial(struct peer *p, const uint8_t *q)
{
	uint8_t a[260] = { q[0], q[1] };
	int addr = q[2] << 8 | q[3], count = q[4] << 8 | q[5], n = 3;
	uint16_t crc;

	atomic_fetch_add(&p->requests, 1);
	if (atomic_load(&p->mute) || q[0] == atomic_load(&p->silent_unit))
		return;
	pthread_mutex_lock(&p->lock);
	if (q[1] == 6) {
		p->regs[addr] = (uint16_t)count;
		memcpy(a, q, 6);
		n = 6;
	} else if (refused(p, q[1], addr, count)) {
		a[1] |= 0x80;
		a[2] = 2;
	} else {
		a[2] = (uint8_t)(2 * count);
		for (int i = 0; i < count; i++) {
			a[n++] = (uint8_t)(p->regs[addr + i] >> 8);
			a[n++] = (uint8_t)p->regs[addr + i];
		}
	}
	pthread_mutex_unlock(&p->lock);
	crc = crc16(a, n);
	a[n++] = (uint8_t)crc;
	a[n++] = (uint8_t)(crc >> 8);
	if (write(p->fd, a, (size_t)n) != n)
		abort();
}

/* First in, first out: while it is busy requests wait in the terminal's buffer, as in a real device. */
static void *serial_thread(void *arg)
{
	struct peer *p = arg;
	uint8_t q[256];
	int have = 0;

	while (!atomic_load(&p->stop)) {
		struct pollfd w = { .fd = p->fd, .events = POLLIN };
		ssize_t n;

		if (poll(&w, 1, 20) <= 0 || (n = read(p->fd, q + have, sizeof q - (size_t)have)) <= 0)
			continue;
		have += (int)n;
		while (have >= 8) { /* functions 3, 4 and 6 have 8 bytes */
			uint16_t crc = crc16(q, 6);

			if (q[6] != (uint8_t)crc || q[7] != crc >> 8) {
				memmove(q, q + 1, (size_t)--have);
				continue;
			}
			rest_ms(p, atomic_exchange(&p->late_ms, 0) + atomic_load(&p->each_ms));
			answer_serial(p, q);
			have -= 8;
			memmove(q, q + 8, (size_t)have);
		}
	}
	return NULL;
}

struct peer *peer_serial(void)
{
	struct peer *p = new_peer();
	struct termios t;

	p->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p->fd < 0 || grantpt(p->fd) || unlockpt(p->fd) || ptsname_r(p->fd, p->path, sizeof p->path))
		abort();
	p->far = open(p->path, O_RDWR | O_NOCTTY | O_CLOEXEC); /* keeps it up between openings */
	if (p->far < 0 || tcgetattr(p->far, &t))
		abort();
	cfmakeraw(&t);
	tcsetattr(p->far, TCSANOW, &t);
	begin(p, serial_thread);
	return p;
}

void peer_free(struct peer *p)
{
	if (!p)
		return;
	atomic_store(&p->stop, true);
	pthread_join(p->thread, NULL);
	pthread_mutex_destroy(&p->lock);
	close(p->fd);
	if (p->far >= 0)
		close(p->far);
	free(p);
}

void peer_f32(struct peer *p, int addr, float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof bits);
	peer_u32(p, addr, bits);
}

void peer_u16(struct peer *p, int addr, int v)
{
	pthread_mutex_lock(&p->lock);
	p->regs[addr] = (uint16_t)v;
	pthread_mutex_unlock(&p->lock);
}

uint16_t peer_get(struct peer *p, int addr)
{
	uint16_t v;

	pthread_mutex_lock(&p->lock);
	v = p->regs[addr];
	pthread_mutex_unlock(&p->lock);
	return v;
}

void peer_u32(struct peer *p, int addr, uint32_t v)
{
	peer_u16(p, addr, (int)(v >> 16));
	peer_u16(p, addr + 1, (int)(v & 0xffff));
}

void peer_u64(struct peer *p, int addr, uint64_t v)
{
	peer_u32(p, addr, (uint32_t)(v >> 32));
	peer_u32(p, addr + 2, (uint32_t)v);
}
