/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop's timers: a heap ordered by due time, equal ones by age. Knows no clock; the loop tells it
 * the present instant. For loop.c; rooms use loop_at() and loop_every().
 */
#ifndef FEMS_LOOP_TIMERS_H
#define FEMS_LOOP_TIMERS_H

#include "core/loop/loop.h"

struct timers {
	struct loop_timer **heap;
	size_t n, cap;
	uint64_t age;
	struct loop_timer *firing; /* its callback runs now */
};

/* The first instant behind now_us of phase_us + k * period_us (k any integer, period_us > 0). */
int64_t next_multiple(int64_t now_us, int64_t period_us, int64_t phase_us);

/* period_us 0: once. NULL: out of memory. */
struct loop_timer *timers_add(struct timers *, int64_t due_us, int64_t period_us, int64_t phase_us,
			      loop_timer_fn, void *ctx);
/* Also from inside its own callback. */
void timers_cancel(struct timers *, struct loop_timer *);
/* Due time of the earliest; INT64_MAX: none. */
int64_t timers_next(const struct timers *);
/* Runs the earliest one when it is due; false when none is. */
bool timers_fire(struct timers *, int64_t now_us);
/* After the clock went back: periodic timers count from now_us again. */
void timers_realign(struct timers *, int64_t now_us);
void timers_free(struct timers *);

#endif
