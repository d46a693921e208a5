/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/daemon/setup.h"

#include <stdlib.h>
#include "core/tariff/billing.h"

struct setup *setup_read(const char *path, struct plugs *plugs, struct faults *faults)
{
	struct setup *s = calloc(1, sizeof *s);
	struct fems_error e = { .text = "" };
	const struct site *site;

	if (!s)
		return NULL;
	s->doc = conf_load_tree(path, faults);
	if (s->doc)
		s->settings = site_settings_read(s->doc, faults);
	site = s->settings ? site_settings_site(s->settings) : NULL;
	if (site && site->tariff_path)
		s->tariff = tariff_load(site->tariff_path, faults);
	if (s->tariff)
		tariff_selftest(s->tariff, faults);
	if (s->tariff && billing_check(site, s->tariff, &e))
		conf_error(faults, conf_get(conf_root(s->doc), "site"), "%s", e.text);
	/* Faults of plugins are wanted in the same run, even when the site has some. */
	if (s->doc && conf_kind(conf_root(s->doc)) == CONF_MAP)
		s->set = plug_set_read(plugs, conf_get(conf_root(s->doc), "plugins"),
				       conf_get(conf_root(s->doc), "meters"), faults);
	if (s->settings && s->set && faults_errors(faults) == 0)
		return s;
	setup_free(s);
	return NULL;
}

void setup_free(struct setup *s)
{
	if (!s)
		return;
	plug_set_free(s->set);
	tariff_free(s->tariff);
	site_settings_free(s->settings);
	conf_free(s->doc);
	free(s);
}
