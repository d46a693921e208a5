/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of fems-host: one plugin, loaded and called here on behalf of femsd at the other end of a
 * socket. The main thread is the instance's thread; a second one reads the socket.
 */
#ifndef FEMS_PLUG_CHILD_H
#define FEMS_PLUG_CHILD_H

#include <limits.h>
#include <pthread.h>
#include "core/plug/call.h"
#include "core/plug/face.h"
#include "core/plug/idset.h"

struct question { /* asked by some thread that waits for its answer */
	struct question *next;
	uint32_t seq;
	bool answered;
	struct wire_frame answer;
};

struct child {
	struct wire_port port;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t cond;
	struct wire_frame order; /* LOAD or CALL that waits for the main thread */
	bool has_order, closed;
	struct question *questions;
	uint32_t seq;
	bool stopping; /* __atomic */
	/* of the main thread */
	char name[64], state_dir[PATH_MAX];
	bool loaded;
	struct plug_face face;
	struct plug_local local;
	struct plug_item *item; /* settings in force */
	struct fems_host host;
	struct idset own;
};

/* Serves until femsd closes the socket; the exit status of the process. */
int child_run(int fd);

/* child_host.c: the host table, by frames */
void child_host_init(struct child *);
/* Sends a question and waits for its answer; FEMS_AGAIN when femsd is gone. answer->data: free(). */
enum fems_rc child_ask(struct child *, enum wire_kind, const struct text *, struct wire_frame *answer,
		       struct wire_in *in, struct fems_error *);

#endif
