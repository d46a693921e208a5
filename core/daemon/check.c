/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/daemon/check.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include "core/base/err.h"
#include "core/daemon/setup.h"

struct bench { /* what plug_set_read() needs around it */
	struct loop *loop;
	struct services *services;
	struct bus *bus;
	struct points *points;
	struct plugs *plugs;
};

static void bench_free(struct bench *b)
{
	if (b->plugs)
		plugs_free(b->plugs);
	if (b->points)
		points_free(b->points);
	if (b->bus)
		bus_free(b->bus);
	if (b->services)
		services_free(b->services);
	if (b->loop)
		loop_free(b->loop);
}

static enum fems_rc bench_make(struct bench *b, struct fems_error *e)
{
	struct plugs_options o = { .plugin_dir = FEMS_PLUGIN_DIR };
	enum fems_rc rc = loop_new(&b->loop, e);

	if (!rc)
		rc = bus_new(64, &b->bus, e);
	if (rc)
		return rc;
	o.loop = b->loop;
	o.services = b->services = services_new(b->loop);
	o.bus = b->bus;
	o.points = b->points = points_new();
	if (!b->services || !b->points)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	return plugs_new(&o, &b->plugs, e);
}

static void print_json(const struct faults *f)
{
	json_t *list = json_array();
	char *s;

	for (size_t i = 0; i < faults_errors(f) + faults_warnings(f); i++)
		json_array_append_new(list, json_string(faults_at(f, i)));
	s = json_dumps(list, JSON_INDENT(2));
	puts(s ? s : "[]");
	free(s);
	json_decref(list);
}

int check_settings(const char *path, bool json)
{
	struct faults *faults = faults_new();
	struct fems_error e = { .text = "" };
	struct bench b = { 0 };
	int errors = 1;

	if (!faults || bench_make(&b, &e)) {
		fprintf(stderr, "%s\n", e.text);
	} else {
		setup_free(setup_read(path, b.plugs, faults));
		if (json)
			print_json(faults);
		else
			faults_print(faults, stderr);
		errors = (int)faults_errors(faults);
		if (!errors && !json)
			printf("%s: no faults\n", path);
	}
	bench_free(&b);
	faults_free(faults);
	return errors;
}
