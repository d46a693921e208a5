/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "meters/modbus/profile.h"

#include <math.h>
#include <string.h>

bool profile_value(const struct profile_reg *r, const uint16_t *words, uint16_t scale, double *value)
{
	uint64_t raw = reg_raw(r->type, r->order, words);
	double power = 1;

	if (reg_is_na(r->type, raw, r->na, r->na_pattern))
		return false;
	if (r->has_scale && !reg_power_of_ten(scale, &power))
		return false;
	*value = reg_value(r->type, raw) * r->factor * power + 0.0; /* no negative zero */
	return isfinite(*value);
}

bool profile_words_of(const struct profile_reg *r, double value, uint16_t *words)
{
	return r->writable && value >= r->write_min && value <= r->write_max &&
	       reg_encode(r->type, r->order, value / r->factor, words);
}

static bool test_word(const struct profile *p, unsigned addr, uint16_t *word)
{
	for (size_t i = 0; i < p->n_test; i++) {
		const struct profile_words *w = &p->test[i];

		if (addr >= w->addr && addr < (unsigned)w->addr + w->n) {
			*word = w->words[addr - w->addr];
			return true;
		}
	}
	return false;
}

static const char *test_one(const struct profile *p, const struct profile_expect *e, double *got)
{
	uint16_t words[REG_MAX_WORDS], scale = 0;

	for (size_t i = 0; i < p->n_regs; i++) {
		const struct profile_reg *r = &p->regs[i];

		if (strcmp(r->quantity, e->quantity))
			continue;
		for (unsigned k = 0; k < reg_words(r->type); k++) {
			if (!test_word(p, r->addr + k, &words[k]))
				return "its registers are not given";
		}
		if (r->has_scale && !test_word(p, r->scale_addr, &scale))
			return "its scale register is not given";
		if (!profile_value(r, words, scale, got))
			return "the registers mean that there is no value";
		return fabs(*got - e->value) <= 1e-5 * fabs(e->value) + 1e-9 ? NULL : "another value";
	}
	return "the profile has no such quantity";
}

bool profile_selftest(const struct profile *p, const char *file, struct yaml_faults *faults)
{
	struct yaml y = { .file = file, .faults = faults };
	unsigned before = faults->n;
	uint16_t word;

	if (!p->n_expect)
		yaml_fault(&y, NULL, "has no selftest");
	for (size_t i = 0; i < p->n_expect; i++) {
		double got = NAN;
		const char *wrong = test_one(p, &p->expect[i], &got);

		if (wrong)
			yaml_fault(&y, NULL, "selftest: %s should be %.10g: %s (%.10g)",
				   p->expect[i].quantity, p->expect[i].value, wrong, got);
	}
	for (unsigned k = 0; k < p->identify.n; k++) {
		if (!test_word(p, p->identify.addr + k, &word) || word != p->identify.words[k])
			yaml_fault(&y, NULL, "selftest: register %u does not identify the device",
				   p->identify.addr + k);
	}
	return faults->n == before;
}
