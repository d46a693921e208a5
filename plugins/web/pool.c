/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/web/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <fems/util.h>

#define MAX_THREADS 8

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_DONE };

struct job {
	struct job *next;
	struct MHD_Connection *connection; /* NULL: nobody waits */
	const char *service;
	char *request;
	pool_done_fn done;
	void *ctx;
	enum job_state state;
	bool given_up; /* the pool ended while it ran; its connection goes on without an answer */
	bool orphan;   /* nobody will take the result: who finds it done frees it */
	struct job_result result;
};

struct pool {
	const struct fems_host *host;
	pthread_mutex_t lock;
	pthread_cond_t work, ended;
	struct job *first, **tail, *running[MAX_THREADS];
	size_t waiting, max_waiting, n_threads, n_started, n_ended;
	pthread_t threads[MAX_THREADS];
	bool stopping;
};

static void job_free(struct job *j)
{
	free(j->request);
	free(j->result.reply);
	free(j);
}

static void on_reply(void *ctx, struct fems_span json)
{
	struct job_result *r = ctx;

	free(r->reply);
	r->reply = malloc(json.len + 1);
	if (!r->reply) {
		r->rc = FEMS_ENOMEM;
		return;
	}
	memcpy(r->reply, json.ptr, json.len);
	r->reply[json.len] = '\0';
	r->len = json.len;
}

static void run(const struct fems_host *host, struct job *j)
{
	struct job_result *r = &j->result;
	enum fems_rc rc;

	r->rc = FEMS_OK;
	rc = host->call(host->ctx, j->service, fems_span_of(j->request ? j->request : "{}"), on_reply, r,
			&r->err);
	if (rc != FEMS_OK)
		r->rc = rc;
	if (r->err.key) /* borrowed for the time of the call only */
		snprintf(r->key, sizeof r->key, "%s", r->err.key);
	r->err.key = NULL;
	if (j->done)
		j->done(j->ctx, r->rc, r->reply, r->len);
}

/* With the lock held. */
static void finish(struct job *j)
{
	j->state = JOB_DONE;
	if (j->orphan)
		job_free(j);
	else if (!j->given_up)
		MHD_resume_connection(j->connection);
}

static struct job *next_job(struct pool *p)
{
	struct job *j;

	while (!p->first && !p->stopping)
		pthread_cond_wait(&p->work, &p->lock);
	j = p->first;
	if (j) {
		p->first = j->next;
		if (!p->first)
			p->tail = &p->first;
		p->waiting--;
		j->state = JOB_RUNNING;
	}
	return j;
}

static void *work(void *arg)
{
	struct pool *p = arg;
	struct job *j, **mine;

	pthread_mutex_lock(&p->lock);
	mine = &p->running[p->n_started++];
	while ((j = next_job(p))) {
		*mine = j;
		pthread_mutex_unlock(&p->lock);
		run(p->host, j);
		pthread_mutex_lock(&p->lock);
		*mine = NULL;
		finish(j);
	}
	p->n_ended++;
	pthread_cond_broadcast(&p->ended);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct pool *pool_new(const struct fems_host *host, size_t threads, size_t max_waiting)
{
	struct pool *p = calloc(1, sizeof *p);
	pthread_condattr_t attr;

	if (!p)
		return NULL;
	p->host = host;
	p->max_waiting = max_waiting;
	p->tail = &p->first;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->ended, &attr);
	pthread_condattr_destroy(&attr);
	while (p->n_threads < threads && p->n_threads < MAX_THREADS &&
	       pthread_create(&p->threads[p->n_threads], NULL, work, p) == 0)
		p->n_threads++;
	if (p->n_threads)
		return p;
	pool_free(p);
	return NULL;
}

static struct job *job_new(struct MHD_Connection *c, const char *service, char *request)
{
	struct job *j = calloc(1, sizeof *j);

	if (!j) {
		free(request);
		return NULL;
	}
	j->connection = c;
	j->service = service;
	j->request = request;
	return j;
}

/* Puts the job in the line, or frees it. */
static struct job *submit(struct pool *p, struct job *j)
{
	bool taken;

	if (!j)
		return NULL;
	pthread_mutex_lock(&p->lock);
	taken = !p->stopping && p->waiting < p->max_waiting;
	if (taken) {
		if (j->connection)
			MHD_suspend_connection(j->connection);
		*p->tail = j;
		p->tail = &j->next;
		p->waiting++;
		pthread_cond_signal(&p->work);
	}
	pthread_mutex_unlock(&p->lock);
	if (taken)
		return j;
	job_free(j);
	return NULL;
}

struct job *pool_call(struct pool *p, struct MHD_Connection *c, const char *service, char *request)
{
	return submit(p, job_new(c, service, request));
}

bool pool_call_quietly(struct pool *p, const char *service, pool_done_fn done, void *ctx)
{
	struct job *j = job_new(NULL, service, NULL);

	if (j) {
		j->done = done;
		j->ctx = ctx;
		j->orphan = true;
	}
	return submit(p, j) != NULL;
}

bool pool_ready(struct pool *p, struct job *j)
{
	bool ready;

	pthread_mutex_lock(&p->lock);
	ready = j->state == JOB_DONE || j->given_up;
	pthread_mutex_unlock(&p->lock);
	return ready;
}

void pool_drop(struct pool *p, struct job *j)
{
	pthread_mutex_lock(&p->lock);
	if (j->state == JOB_DONE)
		job_free(j);
	else
		j->orphan = true;
	pthread_mutex_unlock(&p->lock);
}

void pool_take(struct pool *p, struct job *j, struct job_result *out)
{
	pthread_mutex_lock(&p->lock);
	if (j->state == JOB_DONE) {
		*out = j->result;
		j->result.reply = NULL;
	} else {
		*out = (struct job_result){ .rc = FEMS_AGAIN, .stopped = true };
	}
	pthread_mutex_unlock(&p->lock);
	pool_drop(p, j);
}

/* A job that will not be run: its connection gets to know. */
static void cancel(struct job *j)
{
	j->state = JOB_DONE;
	j->result.rc = FEMS_AGAIN;
	j->result.stopped = true;
	if (j->connection)
		MHD_resume_connection(j->connection);
	if (j->orphan)
		job_free(j);
}

void pool_stop(struct pool *p)
{
	struct job *j;

	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	while ((j = p->first)) {
		p->first = j->next;
		cancel(j);
	}
	p->tail = &p->first;
	p->waiting = 0;
	for (size_t i = 0; i < MAX_THREADS; i++) {
		j = p->running[i];
		if (j && j->connection && !j->given_up) {
			j->given_up = true;
			MHD_resume_connection(j->connection);
		}
	}
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
}

bool pool_wait(struct pool *p, int64_t budget_us)
{
	struct timespec until;
	bool ended;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += budget_us / 1000000;
	until.tv_nsec += (long)(budget_us % 1000000) * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&p->lock);
	while (p->n_ended < p->n_threads && pthread_cond_timedwait(&p->ended, &p->lock, &until) != ETIMEDOUT)
		;
	ended = p->n_ended == p->n_threads;
	pthread_mutex_unlock(&p->lock);
	return ended;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->ended);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
