/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Kernels, good and hostile, into a partition that is ready to run. */
#include <criterion/criterion.h>
#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../folder.h"
#include "partition.h"

#define RAM (8 * MIB)
/* Where what is behind the good kernel, its tree and the firmware begins. */
#define ABOVE_FIRMWARE (0x20000 + MIB + RTAS_ROOM)

static char kernel[FOLDER_PATH + 8], initrd[FOLDER_PATH + 8], dump[FOLDER_PATH + 8];
static struct arch_config config;
static struct arch_layout layout;
static struct error err;
static uint64_t host_page;

static void write_file_of(const char *path, const void *bytes, size_t n, off_t size)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	cr_assert(!n || fwrite(bytes, n, 1, f) == 1);
	cr_assert(!fclose(f) && !truncate(path, size));
}

static void start(void)
{
	char dir[FOLDER_PATH];

	folder_make(dir);
	snprintf(kernel, sizeof(kernel), "%s/vmlinux", dir);
	snprintf(initrd, sizeof(initrd), "%s/initrd", dir);
	snprintf(dump, sizeof(dump), "%s/dtb", dir);
	partition_start(RAM);
	memset(p.ram, 0xa5, RAM);
	config = (struct arch_config){.cpus = CPUS, .kernel = kernel, .no_tce_acceleration = true};
	layout = (struct arch_layout){.ram = {{0, RAM}}, .n_ram = 1};
	layout.pci.bar_align = 64 * KIB;
	host_page = 64 * KIB;
}

static void finish(void)
{
	unlink(kernel);
	unlink(initrd);
	unlink(dump);
	*strrchr(kernel, '/') = 0;
	cr_assert_eq(rmdir(kernel), 0);
	partition_finish();
}

TestSuite(powerpc_load, .init = start, .fini = finish);

static int load(void)
{
	const struct arch_parts parts = {&p.bus, &p.vfio, 0};

	err.text[0] = 0;
	p.begun = 0;
	dma_destroy(p.m);
	memset(p.host[0].windows, 0, sizeof(p.host[0].windows));
	memset(p.host[1].windows, 0, sizeof(p.host[1].windows));
	return arch_load(&p.rec.vm, &parts, &config, &layout, &err);
}

static void refuses(int code, const char *text)
{
	cr_expect_eq(load(), -code, "%s", err.text);
	cr_expect(strstr(err.text, text), "'%s' has no '%s'", err.text, text);
	cr_expect_eq(strncmp(err.text, kernel, strlen(kernel)) &&
			     strncmp(err.text, initrd, strlen(initrd)) &&
			     strncmp(err.text, "kernel", 6),
		     0, "'%s' names nothing", err.text);
	cr_expect_eq(p.begun, 0);
}

/* A vmlinux of two segments, the second with a .bss behind it. */
struct program {
	Elf64_Ehdr head;
	Elf64_Phdr segments[2];
	uint8_t text[0x1000], data[0x800];
};

static struct program good(void)
{
	struct program k = {.head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB},
				     .e_type = ET_DYN,
				     .e_machine = EM_PPC64,
				     .e_entry = 0xc000000000000100,
				     .e_phoff = offsetof(struct program, segments),
				     .e_phentsize = sizeof(Elf64_Phdr),
				     .e_phnum = 2},
			    .segments = {{.p_type = PT_LOAD,
					  .p_offset = offsetof(struct program, text),
					  .p_paddr = 0xc000000000000000,
					  .p_filesz = sizeof(k.text),
					  .p_memsz = sizeof(k.text)},
					 {.p_type = PT_LOAD,
					  .p_offset = offsetof(struct program, data),
					  .p_paddr = 0x10000,
					  .p_filesz = sizeof(k.data),
					  .p_memsz = 0x3000}}};

	memset(k.text, 0x11, sizeof(k.text));
	memset(k.data, 0x22, sizeof(k.data));
	return k;
}

static void set_kernel(const struct program *k)
{
	write_file_of(kernel, k, sizeof(*k), sizeof(*k));
}

static bool all(uint64_t from, uint64_t to, uint8_t value)
{
	for (; from < to; from++)
		if (p.ram[from] != value)
			return false;
	return true;
}

static uint64_t property(const char *path, const char *name)
{
	const void *tree = p.ram + p.begun_r3;
	int len;
	const fdt32_t *c = fdt_getprop(tree, fdt_path_offset(tree, path), name, &len);

	cr_assert(c && (len == 4 || len == 8), "%s", name);
	return len == 4 ? fdt32_to_cpu(c[0])
			: (uint64_t)fdt32_to_cpu(c[0]) << 32 | fdt32_to_cpu(c[1]);
}

Test(powerpc_load, a_partition_that_is_ready)
{
	static const uint32_t code[] = {0x7c641b78, 0x3c600000, 0x6063f000, 0x44000022, 0x4e800020};
	struct program k = good();
	uint64_t rtas, initrd_at, base, size;
	uint8_t disk[5000];
	unsigned i;

	set_kernel(&k);
	memset(disk, 0x33, sizeof(disk));
	write_file_of(initrd, disk, sizeof(disk), sizeof(disk));
	config.initrd = initrd;
	config.params = "quiet";
	config.dump_dtb = dump;
	cr_assert_eq(load(), 0, "%s", err.text);
	cr_expect_eq(p.begun, 1);
	cr_expect_eq(p.begun_cpu, 0);
	cr_expect_eq(p.begun_pc, 0x100, "in real mode");
	cr_expect(all(0, 0x1000, 0x11));
	cr_expect(all(0x10000, 0x10800, 0x22));
	cr_expect(all(0x10800, 0x13000, 0));
	cr_assert_eq(fdt_check_full(p.ram + p.begun_r3, RAM - p.begun_r3), 0);
	initrd_at = property("/chosen", "linux,initrd-start");
	cr_expect_geq(initrd_at, 0x13000);
	cr_expect_eq(property("/chosen", "linux,initrd-end"), initrd_at + sizeof(disk));
	cr_expect(all(initrd_at, initrd_at + sizeof(disk), 0x33));
	/* The firmware, in words of its own byte order, where the kernel leaves it alone. */
	rtas = property("/rtas", "linux,rtas-entry");
	cr_assert_eq(fdt_get_mem_rsv(p.ram + p.begun_r3, 0, &base, &size), 0);
	cr_expect_eq(base, rtas);
	cr_expect_leq(base + size, initrd_at);
	cr_expect_geq(rtas, p.begun_r3 + fdt_totalsize(p.ram + p.begun_r3));
	for (i = 0; i < ARRAY_SIZE(code); i++)
		cr_expect_eq(ram32(rtas + 4 * i), code[i]);
	/* Each function with its group's window; the bridge has no node. */
	cr_expect_eq(property("/pci@800000020000000/pci1b36,10@1", "vendor-id"), 0x1b36);
	cr_expect_not_null(fdt_getprop(
		p.ram + p.begun_r3,
		fdt_path_offset(p.ram + p.begun_r3, "/pci@800000020000000/pci1b36,11@2"),
		"ibm,dma-window", NULL));
	cr_expect_lt(fdt_path_offset(p.ram + p.begun_r3, "/pci@800000020000000/pci1b36,14@0"), 0);
	cr_expect_eq(access(dump, R_OK), 0);
}

Test(powerpc_load, a_flat_image)
{
	static const uint8_t first[][4] = {{0x08, 0, 0, 0x48}, {0x48, 0, 0, 0x08}};
	uint8_t image[0x2001];
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(first); i++) {
		memset(image, 0x44, sizeof(image));
		memcpy(image, first[i], 4);
		write_file_of(kernel, image, sizeof(image), sizeof(image));
		cr_assert_eq(load(), 0, "%s", err.text);
		cr_expect_eq(p.begun_pc, 0);
		cr_expect(all(4, sizeof(image), 0x44));
		cr_expect_geq(p.begun_r3, 2 * sizeof(image), "with room for its .bss");
	}
}

Test(powerpc_load, flat_images_that_do_not_fit)
{
	static const uint8_t first[] = {0x48, 0, 0, 0x08};
	/* With twice its size there is room for the tree and the firmware, or not quite. */
	const off_t fits = (RAM - MIB - RTAS_ROOM) / 2;

	write_file_of(kernel, first, sizeof(first), fits);
	cr_expect_eq(load(), 0, "%s", err.text);
	write_file_of(kernel, first, sizeof(first), fits + 1);
	refuses(ENOMEM, "give it more with -m");
	write_file_of(kernel, first, sizeof(first), RAM + 1);
	refuses(ENOMEM, "is an image of 8 MiB, and the guest's memory has 8 MiB; give it more");
}

Test(powerpc_load, what_is_no_kernel)
{
	struct program k = good();

	write_file_of(kernel, "", 0, 0);
	refuses(ENOEXEC, "neither an ELF vmlinux nor a flat image");
	write_file_of(kernel, "\x08", 1, 1);
	refuses(ENOEXEC, "neither");
	write_file_of(kernel, "MZ there", 8, 8);
	refuses(ENOEXEC, "neither");
	write_file_of(kernel, "\x1f\x8b\x08 gzip", 8, 8);
	refuses(ENOEXEC, "compressed with gzip; unpack it");
	k.head.e_machine = EM_X86_64;
	set_kernel(&k);
	refuses(ENOEXEC, "no 64-bit POWER program");
	k = good();
	write_file_of(kernel, &k, sizeof(k), 63);
	refuses(ENOEXEC, "truncated");
	write_file_of(kernel, &k, sizeof(k), sizeof(k) - 1);
	refuses(ENOEXEC, "truncated");
	unlink(kernel);
	refuses(ENOENT, "No such file");
}

Test(powerpc_load, branches_that_lead_nowhere_in_the_file)
{
	static const uint8_t first[][4] = {
		{0x48, 0, 0, 0x40},	  /* behind its end */
		{0x4b, 0xff, 0xff, 0xf0}, /* backwards */
		{0x48, 0, 0, 0},	  /* to itself */
		{0x48, 0, 0, 0x0a},	  /* to an address */
		{0x48, 0, 0, 0x09},	  /* with a link */
	};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(first); i++) {
		write_file_of(kernel, first[i], sizeof(first[i]), 64);
		refuses(ENOEXEC, "neither an ELF vmlinux nor a flat image");
	}
}

Test(powerpc_load, segments_that_do_not_fit)
{
	struct program k;

#define REFUSED(change, code, text)  \
	do {                         \
		k = good();          \
		change;              \
		set_kernel(&k);      \
		refuses(code, text); \
	} while (0)
	REFUSED(k.segments[1].p_paddr = RAM, ENOMEM, "-m");
	REFUSED(k.segments[1].p_paddr = RAM - 0x2fff, ENOMEM, "-m");
	REFUSED(k.segments[1].p_paddr = 0xcfffffffffffffff, ENOMEM, "-m");
	REFUSED(k.segments[1].p_memsz = UINT64_MAX, ENOMEM, "-m");
	REFUSED(k.segments[1].p_memsz = RAM, ENOMEM, "-m");
	REFUSED(k.segments[0].p_memsz = 0, ENOEXEC, "more bytes in the file");
	REFUSED(k.segments[0].p_offset = UINT64_MAX, ENOEXEC, "truncated");
	REFUSED(k.head.e_entry = 0xc000000000013000, ENOEXEC, "entry outside");
	REFUSED(k.head.e_entry = UINT64_MAX, ENOEXEC, "entry outside");
	REFUSED(k.segments[0].p_type = k.segments[1].p_type = PT_NULL, ENOEXEC, "entry outside");
	/* To the last byte it is the kernel's, and there is no room for what it needs. */
	REFUSED(k.segments[1].p_paddr = RAM - 0x3000, ENOMEM, "give it more with -m");
#undef REFUSED
}

Test(powerpc_load, initrds_that_do_not_fit)
{
	struct program k = good();

	set_kernel(&k);
	config.initrd = initrd;
	write_file_of(initrd, "", 0, 0);
	refuses(EINVAL, "the initrd is empty");
	write_file_of(initrd, "", 0, RAM);
	refuses(ENOMEM, "give it more with -m");
	/* Behind the kernel, the tree and the firmware there is room for so much. */
	write_file_of(initrd, "", 0, RAM - ABOVE_FIRMWARE + 1);
	refuses(ENOMEM, "give it more with -m");
	write_file_of(initrd, "", 0, RAM - ABOVE_FIRMWARE);
	cr_expect_eq(load(), 0, "%s", err.text);
	cr_expect_eq(property("/chosen", "linux,initrd-end"), RAM);
}

/* What begins without an MMU lies where memory is reached without it. */
Test(powerpc_load, firmware_that_is_out_of_reach)
{
	struct program k = good();

	set_kernel(&k);
	p.m->hash_order = 11;
	refuses(EFBIG, "(to 0 MiB) leaves no room for device tree and firmware in the 1 MiB");
	cr_expect(strstr(err.text, "--cpu mmu=radix"), "%s", err.text);
	p.m->hash_order = 12;
	cr_expect_eq(load(), 0, "%s", err.text);
	cr_expect_geq(fdt_path_offset(p.ram + p.begun_r3, "/memory@200000"), 0);
}

/* Firmware is called by addresses of 32 bits. */
Test(powerpc_load, a_kernel_that_drives_firmware_out)
{
	const uint64_t size = 5 * GIB;
	struct ram_bank *bank = &p.rec.vm.memory.banks[0];
	struct program k = good();

	bank->host = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	cr_assert_neq((void *)bank->host, MAP_FAILED);
	bank->size = layout.ram[0].size = size;
	k.segments[1].p_paddr = 4 * GIB - 64 * KIB;
	set_kernel(&k);
	refuses(EFBIG, "in the 4096 MiB that are reached without an MMU; use a smaller one");
	munmap(bank->host, size);
}

Test(powerpc_load, parameters)
{
	struct program k = good();
	static char params[2048 + 1];

	set_kernel(&k);
	config.params = params;
	memset(params, 'x', 2048);
	refuses(E2BIG, "kernel parameters: 2048 characters, POWER kernels take 2047");
	params[2047] = 0;
	cr_expect_eq(load(), 0, "%s", err.text);
}

Test(powerpc_load, a_cpu_that_kvm_refuses)
{
	struct program k = good();

	set_kernel(&k);
	p.begin_errno = EIO;
	cr_expect_eq(load(), -EIO);
	cr_expect(strstr(err.text, "vCPU 0"), "%s", err.text);
}

/* ---- what the host must have -------------------------------------------------------------------
 */

/* Another machine, with a controller of its own. */
static int create(unsigned cpus)
{
	static struct recorder rec;
	static struct chip others;
	int ret;

	recorder_init_gsis(&rec, SOURCE_MSI_FIRST, SOURCE_END);
	rec.vm.fd = p.rec.vm.fd;
	rec.vm.mmio.page_size = host_page;
	others = p.chip;
	p.chip = (struct chip){.device_errno = others.device_errno,
			       .source_errno = others.source_errno};
	p.n_tokens = 0;
	config.cpus = cpus;
	ret = arch_create(&rec.vm, &config, &err);
	arch_destroy(&rec.vm);
	recorder_destroy(&rec);
	p.chip = others;
	return ret;
}

Test(powerpc_load, hosts_that_can_not)
{
	static const long caps[] = {KVM_CAP_PPC_PAPR, KVM_CAP_IRQ_XICS, KVM_CAP_PPC_RTAS};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		p.lacks = caps[i];
		cr_expect_eq(create(1), -ENOTSUP);
		cr_expect(strstr(err.text, "KVM-HV"), "%s", err.text);
	}
	p.lacks = -1;
	p.n_enabled = 0;
	cr_expect_eq(create(512), 0);
	cr_expect_eq(create(513), -EINVAL);
	cr_expect(strstr(err.text, "use -c 512"), "%s", err.text);
}

Test(powerpc_load, the_controller_that_the_host_has)
{
	config.irqchip = "xics";
	p.lacks = KVM_CAP_PPC_IRQ_XIVE;
	cr_assert_eq(create(1), 0, "%s", err.text);
	config.irqchip = "xive";
	cr_expect_eq(create(1), -ENOTSUP);
	cr_expect_str_eq(err.text, "--irqchip xive: this host's KVM can't: it takes a host on bare "
				   "metal, POWER9 or later, that uses its own XIVE; use --irqchip "
				   "xics");
	p.lacks = -1;
	host_page = 4 * KIB;
	cr_expect_eq(create(1), -ENOTSUP);
	cr_expect_str_eq(err.text, "--irqchip xive: it takes a host kernel with pages of 64 KiB, "
				   "this one has 4 KiB; use --irqchip xics");
	config.irqchip = "gicv3";
	cr_expect_eq(create(1), -EINVAL);
}

Test(powerpc_load, a_controller_that_kvm_refuses)
{
	static const char *const chips[] = {"xics", "xive"};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(chips); i++) {
		config.irqchip = chips[i];
		p.chip.device_errno = EEXIST;
		cr_expect_eq(create(1), -EEXIST);
		cr_expect(!strncmp(err.text, chips[i], 4), "%s", err.text);
		p.chip.device_errno = 0;
		p.chip.source_errno = ENXIO;
		cr_expect_eq(create(1), -ENXIO);
		cr_expect(!strncmp(err.text, chips[i], 4), "%s", err.text);
		cr_expect(strstr(err.text, "source 0x"), "%s", err.text);
		p.chip.source_errno = 0;
	}
}

/* Radix where there is both; hash where there is no radix, with a table for the guest's memory. */
Test(powerpc_load, the_mmu_that_the_host_has)
{
	p.lacks = -1;
	config.ram = GIB;
	cr_assert_eq(create(1), 0, "%s", err.text);
	cr_expect_eq(p.hash_order, 0, "radix needs no table");
	p.lacks = KVM_CAP_PPC_MMU_RADIX;
	cr_assert_eq(create(1), 0, "%s", err.text);
	cr_expect_eq(p.hash_order, 23, "1/128 of 1 GiB");
	config.cpu = "mmu=radix";
	cr_expect_eq(create(1), -ENOTSUP);
	cr_expect_str_eq(err.text, "--cpu mmu=radix: this host's KVM can't; it has: mmu=hash");
	p.lacks = KVM_CAP_PPC_MMU_HASH_V3;
	config.cpu = "mmu=hash";
	cr_expect_eq(create(1), -ENOTSUP);
	cr_expect_str_eq(err.text, "--cpu mmu=hash: this host's KVM can't; it has: mmu=radix");
}

static void expect_segments(uint64_t page, const uint32_t *cells, unsigned n)
{
	const fdt32_t *c;
	unsigned i;
	int len;

	p.rec.vm.memory.page = page;
	cr_assert_eq(load(), 0, "%s", err.text);
	c = fdt_getprop(p.ram + p.begun_r3,
			fdt_path_offset(p.ram + p.begun_r3, "/cpus/PowerPC,POWER@0"),
			"ibm,segment-page-sizes", &len);
	cr_assert_eq(len, (int)(n * sizeof(*c)), "%d bytes", len);
	for (i = 0; i < n; i++)
		cr_expect_eq(fdt32_to_cpu(c[i]), cells[i], "cell %u", i);
}

/* KVM refuses a page that is larger than what is behind it, and Linux then has no memory there. */
Test(powerpc_load, pages_of_a_hash_mmu_are_no_larger_than_those_behind_them)
{
	static const uint32_t all[] = {12, 0, 2,  12, 0,  24,	 56, 16, 0x110, 2,
				       16, 1, 24, 8,  24, 0x100, 1,  24, 0};
	static const uint32_t small[] = {12, 0, 1, 12, 0};
	static const uint32_t medium[] = {12, 0, 1, 12, 0, 16, 0x110, 1, 16, 1};
	struct program k = good();

	set_kernel(&k);
	p.m->radix = false;
	p.m->hash_order = 18;
	expect_segments(4 * KIB, small, ARRAY_SIZE(small));
	expect_segments(64 * KIB, medium, ARRAY_SIZE(medium));
	expect_segments(2 * MIB, medium, ARRAY_SIZE(medium));
	expect_segments(16 * MIB, all, ARRAY_SIZE(all));
	p.any_page = true;
	expect_segments(4 * KIB, all, ARRAY_SIZE(all));
}
