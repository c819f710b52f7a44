/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* RTAS: configuration space, and messages from the guest's wish to the source that is switched on.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "partition.h"

static void start(void)
{
	partition_start(128 * KIB);
}

TestSuite(powerpc_pci, .init = start, .fini = partition_finish);

/* ---- configuration space --------------------------------------------------------------------- */

static uint32_t read_config(unsigned device, unsigned reg, unsigned size)
{
	cr_assert_eq(RTAS("ibm,read-pci-config", 2, NAMED(device, reg), size), 0, "0x%x", reg);
	return rets[0];
}

static void write_config(unsigned device, unsigned reg, unsigned size, uint32_t value)
{
	cr_assert_eq(RTAS("ibm,write-pci-config", 1, NAMED(device, reg), size, value), 0);
}

Test(powerpc_pci, registers_at_every_width)
{
	struct pci_function *f = &p.devices[DEVICE_MSI].f;

	pci_set32(f->config, 0x40, 0x44332211);
	pci_set32(f->writable, 0x40, 0xffffffff);
	cr_expect_eq(read_config(DEVICE_MSI, 0, 4), 0x00111b36);
	cr_expect_eq(read_config(DEVICE_MSI, 0x40, 4), 0x44332211);
	cr_expect_eq(read_config(DEVICE_MSI, 0x42, 2), 0x4433);
	cr_expect_eq(read_config(DEVICE_MSI, 0x41, 1), 0x22);
	write_config(DEVICE_MSI, 0x43, 1, 0xffffff99);
	cr_expect_eq(read_config(DEVICE_MSI, 0x40, 4), 0x99332211);
	write_config(DEVICE_MSI, 0x40, 2, 0xffff5566);
	cr_expect_eq(read_config(DEVICE_MSI, 0x40, 4), 0x99335566);
	write_config(DEVICE_MSI, 0x40, 4, 0x12345678);
	cr_expect_eq(read_config(DEVICE_MSI, 0x40, 4), 0x12345678);
	/* Without the BUID: what there is but one host bridge for. */
	cr_expect_eq(RTAS("read-pci-config", 2, address_of(DEVICE_MSI, 0x40), 4), 0);
	cr_expect_eq(rets[0], 0x12345678);
	cr_expect_eq(RTAS("write-pci-config", 1, address_of(DEVICE_MSI, 0x40), 1, 0xab), 0);
	cr_expect_eq(read_config(DEVICE_MSI, 0x40, 4), 0x123456ab);
}

Test(powerpc_pci, extended_registers)
{
	struct pci_function *f = &p.devices[DEVICE_BOTH].f;

	pci_set32(f->config, 0x100, 0x10001);
	pci_set32(f->config, 0xffc, 0xcafe0001);
	pci_set32(f->writable, 0xffc, 0xffff0000);
	cr_expect_eq(address_of(DEVICE_BOTH, 0xffc), 0xf00018fc, "as LoPAR has the bits");
	cr_expect_eq(read_config(DEVICE_BOTH, 0x100, 4), 0x10001);
	cr_expect_eq(read_config(DEVICE_BOTH, 0xffc, 4), 0xcafe0001);
	write_config(DEVICE_BOTH, 0xffe, 2, 0x1234);
	cr_expect_eq(read_config(DEVICE_BOTH, 0xffc, 4), 0x12340001);
	cr_expect_eq(read_config(DEVICE_BOTH, 0xfc, 4), 0, "and not at the lower bits alone");
}

Test(powerpc_pci, accesses_that_are_none)
{
	static const struct {
		unsigned reg;
		uint32_t size;
	} bad[] = {{0, 0},     {0, 3},	   {0, 8},	    {0, UINT32_MAX}, {0, 0x80000000},
		   {0, 0x104}, {0x41, 2},  {0x41, 4},	    {0x42, 4},	     {0xffd, 4},
		   {0xff, 2},  {0xfff, 4}, {0x100, 0x10004}};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		const uint32_t at = address_of(DEVICE_MSI, bad[i].reg);

		cr_expect_eq(RTAS("ibm,read-pci-config", 2, at, BUID_HIGH, BUID_LOW, bad[i].size),
			     -3, "case %u", i);
		cr_expect_eq(
			RTAS("ibm,write-pci-config", 1, at, BUID_HIGH, BUID_LOW, bad[i].size, 0),
			-3, "case %u", i);
		cr_expect_eq(RTAS("read-pci-config", 2, at, bad[i].size), -3, "case %u", i);
		cr_expect_eq(RTAS("write-pci-config", 1, at, bad[i].size, 0), -3, "case %u", i);
	}
	cr_expect_eq(atomic_load(&p.devices[DEVICE_MSI].f.config_accesses), 0);
}

/* Reads find nobody there, as on a bus; whatever it is, it reaches none of the functions. */
Test(powerpc_pci, nobody_there)
{
	const uint32_t here = address_of(DEVICE_MSI, 0);
	const uint32_t nobody[][3] = {
		{here | 1 << 16, BUID_HIGH, BUID_LOW},
		{here | 0xff0000, BUID_HIGH, BUID_LOW},
		{here | 1 << 8, BUID_HIGH, BUID_LOW},
		{31 << 11, BUID_HIGH, BUID_LOW},
		{here, BUID_HIGH, BUID_LOW + 1},
		{here, BUID_HIGH + 1, BUID_LOW},
		{here, 0, 0},
		{here, BUID_LOW, BUID_HIGH},
		{here, UINT32_MAX, UINT32_MAX},
	};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(nobody); i++) {
		const uint32_t *n = nobody[i];

		cr_expect_eq(RTAS("ibm,read-pci-config", 2, n[0], n[1], n[2], 4), 0);
		cr_expect_eq(rets[0], 0xffffffff);
		cr_expect_eq(RTAS("ibm,read-pci-config", 2, n[0], n[1], n[2], 2), 0);
		cr_expect_eq(rets[0], 0xffff);
		cr_expect_eq(RTAS("ibm,read-pci-config", 2, n[0], n[1], n[2], 1), 0);
		cr_expect_eq(rets[0], 0xff);
		cr_expect_eq(RTAS("ibm,write-pci-config", 1, n[0], n[1], n[2], 4, 0), -3);
		cr_expect_eq(RTAS("ibm,change-msi", 4, n[0], n[1], n[2], 3, 1, 1), -3);
		cr_expect_eq(RTAS("ibm,query-interrupt-source-number", 3, n[0], n[1], n[2], 0), -3);
		cr_expect_eq(RTAS("ibm,query-pe-dma-window", 5, n[0], n[1], n[2]), -3);
	}
	for (i = 0; i < DEVICES; i++)
		cr_expect_eq(atomic_load(&p.devices[i].f.config_accesses), 0);
}

/* ---- messages -------------------------------------------------------------------------------- */

enum {
	ANY = 1,
	MSI = 3,
	MSIX = 4,
	MSI_32 = 5,
	MSIX_32 = 6,
};

/* How many were granted, which is never more than were asked for; or the status, if it is none. */
static int change(unsigned device, uint32_t function, uint32_t n)
{
	int ret = RTAS("ibm,change-msi", 4, NAMED(device, 0), function, n, 1);

	if (ret)
		return ret;
	cr_assert_leq(rets[0], n);
	cr_assert_eq(rets[1], 2, "the next sequence number");
	return (int)rets[0];
}

static int source_of(unsigned device, uint32_t i)
{
	int ret = RTAS("ibm,query-interrupt-source-number", 3, NAMED(device, 0), i);

	cr_assert(ret || rets[1] == 1, "a message is an edge");
	return ret ? ret : (int)rets[0];
}

static unsigned used_sources(void)
{
	unsigned i, n = 0;

	for (i = 0; i < SOURCE_END - SOURCE_MSI_FIRST; i++)
		n += p.rec.vm.irqs.used[i];
	return n;
}

/* n sources in a row from the range that is for messages, and no more. */
static void expect_row(unsigned device, unsigned n)
{
	int first = source_of(device, 0);
	unsigned i;

	cr_assert_geq(first, SOURCE_MSI_FIRST);
	cr_assert_leq(first + (int)n, SOURCE_END);
	for (i = 0; i < n; i++)
		cr_assert_eq(source_of(device, i), first + (int)i);
	cr_assert_eq(source_of(device, n), -3);
	cr_assert_eq(source_of(device, UINT32_MAX), -3);
}

Test(powerpc_pci, messages_of_each_kind)
{
	cr_expect_eq(change(DEVICE_MSIX, MSIX, 5), 5);
	cr_expect_eq(rets[2], 2, "MSI-X");
	expect_row(DEVICE_MSIX, 5);
	cr_expect_eq(change(DEVICE_MSI, MSI, 2), 2);
	cr_expect_eq(rets[2], 1, "MSI");
	expect_row(DEVICE_MSI, 2);
	cr_expect_eq(change(DEVICE_BOTH, MSI_32, 8), 8);
	cr_expect_eq(rets[2], 1);
	cr_expect_eq(p.devices[DEVICE_BOTH].msi.assigned, 8);
	expect_row(DEVICE_BOTH, 8);
	cr_expect_eq(used_sources(), 15);
	/* Another kind takes the place of what there was. */
	cr_expect_eq(change(DEVICE_BOTH, MSIX_32, 3), 3);
	cr_expect_eq(rets[2], 2);
	cr_expect_eq(p.devices[DEVICE_BOTH].msi.assigned, 0);
	cr_expect_eq(p.devices[DEVICE_BOTH].msix.assigned, 3);
	expect_row(DEVICE_BOTH, 3);
	cr_expect_eq(used_sources(), 10);
	cr_expect_eq(change(DEVICE_BOTH, ANY, 2), 2);
	cr_expect_eq(rets[2], 1);
	cr_expect_eq(change(DEVICE_MSIX, ANY, 2), 2);
	cr_expect_eq(rets[2], 2);
}

/* Before LoPAR had kinds there was no room for the answer which. */
Test(powerpc_pci, three_returns_are_enough)
{
	cr_expect_eq(RTAS("ibm,change-msi", 3, NAMED(DEVICE_MSI, 0), ANY, 4, 1), 0);
	cr_expect_eq(rets[0], 4);
	expect_row(DEVICE_MSI, 4);
}

Test(powerpc_pci, unknown_functions_change_nothing)
{
	static const uint32_t unknown[] = {0, 2, 7, 0x10003, 0x80000004, UINT32_MAX};
	unsigned i;

	cr_expect_eq(change(DEVICE_BOTH, MSIX, 4), 4);
	for (i = 0; i < ARRAY_SIZE(unknown); i++)
		cr_expect_eq(change(DEVICE_BOTH, unknown[i], 1), -3, "%u", unknown[i]);
	expect_row(DEVICE_BOTH, 4);
}

Test(powerpc_pci, a_kind_that_the_function_lacks_changes_nothing)
{
	cr_expect_eq(change(DEVICE_MSIX, MSIX, 4), 4);
	cr_expect_eq(change(DEVICE_MSIX, MSI, 1), -3);
	expect_row(DEVICE_MSIX, 4);
	cr_expect_eq(change(DEVICE_MSI, MSIX, 1), -3);
	cr_expect_eq(change(DEVICE_NONE, ANY, 1), -3);
	cr_expect_eq(change(DEVICE_NONE, MSI, 1), -3);
	cr_expect_eq(used_sources(), 4);
}

/* As guests do when they give messages up, whatever kind these were. */
Test(powerpc_pci, none_is_what_a_guest_asks_for_at_the_end)
{
	cr_expect_eq(change(DEVICE_MSIX, MSIX, 4), 4);
	cr_expect_eq(change(DEVICE_MSIX, ANY, 0), 0);
	cr_expect_eq(used_sources(), 0);
	cr_expect_eq(source_of(DEVICE_MSIX, 0), -3);
	cr_expect_eq(change(DEVICE_BOTH, MSIX, 4), 4);
	cr_expect_eq(change(DEVICE_BOTH, ANY, 0), 0);
	cr_expect_eq(used_sources(), 0);
	cr_expect_eq(source_of(DEVICE_BOTH, 0), -3);
	cr_expect_eq(change(DEVICE_NONE, ANY, 0), 0);
	cr_expect_eq(change(DEVICE_BOTH, MSIX, 4), 4);
	cr_expect_eq(change(DEVICE_BOTH, MSI, 0), 0);
	cr_expect_eq(used_sources(), 0);
}

/* Linux rounds up to a power of two, and if that was not granted, asks for what its driver wants.
 */
Test(powerpc_pci, more_than_the_function_has)
{
	cr_expect_eq(change(DEVICE_MSIX, MSIX, 128), MSIX_N);
	expect_row(DEVICE_MSIX, MSIX_N);
	cr_expect_eq(change(DEVICE_MSIX, MSIX, MSIX_N), MSIX_N);
	expect_row(DEVICE_MSIX, MSIX_N);
	cr_expect_eq(used_sources(), MSIX_N);
	cr_expect_eq(change(DEVICE_MSIX, MSIX, UINT32_MAX), MSIX_N);
	cr_expect_eq(change(DEVICE_MSI, MSI, 0x80000000), MSI_N);
	expect_row(DEVICE_MSI, MSI_N);
}

Test(powerpc_pci, when_sources_run_out)
{
	struct irq_table *irqs = &p.rec.vm.irqs;
	const unsigned all = SOURCE_END - SOURCE_MSI_FIRST;
	int other = irq_alloc_row(irqs, all - 60);

	/* Two gaps, of 20 and of 39, and one source that is somebody's between them. */
	cr_assert_eq(other, SOURCE_MSI_FIRST);
	irqs->used[all - 60 + 20] = 1;
	cr_expect_eq(change(DEVICE_MSIX, MSIX, 64), 39);
	expect_row(DEVICE_MSIX, 39);
	cr_expect_eq(change(DEVICE_MSIX, MSIX, 39), 39, "what was granted once is granted again");
	expect_row(DEVICE_MSIX, 39);
	cr_expect_eq(change(DEVICE_BOTH, MSI, 8), 8);
	expect_row(DEVICE_BOTH, 8);
	cr_expect_eq(change(DEVICE_BOTH, ANY, 0), 0);
	cr_expect_eq(irq_alloc_row(irqs, 20), SOURCE_MSI_FIRST + (int)all - 60);
	cr_expect_eq(change(DEVICE_MSI, MSI, 4), 0, "there are none");
	cr_expect_eq(source_of(DEVICE_MSI, 0), -3);
	/* What is given up is there for others. */
	cr_expect_eq(change(DEVICE_MSIX, ANY, 0), 0);
	cr_expect_eq(change(DEVICE_MSI, MSI, 4), 4);
	expect_row(DEVICE_MSI, 4);
}

static void control(unsigned device, uint16_t flags)
{
	write_config(device, CAP_MSIX + PCI_MSIX_FLAGS, 2, flags);
}

static unsigned injected(unsigned device, unsigned v)
{
	return p.rec.injected[source_of(device, v)];
}

/*
 * The order in which Linux does it. A source may be unable to grow, and then switching it on with
 * less than all would be the end of it: so it is switched on once, with all.
 */
Test(powerpc_pci, msix_is_switched_on_once_with_all_it_was_given)
{
	struct device *d = &p.devices[DEVICE_MSIX];
	struct source *s = &d->msix_source;
	int first, again;
	unsigned i;

	control(DEVICE_MSIX, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	cr_assert_eq(s->enables, 0, "nobody knows how many there will be");
	cr_assert_eq(change(DEVICE_MSIX, MSIX, 16), 16);
	first = source_of(DEVICE_MSIX, 0);
	cr_assert_eq(s->enables, 0, "all is still masked");
	cr_assert_eq(p.rec.attach_calls, 0);
	control(DEVICE_MSIX, PCI_MSIX_FLAGS_ENABLE);
	cr_assert_eq(s->enables, 1);
	cr_expect_eq(s->n, 16);
	cr_expect_eq(s->arms, 0);
	cr_expect_eq(p.rec.n_irqfds, 16);
	for (i = 0; i < 16; i++) {
		cr_assert_geq(s->fds[i], 0);
		recorder_signal(&p.rec, s->fds[i]);
		cr_expect_eq(p.rec.injected[first + (int)i], 1);
	}
	/* A mask over all, as around a change of affinity, leaves the source alone. */
	control(DEVICE_MSIX, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	recorder_signal(&p.rec, s->fds[3]);
	cr_expect_eq(injected(DEVICE_MSIX, 3), 1);
	control(DEVICE_MSIX, PCI_MSIX_FLAGS_ENABLE);
	cr_expect_eq(injected(DEVICE_MSIX, 3), 2, "it was pending");
	cr_expect_eq(s->enables, 1);
	/* Off and on: a reset of the device's driver. */
	control(DEVICE_MSIX, 0);
	cr_expect(!s->on);
	cr_expect_eq(p.rec.n_irqfds, 0);
	again = source_of(DEVICE_MSIX, 0);
	cr_expect_eq(again, first, "what was given stays given");
	control(DEVICE_MSIX, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	control(DEVICE_MSIX, PCI_MSIX_FLAGS_ENABLE);
	cr_expect_eq(s->enables, 2);
	cr_expect_eq(s->n, 16);
	recorder_signal(&p.rec, s->fds[15]);
	cr_expect_eq(p.rec.injected[first + 15], 2);
	/* Given up while it is on. */
	cr_expect_eq(change(DEVICE_MSIX, ANY, 0), 0);
	cr_expect(!s->on);
	cr_expect_eq(p.rec.n_irqfds, 0);
	cr_expect_eq(p.rec.n_routes, 0);
	cr_expect_eq(used_sources(), 0);
	cr_expect_eq(d->msix.engine.failures, 0);
}

Test(powerpc_pci, msix_that_was_given_nothing_stays_off)
{
	control(DEVICE_MSIX, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	control(DEVICE_MSIX, PCI_MSIX_FLAGS_ENABLE);
	cr_expect_eq(p.devices[DEVICE_MSIX].msix_source.enables, 0);
	cr_expect_eq(used_sources(), 0, "nor does it take sources by itself");
}

/* The table, where the guest can't reach the device's own: its masks count, its messages don't. */
Test(powerpc_pci, masks_in_a_virtual_table)
{
	struct device *d = &p.devices[DEVICE_MSIX];
	struct source *s = &d->msix_source;
	unsigned i;

	control(DEVICE_MSIX, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	cr_assert_eq(change(DEVICE_MSIX, MSIX, 4), 4);
	for (i = 0; i < MSIX_N; i++)
		pci_msix_table_ops.write(&d->msix, 16 * i + 12, 4, 1);
	control(DEVICE_MSIX, PCI_MSIX_FLAGS_ENABLE);
	cr_expect_eq(p.rec.n_irqfds, 0);
	for (i = 0; i < MSIX_N; i++) {
		pci_msix_table_ops.write(&d->msix, 16 * i, 8, 0xdead000000000000);
		pci_msix_table_ops.write(&d->msix, 16 * i + 8, 8, 0xbeef);
	}
	cr_expect_eq(p.rec.n_irqfds, 4, "one that was given no source never fires");
	recorder_signal(&p.rec, s->fds[2]);
	cr_expect_eq(injected(DEVICE_MSIX, 2), 1);
	pci_msix_table_ops.write(&d->msix, 16 * 2 + 12, 4, 1);
	recorder_signal(&p.rec, s->fds[2]);
	cr_expect_eq(injected(DEVICE_MSIX, 2), 1);
	cr_expect_eq(pci_msix_pba_ops.read(&d->msix, 0, 8), 1u << 2);
	cr_expect_eq(d->msix.engine.failures, 0);
}

Test(powerpc_pci, msi)
{
	struct device *d = &p.devices[DEVICE_MSI];
	struct source *s = &d->msi_source;
	int first;

	write_config(DEVICE_MSI, CAP_MSI + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	cr_expect_eq(s->enables, 0);
	write_config(DEVICE_MSI, CAP_MSI + PCI_MSI_FLAGS, 2, 0);
	cr_assert_eq(change(DEVICE_MSI, MSI, 4), 4);
	first = source_of(DEVICE_MSI, 0);
	write_config(DEVICE_MSI, CAP_MSI + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | 2 << 4);
	cr_expect_eq(s->enables, 1);
	cr_expect_eq(s->n, 4);
	recorder_signal(&p.rec, s->fds[3]);
	cr_expect_eq(p.rec.injected[first + 3], 1);
	write_config(DEVICE_MSI, CAP_MSI + PCI_MSI_FLAGS, 2, 0);
	cr_expect(!s->on);
	write_config(DEVICE_MSI, CAP_MSI + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | 2 << 4);
	cr_expect_eq(source_of(DEVICE_MSI, 0), first);
	recorder_signal(&p.rec, s->fds[0]);
	cr_expect_eq(p.rec.injected[first], 1);
	cr_expect_eq(change(DEVICE_MSI, ANY, 0), 0);
	cr_expect(!s->on);
	cr_expect_eq(used_sources(), 0);
}

Test(powerpc_pci, masks_of_msi)
{
	struct source *s = &p.devices[DEVICE_MSI].msi_source;

	cr_assert_eq(change(DEVICE_MSI, MSI, 2), 2);
	write_config(DEVICE_MSI, CAP_MSI + PCI_MSI_MASK_64, 4, 0xf);
	write_config(DEVICE_MSI, CAP_MSI + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | 1 << 4);
	cr_expect_eq(p.rec.n_irqfds, 0);
	write_config(DEVICE_MSI, CAP_MSI + PCI_MSI_MASK_64, 4, 0);
	cr_expect_eq(p.rec.n_irqfds, 2, "one that was given no source never fires");
	write_config(DEVICE_MSI, CAP_MSI + PCI_MSI_MASK_64, 4, 2);
	recorder_signal(&p.rec, s->fds[1]);
	recorder_signal(&p.rec, s->fds[0]);
	cr_expect_eq(injected(DEVICE_MSI, 0), 1);
	cr_expect_eq(injected(DEVICE_MSI, 1), 0);
	write_config(DEVICE_MSI, CAP_MSI + PCI_MSI_MASK_64, 4, 0);
	cr_expect_eq(injected(DEVICE_MSI, 1), 1, "it was pending");
	cr_expect_eq(p.devices[DEVICE_MSI].msi.engine.failures, 0);
}
