/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Opening and locking images: what a user is told. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"
#include "folder.h"

static char folder[FOLDER_PATH];

static void set_up(void)
{
	folder_make(folder);
	cr_assert_eq(chdir(folder), 0);
	folder_run(folder, "truncate -s 1M image");
}

static void tear_down(void)
{
	cr_assert_eq(chdir("/"), 0);
	folder_remove(folder);
}

TestSuite(disk_file, .init = set_up, .fini = tear_down);

static struct disk *open_good(struct disk_options opt)
{
	struct error err = {0};
	struct disk *d;

	cr_assert_eq(disk_open(&d, &opt, &err), 0, "%s", err.text);
	return d;
}

/* Each of the texts is in what is said. */
static void open_fails(struct disk_options opt, int code, const char *text, const char *more)
{
	struct error err = {0};
	struct disk *d;

	cr_assert_eq(disk_open(&d, &opt, &err), -code, "%s", err.text);
	cr_assert_null(d);
	cr_assert(strstr(err.text, text), "%s", err.text);
	cr_assert(strstr(err.text, more), "%s", err.text);
}

Test(disk_file, what_is_missing_can_be_made)
{
	open_fails((struct disk_options){.path = "absent"}, ENOENT,
		   "disk absent: there is no such file", "truncate -s 10G absent");
}

Test(disk_file, only_files_and_block_devices_are_disks)
{
	folder_run(folder, "mkdir d && mkfifo pipe");
	open_fails((struct disk_options){.path = "d"}, EISDIR, "disk d: it is a directory", "--9p");
	/* And it does not wait for a writer. */
	open_fails((struct disk_options){.path = "pipe", .readonly = true}, EINVAL,
		   "disk pipe: it is neither a file nor a block device", "");
	open_fails((struct disk_options){.path = "/dev/null"}, EINVAL, "neither", "");
}

Test(disk_file, who_may_not_write_is_told_how_to_read)
{
	/* root may do everything; each test is a process of its own. */
	cr_assert_eq(chmod("image", 0444), 0);
	cr_assert_eq(chmod(".", 0755), 0);
	cr_assert(geteuid() || !seteuid(65534));
	open_fails((struct disk_options){.path = "image"}, EACCES, "you may not write it", ",ro");
	disk_close(open_good((struct disk_options){.path = "image", .readonly = true}));
	cr_assert(getuid() || !seteuid(0));
}

Test(disk_file, a_size_of_odd_bytes_was_truncated)
{
	folder_run(folder, "truncate -s 1000 odd; : >empty");
	open_fails((struct disk_options){.path = "odd"}, EINVAL,
		   "its size, 1000 bytes, is no multiple of 512", "truncate -s %512 odd");
	open_fails((struct disk_options){.path = "empty"}, EINVAL, "disk empty: it is empty", "");
	/* The cure cures. */
	folder_run(folder, "truncate -s %512 odd");
	disk_close(open_good((struct disk_options){.path = "odd"}));
}

Test(disk_file, a_disk_is_what_its_file_is)
{
	struct disk *d = open_good((struct disk_options){.path = "image"});
	struct disk_info info;

	disk_info(d, &info);
	cr_assert_eq(info.size, 1 << 20);
	cr_assert_eq(info.block, 512);
	cr_assert(!info.readonly && info.discard && info.write_zeroes);
	cr_assert_str_eq(info.format, "raw");
	disk_close(d);
	d = open_good((struct disk_options){.path = "image", .readonly = true});
	disk_info(d, &info);
	cr_assert(info.readonly && !info.discard && !info.write_zeroes);
	disk_close(d);
}

Test(disk_file, libaio_without_direct_is_refused)
{
	open_fails((struct disk_options){.path = "image", .engine = DISK_LIBAIO}, EINVAL,
		   "aio=libaio needs 'direct'", "");
}

/* ---- locks ----------------------------------------------------------------------------------- */

Test(disk_file, a_writer_is_alone_in_this_process_too)
{
	struct disk *d = open_good((struct disk_options){.path = "image"});

	open_fails((struct disk_options){.path = "image"}, EBUSY, "disk image: given twice", ",ro");
	open_fails((struct disk_options){.path = "image", .readonly = true}, EBUSY, "given twice",
		   "");
	disk_close(d);
	disk_close(open_good((struct disk_options){.path = "image"}));
}

Test(disk_file, readers_are_together_and_keep_writers_out)
{
	struct disk *a = open_good((struct disk_options){.path = "image", .readonly = true});
	struct disk *b = open_good((struct disk_options){.path = "image", .readonly = true});

	open_fails((struct disk_options){.path = "image"}, EBUSY, "given twice", "");
	disk_close(a);
	disk_close(b);
}

/* A process that has the disk open, until it is killed. */
static pid_t holder(struct disk_options opt)
{
	int ready[2];
	struct disk *d;
	pid_t pid;
	char c;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		if (disk_open(&d, &opt, NULL) || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	cr_assert_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

Test(disk_file, another_process_is_named_and_its_lock_dies_with_it)
{
	pid_t pid = holder((struct disk_options){.path = "image"});
	char text[64];

	snprintf(text, sizeof(text), "it is locked by process %d (unit", (int)pid);
	open_fails((struct disk_options){.path = "image"}, EBUSY, text, "end that one first");
	open_fails((struct disk_options){.path = "image", .readonly = true}, EBUSY, text,
		   "nobody may read it while that one writes");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	disk_close(open_good((struct disk_options){.path = "image"}));
}

/* QEMU: a shared lock on byte 100 + n says "I do n", on 200 + n "nobody else may"; 1 is to write.
 */
static int lock_byte(off_t at)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
	int fd = open("image", O_RDONLY);

	cr_assert_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	return fd;
}

Test(disk_file, qemu_s_writers_are_seen_and_its_readers_are_company)
{
	int fd = lock_byte(101);

	open_fails((struct disk_options){.path = "image", .readonly = true}, EBUSY, "image", "");
	open_fails((struct disk_options){.path = "image"}, EBUSY, "image", "");
	close(fd);
	fd = lock_byte(201);
	disk_close(open_good((struct disk_options){.path = "image", .readonly = true}));
	open_fails((struct disk_options){.path = "image"}, EBUSY, "image", "");
	close(fd);
}

static short lock_at(off_t at)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
	int fd = open("image", O_RDWR);

	cr_assert_eq(fcntl(fd, F_OFD_GETLK, &lock), 0);
	close(fd);
	return lock.l_type;
}

Test(disk_file, qemu_sees_our_readers)
{
	struct disk *d = open_good((struct disk_options){.path = "image", .readonly = true});

	/* Its writer looks for who minds, its reader for who writes. */
	cr_assert_eq(lock_at(201), F_RDLCK);
	cr_assert_eq(lock_at(101), F_UNLCK);
	cr_assert_eq(lock_at(200), F_UNLCK);
	disk_close(d);
}
