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
#include "connectors/b2mml/b2mml.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <fems/util.h>
#include "connectors/b2mml/lex.h"
#include "connectors/b2mml/xml_schema.h"

static const char *const validations[] = { "strict", "lenient", "off", NULL };

static const struct fems_key keys[] = {
	FEMS_STR(struct cfg, url, "", "address that is asked for the schedule; empty: none"),
	FEMS_STR(struct cfg, post_url, "",
		 "address that takes performance and proposals; {noun} in it becomes operations-performance, "
		 "operations-schedule or confirm-bod; default: url with its last part replaced by {noun}"),
	FEMS_PATH(struct cfg, folder, "",
		  "folder whose *.xml files are read and then moved to done/ or failed/"),
	FEMS_DURATION(struct cfg, timeout, "20s", 100e3, 600e6, "longest time for one exchange"),
	FEMS_STR(struct cfg, user, "", "user name for basic authentication"),
	FEMS_SECRET(struct cfg, password, "", "its password"),
	FEMS_SECRET(struct cfg, token, "", "bearer token, instead of user and password"),
	FEMS_PATH(struct cfg, ca_file, "", "certificate authority of the ERP; default: those of the system"),
	FEMS_BOOL(struct cfg, allow_plain_http, "false", "take http: beside https:"),
	FEMS_BOOL(struct cfg, allow_loopback, "false", "take addresses that lead to this machine"),
	FEMS_STR(struct cfg, energy_material, "EN-ELEC", "MaterialDefinitionID of electricity"),
	FEMS_STR(struct cfg, sender, "FEMS", "LogicalID of this system in messages"),
	FEMS_STR(struct cfg, utc_offset, "",
		 "offset of times that carry none, such as +09:00; default: refuse them"),
	FEMS_ENUM(struct cfg, validation, "lenient", validations,
		  "strict: refuse what is not as it should be; lenient: read it with warnings; off: no "
		  "schema, any "
		  "namespace"),
	FEMS_PATH(struct cfg, schema, "",
		  "XSD to check schedules with, such as B2MML-OperationsSchedule.xsd"),
	FEMS_INT(struct cfg, max_bytes, "33554432", 1024, 268435456, "bytes", "largest document"),
	FEMS_KEYS_END,
};

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
		return fems_bad_setting(e, "utc_offset", "\"%s\" is not an offset; write it like +09:00",
					c->utc_offset);
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
		.user = text_of(c->user),
		.password = text_of(c->password),
		.token = text_of(c->token),
		.ca_file = text_of(c->ca_file),
		.timeout_us = c->timeout,
		.allow_plain = c->allow_plain_http,
		.allow_loopback = c->allow_loopback,
		.stopping = is_stopping,
		.ctx = b,
	};

	if (!*text_of(c->url) && !*text_of(c->post_url))
		return FEMS_OK;
	b->post_url = *text_of(c->post_url) ? strdup(c->post_url) : default_post_url(c->url);
	if (!b->post_url)
		return fems_fail(e, FEMS_ENOMEM, "out of memory");
	http_show_url(text_of(c->url), b->where, sizeof b->where);
	return http_new(&opt, &b->http, e);
}

static enum fems_rc b2mml_open(const struct fems_host *host, const struct fems_settings *settings,
			       void **self, struct fems_error *e)
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
	.types = b2mml_types,
};

FEMS_PLUGIN("b2mml", "0.1.0", FEMS_CONNECTOR, .grade = FEMS_BETA, .license = "Apache-2.0",
	    .summary = "Production schedules and performance as B2MML over HTTP and files (ISA-95)",
	    .keys = keys, .cfg_size = sizeof(struct cfg), .life = &life, .connector = &connector);
