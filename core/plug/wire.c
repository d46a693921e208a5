/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define NONE UINT32_MAX

struct head {
	uint32_t len;
	uint16_t kind, zero;
	uint32_t seq, zero2;
};

/* ---- frames ---- */

static bool send_all(int fd, struct iovec *iov, size_t n)
{
	while (n) {
		struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };
		ssize_t sent = sendmsg(fd, &m, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		while (n && (size_t)sent >= iov->iov_len) {
			sent -= (ssize_t)iov->iov_len;
			iov++;
			n--;
		}
		if (n) {
			iov->iov_base = (char *)iov->iov_base + sent;
			iov->iov_len -= (size_t)sent;
		}
	}
	return true;
}

bool wire_send(struct wire_port *port, enum wire_kind kind, uint32_t seq, const struct text *payload)
{
	size_t len = payload ? payload->len : 0;
	struct head h = { .len = (uint32_t)len, .kind = (uint16_t)kind, .seq = seq };
	struct iovec iov[2] = { { &h, sizeof h }, { len ? payload->ptr : NULL, len } };
	bool ok;

	if (len > WIRE_MAX || (payload && payload->failed))
		return false;
	pthread_mutex_lock(&port->lock);
	ok = port->fd >= 0 && send_all(port->fd, iov, len ? 2 : 1);
	pthread_mutex_unlock(&port->lock);
	return ok;
}

/* 1: all n bytes; 0: end before the first; -1: broken or cut off. */
static int receive_all(int fd, void *to, size_t n)
{
	size_t at = 0;

	while (at < n) {
		ssize_t got = recv(fd, (char *)to + at, n - at, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0 && at == 0 ? 0 : -1;
		at += (size_t)got;
	}
	return 1;
}

int wire_receive(int fd, struct wire_frame *out)
{
	struct head h;
	int rc = receive_all(fd, &h, sizeof h);

	*out = (struct wire_frame){ .kind = WIRE_KINDS };
	if (rc <= 0)
		return rc;
	if (h.len > WIRE_MAX || !h.kind || h.kind >= WIRE_KINDS)
		return -1;
	out->data = malloc((size_t)h.len + 1);
	if (!out->data)
		return -1;
	out->kind = (enum wire_kind)h.kind;
	out->seq = h.seq;
	out->len = h.len;
	if (h.len && receive_all(fd, out->data, h.len) <= 0) {
		free(out->data);
		out->data = NULL;
		return -1;
	}
	out->data[h.len] = '\0';
	return 1;
}

/* ---- writing ---- */

void wire_u32(struct text *t, uint32_t v)
{
	text_add_n(t, &v, sizeof v);
}

void wire_i64(struct text *t, int64_t v)
{
	text_add_n(t, &v, sizeof v);
}

void wire_f64(struct text *t, double v)
{
	text_add_n(t, &v, sizeof v);
}

void wire_bytes(struct text *t, const void *ptr, size_t len)
{
	if (!ptr && len == 0) {
		wire_u32(t, NONE);
		return;
	}
	if (len > WIRE_MAX) {
		t->failed = true;
		return;
	}
	wire_u32(t, (uint32_t)len);
	if (len)
		text_add_n(t, ptr, len);
	text_add_n(t, "", 1);
}

void wire_str(struct text *t, const char *s)
{
	wire_bytes(t, s, s ? strlen(s) : 0);
}

void wire_error(struct text *t, enum fems_rc rc, const struct fems_error *e)
{
	wire_u32(t, (uint32_t)rc);
	wire_bytes(t, e->text, strnlen(e->text, sizeof e->text));
	wire_str(t, rc ? e->key : NULL);
}

/* ---- reading ---- */

struct wire_in wire_open(const struct wire_frame *f)
{
	return (struct wire_in){ f->data, f->len, false };
}

static bool take(struct wire_in *in, void *to, size_t n)
{
	memset(to, 0, n);
	if (in->bad || in->left < n) {
		in->bad = true;
		return false;
	}
	memcpy(to, in->ptr, n);
	in->ptr += n;
	in->left -= n;
	return true;
}

uint32_t wire_get_u32(struct wire_in *in)
{
	uint32_t v;

	take(in, &v, sizeof v);
	return v;
}

int64_t wire_get_i64(struct wire_in *in)
{
	int64_t v;

	take(in, &v, sizeof v);
	return v;
}

double wire_get_f64(struct wire_in *in)
{
	double v;

	take(in, &v, sizeof v);
	return v;
}

struct fems_span wire_get_bytes(struct wire_in *in)
{
	struct fems_span none = { NULL, 0 }, s;
	uint32_t len;

	if (!take(in, &len, sizeof len) || len == NONE)
		return none;
	if (in->left <= len || in->ptr[len]) {
		in->bad = true;
		return none;
	}
	s = (struct fems_span){ in->ptr, len };
	in->ptr += (size_t)len + 1;
	in->left -= (size_t)len + 1;
	return s;
}

const char *wire_get_str(struct wire_in *in)
{
	return wire_get_bytes(in).ptr;
}

const char *wire_get_text(struct wire_in *in)
{
	const char *s = wire_get_str(in);

	return s ? s : "";
}

enum fems_rc wire_get_error(struct wire_in *in, struct fems_error *e, const char **key)
{
	uint32_t rc = wire_get_u32(in);
	const char *text = wire_get_text(in), *at = wire_get_str(in);

	(void)str_copy(e->text, sizeof e->text, text);
	e->key = NULL;
	if (key)
		*key = at;
	return rc <= FEMS_ECONFLICT ? (enum fems_rc)rc : FEMS_EIO;
}
