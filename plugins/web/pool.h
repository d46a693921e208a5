/* SPDX-License-Identifier: Apache-2.0
 *
 * A few threads that wait for services, so that the server's own thread never does. A connection is
 * suspended while its call is under way and resumed when the answer is there.
 */
#ifndef FEMS_WEB_POOL_H
#define FEMS_WEB_POOL_H

#include <microhttpd.h>
#include <stdbool.h>
#include <fems/plugin.h>

struct pool;
struct job;

struct job_result {      /* reply is malloc()ed; the taker frees it */
	enum fems_rc rc; /* FEMS_AGAIN with stopped set: the pool ends */
	bool stopped;
	char *reply;
	size_t len;
	struct fems_error err; /* its key is in key[] */
	char key[64];
};

/* Called on a thread of the pool; reply is borrowed. */
typedef void (*pool_done_fn)(void *ctx, enum fems_rc rc, const char *reply, size_t len);

struct pool *pool_new(const struct fems_host *, size_t threads, size_t max_waiting);
/* Suspends the connection and calls the service. request is malloc()ed and always taken. NULL: too
 * much waits already, or the pool ends; the connection is then not suspended. On the server's thread. */
struct job *pool_call(struct pool *, struct MHD_Connection *, const char *service, char *request);
/* The same without a connection; done is called once unless the pool ends first. */
bool pool_call_quietly(struct pool *, const char *service, pool_done_fn done, void *ctx);
/* Is the answer there, or will it never be? On the server's thread. */
bool pool_ready(struct pool *, struct job *);
/* Moves the result out and lets go of the job. */
void pool_take(struct pool *, struct job *, struct job_result *);
void pool_drop(struct pool *, struct job *);

/* Takes no more calls and resumes every suspended connection. */
void pool_stop(struct pool *);
/* Waits up to budget_us for the threads; true: all have ended. */
bool pool_wait(struct pool *, int64_t budget_us);
/* Joins the threads, however long their last call takes. NULL is fine. */
void pool_free(struct pool *);

#endif
