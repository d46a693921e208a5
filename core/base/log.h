/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines to stderr or, under systemd, with its level prefixes. error = someone must act, with the
 * remedy; warn = degraded but coping; info = changes of state; debug = free. The same text again
 * within a minute is folded and counted. Thread-safe. Secrets never come here.
 */
#ifndef FEMS_BASE_LOG_H
#define FEMS_BASE_LOG_H

#include <stdarg.h>
#include <fems/plugin.h>

void log_set_level(enum fems_level);
/* who: room or instance, such as "store" or "meters"; may be NULL. */
void log_line(enum fems_level, const char *who, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void log_vline(enum fems_level, const char *who, const char *fmt, va_list)
	__attribute__((format(printf, 3, 0)));
/* Prints pending "repeated N times" lines; at exit. */
void log_flush(void);

#endif
