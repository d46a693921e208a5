/* SPDX-License-Identifier: Apache-2.0
 *
 * What the reader (sched_read.c) collects of one request, and the writer (sched_json.c) turns into
 * JSON. Strings are offsets into the request's arena; 0 is the empty string.
 */
#ifndef B2MML_SCHED_STATE_H
#define B2MML_SCHED_STATE_H

#include <stdint.h>
#include <sodium.h>
#include "connectors/b2mml/buf.h"
#include "connectors/b2mml/lex.h"
#include "connectors/b2mml/sched.h"
#include "connectors/b2mml/xml_in.h"

#define SCHED_ID_MAX       256 /* bytes of an identifier */
#define SCHED_BODID_MAX    180 /* the core takes keys of up to 200 bytes */
#define SCHED_WARNINGS_MAX 50  /* kept with a document; the rest is counted */

enum sched_element {
	OTHER,
	ROOT,
	APPLICATION,
	SENDER,
	LOGICAL_ID,
	CONFIRMATION,
	CREATED,
	BODID,
	DATA,
	VERB,
	CRITERIA,
	EXPRESSION,
	SCHEDULE,
	REQUEST,
	SEGMENT,
	ID,
	START,
	END,
	STATE,
	PRIORITY,
	EARLIEST,
	LATEST,
	PROCESS,
	DURATION,
	EQUIPMENT,
	EQUIPMENT_ID,
	EQUIPMENT_CLASS,
	MATERIAL,
	DEFINITION,
	USE,
	QUANTITY,
	NUMBER,
	UNIT,
	PARAMETERS,
	PARAMETER,
	VALUE,
	VALUE_TEXT
};

struct segment {
	int parent, line; /* index of the segment around it, -1: the request */
	uint32_t id, process, product, unit, quantity;
	uint32_t equipment; /* 1 + index of the first of its alternatives, 0: none */
	uint32_t equipment_last;
	uint32_t equipment_class;
	unsigned requirements; /* EquipmentRequirements that named equipment */
	struct when earliest, latest, planned;
	int64_t duration_us, energy_wh;
	bool has_energy, skip;
	bool emit, below; /* decided by the writer: is work; something below it is */
	int ordinal, children;
};

struct alternative {
	uint32_t name, next;
};

struct request {
	int line;
	uint32_t id;
	int64_t priority;
	struct when start, end;
	bool skip;
	int children;
};

/* The element being read, where it has parts of its own. */
struct material {
	int line;
	uint32_t definition, quantity, unit;
	char use[16];
	int64_t wh;
	bool has_wh, produced, consumed;
};

struct parameter {
	char id[64];
	char value[64];
};

struct id_set { /* ids of segments of the document, with their lines */
	struct id_slot {
		size_t text; /* 1 + offset in ids */
		int line;
	} * slots;
	size_t cap, count;
	struct buf ids;
};

struct sched {
	struct sched_options opt;
	struct xml_in *xml;
	struct fems_error error;
	uint8_t stack[XML_DEPTH_MAX + 1];
	unsigned depth;
	bool seen_root, any_schedule, complete;

	struct buf arena; /* strings of the request */
	struct request request;
	struct segment *segments;
	size_t n_segments, cap_segments;
	int current; /* segment being read, -1: none */
	struct alternative *alternatives;
	size_t n_alternatives, cap_alternatives;
	bool first_equipment; /* the EquipmentRequirement being read is the segment's first */
	bool named_equipment;
	struct material material;
	struct parameter parameter;

	char schedule_id[SCHED_ID_MAX + 1];
	struct when start, end;
	int schedule_line;
	bool schedule_skip;
	size_t n_requests;
	struct buf json, warnings;
	size_t n_warnings, hashed;
	crypto_hash_sha256_state hash, hash_all;
	struct id_set set;
	struct sched_message message;
	size_t cap_documents;
};

/* A lack: a warning, or in strict mode the end. */
void sched_lack(struct sched *, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void sched_warn(struct sched *, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
const char *sched_str(const struct sched *, uint32_t);
uint32_t sched_keep(struct sched *, const char *);
/* Room for one more item of size bytes; false: out of memory. */
bool sched_grow(void **items, size_t *cap, size_t count, size_t size);
/* sched_leaf.c: what the text of a leaf means where it stands; false: nothing. */
bool sched_leaf(struct sched *, enum sched_element parent, enum sched_element leaf, const char *text);
/* Reads a time with a message that names it; an empty text leaves *out alone. */
void sched_time(struct sched *, const char *what, const char *text, struct when *out);
static inline struct segment *sched_segment(struct sched *s)
{
	return &s->segments[s->current];
}

/* sched_json.c */
void sched_json_begin(struct sched *);
void sched_json_request(struct sched *);
bool sched_json_end(struct sched *); /* adds the document to the message */

#endif
