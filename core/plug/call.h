/* SPDX-License-Identifier: Apache-2.0
 *
 * One call of a plugin's function as a record: the same for a plugin inside femsd (local.c) and for
 * one in fems-host (proxy.c), where the record crosses the socket.
 */
#ifndef FEMS_PLUG_CALL_H
#define FEMS_PLUG_CALL_H

#include <stdbool.h>
#include <fems/plugin.h>
#include "core/base/text.h"
#include "core/plug/wire.h"

enum plug_op {
	OP_CHECK,
	OP_OPEN,
	OP_START,
	OP_RELOAD,
	OP_STOP,
	OP_CLOSE,
	OP_POLL,
	OP_WRITE,
	OP_FEED,
	OP_TICK,
	OP_NOTICE,
	OP_PULL,
	OP_PUSH,
	OP_SOLVE,
	OP_HANDLE,
	OP_COUNT
};
#define OP_BIT(op) (UINT32_C(1) << (op))

const char *plug_op_name(enum plug_op);

struct plug_item;

struct plug_call {
	enum plug_op op;
	int64_t budget_us;
	int64_t now_us;   /* tick */
	uint32_t point;   /* write */
	double value;     /* write */
	uint64_t lost;    /* feed */
	const char *name; /* notice: topic; push: type; handle: name of the service */
	const char *key;  /* push */
	struct fems_span body;
	const struct fems_sample *samples;
	size_t n_samples;
	const struct plug_item *item; /* check, open, reload */
	fems_incumbent_fn incumbent;  /* solve; called on the thread that made the call */
	void *incumbent_ctx;

	enum fems_rc rc; /* results */
	struct fems_error error;
	struct fems_delivery delivery;
	struct text reply; /* what handle() replied; text_free() */
};

/* The plugin behind an instance, wherever it runs. */
struct plug_body {
	/* Runs the call and returns call->rc; an error always has a text. */
	enum fems_rc (*call)(struct plug_body *, struct plug_call *);
	/* From any thread: the instance is stopping, wait_until() shall end. NULL: nothing to do. */
	void (*stopping)(struct plug_body *);
	/* From any thread: ends the process of a plugin at once; a call in progress fails. NULL: cannot. */
	void (*kill)(struct plug_body *, const char *why);
	/* Gives everything back but the body itself; false: somebody is stuck and memory must stay. */
	bool (*end)(struct plug_body *, int64_t budget_us);
	void (*free)(struct plug_body *); /* after end() said true */
};

/* ---- inside this process ---- */

struct plug_local {
	struct plug_body body;
	const struct fems_plugin *plugin;
	const struct fems_host *host;
	void *self;
	bool open;
};

void local_init(struct plug_local *, const struct fems_plugin *, const struct fems_host *);

/* ---- on the socket ---- */

/* Everything but item and incumbent. */
void call_pack(struct text *, const struct plug_call *);
bool call_unpack(struct wire_in *, struct plug_call *); /* borrowed from the frame */
void call_pack_result(struct text *, const struct plug_call *);
/* keys: table in which the name of a setting at fault is looked up, so that it outlives the frame. */
bool call_unpack_result(struct wire_in *, struct plug_call *, const struct fems_key *keys,
			const struct fems_key *device_keys);

#endif
