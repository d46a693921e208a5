/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames between femsd and fems-host on a stream socket, and the packing of their contents. Both ends
 * come from one build, so numbers travel in the machine's own form; still nothing that is received is
 * trusted: every read is checked against the end.
 *
 * Frame: u32 bytes behind the header, u16 kind, u16 0, u32 sequence, u32 0.
 * String or bytes: u32 length, bytes, NUL; length 0xffffffff: NULL.
 */
#ifndef FEMS_PLUG_WIRE_H
#define FEMS_PLUG_WIRE_H

#include <pthread.h>
#include <stdbool.h>
#include <fems/plugin.h>
#include "core/base/text.h"

#define WIRE_MAX ((size_t)16 << 20)
#define MAX_BODY ((size_t)8 << 20) /* of a document, request, reply; the limit of core/base/json.h */

enum wire_kind {
	/* femsd -> fems-host */
	WIRE_LOAD = 1, /* answered by RESULT with the face of the plugin */
	WIRE_CALL,     /* answered by RESULT */
	WIRE_STOPPING, /* one way: wait_until() ends */
	WIRE_CLOCK,    /* one way: instant of a manual clock */
	WIRE_ANSWER,   /* to any of the questions below, by its sequence */
	/* fems-host -> femsd */
	WIRE_RESULT,
	WIRE_LOG,   /* one way */
	WIRE_EMIT,  /* one way */
	WIRE_STATE, /* one way */
	WIRE_POINT, /* from here on: questions */
	WIRE_FIND,
	WIRE_SUBSCRIBE,
	WIRE_PUBLISH,
	WIRE_DOCUMENT,
	WIRE_SERVICE,
	WIRE_COMMAND,
	WIRE_INCUMBENT,
	WIRE_KINDS
};

struct wire_port {
	int fd;
	pthread_mutex_t lock; /* one frame at a time */
};

struct wire_frame {
	enum wire_kind kind;
	uint32_t seq;
	char *data; /* free() */
	size_t len;
};

/* False: the other side is gone or does not take it in time (the socket's send timeout). */
bool wire_send(struct wire_port *, enum wire_kind, uint32_t seq, const struct text *payload);
/* 1: a frame; 0: the other side closed; -1: broken. */
int wire_receive(int fd, struct wire_frame *out);

void wire_u32(struct text *, uint32_t);
void wire_i64(struct text *, int64_t);
void wire_f64(struct text *, double);
void wire_bytes(struct text *, const void *ptr, size_t len);
void wire_str(struct text *, const char *s); /* NULL stays NULL */
void wire_error(struct text *, enum fems_rc, const struct fems_error *);

struct wire_in {
	const char *ptr;
	size_t left;
	bool bad; /* something was missing: everything read since is 0 */
};

struct wire_in wire_open(const struct wire_frame *);
uint32_t wire_get_u32(struct wire_in *);
int64_t wire_get_i64(struct wire_in *);
double wire_get_f64(struct wire_in *);
struct fems_span wire_get_bytes(struct wire_in *); /* borrowed from the frame */
const char *wire_get_str(struct wire_in *);        /* borrowed from the frame; may be NULL */
const char *wire_get_text(struct wire_in *);       /* the same, "" for NULL */
/* Text and code of wire_error(); *key is borrowed from the frame or NULL, e->key stays NULL. */
enum fems_rc wire_get_error(struct wire_in *, struct fems_error *e, const char **key);

#endif
