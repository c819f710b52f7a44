# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# blk-errors: bad sectors and full filesystems under raw and qcow2 disks are the guest's errors; all else goes on.
# shellcheck shell=sh
host=disks
tools="dmsetup"
long="x86 arm64 powerpc"
limit=600

# bad_disk NAME SECTOR: a device of 64 MiB, of which 64 KiB are bad.
bad_disk() {
	truncate -s 64M "$1.img"
	loop=$(losetup -f)
	losetup "$loop" "$1.img" || fail "no loop device"
	loops="$loops $loop"
	behind=$(($2 + 128))
	printf '%s\n' "0 $2 linear $loop 0" "$2 128 error" "$behind $((131072 - behind)) linear $loop $behind" |
		DM_DISABLE_UDEV=1 dmsetup create "$1" || fail "no device $1"
}

# has DISK FILE N...: what the guest was told is there.
has() {
	disk=$1
	file=$2
	shift 2
	for n; do
		yes "$mark-$disk-$n" | head -c 65536 >chunk
		dd if="$file" bs=64k skip="$n" count=1 2>/dev/null | cmp -s - chunk || fail "chunk $n isn't in $file"
	done
}

remove_disks() {
	for disk in raw cached qcow2; do
		dmsetup remove "$disk"
	done
	for loop in $loops; do
		losetup -d "$loop"
	done
	umount full other
}

run() {
	carillon_only
	patience=200
	use virtio
	# shellcheck source=/dev/null
	. /share/qcow2.sh
	load_drivers
	loops=
	mkdir -p full other
	mount -t tmpfs -o size=128k full full
	mount -t tmpfs -o size=448k other other
	trap remove_disks EXIT
	bad_disk raw 32768
	bad_disk cached 32768
	# Its ninth cluster: a few of the guest's are before that.
	bad_disk qcow2 1024
	make_qcow2 /dev/mapper/qcow2
	truncate -s 64M full/disk.img
	make_qcow2 other/disk.qcow2
	params="quiet panic=-1 last=vde chunks=vda:255:257,vdb:255:257,vdc:0:7,vdd:0:3,vde:0:7"
	guest_start chunks,pause,chunks -d /dev/mapper/raw,direct -d /dev/mapper/cached \
		-d /dev/mapper/qcow2,direct,format=qcow2 -d full/disk.img -d other/disk.qcow2,format=qcow2
	guest_wait_calm
	# Direct: the error is the chunk's. Cached: it is the flush's, and that of all that follow.
	expect_guest chunks_vda="ok bad ok" chunks_vdb="ok unflushed unflushed" \
		chunks_vdc="ok ok ok bad ok ok ok ok" chunks_vdd="ok ok bad bad" chunks_vde="ok ok ok ok ok bad bad bad"
	mount -o remount,size=16m full
	mount -o remount,size=16m other
	guest_say go
	guest_end
	expect_guest state=done chunks_vda="ok bad ok" chunks_vdb="unflushed unflushed unflushed" \
		chunks_vdc="ok ok ok ok ok ok ok ok" chunks_vdd="ok ok ok ok" chunks_vde="ok ok ok ok ok ok ok ok"
	grep -q "disk /dev/mapper/cached: flushing failed (Input/output error)" said || fail "nothing was said of the failed flush"
	grep -q "disk disk.img: an I/O error, of which the guest is told: No space left on device" said ||
		fail "nothing was said of the full filesystem"
	has vda raw.img 255 257
	has vdb cached.img 255
	has vdd full/disk.img 0 1 2 3
	dd if=qcow2.img of="/out/$case_name-bad.qcow2" bs=64k count=32 2>/dev/null
	cp other/disk.qcow2 "/out/$case_name-full.qcow2"
}

check() {
	qcow2_has "$check_case-bad.qcow2" vdc 0 1 2 3 4 5 6 7
	qcow2_has "$check_case-full.qcow2" vde 0 1 2 3 4 5 6 7
}
