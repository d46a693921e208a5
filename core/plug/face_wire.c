/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/face.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"

#define MAX_ITEMS 256
#define MAX_DEPTH 5

/* ---- packing ---- */

static void pack_names(struct text *t, const char *const *names)
{
	uint32_t n = 0;

	while (names && names[n])
		n++;
	wire_u32(t, names ? n + 1 : 0);
	for (uint32_t i = 0; i < n; i++)
		wire_str(t, names[i]);
}

static void pack_keys(struct text *t, const struct fems_key *k)
{
	uint32_t n = 0;

	while (k && k[n].name)
		n++;
	wire_u32(t, k ? n + 1 : 0);
	for (uint32_t i = 0; i < n; i++, k++) {
		wire_str(t, k->name);
		wire_str(t, k->def);
		wire_str(t, k->unit);
		wire_str(t, k->help);
		wire_f64(t, k->min);
		wire_f64(t, k->max);
		pack_names(t, k->type == FEMS_T_ENUM ? k->choices : NULL);
		pack_keys(t, k->type == FEMS_T_LIST ? k->sub : NULL);
		wire_i64(t, (int64_t)k->sub_size);
		wire_u32(t, k->type);
		wire_u32(t, k->off);
	}
}

void face_pack(struct text *t, const struct plug_face *f)
{
	wire_str(t, f->name);
	wire_str(t, f->version);
	wire_str(t, f->license);
	wire_str(t, f->summary);
	wire_u32(t, f->kinds);
	wire_u32(t, f->grade);
	wire_u32(t, f->offers);
	pack_keys(t, f->keys);
	wire_i64(t, (int64_t)f->cfg_size);
	pack_keys(t, f->device_keys);
	wire_i64(t, (int64_t)f->device_size);
	pack_names(t, f->types);
}

/* ---- unpacking; every piece hangs on one list that the face owns ---- */

struct piece {
	struct piece *next;
	max_align_t bytes[];
};

struct owned {
	struct plug_face face; /* first: face_free() gets its address */
	struct piece *pieces;
};

struct reader {
	struct wire_in *in;
	struct owned *to;
};

static void *make(struct reader *r, size_t n)
{
	struct piece *p = r->in->bad ? NULL : calloc(1, sizeof *p + n);

	if (!p) {
		r->in->bad = true;
		return NULL;
	}
	p->next = r->to->pieces;
	r->to->pieces = p;
	return p->bytes;
}

static const char *get_str(struct reader *r)
{
	struct fems_span s = wire_get_bytes(r->in);
	char *copy = s.ptr ? make(r, s.len + 1) : NULL;

	if (copy)
		memcpy(copy, s.ptr, s.len);
	return copy;
}

static const char *get_text(struct reader *r)
{
	const char *s = get_str(r);

	return s ? s : "";
}

/* Number of items, 0 for "no list"; then *n is 0 too. */
static bool get_count(struct reader *r, uint32_t *n)
{
	uint32_t v = wire_get_u32(r->in);

	if (v > MAX_ITEMS + 1)
		r->in->bad = true;
	*n = v && !r->in->bad ? v - 1 : 0;
	return v && !r->in->bad;
}

static const char *const *get_names(struct reader *r)
{
	uint32_t n;
	const char **names = get_count(r, &n) ? make(r, (n + 1) * sizeof *names) : NULL;

	for (uint32_t i = 0; names && i < n; i++)
		names[i] = get_text(r);
	return names;
}

static const struct fems_key *get_keys(struct reader *r, unsigned depth)
{
	uint32_t n;
	struct fems_key *keys, *k;

	if (depth > MAX_DEPTH)
		r->in->bad = true;
	if (!get_count(r, &n))
		return NULL;
	keys = make(r, (n + 1) * sizeof *keys);
	for (k = keys; keys && k < keys + n && !r->in->bad; k++) {
		k->name = get_text(r);
		k->def = get_str(r);
		k->unit = get_str(r);
		k->help = get_str(r);
		k->min = wire_get_f64(r->in);
		k->max = wire_get_f64(r->in);
		k->choices = get_names(r);
		k->sub = get_keys(r, depth + 1);
		k->sub_size = (size_t)wire_get_i64(r->in);
		k->type = wire_get_u32(r->in);
		k->off = wire_get_u32(r->in);
	}
	return keys;
}

struct plug_face *face_unpack(struct wire_in *in)
{
	struct owned *o = calloc(1, sizeof *o);
	struct reader r = { in, o };
	struct plug_face *f;

	if (!o)
		return NULL;
	f = &o->face;
	f->name = get_text(&r);
	f->version = get_text(&r);
	f->license = get_text(&r);
	f->summary = get_text(&r);
	f->kinds = wire_get_u32(in);
	f->grade = wire_get_u32(in);
	f->offers = wire_get_u32(in);
	f->keys = get_keys(&r, 0);
	f->cfg_size = (size_t)wire_get_i64(in);
	f->device_keys = get_keys(&r, 0);
	f->device_size = (size_t)wire_get_i64(in);
	f->types = get_names(&r);
	if (!in->bad)
		return f;
	face_free(f);
	return NULL;
}

void face_free(struct plug_face *f)
{
	struct owned *o = (struct owned *)f;
	struct piece *p, *next;

	for (p = o ? o->pieces : NULL; p; p = next) {
		next = p->next;
		free(p);
	}
	free(o);
}
