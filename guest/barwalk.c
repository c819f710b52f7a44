/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * barwalk: read a device's BARs in a guest, in all widths, and compare each read with what there
 *must be:
 *
 *   where the guest's MSI-X capability says that table and PBA are, those of a function after
 *reset: every vector masked and without a message, none pending (PCI 3.0, 6.8.2); where barrecord
 *has read the device, what it read; beyond the device, in a BAR that is larger to the guest, ones.
 *
 * usage: barwalk DEVICE FILE virtual|own	(DEVICE: its folder in /sys; FILE: barrecord's)
 *
 * A guest that has the device's own table finds there what is in the file. Prints where the table
 *is, the number of reads of each kind, and the first that went wrong.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "barwalk.h"

#define TOLD_MAX    8	 /* mistakes */
#define EDGES	    4096 /* bytes between those that are read beyond a device */
#define ENTRY_SIZE  PCI_MSIX_ENTRY_SIZE
#define RESOURCE_IO 0x100 /* IORESOURCE_IO */

/* What a byte of a BAR is. */
enum kind {
	UNKNOWN, /* not to be read */
	MAPPED,	 /* the device's: in the file */
	SERVED,	 /* the same, where the guest can't reach it by itself */
	VIRTUAL, /* table or PBA */
	BEYOND,	 /* beyond the device */
	KINDS,
};

struct place {
	int bar; /* -1: nowhere */
	uint64_t offset, size;
};

struct bar {
	unsigned number;
	uint64_t size;
	int is_io, fd;
	const volatile uint8_t *map;
};

struct walk {
	const char *device;
	const uint8_t *file;
	size_t file_size;
	struct place table, pba;
	uint64_t reads[KINDS], wrong;
	/* Of the BAR and the width that is being walked: what each byte is, and must be. */
	uint8_t *kinds, *bytes;
};

static __attribute__((noreturn)) void die(const char *what)
{
	printf("error=%s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_file(const struct walk *w, const char *name, int flags)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", w->device, name);
	fd = open(path, flags);
	if (fd < 0)
		die(path);
	return fd;
}

static void read_file(struct walk *w, const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) || st.st_size < (off_t)sizeof(struct record))
		die(path);
	w->file_size = (size_t)st.st_size;
	map = mmap(NULL, w->file_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		die(path);
	w->file = map;
}

static const struct record *head(const struct walk *w)
{
	return (const struct record *)w->file;
}

static uint32_t get32(const uint8_t *config, unsigned offset)
{
	uint32_t value;

	memcpy(&value, config + offset, sizeof(value));
	return value;
}

static unsigned find_capability(const uint8_t *config, uint8_t id)
{
	unsigned at = config[PCI_CAPABILITY_LIST] & ~3u, n;

	for (n = 0; at && n < 48; n++, at = config[at + PCI_CAP_LIST_NEXT] & ~3u)
		if (config[at] == id)
			return at;
	return 0;
}

static void find_table(struct walk *w)
{
	uint8_t config[256];
	int fd = open_file(w, "config", O_RDONLY);
	unsigned cap, n;
	uint32_t where;

	w->table.bar = w->pba.bar = -1;
	if (pread(fd, config, sizeof(config), 0) != sizeof(config))
		die("configuration space");
	close(fd);
	cap = find_capability(config, PCI_CAP_ID_MSIX);
	if (!cap)
		return;
	n = (get32(config, cap) >> 16 & PCI_MSIX_FLAGS_QSIZE) + 1;
	where = get32(config, cap + PCI_MSIX_TABLE);
	w->table = (struct place){(int)(where & PCI_MSIX_TABLE_BIR), where & PCI_MSIX_TABLE_OFFSET,
				  (uint64_t)n * ENTRY_SIZE};
	where = get32(config, cap + PCI_MSIX_PBA);
	w->pba = (struct place){(int)(where & PCI_MSIX_PBA_BIR), where & PCI_MSIX_PBA_OFFSET,
				(n + 63) / 64 * 8};
}

static void complain(struct walk *w, const struct bar *b, uint64_t offset, unsigned width,
		     uint64_t is, uint64_t want)
{
	if (w->wrong++ < TOLD_MAX)
		printf("mistake=BAR %u + 0x%llx, width %u: 0x%llx, not 0x%llx\n", b->number,
		       (unsigned long long)offset, width, (unsigned long long)is,
		       (unsigned long long)want);
}

static int shares_page(const struct walk *w, const struct bar *b, uint64_t at,
		       const struct place *p)
{
	uint64_t page = head(w)->page_size;

	return p->bar == (int)b->number && at / page >= p->offset / page &&
	       at / page <= (p->offset + p->size - 1) / page;
}

/* A page of the host is the guest's as a whole, or not at all. */
static enum kind kind_at(const struct walk *w, const struct bar *b, uint64_t at)
{
	if (!head(w)->mmap[b->number] || shares_page(w, b, at, &w->table) ||
	    shares_page(w, b, at, &w->pba))
		return SERVED;
	return MAPPED;
}

/* What the file has for this BAR and width. */
static void expect_own(struct walk *w, const struct bar *b, unsigned width)
{
	size_t at = sizeof(struct record);
	struct run run;
	uint64_t i;

	for (; at < w->file_size; at += sizeof(run) + run.size) {
		memcpy(&run, w->file + at, sizeof(run));
		if (run.bar != b->number || run.width != width)
			continue;
		if (run.offset + run.size > b->size) {
			complain(w, b, b->size, width, b->size, run.offset + run.size);
			continue;
		}
		for (i = run.offset; i < run.offset + run.size; i++)
			w->kinds[i] = kind_at(w, b, i);
		memcpy(w->bytes + run.offset, w->file + at + sizeof(run), run.size);
	}
}

/*
 * Beyond the device's own bytes. The rest of a page that is mapped for a BAR smaller than it is
 * nobody's. Each read of the others is an exit, and there may be many, all alike: the edges of
 * pages will do.
 */
static void expect_beyond(struct walk *w, const struct bar *b)
{
	uint64_t own = head(w)->sizes[b->number], page = head(w)->page_size, at;

	if (head(w)->mmap[b->number])
		own = (own + page - 1) / page * page;
	if (b->is_io || own >= b->size)
		return;
	memset(w->bytes + own, 0xff, b->size - own);
	for (at = own; at < b->size; at++)
		if ((at + WIDTH_MAX) % EDGES < 2 * WIDTH_MAX)
			w->kinds[at] = BEYOND;
}

static void expect_virtual(struct walk *w, const struct bar *b, const struct place *p)
{
	uint64_t at;

	if (p->bar != (int)b->number)
		return;
	if (p->offset + p->size > b->size) {
		complain(w, b, b->size, 0, b->size, p->offset + p->size);
		return;
	}
	memset(w->kinds + p->offset, VIRTUAL, p->size);
	memset(w->bytes + p->offset, 0, p->size);
	for (at = PCI_MSIX_ENTRY_VECTOR_CTRL; p == &w->table && at < p->size; at += ENTRY_SIZE)
		w->bytes[p->offset + at] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

static uint64_t read_bar(const struct bar *b, uint64_t offset, unsigned width)
{
	uint64_t value = 0;

	if (b->map)
		return load(b->map + offset, width);
	if (pread(b->fd, &value, width, (off_t)offset) != (ssize_t)width)
		die("ports");
	return value;
}

static void walk_bar(struct walk *w, const struct bar *b, unsigned width)
{
	uint64_t at, is, want;

	memset(w->kinds, UNKNOWN, b->size);
	expect_beyond(w, b);
	expect_own(w, b, width);
	expect_virtual(w, b, &w->table);
	expect_virtual(w, b, &w->pba);
	for (at = 0; at < b->size; at += width) {
		if (memchr(w->kinds + at, UNKNOWN, width))
			continue;
		want = 0;
		memcpy(&want, w->bytes + at, width);
		is = read_bar(b, at, width);
		w->reads[w->kinds[at]]++;
		if (is != want)
			complain(w, b, at, width, is, want);
	}
}

static void open_bar(const struct walk *w, struct bar *b)
{
	char name[16];
	void *map;

	snprintf(name, sizeof(name), "resource%u", b->number);
	b->fd = open_file(w, name, O_RDWR | O_SYNC);
	if (b->is_io)
		return;
	map = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd, 0);
	if (map == MAP_FAILED)
		die(name);
	b->map = map;
}

static void walk_device(struct walk *w)
{
	FILE *resources = fdopen(open_file(w, "resource", O_RDONLY), "r");
	unsigned long long first, last, flags;
	struct bar b = {0};
	unsigned width;

	for (; b.number < BARS; b.number++) {
		if (!resources || fscanf(resources, "%llx %llx %llx", &first, &last, &flags) != 3)
			die("resource");
		b.size = last ? last - first + 1 : 0;
		b.is_io = !!(flags & RESOURCE_IO);
		b.map = NULL;
		if (b.size)
			open_bar(w, &b);
		w->kinds = realloc(w->kinds, b.size + 1);
		w->bytes = realloc(w->bytes, b.size + 1);
		if (!w->kinds || !w->bytes)
			die("memory");
		for (width = 1; width <= (b.is_io ? 4 : WIDTH_MAX); width *= 2)
			walk_bar(w, &b, width);
	}
}

int main(int argc, char **argv)
{
	struct walk w = {0};
	struct place table;

	if (argc < 4) {
		fprintf(stderr, "usage: barwalk DEVICE FILE virtual|own\n");
		return 2;
	}
	w.device = argv[1];
	read_file(&w, argv[2]);
	find_table(&w);
	table = w.table;
	if (!strcmp(argv[3], "own"))
		w.table.bar = w.pba.bar = -1;
	walk_device(&w);
	printf("table=%d:0x%llx mapped=%llu served=%llu virtual=%llu beyond=%llu wrong=%llu\n",
	       table.bar, (unsigned long long)table.offset, (unsigned long long)w.reads[MAPPED],
	       (unsigned long long)w.reads[SERVED], (unsigned long long)w.reads[VIRTUAL],
	       (unsigned long long)w.reads[BEYOND], (unsigned long long)w.wrong);
	return 0;
}
