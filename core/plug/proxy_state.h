/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of a proxy, shared by its three sources: proxy.c (calls), proxy_process.c (the child and the
 * thread that listens to it) and proxy_ask.c (what the child asks).
 */
#ifndef FEMS_PLUG_PROXY_STATE_H
#define FEMS_PLUG_PROXY_STATE_H

#include <sys/types.h>
#include "core/loop/worker.h"
#include "core/plug/proxy.h"

struct ask;

struct proxy {
	struct plug_body body;
	struct proxy_options o;
	char name[64], *host_path, *state_dir;
	struct wire_port port;
	struct worker *asks;  /* answers questions that may take a while */
	pthread_t keeper;     /* listens, and buries the child */
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t cond;
	pid_t pid;           /* 0: no child */
	unsigned generation; /* counts children */
	bool alive, quit;
	uint32_t seq; /* of the call in progress or the last one */
	bool waiting, answered, has_incumbent;
	const char *op; /* name of the call in progress or the last one */
	struct wire_frame result, incumbent;
	char kill_why[300];                        /* why we ended it ourselves, else "" */
	char why[400];                             /* how the last child ended */
	struct ask *later;                         /* questions for the worker, oldest first */
	const struct fems_key *keys, *device_keys; /* tables of the settings in force */
};

/* Starts a child and the exchange with it. */
enum fems_rc proxy_spawn(struct proxy *, struct fems_error *);
/* Thread of the keeper. */
void *proxy_keep(void *proxy);
/* With the lock held. */
void proxy_kill_locked(struct proxy *, const char *why);
/* A frame other than RESULT and INCUMBENT; takes its data. False: it makes no sense. */
bool proxy_asked(struct proxy *, struct wire_frame *);
void proxy_forget_asks(struct proxy *);

#endif
