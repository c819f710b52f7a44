# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# refuse-not-image: what begins as an Image does but lacks the magic number.
# shellcheck shell=sh
host=refusals

run() {
	carillon_only
	cp "$kernel" unmarked
	# The magic number is "ARM\x64", at offset 56.
	printf 'MRA' | dd of=unmarked bs=1 seek=56 conv=notrunc 2>/dev/null
	kernel=$PWD/unmarked
	refuses_run "$kernel"
}
