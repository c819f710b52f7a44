/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * virtio: paravirtual devices (Virtual I/O Device 1.2; sections are cited by their numbers), over
 * PCI or MMIO. What a device is made of is in virtio/device.h, its rings in
 * virtio/queue.h; here is what a machine needs to have some.
 */
#ifndef CARILLON_VIRTIO_H
#define CARILLON_VIRTIO_H

#include "disk.h"
#include "net.h"
#include "pci.h"
#include "vm.h"

/* ---- what the user asks for ------------------------------------------------------------------ */

/* The syntax of an option's value is for its errors and for usage. */
#define VIRTIO_TRANSPORT_SYNTAX "pci|mmio"
#define VIRTIO_DISK_SYNTAX                                                                \
	"IMAGE[,ro][,direct][,format=raw|qcow2][,aio=io_uring|libaio|threads][,queues=N]" \
	"[,iops=N][,bps=SIZE]"
#define P9_SYNTAX    "FOLDER,TAG[,ro]"
#define PMEM_SYNTAX  "FILE[,ro]"
#define VSOCK_SYNTAX "CID, or cid=CID,uds=PATH"
#define VHOST_USER_SYNTAX                                                      \
	"fs|vsock|blk|net|NUMBER,socket=PATH[,queues=N][,tag=TAG][,mac=MAC][," \
	"config-size=BYTES]"

#define VIRTIO_DISKS_MAX      16
#define VIRTIO_QUEUES_MAX     16
#define VIRTIO_NETS_MAX	      8
#define VIRTIO_9P_MAX	      8
#define VIRTIO_PMEM_MAX	      8
#define VHOST_USER_MAX	      8
#define VHOST_USER_PATH	      108 /* of a socket, with its NUL */
#define VHOST_USER_TAG	      36
#define VHOST_USER_QUEUES_MAX 64

struct virtio_disk_options {
	struct disk_options image;
	unsigned queues;    /* 0: one */
	uint64_t iops, bps; /* requests and bytes per second; 0: as many as there are */
};

/* A folder of the host, which the guest finds by its tag. */
struct p9_options {
	char path[1024], tag[48];
	bool readonly;
};

/* A file that is memory of the guest. */
struct pmem_options {
	char path[1024];
	bool readonly;
};

struct vsock_options {
	uint32_t cid; /* the guest's; 0: no socket device */
	/* Connections end at Unix sockets: the guest's ports are reached through this path, the
	 * host's port N is PATH_N, and a socket's name takes 108 bytes. "": the host's kernel. */
	char uds[97];
};

struct vhost_user_type;

/* A device whose rings another process serves. */
struct vhost_user_options {
	const struct vhost_user_type *type;
	unsigned id; /* VIRTIO_ID_* */
	char socket[VHOST_USER_PATH];
	char tag[VHOST_USER_TAG + 1]; /* fs; "": the back end knows it */
	bool has_mac;
	uint8_t mac[6];	      /* net; else made from the socket's path */
	unsigned queues;      /* 0: not said, which is 1 */
	unsigned config_size; /* of a device known by its number, bytes */
};

/* Strings belong to the caller and outlive the machine. */
struct virtio_options {
	bool rng;
	bool console; /* the user's terminal */
	bool balloon;
	struct vsock_options vsock;
	/* How many there are; the rest of the arrays, which stand last, is not even zeros. */
	unsigned n_disks, n_net, n_p9, n_pmem, n_vhost_user;
	struct virtio_disk_options disks[VIRTIO_DISKS_MAX];
	struct net_options net[VIRTIO_NETS_MAX];
	struct p9_options p9[VIRTIO_9P_MAX];
	struct pmem_options pmem[VIRTIO_PMEM_MAX];
	struct vhost_user_options vhost_user[VHOST_USER_MAX];
};

/* Pure: what is behind an option. 0, or -errno: -EINVAL, or -E2BIG where there are enough. */
int virtio_parse_transport(const char *text, bool *mmio, struct error *err);
/* text is cut into its words; the path is where it was. */
int virtio_parse_disk(char *text, struct virtio_disk_options *opt, struct error *err);
int virtio_parse_vsock(const char *text, struct vsock_options *opt, struct error *err);
int virtio_parse_vhost_user(const char *text, struct vhost_user_options *opt, struct error *err);
/* These two add to what was given before. */
int virtio_parse_9p(const char *text, struct virtio_options *opt, struct error *err);
int virtio_parse_pmem(const char *text, struct virtio_options *opt, struct error *err);

/* ---- the devices of a machine ---------------------------------------------------------------- */

struct virtio_device;
struct vhost_user_session;

/* All the virtio devices of a machine. */
struct virtio {
	struct vm *vm;
	struct pci_bus *bus;
	bool by_hypercall; /* guests ask for their interrupts (see struct pci_msix); before
			      virtio_open() */
	const char *name;  /* the machine's; before virtio_open() */
	bool mmio;	   /* all devices are over MMIO, none over PCI; before virtio_open() */
	int console_out;   /* what the console writes to; the caller's, it outlives the devices */
	const struct virtio_options *options;
	struct virtio_device *devices; /* in the order in which they were made */
	/* Connections to vhost-user back ends, one for each option, which outlive a reboot. */
	struct vhost_user_session *kept;
};

/* Do other processes have to map guest memory? */
bool virtio_shares_memory(const struct virtio_options *opt);
/* How many files the devices keep open, at most. */
unsigned virtio_files(const struct virtio_options *opt);
/*
 * Make all devices and put them behind their transport: on the bus, before it is started. On error
 * those that were made are there, for virtio_close().
 */
int virtio_open(struct virtio *v, struct vm *vm, struct pci_bus *bus,
		const struct virtio_options *opt, struct error *err);
/* How many devices are over MMIO. */
unsigned virtio_mmio_count(const struct virtio *v);
/* Put the n-th of them at its place: a page of registers, guest-physical, and a board GSI. */
int virtio_place(struct virtio *v, unsigned n, struct range registers, unsigned gsi,
		 struct error *err);
/* The vCPU threads have ended. Ends what is on its way, flushes, gives everything back. */
void virtio_close(struct virtio *v);
/*
 * Ask the guest to do without so many bytes of its memory, or to have them again. It does that when
 * it likes: virtio_stat() tells how far it is. -ENODEV: there is no balloon. Any thread.
 */
int virtio_balloon_resize(struct virtio *v, uint64_t bytes, struct error *err);
/* Tell the guest how large its n-th disk (-d), from 0 on, has become. Any thread. */
int virtio_blk_resize(struct virtio *v, unsigned n, struct error *err);
/* No other boot follows: end what was kept for it. */
void virtio_forget(struct virtio *v);
/* State and counters of all devices, an array in an open object. Any thread. */
void virtio_stat(struct virtio *v, struct json *j);

#endif
