/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>

#include <fems/plugin.h>
#include <fems/util.h>

#include "plugins/optimise/solve.h"

struct cfg {
	int64_t seed, battery, max_steps;
};

static const struct fems_key keys[] = {
	FEMS_INT(struct cfg, seed, "0", 0, 4294967295.0, NULL,
		 "Start of the random numbers; the same seed and max_steps give the same plan"),
	FEMS_BOOL(struct cfg, battery, "yes", "Plan the battery of the site; no: it stays idle"),
	FEMS_INT(struct cfg, max_steps, "0", 0, 1e12, NULL,
		 "End a search after this many steps; 0: when its time is used up"),
	FEMS_KEYS_END
};

struct self {
	const struct fems_host *host;
	struct solve_settings set;
};

static void take_settings(struct self *self, const struct fems_settings *s)
{
	const struct cfg *cfg = s->cfg;

	self->set = (struct solve_settings){ cfg->seed, cfg->battery != 0, cfg->max_steps };
}

static enum fems_rc optimise_open(const struct fems_host *host, const struct fems_settings *s, void **out,
				  struct fems_error *e)
{
	struct self *self = calloc(1, sizeof *self);

	if (!self)
		return fems_fail(e, FEMS_ENOMEM, "out of memory");
	self->host = host;
	take_settings(self, s);
	*out = self;
	return FEMS_OK;
}

static enum fems_rc optimise_reload(void *ctx, const struct fems_settings *s, struct fems_error *e)
{
	(void)e;
	take_settings(ctx, s);
	return FEMS_OK;
}

static void optimise_close(void *self)
{
	free(self);
}

static enum fems_rc optimise_solve(void *ctx, struct fems_span problem, int64_t budget_us,
				   fems_incumbent_fn incumbent, void *incumbent_ctx, struct fems_error *e)
{
	struct self *self = ctx;

	return solve_problem(&self->set, problem, budget_us, incumbent, incumbent_ctx, e);
}

static const struct fems_life life = {
	.size = sizeof life,
	.open = optimise_open,
	.reload = optimise_reload,
	.close = optimise_close,
};

static const struct fems_optimiser_ops optimiser = {
	.size = sizeof optimiser,
	.solve = optimise_solve,
};

FEMS_PLUGIN("optimise", "0.1.0", FEMS_OPTIMISER, .grade = FEMS_BETA, .license = "Apache-2.0",
	    .summary = "Plans orders and battery against energy price, demand charge and due dates",
	    .keys = keys, .cfg_size = sizeof(struct cfg), .life = &life, .optimiser = &optimiser);
