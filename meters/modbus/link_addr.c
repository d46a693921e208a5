/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "meters/modbus/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char how[] = "write tcp://HOST:PORT/UNIT or rtu:///dev/ttyUSB0?baud=9600&parity=E&stop=1&unit=1";

static bool number(const char *s, size_t len, long min, long max, int *out)
{
	char buf[12], *end;
	long v;

	if (!len || len >= sizeof buf)
		return false;
	memcpy(buf, s, len);
	buf[len] = 0;
	errno = 0;
	v = strtol(buf, &end, 10);
	if (*end || errno || v < min || v > max || buf[0] < '0' || buf[0] > '9')
		return false;
	*out = (int)v;
	return true;
}

/* 248 to 254 are reserved; 255 means "the device itself" on TCP. */
static bool good_unit(int unit, bool serial)
{
	return serial ? unit >= 1 && unit <= 247 : (unit >= 0 && unit <= 247) || unit == 255;
}

static bool tcp_parse(const char *s, struct link_addr *a, char *why, size_t cap)
{
	const char *slash = strchr(s, '/'), *host = s, *host_end, *colon;

	a->port = 502;
	a->unit = 1;
	if (!slash)
		slash = s + strlen(s);
	if (*s == '[') { /* IPv6 */
		host = s + 1;
		host_end = memchr(s, ']', (size_t)(slash - s));
		colon = host_end && host_end[1] == ':' ? host_end + 1 : NULL;
		if (host_end && !colon && host_end + 1 != slash)
			host_end = NULL;
	} else {
		colon = memchr(s, ':', (size_t)(slash - s));
		host_end = colon ? colon : slash;
	}
	if (!host_end || host_end == host || (size_t)(host_end - host) >= sizeof a->host) {
		snprintf(why, cap, "the host is missing or too long; %s", how);
		return false;
	}
	memcpy(a->host, host, (size_t)(host_end - host));
	a->host[host_end - host] = 0;
	if (colon && !number(colon + 1, (size_t)(slash - colon - 1), 1, 65535, &a->port)) {
		snprintf(why, cap, "the port is not a number from 1 to 65535; %s", how);
		return false;
	}
	if (*slash && slash[1] &&
	    (!number(slash + 1, strlen(slash + 1), 0, 255, &a->unit) || !good_unit(a->unit, false))) {
		snprintf(why, cap, "the unit \"%.20s\" is not a number from 0 to 247, or 255; %s", slash + 1,
			 how);
		return false;
	}
	return true;
}

static bool good_baud(int baud)
{
	static const int rates[] = { 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200 };

	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		if (rates[i] == baud)
			return true;
	}
	return false;
}

static bool rtu_option(const char *s, size_t len, struct link_addr *a, char *why, size_t cap)
{
	const char *eq = memchr(s, '=', len);
	size_t name = eq ? (size_t)(eq - s) : len, rest = eq ? len - name - 1 : 0;

	if (name == 4 && !strncmp(s, "baud", 4) && number(s + 5, rest, 1, 1000000, &a->baud) &&
	    good_baud(a->baud))
		return true;
	if (name == 4 && !strncmp(s, "stop", 4) && number(s + 5, rest, 1, 2, &a->stop))
		return true;
	if (name == 4 && !strncmp(s, "unit", 4) && number(s + 5, rest, 1, 247, &a->unit))
		return true;
	if (name == 6 && !strncmp(s, "parity", 6) && rest == 1 && strchr("NEO", eq[1])) {
		a->parity = eq[1];
		return true;
	}
	snprintf(why, cap,
		 "\"%.*s\" is not one of baud=1200..115200, parity=N|E|O, stop=1|2, unit=1..247; %s",
		 (int)len, s, how);
	return false;
}

static bool rtu_parse(const char *s, struct link_addr *a, char *why, size_t cap)
{
	size_t path = strcspn(s, "?");

	a->baud =
		9600; /* the Modbus specification's default: 19200 is advised, 9600 must work; even parity */
	a->parity = 'E';
	a->stop = 1;
	a->unit = 1;
	if (*s != '/' || path < 2 || path >= sizeof a->host) {
		snprintf(why, cap, "the path of the serial device is missing; %s", how);
		return false;
	}
	memcpy(a->host, s, path);
	a->host[path] = 0;
	for (s += path; *s;) {
		size_t len = strcspn(++s, "&");

		if (!rtu_option(s, len, a, why, cap))
			return false;
		s += len;
	}
	return true;
}

bool link_addr_parse(const char *url, struct link_addr *a, char *why, size_t cap)
{
	memset(a, 0, sizeof *a);
	if (!strncmp(url, "tcp://", 6))
		return tcp_parse(url + 6, a, why, cap);
	a->serial = true;
	if (!strncmp(url, "rtu://", 6))
		return rtu_parse(url + 6, a, why, cap);
	snprintf(why, cap, "\"%.60s\" is not a Modbus address; %s", url, how);
	return false;
}

bool link_addr_same(const struct link_addr *a, const struct link_addr *b, bool *conflict)
{
	*conflict = false;
	if (a->serial != b->serial || strcmp(a->host, b->host) || a->port != b->port)
		return false;
	*conflict = a->baud != b->baud || a->parity != b->parity || a->stop != b->stop;
	return true;
}
