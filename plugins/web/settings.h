/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings of a web instance, filled by femsd from the table in plugin.c.
 */
#ifndef FEMS_WEB_SETTINGS_H
#define FEMS_WEB_SETTINGS_H

#include <fems/plugin.h>

enum web_language { WEB_LANGUAGE_AUTO, WEB_LANGUAGE_KO, WEB_LANGUAGE_EN };

struct web_settings {
	const char *listen;     /* "127.0.0.1:8080", "[::1]:0" */
	const char *root;       /* directory of the page's files */
	struct fems_list hosts; /* names under which the page may be asked for, beside the local ones */
	int64_t max_connections;
	int64_t max_per_address;
	int64_t language; /* enum web_language */
	int64_t open_without_login;
};

#endif
