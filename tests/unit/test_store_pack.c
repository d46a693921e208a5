/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/store/pack.h"

static void same_sample(const struct fems_sample *a, const struct fems_sample *b)
{
	assert_int_equal(a->t_us, b->t_us);
	assert_memory_equal(&a->value, &b->value, sizeof a->value);
	assert_int_equal(a->quality, b->quality);
	assert_int_equal(a->t_unc_us, b->t_unc_us);
	assert_int_equal(a->epoch, b->epoch);
	assert_int_equal(a->point, b->point);
}

static size_t round_trip(const struct fems_sample *s, size_t n, double step)
{
	struct pack pk;
	struct pack_bytes b;
	struct unpack u;
	struct fems_sample got;

	pack_init(&pk, step, 1000);
	for (size_t i = 0; i < n; i++)
		assert_true(pack_add(&pk, &s[i]));
	assert_true(pack_body(&pk, &b));
	assert_true(unpack_body(&u, 7, (struct fems_span){ (char *)b.ptr, b.len }));
	for (size_t i = 0; i < n; i++) {
		assert_true(unpack_next(&u, &got));
		same_sample(&s[i], &got);
	}
	assert_false(unpack_next(&u, &got));
	assert_int_equal(u.left, 0);
	pack_free(&pk);
	free(b.ptr);
	return b.len;
}

static void values_of_all_kinds(void **state)
{
	static const double values[] = {
		0,   -0.0,    1,        230.1, 230.1, 0.1 + 0.2, -5, 1e300, INFINITY, NAN, 9007199254740992.0,
		0.3, 3 * 0.1, 17 * 0.1, 1e-9
	};
	static const double steps[] = { 0, 1, 0.1, 0.001, 10, 1e-300 };
	enum { N = sizeof values / sizeof values[0] };
	struct fems_sample s[N];

	(void)state;
	for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++) {
		for (size_t i = 0; i < N; i++)
			s[i] = (struct fems_sample){ .t_us = (int64_t)(i * i) * 1000003,
						     .value = values[i],
						     .point = 7,
						     .t_unc_us = (uint32_t)(i % 3) * 4000000000u,
						     .quality = (uint32_t)i * 17,
						     .epoch = i > 5 };
		round_trip(s, N, steps[k]);
	}
}

static void times_may_be_anything(void **state)
{
	struct fems_sample s[4] = { { .t_us = INT64_MAX, .point = 7 },
				    { .t_us = INT64_MIN, .point = 7 },
				    { .t_us = 0, .point = 7 },
				    { .t_us = -1, .point = 7 } };

	(void)state;
	round_trip(s, 4, 1);
	round_trip(s, 0, 1);
}

static void regular_meters_are_small(void **state)
{
	struct fems_sample s[3600];

	(void)state;
	for (int i = 0; i < 3600; i++)
		s[i] = (struct fems_sample){ .t_us = 1000 + i * 1000000LL,
					     .value = 5000000 + i * 3,
					     .point = 7 };
	assert_true(round_trip(s, 3600, 1) < 3600 * 3);
	for (int i = 0; i < 3600; i++)
		s[i].value = (2300 + i % 7) / 10.0;
	assert_true(round_trip(s, 3600, 0.1) < 3600 * 3);
	for (int i = 0; i < 3600; i++)
		s[i].value = (2300 + i % 7) * 0.1;
	assert_true(round_trip(s, 3600, 0.1) < 3600 * 3);
}

static void damage_is_seen(void **state)
{
	struct pack pk;
	struct pack_bytes b;
	struct unpack u;
	struct fems_sample s = { .t_us = 5, .value = 1.5, .point = 7 };

	(void)state;
	pack_init(&pk, 0, 0);
	for (int i = 0; i < 50; i++, s.t_us += 10 + i)
		assert_true(pack_add(&pk, &s));
	assert_true(pack_body(&pk, &b));
	for (size_t bit = 0; bit < b.len * 8; bit++) {
		b.ptr[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		assert_false(unpack_body(&u, 7, (struct fems_span){ (char *)b.ptr, b.len }));
		b.ptr[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
	for (size_t len = 0; len < b.len; len++)
		assert_false(unpack_body(&u, 7, (struct fems_span){ (char *)b.ptr, len }));
	assert_true(unpack_body(&u, 7, (struct fems_span){ (char *)b.ptr, b.len }));
	free(b.ptr);
	pack_free(&pk);
}

static void truncated_records_end(void **state)
{
	struct pack pk;
	struct unpack u;
	struct fems_sample s = {
		.t_us = 5, .value = 1.5, .point = 7, .quality = 300, .t_unc_us = 9, .epoch = 2
	};
	struct fems_sample got;

	(void)state;
	pack_init(&pk, 0, 0);
	assert_true(pack_add(&pk, &s));
	for (size_t len = 0; len < pk.records.len; len++) {
		unpack_init(&u, 7, 0, 0, 1, pk.records.ptr, pk.records.ptr + len);
		assert_false(unpack_next(&u, &got));
		assert_int_equal(u.left, 1);
	}
	pack_free(&pk);
}

/* Check value of CRC-32 in the catalogue of parametrised CRC algorithms. */
static void crc_is_the_usual_one(void **state)
{
	(void)state;
	assert_int_equal(pack_crc("123456789", 9), 0xcbf43926);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_all_kinds),      cmocka_unit_test(times_may_be_anything),
		cmocka_unit_test(regular_meters_are_small), cmocka_unit_test(damage_is_seen),
		cmocka_unit_test(truncated_records_end),    cmocka_unit_test(crc_is_the_usual_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
