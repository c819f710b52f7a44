/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * virtio: a guest's CPUs work on one device all at once, registers, vectors and configuration,
 * while its loop serves. Nothing is promised but that it comes to an end, and is in order after a
 * reset.
 */
#include <linux/virtio_pci.h>
#include <stdlib.h>

#include "virtio_rig.h"

#define CPUS	 3
#define ACCESSES 4000

static struct virtio_rig rig;

struct cpu {
	pthread_t thread;
	struct view_claim claim;
	unsigned seed;
	_Atomic bool done;
};

static void store(struct cpu *c, uint64_t gpa, unsigned size, uint64_t value)
{
	space_write(&rig.rec.vm.mmio, &c->claim, gpa, size, (const uint8_t *)&value);
}

static unsigned dice(struct cpu *c, unsigned n)
{
	return (unsigned)rand_r(&c->seed) % n;
}

/* One access of those that change something; small numbers, as they are valid more often. */
static void act(struct cpu *c, uint64_t config)
{
	uint8_t buf[8];

	switch (dice(c, 8)) {
	case 0:
		store(c, rig.common + VIRTIO_PCI_COMMON_STATUS, 1,
		      dice(c, 4) ? STATUS_READY | VIRTIO_CONFIG_S_DRIVER_OK : 0);
		return;
	case 1:
		store(c, rig.common + dice(c, 0x3c), 1u << dice(c, 3), dice(c, 4));
		return;
	case 2:
		store(c, rig.common + VIRTIO_PCI_COMMON_GF, 4, dice(c, 2));
		return;
	case 3:
		store(c, rig.table + 4 * dice(c, 12), 4, dice(c, 2));
		return;
	case 4:
		store(c, config + rig.msix + PCI_MSIX_FLAGS, 2, dice(c, 4) << 14);
		return;
	case 5:
		store(c, config + PCI_COMMAND, 2, dice(c, 8) ? PCI_COMMAND_MEMORY : 0);
		return;
	case 6:
		space_read(&rig.rec.vm.mmio, &c->claim, rig.isr, 1, buf);
		return;
	default:
		store(c, rig.notify + rig.notify_step * dice(c, 3), 2, 0);
	}
}

static void *run(void *opaque)
{
	struct cpu *c = opaque;
	uint64_t config = 0xe0000000ULL + (rig.devfn << 12);
	unsigned i;

	for (i = 0; i < ACCESSES; i++)
		act(c, config);
	atomic_store(&c->done, true);
	return NULL;
}

Test(virtio_cpus, all_at_once, .timeout = 120)
{
	static struct cpu cpus[CPUS];
	unsigned i;

	virtio_rig_open(&rig, &driver_over_pci);
	virtio_rig_start(&rig, 0);
	for (i = 0; i < CPUS; i++) {
		cpus[i].seed = i;
		space_register_claim(&rig.rec.vm.mmio, &cpus[i].claim);
	}
	for (i = 0; i < CPUS; i++)
		cr_assert_eq(pthread_create(&cpus[i].thread, NULL, run, &cpus[i]), 0);
	for (i = 0; i < CPUS; i++) {
		while (!atomic_load(&cpus[i].done))
			virtio_rig_settle(&rig);
		pthread_join(cpus[i].thread, NULL);
	}
	virtio_rig_write(&rig, 0xe0000000ULL + (rig.devfn << 12) + PCI_COMMAND, 2,
			 PCI_COMMAND_MEMORY);
	virtio_rig_write(&rig, 0xe0000000ULL + (rig.devfn << 12) + rig.msix + PCI_MSIX_FLAGS, 2, 0);
	virtio_rig_start(&rig, 0);
	cr_expect(virtio_rig_echo(&rig, 0));
	cr_expect(virtio_rig_echo(&rig, 1));
	virtio_rig_close(&rig);
}
