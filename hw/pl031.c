/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * ARM PrimeCell real time clock, PL031 (ARM DDI 0224): seconds since 1970 in one register, an alarm
 * in another. The guest may set the clock: then it runs at an offset from the host's.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "hw.h"

#define RTC_DR	 0x000 /* now */
#define RTC_MR	 0x004 /* match: the alarm */
#define RTC_LR	 0x008 /* load: set the clock */
#define RTC_CR	 0x00c
#define RTC_IMSC 0x010
#define RTC_RIS	 0x014
#define RTC_MIS	 0x018
#define RTC_ICR	 0x01c
#define RTC_ID	 0xfe0 /* eight registers, a byte in each */

/* PeriphID0 to 3, PCellID0 to 3: 3.3.9 and 3.3.10. */
static const uint8_t ids[] = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

/* Not time(): it lags behind the timer, and an alarm would ring before its second. */
static time_t host_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

static uint32_t now(const struct pl031 *r)
{
	return (uint32_t)host_seconds() + r->offset;
}

static void update_line(struct pl031 *r)
{
	bool line = r->raised && r->enabled;

	if (line != r->line)
		irq_line(&r->vm->irqs, r->gsi, line);
	r->line = line;
}

/* The alarm rings when the clock reaches it, heard or not: a match in the past does not. */
static void arm_timer(struct pl031 *r)
{
	uint32_t wait = r->match - now(r);

	loop_timer_set_time(&r->timer, wait > INT32_MAX ? 0 : host_seconds() + wait);
}

static void rings(struct loop_source *src, uint32_t events)
{
	struct pl031 *r = src->opaque;

	(void)events;
	pthread_mutex_lock(&r->lock);
	if (loop_timer_ended(&r->timer)) {
		r->raised = true;
		update_line(r);
	}
	pthread_mutex_unlock(&r->lock);
}

static uint32_t read_register(const struct pl031 *r, uint64_t offset)
{
	if (offset >= RTC_ID)
		return ids[(offset - RTC_ID) / 4];
	switch (offset) {
	case RTC_DR:
		return now(r);
	case RTC_MR:
		return r->match;
	case RTC_LR:
		return r->load;
	case RTC_CR:
		return 1; /* runs, and can't be stopped */
	case RTC_IMSC:
		return r->enabled;
	case RTC_RIS:
		return r->raised;
	case RTC_MIS:
		return r->raised && r->enabled;
	default:
		return 0;
	}
}

/* Registers are words; a narrower or a wider read gets the bytes that are there. */
static uint64_t pl031_read(void *opaque, uint64_t offset, unsigned size)
{
	struct pl031 *r = opaque;
	uint32_t value;

	(void)size;
	pthread_mutex_lock(&r->lock);
	value = read_register(r, offset & ~3ULL);
	pthread_mutex_unlock(&r->lock);
	return value >> (8 * (offset & 3));
}

static void write_register(struct pl031 *r, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case RTC_MR:
		r->match = value;
		arm_timer(r);
		break;
	case RTC_LR:
		r->load = value;
		r->offset = value - (uint32_t)host_seconds();
		arm_timer(r);
		break;
	case RTC_IMSC:
		r->enabled = value & 1;
		break;
	case RTC_ICR:
		r->raised &= !(value & 1);
		break;
	default:
		return; /* DR, RIS, MIS and the IDs are read-only */
	}
	update_line(r);
}

static void pl031_write(void *opaque, uint64_t offset, unsigned size, uint64_t value)
{
	struct pl031 *r = opaque;

	if (size < 4 || offset % 4)
		return;
	pthread_mutex_lock(&r->lock);
	write_register(r, offset, (uint32_t)value);
	pthread_mutex_unlock(&r->lock);
}

static const struct region_ops pl031_ops = {pl031_read, pl031_write};

int pl031_init(struct pl031 *r, struct vm *vm, uint64_t base, unsigned gsi, struct error *err)
{
	int ret;

	*r = (struct pl031){.vm = vm,
			    .gsi = gsi,
			    .lock = PTHREAD_MUTEX_INITIALIZER,
			    .region = {.name = "rtc",
				       .base = base,
				       .size = 0x1000,
				       .priority = PRIORITY_PLATFORM,
				       .ops = &pl031_ops}};
	ret = loop_timer_open(&r->timer, &vm->loop, CLOCK_REALTIME, rings, r);
	if (ret)
		return fail(err, -ret, "rtc: no timer: %s", strerror(-ret));
	r->region.opaque = r;
	space_add(&vm->mmio, &r->region);
	return 0;
}

void pl031_destroy(struct pl031 *r)
{
	space_remove(&r->vm->mmio, &r->region);
	loop_timer_close(&r->timer);
	pthread_mutex_destroy(&r->lock);
}
