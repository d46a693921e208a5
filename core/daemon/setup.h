/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything that the settings say, read and checked as one: site, tariff, instances. Made completely
 * before anything is changed, so that a reload with a fault in any file leaves the old one in force.
 */
#ifndef FEMS_DAEMON_SETUP_H
#define FEMS_DAEMON_SETUP_H

#include "core/conf/conf.h"
#include "core/plug/plug.h"
#include "core/site_settings.h"
#include "core/tariff/tariff.h"

struct setup {
	struct conf_doc *doc;
	struct site_settings *settings;
	struct tariff *tariff; /* NULL: the settings name none */
	struct plug_set *set;  /* taken by plugs_apply() */
};

/* NULL when there were errors. */
struct setup *setup_read(const char *path, struct plugs *, struct faults *);
void setup_free(struct setup *);

#endif
