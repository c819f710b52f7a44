/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* GICv2m: the frame as a guest's driver reads it, and messages that become SPIs. */
#include <criterion/criterion.h>
#include <errno.h>

#include "../../../arm/machine.h"
#include "../recorder.h"

#define TYPER  0x008
#define SETSPI 0x040
#define IIDR   0xfcc

Test(arm64_v2m, registers)
{
	uint64_t typer = v2m_ops.read(NULL, TYPER, 4);

	/* As drivers/irqchip/irq-gic-v2m.c takes it apart: the first SPI's number, and how many. */
	cr_expect_eq(typer >> 16 & 0x3ff, 96);
	cr_expect_eq(typer & 0x3ff, 128);
	cr_expect_eq(v2m_ops.read(NULL, IIDR, 4), 0, "no implementation with a quirk");
	v2m_ops.write(NULL, SETSPI, 4, 96);
	v2m_ops.write(NULL, TYPER, 4, 0);
	cr_expect_eq(v2m_ops.read(NULL, TYPER, 4), typer);
}

/* The pin that a message with this data is routed to, by the table that KVM gets. */
static unsigned pin_of(struct recorder *r, int gsi, uint32_t data)
{
	struct msi_message msg = {.address = 0x8100040, .data = data, .devid = 8};
	const struct kvm_irq_routing_entry *e;

	cr_assert_eq(irq_route_msi(&r->vm.irqs, (unsigned)gsi, &msg), 0);
	e = recorder_route(r, (unsigned)gsi);
	cr_assert_not_null(e);
	cr_assert_eq(e->type, KVM_IRQ_ROUTING_IRQCHIP);
	cr_assert_eq(e->flags, 0);
	cr_assert_eq(e->u.irqchip.irqchip, 0);
	return e->u.irqchip.pin;
}

Test(arm64_v2m, messages_become_spis)
{
	static const uint32_t wrong[] = {0, 31, 32, 95, 224, 0x80000060, UINT32_MAX};
	struct recorder r;
	unsigned i;
	int gsi;

	recorder_init(&r);
	r.vm.irqs.translate = v2m_route;
	gsi = irq_alloc(&r.vm.irqs);
	cr_assert_geq(gsi, 0);
	for (i = 0; i < SPI_V2M_COUNT; i++)
		cr_assert_eq(pin_of(&r, gsi, 96 + i), 64 + i);
	/* What is no SPI of the frame must not become the board's, or another device's. */
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		unsigned pin = pin_of(&r, gsi, wrong[i]);

		cr_expect(pin >= SPI_BOARD && pin < SPI_V2M_FIRST, "%u became %u", wrong[i], pin);
	}
	recorder_destroy(&r);
}
