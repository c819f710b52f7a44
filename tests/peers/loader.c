/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The same as linux-loader/src/main.rs, by carillon: what it does with kernels and command lines.
 *
 * usage: loader cmdline <LINES | loader kernel FILE...
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../x86/layout.h"
#include "../../x86/protocol.h"

#define RAM	  (256 * MIB)
#define LINE_ROOM 4096

/* FNV-1a of memory from the first byte that isn't 0 to the last one, and where that first one is.
 */
static uint64_t sum(const struct guest_memory *memory, uint64_t *first)
{
	const uint8_t *ram = memory->banks[0].host;
	uint64_t at = HIGH_MEMORY_ADDR, end = RAM, hash = 0xcbf29ce484222325;

	while (at < end && !ram[at])
		at++;
	while (end > at && !ram[end - 1])
		end--;
	for (*first = at; at < end; at++)
		hash = (hash ^ ram[at]) * 0x100000001b3;
	return hash;
}

static int load(struct boot *b, const char *path)
{
	uint64_t n;
	int ret = boot_open(&b->kernel, path, NULL);

	if (ret)
		return ret;
	n = b->kernel.size < BOOT_HEAD ? b->kernel.size : BOOT_HEAD;
	ret = boot_read(&b->kernel, 0, b->head, n, NULL);
	if (ret)
		return ret;
	if (bzimage_is(b->head))
		return bzimage_load(b, NULL);
	return boot_elf_is(b->head) ? elf_load(b, NULL) : -ENOEXEC;
}

static void print_kernel(const char *path)
{
	const struct range ram = {0, RAM};
	const struct arch_config config = {.ram = RAM};
	const struct arch_layout layout = {.ram = {ram}, .n_ram = 1};
	const struct arch_parts parts = {.n_slots = 0};
	const struct guest_memory_options opt = {0};
	struct vm vm = {0};
	struct boot b = {.vm = &vm,
			 .parts = &parts,
			 .config = &config,
			 .layout = &layout,
			 .kernel.fd = -1,
			 .initrd.fd = -1};
	uint64_t first, hash;

	if (guest_memory_create(&vm.memory, &ram, 1, &opt, NULL) || load(&b, path)) {
		printf("%s: refused\n", path);
	} else {
		hash = sum(&vm.memory, &first);
		if (bzimage_is(b.head))
			printf("%s: bzImage sum=%llx\n", path, (unsigned long long)hash);
		else
			printf("%s: ELF entry=%llx first=%llx sum=%llx\n", path,
			       (unsigned long long)b.entry.address, (unsigned long long)first,
			       (unsigned long long)hash);
	}
	boot_close(&b.kernel);
	guest_memory_destroy(&vm.memory);
}

int main(int argc, char **argv)
{
	char line[LINE_ROOM];
	int i;

	if (argc > 1 && strcmp(argv[1], "cmdline")) {
		for (i = 2; i < argc; i++)
			print_kernel(argv[i]);
		return 0;
	}
	while (fgets(line, sizeof(line), stdin)) {
		struct text t = {0};

		line[strcspn(line, "\n")] = 0;
		cmdline_build(line, 2, &t);
		puts(t.data);
		text_free(&t);
	}
	return 0;
}
