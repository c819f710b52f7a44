/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The guest's CPU is the host's. Which MMU it gets is decided here; what the CPU can do stands in
 * the host's own device tree, or KVM tells.
 */
#include "cpu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A hash table of 1/128 of memory (PAPR 2.11, 14.12.4.1), within what KVM allocates. */
#define HASH_PER_RAM   128
#define HASH_ORDER_MIN 18
#define HASH_ORDER_MAX 38

int cpu_choose_mmu(struct ppc_machine *m, const char *text, struct error *err)
{
	bool radix = ioctl(m->vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_PPC_MMU_RADIX) > 0;
	bool hash = ioctl(m->vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_PPC_MMU_HASH_V3) > 0;
	enum mmu_wish wish;
	int ret = mmu_parse(text, &wish, err);

	if (ret)
		return ret;
	if ((wish == MMU_RADIX && !radix) || (wish == MMU_HASH && !hash))
		return fail(err, ENOTSUP, "--cpu %s: this host's KVM can't; it has: mmu=%s", text,
			    radix ? "radix" : "hash");
	if (!radix && !hash)
		return fail(
			err, ENOTSUP,
			"/dev/kvm: this KVM has no MMU of ISA 3.0 for guests; it takes a POWER9 "
			"or later with KVM-HV");
	m->radix = radix && wish != MMU_HASH;
	return 0;
}

int cpu_make_page_table(struct ppc_machine *m, uint64_t ram, struct error *err)
{
	struct kvm_ppc_mmuv3_cfg cfg = {0};
	uint32_t order = HASH_ORDER_MIN;

	if (m->radix)
		return 0;
	while (order < HASH_ORDER_MAX && 1ULL << order < ram / HASH_PER_RAM)
		order++;
	if (ioctl(m->vm->fd, KVM_PPC_CONFIGURE_V3_MMU, &cfg))
		return fail(err, errno, "KVM_PPC_CONFIGURE_V3_MMU: %s", strerror(errno));
	if (ioctl(m->vm->fd, KVM_PPC_ALLOCATE_HTAB, &order))
		return fail(err, errno,
			    "the guest's page table: KVM can't have %llu MiB in one piece: %s; use "
			    "less memory, or a radix guest",
			    (1ULL << order) / MIB, strerror(errno));
	m->hash_order = order;
	return 0;
}

/* "timebase	: 512000000" and "clock : 2200.000000MHz" of the host. */
static uint32_t cpuinfo(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	at = at ? strchr(at, ':') : NULL;
	return at ? (uint32_t)strtoul(at + 1, NULL, 10) : 0;
}

static int describe_clocks(struct fdt_cpu *cpu, struct error *err)
{
	char text[4096];
	int ret = read_file("/proc/cpuinfo", text, sizeof(text));

	/* With many CPUs it is longer than what is looked at. */
	if (ret && ret != -EFBIG)
		return fail(err, -ret, "/proc/cpuinfo: %s", strerror(-ret));
	text[sizeof(text) - 1] = 0;
	cpu->clock_hz = cpuinfo(text, "clock") * 1000000u;
	/* It stands at the end, once: where the text is cut, POWER's is the same everywhere. */
	cpu->timebase_hz = cpuinfo(text, "timebase") ?: 512000000;
	return 0;
}

static void describe_features(struct fdt_cpu *cpu)
{
	static const char *const nodes[] = {"PowerPC,POWER9@0", "PowerPC,POWER10@0",
					    "PowerPC,POWER11@0", "PowerPC,POWER@0"};
	char path[96];
	ssize_t n = -1;
	unsigned i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(nodes) && n < 0; i++) {
		snprintf(path, sizeof(path), "/proc/device-tree/cpus/%s/ibm,pa-features", nodes[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		n = read(fd, cpu->pa_features, sizeof(cpu->pa_features));
		close(fd);
	}
	cpu->pa_features_size = n > 0 ? (unsigned)n : 0;
}

static int describe_radix(struct vm *vm, struct fdt_cpu *cpu, struct error *err)
{
	struct kvm_ppc_rmmu_info radix;
	unsigned i;

	if (ioctl(vm->fd, KVM_PPC_GET_RMMU_INFO, &radix))
		return fail(err, errno, "KVM_PPC_GET_RMMU_INFO: %s", strerror(errno));
	for (i = 0; i < ARRAY_SIZE(radix.ap_encodings) && radix.ap_encodings[i]; i++)
		cpu->radix_ap[cpu->n_radix_ap++] = radix.ap_encodings[i];
	return 0;
}

/*
 * "ibm,segment-page-sizes": of each segment size its pages, with how an SLB and a PTE name them.
 * KVM lists the smallest first; none are larger than `largest` bytes.
 */
static void put_segment(struct fdt_cpu *cpu, const struct kvm_ppc_one_seg_page_size *s,
			uint64_t largest)
{
	unsigned n = 0, i;

	while (n < KVM_PPC_PAGE_SIZES_MAX_SZ && s->enc[n].page_shift &&
	       1ULL << s->enc[n].page_shift <= largest)
		n++;
	if (!n || cpu->n_segments + 3 + 2 * n > FDT_SEGMENT_CELLS)
		return;
	cpu->segments[cpu->n_segments++] = s->page_shift;
	cpu->segments[cpu->n_segments++] = s->slb_enc;
	cpu->segments[cpu->n_segments++] = n;
	for (i = 0; i < n; i++) {
		cpu->segments[cpu->n_segments++] = s->enc[i].page_shift;
		cpu->segments[cpu->n_segments++] = s->enc[i].pte_enc;
	}
}

static int describe_hash(struct ppc_machine *m, struct fdt_cpu *cpu, struct error *err)
{
	struct kvm_ppc_smmu_info hash = {0};
	uint64_t largest;
	unsigned i;

	if (ioctl(m->vm->fd, KVM_PPC_GET_SMMU_INFO, &hash))
		return fail(err, errno, "KVM_PPC_GET_SMMU_INFO: %s", strerror(errno));
	cpu->hash_order = m->hash_order;
	cpu->slb_size = hash.slb_size;
	cpu->segments_1t = hash.flags & KVM_PPC_1T_SEGMENTS;
	/* KVM may need a page of the host's behind each of the guest's. */
	largest = hash.flags & KVM_PPC_PAGE_SIZES_REAL ? m->ram_page : UINT64_MAX;
	for (i = 0; i < KVM_PPC_PAGE_SIZES_MAX_SZ; i++)
		put_segment(cpu, &hash.sps[i], largest);
	return 0;
}

int cpu_describe(struct ppc_machine *m, struct fdt_cpu *cpu, struct error *err)
{
	struct kvm_sregs sregs;
	int ret;

	if (ioctl(m->vm->vcpus[0].fd, KVM_GET_SREGS, &sregs))
		return fail(err, errno, "KVM_GET_SREGS: %s", strerror(errno));
	*cpu = (struct fdt_cpu){.pvr = sregs.pvr, .radix = m->radix, .slb_size = 32};
	ret = describe_clocks(cpu, err);
	if (ret)
		return ret;
	describe_features(cpu);
	return m->radix ? describe_radix(m->vm, cpu, err) : describe_hash(m, cpu, err);
}
