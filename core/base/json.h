/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and writing JSON documents with jansson: member access that says which member was wrong,
 * and bounded parsing (8 MiB, depth as jansson limits it).
 */
#ifndef FEMS_BASE_JSON_H
#define FEMS_BASE_JSON_H

#include <stdbool.h>
#include <jansson.h>
#include <fems/plugin.h>

/* New reference; an error names line and column. An empty span parses as an empty object. */
enum fems_rc json_parse(struct fems_span, json_t **out, struct fems_error *);
/* Compact text (caller frees with free()), keys in order of insertion. */
char *json_text(const json_t *);

/* Typed members: a missing or wrong one gives FEMS_EINVAL naming `where`.`key`. opt: missing leaves
 * *out as it is. Strings are borrowed from the object. */
enum fems_rc json_get_str(const json_t *, const char *where, const char *key, bool opt, const char **out,
			  struct fems_error *);
enum fems_rc json_get_int(const json_t *, const char *where, const char *key, bool opt, int64_t *out,
			  struct fems_error *);
enum fems_rc json_get_num(const json_t *, const char *where, const char *key, bool opt, double *out,
			  struct fems_error *);
enum fems_rc json_get_bool(const json_t *, const char *where, const char *key, bool opt, bool *out,
			   struct fems_error *);
enum fems_rc json_get_array(const json_t *, const char *where, const char *key, bool opt, json_t **out,
			    struct fems_error *);
/* RFC 3339 with offset -> UTC microseconds. */
enum fems_rc json_get_time(const json_t *, const char *where, const char *key, bool opt, int64_t *t_us,
			   struct fems_error *);

#endif
