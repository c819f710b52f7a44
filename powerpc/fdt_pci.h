/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* fdt_pci: the host bridge in the device tree, and a node for each function. */
#ifndef CARILLON_POWERPC_FDT_PCI_H
#define CARILLON_POWERPC_FDT_PCI_H

#include "fdt.h"
#include "tree.h"

void fdt_pci(struct tree *t, const struct fdt_machine *m);

#endif
