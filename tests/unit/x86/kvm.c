/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The x86 machine on a real /dev/kvm: programs of a few instructions, by both boot protocols. */
#include <asm/bootparam.h>
#include <criterion/criterion.h>
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../../x86/cpuid.h"
#include "../../../x86/layout.h"

struct guest {
	struct vm vm;
	struct arch_config config;
	struct arch_layout layout;
	struct error err;
};

static bool have_kvm(void)
{
	return !access("/dev/kvm", R_OK | W_OK);
}

#define NEED_KVM()                                                             \
	do {                                                                   \
		if (!have_kvm())                                               \
			cr_skip_test("/dev/kvm is missing or not accessible"); \
	} while (0)

static void make_file(char path[32], const void *data, size_t n)
{
	int fd;

	strcpy(path, "/tmp/carillon-x86-XXXXXX");
	fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, data, n), (ssize_t)n);
	close(fd);
}

/* Up to the point where vCPUs would start. */
static int guest_create(struct guest *g, const char *kernel, const char *initrd, unsigned cpus)
{
	struct guest_memory_options opt = {0};
	struct pci_needs needs = {0};
	struct arch_host host = {.page_size = 4096};
	struct error *err = &g->err;

	g->config = (struct arch_config){.ram = 64 * MIB,
					 .cpus = cpus,
					 .kernel = kernel,
					 .initrd = initrd,
					 .params = "one=1"};
	cr_assert_eq(vm_create(&g->vm, NULL, &arch_vm_ops, err), 0, "%s", err->text);
	cr_assert_eq(arch_create(&g->vm, &g->config, err), 0, "%s", err->text);
	cr_assert_eq(vm_create_vcpus(&g->vm, cpus, err), 0, "%s", err->text);
	host.phys_bits = arch_phys_bits(g->vm.kvm);
	cr_assert_eq(arch_plan(&g->config, &host, &needs, &g->layout, err), 0);
	cr_assert_eq(vm_add_ram(&g->vm, g->layout.ram, g->layout.n_ram, &opt, err), 0);
	return arch_load(&g->vm, &(struct arch_parts){0}, &g->config, &g->layout, err);
}

static enum vm_end guest_run(struct guest *g)
{
	cr_assert_eq(vm_start_vcpus(&g->vm, &g->err), 0);
	loop_run(&g->vm.loop);
	vm_stop_vcpus(&g->vm);
	return g->vm.end;
}

static void guest_destroy(struct guest *g)
{
	arch_destroy(&g->vm);
	vm_destroy(&g->vm);
}

/* An ELF32 program: code at 1 MiB, a PVH note. */
static void make_elf(char path[32], const void *code, size_t n)
{
	struct {
		Elf32_Ehdr h;
		Elf32_Phdr load, note;
		uint32_t words[3];
		char name[4];
		uint32_t entry;
		uint8_t code[256];
	} f = {
		.h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB},
		      .e_type = ET_EXEC,
		      .e_machine = EM_386,
		      .e_phoff = sizeof(Elf32_Ehdr),
		      .e_phentsize = sizeof(Elf32_Phdr),
		      .e_phnum = 2},
		.load = {.p_type = PT_LOAD,
			 .p_paddr = 0x100000,
			 .p_filesz = (uint32_t)n,
			 .p_memsz = 0x2000},
		.note = {.p_type = PT_NOTE, .p_filesz = 20, .p_align = 4},
		.words = {4, 4, 18},
		.name = "Xen",
		.entry = 0x100000,
	};

	cr_assert_leq(n, sizeof(f.code));
	memcpy(f.code, code, n);
	f.load.p_offset = (uint32_t)((uint8_t *)f.code - (uint8_t *)&f);
	f.note.p_offset = (uint32_t)((uint8_t *)f.words - (uint8_t *)&f);
	make_file(path, &f, sizeof(f));
}

static enum vm_end run_elf(const void *code, size_t n)
{
	struct guest g = {0};
	char kernel[32];
	enum vm_end end;

	make_elf(kernel, code, n);
	cr_assert_eq(guest_create(&g, kernel, NULL, 1), 0, "%s", g.err.text);
	end = guest_run(&g);
	guest_destroy(&g);
	unlink(kernel);
	return end;
}

/* Power off through 0x600; at `fail`, reset through 0x602. */
#define POWER_OFF 0x66, 0xba, 0x00, 0x06, 0xb0, 0x34, 0xee, 0xf4, 0xeb, 0xfd
#define RESET	  0x66, 0xba, 0x02, 0x06, 0xb0, 0x06, 0xee, 0xf4, 0xeb, 0xfd

Test(x86_kvm, pvh_program_finds_start_info, .timeout = 60)
{
	static const uint8_t code[] = {
		0x81,	   0xfb,  0x00, 0x60, 0x00, 0x00, /* cmp ebx, 0x6000 */
		0x75,	   0x12,			  /* jne fail */
		0x81,	   0x3b,  0x78, 0xc5, 0x6e, 0x33, /* cmp dword [ebx], magic */
		0x75,	   0x0a,			  /* jne fail */
		POWER_OFF, RESET,
	};

	NEED_KVM();
	cr_expect_eq(run_elf(code, sizeof(code)), VM_POWEROFF);
}

Test(x86_kvm, resets, .timeout = 60)
{
	static const uint8_t by_register[] = {RESET};
	static const uint8_t by_keyboard[] = {
		0xe4,	   0x64,			 /* in al, 0x64 */
		0x84,	   0xc0,			 /* test al, al */
		0x75,	   0x06,			 /* jne: busy, and so power off */
		0xb0,	   0xfe, 0xe6, 0x64, 0xf4, 0xf4, /* out 0x64, 0xfe */
		POWER_OFF,
	};

	NEED_KVM();
	cr_expect_eq(run_elf(by_register, sizeof(by_register)), VM_RESET);
	cr_expect_eq(run_elf(by_keyboard, sizeof(by_keyboard)), VM_RESET);
}

Test(x86_kvm, bzimage_enters_long_mode, .timeout = 60)
{
	static const uint8_t code[] = {
		0x48,	   0x81,  0xfe, 0x00, 0x70, 0x00, 0x00, /* cmp rsi, 0x7000 */
		0x75,	   0x16,				/* jne fail */
		0x81,	   0xbe,  0x02, 0x02, 0x00, 0x00, /* cmp dword [rsi + 0x202], "HdrS" */
		0x48,	   0x64,  0x72, 0x53, 0x75, 0x0a, /* jne fail */
		POWER_OFF, RESET,
	};
	struct setup_header h = {.setup_sects = 1,
				 .syssize = 64,
				 .boot_flag = 0xaa55,
				 .jump = 0x6aeb,
				 .header = 0x53726448,
				 .version = 0x020f,
				 .loadflags = LOADED_HIGH,
				 .initrd_addr_max = 0x7fffffff,
				 .relocatable_kernel = 1,
				 .xloadflags = XLF_KERNEL_64,
				 .cmdline_size = 2047,
				 .pref_address = 0x1000000,
				 .init_size = 0x100000};
	uint8_t file[2048] = {0};
	struct boot_params zero;
	struct guest g = {0};
	char kernel[32], initrd[32], text[8];

	NEED_KVM();
	memcpy(file + 0x1f1, &h, sizeof(h));
	memcpy(file + 1024 + 0x200, code, sizeof(code));
	make_file(kernel, file, sizeof(file));
	make_file(initrd, "initrd!", 7);
	cr_assert_eq(guest_create(&g, kernel, initrd, 1), 0, "%s", g.err.text);
	cr_assert_eq(guest_memory_read(&g.vm.memory, 0x7000, &zero, sizeof(zero)), 0);
	cr_expect_eq(zero.hdr.type_of_loader, 0xff);
	cr_expect_eq(zero.hdr.cmd_line_ptr, 0x20000);
	cr_expect_eq(zero.hdr.ramdisk_image, 64 * MIB - 4096);
	cr_expect_eq(zero.hdr.ramdisk_size, 7);
	cr_expect_eq(zero.acpi_rsdp_addr, 0xe0000);
	cr_expect_eq(zero.e820_entries, 5);
	cr_expect_eq(zero.e820_table[2].size, 63 * MIB);
	cr_assert_eq(guest_memory_read(&g.vm.memory, 64 * MIB - 4096, text, 8), 0);
	cr_expect_arr_eq(text, "initrd!", 8);
	cr_assert_eq(guest_memory_read(&g.vm.memory, 0x20000, text, 6), 0);
	cr_expect_arr_eq(text, "one=1", 6);
	cr_expect_eq(guest_run(&g), VM_POWEROFF);
	guest_destroy(&g);
	unlink(kernel);
	unlink(initrd);
}

Test(x86_kvm, second_cpu_starts_by_sipi, .timeout = 60)
{
	/* SVR on; INIT, then SIPI 0x08 to all but self; wait. */
	static const uint8_t first[] = {
		0xc7, 0x05, 0xf0, 0x00, 0xe0, 0xfe, 0xff, 0x01, 0x00, 0x00, 0xc7,
		0x05, 0x00, 0x03, 0xe0, 0xfe, 0x00, 0x45, 0x0c, 0x00, 0xc7, 0x05,
		0x00, 0x03, 0xe0, 0xfe, 0x08, 0x46, 0x0c, 0x00, 0xf4, 0xeb, 0xfd,
	};
	/* Real mode: out 0x600, 0x34 */
	static const uint8_t second[] = {0xba, 0x00, 0x06, 0xb0, 0x34, 0xee, 0xf4};
	struct guest g = {0};
	char kernel[32];

	NEED_KVM();
	make_elf(kernel, first, sizeof(first));
	cr_assert_eq(guest_create(&g, kernel, NULL, 2), 0, "%s", g.err.text);
	cr_assert_eq(guest_memory_write(&g.vm.memory, 0x8000, second, sizeof(second)), 0);
	cr_expect_eq(guest_run(&g), VM_POWEROFF);
	cr_expect_gt(atomic_load(&g.vm.vcpus[1].exits[EXIT_IO]), 0);
	guest_destroy(&g);
	unlink(kernel);
}

/* SIPI 0xff starts at ff00:0000; the zeros from there on are `add [bx + si], al`. */
Test(x86_kvm, real_mode_reset_vector, .timeout = 60)
{
	static const uint8_t first[] = {
		0xc7, 0x05, 0xf0, 0x00, 0xe0, 0xfe, 0xff, 0x01, 0x00, 0x00, 0xc7,
		0x05, 0x00, 0x03, 0xe0, 0xfe, 0x00, 0x45, 0x0c, 0x00, 0xc7, 0x05,
		0x00, 0x03, 0xe0, 0xfe, 0xff, 0x46, 0x0c, 0x00, 0xf4, 0xeb, 0xfd,
	};
	struct guest g = {0};
	char kernel[32];

	NEED_KVM();
	make_elf(kernel, first, sizeof(first));
	cr_assert_eq(guest_create(&g, kernel, NULL, 2), 0, "%s", g.err.text);
	cr_expect_eq(guest_run(&g), VM_RESET);
	guest_destroy(&g);
	unlink(kernel);
}

Test(x86_kvm, every_vcpu_has_its_own_id, .timeout = 60)
{
	static const uint8_t code[] = {POWER_OFF};
	struct kvm_cpuid2 *t = calloc(1, sizeof(*t) + CPUID_ROOM * sizeof(struct kvm_cpuid_entry2));
	struct kvm_lapic_state apic;
	struct guest g = {0};
	uint32_t lint[2];
	char kernel[32];
	unsigned i;

	NEED_KVM();
	make_elf(kernel, code, sizeof(code));
	cr_assert_eq(guest_create(&g, kernel, NULL, 3), 0, "%s", g.err.text);
	for (i = 0; i < 3; i++) {
		t->nent = CPUID_ROOM;
		cr_assert_eq(ioctl(g.vm.vcpus[i].fd, KVM_GET_CPUID2, t), 0);
		cr_expect_eq(cpuid_find(t, 0xb, 1)->edx, i);
		cr_expect_eq(cpuid_find(t, 0xb, 1)->ebx, 3);
		cr_assert_eq(ioctl(g.vm.vcpus[i].fd, KVM_GET_LAPIC, &apic), 0);
		memcpy(&lint[0], apic.regs + 0x350, 4);
		memcpy(&lint[1], apic.regs + 0x360, 4);
		cr_expect_eq(lint[0] & 0x10700, 0x700);
		cr_expect_eq(lint[1] & 0x10700, 0x400);
	}
	guest_destroy(&g);
	unlink(kernel);
	free(t);
}

static void expect_refused(const void *data, size_t n, const char *part)
{
	struct guest g = {0};
	char kernel[32];

	make_file(kernel, data, n);
	cr_expect_lt(guest_create(&g, kernel, NULL, 1), 0);
	cr_expect(strstr(g.err.text, kernel), "%s", g.err.text);
	cr_expect(strstr(g.err.text, part), "%s", g.err.text);
	guest_destroy(&g);
	unlink(kernel);
}

Test(x86_kvm, what_is_no_kernel, .timeout = 60)
{
	Elf32_Ehdr h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB},
			.e_type = ET_EXEC,
			.e_machine = EM_386,
			.e_phentsize = sizeof(Elf32_Phdr),
			.e_phnum = 1};
	struct guest g = {0};

	NEED_KVM();
	expect_refused("", 0, "neither a bzImage nor an ELF vmlinux with a PVH note");
	expect_refused("#!/bin/sh\n", 10, "neither a bzImage nor an ELF vmlinux with a PVH note");
	expect_refused("\x1f\x8b\x08", 3, "compressed with gzip");
	expect_refused("\x28\xb5\x2f\xfd", 4, "compressed with zstd");
	expect_refused("\x7f"
		       "ELF",
		       4, "no program of a little-endian machine");
	expect_refused(&h, sizeof(h), "PVH note");
	cr_expect_lt(guest_create(&g, "/nowhere/kernel", NULL, 1), 0);
	cr_expect_str_eq(g.err.text, "/nowhere/kernel: No such file or directory");
	guest_destroy(&g);
	cr_expect_lt(guest_create(&g, "/tmp", NULL, 1), 0);
	cr_expect_str_eq(g.err.text, "/tmp: not a regular file");
	guest_destroy(&g);
}

Test(x86_kvm, initrd_and_parameters_that_do_not_fit, .timeout = 60)
{
	static const uint8_t code[] = {POWER_OFF};
	struct guest g = {0};
	char kernel[32], initrd[32], *params = malloc(70000);

	NEED_KVM();
	make_elf(kernel, code, sizeof(code));
	make_file(initrd, "", 0);
	cr_expect_lt(guest_create(&g, kernel, initrd, 1), 0);
	cr_expect(strstr(g.err.text, "the initrd is empty"), "%s", g.err.text);
	cr_assert_eq(truncate(initrd, 63 * MIB), 0);
	g.config.initrd = initrd;
	cr_expect_lt(arch_load(&g.vm, &(struct arch_parts){0}, &g.config, &g.layout, &g.err), 0);
	cr_expect(strstr(g.err.text, "64512 KiB do not fit"), "%s", g.err.text);
	g.config.initrd = NULL;
	memset(params, 'x', 65535);
	params[65535] = 0;
	g.config.params = params;
	cr_expect_eq(arch_load(&g.vm, &(struct arch_parts){0}, &g.config, &g.layout, &g.err), 0);
	params[65535] = 'x';
	params[65536] = 0;
	cr_expect_lt(arch_load(&g.vm, &(struct arch_parts){0}, &g.config, &g.layout, &g.err), 0);
	cr_expect(strstr(g.err.text, "65536 characters"), "%s", g.err.text);
	guest_destroy(&g);
	unlink(kernel);
	unlink(initrd);
	free(params);
}
