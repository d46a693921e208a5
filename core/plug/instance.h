/* SPDX-License-Identifier: Apache-2.0
 *
 * One running instance: its thread, its host table, its calls. Private to this room.
 *
 * Threads: every call of the plugin runs on the instance's worker. The functions here may be called
 * from any thread unless they say otherwise.
 */
#ifndef FEMS_PLUG_INSTANCE_H
#define FEMS_PLUG_INSTANCE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "core/loop/worker.h"
#include "core/plug/call.h"
#include "core/plug/idset.h"
#include "core/plug/item.h"
#include "core/plug/plug.h"

enum instance_state {
	INSTANCE_NEW, /* open() has not succeeded yet */
	INSTANCE_RUNNING,
	INSTANCE_RESTARTING, /* isolated: its process ended, the next one is due */
	INSTANCE_PARKED,     /* isolated: ended too often */
	INSTANCE_STOPPED
};

struct trouble { /* of one kind of call, on the worker only */
	enum fems_rc rc;
	uint64_t failures;        /* in a row */
	int64_t wait_us, next_us; /* back-off, plant time */
};

struct feed;
struct notices;

struct instance {
	struct plugs *plugs;
	char name[64];
	char state_dir[PATH_MAX];
	uint32_t offers, kinds; /* as the face says; the same for all settings it may be reloaded with */
	int64_t interval_us;    /* 0: by kind */
	struct plug_body *body;
	struct worker *worker;
	struct fems_host host;
	struct idset own; /* points it may emit to */
	struct feed *feed;
	struct notices *notices;
	struct trouble trouble[OP_COUNT];
	atomic_int refs;
	atomic_int state;    /* enum instance_state */
	atomic_int inside;   /* host calls in progress */
	atomic_bool closed;  /* host calls are refused: what they need may be gone */
	atomic_bool opening; /* point() and subscribe() are allowed */
	bool stopping;       /* __atomic: wait_until() ends */
	atomic_int busy_op;  /* call in progress, -1: none */
	_Atomic int64_t busy_since_us, busy_budget_us; /* real time */
	atomic_bool stuck_told;
	atomic_bool left; /* its thread is stuck: never free anything of it */
	atomic_bool nan_told;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t ended_cond;
	struct plug_item *item; /* exchanged by a reload only */
	bool ended;             /* stop() and close() are done */
	char last_error[400];
	unsigned restarts;
	int64_t crashes_us[5]; /* real time of the latest, a ring */
	unsigned n_crashes;
	int64_t delay_us; /* before the next restart */
	bool failing;     /* the latest poll or pull failed */
};

/* Opens and starts an instance and puts it into the list; waits for the plugin. Takes the item, except
 * when it fails and the plugin has let go of it. */
enum fems_rc instance_start(struct plugs *, struct plug_item **, struct instance **out, struct fems_error *);
/* New settings without a stop; on success takes the item and hands the old one out in its place. */
enum fems_rc instance_reload(struct instance *, struct plug_item **item, struct fems_error *);
bool instance_can_reload(const struct instance *, const struct plug_item *);
/* Asks it to end; instance_stop_wait() then waits until the instant (clock_mono_us) and gives what it
 * had back. False: its thread or its process hangs; the instance is left behind. */
void instance_stop_begin(struct instance *);
bool instance_stop_wait(struct instance *, int64_t until_us);
/* Takes the item out of a stopped instance. */
struct plug_item *instance_item_take(struct instance *);
void instance_put(struct instance *);

/* instance_call.c */
/* Poll, pull and tick from now on. */
void instance_repeat(struct instance *);
/* Makes the call on the instance's thread and waits; the call is copied when the wait is given up. */
enum fems_rc instance_do(struct instance *, struct plug_call *, int64_t budget_us);
/* A call on the worker itself, with bookkeeping. */
enum fems_rc instance_call(struct instance *, struct plug_call *);
/* Notes success or failure of a repeated call: logs changes only, sets the back-off. */
void instance_result(struct instance *, struct plug_call *);
/* Tries a parked one again, with its old settings. */
void instance_unpark(struct instance *);

enum instance_state instance_state_get(const struct instance *);
bool instance_is_stopping(const struct instance *);
bool instance_offers(const struct instance *, enum plug_op);
bool instance_takes(struct instance *, const char *type);
/* One of its meters, or itself (an analysis may have points under its own name). */
bool instance_has_device(struct instance *, const char *name);
/* Devices of a dead or removed instance. */
void instance_devices_state(struct instance *, enum fems_device_state, const char *why);

/* host.c */
void host_init(struct instance *);
/* Waits until no host call is in progress and refuses new ones; false after budget_us. */
bool host_close(struct instance *, int64_t budget_us);

/* feed.c: samples from the bus to feed() */
enum fems_rc feed_subscribe(struct instance *, const char *pattern, struct fems_error *);
void feed_forget(struct instance *);  /* before a reload: patterns are asked for anew */
void feed_restore(struct instance *); /* the reload failed */
enum fems_rc feed_start(struct instance *, struct fems_error *);
void feed_stop(struct instance *);
void feed_free(struct instance *);

/* notice.c: bounded queue in front of notice() */
bool notices_init(struct instance *);
void notices_free(struct instance *);
void notices_add(struct instance *, const char *topic, struct fems_span body);

/* restart.c: what becomes of an instance whose process ended; called on the proxy's thread */
int64_t restart_after_crash(void *instance, const char *why); /* us to wait, -1: stay down */
void restart_due(void *instance);
void restart_alarm(struct plugs *, const char *instance, const char *en, const char *ko,
		   const char *remedy_en, const char *remedy_ko);

#endif
