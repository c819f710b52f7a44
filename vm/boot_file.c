/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Files that are loaded into the guest: opened, measured, and read in bounded pieces. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot.h"

#define CHUNK (4 * MIB)

int boot_open(struct boot_file *f, const char *path, struct error *err)
{
	struct stat st;
	int code;

	/* O_NONBLOCK: a FIFO is refused below, not waited for. */
	*f = (struct boot_file){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
	if (f->fd < 0)
		return fail(err, errno, "%s: %s", path, strerror(errno));
	code = fstat(f->fd, &st) ? errno : 0;
	if (!code && S_ISREG(st.st_mode)) {
		f->size = (uint64_t)st.st_size;
		return 0;
	}
	boot_close(f);
	return code ? fail(err, code, "%s: %s", path, strerror(code))
		    : fail(err, EINVAL, "%s: not a regular file", path);
}

void boot_close(struct boot_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

int boot_read(const struct boot_file *f, uint64_t offset, void *buf, uint64_t n, struct error *err)
{
	uint8_t *p = buf;
	ssize_t got;

	while (n) {
		got = pread(f->fd, p, n < CHUNK ? n : CHUNK, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail(err, errno, "%s: %s", f->path, strerror(errno));
		if (!got)
			return fail(err, EIO,
				    "%s: ends at byte %" PRIu64 ", %" PRIu64
				    " bytes too early: is it truncated?",
				    f->path, offset, n);
		p += got;
		offset += (uint64_t)got;
		n -= (uint64_t)got;
	}
	return 0;
}

int boot_load(const struct boot_file *f, uint64_t offset, uint64_t n,
	      const struct guest_memory *mem, uint64_t gpa, struct error *err)
{
	void *host = guest_memory_at(mem, gpa, n);

	if (n && !host)
		return fail(err, EFAULT,
			    "%s: 0x%" PRIx64 " bytes at 0x%" PRIx64 " are not in guest memory",
			    f->path, n, gpa);
	return boot_read(f, offset, host, n, err);
}

/* Compressed files begin with a magic; the kernel within would need unpacking first. */
const char *boot_compression(const uint8_t *head)
{
	static const struct {
		const char *name, *magic;
	} known[] = {
		{"gzip", "\x1f\x8b"},
		{"xz", "\xfd"
		       "7zXZ"},
		{"zstd", "\x28\xb5\x2f\xfd"},
		{"bzip2", "BZh"},
		{"lz4", "\x02\x21\x4c\x18"},
		{"LZO", "\x89LZO"},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!memcmp(head, known[i].magic, strlen(known[i].magic)))
			return known[i].name;
	return NULL;
}
