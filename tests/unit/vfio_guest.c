/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vfio_guest: see vfio_guest.h. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "vfio_guest.h"

struct vfio_guest guest;

static char root[FOLDER_PATH], dev[80];
static struct vfio_paths paths = {.sysfs = root, .dev = dev, .iommu = "/nowhere"};

static const struct pci_windows windows = {
	.ecam = {0xe0000000, 0x100000},
	.mem32 = {0xc0000000, 0x20000000},
	.mem64 = {0x100000000, 0x100000000},
	.io = {0xc000, 0x4000},
};

/* The device bound to vfio-pci, alone in its group; the files of VFIO. */
static void make_tree(void)
{
	folder_make(root);
	snprintf(dev, sizeof(dev), "%s/vfio", root);
	folder_run(root, "mkdir -p vfio bus/pci/devices/" FAKE_BDF
			 " kernel/iommu_groups/" FAKE_GROUP "/devices/" FAKE_BDF);
	folder_run(root, "ln -s /drivers/vfio-pci bus/pci/devices/" FAKE_BDF "/driver");
	folder_run(root, "ln -s ../../../../kernel/iommu_groups/" FAKE_GROUP
			 " bus/pci/devices/" FAKE_BDF "/iommu_group");
	folder_run(root, "touch vfio/vfio vfio/" FAKE_GROUP);
}

static unsigned intx_gsi(uint8_t devfn, unsigned pin)
{
	(void)devfn;
	return 15 + pin;
}

static int start(const struct vfio_fake_layout *layout, const struct vfio_device_options *options,
		 bool by_hypercall, struct error *err)
{
	struct vfio_device_options opt = options ? *options : (struct vfio_device_options){0};
	struct vm *vm = &guest.rec.vm;
	unsigned pin;
	int ret;

	guest.fds_before = open_fds();
	make_tree();
	vfio_fake_plug(layout);
	recorder_init_pages(&guest.rec, layout->page);
	guest.ports = (struct view_claim){.next = NULL};
	space_register_claim(&vm->pio, &guest.ports);
	vm->fd = fake.vm;
	cr_assert_eq(loop_init(&vm->loop, NULL), 0);
	cr_assert_eq(pci_bus_init(&guest.bus, vm, NULL), 0);
	guest.bus.intx_gsi = intx_gsi;
	for (pin = 1; pin <= 4; pin++)
		cr_assert_eq(irq_route_pin(&vm->irqs, intx_gsi(0, pin), 0, pin), 0);
	vfio_init(&guest.vfio, vm, &paths, VFIO_IOMMU_AUTO);
	guest.vfio.by_hypercall = by_hypercall;
	snprintf(opt.bdf, sizeof(opt.bdf), "%s", FAKE_BDF);
	ret = vfio_add_device(&guest.vfio, &guest.bus, &opt, err);
	guest.f = guest.bus.functions[PCI_DEVFN(1, 0)];
	if (!ret) {
		cr_assert_eq(pci_bus_start(&guest.bus, &windows, NULL), 0);
		vfio_start(&guest.vfio);
	}
	return ret;
}

int guest_start(const struct vfio_fake_layout *layout, const struct vfio_device_options *options,
		struct error *err)
{
	return start(layout, options, false, err);
}

int guest_start_by_hypercall(const struct vfio_fake_layout *layout,
			     const struct vfio_device_options *options, struct error *err)
{
	return start(layout, options, true, err);
}

void guest_finish(void)
{
	vfio_close(&guest.vfio);
	pci_bus_destroy(&guest.bus);
	cr_assert_eq(recorder_slots(&guest.rec), 0, "memslots are left");
	cr_assert_eq(guest.rec.n_irqfds, 0, "irqfds are left");
	vfio_fake_unplug();
	loop_destroy(&guest.rec.vm.loop);
	recorder_destroy(&guest.rec);
	folder_remove(root);
	cr_assert_eq(open_fds(), guest.fds_before, "fds are left");
}

void guest_command(uint16_t command)
{
	pci_config_write(guest.f, PCI_COMMAND, 2, command);
}

uint32_t guest_config(unsigned offset, unsigned size)
{
	return pci_config_read(guest.f, offset, size);
}

static bool is_64bit(unsigned bar)
{
	uint32_t low = guest_config(PCI_BASE_ADDRESS_0 + 4 * bar, 4);

	return bar < PCI_BARS && !(low & PCI_BASE_ADDRESS_SPACE_IO) &&
	       (low & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64;
}

static unsigned bar_register(unsigned bar)
{
	return bar == PCI_ROM ? PCI_ROM_ADDRESS : PCI_BASE_ADDRESS_0 + 4 * bar;
}

static uint64_t bar_value(unsigned bar)
{
	unsigned reg = bar_register(bar);
	uint32_t low = guest_config(reg, 4);
	uint64_t value = low & (low & PCI_BASE_ADDRESS_SPACE_IO ? ~3u : ~0xfu);

	if (is_64bit(bar))
		value |= (uint64_t)guest_config(reg + 4, 4) << 32;
	return value;
}

uint64_t guest_bar(unsigned bar)
{
	return bar_value(bar);
}

/* With decoding off, as the specification asks for. */
uint64_t guest_bar_size(unsigned bar)
{
	unsigned reg = bar_register(bar);
	uint16_t command = (uint16_t)guest_config(PCI_COMMAND, 2);
	uint32_t low = guest_config(reg, 4), high = guest_config(reg + 4, 4);
	uint64_t value;

	guest_command(0);
	pci_config_write(guest.f, reg, 4, UINT32_MAX);
	if (is_64bit(bar))
		pci_config_write(guest.f, reg + 4, 4, UINT32_MAX);
	value = bar_value(bar);
	pci_config_write(guest.f, reg, 4, low);
	if (is_64bit(bar))
		pci_config_write(guest.f, reg + 4, 4, high);
	guest_command(command);
	return is_64bit(bar) ? -value : (uint32_t)-value;
}

void guest_device_signals(unsigned vector)
{
	cr_assert_geq(fake.vectors[vector], 0, "vector %u has no eventfd", vector);
	recorder_signal(&guest.rec, fake.vectors[vector]);
}

unsigned guest_injections(unsigned vector)
{
	return guest.rec.injected[guest.f->msix->engine.vectors[vector].gsi];
}
