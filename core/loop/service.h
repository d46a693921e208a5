/* SPDX-License-Identifier: Apache-2.0
 *
 * Named calls with JSON in and out: the one way in which pages, femsctl and plugins ask the core and
 * each other. Each room registers its own. docs/services.md lists them.
 */
#ifndef FEMS_LOOP_SERVICE_H
#define FEMS_LOOP_SERVICE_H

#include <jansson.h>
#include <fems/plugin.h>

struct services;
struct loop;

/* Returns a new reference in *reply (may be NULL: an empty object). */
typedef enum fems_rc (*service_fn)(void *ctx, const json_t *request, json_t **reply, struct fems_error *);

enum service_where {
	SERVICE_ANYWHERE, /* fn is thread-safe and is run on the caller's thread */
	SERVICE_ON_LOOP   /* fn is run on the core thread; the caller waits (2 s at most) */
};

struct services *services_new(struct loop *);
void services_free(struct services *);
/* name, summary and doc strings are borrowed for the lifetime. A second registration replaces. */
void service_add(struct services *, const char *name, enum service_where, service_fn, void *ctx,
		 const char *summary);
/* Everything below "PREFIX." that has no entry of its own goes here (plugins that answer calls);
 * rest is the name without the prefix. NULL fn removes it (a call that has begun may still go on). Run on
 * the caller's thread; the longest prefix wins. */
typedef enum fems_rc (*service_prefix_fn)(void *ctx, const char *rest, struct fems_span request,
					  fems_reply_fn reply, void *reply_ctx, struct fems_error *);
void service_add_prefix(struct services *, const char *prefix, service_prefix_fn, void *ctx);
/* From any thread; reply (may be NULL) is called once, before return, on success. FEMS_ENOENT names the
 * nearest service; FEMS_ETIME: the core thread did not get to it; FEMS_AGAIN: the loop has stopped. */
enum fems_rc service_call(struct services *, const char *name, struct fems_span request, fems_reply_fn reply,
			  void *reply_ctx, struct fems_error *);
/* [{"name","summary"}] */
json_t *services_list(struct services *);

#endif
