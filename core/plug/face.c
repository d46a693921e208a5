/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/face.h"

#include <string.h>

#include "core/base/err.h"

#define MAX_KEYS  256
#define MAX_DEPTH 4
#define MAX_SIZE  ((size_t)1 << 20)

/* ---- tables of settings ---- */

static const size_t type_sizes[] = {
	[FEMS_T_BOOL] = sizeof(int64_t),
	[FEMS_T_INT] = sizeof(int64_t),
	[FEMS_T_NUM] = sizeof(double),
	[FEMS_T_STR] = sizeof(char *),
	[FEMS_T_SECRET] = sizeof(char *),
	[FEMS_T_ENUM] = sizeof(int64_t),
	[FEMS_T_DURATION] = sizeof(int64_t),
	[FEMS_T_POWER] = sizeof(int64_t),
	[FEMS_T_ENERGY] = sizeof(int64_t),
	[FEMS_T_PATH] = sizeof(char *),
	[FEMS_T_STRLIST] = sizeof(struct fems_list),
	[FEMS_T_LIST] = sizeof(struct fems_list),
};

static bool name_is_sane(const char *s)
{
	size_t n = s ? strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") : 0;

	return n && !s[n] && n < 48 && *s >= 'a';
}

static const char *key_fault(const struct fems_key *k, size_t size, unsigned depth, const char **which);

/* NULL, or what is wrong with the entry *which. */
static const char *table_fault(const struct fems_key *keys, size_t size, unsigned depth, const char **which)
{
	const char *why;

	for (size_t i = 0; keys[i].name; i++) {
		*which = keys[i].name;
		if (i == MAX_KEYS)
			return "the table does not end with FEMS_KEYS_END";
		why = key_fault(&keys[i], size, depth, which);
		for (size_t j = 0; !why && j < i; j++)
			if (!strcmp(keys[i].name, keys[j].name))
				why = "stands twice in the table";
		if (why)
			return why;
	}
	return NULL;
}

static const char *key_fault(const struct fems_key *k, size_t size, unsigned depth, const char **which)
{
	if (!name_is_sane(k->name))
		return "the name of a setting is of a-z, 0-9 and _";
	if (k->type >= ARRAY_LEN(type_sizes))
		return "unknown type";
	if (k->off > size || size - k->off < type_sizes[k->type] || k->off % sizeof(void *))
		return "lies outside its struct";
	if (k->type == FEMS_T_ENUM && (!k->choices || !k->choices[0]))
		return "an ENUM without choices";
	if (k->type != FEMS_T_LIST)
		return NULL;
	if (!k->sub || !k->sub_size || depth >= MAX_DEPTH)
		return "a LIST without a table for its items, or with too many levels";
	return table_fault(k->sub, k->sub_size, depth + 1, which);
}

static bool has_any(const struct fems_key *keys, const char *const *names, const char **which)
{
	for (; keys->name; keys++)
		for (size_t i = 0; names[i]; i++)
			if (!strcmp(keys->name, names[i])) {
				*which = names[i];
				return true;
			}
	return false;
}

enum fems_rc face_tables_check(const char *path, const struct plug_face *p, struct fems_error *e)
{
	static const char *const own[] = { "plugin", "name", "interval", "isolate", NULL };
	static const char *const meter[] = { "plugin", "role", "parent", "label", NULL };
	const struct fems_key *d = p->device_keys;
	const char *which = "", *why = p->keys ? table_fault(p->keys, p->cfg_size, 0, &which) : NULL;

	if (!why && d)
		why = table_fault(d, p->device_size, 0, &which);
	if (!why && (p->cfg_size > MAX_SIZE || p->device_size > MAX_SIZE))
		why = "its struct is larger than 1 MiB";
	if (why)
		return err_set(e, FEMS_EINVAL, "%s: %s %s: settings table: \"%.48s\": %s", path, p->name,
			       p->version, which, why);
	if (p->keys && has_any(p->keys, own, &which))
		return err_set(e, FEMS_EINVAL,
			       "%s: %s %s: settings table: \"%s\" is a setting of femsd's own", path, p->name,
			       p->version, which);
	if (d && has_any(d, meter, &which))
		return err_set(e, FEMS_EINVAL, "%s: %s %s: device table: \"%s\" is a setting of femsd's own",
			       path, p->name, p->version, which);
	if (d && (!d->name || strcmp(d->name, "name") || d->type != FEMS_T_STR))
		return err_set(e, FEMS_EINVAL,
			       "%s: %s %s: device table: the first entry must be the string \"name\"", path,
			       p->name, p->version);
	return FEMS_OK;
}

/* ---- descriptors ---- */

static const struct {
	uint32_t kind;
	const char *name;
	size_t off;
} kinds[] = {
	{ FEMS_METER, "meter", offsetof(struct fems_plugin, meter) },
	{ FEMS_ANALYSIS, "analysis", offsetof(struct fems_plugin, analysis) },
	{ FEMS_CONNECTOR, "connector", offsetof(struct fems_plugin, connector) },
	{ FEMS_OPTIMISER, "optimiser", offsetof(struct fems_plugin, optimiser) },
	{ FEMS_SERVICE, "service", offsetof(struct fems_plugin, service) },
};
#define ALL_KINDS 31u

static const void *ops_of(const struct fems_plugin *p, size_t i)
{
	const void *ops;

	memcpy(&ops, (const char *)p + kinds[i].off, sizeof ops);
	return ops;
}

static enum fems_rc kinds_check(const char *path, const struct fems_plugin *p, struct fems_error *e)
{
	if (!p->kinds || p->kinds & ~ALL_KINDS)
		return err_set(e, FEMS_EINVAL, "%s: %s %s: kinds 0x%x: want one or more of enum fems_kind",
			       path, p->name, p->version, p->kinds);
	/* A server that only makes calls of its own has nothing to answer. */
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		bool says = p->kinds & kinds[i].kind, has = ops_of(p, i);

		if (says == has || (says && kinds[i].kind == FEMS_SERVICE))
			continue;
		return err_set(e, FEMS_EINVAL,
			       says ? "%s: %s %s: is a %s by its kinds but has no calls for it"
				    : "%s: %s %s: has calls of a %s but its kinds do not say so",
			       path, p->name, p->version, kinds[i].name);
	}
	return FEMS_OK;
}

enum fems_rc face_check(const char *path, const struct fems_note *n, const struct fems_plugin *p,
			struct fems_error *e)
{
	struct plug_face face;
	enum fems_rc rc;

	if (p->size < sizeof *p)
		return err_set(e, FEMS_EINVAL,
			       "%s: %s %s: its descriptor has %u bytes, want %zu; build it with "
			       "FEMS_PLUGIN",
			       path, n->name, n->version, p->size, sizeof *p);
	if (p->abi_major != n->abi_major || p->abi_minor != n->abi_minor || p->kinds != n->kinds)
		return err_set(e, FEMS_EINVAL,
			       "%s: %s %s: ABI %d.%d and kinds 0x%x of its note are not those of its "
			       "descriptor (%d.%d, 0x%x)",
			       path, n->name, n->version, n->abi_major, n->abi_minor, n->kinds, p->abi_major,
			       p->abi_minor, p->kinds);
	if (!p->name || !p->version || strcmp(p->name, n->name) || strcmp(p->version, n->version))
		return err_set(e, FEMS_EINVAL, "%s: its note says %s %s, its descriptor says %s %s", path,
			       n->name, n->version, p->name ? p->name : "nothing",
			       p->version ? p->version : "");
	if (!p->life || !FEMS_HAS(p->life, open))
		return err_set(e, FEMS_EINVAL, "%s: %s %s: has no open()", path, p->name, p->version);
	rc = kinds_check(path, p, e);
	if (rc)
		return rc;
	face_of(p, &face);
	return face_tables_check(path, &face, e);
}

static uint32_t offers_of(const struct fems_plugin *p)
{
	const struct fems_life *l = p->life;
	uint32_t o = OP_BIT(OP_OPEN) | OP_BIT(OP_START) | OP_BIT(OP_STOP) | OP_BIT(OP_CLOSE);

#define OFFER(ops, member, op) o |= (ops) && FEMS_HAS(ops, member) ? OP_BIT(op) : 0
	OFFER(l, check, OP_CHECK);
	OFFER(l, reload, OP_RELOAD);
	OFFER(p->meter, poll, OP_POLL);
	OFFER(p->meter, write, OP_WRITE);
	OFFER(p->analysis, feed, OP_FEED);
	OFFER(p->analysis, tick, OP_TICK);
	OFFER(p->analysis, notice, OP_NOTICE);
	OFFER(p->connector, pull, OP_PULL);
	OFFER(p->connector, push, OP_PUSH);
	OFFER(p->optimiser, solve, OP_SOLVE);
	OFFER(p->service, handle, OP_HANDLE);
#undef OFFER
	return o;
}

void face_of(const struct fems_plugin *p, struct plug_face *out)
{
	*out = (struct plug_face){
		.name = p->name,
		.version = p->version,
		.license = p->license ? p->license : "",
		.summary = p->summary ? p->summary : "",
		.kinds = p->kinds,
		.grade = p->grade,
		.offers = offers_of(p),
		.keys = p->keys,
		.device_keys = p->device_keys,
		.cfg_size = p->cfg_size,
		.device_size = p->device_size,
		.types = p->connector && FEMS_HAS(p->connector, types) ? p->connector->types : NULL,
	};
}

bool face_offers(const struct plug_face *f, enum plug_op op)
{
	return f->offers & OP_BIT(op);
}

bool face_takes(const struct plug_face *f, const char *type)
{
	for (const char *const *t = f->types; t && *t; t++)
		if (!strcmp(*t, type))
			return face_offers(f, OP_PUSH);
	return false;
}

json_t *face_kinds(const struct plug_face *f)
{
	json_t *a = json_array();

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (f->kinds & kinds[i].kind)
			json_array_append_new(a, json_string(kinds[i].name));
	return a;
}
