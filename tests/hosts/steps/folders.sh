# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# folders: steps of a guest that shares folders with the host, by 9p or virtiofs; for guest-init.
# shellcheck shell=sh

# attempt COMMAND...: how it ended, in a word.
attempt() {
	if "$@" 2>/tmp/attempt; then
		echo "done"
	else
		echo refused
	fi
}

# share TAG: mount a folder of the host; the sums of its files are in it.
share() {
	mkdir -p "/$1"
	mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 "$1" "/$1" || say "error=mount $1"
	cd "/$1" || return
	sha256sum -c sums >/tmp/sums 2>&1
	say "$1_good=$(grep -c ': OK$' /tmp/sums)"
	say "$1_bad=$(grep -c 'FAILED' /tmp/sums)"
}

# leads_to LINK: where a symlink leads to, and what can be read there.
leads_to() {
	echo "$(readlink "$1") $(cat "$1" 2>/dev/null || echo none)"
}

# What a guest does to files of a folder that it shares with the host.
change_share() {
	mkdir made gone
	cp a/large made/copy
	echo one >made/log
	echo two >>made/log
	echo 123456789 >made/new
	truncate -s 5 made/new
	chmod 640 made/new
	mv made/new made/moved
	ln made/moved made/second
	ln -s ../../secret made/link
	mkfifo made/pipe
	echo kept >made/temporary
	exec 8<made/temporary
	rm made/temporary
	say "share_open_unlinked=$(cat <&8)"
	exec 8<&-
	rmdir gone
	say "share_device=$(attempt mknod made/device c 1 3)"
	sync
}

# Folders of the host: one to change, and one that can't be.
step_share() {
	share share
	say "share_names=$(find many -mindepth 1 | wc -l)"
	say "share_inside=$(sha256sum <inside | cut -d' ' -f1)"
	say "share_up=$(leads_to up)"
	say "share_absolute=$(leads_to absolute)"
	change_share
	share fixed
	say "fixed_write=$(attempt touch new)"
	say "fixed_remove=$(attempt rm -f sums)"
	cd /
}

# sum_of FOLDER: one checksum of all the files in it and of their names.
sum_of() {
	(cd "$1" && find . -type f | sort | xargs sha256sum | sha256sum | cut -c1-64)
}

# A share of virtiofs: what is in it, and something written to it. From a new mount each time.
step_virtiofs() {
	mkdir -p /mnt
	until_there mount -t virtiofs share /mnt
	say "share_sum=$(sum_of /mnt)"
	echo "$mark" >/mnt/from-guest || say "error=share"
	umount /mnt
}
