/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* virtio: the console, as a driver and a terminal see it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <linux/virtio_console.h>

#include "device_rig.h"

enum { IN, OUT };

static struct device_rig r;
static int out[2];
static unsigned told;

static void room(void *user)
{
	(void)user;
	told++;
}

static void open_console(void)
{
	struct error err;

	signal(SIGPIPE, SIG_IGN); /* as a machine does */
	device_rig_open(&r);
	cr_assert_eq(pipe2(out, O_NONBLOCK), 0);
	r.virtio.console_out = out[1];
	cr_assert_eq(virtio_console_create(&r.virtio, &r.d, &err), 0);
	r.rec.vm.console.room = room;
	told = 0;
}

static void close_console(void)
{
	device_rig_close(&r);
	close(out[0]);
	close(out[1]);
}

TestSuite(virtio_console, .init = open_console, .fini = close_console);

static unsigned type(const char *text)
{
	const struct console_port *c = &r.rec.vm.console;

	return c->input(c->opaque, (const uint8_t *)text, (unsigned)strlen(text));
}

static void send_text(const char *text)
{
	memcpy(device_rig_at(&r, DEVICE_BUFFERS), text, strlen(text));
	device_rig_out(&r, OUT, DEVICE_BUFFERS, (uint32_t)strlen(text));
}

static void terminal_has(const char *text)
{
	char got[64] = "";
	ssize_t n = read(out[0], got, sizeof(got) - 1);

	cr_assert_eq(n < 0 ? 0 : (size_t)n, strlen(text));
	cr_assert_str_eq(got, text);
}

Test(virtio_console, output)
{
	struct driver_buffer parts[] = {{DEVICE_BUFFERS, 2, 0}, {DEVICE_BUFFERS + 100, 3, 0}};
	struct driver_used used;

	device_rig_start(&r);
	send_text("hello\n");
	terminal_has("hello\n");
	cr_assert(driver_ring_take(&r.rings[OUT], &used));
	cr_assert_eq(r.interrupts[OUT], 1);
	memcpy(device_rig_at(&r, DEVICE_BUFFERS), "ab", 2);
	memcpy(device_rig_at(&r, DEVICE_BUFFERS + 100), "cde", 3);
	driver_ring_add(&r.rings[OUT], parts, 2);
	event_kick(r.d->queues[OUT].kick);
	device_rig_settle(&r);
	terminal_has("abcde");
}

Test(virtio_console, a_chain_without_a_byte_comes_back)
{
	struct driver_used used;

	device_rig_start(&r);
	device_rig_out(&r, OUT, DEVICE_BUFFERS, 0);
	send_text("x");
	terminal_has("x");
	cr_assert(driver_ring_take(&r.rings[OUT], &used));
	cr_assert(driver_ring_take(&r.rings[OUT], &used));
}

/* The writable part of a chain is none of the user's business. */
Test(virtio_console, output_in_a_receive_buffer)
{
	struct driver_used used;

	device_rig_start(&r);
	device_rig_in(&r, OUT, DEVICE_BUFFERS, 10);
	cr_assert(driver_ring_take(&r.rings[OUT], &used));
	cr_assert_eq(used.written, 0);
	terminal_has("");
}

Test(virtio_console, output_waits_for_the_terminal)
{
	enum { MUCH = 1 << 20 };
	uint8_t *sent = device_rig_at(&r, DEVICE_BUFFERS), *got = malloc(MUCH);
	struct driver_used used;
	size_t n = 0;
	ssize_t part;
	unsigned i;

	for (i = 0; i < MUCH; i++)
		sent[i] = (uint8_t)(i * 7 + i / 256);
	device_rig_start(&r);
	device_rig_out(&r, OUT, DEVICE_BUFFERS, MUCH);
	cr_assert(!driver_ring_take(&r.rings[OUT], &used), "more than a pipe holds");
	while (n < MUCH) {
		part = read(out[0], got + n, 50000);
		cr_assert_gt(part, 0, "after %zu bytes", n);
		n += (size_t)part;
		device_rig_settle(&r);
	}
	cr_assert_arr_eq(got, sent, MUCH);
	cr_assert(driver_ring_take(&r.rings[OUT], &used));
	free(got);
}

/* The device's timer, of which there is one in this process, has run out. */
static void patience_ends(void)
{
	struct itimerspec now = {.it_value = {0, 1}};
	struct pollfd timer = {.events = POLLIN};
	char name[32], what[64];
	int fd;

	for (fd = 0; fd < 100; fd++) {
		memset(what, 0, sizeof(what));
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		if (readlink(name, what, sizeof(what) - 1) > 0 && strstr(what, "timerfd"))
			timer.fd = fd;
	}
	cr_assert_eq(timerfd_settime(timer.fd, 0, &now, NULL), 0);
	cr_assert_eq(poll(&timer, 1, 10000), 1);
	device_rig_settle(&r);
}

/* A guest does not hang because nobody reads what it says; and is heard when somebody does. */
Test(virtio_console, output_does_not_wait_for_ever)
{
	struct driver_used used;
	char drop[4096];

	device_rig_start(&r);
	device_rig_out(&r, OUT, DEVICE_BUFFERS, MIB);
	cr_assert(!driver_ring_take(&r.rings[OUT], &used));
	patience_ends();
	cr_assert(driver_ring_take(&r.rings[OUT], &used));
	send_text("lost");
	cr_assert(driver_ring_take(&r.rings[OUT], &used), "at once, from now on");
	while (read(out[0], drop, sizeof(drop)) > 0)
		;
	device_rig_settle(&r);
	send_text("heard");
	terminal_has("heard");
}

Test(virtio_console, a_reset_while_output_waits)
{
	char drop[4096];

	device_rig_start(&r);
	device_rig_out(&r, OUT, DEVICE_BUFFERS, MIB);
	device_rig_reset(&r);
	while (read(out[0], drop, sizeof(drop)) > 0)
		;
	device_rig_settle(&r);
	terminal_has("");
	device_rig_start(&r);
	send_text("again");
	terminal_has("again");
}

Test(virtio_console, a_terminal_that_is_gone_loses_output_and_the_guest_goes_on)
{
	struct driver_used used;

	device_rig_start(&r);
	close(out[0]);
	send_text("nobody reads this");
	cr_assert(driver_ring_take(&r.rings[OUT], &used));
	cr_assert_eq(r.d->broken, 0);
	out[0] = -1;
}

Test(virtio_console, input)
{
	struct driver_used used;

	device_rig_start(&r);
	device_rig_in(&r, IN, DEVICE_BUFFERS, 4);
	device_rig_in(&r, IN, DEVICE_BUFFERS + 100, 100);
	cr_assert_eq(type("abcdef"), 6);
	cr_assert(driver_ring_take(&r.rings[IN], &used));
	cr_assert_eq(used.written, 4);
	cr_assert(driver_ring_take(&r.rings[IN], &used));
	cr_assert_eq(used.written, 2);
	cr_assert_arr_eq(device_rig_at(&r, DEVICE_BUFFERS), "abcd", 4);
	cr_assert_arr_eq(device_rig_at(&r, DEVICE_BUFFERS + 100), "ef", 2);
	cr_assert_eq(r.interrupts[IN], 1);
}

Test(virtio_console, input_waits_for_buffers)
{
	cr_assert_eq(type("early"), 0, "there is no driver");
	device_rig_start(&r);
	cr_assert_eq(told, 1, "now there is");
	cr_assert_eq(type("early"), 0, "it has no buffers yet");
	device_rig_in(&r, IN, DEVICE_BUFFERS, 3);
	cr_assert_eq(told, 2);
	cr_assert_eq(type("early"), 3);
	device_rig_in(&r, IN, DEVICE_BUFFERS, 3);
	cr_assert_eq(told, 3);
	cr_assert_eq(type("ly"), 2);
	device_rig_in(&r, IN, DEVICE_BUFFERS, 3);
	cr_assert_eq(told, 3, "nobody waits");
}

Test(virtio_console, input_after_the_ring_broke)
{
	device_rig_start(&r);
	device_rig_in(&r, IN, DEVICE_RAM + DEVICE_RAM_SIZE, 10);
	cr_assert_eq(type("x"), 0);
	cr_assert_eq(r.d->broken, 1);
	cr_assert_eq(type("x"), 0);
	device_rig_start(&r);
	device_rig_in(&r, IN, DEVICE_BUFFERS, 10);
	cr_assert_eq(type("x"), 1);
}

Test(virtio_console, the_size_of_the_terminal)
{
	const struct console_port *c = &r.rec.vm.console;

	c->resized(c->opaque, 80, 25);
	device_rig_start(&r);
	cr_assert_eq(virtio_config_read(r.d, 0, 4), 25u << 16 | 80);
	cr_assert_eq(r.config_interrupts, 0);
	c->resized(c->opaque, 132, 43);
	cr_assert_eq(virtio_config_read(r.d, 0, 4), 43u << 16 | 132);
	cr_assert_eq(r.config_interrupts, 1);
	c->resized(c->opaque, 132, 43);
	cr_assert_eq(r.config_interrupts, 1, "nothing has changed");
}

Test(virtio_console, emergency_write)
{
	unsigned at = offsetof(struct virtio_console_config, emerg_wr);

	virtio_config_write(r.d, at, 4, 0x12345600u | '!');
	virtio_config_write(r.d, at, 1, '?');
	virtio_config_write(r.d, 0, 4, 'n');
	terminal_has("!?");
	cr_assert_eq(virtio_config_read(r.d, 0, 4), 0, "sizes are not the driver's to write");
}
