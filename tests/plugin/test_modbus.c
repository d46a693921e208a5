/* SPDX-License-Identifier: Apache-2.0
 *
 * The real plugin against a server on libmodbus, a serial slave on a pseudo terminal and pymodbus:
 * values, quality, health, neighbours, writes, late replies, stop.
 */
#include "config.h"
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/plugin/modbus_host.h"
#include "tests/plugin/modbus_peer.h"

static struct modbus_device_cfg tcp_device(const char *name, const char *profile, int port, int unit,
					   char *url, size_t cap)
{
	struct modbus_device_cfg d = { .name = name, .profile = profile, .url = url };

	snprintf(url, cap, "tcp://127.0.0.1:%d/%d", port, unit);
	return d;
}

static void assert_near(double got, double want)
{
	if (!(fabs(got - want) <= 1e-6 * fabs(want) + 1e-9))
		fail_msg("%.10g, expected %.10g", got, want);
}

static uint32_t class_of(const struct fems_sample *s)
{
	return s->quality & FEMS_Q_CLASS;
}

/* Every usable value of a point is the one expected; returns how many there are. */
static size_t all_are(struct bench *b, const char *point, double want)
{
	static struct fems_sample s[5000];
	size_t n = bench_samples(b, point, s, 5000), good = 0;

	for (size_t i = 0; i < n && i < 5000; i++) {
		if (class_of(&s[i]) > FEMS_Q_UNCERTAIN)
			continue;
		assert_near(s[i].value, want);
		good++;
	}
	return good;
}

static void sdm630_image(struct peer *p)
{
	peer_f32(p, 0, 219.5f);
	peer_f32(p, 6, 61.25f);
	peer_f32(p, 52, 40312.5f);
	peer_f32(p, 62, 0.96875f);
	peer_f32(p, 70, 59.96875f);
	peer_f32(p, 72, 123456.5f);
	peer_f32(p, 74, 12.5f);
}

static void values_of_a_meter(void **state)
{
	struct peer *p = peer_tcp(0);
	char url[2][64];
	struct modbus_device_cfg d[] = { tcp_device("press", "eastron-sdm630", p->port, 1, url[0], 64),
					 tcp_device("turned", "eastron-sdm630", p->port, 2, url[1], 64) };
	struct fems_sample s[3], now;
	struct bench *b;

	(void)state;
	d[1].invert = 1;
	sdm630_image(p);
	b = bench_start(NULL, d, 2);
	assert_true(bench_wait_samples(b, "press/power.active", 3));
	assert_true(bench_wait_samples(b, "turned/power.active", 1));
	assert_int_equal(bench_samples(b, "press/power.active", s, 3) >= 3, 1);
	assert_near(s[0].value, 40312.5);
	assert_int_equal(s[0].quality, FEMS_Q_GOOD);
	assert_true(s[0].t_us < s[1].t_us && s[1].t_us < s[2].t_us);
	assert_true(s[1].t_unc_us < 500000);
	bench_last(b, "press/energy.active.import", &now);
	assert_near(now.value, 123456500);
	bench_last(b, "press/power.factor", &now);
	assert_near(now.value, 0.96875);
	bench_last(b, "turned/power.active", &now);
	assert_near(now.value, -40312.5);
	bench_last(b, "turned/energy.active.export", &now);
	assert_near(now.value, 123456500);
	bench_last(b, "turned/energy.active.import", &now);
	assert_near(now.value, 12500);
	assert_int_equal(bench_state(b, "press", NULL, 0), FEMS_DEV_ONLINE);
	bench_end(b);
	peer_free(p);
}

static void polls_keep_to_multiples(void **state)
{
	struct peer *p = peer_tcp(0);
	char url[64];
	struct modbus_device_cfg d = tcp_device("press", "eastron-sdm630", p->port, 1, url, 64);
	struct fems_sample s[8];
	struct bench *b;

	(void)state;
	d.interval = 200000;
	b = bench_start(NULL, &d, 1);
	assert_true(bench_wait_samples(b, "press/frequency", 8));
	bench_samples(b, "press/frequency", s, 8);
	for (size_t i = 1; i < 8; i++) { /* the first is read at once */
		int64_t off = s[i].t_us % 200000;

		assert_true(off < 150000); /* on a machine that is not asleep */
		assert_true(s[i].t_us / 200000 > s[i - 1].t_us / 200000 || i == 1);
	}
	bench_end(b);
	peer_free(p);
}

static void a_dead_meter_is_alone(void **state)
{
	struct peer *dead = peer_tcp(0), *alive = peer_tcp(0);
	char url[2][64], why[300];
	struct modbus_device_cfg d[] = { tcp_device("dead", "eastron-sdm630", dead->port, 1, url[0], 64),
					 tcp_device("alive", "schneider-iem3255", alive->port, 1, url[1],
						    64) };
	struct bench *b;
	struct fems_sample s;
	int port = dead->port;
	size_t before, lost, n;
	static struct fems_sample all[5000];

	(void)state;
	sdm630_image(dead);
	b = bench_start(NULL, d, 2);
	assert_true(bench_wait_state(b, "dead", FEMS_DEV_ONLINE));
	assert_true(bench_wait_state(b, "alive", FEMS_DEV_ONLINE));
	peer_free(dead);
	assert_true(bench_wait_state(b, "dead", FEMS_DEV_OFFLINE));
	bench_state(b, "dead", why, sizeof why);
	assert_non_null(strstr(why, "refuses the connection"));
	assert_true(bench_last(b, "dead/power.active", &s));
	assert_int_equal(class_of(&s), FEMS_Q_COMM_ERROR);
	before = bench_samples(b, "alive/frequency", NULL, 0);
	bench_rest_ms(1000);
	assert_true(bench_samples(b, "alive/frequency", NULL, 0) >= before + 7);
	assert_int_equal(bench_state(b, "alive", NULL, 0), FEMS_DEV_ONLINE);
	n = bench_samples(b, "dead/power.active", all, 5000);
	lost = 0;
	for (size_t i = 0; i < n; i++)
		lost += class_of(&all[i]) == FEMS_Q_COMM_ERROR;
	assert_int_equal(lost, 1); /* once, not per poll */
	dead = peer_tcp(port);
	sdm630_image(dead);
	assert_true(bench_wait_state(b, "dead", FEMS_DEV_ONLINE));
	assert_true(bench_last(b, "dead/power.active", &s));
	assert_int_equal(class_of(&s), FEMS_Q_GOOD);
	bench_end(b);
	peer_free(dead);
	peer_free(alive);
}

static void a_silent_unit_behind_a_gateway(void **state)
{
	struct peer *p = peer_tcp(0);
	char url[2][64], why[300];
	struct modbus_device_cfg d[] = { tcp_device("silent", "eastron-sdm630", p->port, 7, url[0], 64),
					 tcp_device("other", "eastron-sdm630", p->port, 8, url[1], 64) };
	struct bench *b;
	size_t before;

	(void)state;
	sdm630_image(p);
	d[0].timeout = d[1].timeout = 100000;
	atomic_store(&p->silent_unit, 7);
	b = bench_start(NULL, d, 2);
	assert_true(bench_wait_state(b, "silent", FEMS_DEV_OFFLINE));
	bench_state(b, "silent", why, sizeof why);
	assert_non_null(strstr(why, "unit 7"));
	assert_non_null(strstr(why, "is the meter powered"));
	before = bench_samples(b, "other/frequency", NULL, 0);
	bench_rest_ms(2000);
	assert_true(bench_samples(b, "other/frequency", NULL, 0) >= before + 14);
	assert_int_equal(bench_state(b, "other", NULL, 0), FEMS_DEV_ONLINE);
	atomic_store(&p->silent_unit, -1);
	assert_true(bench_wait_state(b, "silent", FEMS_DEV_ONLINE));
	bench_end(b);
	peer_free(p);
}

static void late_replies_are_never_taken(void **state)
{
	struct peer *p = peer_tcp(0);
	char url[64];
	struct modbus_device_cfg d = tcp_device("press", "eastron-sdm630", p->port, 1, url, 64);
	struct bench *b;
	size_t before;

	(void)state;
	sdm630_image(p);
	d.timeout = 100000;
	b = bench_start(NULL, &d, 1);
	for (int i = 0; i < 4; i++) {
		assert_true(bench_wait_state(b, "press", FEMS_DEV_ONLINE));
		before = bench_samples(b, "press/power.active", NULL, 0);
		atomic_store(&p->late_ms, 150 + 60 * i);
		bench_rest_ms(700);
		assert_true(bench_wait_samples(b, "press/power.active", before + 2));
	}
	assert_true(all_are(b, "press/power.active", 40312.5) > 4);
	assert_true(all_are(b, "press/voltage.l1", 219.5) > 4);
	assert_true(all_are(b, "press/energy.active.import", 123456500) > 4);
	bench_end(b);
	peer_free(p);
}

/* ---- own profiles ---- */

static char profile_dir[] = "/tmp/fems-modbus-XXXXXX";

static void put_profile(const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s.yaml", profile_dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "id: %s\nmaker: test\nmodel: test\nsource: test\n%s", name, text);
	fclose(f);
}

/* Two requests with replies of the same length: the case in which a late reply is mistaken. */
static const char two_reads[] = "gap: 0\nregisters:\n"
				"  - {q: power.active, at: 10, type: u16, unit: W}\n"
				"  - {q: power.reactive, at: 20, type: u16, unit: var}\n"
				"  - {q: power.apparent, at: 30, type: u16, unit: VA}\n"
				"  - {q: load.shed, at: 40, type: u16, writable: {min: 0, max: 1}}\n";

static void two_reads_image(struct peer *p)
{
	peer_u16(p, 10, 1111);
	peer_u16(p, 20, 2222);
	peer_u16(p, 30, 3333);
}

static void check_two_reads(struct bench *b)
{
	assert_true(all_are(b, "m/power.active", 1111) > 3);
	assert_true(all_are(b, "m/power.reactive", 2222) > 3);
	assert_true(all_are(b, "m/power.apparent", 3333) > 3);
}

static void late_replies_of_the_same_length(void **state)
{
	struct peer *p = peer_tcp(0);
	char url[64];
	struct modbus_device_cfg d = tcp_device("m", "two-reads", p->port, 1, url, 64);
	struct bench *b;

	(void)state;
	two_reads_image(p);
	d.timeout = 100000;
	b = bench_start(profile_dir, &d, 1);
	for (int i = 0; i < 6; i++) {
		assert_true(bench_wait_state(b, "m", FEMS_DEV_ONLINE));
		atomic_store(&p->late_ms, 120 + 40 * i);
		bench_rest_ms(450);
	}
	check_two_reads(b);
	bench_end(b);
	peer_free(p);
}

static void serial_line_and_a_busy_slave(void **state)
{
	struct peer *p = peer_serial();
	char url[200];
	struct modbus_device_cfg d = { .name = "m", .profile = "two-reads", .url = url, .timeout = 100000 };
	struct bench *b;
	struct fems_error e;

	(void)state;
	snprintf(url, sizeof url, "rtu://%s?baud=115200&parity=N&unit=5", p->path);
	two_reads_image(p);
	b = bench_start(profile_dir, &d, 1);
	assert_true(bench_wait_samples(b, "m/power.active", 3));
	atomic_store(&p->each_ms, 20);
	/* Busy for shorter and longer than the timeout, and longer than the silence after it: its answers
	 * then come in a row, one too late for each request. */
	for (int i = 0; i < 4; i++) {
		atomic_store(&p->late_ms, 60 + 70 * i);
		bench_rest_ms(300);
		assert_true(bench_wait_state(b, "m", FEMS_DEV_ONLINE));
	}
	/* Awake while the second request of the same length waits, after 100 ms of timeout, 200 ms of
	 * silence and up to 100 ms to the next poll: the first one's answer comes in its place. */
	for (int late = 340; late <= 390; late += 25) {
		size_t before = bench_samples(b, "m/power.apparent", NULL, 0);

		assert_true(bench_wait_samples(b, "m/power.apparent", before + 3));
		atomic_store(&p->late_ms, late);
		bench_rest_ms(700);
	}
	assert_true(
		bench_wait_samples(b, "m/power.apparent", bench_samples(b, "m/power.apparent", NULL, 0) + 3));
	check_two_reads(b);
	assert_int_equal(bench_write(b, "m/load.shed", 1, 2000000, &e), FEMS_OK);
	assert_int_equal(peer_get(p, 40), 1);
	bench_end(b);
	peer_free(p);
}

static void serial_device_that_is_not_there(void **state)
{
	struct modbus_device_cfg d = { .name = "m",
				       .profile = "two-reads",
				       .url = "rtu:///dev/no-such-tty?unit=5" };
	struct bench *b;
	char why[300];

	(void)state;
	b = bench_start(profile_dir, &d, 1);
	assert_true(bench_wait_state(b, "m", FEMS_DEV_OFFLINE));
	bench_state(b, "m", why, sizeof why);
	assert_non_null(strstr(why, "/dev/no-such-tty cannot be opened"));
	bench_end(b);
}

static void writes_are_read_back(void **state)
{
	struct peer *p = peer_tcp(0);
	char url[64];
	struct modbus_device_cfg d = tcp_device("battery", "fems-battery", p->port, 1, url, 64);
	struct bench *b;
	struct fems_error e;
	struct fems_sample s;

	(void)state;
	b = bench_start(NULL, &d, 1);
	assert_true(bench_wait_state(b, "battery", FEMS_DEV_ONLINE));
	assert_int_equal(bench_write(b, "battery/power.setpoint", -70000, 2000000, &e), FEMS_OK);
	assert_int_equal(peer_get(p, 100), 0xfffe);
	assert_int_equal(peer_get(p, 101), 0xee90);
	assert_true(bench_last(b, "battery/power.setpoint", &s));
	assert_near(s.value, -70000);
	assert_int_equal(bench_write(b, "battery/power.setpoint", 100001, 2000000, &e), FEMS_EINVAL);
	assert_non_null(strstr(e.text, "-100000 to 100000"));
	assert_int_equal(bench_write(b, "battery/power.setpoint", NAN, 2000000, &e), FEMS_EINVAL);
	assert_int_equal(bench_write(b, "battery/power.active", 1, 2000000, &e), FEMS_EINVAL);
	assert_non_null(strstr(e.text, "not writable"));
	assert_int_equal(bench_write(b, "no/point", 1, 2000000, &e), FEMS_ENOENT);
	assert_int_equal(atomic_load(&p->writes), 1);
	atomic_store(&p->deaf_to_writes, true);
	assert_int_equal(bench_write(b, "battery/power.setpoint", 50000, 2000000, &e), FEMS_EIO);
	assert_non_null(strstr(e.text, "reads back"));
	atomic_store(&p->mute, true);
	assert_int_equal(bench_write(b, "battery/power.setpoint", 50000, 1500000, &e), FEMS_ETIME);
	bench_end(b);
	peer_free(p);
}

static void refused_registers(void **state)
{
	struct peer *p = peer_tcp(0);
	char url[64], why[300];
	struct modbus_device_cfg d = tcp_device("press", "eastron-sdm630", p->port, 1, url, 64);
	struct bench *b;
	struct fems_sample s;

	(void)state;
	sdm630_image(p);
	atomic_store(&p->forbidden, 62); /* power.factor, in the middle of a merged request */
	b = bench_start(NULL, &d, 1);
	assert_true(bench_wait_state(b, "press", FEMS_DEV_DEGRADED));
	bench_state(b, "press", why, sizeof why);
	assert_non_null(strstr(why, "power.factor (exception 2, illegal data address)"));
	assert_null(strstr(why, "and more"));
	assert_true(bench_wait_samples(b, "press/power.active", 3));
	assert_true(all_are(b, "press/power.active", 40312.5) >= 3);
	assert_int_equal(bench_samples(b, "press/power.factor", NULL, 0), 1);
	bench_last(b, "press/power.factor", &s);
	assert_int_equal(class_of(&s), FEMS_Q_DEVICE_ERROR);
	bench_end(b);
	atomic_store(&p->forbidden, 45); /* in a hole: no value is missing */
	b = bench_start(NULL, &d, 1);
	assert_true(bench_wait_state(b, "press", FEMS_DEV_ONLINE));
	assert_true(bench_wait_samples(b, "press/power.factor", 2));
	bench_end(b);
	peer_free(p);
}

static void not_available_and_unverified(void **state)
{
	struct peer *p = peer_tcp(0);
	char url[2][64];
	struct modbus_device_cfg d[] = { tcp_device("abb", "abb-b23", p->port, 1, url[0], 64),
					 tcp_device("pac", "siemens-pac3200", p->port, 2, url[1], 64) };
	struct bench *b;
	struct fems_sample s;

	(void)state;
	peer_u32(p, 23316, 0x7fffffff);
	peer_u64(p, 20480, 123456);
	b = bench_start(NULL, d, 2);
	assert_true(bench_wait_samples(b, "abb/energy.active.import", 3));
	assert_true(bench_wait_samples(b, "pac/power.active", 1));
	assert_int_equal(bench_samples(b, "abb/power.active", NULL, 0), 1);
	bench_last(b, "abb/power.active", &s);
	assert_int_equal(class_of(&s), FEMS_Q_NOT_AVAILABLE);
	bench_last(b, "abb/energy.active.import", &s);
	assert_near(s.value, 1234560);
	assert_int_equal(s.quality, FEMS_Q_GOOD);
	bench_last(b, "pac/power.active", &s);
	assert_int_equal(s.quality, FEMS_Q_GOOD | FEMS_Q_UNVERIFIED);
	bench_end(b);
	peer_free(p);
}

static void another_meter_at_the_address(void **state)
{
	struct peer *p = peer_tcp(0);
	char url[64], why[300];
	struct modbus_device_cfg d = tcp_device("pv", "sunspec-inverter-103", p->port, 1, url, 64);
	struct bench *b;
	struct fems_sample s;

	(void)state;
	peer_u16(p, 40070, 101);
	peer_u16(p, 40084, 8430);
	peer_u16(p, 40085, 1);
	b = bench_start(NULL, &d, 1);
	assert_true(bench_wait_state(b, "pv", FEMS_DEV_OFFLINE));
	bench_state(b, "pv", why, sizeof why);
	assert_non_null(strstr(why, "is it another meter?"));
	bench_last(b, "pv/power.active", &s);
	assert_int_equal(class_of(&s), FEMS_Q_COMM_ERROR);
	peer_u16(p, 40070, 103);
	assert_true(bench_wait_state(b, "pv", FEMS_DEV_ONLINE));
	bench_last(b, "pv/power.active", &s);
	assert_near(s.value, -84300); /* generation is export */
	bench_end(b);
	peer_free(p);
}

static void stop_with_a_mute_peer(void **state)
{
	struct peer *p = peer_tcp(0), *serial = peer_serial();
	char url[2][200];
	struct modbus_device_cfg d[] = { tcp_device("m", "two-reads", p->port, 1, url[0], 64),
					 { .name = "s", .profile = "two-reads", .url = url[1] } };
	struct bench *b;

	(void)state;
	snprintf(url[1], sizeof url[1], "rtu://%s?baud=9600&parity=N&unit=5", serial->path);
	d[0].timeout = d[1].timeout = 10000000;
	atomic_store(&p->mute, true);
	atomic_store(&serial->mute, true);
	b = bench_start(profile_dir, d, 2);
	for (int i = 0; i < 500 && !(atomic_load(&p->requests) && atomic_load(&serial->requests)); i++)
		bench_rest_ms(10);
	assert_true(atomic_load(&p->requests) && atomic_load(&serial->requests));
	assert_true(bench_end(b) < 1000000);
	peer_free(p);
	peer_free(serial);
}

static void stop_before_anything_answers(void **state)
{
	struct modbus_device_cfg d[] = {
		{ .name = "m", .profile = "two-reads", .url = "tcp://meter.invalid/1" },
		{ .name = "n", .profile = "two-reads", .url = "tcp://192.0.2.1/1", .timeout = 10000000 },
	};
	struct bench *b;

	(void)state;
	b = bench_start(profile_dir, d, 2);
	bench_rest_ms(100);
	assert_true(bench_end(b) < 1000000);
}

/* ---- settings ---- */

static void bad_settings(void **state)
{
	static const struct {
		const char *profile, *url, *key, *text;
	} cases[] = {
		{ "eastron-sdm63", "tcp://10.0.0.1/1", "profile", "did you mean \"eastron-sdm630\"?" },
		{ "../etc/passwd", "tcp://10.0.0.1/1", "profile", "not the name of a profile" },
		{ "eastron-sdm630", "10.0.0.1", "url", "not a Modbus address" },
		{ "eastron-sdm630", "tcp://:502/1", "url", "host is missing" },
		{ "eastron-sdm630", "tcp://10.0.0.1:70000/1", "url", "port" },
		{ "eastron-sdm630", "tcp://10.0.0.1/248", "url", "unit" },
		{ "eastron-sdm630", "tcp://10.0.0.1/1x", "url", "unit" },
		{ "eastron-sdm630", "rtu://dev/ttyUSB0", "url", "path" },
		{ "eastron-sdm630", "rtu:///dev/ttyUSB0?baud=9601", "url", "baud" },
		{ "eastron-sdm630", "rtu:///dev/ttyUSB0?unit=0", "url", "unit" },
	};
	struct modbus_device_cfg two[] = {
		{ .name = "a", .profile = "eastron-sdm630", .url = "rtu:///dev/ttyUSB0?baud=9600&unit=1" },
		{ .name = "b", .profile = "eastron-sdm630", .url = "rtu:///dev/ttyUSB0?baud=19200&unit=2" },
	};
	struct fems_error e;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct modbus_device_cfg d = { .name = "m",
					       .profile = cases[i].profile,
					       .url = cases[i].url };

		assert_int_equal(bench_check(NULL, &d, 1, &e), FEMS_EINVAL);
		if (!e.key || strcmp(e.key, cases[i].key) || !strstr(e.text, cases[i].text))
			fail_msg("%s %s: %s: %s", cases[i].profile, cases[i].url, e.key, e.text);
	}
	assert_int_equal(bench_check(NULL, two, 2, &e), FEMS_EINVAL);
	assert_non_null(strstr(e.text, "a line has one setting"));
	two[1].url = "rtu:///dev/ttyUSB0?baud=9600&unit=2";
	assert_int_equal(bench_check(NULL, two, 2, &e), FEMS_OK);
	two[1].url = "tcp://[::1]:1502/255";
	assert_int_equal(bench_check(NULL, two, 2, &e), FEMS_OK);
}

static void too_many_links(void **state)
{
	struct modbus_device_cfg *d = calloc(LINKS_MAX + 1, sizeof *d);
	char(*url)[40] = calloc(LINKS_MAX + 1, sizeof *url);
	struct fems_error e;

	(void)state;
	for (int i = 0; i <= LINKS_MAX; i++) {
		snprintf(url[i], sizeof url[i], "tcp://10.0.%d.%d/1", i / 250, i % 250 + 1);
		d[i] = (struct modbus_device_cfg){ .name = "m", .profile = "eastron-sdm630", .url = url[i] };
	}
	if (bench_check(NULL, d, LINKS_MAX, &e))
		fail_msg("%s", e.text);
	assert_int_equal(bench_check(NULL, d, LINKS_MAX + 1, &e), FEMS_EINVAL);
	assert_non_null(strstr(e.text, "more than 900 Modbus connections"));
	free(d);
	free(url);
}

static void a_bad_profile_says_where(void **state)
{
	struct modbus_device_cfg d = { .name = "m", .profile = "broken", .url = "tcp://10.0.0.1/1" };
	struct fems_error e;

	(void)state;
	put_profile("broken", "registers:\n  - {q: power.active, at: 1, type: f33}\n");
	assert_int_equal(bench_check(profile_dir, &d, 1, &e), FEMS_EINVAL);
	assert_non_null(strstr(e.text, "broken.yaml:6:"));
	assert_non_null(strstr(e.text, "f33"));
}

/* ---- an independent server ---- */

/* The pipe stays open until the end: the script writes its port in one or two parts. */
static pid_t start_pymodbus(int *port, int *pipe_fd)
{
	char script[600], line[32] = "";
	const char *top = getenv("top_srcdir");
	int out[2];
	pid_t pid;
	ssize_t n;

	snprintf(script, sizeof script, "%s/tests/plugin/modbus_pymodbus.py", top ? top : ".");
	if (pipe(out))
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		execl("/usr/bin/python3", "python3", script,
		      (char *)NULL); /* the one that Debian's pymodbus is for */
		_exit(127);
	}
	close(out[1]);
	for (size_t have = 0; have < sizeof line - 1 && !strchr(line, '\n'); have += (size_t)n) {
		n = read(out[0], line + have, 1);
		if (n <= 0)
			break;
	}
	*pipe_fd = out[0];
	*port = strchr(line, '\n') ? (int)strtol(line, NULL, 10) : 0;
	return pid;
}

static void pymodbus_agrees(void **state)
{
	char url[64];
	struct modbus_device_cfg d;
	struct fems_error e;
	struct fems_sample s;
	struct bench *b;
	int port = 0, fd = -1;
	pid_t pid = start_pymodbus(&port, &fd);

	(void)state;
	if (!port) {
		close(fd);
		waitpid(pid, NULL, 0);
		print_message("# skipped: python3-pymodbus is not installed\n");
		skip();
	}
	d = tcp_device("m", "independent", port, 1, url, 64);
	b = bench_start(profile_dir, &d, 1);
	assert_true(bench_wait_state(b, "m", FEMS_DEV_ONLINE));
	assert_true(bench_wait_samples(b, "m/load.shed", 1));
	bench_last(b, "m/power.active", &s);
	assert_near(s.value, -123456.5);
	bench_last(b, "m/voltage.l1", &s);
	assert_near(s.value, 219.5);
	bench_last(b, "m/energy.active.import", &s);
	assert_near(s.value, 1234567890123);
	bench_last(b, "m/power.reactive", &s);
	assert_near(s.value, -70000);
	assert_int_equal(bench_write(b, "m/load.shed", 1, 2000000, &e), FEMS_OK);
	assert_int_equal(bench_write(b, "m/power.setpoint", 2500.5, 2000000, &e), FEMS_OK);
	assert_true(bench_end(b) < 1000000);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	close(fd);
}

static int make_profiles(void **state)
{
	(void)state;
	if (!mkdtemp(profile_dir))
		return -1;
	put_profile("two-reads", two_reads);
	/* The image of modbus_pymodbus.py. */
	put_profile("independent", "registers:\n"
				   "  - {q: power.active, at: 0, type: f32, unit: W}\n"
				   "  - {q: voltage.l1, at: 10, type: f64, unit: V}\n"
				   "  - {q: energy.active.import, at: 20, type: s64, unit: Wh}\n"
				   "  - {q: power.reactive, at: 30, type: s32, order: CDAB, unit: var}\n"
				   "  - {q: load.shed, at: 40, type: u16, writable: {min: 0, max: 1}}\n"
				   "  - {q: power.setpoint, at: 50, type: f32, unit: W,"
				   " writable: {min: -1e5, max: 1e5}}\n");
	return 0;
}

static int remove_profiles(void **state)
{
	static const char *const names[] = { "two-reads", "independent", "broken" };
	char path[200];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s.yaml", profile_dir, names[i]);
		unlink(path);
	}
	return rmdir(profile_dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_a_meter),
		cmocka_unit_test(polls_keep_to_multiples),
		cmocka_unit_test(a_dead_meter_is_alone),
		cmocka_unit_test(a_silent_unit_behind_a_gateway),
		cmocka_unit_test(late_replies_are_never_taken),
		cmocka_unit_test(late_replies_of_the_same_length),
		cmocka_unit_test(serial_line_and_a_busy_slave),
		cmocka_unit_test(serial_device_that_is_not_there),
		cmocka_unit_test(writes_are_read_back),
		cmocka_unit_test(refused_registers),
		cmocka_unit_test(not_available_and_unverified),
		cmocka_unit_test(another_meter_at_the_address),
		cmocka_unit_test(stop_with_a_mute_peer),
		cmocka_unit_test(stop_before_anything_answers),
		cmocka_unit_test(bad_settings),
		cmocka_unit_test(too_many_links),
		cmocka_unit_test(a_bad_profile_says_where),
		cmocka_unit_test(pymodbus_agrees),
	};

	return cmocka_run_group_tests(tests, make_profiles, remove_profiles);
}
