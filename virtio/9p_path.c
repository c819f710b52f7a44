/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* All ways by which a 9P server comes to a file: none leads out of its folder. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/openat2.h>

#include "9p_server.h"

/*
 * openat2() from a folder to what is beneath it. A mount in there would have inode numbers of its
 * own, and could be /proc, where a file is this process' memory.
 */
static int open_beneath(int dir, const char *path, int flags, mode_t mode)
{
	struct open_how how = {.flags = (uint64_t)flags | O_NOFOLLOW | O_CLOEXEC,
			       .mode = flags & O_CREAT ? mode & 07777 : 0,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS |
					  RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
	long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

bool p9_is_root(const struct p9_server *s, const struct stat *st)
{
	return st->st_dev == s->root_dev && st->st_ino == s->root_ino;
}

static int open_parent(struct p9_server *s, int dir)
{
	char name[P9_NAME];
	struct stat st;

	if (fstat(dir, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return p9_is_root(s, &st) ? p9_reopen(s, dir, O_PATH) : p9_parent(s, dir, name);
}

int p9_lookup(struct p9_server *s, int dir, const char *name, int flags, mode_t mode)
{
	if (!strcmp(name, ".."))
		return open_parent(s, dir);
	return open_beneath(dir, name, flags, mode);
}

const char *p9_fd_name(char name[P9_FD_NAME], int fd)
{
	snprintf(name, P9_FD_NAME, "%d", fd);
	return name;
}

int p9_reopen(struct p9_server *s, int fd, int flags)
{
	char name[P9_FD_NAME];
	int again = openat(s->descriptors, p9_fd_name(name, fd), flags | O_CLOEXEC | O_NOCTTY);

	return again < 0 ? -errno : again;
}

/* Where the kernel says that a file is. */
static int path_of(struct p9_server *s, int fd, char path[P9_PATH])
{
	char name[P9_FD_NAME];
	ssize_t n = readlinkat(s->descriptors, p9_fd_name(name, fd), path, P9_PATH);

	if (n < 0)
		return -errno;
	if (n == P9_PATH)
		return -ENAMETOOLONG;
	path[n] = 0;
	return 0;
}

/* The path of a file, from the root on. NULL: it is not beneath it. */
static char *path_from_root(const char *root, char *path)
{
	size_t n = strcmp(root, "/") ? strlen(root) : 0;

	return !strncmp(path, root, n) && path[n] == '/' && path[n + 1] ? path + n + 1 : NULL;
}

static bool is_same(int fd, int dir, const char *name)
{
	struct stat a, b;

	return !fstat(fd, &a) && !fstatat(dir, name, &b, AT_SYMLINK_NOFOLLOW) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/*
 * What the kernel says is only a hint: files move, and the names of deleted ones have a word behind
 * them. The way is gone from the root on, and what is found at its end must be the file.
 */
int p9_parent(struct p9_server *s, int fd, char name[P9_NAME])
{
	char root[P9_PATH], path[P9_PATH], *rest, *last;
	int ret = path_of(s, s->root, root), dir;

	if (!ret)
		ret = path_of(s, fd, path);
	if (ret)
		return ret;
	rest = path_from_root(root, path);
	if (!rest)
		return -ENOENT;
	last = strrchr(rest, '/');
	if (snprintf(name, P9_NAME, "%s", last ? last + 1 : rest) >= P9_NAME)
		return -ENOENT;
	if (last)
		*last = 0;
	dir = open_beneath(s->root, last ? rest : ".", O_PATH | O_DIRECTORY, 0);
	if (dir >= 0 && !is_same(fd, dir, name)) {
		close(dir);
		return -ENOENT;
	}
	return dir;
}

struct p9_qid p9_qid(const struct p9_server *s, const struct stat *st)
{
	struct p9_qid q = {.path = st->st_ino};

	/* One mount may have several device numbers: btrfs counts inodes in each subvolume anew. */
	q.path ^= (uint64_t)(st->st_dev ^ s->root_dev) << 48;
	q.version = (uint32_t)st->st_mtim.tv_sec ^ (uint32_t)st->st_mtim.tv_nsec ^
		    (uint32_t)st->st_size << 8;
	if (S_ISDIR(st->st_mode))
		q.type = P9_QID_DIR;
	else if (S_ISLNK(st->st_mode))
		q.type = P9_QID_SYMLINK;
	return q;
}

int p9_stat_qid(struct p9_server *s, int fd, struct stat *st, struct p9_qid *qid)
{
	if (fstat(fd, st))
		return -errno;
	*qid = p9_qid(s, st);
	return 0;
}
