/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/act/act.h"

#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/json.h"

#define GAP_US  (5 * US_PER_S)
#define TRACKED 1024 /* points that were ever written; more are refused */

struct written {
	uint32_t point;
	int64_t t_us;
	double value;
};

struct act {
	struct act_options o;
	pthread_mutex_t lock; /* guards what follows */
	const struct site *site;
	struct written written[TRACKED];
	size_t n_written;
};

enum fems_rc act_new(const struct act_options *o, struct act **out, struct fems_error *e)
{
	struct act *a = calloc(1, sizeof *a);

	if (!a)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	a->o = *o;
	if (!a->o.min_gap_us)
		a->o.min_gap_us = GAP_US;
	a->site = o->site;
	pthread_mutex_init(&a->lock, NULL);
	*out = a;
	return FEMS_OK;
}

void act_free(struct act *a)
{
	if (!a)
		return;
	pthread_mutex_destroy(&a->lock);
	free(a);
}

void act_set_site(struct act *a, const struct site *site)
{
	pthread_mutex_lock(&a->lock);
	a->site = site;
	pthread_mutex_unlock(&a->lock);
}

static enum fems_rc check_mode(enum control_mode mode, const char *point, struct fems_error *e)
{
	if (mode == CONTROL_ACT)
		return FEMS_OK;
	return err_set(e, FEMS_EAUTH,
		       "%s was not written: control is \"%s\"; set site.control to \"act\" to allow commands",
		       point, mode == CONTROL_ADVISE ? "advise" : "off");
}

static enum fems_rc check_point(const struct point *p, double value, struct fems_error *e)
{
	if (!(p->flags & FEMS_POINT_WRITABLE))
		return err_set(e, FEMS_EAUTH, "%s is not writable in the profile of its meter", p->name);
	if (value >= p->write_min && value <= p->write_max)
		return FEMS_OK;
	return err_set(e, FEMS_EINVAL, "%s: %g is outside %g to %g, the range of its profile", p->name, value,
		       p->write_min, p->write_max);
}

/* Takes the point's turn: at most one write per gap, unless the value is the one written last, which
 * a set-point's watchdog asks for again and again. */
static enum fems_rc take_turn(struct act *a, const struct point *p, double value, struct fems_error *e)
{
	int64_t now = clock_now_us();
	struct written *w = NULL;

	for (size_t i = 0; i < a->n_written && !w; i++)
		if (a->written[i].point == p->id)
			w = &a->written[i];
	if (!w && a->n_written == TRACKED)
		return err_set(e, FEMS_EUNSUP, "%s: more than %d points are being written", p->name, TRACKED);
	if (w && w->value != value && now >= w->t_us && now - w->t_us < a->o.min_gap_us)
		return err_set(e, FEMS_AGAIN,
			       "%s: written %" PRId64 " ms ago, the least distance is %" PRId64 " ms",
			       p->name, (now - w->t_us) / 1000, a->o.min_gap_us / 1000);
	if (!w)
		w = &a->written[a->n_written++];
	*w = (struct written){ p->id, now, value };
	return FEMS_OK;
}

static enum fems_rc permit(struct act *a, const char *name, double value, const struct point **p,
			   struct fems_error *e)
{
	enum fems_rc rc;

	pthread_mutex_lock(&a->lock);
	rc = check_mode(a->site->control, name, e);
	*p = points_get(a->o.points, points_find(a->o.points, name));
	if (!rc && !*p)
		rc = err_set(e, FEMS_ENOENT, "%s: no such point", name);
	if (!rc)
		rc = check_point(*p, value, e);
	if (!rc)
		rc = take_turn(a, *p, value, e);
	pthread_mutex_unlock(&a->lock);
	return rc;
}

static enum fems_rc record(struct act *a, const char *who, const char *action, const char *point,
			   double value, const char *reason, const struct fems_error *result,
			   struct fems_error *e)
{
	/* NaN and infinity are no numbers of JSON: they stand as null */
	json_t *detail = json_pack("{s:o?,s:s,s:s}", "value", json_real(value), "reason",
				   reason ? reason : "", "result", result ? result->text : "ok");
	char *text = detail ? json_text(detail) : NULL;
	enum fems_rc rc = text ? store_audit(a->o.store, who, action, point, text, e) : FEMS_ENOMEM;

	json_decref(detail);
	free(text);
	return rc;
}

enum fems_rc act_command(struct act *a, const char *who, const char *point, double value, const char *reason,
			 struct fems_error *e)
{
	struct fems_error result = { .text = "" }, ignored;
	const struct point *p = NULL;
	enum fems_rc rc = permit(a, point, value, &p, &result);

	/* A command that cannot be recorded is not given. */
	if (!rc && (rc = record(a, who, "command", point, value, reason, NULL, &result)))
		err_wrap(&result, rc, "%s was not written because the audit cannot be kept", point);
	else if (!rc)
		rc = a->o.write(a->o.write_ctx, p, value, &result);
	if (rc) {
		record(a, who, "command-failed", point, value, reason, &result, &ignored);
		if (e)
			*e = result;
	}
	return rc;
}
