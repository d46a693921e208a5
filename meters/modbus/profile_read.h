/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of profile.h: what reading the file and reading its list of registers share. For profile*.c
 * only. Every function notes a fault instead of returning one, unless it says otherwise.
 */
#ifndef MODBUS_PROFILE_READ_H
#define MODBUS_PROFILE_READ_H

#include "meters/modbus/profile.h"

void profile_set_text(struct yaml *, struct fy_node *, char *dst, size_t cap);
void profile_set_na(struct yaml *, struct fy_node *, enum reg_na *, uint64_t *pattern);
void profile_set_words(struct yaml *, struct fy_node *, struct profile_words *);
/* Adds the profile's base; false with a fault, also when `words` registers do not fit behind it. */
bool profile_get_address(struct yaml *, struct fy_node *, const struct profile *, unsigned words,
			 uint16_t *addr);
/* The list "registers"; the defaults of the file are already in the profile. */
void profile_read_registers(struct yaml *, struct fy_node *, struct profile *);

#endif
