/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The interrupt controller inside KVM: made with its sources, connected to vCPUs, given back. */
#include "irqchip.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "rtas.h"

bool irqchip_is_level(unsigned source)
{
	return source >= SOURCE_INTX_FIRST && source < SOURCE_INTX_FIRST + SOURCE_INTX_COUNT;
}

/* KVM serves the calls on sources itself; it has to know which tokens the guest was told. */
static int define_tokens(const struct vm *vm, struct error *err)
{
	unsigned i;

	for (i = 0; i < rtas_functions_count; i++) {
		struct kvm_rtas_token_args args = {.token = rtas_token_at(i)};

		if (rtas_functions[i].call)
			continue;
		snprintf(args.name, sizeof(args.name), "%s", rtas_functions[i].name);
		if (ioctl(vm->fd, KVM_PPC_RTAS_DEFINE_TOKEN, &args))
			return fail(err, errno, "RTAS: %s: %s", args.name, strerror(errno));
	}
	return 0;
}

int irqchip_parse(const char *text, const struct irqchip **out, struct error *err)
{
	static const struct irqchip *const all[] = {&xics, &xive};
	unsigned i;

	*out = &xics;
	if (!text)
		return 0;
	for (i = 0; i < ARRAY_SIZE(all); i++)
		if (!strcmp(text, all[i]->name)) {
			*out = all[i];
			return 0;
		}
	return fail(err, EINVAL, "--irqchip %s: there is no such; on POWER it is xics or xive",
		    text);
}

/* It is a XIVE if there is none: a KVM without a XICS was refused before. */
static int create_device(struct ppc_machine *m, struct error *err)
{
	const struct irqchip *chip = m->irqchip;
	struct kvm_create_device create = {.type = chip->device};

	if (ioctl(m->vm->fd, KVM_CHECK_EXTENSION, (long)chip->capability) <= 0)
		return fail(err, ENOTSUP,
			    "--irqchip %s: this host's KVM can't: it takes a host on bare metal, "
			    "POWER9 or later, that uses its own XIVE; use --irqchip xics",
			    chip->name);
	if (ioctl(m->vm->fd, KVM_CREATE_DEVICE, &create))
		return fail(err, errno, "%s: KVM can't create it: %s", chip->name, strerror(errno));
	m->irqchip_fd = (int)create.fd;
	return 0;
}

int irqchip_create(struct ppc_machine *m, const char *text, unsigned cpus, struct error *err)
{
	int ret = irqchip_parse(text, &m->irqchip, err);
	const struct irqchip *chip = m->irqchip;
	unsigned source;

	if (!ret)
		ret = create_device(m, err);
	if (!ret && chip->create)
		ret = chip->create(m, cpus, err);
	for (source = SOURCE_FIRST; source < SOURCE_END && !ret; source++)
		ret = chip->add_source(m, source, err);
	if (!ret && chip->by_rtas)
		ret = define_tokens(m->vm, err);
	return ret;
}

void irqchip_describe(const struct irqchip *chip, struct tree *t, unsigned cpus)
{
	chip->describe(t, cpus);
	tree_empty(t, "interrupt-controller");
	tree_u32(t, "#interrupt-cells", 2);
	tree_u32(t, "#address-cells", 0);
	tree_u32(t, "phandle", PHANDLE_IRQCHIP);
	tree_u32(t, "linux,phandle", PHANDLE_IRQCHIP);
	tree_close(t);
}

int irqchip_attr(const struct ppc_machine *m, unsigned long request, uint32_t group, uint64_t attr,
		 void *value)
{
	struct kvm_device_attr a = {.group = group, .attr = attr, .addr = (uintptr_t)value};

	return ioctl(m->irqchip_fd, request, &a) ? -errno : 0;
}

int irqchip_connect(const struct ppc_machine *m, const struct vcpu *c, struct error *err)
{
	struct kvm_enable_cap cap = {.cap = m->irqchip->capability,
				     .args = {(uint64_t)m->irqchip_fd, c->index}};

	if (ioctl(c->fd, KVM_ENABLE_CAP, &cap))
		return fail(err, errno, "vCPU %u: %s: %s", c->index, m->irqchip->name,
			    strerror(errno));
	return 0;
}

void irqchip_destroy(struct ppc_machine *m)
{
	if (m->irqchip && m->irqchip->destroy)
		m->irqchip->destroy(m);
	if (m->irqchip_fd >= 0)
		close(m->irqchip_fd);
	m->irqchip_fd = -1;
}
