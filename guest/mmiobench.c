/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * mmiobench: how many reads per second of a device's register a program in a guest makes.
 *
 * usage: mmiobench RESOURCE OFFSET [MILLISECONDS]	(RESOURCE:
 * /sys/bus/pci/devices/BDF/resourceN)
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
	int fd = argc > 2 ? open(argv[1], O_RDWR | O_SYNC) : -1;
	unsigned long offset = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
	uint64_t limit = (argc > 3 ? strtoul(argv[3], NULL, 0) : 1000) * 1000, begin, spent;
	const volatile uint8_t *bar;
	unsigned long reads = 0, i;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || offset + 4 > (unsigned long)st.st_size) {
		fprintf(stderr, "mmiobench: no register at %s + %#lx\n", argv[1], offset);
		return 1;
	}
	bar = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bar == MAP_FAILED) {
		perror("mmiobench: mmap");
		return 1;
	}
	begin = now_us();
	do {
		for (i = 0; i < 16; i++)
			(void)*(const volatile uint32_t *)(bar + offset);
		reads += i;
		spent = now_us() - begin;
	} while (spent < limit);
	printf("%llu\n", reads * 1000000ull / (spent ? spent : 1));
	return 0;
}
