/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP server: one libmicrohttpd thread that only shovels bytes, and the order in which a request
 * is looked at: host, method, origin, size, route.
 */
#ifndef FEMS_WEB_SERVER_H
#define FEMS_WEB_SERVER_H

#include <fems/plugin.h>
#include "plugins/web/files.h"
#include "plugins/web/hub.h"
#include "plugins/web/pool.h"
#include "plugins/web/settings.h"

struct server;

struct server_parts { /* borrowed; all outlive the server */
	const struct fems_host *host;
	const struct web_settings *cfg;
	struct files *files;
	struct hub *hub;
	struct pool *pool;
	const char *own_name; /* the listening address without port, as a Host header has it */
};

/* Takes the listening socket, also on failure. */
enum fems_rc server_start(const struct server_parts *, int fd, struct server **out, struct fems_error *);
/* After hub_stop() and pool_stop(): no connection is suspended. NULL is fine. */
void server_stop(struct server *);

#endif
