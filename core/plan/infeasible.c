/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plan/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan/conflict.h"
#include "core/plan/cost.h"

struct look {
	const struct plan_problem *p;
	int *fixed;     /* per machine and slot: the fixed order there, -1 none */
	int64_t *low_w; /* per slot: the least import without the free orders */
	struct conflict_list list;
};

static int *fixed_row(const struct look *l, int machine)
{
	return l->fixed + (size_t)machine * (size_t)l->p->slots;
}

/* ---- fixed orders and base load ---- */

static void report_fixed_overlap(struct look *l, int a, int b, int machine)
{
	const char *x = l->p->orders[a].id, *y = l->p->orders[b].id, *id = l->p->machines[machine].id;
	struct plan_conflict *c = conflict_next(&l->list, "machine");

	conflict_order(c, x);
	conflict_order(c, y);
	conflict_en(c, "Orders %s and %s are both fixed on machine %s at the same time; release one of them.",
		    x, y, id);
	conflict_ko(c, "오더 %s와(과) %s이(가) 설비 %s에 같은 시간으로 고정되어 있습니다. 하나를 푸십시오.",
		    x, y, id);
}

static void report_fixed_horizon(struct look *l, const struct plan_order *o)
{
	struct plan_conflict *c = conflict_next(&l->list, "horizon");

	conflict_order(c, o->id);
	conflict_en(c, "Order %s is fixed and ends behind the end of the plan; plan a longer horizon.",
		    o->id);
	conflict_ko(c, "고정된 오더 %s이(가) 계획 끝을 지나 끝납니다. 계획 기간을 늘리십시오.", o->id);
}

static void look_at_fixed(struct look *l)
{
	for (int i = 0; i < l->p->n_orders; i++) {
		const struct plan_order *o = &l->p->orders[i];
		struct plan_place at = { o->fixed_option, o->fixed_start };
		int end, *row, last = -1;

		if (at.option < 0)
			continue;
		end = at.start + o->options[at.option].length;
		row = fixed_row(l, o->options[at.option].machine);
		if (end > l->p->slots)
			report_fixed_horizon(l, o);
		for (int t = at.start > 0 ? at.start : 0; t < end && t < l->p->slots; t++) {
			if (row[t] >= 0 && row[t] != last)
				report_fixed_overlap(l, row[t], i, o->options[at.option].machine);
			last = row[t];
			row[t] = i;
		}
		cost_add_order(l->p, o, at, 1, l->low_w);
	}
}

static void look_at_limit(struct look *l)
{
	struct plan_conflict *c;
	int first = -1, n = 0;

	for (int t = 0; l->p->import_limit_w && t < l->p->slots; t++)
		if (l->low_w[t] > l->p->import_limit_w) {
			first = first < 0 ? t : first;
			n++;
		}
	if (!n)
		return;
	c = conflict_next(&l->list, "limit");
	conflict_en(c,
		    "The base load and what runs already import at least %" PRId64
		    " W in slot %d (%d slots in "
		    "all), above the limit of %" PRId64 " W, before any order is placed.",
		    l->low_w[first], first, n, l->p->import_limit_w);
	conflict_ko(c,
		    "기저 부하와 진행 중인 작업만으로 슬롯 %d에 %" PRId64 " W(모두 %d개 슬롯)로 한도 %" PRId64
		    " W을(를) 넘습니다.",
		    first, l->low_w[first], n, l->p->import_limit_w);
}

static void look_at_battery(struct look *l)
{
	const struct plan_battery *b = &l->p->battery;
	int64_t wh = b->power_w / 4 * b->efficiency_permille * l->p->slots;
	int64_t top = (b->max_wh > b->stored_wh ? b->max_wh : b->stored_wh) * 1000;
	struct plan_conflict *c;

	if (!b->capacity_wh ||
	    (b->end_min_wh * 1000 <= top && b->stored_wh * 1000 + wh >= b->end_min_wh * 1000))
		return;
	c = conflict_next(&l->list, "battery");
	conflict_en(c, "The battery cannot hold %" PRId64 " Wh at the end: it has %" PRId64 " Wh now.",
		    b->end_min_wh, b->stored_wh);
	conflict_ko(c, "배터리(현재 %" PRId64 " Wh)로는 계획 끝에 %" PRId64 " Wh을(를) 담을 수 없습니다.",
		    b->stored_wh, b->end_min_wh);
}

/* ---- orders that have no place of their own ---- */

enum stage { ST_WINDOW, ST_OPEN, ST_FIXED, ST_LIMIT, ST_FITS };

/* How far the rules let option op stand at start. */
static enum stage stage_at(const struct look *l, const struct plan_option *op, int start)
{
	const uint8_t *open = l->p->machines[op->machine].open;
	const int *row = fixed_row(l, op->machine);
	enum stage worst = ST_FITS;

	for (int i = 0; i < op->length; i++) {
		int t = start + i;

		if (!open[t])
			return ST_OPEN;
		if (row[t] >= 0)
			worst = ST_FIXED;
		else if (worst == ST_FITS && l->p->import_limit_w &&
			 l->low_w[t] + op->power_w[i] > l->p->import_limit_w)
			worst = ST_LIMIT;
	}
	return worst;
}

static enum stage best_stage(const struct look *l, const struct plan_order *o)
{
	enum stage best = ST_WINDOW;

	for (int k = 0; k < o->n_options; k++)
		for (int s = o->release > 0 ? o->release : 0; s + o->options[k].length <= l->p->slots; s++) {
			enum stage st = stage_at(l, &o->options[k], s);

			if (st == ST_FITS)
				return st;
			best = st > best ? st : best;
		}
	return best;
}

static int shortest(const struct plan_order *o)
{
	int n = o->options[0].length;

	for (int k = 1; k < o->n_options; k++)
		n = o->options[k].length < n ? o->options[k].length : n;
	return n;
}

static void report_no_place(struct look *l, const struct plan_order *o, enum stage st)
{
	static const struct {
		const char *rule, *en, *ko;
	} why[] = {
		[ST_WINDOW] = { "horizon", "the plan ends before it could be finished",
				"그 전에 계획 기간이 끝납니다" },
		[ST_OPEN] = { "closed", "no machine that can do it is open that long",
			      "가능한 설비가 그만큼 이어서 열려 있지 않습니다" },
		[ST_FIXED] = { "machine", "running or locked orders hold its machines",
			       "진행 중이거나 고정된 오더가 설비를 차지합니다" },
		[ST_LIMIT] = { "limit", "base load and its power together exceed the import limit",
			       "기저 부하와 합치면 수전 한도를 넘습니다" },
	};
	struct plan_conflict *c = conflict_next(&l->list, why[st].rule);
	int n = shortest(o), from = o->release > 0 ? o->release : 0,
	    left = l->p->slots > from ? l->p->slots - from : 0;

	conflict_order(c, o->id);
	conflict_en(c,
		    "Order %s has no place: it needs %d slots (%d min) between slot %d and the end (%d "
		    "slots): %s.",
		    o->id, n, n * l->p->slot_s / 60, o->release, left, why[st].en);
	conflict_ko(c, "오더 %s을(를) 둘 곳이 없습니다: 슬롯 %d부터 끝까지 %d개 중 %d개(%d분)가 필요하나 %s.",
		    o->id, o->release, left, n, n * l->p->slot_s / 60, why[st].ko);
}

static void look_at_orders(struct look *l)
{
	for (int i = 0; i < l->p->n_orders; i++) {
		const struct plan_order *o = &l->p->orders[i];
		enum stage st = o->fixed_option >= 0 ? ST_FITS : best_stage(l, o);

		if (st != ST_FITS)
			report_no_place(l, o, st);
	}
}

/* ---- machines with more work than time ---- */

struct work {
	const struct plan_order *o;
	int length;
};

static int by_release(const void *a, const void *b)
{
	const struct work *x = a, *y = b;

	return x->o->release != y->o->release ? (x->o->release < y->o->release ? 1 : -1)
					      : strcmp(x->o->id, y->o->id);
}

static int by_length(const void *a, const void *b)
{
	const struct work *x = a, *y = b;

	return x->length != y->length ? (x->length < y->length ? 1 : -1) : strcmp(x->o->id, y->o->id);
}

/* Orders that only this machine can do. */
static int bound_work(const struct plan_problem *p, int machine, struct work *out)
{
	int n = 0;

	for (int i = 0; i < p->n_orders; i++) {
		const struct plan_order *o = &p->orders[i];
		bool only = o->fixed_option < 0;

		for (int k = 0; only && k < o->n_options; k++)
			only = o->options[k].machine == machine;
		if (only)
			out[n++] = (struct work){ o, shortest(o) };
	}
	return n;
}

static void report_overload(struct look *l, int machine, struct work *w, int n, int room, int from)
{
	const char *id = l->p->machines[machine].id;
	struct plan_conflict *c = conflict_next(&l->list, "machine");
	int need = 0, used = 0;

	qsort(w, (size_t)n, sizeof *w, by_length);
	while (used < n && need <= room) {
		conflict_order(c, w[used].o->id);
		need += w[used++].length;
	}
	conflict_en(c, "Machine %s has %d open slots from slot %d on; %d orders that only it can do need %d.",
		    id, room, from, used, need);
	conflict_ko(c,
		    "설비 %s은(는) 슬롯 %d부터 %d개 슬롯만 비어 있으나, 이 설비만 가능한 오더 %d건에 %d개가 "
		    "필요합니다.",
		    id, from, room, used, need);
}

/* Latest release first: the first set that does not fit is the smallest of its kind. */
static void look_at_machine(struct look *l, int machine, struct work *w)
{
	int n = bound_work(l->p, machine, w), room = 0, need = 0, t = l->p->slots;
	const int *row = fixed_row(l, machine);

	qsort(w, (size_t)n, sizeof *w, by_release);
	for (int i = 0; i < n; i++) {
		int from = w[i].o->release > 0 ? w[i].o->release : 0;

		for (; t > from && t > 0; t--)
			room += l->p->machines[machine].open[t - 1] && row[t - 1] < 0;
		need += w[i].length;
		if (need > room && i > 0) {
			report_overload(l, machine, w, i + 1, room, from);
			return;
		}
	}
}

int plan_infeasible(const struct plan_problem *p, struct plan_conflict *out, int cap)
{
	struct look l = { p, NULL, NULL, { out, cap, 0, { "", "", "", "" } } };
	size_t cells = (size_t)p->n_machines * (size_t)p->slots;
	struct work *w = calloc((size_t)p->n_orders + 1, sizeof *w);

	l.fixed = malloc((cells + 1) * sizeof *l.fixed);
	l.low_w = calloc((size_t)p->slots, sizeof *l.low_w);
	if (!w || !l.fixed || !l.low_w) {
		conflict_en(conflict_next(&l.list, "memory"), "Out of memory while the problem was checked.");
	} else {
		for (size_t i = 0; i < cells; i++)
			l.fixed[i] = -1;
		for (int t = 0; t < p->slots; t++)
			l.low_w[t] = p->base_w[t] - p->pv_w[t] - p->battery.power_w;
		look_at_fixed(&l);
		look_at_limit(&l);
		look_at_battery(&l);
		look_at_orders(&l);
		for (int m = 0; m < p->n_machines; m++)
			look_at_machine(&l, m, w);
	}
	free(w);
	free(l.fixed);
	free(l.low_w);
	return l.list.n;
}
