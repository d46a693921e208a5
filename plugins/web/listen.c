/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/web/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>
#include <fems/util.h>

#define BACKLOG 511 /* the kernel caps it by net.core.somaxconn */

/* Splits at the last colon; brackets of an IPv6 address are removed. */
static bool split(const char *text, char *host, size_t host_size, char *port, size_t port_size)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;

	if (!n || !colon[1] || strlen(colon + 1) >= port_size)
		return false;
	if (text[0] == '[') {
		if (n < 3 || text[n - 1] != ']')
			return false;
		text++;
		n -= 2;
	}
	if (n >= host_size)
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	memcpy(port, colon + 1, strlen(colon + 1) + 1);
	return true;
}

static bool is_loopback(const struct sockaddr_storage *sa)
{
	if (sa->ss_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)sa)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)sa)->sin6_addr);
}

static bool is_port(const char *port)
{
	size_t digits = strspn(port, "0123456789");
	unsigned long value = 0;

	if (!digits || port[digits] || digits > 5)
		return false;
	for (size_t i = 0; i < digits; i++)
		value = value * 10 + (unsigned long)(port[i] - '0');
	return value <= 65535;
}

enum fems_rc listen_parse(const char *text, struct listen_addr *out, struct fems_error *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	char host[64], port[8];

	memset(out, 0, sizeof *out);
	if (!split(text, host, sizeof host, port, sizeof port) || !is_port(port) ||
	    getaddrinfo(strcmp(host, "localhost") ? host : "127.0.0.1", port, &hints, &found) != 0)
		return fems_bad_setting(
			e, "listen",
			"\"%.100s\" is no address to listen on; write ADDRESS:PORT with a numeric "
			"address, for example 127.0.0.1:8080 or [::1]:8080 (port 0: any free one)",
			text);
	memcpy(&out->sa, found->ai_addr, found->ai_addrlen);
	out->len = found->ai_addrlen;
	out->loopback = is_loopback(&out->sa);
	freeaddrinfo(found);
	return FEMS_OK;
}

void listen_format(const struct listen_addr *a, char *buf, size_t size)
{
	char host[64] = "?", port[8] = "?";

	getnameinfo((const struct sockaddr *)&a->sa, a->len, host, sizeof host, port, sizeof port,
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(buf, size, a->sa.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

int listen_open(const struct listen_addr *a, struct listen_addr *out, struct fems_error *e)
{
	int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
	char text[80];

	*out = *a;
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
	    bind(fd, (const struct sockaddr *)&a->sa, a->len) == 0 && listen(fd, BACKLOG) == 0 &&
	    getsockname(fd, (struct sockaddr *)&out->sa, &out->len) == 0)
		return fd;
	listen_format(a, text, sizeof text);
	fems_bad_setting(e, "listen", "cannot listen on %s: %s; %s", text, strerror(errno),
			 errno == EADDRINUSE
				 ? "end the program that uses this port or choose another one "
				   "(port 0 takes any free one)"
				 : "choose an address of this machine and a port that femsd may use");
	if (fd >= 0)
		close(fd);
	return -1;
}
