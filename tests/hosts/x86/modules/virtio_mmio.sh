# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio_mmio: the driver of virtio devices that are on no bus, as kernels have it that find them by their command
# line.
# shellcheck shell=bash disable=SC2034

guest="bare"
headers="headers-x86"
source="linux-source"
folder="drivers/virtio"
modules="virtio_mmio"
config="CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES=y"
