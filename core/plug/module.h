/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding a plugin's file and reading its note, without loading it.
 */
#ifndef FEMS_PLUG_MODULE_H
#define FEMS_PLUG_MODULE_H

#include <stddef.h>
#include <fems/plugin.h>

/* Finds "modbus" or a path, as plug_load(); out: the file. The text of FEMS_ENOENT names the places
 * searched and the nearest name there. */
enum fems_rc module_find(const char *name, const char *dir, char *out, size_t cap, struct fems_error *);
/* Note and ABI. */
enum fems_rc module_inspect(const char *path, struct fems_note *, struct fems_error *);

#endif
