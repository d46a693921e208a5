/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/note.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/plug/plug.h"

#define MAX_FILE  ((size_t)64 << 20) /* ten times the largest plugin with sanitizers */
#define MAX_PHDRS 256
#define NOTE_TYPE 1

struct image {
	const unsigned char *ptr;
	size_t len;
	const char *path;
};

struct segment {
	uint64_t offset, size;
};

/* Bytes [off, off + n) or NULL when they are not all inside the file. */
static const unsigned char *part(const struct image *im, uint64_t off, uint64_t n)
{
	return off <= im->len && n <= im->len - off ? im->ptr + off : NULL;
}

static enum fems_rc refuse(const struct image *im, struct fems_error *e, const char *what)
{
	return err_set(e, FEMS_EINVAL, "%s: %s", im->path, what);
}

static unsigned char own_data(void)
{
	const uint16_t one = 1;

	return *(const unsigned char *)&one ? ELFDATA2LSB : ELFDATA2MSB;
}

static enum fems_rc ident_check(const struct image *im, struct fems_error *e)
{
	const unsigned char *id = part(im, 0, EI_NIDENT);

	if (!id || memcmp(id, ELFMAG, SELFMAG))
		return refuse(im, e, "not a plugin: no ELF file");
	if (id[EI_CLASS] != ELFCLASS64 && id[EI_CLASS] != ELFCLASS32)
		return refuse(im, e, "not a plugin: an ELF file of unknown class");
	if (id[EI_DATA] != own_data())
		return refuse(im, e,
			      "built for a machine of the other byte order; take the file for this machine");
	if (id[EI_VERSION] != EV_CURRENT)
		return refuse(im, e, "not a plugin: an ELF file of unknown version");
	return FEMS_OK;
}

/* The i-th program header: 1 when it is a note segment, 0 when not, -1 when it lies outside. */
static int note_segment(const struct image *im, uint64_t at, bool wide, struct segment *out)
{
	const unsigned char *p = part(im, at, wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
	Elf64_Phdr h64;
	Elf32_Phdr h32;

	if (!p)
		return -1;
	if (wide) {
		memcpy(&h64, p, sizeof h64);
		*out = (struct segment){ h64.p_offset, h64.p_filesz };
		return h64.p_type == PT_NOTE;
	}
	memcpy(&h32, p, sizeof h32);
	*out = (struct segment){ h32.p_offset, h32.p_filesz };
	return h32.p_type == PT_NOTE;
}

static uint64_t up4(uint64_t n)
{
	return (n + 3) & ~UINT64_C(3);
}

static bool is_ours(const unsigned char *p, uint64_t namesz, uint64_t descsz, uint32_t type)
{
	return type == NOTE_TYPE && namesz == 5 && !memcmp(p, "FEMS", 5) &&
	       descsz >= sizeof(struct fems_note) - 20;
}

/* Notes of one segment. The entries of a 64-bit file are aligned to 4 as well, except for GNU property
 * notes, which come in a segment of their own. */
static bool scan_segment(const struct image *im, struct segment s, struct fems_note *out)
{
	const unsigned char *p;
	uint32_t head[3];

	while (s.size >= sizeof head && (p = part(im, s.offset, s.size))) {
		uint64_t body;

		memcpy(head, p, sizeof head);
		body = up4(head[0]) + up4(head[1]);
		if (body > s.size - sizeof head)
			return false;
		if (is_ours(p + sizeof head, head[0], head[1], head[2])) {
			memcpy(out, p, sizeof *out);
			return true;
		}
		s.offset += sizeof head + body;
		s.size -= sizeof head + body;
	}
	return false;
}

static enum fems_rc text_check(const struct image *im, const struct fems_note *n, struct fems_error *e)
{
	if (!memchr(n->name, 0, sizeof n->name) || !memchr(n->version, 0, sizeof n->version) || !n->name[0])
		return refuse(im, e, "its FEMS note is damaged: name or version does not end");
	for (const char *p = n->name; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", *p))
			return refuse(
				im, e,
				"the name in its FEMS note has other characters than a-z, 0-9, - and _");
	for (const char *p = n->version; *p; p++)
		if (*p <= ' ' || *p > '~')
			return refuse(im, e,
				      "the version in its FEMS note has characters that cannot be printed");
	return FEMS_OK;
}

enum fems_rc note_scan(const void *bytes, size_t len, const char *path, struct fems_note *out,
		       struct fems_error *e)
{
	struct image im = { bytes, len, path };
	enum fems_rc rc = ident_check(&im, e);
	bool wide;
	uint64_t phoff, entry;
	unsigned n, type;
	Elf64_Ehdr h64;
	Elf32_Ehdr h32;

	if (rc)
		return rc;
	wide = im.ptr[EI_CLASS] == ELFCLASS64;
	if (!part(&im, 0, wide ? sizeof h64 : sizeof h32))
		return refuse(&im, e, "not a plugin: the ELF header is cut off");
	memcpy(&h64, im.ptr, wide ? sizeof h64 : 0);
	memcpy(&h32, im.ptr, wide ? 0 : sizeof h32);
	type = wide ? h64.e_type : h32.e_type;
	phoff = wide ? h64.e_phoff : h32.e_phoff;
	entry = wide ? h64.e_phentsize : h32.e_phentsize;
	n = wide ? h64.e_phnum : h32.e_phnum;
	if (type != ET_DYN)
		return refuse(&im, e, "not a plugin: an ELF file, but no shared object");
	if (entry < (wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) || n > MAX_PHDRS)
		return refuse(&im, e, "not a plugin: its program headers make no sense");
	for (unsigned i = 0; i < n; i++) {
		struct segment s;
		int is = phoff > len ? -1 : note_segment(&im, phoff + i * entry, wide, &s);

		if (is < 0)
			return refuse(&im, e, "damaged: its program headers are cut off");
		if (is && scan_segment(&im, s, out))
			return text_check(&im, out, e);
	}
	return refuse(&im, e,
		      "not a plugin: a shared object without a FEMS note (see fems/plugin.h, FEMS_PLUGIN)");
}

static enum fems_rc read_all(int fd, size_t len, unsigned char *to, const char *path, struct fems_error *e)
{
	size_t at = 0;

	while (at < len) {
		ssize_t n = pread(fd, to + at, len - at, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(e, FEMS_EIO, "%s: cannot be read: %s", path,
				       n ? strerror(errno) : "it shrinks");
		at += (size_t)n;
	}
	return FEMS_OK;
}

static enum fems_rc read_fd(int fd, const char *path, struct fems_note *out, struct fems_error *e)
{
	struct stat st;
	unsigned char *bytes;
	enum fems_rc rc;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return err_set(e, FEMS_EINVAL, "%s: not a plugin: no regular file", path);
	if (st.st_size > (off_t)MAX_FILE)
		return err_set(e, FEMS_EINVAL, "%s: not a plugin: larger than 64 MiB", path);
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes)
		return err_set(e, FEMS_ENOMEM, "%s: out of memory", path);
	rc = read_all(fd, (size_t)st.st_size, bytes, path, e);
	if (!rc)
		rc = note_scan(bytes, (size_t)st.st_size, path, out, e);
	free(bytes);
	return rc;
}

enum fems_rc plug_note_read(const char *path, struct fems_note *out, struct fems_error *e)
{
	/* O_NONBLOCK: a FIFO in the place of a plugin must not hold us up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	enum fems_rc rc;

	memset(out, 0, sizeof *out);
	if (fd < 0)
		return err_set(e, errno == ENOENT ? FEMS_ENOENT : FEMS_EIO, "%s: cannot be opened: %s", path,
			       strerror(errno));
	rc = read_fd(fd, path, out, e);
	close(fd);
	return rc;
}

enum fems_rc plug_abi_check(const char *path, const struct fems_note *n, struct fems_error *e)
{
	const char *advice =
		n->abi_major < FEMS_ABI_MAJOR ? "rebuild the plugin" : "update femsd or take an older plugin";

	if (n->abi_major == FEMS_ABI_MAJOR && n->abi_minor <= FEMS_ABI_MINOR)
		return FEMS_OK;
	return err_set(e, FEMS_EUNSUP,
		       "%s: %s %s was built for plugin ABI %d.%d, this femsd offers %d.%d; %s", path, n->name,
		       n->version, n->abi_major, n->abi_minor, FEMS_ABI_MAJOR, FEMS_ABI_MINOR, advice);
}
