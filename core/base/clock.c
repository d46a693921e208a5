/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "core/base/err.h"

enum mode { REAL, SCALED, MANUAL };

/* guards everything below; wake is signalled when the manual clock moves or somebody calls wake */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake;
static pthread_once_t wake_once = PTHREAD_ONCE_INIT;
static enum mode mode = REAL;
static int64_t start_us, epoch_us, manual_us;
static double speed = 1;

static void wake_init(void)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&wake, &attr);
	pthread_condattr_destroy(&attr);
}

static int64_t clock_read(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

enum fems_rc clock_init(struct fems_error *e)
{
	const char *s = getenv("FEMS_CLOCK");
	long long start, epoch;
	double factor;
	char rest;

	if (!s || !*s)
		return FEMS_OK;
	if (sscanf(s, "%lld,%lld,%lf%c", &start, &epoch, &factor, &rest) != 3 ||
	    !(factor > 0 && factor <= 1e6))
		return err_set(
			e, FEMS_EINVAL,
			"FEMS_CLOCK=%s: want START_US,EPOCH_US,SPEED with a speed above 0 and up to 1000000",
			s);
	pthread_mutex_lock(&lock);
	mode = SCALED;
	start_us = start;
	epoch_us = epoch;
	speed = factor;
	pthread_mutex_unlock(&lock);
	return FEMS_OK;
}

static int64_t now_locked(void)
{
	int64_t real;

	if (mode == MANUAL)
		return manual_us;
	real = clock_read(CLOCK_REALTIME);
	if (mode == REAL)
		return real;
	return start_us + (int64_t)((double)(real - epoch_us) * speed);
}

int64_t clock_now_us(void)
{
	int64_t t;

	pthread_mutex_lock(&lock);
	t = now_locked();
	pthread_mutex_unlock(&lock);
	return t;
}

int64_t clock_mono_us(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

double clock_speed(void)
{
	double s;

	pthread_mutex_lock(&lock);
	s = mode == MANUAL ? 0 : speed;
	pthread_mutex_unlock(&lock);
	return s;
}

static int64_t real_until_locked(int64_t t_us)
{
	int64_t left = t_us - now_locked();

	if (left <= 0)
		return 0;
	if (mode == MANUAL)
		return INT64_MAX;
	return mode == REAL ? left : (int64_t)((double)left / speed) + 1;
}

int64_t clock_real_until(int64_t t_us)
{
	int64_t left;

	pthread_mutex_lock(&lock);
	left = real_until_locked(t_us);
	pthread_mutex_unlock(&lock);
	return left;
}

void clock_set_manual(int64_t t_us)
{
	pthread_once(&wake_once, wake_init);
	pthread_mutex_lock(&lock);
	mode = MANUAL;
	manual_us = t_us;
	pthread_cond_broadcast(&wake);
	pthread_mutex_unlock(&lock);
}

void clock_advance(int64_t by_us)
{
	pthread_once(&wake_once, wake_init);
	pthread_mutex_lock(&lock);
	manual_us += by_us;
	pthread_cond_broadcast(&wake);
	pthread_mutex_unlock(&lock);
}

void clock_wake(void)
{
	pthread_once(&wake_once, wake_init);
	pthread_mutex_lock(&lock);
	pthread_cond_broadcast(&wake);
	pthread_mutex_unlock(&lock);
}

void clock_wait_until(int64_t t_us, const volatile bool *stop)
{
	pthread_once(&wake_once, wake_init);
	pthread_mutex_lock(&lock);
	for (;;) {
		int64_t left = real_until_locked(t_us), until;
		struct timespec ts;

		if (left == 0 || (stop && __atomic_load_n(stop, __ATOMIC_ACQUIRE)))
			break;
		/* The machine's clock may be set while we wait: look again at least every second. */
		if (left > US_PER_S)
			left = US_PER_S;
		until = clock_read(CLOCK_MONOTONIC) + left;
		ts.tv_sec = until / US_PER_S;
		ts.tv_nsec = until % US_PER_S * 1000;
		pthread_cond_timedwait(&wake, &lock, &ts);
	}
	pthread_mutex_unlock(&lock);
}
