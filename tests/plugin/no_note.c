/* SPDX-License-Identifier: Apache-2.0
 *
 * A shared object that is no plugin: loading it would end the process.
 */
#include <stdlib.h>

extern const int fems_plugin_1;
__attribute__((visibility("default"))) const int fems_plugin_1 = 1;

__attribute__((constructor)) static void at_load(void)
{
	abort();
}
