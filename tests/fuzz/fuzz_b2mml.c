/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: bytes from an ERP. The first byte chooses mode and size of the pieces; what is accepted
 * must be JSON that a strict parser reads.
 */
#include "config.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include "connectors/b2mml/sched.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_documents(const struct sched_message *m)
{
	json_t *j;

	for (size_t i = 0; i < m->count; i++) {
		j = json_loadb(m->documents[i].json, m->documents[i].len, JSON_REJECT_DUPLICATES, NULL);
		if (!json_is_object(j) || !m->documents[i].key[0])
			abort();
		json_decref(j);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int minutes = 540;
	struct sched_options o = { .where = "fuzz", .energy_material = "EN-ELEC", .max_bytes = 1 << 20 };
	const struct sched_message *m;
	const char *p = (const char *)data;
	size_t piece, part;
	struct sched *s;

	if (n == 0)
		return 0;
	o.validation = data[0] % 3;
	o.offset_min = data[0] & 0x40 ? &minutes : NULL;
	piece = data[0] & 0x80 ? 5 : 4096;
	s = sched_new(&o);
	if (!s)
		return 0;
	for (p++, n--; n; p += part, n -= part) {
		part = n < piece ? n : piece;
		if (!sched_feed(s, p, part))
			break;
	}
	m = sched_end(s);
	if (m)
		check_documents(m);
	else if (!sched_error(s)->text[0])
		abort();
	sched_free(s);
	return 0;
}
