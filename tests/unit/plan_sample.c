/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/unit/plan_sample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/json.h"

static void *room(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	MUST(p);
	return p;
}

struct plan_problem *sample_empty(int slots, int machines)
{
	struct plan_problem *p = room(1, sizeof *p);
	size_t n = (size_t)slots;

	p->from_us = INT64_C(1779235200000000); /* 2026-05-20T00:00:00Z, a Wednesday */
	p->slots = slots;
	p->slot_s = 900;
	snprintf(p->currency, sizeof p->currency, "KRW");
	p->energy_price_micro = room(n, sizeof(int64_t));
	p->sell_price_micro = room(n, sizeof(int64_t));
	p->base_w = room(n, sizeof(int64_t));
	p->pv_w = room(n, sizeof(int64_t));
	p->counts = room(n, 1);
	p->machines = room((size_t)machines, sizeof *p->machines);
	p->n_machines = machines;
	for (int t = 0; t < slots; t++) {
		p->energy_price_micro[t] = 100;
		p->counts[t] = 1;
	}
	for (int i = 0; i < machines; i++) {
		char id[16];

		snprintf(id, sizeof id, "M%d", i);
		p->machines[i].id = strdup(id);
		p->machines[i].open = room(n, 1);
		memset(p->machines[i].open, 1, n);
	}
	return p;
}

void sample_option(struct plan_order *o, int machine, int length, int64_t power_w)
{
	struct plan_option *op;

	o->options = realloc(o->options, ((size_t)o->n_options + 1) * sizeof *o->options);
	MUST(o->options);
	op = &o->options[o->n_options++];
	op->machine = machine;
	op->length = length;
	op->power_w = room((size_t)length, sizeof(int64_t));
	for (int i = 0; i < length; i++)
		op->power_w[i] = power_w;
}

struct plan_order *sample_order(struct plan_problem *p, const char *id, int release, int due, int machine,
				int length, int64_t power_w)
{
	struct plan_order *o;

	p->orders = realloc(p->orders, ((size_t)p->n_orders + 1) * sizeof *p->orders);
	MUST(p->orders);
	o = &p->orders[p->n_orders++];
	memset(o, 0, sizeof *o);
	o->id = strdup(id);
	o->release = release;
	o->due = due;
	o->fixed_option = o->erp_option = o->warm_option = -1;
	sample_option(o, machine, length, power_w);
	return o;
}

/* ---- the factory ---- */

static uint64_t next(uint64_t *s) /* Steele, Lea, Flood 2014: SplitMix64 */
{
	uint64_t z = (*s += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static int between(uint64_t *s, int a, int b)
{
	return b <= a ? a : a + (int)(next(s) % (uint64_t)(b - a + 1));
}

static int64_t price_at(int t)
{
	int h = t % 96 / 4;
	int64_t won = h >= 22 || h < 8 ? 95 : h == 11 || (h >= 13 && h < 18) ? 230 : 150;

	return won * 1000000;
}

static void factory_orders(struct plan_problem *p, struct sample a, uint64_t *s)
{
	int mean = a.machines * a.slots * 6 / 10 / a.orders;

	for (int i = 0; i < a.orders; i++) {
		int len = between(s, mean * 4 / 10, mean * 16 / 10), k = between(s, 2, 4),
		    m = between(s, 0, a.machines - 1);
		int64_t kw = between(s, 15, 200);
		struct plan_order *o;
		char id[16];

		len = len < 1 ? 1 : len > 28 ? 28 : len;
		snprintf(id, sizeof id, "J%d", i);
		o = sample_order(p, id, 0, 0, m, len, kw * 1000);
		o->release = between(s, 0, 2) ? between(s, 0, a.slots - len * 3 / 2 - 4) : 0;
		o->release = o->release < 0 ? 0 : o->release;
		o->due = o->release + len + between(s, len / 2, 2 * len) + 8 * between(s, 1, 24);
		o->due = o->due > a.slots ? a.slots : o->due;
		o->late_micro_per_slot = (int64_t)between(s, 200, 3000) * 1000000;
		for (int j = 1; j < k && j < a.machines; j++)
			sample_option(o, (m + j) % a.machines, len + between(s, 0, 1), kw * 900);
		for (int j = 0; j < o->n_options; j++) {
			struct plan_option *op = &o->options[j];

			for (int q = 0; q < op->length; q++) /* heats up first, idles out last */
				op->power_w[q] = op->power_w[q] *
						 (q * 4 < op->length       ? 13
						  : q * 4 < 3 * op->length ? 10
									   : 6) /
						 40 * 4;
		}
		o->erp_option = 0;
		o->erp_start = o->release;
	}
}

struct plan_problem *sample_factory(struct sample a)
{
	struct plan_problem *p = sample_empty(a.slots, a.machines);
	uint64_t s = a.seed * 7919 + 17;
	int64_t mean = 0;

	factory_orders(p, a, &s);
	for (int i = 0; i < p->n_orders; i++)
		for (int q = 0; q < p->orders[i].options[0].length; q++)
			mean += p->orders[i].options[0].power_w[q];
	mean /= a.slots;
	for (int t = 0; t < a.slots; t++) {
		double day = 2 * 3.14159265358979 * (t % 96 / 96.0 - 0.3),
		       sun = sin(3.14159265358979 * (t % 96 / 4.0 - 6) / 13);

		p->energy_price_micro[t] = price_at(t);
		p->sell_price_micro[t] = 40000000;
		p->counts[t] = t % 96 >= 32 && t % 96 < 88;
		p->base_w[t] = (int64_t)((double)mean * (0.5 + 0.12 * sin(day))) / 4 * 4;
		p->pv_w[t] = t % 96 < 24 || t % 96 > 76 || sun < 0
				     ? 0
				     : (int64_t)((double)mean * (a.pv_export ? 2.5 : 0.25) * sun) / 4 * 4;
	}
	for (int i = 3; i < a.machines; i += 4)
		for (int t = 0; t < a.slots; t++)
			p->machines[i].open[t] = t % 96 >= 24 && t % 96 < 88;
	p->demand_threshold_w = mean * 135 / 100;
	p->demand_price_micro = INT64_C(8320) * 1000000;
	p->import_limit_w = a.limit ? mean * 32 / 10 : 0;
	if (a.battery)
		p->battery =
			(struct plan_battery){ mean * 8 / 10, mean * 35 / 100, mean / 20, mean * 75 / 100,
					       mean * 4 / 10, mean * 4 / 10,   900 };
	p->seed = (int64_t)a.seed;
	return p;
}

char *sample_text(const struct plan_problem *p)
{
	json_t *j = plan_problem_json(p);
	char *text = j ? json_text(j) : NULL;

	json_decref(j);
	MUST(text);
	return text;
}
