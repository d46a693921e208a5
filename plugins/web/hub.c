/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/web/hub.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "plugins/web/answer.h"

#define RING  128 /* events, a power of two */
#define LAG   32  /* a client further behind is brought to the newest instead */
#define CHUNK 4096

struct event { /* immutable once published */
	unsigned refs;
	uint64_t id;
	size_t len;
	char text[];
};

struct client {
	struct hub *hub;
	struct client *next, **link;
	struct MHD_Connection *connection;
	struct event *now; /* being sent, from byte "at" */
	size_t at;
	uint64_t cursor;       /* id of the last event taken */
	uint64_t newest_until; /* up to this id only the newest of each type is sent */
	bool suspended, greeted;
};

struct hub {
	pthread_mutex_t lock;
	struct event *ring[RING], *newest[HUB_TYPES];
	uint64_t first, last; /* ids first+1 .. last exist; the ring keeps the end of them */
	struct client *clients;
	size_t n_clients, max_clients;
	bool stopping;
};

static const char *const names[HUB_TYPES] = { "power",  "demand",      "meter", "plan",
					      "orders", "performance", "alarm" };

enum hub_type hub_type_of(const char *topic)
{
	int t = 0;

	while (t < HUB_TYPES && strcmp(names[t], topic) != 0)
		t++;
	return (enum hub_type)t;
}

/* References are counted under the lock of the hub. */
static struct event *event_hold(struct event *ev)
{
	if (ev)
		ev->refs++;
	return ev;
}

static void event_drop(struct event *ev)
{
	if (ev && --ev->refs == 0)
		free(ev);
}

static struct event *event_new(uint64_t id, enum hub_type type, struct fems_span json)
{
	struct event *ev = malloc(sizeof *ev + json.len + 80);
	int head;

	if (!ev)
		return NULL;
	ev->refs = 0;
	ev->id = id;
	head = snprintf(ev->text, 80, "event: %s\nid: %llu\ndata: ", names[type], (unsigned long long)id);
	for (size_t i = 0; i < json.len; i++)
		ev->text[(size_t)head + i] = json.ptr[i] == '\n' || json.ptr[i] == '\r' ? ' ' : json.ptr[i];
	ev->len = (size_t)head + json.len;
	ev->text[ev->len++] = '\n';
	ev->text[ev->len++] = '\n';
	return ev;
}

struct hub *hub_new(size_t max_clients, uint64_t first_id)
{
	struct hub *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	pthread_mutex_init(&h->lock, NULL);
	h->max_clients = max_clients;
	h->first = h->last = first_id;
	return h;
}

void hub_free(struct hub *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < RING; i++)
		event_drop(h->ring[i]);
	for (size_t i = 0; i < HUB_TYPES; i++)
		event_drop(h->newest[i]);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

static void wake_all(struct hub *h)
{
	for (struct client *c = h->clients; c; c = c->next) {
		if (c->suspended) {
			c->suspended = false;
			MHD_resume_connection(c->connection);
		}
	}
}

static void replace(struct event **slot, struct event *ev)
{
	event_hold(ev);
	event_drop(*slot);
	*slot = ev;
}

enum fems_rc hub_publish(struct hub *h, enum hub_type type, struct fems_span json)
{
	struct event *ev;

	pthread_mutex_lock(&h->lock);
	ev = h->stopping ? NULL : event_new(h->last + 1, type, json);
	if (ev) {
		h->last++;
		replace(&h->ring[h->last % RING], ev);
		replace(&h->newest[type], ev);
		wake_all(h);
	}
	pthread_mutex_unlock(&h->lock);
	return ev ? FEMS_OK : FEMS_ENOMEM;
}

/* The event that a client gets next, NULL when it has all. */
static struct event *pick(const struct hub *h, struct client *c)
{
	struct event *best = NULL;

	if (h->last - c->cursor > LAG)
		c->newest_until = h->last;
	if (c->cursor >= c->newest_until)
		return c->cursor < h->last ? h->ring[(c->cursor + 1) % RING] : NULL;
	for (size_t t = 0; t < HUB_TYPES; t++) {
		struct event *ev = h->newest[t];

		if (ev && ev->id > c->cursor && (!best || ev->id < best->id))
			best = ev;
	}
	return best;
}

/* Copies what is left of the client's event, or the next ones, as far as they fit. */
static size_t fill(struct hub *h, struct client *c, char *buf, size_t max)
{
	size_t done = 0;

	while (done < max) {
		size_t n;

		if (!c->now) {
			c->now = event_hold(pick(h, c));
			c->at = 0;
			if (!c->now)
				break;
			c->cursor = c->now->id;
		}
		n = c->now->len - c->at < max - done ? c->now->len - c->at : max - done;
		memcpy(buf + done, c->now->text + c->at, n);
		done += n;
		c->at += n;
		if (c->at == c->now->len) {
			event_drop(c->now);
			c->now = NULL;
		}
	}
	return done;
}

static ssize_t on_read(void *cls, uint64_t pos, char *buf, size_t max)
{
	static const char hello[] = "retry: 2000\n\n";
	struct client *c = cls;
	struct hub *h = c->hub;
	ssize_t n;

	(void)pos;
	if (!c->greeted && max >= sizeof hello - 1) {
		c->greeted = true;
		memcpy(buf, hello, sizeof hello - 1);
		return (ssize_t)sizeof hello - 1;
	}
	pthread_mutex_lock(&h->lock);
	n = (ssize_t)fill(h, c, buf, max);
	if (n == 0 && h->stopping) {
		n = MHD_CONTENT_READER_END_OF_STREAM;
	} else if (n == 0) {
		c->suspended = true;
		MHD_suspend_connection(c->connection);
	}
	pthread_mutex_unlock(&h->lock);
	return n;
}

static void on_end(void *cls)
{
	struct client *c = cls;
	struct hub *h = c->hub;

	pthread_mutex_lock(&h->lock);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	h->n_clients--;
	event_drop(c->now);
	pthread_mutex_unlock(&h->lock);
	free(c);
}

/* Where a client goes on: behind the event it saw last while that is near, else with the newest of
 * each type. */
static void place(const struct hub *h, struct client *c, const char *last_id)
{
	char *end = NULL;
	uint64_t id = last_id && *last_id >= '0' && *last_id <= '9' ? strtoull(last_id, &end, 10) : 0;

	if (end && !*end && id > h->first && id <= h->last && h->last - id <= LAG) {
		c->cursor = id;
		return;
	}
	c->cursor = h->first;
	c->newest_until = h->last;
}

static struct client *client_new(struct hub *h, struct MHD_Connection *connection, const char *last_id,
				 int *full)
{
	struct client *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->hub = h;
	c->connection = connection;
	pthread_mutex_lock(&h->lock);
	*full = h->n_clients >= h->max_clients || h->stopping;
	if (!*full) {
		place(h, c, last_id);
		c->next = h->clients;
		c->link = &h->clients;
		if (c->next)
			c->next->link = &c->next;
		h->clients = c;
		h->n_clients++;
	}
	pthread_mutex_unlock(&h->lock);
	if (*full) {
		free(c);
		c = NULL;
	}
	return c;
}

enum MHD_Result hub_answer(struct hub *h, struct MHD_Connection *connection, const char *last_id, int *full)
{
	struct client *c;
	struct MHD_Response *r;
	enum MHD_Result ok;

	*full = 0;
	c = client_new(h, connection, last_id, full);
	if (!c)
		return MHD_NO;
	r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CHUNK, on_read, c, on_end);
	if (!r) {
		on_end(c);
		return MHD_NO;
	}
	answer_headers(r);
	MHD_add_response_header(r, "Content-Type", "text/event-stream");
	MHD_add_response_header(r, "Cache-Control", "no-store");
	MHD_add_response_header(r, "X-Accel-Buffering", "no"); /* nginx: pass each event on at once */
	ok = MHD_queue_response(connection, MHD_HTTP_OK, r);
	MHD_destroy_response(r);
	return ok;
}

void hub_stop(struct hub *h)
{
	pthread_mutex_lock(&h->lock);
	h->stopping = true;
	wake_all(h);
	pthread_mutex_unlock(&h->lock);
}

size_t hub_clients(struct hub *h)
{
	size_t n;

	pthread_mutex_lock(&h->lock);
	n = h->n_clients;
	pthread_mutex_unlock(&h->lock);
	return n;
}
