/* SPDX-License-Identifier: Apache-2.0
 *
 * Macros of libraries as cppcheck has to understand them.
 */
#define json_array_foreach(array, index, value)                                                              \
	for (index = 0; (value = json_array_get(array, index)); index++)
#define json_object_foreach(object, key, value)                                                              \
	for (key = json_first(object); (value = json_object_get(object, key)); key++)
