/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts in double quotes as JSON and YAML both read them. Inside of the room.
 */
#ifndef FEMS_CONF_QUOTE_H
#define FEMS_CONF_QUOTE_H

struct text;
void quote_add(struct text *, const char *s);

#endif
