/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vfio_fake: see vfio_fake.h. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"
#include "vfio_fake.h"

/* No fd of anybody's. */
#define FD_VM -77
/* Regions lie this far apart in the device's file, as VFIO_PCI_OFFSET_SHIFT has it. */
#define REGION_SHIFT 40

struct vfio_fake fake;

static struct range table_range(void)
{
	return (struct range){fake.layout.table, 16ull * fake.layout.n_msix};
}

static bool decodes(void)
{
	return pci_get16(fake.config, PCI_COMMAND) & PCI_COMMAND_MEMORY;
}

/* ---- configuration space --------------------------------------------------------------------- */

static void add_capability(uint8_t id, unsigned offset)
{
	fake.config[offset] = id;
	fake.config[offset + 1] = fake.config[PCI_CAPABILITY_LIST];
	fake.config[PCI_CAPABILITY_LIST] = (uint8_t)offset;
	pci_set16(fake.config, PCI_STATUS, PCI_STATUS_CAP_LIST);
}

static void make_config(const struct vfio_fake_layout *l)
{
	unsigned i, log2 = 0;

	pci_set32(fake.config, PCI_VENDOR_ID, l->id ?: FAKE_ID);
	fake.config[PCI_INTERRUPT_PIN] = l->intx;
	for (i = 0; i < PCI_BARS; i++)
		pci_set32(fake.config, PCI_BASE_ADDRESS_0 + 4 * i, l->bars[i].type);
	if (l->n_msix) {
		add_capability(PCI_CAP_ID_MSIX, FAKE_CAP_MSIX);
		pci_set16(fake.config, FAKE_CAP_MSIX + PCI_MSIX_FLAGS, (uint16_t)(l->n_msix - 1));
		pci_set32(fake.config, FAKE_CAP_MSIX + PCI_MSIX_TABLE, l->table | l->table_bar);
		pci_set32(fake.config, FAKE_CAP_MSIX + PCI_MSIX_PBA, l->pba | l->pba_bar);
	}
	if (l->n_msi) {
		while (1u << log2 < l->n_msi)
			log2++;
		add_capability(PCI_CAP_ID_MSI, FAKE_CAP_MSI);
		pci_set16(fake.config, FAKE_CAP_MSI + PCI_MSI_FLAGS,
			  (uint16_t)(PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | log2 << 1));
	}
}

/* The kernel zaps the mmaps of a device that does not decode: touching them is a SIGBUS. */
static void follow_command(void)
{
	unsigned i;

	for (i = 0; i < fake.n_maps; i++)
		cr_assert_eq(mprotect(fake.maps[i].host, fake.maps[i].size,
				      decodes() ? fake.maps[i].prot : PROT_NONE),
			     0);
}

static bool is_in_capability(uint64_t offset, unsigned cap, unsigned size, bool there)
{
	return there && offset >= cap && offset < cap + size;
}

/* The kernel drops what is written to the capabilities that VFIO_DEVICE_SET_IRQS is for. */
static ssize_t config_write(uint64_t offset, const void *buf, size_t size)
{
	fake.config_writes++;
	if (is_in_capability(offset, FAKE_CAP_MSIX, 12, fake.layout.n_msix) ||
	    is_in_capability(offset, FAKE_CAP_MSI, 24, fake.layout.n_msi))
		return (ssize_t)size;
	memcpy(fake.config + offset, buf, size);
	follow_command();
	return (ssize_t)size;
}

/* ---- regions --------------------------------------------------------------------------------- */

static uint64_t region_size(unsigned index)
{
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		return PCI_CONFIG_SIZE;
	return index <= PCI_ROM ? fake.layout.bars[index].size : 0;
}

/* Behind the info, the capabilities it has, chained. Returns the size of all. */
static uint32_t put_caps(unsigned index, uint8_t *out)
{
	const struct vfio_fake_bar *b = &fake.layout.bars[index];
	uint32_t size = sizeof(struct vfio_region_info), n = 0;
	struct vfio_region_info_cap_sparse_mmap sparse = {
		.header = {.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP, .version = 1}};
	struct vfio_info_cap_header mappable = {.id = VFIO_REGION_INFO_CAP_MSIX_MAPPABLE,
						.version = 1};

	while (n < FAKE_SPARSE && b->sparse[n].size)
		n++;
	sparse.nr_areas = n;
	if (n) {
		uint32_t end = size + sizeof(sparse) + n * sizeof(sparse.areas[0]);

		sparse.header.next = fake.layout.msix_mappable ? end : 0;
		memcpy(out + size, &sparse, sizeof(sparse));
		for (n = 0; n < sparse.nr_areas; n++)
			memcpy(out + size + sizeof(sparse) + n * sizeof(sparse.areas[0]),
			       &b->sparse[n], sizeof(b->sparse[n]));
		size = end;
	}
	if (fake.layout.msix_mappable) {
		memcpy(out + size, &mappable, sizeof(mappable));
		size += sizeof(mappable);
	}
	return size;
}

static int region_info(struct vfio_region_info *info)
{
	uint8_t caps[sizeof(*info) + 256] = {0};
	uint32_t index = info->index, argsz = info->argsz, size;

	if (index > VFIO_PCI_CONFIG_REGION_INDEX)
		return vfio_fake_done(EINVAL);
	*info = (struct vfio_region_info){.argsz = sizeof(*info),
					  .index = index,
					  .size = region_size(index),
					  .offset = (uint64_t)index << REGION_SHIFT};
	if (info->size)
		info->flags = VFIO_REGION_INFO_FLAG_READ |
			      (index == PCI_ROM ? 0 : VFIO_REGION_INFO_FLAG_WRITE);
	if (index > PCI_ROM || !fake.layout.bars[index].mmap)
		return 0;
	info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	size = put_caps(index, caps);
	if (size == sizeof(*info))
		return 0;
	info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	info->argsz = size;
	if (argsz < size)
		return 0;
	info->cap_offset = sizeof(*info);
	memcpy(info + 1, caps + sizeof(*info), size - sizeof(*info));
	return 0;
}

/* A load or store of this width on the device; the table's bytes are all ones, and not written. */
static ssize_t bar_access(unsigned bar, uint64_t offset, void *in, const void *out, size_t size)
{
	struct range bytes = {offset, size};

	cr_assert(size == 1 || size == 2 || size == 4 || size == 8, "%zu bytes", size);
	cr_assert_eq(offset % size, 0, "0x%lx is not aligned to %zu", offset, size);
	cr_assert(range_contains((struct range){0, fake.layout.bars[bar].size}, bytes));
	fake.accessed_bar = bar;
	fake.accessed = bytes;
	*(in ? &fake.reads : &fake.writes) += 1;
	if (!decodes() && !(fake.layout.bars[bar].type & PCI_BASE_ADDRESS_SPACE_IO)) {
		errno = EIO;
		return -1;
	}
	if (fake.layout.n_msix && bar == fake.layout.table_bar &&
	    ranges_overlap(table_range(), bytes)) {
		if (in)
			memset(in, 0xff, size);
	} else if (in) {
		memcpy(in, fake.bars[bar] + offset, size);
	} else {
		memcpy(fake.bars[bar] + offset, out, size);
	}
	return (ssize_t)size;
}

static ssize_t fake_pread(int fd, void *buf, size_t size, off_t at)
{
	unsigned index = (unsigned)(at >> REGION_SHIFT);
	uint64_t offset = (uint64_t)at & ((1ull << REGION_SHIFT) - 1);

	if (fd != fake.device)
		return kernel_calls.pread(fd, buf, size, at);
	if (index <= PCI_ROM)
		return bar_access(index, offset, buf, NULL, size);
	cr_assert_eq(index, VFIO_PCI_CONFIG_REGION_INDEX);
	cr_assert_leq(offset + size, PCI_CONFIG_SIZE);
	memcpy(buf, fake.config + offset, size);
	return (ssize_t)size;
}

static ssize_t fake_pwrite(int fd, const void *buf, size_t size, off_t at)
{
	unsigned index = (unsigned)(at >> REGION_SHIFT);
	uint64_t offset = (uint64_t)at & ((1ull << REGION_SHIFT) - 1);

	if (fd != fake.device)
		return kernel_calls.pwrite(fd, buf, size, at);
	if (index <= PCI_ROM)
		return bar_access(index, offset, NULL, buf, size);
	cr_assert_eq(index, VFIO_PCI_CONFIG_REGION_INDEX);
	cr_assert_leq(offset + size, PCI_CONFIG_SIZE);
	return config_write(offset, buf, size);
}

static bool may_be_mapped(unsigned bar, struct range area)
{
	const struct vfio_fake_layout *l = &fake.layout;
	const struct vfio_fake_bar *b = &l->bars[bar];
	struct range table = {align_down(l->table, l->page), 0};
	unsigned i;

	table.size = align_up(l->table + table_range().size, l->page) - table.base;
	if (bar >= PCI_ROM || !b->mmap || area.base + area.size > align_up(b->size, l->page))
		return false;
	if (l->n_msix && bar == l->table_bar && !l->msix_mappable && ranges_overlap(area, table))
		return false;
	for (i = 0; i < FAKE_SPARSE && b->sparse[i].size; i++)
		if (range_contains(b->sparse[i], area))
			return true;
	return !i;
}

/* Address space on a page of the host that is played, which may be larger than this one's. */
static void *reserve(size_t size)
{
	uint64_t page = fake.layout.page, head;
	uint8_t *base = kernel_calls.mmap(NULL, size + page, PROT_NONE,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	cr_assert_neq(base, MAP_FAILED);
	head = align_up((uintptr_t)base, page) - (uintptr_t)base;
	if (head)
		kernel_calls.munmap(base, head);
	if (page - head)
		kernel_calls.munmap(base + head + size, page - head);
	return base + head;
}

static void *fake_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t at)
{
	unsigned bar = (unsigned)(at >> REGION_SHIFT);
	struct range area = {(uint64_t)at & ((1ull << REGION_SHIFT) - 1), size};
	void *host;

	if (fd != fake.device)
		return kernel_calls.mmap(addr, size, prot, flags, fd, at);
	cr_assert(!addr && flags == MAP_SHARED);
	area.size = align_up(size, fake.layout.page);
	if (!may_be_mapped(bar, area) || (fake.layout.mmaps && fake.n_maps == fake.layout.mmaps)) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	cr_assert_lt(fake.n_maps, ARRAY_SIZE(fake.maps));
	host = kernel_calls.mmap(reserve(area.size), area.size, decodes() ? prot : PROT_NONE,
				 MAP_SHARED | MAP_FIXED, fake.memory, at);
	cr_assert_neq(host, MAP_FAILED);
	fake.maps[fake.n_maps].host = host;
	fake.maps[fake.n_maps].size = area.size;
	fake.maps[fake.n_maps++].prot = prot;
	return host;
}

static int fake_munmap(void *addr, size_t size)
{
	unsigned i;

	for (i = 0; i < fake.n_maps; i++)
		if (fake.maps[i].host == addr) {
			size = align_up(size, fake.layout.page);
			cr_assert_eq(fake.maps[i].size, size, "unmapped in part");
			fake.maps[i] = fake.maps[--fake.n_maps];
		}
	return kernel_calls.munmap(addr, size);
}

/* ---- the calls ------------------------------------------------------------------------------- */

static int device_ioctl(unsigned long request, void *arg)
{
	struct vfio_device_info *info = arg;

	switch (request) {
	case VFIO_DEVICE_GET_INFO:
		info->flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
		info->num_regions = VFIO_PCI_NUM_REGIONS;
		info->num_irqs = VFIO_PCI_NUM_IRQS;
		return 0;
	case VFIO_DEVICE_GET_REGION_INFO:
		return region_info(arg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return vfio_fake_irq_info(arg);
	case VFIO_DEVICE_SET_IRQS:
		return vfio_fake_set_irqs(arg);
	default:
		return vfio_fake_done(ENOTTY);
	}
}

static int open_device(const char *bdf)
{
	cr_assert_str_eq(bdf, FAKE_BDF);
	fake.device = fcntl(fake.memory, F_DUPFD_CLOEXEC, 0);
	return fake.device;
}

static int fake_ioctl(int fd, unsigned long request, void *arg)
{
	if (fd == fake.device)
		return device_ioctl(request, arg);
	switch (request) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
	case KVM_CHECK_EXTENSION:
		return 1;
	case VFIO_GROUP_GET_STATUS:
		((struct vfio_group_status *)arg)->flags = VFIO_GROUP_FLAGS_VIABLE;
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		return open_device(arg);
	case KVM_CREATE_DEVICE:
		((struct kvm_create_device *)arg)->fd = (uint32_t)open("/dev/null", O_CLOEXEC);
		return 0;
	case VFIO_GROUP_SET_CONTAINER:
	case VFIO_GROUP_UNSET_CONTAINER:
	case VFIO_SET_IOMMU:
	case KVM_SET_DEVICE_ATTR:
		return 0;
	default:
		return kernel_calls.ioctl(fd, request, arg);
	}
}

/* Bytes that tell their place. */
static void fill(uint8_t *bar, uint64_t size, unsigned i)
{
	uint64_t at;

	for (at = 0; at < size; at++)
		bar[at] = (uint8_t)(at * 11 + (at >> 8) * 5 + (at >> 16) * 3 + i);
}

void vfio_fake_plug(const struct vfio_fake_layout *layout)
{
	struct range pba = {layout->pba, align_up(layout->n_msix, 64) / 8};
	unsigned i;

	memset(&fake, 0, sizeof(fake));
	fake.layout = *layout;
	fake.device = fake.err = fake.req = -1;
	fake.vm = FD_VM;
	vfio_fake_irqs_off();
	fake.memory = memfd_create("carillon-fake", MFD_CLOEXEC);
	cr_assert_eq(ftruncate(fake.memory, (off_t)VFIO_PCI_NUM_REGIONS << REGION_SHIFT), 0);
	for (i = 0; i <= PCI_ROM; i++)
		if (layout->bars[i].size) {
			fake.bars[i] = kernel_calls.mmap(NULL, layout->bars[i].size,
							 PROT_READ | PROT_WRITE, MAP_SHARED,
							 fake.memory, (off_t)i << REGION_SHIFT);
			cr_assert_neq(fake.bars[i], MAP_FAILED);
			fill(fake.bars[i], layout->bars[i].size, i);
		}
	/* Nothing is pending. */
	if (range_contains((struct range){0, layout->bars[layout->pba_bar].size}, pba))
		memset(fake.bars[layout->pba_bar] + pba.base, 0, pba.size);
	make_config(layout);
	calls = kernel_calls;
	calls.ioctl = fake_ioctl;
	calls.pread = fake_pread;
	calls.pwrite = fake_pwrite;
	calls.mmap = fake_mmap;
	calls.munmap = fake_munmap;
}

void vfio_fake_unplug(void)
{
	unsigned i;

	cr_assert_eq(fake.n_maps, 0, "%u mappings are left", fake.n_maps);
	cr_assert_lt(fake.irq_index, 0, "interrupts are still on");
	cr_assert(fake.err < 0 && fake.req < 0, "still watched");
	calls = kernel_calls;
	for (i = 0; i <= PCI_ROM; i++)
		if (fake.bars[i])
			munmap(fake.bars[i], fake.layout.bars[i].size);
	close(fake.memory);
}
