/* SPDX-License-Identifier: Apache-2.0
 *
 * The only door for XML from outside: a SAX2 push parser with fixed limits. No DTD, no entities but
 * the five built in, no network, no tree. Bytes go in as they arrive; elements come out with their
 * text. The first fault stops everything and reads WHERE:LINE:COLUMN: what; remedy.
 */
#ifndef B2MML_XML_IN_H
#define B2MML_XML_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <libxml/xmlschemas.h>
#include <fems/plugin.h>

#define XML_DEPTH_MAX      256
#define XML_ATTRIBUTES_MAX 1000
#define XML_TEXT_MAX       (1024 * 1024)
#define XML_CPU_S          5

struct xml_in;

struct xml_in_ops {
	/* ns: namespace or "". */
	void (*start)(void *ctx, struct xml_in *, const char *name, const char *ns);
	/* text: of an element without children, white space at both ends cut; "" for others. */
	void (*end)(void *ctx, struct xml_in *, const char *name, const char *text);
	/* A violation of the schema; may call xml_in_fail(). */
	void (*invalid)(void *ctx, struct xml_in *, const char *message);
};

struct xml_in_options {
	const char *where;   /* file or address for messages; kept by the caller */
	size_t max_bytes;    /* of the document */
	xmlSchemaPtr schema; /* or NULL */
};

struct xml_in *xml_in_new(const struct xml_in_options *, const struct xml_in_ops *, void *ctx);
void xml_in_free(struct xml_in *);
/* false: refused, xml_in_error() has the text. */
bool xml_in_feed(struct xml_in *, const char *, size_t);
bool xml_in_end(struct xml_in *);
const struct fems_error *xml_in_error(const struct xml_in *);

/* For the callbacks: */
int xml_in_line(const struct xml_in *);
/* Attribute without namespace of the element that start() is told of: copied to buf, "" if absent. */
const char *xml_in_attribute(const struct xml_in *, const char *name, char *buf, size_t cap);
/* Refuses the document here. Only the first call counts. */
void xml_in_fail(struct xml_in *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool xml_in_failed(const struct xml_in *);

#endif
