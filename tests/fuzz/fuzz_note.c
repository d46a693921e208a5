/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader of FEMS notes on any bytes; what it takes must be safe to print.
 */
#include "config.h"
#include <string.h>

#include "core/base/err.h"
#include "core/plug/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fems_error e = { .text = "" };
	struct fems_note n;

	if (note_scan(data, size, "input", &n, &e) == FEMS_OK)
		MUST(memchr(n.name, 0, sizeof n.name) && memchr(n.version, 0, sizeof n.version) && n.name[0]);
	else
		MUST(e.text[0]);
	return 0;
}
