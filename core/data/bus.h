/* SPDX-License-Identifier: Apache-2.0
 *
 * The sample bus: one ring, many readers with cursors of their own. Publishing never blocks on a
 * reader: one that falls behind by more than the ring loses its own oldest samples, counted.
 */
#ifndef FEMS_DATA_BUS_H
#define FEMS_DATA_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <fems/plugin.h>

struct bus;
struct bus_reader;

/* capacity: samples, a power of two. */
enum fems_rc bus_new(size_t capacity, struct bus **out, struct fems_error *);
void bus_free(struct bus *); /* after all readers are closed */

/* From any thread; n may exceed the ring (then only the last part survives). */
void bus_publish(struct bus *, const struct fems_sample *, size_t n);
/* Total ever published. */
uint64_t bus_published(const struct bus *);

/* A new reader sees what is published from now on. */
struct bus_reader *bus_reader_open(struct bus *);
void bus_reader_close(struct bus_reader *);
/* Moves up to cap samples out; *lost: how many it missed since the last call. Never blocks. */
size_t bus_take(struct bus_reader *, struct fems_sample *out, size_t cap, uint64_t *lost);
/* Waits until there is something to take, wake was called, or budget_us of real time is over. */
bool bus_wait(struct bus_reader *, int64_t budget_us);
void bus_wake(struct bus_reader *);

#endif
