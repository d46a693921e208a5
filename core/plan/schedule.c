/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plan/schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/text.h"

enum { REQUESTS_MAX = 20000, DURATION_MAX_S = 31 * 86400 };

struct window {
	int64_t start_us, end_us; /* 0: not said */
};

struct reading {
	const char *source;
	const struct site *site;
	struct schedule *out;
	struct fems_error *e;
};

void schedule_free(struct schedule *s)
{
	order_rows_free(&s->rows);
}

/* ---- can it be planned here? ---- */

struct known {
	const struct site *site;
	char first[64]; /* an id that the site does not have */
	int given, found;
};

static bool count_known(void *ctx, const char *id)
{
	struct known *k = ctx;

	k->given++;
	if (site_machine_find(k->site, id))
		k->found++;
	else if (!k->first[0])
		str_copy(k->first, sizeof k->first, id);
	return true;
}

bool schedule_order_fault(const struct site *site, const struct store_order *o, char *en, char *ko,
			  size_t cap)
{
	struct known k = { site, "", 0, 0 };

	equipment_each(o->equipment, count_known, &k);
	if (k.given == 0) {
		snprintf(en, cap, "order %s names no equipment; give the EquipmentID of a machine", o->id);
		snprintf(ko, cap, "오더 %s에 설비가 없습니다. 설비 ID를 지정하십시오", o->id);
	} else if (k.found == 0) {
		snprintf(en, cap, "order %s: no machine \"%s\" in the settings; add it under \"machines\"",
			 o->id, k.first);
		snprintf(ko, cap, "오더 %s: 설정에 설비 \"%s\"이(가) 없습니다. \"machines\"에 추가하십시오",
			 o->id, k.first);
	} else if (o->duration_us <= 0) {
		snprintf(en, cap, "order %s has no duration and no window to take it from", o->id);
		snprintf(ko, cap, "오더 %s에 소요 시간도 기간도 없습니다", o->id);
	} else if (o->due_us && o->due_us <= o->release_us) {
		snprintf(en, cap, "order %s must end before it may start; correct its window", o->id);
		snprintf(ko, cap, "오더 %s의 완료 기한이 착수 가능 시각보다 늦지 않습니다. 기간을 고치십시오",
			 o->id);
	} else {
		return false;
	}
	return true;
}

/* ---- reading ---- */

static enum fems_rc get_window(const json_t *o, const char *where, const char *start, const char *end,
			       struct window *w, struct fems_error *e)
{
	enum fems_rc rc = json_get_time(o, where, start, true, &w->start_us, e);

	return rc ? rc : json_get_time(o, where, end, true, &w->end_us, e);
}

static enum fems_rc get_equipment(const json_t *seg, const char *where, struct text *list,
				  struct fems_error *e)
{
	json_t *a = NULL;
	enum fems_rc rc = json_get_array(seg, where, "equipment", true, &a, e);

	for (size_t i = 0; !rc && i < json_array_size(a); i++) {
		const char *id = json_string_value(json_array_get(a, i));

		if (!id || !*id || strlen(id) > 128 || strchr(id, ' '))
			return err_set(e, FEMS_EINVAL,
				       "%s.equipment[%zu] is no EquipmentID (1 to 128 bytes, no spaces)",
				       where, i);
		text_addf(list, "%s%s", list->len ? " " : "", id);
	}
	return rc;
}

static enum fems_rc get_text(const json_t *o, const char *where, const char *key, bool opt, const char **out,
			     struct fems_error *e)
{
	enum fems_rc rc = json_get_str(o, where, key, opt, out, e);

	if (!rc && (!opt && !**out))
		return err_set(e, FEMS_EINVAL, "%s.%s is empty", where, key);
	if (!rc && strlen(*out) > 512)
		return err_set(e, FEMS_EINVAL, "%s.%s has more than 512 bytes", where, key);
	return rc;
}

static enum fems_rc get_numbers(const json_t *seg, const char *where, struct store_order *o,
				struct fems_error *e)
{
	int64_t duration_s = 0;
	enum fems_rc rc;

	if ((rc = json_get_int(seg, where, "duration_s", true, &duration_s, e)) ||
	    (rc = json_get_int(seg, where, "energy_wh", true, &o->energy_wh, e)) ||
	    (rc = json_get_num(seg, where, "quantity", true, &o->quantity, e)) ||
	    (rc = json_get_time(seg, where, "planned_start", true, &o->erp_start_us, e)))
		return rc;
	if (duration_s < 0 || duration_s > DURATION_MAX_S)
		return err_set(e, FEMS_EINVAL, "%s.duration_s is %" PRId64 "; give 0 to %d", where,
			       duration_s, DURATION_MAX_S);
	if (o->energy_wh < 0 || o->energy_wh > INT64_C(1000000000000))
		return err_set(e, FEMS_EINVAL, "%s.energy_wh is %" PRId64 "; give 0 to 1e12", where,
			       o->energy_wh);
	o->duration_us = duration_s * US_PER_S;
	return FEMS_OK;
}

static void finish_window(struct store_order *o, struct window w)
{
	o->release_us = w.start_us;
	/* A window that ends before it begins is kept as an empty one; schedule_order_fault() names it. */
	o->due_us = w.end_us && w.end_us < w.start_us ? w.start_us : w.end_us;
	if (!o->duration_us && w.start_us && w.end_us > w.start_us)
		o->duration_us = w.end_us - w.start_us;
	if (!o->erp_start_us)
		o->erp_start_us = o->release_us;
}

static enum fems_rc add_order(struct reading *r, struct store_order *o, const char *where)
{
	char en[200], ko[200];

	if (order_rows_find(&r->out->rows, o->id))
		return err_set(r->e, FEMS_EINVAL, "%s: the segment id \"%s\" stands twice", where, o->id);
	o->state = "planned";
	if (schedule_order_fault(r->site, o, en, ko, sizeof en)) {
		o->state = "infeasible";
		r->out->infeasible++;
		log_line(FEMS_LOG_WARN, "plan", "%s: %s; the other orders go on",
			 *o->place ? o->place : where, en);
	}
	return order_rows_add(&r->out->rows, o) ? FEMS_OK
						: err_set(r->e, FEMS_ENOMEM, "out of memory for the orders");
}

static enum fems_rc get_segment(struct reading *r, const json_t *seg, const char *path, struct window w,
				struct store_order o)
{
	struct text equipment = { NULL, 0, 0, false };
	char where[300];
	enum fems_rc rc;

	if ((rc = get_text(seg, path, "place", true, &o.place, r->e)))
		return rc;
	snprintf(where, sizeof where, *o.place ? "%s (%s)" : "%s", path, o.place);
	if ((rc = get_text(seg, where, "id", false, &o.id, r->e)) ||
	    (rc = get_text(seg, where, "segment", true, &o.segment, r->e)) ||
	    (rc = get_text(seg, where, "product", true, &o.product, r->e)) ||
	    (rc = get_text(seg, where, "unit", true, &o.quantity_unit, r->e)) ||
	    (rc = get_window(seg, where, "earliest_start", "latest_end", &w, r->e)) ||
	    (rc = get_numbers(seg, where, &o, r->e)))
		return rc;
	rc = get_equipment(seg, where, &equipment, r->e);
	if (!rc && equipment.failed)
		rc = err_set(r->e, FEMS_ENOMEM, "out of memory for the orders");
	if (!rc) {
		o.equipment = equipment.ptr ? equipment.ptr : "";
		finish_window(&o, w);
		rc = add_order(r, &o, where);
	}
	text_free(&equipment);
	return rc;
}

static enum fems_rc get_request(struct reading *r, const json_t *req, const char *path, struct window w)
{
	struct store_order o = { .schedule_id = r->out->id,
				 .source = r->source,
				 .place = "",
				 .segment = "",
				 .product = "",
				 .quantity_unit = "",
				 .plan_equipment = "",
				 .priority = 1 };
	json_t *segments = NULL;
	enum fems_rc rc;

	if ((rc = get_text(req, path, "id", false, &o.request_id, r->e)) ||
	    (rc = json_get_int(req, path, "priority", true, &o.priority, r->e)) ||
	    (rc = get_window(req, path, "start", "end", &w, r->e)) ||
	    (rc = json_get_array(req, path, "segments", false, &segments, r->e)))
		return rc;
	if (o.priority < 1 || o.priority > 1000)
		return err_set(r->e, FEMS_EINVAL, "%s.priority is %" PRId64 "; give 1 to 1000", path,
			       o.priority);
	for (size_t i = 0; !rc && i < json_array_size(segments); i++) {
		char deep[96];

		snprintf(deep, sizeof deep, "%s.segments[%zu]", path, i);
		rc = get_segment(r, json_array_get(segments, i), deep, w, o);
	}
	return rc;
}

static enum fems_rc get_schedule(struct reading *r, const json_t *j)
{
	struct window w = { 0, 0 };
	json_t *requests = NULL;
	const char *id = "";
	enum fems_rc rc;

	if ((rc = get_text(j, "schedule", "schedule_id", false, &id, r->e)) ||
	    (rc = json_get_bool(j, "schedule", "complete", true, &r->out->complete, r->e)) ||
	    (rc = get_window(j, "schedule", "start", "end", &w, r->e)) ||
	    (rc = json_get_array(j, "schedule", "requests", false, &requests, r->e)))
		return rc;
	if (!str_copy(r->out->id, sizeof r->out->id, id))
		return err_set(r->e, FEMS_EINVAL, "schedule.schedule_id has more than %zu bytes",
			       sizeof r->out->id - 1);
	if (json_array_size(requests) > REQUESTS_MAX)
		return err_set(r->e, FEMS_EINVAL, "schedule.requests has %zu items; at most %d",
			       json_array_size(requests), REQUESTS_MAX);
	for (size_t i = 0; !rc && i < json_array_size(requests); i++) {
		char path[48];

		snprintf(path, sizeof path, "requests[%zu]", i);
		rc = get_request(r, json_array_get(requests, i), path, w);
	}
	return rc;
}

enum fems_rc schedule_parse(struct fems_span body, const char *source, const struct site *site,
			    struct schedule *out, struct fems_error *e)
{
	struct reading r = { source, site, out, e };
	json_t *j = NULL;
	enum fems_rc rc = json_parse(body, &j, e);

	memset(out, 0, sizeof *out);
	out->complete = true;
	if (!rc)
		rc = get_schedule(&r, j);
	json_decref(j);
	if (rc)
		schedule_free(out);
	return rc;
}
