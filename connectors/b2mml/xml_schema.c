/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "connectors/b2mml/xml_schema.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlschemas.h>
#include <fems/util.h>

static pthread_once_t guard_once = PTHREAD_ONCE_INIT;
/* True while this thread compiles a schema: the only files that XML may pull in. */
static __thread bool compiling;

static xmlParserInputPtr guard_loader(const char *url, const char *id, xmlParserCtxtPtr ctxt)
{
	(void)id;
	if (!compiling || !url || strstr(url, "://"))
		return NULL;
	return xmlNewInputFromFile(ctxt, url);
}

static void guard_start(void)
{
	xmlInitParser();
	xmlSetExternalEntityLoader(guard_loader);
}

void xml_guard(void)
{
	pthread_once(&guard_once, guard_start);
}

/* The compiler also tells that it skips a namespace imported twice: a warning, not kept. */
static void on_error(void *ctx, xmlErrorPtr error)
{
	struct fems_error *e = ctx;
	const char *text = error->message ? error->message : "no reason given";

	if (error->level < XML_ERR_ERROR || e->text[0])
		return;
	fems_fail(e, FEMS_EINVAL, "%s:%d: %.*s", error->file ? error->file : "schema", error->line,
		  (int)strcspn(text, "\n"), text);
}

static xmlSchemaPtr compile(const char *path, struct fems_error *first)
{
	xmlSchemaParserCtxtPtr p = xmlSchemaNewParserCtxt(path);
	xmlSchemaPtr schema;

	if (!p)
		return NULL;
	xmlSchemaSetParserStructuredErrors(p, on_error, first);
	compiling = true;
	schema = xmlSchemaParse(p);
	compiling = false;
	xmlSchemaFreeParserCtxt(p);
	return schema;
}

/* B2MML's files include each other in circles. libxml2 breaks a circle by comparing names, so the first
 * name must be as plain as those that it derives from it. */
enum fems_rc xml_schema_load(const char *path, xmlSchemaPtr *out, struct fems_error *e)
{
	struct fems_error first = { "", NULL };
	char *plain = realpath(path, NULL);

	xml_guard();
	*out = NULL;
	if (!plain || access(plain, R_OK) != 0) {
		fems_bad_setting(e, "schema", "%s cannot be read: %s; give the XSD's path", path,
				 strerror(errno));
		free(plain);
		return FEMS_EINVAL;
	}
	*out = compile(plain, &first);
	free(plain);
	if (*out)
		return FEMS_OK;
	return fems_bad_setting(e, "schema",
				"%s cannot be used as XML schema: %s; give the XSD of the noun, such as "
				"B2MML-OperationsSchedule.xsd, with all files it imports beside it",
				path, first.text[0] ? first.text : "it cannot be read");
}
