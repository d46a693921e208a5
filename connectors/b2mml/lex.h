/* SPDX-License-Identifier: Apache-2.0
 *
 * The lexical forms of XML Schema part 2 that B2MML uses: dateTime, duration, decimal; and UN/ECE
 * Recommendation 20 codes of energy. Integers throughout.
 */
#ifndef B2MML_LEX_H
#define B2MML_LEX_H

#include <stdbool.h>
#include <stdint.h>
#include "connectors/b2mml/buf.h"

struct when {
	int64_t us;         /* UTC microseconds */
	int16_t offset_min; /* east of Greenwich, as written */
	bool set;
};

enum lex_time_rc { LEX_TIME_OK, LEX_TIME_BAD, LEX_TIME_NO_OFFSET };

/* dateTime of the years 1970 to 9999. Digits behind the microsecond are dropped. Without an offset:
 * *offset_min when given, else LEX_TIME_NO_OFFSET. */
enum lex_time_rc lex_time(const char *, const int *offset_min, struct when *out);
/* "+09:00", "-03:30", "Z" -> minutes. */
bool lex_offset(const char *, int *minutes);
/* RFC 3339 with the offset it was written with, fraction only when there is one. */
void lex_time_json(struct buf *, const struct when *);
/* Positive duration without years and months (they have no fixed length). */
bool lex_duration(const char *, int64_t *us);
/* PT#H#M#S of whole seconds. */
void lex_duration_xml(struct buf *, int64_t seconds);
/* decimal (or double) x num / den, rounded half away from zero. false: not a number, or beyond 18
 * digits before the point. */
bool lex_scaled(const char *, int64_t num, int64_t den, int64_t *out);
/* The same number as JSON writes it; false: not a decimal. */
bool lex_decimal_json(const char *, struct buf *);
/* value / 10^digits as a plain decimal; trailing zeros behind the first `keep` decimals are left out. */
void lex_fixed(struct buf *, int64_t value, int digits, int keep);
/* Energy of this many units in Wh; *known_unit tells a bad number from an unknown unit. */
bool lex_energy(const char *number, const char *unit, int64_t *wh, bool *known_unit);

#endif
