/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/web/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fems/util.h>
#include "plugins/web/answer.h"

#define MAX_FILES 256
#define MAX_BYTES (8u << 20) /* of one file; the page has 60 KB */

struct file {
	char path[200];   /* "/app.js" */
	char etag[2][24]; /* plain, gzip */
	struct MHD_Response *response[2], *same[2];
};

struct files {
	struct file *list;
	size_t n;
};

static const char *type_of(const char *path)
{
	static const char *const types[][2] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".svg", "image/svg+xml" },
		{ ".json", "application/json" },
		{ ".png", "image/png" },
		{ ".woff2", "font/woff2" },
		{ ".txt", "text/plain; charset=utf-8" },
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++) {
		if (strcmp(dot, types[i][0]) == 0)
			return types[i][1];
	}
	return "application/octet-stream";
}

/* FNV-1a, 64 bit (the constants are those of its authors): tells versions apart, no protection. */
static uint64_t hash_of(const unsigned char *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u;

	while (n--)
		h = (h ^ *p++) * 0x100000001b3u;
	return h;
}

static bool read_all(int fd, unsigned char *buf, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t n = read(fd, buf + at, size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

/* malloc()ed content of a regular file, NULL when it cannot be read whole. */
static unsigned char *slurp(int dir, const char *name, size_t *size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	unsigned char *buf = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= 0 && st.st_size <= (off_t)MAX_BYTES) {
		*size = (size_t)st.st_size;
		buf = malloc(*size + 1);
	}
	if (buf && !read_all(fd, buf, *size)) {
		free(buf);
		buf = NULL;
	}
	close(fd);
	return buf;
}

static void add_headers(struct MHD_Response *r, const struct file *f, bool gzip)
{
	answer_headers(r);
	MHD_add_response_header(r, "ETag", f->etag[gzip]);
	MHD_add_response_header(r, "Cache-Control", "no-cache");
	MHD_add_response_header(r, "Vary", "Accept-Encoding");
}

/* Makes the answers 200 and 304 of one variant; takes data. */
static bool add_variant(struct file *f, bool gzip, unsigned char *data, size_t size)
{
	snprintf(f->etag[gzip], sizeof f->etag[gzip], "\"%016llx%s\"",
		 (unsigned long long)hash_of(data, size), gzip ? "g" : "");
	f->response[gzip] = MHD_create_response_from_buffer(size, data, MHD_RESPMEM_MUST_FREE);
	if (!f->response[gzip]) {
		free(data);
		return false;
	}
	add_headers(f->response[gzip], f, gzip);
	MHD_add_response_header(f->response[gzip], "Content-Type", type_of(f->path));
	if (gzip)
		MHD_add_response_header(f->response[gzip], "Content-Encoding", "gzip");
	f->same[gzip] = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	if (!f->same[gzip])
		return false;
	add_headers(f->same[gzip], f, gzip);
	return true;
}

static enum fems_rc add_file(struct files *files, int dir, const char *prefix, const char *name,
			     struct fems_error *e)
{
	struct file *f = &files->list[files->n];
	unsigned char *data;
	char packed[256];
	size_t size;

	if (files->n == MAX_FILES)
		return fems_bad_setting(e, "root", "more than %d files; name the directory of the page alone",
					MAX_FILES);
	if (snprintf(f->path, sizeof f->path, "%s/%s", prefix, name) >= (int)sizeof f->path)
		return fems_bad_setting(e, "root", "%s: the name is too long", name);
	data = slurp(dir, name, &size);
	if (!data)
		return fems_bad_setting(e, "root", "%s: cannot be read (a file of up to %u MiB is taken): %s",
					f->path, MAX_BYTES >> 20, strerror(errno));
	files->n++;
	if (!add_variant(f, false, data, size))
		return fems_fail(e, FEMS_ENOMEM, "out of memory for the page's files");
	snprintf(packed, sizeof packed, "%s.gz", name);
	data = slurp(dir, packed, &size);
	if (data && !add_variant(f, true, data, size))
		return fems_fail(e, FEMS_ENOMEM, "out of memory for the page's files");
	return FEMS_OK;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static enum fems_rc add_dir(struct files *files, int fd, const char *prefix, int depth, struct fems_error *e);

static enum fems_rc add_entry(struct files *files, int dir, const char *prefix, const char *name, int depth,
			      struct fems_error *e)
{
	char below[128];
	struct stat st;

	if (name[0] == '.' || ends_with(name, ".gz") || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return FEMS_OK;
	if (S_ISREG(st.st_mode))
		return add_file(files, dir, prefix, name, e);
	if (!S_ISDIR(st.st_mode) || depth == 0 ||
	    snprintf(below, sizeof below, "%s/%s", prefix, name) >= (int)sizeof below)
		return FEMS_OK;
	return add_dir(files, openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), below,
		       depth - 1, e);
}

static enum fems_rc add_dir(struct files *files, int fd, const char *prefix, int depth, struct fems_error *e)
{
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	enum fems_rc rc = FEMS_OK;
	struct dirent *entry;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return fems_bad_setting(e, "root",
					"cannot read the directory: %s; install the page or name the "
					"directory that has its index.html",
					strerror(errno));
	}
	while (rc == FEMS_OK && (entry = readdir(d)))
		rc = add_entry(files, dirfd(d), prefix, entry->d_name, depth, e);
	closedir(d);
	return rc;
}

static const struct file *find(const struct files *files, const char *path)
{
	if (strcmp(path, "/") == 0)
		path = "/index.html";
	for (size_t i = 0; i < files->n; i++) {
		if (strcmp(files->list[i].path, path) == 0)
			return &files->list[i];
	}
	return NULL;
}

enum fems_rc files_open(const char *root, struct files **out, struct fems_error *e)
{
	struct files *files = calloc(1, sizeof *files);
	enum fems_rc rc;

	*out = NULL;
	if (files)
		files->list = calloc(MAX_FILES, sizeof *files->list);
	if (!files || !files->list) {
		free(files);
		return fems_fail(e, FEMS_ENOMEM, "out of memory for the page's files");
	}
	rc = add_dir(files, open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "", 2, e);
	if (rc == FEMS_OK && !find(files, "/"))
		rc = fems_bad_setting(e, "root",
				      "%s has no index.html; install the page or name the directory "
				      "that has it",
				      root);
	if (rc == FEMS_OK)
		*out = files;
	else
		files_free(files);
	return rc;
}

void files_free(struct files *files)
{
	if (!files)
		return;
	for (size_t i = 0; i < files->n; i++) {
		for (int v = 0; v < 2; v++) {
			if (files->list[i].response[v])
				MHD_destroy_response(files->list[i].response[v]);
			if (files->list[i].same[v])
				MHD_destroy_response(files->list[i].same[v]);
		}
	}
	free(files->list);
	free(files);
}

/* gzip is taken unless it is not named or refused by q=0. */
static bool takes_gzip(struct MHD_Connection *c)
{
	const char *v = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept-Encoding");

	v = v ? strcasestr(v, "gzip") : NULL;
	if (!v)
		return false;
	v += 4 + strspn(v + 4, " \t");
	if (*v != ';')
		return true;
	v += 1 + strspn(v + 1, " \t");
	return strncasecmp(v, "q=0", 3) != 0 || v[3 + strspn(v + 3, ".0")] > '0';
}

enum MHD_Result files_answer(const struct files *files, struct MHD_Connection *c, const char *path,
			     int *found)
{
	const struct file *f = find(files, path);
	const char *known;
	bool gzip;

	*found = f != NULL;
	if (!f)
		return MHD_NO;
	gzip = f->response[1] && takes_gzip(c);
	known = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "If-None-Match");
	if (known && strstr(known, f->etag[gzip]))
		return MHD_queue_response(c, MHD_HTTP_NOT_MODIFIED, f->same[gzip]);
	return MHD_queue_response(c, MHD_HTTP_OK, f->response[gzip]);
}
