/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The room's own part of the window plan. */
#ifndef CARILLON_PCI_WINDOWS_H
#define CARILLON_PCI_WINDOWS_H

#include "pci.h"

/* Pure: what windows must hold. */
void pci_sum_needs(const struct pci_placement *bars, unsigned n, struct pci_needs *needs);

#endif
