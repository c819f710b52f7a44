/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* virtio: what is PCI's own (4.1): identity, capabilities, the window, vectors, doorbells. */
#include <linux/virtio_pci.h>
#include <unistd.h>

#include "virtio_rig.h"

#define ECAM_BASE 0xe0000000ULL
#define MESSAGE	  0x4000 /* data of vector v: plus v */
#define VECTORS	  (RIG_QUEUES + 1)

static struct virtio_rig rig;

static void open_rig(void)
{
	virtio_rig_open(&rig, &driver_over_pci);
}

static void close_rig(void)
{
	virtio_rig_close(&rig);
}

TestSuite(virtio_pci, .init = open_rig, .fini = close_rig);

static uint64_t config_at(unsigned reg)
{
	return ECAM_BASE + (rig.devfn << 12) + reg;
}

static uint32_t config(unsigned reg, unsigned size)
{
	return virtio_rig_read(&rig, config_at(reg), size);
}

static void set_config(unsigned reg, unsigned size, uint32_t value)
{
	virtio_rig_write(&rig, config_at(reg), size, value);
}

static uint32_t common(unsigned reg, unsigned size)
{
	return virtio_rig_read(&rig, rig.common + reg, size);
}

static void set_common(unsigned reg, unsigned size, uint32_t value)
{
	virtio_rig_write(&rig, rig.common + reg, size, value);
}

/* ---- what a driver finds ----------------------------------------------------------------------
 */

/* 4.1.2.1: a modern device only, whatever driver looks. */
Test(virtio_pci, no_legacy_driver_takes_it)
{
	cr_expect_eq(config(PCI_VENDOR_ID, 2), 0x1af4);
	cr_expect_eq(config(PCI_DEVICE_ID, 2), 0x1040 + VIRTIO_ID_RNG);
	cr_expect_geq(config(PCI_REVISION_ID, 1), 1u);
	cr_expect_geq(config(PCI_SUBSYSTEM_ID, 2), 0x40u);
}

/* 4.1.4: each structure in its BAR, and none over another. */
Test(virtio_pci, the_structures_lie_apart_in_the_bar)
{
	uint32_t lengths[VIRTIO_PCI_CAP_PCI_CFG + 1] = {0};
	struct range seen[8];
	unsigned at, n = 0, i, type;

	for (at = config(PCI_CAPABILITY_LIST, 1); at; at = config(at + 1, 1)) {
		if (config(at, 1) != PCI_CAP_ID_VNDR)
			continue;
		type = config(at + VIRTIO_PCI_CAP_CFG_TYPE, 1);
		lengths[type] = config(at + VIRTIO_PCI_CAP_LENGTH, 4);
		if (type == VIRTIO_PCI_CAP_PCI_CFG)
			continue;
		seen[n] = (struct range){config(at + VIRTIO_PCI_CAP_OFFSET, 4), lengths[type]};
		cr_expect_leq(seen[n].base + seen[n].size,
			      rig.bus.functions[rig.devfn]->bars[0].size);
		for (i = 0; i < n; i++)
			cr_expect_not(ranges_overlap(seen[i], seen[n]));
		n++;
	}
	cr_expect_eq(n, 4);
	cr_expect_geq(lengths[VIRTIO_PCI_CAP_COMMON_CFG],
		      sizeof(struct virtio_pci_common_cfg) + 4u);
	cr_expect_eq(lengths[VIRTIO_PCI_CAP_ISR_CFG], 1);
	cr_expect_eq(lengths[VIRTIO_PCI_CAP_DEVICE_CFG], 7);
	cr_expect_geq(lengths[VIRTIO_PCI_CAP_NOTIFY_CFG], (RIG_QUEUES - 1) * rig.notify_step + 2);
	cr_expect_neq(rig.window, 0);
}

Test(virtio_pci, registers_read_back)
{
	cr_expect_eq(common(VIRTIO_PCI_COMMON_NUMQ, 2), RIG_QUEUES);
	cr_assert(virtio_rig_negotiate(&rig, FEATURE(TOY_F_BASE)));
	set_common(VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	cr_expect_eq(common(VIRTIO_PCI_COMMON_GF, 4), FEATURE(TOY_F_BASE));
	set_common(VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	set_common(VIRTIO_PCI_COMMON_Q_DESCLO, 4, 0x11223340);
	set_common(VIRTIO_PCI_COMMON_Q_DESCHI, 4, 0x55667788);
	cr_expect_eq(common(VIRTIO_PCI_COMMON_Q_DESCLO, 4), 0x11223340);
	cr_expect_eq(common(VIRTIO_PCI_COMMON_Q_DESCHI, 4), 0x55667788);
	virtio_rig_write(&rig, rig.common + VIRTIO_PCI_COMMON_Q_USEDLO, 8, 0x123456789abcdef0);
	cr_expect_eq(rig.toy.device.queues[1].ring.device, 0x123456789abcdef0);
	set_common(VIRTIO_PCI_COMMON_Q_SIZE, 2, RIG_QUEUE_MAX + 1);
	cr_expect_eq(common(VIRTIO_PCI_COMMON_Q_SIZE, 2), RIG_QUEUE_MAX, "4.1.5.1.3: the most");
	set_common(VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
	cr_expect_eq(common(VIRTIO_PCI_COMMON_Q_DESCLO, 4), 0);
}

/* Every byte of the BAR, at every width, with nonsense: nothing but answers. */
Test(virtio_pci, any_access_has_an_answer)
{
	static const uint32_t values[] = {0, 1, 0xffffffff};
	uint64_t base = config(PCI_BASE_ADDRESS_0, 4) & ~0xfu;
	unsigned offset, size, i;

	for (i = 0; i < ARRAY_SIZE(values); i++)
		for (size = 1; size <= 8; size *= 2)
			for (offset = 0; offset + size <= 0x4000; offset += size) {
				virtio_rig_write(&rig, base + offset, size, values[i]);
				virtio_rig_read(&rig, base + offset, size);
			}
	virtio_rig_settle(&rig);
	virtio_rig_start(&rig, 0);
	cr_expect(virtio_rig_echo(&rig, 0));
}

/* ---- the window of 4.1.4.9 --------------------------------------------------------------------
 */

static void aim(uint8_t bar, uint32_t offset, uint32_t length)
{
	set_config(rig.window + VIRTIO_PCI_CAP_BAR, 1, bar);
	set_config(rig.window + VIRTIO_PCI_CAP_OFFSET, 4, offset);
	set_config(rig.window + VIRTIO_PCI_CAP_LENGTH, 4, length);
}

#define WINDOW_DATA (rig.window + (unsigned)sizeof(struct virtio_pci_cap))

Test(virtio_pci, the_window_reads_and_writes_the_bar)
{
	uint32_t base = config(PCI_BASE_ADDRESS_0, 4) & ~0xfu;
	uint32_t at = (uint32_t)(rig.common - base);

	aim(0, at + VIRTIO_PCI_COMMON_NUMQ, 2);
	cr_expect_eq(config(WINDOW_DATA, 2), RIG_QUEUES);
	aim(0, at + VIRTIO_PCI_COMMON_STATUS, 1);
	set_config(WINDOW_DATA, 1, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	cr_expect_eq(rig.t->status(&rig), VIRTIO_CONFIG_S_ACKNOWLEDGE);
	cr_expect_eq(config(WINDOW_DATA, 1), VIRTIO_CONFIG_S_ACKNOWLEDGE);
	/* A driver without memory decoding has no other way, to kick neither. */
	virtio_rig_start(&rig, 0);
	driver_ring_add(&rig.rings[1], &(struct driver_buffer){RIG_BUFFERS, 4, 0}, 1);
	aim(0, (uint32_t)(rig.notify - base) + rig.notify_step, 2);
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	set_config(WINDOW_DATA, 2, 1);
	virtio_rig_settle(&rig);
	cr_expect_eq(rig.toy.served, 1);
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

Test(virtio_pci, the_window_looks_nowhere_else)
{
	static const struct {
		uint8_t bar;
		uint32_t offset, length;
	} bad[] = {{1, 0x14, 1}, {6, 0x14, 1},	     {0xff, 0x14, 1},	    {0, 0x14, 0},
		   {0, 0x14, 3}, {0, 0x14, 8},	     {0, 0x15, 2},	    {0, 0x4000, 4},
		   {0, 0x14, 4}, {0, UINT32_MAX, 1}, {0, 0x14, UINT32_MAX}, {0, UINT32_MAX - 3, 4}};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		aim(bad[i].bar, bad[i].offset, bad[i].length);
		set_config(WINDOW_DATA, 2, VIRTIO_CONFIG_S_ACKNOWLEDGE);
		config(WINDOW_DATA, 4);
		cr_expect_eq(rig.t->status(&rig), 0, "%u", i);
	}
	set_config(WINDOW_DATA, 4, 0);
	aim(0, (uint32_t)rig.config + 1 - (config(PCI_BASE_ADDRESS_0, 4) & ~0xfu), 2);
	cr_expect_eq(config(WINDOW_DATA, 2), 0, "not aligned");
	aim(0, 0x14, 1);
	set_config(WINDOW_DATA + 1, 1, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	cr_expect_eq(rig.t->status(&rig), 0, "its data begin at their first byte");
}

/* PCI 3.0, 6.2.2: who may not master the bus reaches no memory, as when a guest goes by kexec. */
Test(virtio_pci, a_function_that_may_not_master_the_bus_stands_still)
{
	virtio_rig_start(&rig, 0);
	cr_assert(virtio_rig_echo(&rig, 0));
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	cr_expect_eq(rig.toy.stops, 1);
	cr_expect_not(virtio_rig_echo(&rig, 0));
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	cr_expect_not(virtio_rig_echo(&rig, 0));
	cr_expect(rig.t->status(&rig) & VIRTIO_CONFIG_S_NEEDS_RESET);
	virtio_rig_start(&rig, 0);
	cr_expect(virtio_rig_echo(&rig, 0));
	cr_expect_eq(rig.toy.stops, 1, "once for each start");
}

/* One that never asked for it works all the same. */
Test(virtio_pci, a_driver_that_knows_no_bus_masters)
{
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	virtio_rig_start(&rig, 0);
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
	cr_expect(virtio_rig_echo(&rig, 0));
}

/* ---- INTx -------------------------------------------------------------------------------------
 */

Test(virtio_pci, the_line_follows_the_isr_status)
{
	virtio_rig_start(&rig, 0);
	cr_expect_not(rig.rec.level[16]);
	cr_assert(virtio_rig_echo(&rig, 0));
	cr_expect(rig.rec.level[16]);
	cr_expect(config(PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	cr_assert(virtio_rig_echo(&rig, 0));
	virtio_config_changed(&rig.toy.device);
	cr_expect_eq(rig.rec.lines[16], 1, "a level, not edges");
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
	cr_expect_not(rig.rec.level[16]);
	cr_expect(config(PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, "PCI 3.0, 6.2.3: it is pending");
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	cr_expect(rig.rec.level[16]);
	cr_expect_eq(virtio_rig_read(&rig, rig.isr, 1), INTERRUPT_QUEUE | INTERRUPT_CONFIG);
	cr_expect_not(rig.rec.level[16]);
	cr_expect_not(config(PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	cr_expect_eq(virtio_rig_read(&rig, rig.isr, 1), 0, "reading clears it");
}

/* ---- MSI-X ------------------------------------------------------------------------------------
 */

static void set_vector(unsigned v, bool masked)
{
	virtio_rig_write(&rig, rig.table + 16 * v, 4, 0xfee00000);
	virtio_rig_write(&rig, rig.table + 16 * v + 8, 4, MESSAGE + v);
	virtio_rig_write(&rig, rig.table + 16 * v + 12, 4, masked);
}

static void msix_on(void)
{
	unsigned v;

	set_config(rig.msix + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	for (v = 0; v < VECTORS; v++)
		set_vector(v, false);
}

static void assign_vectors(void)
{
	unsigned q;

	set_common(VIRTIO_PCI_COMMON_MSIX, 2, 0);
	for (q = 0; q < RIG_QUEUES; q++) {
		set_common(VIRTIO_PCI_COMMON_Q_SELECT, 2, q);
		set_common(VIRTIO_PCI_COMMON_Q_MSIX, 2, q + 1);
		cr_assert_eq(common(VIRTIO_PCI_COMMON_Q_MSIX, 2), q + 1);
	}
}

/*
 * Was vector v raised since the last question? By its latch, where KVM would take it, or by KVM
 * when it was attached.
 */
static bool raised(unsigned v)
{
	const struct kvm_irq_routing_entry *route;
	const struct kvm_irqfd *irqfd;
	uint64_t count;
	unsigned i, injected;

	for (i = 0; i < rig.rec.n_irqfds; i++) {
		irqfd = &rig.rec.irqfds[i];
		route = recorder_route(&rig.rec, irqfd->gsi);
		if (!route || route->u.msi.data != MESSAGE + v)
			continue;
		injected = rig.rec.injected[irqfd->gsi];
		rig.rec.injected[irqfd->gsi] = 0;
		return read((int)irqfd->fd, &count, sizeof(count)) > 0 || injected;
	}
	return false;
}

Test(virtio_pci, each_queue_has_its_message)
{
	virtio_rig_start(&rig, 0);
	msix_on();
	assign_vectors();
	cr_assert(virtio_rig_echo(&rig, 1));
	cr_expect_not(raised(0));
	cr_expect_not(raised(1));
	cr_expect(raised(2));
	virtio_config_changed(&rig.toy.device);
	cr_expect(raised(0));
	cr_expect_eq(rig.rec.lines[16], 0);
	cr_expect_eq(virtio_rig_read(&rig, rig.isr, 1), INTERRUPT_CONFIG,
		     "4.1.4.5.1: of configuration always, of queues only without MSI-X");
}

/* 4.1.5.1.2 */
Test(virtio_pci, a_vector_that_is_not_there_is_none)
{
	static const uint16_t bad[] = {VECTORS, 0x7ff, 0xfffe, VIRTIO_NO_VECTOR};
	unsigned i;

	cr_expect_eq(common(VIRTIO_PCI_COMMON_MSIX, 2), VIRTIO_NO_VECTOR, "none at first");
	virtio_rig_start(&rig, 0);
	msix_on();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assign_vectors();
		set_common(VIRTIO_PCI_COMMON_MSIX, 2, bad[i]);
		cr_expect_eq(common(VIRTIO_PCI_COMMON_MSIX, 2), VIRTIO_NO_VECTOR);
		set_common(VIRTIO_PCI_COMMON_Q_MSIX, 2, bad[i]);
		cr_expect_eq(common(VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_NO_VECTOR);
		cr_assert(virtio_rig_echo(&rig, 1));
		virtio_config_changed(&rig.toy.device);
		cr_expect_not(raised(0) || raised(1) || raised(2));
	}
}

Test(virtio_pci, a_reset_takes_the_vectors_back)
{
	virtio_rig_start(&rig, 0);
	assign_vectors();
	rig.t->set_status(&rig, 0);
	cr_expect_eq(common(VIRTIO_PCI_COMMON_MSIX, 2), VIRTIO_NO_VECTOR);
	cr_expect_eq(common(VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_NO_VECTOR);
}

/* What fires while masked is pending (PCI 3.0, 6.8.3.5), also before the vector was ever unmasked.
 */
Test(virtio_pci, nothing_is_lost_behind_a_mask)
{
	uint64_t pba = rig.table + rig.bus.functions[rig.devfn]->bars[1].size / 2;

	virtio_rig_start(&rig, 0);
	set_config(rig.msix + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	assign_vectors();
	cr_assert(virtio_rig_echo(&rig, 0));
	cr_expect_eq(virtio_rig_read(&rig, pba, 4), 1u << 1);
	set_vector(1, false);
	cr_expect(raised(1));
	cr_expect_eq(virtio_rig_read(&rig, pba, 4), 0);
	set_vector(1, true);
	cr_assert(virtio_rig_echo(&rig, 0));
	cr_expect_eq(virtio_rig_read(&rig, pba, 4), 1u << 1);
	set_vector(1, false);
	cr_expect(raised(1));
}

Test(virtio_pci, without_msix_the_line_comes_back)
{
	virtio_rig_start(&rig, 0);
	msix_on();
	assign_vectors();
	set_config(rig.msix + PCI_MSIX_FLAGS, 2, 0);
	cr_assert(virtio_rig_echo(&rig, 0));
	cr_expect_eq(rig.t->take_interrupts(&rig), INTERRUPT_QUEUE);
}

/* ---- doorbells --------------------------------------------------------------------------------
 */

/* 4.1.4.4: each queue's place kicks its own eventfd inside KVM, whatever the width. */
Test(virtio_pci, doorbells_are_eventfds)
{
	const struct view_range *range;
	const struct region *region;
	unsigned q;

	cr_expect_eq(rig.rec.doorbells, RIG_QUEUES);
	range = view_find(atomic_load(&rig.rec.vm.mmio.current), rig.notify);
	cr_assert_not_null(range);
	region = range->region;
	cr_assert_eq(region->n_ioeventfds, RIG_QUEUES);
	for (q = 0; q < RIG_QUEUES; q++) {
		cr_expect_eq(region->base + region->ioeventfds[q].offset,
			     rig.notify + q * rig.notify_step);
		cr_expect_eq(region->ioeventfds[q].len, 0);
		cr_expect_not(region->ioeventfds[q].match);
	}
	virtio_rig_start(&rig, 0);
	driver_ring_add(&rig.rings[1], &(struct driver_buffer){RIG_BUFFERS, 4, 0}, 1);
	event_kick(region->ioeventfds[1].fd);
	virtio_rig_settle(&rig);
	cr_expect_eq(rig.toy.served, 1);
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	cr_expect_eq(rig.rec.doorbells, 0);
	set_config(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

Test(virtio_pci, doorbells_of_queues_that_are_not_there)
{
	uint64_t end = (config(PCI_BASE_ADDRESS_0, 4) & ~0xfu) + 0x4000, at;

	virtio_rig_start(&rig, 0);
	for (at = rig.notify + RIG_QUEUES * rig.notify_step; at < end; at += 4)
		virtio_rig_write(&rig, at, 4, 0xffffffff);
	virtio_rig_settle(&rig);
	cr_expect_eq(rig.toy.served, 0);
	cr_expect(virtio_rig_echo(&rig, 0));
}
