/* SPDX-License-Identifier: Apache-2.0
 *
 * A compiled XSD, read from local files only, and the deny-all entity loader of this process.
 */
#ifndef B2MML_XML_SCHEMA_H
#define B2MML_XML_SCHEMA_H

#include <libxml/xmlschemas.h>
#include <fems/plugin.h>

/* Starts libxml2 and denies every external entity to every parser of the process. Safe to repeat. */
void xml_guard(void);
/* Compiles path and what it imports from the same machine; network addresses are refused. Caller frees
 * with xmlSchemaFree. Usable by one document at a time. */
enum fems_rc xml_schema_load(const char *path, xmlSchemaPtr *out, struct fems_error *);

#endif
