/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/conf/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/text.h"
#include "core/conf/node.h"

#define MAX_BYTES 65536
#define FORMS     "{file: PATH} or {credential: NAME}"

void secret_hide(struct conf_node *n)
{
	if (n->kind != CONF_SCALAR || conf_is_null(n) || !n->src)
		return;
	n->secret = true;
	source_mask(n->src, n->pos, n->end);
}

/* Moves the text into the arena, without the line end that an editor puts behind it. */
static bool take_text(const struct conf_node *at, const char *what, const char *path, const char *text,
		      size_t len, struct arena *a, const char **out, struct faults *f)
{
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (len == 0 || memchr(text, 0, len)) {
		conf_error(f, at, "%s: the secret file %s %s", what, path,
			   len ? "holds a NUL character" : "is empty");
		return false;
	}
	*out = arena_copy(a, text, len);
	if (!*out)
		fault_no_memory(f);
	return *out;
}

static bool from_file(const struct conf_node *at, const char *what, const char *path, struct arena *a,
		      const char **out, struct faults *f)
{
	struct fems_error e = { 0 };
	struct stat st;
	char *text;
	size_t len;
	bool ok;

	if (file_read(path, MAX_BYTES, &text, &len, &e)) {
		conf_error(f, at, "%s: %s", what, e.text);
		return false;
	}
	if (!stat(path, &st) && (st.st_mode & 077))
		conf_warn(f, at, "%s: other users can read the secret file %s; chmod 600 it", what, path);
	ok = take_text(at, what, path, text, len, a, out, f);
	explicit_bzero(text, len);
	free(text);
	return ok;
}

static bool from_credential(const struct conf_node *at, const char *what, struct arena *a, const char **out,
			    struct faults *f)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY"), *name = at->text, *path;

	if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..")) {
		conf_error(f, at, "%s: credential is \"%.60s\"; expected a name without \"/\"", what, name);
		return false;
	}
	if (!dir || !*dir) {
		conf_error(f, at,
			   "%s: there are no credentials (CREDENTIALS_DIRECTORY is not set); start femsd by "
			   "systemd "
			   "with LoadCredential=%.60s:PATH, or use {file: PATH}",
			   what, name);
		return false;
	}
	path = path_join(a, dir, name);
	if (!path) {
		fault_no_memory(f);
		return false;
	}
	return from_file(at, what, path, a, out, f);
}

static bool from_plain(const struct conf_node *n, const char *what, struct arena *a, const char **out,
		       struct faults *f)
{
	if (!n->src->is_private) {
		conf_error(f, n,
			   "%s: a secret in plain text, in a file that other users can read; expected " FORMS
			   ", or chmod 600 the settings file",
			   what);
		return false;
	}
	*out = arena_copy(a, n->text, strlen(n->text));
	if (!*out)
		fault_no_memory(f);
	return *out;
}

static bool from_map(struct conf_node *n, const char *what, struct arena *a, const char **out,
		     struct faults *f)
{
	struct conf_node *at = n->count == 1 ? n->items[0] : NULL;
	const char *path;

	if (at && !strcmp(n->keys[0], "masked")) {
		conf_error(
			f, n,
			"%s: a secret in plain text is not handed to a process of its own; expected " FORMS,
			what);
		return false;
	}
	if (!at || at->kind != CONF_SCALAR || !*at->text ||
	    (strcmp(n->keys[0], "file") && strcmp(n->keys[0], "credential"))) {
		conf_error(f, n, "%s: expected " FORMS, what);
		return false;
	}
	if (!strcmp(n->keys[0], "credential"))
		return from_credential(at, what, a, out, f);
	path = node_resolve(at);
	if (!path) {
		fault_no_memory(f);
		return false;
	}
	return from_file(at, what, path, a, out, f);
}

bool secret_read(struct conf_node *n, const char *what, struct arena *a, const char **out, struct faults *f)
{
	if (n->kind == CONF_MAP)
		return from_map(n, what, a, out, f);
	if (n->kind == CONF_SCALAR && !conf_is_null(n))
		return from_plain(n, what, a, out, f);
	conf_error(f, n, "%s: expected " FORMS, what);
	return false;
}
