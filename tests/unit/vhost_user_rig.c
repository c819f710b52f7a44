/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vhost_user_rig: see vhost_user_rig.h. */
#include "vhost_user_rig.h"

#include <criterion/criterion.h>
#include <poll.h>

struct vhost_user_rig rig;

static void count_interrupt(struct virtio_device *d, unsigned q)
{
	(void)d, (void)q;
	atomic_fetch_add(&rig.interrupts, 1);
}

static void count_config(struct virtio_device *d)
{
	(void)d;
	atomic_fetch_add(&rig.config_interrupts, 1);
}

static int say_latch(struct virtio_device *d, unsigned q)
{
	(void)d, (void)q;
	return rig.latch;
}

static const struct virtio_transport_ops transport = {
	.interrupt = count_interrupt, .config_interrupt = count_config, .call_fd = say_latch};

static void *run_loop(void *opaque)
{
	(void)opaque;
	loop_run(&rig.vm.loop);
	return NULL;
}

void vhost_user_rig_setup(void)
{
	const struct range ranges[] = {{0, RAM}, {4 * RAM, RAM}};
	struct guest_memory_options shared = {.shared = true};

	rig.fds_before = open_fds();
	folder_make(rig.folder);
	cr_assert_eq(loop_init(&rig.vm.loop, &rig.err), 0);
	cr_assert_eq(guest_memory_create(&rig.vm.memory, ranges, 2, &shared, &rig.err), 0);
	rig.backend = (struct backend){
		.features = FEATURES, .protocol = PROTOCOL, .queues = 4, .slots = 8};
	snprintf(rig.backend.path, sizeof(rig.backend.path), "%s/s", rig.folder);
	rig.latch = -1;
	rig.all = (struct virtio){.vm = &rig.vm, .options = &rig.options};
}

int vhost_user_rig_create(const char *type)
{
	char text[160];
	int ret;

	snprintf(text, sizeof(text), "%s,socket=%s", type, rig.backend.path);
	rig.device = NULL;
	rig.options.n_vhost_user = 1;
	cr_assert_eq(virtio_parse_vhost_user(text, &rig.options.vhost_user[0], &rig.err), 0, "%s",
		     rig.err.text);
	ret = virtio_vhost_user_create(&rig.all, &rig.options.vhost_user[0], &rig.device, &rig.err);
	if (!ret)
		rig.device->transport = &transport;
	return ret;
}

/* With a back end and a loop that runs. */
void vhost_user_rig_begin(const char *type)
{
	int ret;

	backend_start(&rig.backend);
	ret = vhost_user_rig_create(type);
	cr_assert_eq(ret, 0, "%s", rig.err.text);
	cr_assert_eq(pthread_create(&rig.looper, NULL, run_loop, NULL), 0);
}

void vhost_user_rig_status(uint8_t status)
{
	pthread_mutex_lock(&rig.device->lock);
	virtio_set_status(rig.device, status);
	pthread_mutex_unlock(&rig.device->lock);
}

/* A driver that sets up so many queues, one page each. */
void vhost_user_rig_drive(unsigned queues, uint64_t features)
{
	unsigned i;

	vhost_user_rig_status(3);
	virtio_accept(rig.device, 0, (uint32_t)features);
	virtio_accept(rig.device, 1, (uint32_t)(features >> 32));
	vhost_user_rig_status(11);
	cr_assert_eq(rig.device->status, 11);
	for (i = 0; i < queues; i++) {
		struct virtio_queue *q = virtio_queue(rig.device, i);

		q->ring.size = 16;
		q->ring.desc = 0x1000 * (i + 1);
		q->ring.driver = q->ring.desc + 0x400;
		q->ring.device = q->ring.desc + 0x800;
		virtio_enable_queue(q);
	}
	vhost_user_rig_status(15);
}

void vhost_user_rig_end(void)
{
	loop_stop(&rig.vm.loop);
	pthread_join(rig.looper, NULL);
	vhost_user_rig_status(0);
	rig.device->ops->destroy(rig.device);
	virtio_forget(&rig.all);
}

void vhost_user_rig_teardown(void)
{
	guest_memory_destroy(&rig.vm.memory);
	loop_destroy(&rig.vm.loop);
	folder_remove(rig.folder);
	cr_expect_eq(open_fds(), rig.fds_before, "descriptors were left open");
}

unsigned vhost_user_rig_losses(void)
{
	return (unsigned)atomic_load(&container_of(rig.device, struct vhost_user, device)->losses);
}

/* Both are told of by the loop's thread, in its own time. */
void vhost_user_rig_wait(bool (*is)(void))
{
	while (!is())
		poll(NULL, 0, 1);
}

bool vhost_user_rig_connected(void)
{
	return atomic_load(&container_of(rig.device, struct vhost_user, device)->connected);
}

bool vhost_user_rig_lost(void)
{
	return !vhost_user_rig_connected();
}
