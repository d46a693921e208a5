/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/demand/demand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fems/util.h>

#define SITE_EVERY_US INT64_C(60000000)

static enum fems_rc demand_open(const struct fems_host *host, const struct fems_settings *settings,
				void **self, struct fems_error *e)
{
	struct demand *d = calloc(1, sizeof *d);
	enum fems_rc rc;

	(void)settings;
	if (!d)
		return fems_fail(e, FEMS_ENOMEM, "out of memory");
	d->host = host;
	*self = d;
	rc = host->subscribe(host->ctx, "*/power.active", e);
	return rc ? rc : host->subscribe(host->ctx, "*/energy.active.import", e);
}

static void demand_close(void *self)
{
	free(self);
}

static void demand_stop(void *self)
{
	(void)self;
}

static enum fems_rc demand_feed(void *self, const struct fems_sample *s, size_t n, uint64_t lost)
{
	struct demand *d = self;

	(void)lost;
	for (size_t i = 0; i < n; i++) {
		if ((s[i].quality & FEMS_Q_CLASS) > FEMS_Q_UNCERTAIN)
			continue;
		if (s[i].point == d->power_point)
			window_power(&d->window, s[i].t_us, s[i].value);
		else if (s[i].point == d->energy_point)
			window_counter(&d->window, s[i].t_us, s[i].value);
	}
	return FEMS_OK;
}

/* Carries the advice out; a load whose command failed keeps its state and is tried again. */
static void carry_out(struct demand *d, int64_t now_us)
{
	for (int i = 0; i < d->n_loads; i++) {
		struct load *l = &d->loads[i];
		struct fems_error e = { .text = "" };
		bool off = l->advice == ADVICE_SHED;

		if (l->advice == ADVICE_HOLD || !l->point[0])
			continue;
		if (d->host->command(d->host->ctx, l->point, off, l->why_en, &e)) {
			d->host->log(d->host->ctx, FEMS_LOG_WARN, "load \"%s\" could not be %s: %s", l->name,
				     off ? "shed" : "restored", e.text);
			continue;
		}
		d->host->log(d->host->ctx, FEMS_LOG_INFO, "load \"%s\" %s: %s", l->name,
			     off ? "shed" : "restored", l->why_en);
		l->off = off;
		l->changed_us = now_us;
	}
}

/* Without fresh data nobody knows what pauses are good for: everything comes back. */
static void release_all(struct demand *d)
{
	for (int i = 0; i < d->n_loads; i++) {
		struct load *l = &d->loads[i];

		l->advice = l->off ? ADVICE_RESTORE : ADVICE_HOLD;
		snprintf(l->why_en, sizeof l->why_en, "%s", l->off ? "no fresh value of the main meter" : "");
		snprintf(l->why_ko, sizeof l->why_ko, "%s", l->off ? "주 계량기의 새 값 없음" : "");
	}
}

static bool older(const struct projection *p, int64_t limit_us, int64_t gaps)
{
	int64_t spaced = gaps * p->gap_us;

	return p->age_us > (spaced > limit_us ? spaced : limit_us);
}

bool demand_is_stale(const struct projection *p)
{
	return older(p, STALE_US, 3);
}

bool demand_is_lost(const struct projection *p)
{
	return older(p, RELEASE_US, 12);
}

static void decide(struct demand *d, const struct projection *p, int64_t now_us)
{
	if (demand_is_lost(p))
		release_all(d);
	else if (demand_is_stale(p) || d->target_w <= 0)
		return;
	else
		shed_decide(d->loads, d->n_loads, p, now_us, d->target_w);
	if (d->mode == MODE_ACT)
		carry_out(d, now_us);
}

static void ask_what_is_due(struct demand *d, int64_t now_us)
{
	if (!d->asked_site_us || now_us - d->asked_site_us >= SITE_EVERY_US || !d->power_point ||
	    !d->energy_point)
		demand_ask_site(d, now_us);
	if (!d->tariff.known || now_us / WINDOW_US != d->asked_tariff_us / WINDOW_US)
		demand_ask_tariff(d, now_us);
	if (d->window.have_counter && d->window.partial && d->carried_window_us != d->window.start_us)
		demand_ask_carry(d, now_us);
}

static enum fems_rc demand_tick(void *self, int64_t now_us)
{
	struct demand *d = self;
	struct projection p;
	bool known;
	json_t *report;
	char *text;

	ask_what_is_due(d, now_us);
	known = window_project(&d->window, now_us, &p);
	if (known)
		decide(d, &p, now_us);
	report = demand_report(d, known ? &p : NULL, now_us);
	text = json_dumps(report, JSON_COMPACT);
	json_decref(report);
	if (!text)
		return FEMS_ENOMEM;
	d->host->publish(d->host->ctx, "demand", fems_span_of(text));
	free(text);
	return FEMS_OK;
}

static enum fems_rc demand_handle(void *self, const char *name, struct fems_span request, fems_reply_fn reply,
				  void *reply_ctx, struct fems_error *e)
{
	struct demand *d = self;
	int64_t now_us = d->host->now_us(d->host->ctx);
	struct projection p;
	json_t *report;
	char *text;

	(void)request;
	if (strcmp(name, "now"))
		return fems_fail(e, FEMS_ENOENT, "the demand guard answers \"now\" only, not \"%s\"", name);
	report = demand_report(d, window_project(&d->window, now_us, &p) ? &p : NULL, now_us);
	text = json_dumps(report, JSON_COMPACT);
	json_decref(report);
	if (!text)
		return fems_fail(e, FEMS_ENOMEM, "out of memory");
	reply(reply_ctx, fems_span_of(text));
	free(text);
	return FEMS_OK;
}

static const struct fems_life life = {
	.size = sizeof life,
	.open = demand_open,
	.stop = demand_stop,
	.close = demand_close,
};
static const struct fems_analysis_ops analysis = { .size = sizeof analysis,
						   .feed = demand_feed,
						   .tick = demand_tick };
static const struct fems_service_ops service = { .size = sizeof service, .handle = demand_handle };

FEMS_PLUGIN("demand", PACKAGE_VERSION, FEMS_ANALYSIS | FEMS_SERVICE, .grade = FEMS_BETA,
	    .license = "Apache-2.0", .summary = "Watches the running demand window and sheds loads",
	    .life = &life, .analysis = &analysis, .service = &service);
