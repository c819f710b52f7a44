# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# hostile-virtio: a hostile guest's rings, registers and resets, against every virtio device: memory beside the
# buffers stays as it was, a disk keeps what it has, another device goes on, the VMM and the host live.
# shellcheck shell=sh
host=virtio
limit=900
long="x86 arm64 powerpc"

# add_program: an initrd with the program, where it is a process of a guest's Linux.
add_program() {
	mkdir -p program/bin
	cp /share/guest/hostile-virtio program/bin/
	# A kernel takes one archive after another.
	{ cat "$initrd" && (cd program && find . | cpio -o -H newc); } >with-program
	initrd=$work/with-program
}

# prepare: the program, and the way to it.
prepare() {
	if [ -e /share/guest/hostile-virtio.elf ]; then
		kernel=/share/guest/hostile-virtio.elf
		memory=64M
	elif [ -e /share/guest/hostile-virtio ]; then
		add_program
	else
		skip "the program isn't there: make guest"
	fi
}

# attack NAME VICTIMS OPTION...: hostile-virtio's attacks on devices of one machine, by their numbers
# (VIRTIO_ID_*), each with "strict" if the VMM looks at all its queues. What the machine says goes to a file: a
# console that is told zeros by the megabyte is nothing for guest_boot.
attack() {
	guest_name=$case_name-$1
	victims=$2
	shift 2
	if [ "$kernel" = /share/guest/hostile-virtio.elf ]; then
		set -- -p "$victims" "$@"
	else
		set -- -i "$initrd" -p "$guest_console $params drivers=none do=hostile victims=\"$victims\"" "$@"
	fi
	echo "case: attack on $victims: $*"
	timeout -s KILL $((12 * patience)) "$vmm" run -k "$kernel" -m "$memory" --name "$guest_name" --rng "$@" \
		</dev/null >words 2>complaints
	status=$?
	tr -d '\000\r' <words >said
	cat said
	sort complaints | uniq -c
	[ "$status" = 0 ] || fail "the VMM ended with status $status; the guest's last line: $(tail -n 1 said)"
	grep -q 'hostile-virtio: PASS' said ||
		fail "no PASS from the guest: $(grep 'hostile-virtio: FAIL' said || tail -n 1 said)"
	for id in $victims; do
		case $id in
		4 | strict) ;;
		*)
			grep -q "hostile-virtio: device $id: .*, and another device went on" said ||
				fail "device $id: nothing is said of another device"
			;;
		esac
	done
}

host_is_well() {
	! dmesg | grep -E 'BUG|Oops|WARNING|general protection' || fail "the host's kernel complains"
}

run() {
	carillon_only
	prepare
	yes "nobody writes here" | head -c 4194304 >disk
	before=$(sha256sum <disk)
	truncate -s 4M memory
	mkdir share
	attack vmm '4 strict 2 strict 9 strict 27 strict 3 5 19 1' -d disk --9p share,share --pmem memory \
		--console virtio --balloon --vsock "cid=5,uds=$work/vsock" -n tap,vhost=off
	[ "$virtio_mmio" = no ] || attack mmio '4 strict 2 strict 9 strict' --virtio-transport mmio -d disk --9p share,share
	[ "$(sha256sum <disk)" = "$before" ] || fail "the disk has changed"
	attack vhost '1 19' -n tap,vhost=on --vsock 42
	host_is_well
}
