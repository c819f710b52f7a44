/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* pci: the MSI and MSI-X capabilities, the table and the PBA as a guest reaches them. */
#include <criterion/criterion.h>
#include <string.h>

#include "pci.h"
#include "recorder.h"

#define CAP 0x50
#define N   70 /* more than one qword of pending bits */

static struct recorder rec;
static struct pci_bus bus;
static struct pci_function f;
static struct pci_msix x;
static struct pci_msi m;
static bool on;
static int fds[N];

static int enable(void *opaque, unsigned n, const int *f_)
{
	(void)opaque;
	on = true;
	memset(fds, 0xff, sizeof(fds));
	memcpy(fds, f_, n * sizeof(*f_));
	return 0;
}

static int arm(void *opaque, unsigned first, unsigned n, const int *f_)
{
	(void)opaque;
	memcpy(fds + first, f_, n * sizeof(*f_));
	return 0;
}

static void disable(void *opaque)
{
	(void)opaque;
	on = false;
}

static const struct msi_source_ops source = {enable, arm, disable, NULL};

static void map(struct pci_function *fn, unsigned bar, uint64_t addr)
{
	(void)fn, (void)bar, (void)addr;
}

static void unmap(struct pci_function *fn, unsigned bar)
{
	(void)fn, (void)bar;
}

static void msix_written(struct pci_function *fn, unsigned offset, unsigned size, uint32_t value)
{
	(void)fn, (void)value;
	pci_msix_config_written(&x, offset, size);
}

static void msi_written(struct pci_function *fn, unsigned offset, unsigned size, uint32_t value)
{
	(void)fn, (void)value;
	pci_msi_config_written(&m, offset, size);
}

static uint32_t msi_read(struct pci_function *fn, unsigned offset, unsigned size, uint32_t value)
{
	(void)fn;
	return pci_msi_config_read(&m, offset, size, value);
}

static const struct pci_function_ops msix_function = {
	.config_written = msix_written, .bar_map = map, .bar_unmap = unmap};
static const struct pci_function_ops msi_function = {
	.config_read = msi_read, .config_written = msi_written, .bar_map = map, .bar_unmap = unmap};

static void start(const struct pci_function_ops *ops)
{
	recorder_init(&rec);
	on = false;
	cr_assert_eq(pci_bus_init(&bus, &rec.vm, NULL), 0);
	pci_function_init(&f, "test", ops, NULL);
	cr_assert_eq(pci_bus_add(&bus, &f, -1, NULL), 0);
}

static void finish(void)
{
	cr_assert_eq(rec.n_irqfds, 0);
	pci_function_destroy(&f);
	pci_bus_destroy(&bus);
	recorder_destroy(&rec);
}

static void start_msix(void)
{
	start(&msix_function);
	pci_add_capability(&f, PCI_CAP_ID_MSIX, CAP, 12);
	pci_set16(f.config, CAP + PCI_MSIX_FLAGS, N - 1);
	cr_assert_eq(pci_msix_init(&x, &f, CAP, false, &rec.vm.irqs, &source, NULL), 0);
}

static void finish_msix(void)
{
	pci_msix_destroy(&x);
	finish();
}

TestSuite(msix, .init = start_msix, .fini = finish_msix);

static uint64_t table(uint64_t offset, unsigned size)
{
	uint64_t v = pci_msix_table_ops.read(&x, offset, size);

	return size == 8 ? v : v & ((1ULL << (8 * size)) - 1);
}

static void table_set(uint64_t offset, unsigned size, uint64_t value)
{
	pci_msix_table_ops.write(&x, offset, size, value);
}

static uint64_t pba(uint64_t offset, unsigned size)
{
	uint64_t v = pci_msix_pba_ops.read(&x, offset, size);

	return size == 8 ? v : v & ((1ULL << (8 * size)) - 1);
}

static void control(uint16_t value)
{
	pci_config_write(&f, CAP + PCI_MSIX_FLAGS, 2, value);
}

Test(msix, the_table_at_every_width)
{
	cr_assert_eq(table(0x1c, 4), 1, "masked after reset");
	table_set(0x10, 8, 0x123456789abcdef3);
	cr_assert_eq(table(0x10, 8), 0x123456789abcdef0, "the low two bits are always 0");
	cr_assert_eq(table(0x14, 4), 0x12345678);
	cr_assert_eq(table(0x12, 2), 0x9abc);
	cr_assert_eq(table(0x13, 1), 0x9a);
	table_set(0x18, 8, 0x00000000cafebabe);
	cr_assert_eq(table(0x18, 4), 0xcafebabe);
	cr_assert_eq(table(0x1c, 4), 0);
	table_set(0x19, 1, 0x11);
	cr_assert_eq(table(0x18, 4), 0xcafe11be);
	table_set(0x1a, 2, 0x2233);
	cr_assert_eq(table(0x18, 8), 0x223311be);
	table_set(0x1c, 4, 0xfffffffe);
	cr_assert_eq(table(0x1c, 4), 0, "reserved bits of Vector Control don't stick");
	table_set(0x1c, 1, 1);
	cr_assert_eq(table(0x1c, 4), 1);
	cr_assert_eq(table(N * 16 - 4, 4), 1);
	cr_assert_eq(atomic_load(&x.table_traps), 18);
}

Test(msix, linux_enables_masked_then_unmasks_one_by_one)
{
	control(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	cr_assert(on);
	table_set(16, 8, 0xfee00000);
	table_set(24, 4, 0x21);
	table_set(28, 4, 0);
	cr_assert_eq(rec.n_irqfds, 0, "the function is masked");
	control(PCI_MSIX_FLAGS_ENABLE);
	cr_assert_eq(rec.n_irqfds, 1);
	recorder_signal(&rec, fds[1]);
	cr_assert_eq(rec.injected[x.engine.vectors[1].gsi], 1);
	control(0);
	cr_assert(!on);
	cr_assert_eq(rec.n_irqfds, 0);
}

Test(msix, the_pba_tells_the_truth_at_every_width)
{
	unsigned v;

	control(PCI_MSIX_FLAGS_ENABLE);
	for (v = 0; v < N; v++)
		table_set(v * 16 + 12, 4, 0);
	control(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	cr_assert_eq(pba(0, 8), 0);
	recorder_signal(&rec, fds[3]);
	recorder_signal(&rec, fds[33]);
	recorder_signal(&rec, fds[69]);
	cr_assert_eq(pba(0, 8), 1ULL << 3 | 1ULL << 33);
	cr_assert_eq(pba(0, 4), 1u << 3);
	cr_assert_eq(pba(4, 4), 1u << 1);
	cr_assert_eq(pba(4, 1), 2);
	cr_assert_eq(pba(8, 8), 1u << 5);
	cr_assert_eq(pba(8, 2), 1u << 5);
	pci_msix_pba_ops.write(&x, 0, 8, 0);
	cr_assert_eq(pba(0, 8), 1ULL << 3 | 1ULL << 33, "read-only");
	control(PCI_MSIX_FLAGS_ENABLE);
	cr_assert_eq(pba(0, 8), 0);
	cr_assert_eq(rec.injected[x.engine.vectors[69].gsi], 1);
}

Test(msix, only_its_two_bits_are_writable)
{
	control(0xffff);
	cr_assert_eq(pci_config_read(&f, CAP + PCI_MSIX_FLAGS, 2), 0xc000 | (N - 1));
	pci_config_write(&f, CAP + PCI_MSIX_TABLE, 4, 0xffffffff);
	cr_assert_eq(pci_config_read(&f, CAP + PCI_MSIX_TABLE, 4), 0);
	control(0);
	pci_config_write(&f, CAP, 4, 0x80000000);
	cr_assert(on, "a dword write reaches the control word");
	pci_config_write(&f, CAP + 3, 1, 0);
	cr_assert(!on, "and so does a byte");
}

static void start_msi(void)
{
	start(&msi_function);
	pci_add_capability(&f, PCI_CAP_ID_MSI, CAP, 24);
	pci_set16(f.config, CAP + PCI_MSI_FLAGS,
		  PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT | 2 << 1);
	cr_assert_eq(pci_msi_init(&m, &f, CAP, true, &rec.vm.irqs, &source, NULL), 0);
}

static void finish_msi(void)
{
	pci_msi_destroy(&m);
	finish();
}

TestSuite(msi, .init = start_msi, .fini = finish_msi);

static void msi_control(uint16_t value)
{
	pci_config_write(&f, CAP + PCI_MSI_FLAGS, 2, value);
}

static uint32_t data_of(unsigned v)
{
	return recorder_route(&rec, (unsigned)m.engine.vectors[v].gsi)->u.msi.data;
}

Test(msi, vectors_share_a_message_and_number_its_data)
{
	pci_config_write(&f, CAP + PCI_MSI_ADDRESS_LO, 4, 0xfee01003);
	pci_config_write(&f, CAP + PCI_MSI_DATA_64, 2, 0x4147);
	msi_control(PCI_MSI_FLAGS_ENABLE | 2 << 4);
	cr_assert(on);
	cr_assert_eq(rec.n_irqfds, 4);
	cr_assert_eq(data_of(0), 0x4144);
	cr_assert_eq(data_of(3), 0x4147);
	cr_assert_eq(recorder_route(&rec, (unsigned)m.engine.vectors[0].gsi)->u.msi.address_lo,
		     0xfee01000);
	recorder_signal(&rec, fds[3]);
	cr_assert_eq(rec.injected[m.engine.vectors[3].gsi], 1);
}

Test(msi, more_vectors_than_it_has_are_not_given)
{
	msi_control(PCI_MSI_FLAGS_ENABLE | 5 << 4);
	cr_assert_eq(rec.n_irqfds, 4);
	msi_control(0);
	msi_control(PCI_MSI_FLAGS_ENABLE | 0 << 4);
	cr_assert_eq(rec.n_irqfds, 1);
	cr_assert_eq(data_of(0), 0);
}

Test(msi, masks_and_pending_bits)
{
	msi_control(PCI_MSI_FLAGS_ENABLE | 2 << 4);
	pci_config_write(&f, CAP + PCI_MSI_MASK_64, 4, 0xffffffff);
	cr_assert_eq(pci_config_read(&f, CAP + PCI_MSI_MASK_64, 4), 0xf);
	cr_assert_eq(rec.n_irqfds, 0);
	recorder_signal(&rec, fds[2]);
	cr_assert_eq(pci_config_read(&f, CAP + PCI_MSI_MASK_64 + 4, 4), 1u << 2);
	cr_assert_eq(pci_config_read(&f, CAP + PCI_MSI_MASK_64 + 4, 1), 1u << 2);
	cr_assert_eq(pci_config_read(&f, CAP + PCI_MSI_MASK_64 + 5, 1), 0);
	pci_config_write(&f, CAP + PCI_MSI_MASK_64, 1, 0xb);
	cr_assert_eq(rec.injected[m.engine.vectors[2].gsi], 1);
	cr_assert_eq(pci_config_read(&f, CAP + PCI_MSI_MASK_64 + 4, 4), 0);
}

Test(msi, a_message_changed_while_enabled_takes_effect)
{
	msi_control(PCI_MSI_FLAGS_ENABLE);
	pci_config_write(&f, CAP + PCI_MSI_DATA_64, 2, 0x55);
	cr_assert_eq(data_of(0), 0x55);
}
