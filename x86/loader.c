/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* arch_load(): tables, kernel, initrd, and the first vCPU's registers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acpi.h"
#include "protocol.h"
#include "layout.h"
#include "mptable.h"
#include "vcpu.h"

/*
 * Linux trusts EFI alone to reset a hardware-reduced machine, and without EFI jumps to ffff:0000,
 * where a PC has its BIOS (arch/x86/kernel/reboot.c). So the reset register is written from there.
 */
static int write_reset_vector(struct boot *b, struct error *err)
{
	static const uint8_t code[] = {
		0xba, PORT_RESET & 0xff, PORT_RESET >> 8, /* mov dx, PORT_RESET */
		0xb0, RESET_VALUE,			  /* mov al, RESET_VALUE */
		0xee,					  /* out dx, al */
		0xf4,					  /* hlt */
	};

	return boot_write(b, RESET_VECTOR_ADDR, code, sizeof(code), err);
}

static int write_tables(struct boot *b, struct error *err)
{
	struct acpi_machine m = {
		.cpus = b->config->cpus, .windows = b->layout->pci, .n_slots = b->parts->n_slots};
	uint8_t *tables = malloc(ACPI_ROOM);
	size_t n;
	int ret;

	if (!tables)
		return fail(err, ENOMEM, "ACPI tables: out of memory");
	n = acpi_build(&m, ACPI_ADDR, tables, ACPI_ROOM);
	ret = n ? boot_write(b, ACPI_ADDR, tables, n, err)
		: fail(err, E2BIG,
		       "ACPI tables: %u CPUs make them larger than 120K; use -c with "
		       "fewer",
		       m.cpus);
	free(tables);
	return ret;
}

static int write_mptable(struct boot *b, struct error *err)
{
	uint8_t table[MPTABLE_ROOM];
	size_t n = mptable_build(b->config->cpus, MPTABLE_ADDR, table);

	return boot_write(b, MPTABLE_ADDR, table, n, err);
}

static int load_kernel(struct boot *b, struct error *err)
{
	const char *path = b->kernel.path, *compression;
	uint64_t n = b->kernel.size < BOOT_HEAD ? b->kernel.size : BOOT_HEAD;
	int ret = boot_read(&b->kernel, 0, b->head, n, err);

	if (ret)
		return ret;
	if (bzimage_is(b->head))
		return bzimage_load(b, err);
	if (boot_elf_is(b->head))
		return elf_load(b, err);
	compression = boot_compression(b->head);
	if (compression)
		return fail(err, ENOEXEC,
			    "%s: is compressed with %s; unpack it, or use the bzImage", path,
			    compression);
	return fail(err, ENOEXEC, "%s: is neither a bzImage nor an ELF vmlinux with a PVH note",
		    path);
}

int arch_load(struct vm *vm, const struct arch_parts *parts, const struct arch_config *config,
	      const struct arch_layout *layout, struct error *err)
{
	struct boot b = {.vm = vm,
			 .parts = parts,
			 .config = config,
			 .layout = layout,
			 .kernel.fd = -1,
			 .initrd.fd = -1};
	int ret = boot_open(&b.kernel, config->kernel, err);

	if (!ret && config->initrd)
		ret = boot_open(&b.initrd, config->initrd, err);
	if (!ret)
		ret = write_tables(&b, err);
	if (!ret)
		ret = write_mptable(&b, err);
	if (!ret)
		ret = write_reset_vector(&b, err);
	if (!ret)
		ret = load_kernel(&b, err);
	boot_close(&b.kernel);
	boot_close(&b.initrd);
	return ret ?: vcpu_boot(&vm->vcpus[0], &b.entry, err);
}
