/* SPDX-License-Identifier: Apache-2.0
 *
 * Schema of fems.db in numbered steps. PRAGMA user_version holds the number of steps taken. Each step
 * is one transaction together with its number, so a kill leaves either version.
 */
#ifndef FEMS_STORE_MIGRATE_H
#define FEMS_STORE_MIGRATE_H

#include "core/store/db.h"

/* The i-th string takes version i to i + 1. */
struct migration {
	const char *const *steps;
	int n;
};
extern const struct migration store_schema;

/* Brings the database to the last version. A database that holds data is first copied with VACUUM
 * INTO to PATH-v<version>.snapshot (an existing one is kept). FEMS_ECONFLICT: it is newer than the
 * program. */
enum fems_rc migrate_run(struct db *, const char *path, const struct migration *, struct fems_error *);
/* FEMS_ECONFLICT unless the version is exactly ours (readers cannot migrate). */
enum fems_rc migrate_check(struct db *, const char *path, const struct migration *, struct fems_error *);

#endif
