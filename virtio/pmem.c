/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Persistent memory (5.19): a file of the host, mapped, as memory of the guest beside its RAM. What
 * the guest stores is in the page cache at once, and in the file when it asks for that: the one
 * request there is. A thread of its own waits for the disk.
 *
 * The memory is a BAR of the device. A driver finds it as shared memory region 0, or, older ones,
 * where the configuration says that it begins: the BAR's address when that is read.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/virtio_pmem.h>

#include "devices.h"

#define QUEUE_SIZE     64
#define F_SHMEM_REGION 0 /* older kernel headers don't have it */
#define RESP_OK	       0
#define RESP_EIO       1
/* Linux makes its page descriptors for so much at a time. */
#define PMEM_ALIGN (2 * MIB)

struct pmem {
	struct virtio_device device;
	struct worker worker;
	bool readonly;
	int fd; /* -1: none */
	struct virtq_chain chain;
	struct iovec iov[QUEUE_SIZE];
	_Atomic uint64_t flushes, errors;
};

static void config_read(struct virtio_device *d, unsigned offset, void *buf, unsigned n)
{
	uint64_t base = __atomic_load_n(&d->shared_memory.base, __ATOMIC_RELAXED);
	struct virtio_pmem_config config = {.start = htole64(base),
					    .size = htole64(d->shared_memory.size)};

	memcpy(buf, (const uint8_t *)&config + offset, n);
}

static uint32_t flush(struct pmem *p)
{
	atomic_fetch_add_explicit(&p->flushes, 1, memory_order_relaxed);
	/* Of a file that is not written nothing is to be kept. */
	if (p->readonly || !fsync(p->fd))
		return RESP_OK;
	if (!atomic_fetch_add_explicit(&p->errors, 1, memory_order_relaxed))
		warn("%s: %s; the guest is told", p->device.name, strerror(errno));
	return RESP_EIO;
}

static uint32_t serve(struct virtio_device *d, const struct virtq_chain *c)
{
	struct pmem *p = container_of(d, struct pmem, device);
	struct virtio_pmem_resp resp = {.ret = htole32(RESP_EIO)};
	struct virtio_pmem_req req;

	if (virtq_read(c, 0, &req, sizeof(req)) == sizeof(req) &&
	    le32toh(req.type) == VIRTIO_PMEM_REQ_TYPE_FLUSH)
		resp.ret = htole32(flush(p));
	return (uint32_t)virtq_write(c, 0, &resp, sizeof(resp));
}

static void kicked(struct virtio_device *d, unsigned q)
{
	virtio_serve(&d->queues[q], &container_of(d, struct pmem, device)->chain, serve);
}

static void show(struct virtio_device *d, struct json *j)
{
	struct pmem *p = container_of(d, struct pmem, device);

	json_number(j, "size", d->shared_memory.size);
	json_number(j, "flushes", atomic_load(&p->flushes));
	json_number(j, "flush_errors", atomic_load(&p->errors));
}

static void give_up(struct pmem *p)
{
	worker_stop(&p->worker);
	if (p->device.shared_memory_host)
		munmap(p->device.shared_memory_host, p->device.shared_memory.size);
	if (p->fd >= 0)
		close(p->fd);
}

static void destroy(struct virtio_device *d)
{
	struct pmem *p = container_of(d, struct pmem, device);

	give_up(p);
	virtio_device_release(d);
	free(p);
}

static const struct virtio_device_ops ops = {
	.config_read = config_read, .kicked = kicked, .stat = show, .destroy = destroy};

/* One machine writes a file, or several read it. The lock goes with the open file. */
static int lock(const struct pmem *p)
{
	struct flock l = {.l_type = p->readonly ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(p->fd, F_OFD_SETLK, &l) ? -errno : 0;
}

static int open_file(struct pmem *p, const char *path, struct error *err)
{
	struct stat st;

	/* A pipe would wait for its other end; what is no file is refused below. */
	p->fd = open(path, (p->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (p->fd < 0 || fstat(p->fd, &st))
		return fail(err, errno, "--pmem %s: %s%s", path, strerror(errno),
			    errno == EACCES || errno == EROFS ? "; to only read it: ,ro" : "");
	if (!S_ISREG(st.st_mode))
		return fail(err, EINVAL, "--pmem %s: no file", path);
	if (!st.st_size || (uint64_t)st.st_size % PMEM_ALIGN)
		return fail(err, EINVAL,
			    "--pmem %s: it has %lld bytes, and must have a multiple of 2M; make it "
			    "longer with: truncate -s %%2M %s",
			    path, (long long)st.st_size, path);
	if (lock(p))
		return fail(err, EBUSY, "--pmem %s: another machine has it%s", path,
			    p->readonly ? "" : ", or reads it");
	p->device.shared_memory.size = (uint64_t)st.st_size;
	return 0;
}

/* Read-only is a copy of the guest's own: a store to memory that can't be written is no error to
 * it. */
static int map_file(struct pmem *p, const char *path, struct error *err)
{
	struct virtio_device *d = &p->device;
	void *host = mmap(NULL, d->shared_memory.size, PROT_READ | PROT_WRITE,
			  p->readonly ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED, p->fd, 0);

	if (host == MAP_FAILED)
		return fail(err, errno, "--pmem %s: can't be mapped: %s", path, strerror(errno));
	madvise(host, d->shared_memory.size, MADV_DONTDUMP);
	d->shared_memory_host = host;
	return 0;
}

int virtio_pmem_create(struct virtio *v, const struct pmem_options *opt, struct virtio_device **out,
		       struct error *err)
{
	static const uint16_t sizes[] = {QUEUE_SIZE};
	const char *name = strrchr(opt->path, '/');
	struct pmem *p = calloc(1, sizeof(*p));
	struct virtio_device *d;
	int ret;

	if (!p)
		return fail(err, ENOMEM, "--pmem %s: out of memory", opt->path);
	d = &p->device;
	p->readonly = opt->readonly;
	p->chain = (struct virtq_chain){.iov = p->iov, .room = QUEUE_SIZE};
	*d = (struct virtio_device){.id = VIRTIO_ID_PMEM,
				    .ops = &ops,
				    .offered = 1ULL << F_SHMEM_REGION,
				    .loop = &p->worker.loop,
				    .config_size = sizeof(struct virtio_pmem_config)};
	snprintf(d->name, sizeof(d->name), "pmem %.48s", name ? name + 1 : opt->path);
	ret = open_file(p, opt->path, err);
	if (!ret)
		ret = map_file(p, opt->path, err);
	if (!ret)
		ret = worker_start(&p->worker, d->name, err);
	if (ret) {
		give_up(p);
		free(p);
		return ret;
	}
	*out = d;
	return virtio_device_init(d, v->vm, ARRAY_SIZE(sizes), sizes, err);
}
