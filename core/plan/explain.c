/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plan/plan.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/money.h"
#include "core/base/zone.h"
#include "core/plan/cost.h"

/* The plan without one order, ready to price that order anywhere. */
struct hole {
	const struct plan_problem *p;
	const struct plan *plan;
	const struct zone *zone;
	const struct plan_order *o;
	int i;
	int64_t *load_w;             /* import without the order */
	int64_t *before_w, *after_w; /* highest counting load before slot t, and from slot t on */
};

static void hole_free(struct hole *h)
{
	free(h->load_w);
	free(h->before_w);
	free(h->after_w);
}

static bool hole_make(struct hole *h)
{
	const struct plan_problem *p = h->p;
	size_t n = (size_t)p->slots;

	h->load_w = malloc(n * sizeof *h->load_w);
	h->before_w = calloc(n + 1, sizeof *h->before_w);
	h->after_w = calloc(n + 1, sizeof *h->after_w);
	if (!h->load_w || !h->before_w || !h->after_w) {
		hole_free(h);
		return false;
	}
	memcpy(h->load_w, h->plan->import_w, n * sizeof *h->load_w);
	cost_add_order(p, h->o, h->plan->places[h->i], -1, h->load_w);
	for (int t = 0; t < p->slots; t++)
		h->before_w[t + 1] =
			p->counts[t] && h->load_w[t] > h->before_w[t] ? h->load_w[t] : h->before_w[t];
	for (int t = p->slots - 1; t >= 0; t--)
		h->after_w[t] =
			p->counts[t] && h->load_w[t] > h->after_w[t + 1] ? h->load_w[t] : h->after_w[t + 1];
	return true;
}

/* What the order adds to energy and late, and the demand of the whole, when it stands at place. */
static struct plan_cost hole_cost(const struct hole *h, struct plan_place at)
{
	const struct plan_problem *p = h->p;
	const struct plan_option *op = &h->o->options[at.option];
	int first = at.start > 0 ? at.start : 0, end = at.start + op->length;
	int last = end < p->slots ? end : p->slots;
	struct plan_cost c = { 0, 0, 0, 0 };
	int64_t peak;

	if (first > p->slots)
		first = p->slots;
	if (last < first)
		last = first;
	peak = h->before_w[first] > h->after_w[last] ? h->before_w[first] : h->after_w[last];
	for (int t = first; t < last; t++) {
		int64_t w = h->load_w[t] + op->power_w[t - at.start];

		c.energy_micro += cost_slot(p, t, w) - cost_slot(p, t, h->load_w[t]);
		if (p->counts[t] && w > peak)
			peak = w;
	}
	c.demand_micro = cost_demand(p, peak);
	c.late_micro = cost_late(h->o, end);
	c.total_micro = c.energy_micro + c.demand_micro + c.late_micro;
	return c;
}

static struct plan_cost cost_minus(struct plan_cost a, struct plan_cost b)
{
	return (struct plan_cost){ a.energy_micro - b.energy_micro, a.demand_micro - b.demand_micro,
				   a.late_micro - b.late_micro, a.total_micro - b.total_micro };
}

/* Another order that stands in the way at this place, -1: none, -2: the machine is closed there. */
static int in_the_way(const struct hole *h, struct plan_place at)
{
	const struct plan_option *op = &h->o->options[at.option];

	for (int t = at.start; t < at.start + op->length; t++)
		if (t >= 0 && t < h->p->slots && !h->p->machines[op->machine].open[t])
			return -2;
	for (int i = 0; i < h->p->n_orders; i++) {
		const struct plan_option *other = &h->p->orders[i].options[h->plan->places[i].option];
		int start = h->plan->places[i].start;

		if (i != h->i && other->machine == op->machine && start < at.start + op->length &&
		    at.start < start + other->length)
			return i;
	}
	return -1;
}

static bool over_limit(const struct hole *h, struct plan_place at)
{
	const struct plan_option *op = &h->o->options[at.option];

	for (int i = at.start < 0 ? -at.start : 0;
	     h->p->import_limit_w && i < op->length && at.start + i < h->p->slots; i++)
		if (h->load_w[at.start + i] + op->power_w[i] > h->p->import_limit_w)
			return true;
	return false;
}

/* ---- words ---- */

static const char *clock_text(const struct hole *h, int slot, bool date, char *buf, size_t cap)
{
	struct civil c;

	zone_civil(h->zone, h->p->from_us + (int64_t)slot * h->p->slot_s * 1000000, &c);
	if (date)
		snprintf(buf, cap, "%02d-%02d %02d:%02d", c.month % 100, c.day % 100, c.hour % 100,
			 c.minute % 100);
	else
		snprintf(buf, cap, "%02d:%02d", c.hour % 100, c.minute % 100);
	return buf;
}

static bool other_day(const struct hole *h, int a, int b)
{
	int64_t slot_us = (int64_t)h->p->slot_s * 1000000;

	return zone_day_start(h->zone, h->p->from_us + a * slot_us) !=
	       zone_day_start(h->zone, h->p->from_us + b * slot_us);
}

/* "42,300 won" / "42,300원"; currencies other than KRW with two decimals and their code. */
static void money_text(const struct plan_problem *p, int64_t micro, char *en, char *ko, size_t cap)
{
	bool won = !strcmp(p->currency, "KRW");
	char n[40];

	money_format(micro < 0 ? -micro : micro, won ? 0 : 2, n, sizeof n);
	snprintf(en, cap, "%s %s", n, won ? "won" : p->currency);
	snprintf(ko, cap, won ? "%s원" : "%s %s", n, p->currency);
}

/* The stretch of the dearest slots around the ERP's place that the plan avoids; false: none. */
static bool dearest_avoided(const struct hole *h, struct plan_place was, struct plan_place is, int *first,
			    int *last)
{
	const struct plan_problem *p = h->p;
	int64_t top = INT64_MIN, low = INT64_MAX;
	int n_was = 0, n_is = 0, hit = -1;

	for (int t = 0; t < p->slots; t++) {
		top = p->energy_price_micro[t] > top ? p->energy_price_micro[t] : top;
		low = p->energy_price_micro[t] < low ? p->energy_price_micro[t] : low;
	}
	for (int i = 0; i < h->o->options[was.option].length; i++) {
		int t = was.start + i;

		if (t >= 0 && t < p->slots && p->energy_price_micro[t] == top) {
			hit = hit < 0 ? t : hit;
			n_was++;
		}
	}
	for (int i = 0; i < h->o->options[is.option].length; i++) {
		int t = is.start + i;

		n_is += t >= 0 && t < p->slots && p->energy_price_micro[t] == top;
	}
	if (top == low || n_is >= n_was)
		return false;
	for (*first = hit; *first > 0 && p->energy_price_micro[*first - 1] == top; (*first)--)
		;
	for (*last = hit + 1; *last < p->slots && p->energy_price_micro[*last] == top; (*last)++)
		;
	return true;
}

__attribute__((format(printf, 3, 4))) static void add(char *s, size_t cap, const char *fmt, ...)
{
	size_t n = strlen(s);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s + n, cap - n, fmt, ap);
	va_end(ap);
}
#define ADD_EN(r, ...) add((r)->text_en, sizeof(r)->text_en, __VA_ARGS__)
#define ADD_KO(r, ...) add((r)->text_ko, sizeof(r)->text_ko, __VA_ARGS__)

static void say_move(const struct hole *h, struct plan_place was, struct plan_place is, struct plan_reason *r)
{
	const struct plan_option *a = &h->o->options[was.option], *b = &h->o->options[is.option];
	bool date = other_day(h, was.start, is.start);
	char from[24], to[24];

	clock_text(h, was.start, date, from, sizeof from);
	clock_text(h, is.start, date, to, sizeof to);
	if (was.start != is.start) {
		ADD_EN(r, "Moved from %s to %s", from, to);
		ADD_KO(r, "%s에서 %s(으)로 옮김", from, to);
	} else {
		ADD_EN(r, "Stays at %s", to);
		ADD_KO(r, "%s 그대로", to);
	}
	if (a->machine != b->machine) {
		const char *x = h->p->machines[a->machine].id, *y = h->p->machines[b->machine].id;

		ADD_EN(r, ", from machine %s to %s", x, y);
		ADD_KO(r, ", 설비 %s에서 %s(으)로", x, y);
	}
}

static void say_saving(const struct hole *h, struct plan_reason *r)
{
	char en[64], ko[64], den[64], dko[64];
	int64_t total = r->saving.total_micro, demand = r->saving.demand_micro, late = r->saving.late_micro;

	money_text(h->p, total, en, ko, sizeof en);
	if (total == 0) {
		ADD_EN(r, ": costs the same");
		ADD_KO(r, ": 비용은 같음");
	} else {
		ADD_EN(r, ": %s %s", en, total > 0 ? "less" : "more by itself");
		ADD_KO(r, ": %s %s", ko, total > 0 ? "절감" : "증가(이 오더만 볼 때)");
	}
	money_text(h->p, demand, den, dko, sizeof den);
	if (demand) {
		ADD_EN(r, ", of it %s%s demand", demand < 0 ? "-" : "", den);
		ADD_KO(r, ", 그중 요금적용전력 %s%s", demand < 0 ? "-" : "", dko);
	}
	money_text(h->p, late, den, dko, sizeof den);
	if (late) {
		ADD_EN(r, ", lateness %s%s", late < 0 ? "-" : "", den);
		ADD_KO(r, ", 납기 지연 %s%s", late < 0 ? "-" : "", dko);
	}
}

/* Why the ERP's own place cannot be had in this plan. */
static void say_taken(const struct hole *h, struct plan_place was, struct plan_reason *r)
{
	int other = in_the_way(h, was);

	if (other == -2) {
		ADD_EN(r, "; the machine is closed at the ERP's time");
		ADD_KO(r, "; ERP 시간에는 설비가 휴무");
	} else if (other >= 0) {
		ADD_EN(r, "; the ERP's place is used by %s", h->p->orders[other].id);
		ADD_KO(r, "; ERP 자리는 %s이(가) 사용", h->p->orders[other].id);
	} else if (over_limit(h, was)) {
		ADD_EN(r, "; the ERP's time would exceed the import limit");
		ADD_KO(r, "; ERP 시간에는 수전 한도 초과");
	} else if (was.start < h->o->release) {
		ADD_EN(r, "; the ERP's time is before its release");
		ADD_KO(r, "; ERP 시간은 착수 가능 전");
	}
}

static void say_dearest(const struct hole *h, struct plan_place was, struct plan_place is,
			struct plan_reason *r)
{
	char a[24], b[24];
	int first, last;

	if (!dearest_avoided(h, was, is, &first, &last))
		return;
	clock_text(h, first, false, a, sizeof a);
	clock_text(h, last, false, b, sizeof b);
	ADD_EN(r, "; peak hours %s-%s avoided", a, b);
	ADD_KO(r, "; 최대부하 시간대 %s-%s 회피", a, b);
}

/* ---- the order that stays ---- */

/* free_run[t]: how many slots from t on the machine is open and held by no other order. */
static void free_runs(const struct hole *h, int machine, int *run)
{
	const struct plan_problem *p = h->p;

	run[p->slots] = 0;
	for (int t = 0; t < p->slots; t++)
		run[t] = p->machines[machine].open[t];
	for (int i = 0; i < p->n_orders; i++) {
		const struct plan_option *op = &p->orders[i].options[h->plan->places[i].option];
		int start = h->plan->places[i].start;

		if (i == h->i || op->machine != machine)
			continue;
		for (int t = start < 0 ? 0 : start; t < start + op->length && t < p->slots; t++)
			run[t] = 0;
	}
	for (int t = p->slots - 1; t >= 0; t--)
		run[t] = run[t] ? run[t + 1] + 1 : 0;
}

/* The cheapest other place by itself that keeps the rules; false: there is none. */
static bool next_best(const struct hole *h, struct plan_place is, struct plan_place *best, int64_t *micro)
{
	int *run = malloc(((size_t)h->p->slots + 1) * sizeof *run);
	bool found = false;

	for (int k = 0; run && k < h->o->n_options; k++) {
		int length = h->o->options[k].length;

		free_runs(h, h->o->options[k].machine, run);
		for (int s = h->o->release > 0 ? h->o->release : 0; s + length <= h->p->slots; s++) {
			struct plan_place at = { k, s };
			int64_t c;

			if ((k == is.option && s == is.start) || run[s] < length || over_limit(h, at))
				continue;
			c = hole_cost(h, at).total_micro;
			if (!found || c < *micro) {
				*best = at;
				*micro = c;
				found = true;
			}
		}
	}
	free(run);
	return found;
}

static void say_stay(const struct hole *h, struct plan_place is, struct plan_reason *r)
{
	struct plan_place best = { 0, 0 };
	int64_t micro = 0, more;
	char at[24], alt[24], en[64], ko[64];

	clock_text(h, is.start, false, at, sizeof at);
	if (h->o->fixed_option >= 0) {
		ADD_EN(r, "Runs already or is locked at %s.", at);
		ADD_KO(r, "%s에 이미 진행 중이거나 고정됨.", at);
		return;
	}
	if (!next_best(h, is, &best, &micro)) {
		ADD_EN(r, "Stays at %s: no other place is free.", at);
		ADD_KO(r, "%s 유지: 빈자리가 없음.", at);
		return;
	}
	more = micro - hole_cost(h, is).total_micro;
	clock_text(h, best.start, other_day(h, is.start, best.start), alt, sizeof alt);
	money_text(h->p, more, en, ko, sizeof en);
	if (more > 0) {
		ADD_EN(r, "Stays at %s: the next best start, %s, would cost %s more.", at, alt, en);
		ADD_KO(r, "%s 유지: 차선인 %s은(는) %s 더 듦.", at, alt, ko);
	} else if (more == 0) {
		ADD_EN(r, "Stays at %s: another start, %s, would cost the same.", at, alt);
		ADD_KO(r, "%s 유지: %s도 비용이 같음.", at, alt);
	} else {
		ADD_EN(r, "Stays at %s: %s would cost %s less; the search ended before it.", at, alt, en);
		ADD_KO(r, "%s 유지: %s이(가) %s 덜 드나 탐색 시간이 끝남.", at, alt, ko);
	}
}

void plan_explain(const struct plan_problem *p, const struct plan *plan, const struct plan *erp, int i,
		  const struct zone *zone, struct plan_reason *out)
{
	struct hole h = { p, plan, zone, &p->orders[i], i, NULL, NULL, NULL };
	struct plan_place was = erp->places[i], is = plan->places[i];

	memset(out, 0, sizeof *out);
	out->moved =
		was.start != is.start || h.o->options[was.option].machine != h.o->options[is.option].machine;
	if (!hole_make(&h)) {
		ADD_EN(out, "Out of memory: no reason.");
		ADD_KO(out, "메모리 부족: 이유 없음.");
		return;
	}
	if (out->moved) {
		out->saving = cost_minus(hole_cost(&h, was), hole_cost(&h, is));
		say_move(&h, was, is, out);
		say_saving(&h, out);
		if (out->saving.total_micro <= 0)
			say_taken(&h, was, out);
		say_dearest(&h, was, is, out);
		ADD_EN(out, ".");
		ADD_KO(out, ".");
	} else {
		say_stay(&h, is, out);
	}
	hole_free(&h);
}
