/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/demand/window.h"

#include <math.h>
#include <string.h>

#define SMOOTH_US 60e6 /* time constant of the expectation: a machine's start is believed after a minute */
#define ERROR_US  600e6
#define BAND      1.96

static int64_t window_of(int64_t t_us)
{
	return t_us - ((t_us % WINDOW_US) + WINDOW_US) % WINDOW_US;
}

/* Counter value at t between two readings. */
static double between(int64_t t0, double v0, int64_t t1, double v1, int64_t t)
{
	return t1 > t0 ? v0 + (v1 - v0) * (double)(t - t0) / (double)(t1 - t0) : v1;
}

void window_counter(struct window *w, int64_t t_us, double wh)
{
	int64_t start = window_of(t_us);
	bool reset = w->have_counter && wh < w->last_wh;

	if (w->have_counter && t_us <= w->last_us)
		return;
	if (!w->have_counter || reset) {
		w->partial = t_us != start;
		w->start_wh = wh;
		if (start != w->start_us)
			w->carried_wh = 0;
		w->start_us = start;
	} else if (start != w->start_us) {
		w->partial = start - w->last_us > WINDOW_US; /* the edge lies in a gap */
		w->start_wh = between(w->last_us, w->last_wh, t_us, wh, start);
		w->start_us = start;
		w->carried_wh = 0;
	}
	w->last_us = t_us;
	w->last_wh = wh;
	w->have_counter = true;
}

void window_carry(struct window *w, int64_t start_us, double wh)
{
	if (w->have_counter && w->start_us == start_us && w->partial) {
		w->carried_wh = wh;
		w->partial = false;
	}
}

void window_power(struct window *w, int64_t t_us, double power_w)
{
	double dt = (double)(t_us - w->power_us), a, b;

	if (w->have_power && dt <= 0)
		return;
	if (!w->have_power) {
		w->smooth_w = power_w;
	} else {
		a = 1 - exp(-dt / SMOOTH_US);
		b = 1 - exp(-dt / ERROR_US);
		w->error_w += b * (fabs(power_w - w->smooth_w) - w->error_w);
		w->smooth_w += a * (power_w - w->smooth_w);
		w->gap_us += (w->gap_us > 0 ? 0.2 : 1) * (dt - w->gap_us);
	}
	w->power_w = power_w;
	w->power_us = t_us;
	w->have_power = true;
}

bool window_project(const struct window *w, int64_t now_us, struct projection *out)
{
	double left_h, gap_h, span_h, band;
	int64_t start = window_of(now_us), newest;

	if (!w->have_counter || !w->have_power)
		return false;
	memset(out, 0, sizeof *out);
	out->start_us = start;
	out->end_us = start + WINDOW_US;
	if (start == w->start_us) {
		gap_h = (double)(now_us - w->last_us) / 3.6e9;
		out->energy_wh = w->carried_wh + w->last_wh - w->start_wh;
		out->partial = w->partial;
	} else {
		gap_h = (double)(now_us - start) / 3.6e9; /* no reading in this window yet */
	}
	out->energy_wh += w->smooth_w * (gap_h > 0 ? gap_h : 0);
	span_h = (double)(now_us - start) / 3.6e9;
	left_h = (double)(out->end_us - now_us) / 3.6e9;
	band = BAND * w->error_w * left_h * 4;
	out->power_w = w->power_w;
	out->mean_w = span_h > 0 ? out->energy_wh / span_h : w->power_w;
	out->projected_w = (out->energy_wh + w->smooth_w * left_h) * 4;
	out->low_w = out->projected_w - band;
	out->high_w = out->projected_w + band;
	out->gap_us = (int64_t)w->gap_us;
	newest = w->power_us > w->last_us ? w->power_us : w->last_us;
	out->age_us = now_us - newest;
	return true;
}
