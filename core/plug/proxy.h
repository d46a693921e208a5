/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin in a child process of its own: fems-host loads the file, this end makes the calls and
 * answers what the plugin asks of femsd. Calls are made by one thread at a time (the instance's).
 */
#ifndef FEMS_PLUG_PROXY_H
#define FEMS_PLUG_PROXY_H

#include "core/plug/call.h"
#include "core/plug/face.h"

struct proxy_options {
	const char *host_path; /* the program fems-host */
	const char *name;      /* of the instance */
	const char *state_dir;
	const struct fems_host *host; /* NULL: only for a look at the plugin and for check() */
	void *ctx;
	/* The process ended without being asked to: how long to wait (us) before again() is called, -1: not
	 * at all. Both on the proxy's own thread. */
	int64_t (*down)(void *ctx, const char *why);
	void (*again)(void *ctx);
};

/* Strings are copied; host and ctx must live until end(). */
enum fems_rc proxy_new(const struct proxy_options *, struct plug_body **out, struct fems_error *);
/* Starts the process and loads the file at path. *out: what the plugin is, face_free(). OP_OPEN does
 * the same by itself where it is needed. */
enum fems_rc proxy_load(struct plug_body *, const char *path, struct plug_face **out, struct fems_error *);

#endif
