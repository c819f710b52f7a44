/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What a guest may do in a shared folder, and that nothing leads out of it. */
#include "9p_client.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Flags on the wire. */
#define RDWR	 02
#define WRONLY	 01
#define CREATE	 0100
#define EXCL	 0200
#define TRUNC	 01000
#define APPEND	 02000
#define ACCMODE3 03

static struct p9_client c;

static void set_up(void)
{
	p9_client_open(&c,
		       "cd tree && mkdir -p a/b && echo hello >a/b/file && ln -s ../secret up && "
		       "ln -s a inside && ln -s / root && mkfifo pipe && echo x >plain",
		       false);
}

static void tear_down(void)
{
	p9_client_close(&c);
}

TestSuite(p9_server, .init = set_up, .fini = tear_down);

/* A request with a fid and a name. */
static struct p9_out *ask_name(uint8_t type, uint32_t fid, const char *name)
{
	p9_ask(&c, type);
	p9_put32(&c.out, fid);
	p9_put_string(&c.out, name);
	return &c.out;
}

static int create(uint32_t fid, const char *name, uint32_t flags, uint32_t mode)
{
	ask_name(P9_LCREATE, fid, name);
	p9_put32(&c.out, flags);
	p9_put32(&c.out, mode);
	p9_put32(&c.out, getegid());
	return p9_send(&c);
}

static int make_dir(uint32_t fid, const char *name)
{
	ask_name(P9_MKDIR, fid, name);
	p9_put32(&c.out, 0755);
	p9_put32(&c.out, getegid());
	return p9_send(&c);
}

static int make_symlink(uint32_t fid, const char *name, const char *target)
{
	ask_name(P9_SYMLINK, fid, name);
	p9_put_string(&c.out, target);
	p9_put32(&c.out, getegid());
	return p9_send(&c);
}

static int make_node(uint32_t fid, const char *name, uint32_t mode)
{
	ask_name(P9_MKNOD, fid, name);
	p9_put32(&c.out, mode);
	p9_put32(&c.out, 1);
	p9_put32(&c.out, 3);
	p9_put32(&c.out, getegid());
	return p9_send(&c);
}

static int unlink_in(uint32_t fid, const char *name, uint32_t flags)
{
	ask_name(P9_UNLINKAT, fid, name);
	p9_put32(&c.out, flags);
	return p9_send(&c);
}

static int rename_in(uint32_t from, const char *old, uint32_t to, const char *new)
{
	ask_name(P9_RENAMEAT, from, old);
	p9_put32(&c.out, to);
	p9_put_string(&c.out, new);
	return p9_send(&c);
}

/* Older than renameat and unlinkat. */
static int rename_fid(uint32_t fid, uint32_t to, const char *new)
{
	p9_ask(&c, P9_RENAME);
	p9_put32(&c.out, fid);
	p9_put32(&c.out, to);
	p9_put_string(&c.out, new);
	return p9_send(&c);
}

static int remove_fid(uint32_t fid)
{
	p9_ask(&c, P9_REMOVE);
	p9_put32(&c.out, fid);
	return p9_send(&c);
}

static int link_to(uint32_t dir, uint32_t fid, const char *name)
{
	p9_ask(&c, P9_LINK);
	p9_put32(&c.out, dir);
	p9_put32(&c.out, fid);
	p9_put_string(&c.out, name);
	return p9_send(&c);
}

static int write_at(uint32_t fid, uint64_t offset, const char *text)
{
	int ret;

	p9_ask(&c, P9_WRITE);
	p9_put32(&c.out, fid);
	p9_put64(&c.out, offset);
	p9_put32(&c.out, (uint32_t)strlen(text));
	memcpy(c.out.data + c.out.len, text, strlen(text));
	c.out.len += strlen(text);
	ret = p9_send(&c);
	return ret ?: (int)p9_get32(&c.in);
}

/* What is there, as a string; NULL: an error. */
static const char *read_at(uint32_t fid, uint64_t offset, uint32_t count)
{
	static char text[9000];
	uint32_t n;

	p9_ask(&c, P9_READ);
	p9_put32(&c.out, fid);
	p9_put64(&c.out, offset);
	p9_put32(&c.out, count);
	if (p9_send(&c))
		return NULL;
	n = p9_get32(&c.in);
	cr_assert_eq(n, c.in.len - c.in.at);
	cr_assert_leq(n, count);
	cr_assert_lt(n, sizeof(text));
	memcpy(text, c.in.data + c.in.at, n);
	text[n] = 0;
	return text;
}

static void host(const char *command)
{
	folder_run(c.base, command);
}

Test(p9_server, a_file_is_walked_to_opened_and_read)
{
	cr_assert_eq(p9_go(&c, 0, 1, "a/b/file"), 3);
	cr_assert_eq(p9_open_fid(&c, 1, 0), 0);
	cr_assert_str_eq(read_at(1, 0, 100), "hello\n");
	cr_assert_str_eq(read_at(1, 2, 3), "llo");
	cr_assert_str_eq(read_at(1, 6, 3), "");
	cr_assert_null(read_at(1, 1ULL << 63, 3));
	cr_assert_eq(p9_open_fid(&c, 1, 0), -EBUSY);
	cr_assert_eq(p9_drop(&c, 1), 0);
	cr_assert_eq(p9_drop(&c, 1), -EBADF);
}

Test(p9_server, a_walk_that_ends_early_makes_no_fid)
{
	cr_assert_eq(p9_go(&c, 0, 1, "a/b/nothing/there"), 2);
	cr_assert_eq(p9_drop(&c, 1), -EBADF);
	cr_assert_eq(p9_go(&c, 0, 1, "nothing"), -ENOENT);
	cr_assert_eq(p9_go(&c, 0, 1, "plain/x"), 1);
	cr_assert_eq(p9_go(&c, 9, 1, "a"), -EBADF);
	cr_assert_eq(p9_go(&c, 0, 0, "a/b"), 2, "a fid may walk by itself");
	cr_assert_eq(p9_go(&c, 0, 1, "file"), 1);
	cr_assert_eq(p9_go(&c, 0, 1, "file"), -EEXIST);
	cr_assert_eq(c.server.n_fids, 2);
}

Test(p9_server, no_way_leads_out)
{
	cr_assert_eq(p9_go(&c, 0, 1, ".."), 1);
	cr_assert_eq(p9_go(&c, 1, 2, "tree"), -ENOENT, "the root is its own parent");
	cr_assert_eq(p9_go(&c, 1, 2, "secret"), -ENOENT);
	cr_assert_eq(p9_go(&c, 0, 3, "a/../../../secret"), 4);
	cr_assert_eq(p9_drop(&c, 3), -EBADF);
	cr_assert_eq(p9_go(&c, 0, 3, "a/b/../.."), 4);
	cr_assert_eq(p9_go(&c, 3, 4, "plain"), 1, "two up from two down is where one was");
	cr_assert_eq(p9_go(&c, 0, 5, "."), -EINVAL);
	cr_assert_eq(p9_go(&c, 0, 5, "plain/.."), 1, "a file has nothing above it");
}

Test(p9_server, a_name_is_one_name)
{
	p9_ask(&c, P9_WALK);
	p9_put32(&c.out, 0);
	p9_put32(&c.out, 1);
	p9_put16(&c.out, 1);
	p9_put_string(&c.out, "a/b");
	cr_assert_eq(p9_send(&c), -EINVAL);
	cr_assert_eq(create(0, "../new", CREATE | WRONLY, 0644), -EINVAL);
	cr_assert_eq(make_dir(0, "a/new"), -EINVAL);
	cr_assert_eq(make_symlink(0, "../new", "x"), -EINVAL);
	cr_assert_eq(make_node(0, "..", S_IFIFO | 0644), -EINVAL);
	cr_assert_eq(unlink_in(0, "../secret", 0), -EINVAL);
	cr_assert_eq(unlink_in(0, "..", 0x200), -EINVAL);
	cr_assert_eq(rename_in(0, "../secret", 0, "mine"), -EINVAL);
	cr_assert_eq(rename_in(0, "plain", 0, "../out"), -EINVAL);
	cr_assert_eq(p9_go(&c, 0, 1, "plain"), 1);
	cr_assert_eq(link_to(0, 1, "../out"), -EINVAL);
	cr_assert_eq(rename_fid(1, 0, "../out"), -EINVAL);
	host("test \"$(ls | tr '\\n' ' ')\" = 'secret tree '");
}

Test(p9_server, symlinks_are_read_and_not_followed)
{
	char target[64];

	cr_assert_eq(p9_go(&c, 0, 1, "up"), 1);
	cr_assert_eq(p9_open_fid(&c, 1, 0), -ELOOP);
	p9_ask(&c, P9_READLINK);
	p9_put32(&c.out, 1);
	cr_assert_eq(p9_send(&c), 0);
	p9_get_string(&c.in, target, sizeof(target));
	cr_assert_str_eq(target, "../secret");
	cr_assert_eq(p9_go(&c, 0, 2, "inside/b"), 1, "nor within the folder");
	cr_assert_eq(p9_go(&c, 0, 2, "root/etc"), 1);
	cr_assert_eq(create(0, "up", CREATE | WRONLY | TRUNC, 0644), -ELOOP);
	cr_assert_eq(p9_go(&c, 0, 3, "root"), 1);
	cr_assert_eq(create(3, "new", CREATE | WRONLY, 0644), -ENOTDIR);
	cr_assert_eq(make_dir(3, "new"), -ENOTDIR);
	cr_assert_eq(unlink_in(3, "etc", 0x200), -ENOTDIR);
	cr_assert_eq(p9_go(&c, 3, 4, ""), 0);
	cr_assert_eq(p9_open_fid(&c, 4, 0), -ELOOP, "a clone of a symlink is that symlink");
	host("test $(cat secret) = secret");
}

Test(p9_server, a_symlink_in_the_place_of_a_file_changes_nothing)
{
	cr_assert_eq(p9_go(&c, 0, 1, "a/b"), 2);
	cr_assert_eq(p9_go(&c, 1, 2, "file"), 1);
	host("mv tree/a/b elsewhere && ln -s .. tree/a/b");
	cr_assert_eq(p9_open_fid(&c, 2, 0), 0);
	cr_assert_str_eq(read_at(2, 0, 100), "hello\n", "it is held, not its name");
	cr_assert_eq(p9_go(&c, 1, 3, ".."), -ENOENT, "a folder that was moved out has no way up");
	cr_assert_eq(remove_fid(2), -ENOENT);
	host("test -e elsewhere/file");
}

Test(p9_server, what_is_no_file_is_not_opened)
{
	cr_assert_eq(p9_go(&c, 0, 1, "pipe"), 1);
	cr_assert_eq(p9_open_fid(&c, 1, 0), -ENXIO);
	cr_assert_eq(create(0, "pipe", CREATE | WRONLY, 0644), -ENXIO, "nor by creating it");
	cr_assert_eq(p9_go(&c, 0, 2, "a"), 1);
	cr_assert_eq(p9_open_fid(&c, 2, RDWR), -EISDIR);
	cr_assert_eq(p9_open_fid(&c, 2, ACCMODE3), -EINVAL);
	cr_assert_eq(make_node(0, "device", S_IFCHR | 0666), -EPERM);
	cr_assert_eq(make_node(0, "device", S_IFBLK | 0666), -EPERM);
	cr_assert_eq(make_node(0, "device", S_IFDIR | 0666), -EPERM);
	cr_assert_eq(make_node(0, "socket", S_IFSOCK | 0600), 0);
	cr_assert_eq(make_node(0, "queue", S_IFIFO | 0622), 0);
	host("cd tree && test ! -e device && test -S socket && test $(stat -c %a queue) = 622");
}

static int attach(uint32_t fid, const char *tree)
{
	p9_ask(&c, P9_ATTACH);
	p9_put32(&c.out, fid);
	p9_put32(&c.out, P9_NO_FID);
	p9_put_string(&c.out, "root");
	p9_put_string(&c.out, tree);
	p9_put32(&c.out, 0);
	return p9_send(&c);
}

Test(p9_server, there_is_one_tree)
{
	cr_assert_eq(attach(0, ""), -EEXIST);
	cr_assert_eq(attach(1, "/"), 0);
	cr_assert_eq(p9_go(&c, 1, 2, "plain"), 1);
	cr_assert_eq(attach(3, "/etc"), -ENOENT);
	cr_assert_eq(attach(3, ".."), -ENOENT);
}

Test(p9_server, mounts_are_not_entered)
{
	close(c.server.root);
	c.server.root = open("/", O_PATH | O_CLOEXEC);
	cr_assert_eq(attach(1, ""), 0);
	cr_assert_eq(p9_go(&c, 1, 2, "proc"), -EXDEV);
	cr_assert_eq(p9_go(&c, 1, 2, "etc"), 1);
}

Test(p9_server, create_write_and_sync)
{
	cr_assert_eq(p9_go(&c, 0, 1, "a"), 1);
	cr_assert_eq(create(1, "new", CREATE | EXCL | RDWR, 0666), 0);
	cr_assert_eq(write_at(1, 0, "0123456789"), 10);
	cr_assert_eq(write_at(1, 3, "abc"), 3);
	cr_assert_str_eq(read_at(1, 0, 100), "012abc6789");
	cr_assert_eq(write_at(1, 1ULL << 63, "x"), -EINVAL);
	p9_ask(&c, P9_FSYNC);
	p9_put32(&c.out, 1);
	p9_put32(&c.out, 1);
	cr_assert_eq(p9_send(&c), 0);
	host("test $(stat -c %a tree/a/new) = 666"); /* whatever our umask is */
	cr_assert_eq(p9_go(&c, 0, 2, "a"), 1);
	cr_assert_eq(create(2, "new", CREATE | EXCL | RDWR, 0666), -EEXIST);
	cr_assert_eq(create(2, "new", CREATE | TRUNC | WRONLY | APPEND, 0600), 0);
	cr_assert_eq(write_at(2, 0, "one"), 3);
	cr_assert_eq(write_at(2, 0, "two"), 3);
	host("test $(cat tree/a/new) = onetwo && test $(stat -c %a tree/a/new) = 666");
}

Test(p9_server, what_is_not_open_is_not_read)
{
	cr_assert_eq(p9_go(&c, 0, 1, "plain"), 1);
	cr_assert_null(read_at(1, 0, 10));
	cr_assert_eq(write_at(1, 0, "x"), -EBADF);
	cr_assert_eq(p9_open_fid(&c, 1, 0), 0);
	cr_assert_eq(write_at(1, 0, "x"), -EBADF, "open for reading");
	cr_assert_eq(p9_go(&c, 0, 2, ""), 0);
	cr_assert_eq(p9_open_fid(&c, 2, 0), 0);
	cr_assert_null(read_at(2, 0, 10), "a folder");
	p9_ask(&c, P9_WRITE);
	p9_put32(&c.out, 1);
	p9_put64(&c.out, 0);
	p9_put32(&c.out, 1);
	cr_assert_eq(p9_send(&c), -EPROTO, "there are fewer data than it says");
}

Test(p9_server, a_file_in_use_outlives_its_name)
{
	cr_assert_eq(p9_go(&c, 0, 1, "plain"), 1);
	cr_assert_eq(p9_go(&c, 1, 2, ""), 0);
	cr_assert_eq(p9_open_fid(&c, 1, RDWR), 0);
	cr_assert_eq(unlink_in(0, "plain", 0), 0);
	cr_assert_str_eq(read_at(1, 0, 100), "x\n");
	cr_assert_eq(p9_go(&c, 1, 3, ""), 0);
	cr_assert_eq(p9_open_fid(&c, 3, 0), 0);
	cr_assert_eq(rename_fid(2, 0, "again"), -ENOENT);
	cr_assert_eq(unlink_in(0, "a", 0), -EISDIR);
	cr_assert_eq(unlink_in(0, "a", 0x200), -ENOTEMPTY);
	cr_assert_eq(unlink_in(0, "a", 0x201), -EINVAL);
}

Test(p9_server, files_move_with_those_who_hold_them)
{
	cr_assert_eq(p9_go(&c, 0, 1, "a/b"), 2);
	cr_assert_eq(p9_go(&c, 0, 2, "plain"), 1);
	cr_assert_eq(rename_in(0, "plain", 1, "moved"), 0);
	cr_assert_eq(rename_in(0, "a", 0, "z"), 0);
	cr_assert_eq(rename_fid(2, 0, "back"), 0);
	cr_assert_eq(rename_in(0, "back", 9, "x"), -EBADF);
	cr_assert_eq(link_to(1, 2, "second"), 0);
	cr_assert_eq(p9_go(&c, 1, 3, "../../back"), 3);
	host("cd tree && test back -ef z/b/second && test ! -e a");
	cr_assert_eq(remove_fid(2), 0);
	host("test ! -e tree/back && test -e tree/z/b/second");
	cr_assert_eq(p9_drop(&c, 2), -EBADF);
	cr_assert_eq(remove_fid(1), -ENOTEMPTY);
	cr_assert_eq(p9_drop(&c, 1), -EBADF, "the fid is gone all the same");
	cr_assert_eq(p9_go(&c, 0, 4, ""), 0);
	cr_assert_eq(remove_fid(4), -ENOENT, "the root can't go");
}

Test(p9_server, symlinks_are_made_as_they_are)
{
	cr_assert_eq(make_symlink(0, "new", "../../etc/passwd"), 0);
	host("test $(readlink tree/new) = ../../etc/passwd");
	cr_assert_eq(make_symlink(0, "new", "x"), -EEXIST);
	cr_assert_eq(make_dir(0, "new"), -EEXIST);
	cr_assert_eq(make_dir(0, "dir"), 0);
	cr_assert_eq(p9_get8(&c.in), P9_QID_DIR);
	cr_assert_eq(p9_go(&c, 0, 1, "new"), 1);
	cr_assert_eq(link_to(0, 1, "other"), 0);
	host("test $(readlink tree/other) = ../../etc/passwd");
}

static int get_attributes(uint32_t fid)
{
	p9_ask(&c, P9_GETATTR);
	p9_put32(&c.out, fid);
	p9_put64(&c.out, 0x7ff);
	return p9_send(&c);
}

static int set_attributes(uint32_t fid, uint32_t valid, uint32_t mode, uint64_t size, uint64_t sec,
			  uint64_t nsec)
{
	p9_ask(&c, P9_SETATTR);
	p9_put32(&c.out, fid);
	p9_put32(&c.out, valid);
	p9_put32(&c.out, mode);
	p9_put32(&c.out, geteuid());
	p9_put32(&c.out, getegid());
	p9_put64(&c.out, size);
	p9_put64(&c.out, sec);
	p9_put64(&c.out, nsec);
	p9_put64(&c.out, sec);
	p9_put64(&c.out, nsec);
	return p9_send(&c);
}

Test(p9_server, attributes)
{
	cr_assert_eq(p9_go(&c, 0, 1, "plain"), 1);
	cr_assert_eq(set_attributes(1, 0x1ff, 04640, 5, 1000000, 7), 0);
	host("test \"$(stat -c '%a %s %Y %X' tree/plain)\" = '4640 5 1000000 1000000'");
	cr_assert_eq(get_attributes(1), 0);
	cr_assert_eq(p9_get64(&c.in), 0x7ff);
	c.in.at += 13;
	cr_assert_eq(p9_get32(&c.in), S_IFREG | 04640);
	cr_assert_eq(p9_get32(&c.in), geteuid());
	cr_assert_eq(p9_get32(&c.in), getegid());
	cr_assert_eq(p9_get64(&c.in), 1);
	p9_get64(&c.in);
	cr_assert_eq(p9_get64(&c.in), 5);
	cr_assert_eq(c.in.len - c.in.at, 2 * 8 + 10 * 8);
	cr_assert_eq(set_attributes(1, 0x8, 0, 1ULL << 63, 0, 0), -EFBIG);
	cr_assert_eq(set_attributes(1, 0x20, 0, 0, 5, 0), 0);
	host("test $(stat -c %Y tree/plain) -gt 1000000"); /* without its _SET it is now */
}

Test(p9_server, attributes_of_what_is_no_plain_file)
{
	cr_assert_eq(p9_go(&c, 0, 1, "up"), 1);
	cr_assert_eq(set_attributes(1, 0x1, 0777, 0, 0, 0), -EOPNOTSUPP);
	cr_assert_eq(set_attributes(1, 0x8, 0, 0, 0, 0), -EINVAL);
	cr_assert_eq(set_attributes(1, 0x1b0, 0, 0, 5, 0), 0);
	host("test $(stat -c %Y tree/up) = 5 && test $(stat -c %Y secret) -gt 5");
	cr_assert_eq(set_attributes(0, 0x8, 0, 0, 0, 0), -EISDIR);
	cr_assert_eq(p9_go(&c, 0, 2, "pipe"), 1);
	cr_assert_eq(set_attributes(2, 0x8, 0, 0, 0, 0), -EINVAL);
}

Test(p9_server, the_owner_of_an_open_file_may_still_cut_it)
{
	cr_assert_eq(p9_go(&c, 0, 1, "a"), 1);
	cr_assert_eq(create(1, "once", CREATE | EXCL | WRONLY, 0444), 0);
	cr_assert_eq(write_at(1, 0, "0123"), 4);
	cr_assert_eq(set_attributes(1, 0x8, 0, 2, 0, 0), 0);
	host("test $(cat tree/a/once) = 01");
}

static int read_folder(uint32_t fid, uint64_t offset, uint32_t count)
{
	p9_ask(&c, P9_READDIR);
	p9_put32(&c.out, fid);
	p9_put64(&c.out, offset);
	p9_put32(&c.out, count);
	return p9_send(&c);
}

/* All that is in a folder, read by pieces of `count`: how many names, each seen once. */
static unsigned count_names(uint32_t fid, uint32_t count)
{
	uint64_t offset = 0;
	char name[P9_NAME];
	unsigned n = 0;
	uint32_t bytes;

	for (;;) {
		cr_assert_eq(read_folder(fid, offset, count), 0);
		bytes = p9_get32(&c.in);
		cr_assert_leq(bytes, count);
		cr_assert_eq(bytes, c.in.len - c.in.at);
		if (!bytes)
			return n;
		while (c.in.at < c.in.len) {
			c.in.at += 13;
			offset = p9_get64(&c.in);
			p9_get8(&c.in);
			p9_get_string(&c.in, name, sizeof(name));
			cr_assert(!c.in.bad);
			n++;
		}
	}
}

Test(p9_server, folders_are_read_in_pieces)
{
	host("mkdir tree/many && cd tree/many && seq -f name-%04g 1 500 | xargs touch");
	cr_assert_eq(p9_go(&c, 0, 1, "many"), 1);
	cr_assert_eq(read_folder(1, 0, 1000), -EBADF, "not open");
	cr_assert_eq(p9_open_fid(&c, 1, 0), 0);
	cr_assert_eq(count_names(1, 100), 502, "with . and ..");
	cr_assert_eq(count_names(1, 8000), 502);
	cr_assert_eq(count_names(1, 100000), 502);
	cr_assert_eq(read_folder(1, 0, 20), -EINVAL, "not one name has room");
	cr_assert_eq(p9_go(&c, 0, 2, "plain"), 1);
	cr_assert_eq(p9_open_fid(&c, 2, 0), 0);
	cr_assert_eq(read_folder(2, 0, 1000), -ENOTDIR);
}

Test(p9_server, what_a_guest_does_without)
{
	ask_name(P9_XATTRWALK, 0, "user.x");
	cr_assert_eq(p9_send(&c), -EOPNOTSUPP);
	p9_ask(&c, P9_AUTH);
	cr_assert_eq(p9_send(&c), -EOPNOTSUPP);
	p9_ask(&c, 112); /* the OPEN of another dialect */
	cr_assert_eq(p9_send(&c), -EOPNOTSUPP);
	p9_ask(&c, P9_FLUSH);
	p9_put16(&c.out, 7);
	cr_assert_eq(p9_send(&c), 0);
	p9_ask(&c, P9_STATFS);
	p9_put32(&c.out, 0);
	cr_assert_eq(p9_send(&c), 0);
	cr_assert_eq(c.in.len - c.in.at, 60);
}

Test(p9_server, a_lock_is_the_guests_own)
{
	p9_ask(&c, P9_LOCK);
	p9_put32(&c.out, 0);
	cr_assert_eq(p9_send(&c), 0);
	cr_assert_eq(p9_get8(&c.in), 0);
	p9_ask(&c, P9_GETLOCK);
	p9_put32(&c.out, 0);
	p9_put8(&c.out, 1);
	p9_put64(&c.out, 10);
	p9_put64(&c.out, 20);
	p9_put32(&c.out, 30);
	p9_put_string(&c.out, "guest");
	cr_assert_eq(p9_send(&c), 0);
	cr_assert_eq(p9_get8(&c.in), 2);
	cr_assert_eq(p9_get64(&c.in), 10);
}

Test(p9_server, a_new_session_forgets_the_old_one)
{
	cr_assert_eq(p9_go(&c, 0, 1, "plain"), 1);
	p9_ask(&c, P9_VERSION);
	p9_put32(&c.out, 100);
	p9_put_string(&c.out, "9P2000.L");
	cr_assert_eq(p9_send(&c), -EMSGSIZE);
	p9_ask(&c, P9_VERSION);
	p9_put32(&c.out, UINT32_MAX);
	p9_put_string(&c.out, "9P2000.L");
	cr_assert_eq(p9_send(&c), 0);
	cr_assert_eq(p9_get32(&c.in), P9_MSIZE_MAX);
	cr_assert_eq(c.server.n_fids, 0);
	p9_ask(&c, P9_VERSION);
	p9_put32(&c.out, 8192);
	p9_put_string(&c.out, "9P2000.u");
	cr_assert_eq(p9_send(&c), 0);
	cr_assert_eq(p9_go(&c, 0, 1, "plain"), -EPROTO, "there is no session");
}

Test(p9_server, fids_are_bounded)
{
	uint32_t i;

	for (i = 1; i < 500; i++)
		cr_assert_eq(p9_go(&c, 0, i, "plain"), 1);
	c.server.n_fids = P9_FIDS_MAX;
	cr_assert_eq(p9_go(&c, 0, i, "plain"), -EMFILE);
	c.server.n_fids = 500;
	cr_assert_eq(p9_go(&c, 0, P9_NO_FID, "plain"), -EEXIST);
}

Test(p9_server, replies_fit_where_they_go)
{
	cr_assert_eq(p9_go(&c, 0, 1, "plain"), 1);
	cr_assert_eq(p9_open_fid(&c, 1, 0), 0);
	c.room = P9_ERROR_SIZE;
	cr_assert_str_eq(read_at(1, 0, 100), "", "no room, no data");
	c.room++;
	cr_assert_str_eq(read_at(1, 0, 100), "x");
	cr_assert_eq(get_attributes(1), -EMSGSIZE);
	cr_assert_eq(p9_drop(&c, 1), 0);
}

/* Any bytes as a request: there is a reply, and the server lives. In a folder that may change. */
Test(p9_server, noise)
{
	unsigned seed = 1, i, n;

	for (i = 0; i < 20000; i++) {
		p9_ask(&c, (uint8_t)(rand_r(&seed) % 130));
		for (n = (unsigned)rand_r(&seed) % 60; n; n--)
			p9_put8(&c.out,
				(uint8_t)(rand_r(&seed) % 4 ? rand_r(&seed) % 3 : rand_r(&seed)));
		p9_send(&c);
	}
	host("test $(cat secret) = secret && test \"$(ls | tr '\\n' ' ')\" = 'secret tree '");
}

static void set_up_readonly(void)
{
	p9_client_open(&c, "cd tree && mkdir a && echo x >plain", true);
}

TestSuite(p9_readonly, .init = set_up_readonly, .fini = tear_down);

Test(p9_readonly, nothing_changes)
{
	cr_assert_eq(p9_go(&c, 0, 1, "plain"), 1);
	cr_assert_eq(p9_open_fid(&c, 1, RDWR), -EROFS);
	cr_assert_eq(p9_open_fid(&c, 1, WRONLY), -EROFS);
	cr_assert_eq(p9_open_fid(&c, 1, TRUNC), -EROFS);
	cr_assert_eq(p9_open_fid(&c, 1, 0), 0);
	cr_assert_str_eq(read_at(1, 0, 10), "x\n");
	cr_assert_eq(write_at(1, 0, "y"), -EROFS);
	cr_assert_eq(set_attributes(1, 0x8, 0, 0, 0, 0), -EROFS);
	cr_assert_eq(create(0, "new", CREATE | WRONLY, 0644), -EROFS);
	cr_assert_eq(make_dir(0, "new"), -EROFS);
	cr_assert_eq(make_symlink(0, "new", "x"), -EROFS);
	cr_assert_eq(make_node(0, "new", S_IFIFO), -EROFS);
	cr_assert_eq(link_to(0, 1, "new"), -EROFS);
	cr_assert_eq(unlink_in(0, "plain", 0), -EROFS);
	cr_assert_eq(rename_in(0, "plain", 0, "new"), -EROFS);
	cr_assert_eq(rename_fid(1, 0, "new"), -EROFS);
	cr_assert_eq(remove_fid(1), -EROFS);
	cr_assert_eq(p9_drop(&c, 1), -EBADF, "it is gone all the same");
	host("test \"$(ls tree | tr '\\n' ' ')\" = 'a plain '");
}

static void refuses(const char *path, const char *text)
{
	struct p9_options opt = {.tag = "share"};
	static struct p9_server s;
	struct error err;

	snprintf(opt.path, sizeof(opt.path), "%s", path);
	cr_assert_lt(p9_open(&s, &opt, &err), 0);
	cr_assert(strstr(err.text, text), "'%s' has no '%s'", err.text, text);
	p9_close(&s);
}

Test(p9_open, a_folder_that_is_none_is_named)
{
	refuses("/nowhere", "--9p /nowhere: No such file");
	refuses("/proc/version", "it shares a folder");
}
