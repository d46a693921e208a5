/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/tariff/bill_months.h"

#include <stdlib.h>
#include <string.h>
#include "core/base/err.h"

enum { MONTHS_MAX = 1200 };

struct months {
	struct contract contract; /* with the peaks found so far */
	struct peak *peaks;
	const struct load_slot *slots;
	size_t n_slots, at;
	struct bill *bills;
	size_t n;
};

/* A month keeps the higher of what was given and what was measured. */
static void keep_peak(struct months *m, const struct bill *b, const struct zone *z)
{
	struct civil c;
	struct peak *p = m->peaks;

	zone_civil(z, b->to_us - 1, &c);
	for (; p < m->peaks + m->contract.n_peaks; p++)
		if (p->year == c.year && p->month == c.month)
			break;
	if (p == m->peaks + m->contract.n_peaks)
		m->contract.n_peaks++;
	else if (p->w >= b->peak_w)
		return;
	*p = (struct peak){ .year = c.year, .month = c.month, .w = b->peak_w, .t_us = b->peak_t_us };
}

static enum fems_rc one_month(struct months *m, int64_t from_us, int64_t to_us, struct fems_error *e)
{
	struct bill_run *run = NULL;
	struct bill *b = &m->bills[m->n];
	enum fems_rc rc = bill_begin(&m->contract, from_us, to_us, &run, e);

	for (; rc == FEMS_OK && m->at < m->n_slots && m->slots[m->at].start_us < to_us; m->at++)
		if (m->slots[m->at].start_us >= from_us)
			rc = bill_add(run, &m->slots[m->at], e);
	if (rc == FEMS_OK)
		rc = bill_finish(run, b, e);
	bill_free(run);
	if (rc != FEMS_OK)
		return rc;
	m->n++;
	keep_peak(m, b, tariff_zone(m->contract.tariff));
	return FEMS_OK;
}

static size_t count(const struct zone *z, int64_t from_us, int64_t to_us)
{
	size_t n = 0;

	for (; from_us < to_us && n <= MONTHS_MAX; n++)
		from_us = zone_next_month(z, from_us);
	return n;
}

enum fems_rc bill_months(const struct contract *c, const struct load_slot *slots, size_t n_slots,
			 int64_t from_us, int64_t to_us, struct bill **out, size_t *n, struct fems_error *e)
{
	const struct zone *z = tariff_zone(c->tariff);
	struct months m = { .contract = *c, .slots = slots, .n_slots = n_slots };
	size_t months = count(z, from_us, to_us);
	enum fems_rc rc = FEMS_OK;

	*out = NULL;
	*n = 0;
	if (!months || months > MONTHS_MAX)
		return err_set(e, FEMS_EINVAL, "bill: a period of no month, or of more than %d", MONTHS_MAX);
	m.bills = calloc(months, sizeof *m.bills);
	m.peaks = calloc(c->n_peaks + months, sizeof *m.peaks);
	if (!m.bills || !m.peaks)
		rc = err_set(e, FEMS_ENOMEM, "bill: out of memory");
	if (rc == FEMS_OK && c->n_peaks)
		memcpy(m.peaks, c->peaks, c->n_peaks * sizeof *m.peaks);
	m.contract.peaks = m.peaks;
	while (rc == FEMS_OK && from_us < to_us) {
		int64_t next = zone_next_month(z, from_us);

		rc = one_month(&m, from_us, next < to_us ? next : to_us, e);
		from_us = next;
	}
	free(m.peaks);
	if (rc != FEMS_OK) {
		free(m.bills);
		return rc;
	}
	*out = m.bills;
	*n = m.n;
	return FEMS_OK;
}
