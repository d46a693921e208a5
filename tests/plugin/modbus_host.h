/* SPDX-License-Identifier: Apache-2.0
 *
 * A small fems_host that runs the real plugin "modbus" without femsd: real clock, points by name,
 * every sample and state kept.
 */
#ifndef MODBUS_HOST_H
#define MODBUS_HOST_H

#include <stdbool.h>
#include <fems/plugin.h>
#include "meters/modbus/settings.h"

/* Opens modbus.so of this build. */
const struct fems_plugin *modbus_plugin(void);

struct bench; /* one running instance */
/* Fills defaults, opens and starts; fails the test on an error. profiles NULL: those of the tree. */
struct bench *bench_start(const char *profiles, const struct modbus_device_cfg *, size_t n);
/* Stops and frees; returns the microseconds that stop() took. */
int64_t bench_end(struct bench *);
/* Of a running instance. */
enum fems_rc bench_write(struct bench *, const char *point, double value, int64_t budget_us,
			 struct fems_error *);
uint32_t bench_point(struct bench *, const char *name);
size_t bench_samples(struct bench *, const char *point, struct fems_sample *out, size_t cap);
bool bench_last(struct bench *, const char *point, struct fems_sample *out);
enum fems_device_state bench_state(struct bench *, const char *device, char *why, size_t cap);
/* Waits up to 15 s; the wait of all tests. */
bool bench_wait_state(struct bench *, const char *device, enum fems_device_state);
bool bench_wait_samples(struct bench *, const char *point, size_t n);
void bench_rest_ms(int ms);
/* check() with defaults filled in. */
enum fems_rc bench_check(const char *profiles, const struct modbus_device_cfg *, size_t n,
			 struct fems_error *);

#endif
