/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder into which an ERP drops files. A file *.xml is taken once it has rested: two seconds since
 * its last change, or unchanged since an earlier look. Afterwards it lies in done/ or in failed/, there
 * beside a file of the same name with .txt that holds the reason. Symbolic links and names that begin
 * with a dot are left alone.
 */
#ifndef B2MML_FOLDER_H
#define B2MML_FOLDER_H

#include <fems/plugin.h>

enum folder_verdict {
	FOLDER_DONE,
	FOLDER_FAILED, /* the file is at fault; the text tells why */
	FOLDER_LATER   /* something else is: the file stays for the next time */
};

/* Reads fd and decides; path is for messages. */
typedef enum folder_verdict (*folder_take_fn)(void *ctx, int fd, const char *path, struct fems_error *);

struct folder;

/* The folder must exist; done/ and failed/ are made when needed. */
enum fems_rc folder_new(const char *path, struct folder **out, struct fems_error *);
void folder_free(struct folder *);
/* Takes all rested files in order of their last change, at most until the deadline (microseconds of
 * CLOCK_MONOTONIC). Goes on behind a bad file; returns the first fault, *failed counts them. */
enum fems_rc folder_scan(struct folder *, folder_take_fn, void *ctx, int64_t deadline_us, unsigned *failed,
			 struct fems_error *);

#endif
