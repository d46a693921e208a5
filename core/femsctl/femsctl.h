/* SPDX-License-Identifier: Apache-2.0
 *
 * femsctl: the operator's tool. One file per noun; each verb asks femsd through its socket (or works
 * on files without it) and prints a table for people or, with --json, the reply as it came.
 */
#ifndef FEMS_FEMSCTL_H
#define FEMS_FEMSCTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <fems/plugin.h>

enum ctl_exit { /* the same for every verb; femsctl(1) */
		CTL_OK,
		CTL_FAILED,
		CTL_USAGE,
		CTL_FAULTS,      /* a check found problems */
		CTL_UNREACHABLE, /* no femsd */
		CTL_DENIED,
		CTL_NOT_FOUND,
		CTL_CONFLICT
};

struct zone;

struct ctl {
	const char *socket;
	const char *lang; /* "ko" or "en" */
	bool json;
	int argc; /* what follows the verb */
	char **argv;
};

/* Calls a service. NULL: the error is printed and *rc says how to exit. New reference. */
json_t *ctl_call(const struct ctl *, const char *service, const json_t *request, int *rc);
/* Calls, and with --json prints the reply and returns NULL with *rc = CTL_OK. */
json_t *ctl_ask(const struct ctl *, const char *service, const json_t *request, int *rc);
int ctl_exit_of(enum fems_rc);
void ctl_print_json(const json_t *);
/* Value of --NAME in argv, NULL: not given. Both "--name value" and "--name=value". */
const char *ctl_option(const struct ctl *, const char *name);
bool ctl_flag(const struct ctl *, const char *name);
/* i-th argument that is no option. */
const char *ctl_argument(const struct ctl *, int i);

/* False with a message: an option that is not among names (ends with NULL; --json, --lang and --socket
 * are always allowed). */
bool ctl_only_options(const struct ctl *, const char *command, const char *const *names);

/* Members for printing; "" or 0 when absent. */
const char *ctl_str(const json_t *, const char *key);
int64_t ctl_int(const json_t *, const char *key);
/* The label in the language asked for. */
const char *ctl_label(const struct ctl *, const json_t *object, const char *key);
/* "12,345.6 kW" and the like into buf; "-" for null. */
const char *ctl_kilo(const json_t *value, const char *unit, char *buf, unsigned cap);
const char *ctl_money(const json_t *micro, const char *currency, char *buf, unsigned cap);
/* Local part of an RFC 3339 time: "11-23 14:15", "-" for null. */
const char *ctl_time(const json_t *value, char *buf, unsigned cap);
/* Zone of the site, for services that answer in UTC; NULL: not known, which is UTC. Caller frees. */
struct zone *ctl_zone(const struct ctl *);
const char *ctl_time_in(const struct zone *, const json_t *value, char *buf, unsigned cap);
/* Pads with spaces to a width in columns (Hangul takes two). */
void ctl_cell(const char *text, int width);

/* Lines of a bill as the service "bill" gives it. */
void ctl_bill_print(const struct ctl *, const json_t *bill);
/* What is said of a load file on the command line: --zone, --missing, --accept-spikes, --start,
 * --interval. False with a message. Free zone with zone_free(). */
struct load_options;
struct load_series;
struct zone;
bool ctl_load_options(const struct ctl *, struct load_options *, struct zone **zone);
/* Findings to stderr. */
void ctl_load_notes(const struct load_series *, const char *path);
/* The same as JSON. */
json_t *ctl_load_notes_json(const struct load_series *);
/* A tariff by its name or path: a file, or NAME.yaml in FEMS_TARIFF_PATH (like PATH), else where fems is
 * installed. False with a message. */
bool ctl_tariff_path(const char *name, char *out, unsigned cap);

int ctl_status(const struct ctl *);
int ctl_check_config(const struct ctl *);
int ctl_meters_list(const struct ctl *);
int ctl_meters_read(const struct ctl *);
int ctl_plan_show(const struct ctl *);
int ctl_plan_run(const struct ctl *);
int ctl_bill(const struct ctl *);
int ctl_bill_file(const struct ctl *);
int ctl_bill_case(const struct ctl *);
int ctl_load_check(const struct ctl *);
int ctl_tariff_check(const struct ctl *);
int ctl_demand_now(const struct ctl *);
int ctl_orders_list(const struct ctl *);
int ctl_outbox_list(const struct ctl *);
int ctl_audit_list(const struct ctl *);
int ctl_plugin_list(const struct ctl *);
int ctl_call_any(const struct ctl *);
int ctl_history_import(const struct ctl *);

#endif
