/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "store_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/daemon/delivery.h"

#define MAX_PUSHED 256

struct pushed {
	char route[32], key[32], type[64], body[64];
};

/* The other side. It answers by the first letter of a key: 'p' for good refused, 'u' not offered, 'w' wait
 * seven seconds, 'r' fails until it is told to succeed, 'h' hangs until it is told to go on. */
struct peer {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct pushed log[MAX_PUSHED];
	int n, notices, in_hand, most_in_hand;
	bool good, go;
	const char *routes[4];
};

struct stand {
	struct fixture *f;
	struct peer peer;
	struct delivery *d;
};

static const char *route_at(void *ctx, size_t i)
{
	struct peer *p = ctx;

	return i < ARRAY_LEN(p->routes) ? p->routes[i] : NULL;
}

static void on_notice(void *ctx, const char *topic, const json_t *body)
{
	struct peer *p = ctx;

	assert_string_equal(topic, "outbox");
	assert_non_null(json_string_value(json_object_get(body, "state")));
	pthread_mutex_lock(&p->lock);
	p->notices++;
	pthread_mutex_unlock(&p->lock);
}

static enum fems_rc answer(struct peer *p, const char *key, struct fems_delivery *d, struct fems_error *e)
{
	if (key[0] == 'p') {
		d->permanent = 1;
		return err_set(e, FEMS_EINVAL, "the peer does not know the order");
	}
	if (key[0] == 'u')
		return err_set(e, FEMS_EUNSUP, "not offered");
	if (key[0] == 'w') {
		d->retry_after_us = 7 * US_PER_S;
		return err_set(e, FEMS_AGAIN, "busy");
	}
	if (key[0] == 'r' && !p->good)
		return err_set(e, FEMS_EIO, "connection refused");
	while (key[0] == 'h' && !p->go)
		pthread_cond_wait(&p->changed, &p->lock);
	snprintf(d->receipt, sizeof d->receipt, "receipt of %s", key);
	return FEMS_OK;
}

static enum fems_rc push(void *ctx, const char *route, const char *type, const char *key,
			 struct fems_span body, int64_t budget_us, struct fems_delivery *d,
			 struct fems_error *e)
{
	struct peer *p = ctx;
	struct pushed *x;
	enum fems_rc rc;

	assert_true(budget_us > 0);
	pthread_mutex_lock(&p->lock);
	assert_true(p->n < MAX_PUSHED);
	x = &p->log[p->n++];
	snprintf(x->route, sizeof x->route, "%s", route);
	snprintf(x->key, sizeof x->key, "%s", key);
	snprintf(x->type, sizeof x->type, "%s", type);
	snprintf(x->body, sizeof x->body, "%.*s", (int)body.len, body.ptr);
	if (++p->in_hand > p->most_in_hand)
		p->most_in_hand = p->in_hand;
	rc = answer(p, key, d, e);
	p->in_hand--;
	pthread_mutex_unlock(&p->lock);
	return rc;
}

static void deliver_by(struct stand *s)
{
	struct delivery_hooks h = { .ctx = &s->peer, .push = push, .route = route_at, .notice = on_notice };

	OK(s->f, delivery_open(s->f->st, &h, &s->d, &s->f->e));
}

static int setup(void **state)
{
	struct stand *s = calloc(1, sizeof *s);
	void *f;

	clock_set_manual(T0);
	pthread_mutex_init(&s->peer.lock, NULL);
	pthread_cond_init(&s->peer.changed, NULL);
	s->peer.routes[0] = "erp";
	s->peer.routes[1] = "mes";
	s->peer.routes[2] = "erp"; /* a double is dropped */
	fixture_setup(&f);
	s->f = f;
	deliver_by(s);
	*state = s;
	return 0;
}

static void let_go(struct peer *p)
{
	pthread_mutex_lock(&p->lock);
	p->go = p->good = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

static int teardown(void **state)
{
	struct stand *s = *state;
	void *f = s->f;

	let_go(&s->peer);
	assert_true(delivery_close(s->d, 20 * US_PER_S));
	fixture_teardown(&f);
	pthread_cond_destroy(&s->peer.changed);
	pthread_mutex_destroy(&s->peer.lock);
	free(s);
	return 0;
}

static void add(struct stand *s, const char *route, const char *key, const char *business)
{
	struct store_message m = { .route = route,
				   .type = "operations-performance",
				   .key = key,
				   .business = business,
				   .body = { "{\"a\":1}", 7 } };
	bool fresh;

	OK(s->f, store_outbox_add(s->f->st, NULL, &m, &fresh, &s->f->e));
	assert_true(fresh);
}

struct found {
	const char *key;
	char state[16], error[128], receipt[128];
	int64_t next_us;
	int attempts;
};

static bool match(void *ctx, const struct store_message *m)
{
	struct found *x = ctx;

	if (strcmp(m->key, x->key))
		return true;
	snprintf(x->state, sizeof x->state, "%s", m->state);
	snprintf(x->error, sizeof x->error, "%s", m->last_error);
	snprintf(x->receipt, sizeof x->receipt, "%s", m->receipt);
	x->next_us = m->next_us;
	x->attempts = m->attempts;
	return false;
}

static struct found look_up(struct stand *s, const char *key)
{
	struct found x = { .key = key };

	OK(s->f, store_outbox_list(s->f->st, NULL, 1000, match, &x, &s->f->e));
	return x;
}

/* Waits until the message is in this state after so many attempts (0: any number). */
static struct found until(struct stand *s, const char *key, const char *state, int attempts)
{
	struct found x;

	for (int i = 0; i < 2000; i++) {
		x = look_up(s, key);
		if (!strcmp(x.state, state) && (!attempts || x.attempts == attempts))
			return x;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	fail_msg("%s is %s after %d attempts, not %s after %d: %s", key, x.state, x.attempts, state, attempts,
		 x.error);
	return x;
}

static int count(struct stand *s, const char *key)
{
	int n = 0;

	pthread_mutex_lock(&s->peer.lock);
	for (int i = 0; i < s->peer.n; i++)
		n += !strcmp(s->peer.log[i].key, key);
	pthread_mutex_unlock(&s->peer.lock);
	return n;
}

/* Lets the routes look once more: a message of its own goes through both. */
static void settle(struct stand *s)
{
	static int serial;
	char key[32];

	for (int i = 0; i < 2; i++) {
		snprintf(key, sizeof key, "s%d", ++serial);
		add(s, i ? "mes" : "erp", key, "");
		delivery_wake(s->d);
		until(s, key, "done", 1);
	}
}

static void delivers(void **state)
{
	struct stand *s = *state;
	struct found x;

	add(s, "erp", "a1", "WO-1");
	delivery_wake(s->d);
	x = until(s, "a1", "done", 1);
	assert_string_equal(x.receipt, "receipt of a1");
	assert_string_equal(s->peer.log[0].route, "erp");
	assert_string_equal(s->peer.log[0].type, "operations-performance");
	assert_string_equal(s->peer.log[0].body, "{\"a\":1}");
	clock_advance(US_PER_H);
	settle(s);
	assert_int_equal(count(s, "a1"), 1);
	assert_true(s->peer.notices >= 1);
}

static void looks_by_itself(void **state)
{
	struct stand *s = *state;

	add(s, "mes", "a1", "");
	clock_advance(2 * US_PER_S);
	until(s, "a1", "done", 1);
}

static void fails_and_tries_again(void **state)
{
	struct stand *s = *state;
	struct found x;

	add(s, "erp", "r1", "WO-1");
	delivery_wake(s->d);
	x = until(s, "r1", "retry", 1);
	assert_string_equal(x.error, "connection refused");
	assert_in_range(x.next_us, T0 + US_PER_S / 2, T0 + US_PER_S);
	settle(s);
	assert_int_equal(count(s, "r1"), 1); /* not before its time */
	clock_set_manual(T0 + 2 * US_PER_S);
	delivery_wake(s->d);
	x = until(s, "r1", "retry", 2);
	assert_in_range(x.next_us, T0 + 3 * US_PER_S, T0 + 4 * US_PER_S);
	pthread_mutex_lock(&s->peer.lock);
	s->peer.good = true;
	pthread_mutex_unlock(&s->peer.lock);
	clock_set_manual(T0 + US_PER_MIN);
	delivery_wake(s->d);
	until(s, "r1", "done", 3);
}

static void the_back_off_doubles(void **state)
{
	int64_t last = 0;

	(void)state;
	assert_int_equal(delivery_backoff_us(0, 1), US_PER_S);
	assert_int_equal(delivery_backoff_us(0, 0), US_PER_S / 2);
	assert_int_equal(delivery_backoff_us(3, 1), 8 * US_PER_S);
	assert_int_equal(delivery_backoff_us(9, 1), 512 * US_PER_S);
	assert_int_equal(delivery_backoff_us(10, 1), 15 * US_PER_MIN);
	assert_int_equal(delivery_backoff_us(INT32_MAX, 1), 15 * US_PER_MIN);
	for (int i = 0; i < 40; i++) {
		assert_true(delivery_backoff_us(i, 0.5) >= last);
		last = delivery_backoff_us(i, 0.5);
	}
}

static void gives_up_what_is_refused_for_good(void **state)
{
	struct stand *s = *state;

	add(s, "erp", "p1", "WO-1");
	add(s, "erp", "u1", "WO-2");
	add(s, "erp", "a1", "WO-1"); /* behind the dead one */
	delivery_wake(s->d);
	assert_string_equal(until(s, "p1", "dead", 1).error, "the peer does not know the order");
	until(s, "u1", "dead", 1);
	delivery_wake(s->d);
	until(s, "a1", "done", 1);
	clock_advance(US_PER_DAY);
	settle(s);
	assert_int_equal(count(s, "p1"), 1);
	assert_int_equal(count(s, "u1"), 1);
}

static void waits_as_long_as_the_peer_asks(void **state)
{
	struct stand *s = *state;

	add(s, "erp", "w1", "");
	delivery_wake(s->d);
	assert_int_equal(until(s, "w1", "retry", 1).next_us, T0 + 7 * US_PER_S);
	clock_set_manual(T0 + 7 * US_PER_S - 1);
	settle(s);
	assert_int_equal(count(s, "w1"), 1);
	clock_set_manual(T0 + 7 * US_PER_S);
	delivery_wake(s->d);
	until(s, "w1", "retry", 2);
}

static void one_that_hangs_delays_no_other(void **state)
{
	struct stand *s = *state;

	add(s, "erp", "h1", "WO-1");
	add(s, "erp", "a2", "WO-2");
	add(s, "mes", "a3", "WO-1");
	delivery_wake(s->d);
	until(s, "a3", "done", 1);
	assert_string_equal(look_up(s, "h1").state, "new");
	let_go(&s->peer);
	until(s, "h1", "done", 1);
	until(s, "a2", "done", 1);
}

static void one_business_key_stays_in_order(void **state)
{
	struct stand *s = *state;

	add(s, "erp", "r1", "WO-1");
	add(s, "erp", "a2", "WO-1");
	add(s, "erp", "a3", "WO-3");
	delivery_wake(s->d);
	until(s, "r1", "retry", 1);
	until(s, "a3", "done", 1);
	settle(s);
	assert_int_equal(count(s, "a2"), 0); /* the older one comes first */
	pthread_mutex_lock(&s->peer.lock);
	s->peer.good = true;
	pthread_mutex_unlock(&s->peer.lock);
	clock_advance(US_PER_MIN);
	delivery_wake(s->d);
	until(s, "r1", "done", 2);
	delivery_wake(s->d);
	until(s, "a2", "done", 1);
}

static void many_wakes_many_messages(void **state)
{
	struct stand *s = *state;
	char key[32];

	for (int i = 0; i < 60; i++) {
		snprintf(key, sizeof key, "a%d", i);
		add(s, "erp", key, i % 2 ? "WO-1" : "");
		delivery_wake(s->d);
	}
	for (int i = 0; i < 30; i++) {
		delivery_wake(s->d);
		clock_advance(US_PER_S);
	}
	until(s, "a59", "done", 1);
	for (int i = 0; i < 60; i++) {
		snprintf(key, sizeof key, "a%d", i);
		until(s, key, "done", 1);
		assert_int_equal(count(s, key), 1);
	}
	assert_int_equal(s->peer.most_in_hand, 1);
}

static void a_route_that_comes_later_is_served(void **state)
{
	struct stand *s = *state;

	add(s, "aps", "a1", "");
	settle(s);
	assert_string_equal(look_up(s, "a1").state, "new");
	s->peer.routes[3] = "aps";
	delivery_wake(s->d);
	until(s, "a1", "done", 1);
}

static void a_stop_waits_for_nobody_and_loses_nothing(void **state)
{
	struct stand *s = *state;
	int64_t begun;

	add(s, "erp", "h1", "");
	add(s, "erp", "a2", "");
	delivery_wake(s->d);
	while (!count(s, "h1"))
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	begun = clock_mono_us();
	assert_false(delivery_close(s->d, US_PER_S / 10));
	assert_true(clock_mono_us() - begun < 2 * US_PER_S);
	let_go(&s->peer);
	assert_true(delivery_close(s->d, 20 * US_PER_S));
	assert_string_equal(look_up(s, "a2").state, "new");
	assert_int_equal(count(s, "a2"), 0);
	fixture_reopen(s->f);
	deliver_by(s);
	until(s, "a2", "done", 1);
}

static enum fems_rc push_and_die(void *ctx, const char *route, const char *type, const char *key,
				 struct fems_span body, int64_t budget_us, struct fems_delivery *d,
				 struct fems_error *e)
{
	(void)ctx, (void)route, (void)type, (void)body, (void)budget_us, (void)d, (void)e;
	_exit(strcmp(key, "a1") ? 1 : 42); /* the peer has it, nobody wrote that down */
}

static void after_a_kill_the_same_key_comes_again(void **state)
{
	struct stand *s = *state;
	struct delivery_hooks h = { .ctx = &s->peer, .push = push_and_die, .route = route_at };
	int status;
	pid_t child;

	assert_true(delivery_close(s->d, 20 * US_PER_S));
	add(s, "erp", "a1", "WO-1");
	fixture_close(s->f);
	child = fork();
	if (!child) {
		fixture_open(s->f);
		delivery_open(s->f->st, &h, &s->d, &s->f->e);
		for (int i = 0; i < 30; i++)
			nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
		_exit(2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	fixture_open(s->f);
	deliver_by(s);
	until(s, "a1", "done", 0);
	assert_int_equal(count(s, "a1"), 1);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(delivers),
		TEST(looks_by_itself),
		TEST(fails_and_tries_again),
		cmocka_unit_test(the_back_off_doubles),
		TEST(gives_up_what_is_refused_for_good),
		TEST(waits_as_long_as_the_peer_asks),
		TEST(one_that_hangs_delays_no_other),
		TEST(one_business_key_stays_in_order),
		TEST(many_wakes_many_messages),
		TEST(a_route_that_comes_later_is_served),
		TEST(a_stop_waits_for_nobody_and_loses_nothing),
		TEST(after_a_kill_the_same_key_comes_again),
	};

	return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
