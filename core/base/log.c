/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/base/log.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/base/text.h"

#define FOLD_US    US_PER_MIN
#define FOLD_SLOTS 16

struct folded { /* a line said lately, and how often it came again */
	char line[512];
	enum fems_level level;
	int64_t since_us;
	unsigned again;
};

/* guards level, folds and the order of lines on stderr */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum fems_level limit = FEMS_LOG_INFO;
static struct folded folds[FOLD_SLOTS];
static size_t next_fold;

void log_set_level(enum fems_level l)
{
	pthread_mutex_lock(&lock);
	limit = l;
	pthread_mutex_unlock(&lock);
}

static void emit(enum fems_level level, const char *line)
{
	static const char *const names[] = { [FEMS_LOG_ERROR] = "error: ",
					     [FEMS_LOG_WARN] = "warning: ",
					     [FEMS_LOG_INFO] = "",
					     [FEMS_LOG_DEBUG] = "debug: " };

	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", (int)level, line);
	else
		fprintf(stderr, "%s%s\n", names[level], line);
}

static void fold_close(struct folded *f)
{
	char line[600];

	if (f->again) {
		snprintf(line, sizeof line, "%.511s (%u more times)", f->line, f->again);
		emit(f->level, line);
	}
	f->line[0] = '\0';
	f->again = 0;
}

/* True when the line was said within the last minute and is only counted now. */
static bool fold(enum fems_level level, const char *line)
{
	int64_t now = clock_mono_us();
	struct folded *f;

	for (size_t i = 0; i < FOLD_SLOTS; i++) {
		f = &folds[i];
		if (f->line[0] && now - f->since_us > FOLD_US)
			fold_close(f);
		if (f->line[0] && f->level == level && !strcmp(f->line, line)) {
			f->again++;
			return true;
		}
	}
	f = &folds[next_fold++ % FOLD_SLOTS];
	fold_close(f);
	str_copy(f->line, sizeof f->line, line);
	f->level = level;
	f->since_us = now;
	return false;
}

void log_vline(enum fems_level level, const char *who, const char *fmt, va_list ap)
{
	char line[512];
	size_t n = 0;

	if (who)
		n = (size_t)snprintf(line, sizeof line, "%.60s: ", who);
	vsnprintf(line + n, sizeof line - n, fmt, ap);
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < 0x20)
			*p = ' '; /* one event, one line; no terminal control from peers */
	pthread_mutex_lock(&lock);
	if (level <= limit && !fold(level, line))
		emit(level, line);
	pthread_mutex_unlock(&lock);
}

void log_line(enum fems_level level, const char *who, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vline(level, who, fmt, ap);
	va_end(ap);
}

void log_flush(void)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < FOLD_SLOTS; i++)
		fold_close(&folds[i]);
	pthread_mutex_unlock(&lock);
}
