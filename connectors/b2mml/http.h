/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP to the ERP by libcurl: http and https only, no redirects, no proxy of the environment, no
 * signals. The address that is really connected to is judged, whatever its name: loopback only when
 * allowed, link-local (and with it the metadata services of clouds), multicast and unspecified never.
 * Every failure tells what to do about it. Addresses in messages carry no credentials and no query.
 */
#ifndef B2MML_HTTP_H
#define B2MML_HTTP_H

#include <stdbool.h>
#include <fems/plugin.h>
#include "connectors/b2mml/buf.h"

struct http_options {                /* strings may be "" and are kept by the caller */
	const char *user, *password; /* basic */
	const char *token;           /* bearer */
	const char *ca_file;
	int64_t timeout_us;
	bool allow_plain, allow_loopback;
	/* Asked about ten times a second: true ends the exchange. */
	bool (*stopping)(void *ctx);
	void *ctx;
};

struct http_reply {
	long status;
	int64_t retry_after_us; /* 0: not told */
	char etag[256], modified[64];
	char key[256];  /* Idempotency-Key of the answer */
	char text[401]; /* begin of the body of an answer that is not 2xx, or of any answer to a POST */
	size_t text_len;
};

/* Receives a 2xx body as it arrives; false ends the exchange. */
typedef bool (*http_sink_fn)(void *ctx, const char *bytes, size_t n);

struct http;

/* Judges an address without I/O: FEMS_EINVAL and a text with the setting's name. */
enum fems_rc http_check_url(const char *setting, const char *url, bool allow_plain, struct fems_error *);
/* The address without user, password, query and fragment. */
void http_show_url(const char *url, char *buf, size_t cap);

enum fems_rc http_new(const struct http_options *, struct http **out, struct fems_error *);
void http_free(struct http *);

/* FEMS_OK: an HTTP answer came, of whatever status; http_judge() tells what it means. */
enum fems_rc http_get(struct http *, const char *url, const char *etag, const char *modified, http_sink_fn,
		      void *ctx, int64_t budget_us, struct http_reply *, struct fems_error *);
enum fems_rc http_post(struct http *, const char *url, const char *key, const struct buf *body,
		       int64_t budget_us, struct http_reply *, struct fems_error *);
/* FEMS_OK for 2xx, else a code and a text with the remedy; *permanent: repeating it is useless. */
enum fems_rc http_judge(const char *url, const struct http_reply *, bool *permanent, struct fems_error *);

#endif
