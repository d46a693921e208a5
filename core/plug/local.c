/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/call.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/plug/item.h"

typedef enum fems_rc (*op_fn)(struct plug_local *, struct plug_call *);

static enum fems_rc op_check(struct plug_local *l, struct plug_call *c)
{
	const struct fems_life *life = l->plugin->life;

	return FEMS_HAS(life, check) ? life->check(&c->item->settings, &c->error) : FEMS_OK;
}

static enum fems_rc op_close(struct plug_local *l, struct plug_call *c)
{
	(void)c;
	if (l->open && FEMS_HAS(l->plugin->life, close))
		l->plugin->life->close(l->self);
	l->self = NULL;
	l->open = false;
	return FEMS_OK;
}

static enum fems_rc op_open(struct plug_local *l, struct plug_call *c)
{
	enum fems_rc rc = l->plugin->life->open(l->host, &c->item->settings, &l->self, &c->error);

	l->open = rc == FEMS_OK || l->self;
	if (rc)
		op_close(l, c);
	return rc;
}

static enum fems_rc op_start(struct plug_local *l, struct plug_call *c)
{
	return FEMS_HAS(l->plugin->life, start) ? l->plugin->life->start(l->self, &c->error) : FEMS_OK;
}

static enum fems_rc op_reload(struct plug_local *l, struct plug_call *c)
{
	return l->plugin->life->reload(l->self, &c->item->settings, &c->error);
}

static enum fems_rc op_stop(struct plug_local *l, struct plug_call *c)
{
	(void)c;
	if (l->open && FEMS_HAS(l->plugin->life, stop))
		l->plugin->life->stop(l->self);
	return FEMS_OK;
}

static enum fems_rc op_poll(struct plug_local *l, struct plug_call *c)
{
	return l->plugin->meter->poll(l->self, c->budget_us, &c->error);
}

static enum fems_rc op_write(struct plug_local *l, struct plug_call *c)
{
	return l->plugin->meter->write(l->self, c->point, c->value, c->budget_us, &c->error);
}

static enum fems_rc op_feed(struct plug_local *l, struct plug_call *c)
{
	return l->plugin->analysis->feed(l->self, c->samples, c->n_samples, c->lost);
}

static enum fems_rc op_tick(struct plug_local *l, struct plug_call *c)
{
	return l->plugin->analysis->tick(l->self, c->now_us);
}

static enum fems_rc op_notice(struct plug_local *l, struct plug_call *c)
{
	return l->plugin->analysis->notice(l->self, c->name, c->body);
}

static enum fems_rc op_pull(struct plug_local *l, struct plug_call *c)
{
	return l->plugin->connector->pull(l->self, c->budget_us, &c->error);
}

static enum fems_rc op_push(struct plug_local *l, struct plug_call *c)
{
	c->delivery.size = sizeof c->delivery;
	return l->plugin->connector->push(l->self, c->name, c->key, c->body, c->budget_us, &c->delivery,
					  &c->error);
}

static enum fems_rc op_solve(struct plug_local *l, struct plug_call *c)
{
	return l->plugin->optimiser->solve(l->self, c->body, c->budget_us, c->incumbent, c->incumbent_ctx,
					   &c->error);
}

static void keep_reply(void *ctx, struct fems_span json)
{
	struct plug_call *c = ctx;

	text_clear(&c->reply);
	if (json.len > MAX_BODY)
		c->reply.failed = true;
	else if (json.len)
		text_add_n(&c->reply, json.ptr, json.len);
}

static enum fems_rc op_handle(struct plug_local *l, struct plug_call *c)
{
	enum fems_rc rc = l->plugin->service->handle(l->self, c->name, c->body, keep_reply, c, &c->error);

	if (rc || !c->reply.failed)
		return rc;
	text_free(&c->reply);
	c->reply = (struct text){ 0 };
	return err_set(&c->error, FEMS_EINVAL, "the reply to \"%s\" is larger than 8 MiB", c->name);
}

static const op_fn ops[OP_COUNT] = {
	[OP_CHECK] = op_check, [OP_OPEN] = op_open,   [OP_START] = op_start,   [OP_RELOAD] = op_reload,
	[OP_STOP] = op_stop,   [OP_CLOSE] = op_close, [OP_POLL] = op_poll,     [OP_WRITE] = op_write,
	[OP_FEED] = op_feed,   [OP_TICK] = op_tick,   [OP_NOTICE] = op_notice, [OP_PULL] = op_pull,
	[OP_PUSH] = op_push,   [OP_SOLVE] = op_solve, [OP_HANDLE] = op_handle,
};

static enum fems_rc local_call(struct plug_body *body, struct plug_call *c)
{
	c->error.text[0] = '\0';
	c->error.key = NULL;
	c->rc = ops[c->op]((struct plug_local *)body, c);
	c->error.text[sizeof c->error.text - 1] = '\0';
	if ((unsigned)c->rc > FEMS_ECONFLICT)
		c->rc = FEMS_EIO;
	if (c->rc && !c->error.text[0])
		err_set(&c->error, c->rc, "%s failed: %s", plug_op_name(c->op), err_name(c->rc));
	return c->rc;
}

static bool local_end(struct plug_body *body, int64_t budget_us)
{
	(void)body;
	(void)budget_us;
	return true;
}

static void local_free(struct plug_body *body)
{
	free(body);
}

void local_init(struct plug_local *l, const struct fems_plugin *plugin, const struct fems_host *host)
{
	*l = (struct plug_local){ .body = { .call = local_call, .end = local_end, .free = local_free },
				  .plugin = plugin,
				  .host = host };
}
