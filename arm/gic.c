/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The interrupt controller inside KVM (Documentation/virt/kvm/devices/arm-vgic*.rst in Linux). */
#include <asm/kvm.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "machine.h"

static bool can_create(const struct vm *vm, uint32_t type)
{
	struct kvm_create_device test = {.type = type, .flags = KVM_CREATE_DEVICE_TEST};

	return !ioctl(vm->fd, KVM_CREATE_DEVICE, &test);
}

struct irqchip_host gic_probe(struct vm *vm)
{
	return (struct irqchip_host){.gicv3 = can_create(vm, KVM_DEV_TYPE_ARM_VGIC_V3),
				     .its = can_create(vm, KVM_DEV_TYPE_ARM_VGIC_ITS),
				     .gicv2 = can_create(vm, KVM_DEV_TYPE_ARM_VGIC_V2)};
}

static int create(struct vm *vm, uint32_t type, int *fd, struct error *err)
{
	struct kvm_create_device create = {.type = type};

	if (ioctl(vm->fd, KVM_CREATE_DEVICE, &create))
		return fail(err, errno, "interrupt controller: KVM can't create it: %s",
			    strerror(errno));
	*fd = (int)create.fd;
	return 0;
}

static int set(int fd, uint32_t group, uint64_t attr, void *value, struct error *err)
{
	struct kvm_device_attr a = {.group = group, .attr = attr, .addr = (uintptr_t)value};

	if (ioctl(fd, KVM_SET_DEVICE_ATTR, &a))
		return fail(err, errno, "interrupt controller: group %u, attribute %llu: %s", group,
			    (unsigned long long)attr, strerror(errno));
	return 0;
}

static int set_address(int fd, uint64_t what, uint64_t address, struct error *err)
{
	return set(fd, KVM_DEV_ARM_VGIC_GRP_ADDR, what, &address, err);
}

/* The distributor and what each CPU sees of it. */
static int place(struct arm_machine *m, const struct arch_layout *l, struct error *err)
{
	bool v3 = irqchip_is_v3(m->irqchip);
	uint64_t board = l->board.base;
	int ret = set_address(m->gic, v3 ? KVM_VGIC_V3_ADDR_TYPE_DIST : KVM_VGIC_V2_ADDR_TYPE_DIST,
			      board + GICD_OFFSET, err);

	if (ret)
		return ret;
	return v3 ? set_address(m->gic, KVM_VGIC_V3_ADDR_TYPE_REDIST, board + GICR_OFFSET, err)
		  : set_address(m->gic, KVM_VGIC_V2_ADDR_TYPE_CPU, board + GICC_OFFSET, err);
}

static int create_gic(struct arm_machine *m, const struct arch_layout *l, struct error *err)
{
	uint32_t irqs = 32 + SPI_COUNT;
	int ret = create(m->vm,
			 irqchip_is_v3(m->irqchip) ? KVM_DEV_TYPE_ARM_VGIC_V3
						   : KVM_DEV_TYPE_ARM_VGIC_V2,
			 &m->gic, err);

	if (!ret)
		ret = place(m, l, err);
	if (!ret)
		ret = set(m->gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &irqs, err);
	if (!ret)
		ret = set(m->gic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL, err);
	return ret;
}

/* From now on KVM wants to know of each message which device it comes from. */
static int create_its(struct arm_machine *m, const struct arch_layout *l, struct error *err)
{
	int ret = create(m->vm, KVM_DEV_TYPE_ARM_VGIC_ITS, &m->its, err);

	if (!ret)
		ret = set_address(m->its, KVM_VGIC_ITS_ADDR_TYPE, l->doorbell.base, err);
	if (!ret)
		ret = set(m->its, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL, err);
	m->vm->irqs.msi_devid = ioctl(m->vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_MSI_DEVID) > 0;
	return ret;
}

static int create_v2m(struct arm_machine *m, const struct arch_layout *l, struct error *err)
{
	m->v2m = (struct region){.name = "gicv2m",
				 .base = l->doorbell.base,
				 .size = 0x1000,
				 .priority = PRIORITY_PLATFORM,
				 .ops = &v2m_ops};
	m->vm->irqs.translate = v2m_route;
	space_begin(&m->vm->mmio);
	space_add(&m->vm->mmio, &m->v2m);
	return space_commit(&m->vm->mmio, err);
}

/* KVM had a table of its own with each SPI behind the GSI of its number; ours replaces it. */
static int route_pins(struct vm *vm, struct error *err)
{
	unsigned gsi;
	int ret = 0, committed;

	irq_begin(&vm->irqs);
	for (gsi = 0; gsi < SPI_BOARD && !ret; gsi++)
		ret = irq_route_pin(&vm->irqs, gsi, 0, gsi);
	committed = irq_commit(&vm->irqs);
	ret = ret ?: committed;
	return ret ? fail(err, -ret, "interrupt routes: %s", strerror(-ret)) : 0;
}

int gic_create(struct arm_machine *m, const struct arch_layout *layout, struct error *err)
{
	int ret = create_gic(m, layout, err);

	if (!ret && m->irqchip == IRQCHIP_GICV3_ITS)
		ret = create_its(m, layout, err);
	if (!ret && m->irqchip == IRQCHIP_GICV2M)
		ret = create_v2m(m, layout, err);
	return ret ?: route_pins(m->vm, err);
}

void gic_destroy(struct arm_machine *m)
{
	if (m->v2m.size)
		space_remove(&m->vm->mmio, &m->v2m);
	if (m->its >= 0)
		close(m->its);
	if (m->gic >= 0)
		close(m->gic);
	m->v2m.size = 0;
	m->its = m->gic = -1;
}
