/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* machine: the user's terminal, or pipe, and a guest that takes its time. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "machine.h"

static struct vm vm;
static struct console c;
static struct error err;
/* What the guest has taken, how much more it takes, how large it takes the terminal to be. */
static uint8_t taken[20000];
static unsigned n_taken, room;
static unsigned columns, rows;

static unsigned input(void *opaque, const uint8_t *data, unsigned n)
{
	(void)opaque;
	if (n > room)
		n = room;
	room -= n;
	memcpy(taken + n_taken, data, n);
	n_taken += n;
	return n;
}

static void resized(void *opaque, uint16_t width, uint16_t height)
{
	(void)opaque;
	columns = width;
	rows = height;
}

static void settle(void)
{
	struct loop_source *src;
	struct epoll_event ev;

	/* A loop that was stopped has one event more, which is nobody's. */
	while (epoll_wait(vm.loop.epoll, &ev, 1, 0) > 0 && (src = ev.data.ptr))
		src->ready(src, ev.events);
}

static void make_room(unsigned n)
{
	room += n;
	console_has_room(&vm);
	settle();
}

/* With these as stdin and stdout. */
static void open_on(int in, int out)
{
	cr_assert_eq(dup2(in, STDIN_FILENO), STDIN_FILENO);
	cr_assert_eq(dup2(out, STDOUT_FILENO), STDOUT_FILENO);
	vm = (struct vm){.console = {.input = input, .resized = resized},
			 .state_lock = PTHREAD_MUTEX_INITIALIZER,
			 .state_changed = PTHREAD_COND_INITIALIZER};
	cr_assert_eq(loop_init(&vm.loop, &err), 0);
	cr_assert_eq(console_open(&c, &err), 0);
	console_attach(&c, &vm);
}

static void finish(void)
{
	console_detach(&c);
	console_close(&c);
	loop_destroy(&vm.loop);
}

TestSuite(console, .fini = finish);

Test(console, a_pipe_waits_for_the_guest)
{
	static uint8_t typed[10000];
	int in[2], out[2], left;
	unsigned i;

	for (i = 0; i < sizeof(typed); i++)
		typed[i] = (uint8_t)(i * 31 + i / 256);
	cr_assert_eq(pipe(in), 0);
	cr_assert_eq(pipe(out), 0);
	open_on(in[0], out[1]);
	room = 100;
	cr_assert_eq(write(in[1], typed, sizeof(typed)), sizeof(typed));
	settle();
	cr_assert_eq(n_taken, 100);
	cr_assert_eq(ioctl(in[0], FIONREAD, &left), 0);
	cr_assert_eq((unsigned)left + CONSOLE_INPUT, sizeof(typed), "no more is read than is kept");
	while (n_taken < sizeof(typed))
		make_room(1500);
	cr_assert_arr_eq(taken, typed, sizeof(typed));
	/* And it goes on from there. */
	cr_assert_eq(write(in[1], "more", 4), 4);
	settle();
	cr_assert_eq(n_taken, sizeof(typed) + 4);
}

Test(console, stdout_blocks_nobody_else)
{
	int in[2], out[2];

	cr_assert_eq(pipe(in), 0);
	cr_assert_eq(pipe(out), 0);
	open_on(in[0], out[1]);
	cr_assert(fcntl(c.out, F_GETFL) & O_NONBLOCK);
	cr_assert(!(fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK), "it is the shell's, too");
	cr_assert_eq(write(c.out, "x", 1), 1);
}

Test(console, output_to_a_file_goes_on_where_it_was)
{
	char name[] = "/tmp/carillon-test-XXXXXX", got[8] = "";
	int in[2], file = mkstemp(name);

	cr_assert_eq(unlink(name), 0);
	cr_assert_eq(pipe(in), 0);
	cr_assert_eq(write(file, "one ", 4), 4);
	open_on(in[0], file);
	cr_assert_eq(write(c.out, "two", 3), 3);
	cr_assert_eq(pread(file, got, 7, 0), 7);
	cr_assert_str_eq(got, "one two");
}

/* A terminal of 80 by 25; returns the user's side. */
static int open_terminal(void)
{
	struct winsize size = {.ws_col = 80, .ws_row = 25};
	int user = posix_openpt(O_RDWR | O_NOCTTY), terminal;

	cr_assert(user >= 0 && !grantpt(user) && !unlockpt(user));
	terminal = open(ptsname(user), O_RDWR | O_NOCTTY);
	cr_assert_geq(terminal, 0);
	cr_assert_eq(ioctl(user, TIOCSWINSZ, &size), 0);
	open_on(terminal, terminal);
	return user;
}

/* What is typed takes its time to pass the terminal. */
static void type(int user, const char *text, size_t n)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

	cr_assert_eq(write(user, text, n), (ssize_t)n);
	cr_assert_eq(poll(&in, 1, 10000), 1);
	settle();
}

Test(console, a_terminal_and_its_size)
{
	struct winsize size = {.ws_col = 132, .ws_row = 43};
	int user = open_terminal();

	cr_assert_eq(columns, 80);
	cr_assert_eq(rows, 25);
	cr_assert_eq(ioctl(user, TIOCSWINSZ, &size), 0);
	console_resized(&c);
	cr_assert_eq(columns, 132);
	cr_assert_eq(rows, 43);
	room = 10;
	type(user, "a\1\1b\3", 5);
	cr_assert_eq(n_taken, 4);
	cr_assert_arr_eq(taken, "a\1b\3", 4, "Ctrl-a twice is one, Ctrl-c is the guest's");
}

Test(console, the_way_out_of_a_guest_that_reads_nothing)
{
	static char typed[1000];
	int user = open_terminal();
	unsigned i;

	memset(typed, 'x', sizeof(typed));
	for (i = 0; i < 10; i++)
		type(user, typed, sizeof(typed));
	cr_assert_eq(vm.end, VM_RUNNING);
	type(user, "\1x", 2);
	cr_assert_eq(vm.end, VM_STOPPED);
	cr_assert_eq(c.waiting, CONSOLE_INPUT, "the rest is lost");
}
