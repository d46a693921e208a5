/* SPDX-License-Identifier: Apache-2.0
 *
 * The fence in front of the XML parser: looks at bytes before libxml2 sees them. libxml2 2.9 reads a
 * whole start tag into memory and compares its attributes pairwise, so that one tag with 80,000
 * attributes costs 18 CPU seconds; here the tag is refused while it is still short. Refuses as well:
 * DOCTYPE, overlong comments and instructions, and encodings in which '<' is not one byte.
 */
#ifndef B2MML_XML_SCAN_H
#define B2MML_XML_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#define XML_TAG_MAX     (64 * 1024)
#define XML_COMMENT_MAX (1024 * 1024)

struct xml_scan {
	int state;
	char quote;
	unsigned seen; /* characters of a closing or opening sequence seen so far */
	char open[8];  /* behind "<!" */
	size_t run;    /* bytes of the construct so far */
	size_t bytes, line, column;
	char decl[256]; /* the XML declaration */
	size_t decl_len;
	bool in_decl;
	const char *refusal; /* what and what to do, once refused */
};

void xml_scan_init(struct xml_scan *);
/* false: refused; line and column tell where. */
bool xml_scan_bytes(struct xml_scan *, const char *, size_t n);

#endif
