/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "connectors/b2mml/b2mml.h"

#include <string.h>
#include <fems/util.h>
#include "connectors/b2mml/xml_out.h"

static void expand_noun(const char *url, const char *noun, struct buf *out)
{
	const char *at;

	for (; (at = strstr(url, "{noun}")) != NULL; url = at + 6) {
		buf_add_n(out, url, (size_t)(at - url));
		buf_add(out, noun);
	}
	buf_add(out, url);
}

enum fems_rc b2mml_post(struct b2mml *b, const char *noun, const char *key, const struct buf *body,
			int64_t budget_us, struct http_reply *reply, bool *permanent, struct fems_error *e)
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

typedef enum fems_rc (*out_fn)(const struct xml_out_options *, const char *key, struct fems_span,
			       struct buf *, struct fems_error *);

static const struct route {
	const char *type, *noun;
	out_fn write;
} routes[] = {
	{ "operations-performance", "operations-performance", xml_out_performance },
	{ "operations-schedule-proposal", "operations-schedule", xml_out_proposal },
};
const char *const b2mml_types[] = { "operations-performance", "operations-schedule-proposal", NULL };

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

static enum fems_rc deliver(struct b2mml *b, const struct route *route, const char *key,
			    const struct buf *body, int64_t budget_us, struct fems_delivery *d,
			    struct fems_error *e)
{
	struct http_reply reply;
	bool permanent;
	enum fems_rc rc = b2mml_post(b, route->noun, key, body, budget_us, &reply, &permanent, e);

	set_receipt(d, &reply);
	if (rc != FEMS_OK && is_there_already(&reply, key)) {
		b->host->log(b->host->ctx, FEMS_LOG_INFO, "%s %s was there already", route->type, key);
		return FEMS_OK;
	}
	d->retry_after_us = reply.retry_after_us;
	d->permanent = permanent;
	return rc;
}

enum fems_rc b2mml_push(void *self, const char *type, const char *key, struct fems_span body,
			int64_t budget_us, struct fems_delivery *d, struct fems_error *e)
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
		return fems_bad_setting(e, "post_url", "%s cannot be sent: neither post_url nor url is set",
					type);
	}
	rc = route->write(&opt, key, body, &xml, e);
	if (rc == FEMS_OK)
		rc = deliver(b, route, key, &xml, budget_us, d, e);
	else
		d->permanent = rc == FEMS_EINVAL;
	buf_free(&xml);
	return rc;
}
