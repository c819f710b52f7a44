/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* pci: functions and their capabilities, by pci_read(). */
#include "lib.h"

int pci_find(uint16_t vendor, uint16_t device)
{
	unsigned devfn;

	for (devfn = 0; devfn < 256; devfn++)
		if (pci_read(devfn, 0) == ((uint32_t)device << 16 | vendor))
			return (int)devfn;
	return -1;
}

unsigned pci_capability(unsigned devfn, uint8_t id)
{
	unsigned at = pci_read(devfn, 0x34) & 0xfc, n;

	for (n = 0; at && n < 48; n++) {
		uint32_t header = pci_read(devfn, at);

		if ((uint8_t)header == id)
			return at;
		at = header >> 8 & 0xfc;
	}
	return 0;
}
