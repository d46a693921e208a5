/* SPDX-License-Identifier: Apache-2.0
 *
 * The bus: order, loss of one's own oldest samples, and the law that for every reader taken + lost is
 * exactly what was published, under many threads.
 */
#include "config.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "core/data/bus.h"

static struct bus *new_bus(size_t capacity)
{
	struct fems_error e;
	struct bus *b = NULL;

	assert_int_equal(bus_new(capacity, &b, &e), FEMS_OK);
	return b;
}

static struct fems_sample numbered(uint64_t i)
{
	struct fems_sample s = { .t_us = (int64_t)i, .value = (double)i, .point = (uint32_t)(i % 7) + 1 };

	return s;
}

static void publish_run(struct bus *b, uint64_t from, size_t n)
{
	struct fems_sample *s = calloc(n, sizeof *s);

	for (size_t i = 0; i < n; i++)
		s[i] = numbered(from + i);
	bus_publish(b, s, n);
	free(s);
}

static void refuses_odd_sizes(void **state)
{
	struct fems_error e = { .text = "" };
	struct bus *b;

	(void)state;
	assert_int_equal(bus_new(0, &b, &e), FEMS_EINVAL);
	assert_int_equal(bus_new(100, &b, &e), FEMS_EINVAL);
	assert_non_null(strstr(e.text, "power of two"));
}

static void in_order_from_now_on(void **state)
{
	struct bus *b = new_bus(16);
	struct bus_reader *r;
	struct fems_sample out[16];
	uint64_t lost;

	(void)state;
	publish_run(b, 0, 5);
	r = bus_reader_open(b);
	assert_int_equal(bus_take(r, out, 16, &lost), 0);
	publish_run(b, 5, 9);
	assert_int_equal(bus_take(r, out, 4, &lost), 4);
	assert_int_equal(out[0].t_us, 5);
	assert_int_equal(bus_take(r, out, 16, &lost), 5);
	assert_int_equal(out[4].t_us, 13);
	assert_int_equal(lost, 0);
	assert_int_equal(bus_published(b), 14);
	bus_reader_close(r);
	bus_free(b);
}

static void slow_reader_loses_its_own_oldest(void **state)
{
	struct bus *b = new_bus(8);
	struct bus_reader *slow = bus_reader_open(b), *quick = bus_reader_open(b);
	struct fems_sample out[64];
	uint64_t lost, got = 0;

	(void)state;
	for (int i = 0; i < 5; i++) {
		publish_run(b, (uint64_t)i * 4, 4);
		got += bus_take(quick, out, 64, &lost);
		assert_int_equal(lost, 0);
	}
	assert_int_equal(got, 20);
	assert_int_equal(bus_take(slow, out, 64, &lost), 8);
	assert_int_equal(lost, 12);
	assert_int_equal(out[0].t_us, 12);
	assert_int_equal(out[7].t_us, 19);
	publish_run(b, 20, 100); /* more at once than the ring holds */
	assert_int_equal(bus_take(slow, out, 64, &lost), 8);
	assert_int_equal(lost, 92);
	assert_int_equal(out[7].t_us, 119);
	bus_reader_close(slow);
	bus_reader_close(quick);
	bus_free(b);
}

static int64_t mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct waker {
	struct bus *bus;
	struct bus_reader *reader;
	bool publish;
};

static void *wake_later(void *arg)
{
	struct waker *w = arg;
	struct timespec t = { 0, 30000000 };

	nanosleep(&t, NULL);
	if (w->publish)
		publish_run(w->bus, 0, 1);
	else
		bus_wake(w->reader);
	return NULL;
}

static void waiting(void **state)
{
	struct bus *b = new_bus(8);
	struct bus_reader *r = bus_reader_open(b);
	struct waker w = { b, r, true };
	pthread_t t;
	struct fems_sample out[8];
	uint64_t lost;
	int64_t begin = mono_us();

	(void)state;
	assert_false(bus_wait(r, 20000));
	assert_true(mono_us() - begin >= 20000);
	pthread_create(&t, NULL, wake_later, &w);
	assert_true(bus_wait(r, 20000000));
	pthread_join(t, NULL);
	assert_int_equal(bus_take(r, out, 8, &lost), 1);
	w.publish = false;
	pthread_create(&t, NULL, wake_later, &w);
	assert_false(bus_wait(r, 20000000));
	pthread_join(t, NULL);
	assert_true(mono_us() - begin < 15000000);
	bus_reader_close(r);
	bus_free(b);
}

/* ---- the law ---- */

#define PUBLISHERS 4
#define READERS    4
#define EACH       30000

struct run {
	struct bus *bus;
	atomic_int publishing;
};

struct reader_run {
	struct run *run;
	struct bus_reader *reader;
	unsigned seed;
	uint64_t taken, lost, wrong;
};

static void *publisher(void *arg)
{
	struct run *run = arg;
	unsigned seed = (unsigned)(uintptr_t)&seed;

	for (uint64_t i = 0; i < EACH;) {
		size_t n = 1 + (size_t)rand_r(&seed) % 40;

		n = n < EACH - i ? n : EACH - i;
		publish_run(run->bus, i, n);
		i += n;
	}
	atomic_fetch_sub(&run->publishing, 1);
	return NULL;
}

static uint64_t torn(const struct fems_sample *s, size_t n)
{
	uint64_t bad = 0;

	for (size_t i = 0; i < n; i++) {
		struct fems_sample want = numbered((uint64_t)s[i].t_us);

		bad += memcmp(&want, &s[i], sizeof want) != 0;
	}
	return bad;
}

static void *reader_thread(void *arg)
{
	struct reader_run *r = arg;
	struct fems_sample out[100];
	bool last = false;

	for (;;) {
		size_t cap = 1 + (size_t)rand_r(&r->seed) % 100, n;
		uint64_t lost;

		n = bus_take(r->reader, out, cap, &lost);
		r->taken += n;
		r->lost += lost;
		r->wrong += torn(out, n);
		if (n)
			continue;
		if (last)
			return NULL;
		last = !atomic_load(&r->run->publishing);
		if (!last)
			bus_wait(r->reader, 1000);
	}
}

static void taken_and_lost_is_published(void **state)
{
	struct run run = { .bus = new_bus(64), .publishing = PUBLISHERS };
	struct reader_run readers[READERS];
	pthread_t p[PUBLISHERS], r[READERS];

	(void)state;
	for (size_t i = 0; i < READERS; i++) {
		readers[i] = (struct reader_run){ .run = &run,
						  .reader = bus_reader_open(run.bus),
						  .seed = (unsigned)i };
		pthread_create(&r[i], NULL, reader_thread, &readers[i]);
	}
	for (size_t i = 0; i < PUBLISHERS; i++)
		pthread_create(&p[i], NULL, publisher, &run);
	for (size_t i = 0; i < PUBLISHERS; i++)
		pthread_join(p[i], NULL);
	assert_int_equal(bus_published(run.bus), PUBLISHERS * EACH);
	for (size_t i = 0; i < READERS; i++) {
		pthread_join(r[i], NULL);
		assert_int_equal(readers[i].taken + readers[i].lost, PUBLISHERS * EACH);
		assert_int_equal(readers[i].wrong, 0);
		assert_true(readers[i].taken > 0);
		bus_reader_close(readers[i].reader);
	}
	bus_free(run.bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_odd_sizes),
		cmocka_unit_test(in_order_from_now_on),
		cmocka_unit_test(slow_reader_loses_its_own_oldest),
		cmocka_unit_test(waiting),
		cmocka_unit_test(taken_and_lost_is_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
