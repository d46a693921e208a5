/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/loop/loop.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/loop/timers.h"

#define T0 (INT64_C(1790000000) * US_PER_S) /* a multiple of 10 s */

/* What the callbacks saw, in order. */
struct seen {
	struct loop *loop;
	struct loop_timer *timer, *other;
	int64_t due_us[2000];
	int n;
	int stop_at; /* loop_stop() at this many */
	int64_t step_us;
	int signo, fd;
};

static struct loop *make(void)
{
	struct fems_error e = { 0 };
	struct loop *l;

	if (loop_new(&l, &e))
		fail_msg("%s", e.text);
	return l;
}

static void note(void *ctx, int64_t due_us)
{
	struct seen *s = ctx;

	if (s->n < (int)ARRAY_LEN(s->due_us))
		s->due_us[s->n] = due_us;
	if (++s->n == s->stop_at)
		loop_stop(s->loop);
}

static void on_step(void *ctx, int64_t step_us)
{
	((struct seen *)ctx)->step_us += step_us;
}

static void test_multiples(void **state)
{
	(void)state;
	assert_int_equal(next_multiple(0, 10, 0), 10);
	assert_int_equal(next_multiple(9, 10, 0), 10);
	assert_int_equal(next_multiple(10, 10, 0), 20);
	assert_int_equal(next_multiple(-1, 10, 0), 0);
	assert_int_equal(next_multiple(-10, 10, 0), 0);
	assert_int_equal(next_multiple(-11, 10, 0), -10);
	assert_int_equal(next_multiple(10, 10, 3), 13);
	assert_int_equal(next_multiple(13, 10, 3), 23);
	assert_int_equal(next_multiple(2, 10, 3), 3);
}

static void test_once_in_order(void **state)
{
	struct loop *l;
	struct seen s = { 0 };

	(void)state;
	clock_set_manual(T0);
	l = make();
	assert_non_null(loop_at(l, T0 + 30, note, &s));
	assert_non_null(loop_at(l, T0 + 10, note, &s));
	assert_non_null(loop_at(l, T0 + 20, note, &s));
	loop_run(l);
	assert_int_equal(s.n, 0);
	clock_advance(20);
	loop_run(l);
	assert_int_equal(s.n, 2);
	clock_advance(US_PER_H);
	loop_run(l);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.due_us[0], T0 + 10);
	assert_int_equal(s.due_us[1], T0 + 20);
	assert_int_equal(s.due_us[2], T0 + 30);
	loop_run(l);
	assert_int_equal(s.n, 3);
	loop_free(l);
}

static void test_many_in_order(void **state)
{
	struct loop *l;
	struct seen *s = calloc(1, sizeof *s);
	struct loop_timer *t[1000];
	unsigned x = 12345;
	int i, left = 0;

	(void)state;
	clock_set_manual(T0);
	l = make();
	for (i = 0; i < 1000; i++) {
		x = x * 1103515245u + 12345u;
		t[i] = loop_at(l, T0 + 1 + (x >> 8) % 500, note, s);
	}
	for (i = 0; i < 1000; i += 3, left++)
		loop_timer_cancel(l, t[i]);
	clock_advance(US_PER_S);
	loop_run(l);
	assert_int_equal(s->n, 1000 - left);
	for (i = 1; i < s->n; i++)
		assert_true(s->due_us[i - 1] <= s->due_us[i]);
	loop_free(l);
	free(s);
}

static void test_every(void **state)
{
	struct loop *l;
	struct seen s = { 0 };
	int i;

	(void)state;
	clock_set_manual(T0 + 1);
	l = make();
	loop_every(l, 10 * US_PER_S, 2 * US_PER_S, note, &s);
	for (i = 0; i < 30; i++) {
		loop_run(l);
		clock_advance(US_PER_S);
	}
	assert_int_equal(s.n, 3);
	assert_int_equal(s.due_us[0], T0 + 2 * US_PER_S);
	assert_int_equal(s.due_us[1], T0 + 12 * US_PER_S);
	assert_int_equal(s.due_us[2], T0 + 22 * US_PER_S);
	clock_advance(600 * US_PER_S);
	loop_run(l);
	assert_int_equal(s.n, 4); /* missed ones are skipped, the latest counts */
	assert_int_equal(s.due_us[3], T0 + 622 * US_PER_S);
	loop_free(l);
}

static void test_clock_set_back(void **state)
{
	struct loop *l;
	struct seen s = { 0 };

	(void)state;
	clock_set_manual(T0 + 1);
	l = make();
	loop_on_clock_step(l, on_step, &s);
	loop_every(l, 900 * US_PER_S, 0, note, &s);
	loop_run(l);
	assert_int_equal(s.step_us, 0);
	clock_advance(-US_PER_DAY);
	loop_run(l);
	assert_int_equal(s.step_us, -US_PER_DAY);
	assert_int_equal(s.n, 0);
	clock_advance(900 * US_PER_S);
	loop_run(l);
	assert_int_equal(s.n, 1);
	assert_true(s.due_us[0] < T0 - US_PER_DAY + 900 * US_PER_S);
	assert_int_equal(s.due_us[0] % (900 * US_PER_S), 0);
	loop_free(l);
}

static void cancel_both(void *ctx, int64_t due_us)
{
	struct seen *s = ctx;

	note(s, due_us);
	loop_timer_cancel(s->loop, s->timer);
	loop_timer_cancel(s->loop, s->other);
}

static void cancel_once(void *ctx, int64_t due_us)
{
	struct seen *s = ctx;

	note(s, due_us);
	loop_timer_cancel(s->loop, s->timer);
	loop_at(s->loop, due_us, note, s);
}

static void test_cancel_inside(void **state)
{
	struct seen s = { 0 };

	(void)state;
	clock_set_manual(T0);
	s.loop = make();
	s.timer = loop_every(s.loop, 10, 0, cancel_both, &s);
	s.other = loop_every(s.loop, 10, 0, note, &s);
	clock_advance(1000);
	loop_run(s.loop);
	assert_int_equal(s.n, 1);
	s.timer = loop_at(s.loop, T0, cancel_once, &s);
	loop_run(s.loop);
	assert_int_equal(s.n, 3);
	loop_timer_cancel(s.loop, NULL);
	loop_free(s.loop);
}

static void test_real_clock(void **state)
{
	struct seen s = { .stop_at = 5 };
	int64_t start;
	int i;

	(void)state;
	s.loop = make();
	start = clock_now_us();
	loop_every(s.loop, 20000, 0, note, &s);
	loop_at(s.loop, start + US_PER_DAY, note, &s);
	loop_run(s.loop);
	assert_int_equal(s.n, 5);
	for (i = 0; i < 5; i++) {
		assert_int_equal(s.due_us[i] % 20000, 0);
		assert_true(s.due_us[i] > start);
	}
	assert_true(clock_now_us() >= s.due_us[4]);
	loop_free(s.loop);
}

/* ---- a clock that runs 600 times as fast ---- */

#define SPEED 600

static void set_scaled(int64_t start_us)
{
	struct timespec now;
	char text[100];
	struct fems_error e;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(text, sizeof text, "%lld,%lld,%d", (long long)start_us,
		 (long long)now.tv_sec * US_PER_S + now.tv_nsec / 1000, SPEED);
	setenv("FEMS_CLOCK", text, 1);
	assert_int_equal(clock_init(&e), FEMS_OK);
}

static void test_scaled_clock(void **state)
{
	struct seen s = { .stop_at = 5 };
	int64_t before = clock_mono_us();
	int i;

	(void)state;
	set_scaled(T0);
	s.loop = make();
	loop_on_clock_step(s.loop, on_step, &s);
	loop_every(s.loop, 30 * US_PER_S, 0, note, &s);
	loop_run(s.loop);
	for (i = 1; i < 5; i++) {
		assert_int_equal(s.due_us[i] % (30 * US_PER_S), 0);
		assert_true(s.due_us[i] > s.due_us[i - 1]);
	}
	assert_true(clock_mono_us() - before >= 4 * 30 * US_PER_S / SPEED);
	assert_int_equal(s.step_us, 0);
	loop_free(s.loop);
}

/* At the third call the clock is set, as an administrator or NTP would. */
static void note_and_set(void *ctx, int64_t due_us)
{
	struct seen *s = ctx;

	note(s, due_us);
	if (s->n == 3)
		set_scaled(clock_now_us() + (int64_t)s->fd * US_PER_H);
}

static void run_with_step(struct seen *s, int hours)
{
	*s = (struct seen){ .stop_at = 6, .fd = hours };
	set_scaled(T0);
	s->loop = make();
	loop_on_clock_step(s->loop, on_step, s);
	loop_every(s->loop, 60 * US_PER_S, 0, note_and_set, s);
	loop_run(s->loop);
	loop_free(s->loop);
	assert_true(llabs(s->step_us - hours * US_PER_H) < US_PER_H / 10);
}

static void test_steps(void **state)
{
	struct seen s;
	int i;

	(void)state;
	run_with_step(&s, 24);
	assert_true(s.due_us[3] - s.due_us[2] >= 24 * US_PER_H - US_PER_MIN); /* one call, not 1440 */
	assert_true(s.due_us[5] - s.due_us[3] < 20 * US_PER_MIN);
	run_with_step(&s, -24);
	assert_true(s.due_us[3] < s.due_us[2] - 23 * US_PER_H); /* goes on at once, not in a day */
	for (i = 0; i < 6; i++)
		assert_int_equal(s.due_us[i] % (60 * US_PER_S), 0);
}

static void test_stop_before_run(void **state)
{
	struct loop *l = make();

	(void)state;
	loop_stop(l);
	loop_run(l); /* returns at once, also on a real clock */
	loop_free(l);
}

/* ---- descriptors ---- */

static void on_readable(void *ctx, int fd, uint32_t events)
{
	struct seen *s = ctx;
	char c;

	assert_true(events & EPOLLIN);
	assert_int_equal(read(fd, &c, 1), 1);
	s->fd = fd;
	s->n++;
}

/* Takes both descriptors away, although the other one's event may be in hand already. */
static void on_readable_delete(void *ctx, int fd, uint32_t events)
{
	struct seen *s = ctx;

	(void)fd;
	(void)events;
	s->n++;
	loop_fd_del(s->loop, (int)s->due_us[0]);
	loop_fd_del(s->loop, (int)s->due_us[1]);
}

static void test_descriptors(void **state)
{
	struct seen s = { 0 };
	struct fems_error e = { 0 };
	int a[2], b[2];

	(void)state;
	clock_set_manual(T0);
	s.loop = make();
	assert_int_equal(pipe(a), 0);
	assert_int_equal(pipe(b), 0);
	assert_int_equal(loop_fd_add(s.loop, a[0], EPOLLIN, on_readable, &s, &e), FEMS_OK);
	loop_run(s.loop);
	assert_int_equal(s.n, 0);
	assert_int_equal(write(a[1], "xy", 2), 2);
	loop_run(s.loop);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.fd, a[0]);

	assert_int_equal(loop_fd_add(s.loop, a[0], EPOLLIN, on_readable, &s, &e), FEMS_ECONFLICT);
	assert_non_null(strstr(e.text, "cannot be watched"));
	assert_int_equal(loop_fd_add(s.loop, -1, EPOLLIN, on_readable, &s, &e), FEMS_EINVAL);
	loop_fd_del(s.loop, a[0]);
	loop_fd_del(s.loop, 9999);

	s.n = 0;
	s.due_us[0] = a[0];
	s.due_us[1] = b[0];
	assert_int_equal(loop_fd_add(s.loop, a[0], EPOLLIN, on_readable_delete, &s, &e), FEMS_OK);
	assert_int_equal(loop_fd_add(s.loop, b[0], EPOLLIN, on_readable_delete, &s, &e), FEMS_OK);
	assert_int_equal(write(a[1], "x", 1), 1);
	assert_int_equal(write(b[1], "x", 1), 1);
	loop_run(s.loop);
	assert_int_equal(s.n, 1);
	loop_free(s.loop);
	close(a[0]), close(a[1]), close(b[0]), close(b[1]);
}

static void test_regular_file_refused(void **state)
{
	struct loop *l = make();
	struct fems_error e = { 0 };
	FILE *f = tmpfile();

	(void)state;
	assert_int_equal(loop_fd_add(l, fileno(f), EPOLLIN, on_readable, NULL, &e), FEMS_EINVAL);
	assert_non_null(strstr(e.text, "not permitted"));
	fclose(f);
	loop_free(l);
}

/* ---- signals and posts ---- */

static void on_signal(void *ctx, int signo)
{
	struct seen *s = ctx;

	s->signo = signo;
	s->n++;
}

static void test_signals(void **state)
{
	struct seen s = { 0 };
	struct fems_error e = { 0 };

	(void)state;
	clock_set_manual(T0);
	s.loop = make();
	assert_int_equal(loop_signal(s.loop, SIGUSR1, on_signal, &s, &e), FEMS_OK);
	assert_int_equal(loop_signal(s.loop, SIGHUP, on_signal, &s, &e), FEMS_OK);
	raise(SIGUSR1);
	loop_run(s.loop);
	assert_int_equal(s.signo, SIGUSR1);
	kill(getpid(), SIGHUP);
	loop_run(s.loop);
	assert_int_equal(s.signo, SIGHUP);
	assert_int_equal(s.n, 2);
	assert_int_equal(loop_signal(s.loop, 0, on_signal, &s, &e), FEMS_EINVAL);
	assert_int_equal(loop_signal(s.loop, 1000, on_signal, &s, &e), FEMS_EINVAL);
	loop_free(s.loop);
}

#define POSTERS 4
#define POSTS   500

struct poster {
	struct loop *loop;
	int *sum;
	int next, out_of_order;
	struct posted {
		struct poster *from;
		int n;
	} items[POSTS];
};

static void on_post(void *ctx)
{
	struct posted *p = ctx;

	p->from->out_of_order += p->n != p->from->next++;
	if (++*p->from->sum == POSTERS * POSTS)
		loop_stop(p->from->loop);
}

static void *post_all(void *arg)
{
	struct poster *p = arg;
	int i;

	for (i = 0; i < POSTS; i++) {
		p->items[i] = (struct posted){ p, i };
		assert_true(loop_post(p->loop, on_post, &p->items[i]));
	}
	return NULL;
}

static void test_posts_from_threads(void **state)
{
	struct poster *p = calloc(POSTERS, sizeof *p);
	pthread_t thread[POSTERS];
	struct loop *l = make();
	int i, sum = 0;

	(void)state;
	for (i = 0; i < POSTERS; i++) {
		p[i].loop = l;
		p[i].sum = &sum;
		pthread_create(&thread[i], NULL, post_all, &p[i]);
	}
	loop_run(l);
	for (i = 0; i < POSTERS; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(p[i].out_of_order, 0);
	}
	assert_int_equal(sum, POSTERS * POSTS);
	assert_false(loop_post(l, on_post, NULL)); /* stopped */
	loop_free(l);
	free(p);
}

static void *stop_soon(void *arg)
{
	struct loop *l = arg;

	assert_false(loop_is_mine(l));
	nanosleep(&(struct timespec){ .tv_nsec = 30000000 }, NULL);
	loop_stop(l);
	return NULL;
}

static void test_stop_from_thread(void **state)
{
	struct loop *l = make();
	pthread_t thread;
	int round;

	(void)state;
	for (round = 0; round < 2; round++) { /* a stopped loop can run again */
		pthread_create(&thread, NULL, stop_soon, l);
		loop_run(l);
		pthread_join(thread, NULL);
	}
	assert_true(loop_is_mine(l));
	loop_free(l);
}

static void count(void *ctx)
{
	++*(int *)ctx;
}

static void test_post_before_free(void **state)
{
	struct loop *l = make();
	int n = 0;

	(void)state;
	assert_true(loop_post(l, count, &n));
	loop_free(l); /* never ran: dropped, not leaked */
	assert_int_equal(n, 0);
	l = make();
	assert_true(loop_post(l, count, &n));
	loop_stop(l);
	loop_run(l);
	assert_int_equal(n, 1);
	loop_free(l);
}

int main(void)
{
	/* The tests on the real clock come first: the manual clock stays once it is set. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_multiples),
		cmocka_unit_test(test_real_clock),
		cmocka_unit_test(test_stop_before_run),
		cmocka_unit_test(test_regular_file_refused),
		cmocka_unit_test(test_posts_from_threads),
		cmocka_unit_test(test_stop_from_thread),
		cmocka_unit_test(test_post_before_free),
		cmocka_unit_test(test_scaled_clock),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_once_in_order),
		cmocka_unit_test(test_many_in_order),
		cmocka_unit_test(test_every),
		cmocka_unit_test(test_clock_set_back),
		cmocka_unit_test(test_cancel_inside),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_signals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
