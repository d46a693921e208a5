/* SPDX-License-Identifier: Apache-2.0
 *
 * "femsd --check" and "femsctl check-config": every fault of the settings and of the files they
 * name, without opening a device, a store or a socket.
 */
#ifndef FEMS_DAEMON_CHECK_H
#define FEMS_DAEMON_CHECK_H

#include <stdbool.h>

/* Prints all messages (json: a JSON array of texts on stdout). Number of errors. */
int check_settings(const char *path, bool json);

#endif
