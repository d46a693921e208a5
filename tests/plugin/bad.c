/* SPDX-License-Identifier: Apache-2.0
 *
 * bad: does what a plugin must not do, at the place that its setting names; the host has to survive it.
 * Built once for each way of misbehaving that concerns the file itself (BAD_...), and once without.
 */
#include <fems/plugin.h>
#include <fems/util.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifdef BAD_MAJOR
#undef FEMS_ABI_MAJOR
#define FEMS_ABI_MAJOR 2
#endif
#ifdef BAD_MINOR
#undef FEMS_ABI_MINOR
#define FEMS_ABI_MINOR 7
#endif
#ifndef BAD_NAME
#define BAD_NAME "bad"
#endif

struct cfg {
	const char *where, *how, *marker;
};

static const struct fems_key keys[] = { FEMS_STR(struct cfg, where, "nowhere", "Call that misbehaves"),
					FEMS_STR(struct cfg, how, "abort", "What it does"),
					FEMS_STR(struct cfg, marker, "",
						 "File that ends the misbehaviour when it is there"),
#ifdef BAD_TABLE
					{ .name = "outside", .def = "1", .type = FEMS_T_INT, .off = 4096 },
#endif
#ifdef BAD_KEY
					{ .name = "interval", .def = "1", .type = FEMS_T_STR, .off = 0 },
#endif
					FEMS_KEYS_END };

struct device {
	const char *name;
};

static const struct fems_key device_keys[] = { FEMS_STR(struct device, name, NULL, "Name"), FEMS_KEYS_END };

struct bad {
	const struct fems_host *h;
	const struct cfg *cfg;
	uint32_t point;
};

#ifdef BAD_CONSTRUCTOR
__attribute__((constructor)) static void at_load(void)
{
	abort();
}
#endif

static void nap(int64_t ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static enum fems_rc flood(const struct bad *b, struct fems_error *e)
{
	size_t n = (size_t)20 << 20;
	char *big = malloc(n);
	struct fems_sample *s = calloc(200000, sizeof *s);
	enum fems_rc rc = FEMS_ENOMEM;

	if (big && s) {
		memset(big, ' ', n);
		for (size_t i = 0; i < 200000; i++)
			s[i] = (struct fems_sample){ .t_us = 1, .point = b->point, .value = (double)i };
		b->h->emit(b->h->ctx, s, 200000);
		b->h->log(b->h->ctx, FEMS_LOG_DEBUG, "%.*s", 100000, big);
		rc = b->h->document(b->h->ctx, "huge", "1", (struct fems_span){ big, n }, e);
	}
	free(big);
	free(s);
	return rc;
}

static enum fems_rc misbehave(struct bad *b, const struct cfg *c, const char *where, struct fems_error *e)
{
	if (strcmp(c->where, where) || (c->marker[0] && access(c->marker, F_OK) == 0))
		return FEMS_OK;
	if (!strcmp(c->how, "abort"))
		abort();
	if (!strcmp(c->how, "segv"))
		raise(SIGSEGV);
	if (!strcmp(c->how, "exit"))
		exit(3);
	if (!strcmp(c->how, "hang"))
		nap(3600000);
	if (!strcmp(c->how, "slow"))
		nap(1500);
	if (!strcmp(c->how, "count")) {
		b->h->document(b->h->ctx, "count", "1", fems_span_of("{}"), e);
		return fems_fail(e, FEMS_EIO, "told to fail");
	}
	if (!strcmp(c->how, "flood"))
		return flood(b, e);
	if (!strcmp(c->how, "mute"))
		return FEMS_EIO;
	if (!strcmp(c->how, "strange"))
		return (enum fems_rc)77;
	return fems_fail(e, FEMS_EIO, "told to fail at %s", where);
}

static enum fems_rc check(const struct fems_settings *s, struct fems_error *e)
{
	return misbehave(NULL, s->cfg, "check", e);
}

static enum fems_rc open(const struct fems_host *h, const struct fems_settings *s, void **self,
			 struct fems_error *e)
{
	const struct device *d = s->devices.items;
	struct bad *b = calloc(1, sizeof *b);

	if (!b)
		return FEMS_ENOMEM;
	*self = b;
	b->h = h;
	b->cfg = s->cfg;
	if (s->devices.count) {
		struct fems_point_info info = { .size = sizeof info,
						.device = d[0].name,
						.quantity = "power.active" };

		b->point = h->point(h->ctx, &info, e);
	}
	return misbehave(b, b->cfg, "open", e);
}

static enum fems_rc start(void *self, struct fems_error *e)
{
	struct bad *b = self;

	return misbehave(b, b->cfg, "start", e);
}

static void stop(void *self)
{
	struct bad *b = self;
	struct fems_error e;

	misbehave(b, b->cfg, "stop", &e);
}

static enum fems_rc poll(void *self, int64_t budget_us, struct fems_error *e)
{
	struct bad *b = self;
	struct fems_sample s = { .point = b->point, .value = 1 };
	enum fems_rc rc;

	(void)budget_us;
	rc = misbehave(b, b->cfg, "poll", e);
	if (rc || !b->point)
		return rc;
	s.t_us = b->h->now_us(b->h->ctx);
	b->h->emit(b->h->ctx, &s, 1);
	b->h->device_state(b->h->ctx, "m1", FEMS_DEV_ONLINE, "");
	return FEMS_OK;
}

static const struct fems_life life = {
	.size = sizeof life, .check = check, .open = open, .start = start, .stop = stop, .close = free
};
static const struct fems_meter_ops meter = { sizeof meter, poll, NULL };

#if defined(BAD_SYMBOL)
#define fems_plugin_1 fems_plugin_9
#endif

#ifdef BAD_MISMATCH
__attribute__((section(".note.fems"), used, aligned(4))) static const struct fems_note note = {
	5,    sizeof(struct fems_note) - 20, 1, "FEMS", FEMS_ABI_MAJOR, FEMS_ABI_MINOR, FEMS_METER, BAD_NAME,
	"1.0"
};
__attribute__((visibility("default")))
const struct fems_plugin fems_plugin_1 = { .size = sizeof(struct fems_plugin),
					   .abi_major = FEMS_ABI_MAJOR,
					   .abi_minor = FEMS_ABI_MINOR,
					   .kinds = FEMS_METER,
					   .name = "another",
					   .version = "1.0",
					   .keys = keys,
					   .cfg_size = sizeof(struct cfg),
					   .device_keys = device_keys,
					   .device_size = sizeof(struct device),
					   .life = &life,
					   .meter = &meter };
#else
#ifdef BAD_KINDS
#define KINDS (FEMS_METER | FEMS_CONNECTOR)
#else
#define KINDS FEMS_METER
#endif
FEMS_PLUGIN(BAD_NAME, "1.0", KINDS, .license = "Apache-2.0", .summary = "Misbehaves", .keys = keys,
	    .cfg_size = sizeof(struct cfg), .device_keys = device_keys, .device_size = sizeof(struct device),
	    .life = &life, .meter = &meter);
#endif
