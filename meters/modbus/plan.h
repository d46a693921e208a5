/* SPDX-License-Identifier: Apache-2.0
 *
 * Which requests fetch a set of registers: sorted by function and address and merged while the hole
 * between two is at most `gap` registers and the request stays within what the device allows. A value
 * is never split between requests.
 */
#ifndef MODBUS_PLAN_H
#define MODBUS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plan_item { /* one value: words registers from addr */
	uint16_t addr;
	uint8_t fc, words;
};

struct plan_read { /* one request; fetches items[first .. first + n) */
	uint16_t addr, count, first, n;
	uint8_t fc;
};

struct plan {
	struct plan_item *items; /* sorted, none twice */
	size_t n_items;
	struct plan_read *reads;
	size_t n_reads;
};

/* Items are copied. max_registers is at least the widest item. False: out of memory. */
bool plan_make(struct plan *, const struct plan_item *, size_t n, unsigned max_registers, unsigned gap);
void plan_free(struct plan *);
/* Index of an item, or -1. */
int plan_find(const struct plan *, struct plan_item);
/* Splits request i in two, between values, near its middle; false: it has only one value, or out of
 * memory. For a device that refuses the registers in a hole. */
bool plan_split(struct plan *, size_t i);

#endif
