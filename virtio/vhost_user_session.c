/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What is asked of a vhost-user back end, and in which order. Where it can acknowledge, it has to
 * (REPLY_ACK): what it refuses is known, and by whom.
 */
#include "vhost_user.h"

#include <errno.h>
#include <string.h>

/* A guest's CPU, or the event loop, waits for that long at most. */
#define PATIENCE (5 * NS_PER_S)

void vhost_user_begin(struct vhost_user_session *s)
{
	s->deadline = now_ns() + PATIENCE;
}

static int explain(struct vhost_user_session *s, uint32_t request, int ret, const char *why)
{
	if (ret == -ETIMEDOUT)
		why = "no answer";
	else if (ret == -ECONNRESET || ret == -EPIPE)
		why = "it has closed the connection";
	snprintf(s->why, sizeof(s->why), "%s: %s", vhost_user_name(request),
		 why ? why : strerror(-ret));
	return ret;
}

/* Send, and have the reply, which the caller gets with its descriptors. */
static int ask(struct vhost_user_session *s, const struct vhost_user_message *m,
	       struct vhost_user_message *reply)
{
	const char *why = NULL;
	int ret = vhost_user_send(s->fd, m, s->deadline);

	if (!ret)
		ret = vhost_user_receive(s->fd, reply, &m->header, s->deadline, &why);
	if (!ret && (why = vhost_user_check_reply(m, reply))) {
		vhost_user_close_fds(reply);
		ret = -EPROTO;
	}
	return ret ? explain(s, m->header.request, ret, why) : 0;
}

static int tell(struct vhost_user_session *s, struct vhost_user_message m)
{
	struct vhost_user_message reply;
	int ret;

	if (!vhost_user_has(s, VHOST_USER_PROTOCOL_F_REPLY_ACK)) {
		ret = vhost_user_send(s->fd, &m, s->deadline);
		return ret ? explain(s, m.header.request, ret, NULL) : 0;
	}
	m.header.flags |= VHOST_USER_NEED_REPLY;
	ret = ask(s, &m, &reply);
	if (!ret && reply.payload.u64)
		return explain(s, m.header.request, -EREMOTEIO, "the back end refuses it");
	return ret;
}

static int get(struct vhost_user_session *s, uint32_t request, uint64_t *value)
{
	struct vhost_user_message m = vhost_user_empty(request), reply;
	int ret = ask(s, &m, &reply);

	*value = ret ? 0 : reply.payload.u64;
	return ret;
}

/* ---- the two ends ------------------------------------------------------------------------------
 */

static int agree(struct vhost_user_session *s)
{
	uint64_t theirs;
	int ret = get(s, VHOST_USER_GET_PROTOCOL_FEATURES, &theirs);

	if (ret)
		return ret;
	theirs = vhost_user_protocol(theirs);
	ret = tell(s, vhost_user_u64(VHOST_USER_SET_PROTOCOL_FEATURES, theirs));
	s->offer.protocol = theirs;
	if (!ret && vhost_user_has(s, VHOST_USER_PROTOCOL_F_MQ))
		ret = get(s, VHOST_USER_GET_QUEUE_NUM, &s->offer.queues);
	if (!ret && vhost_user_has(s, VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS))
		ret = get(s, VHOST_USER_GET_MAX_MEM_SLOTS, &s->slots);
	return ret;
}

int vhost_user_negotiate(struct vhost_user_session *s)
{
	int ret;

	s->offer = (struct vhost_user_offer){0};
	ret = get(s, VHOST_USER_GET_FEATURES, &s->offer.features);
	if (!ret && (s->offer.features >> VHOST_USER_F_PROTOCOL_FEATURES & 1))
		ret = agree(s);
	if (ret || s->owned)
		return ret;
	s->owned = true;
	return tell(s, vhost_user_empty(VHOST_USER_SET_OWNER));
}

int vhost_user_give_channel(struct vhost_user_session *s, int fd)
{
	struct vhost_user_message m = vhost_user_empty(VHOST_USER_SET_BACKEND_REQ_FD);

	m.fds[m.n_fds++] = fd;
	return tell(s, m);
}

int vhost_user_accept(struct vhost_user_session *s, uint64_t features)
{
	return tell(s, vhost_user_u64(VHOST_USER_SET_FEATURES, features));
}

/* ---- memory ------------------------------------------------------------------------------------
 */

static int each_bank(struct vhost_user_session *s, uint32_t request,
		     const struct guest_memory *memory)
{
	unsigned i;
	int ret = 0;

	for (i = 0; i < memory->n && !ret; i++)
		ret = tell(s, vhost_user_slot(request, memory, i));
	return ret;
}

int vhost_user_share(struct vhost_user_session *s, const struct guest_memory *memory)
{
	bool by_slots = vhost_user_has(s, VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS);
	uint64_t most = by_slots ? s->slots : VHOST_USER_REGIONS;
	int ret;

	if (s->shared)
		return 0;
	if (memory->n > most) {
		snprintf(s->why, sizeof(s->why),
			 "guest memory has %u pieces, and the back end takes %llu", memory->n,
			 (unsigned long long)most);
		return -EREMOTEIO;
	}
	ret = by_slots ? each_bank(s, VHOST_USER_ADD_MEM_REG, memory)
		       : tell(s, vhost_user_table(memory));
	s->shared = !ret;
	return ret;
}

int vhost_user_unshare(struct vhost_user_session *s, const struct guest_memory *memory)
{
	int ret = 0;

	/* A table is replaced by the next one. */
	if (s->shared && vhost_user_has(s, VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS))
		ret = each_bank(s, VHOST_USER_REM_MEM_REG, memory);
	s->shared = false;
	return ret;
}

/* ---- rings -------------------------------------------------------------------------------------
 */

static int enable_ring(struct vhost_user_session *s, uint32_t index, bool on)
{
	/* Without protocol features a ring is enabled from the start. */
	if (!(s->offer.features >> VHOST_USER_F_PROTOCOL_FEATURES & 1))
		return 0;
	return tell(s, vhost_user_state(VHOST_USER_SET_VRING_ENABLE, index, on));
}

/* A ring starts with its kick descriptor: all but ENABLE comes before. */
int vhost_user_start_ring(struct vhost_user_session *s, uint32_t index, const struct virtq *q,
			  uint32_t base, int kick, int call)
{
	int ret = tell(s, vhost_user_state(VHOST_USER_SET_VRING_NUM, index, q->size));

	if (!ret)
		ret = tell(s, vhost_user_addresses(index, q));
	if (!ret)
		ret = tell(s, vhost_user_state(VHOST_USER_SET_VRING_BASE, index, base));
	if (!ret)
		ret = vhost_user_set_call(s, index, call);
	if (!ret)
		ret = tell(s, vhost_user_ring_fd(VHOST_USER_SET_VRING_KICK, index, kick));
	return ret ?: enable_ring(s, index, true);
}

int vhost_user_stop_ring(struct vhost_user_session *s, uint32_t index)
{
	struct vhost_user_message m = vhost_user_state(VHOST_USER_GET_VRING_BASE, index, 0), reply;
	int ret = enable_ring(s, index, false);

	/* The base is not needed: a ring that stops is one that the driver resets. */
	return ret ?: ask(s, &m, &reply);
}

int vhost_user_set_call(struct vhost_user_session *s, uint32_t index, int call)
{
	return tell(s, vhost_user_ring_fd(VHOST_USER_SET_VRING_CALL, index, call));
}

/* ---- configuration -----------------------------------------------------------------------------
 */

int vhost_user_get_config(struct vhost_user_session *s, void *bytes, uint32_t n)
{
	struct vhost_user_message m = vhost_user_config(VHOST_USER_GET_CONFIG, 0, NULL, n), reply;
	int ret = ask(s, &m, &reply);

	if (ret)
		return ret;
	if (!reply.header.size) {
		snprintf(s->why, sizeof(s->why), "GET_CONFIG: it has no configuration of %u bytes",
			 n);
		return -EREMOTEIO;
	}
	memcpy(bytes, reply.payload.config.bytes, n);
	return 0;
}

int vhost_user_set_config(struct vhost_user_session *s, uint32_t offset, const void *bytes,
			  uint32_t n)
{
	return tell(s, vhost_user_config(VHOST_USER_SET_CONFIG, offset, bytes, n));
}

/* ---- requests on their way ---------------------------------------------------------------------
 */

int vhost_user_get_inflight(struct vhost_user_session *s, struct vhost_user_inflight *i, int *fd)
{
	struct vhost_user_message m = vhost_user_inflight(VHOST_USER_GET_INFLIGHT_FD, i, -1), reply;
	int ret = ask(s, &m, &reply);

	if (ret)
		return ret;
	i->mmap_size = reply.payload.inflight.mmap_size;
	i->mmap_offset = reply.payload.inflight.mmap_offset;
	*fd = reply.fds[0];
	return 0;
}

int vhost_user_set_inflight(struct vhost_user_session *s, const struct vhost_user_inflight *i,
			    int fd)
{
	return tell(s, vhost_user_inflight(VHOST_USER_SET_INFLIGHT_FD, i, fd));
}
