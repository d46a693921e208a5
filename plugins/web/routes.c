/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/web/routes.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <fems/util.h>

#define VALUE_MAX 2000 /* bytes of one value; a list of points is the longest */

static const struct route routes[] = {
	{ "GET", "/api/v1/status", ROUTE_SERVICE, "status", NULL, { { 0 } } },
	{ "GET", "/api/v1/site", ROUTE_SERVICE, "site", NULL, { { 0 } } },
	{ "GET", "/api/v1/meters", ROUTE_SERVICE, "meters.list", NULL, { { 0 } } },
	{ "GET", "/api/v1/meters/", ROUTE_SERVICE, "meters.read", "name", { { 0 } } },
	{ "GET",
	  "/api/v1/series",
	  ROUTE_SERVICE,
	  "series",
	  NULL,
	  { { "points", PARAM_LIST }, { "from", PARAM_STR }, { "to", PARAM_STR }, { "step_s", PARAM_INT } } },
	{ "GET", "/api/v1/load/day", ROUTE_SERVICE, "load.day", NULL, { { "date", PARAM_STR } } },
	{ "GET", "/api/v1/cost/today", ROUTE_SERVICE, "cost.today", NULL, { { 0 } } },
	{ "GET", "/api/v1/bills", ROUTE_SERVICE, "bill", NULL, { { "month", PARAM_STR } } },
	{ "GET", "/api/v1/plan", ROUTE_SERVICE, "plan.get", NULL, { { 0 } } },
	{ "POST", "/api/v1/plan/run", ROUTE_SERVICE, "plan.run", NULL, { { 0 } } },
	{ "GET", "/api/v1/orders", ROUTE_SERVICE, "orders.list", NULL, { { "state", PARAM_STR } } },
	{ "GET",
	  "/api/v1/outbox",
	  ROUTE_SERVICE,
	  "outbox.list",
	  NULL,
	  { { "state", PARAM_STR }, { "max", PARAM_INT } } },
	{ "GET", "/api/v1/audit", ROUTE_SERVICE, "audit.list", NULL, { { "max", PARAM_INT } } },
	{ "GET", "/api/v1/plugins", ROUTE_SERVICE, "plugins.list", NULL, { { 0 } } },
	{ "GET", "/api/v1/quantities", ROUTE_SERVICE, "quantities.list", NULL, { { 0 } } },
	{ "GET", "/api/v1/demand/now", ROUTE_SERVICE, "demand.now", NULL, { { 0 } } },
	{ "GET", "/api/v1/services", ROUTE_SERVICE, "services.list", NULL, { { 0 } } },
	{ "GET", "/api/v1/events", ROUTE_EVENTS, NULL, NULL, { { 0 } } },
	{ "GET", "/page.json", ROUTE_PAGE, NULL, NULL, { { 0 } } },
};

static bool path_matches(const struct route *r, const char *path)
{
	size_t n = strlen(r->path);

	if (!r->path_param)
		return strcmp(r->path, path) == 0;
	return strncmp(r->path, path, n) == 0 && path[n] && !strchr(path + n, '/');
}

const struct route *route_find(const char *method, const char *path, const char **allow)
{
	*allow = NULL;
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		if (!path_matches(&routes[i], path))
			continue;
		if (strcmp(routes[i].method, method) == 0)
			return &routes[i];
		*allow = strcmp(routes[i].method, "GET") ? routes[i].method : "GET, HEAD";
	}
	return NULL;
}

struct reading {
	const struct route *route;
	json_t *out;
	enum fems_rc rc;
	struct fems_error *err;
};

static bool bad(struct reading *rd, const char *key, const char *text)
{
	fems_fail(rd->err, FEMS_EINVAL, "%s%s%s", key ? key : "", key ? ": " : "", text);
	rd->err->key = key;
	rd->rc = FEMS_EINVAL;
	return false;
}

static bool put(struct reading *rd, const char *key, json_t *value)
{
	if (!value)
		return bad(rd, key, "the value is no UTF-8 text");
	if (json_object_set_new(rd->out, key, value) != 0) {
		rd->rc = fems_fail(rd->err, FEMS_ENOMEM, "out of memory");
		return false;
	}
	return true;
}

static bool put_int(struct reading *rd, const char *key, const char *value)
{
	size_t digits = strspn(value, "0123456789");

	if (!digits || digits > 9 || value[digits])
		return bad(rd, key, "a whole number from 0 to 999999999 is expected");
	return put(rd, key, json_integer(strtoll(value, NULL, 10)));
}

static bool put_list(struct reading *rd, const char *key, const char *value)
{
	json_t *list = json_object_get(rd->out, key);

	if (!list && !put(rd, key, list = json_array()))
		return false;
	for (const char *end; *value; value = end + (*end == ',')) {
		end = value + strcspn(value, ",");
		json_t *item = end > value ? json_stringn(value, (size_t)(end - value)) : NULL;

		if (!item || json_array_append_new(list, item) != 0)
			return bad(rd, key, "a list NAME,NAME is expected");
	}
	return true;
}

static const struct param *param_of(const struct route *r, const char *name)
{
	for (size_t i = 0; i < sizeof r->params / sizeof *r->params && r->params[i].name; i++) {
		if (strcmp(r->params[i].name, name) == 0)
			return &r->params[i];
	}
	return NULL;
}

/* "unknown; taken are: a, b" */
static bool unknown(struct reading *rd, const char *name)
{
	char text[200] = "";
	size_t at = 0;

	for (size_t i = 0; i < 4 && rd->route->params[i].name; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? ", " : "",
				       rd->route->params[i].name);
	rd->rc = fems_fail(rd->err, FEMS_EINVAL, "\"%.60s\" is no parameter here; taken are: %s", name,
			   at ? text : "none");
	return false;
}

static enum MHD_Result on_query(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_size,
				const char *value, size_t value_size)
{
	struct reading *rd = cls;
	const struct param *p = param_of(rd->route, key);
	bool ok;

	(void)kind;
	if (!p || strlen(key) != key_size)
		ok = unknown(rd, key);
	else if (!value || strlen(value) != value_size || value_size > VALUE_MAX)
		ok = bad(rd, p->name, "a value of up to 2000 characters is expected");
	else if (p->type != PARAM_LIST && json_object_get(rd->out, p->name))
		ok = bad(rd, p->name, "given twice");
	else if (p->type == PARAM_INT)
		ok = put_int(rd, p->name, value);
	else if (p->type == PARAM_LIST)
		ok = put_list(rd, p->name, value);
	else
		ok = put(rd, p->name, json_string(value));
	return ok ? MHD_YES : MHD_NO;
}

/* The JSON type that a member of the body must have. */
static bool type_fits(const struct param *p, const json_t *v)
{
	switch (p->type) {
	case PARAM_INT:
		return json_is_integer(v);
	case PARAM_LIST:
		return json_is_array(v);
	default:
		return json_is_string(v);
	}
}

static bool read_body(struct reading *rd, const char *body, size_t len)
{
	json_error_t je;
	json_t *o = json_loadb(body, len, JSON_REJECT_DUPLICATES, &je), *v;
	const char *name;
	bool ok = true;

	if (!json_is_object(o)) {
		rd->rc = o ? fems_fail(rd->err, FEMS_EINVAL, "the body is JSON but no object")
			   : fems_fail(rd->err, FEMS_EINVAL, "the body is no JSON: line %d, column %d: %s",
				       je.line, je.column, je.text);
		json_decref(o);
		return false;
	}
	json_object_foreach(o, name, v)
	{
		const struct param *p = param_of(rd->route, name);

		if (!p)
			ok = unknown(rd, name);
		else if (!type_fits(p, v))
			ok = bad(rd, p->name, "wrong type");
		else
			ok = put(rd, p->name, json_incref(v));
		if (!ok)
			break;
	}
	json_decref(o);
	return ok;
}

json_t *route_request(const struct route *r, struct MHD_Connection *c, const char *path, const char *body,
		      size_t len, enum fems_rc *rc, struct fems_error *e)
{
	struct reading rd = { r, json_object(), FEMS_OK, e };

	if (!rd.out)
		rd.rc = fems_fail(e, FEMS_ENOMEM, "out of memory");
	else if (r->path_param && !put(&rd, r->path_param, json_string(path + strlen(r->path))))
		;
	else if (strcmp(r->method, "GET") == 0)
		MHD_get_connection_values_n(c, MHD_GET_ARGUMENT_KIND, on_query, &rd);
	else if (len)
		read_body(&rd, body, len);
	*rc = rd.rc;
	if (rd.rc == FEMS_OK)
		return rd.out;
	json_decref(rd.out);
	return NULL;
}
