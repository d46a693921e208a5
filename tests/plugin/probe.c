/* SPDX-License-Identifier: Apache-2.0
 *
 * probe: a well-behaved plugin of all kinds that shows what it was called with, so that a test can
 * compare a run inside femsd with one in fems-host. What it sees goes into documents of type "seen".
 */
#include <fems/plugin.h>
#include <fems/util.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct row {
	const char *label;
	int64_t amount;
};

static const struct fems_key row_keys[] = { FEMS_STR(struct row, label, NULL, "Label"),
					    FEMS_INT(struct row, amount, "1", 0, 100, NULL, "Amount"),
					    FEMS_KEYS_END };

struct cfg {
	int64_t on, count, mode, wait, limit, store, refuse_reload, own_thread;
	double factor;
	const char *text, *secret, *path, *watch, *fail_open;
	struct fems_list names, rows;
};

static const char *const modes[] = { "slow", "fast", NULL };

static const struct fems_key keys[] = {
	FEMS_BOOL(struct cfg, on, "true", "A switch"),
	FEMS_INT(struct cfg, count, "3", 0, 10, NULL, "A number"),
	FEMS_NUM(struct cfg, factor, "1.5", 0, 10, NULL, "A factor"),
	FEMS_STR(struct cfg, text, "hello", "A text"),
	FEMS_SECRET(struct cfg, secret, "", "A secret"),
	FEMS_ENUM(struct cfg, mode, "slow", modes, "A choice"),
	FEMS_DURATION(struct cfg, wait, "5s", 0, 0, "A duration"),
	FEMS_POWER(struct cfg, limit, "450 kW", 0, 0, "A power"),
	FEMS_ENERGY(struct cfg, store, "200 kWh", 0, 0, "An energy"),
	FEMS_PATH(struct cfg, path, "", "A path"),
	FEMS_STR(struct cfg, watch, "", "Pattern to subscribe to"),
	FEMS_STR(struct cfg, fail_open, "", "Text with which open() fails"),
	FEMS_BOOL(struct cfg, refuse_reload, "false", "reload() fails"),
	FEMS_BOOL(struct cfg, own_thread, "false", "Emits from a thread of its own"),
	FEMS_STRLIST(struct cfg, names, "", "Some names"),
	FEMS_LIST(struct cfg, rows, row_keys, sizeof(struct row), "Some rows"),
	FEMS_KEYS_END
};

struct device {
	const char *name;
	int64_t unit;
};

static const struct fems_key device_keys[] = { FEMS_STR(struct device, name, NULL, "Name"),
					       FEMS_INT(struct device, unit, "1", 1, 247, NULL, "Unit"),
					       FEMS_KEYS_END };

static const volatile double zero = 0; /* keeps the compiler from dividing by it */

struct probe {
	const struct fems_host *h;
	struct cfg cfg;
	unsigned n_seen, polls;
	uint32_t points[8];
	size_t n;
	pthread_t thread;
	int has_thread;
};

__attribute__((format(printf, 3, 4))) static void seen(struct probe *p, const char *what, const char *fmt,
						       ...)
{
	char key[40], body[1200];
	struct fems_error e;
	va_list ap;

	snprintf(key, sizeof key, "%u-%s", p->n_seen++, what);
	va_start(ap, fmt);
	vsnprintf(body, sizeof body, fmt, ap);
	va_end(ap);
	p->h->document(p->h->ctx, "seen", key, fems_span_of(body), &e);
}

static enum fems_rc check(const struct fems_settings *s, struct fems_error *e)
{
	const struct cfg *c = s->cfg;
	const struct device *d = s->devices.items;

	if (c->count == 7)
		return fems_bad_setting(e, "count", "7 is taken; choose another number");
	for (size_t i = 0; i < s->devices.count; i++)
		if (d[i].unit == 13)
			return fems_bad_setting(e, "unit", "meter \"%s\": unit 13 is never used", d[i].name);
	return FEMS_OK;
}

static void show(struct probe *p, const struct fems_settings *s, const char *when)
{
	const struct cfg *c = s->cfg;
	const struct row *rows = c->rows.items;
	const char *const *names = c->names.items;

	seen(p, when,
	     "{\"on\":%d,\"count\":%d,\"factor\":%g,\"text\":\"%s\",\"secret\":\"%s\",\"mode\":%d,\"wait\":%"
	     "lld,"
	     "\"limit\":%lld,\"store\":%lld,\"path\":\"%s\",\"names\":[\"%s\",%d],\"rows\":[\"%s\",%d,%d],"
	     "\"devices\":%d,"
	     "\"instance\":\"%s\"}",
	     (int)c->on, (int)c->count, c->factor, c->text, c->secret, (int)c->mode, (long long)c->wait,
	     (long long)c->limit, (long long)c->store, c->path, c->names.count ? names[0] : "",
	     (int)c->names.count, c->rows.count ? rows[0].label : "", c->rows.count ? (int)rows[0].amount : 0,
	     (int)c->rows.count, (int)s->devices.count, p->h->instance(p->h->ctx));
}

static enum fems_rc points(struct probe *p, const struct fems_settings *s, struct fems_error *e)
{
	const struct device *d = s->devices.items;

	p->n = 0;
	for (size_t i = 0; i < s->devices.count && p->n < 8; i++) {
		struct fems_point_info info = { .size = sizeof info,
						.device = d[i].name,
						.quantity = "power.active",
						.flags = FEMS_POINT_WRITABLE,
						.write_min = 0,
						.write_max = 1000 };

		p->points[p->n] = p->h->point(p->h->ctx, &info, e);
		if (!p->points[p->n++])
			return FEMS_EINVAL;
	}
	return p->cfg.watch[0] ? p->h->subscribe(p->h->ctx, p->cfg.watch, e) : FEMS_OK;
}

static void *emit_more(void *ctx)
{
	struct probe *p = ctx;
	int64_t t = p->h->now_us(p->h->ctx);

	while (p->n && p->h->wait_until(p->h->ctx, t += 5000) == FEMS_OK) {
		struct fems_sample s = { .t_us = t, .point = p->points[0], .value = 7 };

		p->h->emit(p->h->ctx, &s, 1);
	}
	return NULL;
}

static enum fems_rc open(const struct fems_host *h, const struct fems_settings *s, void **self,
			 struct fems_error *e)
{
	struct fems_point_info strange = { .size = sizeof strange,
					   .device = "somebody-else",
					   .quantity = "power.active" };
	struct probe *p = calloc(1, sizeof *p);

	if (!p)
		return FEMS_ENOMEM;
	*self = p;
	p->h = h;
	p->cfg = *(const struct cfg *)s->cfg;
	if (p->cfg.fail_open[0])
		return fems_fail(e, FEMS_EIO, "%s", p->cfg.fail_open);
	show(p, s, "open");
	if (h->point(h->ctx, &strange, e) == 0)
		seen(p, "strange", "{\"text\":\"%.100s\"}", strchr(e->text, 'n') ? "refused" : "");
	return points(p, s, e);
}

static enum fems_rc start(void *self, struct fems_error *e)
{
	struct probe *p = self;
	struct fems_point_info info = { .size = sizeof info, .device = "x", .quantity = "power.active" };
	uint32_t id = p->h->point(p->h->ctx, &info, e);

	seen(p, "start", "{\"point_after_open\":%u,\"text\":\"%.200s\"}", id, e->text);
	p->h->log(p->h->ctx, FEMS_LOG_DEBUG, "started as %s in %s", p->h->instance(p->h->ctx),
		  p->h->state_dir(p->h->ctx));
	if (p->cfg.own_thread)
		p->has_thread = pthread_create(&p->thread, NULL, emit_more, p) == 0;
	return FEMS_OK;
}

static enum fems_rc reload(void *self, const struct fems_settings *s, struct fems_error *e)
{
	struct probe *p = self;
	const struct cfg *c = s->cfg;
	struct cfg old = p->cfg;
	enum fems_rc rc;

	if (c->refuse_reload)
		return fems_fail(e, FEMS_ECONFLICT, "not now; the machine runs");
	p->cfg = *c;
	rc = points(p, s, e);
	if (rc)
		p->cfg = old;
	else
		show(p, s, "reload");
	return rc;
}

static void stop(void *self)
{
	struct probe *p = self;

	if (p->has_thread)
		pthread_join(p->thread, NULL);
	p->has_thread = 0;
	seen(p, "stop", "{}");
}

static enum fems_rc poll(void *self, int64_t budget_us, struct fems_error *e)
{
	struct probe *p = self;
	struct fems_sample s[8], stranger = { .point = 4000000000u };
	const struct fems_host *h = p->h;

	(void)e;
	for (size_t i = 0; i < p->n; i++)
		s[i] = (struct fems_sample){ .t_us = h->now_us(h->ctx),
					     .point = p->points[i],
					     .value = 100 * (double)(i + 1) + p->polls,
					     .quality = FEMS_Q_GOOD };
	if (p->polls == 0)
		seen(p, "poll", "{\"budget\":%d,\"stranger\":%d,\"emit\":%d}", budget_us > 0,
		     h->emit(h->ctx, &stranger, 1), h->emit(h->ctx, s, p->n));
	else
		h->emit(h->ctx, s, p->n);
	for (size_t i = 0; i < p->n && p->polls == 0; i++)
		h->device_state(h->ctx, i ? "m2" : "m1", i ? FEMS_DEV_OFFLINE : FEMS_DEV_ONLINE,
				i ? "no answer" : "");
	p->polls++;
	return FEMS_OK;
}

static enum fems_rc write_(void *self, uint32_t point, double value, int64_t budget_us, struct fems_error *e)
{
	struct probe *p = self;

	if (value > 1000)
		return fems_fail(e, FEMS_ECONFLICT, "%g is above what the machine takes", value);
	seen(p, "write", "{\"first\":%d,\"value\":%g,\"budget\":%d}", point == p->points[0], value,
	     budget_us > 0);
	return FEMS_OK;
}

static void nap_ms(int64_t ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static enum fems_rc feed(void *self, const struct fems_sample *s, size_t n, uint64_t lost)
{
	struct probe *p = self;

	seen(p, "feed", "{\"value\":%g,\"quality\":%u,\"lost\":%llu}", s[0].value, s[0].quality,
	     (unsigned long long)lost);
	if (s[0].value < 0 || s[n - 1].value < 0)
		nap_ms(300);
	return FEMS_OK;
}

static enum fems_rc tick(void *self, int64_t now_us)
{
	(void)self;
	(void)now_us;
	return FEMS_OK;
}

static enum fems_rc notice(void *self, const char *topic, struct fems_span body)
{
	struct probe *p = self;

	if (strcmp(topic, "meter"))
		seen(p, "notice", "{\"topic\":\"%s\",\"body\":%.*s}", topic, (int)body.len, body.ptr);
	return FEMS_OK;
}

static enum fems_rc push(void *self, const char *type, const char *key, struct fems_span body,
			 int64_t budget_us, struct fems_delivery *d, struct fems_error *e)
{
	struct probe *p = self;

	(void)budget_us;
	if (body.len == 13) /* {"x":"never"} */ {
		d->permanent = 1;
		d->retry_after_us = 42;
		return fems_fail(e, FEMS_EINVAL, "the other side refuses %s", key);
	}
	snprintf(d->receipt, sizeof d->receipt, "taken-%s", key);
	seen(p, "push", "{\"type\":\"%s\",\"key\":\"%s\",\"length\":%d}", type, key, (int)body.len);
	return FEMS_OK;
}

static const char *const types[] = { "operations-performance", NULL };

static enum fems_rc solve(void *self, struct fems_span problem, int64_t budget_us,
			  fems_incumbent_fn incumbent, void *ctx, struct fems_error *e)
{
	char plan[64];
	int n;

	(void)self;
	(void)budget_us;
	if (problem.len < 3)
		return fems_fail(e, FEMS_ECONFLICT, "orders A and B exclude each other on machine M");
	for (n = 0; n < 5; n++) {
		snprintf(plan, sizeof plan, "{\"n\":%d}", n);
		if (incumbent(ctx, fems_span_of(plan)))
			return FEMS_OK;
	}
	return FEMS_OK;
}

static void keep(void *ctx, struct fems_span json)
{
	snprintf(ctx, 200, "%.*s", (int)json.len, json.ptr);
}

/* What other services say goes back to the caller. */
static enum fems_rc handle(void *self, const char *name, struct fems_span request, fems_reply_fn reply,
			   void *reply_ctx, struct fems_error *e)
{
	struct probe *p = self;
	const struct fems_host *h = p->h;
	char text[200] = "", out[700];
	enum fems_rc rc;

	if (!strcmp(name, "echo")) {
		reply(reply_ctx, request);
		return FEMS_OK;
	}
	if (!strcmp(name, "sleep")) {
		nap_ms(3000);
		reply(reply_ctx, request);
		return FEMS_OK;
	}
	if (!strcmp(name, "nan")) {
		struct fems_sample s[3] = {
			{ .point = p->points[0], .value = 1 },
			{ .point = p->points[0], .value = 0.0 / zero, .quality = FEMS_Q_RESET },
			{ .point = p->points[0], .value = 3 }
		};

		h->emit(h->ctx, s, 3);
		reply(reply_ctx, request);
		return FEMS_OK;
	}
	if (!strcmp(name, "command")) {
		rc = h->command(h->ctx, "m1/power.active", 5, "because", e);
		snprintf(out, sizeof out, "{\"rc\":%d,\"text\":\"%.300s\"}", rc, rc ? e->text : "");
	} else if (!strcmp(name, "publish")) {
		snprintf(out, sizeof out, "{\"good\":%d,\"bad\":%d}", h->publish(h->ctx, "demand", request),
			 h->publish(h->ctx, "demand", fems_span_of("{nonsense")));
	} else if (!strcmp(name, "find")) {
		snprintf(out, sizeof out, "{\"same\":%d,\"none\":%u}",
			 h->find(h->ctx, "m1/power.active") == p->points[0],
			 h->find(h->ctx, "nobody/power.active"));
	} else if (!strncmp(name, "call.", 5)) {
		rc = h->call(h->ctx, name + 5, request, keep, text, e);
		snprintf(out, sizeof out, "{\"rc\":%d,\"text\":\"%.300s\",\"reply\":%.200s}", rc,
			 rc ? e->text : "", text[0] ? text : "null");
	} else {
		return fems_fail(e, FEMS_ENOENT, "probe has no service \"%s\"", name);
	}
	reply(reply_ctx, fems_span_of(out));
	return FEMS_OK;
}

static const struct fems_life life = { sizeof life, check, open, start, reload, stop, free };
static const struct fems_meter_ops meter = { sizeof meter, poll, write_ };
static const struct fems_analysis_ops analysis = { sizeof analysis, feed, tick, notice };
static const struct fems_connector_ops connector = { sizeof connector, NULL, push, types };
static const struct fems_optimiser_ops optimiser = { sizeof optimiser, solve };
static const struct fems_service_ops service = { sizeof service, handle };

FEMS_PLUGIN("probe", "0.1", FEMS_METER | FEMS_ANALYSIS | FEMS_CONNECTOR | FEMS_OPTIMISER | FEMS_SERVICE,
	    .license = "Apache-2.0", .summary = "Shows what it is called with", .keys = keys,
	    .cfg_size = sizeof(struct cfg), .device_keys = device_keys, .device_size = sizeof(struct device),
	    .life = &life, .meter = &meter, .analysis = &analysis, .connector = &connector,
	    .optimiser = &optimiser, .service = &service);
