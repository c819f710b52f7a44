/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What a PVH guest finds: struct hvm_start_info and what it points to (Xen, docs/misc/pvh). */
#include "protocol.h"
#include "layout.h"

#define PVH_MAGIC   0x336ec578
#define PVH_VERSION 1 /* with a memory map */

struct pvh_start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
	uint32_t memmap_entries, reserved;
};

struct pvh_module {
	uint64_t paddr, size, cmdline_paddr, reserved;
};

struct pvh_memory {
	uint64_t addr, size;
	uint32_t type, reserved;
};

_Static_assert(sizeof(struct pvh_start_info) == 56, "start info version 1");
_Static_assert(sizeof(struct pvh_module) == 32, "module list entry");
_Static_assert(sizeof(struct pvh_memory) == 24, "memory map entry");

static int write_memory_map(struct boot *b, unsigned *n, struct error *err)
{
	struct memory_entry map[MEMORY_ENTRIES_MAX];
	struct pvh_memory out[MEMORY_ENTRIES_MAX];
	unsigned i;

	*n = memory_map(b->layout, map);
	for (i = 0; i < *n; i++)
		out[i] = (struct pvh_memory){
			.addr = map[i].range.base, .size = map[i].range.size, .type = map[i].type};
	return boot_write(b, PVH_MEMMAP_ADDR, out, *n * sizeof(out[0]), err);
}

int pvh_info(struct boot *b, struct error *err)
{
	struct pvh_start_info info = {
		.magic = PVH_MAGIC,
		.version = PVH_VERSION,
		.cmdline_paddr = CMDLINE_ADDR,
		.rsdp_paddr = ACPI_ADDR,
		.memmap_paddr = PVH_MEMMAP_ADDR,
	};
	struct pvh_module initrd = {.paddr = b->initrd_at.base, .size = b->initrd_at.size};
	int ret = write_memory_map(b, &info.memmap_entries, err);

	if (!ret && initrd.size) {
		info.nr_modules = 1;
		info.modlist_paddr = PVH_MODLIST_ADDR;
		ret = boot_write(b, PVH_MODLIST_ADDR, &initrd, sizeof(initrd), err);
	}
	return ret ?: boot_write(b, PVH_INFO_ADDR, &info, sizeof(info), err);
}
