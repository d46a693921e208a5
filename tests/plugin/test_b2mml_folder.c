/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder of the B2MML connector: what is taken, in which order, where it goes, what stays.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <curl/curl.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "tests/plugin/b2mml_host.h"

#define S INT64_C(1000000)

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/test-b2mml-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static void remove_folder(const char *path, int depth)
{
	const struct dirent *d;
	char name[512];
	DIR *dir = opendir(path);

	while (dir && (d = readdir(dir)) != NULL) {
		snprintf(name, sizeof name, "%s/%s", path, d->d_name);
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 && unlink(name) != 0 && depth)
			remove_folder(name, depth - 1);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

static int drop_folder(void **state)
{
	(void)state;
	remove_folder(folder, 1);
	return 0;
}

static void put_file(const char *name, const char *text, int age_s)
{
	struct timespec t[2];
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	clock_gettime(CLOCK_REALTIME, &t[0]);
	t[0].tv_sec -= age_s;
	t[1] = t[0];
	assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
}

static bool is_there(const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return lstat(path, &st) == 0;
}

static void file_says(const char *name, const char *part)
{
	char path[256], text[1024] = "";
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	if (!strstr(text, part))
		fail_msg("%s: \"%s\" does not say \"%s\"", name, text, part);
}

#define SCHEDULE(id)                                                                                         \
	"<OperationsSchedule xmlns=\"http://www.mesa.org/xml/B2MML\"><ID>" id                                \
	"</ID><OperationsRequest><ID>R</ID>"                                                                 \
	"<SegmentRequirement><ID>R-1</ID></SegmentRequirement></OperationsRequest></OperationsSchedule>"

static void open_on_folder(struct b2mml_instance *it, struct test_host *h)
{
	const struct setting set[] = { { "folder", folder }, { NULL, NULL } };

	test_host_init(h);
	instance_open(it, h, set);
}

static const char *schedule_id(const struct test_host *h, size_t i)
{
	return json_string_value(json_object_get(h->documents[i].body, "schedule_id"));
}

static void test_folder(void **state)
{
	struct test_host h;
	struct b2mml_instance it;
	char path[256];

	(void)state;
	open_on_folder(&it, &h);
	put_file("b.xml", SCHEDULE("second"), 10);
	put_file("a.XML", SCHEDULE("third"), 5);
	put_file("c.xml", SCHEDULE("first"), 20);
	put_file("young.xml", "<Operations", 0);
	put_file(".hidden.xml", SCHEDULE("hidden"), 10);
	put_file("notes.txt", "no XML", 10);
	snprintf(path, sizeof path, "%s/link.xml", folder);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	if (instance_pull(&it, 5 * S) != FEMS_OK)
		fail_msg("%s", it.error.text);
	assert_int_equal(h.n_documents, 3);
	assert_string_equal(schedule_id(&h, 0), "first");
	assert_string_equal(schedule_id(&h, 1), "second");
	assert_string_equal(schedule_id(&h, 2), "third");
	assert_true(is_there("done/a.XML") && is_there("done/b.xml") && is_there("done/c.xml") &&
		    !is_there("b.xml"));
	assert_true(is_there("young.xml") && is_there(".hidden.xml") && is_there("notes.txt") &&
		    is_there("link.xml"));
	assert_false(is_there("failed"));

	/* the same name again does not overwrite */
	put_file("b.xml", SCHEDULE("again"), 10);
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK);
	assert_true(is_there("done/b.xml") && is_there("done/b.xml.2"));
	instance_close(&it);
	test_host_forget(&h);
}

static void test_folder_faults(void **state)
{
	struct test_host h;
	struct b2mml_instance it;

	(void)state;
	open_on_folder(&it, &h);
	put_file("1-bad.xml", "<OperationsSchedule>\n<ID>x</ID>\n</Operations>", 20);
	put_file("2-good.xml", SCHEDULE("good"), 10);
	put_file("3-noun.xml", "<html/>", 5);
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_EINVAL);
	instance_says(&it, "1-bad.xml:3:");
	assert_int_equal(h.n_documents, 1);
	assert_string_equal(schedule_id(&h, 0), "good");
	assert_true(is_there("failed/1-bad.xml") && is_there("done/2-good.xml") &&
		    is_there("failed/3-noun.xml"));
	file_says("failed/1-bad.xml.txt", "1-bad.xml:3:");
	file_says("failed/3-noun.xml.txt", "not a production schedule");
	assert_non_null(strstr(h.log, "2 files"));
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK);

	/* the store is in trouble: the file waits */
	put_file("4.xml", SCHEDULE("waits"), 10);
	h.answer = FEMS_EIO;
	h.answer_text = "disk full";
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_EIO);
	assert_true(is_there("4.xml"));
	h.answer = FEMS_ECONFLICT;
	h.answer_text = "came before with other content";
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_EINVAL);
	file_says("failed/4.xml.txt", "came before with other content");
	instance_close(&it);
	test_host_forget(&h);
}

/* A file server whose clock is ahead: the file rests when it stays as it is. */
static void test_folder_future(void **state)
{
	struct test_host h;
	struct b2mml_instance it;

	(void)state;
	open_on_folder(&it, &h);
	put_file("future.xml", SCHEDULE("future"), -3600);
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK);
	assert_int_equal(h.n_documents, 0);
	usleep(2100000);
	assert_int_equal(instance_pull(&it, 5 * S), FEMS_OK);
	assert_int_equal(h.n_documents, 1);
	instance_close(&it);
	test_host_forget(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_folder, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_folder_faults, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(test_folder_future, make_folder, drop_folder),
	};

	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
