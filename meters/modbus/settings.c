/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "meters/modbus/settings.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fems/util.h>

#define SECOND 1000000.0
#define DAY    (86400 * SECOND)

const struct fems_key modbus_keys[] = {
	FEMS_DURATION(struct modbus_cfg, poll, "1s", SECOND / 10, DAY,
		      "how often meters are read that do not say otherwise"),
	FEMS_PATH(struct modbus_cfg, profiles, "",
		  "directory of meter profiles; empty: those that came with fems"),
	FEMS_KEYS_END,
};

const struct fems_key modbus_device_keys[] = {
	FEMS_STR(struct modbus_device_cfg, name, NULL, "name of the meter"),
	FEMS_STR(struct modbus_device_cfg, profile, NULL,
		 "meter type: name of a profile, such as eastron-sdm630"),
	FEMS_STR(struct modbus_device_cfg, url, NULL,
		 "tcp://HOST:PORT/UNIT or rtu:///dev/ttyUSB0?baud=9600&parity=E&stop=1&unit=1"),
	FEMS_DURATION(struct modbus_device_cfg, interval, "0s", 0, DAY,
		      "how often it is read; 0s: as the plugin's poll says"),
	FEMS_DURATION(struct modbus_device_cfg, timeout, "500ms", SECOND / 100, 10 * SECOND,
		      "longest wait for an answer"),
	FEMS_BOOL(struct modbus_device_cfg, invert, "false",
		  "the meter is wired the other way round: exchange import and export"),
	FEMS_KEYS_END,
};

/* ---- profiles ---- */

#define MAX_NAMES 200

/* The profile in dir whose name is nearest, into near; "" when none is. */
static void nearest_profile(const char *dir, const char *name, char *near, size_t cap)
{
	const char *names[MAX_NAMES + 1] = { NULL }, *found;
	char *copies[MAX_NAMES];
	struct dirent *entry;
	size_t n = 0;
	DIR *d = opendir(dir);

	while (d && n < MAX_NAMES && (entry = readdir(d))) {
		size_t len = strlen(entry->d_name);

		if (len > 5 && !strcmp(entry->d_name + len - 5, ".yaml") &&
		    (copies[n] = strndup(entry->d_name, len - 5)))
			names[n] = copies[n], n++;
	}
	if (d)
		closedir(d);
	found = nearest_name(name, names);
	snprintf(near, cap, "%s", found ? found : "");
	for (size_t i = 0; i < n; i++)
		free(copies[i]);
}

static bool good_name(const char *s)
{
	return *s && strlen(s) < 64 && *s != '.' &&
	       !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")];
}

/* Looks through a list of directories separated by colons. */
static bool find_profile(const char *dirs, const char *name, char *path, size_t cap, char *near,
			 size_t near_cap)
{
	char dir[400];

	*near = 0;
	while (*dirs) {
		size_t len = strcspn(dirs, ":");

		if (len && len < sizeof dir) {
			memcpy(dir, dirs, len);
			dir[len] = 0;
			if ((size_t)snprintf(path, cap, "%s/%s.yaml", dir, name) < cap && !access(path, F_OK))
				return true;
			if (!*near)
				nearest_profile(dir, name, near, near_cap);
		}
		dirs += len + (dirs[len] == ':');
	}
	return false;
}

static enum fems_rc bad_profile(const struct yaml_faults *f, const char *device, struct fems_error *e)
{
	size_t first = strcspn(f->text, "\n");
	enum fems_rc rc;

	rc = fems_bad_setting(e, "profile", "meter %s: %.*s%s", device, (int)(first < 300 ? first : 300),
			      f->text, f->n > 1 ? " (and more faults in this file)" : "");
	return rc;
}

static const char *search_path(const struct modbus_cfg *cfg)
{
	const char *env = getenv("FEMS_PROFILE_PATH");

	if (cfg->profiles && *cfg->profiles)
		return cfg->profiles;
	return env && *env ? env : FEMS_DATA_DIR "/profiles";
}

static enum fems_rc load_profile(struct loaded *l, const struct modbus_cfg *cfg, struct loaded_device *d,
				 struct fems_error *e)
{
	const char *name = d->cfg->profile, *dirs = search_path(cfg);
	struct yaml_faults faults = { 0 };
	char path[512], near[64];
	struct profile *p;

	if (!good_name(name))
		return fems_bad_setting(
			e, "profile",
			"meter %s: \"%.60s\" is not the name of a profile (a name without path and .yaml); "
			"own ones lie in the directory that the plugin's setting \"profiles\" names",
			d->cfg->name, name);
	for (size_t i = 0; i < l->n_profiles; i++) {
		if (!strcmp(l->profiles[i]->id, name)) {
			d->profile = l->profiles[i];
			return FEMS_OK;
		}
	}
	if (!find_profile(dirs, name, path, sizeof path, near, sizeof near))
		return fems_bad_setting(e, "profile", "meter %s: there is no profile \"%s\" in %.150s%s%s%s",
					d->cfg->name, name, dirs, *near ? "; did you mean \"" : "", near,
					*near ? "\"?" : "");
	p = profile_read(path, &faults);
	if (!p)
		return bad_profile(&faults, d->cfg->name, e);
	l->profiles[l->n_profiles++] = p;
	d->profile = p;
	if (strcmp(p->id, name))
		return fems_bad_setting(e, "profile",
					"meter %s: %.200s says id \"%s\"; it must be the file's name",
					d->cfg->name, path, p->id);
	return FEMS_OK;
}

/* ---- devices ---- */

static enum fems_rc find_line(struct loaded *l, size_t i, struct fems_error *e)
{
	bool conflict;

	for (size_t k = 0; k < i; k++) {
		if (!link_addr_same(&l->devices[k].addr, &l->devices[i].addr, &conflict))
			continue;
		if (conflict)
			return fems_bad_setting(
				e, "url",
				"meters %s and %s are on %s with different baud, parity or stop; "
				"a line has one setting",
				l->devices[k].cfg->name, l->devices[i].cfg->name, l->devices[i].addr.host);
		l->devices[i].line = l->devices[k].line;
		return FEMS_OK;
	}
	l->devices[i].line = l->n_lines++;
	if (l->n_lines > LINKS_MAX)
		return fems_bad_setting(
			e, "url",
			"more than %d Modbus connections: the plugin waits with select(), which ends "
			"at descriptor 1023; read the rest from a second femsd or through gateways",
			LINKS_MAX);
	return FEMS_OK;
}

static enum fems_rc load_device(struct loaded *l, size_t i, const struct fems_settings *s,
				struct fems_error *e)
{
	const struct modbus_device_cfg *cfg = (const struct modbus_device_cfg *)s->devices.items + i;
	struct loaded_device *d = &l->devices[i];
	char why[200];
	enum fems_rc rc;

	d->cfg = cfg;
	if (!link_addr_parse(cfg->url, &d->addr, why, sizeof why))
		return fems_bad_setting(e, "url", "meter %s: %s", cfg->name, why);
	if (cfg->interval && cfg->interval < SECOND / 10)
		return fems_bad_setting(e, "interval", "meter %s: the shortest interval is 100ms", cfg->name);
	rc = find_line(l, i, e);
	return rc ? rc : load_profile(l, s->cfg, d, e);
}

enum fems_rc loaded_read(struct loaded *l, const struct fems_settings *s, struct fems_error *e)
{
	size_t n = s->devices.count;
	enum fems_rc rc = FEMS_OK;

	memset(l, 0, sizeof *l);
	l->devices = calloc(n + 1, sizeof *l->devices);
	l->profiles = calloc(n + 1, sizeof(struct profile *));
	if (!l->devices || !l->profiles)
		rc = fems_fail(e, FEMS_ENOMEM, "no memory for the settings of %zu meters", n);
	for (size_t i = 0; !rc && i < n; i++) {
		rc = load_device(l, i, s, e);
		l->n = i + 1;
	}
	if (rc)
		loaded_free(l);
	return rc;
}

void loaded_free(struct loaded *l)
{
	for (size_t i = 0; i < l->n_profiles; i++)
		profile_free(l->profiles[i]);
	free(l->profiles);
	free(l->devices);
	memset(l, 0, sizeof *l);
}
