/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/conf/node.h"

#include <string.h>

#include "core/base/err.h"

/* What people meant who got one of libfyaml's messages. */
static const char *remedy(const char *msg)
{
	static const struct {
		const char *part, *remedy;
	} hints[] = {
		{ "quoted scalar", "is the closing quote missing?" },
		{ "multiline plain key", "is a \":\" missing, or is this line indented too far?" },
		{ "missing comma", "is a \",\" or the closing bracket missing on a line before?" },
		{ "nested block mapping", "put quotes around a text that has \": \" in it" },
		{ "cannot start with", "put quotes around the text" },
		{ "end of block sequence", "indent alike what belongs together" },
		{ "end of block mapping", "indent alike what belongs together" },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(hints); i++)
		if (strstr(msg, hints[i].part))
			return hints[i].remedy;
	return NULL;
}

/* The first line from `from` on that is indented by a tab, 0: none near. */
static int tab_line(const struct conf_source *s, int from)
{
	int line;

	for (line = from > 0 ? from : 1; line <= from + 1 && (size_t)line <= s->n_lines; line++) {
		size_t i = s->lines[line - 1];

		i += strspn(s->text + i, " ");
		if (i < s->len && s->text[i] == '\t')
			return line;
	}
	return 0;
}

void syntax_fault(struct faults *f, const struct conf_source *s, const char *said, int at_line, int at_col)
{
	const char *hint = remedy(said);
	int tab = tab_line(s, at_line);
	size_t pos = source_pos(s, at_line, at_col);

	if (tab)
		fault_add(f, false, s, source_pos(s, tab, 1), "indented by a tab; YAML wants spaces (%s)",
			  said);
	else
		fault_add(f, false, s, pos, "%s%s%s", said, hint ? "; " : "", hint ? hint : "");
}
