/* SPDX-License-Identifier: Apache-2.0
 *
 * One Modbus link: a TCP connection to a host, or a serial line. Blocking requests, one at a time,
 * from the thread that holds the link (link_take). The engine behind this header is libmodbus, used
 * with its recovery off; connecting, back-off and protection against late replies are ours:
 *  - TCP: after a timeout or a frame that does not fit the connection is closed, so that a late reply
 *    dies with it; bytes that wait unasked close it too.
 *  - serial: after a timeout the line must stay silent for twice the timeout; then, before the
 *    next request to that unit, a probe is sent whose reply has another length than those outstanding:
 *    its answer proves that everything older has come.
 * Times are microseconds of real time.
 */
#ifndef MODBUS_LINK_H
#define MODBUS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libmodbus waits with select(), which ends at descriptor 1023; this leaves room for the rest. */
#define LINKS_MAX      900
#define LINK_MAX_READ  125
#define LINK_MAX_WRITE 123

struct link_addr {
	bool serial;
	char host[256]; /* or the path of the device */
	int port, unit;
	int baud, stop;
	char parity; /* N, E, O */
};
/* tcp://HOST[:PORT]/UNIT or rtu:///dev/ttyUSB0?baud=9600&parity=E&stop=1&unit=1. False: why says what
 * is wrong and how it is written. */
bool link_addr_parse(const char *url, struct link_addr *, char *why, size_t cap);
/* Same connection or line (units may differ); *conflict: the line with other settings. */
bool link_addr_same(const struct link_addr *, const struct link_addr *, bool *conflict);

enum link_rc {
	LINK_OK,
	LINK_EXCEPTION, /* the device refused: code in *exception */
	LINK_TIMEOUT,   /* connected, no answer */
	LINK_DOWN,      /* no connection, or lost it; text says why */
	LINK_STOPPED
};

struct link_result {
	int exception;
	bool unreachable; /* LINK_DOWN because no connection could be made */
	char text[240];   /* for people: what failed and what to look at */
};

struct link;
/* "10.0.0.5:502" or the device's path. */
const char *link_name(const struct link *);
struct link *link_new(const struct link_addr *);
void link_free(struct link *);
/* Ends requests, waits and connects within a second, for good. From any thread. */
void link_stop(struct link *);

/* The right to use the link; a waiting `urgent` taker goes before others. False: not within budget. */
bool link_take(struct link *, bool urgent, int64_t budget_us);
void link_give(struct link *);

/* fc 3 or 4. Connects when necessary, unless the back-off (1 s doubling to 60 s) still runs. */
enum link_rc link_read(struct link *, int unit, int fc, uint16_t addr, uint16_t count, int64_t timeout_us,
		       uint16_t *out, struct link_result *);
/* Function 6 for one register, 16 for more. */
enum link_rc link_write(struct link *, int unit, uint16_t addr, uint16_t count, const uint16_t *words,
			int64_t timeout_us, struct link_result *);
/* Waits, but not beyond a stop. */
void link_rest(struct link *, int64_t us);
/* Replies thrown away because they were late or not asked for. */
uint64_t link_strays(const struct link *);

int64_t link_mono_us(void);
/* Name of an exception code: "illegal data address". */
const char *link_exception_name(int code);

#endif
