/* SPDX-License-Identifier: Apache-2.0
 *
 * Carries samples from the bus into the store, on a thread of its own: finds the series of a point
 * once, then appends in batches. Not a filter: everything that has a value or says that there is none
 * is kept.
 */
#ifndef FEMS_DAEMON_RECORDER_H
#define FEMS_DAEMON_RECORDER_H

#include <fems/plugin.h>
#include "core/data/bus.h"
#include "core/data/point.h"
#include "core/store/store.h"

struct recorder;

/* max_rate: Wh (varh, VAh) per hour that no counter of the site can exceed; a reading that asks for more
 * is a glitch of its meter. 0: no such limit is known. */
enum fems_rc recorder_open(struct bus *, struct points *, struct store *, double max_rate,
			   struct recorder **out, struct fems_error *);
/* Takes what is on the bus, then ends. */
void recorder_close(struct recorder *);
/* Real microseconds (clock_mono_us) of the first sample with a usable value; 0: none yet. Any thread. */
int64_t recorder_first_us(const struct recorder *);
/* Samples that the recorder lost because it was slow. Any thread. */
uint64_t recorder_lost(const struct recorder *);

#endif
