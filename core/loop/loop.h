/* SPDX-License-Identifier: Apache-2.0
 *
 * The core thread's event loop on epoll, timerfd, signalfd and eventfd: descriptors, timers on the
 * plant's clock that notice clock steps, signals, and work posted from other threads. Not a thread
 * pool: long work belongs to a worker (worker.h).
 *
 * Only the thread that runs loop_run() may call anything but loop_post(), loop_stop() and
 * loop_is_mine().
 */
#ifndef FEMS_LOOP_LOOP_H
#define FEMS_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <fems/plugin.h>

struct loop;
struct loop_timer;

typedef void (*loop_fd_fn)(void *ctx, int fd, uint32_t epoll_events);
typedef void (*loop_timer_fn)(void *ctx, int64_t due_us);
typedef void (*loop_signal_fn)(void *ctx, int signo);
typedef void (*loop_step_fn)(void *ctx, int64_t step_us);
typedef void (*loop_post_fn)(void *ctx);

enum fems_rc loop_new(struct loop **out, struct fems_error *);
void loop_free(struct loop *);
/* Runs until loop_stop(); what was posted before that still runs. On a manual clock it also returns when
 * nothing is left to do at the present instant, so that a test can move the clock and run it again. */
void loop_run(struct loop *);
void loop_stop(struct loop *);

enum fems_rc loop_fd_add(struct loop *, int fd, uint32_t epoll_events, loop_fd_fn, void *ctx,
			 struct fems_error *);
void loop_fd_del(struct loop *, int fd);

/* Once at t_us of the plant's clock. Freed after it fired. */
struct loop_timer *loop_at(struct loop *, int64_t t_us, loop_timer_fn, void *ctx);
/* At every multiple of period_us since 1970 UTC, plus phase, behind the present instant. After a forward
 * step missed instants are skipped (one call with the latest due time); after a backward step the next
 * multiple counts. */
struct loop_timer *loop_every(struct loop *, int64_t period_us, int64_t phase_us, loop_timer_fn, void *ctx);
void loop_timer_cancel(struct loop *, struct loop_timer *);

/* The signal is blocked for the process and handled here. */
enum fems_rc loop_signal(struct loop *, int signo, loop_signal_fn, void *ctx, struct fems_error *);
/* Called when the wall clock was set by more than 1 s (TFD_TIMER_CANCEL_ON_SET). A manual clock goes on by
 * being moved: there only a move backwards is a step. Up to 16 of them. */
void loop_on_clock_step(struct loop *, loop_step_fn, void *ctx);
/* From any thread: run fn(ctx) on the loop's thread soon, in order. False: out of memory or stopped. */
bool loop_post(struct loop *, loop_post_fn, void *ctx);
/* From any thread: whether it is the one that runs (or, before that, made) the loop. */
bool loop_is_mine(const struct loop *);

#endif
