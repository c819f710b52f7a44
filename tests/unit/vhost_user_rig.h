/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vhost_user_rig: a vhost-user device between a driver, which the test is, and a back end
 * (vhost_user_backend.h), on a loop with a thread of its own.
 */
#ifndef CARILLON_TESTS_VHOST_USER_RIG_H
#define CARILLON_TESTS_VHOST_USER_RIG_H

#include "../../virtio/devices.h"
#include "../../virtio/vhost_user_device.h"
#include "folder.h"
#include "recorder.h"
#include "vhost_user_backend.h"

#define BIT(n)	  (1ULL << (n))
#define FEATURES  (BIT(32) | BIT(30) | BIT(28) | BIT(9))
#define REPLY_ACK BIT(3)
/* MQ, REPLY_ACK, BACKEND_REQ, CONFIG, memory by slots; INFLIGHT_SHMFD is for those who want it. */
#define PROTOCOL (BIT(0) | REPLY_ACK | BIT(5) | BIT(9) | BIT(15))
#define INFLIGHT BIT(12)
/* Bytes of each of the two pieces of memory. */
#define RAM MIB

struct vhost_user_rig {
	char folder[FOLDER_PATH];
	struct vm vm;
	struct virtio all;
	struct virtio_options options;
	struct backend backend;
	struct virtio_device *device;
	struct error err;
	pthread_t looper;
	int latch; /* what the transport says for a ring's interrupts; -1: nothing */
	_Atomic unsigned interrupts, config_interrupts;
	unsigned fds_before;
};

extern struct vhost_user_rig rig;

/* Before and after each test; no descriptor may be left. */
void vhost_user_rig_setup(void);
void vhost_user_rig_teardown(void);
/* A device of this type in front of the back end's socket. 0 or -errno, the error in rig.err. */
int vhost_user_rig_create(const char *type);
/* The back end, a device, and a loop that runs; and their end. */
void vhost_user_rig_begin(const char *type);
void vhost_user_rig_end(void);
void vhost_user_rig_status(uint8_t status);
/* A driver that sets up so many queues, one page each. */
void vhost_user_rig_drive(unsigned queues, uint64_t features);
/* How often a back end was lost. */
unsigned vhost_user_rig_losses(void);
/* Wait until this is so, which the loop's thread brings about in its own time. */
void vhost_user_rig_wait(bool (*is)(void));
bool vhost_user_rig_connected(void);
bool vhost_user_rig_lost(void);

#endif
