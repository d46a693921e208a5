/* SPDX-License-Identifier: Apache-2.0
 *
 * femsctl load check, and what the verbs on load files share.
 */
#include "config.h"
#include "core/femsctl/femsctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/money.h"
#include "core/conf/unit.h"
#include "core/tariff/load_csv.h"

static bool bad(const char *option, const char *value, const char *want)
{
	fprintf(stderr, "femsctl: --%s %s: want %s\n", option, value, want);
	return false;
}

bool ctl_load_options(const struct ctl *c, struct load_options *o, struct zone **zone)
{
	const char *name = ctl_option(c, "zone"), *missing = ctl_option(c, "missing"),
		   *start = ctl_option(c, "start"), *interval = ctl_option(c, "interval");
	struct fems_error e = { "", NULL };
	char why[DIM_WHY_BYTES];

	*zone = NULL;
	*o = (struct load_options){ .spikes_ok = ctl_flag(c, "accept-spikes") };
	if (name && zone_open(name, zone, &e) != FEMS_OK) {
		fprintf(stderr, "femsctl: --zone: %s\n", e.text);
		return false;
	}
	o->zone = *zone;
	if (missing && strcmp(missing, "refuse") && strcmp(missing, "mark"))
		return bad("missing", missing, "refuse or mark");
	o->missing = missing && !strcmp(missing, "mark") ? LOAD_MARK_MISSING : LOAD_REFUSE_MISSING;
	if (interval && (!dim_parse(&dim_duration, interval, &o->interval_us, why) || o->interval_us <= 0))
		return bad("interval", interval, "a duration such as 15min");
	o->has_start = start != NULL;
	if (start && !time_parse(start, o->zone, &o->start_us))
		return bad("start", start, "a time with offset, such as 2026-05-01T00:00:00+09:00");
	if (start && !interval)
		return bad("start", start, "--interval beside it");
	return true;
}

void ctl_load_notes(const struct load_series *s, const char *path)
{
	char text[4400];

	for (size_t i = 0; i < s->n_notes; i++)
		fprintf(stderr, "%s\n", load_note_text(&s->notes[i], path, text, sizeof text));
	if (s->errors + s->warnings > s->n_notes)
		fprintf(stderr, "%s: and %zu more\n", path, s->errors + s->warnings - s->n_notes);
}

json_t *ctl_load_notes_json(const struct load_series *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_notes; i++) {
		const struct load_note *n = &s->notes[i];

		json_array_append_new(
			list, json_pack("{s:o, s:s, s:s, s:s}", "line",
					n->line ? json_integer((json_int_t)n->line) : json_null(), "severity",
					n->error ? "error" : "warning", "kind", n->kind, "text", n->text));
	}
	return list;
}

/* ---- tariffs by name ---- */

static bool in_directory(const char *dir, size_t n, const char *name, char *out, unsigned cap)
{
	return n && snprintf(out, cap, "%.*s/%s.yaml", (int)n, dir, name) < (int)cap &&
	       access(out, R_OK) == 0;
}

bool ctl_tariff_path(const char *name, char *out, unsigned cap)
{
	const char *env = getenv("FEMS_TARIFF_PATH"), *dir = FEMS_DATA_DIR "/tariffs";

	if (strchr(name, '/') || (strlen(name) > 5 && !strcmp(name + strlen(name) - 5, ".yaml"))) {
		if (snprintf(out, cap, "%s", name) < (int)cap && access(out, R_OK) == 0)
			return true;
		fprintf(stderr, "femsctl: %s: cannot be read\n", name);
		return false;
	}
	for (size_t n; env && *env; env += n + (env[n] == ':')) {
		n = strcspn(env, ":");
		if (in_directory(env, n, name, out, cap))
			return true;
	}
	if (in_directory(dir, strlen(dir), name, out, cap))
		return true;
	fprintf(stderr, "femsctl: no tariff \"%s\" in %s%s%s; give a file, or set FEMS_TARIFF_PATH\n", name,
		getenv("FEMS_TARIFF_PATH") ? getenv("FEMS_TARIFF_PATH") : "",
		getenv("FEMS_TARIFF_PATH") ? " or " : "", dir);
	return false;
}

/* ---- load check ---- */

struct sums {
	int64_t wh, peak_wh, peak_us;
};

static struct sums sums_of(const struct load_series *s)
{
	struct sums sums = { 0 };

	for (size_t i = 0; i < s->n; i++) {
		sums.wh += s->slots[i].import_wh;
		if (s->slots[i].import_wh > sums.peak_wh) {
			sums.peak_wh = s->slots[i].import_wh;
			sums.peak_us = s->slots[i].start_us;
		}
	}
	return sums;
}

static json_t *time_of(const struct load_series *s, int64_t t_us)
{
	char text[48];

	return json_string(load_time_text(s, t_us, text, sizeof text));
}

static json_t *check_json(const struct load_series *s, const char *path)
{
	struct sums sums = sums_of(s);
	bool some = s->n > 0 && s->interval_us > 0;

	return json_pack("{s:s, s:b, s:b, s:o, s:o, s:o, s:I, s:I, s:I, s:f, s:f, s:b, s:o}", "file", path,
			 "ok", s->errors == 0, "complete", s->errors == 0 && s->missing == 0, "interval_min",
			 s->interval_us ? json_integer(s->interval_us / US_PER_MIN) : json_null(), "from",
			 some ? time_of(s, s->slots[0].start_us) : json_null(), "to",
			 some ? time_of(s, s->slots[s->n - 1].start_us + s->interval_us) : json_null(),
			 "intervals", (json_int_t)s->n, "missing", (json_int_t)s->missing, "rollovers",
			 (json_int_t)s->rollovers, "energy_kwh", (double)sums.wh / 1000, "peak_kw",
			 some ? (double)sums.peak_wh / 1000 * (double)US_PER_H / (double)s->interval_us : 0.0,
			 "reactive", (int)s->reactive, "findings", ctl_load_notes_json(s));
}

static void check_print(const struct load_series *s, const char *path)
{
	struct sums sums = sums_of(s);
	char from[48], to[48], energy[40], peak[40];

	if (!s->n || !s->interval_us)
		return;
	printf("%s: %zu intervals of %d min, %s to %s\n", path, s->n, (int)(s->interval_us / US_PER_MIN),
	       load_time_text(s, s->slots[0].start_us, from, sizeof from),
	       load_time_text(s, s->slots[s->n - 1].start_us + s->interval_us, to, sizeof to));
	printf("%s kWh, highest %s kW, reactive energy %s, missing %zu\n",
	       money_format(sums.wh * 1000, 3, energy, sizeof energy),
	       money_format(sums.peak_wh * (US_PER_H / s->interval_us) * 1000, 3, peak, sizeof peak),
	       s->reactive ? "yes" : "no", s->missing);
}

int ctl_load_check(const struct ctl *c)
{
	static const char *const options[] = {
		"zone", "missing", "accept-spikes", "start", "interval", NULL
	};
	const char *path = ctl_argument(c, 0);
	struct fems_error e = { "", NULL };
	struct load_series *s = NULL;
	struct load_options o;
	struct zone *zone;
	enum fems_rc rc;
	bool good;

	if (!path) {
		fputs("femsctl: load check: want a file\n", stderr);
		return CTL_USAGE;
	}
	if (!ctl_only_options(c, "load check", options) || !ctl_load_options(c, &o, &zone))
		return CTL_USAGE;
	rc = load_csv_read(path, &o, &s, &e);
	if (rc != FEMS_OK) {
		fprintf(stderr, "femsctl: %s\n", e.text);
		zone_free(zone);
		return ctl_exit_of(rc);
	}
	ctl_load_notes(s, path);
	if (c->json) {
		json_t *j = check_json(s, path);

		ctl_print_json(j);
		json_decref(j);
	} else {
		check_print(s, path);
	}
	good = s->errors == 0;
	load_series_free(s);
	zone_free(zone);
	return good ? CTL_OK : CTL_FAULTS;
}
