/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/femsctl/femsctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/err.h"
#include "core/base/text.h"

#define DEFAULT_SOCKET "/run/fems/femsd.sock"

struct verb {
	const char *noun, *verb; /* verb NULL: the noun stands alone */
	int (*run)(const struct ctl *);
	const char *arguments, *summary;
};

static const struct verb verbs[] = {
	{ "status", NULL, ctl_status, "", "what femsd does and what needs attention" },
	{ "check-config", NULL, ctl_check_config, "[FILE]",
	  "every fault of the settings, without touching hardware" },
	{ "meters", "list", ctl_meters_list, "", "meters with state, power and age" },
	{ "meters", "read", ctl_meters_read, "METER", "all values of a meter" },
	{ "plan", "show", ctl_plan_show, "", "the plan in force with its reasons" },
	{ "plan", "run", ctl_plan_run, "", "ask for a new plan now" },
	{ "bill", "case", ctl_bill_case, "DIR [--tariff NAME]", "a worked case, without femsd" },
	{ "bill", NULL, ctl_bill, "[--month YYYY-MM] [--explain]",
	  "the bill of a month (default: this one so far)" },
	{ "bill", NULL, ctl_bill, "--tariff T --load FILE --contract C",
	  "bills of a load file, without femsd (--from, --to)" },
	{ "load", "check", ctl_load_check, "FILE [--zone ZONE]",
	  "its faults (--missing mark, --accept-spikes, --start T --interval D)" },
	{ "tariff", "check", ctl_tariff_check, "FILE", "faults of a tariff and the tests inside it" },
	{ "demand", "now", ctl_demand_now, "", "the running 15-minute window" },
	{ "orders", "list", ctl_orders_list, "[--state STATE]", "orders of the production plan" },
	{ "outbox", "list", ctl_outbox_list, "[--state STATE] [--max N]", "messages to other systems" },
	{ "audit", "list", ctl_audit_list, "[--max N]", "who did what" },
	{ "plugin", "list", ctl_plugin_list, "", "plugins and their state" },
	{ "history", "import", ctl_history_import, "FILE --store DIR",
	  "15-minute energies from CSV, while femsd is stopped" },
	{ "call", NULL, ctl_call_any, "SERVICE [JSON]", "any service by name (services.list shows them)" },
};

static void usage(FILE *f)
{
	fputs("usage: femsctl [--socket PATH] [--json] [--lang ko|en] COMMAND ...\n\n", f);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		const struct verb *v = &verbs[i];
		char left[80];

		snprintf(left, sizeof left, "%s%s%s %s", v->noun, v->verb ? " " : "", v->verb ? v->verb : "",
			 v->arguments);
		fprintf(f, "  %-44s %s\n", left, v->summary);
	}
	fputs("\nexit: 0 ok, 1 failed, 2 usage, 3 faults found, 4 no femsd, 5 refused, 6 not found, 7 "
	      "conflict\n",
	      f);
}

static const struct verb *find(const char *noun, const char *verb)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (!strcmp(verbs[i].noun, noun) &&
		    (!verbs[i].verb || (verb && !strcmp(verbs[i].verb, verb))))
			return &verbs[i];
	return NULL;
}

static int unknown(const char *noun, const char *verb)
{
	const char *names[ARRAY_LEN(verbs)], *near;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (!strcmp(verbs[i].noun, noun)) {
			fprintf(stderr, "femsctl: %s: want a verb: %s\n", noun, verbs[i].verb);
			n = 0;
			break;
		}
		names[n++] = verbs[i].noun;
	}
	near = n ? str_nearest(noun, names, n) : NULL;
	if (n)
		fprintf(stderr, "femsctl: no command \"%s\"%s%s%s\n", noun, near ? "; did you mean \"" : "",
			near ? near : "", near ? "\"?" : "");
	else if (verb)
		fprintf(stderr, "femsctl: %s has no verb \"%s\"\n", noun, verb);
	fputs("try: femsctl --help\n", stderr);
	return CTL_USAGE;
}

/* Options before the command; returns the index of the command or -1. */
static int global_options(int argc, char **argv, struct ctl *c)
{
	const char *lang = getenv("LANG"), *socket = getenv("FEMS_SOCKET");
	int i = 1;

	c->lang = lang && !strncmp(lang, "ko", 2) ? "ko" : "en";
	c->socket = socket ? socket : DEFAULT_SOCKET;
	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--json"))
			c->json = true;
		else if ((!strcmp(argv[i], "--socket") || !strcmp(argv[i], "-s")) && i + 1 < argc)
			c->socket = argv[++i];
		else if (!strcmp(argv[i], "--lang") && i + 1 < argc)
			c->lang = argv[++i];
		else
			return -1;
	}
	return i;
}

/* The same options are understood behind the command. */
static void late_options(struct ctl *c)
{
	const char *socket = ctl_option(c, "socket"), *lang = ctl_option(c, "lang");

	c->json = c->json || ctl_flag(c, "json");
	if (socket)
		c->socket = socket;
	if (lang)
		c->lang = lang;
}

int main(int argc, char **argv)
{
	struct ctl c = { 0 };
	const struct verb *v;
	int i;

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))) {
		usage(stdout);
		return CTL_OK;
	}
	if (argc > 1 && !strcmp(argv[1], "--version")) {
		puts("femsctl " PACKAGE_VERSION);
		return CTL_OK;
	}
	i = global_options(argc, argv, &c);
	if (i < 0 || i >= argc) {
		usage(stderr);
		return CTL_USAGE;
	}
	v = find(argv[i], i + 1 < argc ? argv[i + 1] : NULL);
	if (!v)
		return unknown(argv[i], i + 1 < argc ? argv[i + 1] : NULL);
	i += v->verb ? 2 : 1;
	c.argc = argc - i;
	c.argv = argv + i;
	late_options(&c);
	return v->run(&c);
}
