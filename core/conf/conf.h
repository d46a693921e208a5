/* SPDX-License-Identifier: Apache-2.0
 *
 * YAML text to checked settings. A document keeps file, line and column of every key and value; a
 * mapping is checked against a table of struct fems_key and fills a C struct. All faults of a run are
 * collected; each is one message:
 *
 *   etc/fems.yaml:14:5: error: meter "press1": no setting called "prot"; did you mean "port"?
 *      14 |     prot: 502
 *         |     ^
 *
 * Not for exchange with other systems (that is XML and JSON).
 */
#ifndef FEMS_CONF_CONF_H
#define FEMS_CONF_CONF_H

#include <stdbool.h>
#include <stdio.h>
#include <fems/plugin.h>

/* ---- faults ---- */
struct faults; /* list of messages with places */

struct faults *faults_new(void);
void faults_free(struct faults *);
size_t faults_errors(const struct faults *);
size_t faults_warnings(const struct faults *);
/* All messages in order of file and line, at most 50, then how many more. */
void faults_print(const struct faults *, FILE *);
/* Text of all of them; caller frees. */
char *faults_text(const struct faults *);
/* Text of one, "" when there are fewer. */
const char *faults_at(const struct faults *, size_t i);

/* ---- documents ---- */
struct conf_doc;
struct conf_node; /* borrowed from its document */

enum conf_kind { CONF_SCALAR, CONF_MAP, CONF_SEQ };

/* Parses a file. Limits: 4 MiB, depth 32, no anchors beyond 1,000, no tags that make types. NULL when
 * there are syntax faults. A key that stands twice in a mapping is a fault that cites both places. */
struct conf_doc *conf_load(const char *path, struct faults *);
/* The same from memory; name appears in messages; dir is what relative paths refer to. A secret in
 * plain text is refused there, as in a file that others can read. */
struct conf_doc *conf_parse(const char *text, size_t len, const char *name, const char *dir, struct faults *);
void conf_free(struct conf_doc *);
const struct conf_node *conf_root(const struct conf_doc *);
/* fems.yaml plus conf.d/NAME.yaml in order of name, merged: mappings join (a scalar that stands twice
 * is a fault citing both, except that a file named 90-pages.yaml or later may replace), lists append.
 * Paths read are kept for messages. */
struct conf_doc *conf_load_tree(const char *path, struct faults *);

enum conf_kind conf_kind(const struct conf_node *);
const struct conf_node *conf_get(const struct conf_node *map, const char *key); /* NULL: absent */
size_t conf_count(const struct conf_node *);
const struct conf_node *conf_item(const struct conf_node *seq, size_t i);
/* i-th pair of a mapping. */
const struct conf_node *conf_pair(const struct conf_node *map, size_t i, const char **key);
const char *conf_text(const struct conf_node *scalar); /* "" for others */
bool conf_is_null(const struct conf_node *);
void conf_where(const struct conf_node *, const char **file, int *line, int *col);
/* Adds a message at a node: at its value, at its key where the value is empty; NULL: without a place. */
void conf_error(struct faults *, const struct conf_node *, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void conf_warn(struct faults *, const struct conf_node *, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Typed scalars with a fault on a wrong one; false then. what names the value in the message. A NULL
 * node is a fault: "WHAT is missing". */
bool conf_as_int(const struct conf_node *, const char *what, int64_t min, int64_t max, int64_t *out,
		 struct faults *);
bool conf_as_num(const struct conf_node *, const char *what, double min, double max, double *out,
		 struct faults *);
bool conf_as_bool(const struct conf_node *, const char *what, bool *out, struct faults *);
/* Decimal, exactly, in 1e-6 (prices, percentages). */
bool conf_as_micro(const struct conf_node *, const char *what, int64_t *out, struct faults *);
/* "15min", "450 kW", "2 kWh" -> us, W, Wh. A bare number is a fault, but for 0. */
bool conf_as_duration(const struct conf_node *, const char *what, int64_t *us, struct faults *);
bool conf_as_power(const struct conf_node *, const char *what, int64_t *w, struct faults *);
bool conf_as_energy(const struct conf_node *, const char *what, int64_t *wh, struct faults *);
/* YYYY-MM-DD -> days since 1970. */
bool conf_as_date(const struct conf_node *, const char *what, int64_t *days, struct faults *);
/* One fault per key of map that is not in names (ends with NULL), with the nearest name; false then. */
bool conf_only(const struct conf_node *map, const char *what, const char *const *names, struct faults *);

/* ---- tables ---- */

/* Memory of a filled struct: strings and lists. */
struct conf_filled;

/* Checks map (NULL: everything default) against keys and fills dst (zeroed by this call). what goes
 * into messages, such as: meter "press1". Keys named in also (ends with NULL, may be NULL) are allowed
 * and left to the caller. Returns NULL when there was a fault; free with conf_filled_free() when dst
 * is no longer used. Secrets are read from their file or credential here. */
struct conf_filled *conf_fill(const struct conf_node *map, const struct fems_key *keys, void *dst,
			      size_t dst_size, const char *what, const char *const *also, struct faults *);
void conf_filled_free(struct conf_filled *);
/* Adds the fault of a plugin's check(): at the setting e->key of map, or at map itself. */
void conf_plugin_fault(struct faults *, const struct conf_node *map, const char *what,
		       const struct fems_error *);
/* The effective settings of a table as YAML, secrets as "********"; caller frees. */
char *conf_dump(const struct fems_key *keys, const void *cfg);
/* A commented sample of a table, for "femsd --sample" and the man pages; caller frees. */
char *conf_sample(const struct fems_key *keys, int indent);
/* The mapping as JSON text (JSON is YAML), for a plugin host. After conf_fill() of the mapping secrets
 * are references, paths no longer depend on the file, and a secret in plain text is {"masked": true},
 * which conf_fill() refuses with a remedy. Caller frees. */
char *conf_json(const struct conf_node *);

#endif
