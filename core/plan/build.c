/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plan/build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/plan/schedule.h"

enum { SLOTS_MAX = 1344, EQUIPMENT_MAX = 16 }; /* two weeks */

void build_free(struct build *b)
{
	order_rows_free(&b->rows);
	plan_problem_free(b->problem);
	free(b->row_of);
	free(b->left_out);
	free(b->later);
	free(b->kept);
	free(b->band);
	free(b->conflicts);
	memset(b, 0, sizeof *b);
}

bool build_conflict(struct build *b, const struct plan_conflict *c)
{
	if (b->n_conflicts == b->cap_conflicts) {
		int cap = b->cap_conflicts ? 2 * b->cap_conflicts : 16;
		struct plan_conflict *v = realloc(b->conflicts, (size_t)cap * sizeof *v);

		if (!v)
			return false;
		b->conflicts = v;
		b->cap_conflicts = cap;
	}
	b->conflicts[b->n_conflicts++] = *c;
	return true;
}

static enum fems_rc no_memory(struct fems_error *e)
{
	return err_set(e, FEMS_ENOMEM, "out of memory for the planning problem");
}

/* ---- one order ---- */

static int slot_floor(const struct build_input *in, int64_t t_us)
{
	int64_t d = t_us - in->from_us, q = d / US_PER_SLOT - (d % US_PER_SLOT < 0);

	return q < -100000 ? -100000 : q > 100000 ? 100000 : (int)q;
}

static int slot_ceil(const struct build_input *in, int64_t t_us)
{
	return -slot_floor(&(struct build_input){ .from_us = -in->from_us }, -t_us);
}

static int length_of(const struct store_order *o)
{
	int64_t n = (o->duration_us + US_PER_SLOT - 1) / US_PER_SLOT;

	return n < 1 ? 1 : n > 2976 ? 2976 : (int)n;
}

static bool runs(const struct store_order *o)
{
	return !strcmp(o->state, "running");
}

/* Its place cannot be moved any more. */
static bool is_fixed(const struct build_input *in, const struct store_order *o)
{
	return runs(o) || (o->plan_start_us > 0 && o->plan_start_us < in->from_us &&
			   o->plan_end_us > in->now_us && !strcmp(o->state, "planned"));
}

static int release_of(const struct build_input *in, const struct store_order *o)
{
	int slot = o->release_us ? slot_ceil(in, o->release_us) : 0;

	return slot < 0 ? 0 : slot;
}

void build_profile(int64_t energy_wh, int64_t duration_us, int length, int64_t *power_w)
{
	int64_t done = 0;

	for (int i = 0; i < length; i++) {
		int64_t until = (i + 1) * US_PER_SLOT < duration_us ? (i + 1) * US_PER_SLOT : duration_us;
		int64_t wh = duration_us > 0 ? (int64_t)((__int128)energy_wh * until / duration_us) : 0;

		power_w[i] = (wh - done) * 4;
		done = wh;
	}
}

struct options {
	const struct build_input *in;
	const struct store_order *row;
	struct plan_order *o;
	bool failed;
};

static bool add_option(void *ctx, const char *id)
{
	struct options *a = ctx;
	const struct site_machine *m = site_machine_find(a->in->site, id);
	struct plan_option *op;
	int64_t wh;

	if (!m || a->o->n_options == EQUIPMENT_MAX)
		return true;
	op = &a->o->options[a->o->n_options];
	op->machine = (int)(m - a->in->site->machines);
	op->length = length_of(a->row);
	op->power_w = calloc((size_t)op->length, sizeof *op->power_w);
	a->failed = a->failed || !op->power_w;
	if (!op->power_w)
		return false;
	wh = a->row->energy_wh ? a->row->energy_wh
			       : (int64_t)((__int128)m->running_w * a->row->duration_us / US_PER_H);
	build_profile(wh, a->row->duration_us, op->length, op->power_w);
	a->o->n_options++;
	return true;
}

/* The option that uses this machine; the first when it is none of them. */
static int option_on(const struct build_input *in, const struct plan_order *o, const char *equipment)
{
	const struct site_machine *m = site_machine_find(in->site, equipment);

	for (int k = 0; m && k < o->n_options; k++)
		if (o->options[k].machine == (int)(m - in->site->machines))
			return k;
	return 0;
}

static void set_places(const struct build_input *in, const struct store_order *row, struct plan_order *o)
{
	o->fixed_option = o->erp_option = o->warm_option = -1;
	if (is_fixed(in, row)) {
		o->fixed_option = option_on(in, o, row->plan_equipment);
		o->fixed_start =
			slot_floor(in, row->plan_start_us ? row->plan_start_us : row->actual_start_us);
	} else if (row->plan_start_us >= in->from_us) {
		o->warm_option = option_on(in, o, row->plan_equipment);
		o->warm_start = slot_floor(in, row->plan_start_us);
	}
	if (row->erp_start_us) {
		int start = slot_floor(in, row->erp_start_us);

		o->erp_option = 0;
		o->erp_start = start < o->release ? o->release : start;
	}
}

/* An hour of lateness costs what the order costs at the dearest price with a new peak of its power. */
static int64_t late_price(const struct build *b, const struct store_order *row, const struct plan_order *o)
{
	const struct plan_option *op = &o->options[0];
	const struct plan_problem *p = b->problem;
	int64_t dearest = 0, wh = 0, top_w = 0;
	__int128 hour;

	if (b->in.late_micro_per_slot)
		return b->in.late_micro_per_slot * row->priority;
	for (int t = 0; t < p->slots; t++)
		dearest = p->energy_price_micro[t] > dearest ? p->energy_price_micro[t] : dearest;
	for (int i = 0; i < op->length; i++) {
		wh += op->power_w[i] / 4;
		top_w = op->power_w[i] > top_w ? op->power_w[i] : top_w;
	}
	hour = (__int128)wh * dearest / 1000 + (__int128)top_w * p->demand_price_micro / 1000;
	hour = hour * row->priority / 4 + 1;
	return hour > INT64_C(1000000000000000) ? INT64_C(1000000000000000) : (int64_t)hour;
}

static bool add_order(struct build *b, size_t i)
{
	const struct store_order *row = &b->rows.v[i];
	struct plan_problem *p = b->problem;
	struct plan_order *o = &p->orders[p->n_orders];
	struct options a = { &b->in, row, o, false };

	b->row_of[p->n_orders++] = (int)i;
	memset(o, 0, sizeof *o);
	o->id = strdup(row->id);
	o->options = calloc(EQUIPMENT_MAX, sizeof *o->options);
	if (!o->id || !o->options)
		return false;
	equipment_each(row->equipment, add_option, &a);
	if (a.failed || o->n_options == 0)
		return false;
	o->release = release_of(&b->in, row);
	o->due = row->due_us ? slot_floor(&b->in, row->due_us) : p->slots;
	o->late_micro_per_slot = row->due_us ? late_price(b, row, o) : 0;
	set_places(&b->in, row, o);
	return true;
}

/* ---- the horizon and its curves ---- */

struct work { /* slots of work that each machine gets when every order takes its first choice */
	const struct site *site;
	int *slots, length;
};

static bool add_work(void *ctx, const char *id)
{
	struct work *w = ctx;
	const struct site_machine *m = site_machine_find(w->site, id);

	if (m)
		w->slots[m - w->site->machines] += w->length;
	return !m;
}

/* Long enough for the settings' horizon, for every due date, and for each machine's work in a row. */
static int wanted_slots(const struct build *b, int *work)
{
	int horizon = (int)(b->in.site->horizon_us / US_PER_SLOT), slots;

	horizon = horizon < 4 ? 4 : horizon > SLOTS_MAX ? SLOTS_MAX : horizon;
	slots = horizon;
	for (size_t i = 0; i < b->rows.n; i++) {
		const struct store_order *o = &b->rows.v[i];
		struct work w = { b->in.site, work, length_of(o) };
		int release = release_of(&b->in, o), due = o->due_us ? slot_floor(&b->in, o->due_us) : 0;

		if (b->left_out[i] || release >= horizon)
			continue;
		equipment_each(o->equipment, add_work, &w);
		slots = due > slots ? due : slots;
		slots = release + w.length > slots ? release + w.length : slots;
	}
	for (size_t i = 0; i < b->in.site->n_machines; i++)
		slots = work[i] + 4 > slots ? work[i] + 4 : slots;
	return slots < SLOTS_MAX ? slots : SLOTS_MAX;
}

static enum fems_rc set_prices(struct build *b, struct fems_error *e)
{
	struct plan_problem *p = b->problem;

	for (int t = 0; t < p->slots; t++) {
		struct tariff_price price;
		struct fems_error why = { "", NULL };

		if (tariff_price(b->in.tariff, b->in.from_us + t * US_PER_SLOT, &price, &why)) {
			if (t == 0)
				return err_set(e, FEMS_ENOENT, "no price for the plan: %s", why.text);
			log_line(FEMS_LOG_WARN, "plan", "the plan ends after %d h: %s", t / 4, why.text);
			p->slots = t;
			break;
		}
		p->energy_price_micro[t] = price.energy_micro;
		p->sell_price_micro[t] = price.energy_micro < 0 ? price.energy_micro : 0;
		p->counts[t] = price.counts_for_demand;
		str_copy(b->band[t], sizeof b->band[t], price.band ? price.band : "");
	}
	p->demand_threshold_w = b->in.demand.threshold_w;
	p->demand_price_micro = b->in.demand.total_micro_per_kw;
	return FEMS_OK;
}

static bool last_of(const struct build_input *in, const char *quantity, double *v)
{
	struct fems_sample s;
	char name[160];
	uint32_t id;

	snprintf(name, sizeof name, "%s/%s", in->site->battery.meter, quantity);
	id = store_series_find(in->store, name);
	if (!id || !store_last(in->store, id, &s) || (s.quality & FEMS_Q_CLASS) > FEMS_Q_UNCERTAIN ||
	    !isfinite(s.value))
		return false;
	*v = s.value;
	return true;
}

static void set_battery(struct build *b)
{
	const struct site_battery *sb = &b->in.site->battery;
	struct plan_battery *pb = &b->problem->battery;
	double stored;

	if (!sb->meter || sb->capacity_wh <= 0 || sb->power_w < 4)
		return;
	if (!last_of(&b->in, "energy.stored", &stored)) {
		if (!last_of(&b->in, "state.of_charge", &stored)) {
			b->battery_unknown = true;
			return;
		}
		stored = stored * (double)sb->capacity_wh / 100;
	}
	stored = stored < 0 ? 0 : stored > (double)sb->capacity_wh ? (double)sb->capacity_wh : stored;
	*pb = (struct plan_battery){
		sb->capacity_wh,        sb->power_w, sb->min_wh, sb->max_wh, (int64_t)stored, 0,
		sb->efficiency_permille
	};
	/* It hands over what it got, inside its range; more than the horizon can charge is not asked for. */
	pb->end_min_wh = pb->stored_wh > sb->max_wh ? sb->max_wh : pb->stored_wh;
	if (pb->stored_wh < sb->min_wh)
		pb->end_min_wh = pb->stored_wh;
}

static enum fems_rc set_curves(struct build *b, struct fems_error *e)
{
	struct plan_problem *p = b->problem;
	struct forecast f;
	enum fems_rc rc =
		forecast_make(b->in.store, b->in.site, b->in.now_us, b->in.from_us, p->slots, &f, e);

	if (rc)
		return rc;
	free(p->base_w);
	free(p->pv_w);
	p->base_w = f.base_w;
	p->pv_w = f.pv_w;
	b->base_kind = f.base_kind;
	return FEMS_OK;
}

static enum fems_rc add_machines(struct build *b, struct fems_error *e)
{
	struct plan_problem *p = b->problem;
	const struct site *site = b->in.site;

	p->machines = calloc(site->n_machines + 1, sizeof *p->machines);
	for (size_t i = 0; p->machines && i < site->n_machines; i++) {
		struct plan_machine *m = &p->machines[p->n_machines++];

		m->id = strdup(site->machines[i].id);
		m->open = malloc((size_t)p->slots);
		if (!m->id || !m->open)
			return no_memory(e);
		memset(m->open, 1, (size_t)p->slots);
	}
	return p->machines ? FEMS_OK : no_memory(e);
}

static enum fems_rc new_problem(struct build *b, struct fems_error *e)
{
	struct plan_problem *p = b->problem = calloc(1, sizeof *p);
	int *work = calloc(b->in.site->n_machines + 1, sizeof *work);
	size_t n;
	enum fems_rc rc;

	if (!p || !work) {
		free(work);
		return no_memory(e);
	}
	p->from_us = b->in.from_us;
	p->slot_s = 900;
	p->slots = wanted_slots(b, work);
	free(work);
	n = (size_t)p->slots;
	p->seed = b->in.seed;
	p->import_limit_w = b->in.import_limit_w;
	str_copy(p->currency, sizeof p->currency, b->in.site->currency);
	p->energy_price_micro = calloc(n, sizeof *p->energy_price_micro);
	p->sell_price_micro = calloc(n, sizeof *p->sell_price_micro);
	p->counts = calloc(n, 1);
	b->band = calloc(n, sizeof *b->band);
	p->orders = calloc(b->rows.n + 1, sizeof *p->orders);
	if (!p->energy_price_micro || !p->sell_price_micro || !p->counts || !b->band || !p->orders)
		return no_memory(e);
	if ((rc = set_prices(b, e)) || (rc = set_curves(b, e)))
		return rc;
	set_battery(b);
	return add_machines(b, e);
}

/* ---- orders that take part ---- */

static enum fems_rc refuse_faulty(struct build *b, struct fems_error *e)
{
	for (size_t i = 0; i < b->rows.n; i++) {
		struct plan_conflict c = { .rule = "order" };

		if (!schedule_order_fault(b->in.site, &b->rows.v[i], c.text_en, c.text_ko, sizeof c.text_en))
			continue;
		b->left_out[i] = true;
		str_copy(c.orders, sizeof c.orders, b->rows.v[i].id);
		if (!build_conflict(b, &c))
			return no_memory(e);
	}
	return FEMS_OK;
}

static enum fems_rc add_orders(struct build *b, struct fems_error *e)
{
	for (size_t i = 0; i < b->rows.n; i++) {
		const struct store_order *o = &b->rows.v[i];

		b->kept[i] = is_fixed(&b->in, o) && o->plan_end_us && o->plan_end_us <= b->in.from_us;
		b->later[i] =
			!is_fixed(&b->in, o) && release_of(&b->in, o) + length_of(o) > b->problem->slots;
		if (b->left_out[i] || b->later[i] || b->kept[i])
			continue;
		if (!add_order(b, i))
			return no_memory(e);
	}
	return FEMS_OK;
}

/* ---- conflicts: leave out until the rest fits ---- */

static int order_of_id(const struct plan_problem *p, const char *id, size_t len)
{
	for (int i = 0; i < p->n_orders; i++)
		if (strlen(p->orders[i].id) == len && !strncmp(p->orders[i].id, id, len))
			return i;
	return -1;
}

/* Of the orders a conflict names the one to leave out: least priority, then the latest due, never one
 * that is fixed while another can go. */
static int weakest(const struct build *b, const struct plan_conflict *c)
{
	const char *s = c->orders;
	int worst = -1;

	while (*s) {
		size_t len = strcspn(s, " ");
		int i = order_of_id(b->problem, s, len);

		if (i >= 0 && worst >= 0) {
			const struct store_order *x = &b->rows.v[b->row_of[i]],
						 *y = &b->rows.v[b->row_of[worst]];
			bool xf = b->problem->orders[i].fixed_option >= 0;
			bool yf = b->problem->orders[worst].fixed_option >= 0;

			if (xf != yf                     ? yf
			    : x->priority != y->priority ? x->priority < y->priority
							 : x->due_us > y->due_us)
				worst = i;
		} else if (i >= 0) {
			worst = i;
		}
		s += len + (s[len] == ' ');
	}
	return worst;
}

static void drop_order(struct plan_problem *p, int *row_of, int i)
{
	for (int k = 0; k < p->orders[i].n_options; k++)
		free(p->orders[i].options[k].power_w);
	free(p->orders[i].options);
	free(p->orders[i].id);
	p->n_orders--;
	memmove(&p->orders[i], &p->orders[i + 1], (size_t)(p->n_orders - i) * sizeof *p->orders);
	memmove(&row_of[i], &row_of[i + 1], (size_t)(p->n_orders - i) * sizeof *row_of);
}

static enum fems_rc settle_conflicts(struct build *b, struct fems_error *e)
{
	struct plan_conflict c;

	while (plan_infeasible(b->problem, &c, 1)) {
		int i = weakest(b, &c);

		if (!build_conflict(b, &c))
			return no_memory(e);
		if (i < 0)
			return err_set(e, FEMS_ECONFLICT, "%s", c.text_en);
		b->left_out[b->row_of[i]] = true;
		drop_order(b->problem, b->row_of, i);
	}
	return FEMS_OK;
}

enum fems_rc build_problem(const struct build_input *in, struct order_rows *rows, struct build *b,
			   struct fems_error *e)
{
	enum fems_rc rc;

	memset(b, 0, sizeof *b);
	b->in = *in;
	b->rows = *rows;
	memset(rows, 0, sizeof *rows);
	b->row_of = calloc(b->rows.n + 1, sizeof *b->row_of);
	b->left_out = calloc(b->rows.n + 1, sizeof *b->left_out);
	b->later = calloc(b->rows.n + 1, sizeof *b->later);
	b->kept = calloc(b->rows.n + 1, sizeof *b->kept);
	if (!b->row_of || !b->left_out || !b->later || !b->kept)
		return no_memory(e);
	if ((rc = refuse_faulty(b, e)) || (rc = new_problem(b, e)) || (rc = add_orders(b, e)))
		return rc;
	return settle_conflicts(b, e);
}
