# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-big-endian: an Image whose header says that it runs big-endian.
# shellcheck shell=sh
host=refusals

run() {
	carillon_only
	cp "$kernel" big
	# The lowest bit of its flags (Linux, Documentation/arch/arm64/booting.rst).
	printf '\013' | dd of=big bs=1 seek=24 conv=notrunc 2>/dev/null
	kernel=$PWD/big
	refuses_run big-endian
}
