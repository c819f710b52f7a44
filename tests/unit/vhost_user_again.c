/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* virtio: a vhost-user device whose back end goes, and comes again, or that of a guest that
 * reboots. */
#include <criterion/criterion.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vhost_user_rig.h"

TestSuite(vhost_user_again, .init = vhost_user_rig_setup, .fini = vhost_user_rig_teardown,
	  .timeout = 60);

/* ---- it goes, and comes again -------------------------------------------------------------------
 */

static void put_used(unsigned queue, uint16_t index)
{
	cr_assert_eq(guest_memory_write(&rig.vm.memory, 0x1000 * (queue + 1) + 0x802, &index, 2),
		     0);
}

Test(vhost_user_again, another_back_end_goes_on_where_the_first_has_stopped)
{
	const uint32_t ring[] = {8, 9, 10, 13, 12, 18, 0};
	struct pollfd p = {.events = POLLIN};

	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32));
	put_used(0, 41);
	backend_stop(&rig.backend);
	vhost_user_rig_wait(vhost_user_rig_lost);
	cr_expect_eq(vhost_user_rig_losses(), 1);
	cr_expect_eq(rig.device->status, 15, "the driver knows nothing of it");
	atomic_store(&rig.interrupts, 0);
	backend_start(&rig.backend);
	vhost_user_rig_wait(vhost_user_rig_connected);
	backend_wait(&rig.backend, 18, 1);
	cr_expect(backend_ends_with(&rig.backend, ring));
	cr_expect_eq(rig.backend.base[0], 41);
	cr_expect_eq(backend_count(&rig.backend, 37), 2, "it has memory");
	p.fd = rig.backend.kick[0];
	cr_expect_eq(poll(&p, 1, -1), 1, "it looks at the ring at once");
	while (!atomic_load(&rig.interrupts))
		poll(NULL, 0, 1);
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}

/* What it has sent unasked must not hide that it is gone. */
Test(vhost_user_again, one_that_talks_unasked_and_goes)
{
	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32));
	cr_assert_eq(send(rig.backend.connection, "noise", 5, 0), 5);
	backend_stop(&rig.backend);
	vhost_user_rig_wait(vhost_user_rig_lost);
	backend_start(&rig.backend);
	backend_wait(&rig.backend, 18, 1);
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}

Test(vhost_user_again, one_that_talks_unasked_is_left_at_the_next_request)
{
	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32));
	cr_assert_eq(send(rig.backend.connection, "noise that is no header", 24, 0), 24);
	vhost_user_rig_status(0);
	cr_expect_eq(vhost_user_rig_losses(), 1);
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}

/* Another back end in its place, which keeps a record or doesn't. */
static void replace(bool keeps)
{
	backend_stop(&rig.backend);
	vhost_user_rig_wait(vhost_user_rig_lost);
	rig.backend.protocol = keeps ? PROTOCOL | INFLIGHT : PROTOCOL;
	backend_start(&rig.backend);
	backend_wait(&rig.backend, 18, 1);
}

Test(vhost_user_again, what_was_on_its_way_is_kept_for_the_next_one)
{
	rig.backend.protocol |= INFLIGHT;
	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32));
	cr_expect_eq(backend_count(&rig.backend, 31), 1);
	cr_expect_eq(backend_last(&rig.backend, 32).n_fds, 1);
	cr_expect_eq(backend_last(&rig.backend, 32).value, 4096, "as the back end has said");
	replace(true);
	cr_expect_eq(backend_count(&rig.backend, 31), 0, "not anew");
	cr_expect_eq(backend_last(&rig.backend, 32).n_fds, 1);
	vhost_user_rig_status(0);
	vhost_user_rig_drive(1, BIT(32));
	cr_expect_eq(backend_count(&rig.backend, 31), 1, "after a reset nothing is on its way");
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}

Test(vhost_user_again, a_record_ends_with_a_back_end_that_keeps_none)
{
	rig.backend.protocol |= INFLIGHT;
	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32));
	replace(false);
	cr_expect_eq(backend_count(&rig.backend, 32), 0);
	replace(true);
	cr_expect_eq(backend_count(&rig.backend, 31), 1, "what was kept is not true any more");
	cr_expect_eq(backend_count(&rig.backend, 32), 1);
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}

/* Of the ring's earlier life a record would still have requests, that nobody waits for. */
Test(vhost_user_again, a_record_ends_with_a_ring_that_is_reset_while_nobody_is_there)
{
	rig.backend.protocol |= INFLIGHT;
	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32) | BIT(40));
	backend_stop(&rig.backend);
	vhost_user_rig_wait(vhost_user_rig_lost);
	pthread_mutex_lock(&rig.device->lock);
	virtio_reset_queue(&rig.device->queues[0]);
	virtio_enable_queue(&rig.device->queues[0]);
	pthread_mutex_unlock(&rig.device->lock);
	backend_start(&rig.backend);
	backend_wait(&rig.backend, 18, 1);
	cr_expect_eq(backend_count(&rig.backend, 31), 1);
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}

Test(vhost_user_again, a_record_outlives_a_ring_that_the_back_end_lets_go_of)
{
	rig.backend.protocol |= INFLIGHT;
	vhost_user_rig_begin("41,queues=2");
	vhost_user_rig_drive(2, BIT(32) | BIT(40));
	pthread_mutex_lock(&rig.device->lock);
	virtio_reset_queue(&rig.device->queues[1]);
	pthread_mutex_unlock(&rig.device->lock);
	replace(true);
	cr_expect_eq(backend_count(&rig.backend, 31), 0);
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}

Test(vhost_user_again, inflight_without_a_file)
{
	rig.backend.protocol |= INFLIGHT;
	rig.backend.bad_request = 31;
	rig.backend.manner = WITHOUT_FILE;
	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32));
	cr_expect_geq(vhost_user_rig_losses(), 1);
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}

Test(vhost_user_again, a_driver_may_reset_while_nobody_is_there)
{
	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32));
	backend_stop(&rig.backend);
	vhost_user_rig_wait(vhost_user_rig_lost);
	vhost_user_rig_status(0);
	vhost_user_rig_drive(1, BIT(32));
	cr_expect_eq(rig.device->status, 15);
	backend_start(&rig.backend);
	backend_wait(&rig.backend, 18, 1);
	cr_expect_eq(rig.backend.base[0], 0);
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}

Test(vhost_user_again, one_that_lacks_what_was_promised_is_not_taken)
{
	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32) | BIT(28));
	backend_stop(&rig.backend);
	vhost_user_rig_wait(vhost_user_rig_lost);
	rig.backend.features &= ~BIT(28);
	backend_start(&rig.backend);
	backend_wait(&rig.backend, 1, 1);
	backend_wait(&rig.backend, 3, 1);
	cr_expect_eq(backend_count(&rig.backend, 2), 0);
	cr_expect_not(vhost_user_rig_connected());
	backend_stop(&rig.backend);
	rig.backend.features |= BIT(28);
	backend_start(&rig.backend);
	backend_wait(&rig.backend, 18, 1);
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}

/* Lost by a driver that does without, it is not there for the next one either. */
Test(vhost_user_again, what_another_back_end_lacks_is_not_offered_any_more)
{
	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32));
	backend_stop(&rig.backend);
	vhost_user_rig_wait(vhost_user_rig_lost);
	rig.backend.features &= ~BIT(28);
	backend_start(&rig.backend);
	backend_wait(&rig.backend, 18, 1);
	vhost_user_rig_status(0);
	vhost_user_rig_status(3);
	virtio_accept(rig.device, 0, BIT(28));
	virtio_accept(rig.device, 1, 1);
	vhost_user_rig_status(11);
	cr_expect_eq(rig.device->status, 3);
	vhost_user_rig_status(0);
	vhost_user_rig_drive(1, BIT(32));
	backend_stop(&rig.backend);
	vhost_user_rig_wait(vhost_user_rig_lost);
	rig.backend.features |= BIT(28);
	backend_start(&rig.backend);
	backend_wait(&rig.backend, 18, 1);
	vhost_user_rig_status(0);
	vhost_user_rig_drive(1, BIT(32) | BIT(28));
	cr_expect_eq(backend_last(&rig.backend, 2).value, BIT(32) | BIT(30) | BIT(28));
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}

Test(vhost_user_again, one_that_does_not_let_go_of_a_ring_is_left)
{
	rig.backend.bad_request = 11;
	rig.backend.manner = OTHER_PART;
	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32));
	vhost_user_rig_status(0);
	cr_expect_eq(vhost_user_rig_losses(), 1);
	cr_expect_eq(rig.device->status, 0);
	vhost_user_rig_end();
	backend_stop(&rig.backend);
}

/* ---- a reboot -----------------------------------------------------------------------------------
 */

Test(vhost_user_again, the_connection_outlives_a_reboot)
{
	vhost_user_rig_begin("blk");
	vhost_user_rig_drive(1, BIT(32));
	loop_stop(&rig.vm.loop);
	pthread_join(rig.looper, NULL);
	vhost_user_rig_status(0);
	rig.device->ops->destroy(rig.device);
	cr_assert_eq(vhost_user_rig_create("blk"), 0, "%s", rig.err.text);
	loop_destroy(&rig.vm.loop);
	cr_expect_eq(rig.backend.connections, 1);
	cr_expect_eq(backend_count(&rig.backend, 3), 1, "it has its owner");
	rig.device->ops->destroy(rig.device);
	virtio_forget(&rig.all);
	cr_assert_eq(loop_init(&rig.vm.loop, &rig.err), 0);
	backend_stop(&rig.backend);
}
