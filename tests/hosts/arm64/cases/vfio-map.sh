# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# vfio-map: carillon vfio map shows where a guest's memory and its MSI bank would lie, and refuses what
# run would refuse.
# shellcheck shell=sh
host=devices

# map_says TEXT OPTION...: what the map has in it, for people and as JSON.
map_says() {
	text=$1
	shift
	for json in "" --json; do
		# shellcheck disable=SC2086
		said=$(carillon vfio map $json "$@" 2>&1) || fail "carillon vfio map $json $*: status $?"
		echo "$said"
		echo "$said" | grep -q -- "$text" || fail "carillon vfio map $json $* doesn't say $text"
	done
}

run() {
	carillon_only
	bind "$nvme"
	map_says 0x8000000 "$nvme"
	map_says 0x40000000 -m 256M@0x40000000 "$nvme"
	map_says 0x6000000 --msi-bank 0x6000000,64M "$nvme"
	refuses 0x10000000 carillon vfio map --msi-bank 0x10000000,2M "$nvme"
	refusal_says 0x8000000
}
