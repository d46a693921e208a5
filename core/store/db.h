/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection to fems.db with its prepared statements, and short forms for running SQL. A connection
 * is used by one thread at a time. Nothing here knows what the tables mean.
 */
#ifndef FEMS_STORE_DB_H
#define FEMS_STORE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <fems/plugin.h>

#define DB_STATEMENTS 96

struct db {
	sqlite3 *h;
	struct {
		const char *sql; /* identity of the literal, not its text */
		sqlite3_stmt *st;
	} cache[DB_STATEMENTS];
	int n;
	int wal_pages; /* of the last commit on this connection */
	bool full;     /* set by db_fail() when there was no room; cleared by its user */
	struct db *next;
};

enum db_mode { DB_WRITER, DB_READER };

/* WAL, synchronous FULL, no memory map, no automatic checkpoints. */
enum fems_rc db_open(const char *path, enum db_mode, struct db **out, struct fems_error *);
void db_close(struct db *);

/* Turns the last result of the connection into a code and a text that says what to do. */
enum fems_rc db_fail(struct db *, const char *what, struct fems_error *);

/* fmt: one letter per parameter: i int64_t, d double, s const char * (NULL is ""), b const void * and
 * size_t. sql must be a literal: its address is the key of the statement cache. */
enum fems_rc db_run(struct db *, struct fems_error *, const char *sql, const char *fmt, ...);
sqlite3_stmt *db_query(struct db *, struct fems_error *, const char *sql, const char *fmt, ...);
/* 1: a row, 0: no more, -1: failed (text filled). The statement is reset after 0 and -1. */
int db_step(struct db *, sqlite3_stmt *, struct fems_error *);
void db_end(sqlite3_stmt *);
/* Several statements without parameters. */
enum fems_rc db_exec(struct db *, const char *sql, struct fems_error *);
/* First column of the first row; dflt when there is none. */
enum fems_rc db_int(struct db *, const char *sql, int64_t dflt, int64_t *out, struct fems_error *);

const char *db_text(sqlite3_stmt *, int column); /* never NULL */
struct fems_span db_blob(sqlite3_stmt *, int column);

#endif
