/* SPDX-License-Identifier: Apache-2.0
 *
 * Tells a service manager about states, in systemd's protocol (sd_notify(3)): a datagram to the
 * socket that NOTIFY_SOCKET names. Does nothing without one.
 */
#ifndef FEMS_DAEMON_NOTIFY_H
#define FEMS_DAEMON_NOTIFY_H

#include <stdint.h>

/* "READY=1", "RELOADING=1", "STOPPING=1", "WATCHDOG=1". */
void notify_state(const char *state);
/* Half of the watchdog's period in microseconds, 0: no watchdog. */
int64_t notify_watchdog_us(void);

#endif
