/* SPDX-License-Identifier: Apache-2.0
 *
 * The document "operations-schedule" (docs/documents.md) to orders of the store.
 */
#ifndef FEMS_PLAN_SCHEDULE_H
#define FEMS_PLAN_SCHEDULE_H

#include "core/base/site.h"
#include "core/plan/order_rows.h"

struct schedule {
	char id[160];
	bool complete;
	struct order_rows rows;
	size_t infeasible; /* of them; each was said in the log with its place and reason */
};

/* FEMS_EINVAL: the document itself is wrong; names the member and its place in the original. */
enum fems_rc schedule_parse(struct fems_span body, const char *source, const struct site *,
			    struct schedule *out, struct fems_error *);
void schedule_free(struct schedule *);
/* Why an order cannot be planned on this site, in both languages; false: it can. */
bool schedule_order_fault(const struct site *, const struct store_order *, char *en, char *ko, size_t cap);

#endif
