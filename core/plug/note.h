/* SPDX-License-Identifier: Apache-2.0
 *
 * The pure part of the reader of FEMS notes: works on the bytes of a file, trusts none of them.
 * plug.h has the functions for files.
 */
#ifndef FEMS_PLUG_NOTE_H
#define FEMS_PLUG_NOTE_H

#include <fems/plugin.h>

/* Finds the note in an ELF file of either class and of this machine's byte order. path: for messages. */
enum fems_rc note_scan(const void *bytes, size_t len, const char *path, struct fems_note *out,
		       struct fems_error *);

#endif
