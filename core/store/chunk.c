/* SPDX-License-Identifier: Apache-2.0
 *
 * The table chunk: all samples of one series in one hour.
 */
#include "config.h"
#include "core/store/internal.h"
#include <stdlib.h>
#include <string.h>

int64_t chunk_hour(int64_t t_us)
{
	return t_us / US_PER_H - (t_us % US_PER_H < 0);
}

int64_t chunk_id(uint32_t series, int64_t hour)
{
	return (int64_t)series << 24 | (hour & 0xffffff);
}

enum fems_rc chunk_write(struct db *db, uint32_t series, int64_t hour, uint64_t seq, const struct pack *pk,
			 struct fems_error *e)
{
	struct pack_bytes b;
	enum fems_rc rc;

	if (!pack_body(pk, &b))
		return err_set(e, FEMS_ENOMEM, "out of memory while samples were packed");
	rc = db_run(db, e,
		    "INSERT INTO chunk(id, rev, n, hot_seq, body) VALUES(?,1,?,?,?) ON CONFLICT(id) DO"
		    " UPDATE SET rev=rev+1, n=excluded.n, hot_seq=excluded.hot_seq, body=excluded.body",
		    "iiib", chunk_id(series, hour), (int64_t)pk->n, (int64_t)seq, b.ptr, b.len);
	free(b.ptr);
	return rc;
}

/* What the disk already has of the hour is kept; of the same time the chunk in memory wins. */
enum fems_rc chunk_flush(struct db *db, const struct chunk *c, uint64_t seq, struct fems_error *e)
{
	struct raw_part part = { c->hour, c->pack };
	struct raw_view v = { c->series, &part, 1 };
	struct pack pk = c->pack;
	struct sample_list all = { NULL, 0, 0 };
	enum fems_rc rc = raw_collect(db, &v, c->hour, &all, e);

	if (rc == FEMS_OK && all.n != c->pack.n) {
		pack_init(&pk, c->pack.step, c->pack.start_us);
		for (size_t i = 0; rc == FEMS_OK && i < all.n; i++)
			rc = pack_add(&pk, &all.at[i]) ? FEMS_OK : FEMS_ENOMEM;
	}
	if (rc == FEMS_OK)
		rc = chunk_write(db, c->series, c->hour, seq, &pk, e);
	if (pk.records.ptr != c->pack.records.ptr)
		pack_free(&pk);
	free(all.at);
	return rc;
}
