/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * GICv2m: a frame at which a message names the SPI that it raises (SBSA 3.0, appendix E). Assigned
 * devices do not write to it: their messages become routes to the SPI inside KVM.
 */
#include "machine.h"

#define V2M_TYPER 0x008

static uint64_t v2m_read(void *opaque, uint64_t offset, unsigned size)
{
	(void)opaque, (void)size;
	switch (offset) {
	case V2M_TYPER:
		return (32 + SPI_V2M_FIRST) << 16 | SPI_V2M_COUNT;
	default:
		return 0; /* no IIDR of any quirky implementation */
	}
}

static void v2m_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	/* A CPU that writes SETSPI itself asks for an interrupt that Linux never asks for so. */
	(void)opaque, (void)offset, (void)size, (void)value;
}

const struct region_ops v2m_ops = {v2m_read, v2m_write};

/* What is no SPI of the frame is routed to one that nobody listens to: messages can be wrong. */
void v2m_route(struct kvm_irq_routing_entry *e)
{
	uint32_t spi = e->u.msi.data - 32;

	if (spi < SPI_V2M_FIRST || spi >= SPI_V2M_FIRST + SPI_V2M_COUNT)
		spi = SPI_V2M_FIRST - 1;
	*e = (struct kvm_irq_routing_entry){.gsi = e->gsi, .type = KVM_IRQ_ROUTING_IRQCHIP};
	e->u.irqchip.pin = spi;
}
