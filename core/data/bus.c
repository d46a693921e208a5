/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/data/bus.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/err.h"

/* A sample lies in the ring as atomic words, so that a reader may copy one while it is being
 * overwritten and find out afterwards: the writer raises `claimed` before it stores the words (release)
 * and `head` behind them. A reader that got a word of a later round (acquire) also sees the raised
 * `claimed` and throws the copy away, as lost. Nobody waits for a reader. */
#define WORDS (sizeof(struct fems_sample) / sizeof(uint64_t))
_Static_assert(sizeof(struct fems_sample) % sizeof(uint64_t) == 0, "a sample is copied in words");

struct slot {
	_Atomic uint64_t word[WORDS];
};

struct bus {
	size_t capacity;
	struct slot *ring;
	pthread_mutex_t writers; /* publishers among themselves */
	_Atomic uint64_t claimed, head;
	pthread_mutex_t wait_lock;
	pthread_cond_t changed;
	atomic_uint waiting;
};

struct bus_reader {
	struct bus *bus;
	uint64_t next;
	bool woken; /* under wait_lock */
};

enum fems_rc bus_new(size_t capacity, struct bus **out, struct fems_error *e)
{
	pthread_condattr_t attr;
	struct bus *b;

	if (capacity < 2 || (capacity & (capacity - 1)))
		return err_set(e, FEMS_EINVAL, "bus: capacity %zu is not a power of two", capacity);
	b = calloc(1, sizeof *b);
	if (b)
		b->ring = calloc(capacity, sizeof *b->ring);
	if (!b || !b->ring) {
		free(b);
		return err_set(e, FEMS_ENOMEM, "bus: no memory for %zu samples", capacity);
	}
	b->capacity = capacity;
	pthread_mutex_init(&b->writers, NULL);
	pthread_mutex_init(&b->wait_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&b->changed, &attr);
	pthread_condattr_destroy(&attr);
	*out = b;
	return FEMS_OK;
}

void bus_free(struct bus *b)
{
	if (!b)
		return;
	pthread_cond_destroy(&b->changed);
	pthread_mutex_destroy(&b->wait_lock);
	pthread_mutex_destroy(&b->writers);
	free(b->ring);
	free(b);
}

static void slot_put(struct slot *s, const struct fems_sample *sample)
{
	uint64_t w[WORDS];

	memcpy(w, sample, sizeof w);
	for (size_t i = 0; i < WORDS; i++)
		atomic_store_explicit(&s->word[i], w[i], memory_order_release);
}

static void slot_get(struct slot *s, struct fems_sample *sample)
{
	uint64_t w[WORDS];

	for (size_t i = 0; i < WORDS; i++)
		w[i] = atomic_load_explicit(&s->word[i], memory_order_acquire);
	memcpy(sample, w, sizeof w);
}

static void wake_waiting(struct bus *b)
{
	if (!atomic_load(&b->waiting))
		return;
	pthread_mutex_lock(&b->wait_lock);
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->wait_lock);
}

void bus_publish(struct bus *b, const struct fems_sample *samples, size_t n)
{
	uint64_t at, end;
	size_t skip = n > b->capacity ? n - b->capacity : 0;

	if (!n)
		return;
	pthread_mutex_lock(&b->writers);
	at = atomic_load_explicit(&b->head, memory_order_relaxed);
	end = at + n;
	atomic_store_explicit(&b->claimed, end, memory_order_relaxed);
	for (size_t i = skip; i < n; i++)
		slot_put(&b->ring[(at + i) & (b->capacity - 1)], &samples[i]);
	atomic_store(&b->head, end);
	pthread_mutex_unlock(&b->writers);
	wake_waiting(b);
}

uint64_t bus_published(const struct bus *b)
{
	return atomic_load(&b->head);
}

struct bus_reader *bus_reader_open(struct bus *b)
{
	struct bus_reader *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->bus = b;
	r->next = atomic_load(&b->head);
	return r;
}

void bus_reader_close(struct bus_reader *r)
{
	free(r);
}

/* First sample that cannot have been overwritten when `claimed` was read. */
static uint64_t oldest(const struct bus *b)
{
	uint64_t claimed = atomic_load_explicit(&b->claimed, memory_order_acquire);

	return claimed > b->capacity ? claimed - b->capacity : 0;
}

size_t bus_take(struct bus_reader *r, struct fems_sample *out, size_t cap, uint64_t *lost)
{
	struct bus *b = r->bus;
	uint64_t head = atomic_load(&b->head);
	uint64_t from = r->next, safe = oldest(b);
	size_t n, spoilt = 0;

	if (from < safe)
		from = safe < head ? safe : head;
	n = head - from < cap ? head - from : cap;
	for (size_t i = 0; i < n; i++)
		slot_get(&b->ring[(from + i) & (b->capacity - 1)], &out[i]);
	safe = oldest(b);
	if (safe > from)
		spoilt = safe - from < n ? safe - from : n;
	if (spoilt)
		memmove(out, out + spoilt, (n - spoilt) * sizeof *out);
	*lost = from + spoilt - r->next;
	r->next = from + n;
	return n - spoilt;
}

static struct timespec monotonic_in(int64_t us)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += us / 1000000;
	t.tv_nsec += us % 1000000 * 1000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

bool bus_wait(struct bus_reader *r, int64_t budget_us)
{
	struct bus *b = r->bus;
	struct timespec until = monotonic_in(budget_us < 0 ? 0 : budget_us);
	bool any;

	pthread_mutex_lock(&b->wait_lock);
	atomic_fetch_add(&b->waiting, 1);
	while (!r->woken && atomic_load(&b->head) == r->next) {
		if (pthread_cond_timedwait(&b->changed, &b->wait_lock, &until) == ETIMEDOUT)
			break;
	}
	atomic_fetch_sub(&b->waiting, 1);
	r->woken = false;
	any = atomic_load(&b->head) != r->next;
	pthread_mutex_unlock(&b->wait_lock);
	return any;
}

void bus_wake(struct bus_reader *r)
{
	pthread_mutex_lock(&r->bus->wait_lock);
	r->woken = true;
	pthread_cond_broadcast(&r->bus->changed);
	pthread_mutex_unlock(&r->bus->wait_lock);
}
