/* SPDX-License-Identifier: Apache-2.0
 *
 * femsctl tariff check: faults of a tariff file, and the tests inside it.
 */
#include "config.h"
#include "core/femsctl/femsctl.h"

#include <limits.h>
#include <stdio.h>
#include "core/conf/conf.h"
#include "core/tariff/tariff.h"

static json_t *report(const char *path, const struct tariff *t, const struct faults *f)
{
	json_t *findings = json_array();

	for (size_t i = 0; *faults_at(f, i); i++)
		json_array_append_new(findings, json_string(faults_at(f, i)));
	return json_pack("{s:s, s:s?, s:b, s:I, s:I, s:I, s:o}", "file", path, "tariff",
			 t ? tariff_id(t) : NULL, "ok", faults_errors(f) == 0, "tests",
			 (json_int_t)(t ? tariff_tests(t) : 0), "errors", (json_int_t)faults_errors(f),
			 "warnings", (json_int_t)faults_warnings(f), "findings", findings);
}

static int check(const struct ctl *c, const char *path, struct faults *f)
{
	struct tariff *t = tariff_load(path, f);
	int rc;

	if (t)
		tariff_selftest(t, f);
	rc = faults_errors(f) ? CTL_FAULTS : CTL_OK;
	if (c->json) {
		json_t *j = report(path, t, f);

		ctl_print_json(j);
		json_decref(j);
	} else {
		faults_print(f, stderr);
		if (t)
			printf("%s: %s, %zu tests%s\n", path, tariff_title(t, c->lang), tariff_tests(t),
			       rc == CTL_OK ? " pass" : "");
	}
	tariff_free(t);
	return rc;
}

int ctl_tariff_check(const struct ctl *c)
{
	static const char *const options[] = { NULL };
	const char *name = ctl_argument(c, 0);
	char path[PATH_MAX];
	struct faults *f;
	int rc;

	if (!name || !ctl_only_options(c, "tariff check", options)) {
		if (!name)
			fputs("femsctl: tariff check: want a file, or the name of a tariff\n", stderr);
		return CTL_USAGE;
	}
	if (!ctl_tariff_path(name, path, sizeof path))
		return CTL_NOT_FOUND;
	f = faults_new();
	if (!f) {
		fputs("femsctl: tariff check: out of memory\n", stderr);
		return CTL_FAILED;
	}
	rc = check(c, path, f);
	faults_free(f);
	return rc;
}
