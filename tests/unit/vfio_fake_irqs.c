/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vfio_fake: the interrupts, as vfio_pci_intrs.c has them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "vfio_fake.h"

int vfio_fake_done(int code)
{
	errno = code;
	return code ? -1 : 0;
}

static unsigned irq_count(unsigned index)
{
	const struct vfio_fake_layout *l = &fake.layout;
	const unsigned counts[VFIO_PCI_NUM_IRQS] = {l->intx, l->n_msi, l->n_msix, 1, 1};

	return counts[index];
}

int vfio_fake_irq_info(struct vfio_irq_info *info)
{
	if (info->index >= VFIO_PCI_NUM_IRQS)
		return vfio_fake_done(EINVAL);
	info->count = irq_count(info->index);
	info->flags = VFIO_IRQ_INFO_EVENTFD;
	if (info->index == VFIO_PCI_INTX_IRQ_INDEX)
		info->flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	else if (fake.layout.noresize)
		info->flags |= VFIO_IRQ_INFO_NORESIZE;
	return 0;
}

void vfio_fake_irqs_off(void)
{
	memset(fake.vectors, 0xff, sizeof(fake.vectors));
	fake.irq_index = -1;
	fake.n_vectors = 0;
	fake.intx_unmask = -1;
	fake.intx_masked = false;
}

/* The first call decides how many there are; later ones may add to them only where hosts can. */
static int set_vectors(const struct vfio_irq_set *set, const int32_t *fds)
{
	unsigned end = set->start + set->count, i;

	if (fake.irq_index < 0) {
		if (fake.layout.available && end > fake.layout.available)
			return (int)fake.layout.available;
		fake.irq_index = (int)set->index;
		fake.n_vectors = end;
	}
	if (end > fake.n_vectors && (fake.layout.noresize || set->index != VFIO_PCI_MSIX_IRQ_INDEX))
		return vfio_fake_done(EINVAL);
	if (end > fake.n_vectors)
		fake.n_vectors = end;
	for (i = 0; i < set->count; i++) {
		cr_assert(fds[i] == -1 || fcntl(fds[i], F_GETFD) >= 0, "no eventfd: %d", fds[i]);
		/* The kernel takes the vector apart and sets it up again: its messages may be lost.
		 */
		cr_assert_lt(fake.vectors[set->start + i], 0, "vector %u is set again", i);
		fake.vectors[set->start + i] = fds[i];
	}
	return 0;
}

static int set_intx(const struct vfio_irq_set *set, uint32_t action, const int32_t *fds)
{
	if (set->start || set->count != 1)
		return vfio_fake_done(EINVAL);
	if (action == VFIO_IRQ_SET_ACTION_TRIGGER)
		return set_vectors(set, fds);
	if (fake.irq_index != VFIO_PCI_INTX_IRQ_INDEX)
		return vfio_fake_done(EINVAL);
	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		fake.intx_unmask = fds[0];
	else
		fake.intx_masked = action == VFIO_IRQ_SET_ACTION_MASK;
	return 0;
}

/* Errors of the device, and the host wanting it back: both beside the interrupts. */
static int set_watch(const struct vfio_irq_set *set, const int32_t *fds)
{
	int *fd = set->index == VFIO_PCI_ERR_IRQ_INDEX ? &fake.err : &fake.req;

	*fd = set->flags & VFIO_IRQ_SET_DATA_EVENTFD ? fds[0] : -1;
	return 0;
}

int vfio_fake_set_irqs(const struct vfio_irq_set *set)
{
	uint32_t action = set->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	const int32_t *fds = (const int32_t *)set->data;

	fake.sets++;
	fake.last = (struct vfio_fake_set){set->index, set->flags, set->start, set->count};
	cr_assert_lt(set->index, (uint32_t)VFIO_PCI_NUM_IRQS);
	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		cr_assert_eq(set->argsz, sizeof(*set) + set->count * sizeof(*fds));
	if (set->start + set->count > irq_count(set->index))
		return vfio_fake_done(EINVAL);
	if (fake.refuse_irqs && set->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return vfio_fake_done(fake.refuse_irqs);
	if (set->index > VFIO_PCI_MSIX_IRQ_INDEX)
		return set_watch(set, fds);
	if (fake.irq_index >= 0 && fake.irq_index != (int)set->index)
		return vfio_fake_done(EINVAL);
	if (!set->count) {
		cr_assert_eq(set->flags, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER);
		if (fake.irq_index < 0)
			return vfio_fake_done(EINVAL);
		vfio_fake_irqs_off();
		return 0;
	}
	if (set->index == VFIO_PCI_INTX_IRQ_INDEX)
		return set_intx(set, action, fds);
	return action == VFIO_IRQ_SET_ACTION_TRIGGER ? set_vectors(set, fds)
						     : vfio_fake_done(ENOTTY);
}
