# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# hostile-vhost: a hostile guest's rings, read by the host's kernel (vhost-net, vhost-vsock): memory beside the
# buffers stays as it was, another device goes on, the VMM and the host live.
# shellcheck shell=sh
host=virtio
limit=600
long="x86"

# attack NAME ID OPTION...: hostile-virtio's attacks on the device of that number (VIRTIO_ID_*).
attack() {
	params=$2
	guest_name=$case_name-$1
	shift 2
	guest_boot -p "$params" --rng "$@"
	guest_wait 'another device went on'
	guest_end
	grep -q 'hostile-virtio: PASS' said || fail "no PASS from the guest: $(tail -n 1 said)"
	rm said
}

run() {
	carillon_only
	kernel=/share/guest/hostile-virtio.elf
	[ -e "$kernel" ] || skip "build/x86/guest/hostile-virtio.elf isn't there"
	memory=64M
	patience=200
	attack net 1 -n tap,vhost=on
	attack sockets 19 --vsock 42
	! dmesg | grep -E 'BUG|Oops|WARNING|general protection' || fail "the host's kernel complains"
}
