/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "store_fixture.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void simple_sums(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_counter(f, "main/energy.active.import", 0);
	struct store_energy sl[8], en;

	/* 1 Wh a second from T0 on, for 40 minutes. */
	for (int i = 0; i <= 2400; i++)
		put(f, id, T0 + i * S, 5000 + i);
	en = energy(f, id, T0, T0 + 2400 * S);
	assert_int_equal(en.wh, 2400);
	assert_int_equal(en.flags, 0);
	assert_int_equal(en.covered_permille, 1000);
	assert_int_equal(energy(f, id, T0 + S / 2, T0 + 10 * S).wh,
			 9); /* 9.5 from 0.5: rounded at each end */
	assert_int_equal(energy(f, id, T0 + 7 * S, T0 + 1000 * S).wh, 993);
	assert_int_equal(slots(f, id, EDGE, EDGE + 3 * SLOT, sl, 8), 3);
	assert_int_equal(sl[0].wh, 600); /* begins five minutes late */
	assert_int_equal(sl[0].flags, STORE_MISSING);
	assert_int_equal(sl[1].wh, 900);
	assert_int_equal(sl[1].flags, 0);
	assert_int_equal(sl[1].covered_permille, 1000);
	assert_int_equal(sl[2].wh, 900);
	put(f, id, T0 + 2500 * S, 7600);
	assert_int_equal(slots(f, id, EDGE + 3 * SLOT, EDGE + 5 * SLOT, sl, 8), 2);
	assert_int_equal(sl[0].flags & STORE_PROVISIONAL, STORE_PROVISIONAL);
	assert_int_equal(sl[0].wh, 200);
	assert_int_equal(sl[1].flags, STORE_MISSING);
	fixture_reopen(f);
	en = energy(f, id, T0 - 100 * S, T0 + 100 * S);
	assert_int_equal(en.wh, 100);
	assert_int_equal(en.flags, STORE_MISSING);
	assert_int_equal(en.covered_permille, 500);
	en = energy(f, id, T0 + 2000 * S, T0 + 9000 * S);
	assert_int_equal(en.wh, 600);
	assert_int_equal(en.flags, STORE_PROVISIONAL);
	en = energy(f, id, T0 + 5000 * S, T0 + 9000 * S);
	assert_int_equal(en.wh, 0);
	assert_int_equal(en.flags, STORE_PROVISIONAL | STORE_MISSING);
	assert_int_equal(energy(f, id, T0, T0).wh, 0);
}

static void bad_questions(void **state)
{
	struct fixture *f = *state;
	uint32_t gauge = make_gauge(f, "a/power.active", 1), empty = make_counter(f, "a/e", 0);
	struct store_energy en;

	assert_int_equal(store_energy(f->st, gauge, 0, 1, &en, &f->e), FEMS_EINVAL);
	assert_non_null(strstr(f->e.text, "a/power.active"));
	assert_int_equal(store_energy(f->st, 99, 0, 1, &en, &f->e), FEMS_ENOENT);
	assert_int_equal(store_energy(f->st, empty, 5, 1, &en, &f->e), FEMS_EINVAL);
	assert_int_equal(store_slots(f->st, empty, 5, 1, NULL, NULL, &f->e), FEMS_EINVAL);
	en = energy(f, empty, T0, T0 + SLOT);
	assert_int_equal(en.wh, 0);
	assert_int_equal(en.flags, STORE_MISSING);
}

static void gaps_are_classed(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_counter(f, "a/e", 0);
	struct store_energy en, sl[20];

	for (int i = 0; i <= 100; i++)
		put(f, id, EDGE + i * S, i);
	put(f, id, EDGE + 160 * S, 160);
	for (int i = 0; i <= 100; i++)
		put(f, id, EDGE + 2 * SLOT + (300 + i) * S, 10000 + i);
	en = energy(f, id, EDGE, EDGE + 130 * S);
	assert_int_equal(en.wh, 130);
	assert_int_equal(en.flags, STORE_INTERPOLATED);
	en = energy(f, id, EDGE + 10 * S, EDGE + SLOT);
	assert_int_equal(en.flags, STORE_ESTIMATED);
	/* Total known whatever the gap, when both ends are good. */
	en = energy(f, id, EDGE, EDGE + 2 * SLOT + 400 * S);
	assert_int_equal(en.wh, 10100);
	assert_int_equal(en.flags, 0);
	assert_int_equal(en.covered_permille, (160 + 100) * 1000 / 2200);
	assert_int_equal(slots(f, id, EDGE, EDGE + 2 * SLOT, sl, 20), 2);
	assert_int_equal(sl[1].flags, STORE_ESTIMATED);
	assert_int_equal(sl[1].covered_permille, 0);
}

static void slow_polls_are_good(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_counter(f, "a/e", 0);

	for (int i = 0; i < 100; i++)
		put(f, id, EDGE + 7 * S + i * 60 * S, i * 60);
	assert_int_equal(energy(f, id, EDGE + SLOT, EDGE + 2 * SLOT).flags, 0);
	assert_int_equal(energy(f, id, EDGE + SLOT, EDGE + 2 * SLOT).wh, 900);
}

static void resets_are_lower_bounds(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_counter(f, "a/e", 0);
	struct store_energy en, sl[4];

	for (int i = 0; i <= 2000; i++)
		put(f, id, EDGE + i * S, i < 1000 ? 500000 + i : i - 1000);
	en = energy(f, id, EDGE, EDGE + 2000 * S);
	assert_int_equal(en.wh, 999 + 1000);
	assert_int_equal(en.flags, STORE_RESET);
	assert_int_equal(energy(f, id, EDGE, EDGE + 900 * S).flags, 0);
	assert_int_equal(energy(f, id, EDGE + 1100 * S, EDGE + 1300 * S).flags, 0);
	assert_int_equal(slots(f, id, EDGE, EDGE + 2 * SLOT, sl, 4), 2);
	assert_int_equal(sl[0].flags, 0);
	assert_int_equal(sl[1].flags, STORE_RESET);
	assert_int_equal(sl[1].wh, 899);
	fixture_reopen(f);
	for (int i = 2001; i <= 3000; i++)
		put(f, id, EDGE + i * S, i - 1000);
	assert_int_equal(energy(f, id, EDGE, EDGE + 3000 * S).wh, 999 + 2000);
}

/* ---- properties ---- */

#define N 6000

struct plant { /* a counter with resets, glitches and gaps; the same for one seed */
	int64_t t[N];
	double v[N];
	int n;
};

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 12;
}

static void make_plant(struct plant *p, unsigned seed, bool nasty)
{
	int64_t t = T0, raw = 1000;

	p->n = 0;
	for (int i = 0; i < N; i++) {
		unsigned r = next_random(&seed);

		t += nasty && r % 400 == 0 ? 1300 * S : 2 * S + (int64_t)(r % 1000) * 100;
		raw += r % 9;
		if (nasty && r % 1500 == 1)
			raw = r % 5;
		p->t[i] = t;
		p->v[i] = nasty && r % 700 == 2 ? 0 : (double)raw;
		p->n++;
	}
}

static void put_in_order(struct fixture *f, uint32_t id, const struct plant *p)
{
	for (int i = 0; i < p->n; i++)
		put(f, id, p->t[i], p->v[i]);
	sync_store(f);
}

/* Parts in some order, with duplicates, late ones, and restarts between. */
static void put_mixed(struct fixture *f, uint32_t id, const struct plant *p, unsigned seed)
{
	static bool given[N];
	int at = 0, left = p->n;

	memset(given, 0, sizeof given);
	while (left) {
		unsigned r = next_random(&seed);
		int n = (int)(r % 97) + 1, from = r % 4 ? at : (int)(next_random(&seed) % (unsigned)p->n);

		for (int i = from; i < from + n && i < p->n; i++) {
			if (r % 11 == 3 && i % 2)
				continue;
			put(f, id, p->t[i], p->v[i]);
			left -= !given[i];
			given[i] = true;
		}
		while (at < p->n && given[at])
			at++;
		if (r % 23 == 5)
			sync_store(f);
		if (r % 97 == 7)
			fixture_reopen(f);
	}
	sync_store(f);
}

/* Every column of every boundary row. */
static void same_rows(struct fixture *f, uint32_t a, uint32_t b)
{
	char text[1024];
	static const char columns[] =
		"t_us, wh, flags, covered_us, left_us, left_raw, left_offset, left_epoch,"
		" left_gap_us, anchor";

	snprintf(text, sizeof text,
		 "SELECT count(*) FROM (SELECT %s FROM boundary WHERE series=%u EXCEPT SELECT %s FROM"
		 " boundary WHERE series=%u)",
		 columns, a, columns, b);
	assert_int_equal(sql(f, text), 0);
	snprintf(text, sizeof text,
		 "SELECT (SELECT count(*) FROM boundary WHERE series=%u) - (SELECT count(*) FROM"
		 " boundary WHERE series=%u)",
		 a, b);
	assert_int_equal(sql(f, text), 0);
	snprintf(text, sizeof text, "SELECT count(*) FROM boundary WHERE series=%u", a);
	assert_true(sql(f, text) > 10);
}

static void random_order_gives_the_same(void **state)
{
	struct fixture *f = *state;
	static struct plant p;

	for (unsigned seed = 1; seed <= 6; seed++) {
		char a[32], b[32];
		uint32_t x, y;
		int64_t end;

		snprintf(a, sizeof a, "a%u/e", seed);
		snprintf(b, sizeof b, "b%u/e", seed);
		x = make_counter(f, a, 0);
		y = make_counter(f, b, 0);
		make_plant(&p, seed, seed > 2);
		end = p.t[p.n - 1] + 100 * S;
		put_in_order(f, x, &p);
		put_mixed(f, y, &p, seed * 77);
		same_rows(f, x, y);
		for (unsigned k = 0, r = seed; k < 60; k++) {
			int64_t from = T0 + (int64_t)(next_random(&r) % 12000) * S,
				to = from + (next_random(&r) % 5000) * S;
			struct store_energy u = energy(f, x, from, to), v = energy(f, y, from, to);

			assert_memory_equal(&u, &v, sizeof u);
		}
		/* Going on live after late arrival continues the same index. */
		for (int i = 1; i <= 1000; i++) {
			put(f, x, end + i * S, p.v[p.n - 1] + i);
			put(f, y, end + i * S, p.v[p.n - 1] + i);
		}
		sync_store(f);
		same_rows(f, x, y);
	}
}

static void parts_add_up_exactly(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_counter(f, "a/e", 0);
	static struct plant p;
	struct store_energy sl[100];
	int64_t end;
	unsigned seed = 5;

	make_plant(&p, 4, true);
	put_in_order(f, id, &p);
	end = p.t[p.n - 1];
	for (int round = 0; round < 20; round++) {
		int64_t a = T0 - 50 * S, sum = 0, total = energy(f, id, a, end + 50 * S).wh;

		while (a < end + 50 * S) {
			int64_t b = a + (int64_t)(next_random(&seed) % 3000 + 1) * S / 3 + 1;

			if (b > end + 50 * S)
				b = end + 50 * S;
			sum += energy(f, id, a, b).wh;
			a = b;
		}
		assert_int_equal(sum, total);
	}
	for (int round = 0; round < 2; round++) {
		size_t n = slots(f, id, EDGE, end, sl, 100);
		int64_t sum = 0;

		for (size_t i = 0; i < n; i++)
			sum += sl[i].wh;
		assert_int_equal(sum, energy(f, id, EDGE, EDGE + (int64_t)n * SLOT).wh);
		fixture_reopen(f);
	}
}

static void conserved_whatever_the_order(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_counter(f, "a/e", 0);
	static struct plant p;

	make_plant(&p, 9, false);
	put_mixed(f, id, &p, 3);
	assert_int_equal(energy(f, id, T0, p.t[N - 1]).wh, (int64_t)(p.v[N - 1] - p.v[0]));
	assert_int_equal(energy(f, id, T0 - SLOT, p.t[N - 1] + 100 * SLOT).wh,
			 (int64_t)(p.v[N - 1] - p.v[0]));
}

static void correction_of_a_withheld_jump(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_counter(f, "a/e", 100000);

	for (int i = 0; i <= 3000; i++)
		put(f, id, EDGE + i * S, i + (i > 1500 ? 90000000 : 0));
	assert_int_equal(energy(f, id, EDGE, EDGE + 3000 * S).wh, 2999);
	assert_int_equal(energy(f, id, EDGE, EDGE + 3000 * S).flags, STORE_RESET);
	/* The same instants again with the right values replace. */
	for (int i = 1501; i <= 3000; i++)
		put(f, id, EDGE + i * S, i);
	sync_store(f);
	assert_int_equal(energy(f, id, EDGE, EDGE + 3000 * S).wh, 3000);
	assert_int_equal(energy(f, id, EDGE, EDGE + 3000 * S).flags, 0);
}

/* ---- history ---- */

static void fill_history(struct store_import_slot *h, int n, int64_t end)
{
	for (int i = 0; i < n; i++)
		h[i] = (struct store_import_slot){ end - (int64_t)(n - i) * SLOT, 100 + i % 50 };
}

static int64_t sum_of(const struct store_import_slot *h, int n)
{
	int64_t sum = 0;

	for (int i = 0; i < n; i++)
		sum += h[i].wh;
	return sum;
}

static void check_history(struct fixture *f, uint32_t id, const struct store_import_slot *h, int n)
{
	static struct store_energy sl[1000];
	int64_t end = h[n - 1].start_us + SLOT;

	assert_int_equal(slots(f, id, h[0].start_us, end, sl, 1000), n);
	for (int i = 0; i < n; i++) {
		assert_int_equal(sl[i].wh, h[i].wh);
		assert_int_equal(sl[i].flags, 0);
		assert_int_equal(sl[i].covered_permille, 1000);
	}
	assert_int_equal(energy(f, id, h[0].start_us, end).wh, sum_of(h, n));
	assert_int_equal(energy(f, id, h[0].start_us, h[0].start_us + SLOT / 2).wh, h[0].wh / 2);
}

static void history_then_live(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_counter(f, "a/e", 0);
	struct store_import_slot h[400];
	int64_t total;

	fill_history(h, 400, EDGE);
	OK(f, store_import(f->st, id, h, 400, "kim", "a.csv", &f->e));
	check_history(f, id, h, 400);
	for (int i = 5; i <= 2000; i++)
		put(f, id, EDGE + i * S, 777000 + i);
	total = sum_of(h, 400) + 1995;
	for (int round = 0; round < 2; round++) {
		check_history(f, id, h, 400);
		assert_int_equal(energy(f, id, h[0].start_us, EDGE + 2000 * S).wh, total);
		assert_int_equal(energy(f, id, EDGE, EDGE + SLOT).wh, 895);
		assert_int_equal(energy(f, id, EDGE, EDGE + SLOT).flags, 0);
		assert_int_equal(energy(f, id, EDGE - 450 * S, EDGE + SLOT).wh, 895 + h[399].wh / 2);
		fixture_reopen(f);
	}
	for (int i = 2001; i <= 4000; i++)
		put(f, id, EDGE + i * S, 777000 + i);
	assert_int_equal(energy(f, id, h[0].start_us, EDGE + 4000 * S).wh, total + 2000);
}

static void live_then_history(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_counter(f, "a/e", 0);
	struct store_import_slot h[100], early[50];
	struct store_energy en;

	for (int i = 0; i <= 3000; i++)
		put(f, id, T0 + i * S, 1234 + i);
	fill_history(h, 100, EDGE);
	OK(f, store_import(f->st, id, h, 100, "kim", "a.csv", &f->e));
	fill_history(early, 50, h[0].start_us - SLOT); /* a hole of one slot */
	OK(f, store_import(f->st, id, early, 50, "kim", "b.csv", &f->e));
	for (int round = 0; round < 2; round++) {
		check_history(f, id, h, 100);
		check_history(f, id, early, 50);
		en = energy(f, id, early[0].start_us, T0 + 3000 * S);
		assert_int_equal(en.wh, sum_of(h, 100) + sum_of(early, 50) + 3000);
		assert_int_equal(en.flags,
				 STORE_RESET); /* a hole, and five minutes before the first reading */
		assert_int_equal(slots(f, id, h[0].start_us - SLOT, h[0].start_us, &en, 1), 1);
		assert_int_equal(en.flags, STORE_MISSING);
		assert_int_equal(energy(f, id, EDGE, EDGE + SLOT).flags & STORE_RESET, STORE_RESET);
		fixture_reopen(f);
	}
	put(f, id, T0 + 4000 * S, 1234 + 4000);
	put(f, id, T0 + 3500 * S, 1234 + 3500);
	sync_store(f);
	assert_int_equal(energy(f, id, early[0].start_us, T0 + 4000 * S).wh,
			 sum_of(h, 100) + sum_of(early, 50) + 4000);
	assert_int_equal(sql(f, "SELECT count(*) FROM audit WHERE action='import' AND who='kim'"), 2);
}

static void history_in_pieces(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_counter(f, "a/e", 0), twin = make_counter(f, "b/e", 0);
	struct store_import_slot h[300];

	fill_history(h, 300, EDGE);
	OK(f, store_import(f->st, id, h + 100, 100, "kim", "2", &f->e));
	OK(f, store_import(f->st, id, h, 100, "kim", "1", &f->e));
	OK(f, store_import(f->st, id, h + 200, 100, "kim", "3", &f->e));
	check_history(f, id, h, 300);
	put(f, twin, EDGE, 50);
	OK(f, store_import(f->st, twin, h, 200, "kim", "1", &f->e));
	OK(f, store_import(f->st, twin, h + 200, 100, "kim", "3", &f->e));
	check_history(f, twin, h, 300);
	put(f, twin, EDGE + 10 * S, 60);
	assert_int_equal(energy(f, twin, h[0].start_us, EDGE + 10 * S).wh, sum_of(h, 300) + 10);
}

static void history_that_does_not_fit(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_counter(f, "a/e", 0), gauge = make_gauge(f, "a/p", 0);
	struct store_import_slot h[10], other[10];

	for (int i = 0; i <= 100; i++)
		put(f, id, T0 + i * S, 1234 + i);
	fill_history(h, 10, EDGE + SLOT);
	assert_int_equal(store_import(f->st, id, h, 10, "kim", "a.csv", &f->e), FEMS_ECONFLICT);
	assert_non_null(strstr(f->e.text, "a.csv"));
	fill_history(h, 10, EDGE);
	OK(f, store_import(f->st, id, h, 10, "kim", "a.csv", &f->e));
	OK(f, store_import(f->st, id, h, 10, "kim", "a.csv", &f->e));
	OK(f, store_import(f->st, id, h + 3, 4, "kim", "a.csv", &f->e));
	memcpy(other, h, sizeof h);
	other[5].wh++;
	assert_int_equal(store_import(f->st, id, other, 10, "kim", "b.csv", &f->e), FEMS_ECONFLICT);
	check_history(f, id, h, 10);
	other[5].start_us += 60 * S;
	assert_int_equal(store_import(f->st, id, other, 10, "kim", "b.csv", &f->e), FEMS_EINVAL);
	assert_non_null(strstr(f->e.text, "value 6"));
	other[5].start_us = other[4].start_us;
	assert_int_equal(store_import(f->st, id, other, 10, "kim", "b.csv", &f->e), FEMS_EINVAL);
	other[0].wh = -1;
	assert_int_equal(store_import(f->st, id, other, 5, "kim", "b.csv", &f->e), FEMS_EINVAL);
	assert_int_equal(store_import(f->st, id, h, 0, "kim", "b.csv", &f->e), FEMS_EINVAL);
	assert_int_equal(store_import(f->st, gauge, h, 10, "kim", "b.csv", &f->e), FEMS_EINVAL);
	assert_int_equal(store_import(f->st, 99, h, 10, "kim", "b.csv", &f->e), FEMS_ENOENT);
	assert_int_equal(sql(f, "SELECT count(*) FROM audit"), 1);
	/* New samples after all that still count. */
	put(f, id, T0 + 200 * S, 1434);
	sync_store(f);
	assert_int_equal(energy(f, id, T0, T0 + 200 * S).wh, 200);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(simple_sums),
		T(bad_questions),
		T(gaps_are_classed),
		T(slow_polls_are_good),
		T(resets_are_lower_bounds),
		T(random_order_gives_the_same),
		T(parts_add_up_exactly),
		T(conserved_whatever_the_order),
		T(correction_of_a_withheld_jump),
		T(history_then_live),
		T(live_then_history),
		T(history_in_pieces),
		T(history_that_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
