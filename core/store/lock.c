/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/store/internal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static enum fems_rc held(const char *path, int fd, struct fems_error *e)
{
	char pid[32] = "";
	ssize_t n = pread(fd, pid, sizeof pid - 1, 0);

	pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
	return err_set(e, FEMS_ECONFLICT,
		       "%s: the store is in use by process %s; stop that one first, two writers "
		       "would destroy it",
		       path, pid[0] ? pid : "(unknown)");
}

enum fems_rc lock_take(const char *dir, int *fd, struct fems_error *e)
{
	char path[4096], pid[32];
	int len;

	if (snprintf(path, sizeof path, "%s/fems.lock", dir) >= (int)sizeof path)
		return err_set(e, FEMS_EINVAL, "%s: the path is too long", dir);
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return err_set(e, FEMS_EIO, "%s: %s; check owner and mode of the directory", path,
			       strerror(errno));
	if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
		enum fems_rc rc = errno == EWOULDBLOCK
					  ? held(path, *fd, e)
					  : err_set(e, FEMS_EIO, "%s: %s", path, strerror(errno));

		close(*fd);
		*fd = -1;
		return rc;
	}
	/* Only a help for the message above; the lock itself is the kernel's and ends with the process. */
	len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
	if (ftruncate(*fd, 0) != 0 || pwrite(*fd, pid, (size_t)len, 0) != len)
		log_line(FEMS_LOG_WARN, "store", "%s: cannot note the process number: %s", path,
			 strerror(errno));
	return FEMS_OK;
}

void lock_release(int fd)
{
	if (fd >= 0)
		close(fd);
}
