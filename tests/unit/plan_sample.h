/* SPDX-License-Identifier: Apache-2.0
 *
 * Planning problems for tests and benchmarks: small ones by hand, large ones generated.
 */
#ifndef TESTS_PLAN_SAMPLE_H
#define TESTS_PLAN_SAMPLE_H

#include "core/plan/plan.h"

/* Empty problem of this size: price 100 (1e-6 of the currency per kWh, everywhere), all slots count,
 * no base load, machines open. Aborts when out of memory. */
struct plan_problem *sample_empty(int slots, int machines);
/* Adds an order with one option of constant power; returns it (valid until the next one is added). */
struct plan_order *sample_order(struct plan_problem *, const char *id, int release, int due, int machine,
				int length, int64_t power_w);
void sample_option(struct plan_order *, int machine, int length, int64_t power_w);

struct sample {
	int orders, slots, machines;
	bool battery, limit, pv_export;
	uint64_t seed;
};
/* A factory: three price bands, shifts, base load, PV, demand charge above a ratchet; about 60 % of the
 * machine time is used. The same sample is the same problem. */
struct plan_problem *sample_factory(struct sample);

/* JSON text of the problem; caller frees. */
char *sample_text(const struct plan_problem *);

#endif
