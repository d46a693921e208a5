/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples of one series in few bytes, without loss: differences as varints where the value is a
 * multiple of the series' step, the double itself elsewhere; times as differences of differences.
 * Pure functions, no locks.
 *
 * Body of a chunk: version (1), step (8 bytes), start (8 bytes), number of samples (varint), records,
 * CRC-32 of all before (4 bytes). Little-endian.
 */
#ifndef FEMS_STORE_PACK_H
#define FEMS_STORE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <fems/plugin.h>

struct pack_bytes {
	uint8_t *ptr;
	size_t len, cap;
};

struct pack_last { /* what the next record is a difference to */
	int64_t t_us, dt_us, k;
	uint64_t bits;
	uint32_t quality, t_unc_us, epoch;
};

struct pack {
	struct pack_bytes records;
	uint32_t n;
	double step;      /* multiples of it are packed as integers; 0: never */
	int64_t start_us; /* times count from here */
	struct pack_last last;
};

void pack_init(struct pack *, double step, int64_t start_us);
void pack_free(struct pack *);
/* Appends; any order of times works, growing ones are small. False: out of memory, nothing changed. */
bool pack_add(struct pack *, const struct fems_sample *);
/* The body of a chunk; caller frees out->ptr. False: out of memory. */
bool pack_body(const struct pack *, struct pack_bytes *out);

struct unpack {
	const uint8_t *p, *end;
	uint32_t left, series;
	double step;
	struct pack_last last;
};

/* Reads a body of a chunk; false when version, length or checksum is wrong. */
bool unpack_body(struct unpack *, uint32_t series, struct fems_span body);
/* Reads n bare records. */
void unpack_records(struct unpack *, uint32_t series, const struct pack *);
void unpack_init(struct unpack *, uint32_t series, double step, int64_t start_us, uint32_t n,
		 const uint8_t *p, const uint8_t *end);
/* False at the end, or when the bytes end early (left is then not 0). */
bool unpack_next(struct unpack *, struct fems_sample *);

bool pack_put_byte(struct pack_bytes *, uint8_t);
bool pack_put_varint(struct pack_bytes *, uint64_t);
bool pack_put(struct pack_bytes *, const void *, size_t);
bool unpack_varint(const uint8_t **p, const uint8_t *end, uint64_t *out);
uint32_t pack_crc(const void *, size_t); /* CRC-32 of IEEE 802.3 */
/* Appends the checksum of what is there; checks and cuts it off. */
bool pack_seal(struct pack_bytes *);
bool unpack_seal(struct fems_span *);

#endif
