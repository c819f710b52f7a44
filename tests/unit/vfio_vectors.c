/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vfio: an assigned device's interrupts, from the guest's table to VFIO_DEVICE_SET_IRQS and back.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "vfio_guest.h"

#define N      8
#define ENABLE PCI_MSIX_FLAGS_ENABLE
#define MASK   PCI_MSIX_FLAGS_MASKALL
#define TABLE  0x2000
#define PBA    0x3000

static const struct vfio_fake_layout layout = {
	.bars[0] = {.size = 16 * KIB, .mmap = true},
	.n_msix = N,
	.table = TABLE,
	.pba = PBA,
	.msix_mappable = true,
	.n_msi = 4,
	.intx = true,
	.page = 4 * KIB,
};

static void start_with(const struct vfio_fake_layout *l)
{
	struct error err = {0};

	cr_assert_eq(guest_start(l, NULL, &err), 0, "%s", err.text);
	guest_command(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void start(void)
{
	start_with(&layout);
}

TestSuite(vectors, .init = start, .fini = guest_finish);

static void control(uint16_t value)
{
	pci_config_write(guest.f, FAKE_CAP_MSIX + PCI_MSIX_FLAGS, 2, value);
}

static void entry(unsigned v, unsigned field, unsigned size, uint64_t value)
{
	cr_assert_eq(recorder_store(&guest.rec, guest_bar(0) + TABLE + 16 * v + field, size, value),
		     BY_EXIT);
}

static void mask(unsigned v, bool masked)
{
	entry(v, PCI_MSIX_ENTRY_VECTOR_CTRL, 4, masked);
}

static void program(unsigned v)
{
	entry(v, PCI_MSIX_ENTRY_LOWER_ADDR, 8, 0xfee00000 | (uint64_t)v << 12);
	entry(v, PCI_MSIX_ENTRY_DATA, 4, 0x40 + v);
}

static uint64_t pending_bits(void)
{
	uint64_t bits;

	recorder_load(&guest.rec, guest_bar(0) + PBA, 8, &bits);
	return bits;
}

static unsigned armed(void)
{
	unsigned i, n = 0;

	for (i = 0; i < fake.n_vectors; i++)
		n += fake.vectors[i] >= 0;
	return n;
}

Test(vectors, intx_makes_way_for_msix_and_comes_back)
{
	cr_assert_eq(fake.irq_index, VFIO_PCI_INTX_IRQ_INDEX, "from the first");
	cr_assert(!fake.intx_masked);
	recorder_signal(&guest.rec, fake.vectors[0]);
	cr_assert_eq(guest.rec.injected[16], 1);
	control(ENABLE);
	cr_assert_eq(fake.irq_index, VFIO_PCI_MSIX_IRQ_INDEX);
	cr_assert_eq(armed(), 0, "all are masked");
	control(0);
	cr_assert_eq(fake.irq_index, VFIO_PCI_INTX_IRQ_INDEX);
	recorder_signal(&guest.rec, fake.vectors[0]);
	cr_assert_eq(guest.rec.injected[16], 2);
}

Test(vectors, masked_they_wait_and_unmasked_they_come)
{
	unsigned sets;

	control(ENABLE | MASK);
	program(3);
	mask(3, false);
	control(ENABLE);
	cr_assert_eq(armed(), 1);
	guest_device_signals(3);
	cr_assert_eq(guest_injections(3), 1);
	sets = fake.sets;
	mask(3, true);
	guest_device_signals(3);
	cr_assert_eq(guest_injections(3), 1);
	cr_assert_eq(pending_bits(), 1 << 3);
	mask(3, false);
	cr_assert_eq(guest_injections(3), 2);
	cr_assert_eq(pending_bits(), 0);
	cr_assert_eq(fake.sets, sets, "the device was not touched for it");
}

/* A vector that was never unmasked is masked in the device; its pending bit is the device's own. */
Test(vectors, pending_before_the_first_unmask)
{
	control(ENABLE);
	fake.bars[0][PBA] = 1 << 5;
	cr_assert_eq(pending_bits(), 1 << 5);
}

Test(vectors, added_one_by_one_where_the_host_can)
{
	unsigned v;

	control(ENABLE);
	for (v = 0; v < N; v++) {
		program(v);
		mask(v, false);
		cr_assert_eq(armed(), v + 1);
		cr_assert(fake.last.start == v && fake.last.count == 1);
	}
	for (v = 0; v < N; v++) {
		guest_device_signals(v);
		cr_assert_eq(guest_injections(v), 1);
	}
}

Test(vectors, a_message_moved_while_unmasked)
{
	control(ENABLE);
	program(2);
	mask(2, false);
	entry(2, PCI_MSIX_ENTRY_DATA, 4, 0x99);
	cr_assert_eq(recorder_route(&guest.rec, (unsigned)guest.f->msix->engine.vectors[2].gsi)
			     ->u.msi.data,
		     0x99);
	guest_device_signals(2);
	cr_assert_eq(guest_injections(2), 1);
}

Test(vectors, msi_and_its_masks)
{
	pci_config_write(guest.f, FAKE_CAP_MSI + PCI_MSI_ADDRESS_LO, 4, 0xfee00000);
	pci_config_write(guest.f, FAKE_CAP_MSI + PCI_MSI_MASK_64, 4, 0xd);
	pci_config_write(guest.f, FAKE_CAP_MSI + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | 2 << 4);
	cr_assert_eq(fake.irq_index, VFIO_PCI_MSI_IRQ_INDEX);
	cr_assert_eq(fake.n_vectors, 4, "all at once: MSI can't grow");
	cr_assert_eq(armed(), 1);
	pci_config_write(guest.f, FAKE_CAP_MSI + PCI_MSI_MASK_64, 4, 0);
	cr_assert_eq(armed(), 4);
	recorder_signal(&guest.rec, fake.vectors[2]);
	cr_assert_eq(guest.rec.injected[guest.f->msi->engine.vectors[2].gsi], 1);
}

Test(vectors, refused_by_the_host)
{
	fake.refuse_irqs = ENOSPC;
	program(0);
	mask(0, false);
	control(ENABLE);
	cr_assert_eq(guest.rec.n_irqfds, 0);
	cr_assert_eq(atomic_load(&guest.f->msix->engine.failures), 1);
	fake.refuse_irqs = 0;
	control(0);
	control(ENABLE);
	cr_assert_eq(armed(), 1);
	guest_device_signals(0);
	cr_assert_eq(guest_injections(0), 1);
}

Test(few_vectors, all_at_once_where_they_can_not_grow, .fini = guest_finish)
{
	struct vfio_fake_layout l = layout;

	l.noresize = true;
	start_with(&l);
	program(1);
	mask(1, false);
	control(ENABLE);
	cr_assert_eq(fake.n_vectors, N);
	cr_assert_eq(armed(), 1);
	program(7);
	mask(7, false);
	guest_device_signals(7);
	cr_assert_eq(guest_injections(7), 1);
}

Test(few_vectors, fewer_than_the_table_has, .fini = guest_finish)
{
	struct vfio_fake_layout l = layout;

	l.noresize = true;
	l.available = 3;
	start_with(&l);
	program(2);
	mask(2, false);
	control(ENABLE);
	cr_assert_eq(fake.n_vectors, 3);
	guest_device_signals(2);
	cr_assert_eq(guest_injections(2), 1);
}

/* Nothing of it works then, so the device falls back to what it had. */
Test(few_vectors, fewer_than_the_guest_uses, .fini = guest_finish)
{
	struct vfio_fake_layout l = layout;

	l.available = 3;
	start_with(&l);
	program(5);
	mask(5, false);
	control(ENABLE);
	cr_assert_eq(atomic_load(&guest.f->msix->engine.failures), 1);
	cr_assert_eq(guest.rec.n_irqfds, 1);
	cr_assert_eq(fake.irq_index, VFIO_PCI_INTX_IRQ_INDEX);
	recorder_signal(&guest.rec, fake.vectors[0]);
	cr_assert_eq(guest.rec.injected[16], 1);
}

/* ---- the largest table there is ---------------------------------------------------------------
 */

#define LARGEST PCI_MSIX_ENTRIES_MAX

static const struct vfio_fake_layout largest = {
	.bars[0] = {.size = 64 * KIB, .mmap = true},
	.n_msix = LARGEST,
	.table = TABLE,
	.pba = 0xc000,
	.msix_mappable = true,
	.intx = true,
	.page = 4 * KIB,
};

static void start_largest(const struct vfio_fake_layout *l)
{
	struct error err = {0};

	cr_assert_eq(vm_allow_files(LARGEST + 256, &err), 0, "%s", err.text);
	start_with(l);
	cr_assert_eq(vfio_vectors(&guest.vfio), LARGEST);
}

/* All of it programmed; the function is masked, or not yet enabled. */
static void program_largest(void)
{
	unsigned v;

	for (v = 0; v < LARGEST; v++) {
		program(v);
		mask(v, false);
	}
	fake.sets = guest.rec.route_calls = 0;
}

static void check_largest(void)
{
	unsigned v;

	cr_assert_eq(guest.rec.route_calls, 1, "%u tables", guest.rec.route_calls);
	cr_assert_eq(fake.last.index, VFIO_PCI_MSIX_IRQ_INDEX);
	cr_assert(fake.last.start == 0 && fake.last.count == LARGEST);
	cr_assert_eq(armed(), LARGEST);
	for (v = 0; v < LARGEST; v++) {
		guest_device_signals(v);
		cr_assert_eq(guest_injections(v), 1);
	}
}

TestSuite(largest, .fini = guest_finish);

Test(largest, function_mask_taken_away)
{
	start_largest(&largest);
	control(ENABLE | MASK);
	program_largest();
	control(ENABLE);
	cr_assert_eq(fake.sets, 1);
	check_largest();
}

Test(largest, function_mask_taken_away_where_vectors_can_not_be_added)
{
	struct vfio_fake_layout l = largest;

	l.noresize = true;
	start_largest(&l);
	control(ENABLE | MASK);
	program_largest();
	control(ENABLE);
	cr_assert_eq(fake.sets, 1);
	check_largest();
}

/* INTx is switched off before. */
Test(largest, enabled_when_all_is_programmed)
{
	start_largest(&largest);
	program_largest();
	control(ENABLE);
	cr_assert_eq(fake.sets, 2);
	check_largest();
}

/* No mask of the function: each vector has to work from the moment it is unmasked. */
Test(largest, one_by_one)
{
	start_largest(&largest);
	control(ENABLE);
	program_largest();
	cr_assert_eq(armed(), LARGEST);
	control(0);
	cr_assert_eq(guest.rec.n_routes, 4, "the board's");
	guest.rec.route_calls = 0;
	control(ENABLE);
	check_largest();
}
