/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/web/answer.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct kind {
	unsigned status;
	const char *code, *title, *remedy;
};

static const struct kind kinds[] = {
	[PROBLEM_BAD_REQUEST] = { 400, "bad-request", "The request is not well formed",
				  "Send a complete HTTP/1.1 request." },
	[PROBLEM_BAD_PARAMETER] = { 400, "bad-parameter", "A parameter is wrong",
				    "See docs/services.md for the parameters of this address." },
	[PROBLEM_HOST] = { 421, "host-not-allowed", "This name is not one of the page's",
			   "Add the name to the setting \"hosts\" of the web plugin." },
	[PROBLEM_ORIGIN] = { 403, "cross-site", "Changes are taken only from the page itself",
			     "Send the header \"X-Fems: 1\" and no foreign Origin." },
	[PROBLEM_NOT_FOUND] = { 404, "not-found", "There is nothing at this address",
				"GET /api/v1/services lists what can be asked." },
	[PROBLEM_METHOD] = { 405, "method-not-allowed", "This address does not take this method",
			     "Use a method of the header Allow." },
	[PROBLEM_TOO_LARGE] = { 413, "too-large", "The body is too large", "Send at most 64 KiB." },
	[PROBLEM_TYPE] = { 415, "not-json", "The body is not JSON", "Send Content-Type: application/json." },
	[PROBLEM_BUSY] = { 503, "busy", "Too many requests wait", "Try again in two seconds." },
	[PROBLEM_STOPPING] = { 503, "stopping", "The server is stopping", "Try again in a few seconds." },
	[PROBLEM_MEMORY] = { 500, "no-memory", "Out of memory", "Give the service more memory." },
	[PROBLEM_SERVICE +
		FEMS_OK] = { 500, "bad-reply", "The service gave no answer", "Look into the log of femsd." },
	[PROBLEM_SERVICE + FEMS_AGAIN] = { 503, "not-now", "The service cannot answer now",
					   "Try again in two seconds." },
	[PROBLEM_SERVICE + FEMS_EINVAL] = { 400, "bad-parameter", "A parameter is wrong",
					    "Change the parameter that the detail names." },
	[PROBLEM_SERVICE + FEMS_EIO] = { 502, "peer-failed", "The other side or the disk failed",
					 "Check what the detail names." },
	[PROBLEM_SERVICE + FEMS_ETIME] = { 504, "timeout", "The service did not answer in time",
					   "Try again in two seconds." },
	[PROBLEM_SERVICE + FEMS_EAUTH] = { 403, "refused", "Refused", "Ask for the right to do this." },
	[PROBLEM_SERVICE +
		FEMS_ENOMEM] = { 500, "no-memory", "Out of memory", "Give the service more memory." },
	[PROBLEM_SERVICE + FEMS_EUNSUP] = { 501, "not-supported", "Not offered by this femsd",
					    "GET /api/v1/services lists what can be asked." },
	[PROBLEM_SERVICE +
		FEMS_ENOENT] = { 404, "not-found", "There is no such thing",
				 "Check the name, or whether the plugin that serves it is loaded." },
	[PROBLEM_SERVICE + FEMS_ECONFLICT] = { 409, "conflict", "This conflicts with the present state",
					       "Read the state again and repeat." },
};

static const struct kind *kind_of(unsigned problem)
{
	return &kinds[problem < sizeof kinds / sizeof *kinds ? problem : PROBLEM_SERVICE + FEMS_OK];
}

unsigned answer_status(unsigned problem)
{
	return kind_of(problem)->status;
}

void answer_headers(struct MHD_Response *r)
{
	static const char *const headers[][2] = {
		{ "Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'none'; "
					     "frame-ancestors 'none'; object-src 'none'" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "DENY" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cross-Origin-Opener-Policy", "same-origin" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
		{ "Permissions-Policy", "camera=(), geolocation=(), microphone=()" },
	};

	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
		MHD_add_response_header(r, headers[i][0], headers[i][1]);
}

/* MHD_NO makes libmicrohttpd close the connection: all that is left without memory. */
static enum MHD_Result queue(struct MHD_Connection *c, unsigned status, struct MHD_Response *r,
			     const char *type)
{
	enum MHD_Result ok;

	answer_headers(r);
	MHD_add_response_header(r, "Content-Type", type);
	MHD_add_response_header(r, "Cache-Control", "no-store");
	ok = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ok;
}

static char *problem_text(const struct kind *k, const char *detail, const char *key)
{
	char type[80], *text;
	json_t *o;

	snprintf(type, sizeof type, "urn:fems:problem:%s", k->code);
	o = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", type, "title", k->title, "status", (int)k->status,
		      "code", k->code, "remedy", k->remedy);
	/* json_string() returns NULL for text that is no UTF-8; the member is then left out. */
	if (o && detail && *detail)
		json_object_set_new(o, "detail", json_string(detail));
	if (o && key)
		json_object_set_new(o, "key", json_string(key));
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	return text;
}

enum MHD_Result answer_problem(struct MHD_Connection *c, unsigned problem, const char *detail,
			       const char *key, const char *allow)
{
	const struct kind *k = kind_of(problem);
	char *text = problem_text(k, detail, key);
	struct MHD_Response *r;

	r = text ? MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE) : NULL;
	if (!r) {
		free(text);
		return MHD_NO;
	}
	if (allow)
		MHD_add_response_header(r, "Allow", allow);
	if (k->status == 503)
		MHD_add_response_header(r, "Retry-After", "2");
	/* A body that nobody reads must not be taken for the next request. */
	if (k->status == 413 || MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Length") ||
	    MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Transfer-Encoding"))
		MHD_add_response_header(r, "Connection", "close");
	return queue(c, k->status, r, "application/problem+json");
}

enum MHD_Result answer_json(struct MHD_Connection *c, char *body, size_t len)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);

	if (!r) {
		free(body);
		return MHD_NO;
	}
	return queue(c, MHD_HTTP_OK, r, "application/json");
}
