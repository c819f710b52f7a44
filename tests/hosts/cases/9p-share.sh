# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# 9p-share: the guest reads and changes a folder of the host, whose symlinks lead nowhere outside, and can't change a read-only one.
# shellcheck shell=sh
host=virtio
long="arm64 powerpc"
limit=240

# Files of all sizes, in folders, one of which is large; and a secret beside the folder.
make_tree() {
	mkdir -p "$1/tree/a/b/with blank" "$1/tree/many"
	head -c 700000 /dev/urandom >"$1/tree/a/large"
	head -c 4095 /dev/urandom >"$1/tree/a/b/page"
	: >"$1/tree/a/b/with blank/empty"
	n=0
	while [ "$n" -lt 300 ]; do
		echo "$n" >"$1/tree/many/a-name-that-takes-some-room-$n"
		n=$((n + 1))
	done
	(cd "$1/tree" && find a -type f -exec sha256sum {} + >"$1/sums")
	mv "$1/sums" "$1/tree/sums"
	echo secret >"$1/secret"
	ln -s a/b/page "$1/tree/inside"
	ln -s ../secret "$1/tree/up"
	ln -s "$1/secret" "$1/tree/absolute"
}

run() {
	carillon_only
	use folders
	here=$(pwd)
	make_tree "$here"
	refuses_run 'nowhere: No such file' --9p nowhere,share
	refuses_run 'it shares a folder' --9p secret,share
	guest_start share,pause --9p "$here/tree,share" --9p "$here/tree,fixed,ro"
	guest_wait_calm
	expect_guest share_good="$(wc -l <tree/sums)" share_bad=0 share_names=300 \
		share_inside="$(sha256sum <tree/a/b/page | cut -d' ' -f1)" share_up="../secret none" \
		share_absolute="$here/secret none" share_device=refused share_open_unlinked=kept \
		fixed_good="$(wc -l <tree/sums)" fixed_write=refused fixed_remove=refused
	[ "$(cat secret)" = secret ] || fail "what lies beside the folder was changed"
	[ "$(sha256sum <tree/made/copy)" = "$(sha256sum <tree/a/large)" ] || fail "the copy is not the file"
	[ "$(cat tree/made/log)" = "$(printf 'one\ntwo')" ] || fail "appended: $(cat tree/made/log)"
	[ "$(stat -c '%a %s %h' tree/made/moved)" = "640 5 2" ] || fail "moved: $(stat tree/made/moved)"
	[ "$(readlink tree/made/link)" = ../../secret ] || fail "no symlink was made"
	[ "$(ls tree/made)" = "$(printf '%s\n' copy link log moved pipe second)" ] ||
		fail "the folder has: $(ls tree/made)"
	[ -p tree/made/pipe ] || fail "no pipe was made"
	stat_says '"name":"9pshare"' '"broken":0'
	guest_say go
	guest_end
	expect_guest state=done
}
