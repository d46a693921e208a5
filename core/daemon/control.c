/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/daemon/control.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/text.h"

#define LINE_MAX_BYTES (16u << 20)
#define PATIENCE_S 2
#define ANSWER_S 15 /* femsctl waits longer than any service takes */

struct control {
	char path[sizeof ((struct sockaddr_un *)0)->sun_path];
	int listener, wake[2];
	struct services *services;
	pthread_t thread;
};

static enum fems_rc address(const char *path, struct sockaddr_un *a, struct fems_error *e)
{
	memset(a, 0, sizeof *a);
	a->sun_family = AF_UNIX;
	if (str_copy(a->sun_path, sizeof a->sun_path, path))
		return FEMS_OK;
	return err_set(e, FEMS_EINVAL, "%s: too long for a unix socket (at most %zu characters)", path,
		       sizeof a->sun_path - 1);
}

static void patience(int fd, int seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
}

static bool send_line(int fd, const char *s)
{
	size_t len = strlen(s);

	while (len) {
		ssize_t n = send(fd, s, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s += n;
		len -= (size_t)n;
	}
	return send(fd, "\n", 1, MSG_NOSIGNAL) == 1;
}

static bool read_line(int fd, struct text *line)
{
	char buf[4096];

	while (line->len < LINE_MAX_BYTES && !line->failed) {
		ssize_t n = recv(fd, buf, sizeof buf, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text_add_n(line, buf, (size_t)n);
		if (buf[n - 1] == '\n')
			return true;
	}
	return false;
}

/* ---- server ---- */

static void keep_reply(void *ctx, struct fems_span json)
{
	text_add_n(ctx, json.ptr, json.len);
}

static char *error_line(enum fems_rc rc, const struct fems_error *e)
{
	json_t *o = json_pack("{s:{s:i,s:s,s:s}}", "error", "rc", (int)rc, "code", err_name(rc), "text", e->text);
	char *s = o ? json_text(o) : NULL;

	json_decref(o);
	return s;
}

static char *answer(struct control *c, const struct text *line)
{
	struct fems_error e = { .text = "" };
	struct text reply = { 0 };
	const char *name = NULL;
	char *request = NULL;
	json_t *o = NULL;
	enum fems_rc rc = json_parse(text_span(line), &o, &e);

	if (!rc)
		rc = json_get_str(o, "request", "call", false, &name, &e);
	if (!rc) {
		json_t *r = json_object_get(o, "request");

		request = json_is_object(r) ? json_text(r) : NULL;
		text_add(&reply, "{\"reply\":");
		rc = service_call(c->services, name, (struct fems_span){ request ? request : "", request ? strlen(request) : 0 },
				  keep_reply, &reply, &e);
		text_add(&reply, "}");
	}
	free(request);
	json_decref(o);
	if (!rc)
		return text_take(&reply);
	text_free(&reply);
	return error_line(rc, &e);
}

static void serve(struct control *c, int fd)
{
	struct text line = { 0 };
	char *out;

	patience(fd, PATIENCE_S);
	if (read_line(fd, &line)) {
		out = answer(c, &line);
		if (!out || !send_line(fd, out))
			log_line(FEMS_LOG_DEBUG, "control", "a client went away before its answer");
		free(out);
	}
	text_free(&line);
	close(fd);
}

static void *run(void *ctx)
{
	struct control *c = ctx;
	struct pollfd p[2] = { { .fd = c->listener, .events = POLLIN }, { .fd = c->wake[0], .events = POLLIN } };

	for (;;) {
		int fd;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (p[1].revents)
			return NULL;
		if (!(p[0].revents & POLLIN))
			continue;
		fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			serve(c, fd);
	}
}

static bool somebody_listens(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = fd >= 0 && connect(fd, (const struct sockaddr *)a, sizeof *a) == 0;

	if (fd >= 0)
		close(fd);
	return yes;
}

static enum fems_rc listen_on(struct control *c, const struct sockaddr_un *a, struct fems_error *e)
{
	mode_t mask;
	int bad;

	if (somebody_listens(a))
		return err_set(e, FEMS_ECONFLICT, "%s: another femsd serves this socket; stop it first", a->sun_path);
	unlink(a->sun_path);
	c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0117);
	bad = c->listener < 0 || bind(c->listener, (const struct sockaddr *)a, sizeof *a) || listen(c->listener, 16);
	umask(mask);
	if (bad)
		return err_set(e, FEMS_EIO, "%s: cannot listen: %s (does its directory exist, and may this user write there?)",
			       a->sun_path, strerror(errno));
	return FEMS_OK;
}

enum fems_rc control_open(const char *path, struct services *services, struct control **out, struct fems_error *e)
{
	struct control *c = calloc(1, sizeof *c);
	struct sockaddr_un a;
	enum fems_rc rc;

	if (!c)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	c->services = services;
	c->listener = c->wake[0] = c->wake[1] = -1;
	rc = address(path, &a, e);
	if (!rc)
		rc = listen_on(c, &a, e);
	if (!rc)
		str_copy(c->path, sizeof c->path, path);
	if (!rc && (pipe(c->wake) || pthread_create(&c->thread, NULL, run, c)))
		rc = err_set(e, FEMS_ENOMEM, "the control socket's thread cannot be made");
	if (rc) {
		if (c->listener >= 0)
			close(c->listener);
		free(c);
		return rc;
	}
	*out = c;
	return FEMS_OK;
}

void control_close(struct control *c)
{
	if (!c)
		return;
	close(c->wake[1]);
	pthread_join(c->thread, NULL);
	close(c->wake[0]);
	close(c->listener);
	unlink(c->path);
	free(c);
}

/* ---- client ---- */

static enum fems_rc reply_of(const struct text *line, json_t **reply, struct fems_error *e)
{
	json_t *o = json_loadb(line->ptr, line->len, JSON_DECODE_ANY, NULL), *fault = json_object_get(o, "error");
	enum fems_rc rc = FEMS_OK;

	if (fault)
		rc = err_set(e, (enum fems_rc)json_integer_value(json_object_get(fault, "rc")), "%s",
			     json_string_value(json_object_get(fault, "text")));
	else if (json_object_get(o, "reply"))
		*reply = json_incref(json_object_get(o, "reply"));
	else
		rc = err_set(e, FEMS_EIO, "femsd answered something that is not JSON");
	json_decref(o);
	return rc;
}

enum fems_rc control_call(const char *path, const char *service, const json_t *request, json_t **reply,
			  struct fems_error *e)
{
	json_t *o = json_pack("{s:s,s:O?}", "call", service, "request", request);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char *line = o ? json_text(o) : NULL;
	struct text answer_line = { 0 };
	struct sockaddr_un a;
	enum fems_rc rc = address(path, &a, e);

	json_decref(o);
	if (fd >= 0)
		patience(fd, ANSWER_S);
	if (!rc && (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a)))
		rc = err_set(e, FEMS_EIO, "%s: no femsd there: %s", path, strerror(errno));
	else if (!rc && (!line || !send_line(fd, line) || !read_line(fd, &answer_line)))
		rc = err_set(e, FEMS_ETIME, "%s: femsd did not answer within %d s", path, ANSWER_S);
	if (!rc)
		rc = reply_of(&answer_line, reply, e);
	text_free(&answer_line);
	free(line);
	if (fd >= 0)
		close(fd);
	return rc;
}
