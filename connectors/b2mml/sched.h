/* SPDX-License-Identifier: Apache-2.0
 *
 * A B2MML production schedule, in any of its versions, to the canonical document "operations-schedule"
 * (docs/documents.md). Bytes in, one JSON document per schedule out; nothing comes out of a message
 * that has a fault anywhere.
 *
 * Read are Process, Sync, Show and Change of OperationsSchedule (V0600, V0700, V0701) and of
 * ProductionSchedule (V0401, V0600), or the bare noun. Elements are found by name and place, not by
 * order. What a plan needs and the message lacks is a warning of the document, or in strict mode the
 * reason to refuse it.
 *
 * - An id of a segment that does not begin with its request's id ("0010" of order 258456) is unique
 *   only inside the request: it becomes REQUEST/SEGMENT. sched_segment_id() takes that back.
 * - Nested segments: the deepest ones that name equipment, a duration or times of their own are the
 *   work to plan; where none does, the outermost is. Times, equipment and product are inherited.
 * - Several EquipmentIDs of one EquipmentRequirement are alternatives. Further EquipmentRequirements
 *   of a segment are needed at the same time; the canonical document cannot say so: a warning.
 * - planned_start: the segment's parameter PlannedStart, else StartTime of a request with one segment.
 * - Energy: MaterialRequirement of the energy material, Consumed, in a unit of energy.
 */
#ifndef B2MML_SCHED_H
#define B2MML_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <libxml/xmlschemas.h>
#include <fems/plugin.h>

enum sched_validation { SCHED_STRICT, SCHED_LENIENT, SCHED_OFF };

struct sched_options {
	const char *where;           /* file or address, for messages and "place" */
	const char *energy_material; /* such as EN-ELEC */
	enum sched_validation validation;
	const int *offset_min; /* of times without offset; NULL: such times are a fault */
	size_t max_bytes;
	xmlSchemaPtr schema; /* NULL: structure is checked by this reader only */
};

struct sched_document {
	char *key; /* BODID, with "/2" and so on behind it for further schedules of one message; without
	            * BODID "sha256-" and the digest of content and time of creation (places and
	            * warnings left out) */
	char *json;
	size_t len;
};

struct sched_message {
	char *bodid, *sender, *created;      /* NULL: absent */
	bool confirm_always, confirm_errors; /* Sender's ConfirmationCode */
	unsigned char digest[32];            /* SHA-256 of the content of all documents */
	struct sched_document *documents;
	size_t count, warnings;
};

struct sched;

/* NULL: out of memory. Options are copied, what they point to is kept by the caller. */
struct sched *sched_new(const struct sched_options *);
void sched_free(struct sched *);
/* false: refused; sched_error() says where, why and what to do. */
bool sched_feed(struct sched *, const char *, size_t);
/* After the last byte. The message belongs to s. NULL: refused. */
const struct sched_message *sched_end(struct sched *);
const struct fems_error *sched_error(const struct sched *);
/* What was read of the envelope, also of a refused message (for the confirmation of an error). */
const struct sched_message *sched_envelope(const struct sched *);

/* The segment's id as its source wrote it. */
const char *sched_segment_id(const char *request_id, const char *segment_id);

#endif
