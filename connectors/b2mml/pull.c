/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "connectors/b2mml/b2mml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fems/util.h>
#include "connectors/b2mml/lex.h"
#include "connectors/b2mml/xml_out.h"

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
static enum fems_rc hand_over(struct b2mml *b, const char *where, const struct sched_message *m,
			      struct fems_error *e)
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
		b->host->log(b->host->ctx, FEMS_LOG_WARN,
			     "%s: read, but with %zu warnings; they stand in the document", where,
			     m->warnings);
	return FEMS_OK;
}

static void send_confirmation(struct b2mml *b, const struct sched_message *m, const char *fault,
			      int64_t budget_us)
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
	    b2mml_post(b, "confirm-bod", key, &body, budget_us, &reply, &permanent, &e) != FEMS_OK)
		b->host->log(b->host->ctx, FEMS_LOG_WARN, "message %s could not be confirmed: %s", m->bodid,
			     e.text);
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
static enum fems_rc take_polled(struct b2mml *b, struct sched *s, const struct http_reply *reply,
				int64_t deadline_us, struct fems_error *e)
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
	rc = http_get(b->http, b->cfg->url, b->etag, b->modified, to_sched, s, deadline_us - mono_us(),
		      &reply, e);
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

enum fems_rc b2mml_pull(void *self, int64_t budget_us, struct fems_error *e)
{
	struct b2mml *b = self;
	int64_t deadline_us = mono_us() + budget_us;
	struct fems_error polled = { "", NULL };
	enum fems_rc rc = FEMS_OK, poll_rc = FEMS_OK;
	unsigned failed = 0;

	if (b->folder)
		rc = folder_scan(b->folder, take_file, b, deadline_us, &failed, e);
	if (failed > 1)
		b->host->log(b->host->ctx, FEMS_LOG_WARN,
			     "%u files of %s are at fault; the reasons lie beside them in "
			     "failed/",
			     failed, b->cfg->folder);
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
