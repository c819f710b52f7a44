# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# page16k-walk: the devices of walk on a host with 16 KiB pages, in which small BARs share pages and can't be
# mapped; and one more, which is alone on its bus and so in its page.
# shellcheck shell=sh
# shellcheck source=/dev/null
. "${hosts:?}/walk.sh"

host_set=kernel-16k-arm64
testdevs="$testdevs 0000:01:00.0"
# Each read of an exclusive's BARs is an exit. They are all alike: this is where the registers are.
exclusive_briefly="0:0-60:1248 0:1000-1020:1248 4:0-110:48 4:800-808:48"
devices="$devices
-device pcie-root-port,id=port1,chassis=1,addr=1e
-device pci-testdev,bus=port1
"
