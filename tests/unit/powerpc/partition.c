/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* partition: see partition.h. */
#include <criterion/criterion.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../calls.h"
#include "partition.h"

/* No fd of anybody's. */
#define FD_VM	-77
#define FD_VCPU -100

struct partition p;
uint64_t regs[9];
uint32_t rets[RTAS_ARGS_MAX];

/* What the linker puts in place of the calls to NAME (see rules.mk). */
int __wrap_vfio_function_group(const struct pci_function *f);
int __wrap_vfio_spapr_info(struct vfio *v, int group, struct vfio_spapr_info *out);
int __wrap_vfio_spapr_default_window(struct vfio *v, int group, uint64_t most,
				     struct vfio_spapr_info *out, struct error *err);
int __wrap_vfio_spapr_create_window(struct vfio *v, int group, unsigned page_shift, uint64_t size,
				    uint64_t *start);
int __wrap_vfio_spapr_remove_window(struct vfio *v, int group, uint64_t start);
int __wrap_vfio_spapr_map(struct vfio *v, int group, uint64_t iova, uint64_t size, void *host,
			  uint32_t flags);
int __wrap_vfio_spapr_unmap(struct vfio *v, int group, uint64_t iova, uint64_t size);
int __wrap_vfio_spapr_accelerate(struct vfio *v, int group, int table);

/* ---- KVM ------------------------------------------------------------------------------------ */

int refused(int code)
{
	errno = code;
	return code ? -1 : 0;
}

static int define_token(const struct kvm_rtas_token_args *token)
{
	cr_assert_lt(p.n_tokens, ARRAY_SIZE(p.tokens));
	p.tokens[p.n_tokens++] = *token;
	return 0;
}

static int enable_cap(const struct kvm_enable_cap *cap)
{
	cr_assert_eq(cap->cap, KVM_CAP_PPC_ENABLE_HCALL);
	cr_assert_eq(cap->args[1], 1);
	cr_assert_lt(p.n_enabled, ARRAY_SIZE(p.enabled));
	p.enabled[p.n_enabled++] = cap->args[0];
	return 0;
}

static int create_table(const struct kvm_create_spapr_tce_64 *table)
{
	if (p.table_errno)
		return refused(p.table_errno);
	p.table = *table;
	p.tables++;
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

/* A POWER9's, as far as the tree needs to know. */
static int rmmu_info(struct kvm_ppc_rmmu_info *info)
{
	*info = (struct kvm_ppc_rmmu_info){
		.ap_encodings = {0x0000000c, 0xa0000010, 0x20000015, 0x4000001e}};
	return 0;
}

/* As KVM-HV has them: segments of 4 KiB, 64 KiB and 16 MiB pages, the first two with those as well.
 */
static int smmu_info(struct kvm_ppc_smmu_info *info)
{
	*info = (struct kvm_ppc_smmu_info){.flags = KVM_PPC_1T_SEGMENTS |
						    (p.any_page ? 0 : KVM_PPC_PAGE_SIZES_REAL),
					   .slb_size = 32,
					   .sps = {{12, 0, {{12, 0}, {24, 56}}},
						   {16, 0x110, {{16, 1}, {24, 8}}},
						   {24, 0x100, {{24, 0}}}}};
	return 0;
}

static int get_sregs(struct kvm_sregs *sregs)
{
	*sregs = (struct kvm_sregs){.pvr = 0x4e1202};
	return 0;
}

static int partition_ioctl(int fd, unsigned long request, void *arg)
{
	if (fd != FD_VM && fd != FD_VCPU && (!p.chip.fd || fd != p.chip.fd))
		return kernel_calls.ioctl(fd, request, arg);
	switch (request) {
	case KVM_CREATE_DEVICE:
		return chip_create(&p.chip, arg);
	case KVM_SET_DEVICE_ATTR:
		return chip_set(&p.chip, arg);
	case KVM_GET_DEVICE_ATTR:
		return chip_get(&p.chip, arg);
	case KVM_PPC_RTAS_DEFINE_TOKEN:
		return define_token(arg);
	case KVM_CHECK_EXTENSION:
		return (long)(uintptr_t)arg != p.lacks;
	case KVM_ENABLE_CAP:
		return enable_cap(arg);
	case KVM_PPC_CONFIGURE_V3_MMU:
		p.mmu_calls++;
		p.mmu = *(const struct kvm_ppc_mmuv3_cfg *)arg;
		return refused(p.mmu_errno);
	case KVM_PPC_ALLOCATE_HTAB:
		p.hash_order = *(const uint32_t *)arg;
		return 0;
	case KVM_PPC_GET_CPU_CHAR:
		*(struct kvm_ppc_cpu_char *)arg = p.chars;
		return refused(p.chars_errno);
	case KVM_CREATE_SPAPR_TCE_64:
		return create_table(arg);
	case KVM_PPC_GET_RMMU_INFO:
		return rmmu_info(arg);
	case KVM_PPC_GET_SMMU_INFO:
		return smmu_info(arg);
	case KVM_GET_SREGS:
		return get_sregs(arg);
	default:
		cr_assert_fail("ioctl 0x%lx", request);
		return -1;
	}
}

int vcpu_begin(const struct vcpu *c, uint64_t pc, uint64_t r3)
{
	p.begun++;
	p.begun_cpu = c->index;
	p.begun_pc = pc;
	p.begun_r3 = r3;
	return -p.begin_errno;
}

int vcpu_set_lpcr(struct vcpu *c, uint64_t mask, uint64_t bits)
{
	(void)c;
	cr_assert_eq(bits & ~mask, 0);
	if (!p.lpcr_errno)
		p.lpcr = (p.lpcr & ~mask) | bits;
	return -p.lpcr_errno;
}

/* ---- the host's DMA windows ------------------------------------------------------------------ */

static struct host_group *group_of(int group)
{
	cr_assert(group >= GROUP && group < GROUP + GROUPS, "group %d", group);
	return &p.host[group - GROUP];
}

/* The window that holds these pages; they are of its size. */
static struct host_window *window_of(int group, uint64_t iova, uint64_t size, unsigned *page)
{
	struct host_group *g = group_of(group);
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(g->windows); i++) {
		struct host_window *w = &g->windows[i];

		if (!w->there || iova < w->start || iova - w->start >= w->size)
			continue;
		cr_assert_eq(size, 1ULL << w->shift);
		cr_assert_eq((iova - w->start) % size, 0);
		*page = (unsigned)((iova - w->start) >> w->shift);
		return w;
	}
	cr_assert_fail("0x%lx lies in no window of group %d", iova, group);
	return NULL;
}

int __wrap_vfio_function_group(const struct pci_function *f)
{
	unsigned i;

	for (i = 0; i < DEVICES; i++)
		if (f == &p.devices[i].f)
			return p.devices[i].group;
	return -1;
}

int __wrap_vfio_spapr_info(struct vfio *v, int group, struct vfio_spapr_info *out)
{
	cr_assert_eq(v, &p.vfio);
	*out = group_of(group)->info;
	return -p.info_errno;
}

int __wrap_vfio_spapr_create_window(struct vfio *v, int group, unsigned page_shift, uint64_t size,
				    uint64_t *start)
{
	struct host_group *g = group_of(group);
	unsigned i = g->windows[0].there;
	struct host_window *w = &g->windows[i];

	cr_assert_eq(v, &p.vfio);
	p.creates++;
	if (p.create_errno)
		return -p.create_errno;
	if (w->there || size >> page_shift > ARRAY_SIZE(w->pages))
		return -ENOSPC;
	memset(w, 0, sizeof(*w));
	w->there = true;
	w->shift = page_shift;
	w->size = size;
	w->start = i ? 1ULL << 59 : g->info.dma32_start;
	*start = w->start;
	return 0;
}

int __wrap_vfio_spapr_default_window(struct vfio *v, int group, uint64_t most,
				     struct vfio_spapr_info *out, struct error *err)
{
	uint64_t start;
	int ret;

	*out = group_of(group)->info;
	if (out->dma32_size > most)
		out->dma32_size = most;
	ret = __wrap_vfio_spapr_create_window(v, group, 12, out->dma32_size, &start);
	return ret ? fail(err, -ret, "group %d: no window", group) : 0;
}

/* With all that is mapped in it, as the kernel does. */
int __wrap_vfio_spapr_remove_window(struct vfio *v, int group, uint64_t start)
{
	struct host_group *g = group_of(group);
	unsigned i;

	cr_assert_eq(v, &p.vfio);
	p.removes++;
	if (p.remove_takes)
		usleep(p.remove_takes);
	if (p.remove_errno)
		return -p.remove_errno;
	for (i = 0; i < ARRAY_SIZE(g->windows); i++)
		if (g->windows[i].there && g->windows[i].start == start) {
			g->windows[i].there = false;
			return 0;
		}
	/* Before it is first used the kernel's own window is only promised. */
	cr_assert_eq(start, g->info.dma32_start);
	return 0;
}

int __wrap_vfio_spapr_map(struct vfio *v, int group, uint64_t iova, uint64_t size, void *host,
			  uint32_t flags)
{
	unsigned page;
	struct host_window *w = window_of(group, iova, size, &page);
	uint8_t *at = host;

	cr_assert_eq(v, &p.vfio);
	p.maps++;
	if (p.map_errno)
		return -p.map_errno;
	cr_assert(at >= p.ram && at + size <= p.ram + p.ram_size, "what is mapped is no RAM");
	cr_assert(flags && !(flags & ~(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)));
	cr_assert_null(w->pages[page].host, "0x%lx: mapped over another page", iova);
	w->pages[page].host = host;
	w->pages[page].flags = flags;
	w->mapped++;
	return 0;
}

int __wrap_vfio_spapr_unmap(struct vfio *v, int group, uint64_t iova, uint64_t size)
{
	unsigned page;
	struct host_window *w = window_of(group, iova, size, &page);

	cr_assert_eq(v, &p.vfio);
	p.unmaps++;
	if (p.unmap_errno)
		return -p.unmap_errno;
	cr_assert_not_null(w->pages[page].host, "0x%lx: unmapped what is not there", iova);
	w->pages[page].host = NULL;
	w->mapped--;
	return 0;
}

int __wrap_vfio_spapr_accelerate(struct vfio *v, int group, int table)
{
	(void)group_of(group);
	cr_assert_eq(v, &p.vfio);
	cr_assert_neq(fcntl(table, F_GETFD), -1);
	p.accelerated += !p.accelerate_errno;
	return -p.accelerate_errno;
}

/* ---- functions ------------------------------------------------------------------------------- */

static int source_enable(void *opaque, unsigned n, const int *fds)
{
	struct source *s = opaque;

	cr_assert(!s->on);
	cr_assert_leq(n, ARRAY_SIZE(s->fds));
	s->enables++;
	s->on = true;
	s->n = n;
	memset(s->fds, 0xff, sizeof(s->fds));
	memcpy(s->fds, fds, n * sizeof(*fds));
	return 0;
}

static int source_arm(void *opaque, unsigned first, unsigned n, const int *fds)
{
	struct source *s = opaque;

	cr_assert(s->on);
	s->arms++;
	memcpy(s->fds + first, fds, n * sizeof(*fds));
	return 0;
}

static void source_disable(void *opaque)
{
	struct source *s = opaque;

	cr_assert(s->on);
	s->disables++;
	s->on = false;
}

static const struct msi_source_ops source_ops = {source_enable, source_arm, source_disable, NULL};

static void written(struct pci_function *f, unsigned offset, unsigned size, uint32_t value)
{
	(void)value;
	if (f->msix)
		pci_msix_config_written(f->msix, offset, size);
	if (f->msi)
		pci_msi_config_written(f->msi, offset, size);
}

static void map(struct pci_function *f, unsigned bar, uint64_t addr)
{
	(void)f, (void)bar, (void)addr;
}

static void unmap(struct pci_function *f, unsigned bar)
{
	(void)f, (void)bar;
}

static const struct pci_function_ops device_ops = {
	.config_written = written, .bar_map = map, .bar_unmap = unmap};

static void add_device(unsigned i, unsigned n_msi_log2, unsigned n_msix, int group)
{
	struct device *d = &p.devices[i];
	struct irq_table *irqs = &p.rec.vm.irqs;

	pci_function_init(&d->f, "test", &device_ops, d);
	d->group = group;
	pci_set16(d->f.config, PCI_VENDOR_ID, 0x1b36);
	pci_set16(d->f.config, PCI_DEVICE_ID, (uint16_t)(0x10 + i));
	cr_assert_eq(pci_bus_add(&p.bus, &d->f, -1, NULL), 0);
	if (n_msix) {
		pci_add_capability(&d->f, PCI_CAP_ID_MSIX, CAP_MSIX, 12);
		pci_set16(d->f.config, CAP_MSIX + PCI_MSIX_FLAGS, (uint16_t)(n_msix - 1));
		cr_assert_eq(pci_msix_init(&d->msix, &d->f, CAP_MSIX, false, irqs, &source_ops,
					   &d->msix_source),
			     0);
		d->msix.by_call = true;
	}
	if (n_msi_log2) {
		pci_add_capability(&d->f, PCI_CAP_ID_MSI, CAP_MSI, 24);
		pci_set16(
			d->f.config, CAP_MSI + PCI_MSI_FLAGS,
			(uint16_t)(PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | n_msi_log2 << 1));
		cr_assert_eq(pci_msi_init(&d->msi, &d->f, CAP_MSI, true, irqs, &source_ops,
					  &d->msi_source),
			     0);
		d->msi.by_call = true;
	}
}

static void remove_device(struct device *d)
{
	if (d->f.msix)
		pci_msix_destroy(&d->msix);
	if (d->f.msi)
		pci_msi_destroy(&d->msi);
	cr_assert(!d->msix_source.on && !d->msi_source.on);
	pci_function_destroy(&d->f);
}

/* ---- the machine ----------------------------------------------------------------------------- */

static unsigned fds_before;

static void start_vm(uint64_t ram)
{
	struct vm *vm = &p.rec.vm;
	unsigned i;

	recorder_init_gsis(&p.rec, SOURCE_MSI_FIRST, SOURCE_END);
	vm->fd = FD_VM;
	vm->n_vcpus = CPUS;
	vm->vcpus = p.cpus;
	for (i = 0; i < CPUS; i++)
		p.cpus[i] = (struct vcpu){.vm = vm, .index = i, .fd = FD_VCPU, .held = i != 0};
	pthread_mutex_init(&vm->state_lock, NULL);
	pthread_cond_init(&vm->state_changed, NULL);
	cr_assert_eq(loop_init(&vm->loop, NULL), 0);
	vm->mmio.page_size = 64 * KIB;
	/* Aligned as a host's pages are; ASan sees what is touched beyond its end. */
	p.ram_size = ram;
	p.ram = aligned_alloc(64 * KIB, ram);
	memset(p.ram, 0, ram);
	vm->memory = (struct guest_memory){
		.page = 64 * KIB, .fd = -1, .n = 1, .banks = {{.size = ram, .host = p.ram}}};
}

static void start_groups(void)
{
	unsigned i;

	for (i = 0; i < GROUPS; i++) {
		p.host[i].info = (struct vfio_spapr_info){.dma32_start = i * DMA32_SECOND,
							  .dma32_size = DMA32_SIZE,
							  .dynamic = true,
							  .page_sizes = 1 << 12 | 1 << 16 |
									1 << 21 | 1 << 24,
							  .windows = 2,
							  .levels = 5};
		p.groups[i] = (struct vfio_group){.number = GROUP + (int)i,
						  .next = i ? &p.groups[i - 1] : NULL};
	}
	p.vfio.groups = &p.groups[GROUPS - 1];
}

static void start_with(uint64_t ram, const char *irqchip)
{
	const struct arch_config config = {.cpus = CPUS, .irqchip = irqchip};

	calls.ioctl = partition_ioctl;
	fds_before = open_fds();
	memset(&p, 0, sizeof(p));
	p.lacks = -1;
	start_vm(ram);
	start_groups();
	cr_assert_eq(arch_create(&p.rec.vm, &config, NULL), 0);
	p.m = p.rec.vm.arch;
	cr_assert_eq(pci_bus_init(&p.bus, &p.rec.vm, NULL), 0);
	add_device(DEVICE_MSIX, 0, MSIX_N, GROUP);
	add_device(DEVICE_MSI, 2, 0, GROUP + 1);
	add_device(DEVICE_BOTH, 3, 8, GROUP);
	add_device(DEVICE_NONE, 0, 0, -1);
	cr_assert_eq(pipe2(p.terminal, O_CLOEXEC | O_NONBLOCK), 0);
	vty_init(&p.m->vty, &p.rec.vm, p.terminal[1]);
	p.m->bus = &p.bus;
	p.m->vfio = &p.vfio;
	p.m->ram_page = p.rec.vm.memory.page;
}

void partition_start(uint64_t ram)
{
	start_with(ram, NULL);
}

void partition_start_xive(uint64_t ram)
{
	start_with(ram, "xive");
}

void partition_start_dma(void)
{
	static const struct arch_config config = {.no_tce_acceleration = true};

	partition_start(1 * MIB);
	cr_assert_eq(dma_create(p.m, &config, NULL), 0);
	p.dma32 = dma_window_of(p.m, &p.devices[DEVICE_MSIX].f);
	cr_assert_not_null(p.dma32);
}

void partition_finish(void)
{
	struct vm *vm = &p.rec.vm;
	unsigned i;

	for (i = 0; i < DEVICES; i++)
		remove_device(&p.devices[i]);
	cr_assert_eq(p.rec.n_irqfds, 0);
	pci_bus_destroy(&p.bus);
	arch_destroy(vm);
	loop_destroy(&vm->loop);
	close(p.terminal[0]);
	close(p.terminal[1]);
	cr_assert_eq(open_fds(), fds_before);
	pthread_mutex_destroy(&vm->state_lock);
	pthread_cond_destroy(&vm->state_changed);
	recorder_destroy(&p.rec);
	free(p.ram);
}

/* ---- calls ----------------------------------------------------------------------------------- */

uint64_t call(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
	const uint64_t args[9] = {a0, a1, a2, a3};

	memcpy(regs, args, sizeof(regs));
	return hcall(&p.cpus[0], nr, regs);
}

uint32_t ram32(uint64_t at)
{
	uint32_t v;

	memcpy(&v, p.ram + at, sizeof(v));
	return be32toh(v);
}

void set_ram32(uint64_t at, uint32_t value)
{
	value = htobe32(value);
	memcpy(p.ram + at, &value, sizeof(value));
}

void set_ram64(uint64_t at, uint64_t value)
{
	value = htobe64(value);
	memcpy(p.ram + at, &value, sizeof(value));
}

int rtas_at(uint64_t at, uint32_t token, unsigned n_rets, unsigned n_args, const uint32_t *args)
{
	unsigned i;

	set_ram32(at, token);
	set_ram32(at + 4, n_args);
	set_ram32(at + 8, n_rets);
	at += 12;
	for (i = 0; i < n_args; i++, at += 4)
		set_ram32(at, args[i]);
	cr_assert_eq(call(0xf000, at - 12 - 4ULL * n_args, 0, 0, 0), 0);
	memset(rets, 0xa5, sizeof(rets));
	for (i = 1; i < n_rets; i++)
		rets[i - 1] = ram32(at + 4ULL * i);
	return (int)ram32(at);
}

uint32_t address_of(unsigned device, unsigned reg)
{
	return (reg & 0xf00) << 20 | (uint32_t)p.devices[device].f.devfn << 8 | (reg & 0xff);
}
