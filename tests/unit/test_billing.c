/* SPDX-License-Identifier: Apache-2.0
 *
 * The site's bill from a real store: the same as the same intervals billed directly; peaks of past
 * months; the services; a tariff that is replaced under running calls.
 */
#include "config.h"

#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/money.h"
#include "core/base/zone.h"
#include "core/tariff/billing.h"

static char dir[] = "/tmp/fems-test-XXXXXX";
static struct store *store;
static struct tariff *tariff;
static int64_t now;

#define MAIN "main/energy.active.import"

static int64_t at(int y, int mo, int d, int h, int mi)
{
	return zone_utc(tariff_zone(tariff), y, mo, d, h, mi, 0);
}

/* The load of the test: 20 kWh an interval in working hours, and one peak a month. */
static int64_t load_wh(int64_t t_us)
{
	struct civil c;

	zone_civil(tariff_zone(tariff), t_us, &c);
	if (c.day == 10 && c.hour == 10 && c.minute == 15)
		return 100000 + c.month * 1000; /* 404 kW in January ... 448 kW in December */
	return c.hour >= 8 && c.hour < 19 ? 20000 + c.minute * 10 : 5000;
}

static void import(const char *series, int64_t from, int64_t to, bool zero)
{
	size_t n = (size_t)((to - from) / US_PER_SLOT);
	struct store_import_slot *slots = calloc(n, sizeof *slots);
	struct store_series s = { .name = series, .counter = true, .resolution = 1 };
	struct fems_error e = { "", NULL };
	uint32_t id;

	assert_non_null(slots);
	for (size_t i = 0; i < n; i++) {
		slots[i].start_us = from + (int64_t)i * US_PER_SLOT;
		slots[i].wh = zero ? 0 : load_wh(slots[i].start_us);
	}
	assert_int_equal(store_series(store, &s, &id, &e), FEMS_OK);
	if (store_import(store, id, slots, n, "test", "test", &e) != FEMS_OK)
		fail_msg("%s", e.text);
	free(slots);
}

static struct site site_of(int64_t contract_w)
{
	return (struct site){
		.name = "s", .currency = "KRW", .main_meter = "main", .contract_w = contract_w
	};
}

static struct billing *open_billing(struct services *services, int64_t contract_w)
{
	struct site site = site_of(contract_w);
	struct billing_options o = { .store = store, .services = services, .site = &site, .tariff = tariff };
	struct fems_error e = { "", NULL };
	struct billing *b;

	assert_int_equal(billing_open(&o, &b, &e), FEMS_OK);
	return b;
}

static void direct(const struct contract *c, int64_t from, int64_t to, int64_t until, struct bill *out)
{
	struct fems_error e = { "", NULL };
	struct bill_run *run;

	assert_int_equal(bill_begin(c, from, to, &run, &e), FEMS_OK);
	for (int64_t t = from; t < until; t += US_PER_SLOT) {
		struct load_slot s = {
			.start_us = t, .import_wh = load_wh(t), .varh_lag = -1, .varh_lead = -1
		};

		assert_int_equal(bill_add(run, &s, &e), FEMS_OK);
	}
	assert_int_equal(bill_finish(run, out, &e), FEMS_OK);
	bill_free(run);
}

static void test_same_as_direct(void **state)
{
	struct billing *b = open_billing(NULL, 800000);
	const struct billing_contract *c;
	struct fems_error e = { "", NULL };
	struct bill want, got;

	(void)state;
	assert_int_equal(billing_contract(b, at(2026, 3, 15, 0, 0), &c, &e), FEMS_OK);
	direct(&c->contract, at(2026, 3, 1, 0, 0), at(2026, 4, 1, 0, 0), at(2026, 4, 1, 0, 0), &want);
	assert_int_equal(billing_month(b, 2026, 3, now, &got, &e), FEMS_OK);
	assert_true(got.complete && got.peak_w == 412000 && got.billing_demand_w == 448000);
	assert_true(got.billing_year == 2025 && got.billing_month == 12);
	assert_memory_equal(&got, &want, sizeof got);
	billing_release(c);
	/* the running month, in the middle of an interval */
	assert_int_equal(billing_contract(b, now, &c, &e), FEMS_OK);
	direct(&c->contract, at(2026, 4, 1, 0, 0), at(2026, 5, 1, 0, 0), at(2026, 4, 20, 13, 0), &want);
	assert_int_equal(billing_month(b, 2026, 4, now, &got, &e), FEMS_OK);
	assert_false(got.complete);
	assert_int_equal(got.slots_missing, 0);
	assert_memory_equal(&got, &want, sizeof got);
	billing_release(c);
	billing_close(b);
}

static int64_t peak_of(const struct contract *c, int year, int month)
{
	for (size_t i = 0; i < c->n_peaks; i++)
		if (c->peaks[i].year == year && c->peaks[i].month == month)
			return c->peaks[i].w;
	return -1;
}

static void test_peaks(void **state)
{
	struct billing *b = open_billing(NULL, 800000);
	const struct billing_contract *c;
	struct fems_error e = { "", NULL };
	struct demand_cost cost;
	int64_t w, t;

	(void)state;
	assert_int_equal(billing_contract(b, now, &c, &e), FEMS_OK);
	assert_int_equal(c->contract.n_peaks, 5); /* the store begins in November */
	assert_int_equal(peak_of(&c->contract, 2025, 12), 448000);
	assert_int_equal(peak_of(&c->contract, 2026, 2), 408000);
	assert_int_equal(peak_of(&c->contract, 2026, 4), -1);
	billing_release(c);
	assert_int_equal(billing_peak_so_far(b, now, &w, &t, &e), FEMS_OK);
	assert_true(w == 416000 && t == at(2026, 4, 10, 10, 15));
	assert_int_equal(billing_demand_cost(b, now, &cost, &e), FEMS_OK);
	assert_true(cost.threshold_w == 448000 && cost.months == 1);
	/* what was billed before the meter was there, and a correction */
	assert_int_equal(
		store_state_set(store, "tariff.peaks", "{\"2025-07\": 600000, \"2025-12\": 500000}", &e),
		FEMS_OK);
	assert_int_equal(billing_contract(b, now, &c, &e), FEMS_OK);
	assert_int_equal(peak_of(&c->contract, 2025, 7), 600000);
	assert_int_equal(peak_of(&c->contract, 2025, 12), 500000);
	billing_release(c);
	assert_int_equal(billing_demand_cost(b, now, &cost, &e), FEMS_OK);
	assert_int_equal(cost.threshold_w, 600000);
	assert_int_equal(store_state_set(store, "tariff.peaks", "{\"July\": 600000}", &e), FEMS_OK);
	assert_int_equal(billing_demand_cost(b, now, &cost, &e), FEMS_EINVAL);
	assert_non_null(strstr(e.text, "tariff.peaks"));
	assert_int_equal(store_state_set(store, "tariff.peaks", "{}", &e), FEMS_OK);
	billing_close(b);
}

/* The load repeats every week, so the forecast is the bill that will come. */
static void test_forecast(void **state)
{
	struct billing *b = open_billing(NULL, 800000);
	const struct billing_contract *c;
	struct fems_error e = { "", NULL };
	struct bill will;
	int64_t total;

	(void)state;
	assert_int_equal(billing_forecast(b, now, &total, &e), FEMS_OK);
	assert_int_equal(billing_contract(b, now, &c, &e), FEMS_OK);
	direct(&c->contract, at(2026, 4, 1, 0, 0), at(2026, 5, 1, 0, 0), at(2026, 5, 1, 0, 0), &will);
	billing_release(c);
	/* The one peak on the 10th is in the mean of its interval. */
	assert_true(total >= will.total_micro && total < will.total_micro + will.total_micro / 50);
	/* nothing stored yet: nothing to go by */
	assert_int_equal(billing_forecast(b, at(2025, 6, 15, 0, 0), &total, &e), FEMS_OK);
	assert_int_equal(total, 0);
	billing_close(b);
}

/* ---- services ---- */

struct answer {
	json_t *json;
	enum fems_rc rc;
	struct fems_error e;
};

static void keep(void *ctx, struct fems_span body)
{
	struct answer *a = ctx;

	a->json = json_loadb(body.ptr, body.len, 0, NULL);
}

static struct answer call(struct services *s, const char *name, const char *request)
{
	struct answer a = { .json = NULL };

	a.rc = service_call(s, name, (struct fems_span){ request, strlen(request) }, keep, &a, &a.e);
	return a;
}

static int64_t integer(const json_t *o, const char *key)
{
	if (!json_is_integer(json_object_get(o, key)))
		fail_msg("%s is not an integer", key);
	return json_integer_value(json_object_get(o, key));
}

static const char *string(const json_t *o, const char *key)
{
	if (!json_is_string(json_object_get(o, key)))
		fail_msg("%s is not a string", key);
	return json_string_value(json_object_get(o, key));
}

static void plan_stub(void *ctx, int64_t from_us, int64_t *w, size_t n)
{
	(void)ctx;
	assert_int_equal(from_us, at(2026, 4, 20, 0, 0));
	assert_int_equal(n, 96);
	w[60] = 123000;
}

static void check_bill(struct services *s)
{
	struct answer a = call(s, "bill", "{\"month\": \"2026-03\"}");
	int64_t sum = 0;
	json_t *line;
	size_t i;

	assert_int_equal(a.rc, FEMS_OK);
	assert_string_equal(string(a.json, "month"), "2026-03");
	assert_string_equal(string(a.json, "from"), "2026-03-01T00:00:00+09:00");
	assert_string_equal(string(a.json, "billing_month"), "2025-12");
	assert_string_equal(string(a.json, "peak_at"), "2026-03-10T10:15:00+09:00");
	assert_true(json_is_true(json_object_get(a.json, "complete")));
	json_array_foreach(json_object_get(a.json, "lines"), i, line)
	{
		sum += integer(line, "amount_micro");
		assert_true(*string(json_object_get(line, "evidence"), "ko"));
	}
	assert_true(i > 6 && sum == integer(a.json, "total_micro"));
	json_decref(a.json);
	a = call(s, "bill", "{\"month\": \"2026-13\"}");
	assert_int_equal(a.rc, FEMS_EINVAL);
	a = call(s, "bill", "{\"month\": \"2018-05\"}");
	assert_int_equal(a.rc, FEMS_ENOENT);
	assert_non_null(strstr(a.e.text, "2018-05-01"));
	a = call(s, "bill", "");
	assert_int_equal(a.rc, FEMS_OK);
	assert_string_equal(string(a.json, "month"), "2026-04");
	json_decref(a.json);
}

static void check_day(struct services *s)
{
	struct answer a = call(s, "load.day", "{}");
	const json_t *wh, *plan, *band;

	assert_int_equal(a.rc, FEMS_OK);
	assert_string_equal(string(a.json, "date"), "2026-04-20");
	wh = json_object_get(a.json, "wh");
	plan = json_object_get(a.json, "plan_w");
	band = json_object_get(a.json, "band");
	assert_int_equal(json_array_size(wh), 96);
	assert_int_equal(json_array_size(band), 96);
	assert_int_equal(json_integer_value(json_array_get(wh, 40)), 20000);
	assert_true(json_is_null(json_array_get(wh, 60)));
	assert_int_equal(json_integer_value(json_array_get(plan, 60)), 123000);
	assert_true(json_is_null(json_array_get(plan, 61)));
	assert_string_equal(json_string_value(json_array_get(band, 60)), "peak"); /* 15:00 */
	assert_int_equal(integer(a.json, "threshold_w"), 448000);
	assert_int_equal(integer(a.json, "contract_w"), 800000);
	json_decref(a.json);
	a = call(s, "load.day", "{\"date\": \"20 April\"}");
	assert_int_equal(a.rc, FEMS_EINVAL);
}

static void check_cost(struct services *s)
{
	struct answer a = call(s, "cost.today", "{}");
	int64_t wh = 0, micro = 0;
	struct fems_error e;

	assert_int_equal(a.rc, FEMS_OK);
	for (int64_t t = at(2026, 4, 20, 0, 0); t < at(2026, 4, 20, 13, 0); t += US_PER_SLOT) {
		struct tariff_price p;

		assert_int_equal(tariff_price(tariff, t, &p, &e), FEMS_OK);
		wh += load_wh(t);
		micro += money_energy(load_wh(t), p.energy_micro);
	}
	assert_int_equal(integer(a.json, "energy_wh"), wh);
	assert_int_equal(integer(a.json, "energy_micro"), micro);
	assert_int_equal(integer(json_object_get(a.json, "month"), "peak_w"), 416000);
	assert_true(integer(json_object_get(a.json, "month"), "forecast_micro") >
		    integer(json_object_get(a.json, "month"), "total_micro"));
	json_decref(a.json);
}

static void test_services(void **state)
{
	struct services *s = services_new(NULL);
	struct billing *b = open_billing(s, 800000);
	struct site site = site_of(500000), dollars = site_of(500000);
	struct answer a;

	(void)state;
	billing_plan(b, plan_stub, NULL);
	check_bill(s);
	check_day(s);
	check_cost(s);
	a = call(s, "tariff.demand", "{}");
	assert_int_equal(a.rc, FEMS_OK);
	assert_true(json_is_true(json_object_get(a.json, "counts")));
	assert_string_equal(string(a.json, "band"), "mid");
	assert_int_equal(integer(a.json, "peak_so_far_w"), 416000);
	assert_int_equal(integer(a.json, "billing_demand_w"), 448000);
	assert_int_equal(integer(a.json, "month_micro_per_kw"), 8320 * 1127000LL);
	json_decref(a.json);
	billing_set(b, &site, tariff);
	a = call(s, "load.day", "{}");
	assert_int_equal(integer(a.json, "contract_w"), 500000);
	json_decref(a.json);
	dollars.currency = "USD";
	billing_set(b, &dollars, tariff);
	a = call(s, "cost.today", "{}");
	assert_int_equal(a.rc, FEMS_EINVAL);
	assert_non_null(strstr(a.e.text, "KRW"));
	billing_set(b, &site, NULL);
	a = call(s, "tariff.demand", "{}");
	assert_int_equal(a.rc, FEMS_ENOENT);
	assert_non_null(strstr(a.e.text, "no tariff"));
	billing_close(b);
	services_free(s);
}

struct caller {
	struct services *services;
	atomic_bool stop;
	atomic_int answers;
};

static void *keep_calling(void *ctx)
{
	static const char *const names[] = { "cost.today", "tariff.demand", "load.day", "bill" };
	struct caller *c = ctx;

	for (int i = 0; !atomic_load(&c->stop); i++) {
		struct answer a = call(c->services, names[i % 4], "{}");

		if (a.rc == FEMS_OK)
			atomic_fetch_add(&c->answers, 1);
		json_decref(a.json);
	}
	return NULL;
}

/* Each tariff is freed as soon as it is replaced: a call that still used it would be seen. */
static void test_replaced_while_called(void **state)
{
	struct caller c = { .services = services_new(NULL) };
	struct billing *b = open_billing(c.services, 800000);
	struct tariff *old = NULL;
	pthread_t threads[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, keep_calling, &c), 0);
	for (int i = 0; i < 12; i++) {
		struct faults *f = faults_new();
		char path[512];
		struct tariff *t;
		struct site site = site_of(700000 + i);

		snprintf(path, sizeof path, "%s/etc/tariffs/kr-kepco-industrial-b-hva-2.yaml",
			 getenv("top_srcdir") ? getenv("top_srcdir") : ".");
		t = tariff_load(path, f);
		faults_free(f);
		assert_non_null(t);
		billing_set(b, &site, t);
		tariff_free(old);
		old = t;
	}
	atomic_store(&c.stop, true);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_true(atomic_load(&c.answers) > 0);
	billing_close(b);
	tariff_free(old);
	services_free(c.services);
}

static int set_up(void **state)
{
	struct store_options o = { .dir = dir };
	struct faults *f = faults_new();
	struct fems_error e = { "", NULL };
	char path[512];

	(void)state;
	snprintf(path, sizeof path, "%s/etc/tariffs/kr-kepco-industrial-b-hva-2.yaml",
		 getenv("top_srcdir") ? getenv("top_srcdir") : ".");
	tariff = tariff_load(path, f);
	faults_free(f);
	if (!tariff || !mkdtemp(dir) || store_open(&o, &store, &e) != FEMS_OK)
		return -1;
	now = at(2026, 4, 20, 13, 7);
	clock_set_manual(now);
	import(MAIN, at(2025, 11, 1, 0, 0), at(2026, 4, 20, 13, 0), false);
	return 0;
}

static int tear_down(void **state)
{
	struct fems_error e;
	struct dirent *entry;
	DIR *d = opendir(dir);

	(void)state;
	if (store_close(store, 5000000, &e) != FEMS_OK || !d)
		return -1;
	while ((entry = readdir(d)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
	tariff_free(tariff);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_direct),
		cmocka_unit_test(test_peaks),
		cmocka_unit_test(test_forecast),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_replaced_while_called),
	};

	return cmocka_run_group_tests_name("billing", tests, set_up, tear_down);
}
