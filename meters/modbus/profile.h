/* SPDX-License-Identifier: Apache-2.0
 *
 * A profile: what a meter type's registers mean. Read from YAML (meters/profiles/README.md has the
 * format). Addresses here are absolute, 0-based as sent on the wire; factors lead to the unit of the
 * quantity. Immutable after reading. Whether a quantity exists is decided by femsd's vocabulary.
 */
#ifndef MODBUS_PROFILE_H
#define MODBUS_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "meters/modbus/decode.h"
#include "meters/modbus/yaml.h"

struct profile_reg {
	char quantity[64];
	uint8_t fc; /* 3 or 4 */
	uint16_t addr;
	enum reg_type type;
	enum reg_order order;
	double factor; /* value = raw x factor (x 10^scale register) */
	bool has_scale, unverified, writable;
	uint16_t scale_addr;
	enum reg_na na;
	uint64_t na_pattern;
	double write_min, write_max; /* unit of the quantity */
	int64_t wait_us;             /* settling time between write and read-back */
};

struct profile_words { /* registers of the self-test, or of the identification */
	uint16_t addr, n;
	uint16_t words[16];
};

struct profile_expect {
	char quantity[64];
	double value;
};

struct profile {
	char id[64], maker[64], model[64];
	int function, base; /* defaults of the file */
	int max_registers, gap;
	enum reg_order order;
	enum reg_na na;
	uint64_t na_pattern;
	int64_t pause_us; /* rest between requests */
	bool unverified;
	struct profile_reg *regs;
	size_t n_regs;
	struct profile_words identify; /* n 0: none */
	struct profile_words *test;
	size_t n_test;
	struct profile_expect *expect;
	size_t n_expect;
};

#define PROFILE_MAX_REGS  500
#define PROFILE_MAX_BYTES (1024 * 1024)

/* NULL with faults. file is the name used in messages. Caller frees. */
struct profile *profile_parse(const char *file, const char *text, size_t len, struct yaml_faults *);
struct profile *profile_read(const char *path, struct yaml_faults *);
void profile_free(struct profile *);

/* Value of register i from its words; scale: word of the scale register, when it has one. False: the
 * device has no value. */
bool profile_value(const struct profile_reg *, const uint16_t *words, uint16_t scale, double *value);
/* Words to write for a value; false: out of the range of the profile or of the register. */
bool profile_words_of(const struct profile_reg *, double value, uint16_t *words);
/* Runs the self-test; false with faults. */
bool profile_selftest(const struct profile *, const char *file, struct yaml_faults *);

#endif
