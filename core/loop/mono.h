/* SPDX-License-Identifier: Apache-2.0
 *
 * Deadlines for conditions that wait by CLOCK_MONOTONIC. For this room.
 */
#ifndef FEMS_LOOP_MONO_H
#define FEMS_LOOP_MONO_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* A condition whose time-outs are by CLOCK_MONOTONIC. */
static inline void mono_cond_init(pthread_cond_t *c)
{
	pthread_condattr_t mono;

	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_cond_init(c, &mono);
	pthread_condattr_destroy(&mono);
}

/* The instant us microseconds (0 when negative, a day at most) from now. */
static inline struct timespec mono_after(int64_t us)
{
	const int64_t day_us = INT64_C(86400000000);
	struct timespec t;

	us = us < 0 ? 0 : us > day_us ? day_us : us;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += us / 1000000;
	t.tv_nsec += us % 1000000 * 1000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

#endif
