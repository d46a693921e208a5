/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP answers: headers that every answer carries, and errors as application/problem+json (RFC 9457)
 * with a stable "code" and a "remedy" for the person who sees it.
 */
#ifndef FEMS_WEB_ANSWER_H
#define FEMS_WEB_ANSWER_H

#include <microhttpd.h>
#include <fems/plugin.h>

enum problem {
	PROBLEM_BAD_REQUEST,
	PROBLEM_BAD_PARAMETER,
	PROBLEM_HOST,
	PROBLEM_ORIGIN,
	PROBLEM_NOT_FOUND,
	PROBLEM_METHOD,
	PROBLEM_TOO_LARGE,
	PROBLEM_TYPE,
	PROBLEM_BUSY,
	PROBLEM_STOPPING,
	PROBLEM_MEMORY,
	PROBLEM_SERVICE /* + enum fems_rc of the service that failed */
};

/* Adds the security headers. */
void answer_headers(struct MHD_Response *);
/* The HTTP status of a problem. */
unsigned answer_status(unsigned problem);
/* Queues a problem; key may be NULL; allow: value of the header Allow or NULL. */
enum MHD_Result answer_problem(struct MHD_Connection *, unsigned problem, const char *detail, const char *key,
			       const char *allow);
/* Queues 200 with a JSON body; takes body, which malloc() made. */
enum MHD_Result answer_json(struct MHD_Connection *, char *body, size_t len);

#endif
