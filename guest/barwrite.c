/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * barwrite: do writes reach a device in the width in which they were made, each of them once? Asks
 * two devices of QEMU that can tell (docs/specs/edu.rst and pci-testdev.rst there).
 *
 * usage: barwrite edu|testdev DEVICE	(DEVICE: its folder in /sys)
 *	  barwrite raise|lower DEVICE	(edu's level interrupt)
 *
 * Prints the number of reads that showed what writes should have done, or the first that didn't.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "barwalk.h"

/* edu: below 0x80 it takes nothing but dwords, above that dwords and qwords. */
#define EDU_LIVENESS	0x04 /* reads as the complement of what was written */
#define EDU_RAISE	0x60
#define EDU_ACKNOWLEDGE 0x64
#define EDU_DMA_SOURCE	0x80 /* 64 bits */
#define EDU_ROUNDS	64

/*
 * pci-testdev: a byte at 0 chooses a test, which then describes itself and counts writes of one
 * byte of one value to one place.
 */
#define TEST_OFFSET 4
#define TEST_DATA   8
#define TEST_COUNT  12
#define TEST_NAME   16
#define TEST_NONE   0xff
#define TESTS	    3
#define WRITES	    5

struct bar {
	int fd;
	volatile uint8_t *map; /* NULL: ports */
};

static unsigned good;

static __attribute__((noreturn)) void die(const char *what)
{
	printf("error=%s: %s\n", what, strerror(errno));
	exit(1);
}

static struct bar open_bar(const char *device, unsigned number, int is_io)
{
	char path[PATH_MAX];
	struct bar b = {0};
	struct stat st;

	snprintf(path, sizeof(path), "%s/resource%u", device, number);
	b.fd = open(path, O_RDWR | O_SYNC);
	if (b.fd < 0 || fstat(b.fd, &st))
		die(path);
	if (is_io)
		return b;
	b.map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, b.fd, 0);
	if (b.map == MAP_FAILED)
		die(path);
	return b;
}

static uint64_t get(const struct bar *b, unsigned offset, unsigned width)
{
	uint64_t value = 0;

	if (b->map)
		return load(b->map + offset, width);
	if (pread(b->fd, &value, width, offset) != (ssize_t)width)
		die("port");
	return value;
}

static void put(const struct bar *b, unsigned offset, unsigned width, uint64_t value)
{
	if (b->map)
		store(b->map + offset, width, value);
	else if (pwrite(b->fd, &value, width, offset) != (ssize_t)width)
		die("port");
}

static void expect(const char *what, unsigned width, uint64_t is, uint64_t want)
{
	if (is != want) {
		printf("mistake=%s, width %u: 0x%llx, not 0x%llx\n", what, width,
		       (unsigned long long)is, (unsigned long long)want);
		exit(1);
	}
	good++;
}

/* A dword is taken as one, a qword over it isn't taken as two; a qword is taken as one. */
static void write_edu(const struct bar *b)
{
	uint32_t i, value;
	uint64_t wide;

	for (i = 0; i < EDU_ROUNDS; i++) {
		value = 0x01234567u * (i + 1);
		put(b, EDU_LIVENESS, 4, value);
		expect("liveness", 4, get(b, EDU_LIVENESS, 4), (uint32_t)~value);
		put(b, EDU_LIVENESS - 4, 8, 0);
		expect("liveness after another", 8, get(b, EDU_LIVENESS, 4), (uint32_t)~value);
		wide = 0x0123456789abcdefull * (i + 1);
		put(b, EDU_DMA_SOURCE, 8, wide);
		expect("DMA source", 8, get(b, EDU_DMA_SOURCE, 8), wide);
	}
	/* As after reset: what the BAR reads as is compared, too. */
	put(b, EDU_LIVENESS, 4, UINT32_MAX);
	put(b, EDU_DMA_SOURCE, 4, 0);
}

/* Tests with an eventfd count something else: whether QEMU's KVM took the write. */
static int counts_writes(const struct bar *b)
{
	char name[64];
	unsigned i;

	for (i = 0; i < sizeof(name) - 1; i++)
		name[i] = (char)get(b, TEST_NAME + i, 1);
	name[i] = 0;
	return !!strstr(name, "no-eventfd");
}

static void write_testdev(const struct bar *b)
{
	unsigned test, i, offset, data, counting = 0;

	for (test = 0; test < TESTS; test++) {
		put(b, 0, 1, test);
		if (!counts_writes(b))
			continue;
		offset = (unsigned)get(b, TEST_OFFSET, 4);
		data = (unsigned)get(b, TEST_DATA, 1);
		for (i = 0; i < WRITES; i++) {
			put(b, offset, 1, data);
			expect("count", 1, get(b, TEST_COUNT, 4), i + 1);
			/* A write that were made wider would be one to `offset` too. */
			put(b, offset + 1, 1, data);
			put(b, offset - 1, 1, data);
			expect("count after a neighbour", 1, get(b, TEST_COUNT, 4), i + 1);
		}
		counting++;
	}
	put(b, 0, 1, TEST_NONE);
	expect("tests that count", 1, counting, 1);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	struct bar b;

	if (!strcmp(what, "testdev")) {
		b = open_bar(argv[2], 1, 1);
		write_testdev(&b);
		b = open_bar(argv[2], 0, 0);
		write_testdev(&b);
		printf("good=%u\n", good);
		return 0;
	}
	if (strcmp(what, "edu") && strcmp(what, "raise") && strcmp(what, "lower")) {
		fprintf(stderr, "usage: barwrite edu|testdev|raise|lower DEVICE\n");
		return 2;
	}
	b = open_bar(argv[2], 0, 0);
	if (!strcmp(what, "edu"))
		write_edu(&b);
	else
		put(&b, strcmp(what, "raise") ? EDU_ACKNOWLEDGE : EDU_RAISE, 4, 1);
	printf("good=%u\n", good);
	return 0;
}
