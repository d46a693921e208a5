/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "meters/modbus/link_engine.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* getaddrinfo() cannot be stopped: a thread of its own does it, and whoever comes last frees this. The
 * thread may outlive the instance by as long as the name server is silent (the plugin is linked so that
 * it is never unloaded). */
struct lookup {
	char host[256], port[8];
	int done_fd; /* readable when found and rc are there */
	pthread_mutex_t lock;
	unsigned owners;
	struct addrinfo *found;
	int rc;
};

static void lookup_leave(struct lookup *k)
{
	bool last;

	pthread_mutex_lock(&k->lock);
	last = !--k->owners;
	pthread_mutex_unlock(&k->lock);
	if (!last)
		return;
	if (k->found)
		freeaddrinfo(k->found);
	pthread_mutex_destroy(&k->lock);
	close(k->done_fd);
	free(k);
}

static void *lookup_thread(void *arg)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	struct lookup *k = arg;
	int rc = getaddrinfo(k->host, k->port, &hints, &found);
	uint64_t one = 1;

	pthread_mutex_lock(&k->lock);
	k->rc = rc;
	k->found = rc ? NULL : found;
	pthread_mutex_unlock(&k->lock);
	while (write(k->done_fd, &one, sizeof one) < 0 && errno == EINTR)
		;
	lookup_leave(k);
	return NULL;
}

static struct lookup *lookup_begin(const char *host, const char *port)
{
	struct lookup *k = calloc(1, sizeof *k);
	pthread_attr_t attr;
	pthread_t t;
	int rc;

	if (!k)
		return NULL;
	k->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (k->done_fd < 0) {
		free(k);
		return NULL;
	}
	snprintf(k->host, sizeof k->host, "%s", host);
	snprintf(k->port, sizeof k->port, "%s", port);
	pthread_mutex_init(&k->lock, NULL);
	k->owners = 2;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&t, &attr, lookup_thread, k);
	pthread_attr_destroy(&attr);
	if (!rc)
		return k;
	k->owners = 1;
	lookup_leave(k);
	return NULL;
}

static struct addrinfo *lookup_result(struct lookup *k, struct link *l, struct link_result *r)
{
	struct addrinfo *found;
	int rc;

	pthread_mutex_lock(&k->lock);
	found = k->found;
	k->found = NULL;
	rc = k->rc;
	pthread_mutex_unlock(&k->lock);
	if (!found)
		link_fail(r, LINK_DOWN, "the name %s is unknown (%s): correct it, or give the IP address",
			  l->addr.host, gai_strerror(rc));
	return found;
}

struct addrinfo *link_resolve(struct link *l, int64_t until_us, struct link_result *r)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST }, *found = NULL;
	struct lookup *k;
	char port[8];

	snprintf(port, sizeof port, "%d", l->addr.port);
	if (!getaddrinfo(l->addr.host, port, &hints, &found))
		return found;
	k = lookup_begin(l->addr.host, port);
	if (!k) {
		link_fail(r, LINK_DOWN, "no memory to look up %s", l->addr.host);
		return NULL;
	}
	if (link_poll(l, k->done_fd, POLLIN, until_us) == LINK_OK)
		found = lookup_result(k, l, r);
	else
		link_fail(r, LINK_DOWN, "the name %s is not resolved in time: does the name server work?",
			  l->addr.host);
	lookup_leave(k);
	return found;
}
