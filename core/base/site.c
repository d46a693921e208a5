/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/base/site.h"

#include <string.h>

const struct site_meter *site_meter_find(const struct site *site, const char *name)
{
	size_t i;

	for (i = 0; name && i < site->n_meters; i++)
		if (!strcmp(site->meters[i].name, name))
			return &site->meters[i];
	return NULL;
}

const struct site_machine *site_machine_find(const struct site *site, const char *id)
{
	size_t i;

	for (i = 0; id && i < site->n_machines; i++)
		if (!strcmp(site->machines[i].id, id))
			return &site->machines[i];
	return NULL;
}
