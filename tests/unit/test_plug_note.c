/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader of FEMS notes on made-up ELF files of both classes, whole, damaged and cut off anywhere.
 */
#include "config.h"
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/plug/note.h"
#include "core/plug/plug.h"

#define GNU_NOTE "\4\0\0\0\4\0\0\0\1\0\0\0GNU\0abcd"

static const struct fems_note note = {
	5, sizeof(struct fems_note) - 20, 1, "FEMS", 1, 0, FEMS_METER, "demo", "1.2.3"
};

struct file {
	unsigned char bytes[1024];
	size_t len, phdr, note;
};

/* Header, two program headers (a LOAD and a NOTE), and two notes, the second one ours. */
static struct file make64(void)
{
	struct file f = { .phdr = sizeof(Elf64_Ehdr) };
	Elf64_Ehdr h = {
		.e_type = ET_DYN, .e_phoff = f.phdr, .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2
	};
	Elf64_Phdr p[2] = { { .p_type = PT_LOAD }, { .p_type = PT_NOTE } };

	memcpy(h.e_ident, ELFMAG "\2\1\1", 7);
	p[1].p_offset = f.phdr + sizeof p;
	p[1].p_filesz = 20 + sizeof note;
	f.note = p[1].p_offset + 20;
	f.len = f.note + sizeof note;
	memcpy(f.bytes, &h, sizeof h);
	memcpy(f.bytes + f.phdr, p, sizeof p);
	memcpy(f.bytes + p[1].p_offset, GNU_NOTE, 20);
	memcpy(f.bytes + f.note, &note, sizeof note);
	return f;
}

static struct file make32(void)
{
	struct file f = { .phdr = sizeof(Elf32_Ehdr) };
	Elf32_Ehdr h = {
		.e_type = ET_DYN, .e_phoff = f.phdr, .e_phentsize = sizeof(Elf32_Phdr), .e_phnum = 2
	};
	Elf32_Phdr p[2] = { { .p_type = PT_LOAD }, { .p_type = PT_NOTE } };

	memcpy(h.e_ident, ELFMAG "\1\1\1", 7);
	p[1].p_offset = f.phdr + sizeof p;
	p[1].p_filesz = 20 + sizeof note;
	f.note = p[1].p_offset + 20;
	f.len = f.note + sizeof note;
	memcpy(f.bytes, &h, sizeof h);
	memcpy(f.bytes + f.phdr, p, sizeof p);
	memcpy(f.bytes + p[1].p_offset, GNU_NOTE, 20);
	memcpy(f.bytes + f.note, &note, sizeof note);
	return f;
}

/* In memory of exactly its size, so that a sanitizer sees a byte too many. */
static enum fems_rc scan(const struct file *f, size_t len, struct fems_note *out, struct fems_error *e)
{
	unsigned char *exact = malloc(len ? len : 1);
	enum fems_rc rc;

	assert_non_null(exact);
	memcpy(exact, f->bytes, len);
	rc = note_scan(exact, len, "demo.so", out, e);
	free(exact);
	return rc;
}

static void test_both_classes(void **state)
{
	struct file files[] = { make64(), make32() };
	struct fems_error e;
	struct fems_note out;

	(void)state;
	for (int k = 0; k < 2; k++) {
		assert_int_equal(scan(&files[k], files[k].len, &out, &e), FEMS_OK);
		assert_string_equal(out.name, "demo");
		assert_string_equal(out.version, "1.2.3");
		assert_int_equal(out.kinds, FEMS_METER);
		assert_int_equal(out.abi_major, 1);
	}
}

static void test_cut_off_anywhere(void **state)
{
	struct file files[] = { make64(), make32() };
	struct fems_error e;
	struct fems_note out;

	(void)state;
	for (int k = 0; k < 2; k++)
		for (size_t len = 0; len < files[k].len; len++) {
			assert_int_equal(scan(&files[k], len, &out, &e), FEMS_EINVAL);
			assert_memory_equal(e.text, "demo.so: ", 9);
		}
}

/* Any single byte changed: read or refused, never outside of the file. */
static void test_any_byte_changed(void **state)
{
	static const unsigned char values[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct file files[] = { make64(), make32() };
	struct fems_error e;
	struct fems_note out;

	(void)state;
	for (int k = 0; k < 2; k++)
		for (size_t at = 0; at < files[k].len; at++)
			for (size_t v = 0; v < sizeof values; v++) {
				struct file f = files[k];

				f.bytes[at] = values[v];
				if (!scan(&f, f.len, &out, &e))
					assert_non_null(memchr(out.name, 0, sizeof out.name));
			}
}

static void refused(struct file f, const char *why)
{
	struct fems_error e = { .text = "" };
	struct fems_note out;

	assert_int_equal(scan(&f, f.len, &out, &e), FEMS_EINVAL);
	if (!strstr(e.text, why))
		fail_msg("%s, not: %s", e.text, why);
}

static void test_refusals(void **state)
{
	struct file f;

	(void)state;
	f = make64();
	f.bytes[EI_DATA] = f.bytes[EI_DATA] == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
	refused(f, "built for a machine of the other byte order");
	f = make64();
	f.bytes[16] = ET_EXEC;
	refused(f, "no shared object");
	f = make32();
	f.bytes[EI_CLASS] = 9;
	refused(f, "unknown class");
	f = make64();
	f.bytes[0] = 'X';
	refused(f, "no ELF file");
	f = make64();
	f.bytes[f.note + 12] = 'G';
	refused(f, "without a FEMS note");
	f = make64();
	memset(f.bytes + f.note + offsetof(struct fems_note, name), 'a', sizeof note.name);
	refused(f, "damaged");
	f = make64();
	f.bytes[f.note + offsetof(struct fems_note, name)] = '/';
	refused(f, "other characters");
	f = make64();
	f.bytes[f.note + offsetof(struct fems_note, version)] = '\n';
	refused(f, "cannot be printed");
	f = make64();
	memset(f.bytes + f.note, 0xff, 8); /* sizes that overflow when they are added */
	refused(f, "without a FEMS note");
}

static void test_abi(void **state)
{
	struct fems_note n = note;
	struct fems_error e = { .text = "" };

	(void)state;
	assert_int_equal(plug_abi_check("x.so", &n, &e), FEMS_OK);
	n.abi_major = FEMS_ABI_MAJOR + 1;
	assert_int_equal(plug_abi_check("x.so", &n, &e), FEMS_EUNSUP);
	assert_string_equal(
		e.text,
		"x.so: demo 1.2.3 was built for plugin ABI 2.0, this femsd offers 1.0; update femsd or "
		"take an older plugin");
	n.abi_major = FEMS_ABI_MAJOR - 1;
	assert_int_equal(plug_abi_check("x.so", &n, &e), FEMS_EUNSUP);
	assert_non_null(strstr(e.text, "rebuild the plugin"));
	n.abi_major = FEMS_ABI_MAJOR;
	n.abi_minor = FEMS_ABI_MINOR + 1;
	assert_int_equal(plug_abi_check("x.so", &n, &e), FEMS_EUNSUP);
}

static void test_files(void **state)
{
	char path[] = "/tmp/fems-note.XXXXXX", fifo[64];
	struct file f = make64();
	struct fems_error e;
	struct fems_note out;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, f.bytes, f.len), f.len);
	close(fd);
	assert_int_equal(plug_note_read(path, &out, &e), FEMS_OK);
	assert_string_equal(out.name, "demo");
	snprintf(fifo, sizeof fifo, "%s.fifo", path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(plug_note_read(fifo, &out, &e), FEMS_EINVAL);
	assert_non_null(strstr(e.text, "no regular file"));
	assert_int_equal(plug_note_read("/tmp", &out, &e), FEMS_EINVAL);
	assert_int_equal(plug_note_read("/nonexistent/x.so", &out, &e), FEMS_ENOENT);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(plug_note_read(path, &out, &e), FEMS_EINVAL);
	assert_int_equal(truncate(path, (off_t)65 << 20), 0);
	assert_int_equal(plug_note_read(path, &out, &e), FEMS_EINVAL);
	assert_non_null(strstr(e.text, "larger than 64 MiB"));
	unlink(fifo);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_classes),
		cmocka_unit_test(test_cut_off_anywhere),
		cmocka_unit_test(test_any_byte_changed),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_abi),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
