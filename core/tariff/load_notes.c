/* SPDX-License-Identifier: Apache-2.0
 *
 * A load that was read: its findings, its times as text, and another length of interval.
 */
#include "config.h"
#include "core/tariff/load_csv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/tariff/load_rows.h"

void load_note(struct load_series *s, size_t line, bool error, const char *kind, const char *fmt, ...)
{
	struct load_note *n;
	va_list ap;

	*(error ? &s->errors : &s->warnings) += 1;
	if (s->n_notes == LOAD_NOTES_MAX)
		return;
	if (!s->notes && !(s->notes = calloc(LOAD_NOTES_MAX, sizeof *s->notes)))
		return;
	n = &s->notes[s->n_notes++];
	*n = (struct load_note){ .line = line, .error = error, .kind = kind };
	va_start(ap, fmt);
	vsnprintf(n->text, sizeof n->text, fmt, ap);
	va_end(ap);
	for (char *c = n->text; *c; c++) /* nothing of the file may steer a terminal */
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
}

const char *load_note_text(const struct load_note *n, const char *path, char *buf, unsigned cap)
{
	char line[32] = "";

	if (n->line)
		snprintf(line, sizeof line, "%zu: ", n->line);
	snprintf(buf, cap, "%s:%s%s%s: %s", path, line, n->line ? "" : " ", n->error ? "error" : "warning",
		 n->text);
	return buf;
}

const char *load_time_text(const struct load_series *s, int64_t t_us, char *buf, unsigned cap)
{
	int abs = s->offset_s < 0 ? -s->offset_s : s->offset_s;
	size_t n;

	if (s->zone)
		return time_format(t_us, s->zone, buf, cap);
	time_format(t_us + s->offset_s * US_PER_S, NULL, buf, cap);
	n = strlen(buf) - strlen("+00:00");
	snprintf(buf + n, cap - n, "%c%02d:%02d", s->offset_s < 0 ? '-' : '+', abs / 3600 % 100,
		 abs / 60 % 60);
	return buf;
}

void load_series_free(struct load_series *s)
{
	if (!s)
		return;
	free(s->slots);
	free(s->notes);
	free(s);
}

/* ---- another length of interval ---- */

static void join(struct load_slot *to, const struct load_slot *part, bool first)
{
	if (first) {
		*to = *part;
		return;
	}
	to->import_wh += part->import_wh;
	to->varh_lag = to->varh_lag < 0 || part->varh_lag < 0 ? -1 : to->varh_lag + part->varh_lag;
	to->varh_lead = to->varh_lead < 0 || part->varh_lead < 0 ? -1 : to->varh_lead + part->varh_lead;
	to->missing = to->missing || part->missing;
	to->estimated = to->estimated || part->estimated;
}

enum fems_rc load_resample(const struct load_series *s, const struct tariff *t, struct load_slot **out,
			   size_t *n, struct fems_error *e)
{
	int64_t to_us = tariff_demand_us(t), per = to_us / s->interval_us;
	size_t i = 0;

	*n = 0;
	*out = NULL;
	if (s->interval_us > to_us)
		return err_set(e, FEMS_EINVAL,
			       "load: intervals of %d min; the tariff's demand is measured over %d min and "
			       "cannot be told from "
			       "longer ones",
			       (int)(s->interval_us / US_PER_MIN), (int)(to_us / US_PER_MIN));
	if (to_us % s->interval_us)
		return err_set(e, FEMS_EINVAL, "load: intervals of %d min do not divide the tariff's %d min",
			       (int)(s->interval_us / US_PER_MIN), (int)(to_us / US_PER_MIN));
	*out = calloc(s->n ? s->n : 1, sizeof **out);
	if (!*out)
		return err_set(e, FEMS_ENOMEM, "load: out of memory");
	/* An interval of the tariff that the load enters or leaves in the middle is left out. */
	while (i < s->n &&
	       (s->slots[i].start_us - zone_day_start(tariff_zone(t), s->slots[i].start_us)) % to_us)
		i++;
	for (; i + (size_t)per <= s->n; i += (size_t)per, (*n)++)
		for (size_t k = 0; k < (size_t)per; k++) {
			join(&(*out)[*n], &s->slots[i + k], k == 0);
			(*out)[*n].start_us = s->slots[i].start_us;
		}
	for (size_t k = 0; k < *n; k++)
		if ((*out)[k].missing)
			(*out)[k].import_wh = 0;
	return FEMS_OK;
}
