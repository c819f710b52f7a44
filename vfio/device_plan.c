/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * All that the guest sees of a device, from what the kernel tells of its regions and from its
 * configuration space: the configuration plan and the BAR plan, brought together. Pure.
 */
#include <string.h>

#include "device.h"

struct vfio_policy vfio_policy_of(const struct vfio *v, const struct vfio_device_options *opt,
				  uint64_t page_size)
{
	return (struct vfio_policy){
		.page_size = page_size,
		.guest_page = v->guest_page,
		.maps_msix = v->by_hypercall && opt->msix == VFIO_MSIX_AUTO,
		.relocation = opt->relocation,
		.subpage = opt->subpage,
	};
}

static uint32_t bar_type(const uint8_t *physical, unsigned bar)
{
	uint32_t raw;

	if (bar == PCI_ROM)
		return 0;
	raw = pci_get32(physical, PCI_BASE_ADDRESS_0 + 4 * bar);
	return raw & (raw & PCI_BASE_ADDRESS_SPACE_IO ? 3u : 0xfu);
}

static struct vfio_bar_facts bar_facts(const struct vfio_region *r, uint32_t type)
{
	struct vfio_bar_facts f = {.size = r->size,
				   .type = type,
				   .mmap = r->flags & VFIO_REGION_INFO_FLAG_MMAP,
				   .msix_mappable = r->msix_mappable,
				   .n_sparse = r->n_sparse};

	memcpy(f.sparse, r->sparse, sizeof(f.sparse));
	return f;
}

/* The low bits of either dword of the capability are the BAR, the others the offset in it. */
static struct vfio_place get_place(const struct vfio_config_plan *config, unsigned reg)
{
	uint32_t where = pci_get32(config->config, config->msix + reg);

	return (struct vfio_place){where & PCI_MSIX_TABLE_BIR, where & PCI_MSIX_TABLE_OFFSET};
}

static void set_place(struct vfio_config_plan *config, unsigned reg, struct vfio_place place)
{
	pci_set32(config->config, config->msix + reg, (uint32_t)place.offset | place.bar);
}

static void msix_facts(const struct vfio_config_plan *config, struct vfio_bars_facts *f)
{
	if (!config->msix)
		return;
	f->entries =
		(pci_get16(config->config, config->msix + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) +
		1u;
	f->table = get_place(config, PCI_MSIX_TABLE);
	f->pba = get_place(config, PCI_MSIX_PBA);
}

static void apply_quirk(const struct vfio_quirk *q, struct vfio_bars_facts *f)
{
	if (!q || !f->entries)
		return;
	if (range_contains((struct range){0, f->bars[q->bar].size}, q->range))
		f->bars[q->bar].quirk = q->range;
	if (q->pba && f->pba.bar < PCI_BARS && f->pba.offset >= f->bars[f->pba.bar].size)
		f->pba.offset = q->pba;
}

int vfio_plan_device(const struct vfio_region *regions, const uint8_t *physical, unsigned size,
		     const struct vfio_policy *policy, struct vfio_device_plan *plan,
		     struct error *err)
{
	struct vfio_bars_facts *f = &plan->facts;
	unsigned bar;
	int ret;

	*f = (struct vfio_bars_facts){.page_size = policy->page_size,
				      .guest_page = policy->guest_page,
				      .maps_msix = policy->maps_msix,
				      .relocation = policy->relocation,
				      .subpage = policy->subpage};
	vfio_plan_config(physical, size, &plan->config);
	for (bar = 0; bar <= PCI_ROM; bar++)
		f->bars[bar] = bar_facts(&regions[bar], bar_type(physical, bar));
	msix_facts(&plan->config, f);
	plan->quirk = vfio_find_quirk(pci_get16(physical, PCI_VENDOR_ID),
				      pci_get16(physical, PCI_DEVICE_ID));
	apply_quirk(plan->quirk, f);
	ret = vfio_plan_bars(f, &plan->bars, err);
	if (ret || !f->entries)
		return ret;
	set_place(&plan->config, PCI_MSIX_TABLE, plan->bars.table);
	set_place(&plan->config, PCI_MSIX_PBA, plan->bars.pba);
	return 0;
}
