# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# vfio-bind: carillon vfio bind takes a device from its driver, unbind gives it back.
# shellcheck shell=sh
host=refusals

run() {
	carillon_only
	give_to_nvme "$nvme"
	carillon vfio bind "$nvme" || fail "bind: status $?"
	[ "$(driver_of "$nvme")" = vfio-pci ] || fail "after bind the driver is $(driver_of "$nvme")"
	carillon vfio list | grep "^$nvme.*vfio-pci" || fail "carillon vfio list doesn't show it"
	carillon vfio unbind "$nvme" || fail "unbind: status $?"
	[ "$(driver_of "$nvme")" = nvme ] || fail "after unbind the driver is $(driver_of "$nvme")"
	refuses 'no such PCI device' carillon vfio bind 0000:00:1e.7
}
