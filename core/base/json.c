/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/base/json.h"

#include "core/base/err.h"
#include "core/base/zone.h"

#define JSON_MAX (8u << 20) /* larger than any document this program makes */

enum fems_rc json_parse(struct fems_span s, json_t **out, struct fems_error *e)
{
	json_error_t je;

	if (s.len == 0) {
		*out = json_object();
		return *out ? FEMS_OK : err_set(e, FEMS_ENOMEM, "out of memory");
	}
	if (s.len > JSON_MAX)
		return err_set(e, FEMS_EINVAL, "JSON of %zu bytes: the limit is %u", s.len, JSON_MAX);
	*out = json_loadb(s.ptr, s.len, JSON_REJECT_DUPLICATES, &je);
	if (!*out)
		return err_set(e, FEMS_EINVAL, "line %d, column %d: not valid JSON: %s", je.line, je.column,
			       je.text);
	return FEMS_OK;
}

char *json_text(const json_t *j)
{
	return json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);
}

enum found { WRONG = -1, ABSENT, PRESENT };

/* Looks the member up; reports absence (unless optional) and a wrong type in one place. */
static enum found member(const json_t *o, const char *where, const char *key, bool opt,
			 bool (*is)(const json_t *), const char *type, json_t **v, struct fems_error *e)
{
	*v = json_object_get(o, key);
	if (!*v || json_is_null(*v)) {
		if (opt)
			return ABSENT;
		err_set(e, FEMS_EINVAL, "%s: \"%s\" is missing (want %s)", where, key, type);
		return WRONG;
	}
	if (is(*v))
		return PRESENT;
	err_set(e, FEMS_EINVAL, "%s: \"%s\" is not %s", where, key, type);
	return WRONG;
}

static bool is_string(const json_t *v)
{
	return json_is_string(v);
}

static bool is_integer(const json_t *v)
{
	return json_is_integer(v);
}

static bool is_number(const json_t *v)
{
	return json_is_number(v);
}

static bool is_boolean(const json_t *v)
{
	return json_is_boolean(v);
}

static bool is_array(const json_t *v)
{
	return json_is_array(v);
}

enum fems_rc json_get_str(const json_t *o, const char *where, const char *key, bool opt, const char **out,
			  struct fems_error *e)
{
	json_t *v;
	enum found f = member(o, where, key, opt, is_string, "a string", &v, e);

	if (f == PRESENT)
		*out = json_string_value(v);
	return f == WRONG ? FEMS_EINVAL : FEMS_OK;
}

enum fems_rc json_get_int(const json_t *o, const char *where, const char *key, bool opt, int64_t *out,
			  struct fems_error *e)
{
	json_t *v;
	enum found f = member(o, where, key, opt, is_integer, "a whole number", &v, e);

	if (f == PRESENT)
		*out = json_integer_value(v);
	return f == WRONG ? FEMS_EINVAL : FEMS_OK;
}

enum fems_rc json_get_num(const json_t *o, const char *where, const char *key, bool opt, double *out,
			  struct fems_error *e)
{
	json_t *v;
	enum found f = member(o, where, key, opt, is_number, "a number", &v, e);

	if (f == PRESENT)
		*out = json_number_value(v);
	return f == WRONG ? FEMS_EINVAL : FEMS_OK;
}

enum fems_rc json_get_bool(const json_t *o, const char *where, const char *key, bool opt, bool *out,
			   struct fems_error *e)
{
	json_t *v;
	enum found f = member(o, where, key, opt, is_boolean, "true or false", &v, e);

	if (f == PRESENT)
		*out = json_is_true(v);
	return f == WRONG ? FEMS_EINVAL : FEMS_OK;
}

enum fems_rc json_get_array(const json_t *o, const char *where, const char *key, bool opt, json_t **out,
			    struct fems_error *e)
{
	json_t *v;
	enum found f = member(o, where, key, opt, is_array, "a list", &v, e);

	if (f == PRESENT)
		*out = v;
	return f == WRONG ? FEMS_EINVAL : FEMS_OK;
}

enum fems_rc json_get_time(const json_t *o, const char *where, const char *key, bool opt, int64_t *t_us,
			   struct fems_error *e)
{
	const char *s = NULL;
	enum fems_rc rc = json_get_str(o, where, key, opt, &s, e);

	if (rc || !s)
		return rc;
	if (!time_parse(s, NULL, t_us))
		return err_set(e, FEMS_EINVAL,
			       "%s: \"%s\": %s is not a time with offset (want 2026-04-16T08:00:00+09:00)",
			       where, key, s);
	return FEMS_OK;
}
