/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "meters/modbus/plan.h"

static void merges_over_small_holes(void **state)
{
	static const struct plan_item items[] = {
		{ 20, 3, 2 }, { 0, 3, 2 }, { 2, 3, 2 }, { 8, 3, 2 }, { 8, 3, 2 }
	};
	struct plan p;

	(void)state;
	assert_true(plan_make(&p, items, 5, 125, 4));
	assert_int_equal(p.n_items, 4); /* one was there twice */
	assert_int_equal(p.n_reads, 2);
	assert_int_equal(p.reads[0].addr, 0);
	assert_int_equal(p.reads[0].count, 10);
	assert_int_equal(p.reads[0].n, 3);
	assert_int_equal(p.reads[1].addr, 20);
	assert_int_equal(p.reads[1].count, 2);
	plan_free(&p);
	assert_true(plan_make(&p, items, 5, 125, 3));
	assert_int_equal(p.n_reads, 3);
	plan_free(&p);
	assert_true(plan_make(&p, items, 5, 125, 124));
	assert_int_equal(p.n_reads, 1);
	assert_int_equal(p.reads[0].count, 22);
	plan_free(&p);
}

static void keeps_functions_and_limits_apart(void **state)
{
	static const struct plan_item items[] = { { 0, 3, 4 }, { 4, 4, 4 }, { 8, 3, 4 }, { 12, 3, 4 } };
	struct plan p;

	(void)state;
	assert_true(plan_make(&p, items, 4, 8, 100));
	assert_int_equal(p.n_reads, 3);
	assert_int_equal(p.reads[0].count, 4);
	assert_int_equal(p.reads[1].count, 8);
	assert_int_equal(p.reads[2].fc, 4);
	plan_free(&p);
}

static void overlapping_values(void **state)
{
	static const struct plan_item items[] = { { 0, 3, 4 }, { 1, 3, 1 }, { 65532, 3, 4 } };
	struct plan p;

	(void)state;
	assert_true(plan_make(&p, items, 3, 125, 0));
	assert_int_equal(p.n_reads, 2);
	assert_int_equal(p.reads[0].count, 4);
	assert_int_equal(p.reads[1].count, 4);
	assert_int_equal(plan_find(&p, items[1]), 1);
	assert_int_equal(plan_find(&p, (struct plan_item){ 5, 3, 1 }), -1);
	plan_free(&p);
}

static void splits_between_values(void **state)
{
	static const struct plan_item items[] = { { 0, 3, 2 }, { 2, 3, 2 }, { 6, 3, 2 }, { 100, 3, 1 } };
	struct plan p;

	(void)state;
	assert_true(plan_make(&p, items, 4, 125, 10));
	assert_int_equal(p.n_reads, 2);
	assert_true(plan_split(&p, 0));
	assert_int_equal(p.n_reads, 3);
	assert_int_equal(p.reads[0].count, 2);
	assert_int_equal(p.reads[1].addr, 2);
	assert_int_equal(p.reads[1].count, 6);
	assert_true(plan_split(&p, 1));
	assert_int_equal(p.reads[2].addr, 6);
	assert_int_equal(p.reads[3].addr, 100);
	assert_false(plan_split(&p, 0));
	plan_free(&p);
}

/* Whatever the registers and limits: every value lies whole in exactly one request of its function, no
 * request is too long, and no hole inside is larger than allowed; also after splitting all there is. */
static void holds(const struct plan *p, unsigned max, unsigned gap)
{
	size_t covered = 0;

	for (size_t i = 0; i < p->n_reads; i++) {
		const struct plan_read *r = &p->reads[i];
		unsigned end = r->addr;

		assert_true(r->count >= 1 && r->count <= max);
		assert_int_equal(r->first, covered);
		for (size_t k = r->first; k < (size_t)r->first + r->n; k++) {
			const struct plan_item *it = &p->items[k];

			assert_int_equal(it->fc, r->fc);
			assert_true(it->addr >= r->addr && it->addr + it->words <= r->addr + r->count);
			assert_true(it->addr <= end + gap);
			end = it->addr + it->words > (int)end ? (unsigned)it->addr + it->words : end;
		}
		covered += r->n;
	}
	assert_int_equal(covered, p->n_items);
}

static void property(void **state)
{
	unsigned seed = 3;

	(void)state;
	for (int run = 0; run < 3000; run++) {
		static const uint8_t widths[] = { 1, 2, 4 };
		struct plan_item items[40];
		size_t n = 1 + (size_t)rand_r(&seed) % 40;
		unsigned max = 4 + (unsigned)rand_r(&seed) % 122, gap = (unsigned)rand_r(&seed) % 30;
		struct plan p;

		for (size_t i = 0; i < n; i++)
			items[i] = (struct plan_item){ (uint16_t)(rand_r(&seed) % 400),
						       (uint8_t)(3 + rand_r(&seed) % 2),
						       widths[rand_r(&seed) % 3] };
		assert_true(plan_make(&p, items, n, max, gap));
		holds(&p, max, gap);
		for (size_t i = 0; i < n; i++)
			assert_true(plan_find(&p, items[i]) >= 0);
		for (size_t i = 0; i < p.n_reads;)
			i += !plan_split(&p, i);
		assert_int_equal(p.n_reads, p.n_items);
		holds(&p, max, gap);
		plan_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merges_over_small_holes),
		cmocka_unit_test(keeps_functions_and_limits_apart),
		cmocka_unit_test(overlapping_values),
		cmocka_unit_test(splits_between_values),
		cmocka_unit_test(property),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
