/* SPDX-License-Identifier: Apache-2.0
 *
 * Which address asks which service (docs/services.md), and how its query, path and body become the
 * JSON object of the request. Only the members listed in the table pass.
 */
#ifndef FEMS_WEB_ROUTES_H
#define FEMS_WEB_ROUTES_H

#include <jansson.h>
#include <microhttpd.h>
#include <fems/plugin.h>

enum route_kind { ROUTE_SERVICE, ROUTE_EVENTS, ROUTE_PAGE };
enum param_type { PARAM_STR, PARAM_INT, PARAM_LIST /* "a,b" or repeated */ };

struct param {
	const char *name;
	enum param_type type;
};

struct route {
	const char *method, *path; /* a path that ends with "/" takes one more part: the member path_param */
	enum route_kind kind;
	const char *service, *path_param;
	struct param params[4]; /* ends with a NULL name; of the query, for POST of the body */
};

/* The route of a request; HEAD is GET. NULL: *allow is NULL (nothing there) or the methods it takes. */
const struct route *route_find(const char *method, const char *path, const char **allow);
/* A new object, or NULL with a text that names the parameter (*key, from the table or NULL).
 * FEMS_EINVAL or FEMS_ENOMEM in *rc. body: of len bytes, only for POST. */
json_t *route_request(const struct route *, struct MHD_Connection *, const char *path, const char *body,
		      size_t len, enum fems_rc *rc, struct fems_error *);

#endif
