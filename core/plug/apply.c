/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/plug.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/plug/plugs.h"

#define STOP_US (3 * US_PER_S)

enum what { KEEP, RELOAD, REPLACE, START };

struct step { /* one wanted instance */
	enum what what;
	struct plug_item *item;    /* wanted; NULL once the instance has it */
	struct instance *instance; /* running before (keep, reload) or by this step, with a reference */
	struct plug_item *old;     /* reload: what was in force before */
	bool done;
};

struct stopped {                   /* was running before and is stopped: gone, or to be replaced */
	struct instance *instance; /* with a reference */
	struct plug_item *item;    /* to start it again; NULL: left behind */
};

struct change {
	struct plugs *plugs;
	struct step *steps;
	size_t n_steps;
	struct stopped *stops;
	size_t n_stops;
	struct instance **before; /* with references */
	size_t n_before;
};

/* ---- what is to be done ---- */

static void classify(struct change *c, struct step *s)
{
	s->instance = plugs_get(c->plugs, s->item->name);
	if (!s->instance)
		s->what = START;
	else if (item_same(s->instance->item, s->item))
		s->what = KEEP;
	else
		s->what = instance_can_reload(s->instance, s->item) ? RELOAD : REPLACE;
}

static bool is_wanted(const struct change *c, const struct instance *i)
{
	for (size_t k = 0; k < c->n_steps; k++)
		if (c->steps[k].instance == i && c->steps[k].what != REPLACE)
			return true;
	return false;
}

static bool prepare(struct change *c, struct plugs *p, struct plug_set *set)
{
	*c = (struct change){ .plugs = p };
	c->before = plugs_all(p, &c->n_before);
	c->steps = calloc(set->n + 1, sizeof *c->steps);
	c->stops = calloc(c->n_before + 1, sizeof *c->stops);
	if (!c->steps || !c->stops || (p->n && !c->before))
		return false;
	c->n_steps = set->n;
	for (size_t k = 0; k < set->n; k++) {
		c->steps[k].item = set->items[k];
		set->items[k] = NULL;
		classify(c, &c->steps[k]);
	}
	set->n = 0;
	for (size_t k = 0; k < c->n_before; k++)
		if (!is_wanted(c, c->before[k])) {
			atomic_fetch_add(&c->before[k]->refs, 1);
			c->stops[c->n_stops++].instance = c->before[k];
		}
	for (size_t k = 0; k < c->n_steps; k++)
		if (c->steps[k].what == REPLACE) {
			instance_put(c->steps[k].instance);
			c->steps[k].instance = NULL;
		}
	return true;
}

/* ---- doing it ---- */

/* Out of the list and stopped; the reference of the list goes. The settings, NULL: left behind. */
static struct plug_item *end_one(struct plugs *p, struct instance *i, int64_t until_us)
{
	bool ended;

	plugs_list_remove(p, i);
	ended = instance_stop_wait(i, until_us);
	instance_put(i);
	return ended ? instance_item_take(i) : NULL;
}

static void stop_old(struct change *c)
{
	int64_t until = clock_mono_us() + STOP_US;

	for (size_t k = 0; k < c->n_stops; k++)
		instance_stop_begin(c->stops[k].instance);
	for (size_t k = 0; k < c->n_stops; k++)
		c->stops[k].item = end_one(c->plugs, c->stops[k].instance, until);
}

static enum fems_rc do_step(struct change *c, struct step *s, struct fems_error *e)
{
	enum fems_rc rc;

	if (s->what == RELOAD) {
		s->old = s->item;
		rc = instance_reload(s->instance, &s->old, e);
		if (rc)
			s->old = NULL;
		else
			s->item = NULL;
		s->done = !rc;
		return rc;
	}
	rc = instance_start(c->plugs, &s->item, &s->instance, e);
	if (!rc)
		atomic_fetch_add(&s->instance->refs, 1); /* one is the list's */
	s->done = !rc;
	return rc;
}

static enum fems_rc carry_out(struct change *c, struct fems_error *e)
{
	enum fems_rc rc = FEMS_OK;

	stop_old(c);
	for (size_t k = 0; k < c->n_steps && !rc; k++)
		if (c->steps[k].what == RELOAD)
			rc = do_step(c, &c->steps[k], e);
	for (size_t k = 0; k < c->n_steps && !rc; k++)
		if (c->steps[k].what == REPLACE || c->steps[k].what == START)
			rc = do_step(c, &c->steps[k], e);
	return rc;
}

/* ---- taking it back ---- */

static void undo_step(struct change *c, struct step *s)
{
	struct fems_error e = { .text = "" };

	if (!s->done)
		return;
	if (s->what == RELOAD) {
		if (instance_reload(s->instance, &s->old, &e))
			log_line(FEMS_LOG_ERROR, s->instance->name, "does not take its old settings back: %s",
				 e.text);
		return;
	}
	instance_stop_begin(s->instance);
	item_free(end_one(c->plugs, s->instance, clock_mono_us() + STOP_US));
}

static void take_back(struct change *c)
{
	struct fems_error e = { .text = "" };
	struct instance *again;

	for (size_t k = c->n_steps; k-- > 0;)
		undo_step(c, &c->steps[k]);
	for (size_t k = 0; k < c->n_stops; k++)
		if (c->stops[k].item && instance_start(c->plugs, &c->stops[k].item, &again, &e))
			log_line(FEMS_LOG_ERROR, c->stops[k].instance->name, "does not start again: %s",
				 e.text);
}

/* ---- settling ---- */

/* The list in the order of names; an instance that is not named stays behind the others. */
static void reorder(struct plugs *p, const char *const *names, size_t n)
{
	size_t at = 0;

	pthread_mutex_lock(&p->lock);
	for (size_t k = 0; k < n; k++) {
		size_t from = at;

		while (from < p->n && strcmp(p->list[from]->name, names[k]))
			from++;
		if (from < p->n) {
			struct instance *i = p->list[from];

			memmove(&p->list[at + 1], &p->list[at], (from - at) * sizeof *p->list);
			p->list[at++] = i;
		}
	}
	pthread_mutex_unlock(&p->lock);
}

static void settle_order(struct change *c, bool worked)
{
	size_t n = worked ? c->n_steps : c->n_before;
	const char **names = calloc(n + 1, sizeof *names);

	for (size_t k = 0; names && k < n; k++)
		names[k] = worked ? c->steps[k].instance->name : c->before[k]->name;
	if (names)
		reorder(c->plugs, names, n);
	free(names);
}

static bool still_read(const struct change *c, const char *device)
{
	for (size_t k = 0; k < c->n_steps; k++)
		if (instance_has_device(c->steps[k].instance, device))
			return true;
	return false;
}

static void forget_devices(struct change *c, const char *owner, const struct plug_item *item)
{
	for (size_t k = 0; item && k < item->n_devices; k++) {
		const char *name = item_device_name(item, k);

		if (!still_read(c, name) &&
		    device_set_state(c->plugs->o.points, owner, name, FEMS_DEV_UNKNOWN,
				     "no longer in the settings", clock_now_us()))
			plugs_device_notice(c->plugs, NULL, name);
	}
}

static void settle(struct change *c)
{
	settle_order(c, true);
	for (size_t k = 0; k < c->n_steps; k++) {
		if (c->steps[k].what == KEEP)
			instance_unpark(c->steps[k].instance);
		forget_devices(c, c->steps[k].instance->name, c->steps[k].old);
	}
	for (size_t k = 0; k < c->n_stops; k++)
		forget_devices(c, c->stops[k].instance->name, c->stops[k].item);
}

static void change_free(struct change *c)
{
	for (size_t k = 0; k < c->n_steps; k++) {
		instance_put(c->steps[k].instance);
		item_free(c->steps[k].item);
		item_free(c->steps[k].old);
	}
	for (size_t k = 0; k < c->n_stops; k++) {
		instance_put(c->stops[k].instance);
		item_free(c->stops[k].item);
	}
	for (size_t k = 0; k < c->n_before; k++)
		instance_put(c->before[k]);
	free(c->before);
	free(c->steps);
	free(c->stops);
}

enum fems_rc plugs_apply(struct plugs *p, struct plug_set **set, struct fems_error *e)
{
	struct fems_error unused;
	struct change c;
	enum fems_rc rc;

	e = e ? e : &unused;
	if (prepare(&c, p, *set)) {
		rc = carry_out(&c, e);
		if (rc) {
			take_back(&c);
			settle_order(&c, false);
		} else {
			settle(&c);
		}
	} else {
		rc = err_set(e, FEMS_ENOMEM, "out of memory");
	}
	e->key = NULL; /* its table may go now */
	change_free(&c);
	plug_set_free(*set);
	*set = NULL;
	return rc;
}
