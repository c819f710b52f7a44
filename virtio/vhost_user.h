/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Between the parts of the vhost-user front end (QEMU's "Vhost-user Protocol", version 1): a
 * process beside us, the back end, serves the rings of a device in guest memory that it shares.
 * Messages and what is decided from them are pure (vhost_user_message.c, vhost_user_types.c); the
 * socket is in vhost_user_socket.c, the requests in vhost_user_session.c, the device in
 * vhost_user.c.
 *
 * The back end is another's process and may be hostile: a reply is checked before it is used, no
 * wait is without an end, and a descriptor that was not asked for is closed.
 */
#ifndef CARILLON_VIRTIO_VHOST_USER_H
#define CARILLON_VIRTIO_VHOST_USER_H

#include "queue.h"
#include "virtio.h"

/* ---- messages; numbers are in the byte order of the host ------------------------------------- */

enum vhost_user_request {
	VHOST_USER_GET_FEATURES = 1,
	VHOST_USER_SET_FEATURES = 2,
	VHOST_USER_SET_OWNER = 3,
	VHOST_USER_SET_MEM_TABLE = 5,
	VHOST_USER_SET_VRING_NUM = 8,
	VHOST_USER_SET_VRING_ADDR = 9,
	VHOST_USER_SET_VRING_BASE = 10,
	VHOST_USER_GET_VRING_BASE = 11,
	VHOST_USER_SET_VRING_KICK = 12,
	VHOST_USER_SET_VRING_CALL = 13,
	VHOST_USER_GET_PROTOCOL_FEATURES = 15,
	VHOST_USER_SET_PROTOCOL_FEATURES = 16,
	VHOST_USER_GET_QUEUE_NUM = 17,
	VHOST_USER_SET_VRING_ENABLE = 18,
	VHOST_USER_SET_BACKEND_REQ_FD = 21,
	VHOST_USER_GET_CONFIG = 24,
	VHOST_USER_SET_CONFIG = 25,
	VHOST_USER_GET_INFLIGHT_FD = 31,
	VHOST_USER_SET_INFLIGHT_FD = 32,
	VHOST_USER_GET_MAX_MEM_SLOTS = 36,
	VHOST_USER_ADD_MEM_REG = 37,
	VHOST_USER_REM_MEM_REG = 38,
};

/* What a back end asks of us, on the channel of SET_BACKEND_REQ_FD. */
#define VHOST_USER_BACKEND_CONFIG_CHANGE 2

/* A feature bit that is not the driver's: the two ends agree on how they talk. */
#define VHOST_USER_F_PROTOCOL_FEATURES 30

enum vhost_user_protocol_feature {
	VHOST_USER_PROTOCOL_F_MQ = 0,
	VHOST_USER_PROTOCOL_F_REPLY_ACK = 3,
	VHOST_USER_PROTOCOL_F_BACKEND_REQ = 5,
	VHOST_USER_PROTOCOL_F_CONFIG = 9,
	VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD = 12,
	VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS = 15,
};

#define VHOST_USER_VERSION	1u
#define VHOST_USER_VERSION_MASK 3u
#define VHOST_USER_REPLY	(1u << 2)
#define VHOST_USER_NEED_REPLY	(1u << 3)
/* In the number of a ring whose descriptor is none. */
#define VHOST_USER_NO_FD (1u << 8)

#define VHOST_USER_REGIONS 8   /* of SET_MEM_TABLE */
#define VHOST_USER_CONFIG  256 /* bytes of configuration in a message */
#define VHOST_USER_FDS	   32  /* that may come with one */

struct vhost_user_header {
	uint32_t request, flags;
	uint32_t size; /* of the payload, bytes */
};

/* Guest memory: address is ours, by which rings are named; offset is in the descriptor. */
struct vhost_user_region {
	uint64_t gpa, size, address, offset;
};

union vhost_user_payload {
	uint64_t u64;
	struct {
		uint32_t index, num;
	} state;
	struct {
		uint32_t index, flags;
		uint64_t desc, used, avail, log;
	} address;
	struct {
		uint32_t n, padding;
		struct vhost_user_region regions[VHOST_USER_REGIONS];
	} table;
	struct {
		uint64_t padding;
		struct vhost_user_region region;
	} slot;
	struct {
		uint32_t offset, size, flags;
		uint8_t bytes[VHOST_USER_CONFIG];
	} config;
	struct vhost_user_inflight {
		uint64_t mmap_size, mmap_offset;
		uint16_t n_queues, queue_size;
	} inflight;
};

struct vhost_user_message {
	struct vhost_user_header header;
	union vhost_user_payload payload;
	int fds[VHOST_USER_REGIONS]; /* sent: the caller's; received: to be closed */
	unsigned n_fds;
};

/* For messages to people: "SET_VRING_CALL". */
const char *vhost_user_name(uint32_t request);
struct vhost_user_message vhost_user_empty(uint32_t request);
struct vhost_user_message vhost_user_u64(uint32_t request, uint64_t value);
struct vhost_user_message vhost_user_state(uint32_t request, uint32_t index, uint32_t num);
/* KICK or CALL of a ring; fd -1: none. */
struct vhost_user_message vhost_user_ring_fd(uint32_t request, uint32_t index, int fd);
struct vhost_user_message vhost_user_addresses(uint32_t index, const struct virtq *q);
/* All banks, at most VHOST_USER_REGIONS; or one, to add or remove. */
struct vhost_user_message vhost_user_table(const struct guest_memory *memory);
struct vhost_user_message vhost_user_slot(uint32_t request, const struct guest_memory *memory,
					  unsigned bank);
/* n at most VHOST_USER_CONFIG; bytes NULL: zeros. */
struct vhost_user_message vhost_user_config(uint32_t request, uint32_t offset, const void *bytes,
					    uint32_t n);
/* fd -1: to ask for one. */
struct vhost_user_message vhost_user_inflight(uint32_t request, const struct vhost_user_inflight *i,
					      int fd);
/* Does this request have an answer of its own? Else one is had only by NEED_REPLY. */
bool vhost_user_answers(uint32_t request);
/* What is wrong with the header of a reply, before the payload is read; NULL: nothing. */
const char *vhost_user_check_header(const struct vhost_user_header *sent,
				    const struct vhost_user_header *reply);
/* The same for a request of the back end's own. */
const char *vhost_user_check_request(const struct vhost_user_header *asked);
/* And with the rest; what the reply to a request without its own answer says is not looked at. */
const char *vhost_user_check_reply(const struct vhost_user_message *sent,
				   const struct vhost_user_message *reply);

/* ---- types of devices: what is decided, once the back end has said what it is -----------------
 */

#define VHOST_USER_QUEUE_SIZE 256

struct vhost_user_type {
	const char *name;
	unsigned id;
	uint64_t withheld; /* features that need more than a back end */
	unsigned before;   /* queues in front of those that queues= counts */
	unsigned ours;	   /* queues at the end that a back end knows nothing of */
	unsigned queues;   /* as many, and no choice; 0: queues= */
	unsigned config_size;
	bool config_is_ours; /* the configuration is made here */
	bool reorders;	     /* requests may end in another order than they began */
};

/* What a back end has said of itself. */
struct vhost_user_offer {
	uint64_t features, protocol; /* protocol: those that both know */
	uint64_t queues;	     /* at most; only with MQ */
};

/* What becomes of it. */
struct vhost_user_shape {
	const struct vhost_user_type *type;
	uint64_t features;	     /* for the driver */
	unsigned n_queues, n_served; /* all; those of the back end, which come first */
	unsigned config_size;
	bool config_from_backend;
};

/* The type of this name, NULL; the one of devices known by their numbers. */
const struct vhost_user_type *vhost_user_find_type(const char *name);
extern const struct vhost_user_type vhost_user_generic;
/* Of the protocol features that a back end offers, those that are used. */
uint64_t vhost_user_protocol(uint64_t offered);
/* -ENOTSUP names what the back end lacks. */
int vhost_user_plan(const struct vhost_user_options *opt, const struct vhost_user_offer *offer,
		    struct vhost_user_shape *shape, struct error *err);
/* The features to tell the back end of, when the driver has accepted these. */
uint64_t vhost_user_tell(const struct vhost_user_offer *offer, uint64_t accepted);
/* The configuration, as far as it is ours; the rest is left as the back end gave it. */
void vhost_user_make_config(const struct vhost_user_options *opt,
			    const struct vhost_user_shape *shape, uint8_t *config);
/*
 * Where a back end that comes anew takes a ring up, of which the old one can't be asked any more:
 * behind what it has given back. `waiting`: how many requests were not. -ENOTSUP: a packed ring
 * does not say.
 */
int vhost_user_resume(const struct virtq *q, uint32_t *base, unsigned *waiting);

/* ---- the socket --------------------------------------------------------------------------------
 */

/* A socket, or -errno. Never waits. */
int vhost_user_connect(const char *path);
/* 0, or -errno: -ETIMEDOUT when now_ns() is later than `deadline`. */
int vhost_user_send(int fd, const struct vhost_user_message *m, uint64_t deadline);
/*
 * The reply to what was sent; NULL: a request of the back end's own. Headers are checked, -EPROTO:
 * *why says what is wrong with one. -ECONNRESET: the other end has closed.
 */
int vhost_user_receive(int fd, struct vhost_user_message *m, const struct vhost_user_header *sent,
		       uint64_t deadline, const char **why);
void vhost_user_close_fds(struct vhost_user_message *m);

/* ---- the session: one connection to a back end -------------------------------------------------
 */

struct vhost_user_session {
	int fd; /* -1: there is none */
	uint64_t deadline;
	struct vhost_user_offer offer;
	uint64_t slots;	    /* for memory, with CONFIGURE_MEM_SLOTS */
	bool owned, shared; /* SET_OWNER was sent; so was memory */
	char why[160];	    /* what went wrong last */
};

/*
 * All of these return 0; -EREMOTEIO: the back end refuses; or another -errno: the connection is of
 * no more use. session->why says more. None takes longer, with those after it, than what
 * vhost_user_begin() has set.
 */
void vhost_user_begin(struct vhost_user_session *s);
/* What both ends can do: fills in the offer. */
int vhost_user_negotiate(struct vhost_user_session *s);
/* The channel for the back end's own requests. */
int vhost_user_give_channel(struct vhost_user_session *s, int fd);
int vhost_user_accept(struct vhost_user_session *s, uint64_t features);
/* Give it guest memory, and take it back, where that can be. */
int vhost_user_share(struct vhost_user_session *s, const struct guest_memory *memory);
int vhost_user_unshare(struct vhost_user_session *s, const struct guest_memory *memory);
int vhost_user_start_ring(struct vhost_user_session *s, uint32_t index, const struct virtq *q,
			  uint32_t base, int kick, int call);
/* When it returns 0, the back end has let go of the ring. */
int vhost_user_stop_ring(struct vhost_user_session *s, uint32_t index);
int vhost_user_set_call(struct vhost_user_session *s, uint32_t index, int call);
int vhost_user_get_config(struct vhost_user_session *s, void *bytes, uint32_t n);
int vhost_user_set_config(struct vhost_user_session *s, uint32_t offset, const void *bytes,
			  uint32_t n);
/*
 * Where the back end notes which requests are on their way, so that its successor can go on with
 * them. *fd -1: ask for it; the caller closes it. Then, before rings start: this is it.
 */
int vhost_user_get_inflight(struct vhost_user_session *s, struct vhost_user_inflight *i, int *fd);
int vhost_user_set_inflight(struct vhost_user_session *s, const struct vhost_user_inflight *i,
			    int fd);

static inline bool vhost_user_has(const struct vhost_user_session *s, unsigned feature)
{
	return s->offer.protocol >> feature & 1;
}

#endif
