/* SPDX-License-Identifier: Apache-2.0
 *
 * A host for the real web.so: just enough of femsd to open, start and feed it, and a small HTTP
 * client. Used by tests/plugin/test_web*.c and tests/bench/bench_web.c.
 */
#ifndef FEMS_TEST_WEB_HOST_H
#define FEMS_TEST_WEB_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <fems/plugin.h>

struct web_host;

/* Answers host->call; on any thread. reply is called at most once. */
typedef enum fems_rc (*web_call_fn)(const char *service, struct fems_span request, fems_reply_fn reply,
				    void *reply_ctx, struct fems_error *);

/* Loads so (the file), dir: a scratch directory that exists; the page's files are dir/page. */
struct web_host *web_host_new(const char *so, const char *dir, web_call_fn call);
void web_host_free(struct web_host *);
const struct fems_plugin *web_host_plugin(struct web_host *);

/* Sets a setting before start: by its name, as an integer or as text. */
void web_host_set_int(struct web_host *, const char *key, int64_t value);
void web_host_set_str(struct web_host *, const char *key, const char *value);
void web_host_set_list(struct web_host *, const char *key, const char *const *items, size_t n);

enum fems_rc web_host_check(struct web_host *, struct fems_error *);
/* open and start; the port is known afterwards. */
enum fems_rc web_host_start(struct web_host *, struct fems_error *);
int web_host_port(struct web_host *);
void web_host_stop(struct web_host *);
void web_host_close(struct web_host *);

void web_host_notice(struct web_host *, const char *topic, const char *body);
/* Point ids: 1 is main/power.active, 2 is press/power.active (find() knows them). */
void web_host_feed(struct web_host *, uint32_t point, double value, int64_t t_us, uint32_t quality);
/* The plant's clock stands at what was set last. */
void web_host_set_now(int64_t now_us);
/* Lines logged at or above a level since start. */
int web_host_logged(struct web_host *, enum fems_level);
int64_t web_now_us(void); /* monotonic */

/* ---- HTTP ---- */

struct web_answer {
	int status;
	char *head; /* the header lines */
	char *body; /* chunks put together; ends with NUL */
	size_t len;
};

/* A connected socket, or -1. rcvbuf 0: the system's. */
int web_connect(int port, int rcvbuf);
bool web_send(int fd, const char *data, size_t len);
/* Reads one whole answer; waits up to budget_us. false: none came. */
bool web_read_answer(int fd, bool head_only, struct web_answer *, int64_t budget_us);
/* One request on a line of its own; headers: further lines, each with "\r\n"; body may be NULL. */
bool web_ask(int port, const char *method, const char *path, const char *headers, const char *body,
	     struct web_answer *);
void web_answer_free(struct web_answer *);
/* Value of a header in a buffer of the caller's, NULL: not there. */
const char *web_header(const struct web_answer *, const char *name, char *buf, size_t size);

#endif
