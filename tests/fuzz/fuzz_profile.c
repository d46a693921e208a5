/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a meter profile: never a crash, a hang or a leak; and what is accepted can be planned,
 * decoded and encoded.
 */
#include "config.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "meters/modbus/plan.h"
#include "meters/modbus/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct profile *p)
{
	static const uint16_t words[REG_MAX_WORDS] = { 0x8000, 0x7fff, 0x0001, 0xffff };
	struct plan_item *items = calloc(p->n_regs, sizeof *items);
	struct plan plan;

	for (size_t i = 0; items && i < p->n_regs; i++) {
		const struct profile_reg *r = &p->regs[i];
		uint16_t out[REG_MAX_WORDS];
		double v;

		if (profile_value(r, words, 2, &v))
			(void)profile_words_of(r, v, out);
		items[i] = (struct plan_item){ r->addr, r->fc, (uint8_t)reg_words(r->type) };
	}
	if (items && plan_make(&plan, items, p->n_regs, (unsigned)p->max_registers, (unsigned)p->gap)) {
		for (size_t i = 0; i < plan.n_reads; i++) {
			if (plan.reads[i].count > p->max_registers ||
			    plan.reads[i].addr + plan.reads[i].count > 65536)
				abort();
		}
		plan_free(&plan);
	}
	free(items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct yaml_faults faults = { 0 };
	struct profile *p = profile_parse("fuzz.yaml", (const char *)data, size, &faults);

	if (!p)
		return 0;
	use(p);
	(void)profile_selftest(p, "fuzz.yaml", &faults);
	profile_free(p);
	return 0;
}
