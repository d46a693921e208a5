/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/store/store_services.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/base/zone.h"
#include "core/store/series_service.h"

#define LIST_DEFAULT 100
#define LIST_MAX     10000

/* In UTC: the zone of the site is the page's business. */
static json_t *time_json(int64_t t_us)
{
	int64_t days = t_us / US_PER_DAY, in_day = t_us % US_PER_DAY / US_PER_S;
	int year, month, day;
	char buf[80];

	if (t_us <= 0)
		return json_null();
	civil_from_days(days, &year, &month, &day);
	snprintf(buf, sizeof buf, "%04d-%02d-%02dT%02d:%02d:%02d+00:00", year, month, day,
		 (int)(in_day / 3600), (int)(in_day / 60 % 60), (int)(in_day % 60));
	return json_string(buf);
}

static json_t *body_json(struct fems_span body)
{
	json_t *j = json_loadb(body.ptr, body.len, JSON_DECODE_ANY, NULL);

	/* What is not JSON is shown as it is, as far as it is text. */
	if (!j)
		j = json_stringn(body.ptr, body.len);
	return j ? j : json_null();
}

/* ---- status ---- */

json_t *store_status_json(struct store *st)
{
	struct store_stats s;

	store_stats(st, &s);
	return json_pack("{s:I, s:I, s:I, s:I, s:b, s:o, s:s}", "stored", (json_int_t)s.samples_stored,
			 "queued", (json_int_t)s.samples_queued, "dropped", (json_int_t)s.samples_dropped,
			 "bytes", (json_int_t)s.bytes, "disk_full", s.disk_full, "last_commit",
			 time_json(s.last_commit_us), "last_error", s.last_error);
}

json_t *store_outbox_json(struct store *st)
{
	struct store_outbox_counts n = { 0, 0, 0 };

	if (store_outbox_count(st, &n, NULL) != FEMS_OK)
		return NULL;
	return json_pack("{s:I, s:I, s:I}", "waiting", (json_int_t)n.waiting, "dead", (json_int_t)n.dead,
			 "done", (json_int_t)n.done);
}

/* ---- lists ---- */

/* "max" as a number, or as text where it comes from an address line. */
static enum fems_rc get_max(const json_t *request, size_t *max, struct fems_error *e)
{
	const json_t *j = json_object_get(request, "max");
	int64_t n = LIST_DEFAULT;

	if (json_is_string(j) && !str_int64(json_string_value(j), &n))
		n = -1;
	else if (j && !json_is_string(j) && !json_is_null(j))
		n = json_is_integer(j) ? json_integer_value(j) : -1;
	if (n < 1 || n > LIST_MAX)
		return err_set(e, FEMS_EINVAL, "max must be a whole number from 1 to %d", LIST_MAX);
	*max = (size_t)n;
	return FEMS_OK;
}

static bool add_message(void *ctx, const struct store_message *m)
{
	json_t *j = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:i, s:o, s:o, s:s, s:s, s:o}", "id",
			      (json_int_t)m->id, "route", m->route, "type", m->type, "key", m->key,
			      "business", m->business, "state", m->state, "attempts", (int)m->attempts,
			      "created", time_json(m->created_us), "next", time_json(m->next_us),
			      "last_error", m->last_error, "receipt", m->receipt, "body", body_json(m->body));

	return j && json_array_append_new(ctx, j) == 0;
}

static enum fems_rc outbox_list(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	json_t *list = json_array();
	const char *state = NULL;
	size_t max;
	enum fems_rc rc = get_max(request, &max, e);

	if (rc == FEMS_OK)
		rc = json_get_str(request, "outbox.list", "state", true, &state, e);
	if (rc == FEMS_OK)
		rc = store_outbox_list(ctx, state, max, add_message, list, e);
	if (rc != FEMS_OK) {
		json_decref(list);
		return rc;
	}
	*reply = json_pack("{s:o}", "messages", list);
	return FEMS_OK;
}

static bool add_entry(void *ctx, int64_t seq, int64_t t_us, const char *who, const char *action,
		      const char *object, const char *detail_json)
{
	struct fems_span detail = { detail_json, strlen(detail_json) };
	json_t *j =
		json_pack("{s:I, s:o, s:s, s:s, s:s, s:o}", "seq", (json_int_t)seq, "time", time_json(t_us),
			  "who", who, "action", action, "object", object, "detail", body_json(detail));

	return j && json_array_append_new(ctx, j) == 0;
}

static enum fems_rc audit_list(void *ctx, const json_t *request, json_t **reply, struct fems_error *e)
{
	json_t *list = json_array();
	size_t max;
	enum fems_rc rc = get_max(request, &max, e);

	if (rc == FEMS_OK)
		rc = store_audit_list(ctx, max, add_entry, list, e);
	if (rc != FEMS_OK) {
		json_decref(list);
		return rc;
	}
	*reply = json_pack("{s:o}", "entries", list);
	return FEMS_OK;
}

void store_services_register(struct services *services, struct store *st)
{
	service_add(services, "outbox.list", SERVICE_ANYWHERE, outbox_list, st,
		    "messages to other systems, newest first");
	service_add(services, "audit.list", SERVICE_ANYWHERE, audit_list, st, "who did what, newest first");
	service_add(services, "series", SERVICE_ANYWHERE, series_service, st,
		    "values of points over a time, per step or raw");
}
