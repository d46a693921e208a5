/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "connectors/b2mml/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <fems/util.h>

#define REST_S    2
#define FILES_MAX 1000 /* of one scan; the rest waits for the next */
#define YOUNG_MAX 64

struct entry {
	char name[NAME_MAX + 1];
	ino_t inode;
	off_t size;
	struct timespec changed;
};

struct young { /* a file seen while it may still have been written */
	ino_t inode;
	off_t size;
	struct timespec changed;
	int64_t seen_us;
};

struct folder {
	char *path;
	int fd;
	struct young young[YOUNG_MAX];
	size_t n_young;
};

static int64_t mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

enum fems_rc folder_new(const char *path, struct folder **out, struct fems_error *e)
{
	struct folder *f = calloc(1, sizeof *f);

	*out = NULL;
	if (!f)
		return fems_fail(e, FEMS_ENOMEM, "out of memory");
	f->path = strdup(path);
	f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd < 0 || !f->path) {
		fems_bad_setting(e, "folder",
				 "folder %s cannot be opened: %s; make it, and let this program write in it",
				 path, strerror(errno));
		folder_free(f);
		return FEMS_EINVAL;
	}
	*out = f;
	return FEMS_OK;
}

void folder_free(struct folder *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f);
}

/* ---- which files are there, and have rested ---- */

static bool is_candidate(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && n <= NAME_MAX && name[0] != '.' && strcasecmp(name + n - 4, ".xml") == 0;
}

static bool same_state(const struct young *y, const struct stat *st)
{
	return y->inode == st->st_ino && y->size == st->st_size && y->changed.tv_sec == st->st_mtim.tv_sec &&
	       y->changed.tv_nsec == st->st_mtim.tv_nsec;
}

/* The clock of a file server may be wrong: a file "from the future" rests when two looks agree. */
static bool has_rested(struct folder *f, const struct stat *st)
{
	struct timespec now;
	int64_t us = mono_us();
	size_t i;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec - st->st_mtim.tv_sec > REST_S)
		return true;
	for (i = 0; i < f->n_young; i++) {
		if (same_state(&f->young[i], st))
			return us - f->young[i].seen_us >= REST_S * 1000000;
		if (f->young[i].inode == st->st_ino)
			break;
	}
	if (i == YOUNG_MAX)
		i = 0;
	if (i == f->n_young)
		f->n_young++;
	f->young[i] = (struct young){ st->st_ino, st->st_size, st->st_mtim, us };
	return false;
}

static int by_change(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->changed.tv_sec != y->changed.tv_sec)
		return x->changed.tv_sec < y->changed.tv_sec ? -1 : 1;
	if (x->changed.tv_nsec != y->changed.tv_nsec)
		return x->changed.tv_nsec < y->changed.tv_nsec ? -1 : 1;
	return strcmp(x->name, y->name);
}

static size_t list_files(struct folder *f, DIR *dir, struct entry *list)
{
	const struct dirent *d;
	struct stat st;
	size_t n = 0;

	while (n < FILES_MAX && (d = readdir(dir)) != NULL) {
		if (!is_candidate(d->d_name) || fstatat(f->fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode) || !has_rested(f, &st))
			continue;
		list[n].inode = st.st_ino;
		list[n].size = st.st_size;
		list[n].changed = st.st_mtim;
		snprintf(list[n].name, sizeof list[n].name, "%s", d->d_name);
		n++;
	}
	qsort(list, n, sizeof *list, by_change);
	return n;
}

/* ---- out of the way ---- */

/* A name in sub that is free: NAME, else NAME.2 and so on. */
static bool free_name(int dir, const char *name, char *out, size_t cap)
{
	struct stat st;

	for (int i = 1; i < 10000; i++) {
		int n = i == 1 ? snprintf(out, cap, "%s", name) : snprintf(out, cap, "%s.%d", name, i);

		if (n < 0 || (size_t)n >= cap)
			return false;
		if (fstatat(dir, out, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
			return true;
	}
	return false;
}

static bool write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

static bool write_reason(int dir, const char *name, const char *reason)
{
	char file[NAME_MAX + 8];
	int fd;
	bool ok;

	if ((size_t)snprintf(file, sizeof file, "%s.txt", name) >= sizeof file)
		return false;
	fd = openat(dir, file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return false;
	ok = write_all(fd, reason, strlen(reason)) && write_all(fd, "\n", 1);
	return close(fd) == 0 && ok;
}

static enum fems_rc move_away(struct folder *f, const char *name, const char *sub, const char *reason,
			      struct fems_error *e)
{
	char target[NAME_MAX + 1];
	int dir;
	bool ok;

	if (mkdirat(f->fd, sub, 0750) != 0 && errno != EEXIST)
		return fems_fail(e, FEMS_EIO, "%s/%s cannot be made: %s; let this program write there",
				 f->path, sub, strerror(errno));
	dir = openat(f->fd, sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return fems_fail(e, FEMS_EIO, "%s/%s cannot be opened: %s", f->path, sub, strerror(errno));
	ok = free_name(dir, name, target, sizeof target) && (!reason || write_reason(dir, target, reason)) &&
	     renameat(f->fd, name, dir, target) == 0;
	if (!ok)
		fems_fail(e, FEMS_EIO,
			  "%s/%s cannot be moved to %s/: %s; move it by hand, it is read again until then",
			  f->path, name, sub, strerror(errno));
	close(dir);
	return ok ? FEMS_OK : FEMS_EIO;
}

/* ---- one file ---- */

/* What changed while it was read was not complete: it stays, whatever the reader made of it. */
static bool changed_meanwhile(int fd, const struct entry *it)
{
	struct stat st;

	return fstat(fd, &st) != 0 || st.st_ino != it->inode || st.st_size != it->size ||
	       st.st_mtim.tv_sec != it->changed.tv_sec || st.st_mtim.tv_nsec != it->changed.tv_nsec;
}

static enum fems_rc take_file(struct folder *f, const struct entry *it, folder_take_fn take, void *ctx,
			      unsigned *failed, struct fems_error *e)
{
	struct fems_error reason = { "", NULL }, moving = { "", NULL };
	char path[512];
	int fd = openat(f->fd, it->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	enum folder_verdict v;

	if (fd < 0)
		return errno == ENOENT ? FEMS_OK
				       : fems_fail(e, FEMS_EIO, "%s/%s cannot be read: %s", f->path, it->name,
						   strerror(errno));
	snprintf(path, sizeof path, "%s/%s", f->path, it->name);
	v = take(ctx, fd, path, &reason);
	if (v == FOLDER_FAILED && changed_meanwhile(fd, it)) {
		close(fd);
		return FEMS_OK;
	}
	close(fd);
	if (v == FOLDER_LATER) {
		*e = reason;
		return FEMS_EIO;
	}
	*failed += v == FOLDER_FAILED;
	if (move_away(f, it->name, v == FOLDER_DONE ? "done" : "failed",
		      v == FOLDER_DONE ? NULL : reason.text, &moving) != FEMS_OK) {
		*e = moving;
		return FEMS_EIO;
	}
	if (v == FOLDER_FAILED)
		*e = reason;
	return v == FOLDER_FAILED ? FEMS_EINVAL : FEMS_OK;
}

enum fems_rc folder_scan(struct folder *f, folder_take_fn take, void *ctx, int64_t deadline_us,
			 unsigned *failed, struct fems_error *e)
{
	struct entry *list = malloc(FILES_MAX * sizeof *list);
	int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	enum fems_rc rc = FEMS_OK, one;
	struct fems_error text = { "", NULL };
	size_t n = 0;

	*failed = 0;
	if (!list || !dir) {
		if (fd >= 0 && !dir)
			close(fd);
		rc = fems_fail(e, FEMS_EIO, "folder %s cannot be listed: %s", f->path, strerror(errno));
	} else {
		n = list_files(f, dir, list);
	}
	for (size_t i = 0; i < n && mono_us() < deadline_us; i++) {
		one = take_file(f, &list[i], take, ctx, failed, &text);
		if (one != FEMS_OK && rc == FEMS_OK) {
			rc = one;
			*e = text;
		}
	}
	if (dir)
		closedir(dir);
	free(list);
	return rc;
}
