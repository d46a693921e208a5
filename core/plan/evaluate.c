/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plan/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan/conflict.h"
#include "core/plan/cost.h"

struct judge {
	const struct plan_problem *p;
	struct plan *plan;
	struct conflict_list list;
};

static int order_end(const struct judge *j, int i)
{
	return j->plan->places[i].start + j->p->orders[i].options[j->plan->places[i].option].length;
}

/* False: the place names no option, so nothing else can be said about it. */
static bool judge_option(struct judge *j, int i)
{
	const struct plan_order *o = &j->p->orders[i];
	struct plan_place at = j->plan->places[i];
	bool exists = at.option >= 0 && at.option < o->n_options;
	struct plan_conflict *c;

	if (exists && (o->fixed_option < 0 || (at.option == o->fixed_option && at.start == o->fixed_start)))
		return true;
	c = conflict_next(&j->list, "order");
	conflict_order(c, o->id);
	if (exists) {
		conflict_en(c, "Order %s runs already or is locked at slot %d and was moved to slot %d.",
			    o->id, o->fixed_start, at.start);
		conflict_ko(c,
			    "오더 %s은(는) 이미 진행 중이거나 고정(슬롯 %d)인데 슬롯 %d(으)로 옮겨졌습니다.",
			    o->id, o->fixed_start, at.start);
	} else {
		conflict_en(c, "Order %s has no option %d.", o->id, at.option);
		conflict_ko(c, "오더 %s에 선택지 %d이(가) 없습니다.", o->id, at.option);
	}
	return exists;
}

static void judge_window(struct judge *j, int i)
{
	const struct plan_order *o = &j->p->orders[i];
	int start = j->plan->places[i].start, end = order_end(j, i);
	struct plan_conflict *c;

	if (o->fixed_option < 0 && (start < o->release || start < 0)) {
		c = conflict_next(&j->list, "release");
		conflict_order(c, o->id);
		conflict_en(c, "Order %s starts at slot %d, before it is released at slot %d.", o->id, start,
			    o->release);
		conflict_ko(c, "오더 %s이(가) 착수 가능 슬롯 %d보다 이른 슬롯 %d에 시작합니다.", o->id,
			    o->release, start);
	}
	if (end > j->p->slots) {
		c = conflict_next(&j->list, "horizon");
		conflict_order(c, o->id);
		conflict_en(c, "Order %s ends at slot %d, behind the end of the plan at slot %d.", o->id, end,
			    j->p->slots);
		conflict_ko(c, "오더 %s이(가) 계획 끝(슬롯 %d)을 지나 슬롯 %d에 끝납니다.", o->id,
			    j->p->slots, end);
	}
}

static void report_closed(struct judge *j, int i, int machine, int slot)
{
	const struct plan_order *o = &j->p->orders[i];
	const char *id = j->p->machines[machine].id;
	struct plan_conflict *c = conflict_next(&j->list, "closed");

	conflict_order(c, o->id);
	conflict_en(c, "Machine %s is closed in slot %d while order %s runs on it.", id, slot, o->id);
	conflict_ko(c, "오더 %s이(가) 도는 슬롯 %d에 설비 %s이(가) 휴무입니다.", o->id, slot, id);
}

static void report_overlap(struct judge *j, int a, int b, int machine, int slot)
{
	const char *x = j->p->orders[a].id, *y = j->p->orders[b].id, *id = j->p->machines[machine].id;
	struct plan_conflict *c = conflict_next(&j->list, "machine");

	conflict_order(c, x);
	conflict_order(c, y);
	conflict_en(c, "Orders %s and %s both run on machine %s in slot %d.", x, y, id, slot);
	conflict_ko(c, "오더 %s와(과) %s이(가) 슬롯 %d에 같은 설비 %s을(를) 씁니다.", x, y, slot, id);
}

/* owner: who holds each slot of each machine, -1: nobody. */
static void judge_machine(struct judge *j, int i, int *owner)
{
	const struct plan_order *o = &j->p->orders[i];
	struct plan_place at = j->plan->places[i];
	int m = o->options[at.option].machine, end = order_end(j, i), last = -1;
	int first = at.start > 0 ? at.start : 0;
	bool closed = o->fixed_option >= 0;
	int *row = owner + (size_t)m * (size_t)j->p->slots;

	for (int t = first; t < end && t < j->p->slots; t++) {
		if (!j->p->machines[m].open[t] && !closed) {
			report_closed(j, i, m, t);
			closed = true;
		}
		if (row[t] >= 0 && row[t] != last)
			report_overlap(j, row[t], i, m, t);
		last = row[t];
		row[t] = i;
	}
}

static void judge_limit(struct judge *j)
{
	const struct plan_problem *p = j->p;
	struct plan_conflict *c;
	int first = -1, n = 0;

	for (int t = 0; p->import_limit_w && t < p->slots; t++)
		if (j->plan->import_w[t] > p->import_limit_w) {
			first = first < 0 ? t : first;
			n++;
		}
	if (!n)
		return;
	c = conflict_next(&j->list, "limit");
	for (int i = 0; i < p->n_orders; i++)
		if (j->plan->places[i].start <= first && order_end(j, i) > first)
			conflict_order(c, p->orders[i].id);
	conflict_en(c,
		    "Import of %" PRId64 " W in slot %d is above the limit of %" PRId64
		    " W (%d slots in all).",
		    j->plan->import_w[first], first, p->import_limit_w, n);
	conflict_ko(c,
		    "슬롯 %d의 수전 %" PRId64 " W이(가) 한도 %" PRId64 " W을(를) 넘습니다(모두 %d개 슬롯).",
		    first, j->plan->import_w[first], p->import_limit_w, n);
}

static void report_battery(struct judge *j, int slot, const char *en, const char *ko)
{
	struct plan_conflict *c = conflict_next(&j->list, "battery");

	conflict_en(c, "Battery in slot %d: %s.", slot, en);
	conflict_ko(c, "배터리, 슬롯 %d: %s.", slot, ko);
}

/* Stored energy is kept in Wh/1000: what is charged counts by its efficiency in permille, what is
 * discharged counts whole, so every step is exact. */
static void judge_battery(struct judge *j)
{
	const struct plan_battery *b = &j->p->battery;
	int64_t stored = b->stored_wh * 1000;
	int64_t low = (b->stored_wh < b->min_wh ? b->stored_wh : b->min_wh) * 1000;
	int64_t high = (b->stored_wh > b->max_wh ? b->stored_wh : b->max_wh) * 1000;

	for (int t = 0; t < j->p->slots; t++) {
		int64_t w = j->plan->battery_w[t], wh = w * j->p->slot_s / 3600;

		if (w % 4 || w > b->power_w || w < -b->power_w) {
			report_battery(j, t, "its power is not a multiple of 4 W within its rating",
				       "출력이 정격 안의 4 W 배수가 아닙니다");
			return;
		}
		stored += wh > 0 ? wh * b->efficiency_permille : wh * 1000;
		if (stored < low || stored > high) {
			report_battery(j, t, "the stored energy leaves its range",
				       "저장량이 허용 범위를 벗어납니다");
			return;
		}
	}
	if (stored < b->end_min_wh * 1000)
		report_battery(j, j->p->slots, "less is stored at the end than asked for",
			       "끝 저장량이 요구보다 적습니다");
}

int plan_evaluate(const struct plan_problem *p, struct plan *plan, struct plan_conflict *out, int cap)
{
	struct judge j = { p, plan, { out, cap, 0, { "", "", "", "" } } };
	size_t cells = (size_t)p->n_machines * (size_t)p->slots;
	int *owner = malloc((cells + 1) * sizeof *owner);
	bool sound = true;

	if (!owner) {
		conflict_en(conflict_next(&j.list, "memory"), "Out of memory while the plan was checked.");
		return j.list.n;
	}
	for (size_t i = 0; i < cells; i++)
		owner[i] = -1;
	for (int i = 0; i < p->n_orders; i++)
		sound = judge_option(&j, i) && sound;
	for (int i = 0; sound && i < p->n_orders; i++) {
		judge_window(&j, i);
		judge_machine(&j, i, owner);
	}
	free(owner);
	if (!sound)
		return j.list.n;
	cost_compute(p, plan);
	judge_limit(&j);
	if (plan->battery_w)
		judge_battery(&j);
	return j.list.n;
}
