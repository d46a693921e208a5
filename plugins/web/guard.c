/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/web/guard.h"

#include <string.h>
#include <strings.h>

/* Length of the host without ":PORT". */
static size_t name_len(const char *host)
{
	const char *end = host[0] == '[' ? strchr(host, ']') : NULL;

	return end ? (size_t)(end + 1 - host) : strcspn(host, ":");
}

/* What follows the name is nothing or a port. */
static bool port_ok(const char *rest)
{
	return !*rest || (*rest == ':' && rest[1 + strspn(rest + 1, "0123456789")] == '\0');
}

static bool same(const char *host, size_t len, const char *name)
{
	return strlen(name) == len && strncasecmp(host, name, len) == 0;
}

bool guard_host(const char *host, const struct fems_list *allowed, const char *own)
{
	static const char *const local[] = { "localhost", "127.0.0.1", "[::1]" };
	const char *const *names = allowed->items;
	size_t len;

	if (!host || !port_ok(host + name_len(host)))
		return false;
	len = name_len(host);
	for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
		if (same(host, len, local[i]))
			return true;
	}
	for (size_t i = 0; i < allowed->count; i++) {
		if (same(host, len, names[i]))
			return true;
	}
	return name_len(own) == len && strncasecmp(host, own, len) == 0;
}

bool guard_origin(const char *x_fems, const char *sec_fetch_site, const char *origin, const char *host)
{
	const char *at = origin ? strstr(origin, "://") : NULL;

	if (!x_fems || strcmp(x_fems, "1") != 0)
		return false;
	if (sec_fetch_site)
		return strcmp(sec_fetch_site, "same-origin") == 0;
	return !origin || (at && host && strcasecmp(at + 3, host) == 0);
}
