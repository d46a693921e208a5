/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/loop/timers.h"

#include <stdlib.h>
#include "core/base/err.h"

struct loop_timer {
	int64_t due_us, period_us, phase_us;
	uint64_t age;
	size_t pos; /* in the heap; NOT_QUEUED outside */
	bool cancelled;
	loop_timer_fn fn;
	void *ctx;
};

#define NOT_QUEUED SIZE_MAX

int64_t next_multiple(int64_t now_us, int64_t period_us, int64_t phase_us)
{
	int64_t since = now_us - phase_us, whole = since / period_us;

	if (since % period_us < 0)
		whole--;
	return phase_us + (whole + 1) * period_us;
}

static bool is_before(const struct loop_timer *a, const struct loop_timer *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->age < b->age;
}

static void place(struct timers *ts, size_t pos, struct loop_timer *t)
{
	ts->heap[pos] = t;
	t->pos = pos;
}

static void sift_up(struct timers *ts, struct loop_timer *t)
{
	size_t pos = t->pos;

	while (pos > 0 && is_before(t, ts->heap[(pos - 1) / 2])) {
		place(ts, pos, ts->heap[(pos - 1) / 2]);
		pos = (pos - 1) / 2;
	}
	place(ts, pos, t);
}

static void sift_down(struct timers *ts, struct loop_timer *t)
{
	size_t pos = t->pos, child;

	while ((child = 2 * pos + 1) < ts->n) {
		if (child + 1 < ts->n && is_before(ts->heap[child + 1], ts->heap[child]))
			child++;
		if (!is_before(ts->heap[child], t))
			break;
		place(ts, pos, ts->heap[child]);
		pos = child;
	}
	place(ts, pos, t);
}

static bool grow(struct timers *ts)
{
	size_t cap = ts->cap ? 2 * ts->cap : 32;
	struct loop_timer **heap = realloc(ts->heap, cap * sizeof *heap);

	if (!heap)
		return false;
	ts->heap = heap;
	ts->cap = cap;
	return true;
}

struct loop_timer *timers_add(struct timers *ts, int64_t due_us, int64_t period_us, int64_t phase_us,
			      loop_timer_fn fn, void *ctx)
{
	struct loop_timer *t;

	if (ts->n == ts->cap && !grow(ts))
		return NULL;
	t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->due_us = due_us;
	t->period_us = period_us;
	t->phase_us = phase_us;
	t->age = ts->age++;
	t->fn = fn;
	t->ctx = ctx;
	t->pos = ts->n++;
	sift_up(ts, t);
	return t;
}

static void remove_at(struct timers *ts, size_t pos)
{
	struct loop_timer *last = ts->heap[--ts->n];

	ts->heap[pos]->pos = NOT_QUEUED;
	if (pos == ts->n)
		return;
	place(ts, pos, last);
	sift_up(ts, last);
	sift_down(ts, last);
}

void timers_cancel(struct timers *ts, struct loop_timer *t)
{
	if (!t)
		return;
	if (t->pos != NOT_QUEUED)
		remove_at(ts, t->pos);
	if (t == ts->firing)
		t->cancelled = true; /* timers_fire() still looks at it, and frees it */
	else
		free(t);
}

int64_t timers_next(const struct timers *ts)
{
	return ts->n ? ts->heap[0]->due_us : INT64_MAX;
}

/* Takes a timer off the heap or on to its next instant; the due time that its callback is told. */
static int64_t advance(struct timers *ts, struct loop_timer *t, int64_t now_us)
{
	int64_t due_us = t->due_us;

	if (t->period_us == 0) {
		remove_at(ts, t->pos);
		return due_us;
	}
	t->due_us = next_multiple(now_us, t->period_us, t->phase_us);
	sift_down(ts, t);
	return t->due_us - t->period_us;
}

bool timers_fire(struct timers *ts, int64_t now_us)
{
	struct loop_timer *t;
	int64_t due_us;

	if (timers_next(ts) > now_us)
		return false;
	MUST(!ts->firing);
	t = ts->heap[0];
	due_us = advance(ts, t, now_us);
	ts->firing = t;
	t->fn(t->ctx, due_us);
	ts->firing = NULL;
	if (t->cancelled || t->period_us == 0)
		free(t);
	return true;
}

void timers_realign(struct timers *ts, int64_t now_us)
{
	size_t i;

	for (i = 0; i < ts->n; i++) {
		struct loop_timer *t = ts->heap[i];

		if (t->period_us && t->due_us - now_us > t->period_us)
			t->due_us = next_multiple(now_us, t->period_us, t->phase_us);
	}
	for (i = ts->n; i-- > 0;)
		sift_down(ts, ts->heap[i]);
}

void timers_free(struct timers *ts)
{
	size_t i;

	for (i = 0; i < ts->n; i++)
		free(ts->heap[i]);
	free(ts->heap);
	*ts = (struct timers){ 0 };
}
