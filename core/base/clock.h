/* SPDX-License-Identifier: Apache-2.0
 *
 * The plant's clock: UTC microseconds. Three kinds, chosen once at start:
 *  - real: CLOCK_REALTIME;
 *  - scaled: START + (real - EPOCH) * SPEED, given as the environment variable FEMS_CLOCK
 *    "START_US,EPOCH_US,SPEED". A pure function of the machine's clock, so that femsd, the virtual
 *    plant and fems-host agree to the microsecond without talking to each other;
 *  - manual: stands still until a test moves it.
 * Intervals of real time (deadlines, back-off) use clock_mono_us(). All functions are thread-safe.
 */
#ifndef FEMS_BASE_CLOCK_H
#define FEMS_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <fems/plugin.h>

#define US_PER_S    INT64_C(1000000)
#define US_PER_MIN  (60 * US_PER_S)
#define US_PER_H    (3600 * US_PER_S)
#define US_PER_DAY  (86400 * US_PER_S)
#define US_PER_SLOT (15 * US_PER_MIN) /* demand and planning interval */

/* Reads FEMS_CLOCK; FEMS_EINVAL with a text when it is malformed. Without it: real. */
enum fems_rc clock_init(struct fems_error *);
int64_t clock_now_us(void);
int64_t clock_mono_us(void);
/* How many plant seconds pass in a real one; 1 for real, 0 for manual. */
double clock_speed(void);
/* Real microseconds until the plant's clock shows t_us (0 when past); INT64_MAX on a manual clock. */
int64_t clock_real_until(int64_t t_us);

/* Tests: switch to the manual clock, or move it (also backwards). Wakes clock_wait_until(). */
void clock_set_manual(int64_t t_us);
void clock_advance(int64_t by_us);
/* Waits until the clock shows t_us or *stop becomes true and clock_wake() was called. */
void clock_wait_until(int64_t t_us, const volatile bool *stop);
void clock_wake(void);

#endif
