/* SPDX-License-Identifier: Apache-2.0
 *
 * One run of the optimiser: first schedule, search, battery, answers to the core.
 */
#ifndef OPTIMISE_SOLVE_H
#define OPTIMISE_SOLVE_H

#include <stdbool.h>
#include <stdint.h>
#include <fems/plugin.h>

struct solve_settings {
	int64_t seed;      /* added to the problem's own */
	bool battery;      /* plan the battery; false: it stays idle */
	int64_t max_steps; /* 0: until the budget is used up */
};

enum fems_rc solve_problem(const struct solve_settings *, struct fems_span problem, int64_t budget_us,
			   fems_incumbent_fn incumbent, void *ctx, struct fems_error *);

#endif
