/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vfio: assigned devices as their guest finds them, from layouts that no emulated device has. Each
 * byte of each BAR, at each width, must be what the device holds there, and leave the guest only
 * where it has to.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "vfio_guest.h"

#define MEM64 PCI_BASE_ADDRESS_MEM_TYPE_64
#define PORTS PCI_BASE_ADDRESS_SPACE_IO
#define ON    (PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

static unsigned table_bar, pba_bar;
static struct range table, pba; /* as the guest's capability says */

static void find_msix(void)
{
	const struct vfio_fake_layout *l = &fake.layout;
	uint32_t where;

	table = pba = (struct range){0};
	if (!l->n_msix)
		return;
	where = guest_config(FAKE_CAP_MSIX + PCI_MSIX_TABLE, 4);
	table_bar = where & PCI_MSIX_TABLE_BIR;
	table = (struct range){where & PCI_MSIX_TABLE_OFFSET, 16ull * l->n_msix};
	where = guest_config(FAKE_CAP_MSIX + PCI_MSIX_PBA, 4);
	pba_bar = where & PCI_MSIX_PBA_BIR;
	pba = (struct range){where & PCI_MSIX_PBA_OFFSET, align_up(l->n_msix, 64) / 8};
}

/* What of the table, or of the PBA, lies in this piece of a BAR. */
static bool in_table(unsigned bar, struct range piece)
{
	return table.size && bar == table_bar && ranges_overlap(table, piece);
}

static bool in_pba(unsigned bar, struct range piece)
{
	return pba.size && bar == pba_bar && ranges_overlap(pba, piece);
}

/* A BAR smaller than the host's pages has one to itself if the guest gives it one. */
static bool is_alone(unsigned bar)
{
	uint64_t page = fake.layout.page, base = guest_bar(bar);
	unsigned i;

	if (fake.layout.bars[bar].size >= page)
		return true;
	for (i = 0; i < PCI_BARS; i++)
		if (i != bar && fake.layout.bars[i].size &&
		    align_down(guest_bar(i), page) == align_down(base, page))
			return false;
	return base % page == 0;
}

/* The host's page that holds this byte may be the guest's own: then it is. */
static enum served expected_way(unsigned bar, uint64_t at)
{
	const struct vfio_fake_bar *b = &fake.layout.bars[bar];
	struct range page = {align_down(at, fake.layout.page), fake.layout.page};
	unsigned i;

	if (!b->mmap || in_table(bar, page) || in_pba(bar, page) || !is_alone(bar))
		return BY_EXIT;
	for (i = 0; i < FAKE_SPARSE && b->sparse[i].size; i++)
		if (range_contains(b->sparse[i], page))
			return BY_SLOT;
	return i ? BY_EXIT : BY_SLOT;
}

/* The device's own table, which the kernel keeps from read() and write(). */
static bool is_withheld(unsigned bar, uint64_t at)
{
	struct range own = {fake.layout.table, 16ull * fake.layout.n_msix};

	return bar == fake.layout.table_bar && range_contains(own, (struct range){at, 1}) &&
	       expected_way(bar, at) == BY_EXIT;
}

/* Of a table that was never written: each vector is masked (PCI 3.0, 6.8.2.9). */
static uint8_t expected_byte(unsigned bar, uint64_t at)
{
	struct range byte = {at, 1};

	if (in_table(bar, byte))
		return (at - table.base) % PCI_MSIX_ENTRY_SIZE == PCI_MSIX_ENTRY_VECTOR_CTRL;
	if (in_pba(bar, byte))
		return 0;
	if (at >= fake.layout.bars[bar].size || is_withheld(bar, at))
		return 0xff;
	return fake.bars[bar][at];
}

static uint64_t expected_value(unsigned bar, uint64_t at, unsigned width)
{
	uint64_t value = 0;
	unsigned i;

	for (i = 0; i < width; i++)
		value |= (uint64_t)expected_byte(bar, at + i) << (8 * i);
	return value;
}

static void check_load(unsigned bar, uint64_t at, unsigned width)
{
	struct range piece = {at, width};
	bool virtual = in_table(bar, piece) || in_pba(bar, piece);
	enum served way = expected_way(bar, at);
	uint64_t value;

	fake.reads = 0;
	cr_assert_eq(recorder_load(&guest.rec, guest_bar(bar) + at, width, &value), way,
		     "BAR %u, 0x%lx, %u bytes", bar, at, width);
	cr_assert_eq(value, expected_value(bar, at, width), "BAR %u, 0x%lx, %u bytes", bar, at,
		     width);
	/* One access of the guest is one of the device: by read(), or a load where there is an
	 * mmap.
	 */
	cr_assert_leq(fake.reads, way == BY_EXIT && !virtual);
	if (fake.reads)
		cr_assert(fake.accessed_bar == bar && fake.accessed.base == at &&
				  fake.accessed.size == width,
			  "BAR %u, 0x%lx: %lu bytes at 0x%lx", bar, at, fake.accessed.size,
			  fake.accessed.base);
}

static void check_store(unsigned bar, uint64_t at, unsigned width)
{
	uint64_t value = (at + width) * 0x9e3779b97f4a7c15;

	if (in_table(bar, (struct range){at, width}) || in_pba(bar, (struct range){at, width}) ||
	    is_withheld(bar, at))
		return;
	fake.writes = 0;
	cr_assert_eq(recorder_store(&guest.rec, guest_bar(bar) + at, width, value),
		     expected_way(bar, at));
	cr_assert_arr_eq(fake.bars[bar] + at, &value, width, "BAR %u, 0x%lx, %u bytes", bar, at,
			 width);
	cr_assert_leq(fake.writes, expected_way(bar, at) == BY_EXIT);
	if (fake.writes)
		cr_assert_eq(fake.accessed.size, width, "BAR %u, 0x%lx", bar, at);
}

static void check_memory(unsigned bar, uint64_t size)
{
	unsigned width;
	uint64_t at;

	for (width = 1; width <= 8; width *= 2)
		for (at = 0; at < size; at += width)
			check_load(bar, at, width);
	for (width = 1; width <= 8; width *= 2)
		for (at = 0; at < size; at += width)
			check_store(bar, at, width);
}

/* What a BAR is larger than the device: a table that was moved there, and nothing. */
static void check_beyond(unsigned bar, uint64_t end)
{
	/* The rest of the device's last page comes with it. */
	uint64_t from = align_up(fake.layout.bars[bar].size, fake.layout.page), at, value;
	unsigned width;

	for (width = 1; width <= 8; width *= 2)
		for (at = from; at < end; at += width) {
			fake.reads = 0;
			cr_assert_eq(recorder_load(&guest.rec, guest_bar(bar) + at, width, &value),
				     BY_EXIT);
			cr_assert_eq(value, expected_value(bar, at, width), "BAR %u, 0x%lx", bar,
				     at);
			cr_assert_eq(fake.reads, 0, "the device was asked");
		}
}

static void check_ports(unsigned bar, uint64_t size)
{
	uint64_t base = guest_bar(bar), at, value, wanted;
	unsigned width;

	for (width = 1; width <= 4; width *= 2)
		for (at = 0; at < size; at += width) {
			value = wanted = 0;
			memcpy(&wanted, fake.bars[bar] + at, width);
			cr_assert(space_read(&guest.rec.vm.pio, &guest.ports, base + at, width,
					     (uint8_t *)&value));
			cr_assert_eq(value, wanted);
			cr_assert_eq(fake.accessed.size, width);
			value = ~value;
			cr_assert(space_write(&guest.rec.vm.pio, &guest.ports, base + at, width,
					      (const uint8_t *)&value));
			cr_assert_arr_eq(fake.bars[bar] + at, &value, width);
		}
}

static void check_bars(void)
{
	unsigned bar;

	for (bar = 0; bar < PCI_BARS; bar++) {
		uint64_t size = fake.layout.bars[bar].size, seen;

		if (!size && !(table.size && bar == table_bar))
			continue;
		seen = guest_bar_size(bar);
		cr_assert_geq(seen, size);
		cr_assert(is_pow2(seen));
		if (fake.layout.bars[bar].type & PORTS) {
			check_ports(bar, size);
		} else {
			check_memory(bar, size);
			check_beyond(bar, seen);
		}
	}
}

static void start(const struct vfio_fake_layout *layout, const struct vfio_device_options *options)
{
	struct error err = {0};

	cr_assert_eq(guest_start(layout, options, &err), 0, "%s", err.text);
	find_msix();
	guest_command(ON);
}

static void check_with(const struct vfio_fake_layout *layout,
		       const struct vfio_device_options *options)
{
	start(layout, options);
	check_bars();
	guest_finish();
}

static void check(const struct vfio_fake_layout *layout)
{
	check_with(layout, NULL);
}

/* ---- layouts --------------------------------------------------------------------------------- */

/* As QEMU's NVMe is: everything in one BAR. */
static const struct vfio_fake_layout nvme = {
	.bars[0] = {.size = 16 * KIB, .type = MEM64, .mmap = true},
	.n_msix = 65,
	.table = 0x2000,
	.pba = 0x3000,
	.msix_mappable = true,
	.intx = true,
	.page = 4 * KIB,
};

/* The adapter on which a table in the last page of a BAR of one page was first met. */
static const struct vfio_fake_layout sas3008 = {
	.bars[0] = {.size = 256, .type = PORTS},
	.bars[1] = {.size = 64 * KIB, .type = MEM64, .mmap = true},
	.bars[3] = {.size = 256 * KIB, .type = MEM64, .mmap = true},
	.bars[PCI_ROM] = {.size = MIB},
	.n_msix = 96,
	.table_bar = 1,
	.table = 0xe000,
	.pba_bar = 1,
	.pba = 0xf000,
	.msix_mappable = true,
	.intx = true,
	.page = 4 * KIB,
};

static struct vfio_fake_layout with_pages(const struct vfio_fake_layout *layout, uint64_t page)
{
	struct vfio_fake_layout l = *layout;

	l.page = page;
	return l;
}

Test(vfio_device, table_beside_the_registers)
{
	const struct vfio_fake_layout pages_16k = with_pages(&nvme, 16 * KIB);

	check(&nvme);
	check(&pages_16k);
}

Test(vfio_device, sas3008_with_pages_of_4k)
{
	check(&sas3008);
}

Test(vfio_device, sas3008_with_pages_of_16k)
{
	const struct vfio_fake_layout l = with_pages(&sas3008, 16 * KIB);

	check(&l);
}

Test(vfio_device, sas3008_with_pages_of_64k)
{
	const struct vfio_fake_layout l = with_pages(&sas3008, 64 * KIB);

	check(&l);
}

Test(vfio_device, table_that_crosses_a_page)
{
	static const struct vfio_fake_layout l = {
		.bars[2] = {.size = 16 * KIB, .mmap = true},
		.n_msix = 32,
		.table_bar = 2,
		.table = 0x1f00,
		.pba_bar = 2,
		.pba = 0x3ff8,
		.msix_mappable = true,
		.page = 4 * KIB,
	};

	check(&l);
}

Test(vfio_device, table_and_pba_in_two_bars)
{
	static const struct vfio_fake_layout l = {
		.bars[0] = {.size = 8 * KIB, .type = MEM64, .mmap = true},
		.bars[2] = {.size = 16 * KIB, .type = MEM64, .mmap = true},
		.bars[4] = {.size = 8 * KIB, .type = MEM64, .mmap = true},
		.n_msix = 3,
		.table_bar = 2,
		.table = 0x1010,
		.pba_bar = 4,
		.pba = 0x800,
		.msix_mappable = true,
		.page = 4 * KIB,
	};

	check(&l);
}

/* Areas that begin and end within pages of the host, too. */
Test(vfio_device, sparse_areas)
{
	static const struct vfio_fake_layout l = {
		.bars[0] = {.size = 64 * KIB,
			    .mmap = true,
			    .sparse = {{0, 0x2000}, {0x8000, 0x4000}, {0xe000, 0x1000}}},
		.page = 4 * KIB,
	};
	const struct vfio_fake_layout pages_16k = with_pages(&l, 16 * KIB);

	check(&l);
	check(&pages_16k);
}

/* Before Linux 4.16 a mapping could not hold the table's page. */
Test(vfio_device, old_kernel)
{
	struct vfio_fake_layout l = nvme;

	l.msix_mappable = false;
	l.bars[0].sparse[0] = (struct range){0, 0x2000};
	l.bars[0].sparse[1] = (struct range){0x3000, 0x1000};
	check(&l);
}

Test(vfio_device, nothing_may_be_mapped)
{
	struct vfio_fake_layout l = sas3008;

	l.bars[1].mmap = l.bars[3].mmap = false;
	l.msix_mappable = false;
	check(&l);
}

/* The kernel lets a BAR be mapped that is smaller than a page and alone in it (4.8). */
Test(vfio_device, bars_smaller_than_a_page)
{
	const struct vfio_device_options exact = {.subpage = VFIO_SUBPAGE_EXACT};
	static const struct vfio_fake_layout l = {
		.bars[0] = {.size = 4 * KIB, .mmap = true},
		.bars[1] = {.size = 16 * KIB, .mmap = true},
		.bars[2] = {.size = 256},
		.bars[4] = {.size = 4 * KIB, .type = MEM64, .mmap = true},
		.n_msix = 5,
		.table_bar = 4,
		.table = 0x800,
		.pba_bar = 4,
		.pba = 0xc00,
		.msix_mappable = true,
		.page = 64 * KIB,
	};
	const struct vfio_fake_layout pages_4k = with_pages(&l, 4 * KIB);

	check(&l);
	check_with(&l, &exact);
	check(&pages_4k);
}

static void check_relocated(const struct vfio_fake_layout *layout, enum vfio_relocation where,
			    unsigned slots)
{
	const struct vfio_device_options options = {.relocation = where};

	start(layout, &options);
	cr_assert(table_bar != layout->table_bar || table.base != layout->table);
	cr_assert_eq(recorder_slots(&guest.rec), slots);
	check_bars();
	guest_finish();
}

/* The table behind the device's bytes, or in a BAR of its own: where it was, the device is seen. */
Test(vfio_device, table_relocated)
{
	const struct vfio_fake_layout pages_64k = with_pages(&sas3008, 64 * KIB);
	struct vfio_fake_layout old = sas3008;

	check_relocated(&pages_64k, VFIO_RELOCATE_AUTO, 2);
	check_relocated(&nvme, VFIO_RELOCATE_BAR0, 1);
	check_relocated(&nvme, VFIO_RELOCATE_BAR0 + 4, 1);
	old.msix_mappable = false;
	old.bars[1].sparse[0] = (struct range){0, 0xe000};
	old.bars[1].sparse[1] = (struct range){0xf000, 0x1000};
	check_relocated(&old, VFIO_RELOCATE_BAR0 + 5, 3);
}

/* ---- policies, and what a guest does with BARs -------------------------------------------------
 */

/* A guest that composes no messages: the table is one more register (and traps if asked to). */
Test(vfio_device, table_mapped_with_the_rest)
{
	struct vfio_device_options trap = {.msix = VFIO_MSIX_TRAP};
	struct error err = {0};

	cr_assert_eq(guest_start_by_hypercall(&sas3008, NULL, &err), 0, "%s", err.text);
	table = pba = (struct range){0};
	guest_command(ON);
	check_bars();
	guest_finish();
	cr_assert_eq(guest_start_by_hypercall(&sas3008, &trap, &err), 0, "%s", err.text);
	find_msix();
	guest_command(ON);
	check_bars();
	guest_finish();
}

/* While the device does not decode, nothing of it is mapped; fake's mmaps can't be touched then. */
Test(vfio_device, decoding_off_and_on)
{
	uint64_t value, at;

	start(&nvme, NULL);
	at = guest_bar(0);
	cr_assert_eq(recorder_load(&guest.rec, at, 4, &value), BY_SLOT);
	guest_command(0);
	cr_assert_eq(pci_get16(fake.config, PCI_COMMAND), 0);
	cr_assert_eq(recorder_slots(&guest.rec), 0);
	cr_assert_eq(recorder_load(&guest.rec, at, 4, &value), BY_NOBODY);
	cr_assert_eq(recorder_load(&guest.rec, at + nvme.table, 4, &value), BY_NOBODY);
	guest_command(PCI_COMMAND_MEMORY);
	check_bars();
	guest_finish();
}

Test(vfio_device, a_bar_that_moves)
{
	uint64_t before, value;

	start(&nvme, NULL);
	before = guest_bar(0);
	guest_command(0);
	pci_config_write(guest.f, PCI_BASE_ADDRESS_0, 4, 0xc8000000);
	pci_config_write(guest.f, PCI_BASE_ADDRESS_1, 4, 0);
	guest_command(ON);
	cr_assert_neq(guest_bar(0), before);
	cr_assert_eq(recorder_load(&guest.rec, before, 4, &value), BY_NOBODY);
	check_bars();
	/* Within the page of nobody's window it decodes nothing. */
	pci_config_write(guest.f, PCI_BASE_ADDRESS_0, 4, 0x1000);
	cr_assert_eq(recorder_slots(&guest.rec), 0);
	guest_finish();
}

/* The guest's own: command, BARs and MSI-X. All else is the device's, at the guest's width. */
Test(vfio_device, configuration_space)
{
	unsigned writes;

	start(&nvme, NULL);
	cr_assert_eq(guest_config(PCI_VENDOR_ID, 4), FAKE_ID);
	fake.config[0x140] = 0x5a;
	cr_assert_eq(guest_config(0x140, 1), 0x5a);
	writes = fake.config_writes;
	pci_config_write(guest.f, 0x140, 2, 0x1234);
	cr_assert_eq(pci_get16(fake.config, 0x140), 0x1234);
	cr_assert_eq(fake.config_writes, writes + 1);
	pci_config_write(guest.f, PCI_BASE_ADDRESS_0, 4, UINT32_MAX);
	pci_config_write(guest.f, FAKE_CAP_MSIX + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_MASKALL);
	pci_config_write(guest.f, FAKE_CAP_MSIX + PCI_MSIX_TABLE, 4, UINT32_MAX);
	cr_assert_eq(fake.config_writes, writes + 1, "none of the device's business");
	cr_assert_eq(guest_config(FAKE_CAP_MSIX + PCI_MSIX_FLAGS, 2),
		     PCI_MSIX_FLAGS_MASKALL | (nvme.n_msix - 1));
	guest_finish();
}

/* Refused, with a reason, and nothing left of it. */
static void refused(const struct vfio_fake_layout *layout, const char *why)
{
	struct error err = {0};

	cr_assert_neq(guest_start(layout, NULL, &err), 0);
	cr_assert_null(guest.f, "still on the bus");
	cr_assert(strstr(err.text, "vfio " FAKE_BDF ": "), "%s", err.text);
	cr_assert(strstr(err.text, why), "%s", err.text);
	guest_finish();
}

Test(vfio_device, refused_and_gone)
{
	struct vfio_fake_layout l = nvme;

	l.table = 0x3c00;
	l.pba = 0x1000;
	refused(&l, "MSI-X table reaches beyond");
	l = nvme;
	l.pba = 0x2200;
	refused(&l, "PBA");
	/* With one of two BARs mapped already. */
	l = sas3008;
	l.mmaps = 1;
	refused(&l, "BAR 3: can't map 0x0-0x3ffff");
}
