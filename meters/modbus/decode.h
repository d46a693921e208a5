/* SPDX-License-Identifier: Apache-2.0
 *
 * Registers to numbers and back. Pure functions; nothing of libmodbus, whose float helpers changed
 * their meaning between versions.
 */
#ifndef MODBUS_DECODE_H
#define MODBUS_DECODE_H

#include <stdbool.h>
#include <stdint.h>

enum reg_type { REG_U16, REG_S16, REG_U32, REG_S32, REG_U64, REG_S64, REG_F32, REG_F64 };
extern const char *const reg_type_names[]; /* ends with NULL */

/* Where the bytes of a value lie, for four bytes; two and eight follow the same rule: ABCD big-endian,
 * CDAB low word first, BADC bytes swapped inside each word, DCBA both. */
enum reg_order { ORDER_ABCD, ORDER_CDAB, ORDER_BADC, ORDER_DCBA };
extern const char *const reg_order_names[]; /* ends with NULL */

/* Patterns by which a device says "no value". A float's NaN and infinity always do. */
enum reg_na {
	NA_NONE,
	NA_LARGEST, /* largest of the type: FFFF.. unsigned, 7FFF.. signed */
	NA_SUNSPEC, /* FFFF.. unsigned, 8000.. signed */
	NA_RAW      /* the given pattern */
};

#define REG_MAX_WORDS 4

unsigned reg_words(enum reg_type); /* 1, 2 or 4 registers */
uint64_t reg_raw(enum reg_type, enum reg_order, const uint16_t *words);
bool reg_is_na(enum reg_type, uint64_t raw, enum reg_na, uint64_t pattern);
double reg_value(enum reg_type, uint64_t raw);
/* Rounds to the nearest value of the type; false: it does not fit, words untouched. */
bool reg_encode(enum reg_type, enum reg_order, double value, uint16_t *words);
/* 10^exponent of a scale register (signed 16 bits); false: not available, or beyond -10 to 10, which
 * no device means. */
bool reg_power_of_ten(uint16_t word, double *factor);

#endif
