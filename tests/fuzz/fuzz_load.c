/* SPDX-License-Identifier: Apache-2.0
 *
 * libFuzzer target: any text as a load file. The first byte chooses the options. What is taken without a
 * finding must be in order, without gaps, and never negative.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/tariff/load_csv.h"

static void check(const struct load_series *s)
{
	if (s->n_notes > LOAD_NOTES_MAX || (s->errors && !s->n_notes))
		abort();
	for (size_t i = 0; i < s->n && !s->errors; i++) {
		const struct load_slot *slot = &s->slots[i];

		if (slot->import_wh < 0 || slot->varh_lag < -1 || slot->varh_lead < -1 ||
		    (i && slot->start_us - s->slots[i - 1].start_us != s->interval_us))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct zone *berlin;
	struct load_options o = { .spikes_ok = true };
	struct load_series *s = NULL;
	struct fems_error e = { "", NULL };
	char *text;

	if (!size)
		return 0;
	if (!berlin && zone_open("Europe/Berlin", &berlin, &e) != FEMS_OK)
		abort();
	o.zone = data[0] & 1 ? berlin : NULL;
	o.missing = data[0] & 2 ? LOAD_MARK_MISSING : LOAD_REFUSE_MISSING;
	o.has_start = data[0] & 4;
	o.interval_us = o.has_start ? 15 * US_PER_MIN : 0;
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (load_csv_parse(text, size - 1, &o, &s, &e) == FEMS_OK)
		check(s);
	load_series_free(s);
	free(text);
	return 0;
}
