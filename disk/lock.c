/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Locks of images. They belong to the open file (OFD), so they end with it, however the process
 * ends. A writer locks the whole file. A reader locks its first bytes, and keeps to what QEMU's
 * tools do, which say by a shared lock of one byte each what they do to an image, and what they
 * can't have done to it meanwhile: so QEMU and we read together, and never while the other writes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

#define QEMU_BYTES    100 /* before these nothing is QEMU's */
#define QEMU_WRITES   101 /* locked: there is a writer */
#define QEMU_CONSTANT 201 /* locked: there must not be one */

/* A process that looks at files of /proc/PID; a path there is short. */
#define PROC_PATH 320

static bool has_lock(int pid, const char *fd)
{
	char path[PROC_PATH], text[1024];

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", pid, fd);
	return !read_file(path, text, sizeof(text)) && strstr(text, "\nlock:");
}

/* Does this process have the file open? */
static bool holds(const struct disk_file *f, int pid, bool locked)
{
	char path[PROC_PATH];
	struct dirent *entry;
	struct stat st;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, entry->d_name);
		if (entry->d_name[0] == '.' || (pid == getpid() && atoi(entry->d_name) == f->fd) ||
		    stat(path, &st))
			continue;
		found = (f->device ? S_ISBLK(st.st_mode) && st.st_rdev == f->dev
				   : st.st_dev == f->dev && st.st_ino == f->ino) &&
			(!locked || has_lock(pid, entry->d_name));
	}
	if (dir)
		closedir(dir);
	return found;
}

int disk_file_holder(const struct disk_file *f, bool locked)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int pid, found = 0;

	while (proc && !found && (entry = readdir(proc))) {
		pid = atoi(entry->d_name);
		if (pid > 0 && holds(f, pid, locked))
			found = pid;
	}
	if (proc)
		closedir(proc);
	return found;
}

const char *disk_file_process(int pid, char *text, size_t size)
{
	char path[PROC_PATH], name[64] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (!pid || read_file(path, name, sizeof(name)))
		snprintf(text, size, "another process");
	else
		snprintf(text, size, "process %d (%.*s)", pid, (int)strcspn(name, "\n"), name);
	return text;
}

static int set_lock(const struct disk_file *f, short type, off_t start, off_t len)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};

	return fcntl(f->fd, F_OFD_SETLK, &lock) ? -errno : 0;
}

static int lock_reader(const struct disk_file *f)
{
	struct flock writer = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = QEMU_WRITES, .l_len = 1};
	int ret = set_lock(f, F_RDLCK, 0, QEMU_BYTES);

	ret = ret ?: set_lock(f, F_RDLCK, QEMU_CONSTANT, 1);
	if (ret)
		return ret;
	/* Last, so that of a reader and a writer who come together at least one sees the other. */
	if (fcntl(f->fd, F_OFD_GETLK, &writer))
		return -errno;
	return writer.l_type == F_UNLCK ? 0 : -EAGAIN;
}

int disk_file_lock(const struct disk_file *f, struct error *err)
{
	int pid, ret = f->readonly ? lock_reader(f) : set_lock(f, F_WRLCK, 0, 0);
	char who[128];

	if (!ret)
		return 0;
	if (ret != -EAGAIN && ret != -EACCES)
		return fail(err, -ret, "disk %s: can't lock it: %s", f->path, strerror(-ret));
	pid = disk_file_holder(f, true);
	if (pid == getpid())
		return fail(err, EBUSY,
			    "disk %s: given twice; that works only if both are read-only (,ro)",
			    f->path);
	return fail(err, EBUSY, "disk %s: it is locked by %s; %s", f->path,
		    disk_file_process(pid, who, sizeof(who)),
		    f->readonly ? "nobody may read it while that one writes"
				: "end that one first, or have both only read it (,ro)");
}
