/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The XICS inside KVM (Documentation/virt/kvm/devices/xics.rst in Linux). */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "machine.h"
#include "rtas.h"

/* With any other priority the CPU that the interrupt goes to must exist already. */
#define PRIORITY_MASKED 0xffULL

static bool is_level(unsigned source)
{
	return source >= XICS_INTX_FIRST && source < XICS_INTX_FIRST + XICS_INTX_COUNT;
}

/* Masked, as RTAS would leave it: the guest directs it to a CPU when it wants it. */
static int create_source(const struct ppc_machine *m, unsigned source, struct error *err)
{
	uint64_t state = PRIORITY_MASKED << KVM_XICS_PRIORITY_SHIFT;
	struct kvm_device_attr a = {
		.group = KVM_DEV_XICS_GRP_SOURCES, .attr = source, .addr = (uintptr_t)&state};

	if (is_level(source))
		state |= KVM_XICS_LEVEL_SENSITIVE;
	if (ioctl(m->xics, KVM_SET_DEVICE_ATTR, &a))
		return fail(err, errno, "XICS: source 0x%x: %s", source, strerror(errno));
	return 0;
}

/* KVM serves the calls on sources itself; it has to know which tokens the guest was told. */
static int define_tokens(struct vm *vm, struct error *err)
{
	static const char *const names[] = {"ibm,set-xive", "ibm,get-xive", "ibm,int-off",
					    "ibm,int-on"};
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct kvm_rtas_token_args args = {.token = rtas_token(names[i])};

		snprintf(args.name, sizeof(args.name), "%s", names[i]);
		if (ioctl(vm->fd, KVM_PPC_RTAS_DEFINE_TOKEN, &args))
			return fail(err, errno, "XICS: %s: %s", names[i], strerror(errno));
	}
	return 0;
}

int xics_create(struct ppc_machine *m, struct error *err)
{
	struct kvm_create_device create = {.type = KVM_DEV_TYPE_XICS};
	unsigned source;
	int ret = 0;

	if (ioctl(m->vm->fd, KVM_CREATE_DEVICE, &create))
		return fail(err, errno, "XICS: KVM can't create it: %s", strerror(errno));
	m->xics = (int)create.fd;
	for (source = XICS_FIRST; source < XICS_END && !ret; source++)
		ret = create_source(m, source, err);
	return ret ?: define_tokens(m->vm, err);
}

int xics_connect(struct ppc_machine *m, const struct vcpu *c, struct error *err)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_IRQ_XICS,
				     .args = {(uint64_t)m->xics, c->index}};

	if (ioctl(c->fd, KVM_ENABLE_CAP, &cap))
		return fail(err, errno, "vCPU %u: XICS: %s", c->index, strerror(errno));
	return 0;
}

void xics_destroy(struct ppc_machine *m)
{
	if (m->xics >= 0)
		close(m->xics);
	m->xics = -1;
}
