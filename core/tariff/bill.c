/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/tariff/bill_run.h"

#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"

enum { PERIOD_DAYS_MAX = 400 };
#define SLOT_WH_MAX INT64_C(4000000000) /* 4 GWh in one interval: beyond any site, so a wrong unit */

static bool covered(const struct bill_run *run, struct fems_error *e)
{
	for (int64_t d = run->first_day; d <= run->last_day; d++)
		if (!tariff_row(run->t, d, e))
			return false;
	return true;
}

static enum fems_rc begin(struct bill_run *run, const struct contract *c, struct fems_error *e)
{
	struct civil end;

	zone_civil(run->t->zone, run->to_us - 1, &end);
	run->year = end.year;
	run->month = end.month;
	run->first_day = tariff_day(run->t, run->from_us);
	run->last_day = civil_days(end.year, end.month, end.day);
	if (run->last_day - run->first_day >= PERIOD_DAYS_MAX)
		return err_set(e, FEMS_EINVAL, "bill: the period is longer than %d days", PERIOD_DAYS_MAX);
	if (!covered(run, e))
		return FEMS_ENOENT;
	run->demand = demand_rule_on(run->t, run->last_day);
	run->wh = calloc(run->t->n_regs, sizeof *run->wh);
	run->peaks = calloc(c->n_peaks ? c->n_peaks : 1, sizeof *run->peaks);
	if (!run->wh || !run->peaks)
		return err_set(e, FEMS_ENOMEM, "bill: out of memory");
	if (c->n_peaks)
		memcpy(run->peaks, c->peaks, c->n_peaks * sizeof *run->peaks);
	run->n_peaks = c->n_peaks;
	return FEMS_OK;
}

static bool on_grid(const struct tariff *t, int64_t t_us)
{
	return (t_us - zone_day_start(t->zone, t_us)) % t->demand_us == 0;
}

enum fems_rc bill_begin(const struct contract *c, int64_t from_us, int64_t to_us, struct bill_run **out,
			struct fems_error *e)
{
	struct bill_run *run;
	enum fems_rc rc;

	if (to_us <= from_us)
		return err_set(e, FEMS_EINVAL, "bill: the period ends before it begins");
	if (!on_grid(c->tariff, from_us) || !on_grid(c->tariff, to_us))
		return err_set(e, FEMS_EINVAL,
			       "bill: the period must begin and end with a demand interval of %d min",
			       (int)(c->tariff->demand_us / US_PER_MIN));
	if (c->contract_w < 0)
		return err_set(e, FEMS_EINVAL, "bill: the contract power is negative");
	run = calloc(1, sizeof *run);
	if (!run)
		return err_set(e, FEMS_ENOMEM, "bill: out of memory");
	run->t = c->tariff;
	run->contract_w = c->contract_w;
	run->pf_line = -1;
	for (int i = 0; i < run->t->n_lines; i++)
		if (run->t->lines[i].quantity == LINE_POWER_FACTOR)
			run->pf_line = i;
	run->from_us = run->next_us = from_us;
	run->to_us = to_us;
	rc = begin(run, c, e);
	if (rc != FEMS_OK) {
		bill_free(run);
		run = NULL;
	}
	*out = run;
	return rc;
}

void bill_free(struct bill_run *run)
{
	if (!run)
		return;
	free(run->wh);
	free(run->peaks);
	free(run);
}

/* Finds the day of an instant. A day with a clock change is walked slot by slot. */
static enum fems_rc enter_stretch(struct bill_run *run, int64_t t_us, struct fems_error *e)
{
	const struct tariff *t = run->t;
	struct civil c, end;
	int64_t start, next;
	int minutes = (int)(t->demand_us / US_PER_MIN);

	zone_civil(t->zone, t_us, &c);
	run->row = tariff_row(t, civil_days(c.year, c.month, c.day), e);
	if (!run->row)
		return FEMS_ENOENT;
	start = zone_utc(t->zone, c.year, c.month, c.day, 0, 0, 0);
	next = zone_utc(t->zone, c.year, c.month, c.day + 1, 0, 0, 0);
	zone_civil(t->zone, start, &end);
	if (next - start == US_PER_DAY && end.offset_s == c.offset_s) {
		run->stretch_to = next;
		run->slot = (int)((t_us - start) / t->demand_us);
	} else {
		run->slot = (c.hour * 60 + c.minute) / minutes;
		run->stretch_to = t_us + t->demand_us;
	}
	run->pf_rule = NULL;
	if (run->pf_line >= 0 && run->row->rate[run->pf_line] != NONE)
		run->pf_rule = t->lines[run->pf_line].rates[run->row->rate[run->pf_line]].pf;
	if (run->pf_rule) /* the start of the interval that t_us is in */
		run->pf_edge_us =
			t_us - run->slot % (int)(run->pf_rule->interval_us / t->demand_us) * t->demand_us;
	return FEMS_OK;
}

static bool slot_sane(const struct load_slot *s)
{
	return s->missing || (s->import_wh >= 0 && s->import_wh <= SLOT_WH_MAX &&
			      s->varh_lag <= SLOT_WH_MAX && s->varh_lead <= SLOT_WH_MAX);
}

/* Why a slot cannot be taken. */
static enum fems_rc refuse(const struct bill_run *run, const struct load_slot *s, struct fems_error *e)
{
	char at[48];

	time_format(s->start_us, run->t->zone, at, sizeof at);
	if (!slot_sane(s))
		return err_set(e, FEMS_EINVAL,
			       "bill: energy of the interval at %s is negative or beyond 4 GWh", at);
	if (s->start_us < run->from_us || s->start_us + run->t->demand_us > run->to_us)
		return err_set(e, FEMS_EINVAL, "bill: the interval at %s lies outside the period", at);
	if (s->start_us < run->next_us)
		return err_set(e, FEMS_EINVAL,
			       "bill: the interval at %s was passed already; intervals come in order "
			       "of time, each once",
			       at);
	return err_set(e, FEMS_EINVAL, "bill: %s is not the start of a demand interval", at);
}

/* Jumps to a slot that does not follow the last one within the stretch. */
static enum fems_rc jump(struct bill_run *run, const struct load_slot *s, struct fems_error *e)
{
	int64_t gap = s->start_us - run->next_us;
	enum fems_rc rc;

	if (gap < 0 || gap % run->t->demand_us)
		return refuse(run, s, e);
	rc = enter_stretch(run, s->start_us, e);
	if (rc == FEMS_OK)
		run->missing += (size_t)(gap / run->t->demand_us);
	return rc;
}

static void add_reactive(struct bill_run *run, const struct load_slot *s, const struct cell *cell)
{
	int64_t varh = (s->varh_lag > 0 ? s->varh_lag : 0) - (s->varh_lead > 0 ? s->varh_lead : 0);
	struct pf_run *pf = &run->pf;

	if (pf->end_us) {
		pf->wh += s->import_wh;
		pf->varh += varh;
		return;
	}
	while (run->pf_edge_us <= s->start_us)
		run->pf_edge_us += run->pf_rule->interval_us;
	pf->end_us = run->pf_edge_us;
	pf->rate = run->row->rate[run->pf_line];
	pf->part = cell->pf;
	pf->wh = s->import_wh;
	pf->varh = varh;
}

static void flush_reactive(struct bill_run *run)
{
	pf_flush(&run->pf, run->t->lines[run->pf_line].rates[run->pf.rate].pf);
}

static void take(struct bill_run *run, const struct load_slot *s, const struct cell *cell)
{
	run->wh[cell->reg] += s->import_wh;
	run->energy_wh += s->import_wh;
	if (s->estimated) {
		run->estimated++;
	} else if (cell->counts && s->import_wh > run->peak_wh) {
		run->peak_wh = s->import_wh;
		run->peak_us = s->start_us;
	}
	if (cell->pf != NONE && (s->varh_lag >= 0 || s->varh_lead >= 0))
		add_reactive(run, s, cell);
}

enum fems_rc bill_add(struct bill_run *run, const struct load_slot *s, struct fems_error *e)
{
	const struct cell *cell;

	if (!slot_sane(s) || s->start_us < run->from_us || s->start_us > run->to_us - run->t->demand_us)
		return refuse(run, s, e);
	if (s->start_us != run->next_us || s->start_us >= run->stretch_to) {
		enum fems_rc rc = jump(run, s, e);

		if (rc != FEMS_OK)
			return rc;
	}
	cell = &run->row->cells[run->slot];
	if (run->pf.end_us && s->start_us >= run->pf.end_us)
		flush_reactive(run);
	run->slots++;
	if (s->missing)
		run->missing++;
	else
		take(run, s, cell);
	run->slot++;
	run->next_us = s->start_us + run->t->demand_us;
	return FEMS_OK;
}

enum fems_rc bill_finish(const struct bill_run *run, struct bill *out, struct fems_error *e)
{
	struct bill_run now = *run; /* the interval being filled is counted in a copy */

	if (now.pf.end_us)
		flush_reactive(&now);
	memset(out, 0, sizeof *out);
	out->from_us = run->from_us;
	out->to_us = run->to_us;
	out->energy_wh = run->energy_wh;
	out->peak_w = (int64_t)((__int128)run->peak_wh * US_PER_H / run->t->demand_us);
	out->peak_t_us = run->peak_us;
	out->slots = run->slots;
	out->slots_missing = run->missing;
	out->slots_estimated = run->estimated;
	out->complete = run->next_us == run->to_us && run->missing == 0;
	return bill_compose(&now, out, e);
}
