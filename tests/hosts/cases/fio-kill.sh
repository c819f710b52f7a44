# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
# fio-kill: the VMM is killed while fio writes to a raw and a qcow2 disk; all that was acknowledged is there, and the images are without faults.
# shellcheck shell=sh
host=storage
long="x86 arm64 powerpc"
limit=1200

# make_jobs OFFSET OPTION...: synchronous writes to 16 MiB from there on; one that is acknowledged has been flushed.
# One at a time for each job, since fio 3.39 takes for granted that of the writes before the last few, as many as
# may be under way, none still is.
make_jobs() {
	cat <<-END
		[global]
		offset=$1
		ioengine=libaio
		direct=1
		sync=1
		rw=randwrite
		bssplit=4k/60:16k/30:64k/10
		verify=crc32c
		verify_state_save=1
		size=4M
		numjobs=4
		offset_increment=4M
		group_reporting
	END
	shift
	printf '%s\n' "$@"
	printf '[%s]\nnew_group\nfilename=/dev/%s\n' raw vdb qcow2 vdc
}

# What others do to the same images meanwhile, of which nothing is asked but that it does no harm: space is given
# back and taken again.
make_noise() {
	cat <<-'END'
		[global]
		ioengine=libaio
		direct=1
		iodepth=4
		rw=randtrimwrite
		bs=16k
		fsync=16
		offset=32M
		size=32M
		time_based
		runtime=1h
		[raw]
		filename=/dev/vdb
		[qcow2]
		filename=/dev/vdc
	END
}

# guest_with STEPS: a guest that has the disks.
guest_with() {
	rm -f said
	guest_start "share,$1" -d /images/base.img,ro --9p "$work/share,share" \
		-d /images/kill.img,direct,queues=2 -d /images/kill.qcow2,format=qcow2,queues=2
}

# guest_killed NAME: kill it when fio has said what it has had acknowledged; the image is kept under this name.
guest_killed() {
	guest_wait state=saved
	kill -KILL "$guest_pid"
	guest_end 137
	cp /images/kill.qcow2 "/images/$1.qcow2"
}

# all_there: each job has found what it had had acknowledged, which was not all that it had to write.
all_there() {
	expect_guest fio_check=0
	for disk in raw qcow2; do
		expect_guest "error_$disk=0"
		expect_more "read_$disk" 100
		[ "$(guest_value "read_$disk")" -lt 16384 ] || fail "$disk: it was not killed while it wrote"
	done
}

run() {
	use root
	images_mount
	memory=384M
	cpus=2
	patience=$((patience * 4))
	params="$params root=/dev/vda enough=8000"
	mkdir -p share
	make_noise >share/noise.fio
	make_jobs 0 do_verify=0 >share/write.fio
	guest_with fio_until_killed
	guest_killed killed

	# Again, on images that have been through it before.
	make_jobs 0 verify_only=1 verify_state_load=1 verify_fatal=1 >share/check.fio
	make_jobs 16M do_verify=0 >share/write.fio
	guest_with fio_verify_state,fio_until_killed
	guest_killed killed-again
	all_there

	make_jobs 16M verify_only=1 verify_state_load=1 verify_fatal=1 >share/check.fio
	guest_with fio_verify_state
	guest_end
	all_there
	expect_guest state=done
	images_umount
}

check() {
	for name in killed killed-again kill; do
		image_get "$name.qcow2"
		qemu-img check "$name.qcow2" >"out/$name.log" 2>&1 ||
			check_fail "$name.qcow2 has faults: $(cat "out/$name.log")"
	done
}
