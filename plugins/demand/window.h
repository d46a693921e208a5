/* SPDX-License-Identifier: Apache-2.0
 *
 * The running demand window: energy so far and the projected mean at its end. Pure arithmetic on
 * samples and times, no I/O; one thread.
 *
 * Projection (energy balance): mean = (energy so far + expected power x time left) / window. The
 * expected power is an exponentially smoothed one; the band is the smoothed absolute error of that
 * expectation x 1.96, which is the usual 95 % factor of controllers of this kind.
 */
#ifndef FEMS_DEMAND_WINDOW_H
#define FEMS_DEMAND_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_US INT64_C(900000000)

struct window {
	int64_t start_us;  /* UTC multiple of 15 min; 0: nothing seen yet */
	double start_wh;   /* counter at the start */
	bool partial;      /* the start was not seen: energy is known only from a later moment */
	double carried_wh; /* energy of this window before the first reading seen (from the store) */
	int64_t last_us;   /* newest counter reading */
	double last_wh;
	double power_w; /* newest power */
	int64_t power_us;
	double smooth_w, error_w; /* expectation, and its smoothed absolute error */
	double gap_us;            /* smoothed spacing of the power values */
	bool have_power, have_counter;
};

/* A counter reading in Wh; a step backwards begins anew, flagged partial. */
void window_counter(struct window *, int64_t t_us, double wh);
void window_power(struct window *, int64_t t_us, double power_w);
/* Energy of the running window before the first counter reading, asked from the store at start. */
void window_carry(struct window *, int64_t start_us, double wh);

struct projection {
	int64_t start_us, end_us;
	double energy_wh; /* so far, with the time since the newest reading filled by its power */
	double mean_w;    /* of the window so far */
	double power_w, projected_w, low_w, high_w;
	int64_t age_us; /* of the newest of power and counter */
	int64_t gap_us; /* usual spacing of the values */
	bool partial;
};
/* False before the first power and counter reading. */
bool window_project(const struct window *, int64_t now_us, struct projection *out);

#endif
