/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * barrecord: read a device's BARs through VFIO, in the host, for barwalk to compare with.
 *
 * usage: barrecord BDF FILE [BAR:FIRST-END:WIDTHS]...
 *
 * The device is reset first. Every byte of the ranges is read in each of the widths (bytes: of
 * 1248): through a mapping where the kernel allows one, since only that shows the MSI-X table, else
 * by pread. Without ranges: all there are, in all widths. Prints how many reads that were, and how
 * many of them gave neither zeros nor ones.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "barwalk.h"

struct region {
	struct vfio_region_info info;
	const uint8_t *map; /* NULL: it can't be mapped */
	int is_io;
};

struct device {
	int fd;
	off_t config; /* where in fd */
	struct region bars[BARS];
	FILE *out;
	uint64_t reads, live;
};

static __attribute__((noreturn)) void die(const char *what)
{
	fprintf(stderr, "barrecord: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_group(const char *bdf)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		die(path);
	target[n] = 0;
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(target, '/') + 1);
	fd = open(path, O_RDWR);
	if (fd < 0)
		die(path);
	return fd;
}

/* Whatever IOMMU the host has: a device can be opened only when its group is behind one. */
static int open_device(const char *bdf)
{
	int container = open("/dev/vfio/vfio", O_RDWR), group = open_group(bdf), fd;

	if (container < 0 || ioctl(group, VFIO_GROUP_SET_CONTAINER, &container))
		die("container");
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) &&
	    ioctl(container, VFIO_SET_IOMMU, VFIO_SPAPR_TCE_v2_IOMMU))
		die("IOMMU");
	fd = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, bdf);
	if (fd < 0)
		die(bdf);
	return fd;
}

static void find_config(struct device *d)
{
	struct vfio_region_info info = {.argsz = sizeof(info),
					.index = VFIO_PCI_CONFIG_REGION_INDEX};

	if (ioctl(d->fd, VFIO_DEVICE_GET_REGION_INFO, &info))
		die("configuration space");
	d->config = (off_t)info.offset;
}

/* Reset, and let it answer to I/O and memory accesses. Not every device knows a reset. */
static void make_ready(struct device *d)
{
	uint16_t command = PCI_COMMAND_IO | PCI_COMMAND_MEMORY;

	ioctl(d->fd, VFIO_DEVICE_RESET);
	if (pwrite(d->fd, &command, sizeof(command), d->config + PCI_COMMAND) != sizeof(command))
		die("command register");
}

static int is_io(struct device *d, unsigned bar)
{
	off_t at = d->config + PCI_BASE_ADDRESS_0 + 4 * bar;
	uint32_t value = 0;

	if (pread(d->fd, &value, sizeof(value), at) != sizeof(value))
		die("base address register");
	return value & PCI_BASE_ADDRESS_SPACE_IO;
}

static void open_bar(struct device *d, unsigned bar, uint64_t page_size)
{
	struct region *r = &d->bars[bar];
	size_t size;
	void *map;

	r->info = (struct vfio_region_info){.argsz = sizeof(r->info), .index = bar};
	if (ioctl(d->fd, VFIO_DEVICE_GET_REGION_INFO, &r->info))
		die("region");
	if (!r->info.size)
		return;
	r->is_io = is_io(d, bar);
	if (!(r->info.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return;
	size = r->info.size < page_size ? page_size : r->info.size;
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, d->fd, (off_t)r->info.offset);
	if (map == MAP_FAILED)
		die("mmap");
	r->map = map;
}

static uint64_t read_bar(struct device *d, unsigned bar, uint64_t offset, unsigned width)
{
	const struct region *r = &d->bars[bar];
	uint64_t value = 0;

	if (r->map)
		return load(r->map + offset, width);
	if (pread(d->fd, &value, width, (off_t)(r->info.offset + offset)) != (ssize_t)width)
		die("pread");
	return value;
}

static void record(struct device *d, unsigned bar, uint64_t from, uint64_t end, unsigned width)
{
	struct run run = {bar, width, from, end - from};
	uint64_t ones = UINT64_MAX >> (64 - 8 * width), at;

	fwrite(&run, sizeof(run), 1, d->out);
	for (at = from; at < end; at += width) {
		uint64_t value = read_bar(d, bar, at, width);

		fwrite(&value, width, 1, d->out);
		d->reads++;
		d->live += value && value != ones;
	}
}

static void record_range(struct device *d, const char *text)
{
	unsigned long long from, end;
	unsigned bar;
	char widths[8], *w;

	if (sscanf(text, "%u:%llx-%llx:%7s", &bar, &from, &end, widths) != 4 || bar >= BARS ||
	    end > d->bars[bar].info.size || (from | end) % WIDTH_MAX) {
		errno = EINVAL;
		die(text);
	}
	for (w = widths; *w; w++)
		record(d, bar, from, end, (unsigned)(*w - '0'));
}

static void record_all(struct device *d)
{
	unsigned bar, width;

	for (bar = 0; bar < BARS; bar++)
		for (width = 1; width <= (d->bars[bar].is_io ? 4 : WIDTH_MAX); width *= 2)
			if (d->bars[bar].info.size)
				record(d, bar, 0, d->bars[bar].info.size, width);
}

int main(int argc, char **argv)
{
	struct record head = {.page_size = (uint64_t)sysconf(_SC_PAGESIZE)};
	struct device d = {0};
	unsigned bar;
	int i;

	if (argc < 3) {
		fprintf(stderr, "usage: barrecord BDF FILE [BAR:FIRST-END:WIDTHS]...\n");
		return 2;
	}
	d.fd = open_device(argv[1]);
	find_config(&d);
	make_ready(&d);
	for (bar = 0; bar < BARS; bar++) {
		open_bar(&d, bar, head.page_size);
		head.sizes[bar] = d.bars[bar].info.size;
		head.mmap[bar] = !!d.bars[bar].map;
	}
	d.out = fopen(argv[2], "w");
	if (!d.out)
		die(argv[2]);
	fwrite(&head, sizeof(head), 1, d.out);
	if (argc == 3)
		record_all(&d);
	for (i = 3; i < argc; i++)
		record_range(&d, argv[i]);
	if (fclose(d.out))
		die(argv[2]);
	printf("reads=%llu live=%llu\n", (unsigned long long)d.reads, (unsigned long long)d.live);
	return 0;
}
