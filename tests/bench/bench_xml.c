/* SPDX-License-Identifier: Apache-2.0
 *
 * Benchmark of the B2MML reader: a schedule of 20,000 orders from a file to the canonical document,
 * beside libxml2 pushing the same file through empty callbacks. Each run is a process of its own: CPU
 * seconds and peak memory are those that the system counted for it. One JSON line per row.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include "connectors/b2mml/sched.h"

#define ORDERS 20000

struct measure {
	double cpu_s, peak_mb;
	int ok;
};

static void write_order(FILE *f, int i)
{
	fprintf(f,
		"      <OperationsRequest>\n        <ID>SO-%06d</ID>\n        "
		"<StartTime>2030-01-%02dT%02d:00:00.0000000+09:00"
		"</StartTime>\n        <EndTime>2030-02-28T20:00:00+09:00</EndTime>\n        "
		"<Priority>%d</Priority>\n"
		"        <SegmentRequirement>\n          <ID>SO-%06d-010</ID>\n"
		"          <EarliestStartTime>2030-01-%02dT06:00:00+09:00</EarliestStartTime>\n"
		"          <LatestEndTime>2030-02-28T20:00:00+09:00</LatestEndTime>\n"
		"          <ProcessSegmentID>QUENCH-TEMPER</ProcessSegmentID>\n          "
		"<Duration>PT%dM</Duration>\n"
		"          <OperationsDefinitionID>ROUTE-SHAFT</OperationsDefinitionID>\n"
		"          <OperationsSegmentID>ROUTE-SHAFT-020</OperationsSegmentID>\n",
		i, 1 + i % 28, 6 + i % 12, 1 + i % 9, i, 1 + i % 28, 15 + i % 240);
	fprintf(f,
		"          <EquipmentRequirement>\n            <ID>1</ID>\n            "
		"<EquipmentID>FURNACE-%d</EquipmentID>\n"
		"          </EquipmentRequirement>\n"
		"          <MaterialRequirement>\n            <ID>1</ID>\n            "
		"<MaterialDefinitionID>FG-%04d"
		"</MaterialDefinitionID>\n            <MaterialUse>Produced</MaterialUse>\n            "
		"<Quantity>\n"
		"              <QuantityString>%d</QuantityString>\n              "
		"<DataType>decimal</DataType>\n"
		"              <UnitOfMeasure>EA</UnitOfMeasure>\n            </Quantity>\n          "
		"</MaterialRequirement>\n"
		"          <MaterialRequirement>\n            <ID>2</ID>\n            "
		"<MaterialDefinitionID>EN-ELEC"
		"</MaterialDefinitionID>\n            <MaterialUse>Consumed</MaterialUse>\n            "
		"<Quantity>\n"
		"              <QuantityString>%d.%d</QuantityString>\n              "
		"<DataType>decimal</DataType>\n"
		"              <UnitOfMeasure>KWH</UnitOfMeasure>\n            </Quantity>\n          "
		"</MaterialRequirement>\n"
		"        </SegmentRequirement>\n      </OperationsRequest>\n",
		1 + i % 12, i % 800, 1 + i % 500, 10 + i % 900, i % 10);
}

static int write_file(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return -1;
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	      "<ProcessOperationsSchedule xmlns=\"http://www.mesa.org/xml/B2MML\" releaseID=\"7.0.1\">\n  "
	      "<ApplicationArea>\n"
	      "    <CreationDateTime>2030-01-01T00:00:00+09:00</CreationDateTime>\n  </ApplicationArea>\n  "
	      "<DataArea>\n"
	      "    <Process/>\n    <OperationsSchedule>\n      <ID>BENCH</ID>\n",
	      f);
	for (int i = 0; i < ORDERS; i++)
		write_order(f, i);
	fputs("    </OperationsSchedule>\n  </DataArea>\n</ProcessOperationsSchedule>\n", f);
	return fclose(f);
}

/* Feeds the file in pieces of 64 KiB. */
static int feed_file(const char *path, int (*feed)(void *, const char *, int), void *ctx)
{
	static char bytes[65536];
	int fd = open(path, O_RDONLY), ok = fd >= 0;
	ssize_t n;

	while (ok && (n = read(fd, bytes, sizeof bytes)) > 0)
		ok = feed(ctx, bytes, (int)n);
	if (fd >= 0)
		close(fd);
	return ok;
}

static int feed_sched(void *ctx, const char *p, int n)
{
	return sched_feed(ctx, p, (size_t)n);
}

static int run_reader(const char *path)
{
	struct sched_options o = { .where = "http://erp.example/b2mml/operations-schedule",
				   .energy_material = "EN-ELEC",
				   .validation = SCHED_LENIENT,
				   .max_bytes = 64 << 20 };
	struct sched *s = sched_new(&o);
	const struct sched_message *m;
	int ok = s && feed_file(path, feed_sched, s);

	m = ok ? sched_end(s) : NULL;
	ok = m && m->count == 1 && m->warnings == 0;
	if (s && !m)
		fprintf(stderr, "%s\n", sched_error(s)->text);
	if (m)
		fprintf(stderr, "# document of %.1f MB\n", (double)m->documents[0].len / 1e6);
	sched_free(s);
	return ok;
}

static void bare_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n_ns,
		       const xmlChar **ns, int n, int n_default, const xmlChar **attributes)
{
	(void)ctx, (void)name, (void)prefix, (void)uri, (void)n_ns, (void)ns, (void)n, (void)n_default,
		(void)attributes;
}

static int feed_bare(void *ctx, const char *p, int n)
{
	return xmlParseChunk(ctx, p, n, 0) == 0;
}

static int run_bare(const char *path)
{
	xmlSAXHandler sax = { .initialized = XML_SAX2_MAGIC, .startElementNs = bare_start };
	xmlParserCtxtPtr p = xmlCreatePushParserCtxt(&sax, NULL, NULL, 0, NULL);
	int ok = p && feed_file(path, feed_bare, p) && xmlParseChunk(p, NULL, 0, 1) == 0;

	xmlFreeParserCtxt(p);
	return ok;
}

static struct measure in_child(int (*run)(const char *), const char *path)
{
	struct measure m = { 0, 0, 0 };
	struct rusage u;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(!run(path));
	if (pid < 0 || wait4(pid, &status, 0, &u) != pid)
		return m;
	m.ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	m.cpu_s = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		  (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	m.peak_mb = (double)u.ru_maxrss / 1024;
	return m;
}

static void row(const char *name, double value, const char *unit, double target, double beside, int ok)
{
	printf("{\"name\":\"%s\",\"value\":%.4g,\"unit\":\"%s\",\"target\":%g,\"beside\":\"libxml2 push "
	       "parser, empty "
	       "callbacks\",\"beside_value\":%.4g,\"met\":%s}\n",
	       name, value, unit, target, beside, ok && value < target ? "true" : "false");
}

int main(void)
{
	char path[] = "bench-xml-XXXXXX";
	int fd = mkstemp(path), ok;
	struct measure bare, reader;
	struct stat st;

	if (fd < 0 || close(fd) || write_file(path) || stat(path, &st)) {
		perror(path);
		return 1;
	}
	bare = in_child(run_bare, path);
	reader = in_child(run_reader, path);
	unlink(path);
	ok = bare.ok && reader.ok;
	fprintf(stderr, "# file of %.1f MB\n", (double)st.st_size / 1e6);
	row("xml 20,000 B2MML orders, CPU", reader.cpu_s, "s", 2, bare.cpu_s, ok);
	row("xml 20,000 B2MML orders, peak memory", reader.peak_mb, "MB", 64, bare.peak_mb, ok);
	return !ok;
}
