/* SPDX-License-Identifier: Apache-2.0
 *
 * The B2MML connector: production schedules in, by HTTP poll and from a folder; performance and
 * proposals out, by HTTP POST. The Business To Manufacturing Markup Language (B2MML) is used courtesy
 * of MESA International.
 *
 * A message is read to its end before anything of it is handed over. What the core has taken is not
 * asked for again (ETag, digest); what it has not taken is. State lives in memory only: after a start
 * the schedule is read once more, and the core knows its key.
 */
#include "config.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <fems/plugin.h>
#include <fems/util.h>
#include "connectors/b2mml/folder.h"
#include "connectors/b2mml/http.h"
#include "connectors/b2mml/lex.h"
#include "connectors/b2mml/sched.h"
#include "connectors/b2mml/xml_out.h"
#include "connectors/b2mml/xml_schema.h"

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

static const char *const validations[] = { "strict", "lenient", "off", NULL };

static const struct fems_key keys[] = {
	FEMS_STR(struct cfg, url, "", "address that is asked for the schedule; empty: none"),
	FEMS_STR(struct cfg, post_url, "",
		 "address that takes performance and proposals; {noun} in it becomes operations-performance, "
		 "operations-schedule or confirm-bod; default: url with its last part replaced by {noun}"),
	FEMS_PATH(struct cfg, folder, "", "folder whose *.xml files are read and then moved to done/ or failed/"),
	FEMS_DURATION(struct cfg, timeout, "20s", 100e3, 600e6, "longest time for one exchange"),
	FEMS_STR(struct cfg, user, "", "user name for basic authentication"),
	FEMS_SECRET(struct cfg, password, "", "its password"),
	FEMS_SECRET(struct cfg, token, "", "bearer token, instead of user and password"),
	FEMS_PATH(struct cfg, ca_file, "", "certificate authority of the ERP; default: those of the system"),
	FEMS_BOOL(struct cfg, allow_plain_http, "false", "take http: beside https:"),
	FEMS_BOOL(struct cfg, allow_loopback, "false", "take addresses that lead to this machine"),
	FEMS_STR(struct cfg, energy_material, "EN-ELEC", "MaterialDefinitionID of electricity"),
	FEMS_STR(struct cfg, sender, "FEMS", "LogicalID of this system in messages"),
	FEMS_STR(struct cfg, utc_offset, "", "offset of times that carry none, such as +09:00; default: refuse them"),
	FEMS_ENUM(struct cfg, validation, "lenient", validations,
		  "strict: refuse what is not as it should be; lenient: read it with warnings; off: no schema, any "
		  "namespace"),
	FEMS_PATH(struct cfg, schema, "", "XSD to check schedules with, such as B2MML-OperationsSchedule.xsd"),
	FEMS_INT(struct cfg, max_bytes, "33554432", 1024, 268435456, "bytes", "largest document"),
	FEMS_KEYS_END,
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

static const char *text_of(const char *s)
{
	return s ? s : "";
}

static int64_t mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- settings ---- */

static enum fems_rc check_login(const struct cfg *c, struct fems_error *e)
{
	if (*text_of(c->token) && *text_of(c->user))
		return fems_bad_setting(e, "token", "token and user exclude each other; keep one");
	if (*text_of(c->password) && !*text_of(c->user))
		return fems_bad_setting(e, "user", "password is set, but no user; set user");
	return FEMS_OK;
}

static enum fems_rc b2mml_check(const struct fems_settings *settings, struct fems_error *e)
{
	const struct cfg *c = settings->cfg;
	enum fems_rc rc = FEMS_OK;
	int minutes;

	if (!*text_of(c->url) && !*text_of(c->folder) && !*text_of(c->post_url))
		return fems_bad_setting(e, "url", "nothing to do: set url, folder or post_url");
	if (*text_of(c->url))
		rc = http_check_url("url", c->url, c->allow_plain_http, e);
	if (rc == FEMS_OK && *text_of(c->post_url))
		rc = http_check_url("post_url", c->post_url, c->allow_plain_http, e);
	if (rc != FEMS_OK)
		return rc;
	if (*text_of(c->utc_offset) && !lex_offset(c->utc_offset, &minutes))
		return fems_bad_setting(e, "utc_offset", "\"%s\" is not an offset; write it like +09:00", c->utc_offset);
	if (!*text_of(c->energy_material))
		return fems_bad_setting(e, "energy_material", "energy_material is empty; EN-ELEC is usual");
	return check_login(c, e);
}

/* ---- life ---- */

static bool is_stopping(void *ctx)
{
	const struct b2mml *b = ctx;

	return b->host->wait_until(b->host->ctx, 0) == FEMS_AGAIN;
}

/* http://erp/b2mml/operations-schedule -> http://erp/b2mml/{noun} */
static char *default_post_url(const char *url)
{
	struct buf b = { NULL, 0, 0, false };
	const char *path = strstr(url, "://"), *end = url + strcspn(url, "?#"), *cut;

	path = path ? strchr(path + 3, '/') : NULL;
	for (cut = end; path && path < end && cut > path && cut[-1] != '/'; cut--)
		;
	buf_add_n(&b, url, (size_t)(cut - url));
	if (!path || path >= end)
		buf_add(&b, "/");
	buf_add(&b, "{noun}");
	return buf_take(&b, NULL);
}

static enum fems_rc open_http(struct b2mml *b, struct fems_error *e)
{
	const struct cfg *c = b->cfg;
	struct http_options opt = {
		.user = text_of(c->user), .password = text_of(c->password), .token = text_of(c->token),
		.ca_file = text_of(c->ca_file), .timeout_us = c->timeout, .allow_plain = c->allow_plain_http,
		.allow_loopback = c->allow_loopback, .stopping = is_stopping, .ctx = b,
	};

	if (!*text_of(c->url) && !*text_of(c->post_url))
		return FEMS_OK;
	b->post_url = *text_of(c->post_url) ? strdup(c->post_url) : default_post_url(c->url);
	if (!b->post_url)
		return fems_fail(e, FEMS_ENOMEM, "out of memory");
	http_show_url(text_of(c->url), b->where, sizeof b->where);
	return http_new(&opt, &b->http, e);
}

static enum fems_rc b2mml_open(const struct fems_host *host, const struct fems_settings *settings, void **self,
			       struct fems_error *e)
{
	struct b2mml *b = calloc(1, sizeof *b);
	enum fems_rc rc;

	if (!b || sodium_init() < 0) {
		free(b);
		return fems_fail(e, FEMS_ENOMEM, "out of memory");
	}
	*self = b;
	b->host = host;
	b->cfg = settings->cfg;
	xml_guard();
	if (*text_of(b->cfg->utc_offset))
		lex_offset(b->cfg->utc_offset, &b->offset_min);
	rc = open_http(b, e);
	if (rc == FEMS_OK && *text_of(b->cfg->folder))
		rc = folder_new(b->cfg->folder, &b->folder, e);
	if (rc == FEMS_OK && *text_of(b->cfg->schema) && b->cfg->validation != SCHED_OFF)
		rc = xml_schema_load(b->cfg->schema, &b->schema, e);
	return rc;
}

static void b2mml_close(void *self)
{
	struct b2mml *b = self;

	http_free(b->http);
	folder_free(b->folder);
	xmlSchemaFree(b->schema);
	free(b->post_url);
	free(b->confirmed);
	free(b);
}

/* Connections are made by pull and push, for as long as these take. */
static enum fems_rc b2mml_start(void *self, struct fems_error *e)
{
	(void)self, (void)e;
	return FEMS_OK;
}

static void b2mml_stop(void *self)
{
	(void)self;
}

/* ---- schedules in ---- */

static struct sched *new_sched(struct b2mml *b, const char *where)
{
	struct sched_options opt = {
		.where = where,
		.energy_material = b->cfg->energy_material,
		.validation = (enum sched_validation)b->cfg->validation,
		.offset_min = *text_of(b->cfg->utc_offset) ? &b->offset_min : NULL,
		.max_bytes = (size_t)b->cfg->max_bytes,
		.schema = b->schema,
	};

	return sched_new(&opt);
}

/* A key that the core has seen is no fault as long as it says nothing about it. */
static enum fems_rc hand_over(struct b2mml *b, const char *where, const struct sched_message *m, struct fems_error *e)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct sched_document *d = &m->documents[i];
		struct fems_span body = { d->json, d->len };
		struct fems_error text = { "", NULL };
		enum fems_rc rc = b->host->document(b->host->ctx, "operations-schedule", d->key, body, &text);

		if (rc != FEMS_OK && !(rc == FEMS_ECONFLICT && !text.text[0]))
			return fems_fail(e, rc, "%.150s: message %.60s: %.180s", where, d->key,
					 text.text[0] ? text.text : "not taken");
	}
	if (m->warnings)
		b->host->log(b->host->ctx, FEMS_LOG_WARN, "%s: read, but with %zu warnings; they stand in the document",
			     where, m->warnings);
	return FEMS_OK;
}

static void expand_noun(const char *url, const char *noun, struct buf *out)
{
	const char *at;

	for (; (at = strstr(url, "{noun}")) != NULL; url = at + 6) {
		buf_add_n(out, url, (size_t)(at - url));
		buf_add(out, noun);
	}
	buf_add(out, url);
}

static enum fems_rc post(struct b2mml *b, const char *noun, const char *key, const struct buf *body, int64_t budget_us,
			 struct http_reply *reply, bool *permanent, struct fems_error *e)
{
	struct buf url = { NULL, 0, 0, false };
	enum fems_rc rc;

	*permanent = false;
	memset(reply, 0, sizeof *reply);
	expand_noun(b->post_url, noun, &url);
	if (url.failed)
		rc = fems_fail(e, FEMS_ENOMEM, "out of memory");
	else
		rc = http_post(b->http, url.ptr, key, body, budget_us, reply, e);
	if (rc == FEMS_OK)
		rc = http_judge(url.ptr, reply, permanent, e);
	buf_free(&url);
	return rc;
}

static void send_confirmation(struct b2mml *b, const struct sched_message *m, const char *fault, int64_t budget_us)
{
	struct xml_out_options opt = { b->cfg->sender, b->cfg->energy_material };
	struct when now = { b->host->now_us(b->host->ctx), 0, true };
	struct buf created = { NULL, 0, 0, false }, body = { NULL, 0, 0, false };
	struct http_reply reply;
	struct fems_error e = { "", NULL };
	bool permanent;
	char key[300];

	lex_time_json(&created, &now);
	if (!created.failed && created.len > 2) {
		created.ptr[created.len - 1] = '\0';
		xml_out_confirm(&opt, m, created.ptr + 1, fault, &body);
	}
	snprintf(key, sizeof key, "confirm-%s", m->bodid);
	if (!created.failed && !body.failed &&
	    post(b, "confirm-bod", key, &body, budget_us, &reply, &permanent, &e) != FEMS_OK)
		b->host->log(b->host->ctx, FEMS_LOG_WARN, "message %s could not be confirmed: %s", m->bodid, e.text);
	buf_free(&created);
	buf_free(&body);
}

/* Once per message that asks for it. Without BODID there is nothing to confirm. A confirmation that is
 * lost is not repeated: the plan and the performance show that the schedule arrived. */
static void confirm(struct b2mml *b, const struct sched_message *m, const char *fault, int64_t deadline_us)
{
	int64_t left = deadline_us - mono_us();

	if (!m->bodid || !b->http || !(fault ? m->confirm_errors : m->confirm_always) || left <= 0)
		return;
	if (b->confirmed && strcmp(b->confirmed, m->bodid) == 0)
		return;
	free(b->confirmed);
	b->confirmed = strdup(m->bodid);
	send_confirmation(b, m, fault, left);
}

static bool to_sched(void *ctx, const char *bytes, size_t n)
{
	return sched_feed(ctx, bytes, n);
}

/* The document is complete: reads its end, hands it over, remembers that it was taken. */
static enum fems_rc take_polled(struct b2mml *b, struct sched *s, const struct http_reply *reply, int64_t deadline_us,
				struct fems_error *e)
{
	const struct sched_message *m = sched_end(s);
	enum fems_rc rc = FEMS_OK;

	if (!m) {
		*e = *sched_error(s);
		confirm(b, sched_envelope(s), e->text, deadline_us);
		return FEMS_EINVAL;
	}
	if (!b->has_digest || memcmp(b->digest, m->digest, sizeof b->digest) != 0)
		rc = hand_over(b, b->where, m, e);
	if (rc != FEMS_OK)
		return rc;
	memcpy(b->digest, m->digest, sizeof b->digest);
	b->has_digest = true;
	snprintf(b->etag, sizeof b->etag, "%s", reply->etag);
	snprintf(b->modified, sizeof b->modified, "%s", reply->modified);
	confirm(b, m, NULL, deadline_us);
	return FEMS_OK;
}

static enum fems_rc poll_url(struct b2mml *b, int64_t deadline_us, struct fems_error *e)
{
	struct sched *s = new_sched(b, b->where);
	struct http_reply reply;
	enum fems_rc rc;
	bool permanent;

	if (!s)
		return fems_fail(e, FEMS_ENOMEM, "out of memory");
	rc = http_get(b->http, b->cfg->url, b->etag, b->modified, to_sched, s, deadline_us - mono_us(), &reply, e);
	if (rc == FEMS_OK && reply.status / 100 == 2 && reply.status != 204)
		rc = take_polled(b, s, &reply, deadline_us, e);
	else if (rc == FEMS_OK && reply.status != 304)
		rc = http_judge(b->cfg->url, &reply, &permanent, e);
	sched_free(s);
	return rc;
}

static bool read_file(struct sched *s, int fd, bool *io_fault)
{
	char bytes[65536];
	ssize_t n;

	*io_fault = false;
	while ((n = read(fd, bytes, sizeof bytes)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			*io_fault = true;
			return false;
		}
		if (!sched_feed(s, bytes, (size_t)n))
			return false;
	}
	return true;
}

/* A document that contradicts an earlier one of the same key stays wrong; everything else that the
 * core answers may pass. */
static enum folder_verdict take_file(void *ctx, int fd, const char *path, struct fems_error *e)
{
	struct b2mml *b = ctx;
	struct sched *s = new_sched(b, path);
	const struct sched_message *m;
	enum folder_verdict v = FOLDER_DONE;
	enum fems_rc rc;
	bool io_fault;

	if (!s) {
		fems_fail(e, FEMS_ENOMEM, "out of memory");
		return FOLDER_LATER;
	}
	if (!read_file(s, fd, &io_fault) && io_fault) {
		fems_fail(e, FEMS_EIO, "%s cannot be read: %s", path, strerror(errno));
		v = FOLDER_LATER;
	} else if (!(m = sched_end(s))) {
		*e = *sched_error(s);
		v = FOLDER_FAILED;
	} else {
		rc = hand_over(b, path, m, e);
		if (rc != FEMS_OK)
			v = rc == FEMS_EINVAL || rc == FEMS_ECONFLICT ? FOLDER_FAILED : FOLDER_LATER;
		else
			b->has_digest = false; /* url may bring back what this file replaced */
	}
	sched_free(s);
	return v;
}

static enum fems_rc b2mml_pull(void *self, int64_t budget_us, struct fems_error *e)
{
	struct b2mml *b = self;
	int64_t deadline_us = mono_us() + budget_us;
	struct fems_error polled = { "", NULL };
	enum fems_rc rc = FEMS_OK, poll_rc = FEMS_OK;
	unsigned failed = 0;

	if (b->folder)
		rc = folder_scan(b->folder, take_file, b, deadline_us, &failed, e);
	if (failed > 1)
		b->host->log(b->host->ctx, FEMS_LOG_WARN, "%u files of %s are at fault; the reasons lie beside them in "
							  "failed/", failed, b->cfg->folder);
	if (*text_of(b->cfg->url) && mono_us() < deadline_us)
		poll_rc = poll_url(b, deadline_us, &polled);
	if (rc == FEMS_OK) {
		*e = polled;
		return poll_rc;
	}
	if (poll_rc != FEMS_OK)
		b->host->log(b->host->ctx, FEMS_LOG_ERROR, "%s", polled.text);
	return rc;
}

/* ---- performance and proposals out ---- */

typedef enum fems_rc (*out_fn)(const struct xml_out_options *, const char *key, struct fems_span, struct buf *,
			       struct fems_error *);

static const struct route {
	const char *type, *noun;
	out_fn write;
} routes[] = {
	{ "operations-performance", "operations-performance", xml_out_performance },
	{ "operations-schedule-proposal", "operations-schedule", xml_out_proposal },
};
static const char *const types[] = { "operations-performance", "operations-schedule-proposal", NULL };

static const struct route *route_of(const char *type)
{
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
		if (strcmp(routes[i].type, type) == 0)
			return &routes[i];
	return NULL;
}

/* 409 that names our key: an earlier attempt arrived and its answer was lost. */
static bool is_there_already(const struct http_reply *r, const char *key)
{
	return r->status == 409 && (strcmp(r->key, key) == 0 || strstr(r->text, key));
}

static void set_receipt(struct fems_delivery *d, const struct http_reply *r)
{
	size_t n = 0;

	for (const char *p = r->text; *p && n < sizeof d->receipt - 1; p++)
		if ((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f)
			d->receipt[n++] = *p;
	d->receipt[n] = '\0';
}

static enum fems_rc deliver(struct b2mml *b, const struct route *route, const char *key, const struct buf *body,
			    int64_t budget_us, struct fems_delivery *d, struct fems_error *e)
{
	struct http_reply reply;
	bool permanent;
	enum fems_rc rc = post(b, route->noun, key, body, budget_us, &reply, &permanent, e);

	set_receipt(d, &reply);
	if (rc != FEMS_OK && is_there_already(&reply, key)) {
		b->host->log(b->host->ctx, FEMS_LOG_INFO, "%s %s was there already", route->type, key);
		return FEMS_OK;
	}
	d->retry_after_us = reply.retry_after_us;
	d->permanent = permanent;
	return rc;
}

static enum fems_rc b2mml_push(void *self, const char *type, const char *key, struct fems_span body, int64_t budget_us,
			       struct fems_delivery *d, struct fems_error *e)
{
	struct b2mml *b = self;
	const struct route *route = route_of(type);
	struct xml_out_options opt = { b->cfg->sender, b->cfg->energy_material };
	struct buf xml = { NULL, 0, 0, false };
	enum fems_rc rc;

	d->retry_after_us = 0;
	d->permanent = 0;
	d->receipt[0] = '\0';
	if (!route)
		return fems_fail(e, FEMS_EUNSUP, "%s is not a type that B2MML carries here", type);
	if (!b->http) {
		d->permanent = 1;
		return fems_bad_setting(e, "post_url", "%s cannot be sent: neither post_url nor url is set", type);
	}
	rc = route->write(&opt, key, body, &xml, e);
	if (rc == FEMS_OK)
		rc = deliver(b, route, key, &xml, budget_us, d, e);
	else
		d->permanent = rc == FEMS_EINVAL;
	buf_free(&xml);
	return rc;
}

/* ---- descriptor ---- */

static const struct fems_life life = {
	.size = sizeof life,
	.check = b2mml_check,
	.open = b2mml_open,
	.start = b2mml_start,
	.stop = b2mml_stop,
	.close = b2mml_close,
};

static const struct fems_connector_ops connector = {
	.size = sizeof connector,
	.pull = b2mml_pull,
	.push = b2mml_push,
	.types = types,
};

FEMS_PLUGIN("b2mml", "0.1.0", FEMS_CONNECTOR, .grade = FEMS_BETA, .license = "Apache-2.0",
	    .summary = "Production schedules and performance as B2MML over HTTP and files (ISA-95)", .keys = keys,
	    .cfg_size = sizeof(struct cfg), .life = &life, .connector = &connector);
