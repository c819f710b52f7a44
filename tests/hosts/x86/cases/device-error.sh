# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# device-error: a device reports an error that it can't correct: the machine ends and lets go.
# shellcheck shell=sh
host=devices

# config_byte BDF OFFSET VALUE: set a byte of configuration space.
config_byte() {
	# busybox' echo knows hexadecimal.
	# shellcheck disable=SC3036,SC3037
	echo -ne "\\x$3" | dd of="/sys/bus/pci/devices/$1/config" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# let_errors_through: what a PC's firmware leaves, but not the emulated one's: SERR# Enable (Command, beside
# Interrupt Disable) in device and port, and in what the port forwards (Bridge Control).
let_errors_through() {
	config_byte "$rng" 5 05
	config_byte "$port" 5 05
	config_byte "$port" 62 02
}

run() {
	carillon_only
	bind "$rng"
	guest_start hang --vfio "$rng"
	guest_wait state=hanging
	let_errors_through
	monitor pcie_aer_inject_error rng COMP_ABORT
	guest_end 4
	grep -q "$rng: reported an uncorrectable error" said || fail "the message doesn't say why"
}
