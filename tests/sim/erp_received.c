/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/sim/erp.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/err.h"
#include "core/base/text.h"

static struct erp_message *find(struct erp *erp, const char *noun, const char *bodid)
{
	for (size_t i = 0; i < erp->n_messages; i++)
		if (strcmp(erp->messages[i].noun, noun) == 0 && strcmp(erp->messages[i].bodid, bodid) == 0)
			return &erp->messages[i];
	return NULL;
}

static void answer(struct buf *reply, const char *result, const char *bodid, const char *more)
{
	buf_add(reply, "{\"result\":");
	buf_json(reply, result);
	buf_add(reply, ",\"bodid\":");
	buf_json(reply, bodid);
	buf_add(reply, more);
	buf_add(reply, "}\n");
}

/* DIR/000001-operations-performance.xml; numbers go on where an earlier run ended. */
static enum fems_rc keep(struct erp *erp, const char *noun, const char *xml, size_t len, struct fems_error *e)
{
	char path[512];
	const struct dirent *d;
	unsigned n;
	DIR *dir;

	if (!erp->keep)
		return FEMS_OK;
	if (erp->number == 0 && (dir = opendir(erp->keep)) != NULL) {
		while ((d = readdir(dir)) != NULL)
			if (sscanf(d->d_name, "%6u-", &n) == 1 && n > erp->number)
				erp->number = n;
		closedir(dir);
	}
	snprintf(path, sizeof path, "%s/%06u-%s.xml", erp->keep, ++erp->number, noun);
	return file_replace(path, xml, len, 0640, e);
}

static struct erp_message *store(struct erp *erp, const char *noun, const char *bodid, const char *xml,
				 size_t len, json_t *view)
{
	struct erp_message *grown = realloc(erp->messages, (erp->n_messages + 1) * sizeof *grown), *m;

	if (!grown)
		return NULL;
	erp->messages = grown;
	m = &grown[erp->n_messages];
	memset(m, 0, sizeof *m);
	m->xml = malloc(len ? len : 1);
	if (!m->xml)
		return NULL;
	memcpy(m->xml, xml, len);
	m->len = len;
	str_copy(m->noun, sizeof m->noun, noun);
	str_copy(m->bodid, sizeof m->bodid, bodid);
	m->view = json_incref(view);
	erp->n_messages++;
	return m;
}

/* What a message does to the ERP. */
static enum fems_rc apply(struct erp *erp, const char *noun, json_t *view, int64_t now_us, char *more,
			  size_t cap, struct fems_error *e)
{
	struct erp_order *o;
	size_t moved, kept;

	more[0] = '\0';
	if (strcmp(noun, "operations-schedule") == 0) {
		if (erp_propose(erp, json_object_get(view, "items"), now_us, &moved, &kept, e) != FEMS_OK)
			return FEMS_ECONFLICT;
		snprintf(more, cap, ",\"moved\":%zu,\"kept\":%zu", moved, kept);
	} else if (strcmp(noun, "operations-performance") == 0) {
		o = erp_order_find(erp, json_string_value(json_object_get(view, "request")),
				   json_string_value(json_object_get(view, "segment")));
		if (o)
			o->done = true;
		json_object_set_new(view, "known", json_boolean(o != NULL));
	}
	return FEMS_OK;
}

static int repeat(struct erp_message *m, const char *xml, size_t len, struct buf *reply)
{
	m->repeats++;
	if (m->len == len && memcmp(m->xml, xml, len) == 0) {
		answer(reply, "repeat", m->bodid, "");
		return 200;
	}
	answer(reply, "refused", m->bodid, ",\"text\":\"another message came under this BODID\"");
	return 422;
}

static int refuse(struct buf *reply, const struct fems_error *e, int status)
{
	buf_add(reply, "{\"result\":\"refused\",\"text\":");
	buf_json(reply, e->text);
	buf_add(reply, "}\n");
	return status;
}

static int take(struct erp *erp, const char *noun, json_t *view, const char *xml, size_t len, int64_t now_us,
		struct buf *reply)
{
	const char *bodid = json_string_value(json_object_get(view, "bodid"));
	struct erp_message *m = find(erp, noun, bodid);
	struct fems_error e = { "", NULL };
	char more[96];

	if (m)
		return repeat(m, xml, len, reply);
	if (apply(erp, noun, view, now_us, more, sizeof more, &e) != FEMS_OK)
		return refuse(reply, &e, 422);
	if (keep(erp, noun, xml, len, &e) != FEMS_OK)
		return refuse(reply, &e, 500);
	m = store(erp, noun, bodid, xml, len, view);
	if (!m)
		return refuse(reply, &(struct fems_error){ "out of memory", NULL }, 500);
	m->at_us = now_us;
	answer(reply, "taken", bodid, more);
	return 201;
}

static bool belongs(const char *noun, const char *root)
{
	static const char *const pair[][2] = {
		{ "operations-performance", "SyncOperationsPerformance" },
		{ "operations-schedule", "ProcessOperationsSchedule" },
		{ "confirm-bod", "ConfirmBOD" },
	};

	for (size_t i = 0; i < ARRAY_LEN(pair); i++)
		if (strcmp(noun, pair[i][0]) == 0)
			return strcmp(root, pair[i][1]) == 0;
	return false;
}

int erp_receive(struct erp *erp, const char *expected_noun, const char *xml, size_t len, int64_t now_us,
		struct buf *reply)
{
	struct fems_error e = { "", NULL };
	char root[64];
	json_t *view;
	int status;

	if (erp_read(xml, len, root, sizeof root, &view, &e) != FEMS_OK)
		return refuse(reply, &e, 400);
	if (belongs(expected_noun, root)) {
		status = take(erp, expected_noun, view, xml, len, now_us, reply);
	} else {
		err_set(&e, FEMS_EINVAL, "<%s> does not belong here", root);
		status = refuse(reply, &e, 400);
	}
	json_decref(view);
	return status;
}

json_t *erp_received_json(struct erp *erp)
{
	json_t *all = json_pack("{s:[],s:[],s:[]}", "performances", "proposals", "confirmations"), *one;
	char at[40];

	for (size_t i = 0; i < erp->n_messages; i++) {
		const struct erp_message *m = &erp->messages[i];
		const char *list = strcmp(m->noun, "operations-performance") == 0 ? "performances"
				   : strcmp(m->noun, "operations-schedule") == 0  ? "proposals"
										  : "confirmations";

		one = json_copy(m->view);
		json_object_set_new(one, "repeats", json_integer(m->repeats));
		json_object_set_new(one, "received",
				    json_string(time_format(m->at_us, erp->zone, at, sizeof at)));
		json_array_append_new(json_object_get(all, list), one);
	}
	return all;
}

void erp_received_free(struct erp *erp)
{
	for (size_t i = 0; i < erp->n_messages; i++) {
		free(erp->messages[i].xml);
		json_decref(erp->messages[i].view);
	}
	free(erp->messages);
}
