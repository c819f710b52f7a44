# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-initrd: an initrd larger than the guest's memory, and one that isn't there.
# shellcheck shell=sh
host=refusals

run() {
	truncate -s 300M large
	initrd=$PWD/large
	refuses_run large
	initrd=$PWD/absent
	refuses_run absent
}
