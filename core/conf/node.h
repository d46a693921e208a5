/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the room: texts with their places, nodes, and the making of messages. Other rooms use
 * conf.h.
 */
#ifndef FEMS_CONF_NODE_H
#define FEMS_CONF_NODE_H

#include <stdarg.h>
#include "core/conf/arena.h"
#include "core/conf/conf.h"

#define CONF_MAX_BYTES   (4u << 20)
#define CONF_MAX_DEPTH   32
#define CONF_MAX_ANCHORS 1000
#define CONF_MAX_NODES   200000 /* with aliases expanded: no bomb */

/* The text of one file, kept for messages: valid UTF-8, lines end with LF. */
struct conf_source {
	char *name, *dir, *text;
	size_t len;
	size_t *lines; /* offsets of their first bytes */
	size_t n_lines;
	unsigned rank;   /* order of reading, for the order of messages */
	bool is_private; /* nobody but the owner can read the file: it may hold secrets */
	struct conf_span {
		size_t from, to;
	} * masks; /* spans of secrets: never shown */
	size_t n_masks;
	struct arena *arena; /* of the document that keeps it */
};

/* Checks and copies the text; NULL with faults. mode: of the file, 0777 when it is none. */
struct conf_source *source_new(const char *text, size_t len, const char *name, const char *dir, unsigned mode,
			       struct faults *);
void source_free(struct conf_source *);
/* Line and column from 1; a column is a character. */
void source_where(const struct conf_source *, size_t pos, int *line, int *col);
size_t source_pos(const struct conf_source *, int line, int col);
void source_mask(struct conf_source *, size_t from, size_t to);

struct conf_node {
	struct conf_source *src;
	enum conf_kind kind;
	bool plain;   /* a scalar without quotes */
	bool has_key; /* value of a mapping: key_pos is valid */
	bool secret;  /* seen by conf_fill() as a secret in plain text */
	size_t pos, end, key_pos;
	char *text;           /* of a scalar */
	const char *resolved; /* of a path: as seen from the working directory, by node_resolve() */
	const char **keys;    /* of a mapping */
	struct conf_node **items;
	size_t count;
	size_t weight, height; /* nodes below with aliases expanded, and levels, both with itself */
};

struct conf_doc {
	struct arena arena;
	struct conf_node *root;
	struct conf_source **sources;
	size_t n_sources;
};

/* An empty document; NULL: out of memory, told as a fault. */
struct conf_doc *doc_new(struct faults *);
/* Takes the source and parses it into the document's root; false with faults. */
bool doc_parse(struct conf_doc *, struct conf_source *, struct faults *);
/* Adds the source to those that conf_free() frees; frees it at once when it cannot. */
bool doc_keep(struct conf_doc *, struct conf_source *);
/* A file as source, with faults. */
struct conf_source *source_load(const char *path, struct faults *);
/* "dir/path", or path when it is absolute. NULL: out of memory. */
char *path_join(struct arena *, const char *dir, const char *path);
/* The node's text as a path relative to its file's directory; lives as long as the document. */
const char *node_resolve(struct conf_node *);
/* All up to the last slash, "." without one. */
char *path_dir(const char *path);

/* A message at a byte of a source; src NULL: without a place. */
void fault_add(struct faults *, bool warning, const struct conf_source *, size_t pos, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* An error at the key of a value of a mapping, at the node itself where it has no key. */
void fault_at_key(struct faults *, const struct conf_node *, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void fault_no_memory(struct faults *);
/* At the key of value: no such setting, with the nearest of names. */
void fault_unknown(struct faults *, const struct conf_node *value, const char *what, const char *key,
		   const char *const *names, size_t n);
/* What libfyaml said about a place (line and column from 1), with what people usually meant. */
void syntax_fault(struct faults *, const struct conf_source *, const char *said, int line, int col);
/* The source's line and a caret under pos; secrets masked. */
struct text;
void excerpt_add(struct text *, const struct conf_source *, size_t pos);
/* Whether the name of a setting sounds like a secret ("api_token"). */
bool sounds_secret(const char *name, size_t len);

#endif
