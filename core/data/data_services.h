/* SPDX-License-Identifier: Apache-2.0
 *
 * The services meters.list, meters.read, quantities.list and site (docs/services.md), answered from
 * the site, the registry of points and the last values. All run on the core thread, because a reload
 * exchanges the site there.
 */
#ifndef FEMS_DATA_SERVICES_H
#define FEMS_DATA_SERVICES_H

#include "core/base/site.h"
#include "core/data/point.h"
#include "core/loop/service.h"

struct data_services {
	const struct site *const *site; /* where the site in force is found; *site NULL: none yet */
	struct points *points;
};

/* ctx is borrowed for the life of the services. */
void data_services_register(struct services *, struct data_services *ctx);
/* An item of meters.list; also the body of the event "meter". New reference, NULL: out of memory. */
json_t *data_services_meter(const struct data_services *, const struct site_meter *);

#endif
