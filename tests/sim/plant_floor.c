/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/sim/plant.h"

#include <curl/curl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/base/text.h"

#define POLL_MS 500

struct plant_floor {
	char url[256];
	pthread_t thread;
	pthread_mutex_t lock; /* guards the members below */
	pthread_cond_t wake;
	bool stop, fresh;
	struct plant_job jobs[PLANT_JOBS];
	int n_jobs;
};

static size_t collect(char *data, size_t size, size_t n, void *ctx)
{
	struct text *t = ctx;

	text_add_n(t, data, size * n);
	return t->failed || t->len > (4u << 20) ? 0 : size * n;
}

static bool job_read(const json_t *o, struct plant_job *j)
{
	const char *segment = json_string_value(json_object_get(o, "segment"));
	const char *equipment = json_string_value(json_object_get(o, "equipment"));
	const char *start = json_string_value(json_object_get(o, "start")),
		   *end = json_string_value(json_object_get(o, "end"));

	if (!segment || !equipment || !start || !end || !time_parse(start, NULL, &j->start_us) ||
	    !time_parse(end, NULL, &j->end_us))
		return false;
	j->power_w = (int64_t)json_integer_value(json_object_get(o, "power_w"));
	return str_copy(j->segment, sizeof j->segment, segment) &&
	       str_copy(j->equipment, sizeof j->equipment, equipment);
}

static void take_list(struct plant_floor *f, const json_t *list)
{
	struct plant_job *jobs = calloc(PLANT_JOBS, sizeof *jobs);
	size_t i;
	json_t *o;
	int n = 0;

	if (!jobs)
		return;
	json_array_foreach(list, i, o)
	{
		if (n < PLANT_JOBS && job_read(o, &jobs[n]))
			n++;
	}
	pthread_mutex_lock(&f->lock);
	memcpy(f->jobs, jobs, sizeof f->jobs);
	f->n_jobs = n;
	f->fresh = true;
	pthread_mutex_unlock(&f->lock);
	free(jobs);
}

static void fetch(struct plant_floor *f, CURL *curl)
{
	struct text body = { 0 };
	json_t *j;

	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
	if (curl_easy_perform(curl) == CURLE_OK) {
		j = json_loadb(body.ptr ? body.ptr : "", body.len, 0, NULL);
		if (json_is_array(j))
			take_list(f, j);
		else if (json_is_array(json_object_get(j, "dispatch")))
			take_list(f, json_object_get(j, "dispatch"));
		json_decref(j);
	}
	text_free(&body);
}

static bool pause_for(struct plant_floor *f)
{
	struct timespec until;
	bool stop;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += POLL_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&f->lock);
	if (!f->stop)
		pthread_cond_timedwait(&f->wake, &f->lock, &until);
	stop = f->stop;
	pthread_mutex_unlock(&f->lock);
	return !stop;
}

static void *follow(void *arg)
{
	struct plant_floor *f = arg;
	CURL *curl = curl_easy_init();

	if (!curl)
		return NULL;
	curl_easy_setopt(curl, CURLOPT_URL, f->url);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 2000L);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	do
		fetch(f, curl);
	while (pause_for(f));
	curl_easy_cleanup(curl);
	return NULL;
}

struct plant_floor *plant_floor_open(const char *dispatch_url)
{
	struct plant_floor *f = calloc(1, sizeof *f);

	if (!f || !str_copy(f->url, sizeof f->url, dispatch_url)) {
		free(f);
		return NULL;
	}
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->wake, NULL);
	if (pthread_create(&f->thread, NULL, follow, f)) {
		free(f);
		return NULL;
	}
	return f;
}

void plant_floor_take(struct plant_floor *f, struct plant *p)
{
	pthread_mutex_lock(&f->lock);
	if (f->fresh) {
		memcpy(p->jobs, f->jobs, sizeof p->jobs);
		p->n_jobs = f->n_jobs;
		f->fresh = false;
	}
	pthread_mutex_unlock(&f->lock);
}

void plant_floor_close(struct plant_floor *f)
{
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	free(f);
}
