/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread with a mailbox: one worker per plugin instance, per writer, per planner. Jobs run one at a
 * time in order of arrival.
 */
#ifndef FEMS_LOOP_WORKER_H
#define FEMS_LOOP_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <fems/plugin.h>

struct worker;
typedef void (*worker_fn)(void *ctx);

enum fems_rc worker_new(const char *name, struct worker **out, struct fems_error *);
/* Queues a job; false after worker_stop(). */
bool worker_post(struct worker *, worker_fn, void *ctx);
/* Queues a job and waits until it has run; FEMS_ETIME after budget_us of real time: the job was then
 * withdrawn if it had not begun, else it still runs and *ctx must outlive it (late == true). FEMS_AGAIN:
 * stopped, the job does not run. On the worker's own thread it runs at once. */
enum fems_rc worker_do(struct worker *, worker_fn, void *ctx, int64_t budget_us, bool *late);
/* Runs fn every period_us of the plant's clock (multiples), never two at once, missed ones skipped. Up
 * to 8 of them; the same fn and ctx again changes the period, and period_us 0 ends it. */
void worker_every(struct worker *, int64_t period_us, worker_fn, void *ctx);
/* True on the worker's own thread. */
bool worker_is_me(const struct worker *);
/* No new jobs; pending ones are dropped. Joins for at most budget_us of real time; false when the thread
 * is stuck (it is then left behind, detached, with its struct worker). Not from the worker itself. Called
 * again it tells whether the thread has ended since. */
bool worker_stop(struct worker *, int64_t budget_us);
void worker_free(struct worker *); /* after a true worker_stop() */

#endif
