/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * From a layout to a partition that is ready to run: kernel at 0, behind it device tree, RTAS code
 * and initrd, as a boot loader would leave them after open firmware has gone.
 */
#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "boot.h"
#include "cpu.h"
#include "fdt.h"
#include "machine.h"
#include "rtas.h"
#include "tree.h"

/* Linux' COMMAND_LINE_SIZE on POWER, the NUL included. */
#define PARAMS_MAX 2048
#define DTB_ROOM   (1 * MIB)
#define PAGE	   (64 * KIB)
/* Kernels are linked at this offset from where they lie (PAGE_OFFSET). */
#define PHYSICAL(address) ((address)&0x0fffffffffffffffULL)
#define FUNCTIONS_MAX	  256

struct load {
	struct vm *vm;
	const struct arch_parts *parts;
	const struct arch_config *config;
	const struct arch_layout *layout;
	struct boot_file kernel, initrd; /* initrd.path NULL: none */
	uint64_t rma, entry, kernel_end, dtb, rtas, initrd_at;
	struct fdt_function functions[FUNCTIONS_MAX];
};

static int load_elf(struct load *b, const uint8_t *head, struct error *err)
{
	uint64_t ram = b->layout->ram[0].size;
	uint8_t phdr[ELF_PHDR_MAX];
	struct elf_segment s;
	struct elf elf;
	unsigned i;
	int ret = boot_elf_header(head, b->kernel.size, &elf, err);

	if (!ret && (elf.machine != EM_PPC64 || !elf.wide))
		ret = fail(err, ENOEXEC, "is an ELF file, but no 64-bit POWER program");
	b->entry = PHYSICAL(elf.entry);
	for (i = 0; i < elf.phnum && !ret; i++) {
		ret = boot_read(&b->kernel, elf.phoff + (uint64_t)i * elf.phentsize, phdr,
				elf.phentsize, err);
		if (!ret)
			ret = boot_elf_segment(&elf, phdr, b->kernel.size, &s, err);
		if (ret || s.type != PT_LOAD || !s.memsz)
			continue;
		s.paddr = PHYSICAL(s.paddr);
		if (s.paddr >= ram || s.memsz > ram - s.paddr)
			return fail(
				err, ENOMEM,
				"has a segment of 0x%llx bytes at 0x%llx, the guest's memory ends "
				"at 0x%llx; give it more with -m",
				(unsigned long long)s.memsz, (unsigned long long)s.paddr,
				(unsigned long long)ram);
		ret = boot_elf_load(&b->kernel, &s, &b->vm->memory, s.paddr, err);
		if (s.paddr + s.memsz > b->kernel_end)
			b->kernel_end = s.paddr + s.memsz;
	}
	if (!ret && b->entry >= b->kernel_end)
		ret = fail(err, ENOEXEC, "has its entry outside the program");
	return ret;
}

/*
 * Power ISA 3.0B, 2.4: b, forwards, relative and without a link; 3.3.11: tdi 0,0,0x48, which does
 * nothing.
 */
#define OP_MASK	   0xfe000003u
#define OP_B	   0x48000000u
#define OP_TDI_NOP 0x08000048u

/*
 * Does it begin as vmlinux does: with the endian switch, or with a branch to what is in the image,
 * which the switch is, too, when it is read in the other order? One in 64 of random words is some
 * branch, so that where it leads to counts.
 */
static bool is_flat(uint32_t first, uint64_t size)
{
	uint32_t target = first & ~OP_MASK;

	return first == OP_TDI_NOP || ((first & OP_MASK) == OP_B && target && target < size);
}

/*
 * A flat image, as objcopy makes it of vmlinux. It does not say what the kernel clears behind its
 * end (.bss), a small part of it: as much again is left free.
 */
static int load_flat(struct load *b, const uint8_t *head, struct error *err)
{
	uint64_t ram = b->layout->ram[0].size;

	if (!is_flat(be32toh(*(const uint32_t *)head), b->kernel.size))
		return fail(err, ENOEXEC, "is neither an ELF vmlinux nor a flat image of one");
	if (b->kernel.size > ram)
		return fail(err, ENOMEM,
			    "is an image of %llu MiB, and the guest's memory has %llu MiB; give it "
			    "more with -m",
			    (unsigned long long)(b->kernel.size / MIB),
			    (unsigned long long)(ram / MIB));
	b->kernel_end = 2 * b->kernel.size;
	return boot_load(&b->kernel, 0, b->kernel.size, &b->vm->memory, 0, err);
}

static int load_kernel(struct load *b, struct error *err)
{
	uint8_t head[ELF_HEAD] __attribute__((aligned(8))) = {0};
	uint64_t n = b->kernel.size < ELF_HEAD ? b->kernel.size : ELF_HEAD;
	const char *compression;
	int ret = boot_read(&b->kernel, 0, head, n, err);

	if (ret)
		return ret;
	compression = boot_compression(head);
	if (compression)
		ret = fail(err, ENOEXEC, "is compressed with %s; unpack it", compression);
	else if (boot_elf_is(head))
		ret = load_elf(b, head, err);
	else
		ret = load_flat(b, head, err);
	if (ret && strncmp(err->text, b->kernel.path, strlen(b->kernel.path)))
		error_prefix(err, "%s", b->kernel.path);
	return ret;
}

/* The guest begins and calls RTAS without its MMU, and with addresses of 32 bits. */
static int check_firmware(const struct load *b, struct error *err)
{
	uint64_t reached = b->rma < 4 * GIB ? b->rma : 4 * GIB;

	if (b->rtas + RTAS_ROOM <= reached)
		return 0;
	return fail(err, EFBIG,
		    "%s: the kernel (to %llu MiB) leaves no room for device tree and firmware in "
		    "the %llu MiB that are reached without an MMU; %s",
		    b->kernel.path, (unsigned long long)(b->kernel_end / MIB),
		    (unsigned long long)(reached / MIB),
		    b->rma < 4 * GIB ? "give the guest more memory (-m), larger pages "
				       "(--hugepages) or a radix MMU (--cpu mmu=radix)"
				     : "use a smaller one");
}

/* Behind the kernel: device tree, RTAS, initrd. */
static int place(struct load *b, struct error *err)
{
	uint64_t ram = b->layout->ram[0].size;

	if (b->initrd.path && !b->initrd.size)
		return fail(err, EINVAL, "%s: the initrd is empty", b->initrd.path);
	b->dtb = align_up(b->kernel_end, PAGE);
	b->rtas = b->dtb + DTB_ROOM;
	b->initrd_at = align_up(b->rtas + RTAS_ROOM, PAGE);
	if (b->initrd_at > ram || b->initrd.size > ram - b->initrd_at)
		return fail(
			err, ENOMEM,
			"%s: kernel (to %llu MiB), initrd (%llu KiB) and device tree do not fit "
			"the guest's memory of %llu MiB; give it more with -m",
			b->initrd.path ? b->initrd.path : b->kernel.path,
			(unsigned long long)(b->kernel_end / MIB),
			(unsigned long long)(b->initrd.size / KIB),
			(unsigned long long)(ram / MIB));
	return check_firmware(b, err);
}

static unsigned list_functions(struct load *b)
{
	const struct ppc_machine *m = b->vm->arch;
	unsigned devfn, n = 0;

	for (devfn = 0; devfn < FUNCTIONS_MAX; devfn++) {
		const struct pci_function *f = b->parts->bus->functions[devfn];
		const struct dma_window *w;

		/* The bridge is the PHB's node itself. */
		if (!f || f == b->parts->bus->host_bridge)
			continue;
		w = dma_window_of(m, f);
		b->functions[n] = (struct fdt_function){.function = f};
		if (w)
			b->functions[n].window = (struct fdt_window){
				w->liobn, w->start, w->size, dma_page_sizes(m, w->group) != 0};
		n++;
	}
	return n;
}

static int build_tree(struct load *b, void *buf, struct error *err)
{
	const char *params = b->config->params ? b->config->params : "";
	struct ppc_machine *ppc = b->vm->arch;
	struct fdt_machine m = {.layout = b->layout,
				.rma = b->rma,
				.irqchip = ppc->irqchip,
				.cpus = b->config->cpus,
				.params = params,
				.initrd = {b->initrd_at, b->initrd.size},
				.rtas = b->rtas,
				.functions = b->functions,
				.n_functions = list_functions(b)};
	int ret = cpu_describe(ppc, &m.cpu, err);

	if (ret)
		return ret;
	if (strlen(params) >= PARAMS_MAX)
		return fail(err, E2BIG, "kernel parameters: %zu characters, POWER kernels take %d",
			    strlen(params), PARAMS_MAX - 1);
	if (getrandom(m.rng_seed, sizeof(m.rng_seed), 0) < 0)
		return fail(err, errno, "device tree: no random seed: %s", strerror(errno));
	ret = fdt_build(&m, buf, DTB_ROOM);
	if (ret)
		return fail(err, -ret, "device tree: %s", strerror(-ret));
	return b->config->dump_dtb ? tree_dump(b->config->dump_dtb, buf, err) : 0;
}

static int load_firmware(struct load *b, struct error *err)
{
	void *buf = calloc(1, DTB_ROOM);
	uint32_t code[RTAS_CODE_SIZE / sizeof(uint32_t)];
	unsigned i;
	int ret;

	if (!buf)
		return fail(err, ENOMEM, "device tree: out of memory");
	for (i = 0; i < ARRAY_SIZE(code); i++)
		code[i] = htobe32(rtas_code[i]);
	ret = build_tree(b, buf, err);
	if (!ret && (guest_memory_write(&b->vm->memory, b->dtb, buf, tree_size(buf)) ||
		     guest_memory_write(&b->vm->memory, b->rtas, code, sizeof(code))))
		ret = fail(err, EFAULT, "device tree: no RAM at 0x%llx",
			   (unsigned long long)b->dtb);
	free(buf);
	return ret;
}

static int load_all(struct load *b, struct error *err)
{
	int ret = boot_open(&b->kernel, b->config->kernel, err);

	if (!ret && b->config->initrd)
		ret = boot_open(&b->initrd, b->config->initrd, err);
	if (!ret)
		ret = load_kernel(b, err);
	if (!ret)
		ret = place(b, err);
	if (!ret && b->initrd.path)
		ret = boot_load(&b->initrd, 0, b->initrd.size, &b->vm->memory, b->initrd_at, err);
	if (!ret)
		ret = load_firmware(b, err);
	boot_close(&b->kernel);
	boot_close(&b->initrd);
	return ret;
}

int arch_load(struct vm *vm, const struct arch_parts *parts, const struct arch_config *config,
	      const struct arch_layout *layout, struct error *err)
{
	struct ppc_machine *m = vm->arch;
	struct load *b = calloc(1, sizeof(*b));
	int ret;

	if (!b)
		return fail(err, ENOMEM, "out of memory");
	*b = (struct load){.vm = vm, .parts = parts, .config = config, .layout = layout};
	b->kernel.fd = b->initrd.fd = -1;
	m->bus = parts->bus;
	m->vfio = parts->vfio;
	m->ram_page = vm->memory.page;
	b->rma = rma_size(layout->ram[0].size, m->ram_page, m->hash_order);
	vty_init(&m->vty, vm, STDOUT_FILENO);
	ret = dma_create(m, config, err);
	if (!ret)
		ret = load_all(b, err);
	if (!ret) {
		ret = vcpu_begin(&vm->vcpus[0], b->entry, b->dtb);
		if (ret)
			fail(err, -ret, "vCPU 0: registers: %s", strerror(-ret));
	}
	free(b);
	return ret;
}
