/* SPDX-License-Identifier: Apache-2.0
 *
 * The checks that need more than one setting: names that must exist or be unique, the tree of meters,
 * the battery's range. For site_settings.c.
 */
#ifndef FEMS_SITE_CHECK_H
#define FEMS_SITE_CHECK_H

#include "core/base/site.h"
#include "core/conf/conf.h"

/* Adds a fault with its place for each; false when there was one. Works on what could be read, also
 * when single settings were wrong. Finds the main meter where the settings do not name it. */
bool site_check(const struct conf_node *root, struct site *, struct site_meter *meters, struct faults *);

#endif
