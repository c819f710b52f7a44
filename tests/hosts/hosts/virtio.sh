# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# virtio: a host with nothing to give away, for guests with emulated devices.
# shellcheck shell=sh

host_machine="-smp 2 -m 1536"
devices=
