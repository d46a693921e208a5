/* SPDX-License-Identifier: Apache-2.0
 *
 * Benchmark of the optimiser: prints one JSON line per row (see docs of "make bench"). The time to the
 * first plan is CPU time; searches are limited in real time, as in femsd, so a busy machine makes them
 * worse: the CPU seconds they got stand beside them. FEMS_BENCH_SECONDS: search time of the long runs
 * (default 10).
 */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/plan/plan.h"
#include "plugins/optimise/solve.h"
#include "tests/unit/plan_sample.h"

struct watch { /* answers of one run */
	const struct plan_problem *p;
	double begin_s, first_s, cpu_s;
	int64_t best, bound;
	int answers, bad;
};

static double cpu_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int on_answer(void *ctx, struct fems_span text)
{
	struct watch *w = ctx;
	struct plan_conflict c;
	struct plan *plan = NULL;
	struct fems_error e = { "", NULL };
	struct plan_cost said;
	double now = cpu_s();

	if (plan_parse(w->p, text, &plan, &e)) {
		fprintf(stderr, "answer refused: %s\n", e.text);
		w->bad++;
		return 0;
	}
	said = plan->cost;
	if (plan_evaluate(w->p, plan, &c, 1) || memcmp(&said, &plan->cost, sizeof said)) {
		fprintf(stderr, "answer breaks a rule: %s\n", c.text_en);
		w->bad++;
	} else {
		if (!w->answers++)
			w->first_s = now - w->begin_s;
		if (w->best < 0 || plan->cost.total_micro < w->best)
			w->best = plan->cost.total_micro;
		w->bound = plan->bound_micro;
	}
	plan_free(plan);
	return 0;
}

static struct watch run(const struct plan_problem *p, double seconds, int64_t seed)
{
	struct solve_settings set = { seed, true, 0 };
	struct watch w = { .p = p, .first_s = -1, .best = -1, .bound = -1 };
	char *text = sample_text(p);
	struct fems_error e = { "", NULL };
	struct fems_span span = { text, strlen(text) };

	w.begin_s = cpu_s();
	if (solve_problem(&set, span, (int64_t)(seconds * 1e6), on_answer, &w, &e))
		fprintf(stderr, "no plan: %s\n", e.text);
	w.cpu_s = cpu_s() - w.begin_s;
	free(text);
	return w;
}

static void row(const char *name, double value, const char *unit, double target, const char *beside,
		double beside_value)
{
	printf("{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"target\":%.6g,\"beside\":\"%s\",\"beside_"
	       "value\":%.6g,"
	       "\"met\":%s}\n",
	       name, value, unit, target, beside, beside_value, value <= target ? "true" : "false");
	fflush(stdout);
}

static double percent(int64_t a, int64_t b)
{
	return 100.0 * (double)(a - b) / (double)b;
}

static void bench_factory(double seconds)
{
	struct plan_problem *p = sample_factory((struct sample){ 300, 672, 8, false, true, false, 1 });
	struct watch one = run(p, 1, 1), ten = run(p, seconds, 2);

	row("plan 300x672 first feasible", one.first_s * 1e3, "ms CPU", 50, "answers refused",
	    one.bad + ten.bad);
	row("plan 300x672 after 1 s above the long run", percent(one.best, ten.best), "%", 2.5, "CPU s",
	    one.cpu_s);
	row("plan 300x672 above proven bound", percent(ten.best, ten.bound), "%", 15, "1 s",
	    percent(one.best, one.bound));
	plan_problem_free(p);
	p = sample_factory((struct sample){ 300, 672, 8, true, true, false, 1 });
	ten = run(p, seconds, 2);
	one = run(p, 1, 1);
	row("plan 300x672 with battery, 1 s above the long run", percent(one.best, ten.best), "%", 2.5,
	    "CPU s", one.bad + ten.bad ? -1 : one.cpu_s);
	plan_problem_free(p);
}

/* ---- the shared set "fes": kW in doubles, a demand charge over a ratchet, price and carbon ---- */

static int64_t watts(double kw)
{
	return llround(kw * 250) * 4;
}

static double number(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static double item(const json_t *o, const char *key, int i)
{
	return json_number_value(json_array_get(json_object_get(o, key), (size_t)i));
}

static void fes_order(struct plan_problem *p, int i, const json_t *job)
{
	const json_t *options = json_object_get(job, "opts"), *op;
	struct plan_order *o = NULL;
	size_t k;
	char id[16];

	snprintf(id, sizeof id, "%d", i);
	json_array_foreach(options, k, op)
	{
		const json_t *profile = json_object_get(op, "prof");
		int machine = (int)number(op, "m"), len = (int)json_array_size(profile);

		if (!o)
			o = sample_order(p, id, (int)number(job, "r"), (int)number(job, "d"), machine, len,
					 0);
		else
			sample_option(o, machine, len, 0);
		for (int q = 0; q < len; q++)
			o->options[k].power_w[q] = watts(item(op, "prof", q));
	}
	MUST(o);
	o->late_micro_per_slot = llround(number(job, "w") * 1e6);
}

static struct plan_problem *fes_problem(const json_t *j)
{
	const json_t *machines = json_object_get(j, "machines"), *jobs = json_object_get(j, "jobs");
	int slots = (int)number(j, "T");
	struct plan_problem *p = sample_empty(slots, (int)json_array_size(machines));

	for (int t = 0; t < slots; t++) {
		p->energy_price_micro[t] = llround((item(j, "price", t) + item(j, "co2_cost", t)) * 1e6);
		p->sell_price_micro[t] = llround(item(j, "sell", t) * 1e6);
		p->base_w[t] = watts(item(j, "base", t));
		p->pv_w[t] = watts(item(j, "pv", t));
	}
	for (int m = 0; m < p->n_machines; m++)
		for (int t = 0; t < slots; t++)
			p->machines[m].open[t] = item(json_array_get(machines, (size_t)m), "open", t) > 0;
	for (int i = 0; i < (int)json_array_size(jobs); i++)
		fes_order(p, i, json_array_get(jobs, (size_t)i));
	p->demand_threshold_w = llround(number(j, "ratchet_kw") * 1000);
	p->demand_price_micro = llround(number(j, "demand_charge") * 1e6);
	p->import_limit_w = watts(number(j, "grid_limit_kw"));
	p->seed = 1;
	return p;
}

/* best-known.csv: cost in the second column, of the row that begins with name. */
static double best_known(const char *dir, const char *name)
{
	struct text path = { NULL, 0, 0, false };
	char *csv = NULL, *line;
	size_t len = 0;
	double v = 0;

	text_addf(&path, "%s/best-known.csv", dir);
	if (path.ptr && !file_read(path.ptr, 1 << 20, &csv, &len, NULL) &&
	    (line = strstr(csv, name)) != NULL && (line = strchr(line, ',')) != NULL)
		v = strtod(line + 1, NULL);
	free(csv);
	text_free(&path);
	return v;
}

static void bench_fes(const char *dir, const char *name, double seconds)
{
	struct text path = { NULL, 0, 0, false };
	double known = best_known(dir, name);
	struct plan_problem *p;
	struct watch w;
	json_t *j;

	text_addf(&path, "%s/%s.json", dir, name);
	j = path.ptr ? json_load_file(path.ptr, 0, NULL) : NULL;
	text_free(&path);
	if (!j || known <= 0) {
		printf("{\"name\":\"plan %s\",\"value\":null,\"unit\":\"%%\",\"target\":1,\"beside\":\"not "
		       "measured: no file\","
		       "\"beside_value\":null,\"met\":false}\n",
		       name);
		json_decref(j);
		return;
	}
	p = fes_problem(j);
	for (int i = 0; i < 2; i++) {
		double s = i ? seconds : 1, cost;
		char title[96];

		w = run(p, s, 1 + i);
		/* The set counts the ratchet itself; the problem counts only what lies above it. */
		cost = (double)w.best / 1e6 +
		       (double)p->demand_threshold_w / 1e3 * number(j, "demand_charge");
		snprintf(title, sizeof title, "plan %s, %g s, above best known%s", name, s,
			 w.bad ? " (REFUSED)" : "");
		row(title, 100 * (cost - known) / known, "%", i ? 1 : 2.5, "best known", known);
	}
	plan_problem_free(p);
	json_decref(j);
}

int main(void)
{
	static const char *const names[] = { "fes_n30_T96_s1_0", "fes_n100_T288_s1_0", "fes_n300_T672_s1_0" };
	const char *shared = getenv("FEMS_SHARED"), *long_s = getenv("FEMS_BENCH_SECONDS");
	double seconds = long_s ? strtod(long_s, NULL) : 10;
	struct text dir = { NULL, 0, 0, false };

	if (!getenv("FEMS_BENCH_FES_ONLY"))
		bench_factory(seconds);
	text_addf(&dir, "%s/benchmarks/optimisation/fes", shared ? shared : ".");
	for (size_t i = 0; dir.ptr && i < ARRAY_LEN(names); i++)
		bench_fes(dir.ptr, names[i], seconds);
	text_free(&dir);
	return 0;
}
