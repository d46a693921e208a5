/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/unit/conf_help.h"

/* ---- good documents ---- */

static void test_values(void **state)
{
	struct conf_doc *d =
		parse_good("a: 1\nb: [x, \"y z\", {k: v}]\nc:\n  d: |\n    two\n    lines\ne:\nf: ~\n"
			   "g: \"null\"\n'h i': 'it''s'\n한글: 값\n");
	const struct conf_node *root = conf_root(d), *b = conf_get(root, "b");
	const char *key;

	(void)state;
	assert_int_equal(conf_kind(root), CONF_MAP);
	assert_int_equal(conf_count(root), 8);
	assert_string_equal(conf_text(conf_get(root, "a")), "1");
	assert_int_equal(conf_kind(b), CONF_SEQ);
	assert_int_equal(conf_count(b), 3);
	assert_string_equal(conf_text(conf_item(b, 1)), "y z");
	assert_string_equal(conf_text(conf_get(conf_item(b, 2), "k")), "v");
	assert_null(conf_item(b, 3));
	assert_string_equal(conf_text(conf_get(conf_get(root, "c"), "d")), "two\nlines\n");
	assert_true(conf_is_null(conf_get(root, "e")));
	assert_true(conf_is_null(conf_get(root, "f")));
	assert_false(conf_is_null(conf_get(root, "g")));
	assert_string_equal(conf_text(conf_get(root, "h i")), "it's");
	assert_string_equal(conf_text(conf_get(root, "한글")), "값");
	assert_null(conf_get(root, "none"));
	assert_null(conf_get(b, "a"));
	assert_null(conf_get(NULL, "a"));
	assert_string_equal(conf_text(b), "");
	assert_ptr_equal(conf_pair(root, 1, &key), b);
	assert_string_equal(key, "b");
	assert_null(conf_pair(root, 8, &key));
	conf_free(d);
}

static void test_empty(void **state)
{
	static const char *const texts[] = { "", "\n\n", "# only a comment\n", "~", "---\n", "\xef\xbb\xbf" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct conf_doc *d = parse_good(texts[i]);

		assert_int_equal(conf_kind(conf_root(d)), CONF_MAP);
		assert_int_equal(conf_count(conf_root(d)), 0);
		conf_free(d);
	}
}

static void check_place(const struct conf_node *n, int line, int col)
{
	const char *file;
	int l, c;

	conf_where(n, &file, &l, &c);
	assert_string_equal(file, "test.yaml");
	assert_int_equal(l, line);
	assert_int_equal(c, col);
}

static void test_places(void **state)
{
	struct conf_doc *d =
		parse_good("# first\r\na: 1\r\n한글: \"q\"\r\nlist:\r\n  - {x: 5}\r\n  - 'z'\r\n");
	const struct conf_node *root = conf_root(d), *list = conf_get(root, "list");

	(void)state;
	check_place(conf_get(root, "a"), 2, 4);
	check_place(conf_get(root, "한글"), 3, 5); /* columns are characters, quotes included */
	check_place(list, 5, 3);
	check_place(conf_get(conf_item(list, 0), "x"), 5, 9);
	check_place(conf_item(list, 1), 6, 5);
	conf_free(d);
}

static void test_aliases(void **state)
{
	struct conf_doc *d = parse_good("a: &A {x: 1, y: [2]}\nb: *A\nc: &S text\nd: [*S, *A]\n");
	const struct conf_node *root = conf_root(d), *b = conf_get(root, "b");

	(void)state;
	assert_string_equal(conf_text(conf_get(b, "x")), "1");
	assert_string_equal(conf_text(conf_item(conf_get(root, "d"), 0)), "text");
	check_place(b, 2, 4);
	check_place(conf_get(b, "x"), 1, 11);
	conf_free(d);
}

/* ---- bad documents ---- */

static void test_syntax(void **state)
{
	(void)state;
	refuse("a: \"unclosed\nb: 2\n", "test.yaml:1:4: error:");
	refuse("a: \"unclosed\nb: 2\n", "closing quote");
	refuse("a: 1\n\tb: 2\n", "test.yaml:2:1: error: indented by a tab");
	refuse("a: {x: 1\nb: 2\n", "closing bracket");
	refuse("a: b: c\n", "test.yaml:1:5: error:");
	refuse("a: [1, 2\n", "test.yaml:");
	refuse("- a\nb: 1\n", "test.yaml:2:1: error:");
	refuse("a: @x\n", "put quotes around the text");
	refuse("%YAML 3.0\n---\na: 1\n", "this is not YAML");
	refuse("}\n", "test.yaml:1:1");
}

static void test_excerpt(void **state)
{
	(void)state;
	refuse("ok: 1\nkey: @x\n",
	       "test.yaml:2:6: error: plain scalar cannot start with '@'; put quotes around the text\n"
	       "    2 | key: @x\n"
	       "      |      ^\n");
	refuse("전력: @x\n", "    1 | 전력: @x\n"
			     "      |       ^\n"); /* wide characters take two columns */
}

static void test_double_keys(void **state)
{
	struct faults *f = faults_new();
	struct conf_doc *d = parse("a: 1\nb: {x: 1, y: 2, x: 3}\nc: 1\na: 2\na: 3\n", f);

	(void)state;
	assert_null(d);
	assert_int_equal(faults_errors(f), 3);
	assert_true(has(f, "test.yaml:2:17: error: \"x\" stands twice; it is already set at test.yaml:2:5"));
	assert_true(has(f, "test.yaml:4:1: error: \"a\" stands twice; it is already set at test.yaml:1:1"));
	assert_true(has(f, "test.yaml:5:1: error: \"a\" stands twice; it is already set at test.yaml:4:1"));
	faults_free(f);
	refuse("a: 1\n\"a\": 2\n", "stands twice");
}

static void test_not_for_settings(void **state)
{
	(void)state;
	refuse("a: *nope\n", "test.yaml:1:4: error: no anchor \"&nope\"");
	refuse("a: &A [*A]\n", "no anchor \"&A\""); /* a ring */
	refuse("a: !!binary aGk=\n", "tag");
	refuse("a: !x {b: 1}\n", "tag");
	refuse("? [a]\n: 1\n", "the name of a setting is a text");
	refuse("? {a: 1}\n: 1\n", "the name of a setting is a text");
	refuse("a: &A x\n*A : 1\n", "cannot name a setting");
	refuse("--- {a: 1}\n--- {b: 2}\n", "test.yaml:2:1: error: a second document");
	refuse("a: \"x\\0y\"\n", "NUL");
	refuse("\"x\\0y\": 1\n", "NUL");
}

static void test_bytes(void **state)
{
	(void)state;
	refuse("a: \xb0\xa1\n", "test.yaml:1:4: this is not UTF-8 (perhaps CP949 or EUC-KR); save the file "
				"as UTF-8 (byte 0xb0)");
	refuse("ok: 1\nb: \xed\xa0\x80\n", "test.yaml:2:4: this is not UTF-8"); /* a surrogate */
	refuse("b: \xc0\xaf\n", "not UTF-8");                                   /* not the shortest form */
	refuse("b: \xe2\x82", "not UTF-8");                                     /* cut off */
	refuse("\xff\xfe"
	       "a",
	       "UTF-16");
	refuse("a: 1\rb: 2\n", "carriage return");
	refuse("a: \x1b[31m\n", "control character");
}

static char *deep(size_t levels)
{
	char *s = malloc(2 * levels + 8);

	memcpy(s, "a: ", 3);
	memset(s + 3, '[', levels);
	memset(s + 3 + levels, ']', levels);
	s[3 + 2 * levels] = '\0';
	return s;
}

static void test_depth(void **state)
{
	char *s = deep(31);

	(void)state;
	conf_free(parse_good(s));
	free(s);
	s = deep(32);
	refuse(s, "more than 32 levels");
	free(s);
	s = deep(100000);
	refuse(s, "more than 32 levels");
	free(s);
}

/* Each of `levels` lists holds the one before it `times` times. */
static char *bomb(int levels, int times)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int i, k;

	fprintf(f, "a0: &a0 [x]\n");
	for (i = 1; i <= levels; i++) {
		fprintf(f, "a%d: &a%d [", i, i);
		for (k = 0; k < times; k++)
			fprintf(f, "%s*a%d", k ? ", " : "", i - 1);
		fprintf(f, "]\n");
	}
	fclose(f);
	return text;
}

static void test_bombs(void **state)
{
	char *text = bomb(9, 10); /* a thousand million values in 400 bytes */

	(void)state;
	refuse(text, "expand to more than 200000 values");
	free(text);
	text = bomb(40, 1);
	refuse(text, "make more than 32 levels");
	free(text);
	text = bomb(20, 1);
	conf_free(parse_good(text));
	free(text);
}

static void test_sizes(void **state)
{
	size_t n = 5u << 20, i;
	char *s = malloc(n + 1);
	struct faults *f = faults_new();

	(void)state;
	memset(s, '#', n);
	assert_null(conf_parse(s, n, "big.yaml", ".", f));
	assert_true(has(f, "limit of 4194304"));
	for (i = 0; i + 4 <= n; i += 4)
		memcpy(s + i, "- x\n", 4);
	assert_null(conf_parse(s, 4u << 20, "many.yaml", ".", f));
	assert_true(has(f, "more than 200000 values"));
	for (i = 0; i < 1100; i++)
		snprintf(s + i * 11, n - i * 11, "- &a%04zu x\n", i);
	assert_null(conf_parse(s, 1000 * 11 + 11, "anchors.yaml", ".", f));
	assert_true(has(f, "more than 1000 anchors"));
	conf_free(conf_parse(s, 1000 * 11, "anchors-fit.yaml", ".", f));
	assert_int_equal(faults_errors(f), 3);
	faults_free(f);
	free(s);
}

static void test_files(void **state)
{
	struct faults *f = faults_new();

	(void)state;
	assert_null(conf_load(path_of("none.yaml"), f));
	assert_true(has(f, "none.yaml: cannot be opened: No such file"));
	assert_null(conf_load(test_dir, f));
	assert_int_equal(faults_errors(f), 2);
	faults_free(f);
}

/* ---- messages ---- */

static void test_faults(void **state)
{
	struct faults *f = faults_new();
	struct conf_doc *d = parse_good("a: 1\nb: 2\nc:\n");
	const struct conf_node *root = conf_root(d);
	int i;
	char *text;

	(void)state;
	assert_string_equal(faults_at(f, 0), "");
	conf_error(f, conf_get(root, "b"), "second \x1b[31m");
	conf_error(f, conf_get(root, "a"), "first");
	conf_warn(f, conf_get(root, "c"), "third, at its key");
	conf_error(f, NULL, "without a place");
	conf_error(f, conf_get(root, "a"), "first"); /* the same again */
	assert_int_equal(faults_errors(f), 3);
	assert_int_equal(faults_warnings(f), 1);
	assert_string_equal(faults_at(f, 0), "error: without a place");
	assert_memory_equal(faults_at(f, 1), "test.yaml:1:4: error: first", 27);
	assert_memory_equal(faults_at(f, 2), "test.yaml:2:4: error: second ?[31m", 34);
	assert_memory_equal(faults_at(f, 3), "test.yaml:3:1: warning: third", 29);
	for (i = 0; i < 100; i++)
		conf_error(f, NULL, "fault %d", i);
	text = faults_text(f);
	assert_non_null(strstr(text, "fault 99"));
	free(text);
	conf_free(d);
	assert_memory_equal(faults_at(f, 101), "test.yaml:1:4", 13); /* they outlive the document */
	faults_free(f);
	faults_free(NULL);
}

static void test_faults_print(void **state)
{
	struct faults *f = faults_new();
	char buf[8192] = "";
	FILE *out = fmemopen(buf, sizeof buf, "w");
	int i;

	(void)state;
	for (i = 0; i < 60; i++)
		conf_error(f, NULL, "fault %d", i);
	faults_print(f, out);
	fclose(out);
	assert_non_null(strstr(buf, "error: fault 49\n"));
	assert_null(strstr(buf, "fault 50"));
	assert_non_null(strstr(buf, "and 10 more\n"));
	for (i = 0; i < 3000; i++)
		conf_error(f, NULL, "more %d", i);
	assert_int_equal(faults_errors(f), 3060); /* counted, though not all are kept */
	faults_free(f);
}

static void test_secret_lines(void **state)
{
	static const char *const texts[] = {
		"password: \"hunter2\nb: 1\n",
		"db: {user: x, password: hunter2, a: b: c}\n",
		"api_token: @hunter2\n",
		"Passwort: @hunter2\n",
		"password: hunter2\npassword: hunter2\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct faults *f = faults_new();
		char *text;

		assert_null(parse(texts[i], f));
		text = faults_text(f);
		if (strstr(text, "hunter2"))
			fail_msg("%s", text);
		assert_non_null(strstr(text, "********"));
		free(text);
		faults_free(f);
	}
}

/* ---- typed scalars ---- */

static const struct conf_node *scalar(struct conf_doc **d, const char *text)
{
	char buf[200];

	snprintf(buf, sizeof buf, "v: %s\n", text);
	*d = parse_good(buf);
	return conf_get(conf_root(*d), "v");
}

enum wanted { INT, DURATION, POWER, ENERGY, MICRO, DATE, BOOL };

static bool read_as(enum wanted w, const struct conf_node *n, int64_t *v, struct faults *f)
{
	bool b = false, ok;

	switch (w) {
	case INT:
		return conf_as_int(n, "v", -100, 65535, v, f);
	case DURATION:
		return conf_as_duration(n, "v", v, f);
	case POWER:
		return conf_as_power(n, "v", v, f);
	case ENERGY:
		return conf_as_energy(n, "v", v, f);
	case MICRO:
		return conf_as_micro(n, "v", v, f);
	case DATE:
		return conf_as_date(n, "v", v, f);
	default:
		ok = conf_as_bool(n, "v", &b, f);
		*v = b;
		return ok;
	}
}

static void test_good_scalars(void **state)
{
	static const struct {
		enum wanted as;
		const char *text;
		int64_t value;
	} rows[] = {
		{ INT, "502", 502 },
		{ INT, "-100", -100 },
		{ INT, "0x10", 16 },
		{ INT, "\"7\"", 7 },
		{ DURATION, "500ms", 500000 },
		{ DURATION, "5 s", 5000000 },
		{ DURATION, "15min", 900000000 },
		{ DURATION, "1.5h", 5400000000 },
		{ DURATION, "1d", 86400000000 },
		{ DURATION, "250us", 250 },
		{ DURATION, "0", 0 },
		{ POWER, "450 kW", 450000 },
		{ POWER, "0.5 MW", 500000 },
		{ POWER, "-3kW", -3000 },
		{ POWER, "7 W", 7 },
		{ ENERGY, "2 kWh", 2000 },
		{ ENERGY, "0.001kWh", 1 },
		{ ENERGY, "1.5 MWh", 1500000 },
		{ MICRO, "128.1", 128100000 },
		{ MICRO, "-0.000001", -1 },
		{ DATE, "1970-01-02", 1 },
		{ DATE, "2024-02-29", 19782 },
		{ BOOL, "true", 1 },
		{ BOOL, "off", 0 },
		{ BOOL, "Yes", 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct faults *f = faults_new();
		struct conf_doc *d;
		int64_t v = -7777;

		if (!read_as(rows[i].as, scalar(&d, rows[i].text), &v, f))
			fail_msg("%s", faults_at(f, 0));
		assert_int_equal(v, rows[i].value);
		assert_int_equal(faults_errors(f), 0);
		conf_free(d);
		faults_free(f);
	}
}

static void test_bad_scalars(void **state)
{
	static const struct {
		enum wanted as;
		const char *text, *message;
	} rows[] = {
		{ INT, "abc", "v is \"abc\"; expected a whole number from -100 to 65535" },
		{ INT, "70000", "v is \"70000\"" },
		{ INT, "5.5", "v is \"5.5\"" },
		{ INT, "99999999999999999999", "whole number" },
		{ INT, "0x", "whole number" },
		{ INT, "", "v is empty; expected" },
		{ INT, "[1]", "v is a list; expected" },
		{ INT, "{a: 1}", "v is a mapping; expected" },
		{ DURATION, "15", "us, ms, s, min, h or d, such as 15min; the unit is missing" },
		{ DURATION, "15m", "minutes are written min" },
		{ DURATION, "15 MIN", "the unit is written min" },
		{ DURATION, "1.5us", "finer than the smallest unit" },
		{ DURATION, "300000000d", "too large" },
		{ DURATION, "soon", "begins with no number" },
		{ DURATION, "1.2.3s", "malformed" },
		{ DURATION, "15 kW", "the unit is another one" },
		{ POWER, "450", "W, kW, MW or GW, such as 450 kW; the unit is missing" },
		{ POWER, "450 kw", "the unit is written kW" },
		{ POWER, "450 kWh", "the unit is another one" },
		{ ENERGY, "5 kW", "Wh, kWh, MWh or GWh" },
		{ ENERGY, "0.5 Wh", "finer than the smallest unit" },
		{ MICRO, "1.2345678", "at most six decimals" },
		{ MICRO, "ten", "decimal number" },
		{ DATE, "2023-02-29", "a date YYYY-MM-DD" },
		{ DATE, "2023-13-01", "a date YYYY-MM-DD" },
		{ DATE, "23-1-1", "a date YYYY-MM-DD" },
		{ BOOL, "maybe", "true or false" },
		{ BOOL, "1", "true or false" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct faults *f = faults_new();
		struct conf_doc *d;
		int64_t v;

		if (read_as(rows[i].as, scalar(&d, rows[i].text), &v, f))
			fail_msg("taken: %s", rows[i].text);
		assert_int_equal(faults_errors(f), 1);
		assert_true(has(f, rows[i].message));
		assert_true(has(f, "test.yaml:1:"));
		conf_free(d);
		faults_free(f);
	}
}

static void test_missing_scalar(void **state)
{
	struct faults *f = faults_new();
	int64_t v;
	double x;

	(void)state;
	assert_false(conf_as_int(NULL, "port", 1, 2, &v, f));
	assert_true(has(f, "error: port is missing; expected a whole number from 1 to 2"));
	assert_false(conf_as_num(NULL, "factor", 0, 1, &x, f));
	assert_true(has(f, "factor is missing; expected a number from 0 to 1"));
	faults_free(f);
}

static void test_numbers(void **state)
{
	struct faults *f = faults_new();
	struct conf_doc *d;
	double x = 0;

	(void)state;
	assert_true(conf_as_num(scalar(&d, "-2.5e3"), "v", 0, 0, &x, f));
	assert_true(x == -2500);
	conf_free(d);
	assert_false(conf_as_num(scalar(&d, "2"), "v", 0, 1, &x, f));
	conf_free(d);
	assert_false(conf_as_num(scalar(&d, ".inf"), "v", 0, 0, &x, f));
	conf_free(d);
	assert_false(conf_as_num(scalar(&d, "nan"), "v", 0, 0, &x, f));
	conf_free(d);
	assert_int_equal(faults_errors(f), 3);
	faults_free(f);
}

static void test_only(void **state)
{
	static const char *const names[] = { "port", "host", NULL };
	struct faults *f = faults_new();
	struct conf_doc *d = parse_good("prot: 1\nhost: 2\nzzz: 3\n");

	(void)state;
	assert_false(conf_only(conf_root(d), "meter \"m\"", names, f));
	assert_int_equal(faults_errors(f), 2);
	assert_true(has(
		f, "test.yaml:1:1: error: meter \"m\": no setting called \"prot\"; did you mean \"port\"?"));
	assert_true(has(
		f, "test.yaml:3:1: error: meter \"m\": no setting called \"zzz\"; there are: port, host"));
	assert_true(conf_only(NULL, "x", names, f));
	conf_free(d);
	faults_free(f);
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(test_dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),         cmocka_unit_test(test_empty),
		cmocka_unit_test(test_places),         cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_syntax),         cmocka_unit_test(test_excerpt),
		cmocka_unit_test(test_double_keys),    cmocka_unit_test(test_not_for_settings),
		cmocka_unit_test(test_bytes),          cmocka_unit_test(test_depth),
		cmocka_unit_test(test_bombs),          cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_files),          cmocka_unit_test(test_faults),
		cmocka_unit_test(test_faults_print),   cmocka_unit_test(test_secret_lines),
		cmocka_unit_test(test_good_scalars),   cmocka_unit_test(test_bad_scalars),
		cmocka_unit_test(test_missing_scalar), cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_only),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
