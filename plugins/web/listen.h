/* SPDX-License-Identifier: Apache-2.0
 *
 * The listening socket and its address.
 */
#ifndef FEMS_WEB_LISTEN_H
#define FEMS_WEB_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>
#include <fems/plugin.h>

struct listen_addr {
	struct sockaddr_storage sa;
	socklen_t len;
	bool loopback;
};

/* "127.0.0.1:8080", "[::1]:8080", "localhost:0"; numbers only, no name service is asked.
 * FEMS_EINVAL with key "listen". */
enum fems_rc listen_parse(const char *text, struct listen_addr *out, struct fems_error *);
/* A socket that listens, or -1. out gets the address in use (the kernel's choice for port 0). */
int listen_open(const struct listen_addr *, struct listen_addr *out, struct fems_error *);
/* "127.0.0.1:8080" or "[::1]:8080" */
void listen_format(const struct listen_addr *, char *buf, size_t size);

#endif
