/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of settings share: files in a directory of their own, and looking into messages.
 */
#ifndef FEMS_TEST_CONF_HELP_H
#define FEMS_TEST_CONF_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/conf/conf.h"

static char test_dir[200];

__attribute__((unused)) static int make_dir(void **state)
{
	(void)state;
	snprintf(test_dir, sizeof test_dir, "%s/fems-conf-XXXXXX", getenv("TMPDIR") ?: "/tmp");
	return mkdtemp(test_dir) ? 0 : -1;
}

static const char *path_of(const char *name)
{
	static char path[400];

	snprintf(path, sizeof path, "%s/%s", test_dir, name);
	return path;
}

__attribute__((unused)) static void put_file(const char *name, const char *text, unsigned mode)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path_of(name), mode), 0);
}

__attribute__((unused)) static void drop_file(const char *name)
{
	(void)remove(path_of(name));
}

static struct conf_doc *parse(const char *text, struct faults *f)
{
	return conf_parse(text, strlen(text), "test.yaml", "etc", f);
}

/* The document of a text that has no fault. */
__attribute__((unused)) static struct conf_doc *parse_good(const char *text)
{
	struct faults *f = faults_new();
	struct conf_doc *doc = parse(text, f);

	if (!doc || faults_errors(f))
		fail_msg("%s", faults_at(f, 0));
	faults_free(f);
	return doc;
}

__attribute__((unused)) static bool has(const struct faults *f, const char *part)
{
	char *text = faults_text(f);
	bool found = strstr(text, part);

	if (!found)
		print_message("not in the messages: %s\n%s\n", part, text);
	free(text);
	return found;
}

/* Text that must not parse, and what its message says. */
__attribute__((unused)) static void refuse(const char *text, const char *part)
{
	struct faults *f = faults_new();
	struct conf_doc *doc = parse(text, f);

	if (doc)
		fail_msg("taken: %s", text);
	assert_true(faults_errors(f) > 0);
	assert_true(has(f, part));
	faults_free(f);
}

#endif
