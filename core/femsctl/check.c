/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/femsctl/femsctl.h"

#include "core/daemon/check.h"

int ctl_check_config(const struct ctl *c)
{
	const char *path = ctl_argument(c, 0);

	return check_settings(path ? path : FEMS_SYSCONF_DIR "/fems.yaml", c->json) ? CTL_FAULTS : CTL_OK;
}
