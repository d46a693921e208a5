/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/store/counter.h"
#include <stdlib.h>
#include <string.h>

#define GAP_FLAGS  (STORE_INTERPOLATED | STORE_ESTIMATED)
#define READ_AGAIN 8

/* Whole slots between two rows. Edges inside the span do not matter, only what was lost in it. */
static enum fems_rc middle(struct counter_view *v, const struct boundary *a, const struct boundary *b,
			   struct counter_part *sum, struct fems_error *e)
{
	struct boundary_list rows = { NULL, 0, 0 };
	enum fems_rc rc = counter_rows(v, a->t_us + 1, b->t_us, &rows, e);

	sum->wh += b->wh - a->wh;
	for (size_t i = 0; i < rows.n; i++) {
		sum->covered_us += rows.rows[i].covered_us;
		if (rows.rows[i].flags & (STORE_RESET | STORE_MISSING))
			sum->flags |= STORE_RESET;
	}
	free(rows.rows);
	return rc;
}

/* The inner edges cancel out of the sum, and so does their uncertainty. */
static enum fems_rc span_of_rows(struct counter_view *v, int64_t from, int64_t to, const struct boundary *a,
				 const struct boundary *b, struct counter_part *sum, struct fems_error *e)
{
	struct counter_part p;
	enum fems_rc rc = middle(v, a, b, sum, e);

	sum->flags_a = a->flags & GAP_FLAGS;
	sum->flags_b = b->flags & GAP_FLAGS;
	if (rc == FEMS_OK && from < a->t_us) {
		rc = counter_part(v, from, a->t_us, &p, e);
		sum->wh += p.wh;
		sum->covered_us += p.covered_us;
		sum->flags |= p.flags;
		sum->flags_a = p.flags_a;
	}
	if (rc == FEMS_OK && to > b->t_us) {
		rc = counter_part(v, b->t_us, to, &p, e);
		sum->wh += p.wh;
		sum->covered_us += p.covered_us;
		sum->flags |= p.flags;
		sum->flags_b = p.flags_b;
	}
	return rc;
}

static enum fems_rc span(struct counter_view *v, int64_t from, int64_t to, struct counter_part *sum,
			 struct fems_error *e)
{
	struct boundary a, b;
	bool has_a = false, has_b = false;
	enum fems_rc rc = counter_row_after(v, from - 1, &a, &has_a, e);

	memset(sum, 0, sizeof *sum);
	if (rc == FEMS_OK)
		rc = counter_row_before(v, to, &b, &has_b, e);
	if (rc != FEMS_OK)
		return rc;
	if (!has_a || !has_b || a.t_us >= b.t_us)
		return counter_part(v, from, to, sum, e);
	return span_of_rows(v, from, to, &a, &b, sum, e);
}

static void finish(const struct counter_part *sum, int64_t length_us, struct store_energy *out)
{
	out->wh = sum->wh;
	out->flags = sum->flags | sum->flags_a | sum->flags_b;
	out->covered_permille = (int32_t)((__int128)sum->covered_us * 1000 / length_us);
}

static enum fems_rc energy_once(struct store *st, uint32_t series, int64_t from, int64_t to,
				struct store_energy *out, bool *same, struct fems_error *e)
{
	struct counter_view v;
	struct counter_part sum;
	enum fems_rc rc = counter_view_open(st, series, &v, e);

	if (rc != FEMS_OK)
		return rc;
	if (from < to) {
		rc = span(&v, from, to, &sum, e);
		if (rc == FEMS_OK)
			finish(&sum, to - from, out);
	}
	*same = counter_view_close(&v);
	if (!*same)
		counter_wait(st);
	return rc;
}

enum fems_rc store_energy(struct store *st, uint32_t series, int64_t from_us, int64_t to_us,
			  struct store_energy *out, struct fems_error *e)
{
	enum fems_rc rc = FEMS_OK;
	bool same = false;

	memset(out, 0, sizeof *out);
	if (to_us < from_us)
		return err_set(e, FEMS_EINVAL, "energy of a span that ends before it begins");
	for (int i = 0; rc == FEMS_OK && !same && i < READ_AGAIN; i++)
		rc = energy_once(st, series, from_us, to_us, out, &same, e);
	return rc;
}

/* ---- slots ---- */

struct slot_list {
	struct store_energy *at;
	size_t n;
	int64_t first_us;
};

static void whole_slot(const struct boundary *a, const struct boundary *b, struct store_energy *out)
{
	out->wh = b->wh - a->wh;
	out->flags = ((a->flags | b->flags) & GAP_FLAGS) | (b->flags & (STORE_RESET | STORE_MISSING));
	out->covered_permille = (int32_t)(b->covered_us * 1000 / US_PER_SLOT);
}

/* The first slot of all, the running one, and those beside holes. */
static enum fems_rc odd_slot(struct counter_view *v, int64_t start, bool has_end, struct store_energy *out,
			     struct fems_error *e)
{
	struct counter_part p;
	bool running = v->have_last && v->last_us >= start && v->last_us < start + US_PER_SLOT;
	enum fems_rc rc;

	out->flags = STORE_MISSING;
	if (!has_end && !running)
		return FEMS_OK;
	rc = counter_part(v, start, start + US_PER_SLOT, &p, e);
	if (rc == FEMS_OK)
		finish(&p, US_PER_SLOT, out);
	return rc;
}

static enum fems_rc fill_slots(struct counter_view *v, struct slot_list *l, struct fems_error *e)
{
	struct boundary_list rows = { NULL, 0, 0 };
	enum fems_rc rc = counter_rows(v, l->first_us, l->first_us + (int64_t)l->n * US_PER_SLOT, &rows, e);
	size_t k = 0;

	for (size_t i = 0; rc == FEMS_OK && i < l->n; i++) {
		int64_t start = l->first_us + (int64_t)i * US_PER_SLOT, end = start + US_PER_SLOT;
		const struct boundary *a = NULL, *b = NULL;

		while (k < rows.n && rows.rows[k].t_us < start)
			k++;
		if (k < rows.n && rows.rows[k].t_us == start)
			a = &rows.rows[k];
		if (k + (a != NULL) < rows.n && rows.rows[k + (a != NULL)].t_us == end)
			b = &rows.rows[k + (a != NULL)];
		memset(&l->at[i], 0, sizeof l->at[i]);
		if (a && b)
			whole_slot(a, b, &l->at[i]);
		else
			rc = odd_slot(v, start, b != NULL, &l->at[i], e);
	}
	free(rows.rows);
	return rc;
}

static enum fems_rc slots_once(struct store *st, uint32_t series, struct slot_list *l, bool *same,
			       struct fems_error *e)
{
	struct counter_view v;
	enum fems_rc rc = counter_view_open(st, series, &v, e);

	if (rc != FEMS_OK)
		return rc;
	rc = fill_slots(&v, l, e);
	*same = counter_view_close(&v);
	if (!*same)
		counter_wait(st);
	return rc;
}

enum fems_rc store_slots(struct store *st, uint32_t series, int64_t from_us, int64_t to_us, store_slot_fn fn,
			 void *ctx, struct fems_error *e)
{
	struct slot_list l = { NULL, 0, boundary_floor(from_us + US_PER_SLOT - 1) };
	enum fems_rc rc = FEMS_OK;
	bool same = false;

	if (to_us < from_us || to_us - from_us > 100 * 366 * US_PER_DAY)
		return err_set(e, FEMS_EINVAL,
			       "slots of a span that ends before it begins or is longer than a century");
	l.n = l.first_us < to_us ? (size_t)((to_us - l.first_us + US_PER_SLOT - 1) / US_PER_SLOT) : 0;
	l.at = calloc(l.n + 1, sizeof *l.at);
	if (!l.at)
		return err_set(e, FEMS_ENOMEM, "out of memory");
	for (int i = 0; rc == FEMS_OK && !same && i < READ_AGAIN; i++)
		rc = slots_once(st, series, &l, &same, e);
	for (size_t i = 0; rc == FEMS_OK && i < l.n; i++)
		if (!fn(ctx, l.first_us + (int64_t)i * US_PER_SLOT, &l.at[i]))
			break;
	free(l.at);
	return rc;
}
