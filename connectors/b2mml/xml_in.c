/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "connectors/b2mml/xml_in.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include "connectors/b2mml/buf.h"
#include "connectors/b2mml/xml_scan.h"
#include "connectors/b2mml/xml_schema.h"

#define CHUNK 16384

struct xml_in {
	struct xml_in_options opt;
	const struct xml_in_ops *ops;
	void *ctx;
	xmlParserCtxtPtr parser;
	xmlSAXHandler handlers; /* the plug keeps a pointer to it */
	xmlSchemaValidCtxtPtr valid;
	xmlSchemaSAXPlugPtr plug;
	struct xml_scan scan;
	struct buf text; /* since the last tag */
	size_t bytes;
	unsigned depth;
	bool leaf, failed;
	const xmlChar **attributes;
	int n_attributes;
	struct timespec cpu;
	struct fems_error error;
};

__attribute__((format(printf, 4, 0))) static void fail_at(struct xml_in *x, size_t line, size_t column,
							  const char *fmt, va_list ap)
{
	int n;

	if (x->failed)
		return;
	x->failed = true;
	n = snprintf(x->error.text, sizeof x->error.text, "%s:%zu:%zu: ", x->opt.where, line, column);
	if (n >= 0 && (size_t)n < sizeof x->error.text)
		vsnprintf(x->error.text + n, sizeof x->error.text - (size_t)n, fmt, ap);
	if (x->parser)
		xmlStopParser(x->parser);
}

static void fail_scan(struct xml_in *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void fail_scan(struct xml_in *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail_at(x, x->scan.line, x->scan.column + 1, fmt, ap);
	va_end(ap);
}

void xml_in_fail(struct xml_in *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail_at(x, (size_t)xml_in_line(x), (size_t)xmlSAX2GetColumnNumber(x->parser), fmt, ap);
	va_end(ap);
}

int xml_in_line(const struct xml_in *x)
{
	return xmlSAX2GetLineNumber(x->parser);
}

bool xml_in_failed(const struct xml_in *x)
{
	return x->failed;
}

const struct fems_error *xml_in_error(const struct xml_in *x)
{
	return &x->error;
}

/* ---- SAX2 ---- */

static void on_start(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n_ns,
		     const xmlChar **ns, int n_attributes, int n_default, const xmlChar **attributes)
{
	struct xml_in *x = data;

	(void)prefix, (void)ns, (void)n_default;
	if (x->failed)
		return;
	if (n_attributes + n_ns > XML_ATTRIBUTES_MAX) {
		xml_in_fail(x, "an element has more than %d attributes; B2MML needs no such element",
			    XML_ATTRIBUTES_MAX);
		return;
	}
	if (++x->depth > XML_DEPTH_MAX) {
		xml_in_fail(x, "elements are nested deeper than %d levels; split the document",
			    XML_DEPTH_MAX);
		return;
	}
	buf_clear(&x->text);
	x->leaf = true;
	x->attributes = attributes;
	x->n_attributes = n_attributes;
	x->ops->start(x->ctx, x, (const char *)name, uri ? (const char *)uri : "");
	x->attributes = NULL;
	x->n_attributes = 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *trimmed(struct buf *b)
{
	char *p = b->ptr;

	if (!p)
		return "";
	while (b->len && is_space(p[b->len - 1]))
		p[--b->len] = '\0';
	while (is_space(*p))
		p++;
	return p;
}

static void on_end(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct xml_in *x = data;

	(void)prefix, (void)uri;
	if (x->failed)
		return;
	x->depth--;
	if (x->text.failed) {
		xml_in_fail(x, "out of memory");
		return;
	}
	x->ops->end(x->ctx, x, (const char *)name, x->leaf ? trimmed(&x->text) : "");
	x->leaf = false;
	buf_clear(&x->text);
}

static void on_text(void *data, const xmlChar *text, int n)
{
	struct xml_in *x = data;

	if (x->failed || n < 0)
		return;
	if (x->text.len + (size_t)n > XML_TEXT_MAX) {
		xml_in_fail(x, "the text of an element is longer than 1 MiB; shorten it");
		return;
	}
	buf_add_n(&x->text, text, (size_t)n);
}

/* The second fence behind xml_scan: wellFormed stays 1 after a stop, so the flag in fail_at counts. */
static void on_doctype(void *data, const xmlChar *name, const xmlChar *id, const xmlChar *system)
{
	(void)name, (void)id, (void)system;
	xml_in_fail(data, "DOCTYPE is not accepted; send the document without it");
}

/* libxml2 hands over the parser, whoever is plugged in between. */
static void on_error(void *data, xmlErrorPtr error)
{
	xmlParserCtxtPtr parser = error->ctxt;
	const char *text = error->message ? error->message : "not well-formed";
	struct xml_in *x;

	(void)data;
	if (!parser || error->level < XML_ERR_ERROR)
		return;
	x = parser->_private;
	xml_in_fail(x, "not well-formed XML: %.*s; the sender must correct it", (int)strcspn(text, "\n"),
		    text);
}

static void on_invalid(void *data, xmlErrorPtr error)
{
	struct xml_in *x = data;
	char text[300];

	if (x->failed || !x->ops->invalid || error->level < XML_ERR_ERROR)
		return;
	snprintf(text, sizeof text, "%s", error->message ? error->message : "not valid");
	text[strcspn(text, "\n")] = '\0';
	x->ops->invalid(x->ctx, x, text);
}

const char *xml_in_attribute(const struct xml_in *x, const char *name, char *buf, size_t cap)
{
	buf[0] = '\0';
	for (int i = 0; i < x->n_attributes; i++) { /* name, prefix, uri, begin, end */
		const xmlChar **a = x->attributes + 5 * i;

		if (a[2] || strcmp((const char *)a[0], name) != 0)
			continue;
		snprintf(buf, cap, "%.*s", (int)(a[4] - a[3]), (const char *)a[3]);
	}
	return buf;
}

/* ---- life ---- */

static bool plug_schema(struct xml_in *x, xmlSAXHandlerPtr *sax, void **data)
{
	x->valid = xmlSchemaNewValidCtxt(x->opt.schema);
	if (!x->valid)
		return false;
	xmlSchemaSetValidStructuredErrors(x->valid, on_invalid, x);
	x->plug = xmlSchemaSAXPlug(x->valid, sax, data);
	return x->plug != NULL;
}

static bool make_parser(struct xml_in *x)
{
	xmlSAXHandler *sax = &x->handlers;
	void *data = x;

	x->handlers = (xmlSAXHandler){
		.initialized = XML_SAX2_MAGIC,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_text,
		.ignorableWhitespace = on_text,
		.cdataBlock = on_text,
		.internalSubset = on_doctype,
	};
	if (x->opt.schema && !plug_schema(x, &sax, &data))
		return false;
	x->parser = xmlCreatePushParserCtxt(sax, data, NULL, 0, NULL);
	if (!x->parser)
		return false;
	x->parser->_private = x;
	x->parser->sax->serror = on_error;
	return xmlCtxtUseOptions(x->parser, XML_PARSE_NONET) == 0;
}

struct xml_in *xml_in_new(const struct xml_in_options *opt, const struct xml_in_ops *ops, void *ctx)
{
	struct xml_in *x = calloc(1, sizeof *x);

	if (!x)
		return NULL;
	xml_guard();
	x->opt = *opt;
	x->ops = ops;
	x->ctx = ctx;
	xml_scan_init(&x->scan);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &x->cpu);
	if (!make_parser(x)) {
		xml_in_free(x);
		return NULL;
	}
	return x;
}

void xml_in_free(struct xml_in *x)
{
	if (!x)
		return;
	if (x->plug)
		xmlSchemaSAXUnplug(x->plug);
	xmlSchemaFreeValidCtxt(x->valid);
	if (x->parser) {
		xmlFreeDoc(x->parser->myDoc);
		xmlFreeParserCtxt(x->parser);
	}
	buf_free(&x->text);
	free(x);
}

/* CPU time, not wall time: a slow line is the transport's matter. */
static bool too_long(const struct xml_in *x)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec - x->cpu.tv_sec > XML_CPU_S;
}

bool xml_in_feed(struct xml_in *x, const char *p, size_t n)
{
	while (n && !x->failed) {
		size_t part = n < CHUNK ? n : CHUNK;

		x->bytes += part;
		if (x->bytes > x->opt.max_bytes)
			fail_scan(x, "the document is larger than %zu bytes; split it, or raise max_bytes",
				  x->opt.max_bytes);
		else if (!xml_scan_bytes(&x->scan, p, part))
			fail_scan(x, "%s", x->scan.refusal);
		else if (too_long(x))
			fail_scan(x, "reading took more than %d s of CPU time; split the document",
				  XML_CPU_S);
		else
			xmlParseChunk(x->parser, p, (int)part, 0);
		p += part;
		n -= part;
	}
	return !x->failed;
}

bool xml_in_end(struct xml_in *x)
{
	if (x->failed)
		return false;
	xmlParseChunk(x->parser, NULL, 0, 1);
	if (!x->failed && !x->parser->wellFormed)
		xml_in_fail(x, "not well-formed XML; the sender must correct it");
	return !x->failed;
}
