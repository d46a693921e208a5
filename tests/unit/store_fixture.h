/* SPDX-License-Identifier: Apache-2.0
 *
 * A store in a directory of its own for each test, and small helpers.
 */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "core/store/store.h"

#define EDGE INT64_C(1769999400000000) /* 2026-02-02 02:30 UTC */
#define T0   (EDGE + 300 * S)
#define S    INT64_C(1000000)
#define SLOT (900 * S)

struct fixture {
	char dir[64];
	struct store *st;
	struct fems_error e;
	int64_t commit_us, keep_raw_us;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
void fixture_open(struct fixture *);
void fixture_close(struct fixture *);
void fixture_reopen(struct fixture *);
/* Fails the test with the text of the error unless rc is FEMS_OK. */
#define OK(f, call) ok_((f), (call), #call, __FILE__, __LINE__)
void ok_(struct fixture *, enum fems_rc, const char *what, const char *file, int line);

uint32_t make_counter(struct fixture *, const char *name, double max_rate);
uint32_t make_gauge(struct fixture *, const char *name, double resolution);
void put(struct fixture *, uint32_t series, int64_t t_us, double value);
void put_q(struct fixture *, uint32_t series, int64_t t_us, double value, uint32_t quality, uint32_t epoch);
void sync_store(struct fixture *);
struct store_energy energy(struct fixture *, uint32_t series, int64_t from_us, int64_t to_us);
/* Number of samples of [from, to); checks that times grow. */
size_t count_range(struct fixture *, uint32_t series, int64_t from_us, int64_t to_us);
/* Slots of [from, to) into out; returns how many. */
size_t slots(struct fixture *, uint32_t series, int64_t from_us, int64_t to_us, struct store_energy *out,
	     size_t cap);
/* SQL on the file with a connection of its own; the first column of the first row. */
int64_t sql(struct fixture *, const char *text);

#endif
