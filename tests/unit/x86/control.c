/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* machine: the control socket: the asking end, with a machine that is not to be trusted; and the
 * machine's, with peers that say nothing. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../folder.h"
#include "machine.h"

static char directory[FOLDER_PATH];
static int listening;
static size_t reply_size; /* bytes that the machine answers with */
static char reply_byte = 'x';

static void start(void)
{
	struct sockaddr_un address;

	folder_make(directory);
	setenv("CARILLON_RUN", directory, 1);
	cr_assert_eq(control_address("m", &address, NULL), 0);
	listening = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(listening, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(listening, 1), 0);
}

static void finish(void)
{
	close(listening);
	folder_remove(directory);
}

TestSuite(control, .init = start, .fini = finish);

static void *machine(void *opaque)
{
	int fd = accept(listening, NULL, NULL);
	char line[CONTROL_LINE], chunk[1024];
	size_t left;

	(void)opaque;
	memset(chunk, reply_byte, sizeof(chunk));
	if (read(fd, line, sizeof(line)) > 0)
		for (left = reply_size; left; left -= sizeof(chunk))
			if (send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL) < 0)
				break;
	close(fd);
	return NULL;
}

static int ask(size_t size, struct text *reply, struct error *err)
{
	pthread_t thread;
	int ret;

	reply_size = size;
	cr_assert_eq(pthread_create(&thread, NULL, machine, NULL), 0);
	ret = control_ask("m", "stat", reply, err);
	pthread_join(thread, NULL);
	return ret;
}

Test(control, the_longest_reply_is_taken_whole)
{
	struct text reply = {0};

	cr_assert_eq(ask(CONTROL_REPLY, &reply, NULL), 0);
	cr_assert_eq(reply.len, CONTROL_REPLY);
	text_free(&reply);
}

Test(control, a_reply_without_an_end_is_refused)
{
	struct text reply = {0};
	struct error err;

	cr_assert_eq(ask(64 * MIB, &reply, &err), -EMSGSIZE);
	cr_assert_leq(reply.len, CONTROL_REPLY + 64 * KIB, "and not gathered");
	cr_assert(strstr(err.text, "machine 'm' does not answer"), "%s", err.text);
	text_free(&reply);
}

Test(control, nor_one_of_nothing)
{
	struct text reply = {0};

	reply_byte = 0;
	cr_assert_eq(ask(64 * MIB, &reply, NULL), -EMSGSIZE);
	text_free(&reply);
}

static void *odd_machine(void *opaque)
{
	static const char odd[] = "a\0b\033]0;c\007\r\177\n";
	int fd = accept(listening, NULL, NULL);
	char line[CONTROL_LINE];

	if (read(fd, line, sizeof(line)) > 0)
		send(fd, odd, sizeof(odd) - 1, MSG_NOSIGNAL);
	close(fd);
	return opaque;
}

/* It is for a terminal, which has commands, too. */
Test(control, a_reply_is_text)
{
	struct text reply = {0};
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, odd_machine, NULL), 0);
	cr_assert_eq(control_ask("m", "stat", &reply, NULL), 0);
	pthread_join(thread, NULL);
	cr_assert_str_eq(reply.data, "a?b?]0;c???\n");
	text_free(&reply);
}

Test(control, a_directory_that_leaves_no_room_for_a_name)
{
	char path[102] = "";
	struct sockaddr_un address;
	struct error err = {0};

	memset(path, '/', sizeof(path) - 1);
	setenv("CARILLON_RUN", path, 1);
	cr_expect_eq(control_address("m", &address, &err), -ENAMETOOLONG);
	cr_expect(strstr(err.text, "directory for control sockets is too long"), "%s", err.text);
	setenv("CARILLON_RUN", path + 1, 1);
	cr_expect_eq(control_address("m", &address, &err), 0, "%s", err.text);
	cr_expect_eq(control_address("mm", &address, &err), -EINVAL);
	cr_expect(strstr(err.text, "at most 1 characters"), "%s", err.text);
	setenv("CARILLON_RUN", directory, 1);
}

/* Of one that is stopped nobody takes the connections, nor those of who has gone again. */
Test(control, a_machine_that_takes_no_connection_is_not_waited_for, .timeout = 60)
{
	struct text reply = {0};
	struct sockaddr_un address;
	struct error err;
	int fd;

	control_address("m", &address, NULL);
	do {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		errno = 0;
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
			cr_assert_eq(errno, EAGAIN);
		close(fd);
	} while (!errno);
	cr_assert_eq(control_ask("m", "stat", &reply, &err), -EAGAIN);
	cr_assert(strstr(err.text, "machine 'm' does not answer"), "%s", err.text);
}

/* ---- the machine's end ----------------------------------------------------------------------- */

static const struct machine_config config = {.name = "n"};
static struct machine served = {.config = &config};

static int come(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	cr_assert_eq(connect(fd, (struct sockaddr *)&served.control.address,
			     sizeof(served.control.address)),
		     0);
	return fd;
}

/* Say something, and be answered. */
static void expect_served(int fd)
{
	char answer[64] = "";

	cr_assert_eq(send(fd, "what\n", 5, MSG_NOSIGNAL), 5);
	recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL);
	cr_assert_str_eq(answer, "error: unknown command\n");
	close(fd);
}

/* A machine whose socket was removed is not seen, so another one may have its name. */
Test(control, the_socket_of_the_next_machine_is_left_alone)
{
	struct error err = {0};
	struct sockaddr_un address;
	int fd;

	cr_assert_eq(control_open(&served.control, &served, &err), 0, "%s", err.text);
	address = served.control.address;
	cr_assert_eq(unlink(address.sun_path), 0);
	fd = socket_listen(&address, 1, &err);
	cr_assert_geq(fd, 0, "%s", err.text);
	control_close(&served.control);
	cr_assert(socket_is_alive(&address));
	close(fd);
	unlink(address.sun_path);
}

static void *serve(void *loop)
{
	loop_run(loop);
	return NULL;
}

Test(control, who_came_last_is_not_the_first_to_go, .timeout = 60)
{
	struct error err = {0};
	int fds[CONTROL_CLIENTS + 1], last;
	pthread_t thread;
	unsigned i;

	cr_assert_eq(loop_init(&served.vm.loop, &err), 0);
	cr_assert_eq(control_open(&served.control, &served, &err), 0, "%s", err.text);
	control_attach(&served.control, &served.vm.loop);
	cr_assert_eq(pthread_create(&thread, NULL, serve, &served.vm.loop), 0);
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = come();
	last = come();
	expect_served(last);
	expect_served(fds[CONTROL_CLIENTS]);
	loop_stop(&served.vm.loop);
	pthread_join(thread, NULL);
	control_detach(&served.control, &served.vm.loop);
	control_close(&served.control);
	loop_destroy(&served.vm.loop);
	for (i = 0; i < CONTROL_CLIENTS; i++)
		close(fds[i]);
}

Test(control_directory, one_that_somebody_else_has_made)
{
	struct error err = {0};
	char path[64];

	if (geteuid())
		cr_skip_test("only root can make a directory of somebody else");
	unsetenv("CARILLON_RUN");
	unsetenv("XDG_RUNTIME_DIR");
	cr_assert_eq(seteuid(65533), 0);
	cr_expect_eq(control_directory(path, sizeof(path), &err), 0);
	cr_expect_str_eq(path, "/tmp/carillon-65533");
	cr_assert_eq(seteuid(0), 0);
	cr_assert_eq(mkdir(path, 0777), 0);
	cr_assert_eq(seteuid(65533), 0);
	cr_expect_eq(control_directory(path, sizeof(path), &err), -EPERM);
	cr_expect(strstr(err.text, "/tmp/carillon-65533: it is not your directory"));
	cr_assert_eq(seteuid(0), 0);
	cr_assert_eq(chown(path, 65533, 0), 0);
	cr_assert_eq(seteuid(65533), 0);
	cr_expect_eq(control_directory(path, sizeof(path), &err), 0);
	cr_assert_eq(seteuid(0), 0);
	rmdir(path);
}
