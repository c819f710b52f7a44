# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio_pmem: the driver of files that are memory, with what it and its disk are made of.
# shellcheck shell=bash disable=SC2034

guest="virtio"
headers="headers-powerpc"
source="linux-source-powerpc"
folder="drivers/nvdimm"
modules="libnvdimm nd_virtio virtio_pmem nd_pmem"
config="CONFIG_LIBNVDIMM=m CONFIG_ND_CLAIM=y CONFIG_VIRTIO_PMEM=m CONFIG_BLK_DEV_PMEM=m"
# What Linux has the CPU do to make sure of writes, dcbf with L = 6, which is a plain dcbf before POWER10, is an
# illegal instruction to QEMU 10. Of this device's memory it is a request to the device that makes sure.
header='
#undef CONFIG_ARCH_HAS_PMEM_API
#include <linux/string.h>
#define memcpy_flushcache memcpy'
