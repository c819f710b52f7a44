/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Numbers, sizes and words from text, and small files. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base.h"

uint64_t pow2_ceil(uint64_t x)
{
	uint64_t p = 1;

	while (p && p < x)
		p <<= 1;
	return p;
}

/* strtoull takes signs and blanks, which no number of ours has. */
static int parse_prefix(const char *text, uint64_t *out, const char **rest)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*out = strtoull(text, &end, strncmp(text, "0x", 2) ? 10 : 16);
	if (errno)
		return -ERANGE;
	*rest = end;
	return 0;
}

int parse_u64(const char *text, uint64_t *out)
{
	const char *rest;
	int ret = parse_prefix(text, out, &rest);

	if (!ret && *rest)
		ret = -EINVAL;
	return ret;
}

int parse_size(const char *text, uint64_t *out)
{
	static const char units[] = "KMGT";
	const char *rest, *unit;
	unsigned shift = 0;
	int ret = parse_prefix(text, out, &rest);

	if (ret)
		return ret;
	if (*rest) {
		unit = strchr(units, *rest & ~0x20);
		if (!unit || !*unit)
			return -EINVAL;
		shift = 10 * (unsigned)(unit - units + 1);
		rest++;
		if (*rest == 'B' || *rest == 'b')
			rest++;
	}
	if (*rest)
		return -EINVAL;
	if (*out > UINT64_MAX >> shift)
		return -ERANGE;
	*out <<= shift;
	return 0;
}

const char *size_text(char text[SIZE_TEXT], uint64_t bytes)
{
	static const char units[] = "KMGT";
	int unit = -1;

	while (bytes && bytes % 1024 == 0 && unit < 3) {
		bytes /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(text, SIZE_TEXT, "%" PRIu64, bytes);
	else
		snprintf(text, SIZE_TEXT, "%" PRIu64 "%c", bytes, units[unit]);
	return text;
}

int read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, buf + len, size - len)) > 0)
		if ((len += (size_t)n) == size) {
			ret = -EFBIG;
			break;
		}
	if (n < 0)
		ret = -errno;
	close(fd);
	if (!ret)
		buf[len] = 0;
	return ret;
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int parse_one_of(const char *word, const char *const *words, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (!strcmp(word, words[i]))
			return (int)i;
	return -EINVAL;
}

const char *parse_after(const char *word, const char *name)
{
	size_t len = strlen(name);

	return strncmp(word, name, len) ? NULL : word + len;
}
