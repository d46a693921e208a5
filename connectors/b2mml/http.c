/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "connectors/b2mml/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <fems/util.h>

struct http {
	struct http_options opt;
	CURL *curl;
	/* of the running exchange */
	struct http_reply *reply;
	http_sink_fn sink;
	void *sink_ctx;
	bool sink_refused, stopped;
	char refused_address[INET6_ADDRSTRLEN];
	struct timespec asked;
};

static pthread_once_t start_once = PTHREAD_ONCE_INIT;
static CURLcode start_rc;

static void start(void)
{
	start_rc = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- addresses ---- */

enum verdict { ALLOWED, LOOPBACK, REFUSED };

static enum verdict judge_v4(uint32_t a)
{
	static const struct {
		uint32_t net;
		int bits;
		enum verdict verdict;
	} range[] = {
		{ 0x7f000000, 8, LOOPBACK }, { 0x00000000, 8, REFUSED }, /* this host */
		{ 0xa9fe0000, 16, REFUSED },                             /* link-local, metadata services */
		{ 0xe0000000, 4, REFUSED },                              /* multicast */
		{ 0xf0000000, 4, REFUSED },                              /* reserved, broadcast */
	};

	for (size_t i = 0; i < sizeof range / sizeof *range; i++)
		if ((a ^ range[i].net) >> (32 - range[i].bits) == 0)
			return range[i].verdict;
	return ALLOWED;
}

static enum verdict judge_v6(const unsigned char *a)
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	static const unsigned char nat64[12] = { 0, 0x64, 0xff, 0x9b };
	static const unsigned char zero[15];
	uint32_t v4;

	if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0) {
		memcpy(&v4, a + 12, 4);
		return judge_v4(ntohl(v4));
	}
	if (memcmp(a, zero, 15) == 0)
		return a[15] == 1 ? LOOPBACK : REFUSED;
	if (memcmp(a, zero, 12) == 0) /* the old IPv4-compatible form */
		return REFUSED;
	return a[0] == 0xff || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) ? REFUSED : ALLOWED;
}

static enum verdict judge(const struct sockaddr *sa, char *text)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;

	text[0] = '\0';
	if (sa->sa_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, text, INET6_ADDRSTRLEN);
		return judge_v4(ntohl(v4->sin_addr.s_addr));
	}
	if (sa->sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, text, INET6_ADDRSTRLEN);
		return judge_v6(v6->sin6_addr.s6_addr);
	}
	return REFUSED;
}

/* The last moment before a connection: a name that resolves to another address now than a moment ago
 * cannot slip through. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http *h = ctx;
	char text[INET6_ADDRSTRLEN];
	enum verdict v = judge(&address->addr, text);

	(void)purpose;
	if (v == REFUSED || (v == LOOPBACK && !h->opt.allow_loopback)) {
		snprintf(h->refused_address, sizeof h->refused_address, "%s", text);
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static enum fems_rc url_fault(CURLU *u, const char *setting, const char *url, bool allow_plain,
			      struct fems_error *e)
{
	char *scheme = NULL, *user = NULL;
	enum fems_rc rc = FEMS_OK;

	if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
		return fems_bad_setting(e, setting,
					"%s is not an address; write it like https://erp.example/b2mml/"
					"operations-schedule",
					setting);
	curl_url_get(u, CURLUPART_USER, &user, 0);
	if (user)
		rc = fems_bad_setting(e, setting, "%s holds a user name; use the settings user and password",
				      setting);
	else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
		rc = fems_bad_setting(e, setting, "%s begins with %s:; only https and http are spoken",
				      setting, scheme);
	else if (strcmp(scheme, "http") == 0 && !allow_plain)
		rc = fems_bad_setting(
			e, setting,
			"%s is not encrypted; use https, or set allow_plain_http: true where the "
			"line is safe",
			setting);
	curl_free(scheme);
	curl_free(user);
	return rc;
}

enum fems_rc http_check_url(const char *setting, const char *url, bool allow_plain, struct fems_error *e)
{
	CURLU *u = curl_url();
	enum fems_rc rc;

	if (!u)
		return fems_fail(e, FEMS_ENOMEM, "out of memory");
	rc = url_fault(u, setting, url, allow_plain, e);
	curl_url_cleanup(u);
	return rc;
}

void http_show_url(const char *url, char *buf, size_t cap)
{
	const char *host = strstr(url, "://"), *at;
	size_t n = strcspn(url, "?#"), scheme;

	host = host && host < url + n ? host + 3 : url;
	scheme = (size_t)(host - url);
	at = memchr(host, '@', strcspn(host, "/?#"));
	if (at)
		host = at + 1;
	snprintf(buf, cap, "%.*s%.*s", (int)scheme, url, (int)(url + n - host), host);
}

/* ---- the exchange ---- */

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
	struct http *h = ctx;
	size_t n = size * count, room;
	long status = 0;

	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	if (h->sink && status >= 200 && status < 300) {
		h->sink_refused = !h->sink(h->sink_ctx, bytes, n);
		return h->sink_refused ? 0 : n;
	}
	room = sizeof h->reply->text - 1 - h->reply->text_len;
	memcpy(h->reply->text + h->reply->text_len, bytes, n < room ? n : room);
	h->reply->text_len += n < room ? n : room;
	h->reply->text[h->reply->text_len] = '\0';
	return n;
}

static void copy_header(const char *line, size_t n, const char *name, char *out, size_t cap)
{
	size_t name_len = strlen(name);

	if (n <= name_len || strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
		return;
	for (line += name_len + 1, n -= name_len + 1; n && (*line == ' ' || *line == '\t'); line++)
		n--;
	while (n && (line[n - 1] == '\r' || line[n - 1] == '\n' || line[n - 1] == ' '))
		n--;
	if (n < cap)
		snprintf(out, cap, "%.*s", (int)n, line);
}

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
	struct http_reply *r = ((struct http *)ctx)->reply;
	size_t n = size * count;

	copy_header(line, n, "ETag", r->etag, sizeof r->etag);
	copy_header(line, n, "Last-Modified", r->modified, sizeof r->modified);
	copy_header(line, n, "Idempotency-Key", r->key, sizeof r->key);
	return n;
}

/* libcurl asks at least once a second, and after every packet; the question itself may cost a message. */
static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct http *h = ctx;
	struct timespec now;

	(void)a, (void)b, (void)c, (void)d;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (h->stopped ||
	    (now.tv_sec - h->asked.tv_sec) * 1000 + (now.tv_nsec - h->asked.tv_nsec) / 1000000 < 100)
		return h->stopped;
	h->asked = now;
	h->stopped = h->opt.stopping && h->opt.stopping(h->opt.ctx);
	return h->stopped;
}

static void set_limits(struct http *h)
{
	CURL *c = h->curl;

	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, h);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, h);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, h);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "fems-b2mml");
}

static void set_credentials(struct http *h)
{
	if (*h->opt.ca_file)
		curl_easy_setopt(h->curl, CURLOPT_CAINFO, h->opt.ca_file);
	if (*h->opt.user) {
		curl_easy_setopt(h->curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(h->curl, CURLOPT_USERNAME, h->opt.user);
		curl_easy_setopt(h->curl, CURLOPT_PASSWORD, h->opt.password);
	}
	if (*h->opt.token) {
		curl_easy_setopt(h->curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		curl_easy_setopt(h->curl, CURLOPT_XOAUTH2_BEARER, h->opt.token);
	}
}

static const struct {
	CURLcode code;
	enum fems_rc rc;
	const char *remedy;
} curl_remedy[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, FEMS_EIO, "check the host name and the DNS of this machine" },
	{ CURLE_COULDNT_CONNECT, FEMS_EIO,
	  "is the ERP's service running, and does no firewall stand between?" },
	{ CURLE_OPERATION_TIMEDOUT, FEMS_ETIME,
	  "the ERP is slow or the line is cut; raise timeout if it is slow" },
	{ CURLE_PEER_FAILED_VERIFICATION, FEMS_EAUTH,
	  "its certificate is not trusted; give its CA in ca_file" },
	{ CURLE_SSL_CACERT_BADFILE, FEMS_EINVAL, "ca_file cannot be read" },
	{ CURLE_OUT_OF_MEMORY, FEMS_ENOMEM, "out of memory" },
	{ CURLE_OK, FEMS_EIO, "tried again later" },
};

static enum fems_rc transfer_fault(struct http *h, const char *url, CURLcode rc, struct fems_error *e)
{
	char shown[200];
	size_t i = 0;

	http_show_url(url, shown, sizeof shown);
	if (h->stopped)
		return fems_fail(e, FEMS_AGAIN, "%s: broken off because the connector stops", shown);
	if (h->refused_address[0])
		return fems_fail(e, FEMS_EAUTH,
				 "%s leads to %s, which is not allowed (loopback needs allow_loopback: true; "
				 "link-local and multicast addresses are never spoken to)",
				 shown, h->refused_address);
	while (curl_remedy[i].code != rc && curl_remedy[i].code != CURLE_OK)
		i++;
	return fems_fail(e, curl_remedy[i].rc, "%s: %s; %s", shown, curl_easy_strerror(rc),
			 curl_remedy[i].remedy);
}

static enum fems_rc perform(struct http *h, const char *url, struct curl_slist *headers, int64_t budget_us,
			    struct http_reply *reply, struct fems_error *e)
{
	int64_t limit_us = h->opt.timeout_us < budget_us ? h->opt.timeout_us : budget_us;
	curl_off_t seconds = 0;
	CURLcode rc;

	memset(reply, 0, sizeof *reply);
	h->reply = reply;
	h->sink_refused = h->stopped = false;
	h->refused_address[0] = '\0';
	curl_easy_setopt(h->curl, CURLOPT_URL, url);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(h->curl, CURLOPT_TIMEOUT_MS, limit_us < 1000 ? 1L : (long)(limit_us / 1000));
	rc = curl_easy_perform(h->curl);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
	h->reply = NULL;
	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &reply->status);
	curl_easy_getinfo(h->curl, CURLINFO_RETRY_AFTER, &seconds);
	reply->retry_after_us = (seconds < 86400 ? seconds : 86400) * INT64_C(1000000);
	if (rc != CURLE_OK && !h->sink_refused)
		return transfer_fault(h, url, rc, e);
	return FEMS_OK;
}

/* false: out of memory. */
static bool header(struct curl_slist **list, const char *name, const char *value)
{
	struct buf line = { NULL, 0, 0, false };
	struct curl_slist *longer = NULL;

	buf_addf(&line, "%s: %s", name, value);
	if (!line.failed)
		longer = curl_slist_append(*list, line.ptr);
	buf_free(&line);
	if (longer)
		*list = longer;
	return longer != NULL;
}

enum fems_rc http_get(struct http *h, const char *url, const char *etag, const char *modified,
		      http_sink_fn sink, void *ctx, int64_t budget_us, struct http_reply *reply,
		      struct fems_error *e)
{
	struct curl_slist *headers = NULL;
	enum fems_rc rc;
	bool ok = header(&headers, "Accept", "application/xml, text/xml");

	if (*etag)
		ok = ok && header(&headers, "If-None-Match", etag);
	if (*modified)
		ok = ok && header(&headers, "If-Modified-Since", modified);
	h->sink = sink;
	h->sink_ctx = ctx;
	curl_easy_setopt(h->curl, CURLOPT_HTTPGET, 1L);
	rc = ok ? perform(h, url, headers, budget_us, reply, e) : fems_fail(e, FEMS_ENOMEM, "out of memory");
	curl_slist_free_all(headers);
	h->sink = NULL;
	return rc;
}

/* Characters that a header cannot carry become '-': the key in the body stays exact. */
static bool key_header(struct curl_slist **list, const char *key)
{
	char clean[200];
	size_t i;

	for (i = 0; i < sizeof clean - 1 && key[i]; i++)
		clean[i] = key[i] > 0x20 && key[i] < 0x7f ? key[i] : '-';
	clean[i] = '\0';
	return header(list, "Idempotency-Key", clean);
}

enum fems_rc http_post(struct http *h, const char *url, const char *key, const struct buf *body,
		       int64_t budget_us, struct http_reply *reply, struct fems_error *e)
{
	struct curl_slist *headers = NULL;
	enum fems_rc rc;
	bool ok = header(&headers, "Content-Type", "application/xml; charset=utf-8") &&
		  key_header(&headers, key) && header(&headers, "Expect", "");

	curl_easy_setopt(h->curl, CURLOPT_POST, 1L);
	curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
	curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, body->ptr);
	rc = ok ? perform(h, url, headers, budget_us, reply, e) : fems_fail(e, FEMS_ENOMEM, "out of memory");
	curl_slist_free_all(headers);
	return rc;
}

/* ---- what an answer means ---- */

static const struct {
	long status; /* or the hundred of a class */
	enum fems_rc rc;
	bool again;
	const char *remedy;
} meaning[] = {
	{ 401, FEMS_EAUTH, true, "check user and password or token" },
	{ 403, FEMS_EAUTH, true, "the ERP's rights do not allow it; ask its administrator" },
	{ 404, FEMS_EIO, false, "check the path of the address" },
	{ 408, FEMS_ETIME, true, "the ERP waited too long; tried again" },
	{ 409, FEMS_ECONFLICT, true, "the ERP has something in conflict with it; tried again" },
	{ 410, FEMS_EIO, true, "the ERP says that this is gone; ask for the new address" },
	{ 422, FEMS_EINVAL, false, "the ERP does not accept the content; see its answer" },
	{ 423, FEMS_EIO, true, "locked in the ERP; tried again" },
	{ 425, FEMS_EIO, true, "tried again" },
	{ 429, FEMS_EIO, true, "too many requests; raise the interval" },
	{ 3, FEMS_EIO, true, "it redirects, which is not followed; set the address it leads to" },
	{ 4, FEMS_EINVAL, false, "the ERP refuses the message; see its answer" },
	{ 5, FEMS_EIO, true, "the ERP has a fault of its own; see its log" },
	{ 0, FEMS_EIO, true, "not an answer of HTTP that is understood" },
};

enum fems_rc http_judge(const char *url, const struct http_reply *r, bool *permanent, struct fems_error *e)
{
	char shown[120], text[140];
	size_t i = 0;

	*permanent = false;
	if (r->status >= 200 && r->status < 300)
		return FEMS_OK;
	while (meaning[i].status && meaning[i].status != r->status && meaning[i].status != r->status / 100)
		i++;
	*permanent = !meaning[i].again;
	http_show_url(url, shown, sizeof shown);
	snprintf(text, sizeof text, "%.139s", r->text);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20)
			*p = ' ';
	return fems_fail(e, meaning[i].rc, "%s: HTTP %ld%s%s; %s", shown, r->status, text[0] ? ": " : "",
			 text, meaning[i].remedy);
}

/* ---- life ---- */

enum fems_rc http_new(const struct http_options *opt, struct http **out, struct fems_error *e)
{
	struct http *h = calloc(1, sizeof *h);

	*out = NULL;
	pthread_once(&start_once, start);
	if (!h || start_rc != CURLE_OK) {
		free(h);
		return fems_fail(e, FEMS_ENOMEM, "libcurl cannot be started: out of memory");
	}
	h->opt = *opt;
	h->curl = curl_easy_init();
	if (!h->curl) {
		http_free(h);
		return fems_fail(e, FEMS_ENOMEM, "out of memory");
	}
	set_limits(h);
	set_credentials(h);
	*out = h;
	return FEMS_OK;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	if (h->curl)
		curl_easy_cleanup(h->curl);
	free(h);
}
