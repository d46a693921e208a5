/* SPDX-License-Identifier: Apache-2.0
 *
 * The POSIX rule at the end of a TZif file ("CET-1CEST,M3.5.0,M10.5.0/3"): offsets after the last
 * recorded change. Day forms Mm.w.d, Jn and n.
 */
#ifndef FEMS_BASE_ZONE_RULE_H
#define FEMS_BASE_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

struct zone_change {
	char form; /* 'M', 'J', or '0' for a zero-based day */
	int month, week, day;
	int32_t time_s;
};

struct zone_rule {
	bool has_dst;
	int32_t std_s, dst_s;          /* east of Greenwich */
	struct zone_change begin, end; /* of daylight saving */
};

/* s: the footer, "\n...\n". False when malformed. */
bool zone_rule_parse(const char *s, struct zone_rule *);
int32_t zone_rule_offset(const struct zone_rule *, int64_t t_s);

#endif
