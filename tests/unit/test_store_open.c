/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "store_fixture.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/store/internal.h"
#include "core/store/migrate.h"

static struct store_options options(struct fixture *f)
{
	struct store_options o = { .dir = f->dir, .commit_us = 20000 };

	return o;
}

static void second_writer_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store_options o = options(f);
	struct store *other;
	struct fems_error e;
	char pid[32];
	int status;
	pid_t child;

	assert_int_equal(store_open(&o, &other, &f->e), FEMS_ECONFLICT);
	snprintf(pid, sizeof pid, "process %ld", (long)getpid());
	assert_non_null(strstr(f->e.text, pid));
	child = fork();
	if (child == 0)
		_exit(store_open(&o, &other, &e) == FEMS_ECONFLICT ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	fixture_close(f);
	OK(f, store_open(&o, &other, &f->e));
	OK(f, store_close(other, 5 * S, &f->e));
}

static void readers_beside_the_writer(void **state)
{
	struct fixture *f = *state;
	struct store_options o = options(f);
	uint32_t id = make_counter(f, "a/e", 0);
	struct fixture r = { .commit_us = 0 };
	struct store_series s = { "new", false, 0, 0 };
	struct fems_sample sample = { .t_us = T0, .point = id };

	for (int i = 0; i <= 1000; i++)
		put(f, id, T0 + i * S, i);
	for (int i = 500; i < 510; i++)
		put(f, id, T0 + i * S + S / 2, i);
	sync_store(f);
	o.read_only = true;
	OK(f, store_open(&o, &r.st, &f->e));
	assert_int_equal(count_range(&r, id, 0, INT64_MAX), 1011);
	assert_int_equal(energy(&r, id, T0, T0 + 1000 * S).wh, 1000);
	OK(&r, store_state_set(f->st, "x", "1", &r.e));
	assert_int_equal(store_state_set(r.st, "x", "2", &r.e), FEMS_EINVAL);
	assert_int_equal(store_series(r.st, &s, &id, &r.e), FEMS_ENOENT);
	assert_int_equal(store_append(r.st, &sample, 1), FEMS_EINVAL);
	OK(&r, store_sync(r.st, S, &r.e));
	OK(&r, store_close(r.st, S, &r.e));
	o.dir = "/nonexistent/fems";
	assert_int_equal(store_open(&o, &r.st, &r.e), FEMS_EIO);
}

static void bad_places(void **state)
{
	struct fixture *f = *state;
	struct store_options o = options(f);
	struct store *st;
	char path[128];
	FILE *file;

	o.dir = "/proc/fems";
	assert_int_not_equal(store_open(&o, &st, &f->e), FEMS_OK);
	assert_non_null(strstr(f->e.text, "/proc/fems"));
	o.dir = "";
	assert_int_equal(store_open(&o, &st, &f->e), FEMS_EINVAL);
	fixture_close(f);
	snprintf(path, sizeof path, "%s/fems.db", f->dir);
	file = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("this is no database\n", file);
	fclose(file);
	o.dir = f->dir;
	assert_int_equal(store_open(&o, &st, &f->e), FEMS_EIO);
	assert_non_null(strstr(f->e.text, "fems.db"));
	assert_null(st);
}

static void newer_schema_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store_options o = options(f);
	struct store *st;
	char has[32], knows[32];

	fixture_close(f);
	sql(f, "PRAGMA user_version=99");
	assert_int_equal(store_open(&o, &st, &f->e), FEMS_ECONFLICT);
	snprintf(has, sizeof has, "%d", 99);
	snprintf(knows, sizeof knows, "up to %d", store_schema.n);
	assert_non_null(strstr(f->e.text, has));
	assert_non_null(strstr(f->e.text, knows));
	o.read_only = true;
	assert_int_equal(store_open(&o, &st, &f->e), FEMS_ECONFLICT);
	assert_int_equal(sql(f, "PRAGMA user_version"), 99);
}

static void older_schema_is_migrated(void **state)
{
	struct fixture *f = *state;
	const char *steps[] = { store_schema.steps[0], "CREATE TABLE more(x); INSERT INTO more VALUES(7)",
				"CREATE TABLE oops(" };
	struct migration two = { steps, 2 }, three = { steps, 3 };
	struct fixture copy = { .commit_us = 20000 };
	char path[128], snap[160], from[320];
	struct db *db;

	OK(f, store_state_set(f->st, "kept", "yes", &f->e));
	fixture_close(f);
	snprintf(path, sizeof path, "%s/fems.db", f->dir);
	OK(f, db_open(path, DB_WRITER, &db, &f->e));
	OK(f, migrate_run(db, path, &two, &f->e));
	assert_int_equal(sql(f, "SELECT x FROM more"), 7);
	assert_int_equal(sql(f, "PRAGMA user_version"), 2);
	assert_int_equal(sql(f, "SELECT count(*) FROM state"), 1);
	/* A step that fails leaves the version before it. */
	assert_int_equal(migrate_run(db, path, &three, &f->e), FEMS_EIO);
	assert_int_equal(sql(f, "PRAGMA user_version"), 2);
	assert_int_equal(migrate_check(db, path, &three, &f->e), FEMS_ECONFLICT);
	db_close(db);
	/* The snapshot is a store of version 1 that opens. */
	snprintf(copy.dir, sizeof copy.dir, "/tmp/fems-store-XXXXXX");
	assert_non_null(mkdtemp(copy.dir));
	snprintf(snap, sizeof snap, "%s-v1.snapshot", path);
	snprintf(from, sizeof from, "%s/fems.db", copy.dir);
	assert_int_equal(rename(snap, from), 0);
	assert_int_equal(sql(&copy, "PRAGMA user_version"), 1);
	fixture_open(&copy);
	fixture_close(&copy);
	assert_int_equal(sql(&copy, "SELECT count(*) FROM state"), 1);
	snprintf(snap, sizeof snap, "%s/fems.lock", copy.dir);
	unlink(snap);
	unlink(from);
	rmdir(copy.dir);
	sql(f, "PRAGMA user_version=1");
}

struct pages {
	const char *text;
};

static enum fems_rc pages_write(struct db *db, void *ctx, struct fems_error *e)
{
	const struct pages *p = ctx;

	return db_exec(db, p->text, e);
}

static bool set_pages(struct fixture *f, const char *sql_text)
{
	struct pages p = { sql_text };

	return writer_do(f->st, pages_write, NULL, &p, &f->e) == FEMS_OK;
}

/* The writer fails as long as the limit stands, also with a request to lift it: done between its
 * attempts, which the lock keeps away. */
static void lift_limit(struct fixture *f)
{
	int64_t begun;

	pthread_mutex_lock(&f->st->lock);
	for (begun = -1; begun != (int64_t)f->st->ended;) {
		begun = (int64_t)f->st->begun;
		if (begun != (int64_t)f->st->ended)
			pthread_cond_wait(&f->st->done, &f->st->lock);
	}
	assert_int_equal(sqlite3_exec(f->st->writer->h, "PRAGMA max_page_count=1000000", NULL, NULL, NULL),
			 SQLITE_OK);
	pthread_mutex_unlock(&f->st->lock);
}

/* The limit of pages acts as a full disk; samples wait in memory and are written when there is room. */
static void full_disk(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_counter(f, "a/e", 0);
	struct store_stats st;
	int i = 0;

	put(f, id, T0, 0);
	sync_store(f);
	assert_true(set_pages(f, "PRAGMA max_page_count=1"));
	for (i = 1; i < 20000; i++)
		put(f, id, T0 + i * S, i);
	assert_int_equal(store_sync(f->st, 10 * S, &f->e), FEMS_EIO);
	assert_non_null(strstr(f->e.text, "room"));
	store_stats(f->st, &st);
	assert_true(st.disk_full);
	assert_true(st.last_error[0]);
	assert_int_equal(st.samples_queued, 19999);
	assert_int_equal(st.samples_dropped, 0);
	assert_int_equal(store_state_set(f->st, "x", "1", &f->e), FEMS_EIO);
	/* Reading goes on, new samples too. */
	put(f, id, T0 + i * S, i);
	assert_int_equal(energy(f, id, T0, T0 + i * S).wh, i);
	assert_int_equal(count_range(f, id, 0, INT64_MAX), 20001);
	lift_limit(f);
	for (int k = 0; k < 200 && st.disk_full; k++) {
		usleep(20000);
		store_stats(f->st, &st);
	}
	assert_false(st.disk_full);
	sync_store(f);
	fixture_reopen(f);
	assert_int_equal(count_range(f, id, 0, INT64_MAX), 20001);
	assert_int_equal(energy(f, id, T0, T0 + i * S).wh, i);
}

/* The same through the operating system: a limit of the size of files, as a quota gives. */
static void file_size_limit(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_gauge(f, "a/p", 0);
	struct rlimit old, low;
	struct store_stats st;
	unsigned noise = 1;

	signal(SIGXFSZ, SIG_IGN);
	put(f, id, T0, 0);
	sync_store(f);
	getrlimit(RLIMIT_FSIZE, &old);
	low = old;
	low.rlim_cur = 512 * 1024;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	for (int i = 1; i < 100000; i++) {
		noise = noise * 1103515245u + 12345u;
		put(f, id, T0 + i * S, noise * 1e-3);
	}
	assert_int_equal(store_sync(f->st, 10 * S, &f->e), FEMS_EIO);
	store_stats(f->st, &st);
	assert_true(st.disk_full);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	sync_store(f);
	store_stats(f->st, &st);
	assert_false(st.disk_full);
	assert_int_equal(st.samples_stored, 100000);
	fixture_reopen(f);
	assert_int_equal(count_range(f, id, 0, INT64_MAX), 100000);
}

static void too_much_is_dropped_and_counted(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_gauge(f, "a/p", 1);
	enum { N = 1000 };
	static struct fems_sample s[N];
	struct store_stats st;

	put(f, id, T0, 0);
	sync_store(f);
	assert_true(set_pages(f, "PRAGMA max_page_count=1"));
	for (int k = 0; k <= WAITING_MAX / N; k++) {
		for (int i = 0; i < N; i++)
			s[i] = (struct fems_sample){ .t_us = T0 + (k * N + i + 1) * (S / 10),
						     .value = 5,
						     .point = id };
		store_append(f->st, s, N);
	}
	store_stats(f->st, &st);
	assert_int_equal(st.samples_queued, WAITING_MAX);
	assert_int_equal(st.samples_dropped, N);
	lift_limit(f);
	for (int k = 0; k < 500 && st.samples_queued; k++) {
		usleep(20000);
		store_stats(f->st, &st);
	}
	assert_int_equal(st.samples_queued, 0);
}

static void damaged_chunk_is_reported(void **state)
{
	struct fixture *f = *state;
	uint32_t id = make_gauge(f, "a/p", 0);

	for (int i = 0; i < 8000; i++)
		put(f, id, T0 + i * S, i * 1.1);
	sync_store(f);
	fixture_close(f);
	sql(f, "UPDATE chunk SET body = CAST(substr(body,1,50)||x'00'||substr(body,52) AS BLOB) WHERE id = "
	       "(SELECT min(id) FROM chunk)");
	fixture_open(f);
	assert_int_equal(store_range(f->st, id, 0, INT64_MAX, (store_sample_fn)NULL, NULL, &f->e), FEMS_EIO);
	assert_non_null(strstr(f->e.text, "damaged"));
	/* The hours beside it are there. */
	assert_true(count_range(f, id, T0 + 7200 * S, INT64_MAX) > 700);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(second_writer_is_refused), T(readers_beside_the_writer),       T(bad_places),
		T(newer_schema_is_refused),  T(older_schema_is_migrated),        T(full_disk),
		T(file_size_limit),          T(too_much_is_dropped_and_counted), T(damaged_chunk_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
