/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "connectors/b2mml/sched_state.h"

#include <stdlib.h>
#include <string.h>

/* ---- the digest: everything but places and warnings ---- */

static void hash_to_here(struct sched *s)
{
	const unsigned char *from = (const unsigned char *)s->json.ptr + s->hashed;

	if (s->json.failed)
		return;
	crypto_hash_sha256_update(&s->hash, from, s->json.len - s->hashed);
	crypto_hash_sha256_update(&s->hash_all, from, s->json.len - s->hashed);
	s->hashed = s->json.len;
}

static void unhashed(struct sched *s)
{
	s->hashed = s->json.len;
}

/* ---- ids of the document's segments ---- */

static uint64_t id_hash(const char *id)
{
	uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a: only spreads ids over slots */

	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * UINT64_C(1099511628211);
	return h;
}

static struct id_slot *id_find(const struct id_set *set, const char *id)
{
	size_t i = (size_t)id_hash(id) & (set->cap - 1);

	while (set->slots[i].text && strcmp(set->ids.ptr + set->slots[i].text - 1, id) != 0)
		i = (i + 1) & (set->cap - 1);
	return &set->slots[i];
}

static bool id_grow(struct id_set *set)
{
	struct id_set old = *set;

	if (set->count * 2 < set->cap)
		return true;
	set->cap = old.cap ? old.cap * 2 : 256;
	set->slots = calloc(set->cap, sizeof *set->slots);
	if (!set->slots) {
		*set = old;
		return false;
	}
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].text)
			*id_find(set, set->ids.ptr + old.slots[i].text - 1) = old.slots[i];
	free(old.slots);
	return true;
}

static void id_unique(struct sched *s, const char *id, int line)
{
	struct id_set *set = &s->set;
	struct id_slot *slot;

	if (!id_grow(set)) {
		xml_in_fail(s->xml, "out of memory");
		return;
	}
	slot = id_find(set, id);
	if (slot->text) {
		xml_in_fail(s->xml,
			    "segment \"%.80s\" stands twice, in lines %d and %d; give each its own ID", id,
			    slot->line, line);
		return;
	}
	slot->text = set->ids.len + 1;
	slot->line = line;
	set->count++;
	buf_add_n(&set->ids, id, strlen(id) + 1);
	if (set->ids.failed)
		xml_in_fail(s->xml, "out of memory");
}

/* ---- which segments are work, and what they inherit ---- */

static bool names_work(const struct segment *g)
{
	return g->equipment || g->duration_us || g->earliest.set || g->latest.set;
}

/* From the deepest up: energy of a part that is not planned by itself counts for what is around it. */
static void choose_work(struct sched *s)
{
	for (size_t i = s->n_segments; i-- > 0;) {
		struct segment *g = &s->segments[i], *around = g->parent < 0 ? NULL : &s->segments[g->parent];

		g->emit = !g->below && (!around || names_work(g));
		if (g->below && g->has_energy)
			sched_warn(s, g->line, "the energy of a segment whose parts are planned is not used");
		if (!around)
			continue;
		around->below = around->below || g->below || g->emit;
		if (!g->emit && !g->below && g->has_energy) {
			around->energy_wh += g->energy_wh;
			around->has_energy = true;
		}
	}
}

static void inherit(struct sched *s, struct segment *g)
{
	for (int up = g->parent; up >= 0; up = s->segments[up].parent) {
		const struct segment *p = &s->segments[up];

		if (!g->earliest.set)
			g->earliest = p->earliest;
		if (!g->latest.set)
			g->latest = p->latest;
		if (!g->equipment)
			g->equipment = p->equipment;
		if (!g->product) {
			g->product = p->product;
			g->quantity = p->quantity;
			g->unit = p->unit;
		}
		if (!g->process)
			g->process = p->process;
		g->skip = g->skip || p->skip;
	}
	if (!g->earliest.set)
		g->earliest = s->request.start.set ? s->request.start : s->start;
	if (!g->latest.set)
		g->latest = s->request.end.set ? s->request.end : s->end;
	if (!g->planned.set && s->n_segments == 1)
		g->planned = s->request.start;
}

/* "258456/0010"; a segment without id gets its place in the tree: "258456/1.2". */
static void segment_name(struct sched *s, const struct segment *g, struct buf *out)
{
	const char *request = sched_str(s, s->request.id), *id = sched_str(s, g->id);
	size_t n = strlen(request);
	char path[8 * 12];

	if (g->id) {
		if (strncmp(id, request, n) != 0 || id[n] == '/')
			buf_addf(out, "%s/", request);
		buf_add(out, id);
		return;
	}
	snprintf(path, sizeof path, "%d", g->ordinal);
	for (int up = g->parent; up >= 0 && strlen(path) < sizeof path - 12; up = s->segments[up].parent) {
		char tail[sizeof path];

		snprintf(tail, sizeof tail, "%s", path);
		snprintf(path, sizeof path, "%d.%.*s", s->segments[up].ordinal, (int)(sizeof path - 13),
			 tail);
	}
	buf_addf(out, "%s/%s", request, path);
	sched_lack(s, g->line, "a segment of request \"%.80s\" has no ID; taken as \"%.80s\"", request,
		   out->ptr);
}

static void judge(struct sched *s, const struct segment *g, const char *name)
{
	if (!g->equipment && g->equipment_class)
		sched_lack(s, g->line,
			   "segment \"%.80s\" names the equipment class \"%.40s\", but no equipment", name,
			   sched_str(s, g->equipment_class));
	else if (!g->equipment)
		sched_lack(s, g->line, "segment \"%.80s\" names no equipment", name);
	if (!g->duration_us && !(g->earliest.set && g->latest.set))
		sched_lack(s, g->line, "segment \"%.80s\" has neither a duration nor start and end", name);
	if (g->earliest.set && g->latest.set &&
	    g->latest.us - g->earliest.us < (g->duration_us ? g->duration_us : 1))
		sched_lack(s, g->line,
			   "segment \"%.80s\" does not fit between its earliest start and its latest end",
			   name);
	if (!g->has_energy)
		sched_warn(s, g->line, "segment \"%.80s\" tells no energy (%s in KWH)", name,
			   s->opt.energy_material);
}

/* ---- JSON ---- */

static void member_str(struct buf *b, const char *key, const char *value)
{
	if (!*value)
		return;
	buf_addf(b, ",\"%s\":", key);
	buf_json(b, value);
}

static void member_time(struct buf *b, const char *key, const struct when *t)
{
	if (!t->set)
		return;
	buf_addf(b, ",\"%s\":", key);
	lex_time_json(b, t);
}

static void add_equipment(struct sched *s, const struct segment *g)
{
	struct buf *b = &s->json;
	const struct alternative *a;

	buf_add(b, ",\"equipment\":[");
	for (uint32_t i = g->equipment; i; i = a->next) {
		a = &s->alternatives[i - 1];
		if (i != g->equipment)
			buf_add(b, ",");
		buf_json(b, sched_str(s, a->name));
	}
	buf_add(b, "]");
}

static void add_product(struct sched *s, const struct segment *g)
{
	struct buf *b = &s->json, number = { NULL, 0, 0, false };
	const char *quantity = sched_str(s, g->quantity);

	member_str(b, "product", sched_str(s, g->product));
	if (!*quantity)
		return;
	if (lex_decimal_json(quantity, &number)) {
		buf_addf(b, ",\"quantity\":%s", number.ptr ? number.ptr : "0");
		member_str(b, "unit", sched_str(s, g->unit));
	} else {
		sched_lack(s, g->line, "quantity \"%.32s\" is not a decimal number; left out", quantity);
	}
	buf_free(&number);
}

static void add_place(struct sched *s, const struct segment *g)
{
	struct buf place = { NULL, 0, 0, false };

	hash_to_here(s);
	buf_addf(&place, "%s:%d", s->opt.where, g->line);
	if (place.failed)
		s->json.failed = true;
	else
		member_str(&s->json, "place", place.ptr);
	buf_free(&place);
	unhashed(s);
}

static void add_segment(struct sched *s, struct segment *g, const char *name)
{
	struct buf *b = &s->json;

	buf_add(b, "{\"id\":");
	buf_json(b, name);
	add_equipment(s, g);
	member_time(b, "earliest_start", &g->earliest);
	member_time(b, "latest_end", &g->latest);
	if (g->planned.set && (!g->earliest.set || g->planned.us != g->earliest.us))
		member_time(b, "planned_start", &g->planned);
	if (g->duration_us)
		buf_addf(b, ",\"duration_s\":%lld", (long long)((g->duration_us + 999999) / 1000000));
	if (g->has_energy)
		buf_addf(b, ",\"energy_wh\":%lld", (long long)g->energy_wh);
	member_str(b, "segment", sched_str(s, g->process));
	add_product(s, g);
	add_place(s, g);
	buf_add(b, "}");
}

void sched_json_begin(struct sched *s)
{
	buf_clear(&s->json);
	buf_clear(&s->warnings);
	s->n_warnings = 0;
	s->hashed = 0;
	crypto_hash_sha256_init(&s->hash);
	buf_add(&s->json, "{\"requests\":[");
}

static size_t add_segments(struct sched *s)
{
	size_t written = 0;

	for (size_t i = 0; i < s->n_segments && !xml_in_failed(s->xml); i++) {
		struct segment *g = &s->segments[i];
		struct buf name = { NULL, 0, 0, false };

		if (!g->emit)
			continue;
		inherit(s, g);
		if (g->skip)
			continue;
		segment_name(s, g, &name);
		if (name.failed) {
			xml_in_fail(s->xml, "out of memory");
		} else {
			judge(s, g, name.ptr);
			id_unique(s, name.ptr, g->line);
			if (written++)
				buf_add(&s->json, ",");
			add_segment(s, g, name.ptr);
		}
		buf_free(&name);
	}
	return written;
}

void sched_json_request(struct sched *s)
{
	struct buf *b = &s->json;
	size_t start = b->len;

	if (s->request.skip || s->schedule_skip)
		return;
	if (!s->request.id) {
		xml_in_fail(s->xml,
			    "the request that begins in line %d has no ID, so its order cannot be recognised "
			    "again; give it one",
			    s->request.line);
		return;
	}
	if (s->n_segments == 0)
		sched_lack(s, s->request.line, "request \"%.80s\" has no segment: nothing to plan",
			   sched_str(s, s->request.id));
	hash_to_here(s);
	if (b->len && b->ptr[b->len - 1] != '[')
		buf_add(b, ",");
	buf_add(b, "{\"id\":");
	buf_json(b, sched_str(s, s->request.id));
	if (s->request.priority != 1)
		buf_addf(b, ",\"priority\":%lld", (long long)s->request.priority);
	buf_add(b, ",\"segments\":[");
	choose_work(s);
	if (add_segments(s) == 0 && b->ptr) { /* all of it is over */
		b->len = start;
		b->ptr[start] = '\0';
		s->hashed = start;
		return;
	}
	buf_add(b, "]}");
	hash_to_here(s);
}

static void add_warnings(struct sched *s)
{
	if (s->n_warnings > SCHED_WARNINGS_MAX) {
		char more[64];

		snprintf(more, sizeof more, "and %zu more", s->n_warnings - SCHED_WARNINGS_MAX);
		buf_add(&s->warnings, ",");
		buf_json(&s->warnings, more);
	}
	if (!s->warnings.len)
		return;
	buf_add(&s->json, ",\"warnings\":[");
	buf_add_n(&s->json, s->warnings.ptr, s->warnings.len);
	buf_add(&s->json, "]");
}

/* With the time of creation where there is one: a plan that comes back to what it was an hour ago is a
 * new message, not a repetition. */
static char *digest_key(struct sched *s)
{
	const char *created = s->message.created ? s->message.created : "";
	unsigned char digest[crypto_hash_sha256_BYTES];
	struct buf key = { NULL, 0, 0, false };

	crypto_hash_sha256_update(&s->hash, (const unsigned char *)created, strlen(created));
	crypto_hash_sha256_final(&s->hash, digest);
	buf_add(&key, "sha256-");
	for (size_t i = 0; i < sizeof digest; i++)
		buf_addf(&key, "%02x", digest[i]);
	return buf_take(&key, NULL);
}

bool sched_json_end(struct sched *s)
{
	struct buf *b = &s->json;
	struct sched_document d = { NULL, NULL, 0 };
	struct sched_document *grown;

	buf_add(b, "],\"schedule_id\":");
	buf_json(b, s->schedule_id[0] ? s->schedule_id : "default");
	buf_addf(b, ",\"complete\":%s", s->complete ? "true" : "false");
	member_time(b, "start", &s->start);
	member_time(b, "end", &s->end);
	hash_to_here(s);
	add_warnings(s);
	buf_add(b, "}");
	grown = realloc(s->message.documents, (s->message.count + 1) * sizeof *grown);
	if (!grown)
		return false;
	s->message.documents = grown;
	if (s->warnings.failed)
		return false;
	d.key = digest_key(s);
	d.json = buf_take(b, &d.len);
	s->message.documents[s->message.count++] = d;
	return d.key && d.json;
}
