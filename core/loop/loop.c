/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/loop/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/loop/timers.h"

#define MAX_EVENTS          64
#define MAX_TIMERS_PER_TURN 256        /* so that descriptors are served between them */
#define FARTHEST_US         US_PER_DAY /* the timer is armed at least this often */
#define STEP_US             US_PER_S
#define MAX_STEPS           16
#define SIGNAL_LIMIT        65 /* Linux: signals 1 to 64 */

struct watch { /* what to call for a descriptor; the table's index is the descriptor */
	loop_fd_fn fn;
	void *ctx;
	uint32_t generation; /* an event of an earlier registration carries another one */
};

struct post {
	struct post *next;
	loop_post_fn fn;
	void *ctx;
};

struct loop {
	int epoll_fd, timer_fd, wake_fd, signal_fd;
	struct watch *watches;
	size_t n_watches;
	uint32_t generation;

	struct timers timers;
	int64_t armed_us;              /* plant time that timer_fd is set to; INT64_MIN: set it anew */
	int64_t seen_us, seen_mono_us; /* both clocks at the last look */
	struct on_step {
		loop_step_fn fn;
		void *ctx;
	} steps[MAX_STEPS];
	size_t n_steps;

	sigset_t signals;
	struct on_signal {
		loop_signal_fn fn;
		void *ctx;
	} on_signal[SIGNAL_LIMIT];

	_Atomic pid_t thread; /* by gettid(): a pthread_t is soon given to another one */
	atomic_bool stop;
	pthread_mutex_t lock; /* guards the three below */
	struct post *first, *last;
	bool stopped;
};

/* ---- descriptors ---- */

static bool watches_grow(struct loop *l, size_t n)
{
	struct watch *w = realloc(l->watches, n * sizeof *w);

	if (!w)
		return false;
	memset(w + l->n_watches, 0, (n - l->n_watches) * sizeof *w);
	l->watches = w;
	l->n_watches = n;
	return true;
}

enum fems_rc loop_fd_add(struct loop *l, int fd, uint32_t events, loop_fd_fn fn, void *ctx,
			 struct fems_error *e)
{
	struct epoll_event ev = { .events = events };

	if (fd < 0)
		return err_set(e, FEMS_EINVAL, "descriptor %d cannot be watched", fd);
	if ((size_t)fd >= l->n_watches && !watches_grow(l, (size_t)fd + 16))
		return err_set(e, FEMS_ENOMEM, "out of memory for watching descriptor %d", fd);
	ev.data.u64 = (uint64_t)++l->generation << 32 | (uint32_t)fd;
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev))
		return err_set(e, errno == EEXIST ? FEMS_ECONFLICT : FEMS_EINVAL,
			       "descriptor %d cannot be watched: %s", fd, strerror(errno));
	l->watches[fd] = (struct watch){ fn, ctx, l->generation };
	return FEMS_OK;
}

void loop_fd_del(struct loop *l, int fd)
{
	if (fd < 0 || (size_t)fd >= l->n_watches)
		return;
	(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* a closed one has left by itself */
	l->watches[fd] = (struct watch){ 0 };
}

static void dispatch(struct loop *l, const struct epoll_event *ev)
{
	uint32_t fd = (uint32_t)ev->data.u64, generation = (uint32_t)(ev->data.u64 >> 32);
	struct watch w = l->watches[fd];

	if (w.fn && w.generation == generation)
		w.fn(w.ctx, (int)fd, ev->events);
}

/* ---- clock and timers ---- */

struct loop_timer *loop_at(struct loop *l, int64_t t_us, loop_timer_fn fn, void *ctx)
{
	return timers_add(&l->timers, t_us, 0, 0, fn, ctx);
}

struct loop_timer *loop_every(struct loop *l, int64_t period_us, int64_t phase_us, loop_timer_fn fn,
			      void *ctx)
{
	MUST(period_us > 0);
	return timers_add(&l->timers, next_multiple(clock_now_us(), period_us, phase_us), period_us, phase_us,
			  fn, ctx);
}

void loop_timer_cancel(struct loop *l, struct loop_timer *t)
{
	timers_cancel(&l->timers, t);
}

void loop_on_clock_step(struct loop *l, loop_step_fn fn, void *ctx)
{
	MUST(l->n_steps < MAX_STEPS);
	l->steps[l->n_steps++] = (struct on_step){ fn, ctx };
}

/* Both clocks at one instant: again when the thread was held up in between. */
static void look(int64_t *now_us, int64_t *mono_us)
{
	int64_t before, after;
	int tries = 0;

	do {
		before = clock_mono_us();
		*now_us = clock_now_us();
		after = clock_mono_us();
	} while (after - before > US_PER_S / 10 && ++tries < 5);
	*mono_us = before + (after - before) / 2;
}

/* How far the clock is from where it should be by now; 0 when that is no more than drift. A manual
 * clock goes on by being moved, so that only a move backwards is a step. */
static int64_t step_of(const struct loop *l, int64_t now_us, int64_t mono_us)
{
	double speed = clock_speed();
	int64_t off_us = now_us - l->seen_us;
	double limit = speed > 1 ? (double)STEP_US * speed : (double)STEP_US;

	if (speed == 0)
		return off_us < 0 ? off_us : 0;
	off_us -= (int64_t)((double)(mono_us - l->seen_mono_us) * speed);
	return (double)off_us > limit || (double)off_us < -limit ? off_us : 0;
}

static void notice_step(struct loop *l)
{
	int64_t now_us, mono_us, step_us;
	size_t i;

	look(&now_us, &mono_us);
	step_us = step_of(l, now_us, mono_us);
	l->seen_us = now_us;
	l->seen_mono_us = mono_us;
	if (step_us == 0)
		return;
	l->armed_us = INT64_MIN;
	timers_realign(&l->timers, now_us);
	for (i = 0; i < l->n_steps; i++)
		l->steps[i].fn(l->steps[i].ctx, step_us);
}

/* True when one fired. */
static bool fire_due(struct loop *l)
{
	int n;

	for (n = 0; n < MAX_TIMERS_PER_TURN && !atomic_load(&l->stop); n++)
		if (!timers_fire(&l->timers, clock_now_us()))
			break;
	return n > 0;
}

/* Sets timer_fd to the earliest timer, on CLOCK_REALTIME so that a set clock wakes us. Returns the
 * time-out for epoll_wait: 0 when there is something to do at once. */
static int arm(struct loop *l)
{
	struct itimerspec at = { 0 };
	struct timespec now;
	int64_t due_us = timers_next(&l->timers), wait_us, real_us;

	if (clock_speed() == 0)
		return 0;
	wait_us = due_us == INT64_MAX ? FARTHEST_US : clock_real_until(due_us);
	if (wait_us <= 0)
		return 0;
	if (due_us == l->armed_us)
		return -1;
	if (wait_us > FARTHEST_US)
		wait_us = FARTHEST_US;
	clock_gettime(CLOCK_REALTIME, &now);
	real_us = (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000 + wait_us;
	at.it_value.tv_sec = real_us / US_PER_S;
	at.it_value.tv_nsec = real_us % US_PER_S * 1000;
	l->armed_us = due_us;
	if (!timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL))
		return -1;
	MUST(errno == ECANCELED); /* the clock was set since the last arming */
	l->armed_us = INT64_MIN;
	return 0;
}

static void on_timer_fd(void *ctx, int fd, uint32_t events)
{
	struct loop *l = ctx;
	uint64_t n;

	(void)events;
	/* ECANCELED tells of a set clock; either way both clocks are looked at next. */
	if (read(fd, &n, sizeof n) < 0 && errno == EAGAIN)
		return;
	l->armed_us = INT64_MIN;
}

/* ---- signals ---- */

static void on_signal_fd(void *ctx, int fd, uint32_t events)
{
	struct loop *l = ctx;
	struct signalfd_siginfo info;
	struct on_signal s;

	(void)events;
	while (read(fd, &info, sizeof info) == (ssize_t)sizeof info) {
		s = l->on_signal[info.ssi_signo % SIGNAL_LIMIT];
		if (s.fn)
			s.fn(s.ctx, (int)info.ssi_signo);
	}
}

enum fems_rc loop_signal(struct loop *l, int signo, loop_signal_fn fn, void *ctx, struct fems_error *e)
{
	sigset_t one;

	if (signo <= 0 || signo >= SIGNAL_LIMIT)
		return err_set(e, FEMS_EINVAL, "there is no signal %d", signo);
	sigemptyset(&one);
	sigaddset(&one, signo);
	sigaddset(&l->signals, signo);
	if (pthread_sigmask(SIG_BLOCK, &one, NULL) || signalfd(l->signal_fd, &l->signals, 0) < 0)
		return err_set(e, FEMS_EIO, "signal %d cannot be handled: %s", signo, strerror(errno));
	l->on_signal[signo] = (struct on_signal){ fn, ctx };
	return FEMS_OK;
}

/* ---- posts ---- */

static void wake(struct loop *l)
{
	const uint64_t one = 1;
	ssize_t n;

	do
		n = write(l->wake_fd, &one, sizeof one);
	while (n < 0 && errno == EINTR); /* EAGAIN: the counter is full, so it wakes already */
}

static void on_wake_fd(void *ctx, int fd, uint32_t events)
{
	uint64_t n;

	(void)ctx;
	(void)events;
	while (read(fd, &n, sizeof n) < 0 && errno == EINTR)
		;
}

bool loop_post(struct loop *l, loop_post_fn fn, void *ctx)
{
	struct post *p = malloc(sizeof *p);
	bool taken;

	if (!p)
		return false;
	*p = (struct post){ NULL, fn, ctx };
	pthread_mutex_lock(&l->lock);
	taken = !l->stopped;
	if (taken) {
		*(l->last ? &l->last->next : &l->first) = p;
		l->last = p;
		wake(l);
	}
	pthread_mutex_unlock(&l->lock);
	if (!taken)
		free(p);
	return taken;
}

static struct post *take_posts(struct loop *l)
{
	struct post *p;

	pthread_mutex_lock(&l->lock);
	p = l->first;
	l->first = l->last = NULL;
	pthread_mutex_unlock(&l->lock);
	return p;
}

/* True when there was one. */
static bool run_posts(struct loop *l)
{
	struct post *p = take_posts(l), *next;
	bool any = p;

	for (; p; p = next) {
		next = p->next;
		p->fn(p->ctx);
		free(p);
	}
	return any;
}

/* ---- running ---- */

static void set_stopped(struct loop *l, bool stopped)
{
	pthread_mutex_lock(&l->lock);
	l->stopped = stopped;
	pthread_mutex_unlock(&l->lock);
}

/* One round of everything; false when there was nothing to do. */
static bool turn(struct loop *l)
{
	struct epoll_event ev[MAX_EVENTS];
	bool worked;
	int n, i;

	notice_step(l);
	worked = run_posts(l);
	worked |= fire_due(l);
	if (atomic_load(&l->stop))
		return true;
	notice_step(l); /* a callback may have taken long: what is armed next must be by the clock as it is */
	n = epoll_wait(l->epoll_fd, ev, MAX_EVENTS, arm(l));
	MUST(n >= 0 || errno == EINTR);
	for (i = 0; i < n; i++)
		dispatch(l, &ev[i]);
	return worked || n > 0;
}

void loop_run(struct loop *l)
{
	atomic_store(&l->thread, gettid());
	set_stopped(l, false);
	while (!atomic_load(&l->stop))
		if (!turn(l) && clock_speed() == 0)
			return;
	set_stopped(l, true);
	run_posts(l); /* whoever waits for one gets an answer */
	atomic_store(&l->stop, false);
}

void loop_stop(struct loop *l)
{
	atomic_store(&l->stop, true);
	wake(l);
}

bool loop_is_mine(const struct loop *l)
{
	return atomic_load(&l->thread) == gettid();
}

/* ---- life ---- */

static enum fems_rc open_fds(struct loop *l, struct fems_error *e)
{
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->timer_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	l->signal_fd = signalfd(-1, &l->signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (l->epoll_fd < 0 || l->timer_fd < 0 || l->wake_fd < 0 || l->signal_fd < 0)
		return err_set(e, FEMS_EIO,
			       "the event loop cannot be set up: %s (raise the limit of open files)",
			       strerror(errno));
	if (loop_fd_add(l, l->timer_fd, EPOLLIN, on_timer_fd, l, e) ||
	    loop_fd_add(l, l->wake_fd, EPOLLIN, on_wake_fd, l, e) ||
	    loop_fd_add(l, l->signal_fd, EPOLLIN, on_signal_fd, l, e))
		return FEMS_EIO;
	return FEMS_OK;
}

enum fems_rc loop_new(struct loop **out, struct fems_error *e)
{
	struct loop *l = calloc(1, sizeof *l);
	enum fems_rc rc;

	*out = NULL;
	if (!l)
		return err_set(e, FEMS_ENOMEM, "out of memory for the event loop");
	l->epoll_fd = l->timer_fd = l->wake_fd = l->signal_fd = -1;
	sigemptyset(&l->signals);
	pthread_mutex_init(&l->lock, NULL);
	atomic_store(&l->thread, gettid());
	l->armed_us = INT64_MIN;
	look(&l->seen_us, &l->seen_mono_us);
	rc = open_fds(l, e);
	if (rc)
		loop_free(l);
	else
		*out = l;
	return rc;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void loop_free(struct loop *l)
{
	struct post *p, *next;

	if (!l)
		return;
	for (p = take_posts(l); p; p = next) {
		next = p->next;
		free(p);
	}
	timers_free(&l->timers);
	close_fd(l->signal_fd);
	close_fd(l->wake_fd);
	close_fd(l->timer_fd);
	close_fd(l->epoll_fd);
	pthread_mutex_destroy(&l->lock);
	free(l->watches);
	free(l);
}
