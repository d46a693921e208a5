/* SPDX-License-Identifier: Apache-2.0
 *
 * Problems and plans from outside: the core's reader, judge and conflicts, then the optimiser's own
 * reader and a few steps of its search, whose answers must pass the judge.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/json.h"
#include "core/plan/plan.h"
#include "plugins/optimise/solve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_answer(void *ctx, struct fems_span text)
{
	const struct plan_problem *p = ctx;
	struct plan_conflict c;
	struct plan *plan = NULL;
	struct plan_cost said;
	struct fems_error e = { "", NULL };

	if (!p)
		return 1;
	if (plan_parse(p, text, &plan, &e) || (said = plan->cost, plan_evaluate(p, plan, &c, 1))) {
		fprintf(stderr, "%s%s\n", e.text, plan ? c.text_en : "");
		abort();
	}
	MUST(memcmp(&said, &plan->cost, sizeof said) == 0);
	plan_free(plan);
	return 0;
}

static void search(struct plan_problem *p, const uint8_t *data, size_t size)
{
	struct solve_settings set = { 1, true, 20 };
	struct fems_error e = { "", NULL };

	solve_problem(&set, (struct fems_span){ (const char *)data, size }, 50000, on_answer, p, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plan_problem *p = NULL;
	struct plan_conflict c[4];
	struct fems_error e = { "", NULL };
	struct plan *erp;
	json_t *j;

	if (plan_problem_parse((struct fems_span){ (const char *)data, size }, &p, &e)) {
		search(NULL, data, size);
		return 0;
	}
	erp = plan_erp(p);
	if (erp)
		plan_evaluate(p, erp, c, 4);
	j = plan_problem_json(p);
	MUST(j);
	json_decref(j);
	if (plan_infeasible(p, c, 4) == 0)
		search(p, data, size);
	plan_free(erp);
	plan_problem_free(p);
	return 0;
}
