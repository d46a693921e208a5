/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of one instance of the connector: settings and life in b2mml.c, schedules in by pull.c,
 * performance and proposals out by push.c.
 */
#ifndef B2MML_B2MML_H
#define B2MML_B2MML_H

#include <stdbool.h>
#include <time.h>
#include <fems/plugin.h>
#include "connectors/b2mml/folder.h"
#include "connectors/b2mml/http.h"
#include "connectors/b2mml/sched.h"

struct cfg {
	const char *url, *post_url, *folder;
	int64_t timeout;
	const char *user, *password, *token, *ca_file;
	int64_t allow_plain_http, allow_loopback;
	const char *energy_material, *sender, *utc_offset;
	int64_t validation;
	const char *schema;
	int64_t max_bytes;
};

struct b2mml {
	const struct fems_host *host;
	const struct cfg *cfg;
	struct http *http;
	struct folder *folder;
	xmlSchemaPtr schema;
	int offset_min;
	char where[240]; /* url for messages */
	char *post_url;  /* with {noun} */
	char etag[256], modified[64];
	unsigned char digest[32]; /* of the schedule that url gave last and the core took */
	bool has_digest;
	char *confirmed; /* BODID confirmed last */
};

static inline const char *text_of(const char *s)
{
	return s ? s : "";
}

static inline int64_t mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The functions of struct fems_connector_ops. */
enum fems_rc b2mml_pull(void *self, int64_t budget_us, struct fems_error *);
enum fems_rc b2mml_push(void *self, const char *type, const char *key, struct fems_span body,
			int64_t budget_us, struct fems_delivery *, struct fems_error *);
extern const char *const b2mml_types[];

/* Sends a message to post_url. FEMS_OK: the peer has it; else *permanent tells whether to go on. */
enum fems_rc b2mml_post(struct b2mml *, const char *noun, const char *key, const struct buf *body,
			int64_t budget_us, struct http_reply *, bool *permanent, struct fems_error *);

#endif
