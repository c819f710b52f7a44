/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The counters of assigned devices, for carillon stat. */
#include "device.h"

static const char *mode_name(enum vfio_irq_mode mode)
{
	static const char *const names[] = {"none", "intx", "msi", "msix"};

	return names[mode];
}

static void stat_device(struct vfio_device *d, struct json *j)
{
	uint64_t failures = 0;
	unsigned attached = 0;

	if (d->has_msix) {
		attached += msi_engine_attached(&d->msix.engine);
		failures += atomic_load(&d->msix.engine.failures);
	}
	if (d->has_msi) {
		attached += msi_engine_attached(&d->msi.engine);
		failures += atomic_load(&d->msi.engine.failures);
	}
	json_open(j, NULL, '{');
	json_string(j, "bdf", d->bdf);
	json_number(j, "guest_slot", PCI_SLOT(d->function.devfn));
	json_number(j, "config_accesses", atomic_load(&d->function.config_accesses));
	json_number(j, "msix_table_traps", d->has_msix ? atomic_load(&d->msix.table_traps) : 0);
	json_number(j, "msix_pba_traps", d->has_msix ? atomic_load(&d->msix.pba_traps) : 0);
	json_number(j, "bar_traps", atomic_load(&d->bar_traps));
	json_number(j, "made_direct", d->made_direct);
	json_number(j, "io_errors", atomic_load(&d->io_errors));
	json_open(j, "interrupts", '{');
	json_string(j, "mode", mode_name(d->irq_mode));
	json_number(j, "vectors_in_kvm", attached);
	json_number(j, "through_user_space", atomic_load(&d->intx.count));
	json_number(j, "failures", failures);
	json_close(j, '}');
	json_close(j, '}');
}

void vfio_stat(const struct vfio *v, struct json *j)
{
	struct vfio_device *d;

	json_string(j, "iommu", v->ops ? v->ops->name : "none");
	json_open(j, "vfio", '[');
	for (d = v->devices; d; d = d->next)
		stat_device(d, j);
	json_close(j, ']');
}
