/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* vhost-user messages: made, and checked when they are replies. Pure. */
#include "vhost_user.h"

#include <string.h>

static const char *const names[] = {
	[VHOST_USER_GET_FEATURES] = "GET_FEATURES",
	[VHOST_USER_SET_FEATURES] = "SET_FEATURES",
	[VHOST_USER_SET_OWNER] = "SET_OWNER",
	[VHOST_USER_SET_MEM_TABLE] = "SET_MEM_TABLE",
	[VHOST_USER_SET_VRING_NUM] = "SET_VRING_NUM",
	[VHOST_USER_SET_VRING_ADDR] = "SET_VRING_ADDR",
	[VHOST_USER_SET_VRING_BASE] = "SET_VRING_BASE",
	[VHOST_USER_GET_VRING_BASE] = "GET_VRING_BASE",
	[VHOST_USER_SET_VRING_KICK] = "SET_VRING_KICK",
	[VHOST_USER_SET_VRING_CALL] = "SET_VRING_CALL",
	[VHOST_USER_GET_PROTOCOL_FEATURES] = "GET_PROTOCOL_FEATURES",
	[VHOST_USER_SET_PROTOCOL_FEATURES] = "SET_PROTOCOL_FEATURES",
	[VHOST_USER_GET_QUEUE_NUM] = "GET_QUEUE_NUM",
	[VHOST_USER_SET_VRING_ENABLE] = "SET_VRING_ENABLE",
	[VHOST_USER_SET_BACKEND_REQ_FD] = "SET_BACKEND_REQ_FD",
	[VHOST_USER_GET_CONFIG] = "GET_CONFIG",
	[VHOST_USER_SET_CONFIG] = "SET_CONFIG",
	[VHOST_USER_GET_INFLIGHT_FD] = "GET_INFLIGHT_FD",
	[VHOST_USER_SET_INFLIGHT_FD] = "SET_INFLIGHT_FD",
	[VHOST_USER_GET_MAX_MEM_SLOTS] = "GET_MAX_MEM_SLOTS",
	[VHOST_USER_ADD_MEM_REG] = "ADD_MEM_REG",
	[VHOST_USER_REM_MEM_REG] = "REM_MEM_REG",
};

const char *vhost_user_name(uint32_t request)
{
	return request < ARRAY_SIZE(names) && names[request] ? names[request] : "unknown request";
}

static struct vhost_user_message message(uint32_t request, size_t size)
{
	return (struct vhost_user_message){.header = {request, VHOST_USER_VERSION, (uint32_t)size}};
}

static void attach(struct vhost_user_message *m, int fd)
{
	if (fd >= 0)
		m->fds[m->n_fds++] = fd;
}

struct vhost_user_message vhost_user_empty(uint32_t request)
{
	return message(request, 0);
}

struct vhost_user_message vhost_user_u64(uint32_t request, uint64_t value)
{
	struct vhost_user_message m = message(request, sizeof(m.payload.u64));

	m.payload.u64 = value;
	return m;
}

struct vhost_user_message vhost_user_state(uint32_t request, uint32_t index, uint32_t num)
{
	struct vhost_user_message m = message(request, sizeof(m.payload.state));

	m.payload.state.index = index;
	m.payload.state.num = num;
	return m;
}

struct vhost_user_message vhost_user_ring_fd(uint32_t request, uint32_t index, int fd)
{
	struct vhost_user_message m = vhost_user_u64(request, index);

	if (fd < 0)
		m.payload.u64 |= VHOST_USER_NO_FD;
	attach(&m, fd);
	return m;
}

struct vhost_user_message vhost_user_addresses(uint32_t index, const struct virtq *q)
{
	struct vhost_user_message m = message(VHOST_USER_SET_VRING_ADDR, sizeof(m.payload.address));

	m.payload.address.index = index;
	m.payload.address.desc = (uintptr_t)q->desc_ring;
	m.payload.address.used = (uintptr_t)q->device_area;
	m.payload.address.avail = (uintptr_t)q->driver_area;
	return m;
}

static struct vhost_user_region region_of(const struct ram_bank *b)
{
	return (struct vhost_user_region){b->gpa, b->size, (uintptr_t)b->host, b->fd_offset};
}

struct vhost_user_message vhost_user_table(const struct guest_memory *memory)
{
	struct vhost_user_message m =
		message(VHOST_USER_SET_MEM_TABLE, 8 + memory->n * sizeof(struct vhost_user_region));
	unsigned i;

	m.payload.table.n = memory->n;
	for (i = 0; i < memory->n; i++) {
		m.payload.table.regions[i] = region_of(&memory->banks[i]);
		attach(&m, memory->fd);
	}
	return m;
}

struct vhost_user_message vhost_user_slot(uint32_t request, const struct guest_memory *memory,
					  unsigned bank)
{
	struct vhost_user_message m = message(request, sizeof(m.payload.slot));

	m.payload.slot.region = region_of(&memory->banks[bank]);
	if (request == VHOST_USER_ADD_MEM_REG)
		attach(&m, memory->fd);
	return m;
}

struct vhost_user_message vhost_user_config(uint32_t request, uint32_t offset, const void *bytes,
					    uint32_t n)
{
	struct vhost_user_message m =
		message(request, offsetof(union vhost_user_payload, config.bytes) + n);

	m.payload.config.offset = offset;
	m.payload.config.size = n;
	if (bytes)
		memcpy(m.payload.config.bytes, bytes, n);
	return m;
}

/* As long as the C structure, its padding with it: there are back ends that take no other. */
struct vhost_user_message vhost_user_inflight(uint32_t request, const struct vhost_user_inflight *i,
					      int fd)
{
	struct vhost_user_message m = message(request, sizeof(*i));

	m.payload.inflight = *i;
	attach(&m, fd);
	return m;
}

bool vhost_user_answers(uint32_t request)
{
	switch (request) {
	case VHOST_USER_GET_FEATURES:
	case VHOST_USER_GET_PROTOCOL_FEATURES:
	case VHOST_USER_GET_QUEUE_NUM:
	case VHOST_USER_GET_MAX_MEM_SLOTS:
	case VHOST_USER_GET_VRING_BASE:
	case VHOST_USER_GET_CONFIG:
	case VHOST_USER_GET_INFLIGHT_FD:
		return true;
	default:
		return false;
	}
}

/* Between which sizes the payload of a reply to it may be. */
static bool fits(const struct vhost_user_header *sent, uint32_t size)
{
	switch (sent->request) {
	case VHOST_USER_GET_VRING_BASE:
		return size == sizeof(((union vhost_user_payload *)0)->state);
	case VHOST_USER_GET_CONFIG:
		/* Nothing: the back end has no such configuration. */
		return size == sent->size || !size;
	case VHOST_USER_GET_INFLIGHT_FD:
		/* With the padding or without. */
		return size >= 20 && size <= sizeof(struct vhost_user_inflight);
	default:
		return size == sizeof(uint64_t);
	}
}

const char *vhost_user_check_header(const struct vhost_user_header *sent,
				    const struct vhost_user_header *reply)
{
	if ((reply->flags & VHOST_USER_VERSION_MASK) != VHOST_USER_VERSION)
		return "it speaks another version of the protocol";
	if (!(reply->flags & VHOST_USER_REPLY))
		return "what it sent is no reply";
	if (reply->request != sent->request)
		return "it answers what was not asked";
	if (!fits(sent, reply->size))
		return "its reply has a wrong size";
	return NULL;
}

const char *vhost_user_check_request(const struct vhost_user_header *asked)
{
	if ((asked->flags & VHOST_USER_VERSION_MASK) != VHOST_USER_VERSION)
		return "it speaks another version of the protocol";
	if (asked->flags & VHOST_USER_REPLY)
		return "it answers what was not asked";
	return asked->size > sizeof(union vhost_user_payload) ? "its request is too long" : NULL;
}

const char *vhost_user_check_reply(const struct vhost_user_message *sent,
				   const struct vhost_user_message *reply)
{
	const union vhost_user_payload *s = &sent->payload, *r = &reply->payload;
	unsigned fds = sent->header.request == VHOST_USER_GET_INFLIGHT_FD;

	if (reply->n_fds != fds)
		return "its reply has a wrong number of descriptors";
	switch (sent->header.request) {
	case VHOST_USER_GET_VRING_BASE:
		return r->state.index != s->state.index ? "its reply is for another ring" : NULL;
	case VHOST_USER_GET_CONFIG:
		if (!reply->header.size)
			return NULL;
		return r->config.offset != s->config.offset || r->config.size != s->config.size
			       ? "its reply has another part of the configuration"
			       : NULL;
	default:
		return NULL;
	}
}
