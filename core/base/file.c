/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/base/err.h"
#include "core/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum fems_rc read_open(int fd, const char *path, size_t max, char **out, size_t *len,
			      struct fems_error *e)
{
	struct text t = { 0 };
	char buf[16384];
	ssize_t n;

	while ((n = read(fd, buf, sizeof buf)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			text_free(&t);
			return err_set(e, FEMS_EIO, "%s: cannot be read: %s", path, strerror(errno));
		}
		if (t.len + (size_t)n > max) {
			text_free(&t);
			return err_set(e, FEMS_EINVAL,
				       "%s: larger than %zu bytes, which is the limit for this kind of file",
				       path, max);
		}
		text_add_n(&t, buf, (size_t)n);
	}
	*len = t.len;
	*out = text_take(&t);
	return *out ? FEMS_OK : err_set(e, FEMS_ENOMEM, "%s: out of memory", path);
}

enum fems_rc file_read(const char *path, size_t max, char **out, size_t *len, struct fems_error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum fems_rc rc;

	if (fd < 0)
		return err_set(e, errno == ENOENT ? FEMS_ENOENT : FEMS_EIO, "%s: cannot be opened: %s", path,
			       strerror(errno));
	rc = read_open(fd, path, max, out, len, e);
	close(fd);
	return rc;
}

static bool write_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return true;
}

/* A rename survives power loss only once its directory is on disk too. */
static bool sync_dir_of(const char *path)
{
	char dir[PATH_MAX];
	char *slash;
	bool ok;
	int fd;

	if (!str_copy(dir, sizeof dir, path))
		return false;
	slash = strrchr(dir, '/');
	if (!slash)
		str_copy(dir, sizeof dir, ".");
	else
		slash[slash == dir] = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = fsync(fd) == 0;
	close(fd);
	return ok;
}

enum fems_rc file_replace(const char *path, const void *bytes, size_t len, unsigned mode,
			  struct fems_error *e)
{
	char tmp[PATH_MAX];
	bool ok;
	int fd;

	if (snprintf(tmp, sizeof tmp, "%s.%ld.new", path, (long)getpid()) >= (int)sizeof tmp)
		return err_set(e, FEMS_EINVAL, "%s: path too long", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return err_set(e, FEMS_EIO, "%s: cannot be written: %s", tmp, strerror(errno));
	ok = write_all(fd, bytes, len) && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	if (ok && rename(tmp, path) == 0 && sync_dir_of(path))
		return FEMS_OK;
	err_set(e, FEMS_EIO, "%s: cannot be replaced: %s", path, strerror(errno));
	unlink(tmp);
	return FEMS_EIO;
}

enum fems_rc dir_make(const char *path, struct fems_error *e)
{
	char buf[PATH_MAX];
	struct stat st;

	if (!str_copy(buf, sizeof buf, path))
		return err_set(e, FEMS_EINVAL, "%s: path too long", path);
	for (char *p = buf + 1;; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = '\0';
		if (mkdir(buf, 0700) && errno != EEXIST)
			return err_set(e, FEMS_EIO, "%s: cannot be made: %s", buf, strerror(errno));
		*p = c;
		if (!c)
			break;
	}
	if (stat(buf, &st) || !S_ISDIR(st.st_mode))
		return err_set(e, FEMS_EIO, "%s: is not a directory", path);
	return FEMS_OK;
}
