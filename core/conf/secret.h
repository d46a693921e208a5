/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets of settings: from a file, from a credential of systemd, or in plain text where nobody else
 * can read the settings file. What is read here is never put into a message. Inside of the room.
 */
#ifndef FEMS_CONF_SECRET_H
#define FEMS_CONF_SECRET_H

#include "core/conf/arena.h"
#include "core/conf/conf.h"

/* Text of the secret in the arena's memory. False with a fault; a file that others can read is only a
 * warning. */
bool secret_read(struct conf_node *, const char *what, struct arena *, const char **out, struct faults *);
/* Keeps the node's text out of every later message. */
void secret_hide(struct conf_node *);

#endif
