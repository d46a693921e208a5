/* SPDX-License-Identifier: Apache-2.0
 *
 * What a test of the plugin host stands on: a bus, points, services and hooks that remember.
 */
#ifndef FEMS_TESTS_PLUGIN_STAGE_H
#define FEMS_TESTS_PLUGIN_STAGE_H

#include <pthread.h>
#include "core/plug/plug.h"
#include "core/plug/plugs.h"

struct stage {
	struct loop *loop;
	struct services *services;
	struct bus *bus;
	struct bus_reader *reader;
	struct points *points;
	struct plugs *plugs;
	char dir[64];
	char message[4000];   /* faults or error of the last settings */
	pthread_mutex_t lock; /* guards what follows */
	char *lines[4000];    /* what the hooks saw: "document INSTANCE TYPE KEY BODY", "notice ..." */
	size_t n_lines;
};

void stage_open(struct stage *);
void stage_close(struct stage *);
/* Reads and applies settings (YAML with "plugins" and "meters"). */
enum fems_rc stage_apply(struct stage *, const char *yaml);
/* Only reads them: the faults as text, "" when there are none. */
const char *stage_check(struct stage *, const char *yaml);
/* Waits up to 10 s for a line that contains all of text; fails the test without. Returns its index. */
size_t stage_await(struct stage *, const char *text);
bool stage_has(struct stage *, const char *text);
size_t stage_count(struct stage *, const char *text);
/* All lines with prefix, one below the other; caller frees. */
char *stage_lines(struct stage *, const char *prefix);
void stage_forget(struct stage *);
/* Reply of a service, or "RC: text". */
const char *stage_call(struct stage *, const char *name, const char *request);
/* Waits up to 10 s until the instance has the state. */
void stage_await_state(struct stage *, const char *instance, const char *state);
/* Member of an instance in plugs_json() as text; borrowed until the next call. */
const char *stage_member(struct stage *, const char *instance, const char *member);
void stage_sleep_ms(int ms);
/* The build has ASan, TSan ... */
bool stage_sanitized(void);

#endif
