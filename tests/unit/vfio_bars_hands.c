/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vfio: BAR plans carried out, as the guest's loads and stores find them. The device is a memfd: a
 * BAR for each MiB of it, each dword of which holds its own number.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../vfio/device.h"
#include "recorder.h"

#define PAGE	 0x1000ull
#define WINDOW	 0xe0000000u
#define CAP_MSIX 0x70
#define ON	 (PCI_COMMAND_MEMORY | PCI_COMMAND_IO)

static struct recorder rec;
static struct pci_bus bus;
static struct vfio vfio;
static struct vfio_device d;
static struct vfio_device_plan plan;
static struct vfio_policy policy;
static uint8_t config[PCI_CONFIG_SIZE];
static uint32_t *memory; /* the device's */

static int enable(void *opaque, unsigned n, const int *fds)
{
	(void)opaque, (void)n, (void)fds;
	return 0;
}

static int arm(void *opaque, unsigned first, unsigned n, const int *fds)
{
	(void)opaque, (void)first, (void)n, (void)fds;
	return 0;
}

static void disable(void *opaque)
{
	(void)opaque;
}

static const struct msi_source_ops source = {enable, arm, disable, NULL};
static const struct pci_function_ops function_ops = {.bar_map = vfio_bar_map,
						     .bar_unmap = vfio_bar_unmap};

static void make_device(uint32_t id)
{
	unsigned i;

	memset(config, 0, sizeof(config));
	memset(&d, 0, sizeof(d));
	pci_set32(config, PCI_VENDOR_ID, id);
	policy = (struct vfio_policy){.page_size = PAGE};
	d.fd = memfd_create("device", MFD_CLOEXEC);
	cr_assert_eq(ftruncate(d.fd, 6 * MIB), 0);
	memory = mmap(NULL, 6 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, d.fd, 0);
	cr_assert_neq(memory, MAP_FAILED);
	for (i = 0; i < 6 * MIB / 4; i++)
		memory[i] = i;
}

static void make_bar(unsigned bar, uint64_t size, bool mmap)
{
	d.regions[bar] = (struct vfio_region){.size = size,
					      .offset = bar * MIB,
					      .flags = VFIO_REGION_INFO_FLAG_READ |
						       VFIO_REGION_INFO_FLAG_WRITE |
						       (mmap ? VFIO_REGION_INFO_FLAG_MMAP : 0)};
}

static void make_msix(unsigned entries, uint32_t table, uint32_t pba)
{
	pci_set16(config, PCI_STATUS, PCI_STATUS_CAP_LIST);
	config[PCI_CAPABILITY_LIST] = CAP_MSIX;
	config[CAP_MSIX] = PCI_CAP_ID_MSIX;
	pci_set16(config, CAP_MSIX + PCI_MSIX_FLAGS, (uint16_t)(entries - 1));
	pci_set32(config, CAP_MSIX + PCI_MSIX_TABLE, table);
	pci_set32(config, CAP_MSIX + PCI_MSIX_PBA, pba);
	d.regions[table & PCI_MSIX_TABLE_BIR].msix_mappable = true;
}

static void start(void)
{
	struct error err = {0};

	recorder_init(&rec);
	vfio = (struct vfio){.vm = &rec.vm, .devices = &d};
	d.vfio = &vfio;
	pci_function_init(&d.function, "test", &function_ops, &d);
	cr_assert_eq(vfio_plan_device(d.regions, config, sizeof(config), &policy, &plan, &err), 0,
		     "%s", err.text);
	memcpy(d.function.config, plan.config.config, sizeof(config));
	memcpy(d.function.writable, plan.config.writable, sizeof(config));
	d.quirk = plan.quirk;
	cr_assert_eq(vfio_bars_create(&d, &plan.bars, &err), 0, "%s", err.text);
	if (plan.config.msix)
		cr_assert_eq(pci_msix_init(&d.msix, &d.function, plan.config.msix, false,
					   &rec.vm.irqs, &source, NULL),
			     0);
	cr_assert_eq(pci_bus_init(&bus, &rec.vm, &err), 0);
	bus.windows.mem32 = (struct range){WINDOW, 16 * MIB};
	cr_assert_eq(pci_bus_add(&bus, &d.function, -1, &err), 0);
}

static void finish(void)
{
	pci_unmap_bars(&d.function);
	if (plan.config.msix)
		pci_msix_destroy(&d.msix);
	vfio_bars_destroy(&d);
	pci_function_destroy(&d.function);
	pci_bus_destroy(&bus);
	cr_assert_eq(recorder_slots(&rec), 0);
	recorder_destroy(&rec);
	munmap(memory, 6 * MIB);
	close(d.fd);
}

/* As guests move a BAR: while it decodes. */
static void move(unsigned bar, uint32_t address)
{
	pci_config_write(&d.function, PCI_BASE_ADDRESS_0 + 4 * bar, 4, address);
	pci_config_write(&d.function, PCI_COMMAND, 2, ON);
}

static uint32_t size_of(unsigned bar)
{
	unsigned reg = PCI_BASE_ADDRESS_0 + 4 * bar;
	uint32_t before = pci_config_read(&d.function, reg, 4), mask;

	pci_config_write(&d.function, reg, 4, UINT32_MAX);
	mask = pci_config_read(&d.function, reg, 4) & ~0xfu;
	pci_config_write(&d.function, reg, 4, before);
	return ~mask + 1;
}

static uint32_t load(uint64_t gpa, enum served way)
{
	uint64_t value;

	cr_expect_eq(recorder_load(&rec, gpa, 4, &value), way, "0x%lx", gpa);
	return (uint32_t)value;
}

static void store(uint64_t gpa, uint32_t value)
{
	recorder_store(&rec, gpa, 4, value);
}

/* The dword of the device's BAR. */
static uint32_t *device(unsigned bar, uint32_t offset)
{
	return &memory[(bar * MIB + offset) / 4];
}

static void expect(uint64_t gpa, unsigned bar, uint32_t offset, enum served way)
{
	cr_expect_eq(load(gpa + offset, way), *device(bar, offset), "BAR %u, 0x%x", bar, offset);
}

/* ---- BARs smaller than a page ---- */

static void two_small_bars(enum vfio_subpage subpage)
{
	make_device(0x12345678);
	make_bar(0, PAGE / 4, true);
	make_bar(1, PAGE / 4, true);
	policy.subpage = subpage;
	start();
}

Test(subpage, exact_follows_the_guest)
{
	two_small_bars(VFIO_SUBPAGE_EXACT);
	cr_expect_eq(size_of(0), PAGE / 4);
	move(0, WINDOW);
	move(1, WINDOW + PAGE);
	expect(WINDOW, 0, 0x3fc, BY_SLOT);
	expect(WINDOW + PAGE, 1, 0, BY_SLOT);
	/* Into the other's page: both are served, each with its own bytes. */
	move(1, WINDOW + PAGE / 2);
	expect(WINDOW, 0, 0x3fc, BY_EXIT);
	expect(WINDOW + PAGE / 2, 1, 0, BY_EXIT);
	expect(WINDOW + PAGE / 2, 1, 0x3fc, BY_EXIT);
	/* And away again; not to a page's beginning. */
	move(1, WINDOW + 3 * PAGE / 2);
	expect(WINDOW, 0, 0x3fc, BY_SLOT);
	expect(WINDOW + 3 * PAGE / 2, 1, 0x3fc, BY_EXIT);
	load(WINDOW + 3 * PAGE / 2 + 0x400, BY_NOBODY);
	/* Whoever comes last hides nobody. */
	move(0, WINDOW + PAGE);
	expect(WINDOW + PAGE, 0, 0x3fc, BY_EXIT);
	expect(WINDOW + 3 * PAGE / 2, 1, 0, BY_EXIT);
	move(1, WINDOW + 2 * PAGE);
	expect(WINDOW + PAGE, 0, 0x3fc, BY_SLOT);
	expect(WINDOW + 2 * PAGE, 1, 0x3fc, BY_SLOT);
	store(WINDOW + 2 * PAGE, 7);
	cr_expect_eq(*device(1, 0), 7);
	finish();
}

Test(subpage, expand_leaves_no_room_for_another)
{
	two_small_bars(VFIO_SUBPAGE_EXPAND);
	cr_expect_eq(size_of(0), PAGE);
	cr_expect_eq(size_of(1), PAGE);
	move(0, WINDOW);
	/* The low bits of the address are not there. */
	move(1, WINDOW + 3 * PAGE / 2);
	expect(WINDOW, 0, 0x3fc, BY_SLOT);
	expect(WINDOW + PAGE, 1, 0, BY_SLOT);
	cr_expect_eq(atomic_load(&d.bar_traps), 0);
	finish();
}

/* The host has something else in that page: nothing is beyond the device's own bytes. */
Test(subpage, expand_without_a_page_of_its_own)
{
	make_device(0x12345678);
	make_bar(0, PAGE / 4, false);
	start();
	cr_expect_eq(size_of(0), PAGE);
	move(0, WINDOW);
	expect(WINDOW, 0, 0x3fc, BY_EXIT);
	cr_expect_eq(load(WINDOW + 0x400, BY_EXIT), UINT32_MAX);
	store(WINDOW + 0x400, 7);
	store(WINDOW + 0xffc, 7);
	cr_expect_eq(*device(0, 0x400), 0x100);
	cr_expect_eq(*device(0, 0xffc), 0x3ff);
	cr_expect_eq(atomic_load(&d.io_errors), 0);
	finish();
}

/* ---- relocation ---- */

static void nvme(enum vfio_relocation relocation)
{
	make_device(0x00101b36);
	make_bar(0, 4 * PAGE, true);
	make_msix(65, 0x2000, 0x3000);
	policy.relocation = relocation;
	start();
	move(0, WINDOW);
}

/* A vector's entry as a guest finds it, and writes it. */
static void expect_table(uint64_t gpa)
{
	cr_expect_eq(load(gpa + 64 * 16 + PCI_MSIX_ENTRY_VECTOR_CTRL, BY_EXIT), 1, "masked");
	store(gpa + PCI_MSIX_ENTRY_DATA, 0x4321);
	cr_expect_eq(load(gpa + PCI_MSIX_ENTRY_DATA, BY_EXIT), 0x4321);
	cr_expect_eq(d.msix.engine.vectors[0].msg.data, 0x4321);
}

Test(relocation, a_bar_that_grows)
{
	nvme(VFIO_RELOCATE_AUTO);
	cr_expect_eq(size_of(0), 8 * PAGE);
	cr_expect_eq(pci_config_read(&d.function, CAP_MSIX + PCI_MSIX_TABLE, 4), 0x4000);
	expect(WINDOW, 0, 0, BY_SLOT);
	expect(WINDOW, 0, 0x2000, BY_SLOT);
	expect(WINDOW, 0, 0x3ffc, BY_SLOT);
	expect_table(WINDOW + 0x4000);
	cr_expect_eq(load(WINDOW + 0x4410, BY_EXIT), 0, "no bit is pending");
	cr_expect_eq(load(WINDOW + 0x7ffc, BY_EXIT), UINT32_MAX);
	cr_expect_eq(*device(0, 0x4008), 0x1002, "the device never saw it");
	finish();
}

Test(relocation, a_bar_that_the_device_has_not)
{
	nvme(VFIO_RELOCATE_BAR5);
	cr_expect_eq(size_of(0), 4 * PAGE);
	cr_expect_eq(size_of(5), PAGE);
	cr_expect_eq(pci_config_read(&d.function, CAP_MSIX + PCI_MSIX_TABLE, 4), 5);
	move(5, WINDOW + MIB);
	expect(WINDOW, 0, 0x2000, BY_SLOT);
	expect_table(WINDOW + MIB);
	cr_expect_eq(load(WINDOW + MIB + PAGE - 4, BY_EXIT), UINT32_MAX);
	finish();
}

/* ---- RTL8168's back door: data at 0x70, address at 0x74 of BAR 2 ---- */

#define DATA	(WINDOW + 0x70)
#define ADDRESS (WINDOW + 0x74)

Test(quirks, rtl8168)
{
	uint64_t value;

	make_device(0x816810ec);
	make_bar(2, PAGE, true);
	make_bar(4, 4 * PAGE, true);
	make_msix(4, 4, 0x804);
	start();
	move(2, WINDOW);
	move(4, WINDOW + MIB);

	/* The data of vector 1: written by one door, read by the other. */
	store(DATA, 0x4321);
	store(ADDRESS, 0x8001f018);
	cr_expect_eq(load(ADDRESS, BY_EXIT), 0x1f018, "the flag falls when it is written");
	cr_expect_eq(load(WINDOW + MIB + 0x18, BY_EXIT), 0x4321);
	store(WINDOW + MIB + 0x18, 0x8765);
	store(ADDRESS, 0x1f018);
	cr_expect_eq(load(ADDRESS, BY_EXIT), 0x8001f018, "the flag rises when it is read");
	cr_expect_eq(load(DATA, BY_EXIT), 0x8765);
	recorder_load(&rec, DATA, 8, &value);
	cr_expect_eq(value, 0x8001f01800008765);
	cr_expect_eq(*device(4, 0x18), (4 * MIB + 0x18) / 4, "the device's table is as it was");
	cr_expect_eq(*device(2, 0x74), (2 * MIB + 0x74) / 4, "and heard of none of it");

	/* Beyond the table of four vectors there is nothing. */
	store(ADDRESS, 0x8001f040);
	store(ADDRESS, 0x1ffff);
	cr_expect_eq(load(DATA, BY_EXIT), UINT32_MAX);

	/* Other types are the device's, at any width. */
	store(ADDRESS, 0x0000f0c8);
	cr_expect_eq(*device(2, 0x74), 0xf0c8);
	cr_expect_eq(load(ADDRESS, BY_EXIT), 0xf0c8);
	store(DATA, 0x55);
	cr_expect_eq(load(DATA, BY_EXIT), 0x55);
	cr_expect_eq(*device(2, 0x70), 0x55);
	recorder_store(&rec, DATA, 8, 0x8000000200000066);
	cr_expect_eq(*device(2, 0x70), 0x66);
	cr_expect_eq(*device(2, 0x74), 0x80000002);
	recorder_store(&rec, DATA + 1, 1, 0x77);
	cr_expect_eq(*device(2, 0x70), 0x7766);
	recorder_load(&rec, DATA, 2, &value);
	cr_expect_eq(value & 0xffff, 0x7766);
	/* So is what is beside the door. */
	expect(WINDOW, 2, 0x6c, BY_EXIT);
	expect(WINDOW, 2, 0x78, BY_EXIT);
	expect(WINDOW, 2, 0xffc, BY_EXIT);
	finish();
}
