/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames between femsd and fems-host: what goes in comes out, and nothing damaged is believed.
 */
#include "config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/plug/face.h"
#include "core/plug/idset.h"
#include "core/plug/wire.h"

struct row {
	const char *a;
};
struct cfg {
	int64_t n, mode;
	struct fems_list rows;
};
static const char *const modes[] = { "one", "two", NULL };
static const struct fems_key row_keys[] = { FEMS_STR(struct row, a, NULL, "A"), FEMS_KEYS_END };
static const struct fems_key keys[] = { FEMS_INT(struct cfg, n, "3", -1, 9, "s", "Number"),
					FEMS_ENUM(struct cfg, mode, "one", modes, "Mode"),
					FEMS_LIST(struct cfg, rows, row_keys, sizeof(struct row), "Rows"),
					FEMS_KEYS_END };
static const char *const doc_types[] = { "x", "y", NULL };
static const struct plug_face face = { .name = "f",
				       .version = "1",
				       .license = "",
				       .summary = "s",
				       .kinds = FEMS_CONNECTOR,
				       .offers = OP_BIT(OP_PUSH),
				       .keys = keys,
				       .cfg_size = sizeof(struct cfg),
				       .types = doc_types };

static struct wire_in over(const struct text *t, size_t len)
{
	return (struct wire_in){ t->ptr, len, false };
}

static void test_values(void **state)
{
	struct text t = { 0 };
	struct wire_in in;

	(void)state;
	wire_u32(&t, 7);
	wire_i64(&t, INT64_MIN);
	wire_f64(&t, -1.5);
	wire_str(&t, "abc");
	wire_str(&t, NULL);
	wire_str(&t, "");
	wire_bytes(&t, "a\0b", 3);
	in = over(&t, t.len);
	assert_int_equal(wire_get_u32(&in), 7);
	assert_true(wire_get_i64(&in) == INT64_MIN);
	assert_true(wire_get_f64(&in) < -1.4);
	assert_string_equal(wire_get_str(&in), "abc");
	assert_null(wire_get_str(&in));
	assert_string_equal(wire_get_str(&in), "");
	assert_int_equal(wire_get_bytes(&in).len, 3);
	assert_false(in.bad);
	assert_int_equal(in.left, 0);
	assert_int_equal(wire_get_u32(&in), 0);
	assert_true(in.bad);
	text_free(&t);
}

/* In memory of exactly its size, so that a sanitizer sees a byte too many. */
static struct plug_face *unpack(const struct text *t, size_t len, size_t change, char to)
{
	char *exact = malloc(len ? len : 1);
	struct wire_in in = { exact, len, false };
	struct plug_face *f;

	assert_non_null(exact);
	memcpy(exact, t->ptr, len);
	if (change < len)
		exact[change] = to;
	f = face_unpack(&in);
	free(exact);
	return f;
}

static void test_face(void **state)
{
	struct text t = { 0 };
	struct fems_error e;
	struct plug_face *f;

	(void)state;
	face_pack(&t, &face);
	f = unpack(&t, t.len, SIZE_MAX, 0);
	assert_non_null(f);
	assert_int_equal(face_tables_check("f.so", f, &e), FEMS_OK);
	assert_string_equal(f->keys[1].choices[1], "two");
	assert_null(f->keys[1].choices[2]);
	assert_string_equal(f->keys[2].sub[0].name, "a");
	assert_null(f->keys[2].sub[0].def);
	assert_null(f->keys[3].name);
	assert_null(f->device_keys);
	assert_true(face_takes(f, "y"));
	assert_false(face_takes(f, "z"));
	assert_int_equal(f->keys[0].off, offsetof(struct cfg, n));
	face_free(f);
	for (size_t len = 0; len < t.len; len++)
		assert_null(unpack(&t, len, SIZE_MAX, 0));
	for (size_t at = 0; at < t.len; at++)
		for (int v = 0; v < 256; v += 51) {
			f = unpack(&t, t.len, at, (char)v);
			if (f)
				(void)face_tables_check("f.so", f, &e);
			face_free(f);
		}
	text_free(&t);
}

static void test_frames(void **state)
{
	struct wire_port port = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct text t = { 0 };
	struct wire_frame f;
	static const unsigned char nonsense[16] = { 0xff, 0xff, 0xff, 0x7f, 1 };
	int sv[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	port.fd = sv[0];
	text_add(&t, "hello");
	assert_true(wire_send(&port, WIRE_CALL, 9, &t));
	assert_true(wire_send(&port, WIRE_STOPPING, 0, NULL));
	assert_int_equal(wire_receive(sv[1], &f), 1);
	assert_int_equal(f.kind, WIRE_CALL);
	assert_int_equal(f.seq, 9);
	assert_string_equal(f.data, "hello");
	free(f.data);
	assert_int_equal(wire_receive(sv[1], &f), 1);
	assert_int_equal(f.len, 0);
	free(f.data);
	assert_int_equal(write(sv[0], nonsense, sizeof nonsense), sizeof nonsense);
	assert_int_equal(wire_receive(sv[1], &f), -1);
	assert_int_equal(write(sv[0], "\5\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0ab", 18), 18);
	close(sv[0]);
	assert_int_equal(wire_receive(sv[1], &f), -1); /* ends inside a frame */
	assert_int_equal(wire_receive(sv[1], &f), 0);
	close(sv[1]);
	port.fd = -1;
	assert_false(wire_send(&port, WIRE_CALL, 1, &t));
	text_free(&t);
}

static void test_call(void **state)
{
	const struct fems_sample samples[2] = { { .point = 1 }, { .point = 2 } };
	struct plug_call c = {
		.op = OP_FEED, .budget_us = 5, .samples = samples, .n_samples = 2, .lost = 3, .name = "n"
	};
	struct plug_call got;
	struct text t = { 0 };
	struct wire_in in;

	(void)state;
	call_pack(&t, &c);
	in = over(&t, t.len);
	assert_true(call_unpack(&in, &got));
	assert_int_equal(got.op, OP_FEED);
	assert_int_equal(got.n_samples, 2);
	assert_int_equal(got.lost, 3);
	assert_string_equal(got.name, "n");
	assert_null(got.key);
	for (size_t len = 0; len < t.len; len++) {
		in = over(&t, len);
		assert_false(call_unpack(&in, &got));
	}
	t.ptr[0] = OP_COUNT;
	in = over(&t, t.len);
	assert_false(call_unpack(&in, &got));
	text_free(&t);
}

static void test_result_key(void **state)
{
	struct plug_call c = { .rc = FEMS_EINVAL, .error = { "text", "mode" } }, got = { 0 };
	struct text t = { 0 };
	struct wire_in in;

	(void)state;
	call_pack_result(&t, &c);
	in = over(&t, t.len);
	assert_true(call_unpack_result(&in, &got, keys, NULL));
	assert_int_equal(got.rc, FEMS_EINVAL);
	assert_ptr_equal(got.error.key, keys[1].name);
	text_free(&got.reply);
	text_free(&t);
}

static void test_idset(void **state)
{
	struct idset s;
	struct fems_sample samples[3] = { { .point = 5 }, { .point = 70000 }, { .point = 6 } };

	(void)state;
	idset_init(&s);
	assert_ptr_equal(idset_stranger(&s, samples, 3), &samples[0]);
	assert_true(idset_add(&s, 5));
	assert_true(idset_add(&s, 70000));
	assert_null(idset_stranger(&s, samples, 2));
	assert_ptr_equal(idset_stranger(&s, samples, 3), &samples[2]);
	assert_null(idset_stranger(&s, samples, 0));
	idset_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),     cmocka_unit_test(test_face),
		cmocka_unit_test(test_frames),     cmocka_unit_test(test_call),
		cmocka_unit_test(test_result_key), cmocka_unit_test(test_idset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
