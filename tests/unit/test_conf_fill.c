/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/unit/conf_help.h"

struct reg {
	const char *kind;
	int64_t address;
	struct fems_list bits;
};
struct bit {
	int64_t n;
	const char *name;
};
struct cfg {
	const char *host, *password, *profile;
	int64_t port, up, role, every, limit, stored;
	double factor;
	struct fems_list tags, registers;
};

static const char *const roles[] = { "main", "feeder", "machine", NULL };
static const struct fems_key bit_keys[] = { FEMS_INT(struct bit, n, NULL, 0, 15, NULL, "Number"),
					    FEMS_STR(struct bit, name, "", "Name"), FEMS_KEYS_END };
static const struct fems_key reg_keys[] = { FEMS_STR(struct reg, kind, NULL, "How it is coded"),
					    FEMS_INT(struct reg, address, "0", 0, 65535, NULL, "Address"),
					    FEMS_LIST(struct reg, bits, bit_keys, sizeof(struct bit), "Bits"),
					    FEMS_KEYS_END };
static const struct fems_key keys[] = {
	FEMS_STR(struct cfg, host, NULL, "Name or address"),
	FEMS_INT(struct cfg, port, "502", 1, 65535, NULL, "TCP port"),
	FEMS_BOOL(struct cfg, up, "true", "Whether it is used"),
	FEMS_ENUM(struct cfg, role, "feeder", roles, "What it measures"),
	FEMS_DURATION(struct cfg, every, "1s", 100e3, 3600e6, "Time between readings"),
	FEMS_POWER(struct cfg, limit, "450 kW", 0, 1e9, "Largest power"),
	FEMS_ENERGY(struct cfg, stored, "2 kWh", 0, 0, "Energy"),
	FEMS_NUM(struct cfg, factor, "0.25", 0, 1, "%", "Factor"),
	FEMS_SECRET(struct cfg, password, "", "Password"),
	FEMS_PATH(struct cfg, profile, "", "Profile"),
	FEMS_STRLIST(struct cfg, tags, "a b,c", "Tags"),
	FEMS_LIST(struct cfg, registers, reg_keys, sizeof(struct reg), "Registers"),
	FEMS_KEYS_END
};

#define WHAT "meter \"m\""

static struct conf_filled *fill(const struct conf_doc *d, struct cfg *c, struct faults *f)
{
	return conf_fill(d ? conf_root(d) : NULL, keys, c, sizeof *c, WHAT, NULL, f);
}

/* ---- good ---- */

static void test_defaults(void **state)
{
	struct faults *f = faults_new();
	struct conf_doc *d = parse_good("host: h\nport:\n");
	struct cfg c;
	struct conf_filled *m;

	(void)state;
	memset(&c, 0x5a, sizeof c);
	m = fill(d, &c, f);
	assert_non_null(m);
	assert_int_equal(faults_errors(f) + faults_warnings(f), 0);
	conf_free(d); /* the strings are our own */
	assert_string_equal(c.host, "h");
	assert_int_equal(c.port, 502);
	assert_int_equal(c.up, 1);
	assert_int_equal(c.role, 1);
	assert_int_equal(c.every, 1000000);
	assert_int_equal(c.limit, 450000);
	assert_int_equal(c.stored, 2000);
	assert_true(c.factor == 0.25);
	assert_string_equal(c.password, "");
	assert_string_equal(c.profile, "");
	assert_int_equal(c.tags.count, 3);
	assert_string_equal(((const char *const *)c.tags.items)[2], "c");
	assert_int_equal(c.registers.count, 0);
	conf_filled_free(m);
	faults_free(f);
}

static void test_all_types(void **state)
{
	struct faults *f = faults_new();
	struct conf_doc *d = parse_good(
		"host: \"10.0.0.5\"\nport: 1502\nup: off\nrole: main\nevery: 500ms\nlimit: 0.5 MW\n"
		"stored: 1.5 MWh\nfactor: 0.5 %\nprofile: p/x.yaml\ntags: [one, \"two three\"]\n"
		"registers:\n- {kind: u16, address: 0x10}\n"
		"- kind: s32\n  bits: [{n: 3}, {n: 4, name: door}]\n");
	const struct reg *r;
	const struct bit *b;
	struct cfg c;
	struct conf_filled *m = fill(d, &c, f);

	(void)state;
	if (!m)
		fail_msg("%s", faults_at(f, 0));
	assert_string_equal(c.host, "10.0.0.5");
	assert_int_equal(c.port, 1502);
	assert_int_equal(c.up, 0);
	assert_int_equal(c.role, 0);
	assert_int_equal(c.every, 500000);
	assert_int_equal(c.limit, 500000);
	assert_int_equal(c.stored, 1500000);
	assert_true(c.factor == 0.5);
	assert_string_equal(c.profile, "etc/p/x.yaml"); /* relative to the file */
	assert_int_equal(c.tags.count, 2);
	assert_int_equal(c.registers.count, 2);
	r = c.registers.items;
	assert_string_equal(r[0].kind, "u16");
	assert_int_equal(r[0].address, 16);
	assert_int_equal(r[1].address, 0);
	assert_int_equal(r[1].bits.count, 2);
	b = r[1].bits.items;
	assert_int_equal(b[1].n, 4);
	assert_string_equal(b[1].name, "door");
	conf_filled_free(m);
	conf_free(d);
	faults_free(f);
}

static void test_also(void **state)
{
	static const char *const also[] = { "name", "label", NULL };
	struct faults *f = faults_new();
	struct conf_doc *d = parse_good("host: h\nname: n\nlabel: {ko: x}\nlabl: 1\n");
	struct cfg c;

	(void)state;
	assert_null(conf_fill(conf_root(d), keys, &c, sizeof c, WHAT, also, f));
	assert_int_equal(faults_errors(f), 1);
	assert_true(has(f, "no setting called \"labl\"; did you mean \"label\"?"));
	assert_null(c.host); /* nothing of a fill that failed stays */
	conf_free(d);
	d = parse_good("name: n\n");
	assert_null(conf_fill(conf_root(d), NULL, NULL, 0, WHAT, NULL, f));
	assert_true(has(f, "no setting called \"name\"; there are none here"));
	conf_free(d);
	faults_free(f);
}

/* ---- bad ---- */

static void test_all_faults_at_once(void **state)
{
	struct faults *f = faults_new();
	struct conf_doc *d =
		parse_good("prot: 1\nport: 0\nup: perhaps\nrole: mian\nevery: 15\nlimit: 2 kWh\nstored: x\n"
			   "factor: 2\nprofile: [a]\ntags: one\n"
			   "registers: [{adress: 1, kind: k}, 5, {kind: {}, bits: [{n: 16}]}]\n");
	static const char *const parts[] = {
		"test.yaml:1:1: error: meter \"m\": no setting called \"prot\"; did you mean \"port\"?",
		"test.yaml:1:1: error: meter \"m\": setting \"host\" is missing: Name or address",
		"test.yaml:2:7: error: meter \"m\": port is \"0\"; expected a whole number from 1 to 65535",
		"test.yaml:3:5: error: meter \"m\": up is \"perhaps\"; expected true or false",
		"test.yaml:4:7: error: meter \"m\": role is \"mian\"; expected one of: main, feeder, "
		"machine; did you "
		"mean \"main\"?",
		"test.yaml:5:8: error: meter \"m\": every is \"15\"; expected a duration",
		"test.yaml:6:8: error: meter \"m\": limit is \"2 kWh\"; expected a power",
		"test.yaml:7:9: error: meter \"m\": stored is \"x\"; expected an energy",
		"test.yaml:8:9: error: meter \"m\": factor is \"2\"; expected a number from 0 to 1 %",
		"test.yaml:9:10: error: meter \"m\": profile is a list; expected a path",
		"test.yaml:10:7: error: meter \"m\": tags is \"one\"; expected a list",
		"test.yaml:11:14: error: meter \"m\": registers: item 1: no setting called \"adress\"; did "
		"you mean "
		"\"address\"?",
		"test.yaml:11:35: error: meter \"m\": registers: item 2 is \"5\"; expected a mapping",
		"meter \"m\": registers: item 3: kind is a mapping; expected a text",
		"meter \"m\": registers: item 3: bits: item 1: n is \"16\"; expected a whole number from 0 "
		"to 15",
	};
	size_t i;
	struct cfg c;

	(void)state;
	assert_null(fill(d, &c, f));
	for (i = 0; i < sizeof parts / sizeof parts[0]; i++)
		assert_true(has(f, parts[i]));
	assert_int_equal(faults_errors(f), sizeof parts / sizeof parts[0]);
	assert_null(fill(d, &c, f)); /* the same again is still a failure, though told once */
	assert_int_equal(faults_errors(f), sizeof parts / sizeof parts[0]);
	conf_free(d);
	faults_free(f);
}

static void test_ranges(void **state)
{
	struct faults *f = faults_new();
	struct conf_doc *d = parse_good("host: h\nevery: 2h\nlimit: -1 W\n");
	struct cfg c;

	(void)state;
	assert_null(fill(d, &c, f));
	assert_true(has(f, "every is \"2h\"; expected 100ms to 1h"));
	assert_true(has(f, "limit is \"-1 W\"; expected 0 W to 1 GW"));
	conf_free(d);
	faults_free(f);
}

static void test_no_mapping(void **state)
{
	struct faults *f = faults_new();
	struct conf_doc *d = parse_good("- a\n");
	struct cfg c;

	(void)state;
	assert_null(fill(d, &c, f));
	assert_true(has(f, "meter \"m\" is a list; expected a mapping"));
	conf_free(d);
	assert_null(fill(NULL, &c, f));
	assert_true(has(f, "error: meter \"m\": setting \"host\" is missing"));
	faults_free(f);
}

static void test_bad_tables(void **state)
{
	static const struct fems_key beyond[] = {
		{ "x", "1", NULL, NULL, 0, 0, NULL, NULL, 0, FEMS_T_INT, 4096 }, FEMS_KEYS_END
	};
	static const struct fems_key newer[] = { { "x", "1", NULL, NULL, 0, 0, NULL, NULL, 0, 99, 0 },
						 FEMS_KEYS_END };
	static const struct fems_key wrong[] = {
		{ "x", "many", NULL, NULL, 0, 0, NULL, NULL, 0, FEMS_T_INT, 0 }, FEMS_KEYS_END
	};
	struct faults *f = faults_new();
	struct cfg c;

	(void)state;
	assert_null(conf_fill(NULL, beyond, &c, sizeof c, WHAT, NULL, f));
	assert_null(conf_fill(NULL, newer, &c, sizeof c, "plugin \"p\"", NULL, f));
	assert_null(conf_fill(NULL, wrong, &c, sizeof c, WHAT, NULL, f));
	assert_true(has(f, "meter \"m\": x: the plugin's table of settings is not valid"));
	assert_true(has(f, "plugin \"p\": x: the plugin's table of settings is not valid"));
	assert_true(has(f, "the plugin's default for meter \"m\": x is \"many\"; expected a whole number"));
	faults_free(f);
}

static void test_plugin_fault(void **state)
{
	struct faults *f = faults_new();
	struct conf_doc *d = parse_good("host: h\nport: 7\n");
	struct fems_error e = { .text = "nobody listens there", .key = "port" };

	(void)state;
	conf_plugin_fault(f, conf_root(d), WHAT, &e);
	assert_true(has(f, "test.yaml:2:7: error: meter \"m\": port: nobody listens there"));
	e.key = "absent";
	conf_plugin_fault(f, conf_root(d), WHAT, &e);
	assert_true(has(f, "test.yaml:1:1: error: meter \"m\": absent: nobody"));
	e.key = NULL;
	conf_plugin_fault(f, NULL, NULL, &e);
	assert_true(has(f, "error: nobody listens there"));
	conf_free(d);
	faults_free(f);
}

/* ---- secrets ---- */

#define CANARY "hunter2-canary"

/* Loads fems.yaml and fills from it; the messages and all outputs together. */
static char *everything(struct conf_filled **m, struct conf_doc **d, struct cfg *c, struct faults *f)
{
	char *all = NULL, *part;
	size_t len;
	FILE *out = open_memstream(&all, &len);

	*d = conf_load(path_of("fems.yaml"), f);
	*m = *d ? fill(*d, c, f) : NULL;
	if (*m) {
		part = conf_dump(keys, c);
		fputs(part, out);
		free(part);
	}
	if (*d) {
		part = conf_json(conf_root(*d));
		fputs(part, out);
		free(part);
	}
	part = faults_text(f);
	fputs(part, out);
	free(part);
	fclose(out);
	return all;
}

static void check_secret(const char *settings, unsigned mode, bool good, const char *message)
{
	struct faults *f = faults_new();
	struct conf_filled *m;
	struct conf_doc *d;
	struct cfg c;
	char *all;

	put_file("fems.yaml", settings, mode);
	all = everything(&m, &d, &c, f);
	if (!!m != good)
		fail_msg("%s%s", settings, all);
	if (good)
		assert_string_equal(c.password, CANARY);
	if (strstr(all, CANARY))
		fail_msg("the secret is in: %s", all);
	if (message && !strstr(all, message))
		fail_msg("not in it: %s\n%s", message, all);
	free(all);
	conf_filled_free(m);
	conf_free(d);
	faults_free(f);
	drop_file("fems.yaml");
}

static void test_secret_file(void **state)
{
	(void)state;
	put_file("s600", CANARY "\n", 0600);
	put_file("s644", CANARY, 0644);
	put_file("empty", "\n", 0600);
	check_secret("host: h\npassword: {file: s600}\n", 0644, true, "password: \"********\"");
	check_secret("host: h\npassword: {file: s644}\n", 0644, true,
		     "warning: meter \"m\": password: other users can read");
	check_secret("host: h\npassword: {file: none}\n", 0644, false, "none: cannot be opened");
	check_secret("host: h\npassword: {file: empty}\n", 0644, false, "is empty");
	check_secret("host: h\npassword: {fle: s600}\n", 0644, false,
		     "expected {file: PATH} or {credential: NAME}");
	check_secret("host: h\npassword: {file: s600, x: 1}\n", 0644, false, "expected {file: PATH}");
	check_secret("host: h\npassword: [a]\n", 0644, false, "expected {file: PATH}");
	drop_file("s600");
	drop_file("s644");
	drop_file("empty");
}

static void test_secret_credential(void **state)
{
	(void)state;
	unsetenv("CREDENTIALS_DIRECTORY");
	check_secret("host: h\npassword: {credential: erp}\n", 0644, false, "LoadCredential=erp:PATH");
	put_file("erp", CANARY "\n", 0400);
	setenv("CREDENTIALS_DIRECTORY", test_dir, 1);
	check_secret("host: h\npassword: {credential: erp}\n", 0644, true, NULL);
	check_secret("host: h\npassword: {credential: ../erp}\n", 0644, false, "a name without \"/\"");
	check_secret("host: h\npassword: {credential: ..}\n", 0644, false, "a name without");
	check_secret("host: h\npassword: {credential: other}\n", 0644, false, "cannot be opened");
	unsetenv("CREDENTIALS_DIRECTORY");
	drop_file("erp");
}

static void test_secret_plain(void **state)
{
	(void)state;
	check_secret("host: h\npassword: " CANARY "\n", 0600, true, "{\"masked\":true}");
	check_secret("host: h\npassword: \"" CANARY "\"\n", 0644, false, "chmod 600 the settings file");
	check_secret("host: h\npassword: " CANARY "\n", 0640, false, "in a file that other users can read");
	/* faults beside it, on its line or about its name, do not show it */
	check_secret("{host: h, port: 99999, password: " CANARY "}\n", 0600, false, "port is \"99999\"");
	check_secret("{password: " CANARY ", host: h, port: 99999}\n", 0600, false, "port is \"99999\"");
	check_secret("host: h\npasword: " CANARY "\n", 0600, false, "did you mean \"password\"?");
	check_secret("host: h\nzz_secret: " CANARY "\n", 0600, false, "no setting called");
	check_secret("host: h\npassword: {masked: true}\n", 0600, false,
		     "not handed to a process of its own");
}

static void test_secret_multiline(void **state)
{
	struct faults *f = faults_new();
	struct conf_filled *m;
	struct conf_doc *d;
	struct cfg c;
	char *all;

	(void)state;
	put_file("fems.yaml", "host: h\npassword: |\n  " CANARY "\n  second\nport: 0\n", 0644);
	all = everything(&m, &d, &c, f);
	assert_null(m);
	assert_null(strstr(all, CANARY));
	assert_null(strstr(all, "second"));
	free(all);
	conf_free(d);
	faults_free(f);
	drop_file("fems.yaml");
}

/* ---- outputs ---- */

static void test_dump(void **state)
{
	struct faults *f = faults_new();
	struct conf_doc *d = parse_good("host: \"a\\\"b\\n\"\nevery: 90s\nfactor: 0.1\n"
					"registers: [{kind: u16, bits: [{n: 1}]}, {kind: s16}]\n");
	struct cfg c, again;
	struct conf_filled *m = fill(d, &c, f), *m2;
	char *text = conf_dump(keys, &c), *text2;

	(void)state;
	assert_string_equal(
		text,
		"host: \"a\\\"b\\n\"\nport: 502\nup: true\nrole: \"feeder\"\nevery: 90s\nlimit: 450 kW\n"
		"stored: 2 kWh\nfactor: 0.1\npassword: \"\"\nprofile: \"\"\ntags: [\"a\", \"b\", \"c\"]\n"
		"registers:\n  - kind: \"u16\"\n    address: 0\n    bits:\n      - n: 1\n"
		"        name: \"\"\n  - kind: \"s16\"\n    address: 0\n    bits: []\n");
	conf_free(d);
	d = parse(text, f); /* it reads back as the same */
	assert_non_null(d);
	conf_filled_free(m);
	c.password = NULL;
	m2 = conf_fill(conf_root(d), keys, &again, sizeof again, WHAT, NULL, f);
	assert_null(m2); /* but for the password, which cannot stand there in plain text */
	assert_int_equal(faults_errors(f), 1);
	free(text);
	conf_free(d);
	text2 = conf_dump(NULL, NULL);
	assert_string_equal(text2, "");
	free(text2);
	faults_free(f);
}

static void test_sample(void **state)
{
	struct faults *f = faults_new();
	char *text = conf_sample(keys, 0), *p;
	struct conf_doc *d = parse(text, f);
	struct cfg c;
	struct conf_filled *m;

	(void)state;
	assert_non_null(d);
	m = fill(d, &c, f); /* required settings stand there, the others are comments */
	if (!m)
		fail_msg("%s\n%s", text, faults_at(f, 0));
	assert_non_null(strstr(text, "# TCP port. (whole number from 1 to 65535)\n#port: 502\n"));
	assert_non_null(strstr(text, "# Time between readings. (duration from 100ms to 1h)\n#every: 1s\n"));
	assert_non_null(strstr(text, "#role: feeder\n"));
	assert_non_null(strstr(text, "#tags: [a, b, c]\n"));
	conf_filled_free(m);
	conf_free(d);
	while ((p = strstr(text, "#password:"))) /* without its file the example cannot be read */
		memcpy(p, "# ", 2);
	for (p = text; p && *p; p = strchr(p, '\n'), p += p != NULL) {
		char *hash = p + strspn(p, " ");

		if (*hash == '#' && hash[1] != ' ')
			memmove(hash, hash + 1, strlen(hash)); /* taken into use */
	}
	d = parse(text, f);
	if (!d)
		fail_msg("%s\n%s", text, faults_at(f, 0));
	m = fill(d, &c, f);
	if (!m)
		fail_msg("%s\n%s", text, faults_at(f, 0));
	assert_int_equal(c.registers.count, 1);
	assert_int_equal(c.tags.count, 3);
	conf_filled_free(m);
	conf_free(d);
	free(text);
	faults_free(f);
}

static void test_json(void **state)
{
	struct conf_doc *d = parse_good("a: 1\nb: \"1\"\nc: 007\nd: [true, yes, ~, 1.5, 1., -0, 1e5, "
					"'']\n\"e\\\"\": {}\nf: \"\\t\\x01\"\n");
	char *text = conf_json(conf_root(d));

	(void)state;
	assert_string_equal(
		text, "{\"a\":1,\"b\":\"1\",\"c\":\"007\",\"d\":[true,\"yes\",null,1.5,\"1.\",-0,1e5,\"\"],"
		      "\"e\\\"\":{},\"f\":\"\\t\\u0001\"}");
	free(text);
	text = conf_json(NULL);
	assert_string_equal(text, "{}");
	free(text);
	conf_free(d);
}

/* A plugin's host gets the JSON: it must fill the same as the settings did. */
static void test_json_fills_alike(void **state)
{
	struct faults *f = faults_new();
	struct conf_filled *m, *m2;
	struct conf_doc *d, *d2;
	struct cfg c, c2;
	char *json, *one, *two;

	(void)state;
	put_file("s600", CANARY "\n", 0600);
	put_file("fems.yaml",
		 "host: '1'\nevery: 1.5min\nprofile: p.yaml\npassword: {file: s600}\ntags: [x]\n"
		 "registers: [{kind: 'yes', address: 0x1f}]\n",
		 0644);
	d = conf_load(path_of("fems.yaml"), f);
	m = fill(d, &c, f);
	assert_non_null(m);
	json = conf_json(conf_root(d));
	d2 = conf_parse(json, strlen(json), "host", "/elsewhere", f);
	m2 = fill(d2, &c2, f);
	if (!m2)
		fail_msg("%s\n%s", json, faults_at(f, 0));
	one = conf_dump(keys, &c);
	two = conf_dump(keys, &c2);
	assert_string_equal(one, two);
	assert_string_equal(c2.password, CANARY);
	free(one), free(two), free(json);
	conf_filled_free(m), conf_filled_free(m2);
	conf_free(d), conf_free(d2);
	faults_free(f);
	drop_file("s600");
	drop_file("fems.yaml");
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(test_dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),     cmocka_unit_test(test_all_types),
		cmocka_unit_test(test_also),         cmocka_unit_test(test_all_faults_at_once),
		cmocka_unit_test(test_ranges),       cmocka_unit_test(test_no_mapping),
		cmocka_unit_test(test_bad_tables),   cmocka_unit_test(test_plugin_fault),
		cmocka_unit_test(test_secret_file),  cmocka_unit_test(test_secret_credential),
		cmocka_unit_test(test_secret_plain), cmocka_unit_test(test_secret_multiline),
		cmocka_unit_test(test_dump),         cmocka_unit_test(test_sample),
		cmocka_unit_test(test_json),         cmocka_unit_test(test_json_fills_alike),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
