/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "plugins/optimise/battery.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes" /* the header declares ClpSolve_new() */
#include <Clp_C_Interface.h>
#pragma GCC diagnostic pop

/* ---- whole numbers ---- */

/* The stored energy in Wh/1000 may move between these. */
struct range {
	int64_t low, high, end;
};

static struct range stored_range(const struct battery *b)
{
	int64_t low = b->stored_wh < b->min_wh ? b->stored_wh : b->min_wh;
	int64_t high = b->stored_wh > b->max_wh ? b->stored_wh : b->max_wh;

	return (struct range){ low * 1000, high * 1000, (b->end_wh > low ? b->end_wh : low) * 1000 };
}

static int64_t stored_change(const struct battery *b, int64_t wh)
{
	return wh > 0 ? wh * b->efficiency_permille : wh * 1000;
}

/* What must be stored at least after slot t so that the end can still be reached. */
static int64_t needed_after(const struct model *m, const struct range *r, int t)
{
	int64_t gain = m->battery.slot_wh * m->battery.efficiency_permille * (m->slots - 1 - t);
	int64_t need = r->end - gain;

	return need > r->low ? need : r->low;
}

static int64_t ceil_div(int64_t a, int64_t b)
{
	return a >= 0 ? (a + b - 1) / b : -(-a / b);
}

/* Moves every wish by the least that keeps range, rating and end. False: impossible. */
static bool keep_balance(const struct model *m, int64_t *wh)
{
	const struct battery *b = &m->battery;
	struct range r = stored_range(b);
	int64_t stored = b->stored_wh * 1000;

	for (int t = 0; t < m->slots; t++) {
		int64_t need = needed_after(m, &r, t), v = wh[t];

		v = v > b->slot_wh ? b->slot_wh : v < -b->slot_wh ? -b->slot_wh : v;
		if (stored + stored_change(b, v) > r.high)
			v = (r.high - stored) / b->efficiency_permille;
		if (stored + stored_change(b, v) < need)
			v = stored >= need ? -((stored - need) / 1000)
					   : ceil_div(need - stored, b->efficiency_permille);
		stored += stored_change(b, v);
		if (v > b->slot_wh || v < -b->slot_wh || stored > r.high || stored < r.low)
			return false;
		wh[t] = v;
	}
	return stored >= r.end;
}

struct priced {
	int64_t price;
	int slot;
};

static int by_price(const void *a, const void *b)
{
	const struct priced *x = a, *y = b;

	return x->price != y->price ? (x->price < y->price ? -1 : 1) : x->slot - y->slot;
}

bool battery_idle(const struct model *m, int64_t *battery_wh)
{
	const struct battery *b = &m->battery;
	struct range r = stored_range(b);
	int64_t missing = r.end - b->stored_wh * 1000;
	struct priced *v = malloc((size_t)m->slots * sizeof *v);

	if (!v)
		return false;
	for (int t = 0; t < m->slots; t++) {
		battery_wh[t] = 0;
		v[t] = (struct priced){ m->buy_micro[t], t };
	}
	qsort(v, (size_t)m->slots, sizeof *v, by_price);
	for (int i = 0; i < m->slots && missing > 0; i++) {
		int64_t wh = ceil_div(missing, b->efficiency_permille);

		wh = wh > b->slot_wh ? b->slot_wh : wh;
		battery_wh[v[i].slot] = wh;
		missing -= wh * b->efficiency_permille;
	}
	free(v);
	return keep_balance(m, battery_wh);
}

/* ---- the linear program ---- */

/* Columns: import, export, charge, discharge, stored for each slot, then the peak; kWh and currency.
 * Rows: balance and store for each slot, then import <= peak for each slot. */
struct lp {
	int cols, rows, n; /* n: elements */
	int *start, *index;
	double *value, *low, *high, *cost, *row_low, *row_high;
};
enum column { C_IMPORT, C_EXPORT, C_CHARGE, C_DISCHARGE, C_STORED, C_KINDS };

static void lp_free(struct lp *lp)
{
	free(lp->start);
	free(lp->index);
	free(lp->value);
	free(lp->low);
	free(lp->high);
	free(lp->cost);
	free(lp->row_low);
	free(lp->row_high);
}

static bool lp_room(struct lp *lp, int slots)
{
	size_t c = (size_t)(C_KINDS * slots + 1), r = (size_t)(3 * slots), e = (size_t)(10 * slots);

	memset(lp, 0, sizeof *lp);
	lp->rows = (int)r;
	lp->start = calloc(c + 1, sizeof *lp->start);
	lp->index = calloc(e, sizeof *lp->index);
	lp->value = calloc(e, sizeof *lp->value);
	lp->low = calloc(c, sizeof *lp->low);
	lp->high = calloc(c, sizeof *lp->high);
	lp->cost = calloc(c, sizeof *lp->cost);
	lp->row_low = calloc(r, sizeof *lp->row_low);
	lp->row_high = calloc(r, sizeof *lp->row_high);
	return lp->start && lp->index && lp->value && lp->low && lp->high && lp->cost && lp->row_low &&
	       lp->row_high;
}

static void lp_column(struct lp *lp, double low, double high, double cost)
{
	lp->low[lp->cols] = low;
	lp->high[lp->cols] = high;
	lp->cost[lp->cols] = cost;
	lp->start[++lp->cols] = lp->n;
}

static void lp_element(struct lp *lp, int row, double value)
{
	lp->index[lp->n] = row;
	lp->value[lp->n++] = value;
}

static void lp_columns(struct lp *lp, const struct model *m)
{
	const struct battery *b = &m->battery;
	struct range r = stored_range(b);
	double limit = m->limit_wh == INT64_MAX ? HUGE_VAL : (double)m->limit_wh / 1e3;
	double rate = (double)b->slot_wh / 1e3, eff = (double)b->efficiency_permille / 1e3;
	int n = m->slots;

	for (int t = 0; t < n; t++) {
		lp_element(lp, t, 1);
		if (m->counts[t])
			lp_element(lp, 2 * n + t, -1);
		lp_column(lp, 0, limit, (double)m->buy_micro[t] / 1e6);
		lp_element(lp, t, -1);
		lp_column(lp, 0, HUGE_VAL, -(double)m->sell_micro[t] / 1e6);
		lp_element(lp, t, -1);
		lp_element(lp, n + t, -eff);
		lp_column(lp, 0, rate, 0);
		lp_element(lp, t, 1);
		lp_element(lp, n + t, 1);
		lp_column(lp, 0, rate, 0);
		lp_element(lp, n + t, 1);
		if (t + 1 < n)
			lp_element(lp, n + t + 1, -1);
		lp_column(lp, (double)(t + 1 < n ? r.low : r.end) / 1e6, (double)r.high / 1e6, 0);
	}
	for (int t = 0; t < n; t++)
		lp_element(lp, 2 * n + t, 1);
	lp_column(lp, (double)m->threshold_w / 4e3, HUGE_VAL, (double)m->demand_micro * 4 / 1e6);
}

static void lp_rows(struct lp *lp, const struct model *m, const int64_t *load_wh)
{
	int n = m->slots;

	for (int t = 0; t < n; t++) {
		lp->row_low[t] = lp->row_high[t] = (double)load_wh[t] / 1e3;
		lp->row_low[n + t] = lp->row_high[n + t] = t ? 0 : (double)m->battery.stored_wh / 1e3;
		lp->row_low[2 * n + t] = 0;
		lp->row_high[2 * n + t] = HUGE_VAL;
	}
}

/* Rounds towards less import where the peak is set, else to the nearest. */
static void take_wishes(const struct model *m, const double *x, int64_t *wh)
{
	double peak = x[C_KINDS * m->slots];

	for (int t = 0; t < m->slots; t++) {
		const double *c = x + C_KINDS * t;
		double v = (c[C_CHARGE] - c[C_DISCHARGE]) * 1e3;

		wh[t] = m->counts[t] && c[C_IMPORT] > peak - 0.01 ? (int64_t)floor(v + 1e-6) : llround(v);
	}
}

bool battery_solve(const struct model *m, const int64_t *load_wh, double seconds, int64_t *battery_wh,
		   double *price)
{
	Clp_Simplex *clp = Clp_newModel();
	struct lp lp;
	bool ok = lp_room(&lp, m->slots) && clp;

	if (ok) {
		lp_columns(&lp, m);
		lp_rows(&lp, m, load_wh);
		Clp_setLogLevel(clp, 0);
		Clp_loadProblem(clp, lp.cols, lp.rows, lp.start, lp.index, lp.value, lp.low, lp.high, lp.cost,
				lp.row_low, lp.row_high);
		Clp_setMaximumSeconds(clp, seconds);
		Clp_initialDualSolve(clp);
		ok = Clp_status(clp) == 0;
	}
	if (ok) {
		const double *dual = Clp_dualRowSolution(clp);

		take_wishes(m, Clp_primalColumnSolution(clp), battery_wh);
		for (int t = 0; price && t < m->slots; t++)
			price[t] = dual[t] * 1e6 / (double)m->scale;
		ok = keep_balance(m, battery_wh);
	}
	if (clp)
		Clp_deleteModel(clp);
	lp_free(&lp);
	return ok;
}
