/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "store_fixture.h"

#include <math.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/act/act.h"
#include "core/base/clock.h"

struct stand {
	struct fixture *f;
	struct site site;
	struct points *points;
	struct act *act;
	enum fems_rc answer; /* of the plugin that owns the point */
	int writes;
	double last;
	struct fems_error e;
};

static enum fems_rc write_point(void *ctx, const struct point *p, double value, struct fems_error *e)
{
	struct stand *s = ctx;

	assert_string_equal(p->device, "fan");
	s->writes++;
	s->last = value;
	if (s->answer)
		snprintf(e->text, sizeof e->text, "the device reads back another value");
	return s->answer;
}

static void add_point(struct stand *s, const char *quantity, uint32_t flags, double min, double max)
{
	struct fems_point_info i = { .size = sizeof i,
				     .flags = flags,
				     .device = "fan",
				     .quantity = quantity,
				     .write_min = min,
				     .write_max = max };

	if (!points_add(s->points, "modbus", &i, &s->e))
		fail_msg("%s", s->e.text);
}

static int setup(void **state)
{
	struct stand *s = calloc(1, sizeof *s);
	struct act_options o = { .write = write_point, .write_ctx = s };
	void *f;

	clock_set_manual(T0);
	fixture_setup(&f);
	s->f = f;
	s->site.control = CONTROL_ACT;
	s->points = points_new();
	add_point(s, "load.shed", FEMS_POINT_WRITABLE, 0, 1);
	add_point(s, "power.setpoint", FEMS_POINT_WRITABLE, -100e3, 100e3);
	add_point(s, "power.active", 0, 0, 0);
	o.site = &s->site;
	o.points = s->points;
	o.store = s->f->st;
	assert_int_equal(act_new(&o, &s->act, &s->e), FEMS_OK);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct stand *s = *state;
	void *f = s->f;

	act_free(s->act);
	points_free(s->points);
	fixture_teardown(&f);
	free(s);
	return 0;
}

static enum fems_rc command(struct stand *s, const char *point, double value)
{
	return act_command(s->act, "demand", point, value, "15-minute target", &s->e);
}

struct seen {
	int n;
	char action[64], object[64], detail[600], who[64];
};

static bool see(void *ctx, int64_t seq, int64_t t_us, const char *who, const char *action, const char *object,
		const char *detail)
{
	struct seen *x = ctx;

	(void)seq;
	assert_true(t_us >= T0);
	if (!x->n++) { /* newest first */
		snprintf(x->who, sizeof x->who, "%s", who);
		snprintf(x->action, sizeof x->action, "%s", action);
		snprintf(x->object, sizeof x->object, "%s", object);
		snprintf(x->detail, sizeof x->detail, "%s", detail);
	}
	return true;
}

/* Number of entries of the audit; the newest says this. */
static int audited(struct stand *s, const char *action, const char *object, const char *result)
{
	struct seen x = { 0 };
	json_t *detail;

	OK(s->f, store_audit_list(s->f->st, 1000, see, &x, &s->f->e));
	assert_string_equal(x.who, "demand");
	assert_string_equal(x.action, action);
	assert_string_equal(x.object, object);
	detail = json_loads(x.detail, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(detail, "reason")), "15-minute target");
	if (!strstr(json_string_value(json_object_get(detail, "result")), result))
		fail_msg("the audit says %s, not \"%s\"", x.detail, result);
	json_decref(detail);
	return x.n;
}

static void writes_what_is_allowed(void **state)
{
	struct stand *s = *state;

	assert_int_equal(command(s, "fan/load.shed", 1), FEMS_OK);
	assert_int_equal(s->writes, 1);
	assert_true(s->last == 1);
	assert_int_equal(audited(s, "command", "fan/load.shed", "ok"), 1);
	assert_int_equal(command(s, "fan/power.setpoint", -100e3),
			 FEMS_OK); /* a bound belongs to the range */
	assert_int_equal(audited(s, "command", "fan/power.setpoint", "ok"), 2);
}

static void nothing_leaves_unless_switched_on(void **state)
{
	struct stand *s = *state;

	s->site.control = CONTROL_OFF;
	assert_int_equal(command(s, "fan/load.shed", 1), FEMS_EAUTH);
	assert_non_null(strstr(s->e.text, "\"off\""));
	assert_non_null(strstr(s->e.text, "site.control"));
	assert_int_equal(audited(s, "command-failed", "fan/load.shed", "control is \"off\""), 1);
	s->site.control = CONTROL_ADVISE;
	assert_int_equal(command(s, "fan/load.shed", 1), FEMS_EAUTH);
	assert_int_equal(audited(s, "command-failed", "fan/load.shed", "control is \"advise\""), 2);
	assert_int_equal(s->writes, 0);
	/* what was refused has not taken the point's turn */
	s->site.control = CONTROL_ACT;
	assert_int_equal(command(s, "fan/load.shed", 0), FEMS_OK);
}

static void a_reload_changes_the_mode(void **state)
{
	struct stand *s = *state;
	struct site other = { .control = CONTROL_OFF };

	act_set_site(s->act, &other);
	assert_int_equal(command(s, "fan/load.shed", 1), FEMS_EAUTH);
	act_set_site(s->act, &s->site);
	assert_int_equal(command(s, "fan/load.shed", 1), FEMS_OK);
}

static void refuses_what_the_profile_does_not_allow(void **state)
{
	struct stand *s = *state;

	assert_int_equal(command(s, "fan/power.active", 1), FEMS_EAUTH);
	assert_int_equal(audited(s, "command-failed", "fan/power.active", "not writable"), 1);
	assert_int_equal(command(s, "fan/load.shed", 1.5), FEMS_EINVAL);
	assert_int_equal(audited(s, "command-failed", "fan/load.shed", "0 to 1"), 2);
	assert_int_equal(command(s, "fan/power.setpoint", -100001), FEMS_EINVAL);
	assert_int_equal(command(s, "fan/power.setpoint", NAN), FEMS_EINVAL);
	assert_int_equal(audited(s, "command-failed", "fan/power.setpoint", "outside"), 4);
	assert_int_equal(command(s, "fan/power.setpoint", INFINITY), FEMS_EINVAL);
	assert_int_equal(audited(s, "command-failed", "fan/power.setpoint", "outside"), 5);
	assert_int_equal(command(s, "van/load.shed", 1), FEMS_ENOENT);
	assert_int_equal(audited(s, "command-failed", "van/load.shed", "no such point"), 6);
	assert_int_equal(s->writes, 0);
}

static void one_write_in_five_seconds(void **state)
{
	struct stand *s = *state;

	assert_int_equal(command(s, "fan/load.shed", 1), FEMS_OK);
	clock_advance(5 * US_PER_S - 1);
	assert_int_equal(command(s, "fan/load.shed", 0), FEMS_AGAIN);
	assert_non_null(strstr(s->e.text, "4999 ms"));
	assert_int_equal(audited(s, "command-failed", "fan/load.shed", "least distance"), 2);
	assert_int_equal(command(s, "fan/power.setpoint", 5), FEMS_OK); /* another point has its own turn */
	clock_advance(1);
	assert_int_equal(command(s, "fan/load.shed", 0), FEMS_OK);
	assert_int_equal(s->writes, 3);
}

static void a_repeat_is_always_allowed(void **state)
{
	struct stand *s = *state;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(command(s, "fan/power.setpoint", 20e3), FEMS_OK);
		clock_advance(US_PER_S);
	}
	assert_int_equal(s->writes, 3);
	assert_int_equal(command(s, "fan/power.setpoint", 21e3), FEMS_AGAIN);
	assert_int_equal(command(s, "fan/power.setpoint", 20e3),
			 FEMS_OK); /* what was refused was not written */
	assert_int_equal(audited(s, "command", "fan/power.setpoint", "ok"), 5);
}

static void a_clock_that_was_set_back_locks_nothing(void **state)
{
	struct stand *s = *state;

	assert_int_equal(command(s, "fan/load.shed", 1), FEMS_OK);
	clock_set_manual(T0 + US_PER_H);
	assert_int_equal(command(s, "fan/load.shed", 0), FEMS_OK);
	clock_set_manual(T0 + US_PER_MIN);
	assert_int_equal(command(s, "fan/load.shed", 1), FEMS_OK);
}

static void a_failed_write_is_told(void **state)
{
	struct stand *s = *state;

	s->answer = FEMS_EIO;
	assert_int_equal(command(s, "fan/load.shed", 1), FEMS_EIO);
	assert_non_null(strstr(s->e.text, "reads back"));
	/* that it was tried, and that it failed */
	assert_int_equal(audited(s, "command-failed", "fan/load.shed", "reads back"), 2);
	s->answer = FEMS_OK;
	assert_int_equal(command(s, "fan/load.shed", 1), FEMS_OK); /* again at once, the same value */
	assert_int_equal(act_command(s->act, "demand", "fan/load.shed", 1, NULL, NULL), FEMS_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(writes_what_is_allowed, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_leaves_unless_switched_on, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reload_changes_the_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_what_the_profile_does_not_allow, setup, teardown),
		cmocka_unit_test_setup_teardown(one_write_in_five_seconds, setup, teardown),
		cmocka_unit_test_setup_teardown(a_repeat_is_always_allowed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_clock_that_was_set_back_locks_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failed_write_is_told, setup, teardown),
	};

	return cmocka_run_group_tests_name("act", tests, NULL, NULL);
}
