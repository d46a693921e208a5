/* SPDX-License-Identifier: Apache-2.0
 *
 * Modbus peers that misbehave on request, for tests/plugin/test_modbus.c: a TCP server on libmodbus
 * (an independent reading of the protocol) and a serial slave on a pseudo terminal.
 */
#ifndef MODBUS_PEER_H
#define MODBUS_PEER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct peer {
	uint16_t regs[65536]; /* under lock; the same for functions 3 and 4 and all units */
	pthread_mutex_t lock;
	atomic_int late_ms;         /* the next answer comes that late, once */
	atomic_int each_ms;         /* serial: time that every answer takes */
	atomic_bool mute;           /* takes requests, never answers */
	atomic_bool deaf_to_writes; /* answers a write and forgets it */
	atomic_int forbidden;       /* an address that is refused with exception 2; -1: none */
	atomic_int silent_unit;     /* does not answer; -1: none */
	atomic_int requests, writes;
	int port;       /* TCP */
	char path[128]; /* serial */
	/* inside */
	atomic_bool stop;
	int fd, far;
	pthread_t thread;
};

/* port 0: chosen by the kernel. */
struct peer *peer_tcp(int port);
struct peer *peer_serial(void);
void peer_free(struct peer *);

void peer_u16(struct peer *, int addr, int v);
uint16_t peer_get(struct peer *, int addr);
void peer_f32(struct peer *, int addr, float v);
void peer_u32(struct peer *, int addr, uint32_t v);
void peer_u64(struct peer *, int addr, uint64_t v);

#endif
