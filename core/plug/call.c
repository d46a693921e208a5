/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/call.h"

#include <string.h>

static const char *const op_names[OP_COUNT] = {
	"check", "open", "start",  "reload", "stop", "close", "poll",   "write",
	"feed",  "tick", "notice", "pull",   "push", "solve", "handle",
};

const char *plug_op_name(enum plug_op op)
{
	return (unsigned)op < OP_COUNT ? op_names[op] : "nothing";
}

void call_pack(struct text *t, const struct plug_call *c)
{
	wire_u32(t, c->op);
	wire_i64(t, c->budget_us);
	wire_i64(t, c->now_us);
	wire_u32(t, c->point);
	wire_f64(t, c->value);
	wire_i64(t, (int64_t)c->lost);
	wire_str(t, c->name);
	wire_str(t, c->key);
	wire_bytes(t, c->body.ptr, c->body.len);
	wire_bytes(t, c->samples, c->n_samples * sizeof *c->samples);
}

bool call_unpack(struct wire_in *in, struct plug_call *c)
{
	struct fems_span samples;

	memset(c, 0, sizeof *c);
	c->op = (enum plug_op)wire_get_u32(in);
	c->budget_us = wire_get_i64(in);
	c->now_us = wire_get_i64(in);
	c->point = wire_get_u32(in);
	c->value = wire_get_f64(in);
	c->lost = (uint64_t)wire_get_i64(in);
	c->name = wire_get_str(in);
	c->key = wire_get_str(in);
	c->body = wire_get_bytes(in);
	samples = wire_get_bytes(in);
	c->samples = (const void *)samples.ptr; /* copied to an aligned place by the receiver */
	c->n_samples = samples.len / sizeof *c->samples;
	return !in->bad && c->op < OP_COUNT;
}

void call_pack_result(struct text *t, const struct plug_call *c)
{
	wire_error(t, c->rc, &c->error);
	wire_i64(t, c->delivery.retry_after_us);
	wire_u32(t, c->delivery.permanent);
	wire_bytes(t, c->delivery.receipt, strnlen(c->delivery.receipt, sizeof c->delivery.receipt));
	wire_bytes(t, c->reply.ptr, c->reply.len);
}

static const char *own_name(const struct fems_key *keys, const char *name)
{
	for (; keys && name && keys->name; keys++)
		if (!strcmp(keys->name, name))
			return keys->name;
	return NULL;
}

bool call_unpack_result(struct wire_in *in, struct plug_call *c, const struct fems_key *keys,
			const struct fems_key *device_keys)
{
	const char *key;
	struct fems_span reply;

	c->rc = wire_get_error(in, &c->error, &key);
	c->error.key = own_name(keys, key);
	if (!c->error.key)
		c->error.key = own_name(device_keys, key);
	c->delivery.retry_after_us = wire_get_i64(in);
	c->delivery.permanent = wire_get_u32(in);
	(void)str_copy(c->delivery.receipt, sizeof c->delivery.receipt, wire_get_text(in));
	reply = wire_get_bytes(in);
	text_clear(&c->reply);
	if (reply.len)
		text_add_n(&c->reply, reply.ptr, reply.len);
	return !in->bad && !c->reply.failed;
}
