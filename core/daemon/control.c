/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/daemon/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/text.h"

#define LINE_MAX_BYTES (16u << 20)
#define PATIENCE_US    (2 * US_PER_S)
#define ANSWER_S       15 /* femsctl waits longer than any service takes */

struct peer {
	int fd, wake;     /* wake: becomes readable when the server closes; -1 at the client's end */
	int64_t until_us; /* clock_mono_us() */
};

struct control {
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
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

/* FEMS_ETIME: the peer took too long; FEMS_AGAIN: this end is being closed. */
static enum fems_rc peer_wait(const struct peer *p, short events)
{
	struct pollfd f[2] = { { .fd = p->fd, .events = events }, { .fd = p->wake, .events = POLLIN } };

	for (;;) {
		int64_t left = p->until_us - clock_mono_us();
		int n;

		if (left <= 0)
			return FEMS_ETIME;
		n = poll(f, 2, (int)((left + 999) / 1000));
		if (n > 0)
			return f[1].revents ? FEMS_AGAIN : FEMS_OK;
		if (n < 0 && errno != EINTR)
			return FEMS_EIO;
	}
}

static bool again(ssize_t n)
{
	return n < 0 && (errno == EINTR || errno == EAGAIN);
}

static enum fems_rc send_bytes(const struct peer *p, const char *s, size_t len)
{
	enum fems_rc rc;

	while (len) {
		ssize_t n = send(p->fd, s, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (again(n)) {
			rc = peer_wait(p, POLLOUT);
			if (rc)
				return rc;
			continue;
		}
		if (n <= 0)
			return FEMS_EIO;
		s += n;
		len -= (size_t)n;
	}
	return FEMS_OK;
}

static enum fems_rc send_line(const struct peer *p, const char *s)
{
	enum fems_rc rc = send_bytes(p, s, strlen(s));

	return rc ? rc : send_bytes(p, "\n", 1);
}

/* FEMS_EINVAL: the line is too long; FEMS_EIO: the peer went away before its end. */
static enum fems_rc read_line(const struct peer *p, struct text *line)
{
	char buf[4096];
	enum fems_rc rc;

	while (!(rc = peer_wait(p, POLLIN))) {
		ssize_t n = recv(p->fd, buf, sizeof buf, MSG_DONTWAIT);

		if (again(n))
			continue;
		if (n <= 0)
			return FEMS_EIO;
		text_add_n(line, buf, (size_t)n);
		if (line->failed)
			return FEMS_ENOMEM;
		if (buf[n - 1] == '\n')
			return FEMS_OK;
		if (line->len >= LINE_MAX_BYTES)
			return FEMS_EINVAL;
	}
	return rc;
}

/* ---- server ---- */

static void keep_reply(void *ctx, struct fems_span json)
{
	text_add_n(ctx, json.ptr, json.len);
}

static char *error_line(enum fems_rc rc, const struct fems_error *e)
{
	json_t *o =
		json_pack("{s:{s:i,s:s,s:s}}", "error", "rc", (int)rc, "code", err_name(rc), "text", e->text);
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
		rc = service_call(c->services, name,
				  (struct fems_span){ request ? request : "", request ? strlen(request) : 0 },
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

static char *refusal(enum fems_rc rc)
{
	struct fems_error e;

	if (rc == FEMS_EINVAL)
		err_set(&e, rc, "the request is longer than %u MB", LINE_MAX_BYTES >> 20);
	else if (rc == FEMS_ETIME)
		err_set(&e, rc, "the request did not end within %d s; it is one line",
			(int)(PATIENCE_US / US_PER_S));
	else
		return NULL;
	return error_line(rc, &e);
}

static void serve(struct control *c, int fd)
{
	struct peer p = { fd, c->wake[0], clock_mono_us() + PATIENCE_US };
	struct text line = { 0 };
	enum fems_rc rc = read_line(&p, &line);
	char *out = rc ? refusal(rc) : answer(c, &line);

	p.until_us = clock_mono_us() + PATIENCE_US;
	if (!out || send_line(&p, out))
		log_line(FEMS_LOG_DEBUG, "control", "a client went away before its answer");
	free(out);
	text_free(&line);
	close(fd);
}

static void *run(void *ctx)
{
	struct control *c = ctx;
	struct pollfd p[2] = { { .fd = c->listener, .events = POLLIN },
			       { .fd = c->wake[0], .events = POLLIN } };

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
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* EAGAIN: so many wait to be served that there is no place for one more. */
	bool yes = fd >= 0 && (connect(fd, (const struct sockaddr *)a, sizeof *a) == 0 || errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return yes;
}

/* Removes what an earlier femsd left; anything but a socket is somebody's file. */
static enum fems_rc make_place(const struct sockaddr_un *a, struct fems_error *e)
{
	struct stat st;

	if (somebody_listens(a))
		return err_set(e, FEMS_ECONFLICT, "%s: another femsd serves this socket; stop it first",
			       a->sun_path);
	if (lstat(a->sun_path, &st))
		return FEMS_OK;
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, FEMS_ECONFLICT,
			       "%s: is not a socket and was left alone; give another path as \"socket\"",
			       a->sun_path);
	unlink(a->sun_path);
	return FEMS_OK;
}

static enum fems_rc listen_on(struct control *c, const struct sockaddr_un *a, struct fems_error *e)
{
	enum fems_rc rc = make_place(a, e);
	mode_t mask;
	int bad;

	if (rc)
		return rc;
	c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0117);
	bad = c->listener < 0 || bind(c->listener, (const struct sockaddr *)a, sizeof *a) ||
	      listen(c->listener, 16);
	umask(mask);
	if (bad)
		return err_set(
			e, FEMS_EIO,
			"%s: cannot listen: %s (does its directory exist, and may this user write there?)",
			a->sun_path, strerror(errno));
	return FEMS_OK;
}

enum fems_rc control_open(const char *path, struct services *services, struct control **out,
			  struct fems_error *e)
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
	if (!rc && (pipe2(c->wake, O_CLOEXEC) || pthread_create(&c->thread, NULL, run, c)))
		rc = err_set(e, FEMS_ENOMEM, "the control socket's thread cannot be made");
	if (rc) {
		for (int i = 0; i < 2; i++)
			if (c->wake[i] >= 0)
				close(c->wake[i]);
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
	json_t *o = json_loadb(line->ptr, line->len, JSON_DECODE_ANY, NULL),
	       *fault = json_object_get(o, "error");
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

static enum fems_rc ask(const struct peer *p, const char *path, const char *question, json_t **reply,
			struct fems_error *e)
{
	struct text line = { 0 };
	enum fems_rc rc = send_line(p, question);

	if (!rc)
		rc = read_line(p, &line);
	if (rc == FEMS_ETIME)
		err_set(e, rc, "%s: femsd did not answer within %d s", path, ANSWER_S);
	else if (rc)
		err_set(e, rc, "%s: femsd closed the connection without an answer; its log may say why",
			path);
	else
		rc = reply_of(&line, reply, e);
	text_free(&line);
	return rc;
}

enum fems_rc control_call(const char *path, const char *service, const json_t *request, json_t **reply,
			  struct fems_error *e)
{
	json_t *o = json_pack("{s:s,s:O?}", "call", service, "request", request);
	struct peer p = { socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), -1,
			  clock_mono_us() + ANSWER_S * US_PER_S };
	const struct timeval patience = { .tv_sec = ANSWER_S };
	char *line = o ? json_text(o) : NULL;
	struct sockaddr_un a;
	enum fems_rc rc = address(path, &a, e);

	json_decref(o);
	if (p.fd >= 0)
		setsockopt(p.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience); /* of connect() */
	if (!rc && !line)
		rc = err_set(e, FEMS_EINVAL, "the request is not text in UTF-8");
	if (!rc && (p.fd < 0 || connect(p.fd, (struct sockaddr *)&a, sizeof a)))
		rc = err_set(e, FEMS_EIO, "%s: no femsd there: %s", path, strerror(errno));
	if (!rc)
		rc = ask(&p, path, line, reply, e);
	free(line);
	if (p.fd >= 0)
		close(p.fd);
	return rc;
}
