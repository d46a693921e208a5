/* SPDX-License-Identifier: Apache-2.0
 *
 * libFuzzer target: any text as settings, filled into a table that has every type, and back out.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core/conf/conf.h"

struct item {
	const char *name;
	int64_t n;
	struct fems_list items;
};
struct cfg {
	const char *text, *secret, *path;
	int64_t flag, whole, choice, duration, power, energy;
	double number;
	struct fems_list texts, items;
};

static const char *const choices[] = { "one", "two", "three", NULL };
static const struct fems_key inner_keys[] = { FEMS_STR(struct item, name, "", "inner"), FEMS_KEYS_END };
static const struct fems_key item_keys[] = {
	FEMS_STR(struct item, name, NULL, "name"), FEMS_INT(struct item, n, "1", 0, 9, NULL, "n"),
	FEMS_LIST(struct item, items, inner_keys, sizeof(struct item), "items"), FEMS_KEYS_END
};
static const struct fems_key keys[] = { FEMS_STR(struct cfg, text, "t", "text"),
					FEMS_SECRET(struct cfg, secret, "", "secret"),
					FEMS_PATH(struct cfg, path, "p", "path"),
					FEMS_BOOL(struct cfg, flag, "no", "flag"),
					FEMS_INT(struct cfg, whole, "0", -5, 500000, "V", "whole"),
					FEMS_ENUM(struct cfg, choice, "two", choices, "choice"),
					FEMS_DURATION(struct cfg, duration, "1s", 1, 1e12, "duration"),
					FEMS_POWER(struct cfg, power, "1 kW", 0, 0, "power"),
					FEMS_ENERGY(struct cfg, energy, "1 Wh", 0, 0, "energy"),
					FEMS_NUM(struct cfg, number, "0.5", 0, 0, "%", "number"),
					FEMS_STRLIST(struct cfg, texts, "a b", "texts"),
					FEMS_LIST(struct cfg, items, item_keys, sizeof(struct item), "items"),
					FEMS_KEYS_END };

/* What came out of one text must go in again. */
static void check_json(const struct conf_doc *doc)
{
	struct faults *f = faults_new();
	char *json = conf_json(conf_root(doc));
	bool fits = json && strlen(json) <= 4u << 20;
	struct conf_doc *again = fits ? conf_parse(json, strlen(json), "json", ".", f) : NULL;

	if (fits && !again) {
		faults_print(f, stderr);
		abort();
	}
	conf_free(again);
	free(json);
	faults_free(f);
}

/* libfyaml 0.7.12 leaks a scalar's 512 bytes on some syntax errors (seen with "? '''''? '''''''"). */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml.so";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct faults *f = faults_new();
	struct conf_doc *doc = conf_parse((const char *)data, size, "fuzz.yaml", "/nonexistent", f);
	struct conf_filled *filled = NULL;
	struct cfg cfg;

	if (doc) {
		filled = conf_fill(conf_root(doc), keys, &cfg, sizeof cfg, "fuzz", NULL, f);
		check_json(doc);
	} else if (!faults_errors(f)) {
		abort(); /* refused without a word */
	}
	if (filled)
		free(conf_dump(keys, &cfg));
	free(faults_text(f));
	conf_filled_free(filled);
	conf_free(doc);
	faults_free(f);
	return 0;
}
