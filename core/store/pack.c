/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/store/pack.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/err.h"

#define BODY_VERSION 1
#define RECORD_MAX   64

/* Control byte of a record. */
enum {
	VALUE_SAME = 0,
	VALUE_TIMES = 1,
	VALUE_RAW = 2,
	VALUE_DIVIDED = 3,
	VALUE_MASK = 3,
	HAS_TIME = 4,
	HAS_QUALITY = 8,
	HAS_UNC = 16,
	HAS_EPOCH = 32
};

uint32_t pack_crc(const void *bytes, size_t n)
{
	/* Remainders of the 16 half bytes under the polynomial 0xEDB88320. */
	static const uint32_t half[16] = { 0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
					   0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
					   0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
					   0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c };
	const uint8_t *p = bytes;
	uint32_t crc = 0xffffffff;

	while (n--) {
		crc ^= *p++;
		crc = (crc >> 4) ^ half[crc & 15];
		crc = (crc >> 4) ^ half[crc & 15];
	}
	return ~crc;
}

static bool reserve(struct pack_bytes *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 64;
	uint8_t *p;

	if (n <= b->cap - b->len)
		return true;
	while (cap - b->len < n)
		cap += cap / 2;
	p = realloc(b->ptr, cap);
	if (!p)
		return false;
	b->ptr = p;
	b->cap = cap;
	return true;
}

static uint8_t *write_varint(uint8_t *p, uint64_t v)
{
	while (v > 127) {
		*p++ = (uint8_t)(v | 128);
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

bool pack_put(struct pack_bytes *b, const void *p, size_t n)
{
	if (!n)
		return true;
	if (!reserve(b, n))
		return false;
	memcpy(b->ptr + b->len, p, n);
	b->len += n;
	return true;
}

bool pack_put_byte(struct pack_bytes *b, uint8_t v)
{
	return pack_put(b, &v, 1);
}

bool pack_put_varint(struct pack_bytes *b, uint64_t v)
{
	if (!reserve(b, 10))
		return false;
	b->len = (size_t)(write_varint(b->ptr + b->len, v) - b->ptr);
	return true;
}

bool unpack_varint(const uint8_t **p, const uint8_t *end, uint64_t *out)
{
	uint64_t v = 0;

	for (unsigned shift = 0; *p < end && shift < 64; shift += 7) {
		uint8_t b = *(*p)++;

		v |= (uint64_t)(b & 127) << shift;
		if (b < 128) {
			*out = v;
			return true;
		}
	}
	return false;
}

static uint64_t zigzag(int64_t v)
{
	return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static int64_t unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* Wrapping differences: garbage times may be anything. */
static int64_t minus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

static uint64_t bits_of(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof bits);
	return bits;
}

static double times(int64_t k, double step)
{
	return (double)k * step;
}

/* Devices scale by multiplying with 0.1 or by dividing by 10, which give different doubles. */
static double divided(int64_t k, double step)
{
	return (double)k / nearbyint(1 / step);
}

static int value_mode(double v, double step, int64_t *k)
{
	double q = v / step;

	if (!(step > 0) || !(fabs(q) < 0x1p53))
		return VALUE_RAW;
	*k = (int64_t)nearbyint(q);
	if (bits_of(times(*k, step)) == bits_of(v))
		return VALUE_TIMES;
	if (step < 1 && bits_of(divided(*k, step)) == bits_of(v))
		return VALUE_DIVIDED;
	return VALUE_RAW;
}

void pack_init(struct pack *pk, double step, int64_t start_us)
{
	memset(pk, 0, sizeof *pk);
	pk->step = step;
	pk->start_us = start_us;
	pk->last.t_us = start_us;
}

void pack_free(struct pack *pk)
{
	free(pk->records.ptr);
	memset(&pk->records, 0, sizeof pk->records);
	pk->n = 0;
}

static uint8_t *write_value(uint8_t *p, uint8_t *control, struct pack_last *l, double step, double v)
{
	int64_t k = 0;
	int mode;

	if (bits_of(v) == l->bits)
		return p;
	mode = value_mode(v, step, &k);
	*control |= (uint8_t)mode;
	l->bits = bits_of(v);
	if (mode == VALUE_RAW) {
		memcpy(p, &v, sizeof v);
		return p + sizeof v;
	}
	p = write_varint(p, zigzag(k - l->k));
	l->k = k;
	return p;
}

static uint8_t *write_flag(uint8_t *p, uint8_t *control, uint8_t flag, uint32_t *last, uint32_t v)
{
	if (*last == v)
		return p;
	*control |= flag;
	*last = v;
	return write_varint(p, v);
}

bool pack_add(struct pack *pk, const struct fems_sample *s)
{
	struct pack_last *l = &pk->last;
	int64_t dt = minus(s->t_us, l->t_us);
	uint8_t *control, *p;

	if (!reserve(&pk->records, RECORD_MAX))
		return false;
	control = pk->records.ptr + pk->records.len;
	p = control + 1;
	*control = 0;
	if (dt != l->dt_us) {
		*control |= HAS_TIME;
		p = write_varint(p, zigzag(minus(dt, l->dt_us)));
	}
	p = write_value(p, control, l, pk->step, s->value);
	p = write_flag(p, control, HAS_QUALITY, &l->quality, s->quality);
	p = write_flag(p, control, HAS_UNC, &l->t_unc_us, s->t_unc_us);
	p = write_flag(p, control, HAS_EPOCH, &l->epoch, s->epoch);
	l->t_us = s->t_us;
	l->dt_us = dt;
	pk->records.len = (size_t)(p - pk->records.ptr);
	pk->n++;
	return true;
}

bool pack_seal(struct pack_bytes *b)
{
	uint32_t crc = pack_crc(b->ptr, b->len);

	return pack_put(b, &crc, sizeof crc);
}

bool unpack_seal(struct fems_span *body)
{
	uint32_t crc;

	if (body->len < sizeof crc)
		return false;
	body->len -= sizeof crc;
	memcpy(&crc, body->ptr + body->len, sizeof crc);
	return crc == pack_crc(body->ptr, body->len);
}

bool pack_body(const struct pack *pk, struct pack_bytes *out)
{
	memset(out, 0, sizeof *out);
	if (pack_put_byte(out, BODY_VERSION) && pack_put(out, &pk->step, 8) &&
	    pack_put(out, &pk->start_us, 8) && pack_put_varint(out, pk->n) &&
	    pack_put(out, pk->records.ptr, pk->records.len) && pack_seal(out))
		return true;
	free(out->ptr);
	out->ptr = NULL;
	return false;
}

void unpack_init(struct unpack *u, uint32_t series, double step, int64_t start_us, uint32_t n,
		 const uint8_t *p, const uint8_t *end)
{
	memset(u, 0, sizeof *u);
	u->p = p;
	u->end = end;
	u->left = n;
	u->series = series;
	u->step = step;
	u->last.t_us = start_us;
}

void unpack_records(struct unpack *u, uint32_t series, const struct pack *pk)
{
	unpack_init(u, series, pk->step, pk->start_us, pk->n, pk->records.ptr,
		    pk->records.ptr + pk->records.len);
}

bool unpack_body(struct unpack *u, uint32_t series, struct fems_span body)
{
	const uint8_t *p, *end;
	int64_t start;
	uint64_t n;
	double step;

	if (!unpack_seal(&body) || body.len < 18 || body.ptr[0] != BODY_VERSION)
		return false;
	p = (const uint8_t *)body.ptr + 1;
	end = (const uint8_t *)body.ptr + body.len;
	memcpy(&step, p, 8);
	memcpy(&start, p + 8, 8);
	p += 16;
	if (!unpack_varint(&p, end, &n) || n > (uint64_t)(end - p))
		return false;
	unpack_init(u, series, step, start, (uint32_t)n, p, end);
	return true;
}

static bool read_value(struct unpack *u, int mode)
{
	uint64_t d;
	double v;

	if (mode == VALUE_SAME)
		return true;
	if (mode == VALUE_RAW) {
		if (u->end - u->p < 8)
			return false;
		memcpy(&u->last.bits, u->p, 8);
		u->p += 8;
		return true;
	}
	if (!unpack_varint(&u->p, u->end, &d))
		return false;
	u->last.k = plus(u->last.k, unzigzag(d));
	v = mode == VALUE_TIMES ? times(u->last.k, u->step) : divided(u->last.k, u->step);
	u->last.bits = bits_of(v);
	return true;
}

static bool read_flag(struct unpack *u, bool there, uint32_t *out)
{
	uint64_t v;

	if (!there)
		return true;
	if (!unpack_varint(&u->p, u->end, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

bool unpack_next(struct unpack *u, struct fems_sample *s)
{
	struct pack_last *l = &u->last;
	uint64_t d = 0;
	uint8_t control;

	if (!u->left || u->p >= u->end)
		return false;
	control = *u->p++;
	if ((control & HAS_TIME) && !unpack_varint(&u->p, u->end, &d))
		return false;
	l->dt_us = plus(l->dt_us, unzigzag(d));
	l->t_us = plus(l->t_us, l->dt_us);
	if (!read_value(u, control & VALUE_MASK) || !read_flag(u, control & HAS_QUALITY, &l->quality) ||
	    !read_flag(u, control & HAS_UNC, &l->t_unc_us) || !read_flag(u, control & HAS_EPOCH, &l->epoch))
		return false;
	s->t_us = l->t_us;
	memcpy(&s->value, &l->bits, sizeof s->value);
	s->point = u->series;
	s->t_unc_us = l->t_unc_us;
	s->quality = l->quality;
	s->epoch = l->epoch;
	u->left--;
	return true;
}
