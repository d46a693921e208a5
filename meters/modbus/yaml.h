/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a small YAML file by tables of keys: every fault is noted with file:line:col, unknown keys
 * with the nearest known one, and reading goes on. Anchors and aliases are refused: nothing here needs
 * them, and they can make a small file large.
 */
#ifndef MODBUS_YAML_H
#define MODBUS_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libfyaml.h>

struct yaml_faults {
	unsigned n;
	char text[3000]; /* one line each, as many as fit */
};

struct yaml {
	const char *file; /* for messages */
	struct fy_document *doc;
	struct yaml_faults *faults;
};

/* Parses text; false with a fault. The text is borrowed until yaml_close(). */
bool yaml_open(struct yaml *, const char *file, const char *text, size_t len, struct yaml_faults *);
void yaml_close(struct yaml *);
void yaml_fault(struct yaml *, struct fy_node *, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

typedef void (*yaml_set_fn)(struct yaml *, struct fy_node *value, void *target);
struct yaml_key { /* a table ends with name NULL; at most 31 keys */
	const char *name;
	yaml_set_fn set;
	bool required;
};
/* Calls the setter of each key that is there. what: "a register", for messages. */
void yaml_mapping(struct yaml *, struct fy_node *, const char *what, const struct yaml_key *, void *target);

/* Values; false with a fault. Strings belong to the document. */
bool yaml_str(struct yaml *, struct fy_node *, const char **out);
bool yaml_int(struct yaml *, struct fy_node *, int64_t min, int64_t max, int64_t *out);
bool yaml_raw(struct yaml *, struct fy_node *, uint64_t *out); /* decimal or 0x.. */
bool yaml_num(struct yaml *, struct fy_node *, double *out);
bool yaml_bool(struct yaml *, struct fy_node *, bool *out);
bool yaml_choice(struct yaml *, struct fy_node *, const char *const *choices, int *out);
bool yaml_duration(struct yaml *, struct fy_node *, int64_t max_us, int64_t *us);

/* The nearest of a list that ends with NULL, NULL when none is near enough to be a slip. */
const char *nearest_name(const char *word, const char *const *names);

#endif
