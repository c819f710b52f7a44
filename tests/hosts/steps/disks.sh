# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# disks: steps with virtio disks that have errors, large sectors or a size that changes; see guest-init.
# shellcheck shell=sh disable=SC2154

# one_chunk DISK N: 64 KiB are written, flushed and read again. "ok"; "unflushed": what is there was written,
# but that did not come to a good end; else "bad".
one_chunk() {
	pattern "$mark-$1-$2" >/tmp/chunk
	written=$(attempt dd if=/tmp/chunk of="/dev/$1" bs=64k seek="$2" oflag=direct conv=fsync,notrunc)
	dd if="/dev/$1" bs=64k skip="$2" count=1 iflag=direct 2>/dev/null | cmp -s - /tmp/chunk || written=bad
	case $written in
	"done") echo ok ;;
	refused) echo unflushed ;;
	*) echo bad ;;
	esac
}

# The chunks DISK:FIRST:LAST of $chunks, and how each went.
step_chunks() {
	until_there test -b "/dev/${last:-vda}"
	for which in $(echo "$chunks" | tr , ' '); do
		disk=${which%%:*}
		range=${which#*:}
		went=
		for n in $(seq "${range%:*}" "${range#*:}"); do
			went="$went $(one_chunk "$disk" "$n")"
		done
		say "chunks_$disk=${went# }"
	done
}

# What the kernel knows of each virtio disk: bytes of its logical and physical sectors, of the least and the
# best request, and of what can be discarded.
step_topology() {
	until_there test -b "/dev/${last:-vda}"
	for folder in /sys/block/vd*; do
		line=
		for what in logical_block_size physical_block_size minimum_io_size optimal_io_size discard_granularity; do
			line="$line $(cat "$folder/queue/$what")"
		done
		say "topology_${folder##*/}=${line# }"
	done
}

# Both kinds of clearing, of each virtio disk: at 8 MiB one is given back, at 16 MiB one is zeroed. Then the
# first 32 MiB in pieces of 4 MiB: which are zeros?
step_clear() {
	head -c 4194304 /dev/zero >/tmp/zeros
	for folder in /sys/block/vd*; do
		name=${folder##*/}
		blkclear discard "/dev/$name" $((8 << 20)) $((4 << 20)) || say "error=discard $name"
		blkclear zero "/dev/$name" $((16 << 20)) $((4 << 20)) || say "error=zero $name"
		zeros=
		for n in 0 1 2 3 4 5 6 7; do
			dd if="/dev/$name" bs=4M skip=$n count=1 iflag=direct 2>/dev/null | cmp -s - /tmp/zeros &&
				zeros="$zeros $n"
		done
		say "zeros_$name=${zeros# }"
	done
}

# A sector of 512 bytes of each virtio disk is written, whatever its sectors are.
step_odd() {
	pattern "$mark" >/tmp/mark
	for folder in /sys/block/vd*; do
		name=${folder##*/}
		say "odd_$name=$(attempt dd if=/tmp/mark of="/dev/$name" bs=512 count=1 seek=3 conv=fsync,notrunc)"
	done
}

# A disk becomes as large as $grown says (DISK:SECTORS), and its last 64 KiB are as good as the others.
step_grown() {
	disk=${grown%:*}
	until_there grep -qx "${grown#*:}" "/sys/block/$disk/size"
	say "grown_$disk=$(cat "/sys/block/$disk/size") $(one_chunk "$disk" $((${grown#*:} / 128 - 1)))"
}
