/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/plug.h"

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/err.h"
#include "core/base/text.h"
#include "core/plug/face.h"
#include "core/plug/module.h"

#define SYMBOL    "fems_plugin_1" /* FEMS_PLUGIN of ABI major 1 */
#define MAX_NAMES 200

struct plug_module {
	struct plug_module *next;
	char path[PATH_MAX];
	dev_t dev;
	ino_t ino;
	const struct fems_plugin *plugin;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the list and dlopen() */
static struct plug_module *modules;

/* ---- search ---- */

/* The i-th directory of FEMS_PLUGIN_PATH, then dir; false behind the last. Empty ones are skipped. */
static bool search_dir(const char *dir, size_t i, char *out, size_t cap)
{
	const char *p = getenv("FEMS_PLUGIN_PATH");

	for (; p && *p; p += strspn(p, ":")) {
		size_t n = strcspn(p, ":");

		if (n && i-- == 0) {
			snprintf(out, cap, "%.*s", (int)n, p);
			return true;
		}
		p += n;
	}
	return dir && *dir && i == 0 && str_copy(out, cap, dir);
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

/* Names of plugins in a directory, added to names[*n]. */
static void list_names(const char *dir, char **names, size_t *n)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	while (d && (entry = readdir(d)) && *n < MAX_NAMES) {
		size_t len = strlen(entry->d_name);

		if (len < 4 || strcmp(entry->d_name + len - 3, ".so"))
			continue;
		names[*n] = strndup(entry->d_name, len - 3);
		*n += names[*n] != NULL;
	}
	if (d)
		closedir(d);
}

static enum fems_rc not_found(const char *name, const char *dir, struct fems_error *e)
{
	char *names[MAX_NAMES], one[PATH_MAX];
	struct text places = { 0 };
	const char *near;
	size_t n = 0;

	for (size_t i = 0; search_dir(dir, i, one, sizeof one); i++) {
		text_addf(&places, "%s%s", i ? ", " : "", one);
		list_names(one, names, &n);
	}
	near = str_nearest(name, (const char *const *)names, n);
	err_set(e, FEMS_ENOENT, "no plugin \"%.63s\"%s%s%s (searched: %.200s)", name,
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "",
		places.len ? places.ptr : "no directory");
	text_free(&places);
	while (n)
		free(names[--n]);
	return FEMS_ENOENT;
}

enum fems_rc module_find(const char *name, const char *dir, char *out, size_t cap, struct fems_error *e)
{
	char one[PATH_MAX];

	if (strchr(name, '/')) {
		if (!str_copy(out, cap, name))
			return err_set(e, FEMS_EINVAL, "path of plugin too long: %.200s", name);
		return is_file(out) ? FEMS_OK : err_set(e, FEMS_ENOENT, "%s: no such plugin", name);
	}
	for (size_t i = 0; search_dir(dir, i, one, sizeof one); i++)
		if ((size_t)snprintf(out, cap, "%s/%s.so", one, name) < cap && is_file(out))
			return FEMS_OK;
	return not_found(name, dir, e);
}

enum fems_rc module_inspect(const char *path, struct fems_note *note, struct fems_error *e)
{
	enum fems_rc rc = plug_note_read(path, note, e);

	return rc ? rc : plug_abi_check(path, note, e);
}

/* ---- loading ---- */

static struct plug_module *known(const struct stat *st)
{
	struct plug_module *m = modules;

	while (m && (m->dev != st->st_dev || m->ino != st->st_ino))
		m = m->next;
	return m;
}

static enum fems_rc open_file(struct plug_module *m, const struct fems_note *note, struct fems_error *e)
{
	void *handle = dlopen(m->path, RTLD_NOW | RTLD_LOCAL);
	const char *why = handle ? NULL : dlerror();

	if (!handle)
		return err_set(e, FEMS_EIO, "%s: %s %s cannot be loaded: %s", m->path, note->name,
			       note->version, why ? why : "unknown reason");
	m->plugin = dlsym(handle, SYMBOL);
	if (!m->plugin)
		return err_set(e, FEMS_EINVAL,
			       "%s: %s %s has no symbol " SYMBOL "; define it with FEMS_PLUGIN", m->path,
			       note->name, note->version);
	return face_check(m->path, note, m->plugin, e);
}

static enum fems_rc load_locked(const char *path, struct plug_module **out, struct fems_error *e)
{
	struct fems_note note;
	struct stat st;
	struct plug_module *m;
	enum fems_rc rc;

	if (stat(path, &st))
		return err_set(e, FEMS_ENOENT, "%s: no such plugin", path);
	*out = known(&st);
	if (*out)
		return FEMS_OK;
	rc = module_inspect(path, &note, e);
	if (rc)
		return rc;
	m = calloc(1, sizeof *m);
	if (!m)
		return err_set(e, FEMS_ENOMEM, "%s: out of memory", path);
	(void)str_copy(m->path, sizeof m->path, path);
	m->dev = st.st_dev;
	m->ino = st.st_ino;
	rc = open_file(m, &note, e);
	if (rc) { /* what dlopen() mapped stays: its constructors have run */
		free(m);
		return rc;
	}
	m->next = modules;
	modules = m;
	*out = m;
	return FEMS_OK;
}

enum fems_rc plug_load(const char *name, const char *dir, struct plug_module **out, struct fems_error *e)
{
	char path[PATH_MAX];
	enum fems_rc rc = module_find(name, dir, path, sizeof path, e);

	*out = NULL;
	if (rc)
		return rc;
	pthread_mutex_lock(&lock);
	rc = load_locked(path, out, e);
	pthread_mutex_unlock(&lock);
	return rc;
}

const struct fems_plugin *plug_module_descriptor(const struct plug_module *m)
{
	return m->plugin;
}

const char *plug_module_path(const struct plug_module *m)
{
	return m->path;
}
