/* SPDX-License-Identifier: Apache-2.0
 *
 * The core's own part of fems.yaml: the site with its meters, machines, loads and battery, the store,
 * the socket and the log level. What belongs to plugins (the sequence "plugins" and the other settings
 * of a meter) is left to core/plug; the two nodes are handed on.
 *
 *   site:     name, contract; timezone, currency, language, control, main_meter, demand_target, tariff
 *   plan:     horizon, budget
 *   store:    dir, commit, keep_raw
 *   meters:   [name, plugin; role, parent, label, and what the plugin knows]
 *   machines: [id; meter, running, idle, label]
 *   loads:    [name, point, power; meter, label, priority, min_off, max_off, min_on]
 *   battery:  meter, setpoint, capacity, power; min, max, efficiency
 *   plugins:  [...]
 *   socket, log
 */
#ifndef FEMS_SITE_SETTINGS_H
#define FEMS_SITE_SETTINGS_H

#include "core/base/site.h"
#include "core/conf/conf.h"
#include "core/store/store.h"

struct site_settings;

/* NULL with faults; every fault is told in one run. The document must live as long as the result. */
struct site_settings *site_settings_read(const struct conf_doc *, struct faults *);
void site_settings_free(struct site_settings *);

/* All borrowed from the settings. main_meter always names one of the meters. */
const struct site *site_settings_site(const struct site_settings *);
const struct store_options *site_settings_store(const struct site_settings *);
const char *site_settings_socket(const struct site_settings *);
enum fems_level site_settings_log_level(const struct site_settings *);
/* Sequences of the document; NULL: absent. */
const struct conf_node *site_settings_plugins(const struct site_settings *);
const struct conf_node *site_settings_meters(const struct site_settings *);

/* The top-level names; ends with NULL. */
extern const char *const site_settings_keys[];
/* A commented sample of the core's part; caller frees. */
char *site_settings_sample(void);

#endif
