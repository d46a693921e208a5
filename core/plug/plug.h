/* SPDX-License-Identifier: Apache-2.0
 *
 * The plugin host: finds and inspects plugins without loading them, loads them, keeps their
 * instances (each with its own thread, or its own fems-host process), gives them the host table, and
 * routes samples, notices, deliveries, searches and writes to them.
 *
 * Knows nothing of store, tariff, plan or act: what a plugin asks of those goes through the hooks and
 * through services.
 */
#ifndef FEMS_PLUG_PLUG_H
#define FEMS_PLUG_PLUG_H

#include <jansson.h>
#include <stdbool.h>
#include <fems/plugin.h>
#include "core/conf/conf.h"
#include "core/data/bus.h"
#include "core/data/point.h"
#include "core/loop/loop.h"
#include "core/loop/service.h"

/* ---- files (note.c, loader.c) ---- */

/* Reads the FEMS note of an ELF64 or ELF32 file without loading it. FEMS_EINVAL: not a shared object,
 * or no note; the text names the file and says what it found. */
enum fems_rc plug_note_read(const char *path, struct fems_note *out, struct fems_error *);
/* FEMS_OK when this femsd can load it; else a text with plugin, its ABI and ours. */
enum fems_rc plug_abi_check(const char *path, const struct fems_note *, struct fems_error *);

struct plug_module;
/* "modbus" or a path. Searched in FEMS_PLUGIN_PATH (directories separated by ':'), then in dir. Note
 * and ABI are checked first; the same file is loaded once; modules are never unloaded. */
enum fems_rc plug_load(const char *name, const char *dir, struct plug_module **out, struct fems_error *);
const struct fems_plugin *plug_module_descriptor(const struct plug_module *);
const char *plug_module_path(const struct plug_module *);

/* ---- instances ---- */

struct plugs;

struct plug_hooks { /* all may be called from any thread */
	void *ctx;
	enum fems_rc (*document)(void *ctx, const char *instance, const char *type, const char *key,
				 struct fems_span body, struct fems_error *);
	enum fems_rc (*command)(void *ctx, const char *instance, const char *point, double value,
				const char *reason, struct fems_error *);
	/* A notice that a plugin published, or a change of a device's state (topic "meter"). */
	void (*notice)(void *ctx, const char *instance, const char *topic, struct fems_span body);
};

struct plugs_options {
	struct loop *loop;
	struct services *services;
	struct bus *bus;
	struct points *points;
	struct plug_hooks hooks;
	const char *plugin_dir; /* where installed plugins lie */
	const char *host_path;  /* the fems-host program; NULL: FEMS_HOST_PROGRAM, or the installed one */
	const char *state_dir;  /* each instance gets a directory below it */
};
enum fems_rc plugs_new(const struct plugs_options *, struct plugs **out, struct fems_error *);
/* Where the instances keep their state, when that is known only after the settings were read; before
 * the first plugs_apply(). */
enum fems_rc plugs_set_state_dir(struct plugs *, const char *dir, struct fems_error *);

/* A complete set of instances as the settings want it, checked but not opened: reading it loads the
 * plugins' descriptors, fills their tables and calls check(). NULL with faults.
 *
 * plugins: the sequence "plugins" of the settings; items {plugin, name, interval, isolate, ...own}.
 * meters: the sequence "meters"; items {name, plugin, role, parent, label, ...own}; each becomes a
 * device of the instance that has its plugin's name, made when "plugins" does not mention it.
 * doc is kept by the caller as long as the set lives. */
struct plug_set;
struct plug_set *plug_set_read(struct plugs *, const struct conf_node *plugins,
			       const struct conf_node *meters, struct faults *);
void plug_set_free(struct plug_set *);
/* Keys of an item of "meters" that belong to the core and not to the plugin; ends with NULL. */
extern const char *const plug_meter_core_keys[];

/* Makes the set the running one: unchanged instances go on untouched; changed ones get reload() or
 * stop and open; gone ones stop; new ones open and start. Takes the set in any case. When an instance cannot open,
 * everything that was changed is put back, the old set stays and the text names the instance.
 * Waits for the plugins, so that none of them may wait for the calling thread (a service
 * of the core thread) in open(), start() or reload(). The settings' document may go afterwards. */
enum fems_rc plugs_apply(struct plugs *, struct plug_set **, struct fems_error *);
/* Stops all within budget_us of real time; names in a warning who did not. */
void plugs_stop(struct plugs *, int64_t budget_us);
void plugs_free(struct plugs *);

/* To every instance with notice(), and to the hook. */
void plugs_publish(struct plugs *, const char *topic, const json_t *body);
/* The write of core/act, routed to the owner of the point. */
enum fems_rc plugs_write(struct plugs *, const struct point *, double value, int64_t budget_us,
			 struct fems_error *);
/* Delivers to a connector instance; blocks up to budget_us. FEMS_EUNSUP: it takes no such type. */
enum fems_rc plugs_push(struct plugs *, const char *instance, const char *type, const char *key,
			struct fems_span body, int64_t budget_us, struct fems_delivery *,
			struct fems_error *);
/* First instance of a kind (in the order of the settings), NULL: none. Borrowed name. */
const char *plugs_first(struct plugs *, enum fems_kind);
/* i-th connector whose push() takes type; NULL behind the last. */
const char *plugs_taker(struct plugs *, const char *type, size_t i);
/* Runs solve() of an optimiser instance; blocks; incumbent is called on the instance's thread. */
enum fems_rc plugs_solve(struct plugs *, const char *instance, struct fems_span problem, int64_t budget_us,
			 fems_incumbent_fn incumbent, void *ctx, struct fems_error *);
/* Array for status and plugins.list. */
json_t *plugs_json(struct plugs *, bool with_settings);

#endif
