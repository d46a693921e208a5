/* SPDX-License-Identifier: Apache-2.0
 *
 * The unix socket of femsctl: one JSON line {"call": NAME, "request": {...}} in, one JSON line out:
 * {"reply": ...} or {"error": {"code", "text"}}. Who may connect is decided by the socket's mode
 * (0660) and group. A thread of its own, one client at a time, 2 s for a client to ask and 2 s to take
 * the answer; control_close() waits for no client.
 */
#ifndef FEMS_DAEMON_CONTROL_H
#define FEMS_DAEMON_CONTROL_H

#include <fems/plugin.h>
#include "core/loop/service.h"

struct control;

/* FEMS_ECONFLICT: another femsd listens there, or a file of another kind is there. A socket file that
 * nobody serves is replaced. */
enum fems_rc control_open(const char *path, struct services *, struct control **out, struct fems_error *);
void control_close(struct control *);

/* The other end, for femsctl: calls a service; *reply is a new reference. */
enum fems_rc control_call(const char *path, const char *service, const json_t *request, json_t **reply,
			  struct fems_error *);

#endif
