/* SPDX-License-Identifier: Apache-2.0
 *
 * kill -9 at random instants: nothing that was acknowledged is missing, the index goes on exactly,
 * and an order is reported once.
 */
#include "config.h"
#include "store_fixture.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS   25
#define PER_TICK 40
#define STEP     (7 * S) /* an hour passes in 13 ticks, so chunks are closed and written all the time */

struct ack { /* what the child knows to be durable */
	int64_t samples, messages;
};

static void child_writes(struct store *st, uint32_t counter, uint32_t gauge, struct ack at, int fd)
{
	struct fems_error e;

	for (;;) {
		struct store_message m = { .route = "erp", .type = "t", .body = { "{}", 2 } };
		char key[32];

		for (int i = 0; i < PER_TICK; i++, at.samples++) {
			int64_t t = T0 + at.samples * STEP;
			/* every 50th comes late */
			int64_t shown = at.samples % 50 == 20   ? at.samples + 10
					: at.samples % 50 == 30 ? at.samples - 10
								: at.samples;
			struct fems_sample s[2] = {
				{ .t_us = T0 + shown * STEP, .value = (double)shown * 3, .point = counter },
				{ .t_us = t, .value = (double)at.samples * 0.5, .point = gauge }
			};

			if (store_append(st, s, 2) != FEMS_OK)
				_exit(2);
		}
		snprintf(key, sizeof key, "k%lld", (long long)at.messages);
		m.key = key;
		m.business = "A";
		if (store_outbox_add(st, NULL, &m, NULL, &e) != FEMS_OK)
			_exit(3);
		at.messages++;
		if (at.messages % 3 == 0 && store_sync(st, 60 * S, &e) != FEMS_OK)
			_exit(4);
		if (write(fd, &at, sizeof at) != sizeof at)
			_exit(5);
	}
}

/* Reads acknowledgements until the child has been alive for a while, then kills it. */
static void kill_after(pid_t child, int fd, int ms, struct ack *acked)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct ack a;
	int status;

	if (poll(&p, 1, 20000) == 1) /* it has begun */
		usleep((unsigned)ms * 1000);
	kill(child, SIGKILL);
	while (read(fd, &a, sizeof a) == sizeof a)
		*acked = a;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

struct last_seen {
	int64_t n, last;
};

static bool check_gauge(void *ctx, const struct fems_sample *s)
{
	struct last_seen *l = ctx;

	assert_int_equal(s->t_us, T0 + l->n * STEP);
	assert_int_equal((int64_t)(s->value * 2), l->n);
	l->n++;
	return true;
}

static void verify(struct fixture *f, const struct ack *acked)
{
	struct last_seen l = { 0, 0 };
	uint32_t counter = store_series_find(f->st, "a/e"), gauge = store_series_find(f->st, "a/p");
	struct store_outbox_counts n;
	struct fems_sample last;
	int64_t sum = 0;

	if (!gauge && !acked->samples)
		return;
	OK(f, store_range(f->st, gauge, 0, INT64_MAX, check_gauge, &l, &f->e));
	assert_true(l.n >= acked->samples);
	OK(f, store_outbox_count(f->st, &n, &f->e));
	assert_true(n.waiting >= acked->messages);
	assert_int_equal(sql(f, "SELECT count(*) = count(DISTINCT key) FROM outbox"), 1);
	if (!l.n)
		return;
	/* Counter and gauge were appended together, 3 Wh a step. */
	assert_true(store_last(f->st, counter, &last));
	assert_int_equal(energy(f, counter, T0, last.t_us).wh, (last.t_us - T0) / STEP * 3);
	assert_int_equal(energy(f, counter, T0, last.t_us).flags, 0);
	for (int64_t t = T0; t < last.t_us; t += 3777 * S)
		sum += energy(f, counter, t, t + 3777 * S < last.t_us ? t + 3777 * S : last.t_us).wh;
	assert_int_equal(sum, (last.t_us - T0) / STEP * 3);
}

/* What is stored decides where the next child goes on: also what was durable and not acknowledged. */
static struct ack position(struct fixture *f)
{
	uint32_t gauge = store_series_find(f->st, "a/p");
	struct store_outbox_counts n;
	struct fems_sample last;
	struct ack at = { 0, 0 };

	OK(f, store_outbox_count(f->st, &n, &f->e));
	at.messages = n.waiting;
	if (store_last(f->st, gauge, &last))
		at.samples = (last.t_us - T0) / STEP + 1;
	/* The counter's pair of a late sample may be missing; it is given again. */
	at.samples -= at.samples % 50;
	return at;
}

static void killed_at_any_time(void **state)
{
	struct fixture *f = *state;
	struct ack acked = { 0, 0 }, begin;
	unsigned seed = (unsigned)getpid();

	f->commit_us = 3000;
	fixture_close(f);
	print_message("seed %u\n", seed);
	for (int round = 0; round < ROUNDS; round++) {
		int fd[2];
		pid_t child;

		fixture_open(f);
		verify(f, &acked);
		begin = position(f);
		fixture_close(f);
		assert_int_equal(pipe(fd), 0);
		child = fork();
		if (child == 0) {
			close(fd[0]);
			fixture_open(f);
			child_writes(f->st, make_counter(f, "a/e", 0), make_gauge(f, "a/p", 0.5), begin,
				     fd[1]);
		}
		close(fd[1]);
		kill_after(child, fd[0], (int)(rand_r(&seed) % 60), &acked);
		close(fd[0]);
	}
	fixture_open(f);
	verify(f, &acked);
	assert_true(acked.samples > ROUNDS);
	assert_int_equal(sql(f, "SELECT integrity_check='ok' FROM pragma_integrity_check"), 1);
	print_message("%lld samples, %lld messages acknowledged, none lost\n", (long long)acked.samples,
		      (long long)acked.messages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(killed_at_any_time, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
