/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Between the parts that know the options of carillon run: what getopt calls those without a
 * letter. */
#ifndef CARILLON_CMD_RUN_OPTIONS_H
#define CARILLON_CMD_RUN_OPTIONS_H

#include "cmd.h"

enum run_option {
	OPT_VFIO = 256,
	OPT_IOMMU,
	OPT_NAME,
	OPT_CONSOLE,
	OPT_HUGEPAGES,
	OPT_PREFAULT,
	OPT_SHARED,
	OPT_MSI_BANK,
	OPT_IRQCHIP,
	OPT_CPU,
	OPT_DUMP_DTB,
	OPT_RNG,
	OPT_TRANSPORT,
	OPT_9P,
	OPT_BALLOON,
	OPT_PMEM,
	OPT_VSOCK,
	OPT_VHOST_USER,
	OPT_DDW,
	OPT_TCE,
	OPT_JSON,
	OPT_HELP
};

/* Pure: one option of a virtio device. value belongs to argv. */
int run_set_device(int opt, char *value, struct virtio_options *v, struct error *err);

#endif
