/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/unit/conf_help.h"

static struct conf_doc *load(struct faults *f)
{
	return conf_load_tree(path_of("fems.yaml"), f);
}

static void clean(void)
{
	static const char *const names[] = {
		"conf.d/10-a.yaml", "conf.d/20-b.yaml",    "conf.d/90-pages.yaml",
		"conf.d/x.yml",     "conf.d/.hidden.yaml", "conf.d/notes.txt",
		"fems.yaml"
	};
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		drop_file(names[i]);
}

static const char *at(const struct conf_doc *d, const char *section, const char *key)
{
	return conf_text(conf_get(conf_get(conf_root(d), section), key));
}

static void test_alone(void **state)
{
	struct faults *f = faults_new();
	struct conf_doc *d;

	(void)state;
	put_file("fems.yaml", "site: {name: A}\n", 0644);
	d = load(f);
	assert_non_null(d);
	assert_string_equal(at(d, "site", "name"), "A");
	assert_int_equal(faults_errors(f) + faults_warnings(f), 0);
	conf_free(d);
	faults_free(f);
	assert_int_equal(mkdir(path_of("conf.d"), 0755), 0);
}

static void test_join(void **state)
{
	struct faults *f = faults_new();
	struct conf_doc *d;
	const struct conf_node *meters;
	const char *file;
	int line, col;

	(void)state;
	put_file("fems.yaml", "site: {name: A, deep: {x: 1}}\nmeters:\n  - name: m1\nplugins:\n", 0644);
	put_file("conf.d/20-b.yaml", "meters:\n- name: m3\nstore: {dir: d}\n", 0644);
	put_file("conf.d/10-a.yaml",
		 "site: {zone: Z, deep: {y: 2}}\nmeters: [{name: m2}]\nplugins: [{plugin: p}]\n", 0644);
	put_file("conf.d/notes.txt", "{{{", 0644);
	put_file("conf.d/.hidden.yaml", "{{{", 0644);
	d = load(f);
	if (!d)
		fail_msg("%s", faults_at(f, 0));
	assert_string_equal(at(d, "site", "name"), "A");
	assert_string_equal(at(d, "site", "zone"), "Z");
	assert_string_equal(conf_text(conf_get(conf_get(conf_get(conf_root(d), "site"), "deep"), "x")), "1");
	assert_string_equal(conf_text(conf_get(conf_get(conf_get(conf_root(d), "site"), "deep"), "y")), "2");
	assert_string_equal(at(d, "store", "dir"), "d");
	meters = conf_get(conf_root(d), "meters");
	assert_int_equal(conf_count(meters), 3);
	assert_string_equal(conf_text(conf_get(conf_item(meters, 1), "name")), "m2"); /* in order of name */
	assert_string_equal(conf_text(conf_get(conf_item(meters, 2), "name")), "m3");
	assert_int_equal(conf_count(conf_get(conf_root(d), "plugins")), 1); /* empty before */
	conf_where(conf_get(conf_item(meters, 2), "name"), &file, &line, &col);
	assert_string_equal(file, path_of("conf.d/20-b.yaml"));
	assert_int_equal(line, 2);
	conf_free(d);
	faults_free(f);
	clean();
}

static void test_conflicts(void **state)
{
	struct faults *f = faults_new();
	char part[600];

	(void)state;
	put_file("fems.yaml", "site:\n  name: A\n  zone: Z\nmeters: []\nlog: info\n", 0644);
	put_file("conf.d/10-a.yaml", "site: {name: B}\nmeters: {m: 1}\nlog: [x]\n", 0644);
	put_file("conf.d/20-b.yaml", "site: {zone: Y}\n", 0644);
	assert_null(load(f));
	assert_int_equal(faults_errors(f), 4);
	snprintf(part, sizeof part,
		 "%s/conf.d/10-a.yaml:1:8: error: \"name\" is already set at %s/fems.yaml:2:3", test_dir,
		 test_dir);
	assert_true(has(f, part));
	assert_true(has(f, "20-b.yaml:1:8: error: \"zone\" is already set"));
	assert_true(has(f, "\"meters\" is a mapping here and a list at"));
	assert_true(has(f, "\"log\" is a list here and a value at"));
	faults_free(f);
	clean();
}

static void test_pages_replace(void **state)
{
	struct faults *f = faults_new();
	struct conf_doc *d;

	(void)state;
	put_file("fems.yaml", "site: {name: A, zone: Z}\nlog: info\n", 0644);
	put_file("conf.d/90-pages.yaml", "site: {name: B, zone: }\nlog: debug\n", 0644);
	d = load(f);
	if (!d)
		fail_msg("%s", faults_at(f, 0));
	assert_string_equal(at(d, "site", "name"), "B");
	assert_string_equal(at(d, "site", "zone"), "Z"); /* an empty value takes nothing away */
	assert_string_equal(conf_text(conf_get(conf_root(d), "log")), "debug");
	conf_free(d);
	put_file("conf.d/90-pages.yaml", "site: [x]\n", 0644); /* another kind never replaces */
	assert_null(load(f));
	assert_true(has(f, "\"site\" is a list here and a mapping at"));
	faults_free(f);
	clean();
}

static void test_every_file_is_told(void **state)
{
	struct faults *f = faults_new();

	(void)state;
	put_file("fems.yaml", "a: \"x\nb: 1\n", 0644);
	put_file("conf.d/10-a.yaml", "a: [\n", 0644);
	put_file("conf.d/20-b.yaml", "- list\n", 0644);
	put_file("conf.d/x.yml", "a: 1\n", 0644);
	assert_null(load(f));
	assert_true(has(f, "fems.yaml:1:4: error:"));
	assert_true(has(f, "10-a.yaml:"));
	assert_true(has(f, "20-b.yaml:1:1: error: the file holds a list"));
	assert_true(has(f, "x.yml: not read; rename it"));
	assert_int_equal(faults_errors(f), 3);
	assert_int_equal(faults_warnings(f), 1);
	faults_free(f);
	clean();
}

static void test_absent(void **state)
{
	struct faults *f = faults_new();

	(void)state;
	assert_null(load(f));
	assert_true(has(f, "fems.yaml: cannot be opened"));
	faults_free(f);
}

static void test_alias_stays(void **state)
{
	struct faults *f = faults_new();
	struct conf_doc *d;

	(void)state;
	put_file("fems.yaml", "a: &A {k: {v: 1}}\nb: *A\n", 0644);
	put_file("conf.d/10-a.yaml", "a: {k: {w: 2}}\n", 0644);
	d = load(f);
	assert_non_null(d);
	assert_int_equal(conf_count(conf_get(conf_get(conf_root(d), "a"), "k")), 2);
	assert_int_equal(conf_count(conf_get(conf_get(conf_root(d), "b"), "k")), 1);
	conf_free(d);
	faults_free(f);
	clean();
}

static int remove_all(void **state)
{
	(void)state;
	clean();
	drop_file("conf.d");
	return rmdir(test_dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_conflicts),
		cmocka_unit_test(test_pages_replace),
		cmocka_unit_test(test_every_file_is_told),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_alias_stays),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_all);
}
