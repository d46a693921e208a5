/* SPDX-License-Identifier: Apache-2.0
 *
 * femsctl bill --tariff T --load FILE --contract C: bills of a load file, without femsd.
 */
#include "config.h"
#include "core/femsctl/femsctl.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/conf/conf.h"
#include "core/conf/unit.h"
#include "core/tariff/bill_json.h"
#include "core/tariff/bill_months.h"
#include "core/tariff/load_csv.h"

enum { PEAKS_MAX = 60 };

struct offline {
	const struct ctl *c;
	const char *load_path;
	struct faults *faults;
	struct tariff *tariff;
	struct peak peaks[PEAKS_MAX];
	struct contract contract;
	int64_t as_of_day;
	struct zone *zone;
	struct load_options options;
	struct load_series *series;
	struct load_slot *slots;
	size_t n_slots, n_bills;
	struct bill *bills;
	int64_t from_us, to_us;
};

static int fail(const struct fems_error *e, int exit)
{
	fprintf(stderr, "femsctl: bill: %s\n", e->text);
	return exit;
}

/* ---- contract ---- */

static bool parse_month(const char *s, int *year, int *month)
{
	char end;

	return strlen(s) == 7 && sscanf(s, "%4d-%2d%c", year, month, &end) == 2 && *month >= 1 &&
	       *month <= 12;
}

static void read_peaks(struct offline *b, const struct conf_node *map)
{
	for (size_t i = 0; map && i < conf_count(map); i++) {
		struct peak *p = &b->peaks[b->contract.n_peaks];
		const char *key;
		const struct conf_node *n = conf_pair(map, i, &key);

		if (b->contract.n_peaks == PEAKS_MAX)
			conf_error(b->faults, n, "peaks: at most %d months", PEAKS_MAX);
		else if (!parse_month(key, &p->year, &p->month))
			conf_error(b->faults, n, "peaks: \"%s\" is not a month such as 2025-03", key);
		else if (conf_as_power(n, "peaks", &p->w, b->faults))
			b->contract.n_peaks++;
		if (faults_errors(b->faults))
			return;
	}
}

static void contract_file(struct offline *b, const char *path)
{
	static const char *const names[] = { "contract", "peaks", "as_of", "note", NULL };
	struct conf_doc *doc = conf_load(path, b->faults);
	const struct conf_node *root = doc ? conf_root(doc) : NULL, *peaks, *as_of;

	if (root && conf_kind(root) != CONF_MAP)
		conf_error(b->faults, root, "a contract is a mapping such as \"contract: 1000 kW\"");
	else if (root && conf_only(root, "contract", names, b->faults)) {
		peaks = conf_get(root, "peaks");
		as_of = conf_get(root, "as_of");
		conf_as_power(conf_get(root, "contract"), "contract", &b->contract.contract_w, b->faults);
		if (as_of)
			conf_as_date(as_of, "as_of", &b->as_of_day, b->faults);
		if (peaks && conf_kind(peaks) != CONF_MAP)
			conf_error(b->faults, peaks,
				   "peaks: want a mapping of months, such as {2025-02: 640 kW}");
		else
			read_peaks(b, peaks);
	}
	conf_free(doc);
}

static int read_contract(struct offline *b, const char *text)
{
	char why[DIM_WHY_BYTES];

	b->as_of_day = TARIFF_OWN_DATES;
	b->contract.peaks = b->peaks;
	if (dim_parse(&dim_power, text, &b->contract.contract_w, why))
		return CTL_OK;
	contract_file(b, text);
	faults_print(b->faults, stderr);
	return faults_errors(b->faults) ? CTL_FAULTS : CTL_OK;
}

/* ---- load and period ---- */

static int read_load(struct offline *b)
{
	struct fems_error e = { "", NULL };
	enum fems_rc rc;

	rc = load_csv_read(b->load_path, &b->options, &b->series, &e);
	if (rc != FEMS_OK)
		return fail(&e, ctl_exit_of(rc));
	ctl_load_notes(b->series, b->load_path);
	if (b->series->errors)
		return CTL_FAULTS;
	if (load_resample(b->series, b->tariff, &b->slots, &b->n_slots, &e) != FEMS_OK)
		return fail(&e, CTL_FAULTS);
	if (b->n_slots)
		return CTL_OK;
	fprintf(stderr, "femsctl: bill: %s: not one whole demand interval\n", b->load_path);
	return CTL_FAULTS;
}

/* A month or a day of the period: its first instant, or with end the one behind it. */
static bool period_edge(const struct offline *b, const char *option, bool end, int64_t *t_us)
{
	const char *s = ctl_option(b->c, option);
	const struct zone *z = tariff_zone(b->tariff);
	char day[32];
	int y, m, d;

	if (!s)
		return true;
	snprintf(day, sizeof day, "%.10sT00:00", s);
	if (parse_month(s, &y, &m)) {
		*t_us = zone_utc(z, y, m + end, 1, 0, 0, 0);
		return true;
	}
	if (strlen(s) == 10 && time_parse(day, z, t_us) && sscanf(s, "%d-%d-%d", &y, &m, &d) == 3) {
		*t_us = zone_utc(z, y, m, d + end, 0, 0, 0);
		return true;
	}
	fprintf(stderr, "femsctl: bill: --%s %s: want a month such as 2025-03 or a day such as 2025-03-15\n",
		option, s);
	return false;
}

static int period(struct offline *b)
{
	int64_t first = b->slots[0].start_us,
		end = b->slots[b->n_slots - 1].start_us + tariff_demand_us(b->tariff);
	char x[48], y[48];

	b->from_us = first;
	b->to_us = end;
	if (!period_edge(b, "from", false, &b->from_us) || !period_edge(b, "to", true, &b->to_us))
		return CTL_USAGE;
	if (b->from_us >= b->to_us) {
		fputs("femsctl: bill: the period ends before it begins\n", stderr);
		return CTL_USAGE;
	}
	if (b->options.missing == LOAD_MARK_MISSING || (b->from_us >= first && b->to_us <= end))
		return CTL_OK;
	fprintf(stderr,
		"femsctl: bill: %s: only has %s to %s; choose a period inside, or have the rest marked "
		"(--missing mark)\n",
		b->load_path, time_format(first, tariff_zone(b->tariff), x, sizeof x),
		time_format(end, tariff_zone(b->tariff), y, sizeof y));
	return CTL_FAULTS;
}

/* ---- output ---- */

static json_t *month_json(const struct offline *b, size_t i)
{
	struct civil c;
	char month[24];

	zone_civil(tariff_zone(b->tariff), b->bills[i].to_us - 1, &c);
	snprintf(month, sizeof month, "%04d-%02d", c.year % 10000, c.month % 100);
	return bill_json(b->tariff, &b->bills[i], month);
}

static json_t *all_json(const struct offline *b)
{
	json_t *months = json_array();
	int64_t total = 0;

	for (size_t i = 0; i < b->n_bills; i++) {
		json_array_append_new(months, month_json(b, i));
		total += b->bills[i].total_micro;
	}
	return json_pack("{s:s, s:s, s:I, s:o, s:I, s:o}", "tariff", tariff_id(b->tariff), "currency",
			 tariff_currency(b->tariff), "contract_w", (json_int_t)b->contract.contract_w,
			 "months", months, "total_micro", (json_int_t)total, "findings",
			 ctl_load_notes_json(b->series));
}

static void print(const struct offline *b)
{
	json_t *all = all_json(b), *month;
	char total[48];
	size_t i;

	if (b->c->json) {
		ctl_print_json(all);
		json_decref(all);
		return;
	}
	json_array_foreach(json_object_get(all, "months"), i, month)
	{
		if (i)
			putchar('\n');
		ctl_bill_print(b->c, month);
	}
	if (b->n_bills > 1)
		printf("\n%zu months: %s\n", b->n_bills,
		       ctl_money(json_object_get(all, "total_micro"), tariff_currency(b->tariff), total,
				 sizeof total));
	json_decref(all);
}

/* ---- all ---- */

static int load_tariff(struct offline *b)
{
	char path[PATH_MAX];

	if (!ctl_tariff_path(ctl_option(b->c, "tariff"), path, sizeof path))
		return CTL_NOT_FOUND;
	b->tariff = tariff_load_as_of(path, b->as_of_day, NULL, b->faults);
	faults_print(b->faults, stderr);
	b->contract.tariff = b->tariff;
	return b->tariff ? CTL_OK : CTL_FAULTS;
}

static int run(struct offline *b)
{
	struct fems_error e = { "", NULL };
	int exit = read_contract(b, ctl_option(b->c, "contract"));

	if (exit == CTL_OK)
		exit = load_tariff(b);
	if (exit == CTL_OK)
		exit = read_load(b);
	if (exit == CTL_OK)
		exit = period(b);
	if (exit != CTL_OK)
		return exit;
	if (bill_months(&b->contract, b->slots, b->n_slots, b->from_us, b->to_us, &b->bills, &b->n_bills,
			&e) != FEMS_OK)
		return fail(&e, CTL_FAULTS);
	print(b);
	return CTL_OK;
}

int ctl_bill_file(const struct ctl *c)
{
	static const char *const options[] = { "tariff",   "load", "contract", "from",          "to",
					       "explain",  "zone", "missing",  "accept-spikes", "start",
					       "interval", NULL };
	struct offline *b;
	int exit = CTL_USAGE;

	if (!ctl_only_options(c, "bill", options))
		return CTL_USAGE;
	if (!ctl_option(c, "load") || !ctl_option(c, "contract")) {
		fputs("femsctl: bill: --tariff wants --load FILE and --contract FILE or POWER (such as "
		      "1000kW)\n",
		      stderr);
		return CTL_USAGE;
	}
	b = calloc(1, sizeof *b);
	if (!b || !(b->faults = faults_new())) {
		free(b);
		fputs("femsctl: bill: out of memory\n", stderr);
		return CTL_FAILED;
	}
	b->c = c;
	b->load_path = ctl_option(c, "load");
	if (ctl_load_options(c, &b->options, &b->zone))
		exit = run(b);
	free(b->bills);
	free(b->slots);
	load_series_free(b->series);
	zone_free(b->zone);
	tariff_free(b->tariff);
	faults_free(b->faults);
	free(b);
	return exit;
}
