/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "meters/modbus/link_engine.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#define DOUBT_LIFE_US 60000000 /* no device keeps a request longer than this */

static int64_t frame_us(const struct link *l, unsigned bytes)
{
	return (int64_t)bytes * 11 * 1000000 / l->addr.baud + 100000; /* 11 bits; 100 ms for adapters */
}

static enum link_rc rtu_open(struct link *l, int64_t timeout_us, struct link_result *r)
{
	int rc, err;

	(void)timeout_us;
	pthread_mutex_lock(&l->fd_lock);
	rc = modbus_connect(l->mb);
	err = errno;
	l->fd = rc ? -1 : modbus_get_socket(l->mb);
	pthread_mutex_unlock(&l->fd_lock);
	l->n_doubts = 0;
	if (rc)
		return link_fail(
			r, LINK_DOWN,
			"%s cannot be opened (%s): is the adapter plugged in, may this user read and write "
			"it (group dialout)?",
			l->name, strerror(err));
	if (l->fd < FD_SETSIZE)
		return LINK_OK;
	link_drop(l);
	return link_fail(r, LINK_DOWN, "no descriptor below %d is left for %s", FD_SETSIZE, l->name);
}

/* ---- late replies ---- */

static void doubt_add(struct link *l, const struct link_request *q)
{
	if (l->n_doubts == sizeof l->doubts / sizeof *l->doubts) {
		memmove(l->doubts, l->doubts + 1, sizeof l->doubts - sizeof *l->doubts);
		l->n_doubts--;
	}
	l->doubts[l->n_doubts++] = (struct link_doubt){ q->unit, q->fc, q->count, link_mono_us() };
}

static void doubt_clear(struct link *l, int unit)
{
	unsigned kept = 0;
	int64_t old = link_mono_us() - DOUBT_LIFE_US;

	for (unsigned i = 0; i < l->n_doubts; i++) {
		if (l->doubts[i].unit != unit && l->doubts[i].since_us > old)
			l->doubts[kept++] = l->doubts[i];
	}
	l->n_doubts = kept;
}

static bool doubtful(const struct link *l, int unit, int fc, uint16_t count)
{
	int64_t old = link_mono_us() - DOUBT_LIFE_US;

	for (unsigned i = 0; i < l->n_doubts; i++) {
		const struct link_doubt *d = &l->doubts[i];

		if (d->unit == unit && d->fc == fc && d->count == count && d->since_us > old)
			return true;
	}
	return false;
}

static bool any_doubt(const struct link *l, int unit)
{
	int64_t old = link_mono_us() - DOUBT_LIFE_US;

	for (unsigned i = 0; i < l->n_doubts; i++) {
		if (l->doubts[i].unit == unit && l->doubts[i].since_us > old)
			return true;
	}
	return false;
}

/* Throws away what comes until the line was silent for twice the timeout (ten times that at most, for
 * a line on which somebody else talks). */
static enum link_rc quarantine(struct link *l, int64_t timeout_us)
{
	int64_t silence = 2 * timeout_us, end = link_mono_us() + 10 * silence;
	uint8_t junk[256];
	enum link_rc rc;

	while ((rc = link_poll(l, l->fd, POLLIN, link_mono_us() + silence)) == LINK_OK) {
		if (read(l->fd, junk, sizeof junk) <= 0 || link_mono_us() > end)
			return LINK_OK;
		atomic_fetch_add(&l->strays, 1);
	}
	modbus_flush(l->mb);
	return rc == LINK_STOPPED ? rc : LINK_OK;
}

/* ---- one exchange ---- */

static int build(const struct link_request *q, uint8_t *pdu)
{
	int n = 0;

	pdu[n++] = (uint8_t)q->unit;
	pdu[n++] = (uint8_t)q->fc;
	pdu[n++] = (uint8_t)(q->addr >> 8);
	pdu[n++] = (uint8_t)q->addr;
	if (q->fc != 6) {
		pdu[n++] = (uint8_t)(q->count >> 8);
		pdu[n++] = (uint8_t)q->count;
	}
	if (q->fc == 16)
		pdu[n++] = (uint8_t)(2 * q->count);
	for (unsigned i = 0; q->out && i < q->count; i++) {
		pdu[n++] = (uint8_t)(q->out[i] >> 8);
		pdu[n++] = (uint8_t)q->out[i];
	}
	return n;
}

/* Is this frame (unit first) the reply of q? */
static bool fits(const struct link_request *q, const uint8_t *req, const uint8_t *rsp, int len)
{
	if (len < 5 || rsp[0] != q->unit || (rsp[1] & 0x7f) != q->fc)
		return false;
	if (rsp[1] & 0x80)
		return true;
	if (q->in)
		return rsp[2] == 2 * q->count && len >= 5 + 2 * (int)q->count;
	return len >= 8 && !memcmp(rsp, req, 6); /* 6 and 16 echo address and value or count */
}

static enum link_rc take_reply(const struct link_request *q, const uint8_t *rsp, struct link_result *r)
{
	if (rsp[1] & 0x80) {
		r->exception = rsp[2];
		return link_fail(r, LINK_EXCEPTION, "exception %d (%s)", rsp[2], link_exception_name(rsp[2]));
	}
	for (unsigned i = 0; q->in && i < q->count; i++)
		q->in[i] = (uint16_t)(rsp[3 + 2 * i] << 8 | rsp[4 + 2 * i]);
	return LINK_OK;
}

static enum link_rc no_reply(struct link *l, const struct link_request *q, enum link_rc why,
			     struct link_result *r)
{
	if (why == LINK_STOPPED)
		return why;
	doubt_add(l, q);
	if (quarantine(l, q->timeout_us) == LINK_STOPPED)
		return LINK_STOPPED;
	return link_fail(r, LINK_TIMEOUT, "no answer from %s unit %d", l->name, q->unit);
}

static enum link_rc exchange(struct link *l, const struct link_request *q, struct link_result *r)
{
	uint8_t req[MODBUS_MAX_PDU_LENGTH + 8], rsp[MODBUS_MAX_ADU_LENGTH + 8];
	int64_t until = link_mono_us() + q->timeout_us;
	enum link_rc rc;
	int len;

	modbus_flush(l->mb);
	modbus_set_slave(l->mb, q->unit);
	len = build(q, req);
	if (modbus_send_raw_request(l->mb, req, len) < 0) {
		len = errno;
		link_drop(l);
		return link_fail(r, LINK_DOWN, "%s: %s: is the adapter still plugged in?", l->name,
				 strerror(len));
	}
	for (;;) {
		/* Waiting is ours, so that a stop ends it; libmodbus only collects a frame that has begun. */
		rc = link_poll(l, l->fd, POLLIN, until);
		if (rc != LINK_OK)
			return no_reply(l, q, rc, r);
		link_set_response_timeout(l, frame_us(l, 5 + 2u * q->count));
		errno = 0;
		len = modbus_receive_confirmation(l->mb, rsp);
		if (len > 0 && fits(q, req, rsp, len))
			return take_reply(q, rsp, r);
		if (len < 0 && errno != ETIMEDOUT && errno < MODBUS_ENOBASE) {
			len = errno;
			link_drop(l);
			return link_fail(r, LINK_DOWN, "%s: %s: is the adapter still plugged in?", l->name,
					 strerror(len));
		}
		atomic_fetch_add(&l->strays, 1);
		if (len < 0) /* noise or a broken frame: silence, then as after a timeout */
			return no_reply(l, q, LINK_TIMEOUT, r);
	}
}

/* A read whose reply has a length that no outstanding reply has: when it is answered, devices being
 * first-in first-out, nothing older can follow. An exception might be the late answer to anything: after
 * one, only silence proves it. */
static enum link_rc probe(struct link *l, const struct link_request *q, struct link_result *r)
{
	uint16_t scratch[16];
	struct link_request p = *q;
	enum link_rc rc;

	p.fc = q->in ? q->fc : 3;
	p.in = scratch;
	p.out = NULL;
	for (p.count = 1; p.count < 16 && doubtful(l, p.unit, p.fc, p.count); p.count++)
		;
	rc = exchange(l, &p, r);
	if (rc == LINK_EXCEPTION)
		rc = quarantine(l, q->timeout_us);
	if (rc == LINK_OK)
		doubt_clear(l, q->unit);
	return rc;
}

static enum link_rc rtu_request(struct link *l, const struct link_request *q, struct link_result *r)
{
	enum link_rc rc = any_doubt(l, q->unit) ? probe(l, q, r) : LINK_OK;

	return rc == LINK_OK ? exchange(l, q, r) : rc;
}

const struct link_engine link_rtu = { rtu_open, rtu_request };
