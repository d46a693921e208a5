/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request must fulfil before anything else looks at it: the name it was sent to (a foreign
 * page can make a browser resolve its own name to this machine, "DNS rebinding") and, for anything
 * that changes something, that it comes from our own page.
 */
#ifndef FEMS_WEB_GUARD_H
#define FEMS_WEB_GUARD_H

#include <stdbool.h>
#include <fems/plugin.h>

/* host: value of the header Host (NULL: none). own: the address listened on. Ports are not compared. */
bool guard_host(const char *host, const struct fems_list *allowed, const char *own);
/* Headers of a request that is not GET or HEAD; each may be NULL. origin must name host itself. */
bool guard_origin(const char *x_fems, const char *sec_fetch_site, const char *origin, const char *host);

#endif
