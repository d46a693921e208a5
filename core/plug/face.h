/* SPDX-License-Identifier: Apache-2.0
 *
 * What femsd knows of a plugin: its tables and which calls it takes. Taken from the descriptor of a
 * loaded file, or received from fems-host, which loads the file instead of femsd.
 */
#ifndef FEMS_PLUG_FACE_H
#define FEMS_PLUG_FACE_H

#include <stdbool.h>
#include <jansson.h>
#include <fems/plugin.h>
#include "core/plug/call.h"
#include "core/plug/wire.h"

struct plug_face {
	const char *name, *version, *license, *summary; /* never NULL */
	uint32_t kinds, grade;
	uint32_t offers;                           /* OP_BIT of every call that is there */
	const struct fems_key *keys, *device_keys; /* NULL: none */
	size_t cfg_size, device_size;
	const char *const *types; /* documents that push() takes, NULL: none */
};

/* Judges a descriptor; path names it in messages. */
enum fems_rc face_check(const char *path, const struct fems_note *, const struct fems_plugin *,
			struct fems_error *);
/* The part of it that concerns the tables; a face that was received is judged again. */
enum fems_rc face_tables_check(const char *path, const struct plug_face *, struct fems_error *);
void face_of(const struct fems_plugin *, struct plug_face *out);
bool face_offers(const struct plug_face *, enum plug_op);
bool face_takes(const struct plug_face *, const char *type);
/* Array of names of kinds. */
json_t *face_kinds(const struct plug_face *);

void face_pack(struct text *, const struct plug_face *);
/* NULL when the frame is damaged or out of memory. */
struct plug_face *face_unpack(struct wire_in *);
void face_free(struct plug_face *); /* one of face_unpack() */

#endif
