/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of a load file to intervals: their order and length, gaps, readings of registers to energies,
 * and values that cannot be.
 */
#include "config.h"
#include "core/tariff/load_csv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/money.h"
#include "core/tariff/load_rows.h"

enum { SLOTS_MAX = 4000000, SPIKE_FACTOR = 10, SPIKE_ROWS = 8, WRAP_FACTOR = 4 };
#define WH_MAX INT64_C(4000000000) /* of an interval: beyond any site */

struct make {
	struct load_series *s;
	struct load_rows *in;
	const struct load_options *o;
	int64_t carry[VALUES]; /* what rounding to Wh has left over, so that it never adds up */
	int64_t largest_step;  /* of the register, without falls */
};

static const char *when(const struct make *m, int64_t t_us, char buf[48])
{
	return load_time_text(m->s, t_us, buf, 48);
}

/* ---- order ---- */

static bool exchanged(const struct load_rows *in, size_t i)
{
	return in->kind == LOAD_REGISTER && in->has_meter && i > 0 &&
	       strcmp(in->rows[i - 1].meter, in->rows[i].meter) != 0;
}

/* Line of an earlier row with this time, 0: none. Rows before i that are kept rise. */
static size_t line_of(const struct load_rows *in, size_t kept, int64_t t_us)
{
	size_t lo = 0, hi = kept;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (in->rows[mid].t_us < t_us)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < kept && in->rows[lo].t_us == t_us ? in->rows[lo].line : 0;
}

/* Notes what does not rise, and drops it. Of an exchange both readings stay. */
static void check_order(struct make *m)
{
	struct load_rows *in = m->in;
	size_t kept = 0;
	char at[48];

	for (size_t i = 0; i < in->n; i++) {
		const struct load_row *row = &in->rows[i];
		size_t line;

		in->rows[kept] = *row;
		if (!kept || row->t_us > in->rows[kept - 1].t_us ||
		    (row->t_us == in->rows[kept - 1].t_us && exchanged(in, kept))) {
			kept++;
			continue;
		}
		row = &in->rows[kept];
		line = line_of(in, kept, row->t_us);
		if (line)
			load_note(m->s, row->line, true, "duplicate",
				  "%s stands in line %zu already; keep one of the two",
				  when(m, row->t_us, at), line);
		else
			load_note(m->s, row->line, true, "order",
				  "%s comes after a later time in line %zu; sort the rows by time",
				  when(m, row->t_us, at), in->rows[kept - 1].line);
	}
	in->n = kept;
}

/* ---- interval ---- */

static bool good_interval(int64_t us)
{
	return us >= US_PER_MIN && us <= US_PER_H && us % US_PER_MIN == 0 && US_PER_H % us == 0;
}

/* The first distance, when it stands twice at the start; else the shortest. 0: one row. */
static int64_t usual_step(const struct load_rows *in)
{
	int64_t shortest = 0, first = 0;
	int steps = 0;

	for (size_t i = 1; i < in->n; i++) {
		int64_t step = in->rows[i].t_us - in->rows[i - 1].t_us;

		if (!step) /* an exchange of the meter */
			continue;
		if (++steps == 2 && step == first)
			return first;
		first = first ? first : step;
		if (!shortest || step < shortest)
			shortest = step;
	}
	return shortest;
}

static bool find_interval(struct make *m)
{
	int64_t us = m->o->interval_us ? m->o->interval_us : usual_step(m->in);
	size_t line = m->in->rows[0].line;

	m->s->interval_us = us;
	if (good_interval(us))
		return true;
	if (!us)
		load_note(m->s, line, true, "interval",
			  "one row does not tell how long an interval is; say it (--interval)");
	else
		load_note(m->s, line, true, "interval",
			  "intervals of %" PRId64 " s; want whole minutes that divide the hour, such as 15",
			  us / US_PER_S);
	return false;
}

/* A longer distance is a gap; one that comes twice in a row, or is none of whole intervals, is another
 * interval. */
static void check_interval(struct make *m)
{
	const struct load_row *rows = m->in->rows;
	int64_t before = m->s->interval_us, usual = m->s->interval_us;

	for (size_t i = 1; i < m->in->n; i++) {
		int64_t step = rows[i].t_us - rows[i - 1].t_us;

		if (step % usual == 0 && (step == usual || step != before)) {
			before = step ? step : before;
			continue;
		}
		if (!step)
			continue;
		load_note(m->s, rows[i].line, true, "interval",
			  "the interval changes from %" PRId64 " to %" PRId64 " min here; a file has "
			  "one length of interval: split it, or sum up the shorter ones",
			  usual / US_PER_MIN, step / US_PER_MIN);
		return;
	}
}

/* ---- values ---- */

static int64_t to_wh(struct make *m, int v, int64_t micro)
{
	/* kWh: 1,000 micro are 1 Wh; kW: times the hours of the interval. */
	__int128 num = m->in->kind == LOAD_KW && v == VALUE_ACTIVE ? (__int128)micro * m->s->interval_us
								   : (__int128)micro * US_PER_H;
	__int128 den = (__int128)1000 * US_PER_H;
	int64_t wh;

	num += m->carry[v];
	wh = round_div(num, den, ROUND_HALF_EVEN);
	m->carry[v] = (int64_t)(num - (__int128)wh * den);
	return wh;
}

static bool put_slot(struct make *m, const struct load_row *at, const int64_t micro[VALUES], int64_t start_us)
{
	struct load_slot *slot = &m->s->slots[m->s->n++];
	int64_t wh[VALUES] = { 0, -1, -1 };

	for (int v = 0; v < VALUES; v++)
		if (m->in->has[v])
			wh[v] = to_wh(m, v, micro[v]);
	*slot = (struct load_slot){ .start_us = start_us,
				    .import_wh = wh[VALUE_ACTIVE],
				    .varh_lag = m->o->no_reactive ? -1 : wh[VALUE_LAG],
				    .varh_lead = m->o->no_reactive ? -1 : wh[VALUE_LEAD] };
	if (wh[VALUE_ACTIVE] <= WH_MAX && wh[VALUE_LAG] <= WH_MAX && wh[VALUE_LEAD] <= WH_MAX)
		return true;
	load_note(m->s, at->line, true, "spike", "more than 4 GWh in one interval; the unit must be wrong");
	return false;
}

/* Intervals without a row. line: of the row behind them. */
static void put_gap(struct make *m, size_t line, int64_t from_us, int64_t to_us)
{
	int64_t n = (to_us - from_us) / m->s->interval_us;
	char a[48], b[48] = "";

	if (n > 1)
		when(m, to_us - m->s->interval_us, b);
	load_note(m->s, line, m->o->missing == LOAD_REFUSE_MISSING, "missing",
		  "%" PRId64 " interval%s missing before this line: %s%s%s%s", n, n == 1 ? " is" : "s are",
		  when(m, from_us, a), *b ? " to " : "", b,
		  m->o->missing == LOAD_REFUSE_MISSING
			  ? "; add what is missing, or have it marked (--missing mark)"
			  : "");
	for (int64_t t = from_us; t < to_us; t += m->s->interval_us) {
		m->s->slots[m->s->n++] =
			(struct load_slot){ .start_us = t, .varh_lag = -1, .varh_lead = -1, .missing = true };
		m->s->missing++;
	}
}

/* ---- registers ---- */

/* 10 to the number of digits before the decimal point, in micro. */
static int64_t capacity(const struct load_rows *in, int v)
{
	int64_t top = 0, cap = 1000000;

	for (size_t i = 0; i < in->n; i++)
		if (in->rows[i].micro[v] > top)
			top = in->rows[i].micro[v];
	while (cap <= top)
		cap *= 10;
	return cap;
}

static int64_t largest_step(const struct load_rows *in, int v)
{
	int64_t largest = 0;

	for (size_t i = 1; i < in->n; i++)
		if (!exchanged(in, i) && in->rows[i].micro[v] - in->rows[i - 1].micro[v] > largest)
			largest = in->rows[i].micro[v] - in->rows[i - 1].micro[v];
	return largest;
}

/* What a register gained, -1 with a note. It rolled over when what it would have gained is near what
 * it gains elsewhere; any other fall is a reset, an exchange or a slip. */
static int64_t gained(struct make *m, size_t i, int v, int64_t cap, int64_t largest)
{
	static const char *const names[VALUES] = { "register", "lagging register", "leading register" };
	const struct load_row *a = &m->in->rows[i - 1], *b = &m->in->rows[i];
	int64_t diff = b->micro[v] - a->micro[v];
	char x[40], y[40];

	if (diff >= 0)
		return diff;
	money_format(a->micro[v], 3, x, sizeof x);
	money_format(b->micro[v], 3, y, sizeof y);
	if (largest > 0 && diff + cap <= WRAP_FACTOR * largest) {
		load_note(m->s, b->line, false, "rollover", "the %s rolled over at %" PRId64 ": %s, then %s",
			  names[v], cap / 1000000, x, y);
		m->s->rollovers++;
		return diff + cap;
	}
	load_note(m->s, b->line, true, "fall",
		  "the %s falls from %s to %s, and did not roll over; for an exchange give the last "
		  "reading of the old and the first of the new meter at the same time, and a column meter",
		  names[v], x, y);
	return -1;
}

static void from_registers(struct make *m)
{
	const struct load_rows *in = m->in;
	int64_t cap[VALUES], largest[VALUES], part[VALUES] = { 0 };

	for (int v = 0; v < VALUES; v++) {
		cap[v] = capacity(in, v);
		largest[v] = largest_step(in, v);
	}
	for (size_t i = 1; i < in->n && !m->s->errors; i++) {
		const struct load_row *a = &in->rows[i - 1], *b = &in->rows[i];

		if (exchanged(in, i)) {
			if (b->t_us != a->t_us)
				load_note(m->s, b->line, true, "exchange",
					  "meter \"%.20s\" follows \"%.20s\" without a common time; give "
					  "the last reading of the old and the first of the new at the same "
					  "time",
					  b->meter, a->meter);
			else
				load_note(m->s, b->line, false, "exchange",
					  "meter \"%.20s\" replaces \"%.20s\"", b->meter, a->meter);
			continue;
		}
		for (int v = 0; v < VALUES; v++)
			if (in->has[v] && (part[v] = gained(m, i, v, cap[v], largest[v])) < 0)
				break;
		if (b->t_us - a->t_us > m->s->interval_us)
			put_gap(m, b->line, a->t_us, b->t_us);
		else if (!m->s->errors)
			put_slot(m, b, part, a->t_us);
	}
}

static void from_intervals(struct make *m)
{
	const struct load_rows *in = m->in;
	int64_t back = in->at_end ? m->s->interval_us : 0;

	for (size_t i = 0; i < in->n; i++) {
		if (i && in->rows[i].t_us - in->rows[i - 1].t_us > m->s->interval_us)
			put_gap(m, in->rows[i].line, in->rows[i - 1].t_us + m->s->interval_us - back,
				in->rows[i].t_us - back);
		if (!put_slot(m, &in->rows[i], in->rows[i].micro, in->rows[i].t_us - back))
			return;
	}
}

/* ---- spikes ---- */

static int falling(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

static bool lonely(const struct load_series *s, size_t i, int64_t limit)
{
	return (i == 0 || s->slots[i - 1].import_wh < limit) &&
	       (i + 1 == s->n || s->slots[i + 1].import_wh < limit);
}

/* A value that stands alone, more than ten times above all but the highest half percent. */
static enum fems_rc check_spikes(struct make *m, struct fems_error *e)
{
	struct load_series *s = m->s;
	int64_t *sorted, limit;
	char at[48], value[40];

	if (s->n < SPIKE_ROWS)
		return FEMS_OK;
	sorted = malloc(s->n * sizeof *sorted);
	if (!sorted)
		return err_set(e, FEMS_ENOMEM, "load: out of memory");
	for (size_t i = 0; i < s->n; i++)
		sorted[i] = s->slots[i].import_wh;
	qsort(sorted, s->n, sizeof *sorted, falling);
	limit = SPIKE_FACTOR * sorted[s->n / 200 + 1];
	free(sorted);
	for (size_t i = 0; limit > 0 && i < s->n; i++)
		if (s->slots[i].import_wh > limit && lonely(s, i, limit))
			load_note(s, 0, !m->o->spikes_ok, "spike",
				  "%s: %s kWh is more than ten times what else occurs; correct it%s",
				  when(m, s->slots[i].start_us, at),
				  money_format(s->slots[i].import_wh * 1000, 3, value, sizeof value),
				  m->o->spikes_ok ? "" : ", or have it accepted (--accept-spikes)");
	return FEMS_OK;
}

/* ---- all ---- */

static enum fems_rc make_slots(struct make *m, struct fems_error *e)
{
	const struct load_rows *in = m->in;
	int64_t n = (in->rows[in->n - 1].t_us - in->rows[0].t_us) / m->s->interval_us + 1;

	if (n > SLOTS_MAX) {
		load_note(m->s, 0, true, "limit", "spans %" PRId64 " intervals; at most %d", n, SLOTS_MAX);
		return FEMS_OK;
	}
	m->s->slots = calloc((size_t)n, sizeof *m->s->slots);
	if (!m->s->slots)
		return err_set(e, FEMS_ENOMEM, "load: out of memory");
	if (in->kind == LOAD_REGISTER)
		from_registers(m);
	else
		from_intervals(m);
	return check_spikes(m, e);
}

enum fems_rc load_series_make(struct load_series *s, struct load_rows *in, const struct load_options *o,
			      struct fems_error *e)
{
	struct make m = { .s = s, .in = in, .o = o };

	s->reactive = in->has[VALUE_LAG] || in->has[VALUE_LEAD];
	check_order(&m);
	if (s->errors || !find_interval(&m))
		return FEMS_OK;
	check_interval(&m);
	if (s->errors)
		return FEMS_OK;
	if (in->kind == LOAD_REGISTER && in->n < 2) {
		load_note(s, in->rows[0].line, true, "rows", "one reading gives no energy; want two or more");
		return FEMS_OK;
	}
	return make_slots(&m, e);
}
