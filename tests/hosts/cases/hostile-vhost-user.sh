# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# hostile-vhost-user: a hostile guest's rings, read by real back ends. What that does to a back end is its own
# affair, and some end: then there is another. The guest's memory beside the buffers stays as it was, a disk keeps
# what it has, another device goes on, the VMM lives.
# shellcheck shell=sh

# shellcheck source=/dev/null
. "$cases/hostile-virtio.sh"
host=virtio
limit=900
long="x86 arm64 powerpc"

# keep NAME: a back end, started again whenever it ends.
keep() {
	(
		trap 'kill "$!"; exit' TERM
		while "$1_start"; do
			wait "$!"
			echo "$1 has ended" >>ends
		done
	) &
	keepers="$keepers $!"
}

run() {
	carillon_only
	# shellcheck source=/dev/null
	. /share/backends.sh
	need virtiofsd qemu-storage-daemon vhost-device-vsock
	prepare
	mkdir share
	# Of zeros: QEMU's export has reads under way when it says that the ring has stopped, and ends them then.
	truncate -s 16M disk
	before=$(sha256sum <disk)
	keepers=
	keep share
	keep disk
	keep vsock
	wait_for_sockets fs.sock blk.sock vsock.sock
	attack back-ends '2 26 19' --vhost-user blk,socket=blk.sock --vhost-user fs,socket=fs.sock,tag=share \
		--vhost-user vsock,socket=vsock.sock
	[ "$(sha256sum <disk)" = "$before" ] || fail "the disk has changed"
	sort ends | uniq -c
	# Words.
	# shellcheck disable=SC2086
	kill $keepers
	# shellcheck disable=SC2086
	wait $keepers
}
