/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/money.h"
#include "core/base/text.h"

static void test_err_wrap_keeps_the_reason(void **state)
{
	struct fems_error e = { 0 };

	(void)state;
	assert_int_equal(err_set(&e, FEMS_EIO, "no answer"), FEMS_EIO);
	assert_int_equal(err_wrap(&e, FEMS_ETIME, "meter \"%s\"", "press"), FEMS_ETIME);
	assert_string_equal(e.text, "meter \"press\": no answer");
	for (int i = 0; i < 100; i++)
		err_wrap(&e, FEMS_EIO, "again");
	assert_true(strlen(e.text) < sizeof e.text);
}

static void test_text_grows(void **state)
{
	struct text t = { 0 };
	char *s;

	(void)state;
	for (int i = 0; i < 1000; i++)
		text_addf(&t, "%d,", i);
	text_add(&t, "end");
	s = text_take(&t);
	assert_non_null(s);
	assert_int_equal(strncmp(s, "0,1,2,", 6), 0);
	assert_string_equal(s + strlen(s) - 7, "999,end");
	assert_null(t.ptr);
	free(s);
}

static void test_nearest(void **state)
{
	static const char *const names[] = { "port", "parity", "timeout", "interval" };

	(void)state;
	assert_string_equal(str_nearest("prot", names, 4), "port");
	assert_string_equal(str_nearest("intervall", names, 4), "interval");
	assert_string_equal(str_nearest("inter", names, 4), "interval");
	assert_null(str_nearest("banana", names, 4));
}

static void test_numbers(void **state)
{
	int64_t i;
	double d;

	(void)state;
	assert_true(str_int64("-12", &i) && i == -12);
	assert_false(str_int64("12x", &i));
	assert_false(str_int64("", &i));
	assert_false(str_int64("99999999999999999999", &i));
	assert_true(str_double("1.5", &d) && d == 1.5);
	assert_false(str_double("nan", &d));
	assert_false(str_double("1e999", &d));
}

static void test_files(void **state)
{
	char dir[] = "/tmp/fems-base-XXXXXX", path[64], sub[64], *data;
	struct fems_error e = { 0 };
	size_t len;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/x", dir);
	assert_int_equal(file_replace(path, "one", 3, 0600, &e), FEMS_OK);
	assert_int_equal(file_replace(path, "second", 6, 0600, &e), FEMS_OK);
	assert_int_equal(file_read(path, 100, &data, &len, &e), FEMS_OK);
	assert_int_equal(len, 6);
	assert_string_equal(data, "second");
	free(data);
	assert_int_equal(file_read(path, 3, &data, &len, &e), FEMS_EINVAL);
	assert_non_null(strstr(e.text, "limit"));
	snprintf(sub, sizeof sub, "%s/a/b", dir);
	assert_int_equal(dir_make(sub, &e), FEMS_OK);
	assert_int_equal(dir_make(sub, &e), FEMS_OK);
	assert_int_equal(dir_make(path, &e), FEMS_EIO);
	unlink(path);
	rmdir(sub);
	strrchr(sub, '/')[0] = '\0';
	rmdir(sub);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(file_read(path, 3, &data, &len, &e), FEMS_ENOENT);
}

static void test_money_rounding(void **state)
{
	(void)state;
	assert_int_equal(round_div(5, 2, ROUND_HALF_UP), 3);
	assert_int_equal(round_div(-5, 2, ROUND_HALF_UP), -3);
	assert_int_equal(round_div(5, 2, ROUND_HALF_EVEN), 2);
	assert_int_equal(round_div(7, 2, ROUND_HALF_EVEN), 4);
	assert_int_equal(round_div(-7, 4, ROUND_DOWN), -1);
	assert_int_equal(round_div(-7, 4, ROUND_UP), -2);
	/* 812.4 kWh at 150 won */
	assert_int_equal(money_energy(812400, 150000000), INT64_C(121860000000));
	assert_int_equal(money_power(-500, 1), -1);
	assert_int_equal(money_round(1234567890, 1000000, ROUND_DOWN), 1234000000);
	/* a product that needs more than 64 bits */
	assert_int_equal(money_energy(INT64_C(9000000000000), 1000000000), INT64_C(9000000000000000000));
}

static void test_money_text(void **state)
{
	char buf[40];
	int64_t m;

	(void)state;
	assert_true(money_parse("110.9", &m) && m == 110900000);
	assert_true(money_parse("-0.000001", &m) && m == -1);
	assert_true(money_parse("8320", &m) && m == INT64_C(8320000000));
	assert_false(money_parse("1.0000001", &m));
	assert_false(money_parse("1,000", &m));
	assert_false(money_parse("", &m));
	assert_false(money_parse("-", &m));
	assert_string_equal(money_format(INT64_C(1234567890000), 0, buf, sizeof buf), "1,234,568");
	assert_string_equal(money_format(-1500000, 2, buf, sizeof buf), "-1.50");
	assert_string_equal(money_format(INT64_C(999999500000), 0, buf, sizeof buf), "1,000,000");
}

static void test_clock_kinds(void **state)
{
	struct fems_error e = { 0 };
	int64_t a;

	(void)state;
	setenv("FEMS_CLOCK", "nonsense", 1);
	assert_int_equal(clock_init(&e), FEMS_EINVAL);
	setenv("FEMS_CLOCK", "1000000000000,0,0", 1);
	assert_int_equal(clock_init(&e), FEMS_EINVAL);
	setenv("FEMS_CLOCK", "1000000000000,0,2", 1);
	assert_int_equal(clock_init(&e), FEMS_OK);
	a = clock_now_us();
	assert_true(clock_real_until(a + 2 * US_PER_H) <= US_PER_H + 1);
	assert_true(clock_real_until(a + 2 * US_PER_H) > 50 * US_PER_MIN);
	assert_true(clock_speed() == 2);
	clock_set_manual(5 * US_PER_S);
	clock_advance(US_PER_S);
	assert_int_equal(clock_now_us(), 6 * US_PER_S);
	assert_int_equal(clock_real_until(7 * US_PER_S), INT64_MAX);
	clock_wait_until(6 * US_PER_S, NULL);
}

static json_t *parse(const char *s)
{
	struct fems_span span = { s, strlen(s) };
	struct fems_error e = { 0 };
	json_t *j = NULL;

	if (json_parse(span, &j, &e))
		fail_msg("%s", e.text);
	return j;
}

static void test_json_members(void **state)
{
	json_t *j = parse("{\"name\":\"a\",\"n\":3,\"x\":1.5,\"t\":\"2026-04-16T08:00:00+09:00\",\"b\":true,"
			  "\"l\":[1]}");
	struct fems_error e = { 0 };
	const char *s = NULL;
	int64_t i = 0, t = 0;
	json_t *l = NULL;
	bool b = false;

	(void)state;
	assert_int_equal(json_get_str(j, "order", "name", false, &s, &e), FEMS_OK);
	assert_string_equal(s, "a");
	assert_int_equal(json_get_int(j, "order", "n", false, &i, &e), FEMS_OK);
	assert_int_equal(i, 3);
	assert_int_equal(json_get_int(j, "order", "x", false, &i, &e), FEMS_EINVAL);
	assert_non_null(strstr(e.text, "\"x\" is not a whole number"));
	assert_int_equal(json_get_int(j, "order", "absent", true, &i, &e), FEMS_OK);
	assert_int_equal(json_get_int(j, "order", "absent", false, &i, &e), FEMS_EINVAL);
	assert_int_equal(json_get_time(j, "order", "t", false, &t, &e), FEMS_OK);
	assert_int_equal(t % US_PER_DAY, 23 * US_PER_H);
	assert_int_equal(json_get_time(j, "order", "name", false, &t, &e), FEMS_EINVAL);
	assert_int_equal(json_get_bool(j, "order", "b", false, &b, &e), FEMS_OK);
	assert_true(b);
	assert_int_equal(json_get_array(j, "order", "l", false, &l, &e), FEMS_OK);
	assert_int_equal(json_array_size(l), 1);
	json_decref(j);
}

static void test_json_faults(void **state)
{
	struct fems_span broken = { "{\"a\":1,}", 8 }, twice = { "{\"a\":1,\"a\":2}", 13 },
			 empty = { NULL, 0 };
	struct fems_error e = { 0 };
	json_t *j = NULL;

	(void)state;
	assert_int_equal(json_parse(broken, &j, &e), FEMS_EINVAL);
	assert_non_null(strstr(e.text, "line 1, column"));
	assert_int_equal(json_parse(twice, &j, &e), FEMS_EINVAL);
	assert_int_equal(json_parse(empty, &j, &e), FEMS_OK);
	assert_int_equal(json_object_size(j), 0);
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err_wrap_keeps_the_reason),
		cmocka_unit_test(test_text_grows),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_money_rounding),
		cmocka_unit_test(test_money_text),
		cmocka_unit_test(test_json_members),
		cmocka_unit_test(test_json_faults),
		cmocka_unit_test(test_clock_kinds),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
