/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a tariff file: they are refused with faults, or make a tariff that passes or fails its
 * own tests, gives prices and bills a week whose lines add up.
 */
#include "config.h"

#include <stddef.h>
#include <stdint.h>
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/tariff/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void bill_week(const struct tariff *t, uint64_t seed)
{
	struct peak peak = { 2025, 12, INT64_C(1) << (seed % 40), 0 };
	struct contract c = {
		.tariff = t, .contract_w = (int64_t)(seed >> 30), .peaks = &peak, .n_peaks = 1
	};
	int64_t from = zone_utc(t->zone, 2026, 4, 13, 0, 0, 0), to = zone_utc(t->zone, 2026, 4, 20, 0, 0, 0),
		sum = 0;
	struct fems_error e;
	struct bill_run *run;
	struct demand_cost d;
	struct bill b;

	tariff_demand_cost(&c, from, 1000, &d, &e);
	if (bill_begin(&c, from, to, &run, &e) != FEMS_OK)
		return;
	for (int64_t us = from; us < to; us += t->demand_us) {
		struct load_slot s = { .start_us = us };

		seed = seed * UINT64_C(6364136223846793005) + 1;
		s.import_wh = (int64_t)(seed >> 32);
		s.varh_lag = (int64_t)(seed >> 33 & 0xffffff);
		s.varh_lead = (int64_t)(seed >> 40) - 100;
		s.missing = seed >> 60 == 1;
		s.estimated = seed >> 60 == 2;
		bill_add(run, &s, &e); /* more than 4 GWh is refused */
	}
	if (bill_finish(run, &b, &e) == FEMS_OK) {
		for (size_t i = 0; i < b.n_lines; i++)
			sum += b.lines[i].amount_micro;
		MUST(sum == b.total_micro);
	}
	bill_free(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct faults *f = faults_new();
	struct conf_doc *doc = conf_parse((const char *)data, size, "fuzz.yaml", "/nonexistent", f);
	struct tariff *t = doc ? tariff_from_doc(doc, TARIFF_OWN_DATES, NULL, f) : NULL;
	struct tariff_price p;
	struct fems_error e;

	if (t) {
		tariff_selftest(t, f);
		for (int64_t us = 0; us < 40; us++)
			tariff_price(t, (us - 2) * 400 * US_PER_DAY + us * 7 * US_PER_MIN, &p, &e);
		bill_week(t, size * UINT64_C(0x9e3779b97f4a7c15));
	}
	tariff_free(t);
	faults_free(f);
	return 0;
}
