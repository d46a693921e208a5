/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "store_fixture.h"
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void remove_dir(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *it;
	char path[512];

	while (d && (it = readdir(d))) {
		snprintf(path, sizeof path, "%s/%s", dir, it->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

void ok_(struct fixture *f, enum fems_rc rc, const char *what, const char *file, int line)
{
	if (rc == FEMS_OK)
		return;
	print_error("%s: code %d: %s\n", what, (int)rc, f->e.text);
	_fail(file, line);
}

void fixture_open(struct fixture *f)
{
	struct store_options o = { .dir = f->dir, .commit_us = f->commit_us, .keep_raw_us = f->keep_raw_us };

	OK(f, store_open(&o, &f->st, &f->e));
}

void fixture_close(struct fixture *f)
{
	if (f->st)
		OK(f, store_close(f->st, 20 * S, &f->e));
	f->st = NULL;
}

void fixture_reopen(struct fixture *f)
{
	fixture_close(f);
	fixture_open(f);
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	snprintf(f->dir, sizeof f->dir, "/tmp/fems-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->commit_us = 20000;
	fixture_open(f);
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	fixture_close(f);
	remove_dir(f->dir);
	free(f);
	return 0;
}

uint32_t make_counter(struct fixture *f, const char *name, double max_rate)
{
	struct store_series s = { name, true, 1, max_rate };
	uint32_t id;

	OK(f, store_series(f->st, &s, &id, &f->e));
	return id;
}

uint32_t make_gauge(struct fixture *f, const char *name, double resolution)
{
	struct store_series s = { name, false, resolution, 0 };
	uint32_t id;

	OK(f, store_series(f->st, &s, &id, &f->e));
	return id;
}

void put_q(struct fixture *f, uint32_t series, int64_t t_us, double value, uint32_t quality, uint32_t epoch)
{
	struct fems_sample s = {
		.t_us = t_us, .value = value, .point = series, .quality = quality, .epoch = epoch
	};

	OK(f, store_append(f->st, &s, 1));
}

void put(struct fixture *f, uint32_t series, int64_t t_us, double value)
{
	put_q(f, series, t_us, value, FEMS_Q_GOOD, 0);
}

void sync_store(struct fixture *f)
{
	OK(f, store_sync(f->st, 60 * S, &f->e));
}

struct store_energy energy(struct fixture *f, uint32_t series, int64_t from_us, int64_t to_us)
{
	struct store_energy en;

	OK(f, store_energy(f->st, series, from_us, to_us, &en, &f->e));
	return en;
}

struct counted {
	size_t n;
	int64_t last;
};

static bool count_one(void *ctx, const struct fems_sample *s)
{
	struct counted *c = ctx;

	assert_true(s->t_us > c->last);
	c->last = s->t_us;
	c->n++;
	return true;
}

size_t count_range(struct fixture *f, uint32_t series, int64_t from_us, int64_t to_us)
{
	struct counted c = { 0, INT64_MIN };

	OK(f, store_range(f->st, series, from_us, to_us, count_one, &c, &f->e));
	return c.n;
}

struct slot_copy {
	struct store_energy *out;
	size_t n, cap;
	int64_t next;
};

static bool copy_slot(void *ctx, int64_t start_us, const struct store_energy *en)
{
	struct slot_copy *c = ctx;

	assert_true(c->n < c->cap);
	if (c->next)
		assert_int_equal(start_us, c->next);
	c->next = start_us + SLOT;
	c->out[c->n++] = *en;
	return true;
}

size_t slots(struct fixture *f, uint32_t series, int64_t from_us, int64_t to_us, struct store_energy *out,
	     size_t cap)
{
	struct slot_copy c = { out, 0, cap, 0 };

	OK(f, store_slots(f->st, series, from_us, to_us, copy_slot, &c, &f->e));
	return c.n;
}

int64_t sql(struct fixture *f, const char *text)
{
	char path[128];
	sqlite3 *db;
	sqlite3_stmt *q;
	int64_t v = -1;

	snprintf(path, sizeof path, "%s/fems.db", f->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &q, NULL), SQLITE_OK);
	if (sqlite3_step(q) == SQLITE_ROW)
		v = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	sqlite3_close(db);
	return v;
}
