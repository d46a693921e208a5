/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/instance.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"

#define MAX_WAITING 64

struct notice {
	struct notice *next;
	char *topic;
	size_t len;
	char body[];
};

struct notices {
	pthread_mutex_t lock; /* guards what follows */
	struct notice *first, *last;
	unsigned n;
	uint64_t dropped;
	bool posted; /* a job is on its way */
};

bool notices_init(struct instance *i)
{
	i->notices = calloc(1, sizeof *i->notices);
	if (!i->notices)
		return false;
	pthread_mutex_init(&i->notices->lock, NULL);
	return true;
}

static void notice_free(struct notice *n)
{
	if (n)
		free(n->topic);
	free(n);
}

static struct notice *pop(struct notices *q)
{
	struct notice *n = q->first;

	if (!n)
		return NULL;
	q->first = n->next;
	if (!q->first)
		q->last = NULL;
	q->n--;
	return n;
}

void notices_free(struct instance *i)
{
	struct notice *n;

	if (!i->notices)
		return;
	while ((n = pop(i->notices)))
		notice_free(n);
	pthread_mutex_destroy(&i->notices->lock);
	free(i->notices);
}

/* Makes room: the oldest of the same topic goes, since a newer one says more; else the oldest. */
static struct notice *drop_one(struct notices *q, const char *topic)
{
	struct notice **at = &q->first, *before = NULL, *n;

	while (*at && strcmp((*at)->topic, topic)) {
		before = *at;
		at = &before->next;
	}
	if (!*at)
		return pop(q);
	n = *at;
	*at = n->next;
	if (q->last == n)
		q->last = before;
	q->n--;
	return n;
}

static void deliver(void *ctx)
{
	struct instance *i = ctx;
	struct notices *q = i->notices;
	struct notice *n;

	for (;;) {
		struct plug_call c = { .op = OP_NOTICE, .budget_us = 10000000 };

		pthread_mutex_lock(&q->lock);
		n = instance_is_stopping(i) ? NULL : pop(q);
		q->posted = n;
		pthread_mutex_unlock(&q->lock);
		if (!n)
			return;
		c.name = n->topic;
		c.body = (struct fems_span){ n->body, n->len };
		instance_call(i, &c);
		instance_result(i, &c);
		notice_free(n);
	}
}

static struct notice *notice_new(const char *topic, struct fems_span body)
{
	struct notice *n = calloc(1, sizeof *n + body.len + 1);

	if (!n)
		return NULL;
	n->topic = strdup(topic);
	n->len = body.len;
	if (body.len)
		memcpy(n->body, body.ptr, body.len);
	if (n->topic)
		return n;
	free(n);
	return NULL;
}

void notices_add(struct instance *i, const char *topic, struct fems_span body)
{
	struct notices *q = i->notices;
	struct notice *n = notice_new(topic, body), *old = NULL;
	uint64_t dropped = 0;
	bool post;

	if (!n)
		return;
	pthread_mutex_lock(&q->lock);
	if (q->n >= MAX_WAITING) {
		old = drop_one(q, topic);
		dropped = ++q->dropped;
	}
	*(q->last ? &q->last->next : &q->first) = n;
	q->last = n;
	q->n++;
	post = !q->posted;
	q->posted = true;
	pthread_mutex_unlock(&q->lock);
	notice_free(old);
	/* Powers of two: said early, and then ever more rarely. */
	if (dropped && !(dropped & (dropped - 1)))
		log_line(FEMS_LOG_WARN, i->name, "too slow for its notices: %llu lost so far",
			 (unsigned long long)dropped);
	if (post && !worker_post(i->worker, deliver, i)) {
		pthread_mutex_lock(&q->lock);
		q->posted = false;
		pthread_mutex_unlock(&q->lock);
	}
}
