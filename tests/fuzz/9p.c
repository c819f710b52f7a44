/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A 9P server in a folder made for each run: whatever a guest says, the server lives, its replies
 * are as long as they say, and beside the folder nothing changes.
 *
 * The input is messages: 2 bytes of length, of which the upper 4 bits choose the room for the
 * reply, and the message, without its own length. Each session has begun, and the root is fid 0.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../virtio/9p_server.h"

#define LENGTH 0xfff

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static void send(struct p9_server *s, const uint8_t *data, size_t n, size_t room)
{
	uint8_t message[4 + LENGTH], *reply = malloc(room);
	struct iovec iov[] = {{message, 4 + n}, {reply, room}};
	struct virtq_chain c = {
		.iov = iov, .room = 2, .n_out = 1, .n_in = 1, .out_bytes = 4 + n, .in_bytes = room};
	struct p9_out length = {.data = message, .room = 4};
	uint32_t written;

	must(reply != NULL);
	p9_put32(&length, (uint32_t)(4 + n));
	memcpy(message + 4, data, n);
	written = p9_serve(s, &c);
	must(written <= room);
	if (written) {
		struct p9_in in = {.data = reply, .len = written};

		must(p9_get32(&in) == written);
	}
	free(reply);
}

static void begin(struct p9_server *s)
{
	static const uint8_t version[] = "\x64\xff\xff\x00\x20\x00\x00\x08\x00"
					 "9P2000.L",
			     attach[] = "\x68\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff"
					"\x00\x00\x00\x00\x00\x00\x00\x00";

	send(s, version, sizeof(version) - 1, 4096);
	send(s, attach, sizeof(attach) - 1, 4096);
	must(s->n_fids == 1);
}

static void make_file(int base, const char *name)
{
	int fd = openat(base, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	must(fd >= 0 && write(fd, "secret", 6) == 6);
	close(fd);
}

static void make_tree(int base)
{
	must(!mkdirat(base, "t", 0755) && !mkdirat(base, "t/a", 0755));
	make_file(base, "s");
	make_file(base, "t/f");
	must(!symlinkat("../s", base, "t/l") && !mkfifoat(base, "t/p", 0644));
}

static void check_beside(int base)
{
	struct stat st;
	char text[8];
	int fd = openat(base, "s", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	must(fd >= 0 && read(fd, text, sizeof(text)) == 6 && !memcmp(text, "secret", 6));
	close(fd);
	must(!fstatat(base, "t", &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode));
	must(!fstatat(base, ".", &st, 0) && st.st_nlink <= 3);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct p9_server *s = calloc(1, sizeof(*s));
	char path[] = "/tmp/carillon-fuzz-XXXXXX";
	struct p9_options opt = {.tag = "t"};
	struct error err;
	size_t n, room;
	int base;

	must(s && mkdtemp(path));
	base = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	make_tree(base);
	snprintf(opt.path, sizeof(opt.path), "%s/t", path);
	must(!p9_open(s, &opt, &err));
	begin(s);
	for (; size >= 2; data += n, size -= n) {
		n = (size_t)(data[0] | data[1] << 8);
		room = (n >> 12) * 300 + 7;
		n &= LENGTH;
		data += 2;
		size -= 2;
		if (n > size)
			n = size;
		send(s, data, n, room);
	}
	p9_close(s);
	free(s);
	check_beside(base);
	close(base);
	must(!nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS));
	return 0;
}
