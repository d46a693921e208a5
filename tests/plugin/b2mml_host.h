/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the B2MML connector share: a host that remembers documents, settings filled by the
 * plugin's own table, an ERP stand-in as a child process, and a server with one canned answer.
 */
#ifndef FEMS_TEST_B2MML_HOST_H
#define FEMS_TEST_B2MML_HOST_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>
#include <fems/plugin.h>

#define HOST_DOCUMENTS 32

struct test_host {
	struct fems_host host;
	struct {
		char type[40], key[200];
		json_t *body;
	} documents[HOST_DOCUMENTS];
	size_t n_documents;
	enum fems_rc answer; /* of document() */
	const char *answer_text;
	bool stopping;
	char log[8192];
};

void test_host_init(struct test_host *);
void test_host_forget(struct test_host *);

struct setting {
	const char *name, *value; /* as text; durations in seconds */
};

struct b2mml_instance {
	const struct fems_plugin *plugin;
	void *cfg, *self;
	struct fems_error error;
};

/* The plugin of this build, by dlopen. */
const struct fems_plugin *b2mml_plugin(void);
/* Settings by the table's defaults and these; ends with a NULL name. */
void *settings_fill(const struct fems_plugin *, const struct setting *);
/* check(), open() and start(); fails the test when one of them does. */
void instance_open(struct b2mml_instance *, struct test_host *, const struct setting *);
void instance_close(struct b2mml_instance *);
enum fems_rc instance_pull(struct b2mml_instance *, int64_t budget_us);
enum fems_rc instance_push(struct b2mml_instance *, const char *type, const char *key, const char *body,
			   struct fems_delivery *);

/* The last error has this text. */
void instance_says(const struct b2mml_instance *, const char *part);

struct erp_child {
	pid_t pid;
	char base[64]; /* http://127.0.0.1:PORT */
	char keep[128];
};
/* Its clock begins on Monday 2030-01-07T05:00:00Z and runs at the speed of real time. */
void erp_child_start(struct erp_child *);
void erp_child_stop(struct erp_child *);
/* body NULL: GET. Status; *reply (may be NULL) gets the JSON. */
long erp_call(const struct erp_child *, const char *path, const char *body, json_t **reply);

/* The stand-in's next count answers are faulty; slow: by 1.5 s. */
void erp_fault(const struct erp_child *, const char *mode, int count);
/* An instance with url, loopback and plain HTTP allowed, 2 s of patience. */
void instance_open_on_erp(struct b2mml_instance *, struct test_host *, const struct erp_child *);

struct canned;
/* Serves one connection with this answer; base as above. */
struct canned *canned_start(const char *answer, char *base, size_t cap);
/* The request it got; caller frees. */
char *canned_finish(struct canned *);

#endif
