/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Capability lists: they come from devices, so every walk is bounded. */
#include <errno.h>

#include "pci.h"

/* More than fit at the least size of a capability is a loop. */
#define CAPS_MAX     48
#define EXT_CAPS_MAX 960

unsigned pci_find_capability(const uint8_t *config, uint8_t id)
{
	unsigned at = config[PCI_CAPABILITY_LIST] & ~3u, n;

	if (!(pci_get16(config, PCI_STATUS) & PCI_STATUS_CAP_LIST))
		return 0;
	for (n = 0; at >= PCI_STD_HEADER_SIZEOF && n < CAPS_MAX; n++) {
		if (config[at] == id)
			return at;
		at = config[at + 1] & ~3u;
	}
	return 0;
}

unsigned pci_find_ext_capability(const uint8_t *config, uint16_t id)
{
	unsigned at = PCI_CFG_SPACE_SIZE, n;

	for (n = 0; at >= PCI_CFG_SPACE_SIZE && n < EXT_CAPS_MAX; n++) {
		uint32_t header = pci_get32(config, at);

		if (!header || header == UINT32_MAX)
			return 0;
		if (PCI_EXT_CAP_ID(header) == id)
			return at;
		at = PCI_EXT_CAP_NEXT(header) & ~3u;
	}
	return 0;
}

int pci_add_capability(struct pci_function *f, uint8_t id, unsigned offset, unsigned size)
{
	unsigned link = PCI_CAPABILITY_LIST, n;

	if (offset < PCI_STD_HEADER_SIZEOF || offset % 4 || size < 2 ||
	    offset + size > PCI_CFG_SPACE_SIZE)
		return -EINVAL;
	for (n = 0; f->config[link]; n++) {
		if (n == CAPS_MAX)
			return -ELOOP;
		link = (f->config[link] & ~3u) + 1;
	}
	f->config[link] = (uint8_t)offset;
	f->config[offset] = id;
	f->config[offset + 1] = 0;
	pci_set16(f->config, PCI_STATUS, pci_get16(f->config, PCI_STATUS) | PCI_STATUS_CAP_LIST);
	return 0;
}
