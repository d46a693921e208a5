/* SPDX-License-Identifier: Apache-2.0
 *
 * femsctl history import: 15-minute energies from CSV into the store, while femsd is stopped.
 * First column "start" (RFC 3339 with offset), then one column per point (METER/energy....), Wh.
 */
#include "config.h"
#include "core/femsctl/femsctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/text.h"
#include "core/base/zone.h"
#include "core/data/quantity.h"
#include "core/store/store.h"

#define COLUMNS  512
#define FILE_MAX (256u << 20)

struct table {
	char *text; /* the file, cut into cells */
	char *names[COLUMNS];
	int n; /* columns without "start" */
	struct store_import_slot *slots[COLUMNS];
	size_t rows, cap;
};

static void table_free(struct table *t)
{
	for (int i = 0; i < t->n; i++)
		free(t->slots[i]);
	free(t->text);
}

/* Cuts the next cell out of *p; NULL at the end of the line. */
static char *cell(char **p)
{
	char *s = *p, *end;

	if (!s)
		return NULL;
	end = strchr(s, ',');
	*p = end ? end + 1 : NULL;
	if (end)
		*end = '\0';
	return s;
}

static enum fems_rc read_head(struct table *t, char *line, const char *path, struct fems_error *e)
{
	char *s = cell(&line), *slash;

	if (!s || strcmp(s, "start"))
		return err_set(e, FEMS_EINVAL, "%s:1: the first column is not called \"start\"", path);
	while ((s = cell(&line))) {
		const struct quantity *q;

		slash = strchr(s, '/');
		q = slash ? quantity_find(slash + 1) : NULL;
		if (!q || q->kind != Q_COUNTER)
			return err_set(e, FEMS_EINVAL,
				       "%s:1: column \"%s\" is not METER/QUANTITY of a counter, such as "
				       "main/energy.active.import",
				       path, s);
		if (t->n == COLUMNS)
			return err_set(e, FEMS_EINVAL, "%s:1: more than %d columns", path, COLUMNS);
		t->names[t->n++] = s;
	}
	return t->n ? FEMS_OK : err_set(e, FEMS_EINVAL, "%s:1: no column behind \"start\"", path);
}

static enum fems_rc row_room(struct table *t, struct fems_error *e)
{
	size_t cap = t->cap ? 2 * t->cap : 4096;

	if (t->rows < t->cap)
		return FEMS_OK;
	for (int i = 0; i < t->n; i++) {
		void *p = realloc(t->slots[i], cap * sizeof *t->slots[i]);

		if (!p)
			return err_set(e, FEMS_ENOMEM, "out of memory");
		t->slots[i] = p;
	}
	t->cap = cap;
	return FEMS_OK;
}

static enum fems_rc read_row(struct table *t, char *line, const char *path, int number, struct fems_error *e)
{
	char *s = cell(&line);
	int64_t start, wh;

	if (!s || !time_parse(s, NULL, &start) || start % US_PER_SLOT)
		return err_set(e, FEMS_EINVAL,
			       "%s:%d: \"%s\" is not the start of a quarter hour with offset "
			       "(2026-11-01T00:15:00+09:00)",
			       path, number, s ? s : "");
	if (t->rows && start <= t->slots[0][t->rows - 1].start_us)
		return err_set(e, FEMS_EINVAL, "%s:%d: %s is not behind the row before it", path, number, s);
	if (row_room(t, e))
		return FEMS_ENOMEM;
	for (int i = 0; i < t->n; i++) {
		s = cell(&line);
		if (!s || !str_int64(s, &wh) || wh < 0)
			return err_set(e, FEMS_EINVAL, "%s:%d: column %s: \"%s\" is not a whole number of Wh",
				       path, number, t->names[i], s ? s : "");
		t->slots[i][t->rows] = (struct store_import_slot){ start, wh };
	}
	if (line)
		return err_set(e, FEMS_EINVAL, "%s:%d: more than %d columns", path, number, t->n + 1);
	t->rows++;
	return FEMS_OK;
}

static enum fems_rc table_read(const char *path, struct table *t, struct fems_error *e)
{
	size_t len;
	enum fems_rc rc = file_read(path, FILE_MAX, &t->text, &len, e);
	char *p = t->text;
	int number = 0;

	while (!rc && p && *p) {
		char *line = p, *end = strpbrk(p, "\r\n");

		p = end ? end + 1 + (end[0] == '\r' && end[1] == '\n') : NULL;
		if (end)
			*end = '\0';
		rc = ++number == 1 ? read_head(t, line, path, e) : read_row(t, line, path, number, e);
	}
	if (!rc && !t->rows)
		rc = err_set(e, FEMS_EINVAL, "%s: no rows", path);
	return rc;
}

static enum fems_rc import_all(struct store *store, const struct table *t, const char *path,
			       struct fems_error *e)
{
	for (int i = 0; i < t->n; i++) {
		struct store_series s = { .name = t->names[i], .counter = true };
		uint32_t id;
		enum fems_rc rc = store_series(store, &s, &id, e);

		if (!rc)
			rc = store_import(store, id, t->slots[i], t->rows, "femsctl", path, e);
		if (rc)
			return err_wrap(e, rc, "%s", t->names[i]);
	}
	return FEMS_OK;
}

int ctl_history_import(const struct ctl *c)
{
	const char *path = ctl_argument(c, 0), *dir = ctl_option(c, "store");
	struct store_options o = { .dir = dir };
	struct fems_error e = { .text = "" };
	struct table t = { 0 };
	struct store *store;
	enum fems_rc rc;

	if (!path || !dir) {
		fputs("femsctl: history import: want FILE --store DIR\n", stderr);
		return CTL_USAGE;
	}
	rc = table_read(path, &t, &e);
	if (!rc && !(rc = store_open(&o, &store, &e))) {
		rc = import_all(store, &t, path, &e);
		if (store_close(store, 30 * US_PER_S, rc ? NULL : &e) && !rc)
			rc = FEMS_EIO;
	}
	if (rc)
		fprintf(stderr, "femsctl: %s\n", e.text);
	else if (c->json)
		printf("{\"points\": %d, \"slots\": %zu}\n", t.n, t.rows);
	else
		printf("%d points, %zu quarter hours each\n", t.n, t.rows);
	table_free(&t);
	return ctl_exit_of(rc);
}
