/* SPDX-License-Identifier: Apache-2.0
 *
 * The page's files. All are read into memory once; a request is looked up by its exact path, so no
 * request ever reaches the file system. FILE.gz beside FILE is sent to browsers that take gzip.
 */
#ifndef FEMS_WEB_FILES_H
#define FEMS_WEB_FILES_H

#include <microhttpd.h>
#include <stddef.h>
#include <fems/plugin.h>

struct files;

/* root must have an index.html; hidden files, links and directories below the second level are left
 * out. FEMS_EINVAL with key "root". */
enum fems_rc files_open(const char *root, struct files **out, struct fems_error *);
void files_free(struct files *); /* after the server has ended */

/* MHD_NO and *found 0 when there is no such file, else what MHD_queue_response() said.
 * path: as asked for ("/app.js"); "/" is index.html. From any thread. */
enum MHD_Result files_answer(const struct files *, struct MHD_Connection *, const char *path, int *found);

#endif
