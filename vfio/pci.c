/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * An assigned device on the guest's bus: it is made here from its parts, and the guest's
 * configuration accesses are divided between the plan's emulated bits and the device.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

static uint32_t load(const uint8_t *bytes, unsigned offset, unsigned size)
{
	uint32_t value = 0;

	memcpy(&value, bytes + offset, size);
	return value;
}

static uint32_t all_ones(unsigned size)
{
	return size == 4 ? UINT32_MAX : (1u << (8 * size)) - 1;
}

static uint32_t config_read(struct pci_function *f, unsigned offset, unsigned size, uint32_t value)
{
	struct vfio_device *d = f->opaque;
	uint32_t emulated = load(d->emulated, offset, size);

	if (emulated != all_ones(size))
		value = (value & emulated) | (vfio_config_read(d, offset, size) & ~emulated);
	if (d->has_msi)
		value = pci_msi_config_read(&d->msi, offset, size, value);
	return value;
}

static bool touches(unsigned offset, unsigned size, unsigned reg, unsigned len)
{
	return ranges_overlap((struct range){offset, size}, (struct range){reg, len});
}

static void config_written(struct pci_function *f, unsigned offset, unsigned size, uint32_t value)
{
	struct vfio_device *d = f->opaque;

	if (touches(offset, size, PCI_COMMAND, 2))
		vfio_config_write(d, PCI_COMMAND, 2, pci_get16(f->config, PCI_COMMAND));
	else if (load(d->emulated, offset, size) != all_ones(size))
		vfio_config_write(d, offset, size, value);
	if (d->has_msix)
		pci_msix_config_written(&d->msix, offset, size);
	if (d->has_msi)
		pci_msi_config_written(&d->msi, offset, size);
}

/*
 * Clearing memory enable makes the kernel zap our mmaps, and touching them then is SIGBUS: so the
 * bus has taken the memslots away before this is called, and maps again after it.
 */
static void command_changed(struct pci_function *f, uint16_t before, uint16_t now)
{
	(void)before;
	vfio_config_write(f->opaque, PCI_COMMAND, 2, now);
}

static const struct pci_function_ops function_ops = {
	.config_read = config_read,
	.config_written = config_written,
	.bar_map = vfio_bar_map,
	.bar_unmap = vfio_bar_unmap,
	.command_changed = command_changed,
};

static int init_interrupts(struct vfio_device *d, const struct vfio_config_plan *config)
{
	int ret = 0;

	if (config->msix) {
		ret = pci_msix_init(&d->msix, &d->function, config->msix, d->msix_noresize,
				    &d->vfio->vm->irqs, &vfio_msix_source, d);
		d->msix.by_call = d->vfio->by_hypercall;
		d->has_msix = !ret;
	}
	if (!ret && config->msi && d->n_msi) {
		ret = pci_msi_init(&d->msi, &d->function, config->msi, true, &d->vfio->vm->irqs,
				   &vfio_msi_source, d);
		d->msi.by_call = d->vfio->by_hypercall;
		d->has_msi = !ret;
	}
	return ret;
}

static int carry_out(struct vfio_device *d, const struct vfio_device_plan *plan, struct error *err)
{
	int ret;

	memcpy(d->function.config, plan->config.config, sizeof(plan->config.config));
	memcpy(d->function.writable, plan->config.writable, sizeof(plan->config.writable));
	memcpy(d->emulated, plan->config.emulated, sizeof(plan->config.emulated));
	d->pba = plan->facts.pba;
	d->made_direct = plan->bars.made_direct;
	d->quirk = plan->quirk;
	ret = vfio_bars_create(d, &plan->bars, err);
	if (ret)
		return ret;
	ret = init_interrupts(d, &plan->config);
	return ret ? fail(err, -ret, "its interrupts: %s", strerror(-ret)) : 0;
}

static int plan_device(struct vfio_device *d, struct error *err)
{
	struct vfio_device_plan *plan = malloc(sizeof(*plan));
	uint8_t physical[PCI_CONFIG_SIZE];
	unsigned size;
	int ret;

	if (!plan)
		return fail(err, ENOMEM, "out of memory");
	size = vfio_config_read_all(d, physical);
	ret = vfio_plan_device(d->regions, physical, size, &d->policy, plan, err);
	if (!ret)
		ret = carry_out(d, plan, err);
	free(plan);
	return ret;
}

static int set_up(struct vfio_device *d, struct pci_bus *bus, const struct vfio_device_options *opt,
		  struct error *err)
{
	uint8_t pin;
	int ret;

	ret = vfio_intx_init(d, opt->intx, err);
	if (!ret)
		ret = plan_device(d, err);
	if (!ret)
		ret = pci_bus_add(bus, &d->function, -1, err);
	if (!ret)
		ret = vfio_watch(d, err);
	if (ret)
		return ret;
	pin = d->function.config[PCI_INTERRUPT_PIN];
	d->intx.present = d->intx.present && pin >= 1 && pin <= 4;
	d->intx.gsi = d->intx.present ? bus->intx_gsi(d->function.devfn, pin) : 0;
	vfio_config_write(d, PCI_COMMAND, 2, 0);
	return 0;
}

void vfio_start(struct vfio *v)
{
	struct vfio_device *d;

	for (d = v->devices; d; d = d->next) {
		pthread_mutex_lock(&d->irq_lock);
		if (d->intx.present && !vfio_intx_enable(d))
			d->irq_mode = VFIO_IRQ_INTX;
		pthread_mutex_unlock(&d->irq_lock);
	}
}

static void close_device(struct vfio_device *d)
{
	pci_unmap_bars(&d->function);
	if (d->has_msix)
		pci_msix_destroy(&d->msix);
	if (d->has_msi)
		pci_msi_destroy(&d->msi);
	d->has_msix = d->has_msi = false;
	vfio_intx_disable(d);
	if (d->fd >= 0)
		vfio_unwatch(d);
	vfio_intx_destroy(d);
	vfio_bars_destroy(d);
	vfio_device_close(d);
	pci_function_destroy(&d->function);
	pthread_mutex_destroy(&d->irq_lock);
	free(d);
}

static bool is_taken(const struct vfio *v, const char *bdf)
{
	const struct vfio_device *d;

	for (d = v->devices; d; d = d->next)
		if (!strcmp(d->bdf, bdf))
			return true;
	return false;
}

int vfio_add_device(struct vfio *v, struct pci_bus *bus, const struct vfio_device_options *opt,
		    struct error *err)
{
	struct vfio_host_device host;
	struct vfio_device *d;
	char name[sizeof(d->function.name)];
	int ret;

	if (is_taken(v, opt->bdf))
		return fail(err, EINVAL, "vfio %s: given twice; give each device once", opt->bdf);
	ret = vfio_host_device(v->paths, opt->bdf, &host, err);
	if (!ret)
		ret = vfio_check_host_device(v->paths, &host, err);
	if (ret)
		return ret;
	snprintf(name, sizeof(name), "vfio %s", opt->bdf);
	d = calloc(1, sizeof(*d));
	if (!d)
		return fail(err, ENOMEM, "%s: out of memory", name);
	d->vfio = v;
	d->policy = vfio_policy_of(v, opt, v->vm->mmio.page_size);
	d->fd = d->err_fd = d->req_fd = -1;
	d->intx.trigger = d->intx.unmask = -1;
	memcpy(d->bdf, opt->bdf, sizeof(d->bdf));
	pthread_mutex_init(&d->irq_lock, NULL);
	pci_function_init(&d->function, name, &function_ops, d);
	ret = vfio_device_open(d, &host, err);
	if (!ret)
		ret = set_up(d, bus, opt, err);
	if (ret) {
		error_prefix(err, "%s", name);
		close_device(d);
		return ret;
	}
	d->next = v->devices;
	v->devices = d;
	return 0;
}

int vfio_function_group(const struct pci_function *f)
{
	const struct vfio_device *d = f->opaque;

	return f->ops == &function_ops ? d->group : -1;
}

void vfio_close(struct vfio *v)
{
	struct vfio_device *d;

	while ((d = v->devices)) {
		v->devices = d->next;
		close_device(d);
	}
	vfio_iommu_close(v);
}
