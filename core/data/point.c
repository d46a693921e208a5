/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/data/point.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/text.h"

/* Slots lie in blocks that never move, so that an id is resolved without a lock. What may change of a
 * point at a reload (its limits) changes by a new struct point; old ones live as long as the registry. */
#define BLOCK      1024
#define BLOCKS     1024
#define MAX_POINTS ((uint32_t)BLOCK * BLOCKS)
#define SHARDS     64
#define DEV_HASH   4096

struct dev {
	struct device d; /* name and owner never change; state, why, since under registry lock */
	_Atomic int64_t last_us;
	_Atomic uint64_t samples, errors;
	struct dev *next_of_name; /* chain of the hash, under the registry lock */
};

struct slot {
	struct point *_Atomic point;
	struct dev *dev;
	struct fems_sample last; /* under the shard's lock */
	bool has_last;
	struct slot *next_of_name; /* chain of the hash, under the registry lock */
};

struct retired {
	struct point *point;
	struct retired *next;
};

struct points {
	pthread_rwlock_t lock; /* names, devices */
	pthread_mutex_t shard[SHARDS];
	struct slot *_Atomic block[BLOCKS];
	_Atomic uint32_t count;
	struct slot **hash;
	size_t hash_size; /* power of two */
	struct dev **devs;
	size_t n_devs, cap_devs;
	struct dev *dev_hash[DEV_HASH];
	struct retired *retired;
};

struct points *points_new(void)
{
	struct points *ps = calloc(1, sizeof *ps);

	if (!ps)
		return NULL;
	ps->hash_size = 1024;
	ps->hash = calloc(ps->hash_size, sizeof(struct slot *));
	if (!ps->hash) {
		free(ps);
		return NULL;
	}
	pthread_rwlock_init(&ps->lock, NULL);
	for (size_t i = 0; i < SHARDS; i++)
		pthread_mutex_init(&ps->shard[i], NULL);
	return ps;
}

static struct slot *slot_of(const struct points *ps, uint32_t id)
{
	if (!id || id > atomic_load_explicit(&ps->count, memory_order_acquire))
		return NULL;
	return &atomic_load_explicit(&ps->block[(id - 1) / BLOCK], memory_order_acquire)[(id - 1) % BLOCK];
}

static struct point *point_of(const struct slot *s)
{
	return atomic_load_explicit(&s->point, memory_order_acquire);
}

void points_free(struct points *ps)
{
	if (!ps)
		return;
	for (uint32_t id = 1; id <= ps->count; id++)
		free(point_of(slot_of(ps, id)));
	for (size_t i = 0; i < BLOCKS; i++)
		free(ps->block[i]);
	for (struct retired *r = ps->retired, *next; r; r = next) {
		next = r->next;
		free(r->point);
		free(r);
	}
	for (size_t i = 0; i < ps->n_devs; i++)
		free(ps->devs[i]);
	for (size_t i = 0; i < SHARDS; i++)
		pthread_mutex_destroy(&ps->shard[i]);
	pthread_rwlock_destroy(&ps->lock);
	free(ps->devs);
	free(ps->hash);
	free(ps);
}

/* ---- devices; the registry lock is held ---- */

static uint64_t name_hash(const char *s) /* FNV-1a */
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
	return h;
}

static struct dev *dev_find(const struct points *ps, const char *name)
{
	struct dev *dev = ps->dev_hash[name_hash(name) % DEV_HASH];

	while (dev && strcmp(dev->d.name, name))
		dev = dev->next_of_name;
	return dev;
}

static struct dev *dev_add(struct points *ps, const char *owner, const char *name)
{
	struct dev *dev;

	if (ps->n_devs == ps->cap_devs) {
		size_t cap = ps->cap_devs ? ps->cap_devs * 2 : 32;
		struct dev **bigger = realloc(ps->devs, cap * sizeof(struct dev *));

		if (!bigger)
			return NULL;
		ps->devs = bigger;
		ps->cap_devs = cap;
	}
	dev = calloc(1, sizeof *dev);
	if (!dev)
		return NULL;
	str_copy(dev->d.name, sizeof dev->d.name, name);
	str_copy(dev->d.owner, sizeof dev->d.owner, owner);
	dev->next_of_name = ps->dev_hash[name_hash(name) % DEV_HASH];
	ps->dev_hash[name_hash(name) % DEV_HASH] = dev;
	ps->devs[ps->n_devs++] = dev;
	return dev;
}

/* ---- names ---- */

static struct slot *name_find(const struct points *ps, const char *name)
{
	struct slot *s = ps->hash[name_hash(name) & (ps->hash_size - 1)];

	while (s && strcmp(point_of(s)->name, name))
		s = s->next_of_name;
	return s;
}

static void name_link(struct points *ps, struct slot *s)
{
	struct slot **head = &ps->hash[name_hash(point_of(s)->name) & (ps->hash_size - 1)];

	s->next_of_name = *head;
	*head = s;
}

static bool names_grow(struct points *ps)
{
	size_t size = ps->hash_size * 2;
	struct slot **bigger = calloc(size, sizeof(struct slot *));

	if (!bigger)
		return false;
	free(ps->hash);
	ps->hash = bigger;
	ps->hash_size = size;
	for (uint32_t id = 1; id <= ps->count; id++)
		name_link(ps, slot_of(ps, id));
	return true;
}

/* ---- points ---- */

static enum fems_rc info_check(const struct fems_point_info *info, const struct quantity **q, char *name,
			       size_t cap, struct fems_error *e)
{
	const char *near;

	if (!info->device || !info->quantity || !info->device[0] || strpbrk(info->device, "/*"))
		return err_set(e, FEMS_EINVAL,
			       "a point needs the name of its device (without / and *) and a quantity");
	if (strlen(info->device) >= sizeof((struct device *)0)->name)
		return err_set(e, FEMS_EINVAL, "device name \"%.80s\" is longer than 63 bytes", info->device);
	*q = quantity_find(info->quantity);
	if (!*q) {
		near = quantity_nearest(info->quantity);
		return err_set(e, FEMS_EINVAL, "device %s: unknown quantity \"%.80s\"%s%s%s", info->device,
			       info->quantity, near ? "; did you mean \"" : " (see quantities.list)",
			       near ? near : "", near ? "\"?" : "");
	}
	if ((info->flags & FEMS_POINT_WRITABLE) &&
	    !(isfinite(info->write_min) && isfinite(info->write_max) && info->write_min <= info->write_max))
		return err_set(e, FEMS_EINVAL, "%s/%s is writable but its range %g to %g is not one",
			       info->device, info->quantity, info->write_min, info->write_max);
	str_copy(name, cap, info->device);
	if (!str_copy(name + strlen(name), cap - strlen(name), "/") ||
	    !str_copy(name + strlen(name), cap - strlen(name), info->quantity))
		return err_set(e, FEMS_EINVAL, "point name %s/%s is too long", info->device, info->quantity);
	return FEMS_OK;
}

static struct point *point_make(uint32_t id, const char *owner, const struct fems_point_info *info,
				const struct quantity *q, const char *name)
{
	struct point *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->id = id;
	p->flags = info->flags;
	str_copy(p->name, sizeof p->name, name);
	str_copy(p->device, sizeof p->device, info->device);
	str_copy(p->owner, sizeof p->owner, owner);
	p->quantity = q;
	p->resolution = info->resolution;
	p->write_min = info->write_min;
	p->write_max = info->write_max;
	return p;
}

static bool same_values(const struct point *p, const struct fems_point_info *info)
{
	return p->flags == info->flags && !(p->resolution < info->resolution) &&
	       !(p->resolution > info->resolution) && !(p->write_min < info->write_min) &&
	       !(p->write_min > info->write_min) && !(p->write_max < info->write_max) &&
	       !(p->write_max > info->write_max);
}

static uint32_t point_refresh(struct points *ps, struct slot *s, const char *owner,
			      const struct fems_point_info *info, const struct quantity *q, const char *name,
			      struct fems_error *e)
{
	struct point *old = point_of(s), *p;
	struct retired *r;

	if (same_values(old, info))
		return old->id;
	p = point_make(old->id, owner, info, q, name);
	r = malloc(sizeof *r);
	if (!p || !r) {
		free(p);
		free(r);
		err_set(e, FEMS_ENOMEM, "no memory for point %s", name);
		return 0;
	}
	r->point = old;
	r->next = ps->retired;
	ps->retired = r;
	atomic_store_explicit(&s->point, p, memory_order_release);
	return p->id;
}

static uint32_t point_append(struct points *ps, struct dev *dev, const char *owner,
			     const struct fems_point_info *info, const struct quantity *q, const char *name)
{
	uint32_t i = ps->count;
	struct slot *block = ps->block[i / BLOCK % BLOCKS], *s;
	struct point *p;

	if (i == MAX_POINTS || (i >= ps->hash_size && !names_grow(ps)))
		return 0;
	if (!block) {
		block = calloc(BLOCK, sizeof *block);
		if (!block)
			return 0;
		atomic_store_explicit(&ps->block[i / BLOCK], block, memory_order_release);
	}
	p = point_make(i + 1, owner, info, q, name);
	if (!p)
		return 0;
	s = &block[i % BLOCK];
	s->dev = dev;
	atomic_store_explicit(&s->point, p, memory_order_release);
	atomic_store_explicit(&ps->count, i + 1, memory_order_release);
	name_link(ps, s);
	return i + 1;
}

static uint32_t add_locked(struct points *ps, const char *owner, const struct fems_point_info *info,
			   const struct quantity *q, const char *name, struct fems_error *e)
{
	struct dev *dev = dev_find(ps, info->device);
	struct slot *s = name_find(ps, name);
	uint32_t id;

	if (dev && strcmp(dev->d.owner, owner)) {
		err_set(e, FEMS_ECONFLICT,
			"device %s belongs to plugin instance %s, %s cannot add points to it; "
			"give one of the two another name",
			info->device, dev->d.owner, owner);
		return 0;
	}
	if (dev && (info->flags & FEMS_POINT_UNVERIFIED))
		dev->d.unverified = true;
	if (s)
		return point_refresh(ps, s, owner, info, q, name, e);
	if (!dev) {
		dev = dev_add(ps, owner, info->device);
		if (dev)
			dev->d.unverified = info->flags & FEMS_POINT_UNVERIFIED;
	}
	id = dev ? point_append(ps, dev, owner, info, q, name) : 0;
	if (!id)
		err_set(e, FEMS_ENOMEM, "no room for point %s (%u of at most %u points)", name, ps->count,
			MAX_POINTS);
	return id;
}

uint32_t points_add(struct points *ps, const char *owner, const struct fems_point_info *info,
		    struct fems_error *e)
{
	char name[sizeof((struct point *)0)->name];
	const struct quantity *q = NULL;
	uint32_t id;

	if (info_check(info, &q, name, sizeof name, e))
		return 0;
	pthread_rwlock_wrlock(&ps->lock);
	id = add_locked(ps, owner, info, q, name, e);
	pthread_rwlock_unlock(&ps->lock);
	return id;
}

uint32_t points_find(const struct points *cps, const char *name)
{
	struct points *ps = (struct points *)cps; /* its lock */
	struct slot *s;
	uint32_t id;

	pthread_rwlock_rdlock(&ps->lock);
	s = name_find(ps, name);
	id = s ? point_of(s)->id : 0;
	pthread_rwlock_unlock(&ps->lock);
	return id;
}

const struct point *points_get(const struct points *ps, uint32_t id)
{
	struct slot *s = slot_of(ps, id);

	return s ? point_of(s) : NULL;
}

uint32_t points_count(const struct points *ps)
{
	return atomic_load_explicit(&ps->count, memory_order_acquire);
}

bool point_matches(const struct point *p, const char *pattern)
{
	if (!strncmp(pattern, "*/", 2))
		return !strcmp(pattern + 2, p->quantity->name);
	return !strcmp(pattern, p->name);
}

/* ---- last values ---- */

void points_note(struct points *ps, const struct fems_sample *samples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct fems_sample *sample = &samples[i];
		struct slot *s = slot_of(ps, sample->point);

		if (!s)
			continue;
		pthread_mutex_lock(&ps->shard[sample->point % SHARDS]);
		s->last = *sample;
		s->has_last = true;
		pthread_mutex_unlock(&ps->shard[sample->point % SHARDS]);
		if ((sample->quality & FEMS_Q_CLASS) <= FEMS_Q_UNCERTAIN) {
			atomic_fetch_add_explicit(&s->dev->samples, 1, memory_order_relaxed);
			atomic_store_explicit(&s->dev->last_us, sample->t_us, memory_order_relaxed);
		} else {
			atomic_fetch_add_explicit(&s->dev->errors, 1, memory_order_relaxed);
		}
	}
}

bool points_last(const struct points *cps, uint32_t id, struct fems_sample *out)
{
	struct points *ps = (struct points *)cps; /* its lock */
	struct slot *s = slot_of(ps, id);
	bool has;

	if (!s)
		return false;
	pthread_mutex_lock(&ps->shard[id % SHARDS]);
	has = s->has_last;
	if (has)
		*out = s->last;
	pthread_mutex_unlock(&ps->shard[id % SHARDS]);
	return has;
}

/* ---- devices ---- */

bool device_set_state(struct points *ps, const char *owner, const char *device, enum fems_device_state state,
		      const char *why, int64_t now_us)
{
	struct dev *dev;
	bool changed = false;

	pthread_rwlock_wrlock(&ps->lock);
	dev = dev_find(ps, device);
	if (!dev)
		dev = dev_add(ps, owner, device);
	if (dev && !strcmp(dev->d.owner, owner)) {
		changed = dev->d.state != state;
		dev->d.state = state;
		str_copy(dev->d.why, sizeof dev->d.why, why ? why : "");
		if (changed || !dev->d.since_us)
			dev->d.since_us = now_us;
	}
	pthread_rwlock_unlock(&ps->lock);
	return changed;
}

static void dev_copy(const struct dev *dev, struct device *out)
{
	*out = dev->d;
	out->last_us = atomic_load_explicit(&dev->last_us, memory_order_relaxed);
	out->samples = atomic_load_explicit(&dev->samples, memory_order_relaxed);
	out->errors = atomic_load_explicit(&dev->errors, memory_order_relaxed);
}

size_t devices_count(const struct points *cps)
{
	struct points *ps = (struct points *)cps; /* its lock */
	size_t n;

	pthread_rwlock_rdlock(&ps->lock);
	n = ps->n_devs;
	pthread_rwlock_unlock(&ps->lock);
	return n;
}

bool device_at(const struct points *cps, size_t i, struct device *out)
{
	struct points *ps = (struct points *)cps; /* its lock */
	bool found;

	pthread_rwlock_rdlock(&ps->lock);
	found = i < ps->n_devs;
	if (found)
		dev_copy(ps->devs[i], out);
	pthread_rwlock_unlock(&ps->lock);
	return found;
}

bool device_find(const struct points *cps, const char *name, struct device *out)
{
	struct points *ps = (struct points *)cps; /* its lock */
	struct dev *dev;

	pthread_rwlock_rdlock(&ps->lock);
	dev = dev_find(ps, name);
	if (dev)
		dev_copy(dev, out);
	pthread_rwlock_unlock(&ps->lock);
	return dev;
}

const char *device_state_name(enum fems_device_state state)
{
	static const char *const names[] = { "unknown", "online", "degraded", "offline" };

	return (size_t)state < ARRAY_LEN(names) ? names[state] : "unknown";
}
