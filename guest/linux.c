/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * linux: lib.h for a process of Linux: root's, in a guest whose virtio devices have no drivers. Its
 * memory is a huge page, mapped where it is physically, as BARs are.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib.h"

#define FUNCTION_DIR "/sys/bus/pci/devices/0000:00:%02x.%x/%s"
#define SLOTS_DIR    "/sys/bus/platform/devices/"
#define SLOT_BYTES   0x1000
/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGE_PRESENT (1ULL << 63)
#define PFN_MASK     ((1ULL << 55) - 1)

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(2);
}

void print(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	fflush(stdout);
}

bool same(const char *a, const char *b)
{
	return !strcmp(a, b);
}

void fill_words(uintptr_t at, uint32_t bytes, uint32_t value)
{
	uintptr_t end = at + bytes;

	for (; at < end; at += 4)
		*reg32(at) = value;
}

bool has_words(uintptr_t at, uint32_t bytes, uint32_t value)
{
	uintptr_t end = at + bytes;

	while (at < end && *reg32(at) == value)
		at += 4;
	return at == end;
}

/* ---- PCI ----------------------------------------------------------------------------------------
 */

/* A file of a function's folder; -1: there is no such function. */
static int open_function(unsigned devfn, const char *name, int how)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), FUNCTION_DIR, devfn >> 3, devfn & 7, name);
	fd = open(path, how | O_CLOEXEC);
	must(fd >= 0 || errno == ENOENT, path);
	return fd;
}

uint32_t pci_read(unsigned devfn, unsigned reg)
{
	int fd = open_function(devfn, "config", O_RDONLY);
	uint32_t v = 0xffffffff;

	if (fd < 0)
		return v;
	must(pread(fd, &v, sizeof(v), reg & 0xfc) == sizeof(v), "configuration space");
	close(fd);
	return v;
}

void pci_write(unsigned devfn, unsigned reg, uint32_t v)
{
	int fd = open_function(devfn, "config", O_WRONLY);

	must(fd >= 0 && pwrite(fd, &v, sizeof(v), reg & 0xfc) == sizeof(v), "configuration space");
	close(fd);
}

/* Map a file, from this offset on, at this address, unless that was done before. */
static void map_at(uintptr_t address, size_t bytes, int fd, uint64_t offset)
{
	void *at = mmap((void *)address, bytes, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_FIXED_NOREPLACE, fd, (off_t)offset);

	must(at == (void *)address || errno == EEXIST, "mmap");
}

/* The files' lines are the BARs' first and last address, as the CPU sees them, and flags. */
uintptr_t pci_memory(unsigned devfn, unsigned bar)
{
	uint64_t first = 0, last = 0;
	char name[32];
	FILE *lines = fdopen(open_function(devfn, "resource", O_RDONLY), "r");
	unsigned i;
	int fd;

	must(lines, "BARs");
	for (i = 0; i <= bar; i++)
		must(fscanf(lines, "%" SCNx64 " %" SCNx64 " %*x", &first, &last) == 2, "BARs");
	fclose(lines);
	snprintf(name, sizeof(name), "resource%u", bar);
	fd = open_function(devfn, name, O_RDWR);
	must(fd >= 0, "BARs");
	map_at(first, last - first + 1, fd, 0);
	close(fd);
	return first;
}

/* Each is called by its address. */
uintptr_t mmio_slot(unsigned n)
{
	uintptr_t address = 0;
	glob_t found = {0};
	int fd;

	if (!glob(SLOTS_DIR "*.virtio", 0, NULL, &found) && n < found.gl_pathc) {
		address = strtoul(found.gl_pathv[n] + strlen(SLOTS_DIR), NULL, 16);
		fd = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
		must(fd >= 0, "/dev/mem");
		map_at(address, SLOT_BYTES, fd, address);
		close(fd);
	}
	globfree(&found);
	return address;
}

/* ---- the machine --------------------------------------------------------------------------------
 */

static uint64_t physical(void *at)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	must(fd >= 0 && pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)at / page * 8)) == 8,
	     "pagemap");
	close(fd);
	must(entry & PAGE_PRESENT && entry & PFN_MASK, "where memory is");
	return (entry & PFN_MASK) * page;
}

static void one_huge_page(void)
{
	FILE *f = fopen("/proc/sys/vm/nr_hugepages", "w");

	must(f && fputs("1", f) >= 0 && !fclose(f), "a huge page");
}

static uintptr_t find_memory(void)
{
	int fd = memfd_create("memory", MFD_CLOEXEC | MFD_HUGETLB);
	uint64_t *anywhere;
	uintptr_t address;

	one_huge_page();
	must(fd >= 0 && !ftruncate(fd, BOARD_MEMORY), "a huge page");
	anywhere = mmap(NULL, BOARD_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(anywhere != MAP_FAILED, "a huge page");
	*anywhere = 1;
	address = physical(anywhere);
	map_at(address, BOARD_MEMORY, fd, 0);
	return address;
}

/* /proc/iomem: what isn't indented is in nothing else. */
void board_find(struct board *b)
{
	FILE *lines = fopen("/proc/iomem", "r");
	uint64_t first, last;
	char line[128], name[BOARD_NAME];

	*b = (struct board){.memory = find_memory()};
	must(lines, "/proc/iomem");
	while (fgets(line, sizeof(line), lines)) {
		if (line[0] == ' ' ||
		    sscanf(line, "%" SCNx64 "-%" SCNx64 " : %31[^\n]", &first, &last, name) != 3)
			continue;
		if (same(name, "System RAM"))
			b->ram_end = last + 1;
		else if (!same(name, "reserved") && b->n_others < BOARD_OTHERS_MAX) {
			b->others[b->n_others].address = first;
			strcpy(b->others[b->n_others++].name, name);
		}
	}
	fclose(lines);
	must(b->ram_end && b->n_others, "/proc/iomem");
}

void end(const char *name, const char *failure)
{
	if (failure)
		print("%s: FAIL %s\n", name, failure);
	else
		print("%s: PASS\n", name);
	exit(failure ? EXIT_FAILURE : EXIT_SUCCESS);
}

const char *command_line(const void *start_info)
{
	return start_info;
}

int main(int argc, char **argv)
{
	guest_main(argc > 1 ? argv[1] : "");
}
