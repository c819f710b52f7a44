# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# backends: vhost-user back ends, for the cases that use them. Their names are tests/hosts/*/arch.sh's "peers".
# shellcheck shell=sh

# need PEER...: skip where Debian has no such program for this architecture.
need() {
	for peer; do
		[ -e "/share/bin/$peer" ] || skip "$peer isn't in Debian for this architecture"
	done
}

# listens FILE: whether somebody listens at this socket of the working folder. bind() gives it its name, and who
# connects before listen() is refused. The kernel's list has the state: 10000 is listening.
listens() {
	grep -q " 00010000 .*[ /]$1\$" /proc/net/unix
}

# wait_for_sockets FILE...: until somebody listens there. virtiofsd ends that when the VMM has found it.
wait_for_sockets() {
	for file; do
		tries=0
		until listens "$file"; do
			tries=$((tries + 1))
			[ "$tries" -lt 200 ] || fail "nobody listens at $file: $(cat ./*.log)"
			usleep 100000
		done
	done
}

# share_start [OPTION...]: virtiofsd with the folder share, behind fs.sock.
share_start() {
	rm -f fs.sock
	virtiofsd --socket-path=fs.sock --shared-dir=share --sandbox=none --seccomp=none "$@" \
		>>virtiofsd.log 2>&1 &
	share_pid=$!
}

# disk_start: qemu-storage-daemon with the file disk, behind blk.sock.
disk_start() {
	rm -f blk.sock
	qemu-storage-daemon --blockdev file,node-name=disk,filename=disk \
		--export vhost-user-blk,id=export,node-name=disk,addr.type=unix,addr.path=blk.sock,writable=on \
		>>storage.log 2>&1 &
	disk_pid=$!
}

# net_start: passt, behind net.sock. It gives itself a root of its own by pivot_root, which can't be while the
# root is the initramfs: so it has another one first.
net_start() {
	mkdir -p /newroot
	# The inner shell's variables.
	# shellcheck disable=SC2016
	unshare -m sh -c '
		mount -t tmpfs root /newroot
		cd /newroot
		mkdir bin etc dev proc sys tmp share
		cp /bin/busybox bin/sh
		cp /etc/passwd etc/
		for folder in dev proc sys tmp share; do
			mount --move /$folder $folder
		done
		mount --move . /
		exec chroot . sh -c "cd $0; exec /share/bin/passt -f --vhost-user --socket net.sock --runas 1000:1000"
	' "$PWD" >passt.log 2>&1 &
	net_pid=$!
}

# vsock_start: vhost-device-vsock behind vsock.sock, with the guest's ports behind v.sock.
vsock_start() {
	rm -f vsock.sock v.sock
	vhost-device-vsock --vm guest-cid=3,socket=vsock.sock,uds-path=v.sock >>vsock.log 2>&1 &
	vsock_pid=$!
}

# sum_of FOLDER: as the guest makes it.
sum_of() {
	(cd "$1" && find . -type f | sort | xargs sha256sum | sha256sum | cut -c1-64)
}

# make_data: a folder share, a file disk of 16 MiB, and what the guest must say of them in $expected.
make_data() {
	for n in 1 2 3; do
		mkdir -p "share/$n/deep"
		head -c 300000 /dev/urandom >"share/$n/deep/file"
	done
	dd if=/dev/urandom of=disk bs=1M count=16 2>/dev/null
	expected="share_sum=$(sum_of share) vda_bytes=16777216 vda_sum=$(dd if=disk bs=1M count=8 2>/dev/null |
		sha256sum | cut -c1-64)"
}

# disk_has BLOCK: in the file there is what the guest has written.
disk_has() {
	yes "$mark-$1" | head -c 65536 >block
	dd if=disk bs=64k skip="$1" count=1 2>/dev/null | cmp -s - block || fail "block $1 isn't in the file"
}
